"""A private matter in a chat (A4): first a choice, one tap each, and nothing typed is lost."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from channels_app import slots
from channels_app.models import Appointment, Channel
from contacts.kinds import CHAT
from contacts.models import Case, Organisation, Topic
from portal import times
from tests.core import booking
from tests.core.chats import offer_chat
from tests.site.conftest import Ask, posted

ASKED = "Nothing is sent yet"


@pytest.fixture(autouse=True)
def chat(organisation: Organisation) -> Channel:
    """The shop offers chat."""
    return offer_chat(organisation)


def send(client: Client, **words: object) -> tuple[int, str]:
    answer = client.post("/", posted(address_email=None, way=CHAT, topic="invoice", **words))
    return answer.status_code, answer.content.decode()


def is_asked(page: str) -> bool:
    """Whether the card is seen: it is there on every page, for the script."""
    return 'id="private"' in page and "hidden>" not in page.split('id="private"')[1].split("\n")[0]


def choice_of(reference: str) -> tuple[str, str]:
    choice = Case.objects.get(reference=reference).choice
    assert choice is not None
    return choice.kind, str(choice.identity or "")


def test_chat_about_money_asks_first_and_keeps_everything(client: Client) -> None:
    status, page = send(client, text="My account is empty!", name="Sam", how_soon="now")
    assert status == 422 and is_asked(page) and ASKED in page
    assert not Case.objects.exists()
    for kept in ("My account is empty!", 'value="Sam"', 'id="topic-invoice" value="invoice"'):
        assert kept in page
    assert '<a href="#private">' in page
    for way in ("account", "phone", "chat"):
        assert f'name="private" value="{way}"' in page
    assert 'id="way-chat" value="chat" checked' in page
    assert client.get("/").content.decode().count('id="way-email"') == 1  # all stays selectable


@pytest.mark.parametrize(
    ("word", "more", "chosen"),
    [
        ("account", {}, ("account", "")),
        ("chat", {}, ("chat", "")),
        ("phone", {"private_phone": "020 765 43 21"}, ("phone", "020 765 4321")),
    ],
)
def test_one_tap_each(
    client: Client, word: str, more: dict[str, str], chosen: tuple[str, str]
) -> None:
    answer = client.post("/", posted(way=CHAT, topic="invoice", private=word, **more))
    assert answer.status_code == 302
    assert choice_of(answer["Location"].split("/")[2]) == chosen


def test_a_number_that_is_none_is_said_at_the_phone(client: Client) -> None:
    status, page = send(client, private="phone", private_phone="my number")
    assert status == 422 and not is_asked(page)
    assert 'id="address_phone-error"' in page and 'value="my number"' in page


def test_a_file_has_to_be_added_again_and_that_is_said(client: Client) -> None:
    _status, page = send(client, files=SimpleUploadedFile("bill.txt", b"bill"))
    assert "Please add your file again" in page


def test_other_topics_and_other_ways_are_not_asked(client: Client, ask: Ask) -> None:
    assert not is_asked(client.get("/?topic=invoice").content.decode())
    assert ask(client, way=CHAT, topic="repair").choice.kind == CHAT  # type: ignore[union-attr]
    # A card that was filled in and left again decides nothing.
    left = ask(client, way="email", topic="invoice", private_phone="020 765 43 21")
    assert left.choice and left.choice.kind == "email"


def test_what_is_not_offered_is_no_way_out(client: Client) -> None:
    Channel.objects.filter(kind="phone").update(is_offered=False)
    _status, page = send(client)
    card = page.split('id="private"')[1]
    assert 'value="account"' in card and 'name="private" value="phone"' not in card


@pytest.fixture
def bookable(organisation: Organisation) -> Channel:
    """Its phone gives times."""
    Channel.objects.filter(kind="phone").update(takes_appointments=True, weekly_hours=booking.WEEK)
    return booking.phone()


def test_one_tap_books_a_time_to_be_called(client: Client, bookable: Channel) -> None:
    _status, page = send(client)
    card = page.split('id="private"')[1].split("</section>")[0]
    wish = times.value_of(slots.next_free(bookable, timezone.now())[1])
    assert card.count('name="private" value="at-') == 3 and f'value="{wish}"' in card
    answer = client.post(
        "/", posted(way=CHAT, topic="invoice", private=wish, private_phone="020 765 43 21")
    )
    reference = answer["Location"].split("/")[2]
    assert choice_of(reference) == ("phone", "020 765 4321")
    agreed = Appointment.objects.get()
    assert agreed.starts_at == times.read(wish) and agreed.case.reference == reference


def test_another_time_leads_to_all_of_them(client: Client, bookable: Channel) -> None:
    answer = client.post(
        "/", posted(way=CHAT, topic="invoice", private="choose", private_phone="020 765 43 21")
    )
    assert answer["Location"].endswith("/appointment/phone/")
    assert choice_of(answer["Location"].split("/")[2])[0] == "phone"


def test_a_time_needs_a_number_and_stays_chosen(client: Client, bookable: Channel) -> None:
    wish = times.value_of(slots.next_free(bookable, timezone.now())[0])
    status, page = send(client, private=wish, private_phone="")
    assert status == 422 and 'id="address_phone-error"' in page
    assert f'id="wish_phone_{wish}" value="{wish}" checked' in page
    assert not Appointment.objects.exists()


def test_a_chat_that_turns_private_offers_times_too(
    client: Client, bookable: Channel, ask: Ask
) -> None:
    case = ask(client, way=CHAT, topic="repair")
    assert 'name="at"' not in client.get(f"/q/{case.reference}/").content.decode()
    Case.objects.update(topic=Topic.objects.get(slug="invoice"))
    page = client.get(f"/q/{case.reference}/").content.decode()
    wish = times.value_of(slots.next_free(bookable, timezone.now())[0])
    assert f'name="at" value="{wish}"' in page and 'name="number"' in page
    path = f"/q/{case.reference}/appointment/phone/"
    assert path in page
    client.post(path, {"at": wish, "number": "020 765 43 21"})
    assert Appointment.objects.get().starts_at == times.read(wish)
    assert choice_of(case.reference)[0] == "phone"
    assert "This is private" not in client.get(f"/q/{case.reference}/").content.decode()
