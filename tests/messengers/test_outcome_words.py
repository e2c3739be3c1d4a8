"""After resolving, by messenger: two questions, answered by a tap or a word."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import dispatch, outcomes, switching
from channels_app.adapters.base import Capabilities, Reason, Rejected, SendError, Uncertain
from channels_app.models import Attempt, Channel, Delivery, InboundItem, Template
from channels_app.models.delivery import DeliveryQuerySet
from contacts import services
from contacts.models import Alert, Case, Event, Identity, Message, Outcome, Question, Topic, User
from contacts.models.outcome import CHANGEABLE, EVERY, WAIT
from contacts.models.question import MAX_A_DAY
from tests.messengers import pocket
from tests.messengers.people import SAM, VICTIM, own_page, texts

pytestmark = pytest.mark.once  # words are words on either database

SECOND = "Thank you. Did you have to tell us anything twice?"


@pytest.fixture
def desk(client: Client, agent: User) -> Client:
    """A browser in which the agent is signed in."""
    client.force_login(agent, backend="portal.access.StaffBackend")
    return client


def asks(channel: Channel, agent: User, text: str = "Is it blue?") -> Case:
    """A question from a telephone, that was answered there."""
    pocket.write(channel, SAM, text)
    case = Case.objects.latest("pk")
    dispatch.reply(case=case, staff=agent, text="Yes, it is.")
    pocket.send_all()
    return case


@pytest.fixture
def case(whatsapp: Channel, agent: User) -> Case:
    """By WhatsApp."""
    return asks(whatsapp, agent)


def press(desk: Client, case: Case, name: str) -> None:
    """A button of the case's page."""
    assert desk.post(reverse(f"admin:{name}", args=[case.reference])).status_code == 302
    case.refresh_from_db()


def wait() -> list[str]:
    """Some minutes later; what is sent then, with its buttons."""
    now = timezone.now()
    Delivery.objects.filter(status="queued").update(next_attempt_at=now)
    Question.objects.filter(created_at__gt=now).update(created_at=now)
    Outcome.objects.update(asked_at=timezone.now() - WAIT)
    return sent()


def sent() -> list[str]:
    """What goes to the customer now."""
    gone = pocket.send_all()
    return [out.text.partition(" Reply YES or NO.")[0] for out in gone]


def asked(desk: Client, case: Case) -> None:
    """It is done, and they were asked."""
    press(desk, case, "case_done")
    assert wait() == [f"Did we answer your question {case.reference}?"]


def first(case: Case) -> DeliveryQuerySet:
    """How the first question went."""
    return Delivery.objects.filter(message__case=case, message__template=Question.Sort.SETTLED)


def said() -> tuple[bool | None, bool | None]:
    """What the one outcome says."""
    row = Outcome.objects.get()
    return row.answered, row.repeated


def state(case: Case) -> str:
    case.refresh_from_db()
    return case.state


@pytest.mark.parametrize("kind", ["whatsapp", "sms"])
def test_yes_and_no_by_word(
    request: pytest.FixtureRequest, desk: Client, agent: User, kind: str
) -> None:
    channel = request.getfixturevalue(kind)
    case = asks(channel, agent)
    press(desk, case, "case_done")
    assert sent() == [] and first(case).get().status == "queued"
    at = timezone.localtime(first(case).get().next_attempt_at)
    shown = desk.get(reverse("admin:case", args=[case.reference])).content.decode()
    assert f"at {at:%H:%M}: “Did we answer your question {case.reference}?”" in shown
    assert wait() == [f"Did we answer your question {case.reference}?"]
    pocket.write(channel, SAM, "Ja")
    assert said() == (True, None) and sent() == [SECOND]
    pocket.write(channel, SAM, "nee.")
    assert said() == (True, False) and sent() == ["Thank you for telling us."]
    assert state(case) == Case.State.RESOLVED and texts(case) == ["Is it blue?"]
    row = Outcome.objects.get()
    assert (row.kind, row.switches) == (kind, 0)
    assert Event.objects.filter(case=case, sort=Event.Sort.OUTCOME).count() == 2


def test_it_is_asked_with_buttons(whatsapp: Channel, desk: Client, case: Case) -> None:
    press(desk, case, "case_done")
    wait()
    (yes, no) = pocket.Pocket.sent[-1].buttons
    assert (yes.label, no.label) == ("Yes", "No")
    pocket.write(whatsapp, SAM, yes.word)
    assert said() == (True, None) and sent() == [SECOND]
    pocket.write(whatsapp, SAM, no.word)  # of the first one: they read it again
    assert said() == (True, None) and sent() == ["Thank you, you told us already."]
    pocket.write(whatsapp, SAM, pocket.Pocket.sent[-2].buttons[0].word)
    assert said() == (True, True)


