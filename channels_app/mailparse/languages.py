# ruff: noqa: RUF001 (these are words of many alphabets)
"""The words by which mail programs mark what they add to a reply, in the languages we meet.

Dutch, English, German, French, Spanish, Portuguese, Italian, Polish, Danish, Norwegian, Swedish,
Finnish, Czech, Slovak, Hungarian, Romanian, Russian, Ukrainian, Bulgarian, Greek, Turkish, Hebrew,
Arabic, Chinese, Japanese, Korean, Vietnamese and some more. All are compared in lower case.
"""

from __future__ import annotations

from channels_app.mailparse.words import phrases, words

# "... wrote:" in the line above a quote.
WROTE = phrases(
    """wrote|writes|schreef|schrieb|a écrit|écrit|a ecrit|escribió|escribio|escreveu|ha scritto
    scrisse|napisał|napisała|napisał(a)|napisał/a|napisal|napísal|napsal|napsal(a)|skrev|skreiv
    kirjoitti|írta|a scris|написал|написала|написал(а)|пишет|пише|написав|написа|έγραψε|yazdı
    yazmış|כתב|כתבה|‏כתב|كتب|写道|寫道|写了|のメール|書きました|작성|썼습니다|đã viết|viết
    kirjutas|rakstīja|rašė|va escriure|escribiu|menulis|เขียนว่า|je napisao|je napisala|napisao je
    het geskryf|geschreven|napisana|pisze|napísal(a)|schrijft|schreibt|escribe|skriver|kirjoittaa
    şunları yazdı"""
)

# The labels of a copied header block, by what they hold.
FROM = phrases(
    """from|van|von|de|da|od|fra|från|lähettäjä|expediteur|expéditeur|remitente|afzender|absender
    feladó|от|від|от кого|από|kimden|gönderen|מאת|من|发件人|寄件者|寄件人|差出人|送信者|보낸 사람
    보낸사람|mittente|nadawca|odesílatel|odosielateľ|avsändare|avsender|afsender|de la|expeditor
    từ"""
)
SENT = phrases(
    """sent|date|verzonden|datum|verstuurd|gesendet|envoyé|envoyé le|envoye|date d'envoi|enviado
    enviado el|enviado em|enviada em|enviada|fecha|data|inviato|data invio|wysłano|wysłane|dato
    sendt|skickat|lähetetty|päivämäärä|päiväys|odesláno|odoslané|dátum|elküldve|küldve|trimis
    отправлено|дата|надіслано|изпратено|στάλθηκε|ημερομηνία|gönderildi|gönderme tarihi|tarih|נשלח
    תאריך|تاريخ الإرسال|أُرسلت|تاريخ|发送时间|日期|寄件日期|日時|送信日時|날짜|보낸 날짜|보낸날짜
    message du|đã gửi|ngày|gesendet am|datum verzonden"""
)
TO = phrases(
    """to|aan|an|à|a|para|do|til|till|vastaanottaja|komu|címzett|către|catre|кому|до|προς|kime|alıcı
    אל|إلى|收件人|收件者|宛先|받는 사람|받는사람|pour|destinataire|destinatario|tới|đến|per"""
)
COPY = phrases(
    """cc|copie|copie à|kopie|kopi|kopia|cópia|copia|bcc|dw|kopio|másolat|копия|копія|κοιν|bilgi
    עותק
    نسخة|抄送|副本|참조|reply-to|antwoord aan|antwort an|répondre à"""
)
SUBJECT = phrases(
    """subject|onderwerp|betreff|betreft|objet|sujet|asunto|assunto|oggetto|temat|emne|ämne|aihe
    předmět|predmet|tárgy|subiect|тема|относно|θέμα|konu|נושא|الموضوع|主题|主旨|主題|件名|제목
    chủ đề|re"""
)

