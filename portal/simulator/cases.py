"""Sixteen cases, each shows one thing and is named by it."""

from collections.abc import Callable

from django.utils import translation

from channels_app.models import Delivery
from portal.simulator import earlier, post
from portal.simulator.long_story import sixty_messages
from portal.simulator.providers.telegram import START
from portal.simulator.stage import Stage, Story


def switch(stage: Stage) -> None:
    """From e-mail to the own page."""
    tom = Story(stage, "tom")
    with stage.at(hours=27):
        tom.asks(
            "A switch: first by e-mail, then on my own page",
            "Is the Volt City e-bike ready for a test drive this week? I am 1.90 m tall, so I would"
            " like the large frame.",
            topic="test-drive",
            how_soon="can_wait",
        )
    with stage.at(hours=25):
        tom.gets(
            "noor",
            "Yes, it is here, in the large frame too. Thursday and Friday are still free, both from"
            " 10:00 to 17:00. Which moment suits you?",
        )
    with stage.at(hours=5):
        tom.answers_by_mail("Thursday at 16:00, please. Do I need to bring anything?")
    with stage.at(hours=4.6):
        tom.goes_on("account")
    with stage.at(hours=4):
        tom.gets(
            "noor",
            "Thursday at 16:00 is yours. Bring something that shows who you are, we have a helmet."
            " You chose your own page, so from now on our answers stand here.",
        )


def failed_delivery(stage: Stage) -> None:
    """An answer that did not arrive."""
    bram = Story(stage, "bram")
    with stage.at(hours=8):
        bram.asks(
            "Een mislukte bezorging: probeer het opnieuw",
            "De achterrem van mijn Velo Cargo piept sinds de beurt van vorige week. Kan ik ermee"
            " blijven rijden?",
            topic="repair",
        )
    stage.refuse[bram.person.email] = "full"
    with stage.at(hours=3):
        bram.gets(
            "daan",
            "Rijden kan, maar liever niet met zware last. De remblokken moeten inslijten; piept hij"
            " na 50 km nog, kom dan langs, dan stellen we hem gratis af.",
        )
    stage.refuse.clear()


def refused_call(stage: Stage) -> None:
    """They e-mailed, so nobody rings."""
    aisha = Story(stage, "aisha")
    with stage.at(hours=30):
        aisha.asks(
            "A refused call: who e-mails is not rung up",
            "Do you still have the blue children's bike, 20 inch? I am in meetings all day, so"
            " please don't ring me.",
            topic="in-stock",
        )
        aisha.is_known_by("phone", aisha.person.phone)
    with stage.at(hours=29):
        aisha.is_called_in_vain("mei")
    with stage.at(hours=28.8):
        aisha.gets("mei", "One is left. I put it aside for you until Saturday 16:00.")


def without_email(stage: Stage) -> None:
    """Somebody phones, has no e-mail and is phoned back."""
    greta = Story(stage, "greta")
    with stage.at(hours=50):
        greta.is_recorded(
            "Een beller zonder e-mail",
            "Mevrouw zoekt een driewieler met lage instap en wil weten of ze die thuis mag"
            " proberen. Ze heeft geen e-mail en geen computer.",
            "phone",
            "noor",
            topic="test-drive",
            wish="afternoon",
        )
    with stage.at(hours=47):
        greta.is_visited(
            "noor",
            Delivery.Outcome.REACHED,
            "Teruggebeld: dinsdagochtend komen we met de driewieler bij haar langs. Ze heeft alles"
            " herhaald en vindt het fijn zo.",
        )


def waits_too_long(stage: Stage) -> None:
    """The promise is broken."""
    olga = Story(stage, "olga")
    with stage.at(days=4, hours=2):
        olga.asks(
            "Waits too long: nobody answered yet",
            "My lease car is due for its yearly check. Can you do it before the end of the month,"
            " and do I get a bicycle for the day?",
            topic="repair",
            how_soon="today",
        )


def sensitive(stage: Stage) -> None:
    """The mail says only that there is an answer."""
    sanne = Story(stage, "sanne")
    with stage.at(hours=22):
        sanne.asks(
            "Een gevoelige vraag: de mail zegt alleen dat er antwoord is",
            "Op mijn factuur staat de termijn van november dubbel. Kunt u dat nakijken, en kan ik"
            " de rest van de financiering in één keer aflossen?",
            topic="invoice",
        )
    with stage.at(hours=20):
        sanne.gets(
            "daan",
            "U hebt gelijk: november is twee keer geboekt. Wij storten 86,40 euro terug op uw"
            " rekening. Aflossen in één keer kan zonder kosten; het bedrag is dan 1.204,00 euro.",
        )


def letter(stage: Stage) -> None:
    """The letter confirms a call; its code leads the answer back."""
    wim = Story(stage, "wim")
    with stage.at(days=5):
        wim.is_recorded(
            "Een brief met een code",
            "Meneer wil de afspraken over de reparatie van zijn accu graag op papier, met de post.",
            "letter",
            "daan",
            topic="repair",
        )
    with stage.at(days=5, hours=-1):
        wim.gets(
            "daan",
            "Zoals besproken vervangen wij de accu van uw Volt Tour onder garantie. U kunt de fiets"
            " elke werkdag tussen 8 en 17 uur brengen naar de werkplaats aan de haven. De reparatie"
            " duurt één dag en kost u niets.",
        )
    with stage.at(days=4, hours=20):
        wim.is_visited("daan", Delivery.Outcome.SENT)