def test_no_opens_it_again_and_what_they_write_comes_there(
    whatsapp: Channel, desk: Client, case: Case, agent: User
) -> None:
    asked(desk, case)
    pocket.write(whatsapp, SAM, "No")
    assert sent() == [
        f"Your question {case.reference} is open again. What is missing? Write it here."
    ]
    assert state(case) == Case.State.OPEN and case.waiting_since is not None
    assert Alert.objects.filter(user=agent, case=case, sort=Alert.Sort.ANSWERED).exists()
    pocket.write(whatsapp, SAM, "I meant the red one.")
    assert texts(case)[-1] == "I meant the red one." and said() == (False, None)


def test_where_a_sender_can_be_forged_no_leads_to_the_page(
    sms: Channel, desk: Client, agent: User
) -> None:
    case = asks(sms, agent)
    asked(desk, case)
    pocket.write(sms, SAM, "NEE")
    (line,) = sent()
    start = f"Your question {case.reference} is open again. What is missing? Write it on your page:"
    assert line.startswith(f"{start} http") and "{link}" not in line
    page = Client()
    assert page.post(line.rpartition(" ")[2], follow=True).status_code == 200
    assert state(case) == Case.State.OPEN


@pytest.mark.parametrize("how", ["undo", "page"])
def test_who_opens_it_again_meanwhile_is_not_asked(desk: Client, case: Case, how: str) -> None:
    press(desk, case, "case_done")
    if how == "undo":
        press(desk, case, "case_reopen")
    else:
        services.reopen(case=case)
    shown = desk.get(reverse("admin:case", args=[case.reference])).content.decode()
    assert "Not asked: “Did we answer your question" in shown
    assert wait() == [] and first(case).get().status == "cancelled"
    assert not Outcome.objects.exists()
    assert not Event.objects.filter(sort=Event.Sort.FAILED).exists()


def test_undone_and_done_again_it_is_asked_once(desk: Client, case: Case) -> None:
    press(desk, case, "case_done")
    press(desk, case, "case_reopen")
    asked(desk, case)
    assert sorted(first(case).values_list("status", flat=True)) == ["cancelled", "sent"]
    assert Outcome.objects.count() == 1


@pytest.mark.parametrize("text", ["yes", "And the red one?"])
def test_who_writes_before_it_went_is_not_asked(
    whatsapp: Channel, desk: Client, case: Case, text: str
) -> None:
    press(desk, case, "case_done")
    pocket.write(whatsapp, SAM, text)
    assert texts(case) == ["Is it blue?", text] and state(case) == Case.State.OPEN
    assert wait() == [] and first(case).get().status == "cancelled"
    assert not Outcome.objects.exists() and Case.objects.count() == 1


def test_who_writes_where_a_sender_can_be_forged_is_not_asked_there(
    sms: Channel, desk: Client, agent: User
) -> None:
    case = asks(sms, agent)
    press(desk, case, "case_done")
    pocket.write(sms, SAM, "And the red one?")
    assert Case.objects.count() == 2 and state(case) == Case.State.RESOLVED
    wait()
    assert first(case).get().status == "cancelled" and Outcome.objects.count() == 1


def test_opened_again_and_solved_by_the_customer_it_is_not_asked(desk: Client, case: Case) -> None:
    press(desk, case, "case_done")
    press(desk, case, "case_reopen")
    outcomes.resolve(case=case)
    assert wait() == [] and first(case).get().status == "cancelled"


def test_once_in_thirty_days(whatsapp: Channel, desk: Client, case: Case) -> None:
    asked(desk, case)
    press(desk, case, "case_reopen")
    press(desk, case, "case_done")
    assert wait() == [] and Outcome.objects.count() == 1
    Outcome.objects.update(asked_at=timezone.now() - EVERY)
    press(desk, case, "case_reopen")
    press(desk, case, "case_done")
    wait()
    assert Outcome.objects.count() == 2 and first(case).filter(status="sent").count() == 2


def test_who_solved_it_themselves_gets_no_message(case: Case) -> None:
    outcomes.resolve(case=case)
    assert wait() == [] and not first(case).exists() and Outcome.objects.count() == 1


def test_what_was_said_on_the_page_is_not_asked(desk: Client, case: Case) -> None:
    press(desk, case, "case_done")
    outcomes.say(case=case, what="answered", value=True)
    assert wait() == [] and first(case).get().status == "cancelled"


