"""A call at a chosen time that nobody answers, or that is put off: what the customer hears."""

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from channels_app import appointments, dispatch, fallback, moving, switching, todos
from channels_app.models import Appointment, Delivery
from contacts.models import Case, Event, Identity, Organisation, User
from tests import shop, worker
from tests.adapters.twilio import Twilio
from tests.core import booking
from tests.core.booking import workday
from tests.core.test_appointments import book, number, to_do
from tests.core.test_at_once import a_case, fresh
from tests.webhooks.channels import channel_at
from tests.webhooks.providers import Provider, provider_server

SAM = "sam@example.org"
S = Delivery.Status


@pytest.fixture
def house(db: None) -> Organisation:
    """The shop."""
    return booking.make_shop()


@pytest.fixture
def sms(house: Organisation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """It offers text messages, through a provider that is played here."""
    with provider_server() as provider:
        channel_at(Twilio, house, provider, monkeypatch)
        yield provider


@pytest.fixture
def case(house: Organisation) -> Case:
    """A question that is answered by e-mail, until a call is booked."""
    case = a_case("email", SAM)
    Delivery.objects.all().delete()
    return case


def call_in_vain(agreed: Appointment, agent: User, times: int = 1) -> None:
    """Nobody answers."""
    for _n in range(times):
        todos.finish(to_do(agreed), agent, "not_reached")
    agreed.refresh_from_db()


def texts(sms: Provider) -> list[tuple[str, str]]:
    """The text messages that went: to whom, and what they say."""
    forms = [parse_qs(body.decode()) for _path, _headers, body in sms.calls]
    return [(form["To"][0], form["Body"][0]) for form in forms]


@pytest.mark.parametrize(("if_missed", "tries"), [("again", 3), ("text", 1), ("email", 1)], ids=str)
def test_what_follows_when_nobody_answers_is_what_they_chose(
    case: Case, agent: User, sms: Provider, sink: shop.Sink, if_missed: str, tries: int
) -> None:
    agreed = book(case, if_missed=if_missed)
    Delivery.objects.filter(message__template="appointment").delete()
    for count in range(1, tries + 1):
        call_in_vain(agreed, agent)
        assert agreed.tries == count
        assert "We could not reach you" in appointments.said(agreed, "booked")
        is_last = count == tries
        assert agreed.state == (Appointment.State.MISSED if is_last else Appointment.State.BOOKED)
    assert to_do(agreed).status == S.FAILED
    worker.send_due()
    second = Delivery.objects.filter(replaces=to_do(agreed)).first()
    line = f"You asked us to call you about your question {case.reference}."
    if if_missed == "again":
        assert second is None and not texts(sms) and not sink.mails
        return
    assert second is not None
    assert (second.role, second.status) == (Delivery.Role.FALLBACK, S.SENT)
    if if_missed == "text":
        ((to, text),) = texts(sms)
        assert to == number().value and line in text
    else:
        (mail,) = sink.mails
        assert mail["To"] == SAM and line in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize("happens", ["second way", "stop"])
def test_what_they_chose_with_the_call_stands_beside_the_second_way_but_not_a_stop(
    case: Case, agent: User, sms: Provider, happens: str
) -> None:
    agreed = book(case, if_missed="text")
    call_in_vain(agreed, agent)
    second = Delivery.objects.get(replaces=to_do(agreed))
    if happens == "second way":
        fallback.approve(case=fresh(case), kind="email", identity=Identity.of("email", SAM))
        fallback.approve(case=fresh(case), kind="")
    else:
        number().close("sms", Identity.STOPPED)
    worker.send_due()
    second.refresh_from_db()
    if happens == "second way":
        assert second.status == S.SENT and len(texts(sms)) == 1
    else:
        assert (second.status, second.reason["code"]) == (S.FAILED, "stopped")
        assert not sms.calls


def told(agreed: Appointment) -> Delivery:
    """What is said of it."""
    rows = Delivery.objects.select_related("message__case__root", "channel")
    return rows.get(appointment=agreed, message__template="appointment")


def test_a_confirmation_that_fails_is_no_call_that_nobody_answered(
    case: Case, sms: Provider
) -> None:
    agreed = book(case, if_missed="text")
    Identity.of("email", SAM).close("email", Identity.BOUNCED)
    worker.send_due()
    row = told(agreed)
    assert row.status == S.FAILED and not row.replaced_by.exists() and not sms.calls
    assert not case.events.filter(sort=Event.Sort.FELL_BACK).exists()
    assert to_do(agreed).status == S.TODO


def test_a_confirmation_to_an_address_that_is_theirs_no_more_leaves_the_call_as_it_is(
    case: Case, agent: User
) -> None:
    agreed = book(case)
    assert moving.end(case.customer, Identity.of("email", SAM), by=agent, case=fresh(case))
    agreed.refresh_from_db()
    assert agreed.is_booked and told(agreed).status == S.CANCELLED  # a stranger would read it
    assert [row.pk for row in Delivery.objects.to_do()] == [to_do(agreed).pk]
    assert moving.end(case.customer, number(), by=agent, case=fresh(case))
    agreed.refresh_from_db()
    assert (agreed.state, to_do(agreed).status) == (Appointment.State.CANCELLED, S.CANCELLED)


def test_moved_the_tries_begin_anew(case: Case, agent: User) -> None:
    agreed = book(case)
    call_in_vain(agreed, agent, 2)
    appointments.move(appointment=agreed, starts_at=workday("11:00"))
    assert todos.in_vain(to_do(agreed)) == 0
    call_in_vain(agreed, agent, 2)
    assert agreed.is_booked and todos.in_vain(to_do(agreed)) == 2
    call_in_vain(agreed, agent)
    assert agreed.state == Appointment.State.MISSED


def test_a_confirmation_that_is_tried_again_has_its_link_and_its_file(
    case: Case, agent: User, sink: shop.Sink
) -> None:
    agreed = book(case)
    row = told(agreed)
    row.move(S.FAILED, frm=(S.QUEUED,))
    again = dispatch.try_again(row, agent)
    assert again is not None and again.appointment == agreed and agreed.code is not None
    worker.send_due()
    (mail,) = sink.mails
    assert f"/a/{agreed.code.plain}/" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert [part.get_filename() for part in mail.iter_attachments()] == ["appointment.ics"]


def test_a_letter_that_tells_of_a_call_is_not_the_call(case: Case, agent: User) -> None:
    agreed = book(case)
    home = Identity.of("post", "Main Street 1\n1000 AA Town")
    switching.switch(case=fresh(case), kind="email", identity=Identity.of("email", SAM))
    fallback.approve(case=fresh(case), kind="letter", identity=home)
    Identity.of("email", SAM).close("email", Identity.BOUNCED)
    worker.send_due()
    letter = dispatch.try_again(told(agreed), agent)
    assert letter is not None and (letter.channel.kind, letter.status) == ("letter", S.TODO)
    appointments.move(appointment=agreed, starts_at=workday("11:00"))
    letter.refresh_from_db()
    assert letter.next_attempt_at < workday("11:00")
    assert [row.pk for row in Delivery.objects.to_meet()] == [
        Delivery.objects.get(message__template="callback").pk
    ]
    todos.finish(letter, agent, "sent")
    agreed.refresh_from_db()
    assert agreed.is_booked
