"""How it was: two rows of two buttons on the page of a question that is solved."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, outcomes, switching, todos
from channels_app.models import Delivery
from contacts import services
from contacts.models import Alert, Case, Event, Identity, Message, Outcome, User
from contacts.models.outcome import CHANGEABLE, EVERY, WAIT
from portal.site import outcome
from tests.site.conftest import Ask

ANSWERED, REPEATED = "Did this answer your question?", "Did you have to tell us anything twice?"


@pytest.fixture
def case(client: Client, ask: Ask, agent: User) -> Case:
    """One that was answered on its own page, and is open."""
    case = ask(client, way="account", address_email=None)
    dispatch.reply(case=case, staff=agent, text="Yes, it is.")
    return case


def page(client: Client, case: Case) -> str:
    return client.get(f"/q/{case.reference}/").content.decode()


def tap(client: Client, case: Case, what: str, value: str) -> str:
    """Press a button; the page that follows."""
    response = client.post(f"/q/{case.reference}/outcome/", {what: value}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def solved(client: Client, case: Case) -> str:
    return client.post(f"/q/{case.reference}/solved/", follow=True).content.decode()


def older(**values: timedelta) -> None:
    """Let time go by for the one outcome."""
    row = Outcome.objects.get()
    Outcome.objects.update(**{name: getattr(row, name) - by for name, by in values.items()})


def test_who_says_that_it_is_solved_is_asked_there(client: Client, case: Case) -> None:
    assert ANSWERED not in page(client, case)
    shown = solved(client, case)
    assert ANSWERED in shown and REPEATED in shown and 'id="outcome"' in shown
    assert not Message.objects.filter(case=case).exclude(template="").exists()
    assert "Thank you" not in tap(client, case, "answered", "yes")
    shown = tap(client, case, "repeated", "no")
    assert "Thank you for telling us how it was." in shown and "You can change this until" in shown
    row = Outcome.objects.get()
    assert (row.answered, row.repeated, row.kind, row.switches) == (True, False, "account", 0)
    assert "You said that this answered your question." in shown
    case.refresh_from_db()
    assert case.state == Case.State.RESOLVED


def test_who_is_not_answered_asks_again(client: Client, case: Case, agent: User) -> None:
    services.assign(case=case, to=agent, by=agent)
    solved(client, case)
    shown = tap(client, case, "answered", "no")
    assert "Your question is open again. What is missing? Write it below." in shown
    assert 'id="outcome"' not in shown and "You said that this did not answer" in shown
    case.refresh_from_db()
    assert case.state == Case.State.OPEN and case.waiting_since is not None
    assert Outcome.objects.get().answered is False
    assert Alert.objects.get(user=agent, sort=Alert.Sort.ANSWERED).case == case


def test_a_word_can_be_changed_for_a_day(client: Client, case: Case) -> None:
    solved(client, case)
    for value in ("yes", "yes", "no", "yes"):
        tap(client, case, "repeated", value)
    assert Event.objects.filter(sort=Event.Sort.OUTCOME).count() == 3
    older(said_at=CHANGEABLE)
    assert "can no longer be changed" in tap(client, case, "repeated", "no")
    assert Outcome.objects.get().repeated is True
    shown = tap(client, case, "answered", "yes")  # which was not said yet
    assert Outcome.objects.get().answered is True and "You can change this until" in shown


def test_a_second_device_is_told_what_was_said(client: Client, case: Case) -> None:
    solved(client, case)
    tap(client, case, "answered", "no")
    shown = tap(client, case, "answered", "yes")
    assert "Write below what is missing." in shown
    assert Outcome.objects.get().answered is False


def test_resolved_anew_it_asks_with_what_was_said(client: Client, case: Case, agent: User) -> None:
    solved(client, case)
    tap(client, case, "answered", "no")
    Outcome.objects.update(said_at=timezone.now() - CHANGEABLE)
    dispatch.reply(case=case, staff=agent, text="Then take the red one.")
    outcomes.resolve(case=case, by=agent)
    assert ANSWERED in page(client, case)
    tap(client, case, "answered", "no")
    case.refresh_from_db()
    assert case.state == Case.State.OPEN
    outcomes.resolve(case=case, by=agent)
    tap(client, case, "answered", "yes")
    assert Outcome.objects.get().answered is True
    case.refresh_from_db()
    assert case.state == Case.State.RESOLVED


def test_an_old_one_is_asked_no_more_and_a_new_resolving_asks_anew(
    client: Client, case: Case
) -> None:
    solved(client, case)
    older(asked_at=EVERY)
    assert 'id="outcome"' not in page(client, case)
    assert "can no longer be changed" in tap(client, case, "answered", "yes")
    client.post(f"/q/{case.reference}/again/")
    assert 'id="outcome"' in solved(client, case)
    assert Outcome.objects.count() == 2


@pytest.mark.parametrize("opens", ["again", "write", "desk"])
def test_who_opens_it_at_once_was_never_asked(
    client: Client, case: Case, agent: User, opens: str
) -> None:
    def open_again() -> None:
        if opens == "again":
            client.post(f"/q/{case.reference}/again/")
        elif opens == "write":
            client.post(f"/q/{case.reference}/", {"text": "And the red one?"})
        else:
            services.reopen(case=case, by=agent)
        case.refresh_from_db()
        assert case.state == Case.State.OPEN

    outcomes.resolve(case=case, by=agent)
    open_again()
    assert not Outcome.objects.exists()
    outcomes.resolve(case=case, by=agent)
    older(asked_at=WAIT)
    open_again()
    assert Outcome.objects.count() == 1


def test_who_got_no_answer_is_asked_nothing(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client)
    assert 'id="outcome"' not in solved(client, case)
    services.add_note(case=case, staff=agent, text="Twice?")
    services.reopen(case=case)
    outcomes.resolve(case=case, by=agent)
    assert not Outcome.objects.exists()


def test_an_organisation_may_ask_nothing(client: Client, case: Case) -> None:
    type(case.organisation).objects.update(asks_outcome=False)
    assert 'id="outcome"' not in solved(client, case)
    assert "Write" not in tap(client, case, "answered", "no")
    case.refresh_from_db()
    assert case.state == Case.State.RESOLVED


def test_switches_are_counted_but_not_what_was_undone(case: Case, agent: User) -> None:
    mail, phone = Identity.of("email", "sam@example.org"), Identity.of("phone", "+31201234567")
    switching.switch(case=case, kind="email", identity=mail)
    undone = switching.switch(case=case, kind="phone", identity=phone)
    switching.undo(case=case, choice=undone)
    switching.switch(case=case, kind="phone", identity=phone)
    moved = switching.switch(case=case, kind="phone", identity=phone, wish="morning")
    switching.undo(case=case, choice=moved)
    switching.switch(case=case, kind="email", identity=mail, once=True)
    dispatch.reply(case=case, staff=agent, text="And it is blue.")
    outcomes.resolve(case=case, by=agent)
    row = Outcome.objects.get()
    assert (row.kind, row.switches) == ("email", 3)


def test_a_call_that_reached_them_is_an_answer(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client, way="account", address_email=None)
    services.file_message(case=case, kind="phone", text="They asked the price.", staff=agent)
    outcomes.resolve(case=case, by=agent)
    assert Outcome.objects.get().kind == "phone"


def test_a_stranger_and_a_link_change_nothing(client: Client, case: Case) -> None:
    solved(client, case)
    stranger = Client()
    address = f"/q/{case.reference}/outcome/"
    assert stranger.post(address, {"answered": "no"}).status_code == 404
    assert client.get(f"{address}?answered=no").status_code == 405
    for nonsense in ({}, {"answered": "maybe"}, {"kind": "no"}, {"answered": ""}):
        assert client.post(address, nonsense).status_code == 302
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies = client.cookies
    assert guarded.post(address, {"answered": "no"}).status_code == 403
    row = Outcome.objects.get()
    assert (row.answered, row.repeated) == (None, None)


def test_a_nervous_finger_is_stopped(client: Client, case: Case) -> None:
    solved(client, case)
    for number in range(outcome.TAPS_PER_HOUR + 2):
        shown = tap(client, case, "repeated", "no" if number % 2 else "yes")
    assert "You changed this many times." in shown
    assert Event.objects.filter(sort=Event.Sort.OUTCOME).count() == outcome.TAPS_PER_HOUR


def test_the_card_is_live(client: Client, case: Case, agent: User) -> None:
    def news() -> str:
        return client.get(f"/q/{case.reference}/news/?have=1.x.x").content.decode()

    assert ANSWERED not in news()
    outcomes.resolve(case=case, by=agent)
    assert ANSWERED in news() and 'id="state"' in news()


def test_a_call_without_notes_is_an_answer(ask: Ask, client: Client, agent: User) -> None:
    case = ask(client, way="phone", address_phone="020 765 43 21", address_email=None)
    todos.finish(Delivery.objects.to_do().get(), agent, Delivery.Outcome.REACHED)
    outcomes.resolve(case=case, by=agent)
    assert Outcome.objects.get().kind == "phone"