def test_what_was_said_on_the_page_meanwhile_is_known(
    whatsapp: Channel, desk: Client, case: Case
) -> None:
    asked(desk, case)
    outcomes.say(case=case, what="answered", value=True)
    outcomes.say(case=case, what="repeated", value=True)
    pocket.write(whatsapp, SAM, "yes")
    assert sent() == ["Thank you for telling us."] and said() == (True, True)
    assert Case.objects.count() == 1


def test_a_word_after_it_was_opened_again_is_told_so(
    whatsapp: Channel, desk: Client, case: Case
) -> None:
    asked(desk, case)
    press(desk, case, "case_reopen")
    pocket.write(whatsapp, SAM, "yes")
    assert sent() == [f"Your question {case.reference} is open again: we still work on it."]
    assert texts(case) == ["Is it blue?"] and said() == (None, None)


def test_a_late_word_counts_as_long_as_the_page_takes_it(
    whatsapp: Channel, desk: Client, case: Case
) -> None:
    asked(desk, case)
    Question.objects.update(expires_at=timezone.now() - timedelta(days=1))
    pocket.write(whatsapp, SAM, "yes")
    assert said() == (True, None) and sent() == [SECOND]


def test_a_word_that_is_too_late_is_told_so(whatsapp: Channel, desk: Client, case: Case) -> None:
    asked(desk, case)
    outcomes.say(case=case, what="answered", value=True)
    Outcome.objects.update(said_at=timezone.now() - CHANGEABLE)
    pocket.write(whatsapp, SAM, "no")
    (line,) = sent()
    assert line.startswith("That was too late to be counted") and said() == (True, None)
    assert state(case) == Case.State.RESOLVED and Case.objects.count() == 1


@pytest.mark.parametrize("already", ["", "yes"])
def test_more_than_a_word_is_a_message_of_the_case(
    whatsapp: Channel, desk: Client, case: Case, already: str
) -> None:
    asked(desk, case)
    if already:
        pocket.write(whatsapp, SAM, already)
    pocket.write(whatsapp, SAM, "Yes, but where is the bell?")
    assert texts(case) == ["Is it blue?", "Yes, but where is the bell?"]
    assert said() == (True if already else None, None)
    assert state(case) == Case.State.OPEN and Case.objects.count() == 1


def test_a_stranger_who_was_asked_at_a_planted_address_tells_nothing_there(
    sms: Channel, desk: Client, agent: User
) -> None:
    Channel.objects.filter(pk=sms.pk).update(appends_by_sender=True)
    sms.refresh_from_db()
    case = own_page(sms.organisation)
    switching.switch(case=case, kind="sms", identity=Identity.of("phone", VICTIM))
    dispatch.reply(case=case, staff=agent, text="Yes, it is.")
    press(desk, case, "case_done")
    wait()
    pocket.write(sms, VICTIM, "Who are you? I live in Street 1.")
    assert texts(case) == ["My kettle leaks"] and Case.objects.count() == 2


def test_somebody_elses_word_says_nothing(
    whatsapp: Channel, sms: Channel, desk: Client, case: Case
) -> None:
    asked(desk, case)
    pocket.write(whatsapp, VICTIM, "no")
    pocket.write(sms, SAM, "no")
    assert said() == (None, None) and state(case) == Case.State.RESOLVED


def test_another_question_that_waits_there_goes_first(
    whatsapp: Channel, desk: Client, case: Case
) -> None:
    there = Identity.objects.get(value=SAM)
    Question.objects.ask(
        sort=Question.Sort.WHICH, identity=there, kind="whatsapp", wait=timedelta(hours=1)
    )
    press(desk, case, "case_done")
    assert wait() == [] and Outcome.objects.count() == 1
    assert Question.objects.get().is_open


def test_what_is_asked_there_meanwhile_goes_first(
    whatsapp: Channel, desk: Client, case: Case
) -> None:
    press(desk, case, "case_done")
    there = Identity.objects.get(value=SAM)
    Question.objects.ask(
        sort=Question.Sort.JOIN, identity=there, kind="whatsapp", wait=timedelta(hours=1)
    )
    assert wait() == [] and first(case).get().status == "cancelled"


@pytest.mark.parametrize("way", ["account", "phone", "letter"])
def test_by_other_ways_only_the_page_asks(desk: Client, case: Case, way: str) -> None:
    given = {"phone": ("phone", SAM), "letter": ("post", "Sam\nStreet 1\n1000 AA Town")}.get(way)
    identity = Identity.of(*given) if given else None
    switching.switch(case=case, kind=way, identity=identity)
    press(desk, case, "case_done")
    assert wait() == [] and Outcome.objects.count() == 1
    assert not Message.objects.filter(template=Question.Sort.SETTLED).exists()