def callback(stage: Stage) -> None:
    """A call that was asked for stands under To do."""
    ravi = Story(stage, "ravi")
    with stage.at(minutes=50):
        ravi.asks(
            "A callback request: please call me back",
            "The motor of my Volt Tour stops when I go uphill. It is a longer story, with three"
            " error codes, so I would rather tell it.",
            "phone",
            topic="repair",
            wish="soon",
        )


def override(stage: Stage) -> None:
    """Another way than the customer's, with a reason."""
    fleur = Story(stage, "fleur")
    with stage.at(days=2, hours=3):
        fleur.asks(
            "Een ander kanaal, met de reden erbij",
            "Kunt u mij de maten van de Velo Family sturen? Ik meet dan of hij in de schuur past.",
            topic="in-stock",
        )
    with stage.at(days=2, hours=2):
        fleur.goes_on("account")
    with stage.at(days=2):
        fleur.gets(
            "mei",
            "De Velo Family is 2,10 m lang, 0,68 m breed en 1,12 m hoog. Met de bak opgeklapt is"
            " hij 1,85 m lang.",
            kind="email",
            why_text="Aan de telefoon vroeg zij de maten ook per mail, om ze door te sturen.",
        )


def reopened(stage: Stage) -> None:
    """Solved, and opened again."""
    kate = Story(stage, "kate")
    with stage.at(days=6):
        kate.asks(
            "Solved, and opened again",
            "The display of my Volt City stays black since the rain of yesterday.",
            topic="complaint",
        )
    with stage.at(days=5, hours=22):
        kate.gets(
            "noor",
            "Please dry the contacts under the display and press the button for ten seconds. That"
            " helps nine times out of ten.",
        )
    with stage.at(days=5, hours=20):
        kate.answers_by_mail("It works again. Thank you!")
    with stage.at(days=5, hours=19):
        kate.gets("noor", "Good to hear. Have a nice ride!")
        kate.is_solved()
    with stage.at(hours=2):
        kate.answers_by_mail("It rained again, and the display is black again. What now?")


def may_belong(stage: Stage) -> None:
    """A mail from an address that we do not know, about a case that we do."""
    fleur = Story(stage, "fleur")
    known = stage.newest_mail(fleur.person)
    with stage.at(hours=6):
        answer = post.answer(known, "Hij past! Kunt u er een voor mij reserveren?")
        stage.receive(
            post.Draft(
                sender="fleur.werk@example.org",
                name="Fleur Demo (werk)",
                to=stage.mail_channel.address,
                subject="Hoort misschien bij een andere vraag: de Velo Family past!",
                text=answer.text.replace("+", " "),
                in_reply_to=answer.in_reply_to,
                references=answer.references,
            )
        )


def by_whatsapp(stage: Stage) -> None:
    """Written on the telephone, answered there, and read."""
    mila = Story(stage, "mila")
    with stage.at(hours=2):
        mila.writes("whatsapp", "Per WhatsApp: hebt u de Velo Cargo nog in het blauw?")
    with stage.at(hours=1.9):
        mila.gets("noor", "Ja, er staan er nog twee. Zal ik er een voor u apart zetten?")
    with stage.at(hours=1.7):
        mila.reads("whatsapp")
    with stage.at(hours=1.6):
        mila.writes("whatsapp", "Graag! Ik kom zaterdag.")


def closed_window(stage: Stage) -> None:
    """WhatsApp lets nobody answer after a day."""
    noah = Story(stage, "noah")
    with stage.at(hours=29):
        noah.writes("whatsapp", "A closed window: do you also rent out child seats?")


def by_sms(stage: Stage) -> None:
    """A short question, a short answer, delivered."""
    ivy = Story(stage, "ivy")
    with stage.at(hours=7):
        ivy.writes("sms", "By SMS: is my Volt City ready?")
    with stage.at(hours=6.8):
        ivy.gets("daan", "It is ready. You can come until 17:30 today.")


def by_telegram(stage: Stage) -> None:
    """Start was pressed, something asked, and answered; the shop sees no telephone number."""
    joep = Story(stage, "joep")
    with stage.at(hours=3.2):
        joep.says("telegram", START)
        joep.writes("telegram", "Via Telegram: plakken jullie vandaag nog een lekke band?")
    with stage.at(hours=3):
        joep.gets("mei", "Ja hoor, tot vijf uur. Loop gerust binnen bij de haven.")


STORIES: tuple[Callable[[Stage], None], ...] = (
    reopened,
    letter,
    waits_too_long,
    sixty_messages,
    override,
    without_email,
    refused_call,
    closed_window,
    switch,
    sensitive,
    failed_delivery,
    by_sms,
    by_telegram,
    may_belong,
    by_whatsapp,
    callback,
)


def play(stage: Stage) -> None:
    """Play all of them, the oldest first, each in its customer's language."""
    earlier.play(stage)
    for story in STORIES:
        with translation.override("en"):
            story(stage)
    stage.read_all(but=2)
