"""A2's question, A7 up to the refusal and A8, told line by line over HTTP by the demo's people."""

import html
from collections.abc import Callable
from datetime import timedelta

import pytest
import segno
from django.db.models import F

from channels_app.models import Delivery, InboundItem
from contacts.models import Case, Event, Organisation
from portal.simulator import accounts
from portal.simulator.book import DELIVERED, READ, Book
from portal.simulator.providers import moods
from tests.demo.people import Customer, Desk, Pocket, in_order
from tests.demo.play import becomes, work

NUMBER, WHO = "+442079460188", "ada@example.org"
THREAD = f"/demo/telephone/whatsapp/{NUMBER}/{accounts.WHATSAPP_NUMBER}/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(web: str, shop: Organisation) -> Desk:
    """Noor, at her desk."""
    return Desk(web)


@pytest.fixture
def pocket(web: str, shop: Organisation) -> Pocket:
    """Ada's telephone."""
    return Pocket(web, NUMBER, WHO)


@pytest.fixture
def desktop(web: str, shop: Organisation) -> Customer:
    """Ada's computer."""
    return Customer(web)


def only_case() -> Case:
    """The one case that there is."""
    becomes(lambda: Case.objects.exists())
    return Case.objects.get()


def status(text: str) -> str:
    """What the desk knows of how that answer went."""
    return str(Delivery.objects.get(message__text=text).status)


def shown(pocket: Pocket, *texts: str) -> Callable[[], bool]:
    """Whether the shop's newest words in WhatsApp are these."""
    return lambda: (
        [b.text.partition("\n")[0] for b in pocket.bubbles("whatsapp")][-len(texts) :] == [*texts]
    )


def test_a2_a_question_on_stock(pocket: Pocket, desk: Desk) -> None:
    """A WhatsApp question on stock gets a quick answer, where it was asked."""
    # Out of the blue, without a form, an account or a choice: the question is a case.
    pocket.write("whatsapp", "Do you still have the blue Volt City?")
    case = only_case()
    becomes(lambda: len(pocket.bubbles("whatsapp")) == 1)
    (received,) = pocket.bubbles("whatsapp")
    assert case.reference in received.text and "We have your question" in received.text
    assert pocket.holds("We have your question") == ["whatsapp"]

    # It waits in the queue, under WhatsApp, and its page says how long one may answer there.
    assert case.reference in desk.get("/admin/cases/", kind="whatsapp")
    page = desk.page(case.reference)
    assert "Do you still have the blue Volt City?" in page and "left to answer by WhatsApp" in page

    # The answer is there at once, and the desk sees that it was delivered and read.
    desk.answer(case.reference, "Yes, two of them, in size M.")
    becomes(shown(pocket, "Yes, two of them, in size M."))
    assert pocket.holds("two of them") == ["whatsapp"]
    becomes(lambda: status("Yes, two of them, in size M.") == DELIVERED)
    assert "Yes, two of them, in size M." in pocket.get(THREAD)
    becomes(lambda: status("Yes, two of them, in size M.") == READ)

    # What they say to that is the same matter, and nobody asks who they are.
    pocket.write("whatsapp", "Then I come on Friday.")
    becomes(lambda: case.messages.filter(text="Then I come on Friday.").exists())
    told = ["Do you still have the blue Volt City?", "Yes, two of them", "Then I come on Friday."]
    timeline = desk.page(case.reference).partition('id="timeline"')[2].partition("composer")[0]
    assert in_order(timeline, told) and Case.objects.count() == 1
    assert Event.objects.filter(sort=Event.Sort.SWITCHED).count() == 0


def test_a7_the_window_closes(pocket: Pocket, desk: Desk) -> None:
    """After WhatsApp's 24 hours an answer is refused before it is sent, and says why."""
    pocket.write("whatsapp", "Where is my parcel?")
    case = only_case()
    desk.answer(case.reference, "It comes tomorrow.")
    becomes(shown(pocket, "It comes tomorrow."))

    # A day goes by. The composer says so, has nothing to press, and offers what is left.
    InboundItem.objects.update(created_at=F("created_at") - timedelta(hours=24))
    page = desk.page(case.reference)
    assert "WhatsApp lets us answer only within 24 hours" in page and "data-send" not in page
    assert 'name="to" value="account"' in page

    # Who sends all the same keeps the words, and nothing goes: by no way that nobody chose.
    page = desk.answer(case.reference, "It is at your door.", status=422)
    assert "It is at your door.</textarea>" in page
    work()
    assert pocket.holds("at your door") == []
    assert not case.messages.filter(text="It is at your door.").exists()
    assert only_case().choice.kind == "whatsapp"  # type: ignore[union-attr]

    # The customer writes again: the window is open, and the same case goes on.
    pocket.write("whatsapp", "Hello?")
    becomes(lambda: case.messages.filter(text="Hello?").exists())
    desk.answer(case.reference, "It is at your door.")
    becomes(shown(pocket, "It is at your door."))
    assert Case.objects.count() == 1


