"""A time to be called or to come by: picked on the page, moved and cancelled by a link."""

import re
from collections.abc import Callable
from datetime import timedelta
from unittest import mock
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import appointments, promises, rendering, slots, switching, todos
from channels_app.models import Appointment, Channel, Delivery
from contacts import merging
from contacts.models import Case, Code, Identity, Organisation, User
from portal import times
from tests import shop
from tests.core import booking
from tests.core.booking import branch, phone, workday
from tests.site.conftest import Ask, posted


@pytest.fixture
def organisation(db: None) -> Organisation:
    """A shop that takes appointments."""
    return booking.make_shop()


def free(count: int = 3) -> list[str]:
    """The next free times of the phone, as a form posts them."""
    found = slots.next_free(phone(), timezone.now(), count)
    return [times.value_of(at) for at in found]


def page_of(case: Case, channel: str = "phone") -> str:
    """Where a time is picked."""
    return f"/q/{case.reference}/appointment/{channel}/"


def words(response: object) -> str:
    """What stands on a page, without its blanks."""
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


def test_the_start_page_offers_the_next_free_times(client: Client, ask: Ask) -> None:
    html = words(client.get("/"))
    assert "You can book:" in html and html.count('name="wish_phone"') == 4 + 3 + 1
    wish = free()[1]
    case = ask(client, way="phone", address_phone="020 765 43 21", wish_phone=wish)
    agreed = Appointment.objects.get()
    assert agreed.case == case and agreed.starts_at == times.read(wish)
    assert Delivery.objects.to_do().get().next_attempt_at == agreed.starts_at
    html = words(client.get(f"/q/{case.reference}/"))
    assert appointments.said(agreed, "booked") in html and "Put in my calendar" in html
    assert "Call on " in html and "Choose a time to be called" not in html


def test_a_time_that_was_taken_meanwhile_is_said_and_others_are_offered(
    client: Client, organisation: Organisation
) -> None:
    at, wish = slots.next_free(phone(), timezone.now())[0], free()[0]
    Appointment.objects.create(
        case=another(), channel=phone(), starts_at=at, minutes=30, zone="UTC"
    )
    given = posted(way="phone", address_phone="020 765 43 21", wish_phone=wish)
    response = client.post("/", given)
    assert response["Location"].endswith("/appointment/phone/")
    html = words(client.get(response["Location"]))
    assert "This time was just taken." in html and wish not in html and free()[0] in html


@pytest.mark.parametrize("wish", ["at-99991231T2359Z", "at-00010101T0000Z"])
def test_a_time_that_no_clock_shows_is_no_wish(client: Client, ask: Ask, wish: str) -> None:
    case = ask(client, way="phone", address_phone="020 765 43 21", wish_phone=wish)
    assert case.answer_kind == "phone" and not Appointment.objects.exists()


def test_a_phone_that_went_while_it_was_booked_leaves_nothing_half(
    client: Client, ask: Ask
) -> None:
    case, at = ask(client), free()[0]
    gone = switching.CannotSwitch()
    with mock.patch.object(switching, "switch", side_effect=gone):  # as the row now says
        response = client.post(page_of(case), {"at": at, "number": "020 765 43 21"}, follow=True)
    assert "No time can be chosen here any more." in words(response)
    wish = {"way": "phone", "address_phone": "020 765 43 21", "wish_phone": at}
    with mock.patch.object(switching, "switch", side_effect=gone):
        response = Client().post("/", posted(**wish), follow=True)
    assert "No time can be chosen here any more." in words(response)
    assert not Appointment.objects.exists() and not Code.objects.filter(purpose="appointment")
    assert not Delivery.objects.exclude(appointment=None)


def another() -> Case:
    """A case of somebody else."""
    Client().post("/", posted(text="Another question", address_email="kim@example.org"))
    return Case.objects.latest("pk")


def test_at_a_time_of_my_choice_leads_to_the_times(
    client: Client, organisation: Organisation
) -> None:
    given = posted(way="phone", address_phone="020 765 43 21", wish_phone="choose")
    response = client.post("/", given)
    assert response["Location"].endswith("/appointment/phone/")
    assert not Appointment.objects.exists() and not Delivery.objects.to_do().exists()