# "-----Original Message-----" and what follows is the mail that was answered.
ORIGINAL = phrases(
    """original message|original appointment|reply message|oorspronkelijk bericht|origineel bericht
    ursprüngliche nachricht|original nachricht|originalnachricht|original-nachricht
    urspr. nachricht|message d'origine|message original|message d’origine|mensaje original
    mensaje de origen|mensagem original|messaggio originale|wiadomość oryginalna
    oryginalna wiadomość|wiadomość pierwotna|oprindelig besked|oprindelig meddelelse
    original besked|opprinnelig melding|original melding|opprinnelig meddelelse
    ursprungligt meddelande|originalmeddelande|alkuperäinen viesti|původní zpráva|pôvodná správa
    eredeti üzenet|mesaj original|mesajul original|исходное сообщение|оригинальное сообщение
    первоначальное сообщение|вихідне повідомлення|оригинално съобщение|αρχικό μήνυμα|özgün ileti
    orijinal mesaj|orjinal mesaj|ההודעה המקורית|הודעה מקורית|الرسالة الأصلية|رسالة أصلية|原始邮件
    原始郵件|原邮件|元のメッセージ|元のメール|원본 메시지|원본 메일|원본메일|thư gốc|tin nhắn gốc"""
)
# A forwarded mail is new to us: nothing is cut from here on.
FORWARDED = phrases(
    """forwarded message|begin forwarded message|doorgestuurd bericht|begin doorgestuurd bericht
    weitergeleitete nachricht|anfang der weitergeleiteten nachricht
    anfang der weitergeleiteten e-mail|message transféré|message transmis
    début du message transféré|début du message réexpédié|mensaje reenviado
    inicio del mensaje reenviado|mensagem encaminhada|mensagem reencaminhada
    início da mensagem reencaminhada|messaggio inoltrato|inizio messaggio inoltrato
    wiadomość przekazana|przekazana wiadomość|videresendt besked|videresendt meddelelse
    videresendt melding|vidarebefordrat meddelande|vidarebefordrat brev|välitetty viesti
    edelleenlähetetty viesti|přeposlaná zpráva|preposlaná správa|továbbított üzenet
    mesaj redirecționat|пересылаемое сообщение|переслане повідомлення|препратено съобщение
    προωθημένο μήνυμα|iletilen mesaj|הודעה מועברת|الرسالة المعاد توجيهها|رسالة معاد توجيهها
    转发邮件|轉寄郵件|转发的邮件|転送メッセージ|전달된 메시지"""
)

# "Sent from my iPhone": how such a line begins ("..." and how it ends). The first list names an
# owner and is enough with any name; the second needs one of the words below.
SENT_FROM_MY = phrases(
    """sent from my|sent from our|verstuurd vanaf mijn|verzonden vanaf mijn|verstuurd vanaf m'n
    verzonden met mijn|gesendet von meinem
    gesendet mit meinem|gesendet von meiner
    envoyé de mon|envoyée de mon|envoyé depuis mon|envoyé de ma|enviado desde mi|enviado do meu
    enviado de meu|enviado a partir do meu|enviada do meu|enviado de mi|inviato dal mio
    inviata dal mio|wysłano z mojego|wysłane z mojego|wysłane z mojej|sendt fra min|sendt fra mit
    skickat från min|skickat från mitt|lähetetty...stani|lähetetty minun|odesláno z mého
    odoslané z môjho|elküldve a...omról|trimis de pe|отправлено с моего|отправлено из моего
    відправлено з мого|надіслано з мого|изпратено от моя|στάλθηκε από το|εστάλη από το|נשלח מה
    أُرسلت من|أرسلت من|发自我的|發自我的|從我的...傳送|从我的...发送|나의...에서 보냄|đã gửi từ
    được gửi từ|gửi từ"""
)
SENT_FROM = phrases(
    """sent from|sent with|sent via|sent using|sent by|get outlook for|get yahoo mail
    download outlook|verstuurd vanaf|verstuurd vanuit|verstuurd met|verstuurd via|verzonden vanaf
    verzonden met|verzonden vanuit|verzonden via|outlook voor...downloaden|download outlook voor
    gesendet von|gesendet mit|gesendet vom|gesendet über|diese nachricht wurde...gesendet
    von meinem...gesendet|von meiner...gesendet
    holen sie sich outlook|outlook für...herunterladen|envoyé de|envoyé depuis|envoyé à partir
    envoyé via|envoyé avec|envoyée de|envoyée depuis|obtenir outlook|obtenez outlook
    télécharger outlook|téléchargez outlook|provenance :|enviado desde|enviado con
    enviado a través|obtener outlook|enviado do|enviado de|enviado a partir|enviado pelo
    enviado via|enviado com|enviada do|obter o outlook|obter outlook|baixar o outlook|inviato da
    inviato dal|inviato con|inviato tramite|ottieni outlook|scarica outlook|wysłano z|wysłane z
    wysłany z|wysłano za pomocą|pobierz outlook|pobierz aplikację outlook|uzyskaj outlook
    sendt fra|sendt via|sendt med|hent outlook|få outlook|skaff deg outlook|skickat från
    skickades från|hämta outlook|lähetetty|hanki outlook|odesláno z|odesláno ze|odoslané z
    získat outlook|získejte outlook|stáhnout outlook|elküldve|küldve|az outlook|trimis din
    trimis de la|descărcați outlook|obțineți outlook|отправлено с|отправлено из|скачать outlook
    получить outlook|надіслано з|відправлено з|отримати outlook|изпратено от|λήψη του outlook
    outlook για|...gönderildi|...から送信|...에서 보냄|...에서 전송|...を入手|发自|發自
    下载...outlook|取得...outlook|获取...outlook"""
)
SENT_BY = words(
    "iphone ipad ipod android samsung galaxy outlook mail gmail windows blackberry huawei xiaomi"
    " nokia phone telefoon telefon mobile mobiel mobil mobiltelefon tablet smartphone handy app"
    " yahoo proton gmx web.de spark typeapp tutanota tuta apple oneplus pixel motorola sony lg htc"
    " wiko oppo iphon telefono téléphone teléfono móvil telemóvel puhelin puhelimesta telefonu"
    " phone’dan телефона iphone'umdan iphoneから送信 ios windowsphone bluemail aquamail canary"
    " airmail thunderbird e-mail posta webmail device toestel gerät appareil dispositivo enhet"
)