def test_a7_whatsapp_itself_refuses(pocket: Pocket, desk: Desk) -> None:
    """The provider's clock counts: what it does not bring is said to staff, and shown as failed."""
    pocket.write("whatsapp", "Where is my parcel?")
    case = only_case()
    work()
    moods.switch("whatsapp", "closed", on=True)
    desk.answer(case.reference, "It comes tomorrow.")
    becomes(lambda: case.alerts.filter(sort="failed").exists())
    page = desk.page(case.reference)
    assert pocket.holds("tomorrow") == [] and "It comes tomorrow." in page
    assert status("It comes tomorrow.") == "failed"
    assert case.reference in desk.get("/admin/alerts/")

    # On the own page, with a reason, it can be read: one case still.
    desk.answer(case.reference, "Tomorrow.", kind="account", why="WhatsApp is closed")
    assert Case.objects.get().choice.kind == "whatsapp"  # type: ignore[union-attr]


def test_a8_from_desk_to_pocket(desktop: Customer, pocket: Pocket, desk: Desk) -> None:
    """A talk on the desktop goes on by WhatsApp on the telephone: one scan, the same case."""
    # On the desktop: question and answer on the own page.
    reference = desktop.ask("Which lock fits the Volt City?", "account")
    desk.answer(reference, "The frame lock; it costs 30 euros.")
    assert "The frame lock; it costs 30 euros." in desktop.page()
    assert pocket.holds("frame lock") == []

    # Change, WhatsApp: a button and a QR, no number to type; it waits, with a way back.
    desktop.switch("whatsapp")
    page = desktop.page()
    link = desktop.link()
    drawn = segno.make(link, micro=False, error="m").svg_inline(
        dark="#000", light="#fff", border=3, omitsize=True
    )
    assert html.unescape(str(drawn)) in page and "works until" in page
    assert "Press <strong>send</strong> there" in page and "Choose another way" in page
    assert "Until then we answer on this page." in page
    assert reference in link and "Which lock" not in link

    # Until they wrote, nothing goes to a telephone that anybody could have named.
    desk.answer(reference, "It is in stock.")
    work()
    assert Book("whatsapp").bubbles() == [] and "It is in stock." in desktop.page()

    # The telephone scans it and presses send: the case follows, and the page says so.
    pocket.scan(link)
    becomes(lambda: Case.objects.get().choice.kind == "whatsapp")  # type: ignore[union-attr]
    page = desktop.page()
    assert "From now on we answer by WhatsApp." in page and "works until" not in page
    assert "You wrote by WhatsApp, so we answer there." in page
    assert pocket.holds("It is in stock.") == []  # it was told already

    # From here on both sides are on the telephone, and the desktop reads along.
    desk.answer(reference, "Shall I keep one for you?")
    becomes(shown(pocket, "Shall I keep one for you?"))
    pocket.write("whatsapp", "Yes please, I come on Friday.")
    becomes(lambda: "Yes please, I come on Friday." in desktop.page())
    told = ["Which lock fits", "The frame lock", "It is in stock.", "Shall I keep", "Yes please"]
    assert in_order(desktop.page().partition('<ol id="lines" class="timeline">')[2], told)
    assert Case.objects.count() == 1

    # The code is used up: the same picture on another telephone joins nothing.
    other = Pocket(pocket.url, "+442079460189", "eve@example.org")
    other.scan(link)
    becomes(lambda: len(other.bubbles("whatsapp")) >= 1)
    assert "Shall I keep" not in " ".join(bubble.text for bubble in other.bubbles("whatsapp"))
    desk.answer(reference, "Until Friday!")
    becomes(lambda: pocket.holds("Until Friday!") == ["whatsapp"])
    assert "Until Friday!" not in " ".join(b.text for b in other.bubbles("whatsapp"))
