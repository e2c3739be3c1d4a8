# ruff: noqa: RUF001 (these are lines of many alphabets)
"""What is new in a reply: each mark of a mail program, and each thing that only looks like one."""

from __future__ import annotations

import pytest

from channels_app.mailparse.replies import html_reply, reply_text
from tests.mailparse.pace import grows_evenly, within

NEW = "Thank you, the blue one please.\nCan I collect it on Friday?"

ATTRIBUTIONS = [
    # English
    "On Mon, Dec 5, 2016 at 5:00 PM Jan Demo <jan@shop.example> wrote:",
    "On Monday, December 5, 2016, Jan Demo <jan@shop.example> wrote:",
    "On 5 Dec 2016, at 17:00, Jan Demo <jan@shop.example> wrote:",
    "On 12/5/16 17:00, Jan Demo wrote:",
    "On Dec 5, 2016, at 5:00 PM, Jan Demo\n<jan@shop.example> wrote:",
    "---- On Mon, 05 Dec 2016 17:00:00 +0100 jan@shop.example wrote ----",
    # Dutch
    "Op ma 5 dec. 2016 om 17:00 schreef Jan Demo <jan@shop.example>:",
    "Op 5 dec. 2016, om 17:00 heeft Jan Demo <jan@shop.example> het volgende geschreven:",
    "Op 05-12-16 om 17:00 schreef Jan Demo:",
    "Op maandag 5 december 2016 17:00 schreef Jan Demo <jan@shop.example>:",
    "Op ma 5 dec. 2016 om 17:00 schreef Jan Demo van de winkel <\njan.demo@shop.example>:",
    "Op ma 5 dec. 2016 om 17:00 schreef Jan Demo <jan@shop.example\n>:",
    # German
    "Am Mo., 5. Dez. 2016 um 17:00 Uhr schrieb Jan Demo <jan@shop.example>:",
    "Am 05.12.2016 um 17:00 schrieb Jan Demo <jan@shop.example>:",
    "Am 05.12.2016 um 17:00 schrieb Jan Demo:",
    'Gesendet: Montag, 05. Dezember 2016 um 17:00 Uhr\nVon: "Jan Demo" <jan@shop.example>\n'
    "An: kunde@mail.example\nBetreff: Ihre Frage",
    # French
    "Le lun. 5 déc. 2016 à 17:00, Jan Demo <jan@shop.example> a écrit :",
    "Le 5 déc. 2016 à 17:00, Jan Demo <jan@shop.example> a écrit :",
    "Le 05/12/2016 à 17:00, Jan Demo a écrit :",
    "Le lundi 5 décembre 2016 à 17:00:00 UTC+1, Jan Demo\n<jan@shop.example> a écrit :",
    # Spanish, Portuguese, Italian
    "El lun, 5 dic 2016 a las 17:00, Jan Demo (<jan@shop.example>) escribió:",
    "El 5 dic 2016, a las 17:00, Jan Demo <jan@shop.example> escribió:",
    "Em seg., 5 de dez. de 2016 às 17:00, Jan Demo <jan@shop.example> escreveu:",
    "Jan Demo <jan@shop.example> escreveu no dia segunda, 5/12/2016 à(s) 17:00:",
    "Il giorno lun 5 dic 2016 alle ore 17:00 Jan Demo <jan@shop.example> ha scritto:",
    "Il 05/12/2016 17:00, Jan Demo ha scritto:",
    # Polish, Czech, Hungarian, Romanian
    "pon., 5 gru 2016 o 17:00 Jan Demo <jan@shop.example> napisał(a):",
    "W dniu 05.12.2016 o 17:00, Jan Demo pisze:",
    "Wiadomość napisana przez Jan Demo <jan@shop.example> w dniu 5 gru 2016, o godz. 17:00:",
    "po 5. 12. 2016 v 17:00 odesílatel Jan Demo <jan@shop.example> napsal:",
    "Dne 5.12.2016 v 17:00 Jan Demo napsal(a):",
    "Jan Demo <jan@shop.example> ezt írta (időpont: 2016. dec. 5., H, 17:00):",
    "În lun., 5 dec. 2016 la 17:00, Jan Demo <jan@shop.example> a scris:",
    # Danish, Norwegian, Swedish, Finnish
    "Den man. 5. dec. 2016 kl. 17.00 skrev Jan Demo <jan@shop.example>:",
    "man. 5. des. 2016 kl. 17:00 skrev Jan Demo <jan@shop.example>:",
    "Den mån 5 dec. 2016 kl 17:00 skrev Jan Demo <jan@shop.example>:",
    "5 dec. 2016 kl. 17:00 skrev Jan Demo <jan@shop.example>:",
    "ma 5. jouluk. 2016 klo 17.00 Jan Demo (jan@shop.example) kirjoitti:",
    # Russian, Ukrainian, Greek, Turkish
    "пн, 5 дек. 2016 г. в 17:00, Jan Demo <jan@shop.example>:",
    "5 дек. 2016 г., в 17:00, Jan Demo <jan@shop.example> написал(а):",
    "05.12.2016 17:00, Jan Demo пишет:",
    "пн, 5 груд. 2016 р. о 17:00 Jan Demo <jan@shop.example> пише:",
    "Στις Δευ, 5 Δεκ 2016 στις 5:00 μ.μ., ο χρήστης Jan Demo <jan@shop.example> έγραψε:",
    "Jan Demo <jan@shop.example>, 5 Ara 2016 Pzt, 17:00 tarihinde şunu yazdı:",
    # Hebrew, Arabic
    "\u202bבתאריך יום ב׳, 5 בדצמ׳ 2016 ב-17:00 מאת Jan Demo <\u202ajan@shop.example\u202c>:\u202c",
    "في الاثنين، 5 ديسمبر 2016 في 5:00 م تمت كتابة ما يلي بواسطة Jan Demo <jan@shop.example>:",
    # Chinese, Japanese, Korean, Vietnamese
    "Jan Demo <jan@shop.example> 于2016年12月5日周一 下午5:00写道：",
    "在 2016年12月5日，17:00，Jan Demo <jan@shop.example> 写道：",
    "2016年12月5日(月) 17:00 Jan Demo <jan@shop.example>:",
    "2016/12/05 17:00、Jan Demo <jan@shop.example>のメール:",
    "2016년 12월 5일 (월) 오후 5:00, Jan Demo <jan@shop.example>님이 작성:",
    "Vào Th 2, 5 thg 12, 2016 vào lúc 17:00 Jan Demo <jan@shop.example> đã viết:",
    # Header blocks
    "From: Jan Demo <jan@shop.example>\nSent: Monday, December 5, 2016 5:00 PM\n"
    "To: kim@mail.example\nSubject: RE: Bicycle",
    "*From:* Jan Demo [mailto:jan@shop.example]\n*Sent:* Monday 5 December\n*To:* Kim\n"
    "*Subject:* Bicycle",
    "Van: Jan Demo <jan@shop.example>\nVerzonden: maandag 5 december 2016 17:00\n"
    "Aan: kim@mail.example\nOnderwerp: Fiets",
    "________________________________\nVan: Jan Demo\nVerzonden: maandag 5 december 2016 17:00\n"
    "Aan: Kim\nOnderwerp: Fiets",
    "-----Oorspronkelijk bericht-----\nVan: Jan Demo [mailto:jan@shop.example]\n"
    "Verzonden: maandag 5 december 2016 17:00",
    "-------- Oorspronkelijk bericht --------\nVan: Jan Demo <jan@shop.example>\nDatum: 05-12-16",
    "De : Jan Demo <jan@shop.example>\nEnvoyé : lundi 5 décembre 2016 17:00\nÀ : Kim\nObjet : Vélo",
    "De: Jan Demo <jan@shop.example>\nEnviado el: lunes, 5 de diciembre\nPara: Kim\nAsunto: Bici",
    "Da: Jan Demo <jan@shop.example>\nInviato: lunedì 5 dicembre\nA: Kim\nOggetto: Bici",
    "Od: Jan Demo <jan@shop.example>\nWysłano: poniedziałek\nDo: Kim\nTemat: Rower",
    "Från: Jan Demo <jan@shop.example>\nSkickat: den 5 december\nTill: Kim\nÄmne: Cykel",
    "Lähettäjä: Jan Demo <jan@shop.example>\nLähetetty: maanantai\nVastaanottaja: K\nAihe: Pyörä",
    "От: Jan Demo <jan@shop.example>\nОтправлено: 5 декабря 2016\nКому: Kim\nТема: Велосипед",
    "发件人: Jan Demo <jan@shop.example>\n发送时间: 2016年12月5日\n收件人: Kim\n主题: 自行车",
    "差出人: Jan Demo <jan@shop.example>\n送信日時: 2016年12月5日\n宛先: Kim\n件名: 自転車",
    "보낸 사람: Jan Demo <jan@shop.example>\n보낸 날짜: 2016년 12월 5일\n"
    "받는 사람: Kim\n제목: 자전거",
]


