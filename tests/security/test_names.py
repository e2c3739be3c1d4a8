"""Names, titles and words that strangers give themselves in a messenger, on the pages of staff."""

import pytest
from django.test import Client

from channels_app.models import Channel
from contacts.models import Case, Customer, User
from contacts.services import clean_line
from tests.messengers import pocket
from tests.messengers.people import SAM

TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
MARKUP = "<img src=x onerror=alert(1)>{{7*7}}{% now 'Y' %}"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Sam\u202e)ffats( nimdA", "Sam)ffats( nimdA"),
        ("Sam\nAssigned to Anna", "Sam Assigned to Anna"),
        ("Sam\u2028Anna\u0085Ben", "Sam Anna Ben"),
        ("\x1b[31mSam\x07\x00", "[31mSam"),
        ("\u202e\u2069 \n", ""),
        ("سام\u200f", "سام\u200f"),  # a mark for a single place is part of honest names
        ("👩\u200d👧 Sam", "👩\u200d👧 Sam"),
    ],
)
def test_a_name_is_one_line_that_turns_nothing_around(given: str, kept: str) -> None:
    assert clean_line(given) == kept


def test_what_a_messenger_says_of_its_sender_and_subject(whatsapp: Channel) -> None:
    pocket.write(
        whatsapp,
        SAM,
        f"{TURNS}first line\u2029second",
        sender_name=f"Sam{TURNS}\nAnna",
        subject=f"Ad{TURNS}\nvert",
    )
    case, customer = Case.objects.get(), Customer.objects.get()
    assert (customer.name, case.title) == ("Sam Anna", "Ad vert")
    pocket.write(whatsapp, "+31611112222", f"{TURNS}\n{TURNS}one\u2028two")
    assert Case.objects.latest("pk").title == "one"


def test_markup_in_a_name_a_text_and_an_edit_is_text(whatsapp: Channel, agent: User) -> None:
    event = pocket.write(whatsapp, SAM, MARKUP, sender_name=MARKUP, subject=MARKUP)
    pk = event.items.get().provider_id
    change = {"sort": "correction", "change": "edited", "external_id": "e", "provider_id": pk}
    pocket.post(whatsapp, {**change, "scheme": "phone", "sender": SAM, "text": f"2 {MARKUP}"})
    react = {**change, "change": "reacted", "external_id": "r", "scheme": "phone", "sender": SAM}
    pocket.post(whatsapp, {**react, "text": "<b>\u202e"})
    case, desk = Case.objects.get(), Client()
    desk.force_login(agent)
    for url in ("/admin/", "/admin/cases/", f"/admin/cases/{case.reference}/", "/admin/?q=img"):
        page = desk.get(url, follow=True).content.decode()
        assert "<img src=x" not in page and "<b>\u202e" not in page and ">49<" not in page
    assert "&lt;img src=x" in desk.get(f"/admin/cases/{case.reference}/").content.decode()


def test_a_reaction_turns_nothing_around(whatsapp: Channel) -> None:
    event = pocket.write(whatsapp, SAM, "Is it there?")
    pk = event.items.get().provider_id
    react = {"sort": "correction", "change": "reacted", "external_id": "r", "provider_id": pk}
    pocket.post(whatsapp, {**react, "scheme": "phone", "sender": SAM, "text": "\u202e\n👍"})
    assert Case.objects.get().events.latest("pk").data["sign"] == "👍"