def test_picked_moved_and_cancelled_on_the_page(client: Client, ask: Ask) -> None:
    case = ask(client)
    html = words(client.get(page_of(case)))
    assert 'name="number"' in html and html.count("<fieldset") == times.SHOWN + 1
    assert "E-mail me" in html and "Send me a text message" not in html  # no SMS is offered
    first, second = free(2)
    given = {"at": first, "number": "020 765 43 21", "if_missed": "email"}
    assert client.post(page_of(case), given)["Location"] == f"/q/{case.reference}/"
    agreed = Appointment.objects.get()
    assert (agreed.starts_at, agreed.if_missed) == (times.read(first), "email")
    client.post(page_of(case), {"at": second})
    agreed.refresh_from_db()
    assert agreed.starts_at == times.read(second) and agreed.if_missed == "email"
    client.post(page_of(case), {"cancel": "1"})
    agreed.refresh_from_db()
    assert agreed.state == "cancelled"
    html = words(client.get(f"/q/{case.reference}/"))
    assert appointments.said(agreed, "cancelled") in html and "Choose a time to be called" in html


@pytest.mark.parametrize(
    ("given", "status", "line"),
    [
        ({}, 422, "Please choose a time."),
        ({"at": "tomorrow"}, 422, "Please choose a time."),
        ({"at": "past", "number": "020 765 43 21"}, 409, "just taken"),
        ({"at": "at-20200101T1000Z", "number": "020 765 43 21"}, 422, "Please choose a time."),
        ({"at": "at-99991231T2359Z", "number": "020 765 43 21"}, 422, "Please choose a time."),
        ({"at": "at-00010101T0000Z", "number": "020 765 43 21"}, 422, "Please choose a time."),
        ({"at": "at-99999999T9999Z"}, 422, "Please choose a time."),
        ({"at": "free"}, 422, "Please write your phone number."),
        ({"at": "free", "number": "none"}, 422, "number"),
    ],
)
def test_only_a_free_time_and_a_number_are_taken(
    client: Client, ask: Ask, given: dict[str, str], status: int, line: str
) -> None:
    case = ask(client)
    named = {"free": free()[0], "past": times.value_of(timezone.now() - timedelta(days=7))}
    at = named.get(given.get("at", ""))
    response = client.post(page_of(case), {**given, **({"at": at} if at else {})})
    assert response.status_code == status and line in words(response)
    assert not Appointment.objects.exists()


def test_more_days_follow_and_times_are_by_the_own_clock(client: Client, ask: Ask) -> None:
    case = ask(client)
    html = words(client.get(page_of(case)))
    more = re.search(r'href="(\?from=[^"]+)"', html)
    assert more
    later = words(client.get(page_of(case) + more[1].replace("&amp;", "&")))
    assert free(1)[0] in html and free(1)[0] not in later and "The first days" in later
    tokyo = words(client.get(page_of(case) + "?zone=Asia/Tokyo"))
    assert "times of Tokyo" in tokyo and 'value="Asia/Tokyo"' in tokyo
    assert "times of" not in words(client.get(page_of(case) + "?zone=No/Where&from=xx"))


def test_a_visit_needs_no_number(client: Client, ask: Ask) -> None:
    case = ask(client)
    html = words(client.get(page_of(case, "north")))
    assert "North Street 1" in html and 'name="number"' not in html and "if_missed" not in html
    at = times.value_of(slots.next_free(branch(), timezone.now())[0])
    client.post(page_of(case, "north"), {"at": at})
    assert Appointment.objects.get().channel.slug == "north"
    case.refresh_from_db()
    assert case.choice and case.choice.kind == "email"