@pytest.mark.parametrize("header", ATTRIBUTIONS)
@pytest.mark.parametrize(
    "quote", ["The old mail.\nIt has two lines.", "> The old mail.\n> Two lines."]
)
def test_old_mail_is_cut(header: str, quote: str) -> None:
    assert reply_text(f"{NEW}\n\n{header}\n\n{quote}\n") == NEW


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Sent from my phone",
        "Sent from Outlook for Android<https://aka.example/x>",
        "Get Outlook for iOS<https://aka.example/x>",
        "Verstuurd vanaf mijn iPhone",
        "Verzonden vanaf Samsung-tablet.",
        "Verzonden vanuit Mail voor Windows",
        "Outlook voor Android downloaden",
        "Von meinem iPhone gesendet",
        "Gesendet mit der GMX Mail App",
        "Diese Nachricht wurde von meinem Android-Gerät mit GMX Mail gesendet.",
        "Envoyé de mon iPhone",
        "Envoyé depuis mon appareil Samsung",
        "Enviado desde mi iPhone",
        "Enviado do meu iPhone",
        "Inviato da iPhone",
        "Wysłano z iPhone'a",
        "Sendt fra min iPhone",
        "Skickat från min iPhone",
        "Lähetetty iPhonesta",
        "Odesláno z iPhonu",
        "Отправлено с iPhone",
        "iPhone'umdan gönderildi",
        "iPhoneから送信",
        "发自我的iPhone",
        "나의 iPhone에서 보냄",
    ],
)
def test_line_of_the_phone_is_cut(line: str) -> None:
    assert reply_text(f"{NEW}\n\n{line}\n") == NEW


