"""The quiet line above the composer: one click proposes another way, or it is not needed now."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import away, dispatch, proposals
from channels_app.advice.midway import MANY
from channels_app.models import Delivery
from contacts import holding, services
from contacts.models import Case, Consent, Holder, Identity, Organisation, Question, Topic, User
from tests.core import chats
from tests.desk.conftest import MakeCase

SAYS = "It went back and forth"


def talk(case: Case, agent: User, turns: int = MANY) -> None:
    """So many turns after the question; the last word is the customer's."""
    for turn in range(turns):
        if turn % 2:
            services.file_message(case=case, kind="email", text=f"And then, {turn}?")
        else:
            dispatch.reply(case=case, staff=agent, text=f"Like so, {turn}.")


@pytest.fixture
def long(case: Case, agent: User) -> Case:
    """A question that went back and forth by e-mail."""
    talk(case, agent)
    case.refresh_from_db()
    return case


def line_of(desk: Client, case: Case, query: str = "") -> str:
    """The line, "" where there is none; on the page, or in what an open page asks for."""
    body = desk.get(f"/admin/cases/{case.reference}/{query}").content.decode()
    begin = body.index('<div id="nudge"')
    end = body.index("</div>", body.index("</form>", begin))
    return "" if " hidden" in body[begin : body.index(">", begin)] else body[begin:end]


def press(desk: Client, case: Case, line: str, door: str) -> None:
    """Press a button of the line: what its form holds."""
    form = next(part for part in line.split("<form ") if f"/{door}/" in part)
    fields = dict(re.findall(r'name="(nudge|propose)" value="([^"]+)"', form))
    assert desk.post(f"/admin/cases/{case.reference}/{door}/", fields).status_code == 302


def test_one_click_proposes_a_call(desk: Client, long: Case) -> None:
    line = line_of(desk, long)
    assert f"{SAYS} 3 times: a talk may settle it." in line
    assert "Propose a call" in line and "Not now" in line
    press(desk, long, line, "propose")
    asked = Question.objects.get(sort=Question.Sort.PROPOSAL)
    assert asked.proposed_kind == "phone" and line_of(desk, long) == ""


def test_an_open_page_gets_it_beside_its_new_lines(desk: Client, long: Case) -> None:
    assert SAYS in line_of(desk, long, "?part=beside")


def test_not_now_is_kept_until_there_is_another_reason(desk: Client, long: Case) -> None:
    press(desk, long, line_of(desk, long), "not-now")
    assert line_of(desk, long) == "" == line_of(desk, long, "?part=beside")
    services.file_message(case=long, kind="email", text="And once more?")
    assert line_of(desk, long) == ""
    services.file_message(case=long, kind="email", text="I need it tomorrow")
    assert "They wrote of" in line_of(desk, long)
    long.refresh_from_db()
    assert long.nudges_off == ["turns-email"]


def test_what_they_said_no_to_gets_no_nudge(desk: Client, long: Case) -> None:
    press(desk, long, line_of(desk, long), "propose")
    proposals.answer(Question.objects.get(sort=Question.Sort.PROPOSAL), "no")
    services.file_message(case=long, kind="email", text="I need it tomorrow")
    assert line_of(desk, long) == ""


@pytest.mark.parametrize(("level", "is_there"), [("never", False), ("on_request", True)])
def test_never_means_never(desk: Client, long: Case, level: str, is_there: bool) -> None:
    Consent.objects.create(customer=long.customer, kind="phone", level=level)
    assert (SAYS in line_of(desk, long)) is is_there


def test_a_call_that_is_to_be_done_is_not_proposed(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    case = make_case(how_soon="now")
    Case.objects.filter(pk=case.pk).update(waiting_since=timezone.now() - timedelta(minutes=20))
    assert "They need it now" in line_of(desk, case)
    number = Identity.of("phone", "020 111 22 33")
    holding.hold(case.customer, number, how=Holder.How.TYPED)
    services.allow_calls(case=case, allowed=True)
    dispatch.reply(case=case, staff=agent, text="I call.", kind="phone", why_text="Asked")
    Case.objects.filter(pk=case.pk).update(waiting_since=timezone.now() - timedelta(minutes=20))
    assert line_of(desk, case) == ""
    Delivery.objects.to_do().update(status=Delivery.Status.DONE)
    assert "They need it now" in line_of(desk, case)


def test_who_left_the_chat_is_asked_by_the_line_that_says_so(
    desk: Client, agent: User, organisation: Organisation
) -> None:
    chats.offer_chat(organisation)
    case = chats.a_chat(organisation)
    Case.objects.filter(pk=case.pk).update(topic=Topic.objects.get(slug="repair"))
    for _turn in range(MANY):
        services.file_message(case=case, kind="chat", text="And then?")
        chats.say(chats.fresh(case), agent, "Like so.")
    assert SAYS in line_of(desk, case)
    chats.minutes_go_by()
    away.look()
    assert line_of(desk, case) == ""


def test_a_settled_case_has_none(desk: Client, long: Case, agent: User) -> None:
    services.resolve(case=long, by=agent)
    assert line_of(desk, long) == ""


def test_a_number_of_an_account_leads_to_their_own_page(desk: Client, case: Case) -> None:
    services.file_message(case=case, kind="email", text="Pay NL91 ABNA 0417 1643 00 please")
    line = line_of(desk, case)
    assert "the number of a bank account by e-mail" in line
    press(desk, case, line, "propose")
    assert Question.objects.get(sort=Question.Sort.PROPOSAL).proposed_kind == "account"


def test_a_number_that_they_deleted_is_no_reason(desk: Client, case: Case) -> None:
    row = services.file_message(case=case, kind="email", text="Pay NL91 ABNA 0417 1643 00 please")
    row.corrected = row.Corrected.DELETED
    row.save()
    assert line_of(desk, case) == ""


def test_needed_now_and_still_waiting(desk: Client, make_case: MakeCase) -> None:
    case = make_case(how_soon="now")
    assert line_of(desk, case) == ""
    Case.objects.filter(pk=case.pk).update(waiting_since=timezone.now() - timedelta(minutes=20))
    assert "They need it now, and still wait." in line_of(desk, case)


def test_a_complicated_topic_needs_half_as_much(
    desk: Client, make_case: MakeCase, agent: User
) -> None:
    case = make_case(topic=Topic.objects.create(name="Law", slug="law", is_complex=True))
    talk(case, agent, 2)
    assert SAYS in line_of(desk, case)


def test_what_is_no_nudge_is_not_kept(desk: Client, case: Case) -> None:
    for key in ("", "x" * 41, "<b>", "a b"):
        desk.post(f"/admin/cases/{case.reference}/not-now/", {"nudge": key})
    for number in range(30):
        desk.post(f"/admin/cases/{case.reference}/not-now/", {"nudge": f"x-{number}"})
    case.refresh_from_db()
    assert case.nudges_off == [f"x-{number}" for number in range(10, 30)]


def test_it_asks_the_database_nothing(desk: Client, agent: User, case: Case) -> None:
    def cost(query: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            line_of(desk, case, query)
        return len(counted)

    talk(case, agent, 2)
    before = [cost(query) for query in ("", "?part=beside")]
    talk(case, agent, MANY)
    assert SAYS in line_of(desk, case)
    assert [cost(query) for query in ("", "?part=beside")] == before
