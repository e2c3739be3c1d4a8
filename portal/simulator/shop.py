"""The demo's shop: a mobility shop with its channels, topics and staff."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from i18nfield.strings import LazyI18nString

from channels_app.models import Channel, Template
from contacts.models import CannedAnswer, Organisation, Team, Topic, User
from portal.simulator import accounts, storefront
from portal.simulator.cast import COLLEAGUES, MAILBOX, PASSWORD, SHOP_PHONE

NAME = "Velo & Volt Mobility (demo)"


def say(en: str, nl: str) -> LazyI18nString:
    """A text in both languages."""
    return LazyI18nString({"en": en, "nl": nl})


def _week(start: str, end: str, saturday: tuple[str, str] | None = None) -> dict[str, Any]:
    week: dict[str, Any] = {day: [[start, end]] for day in ("mon", "tue", "wed", "thu", "fri")}
    return week | ({"sat": [list(saturday)]} if saturday else {})


DESK_HOURS = _week("08:30", "17:30", ("10:00", "16:00"))
SHOP_HOURS = _week("09:00", "18:00", ("09:30", "17:00"))
# kind, address part, name for staff, minutes promised, hours, title, good for, cannot
CHANNELS: tuple[tuple[str, str, str, int | None, dict[str, Any], tuple[LazyI18nString, ...]], ...]
CHANNELS = (
    (
        "phone",
        "phone",
        "Phone",
        30,
        DESK_HOURS,
        (
            say("", ""),
            say(
                "Best for a longer story: we ask on.",
                "Goed voor een langer verhaal: we vragen door.",
            ),
            say("Leaves you nothing in writing.", "U hebt daarna niets op papier."),
        ),
    ),
    (
        "video",
        "video",
        "Video call",
        None,
        DESK_HOURS,
        (
            say("", ""),
            say(
                "Showing what you mean, and long stories.",
                "Laten zien wat u bedoelt, en lange verhalen.",
            ),
            say(
                "Needs a camera and a quiet place.",
                "U hebt een camera en een rustige plek nodig.",
            ),
        ),
    ),
    (
        "chat",
        "chat",
        "Chat",
        5,
        DESK_HOURS,
        (
            say("", ""),
            say("Short questions, answered at once.", "Korte vragen, meteen antwoord."),
            say("Not for private matters.", "Niet voor privézaken."),
        ),
    ),
    (
        "whatsapp",
        "whatsapp",
        "WhatsApp",
        60,
        DESK_HOURS,
        (
            say("", ""),
            say("Quick questions, with pictures.", "Korte vragen, ook met foto's."),
            say(
                "A day after your last message we cannot write any more.",
                "Een dag na uw laatste bericht kunnen wij niet meer schrijven.",
            ),
        ),
    ),
    (
        "sms",
        "sms",
        "SMS",
        120,
        DESK_HOURS,
        (
            say("", ""),
            say("Short answers, on every phone.", "Korte antwoorden, op elke telefoon."),
            say("No files and not for private matters.", "Geen bijlagen, niet voor privézaken."),
        ),
    ),
    (
        "telegram",
        "telegram",
        "Telegram",
        60,
        DESK_HOURS,
        (
            say("", ""),
            say("Pictures, without your number.", "Ook foto's, zonder uw nummer."),
            say("You write to us first.", "U schrijft ons eerst."),
        ),
    ),
    (
        "email",
        "email",
        "E-mail",
        240,
        DESK_HOURS,
        (
            say("", ""),
            say("Written, with files, to read again.", "Op schrift, met bijlagen, om na te lezen."),
            say("Not for private matters.", "Niet voor privézaken."),
        ),
    ),
    (
        "account",
        "own-page",
        "Own page",
        240,
        DESK_HOURS,
        (
            say("", ""),
            say(
                "No address needed; private and all in one place.",
                "Geen adres nodig; privé en alles bij elkaar.",
            ),
            say("You look here yourself for the answer.", "U kijkt hier zelf naar het antwoord."),
        ),
    ),
    (
        "letter",
        "letter",
        "Letter",
        2880,
        DESK_HOURS,
        (
            say("", ""),
            say(
                "Official, on paper, no internet needed.", "Officieel, op papier, zonder internet."
            ),
            say("Takes a few days.", "Duurt een paar dagen."),
        ),
    ),
    (
        "in_person",
        "centre",
        "Shop in the centre",
        None,
        SHOP_HOURS,
        (
            say("Shop in the centre", "Winkel in het centrum"),
            say("See, try and take along.", "Kijken, proberen en meenemen."),
            say("Only during opening hours.", "Alleen tijdens openingstijden."),
        ),
    ),
    (
        "in_person",
        "workshop",
        "Workshop at the harbour",
        None,
        _week("08:00", "17:00"),
        (
            say("Workshop at the harbour", "Werkplaats aan de haven"),
            say("Repairs while you wait.", "Reparaties waar u op wacht."),
            say("Only during opening hours.", "Alleen tijdens openingstijden."),
        ),
    ),
)
# The rest is done by people.
PROVIDERS = {
    "email": "email",
    "account": "in_house",
    "chat": "in_house",
    "sms": "twilio",
    "whatsapp": "whatsapp",
    "telegram": "telegram",
    "video": "jitsi",
}
CONFIGS = {
    "email": {"url": "env:EMAIL_URL"},
    "sms": {
        "account_sid": "env:DEMO_TWILIO_ACCOUNT_SID",
        "auth_token": "env:DEMO_TWILIO_AUTH_TOKEN",
        "base_url": "env:DEMO_TWILIO_URL",
    },
    "whatsapp": {
        "phone_number_id": "env:DEMO_WHATSAPP_PHONE_NUMBER_ID",
        "access_token": "env:DEMO_WHATSAPP_ACCESS_TOKEN",
        "app_secret": "env:DEMO_WHATSAPP_APP_SECRET",
        "verify_token": "env:DEMO_WHATSAPP_VERIFY_TOKEN",
        "base_url": "env:DEMO_WHATSAPP_URL",
    },
    "telegram": {
        "bot_token": "env:DEMO_TELEGRAM_BOT_TOKEN",
        "webhook_secret": "env:DEMO_TELEGRAM_WEBHOOK_SECRET",
        "base_url": "env:DEMO_TELEGRAM_URL",
    },
    "video": {
        "base_url": "env:DEMO_JITSI_URL",
        "app_id": "env:DEMO_JITSI_APP_ID",
        "app_secret": "env:DEMO_JITSI_APP_SECRET",
    },
}
ADDRESSES = {
    "sms": accounts.SMS_NUMBER,
    "whatsapp": accounts.WHATSAPP_NUMBER,
    "telegram": accounts.TELEGRAM_BOT,
    "phone": SHOP_PHONE,
    "email": f"{MAILBOX}@{settings.MAIL_DOMAIN}",
    "centre": "Marktplein 1, Demodorp",
    "workshop": "Havenweg 20, Demodorp",
}
# word, topic, English, Dutch
CANNED = (
    (
        "hello",
        "",
        "Hello {customer}, you are chatting with {agent}. I am looking into it.",
        "Dag {customer}, u chat met {agent}. Ik zoek het voor u uit.",
    ),
    (
        "hours",
        "",
        "We are open from 9:00 to 18:00 on weekdays, and on Saturday from 9:30 to 17:00.",
        "Wij zijn op werkdagen open van 9.00 tot 18.00 uur, en zaterdag van 9.30 tot 17.00 uur.",
    ),
    (
        "test-drive",
        "test-drive",
        "You are welcome for a test drive. Bring your driving licence. Which day suits you?",
        "U bent welkom voor een proefrit. Neem uw rijbewijs mee. Welke dag komt u goed uit?",
    ),
    (
        "stock",
        "in-stock",
        "I look into the stock for you: one moment, please.",
        "Ik kijk voor u in de voorraad, een ogenblik.",
    ),
)
# slug, English, Dutch, complex, sensitive, when in a purchase
TOPICS = (
    ("in-stock", "In stock?", "Op voorraad?", False, False, Topic.Phase.COMPARING),
    ("test-drive", "Test drive", "Proefrit", False, False, Topic.Phase.BUYING),
    ("invoice", "Invoice and finance", "Factuur en financiering", False, True, ""),
    ("repair", "Repair", "Reparatie", True, False, Topic.Phase.AFTER),
    ("complaint", "Complaint", "Klacht", True, False, ""),
    ("something-else", "Something else", "Iets anders", False, False, ""),
)


# Name, topics, members, who is next: of chats alone, so that the queue stays as the tour tells it.
TEAMS = (
    ("Workshop (demo)", ("repair", "complaint"), ("daan", "mei"), Team.How.ROUND_ROBIN),
    ("Sales (demo)", ("in-stock", "test-drive"), ("noor", "mei"), Team.How.LEAST_LOADED),
)


def open_shop() -> Organisation:
    """Make the organisation, its channels, topics and staff."""
    organisation = Organisation.objects.create(
        name=NAME,
        brand_colour="#0f766e",
        phone=SHOP_PHONE,
        address="Marktplein 1\n1000 AA Demodorp",
        languages=["en", "nl"],
        welcome=say(
            "Cars, bicycles and repairs: ask us anything.",
            "Auto's, fietsen en reparaties: vraag het ons gerust.",
        ),
        privacy_url="https://www.example.org/privacy",
        widget_origins=[place] if (place := storefront.origin()) else [],
    )
    _make_channels(organisation)
    _make_approved_texts()
    for position, (slug, en, nl, is_complex, is_sensitive, phase) in enumerate(TOPICS):
        Topic.objects.create(
            slug=slug,
            name=say(en, nl),
            position=position,
            is_complex=is_complex,
            is_sensitive=is_sensitive,
            phase=phase,
        )
    _make_canned(organisation)
    _make_staff()
    _make_teams(organisation)
    return organisation


def _make_channels(organisation: Organisation) -> None:
    for position, (kind, slug, name, promise, hours, texts) in enumerate(CHANNELS):
        channel = Channel(
            organisation=organisation,
            kind=kind,
            provider=PROVIDERS.get(kind, "manual"),
            slug=slug,
            name=name,
            address=ADDRESSES.get(slug, ""),
            position=position,
            title=texts[0],
            good_for=texts[1],
            cannot=texts[2],
            promise_minutes=promise,
            weekly_hours=hours,
            config=CONFIGS.get(kind, {}),
            takes_appointments=kind in ("phone", "video", "in_person"),
            appends_by_sender=kind == "sms",  # so that both sides of it can be tried
        )
        channel.full_clean()
        channel.save()


def _make_approved_texts() -> None:
    """Drafts, so that a closed window is seen to be closed; an administrator marks them approved.

    The provider knows them already: from that moment on they go.
    """
    channel = Channel.objects.get(kind="whatsapp")
    for (name, language), body in accounts.TEMPLATES.items():
        text = Template(channel=channel, name=name, language=language, body=body)
        text.full_clean()
        text.save()


def _make_canned(organisation: Organisation) -> None:
    topics = {topic.slug: topic for topic in Topic.objects.all()}
    for word, topic, english, dutch in CANNED:
        CannedAnswer.objects.create(
            organisation=organisation,
            word=word,
            text=say(english, dutch),
            topic=topics.get(topic),
        )


def _make_staff() -> None:
    """The colleagues; one hash for all, as each takes half a second to make."""
    password = make_password(PASSWORD)
    for colleague in COLLEAGUES:
        User.objects.create(
            username=colleague.username,
            first_name=colleague.first_name,
            last_name="Demo",
            email=f"{colleague.username}@mail.example.org",
            language=colleague.language,
            is_staff=True,
            is_superuser=colleague.is_administrator,
            is_demo=True,
            password=password,
            # Chats go to the agents; an administrator takes what they want to.
            capacity=0 if colleague.is_administrator else 12,
        )


def _make_teams(organisation: Organisation) -> None:
    for position, (name, topics, members, how) in enumerate(TEAMS):
        team = Team.objects.create(
            organisation=organisation, name=name, kinds=["chat"], how=how, position=position
        )
        team.topics.set(Topic.objects.filter(slug__in=topics))
        team.members.set(User.objects.filter(username__in=members))