def test_who_may_not_see_the_case_may_not_book_in_it(client: Client, ask: Ask) -> None:
    case, stranger = ask(Client()), client
    for path in (page_of(case), page_of(case) + "appointment.ics"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(page_of(case), {"at": free()[0], "number": "020 1"}).status_code == 404


@pytest.mark.parametrize("channel", ["south", "email", "nowhere"])
def test_what_takes_no_appointments_has_no_times(client: Client, ask: Ask, channel: str) -> None:
    assert client.get(page_of(ask(client), channel)).status_code == 404


def test_a_case_changes_its_mind_so_often_and_no_oftener(client: Client, ask: Ask) -> None:
    case = ask(client)
    codes = {client.post(page_of(case), {"at": "x"}).status_code for _n in range(20)}
    assert codes == {422}
    assert client.post(page_of(case), {"at": "x"}).status_code == 429


def test_a_stranger_reads_a_number_masked_and_its_owner_whole(client: Client, ask: Ask) -> None:
    case = ask(client, way="phone", address_phone="020 765 43 21")
    assert "020 765" not in words(client.get(page_of(case)))


@pytest.fixture
def agreed(client: Client, ask: Ask) -> Appointment:
    """A call that was booked."""
    return appointments.book(
        case=ask(client),
        channel=phone(),
        starts_at=workday("10:00"),
        identity=Identity.of("phone", "020 765 43 21"),
    )


def link(agreed: Appointment) -> str:
    """Its address in the confirmation."""
    assert agreed.code is not None
    return f"/a/{agreed.code.plain}/"


def test_by_its_link_anybody_moves_or_cancels_it_and_sees_nothing_else(
    agreed: Appointment,
) -> None:
    anybody = Client()
    html = words(anybody.get(link(agreed)))
    assert "Monday" in html or "at 10:00" in html
    for secret in (agreed.case.reference, agreed.case.title, "765", "sam@example.org"):
        assert secret not in html
    agreed.refresh_from_db()
    assert agreed.is_booked  # whoever looks changes nothing
    anybody.post(link(agreed), {"at": times.value_of(workday("11:00"))})
    agreed.refresh_from_db()
    assert agreed.starts_at == workday("11:00")
    assert b"BEGIN:VEVENT" in anybody.get(link(agreed) + "appointment.ics").content
    response = anybody.post(link(agreed), {"cancel": "1"})
    assert response["Location"] == link(agreed)
    response = anybody.get(link(agreed))
    assert response.status_code == 410 and "is cancelled" in words(response)
    assert anybody.get(f"/q/{agreed.case.reference}/").status_code == 404


def test_a_foreign_or_an_old_link_says_what_to_do(agreed: Appointment) -> None:
    assert Client().get("/a/abcdefghijklmnopqrstuvwxyz/").status_code == 404
    Code.objects.filter(purpose="appointment").update(expires_at=timezone.now())
    response = Client().post(link(agreed), {"cancel": "1"})
    assert response.status_code == 410 and "/sign-in/" in words(response)
    agreed.refresh_from_db()
    assert agreed.is_booked
    # A link to a case is no link to an appointment, and the reverse.
    case_link = Code.objects.filter(purpose="case_link").first()
    assert case_link and Client().get(f"/a/{case_link.plain}/").status_code == 404
    assert agreed.code and Client().get(f"/c/{agreed.code.plain}/").status_code == 404


def test_a_signed_in_customer_books_with_the_number_that_is_known(client: Client, ask: Ask) -> None:
    case = ask(client, way="phone", address_phone="020 765 43 21", wish_phone="soon")
    assert 'name="number"' not in words(client.get(page_of(case)))
    client.post(page_of(case), {"at": free()[0]})
    rows = Delivery.objects.to_do()
    assert rows.get().appointment is not None  # in place of the call that was asked for before


def test_a_channel_that_takes_none_any_more_keeps_what_was_agreed(
    client: Client, agreed: Appointment
) -> None:
    Channel.objects.update(takes_appointments=False)
    html = words(client.get(f"/q/{agreed.case.reference}/"))
    assert "We call you on" in html and "Choose a time to be called" not in html
    response = client.get(page_of(agreed.case))
    assert response.status_code == 200 and "No time is free" in words(response)
    later = times.value_of(workday("11:00"))
    response = client.post(page_of(agreed.case), {"at": later}, follow=True)
    html = words(response)
    assert "We give no other times here any more." in html and "just taken" not in html
    client.post(page_of(agreed.case), {"cancel": "1"})
    agreed.refresh_from_db()
    assert agreed.state == "cancelled"


def test_the_mail_has_a_link_to_move_it_and_a_file_for_the_calendar(agreed: Appointment) -> None:
    told = Delivery.objects.get(message__template="appointment")
    mail = rendering.render(told)
    assert f"http://testserver{link(agreed)}" in mail.text or link(agreed) in mail.text
    assert [file.name for file in mail.files] == ["appointment.ics"]
    assert f'{link(agreed)}"' in mail.html and "{link}" not in mail.text + mail.html


@pytest.mark.parametrize(
    ("channel", "ago", "later", "line"),
    [
        (phone, 2, True, "We call you on {later}."),
        (phone, 2, False, "The call of {at} is late: we call you as soon as we can."),
        (phone, 0, True, "We call you on {later}."),
        (phone, 0, False, "We call you on {at}."),
        (branch, 2, True, "We see you on {later}."),
        (branch, 2, False, "The visit was planned for {at}."),
    ],
)
def test_past_its_time_page_and_link_say_when_it_is_now(
    client: Client,
    ask: Ask,
    agent: User,
    channel: Callable[[], Channel],
    ago: int,
    later: bool,
    line: str,
) -> None:
    agreed = appointments.book(
        case=ask(client),
        channel=channel(),
        starts_at=workday("10:00"),
        identity=Identity.of("phone", "020 765 43 21"),
    )
    at = timezone.now() - timedelta(hours=ago)
    Appointment.objects.update(starts_at=at)
    Delivery.objects.filter(appointment=agreed).update(next_attempt_at=at)
    row = Delivery.objects.to_do().select_related("appointment", "message__case").get()
    if later:
        todos.finish(row, agent, "later", later_at=workday("15:00"))
    agreed.refresh_from_db()
    moments = {"at": at, "later": workday("15:00")}
    clock = {name: appointments.when(agreed, moment) for name, moment in moments.items()}
    for path in (f"/q/{agreed.case.reference}/", page_of(agreed.case, channel().slug)):
        assert line.format(**clock) in words(client.get(path))
    assert line.format(**clock) in words(Client().get(link(agreed)))


def test_what_is_free_next_is_said_by_the_clock_of_the_page(client: Client, ask: Ask) -> None:
    case, taken = ask(client), slots.next_free(phone(), timezone.now())[0]
    Appointment.objects.create(
        case=another(), channel=phone(), starts_at=taken, minutes=30, zone="UTC"
    )
    given = {"at": times.value_of(taken), "number": "020 765 43 21", "zone": "Asia/Tokyo"}
    html = words(client.post(page_of(case), given))
    at = slots.next_free(phone(), timezone.now())[0]
    here, there = at, at.astimezone(ZoneInfo("Asia/Tokyo"))
    line = re.search(r"Next free: ([^.]*)\.", html)
    assert line and promises.moment(there, timezone.now()) in line[1]
    assert promises.moment(here, timezone.now()) != promises.moment(there, timezone.now())


def test_an_ended_link_gives_no_file_and_no_time(agreed: Appointment) -> None:
    assert Client().get(link(agreed) + "appointment.ics").status_code == 200
    Code.objects.filter(purpose="appointment").update(expires_at=timezone.now())
    response = Client().get(link(agreed) + "appointment.ics")
    html = words(response)
    assert response.status_code == 410 and "/sign-in/" in html
    assert "BEGIN" not in html and agreed.case.reference not in html
    appointments.cancel(appointment=agreed)
    html = words(Client().get(link(agreed)))
    assert appointments.said(agreed, "cancelled") not in html and "/sign-in/" in html
    assert Client().get("/a/abcdefghijklmnopqrstuvwxyz/appointment.ics").status_code == 404


def test_of_two_joined_cases_the_one_that_is_meant_is_changed(client: Client, ask: Ask) -> None:
    stem, part = ask(client), ask(client, text="Is the red one still there?")
    early, late = free(4)[0], free(4)[2]
    for case, at in ((stem, early), (part, late)):
        client.post(page_of(case), {"at": at, "number": "020 765 43 21"})
    merging.join(case=part, into=stem, by=shop.make_agent())
    first, second = Appointment.objects.order_by("starts_at")
    html = words(client.get(f"/q/{stem.reference}/"))
    for row in (first, second):
        assert f"appointment/phone/?agreed={row.pk}" in html
        assert f'name="agreed" value="{row.pk}"' in html
        page = words(client.get(page_of(stem) + f"?agreed={row.pk}"))
        assert appointments.said(row, "booked") in page
        assert page.count(f'name="agreed" value="{row.pk}"') == 2
        assert page.count(f"?agreed={row.pk}&amp;from=") == 1
        file = client.get(f"{page_of(stem)}appointment.ics?agreed={row.pk}").content.decode()
        assert str(row.pk) in file
    moved = free(4)[3]
    client.post(page_of(stem), {"agreed": str(second.pk), "at": moved})
    second.refresh_from_db()
    assert second.starts_at == times.read(moved)
    # Which one is not said, or it is none of theirs: nothing is changed, and that is said.
    for meant in ({}, {"agreed": "x"}, {"agreed": str(uuid4())}):
        response = client.post(page_of(stem), {"cancel": "1", **meant}, follow=True)
        assert "Please choose here which one you mean." in words(response)
        response = client.get(f"{page_of(stem)}appointment.ics", meant)
        assert response["Location"] == f"/q/{stem.reference}/"
    assert Appointment.objects.booked().count() == 2
    client.post(page_of(stem), {"agreed": str(second.pk), "cancel": "1"})
    assert Appointment.objects.booked().get() == first