@pytest.mark.parametrize(
    "text",
    [
        "On the other hand, the red one is nice:\nand cheap.",
        "On Monday I called you, and your colleague wrote:\nnothing at all!",
        "Order 12345 is wrong, the seller wrote:\nwe will send another.",
        "From: Amsterdam\nTo: Berlin\nDate: 5 May, 10:00\nThree people.",
        "Verzonden met PostNL op 12 december\n\nNog niets ontvangen.",
        "Sent from my desk, is much easier than my mobile phone.",
        "sent from my desk\n\nmore text",
        "Ich habe Ihnen die Rechnung\n\nvon meinem Konto überwiesen und gesendet",
        "Here is a list:\n\n- one\n- two\n--\n- three\n\n" + "text\n" * 40 + "end",
        "A table\n-------\nx | y\n\nand more",
        "Opening 09:00 - 17:00, mail info@shop.example for more\nand come by.",
        "```\nFrom: a\nSent: b\nTo: c@d.example\nSubject: e\n```\nwhat is this?",
        "I wrote on 5 May 2016: please call.\nYou did not.",
        "Ps: the a@b.example address works.",
        "Dear shop,\n\nI want a bicycle.\n\nKind regards,\nKim",
    ],
)
def test_what_a_person_wrote_stays(text: str) -> None:
    assert reply_text(text) == text


def test_signature_after_the_mark_is_cut() -> None:
    assert reply_text(f"{NEW}\n\n-- \nKim Demo\nStreet 1\n") == NEW
    assert reply_text(f"{NEW}\n--\nKim\n\nOn 5 May 2016, Jan <j@s.example> wrote:\n> old") == NEW


def test_visiting_card_below_a_sign_off_is_cut() -> None:
    card = "Kind regards,\n\nKim Demo\nHead of Bicycles\nwww.shop.example"
    assert reply_text(f"{NEW}\n\n{card}") == NEW
    assert reply_text(f"{NEW}\n\n{card}\nPS: and a bell?").endswith("bell?")


def test_postscript_and_question_after_a_sign_off_stay() -> None:
    text = f"{NEW}\n\nKind regards,\nKim\nCan you also call me?"
    assert reply_text(text) == text


def test_answer_below_its_quote() -> None:
    quote = "On 5 May 2016, Jan <jan@shop.example> wrote:\n> Which one?\n> Blue or red?\n"
    assert reply_text(f"{quote}\n{NEW}") == NEW
    assert reply_text(f"Hi,\n\n{quote}\n{NEW}").split() == f"Hi, {NEW}".split()