def test_who_goes_on_by_another_way_meanwhile_is_not_called_for_it(
    desk: Client, case: Case
) -> None:
    press(desk, case, "case_done")
    switching.switch(case=case, kind="phone", identity=Identity.of("phone", SAM))
    assert wait() == [] and not Delivery.objects.to_do().exists()


@pytest.mark.parametrize("hours", [23, 25])
def test_no_approved_text_asks(
    whatsapp: Channel, desk: Client, case: Case, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    real = pocket.Pocket.capabilities

    def capabilities(kind: str) -> Capabilities:
        return replace(real(kind), reply_window=timedelta(hours=24), templates=True)

    monkeypatch.setattr(pocket.Pocket, "capabilities", capabilities)
    Template.objects.create(
        channel=whatsapp, name="news", language="en", body="{{1}} {{2}}", state="approved"
    )
    there = timezone.now() - timedelta(hours=hours)
    InboundItem.objects.update(created_at=there, identity=Identity.objects.get(value=SAM))
    press(desk, case, "case_done")
    assert first(case).exists() == (hours == 23) and Outcome.objects.count() == 1


def test_a_stopped_address_is_not_asked(whatsapp: Channel, desk: Client, case: Case) -> None:
    there = Identity.objects.get(value=SAM)
    there.close("whatsapp", Identity.STOPPED)
    press(desk, case, "case_done")
    assert not first(case).exists() and Outcome.objects.count() == 1


@pytest.mark.parametrize(("fault", "status"), [(Rejected, "failed"), (Uncertain, "uncertain")])
def test_that_it_did_not_arrive_alarms_nobody(
    desk: Client,
    case: Case,
    monkeypatch: pytest.MonkeyPatch,
    fault: type[SendError],
    status: str,
) -> None:
    def refuse(_self: object, _outbound: object) -> object:
        raise fault(Reason("rejected", {}))

    press(desk, case, "case_done")
    monkeypatch.setattr(pocket.Pocket, "send", refuse)
    wait()
    assert first(case).get().status == status and Attempt.objects.filter(delivery__in=first(case))
    assert not Alert.objects.filter(sort__in=(Alert.Sort.FAILED, Alert.Sort.UNCERTAIN)).exists()
    assert not Event.objects.filter(sort__in=(Event.Sort.FAILED, Event.Sort.UNCERTAIN)).exists()


def test_a_sensitive_case_is_asked_by_its_reference(desk: Client, case: Case) -> None:
    topic = Topic.objects.create(name={"en": "Money"}, slug="money", is_sensitive=True)
    Case.objects.filter(pk=case.pk).update(topic=topic)
    asked(desk, case)


def test_it_asks_in_their_language(whatsapp: Channel, desk: Client, agent: User) -> None:
    case = asks(whatsapp, agent, "Ik wil graag weten of hij ook in het blauw is")
    press(desk, case, "case_done")
    assert case.language == "nl"
    Message.objects.get(template=Question.Sort.SETTLED, language="nl")


def test_the_switch_of_the_organisation(desk: Client, case: Case) -> None:
    type(case.organisation).objects.update(asks_outcome=False)
    press(desk, case, "case_done")
    assert not first(case).exists() and not Outcome.objects.exists()


def test_who_asks_to_be_called_meanwhile_is_not_asked(desk: Client, case: Case) -> None:
    press(desk, case, "case_done")
    services.allow_calls(case=case, allowed=True)
    assert state(case) == Case.State.OPEN
    assert wait() == [] and first(case).get().status == "cancelled"


def test_only_so_often_at_one_address(
    whatsapp: Channel, desk: Client, case: Case, agent: User
) -> None:
    for _n in range(MAX_A_DAY):
        Question.objects.create(
            sort=Question.Sort.SETTLED,
            identity=Identity.objects.get(value=SAM),
            kind="whatsapp",
            expires_at=timezone.now(),
            closed_at=timezone.now(),
        )
    press(desk, case, "case_done")
    assert not first(case).exists() and Outcome.objects.count() == 1


def test_the_customers_page_shows_the_card_and_not_what_was_sent(
    whatsapp: Channel, desk: Client, case: Case
) -> None:
    asked(desk, case)
    pocket.write(whatsapp, SAM, "yes")
    page = Client()
    link = services.case_link(case).plain
    shown = page.post(f"/c/{link}/", follow=True).content.decode()
    assert 'id="outcome"' in shown and "Did we answer your question" not in shown
    assert "You said that this answered your question." in shown
