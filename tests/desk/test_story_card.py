"""The card of the story: what is owed, tried, known and open, and what is new to who comes back."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, switching, todos
from channels_app.models import Delivery
from contacts import holding, notes, points, services
from contacts.files import File
from contacts.models import Case, Event, Holder, Identity, Question, Topic, User
from contacts.viewers import Viewer
from portal import marks, past
from portal.desk.facts import of, story_of
from portal.desk.story import Asked, Assigned, Facts, Said, Switched, Tried, tell
from portal.marks import ToDo
from tests.desk.conftest import MakeCase

NOW = timezone.now()
ASKED = Said(NOW, "account", "Is the bicycle still there?")
ANSWER = Said(NOW, "email", "Tuesday at nine it is.", "Anna")


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def test_an_answer_stands_beside_what_it_answers() -> None:
    story = tell(Facts(ASKED, ANSWER, then=Said(NOW, "whatsapp", "Tuesday at nine?")))
    assert re.fullmatch(r"today \d\d:\d\d, by WhatsApp: “Tuesday at nine\?”", story.then)


def test_what_we_owe_is_said_with_its_moment() -> None:
    due = NOW + timedelta(minutes=30)
    assert tell(Facts(ASKED, due=due)).promised.startswith("An answer before to")
    assert tell(Facts(ASKED, due=NOW, is_late=True)).promised.startswith("An answer was due to")
    waiting = tell(Facts(ASKED, proposals=(Asked("phone", NOW),)))
    assert waiting.promised.startswith("We proposed a phone call today")
    assert waiting.promised.endswith("no word yet.")
    assert tell(Facts(ASKED, is_resolved=True, due=due)).promised == ""


def test_a_call_is_open_at_its_time() -> None:
    story = tell(Facts(ASKED, to_do=(ToDo("phone", NOW),)))
    assert re.fullmatch(r"To do: a phone call, today \d\d:\d\d\.", story.open)


def test_tries_are_counted_with_the_last_of_them() -> None:
    story = tell(Facts(ASKED, tried=(Tried("phone", 2, NOW, "Voice mail"),)))
    assert re.fullmatch(
        r"Phone: not reached 2 times, last today \d\d:\d\d: “Voice mail”", story.tried
    )
    assert "not reached, today" in tell(Facts(ASKED, tried=(Tried("phone", 1, NOW),))).tried


def test_what_is_known_is_not_asked_again() -> None:
    facts = Facts(
        ASKED,
        name="Sam Sample",
        proved=("sam@example.org",),
        language="English",
        topic="Repair",
        files=("a.pdf", "b.pdf", "c.pdf", "d.pdf", "e.pdf"),
        told=(Said(NOW, "phone", ""), Said(NOW, "phone", "")),
        proposals=(Asked("sms", NOW, "no"),),
    )
    known = tell(facts).known
    for part in (
        "Sam Sample",
        "sam@example.org (proved)",
        "English",
        "topic: Repair",
        "sent: a.pdf, b.pdf, c.pdf, d.pdf and 1 more",
        "told us by phone today",
        "and 1 time before",
        "said “no” to SMS, today",
    ):
        assert part in known


def test_own_words_take_the_place_of_the_rules_unless_something_is_owed() -> None:
    own = {"points": "Daan plans the van.", "points_by": "Anna", "points_at": NOW}
    story = tell(Facts(ASKED, ANSWER, **own))  # type: ignore[arg-type]
    assert story.points == "Daan plans the van." and not story.is_owed
    assert story.points_by.startswith("Anna, today")
    assert tell(Facts(ASKED, ANSWER, unanswered=1, **own)).is_owed  # type: ignore[arg-type]


def test_news_say_what_changed_and_by_whom() -> None:
    switched = Switched(7, NOW, "whatsapp", "email")
    given = Assigned(9, NOW, "Bo", "Anna", by=3)
    first, second = tell(Facts(ASKED, switched=switched, assigned=given)).news
    assert first.text.startswith("Now by WhatsApp instead of e-mail, since today")
    assert (second.seq, second.by) == (9, 3)
    assert second.text.startswith("Anna handed the case to Bo, today")
    once = tell(Facts(ASKED, switched=Switched(7, NOW, "sms", "email", once=True))).news[0]
    assert once.text.startswith("The next answer goes by SMS instead of e-mail")


@pytest.mark.parametrize(
    ("text", "said", "promised"),
    [
        (
            "She wants blue.\nPromised: two bikes on Tuesday",
            "She wants blue.",
            ("two bikes on Tuesday",),
        ),
        (
            "- Afgesproken: dinsdag bellen\nBeloofd:  een lijst",
            "",
            ("dinsdag bellen", "een lijst"),
        ),
        ("They promised: nothing", "They promised: nothing", ()),
        ("Promised:", "Promised:", ()),
        ("", "", ()),
    ],
)
def test_promises_are_lines_that_say_so(text: str, said: str, promised: tuple[str, ...]) -> None:
    assert notes.read(text) == notes.Notes(said, promised)


def test_a_language_alone_is_nothing_that_somebody_would_ask() -> None:
    assert tell(Facts(ASKED, language="English")).known == ""
    assert tell(Facts(ASKED, language="English", name="Sam")).known == "Sam · English"


def test_what_a_provider_made_up_is_not_read_out(case: Case) -> None:
    chat = Identity.of("telegram", "8301686238")
    holding.hold(case.customer, chat, how=Holder.How.WROTE, proved=True)
    known = tell(of(fresh(case))).known
    assert "Telegram (proved)" in known and chat.value not in known


def test_a_case_tells_what_is_known_tried_and_owed(case: Case, agent: User) -> None:
    topic = Topic.objects.get(slug="repair")
    services.set_topic(case=case, topic=topic, by=agent)
    identity = Identity.of("phone", "+31201112233")
    holding.hold(case.customer, identity, how=Holder.How.ANSWERED, proved=True)
    services.file_message(
        case=fresh(case),
        kind="email",
        text="The picture",
        files=[File("brake.jpg", "image/jpeg", b"\xff\xd8\xff")],
    )
    services.file_message(case=fresh(case), kind="phone", text="It squeaks.", staff=agent)
    Question.objects.create(
        sort="proposal",
        case=case,
        kind="email",
        proposed_kind="phone",
        answer="no",
        expires_at=NOW,
        closed_at=NOW,
    )
    switching.switch(case=fresh(case), kind="phone", identity=identity, wish="soon")
    for note in ("Voice mail", "Her son: after five"):
        delivery = Delivery.objects.to_do().get()
        todos.take(delivery, agent)
        todos.finish(delivery, agent, Delivery.Outcome.NOT_REACHED, note=note)
    facts = of(fresh(case), to_do=marks.change(fresh(case)).to_do)
    assert (facts.name, facts.topic, facts.language) == ("Sam Sample", "Repair", "English")
    assert facts.files == ("brake.jpg",) and [said.kind for said in facts.told] == ["phone"]
    assert facts.proved == ("020 111 2233",)
    assert [(asked.kind, asked.answer) for asked in facts.proposals] == [("phone", "no")]
    (tried,) = facts.tried
    assert (tried.kind, tried.times, tried.note) == ("phone", 2, "Her son: after five")
    assert facts.switched and (facts.switched.kind, facts.switched.before) == ("phone", "email")
    assert [one.kind for one in facts.to_do] == ["phone"]
    # Reached at last: the tries before it are told no more.
    todos.finish(
        Delivery.objects.to_do().get(),
        agent,
        Delivery.Outcome.REACHED,
        note="New pads.\nPromised: ready on Tuesday",
    )
    told = of(fresh(case))
    assert told.tried == () and told.in_words == ("ready on Tuesday",)
    assert "Ready on Tuesday." in story_of(fresh(case)).promised


def test_a_proposal_that_is_over_without_a_word_is_not_told(case: Case) -> None:
    Question.objects.create(
        sort="proposal", case=case, kind="email", proposed_kind="phone", expires_at=NOW
    )
    assert of(case).proposals == ()


def test_deleted_messages_are_not_told(case: Case) -> None:
    said = services.file_message(
        case=case, kind="whatsapp", text="", files=[File("x.jpg", "image/jpeg", b"\xff\xd8\xff")]
    )
    assert of(fresh(case)).files == ("x.jpg",)
    type(said).objects.filter(pk=said.pk).update(corrected="deleted")
    assert of(fresh(case)).files == ()


def save(desk: Client, case: Case, text: str, before: str = "", **more: Any) -> Any:
    """Save the open points."""
    data = {"text": text, "before": before, **more}
    return desk.post(f"/admin/cases/{case.reference}/points/", data)


def card(desk: Client, case: Case) -> str:
    body = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    return body.partition('id="story"')[2].partition("</details>\n")[0]


def test_agents_write_what_is_open(desk: Client, case: Case) -> None:
    assert save(desk, case, "Daan plans the van.\r\nThen we call.").status_code == 302
    assert fresh(case).open_points == "Daan plans the van.\nThen we call."
    shown = card(desk, case)
    assert "Daan plans the van.<br>Then we call." in shown and "(Anna, today" in shown
    event = case.events.get(sort=Event.Sort.POINTS)
    assert past.line(event, Viewer(staff_id=1), {}).startswith("Anna noted what is open: “Daan")
    assert past.line(event, Viewer(customer_id=1), {}) == ""


def test_they_are_taken_away_again(desk: Client, case: Case) -> None:
    save(desk, case, "Daan plans the van.")
    save(desk, case, "Daan plans the van.", before="Daan plans the van.", clear="1")
    assert fresh(case).open_points == ""
    assert "1 message without an answer." in card(desk, case)
    event = case.events.filter(sort=Event.Sort.POINTS).latest("seq")
    assert "took away what was noted as open: “Daan" in past.line(event, Viewer(staff_id=1), {})


def test_of_two_agents_at_once_none_loses_what_they_wrote(
    desk: Client, colleague: User, case: Case
) -> None:
    save(desk, case, "Mine & first")
    other = Client()
    other.force_login(colleague)
    answer = save(other, case, "Theirs", before="")
    body = answer.content.decode()
    assert answer.status_code == 409 and "Mine &amp; first" in body and ">Theirs<" in body
    assert fresh(case).open_points == "Mine & first"
    assert save(other, case, "Both", before="Mine & first").status_code == 302
    assert fresh(case).open_points == "Both"


def test_saving_twice_is_saving_once(case: Case, agent: User) -> None:
    for _time in range(2):
        points.write(case=case, text="Once", before="", by=agent)
    assert case.events.filter(sort=Event.Sort.POINTS).count() == 1


def test_they_are_bounded_and_shown_as_text(desk: Client, case: Case) -> None:
    save(desk, case, "<b>x</b>" * 200)
    assert len(fresh(case).open_points) == points.MAX_LENGTH
    assert "<b>x" not in card(desk, case) and "&lt;b&gt;x" in card(desk, case)


def test_a_resolved_case_asks_for_no_points(desk: Client, case: Case, agent: User) -> None:
    services.resolve(case=case, by=agent)
    assert "/points/" not in card(desk, case)


def test_strangers_write_none(case: Case) -> None:
    assert save(Client(), case, "Mine").status_code == 302
    assert fresh(case).open_points == ""


def test_the_card_stands_before_the_number_that_is_called(
    desk: Client, make_case: MakeCase
) -> None:
    case = make_case("My brakes squeak.", kind="phone", address="020 111 22 33", wish="soon")
    delivery = Delivery.objects.to_do().get()
    page = desk.get(f"/admin/todo/{delivery.pk}/").content.decode()
    assert 0 < page.index("Story so far") < page.index("tel:+31201112233")
    assert "data-print" in page and f"/admin/cases/{case.reference}/points/" in page


def test_news_are_marked_for_who_looked_before(desk: Client, case: Case, colleague: User) -> None:
    services.assign(case=case, to=colleague, by=colleague)
    switching.switch(case=fresh(case), kind="account")
    page = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    seqs = [int(seq) for seq in re.findall(r'data-news-seq="(\d+)"', page)]
    assert len(seqs) == 3 and len(set(seqs)) == 2  # the newest above the answer as well
    assert "Bo took the case, today" in page and "Now on their own page instead of e-mail" in page


def test_ones_own_doing_is_no_news(desk: Client, case: Case, agent: User) -> None:
    services.assign(case=case, to=agent, by=agent)
    assert "data-news-seq" not in card(desk, case)


def test_an_answer_settles_nothing_that_agents_wrote(desk: Client, case: Case, agent: User) -> None:
    save(desk, case, "Send the list.")
    dispatch.reply(case=fresh(case), staff=agent, text="It comes.")
    assert "Send the list." in card(desk, case)