def test_answers_between_quotes_keep_the_questions() -> None:
    text = "On 5 May 2016, Jan <j@s.example> wrote:\n> Which one?\n\nBlue.\n\n"
    text += "> When?\n\nFriday.\n\n> Bye"
    shown = reply_text(text)
    assert "> Which one?" in shown and "Blue." in shown and "Friday." in shown
    assert "Bye" not in shown


def test_phone_line_above_answers_between_quotes() -> None:
    text = "See below.\n\nSent from my iPhone\n\n> Which one?\n\nBlue.\n\n> When?\n\nFriday."
    shown = reply_text(text)
    assert "iPhone" not in shown and "Blue." in shown and "Friday." in shown


def test_chosen_quote_without_header_stays() -> None:
    text = "You wrote\n\n> it is ready\n\nbut it is not."
    assert reply_text(text) == text


def test_wrapped_end_of_a_quoted_line_belongs_to_the_quote() -> None:
    quote = f"> {'word ' * 15}\nthe end of it\n> more"
    assert reply_text(f"{NEW}\n\nOn 5 May 2016, Jan <j@s.example> wrote:\n{quote}") == NEW


def test_forwarded_mail_is_new() -> None:
    text = "See below.\n\n---------- Forwarded message ---------\nFrom: Jan <j@s.example>\n"
    text += "Date: Mon, 5 Dec 2016\nSubject: Bicycle\nTo: Kim\n\nYour bicycle is ready."
    assert reply_text(text) == text


@pytest.mark.parametrize("text", ["> only\n> quoted", "Sent from my iPhone", "--\nKim"])
def test_never_nothing(text: str) -> None:
    assert reply_text(text) == text


def test_empty() -> None:
    assert reply_text("") == "" and reply_text(" \n\n") == "" and html_reply("") == ""


GMAIL = (
    '<div dir="ltr">The blue one.</div><br><div class="gmail_quote gmail_quote_container">'
    '<div dir="ltr" class="gmail_attr">Kirjoitettu eilen, Jan:<br></div>'
    '<blockquote class="gmail_quote">Which one?</blockquote></div>'
)
OUTLOOK = (
    "<p>The blue one.</p><hr><div id=divRplyFwdMsg><b>Keneltä:</b> Jan<br>Milloin: eilen</div>"
    "<div>Which one?</div>"
)
WORD = (
    "<p>The blue one.</p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3pt'>"
    "<p>Keneltä: Jan</p></div><p>Which one?</p>"
)
APPLE = (
    "<div>The blue one.</div><div><blockquote type=cite><div>On 5 May 2016, Jan "
    "&lt;jan@shop.example&gt; wrote:</div><div>Which one?</div></blockquote></div>"
)
MOZILLA = (
    '<p>The blue one.</p><div class="moz-cite-prefix">Eilen Jan kirjoitteli:</div>'
    '<blockquote type="cite"><p>Which one?</p></blockquote>'
)


@pytest.mark.parametrize("mail", [GMAIL, OUTLOOK, WORD, APPLE, MOZILLA])
def test_marks_in_html(mail: str) -> None:
    assert reply_text(html_reply(mail)).startswith("The blue one.")
    assert "Which one?" not in html_reply(mail)


def test_indented_html_is_no_quote() -> None:
    indented = (
        '<p>Mine:</p><blockquote style="margin:0 0 0 40px;border:none">an indent</blockquote>'
    )
    assert html_reply(indented) == "Mine:\n\nan indent"


HOSTILE = [
    "> ",
    ">",
    " ",
    "\n",
    "\xa0",
    "a\n",
    "--\n",
    "____\n\n",
    "On 5 May 2016 wrote\n",
    "On 5 May 2016 x wrote:\n\n",
    "On 2016 ",
    "wrote: ",
    "-----",
    "From: a@b\n",
    "x a@b.example 10:00 ",
    "Sent from my X\n\n",
    "```\n",
    "Regards,\n",
    "> \n\n",
    "> a\nb\n",
    "2016 " + "a" * 90 + "\n",
    "-- \n\n\n\n\n\n\n",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    small = unit * (16_000 // len(unit))
    assert grows_evenly(lambda: reply_text(small), lambda: reply_text(small * 4))


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_megabyte_is_bounded(unit: str) -> None:
    assert within(6, lambda: reply_text(unit * (1_000_000 // len(unit))))
