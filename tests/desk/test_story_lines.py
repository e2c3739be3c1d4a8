"""The story so far: four lines, made by rules from facts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from channels_app import dispatch, switching
from contacts import merging, services
from contacts.models import Case, Identity, User
from contacts.viewers import Viewer
from portal import access, marks, timeline
from portal.desk.facts import of as facts_of
from portal.desk.story import Facts, Said, tell
from portal.marks import ToDo
from tests.desk.conftest import MakeCase

NOW = timezone.now()
ASKED = Said(NOW, "account", "Is the bicycle\nstill there?")
ANSWER = Said(NOW, "email", "Yes, it is.", "Anna")


def test_a_new_question() -> None:
    story = tell(Facts(ASKED, unanswered=1, latest=ASKED, wanted="email", address="a@example.org"))
    assert "on their own page: “Is the bicycle still there?”" in story.asked
    assert story.answered == "Not answered yet."
    assert story.open == "1 message without an answer."
    assert story.wish == "By e-mail to a@example.org."


def test_an_answered_question_waits_for_the_customer() -> None:
    story = tell(Facts(ASKED, ANSWER, wanted="email"))
    assert story.answered.startswith("Anna, today") and "“Yes, it is.”" in story.answered
    assert story.open == "Waiting for the customer."


def test_an_answer_that_did_not_arrive_is_owed_by_the_way_that_was_chosen_since() -> None:
    unreached = Facts(ASKED, ANSWER, is_unreached=True, wanted="email")
    said = "Our last answer did not reach them"
    assert tell(unreached).open == f"{said}: answer by another way."
    chose = replace(unreached, wanted="account", went_on=True)
    assert tell(chose).open == f"{said}, and they chose another way: answer again."


def test_what_came_after_the_answer_is_open() -> None:
    later = Said(NOW, "email", "And in red?")
    story = tell(Facts(ASKED, ANSWER, unanswered=2, latest=later))
    assert story.open == "2 messages without an answer: “And in red?”"


def test_a_call_to_do_is_open() -> None:
    assert tell(Facts(ASKED, to_do=(ToDo("letter", NOW),))).open == "To do: a letter."


def test_a_resolved_case_has_nothing_open() -> None:
    story = tell(Facts(ASKED, ANSWER, is_resolved=True, resolved_at=NOW))
    assert story.open.startswith("Nothing: done today")


def test_the_wish_names_time_once_and_calls() -> None:
    story = tell(Facts(ASKED, wanted="phone", address="020 1", wish="morning", once=True))
    assert story.wish == "By phone to 020 1, in the morning, for the next answer only."
    story = tell(Facts(ASKED, wanted="email", calls_allowed=True))
    assert story.wish == "By e-mail. May be called."


def test_nothing_known_is_said_plainly() -> None:
    story = tell(Facts(None))
    assert story.asked == "Nothing was written down."
    assert story.wish == "The customer did not choose yet."


def test_a_long_text_is_cut_at_a_word() -> None:
    story = tell(Facts(Said(NOW, "account", "word " * 200)))
    assert len(story.asked) < 260 and "word…”" in story.asked


@pytest.mark.parametrize("language", ["en", "nl"])
def test_it_is_made_in_every_language(language: str) -> None:
    with translation.override(language):
        story = tell(Facts(ASKED, ANSWER, wanted="email", about="Blue bicycle", how_soon="Now"))
    assert all((story.asked, story.answered, story.open, story.wish))
    assert "Blue bicycle" in story.asked


def test_facts_come_from_the_rows(case: Case, agent: User) -> None:
    dispatch.reply(case=case, staff=agent, text="Yes, it is.")
    case.refresh_from_db()
    services.file_message(case=case, kind="email", text="And in red?")
    case.refresh_from_db()
    mail = Identity.of("phone", "+31201112233")
    switching.switch(case=case, kind="phone", identity=mail, wish="morning")
    case.refresh_from_db()
    facts = facts_of(case)
    assert facts.asked and facts.asked.text == "Is the bicycle there?"
    assert facts.answered and (facts.answered.text, facts.answered.by) == ("Yes, it is.", "Anna")
    assert facts.unanswered == 1 and facts.latest and facts.latest.text == "And in red?"
    assert (facts.wanted, facts.wish) == ("phone", "morning")


def test_its_cost_does_not_grow_with_the_case(make_case: MakeCase) -> None:
    case = make_case()
    costs = []
    for more in (2, 40):
        for n in range(more):
            services.file_message(case=case, kind="email", text=f"More {n}")
        case = Case.objects.select_related(*access.TOLD_WITH).with_family().get(pk=case.pk)
        with CaptureQueriesContext(connection) as counted:
            facts_of(case)
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 10  # the last one: targets
    assert facts_of(case).unanswered == 43
    assert timedelta(0) <= timezone.now() - case.opened_at


def test_a_page_tells_what_its_lines_and_the_database_tell(
    make_case: MakeCase, agent: User
) -> None:
    case, other = make_case(), make_case("Second", address="kim@example.org")
    viewer = Viewer(staff_id=agent.pk)

    def same() -> Facts:
        read = Case.objects.get(pk=case.pk)
        to_do = marks.change(read).to_do
        told = facts_of(read, timeline.page(read, viewer), to_do)
        assert told == facts_of(read, to_do=to_do)
        return told

    assert same().unanswered == 1
    dispatch.reply(case=case, staff=agent, text="Yes, it is.")
    for number in range(60):
        services.file_message(case=case, kind="email", text=f"More {number}")
    assert (same().asked, same().unanswered) == (facts_of(case).asked, 60)
    dispatch.reply(case=Case.objects.get(pk=case.pk), staff=agent, text="Both.")
    merging.join(case=other, into=case, by=agent)
    services.file_message(case=Case.objects.get(pk=case.pk), kind="email", text="Thanks")
    told = same()
    assert told.latest and told.latest.text == "Thanks" and told.unanswered == 1


def test_it_names_what_is_to_do(case: Case, agent: User) -> None:
    switching.switch(case=case, kind="phone", identity=Identity.of("phone", "+31201112233"))
    dispatch.reply(case=Case.objects.get(pk=case.pk), staff=agent, text="Read this out.")
    to_do = marks.change(Case.objects.get(pk=case.pk)).to_do
    assert [one.kind for one in to_do] == ["phone"]


def test_what_has_no_words_is_told_without_empty_quotes() -> None:
    story = tell(Facts(ASKED, ANSWER, unanswered=1, latest=Said(NOW, "whatsapp", "")))
    assert story.open == "1 message without an answer: a file"


def test_who_only_went_on_elsewhere_waits_for_no_second_answer(case: Case, agent: User) -> None:
    services.file_message(case=case, kind="telegram", text="", template="joined")
    case = Case.objects.get(pk=case.pk)
    for history in (None, timeline.page(case, Viewer(staff_id=agent.pk))):
        facts = facts_of(case, history)
        assert (facts.unanswered, facts.latest) == (1, facts.asked)