# A line that is nothing but a greeting at the end.
SIGN_OFF = phrases(
    """regards|best regards|kind regards|kindest regards|warm regards|warmest regards
    with kind regards|with best regards|many regards|best wishes|with best wishes|sincerely
    yours sincerely|sincerely yours|yours faithfully|yours truly|rgds|brgds|br|respectfully|groet
    groeten|groetjes|vriendelijke groet|vriendelijke groeten|met vriendelijke groet
    met vriendelijke groeten|hartelijke groet|hartelijke groeten|met hartelijke groet|mvg
    hoogachtend|mit freundlichen grüßen|mit freundlichen grüssen|mit freundlichem gruß
    mit freundlichem gruss|freundliche grüße|freundliche grüsse|viele grüße|viele grüsse
    beste grüße|liebe grüße|schöne grüße|herzliche grüße|mfg|gruß|grüße|hochachtungsvoll
    cordialement|bien cordialement|très cordialement|sincères salutations|meilleures salutations
    bien à vous|salutations|saludos|un saludo|saludos cordiales|un cordial saludo|atentamente|atte
    cumprimentos|com os melhores cumprimentos|melhores cumprimentos|atenciosamente|att
    cordiali saluti|distinti saluti|un cordiale saluto|saluti|pozdrawiam|z poważaniem
    serdecznie pozdrawiam|med venlig hilsen|venlig hilsen|mvh|med vennlig hilsen|vennlig hilsen
    hilsen|med vänlig hälsning|med vänliga hälsningar|vänliga hälsningar|vänlig hälsning
    hälsningar|ystävällisin terveisin|terveisin|s pozdravem|s pozdravom|s úctou|üdvözlettel
    tisztelettel|cu stimă|cu respect|с уважением|с наилучшими пожеланиями|з повагою|с уважение
    με εκτίμηση|saygılarımla|iyi çalışmalar|בברכה|مع التحية|此致|祝好|よろしくお願いします|敬具
    감사합니다|trân trọng"""
)

# Month names, so that "Dec 9" and "9 december" count as dates (their first three letters do).
MONTHS = words(
    "jan feb mar apr may jun jul aug sep oct nov dec mrt maa mei okt mär mai dez fév fev avr juin"
    " juil aoû aou déc ene abr ago set out dic gen mag giu lug ott sty lut kwi maj cze lip sie wrz"
    " paź lis gru tam hel huh tou kes hei elo syy lok mar jou янв фев мар апр май мая июн июл авг"
    " сен окт ноя дек oca şub nis haz tem ağu eyl eki kas ara led úno bře dub kvě čvn čvc srp zář"
    " říj lis pro"
)
