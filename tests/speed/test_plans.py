"""Where PostgreSQL would go through all of the house, as it plans it with few rows."""

import re
import uuid
from collections.abc import Callable
from copy import copy
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import away, call_line, dispatch, due, measures, reckoning, waiting_room
from channels_app.models import Appointment, Channel, Chat, Delivery, pace
from contacts import services
from contacts.models import Case, Choice, Message, Team, Topic, User
from contacts.models.case import new_reference
from portal.desk import facts, queue
from tests.core.chats import offer_chat, say
from tests.desk.conftest import MakeCase
from tests.desk.conftest import make_case as make_case

OF_THE_CASE = re.compile(r" on contacts_message.*\n +Index Cond: .*case_id")

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="of PostgreSQL alone"),
]


def plans(work: Callable[[], object]) -> list[str]:
    """The plan of each statement, where only indexes are looked through and nothing is small."""
    with CaptureQueriesContext(connection) as asked:
        work()
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        for query in asked.captured_queries:
            cursor.execute(f"EXPLAIN {query['sql']}".replace("%", "%%"), [])
            found.append("\n".join(row[0] for row in cursor.fetchall()))
    return found


def test_the_lines_of_a_case_are_looked_for_in_the_case(make_case: MakeCase) -> None:
    other, case = make_case(), make_case()
    line = services.file_message(case=other, kind="email", text="One of very many")
    many = [copy(line) for _ in range(2_000)]
    for number, message in enumerate(many, start=line.seq + 1):
        message.pk, message.seq = None, number
    Message.objects.bulk_create(many)
    for number in range(20):
        services.file_message(case=case, kind="email", text=f"Number {number}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_message")
    case = Case.objects.get(pk=case.pk)
    found = [plan for plan in plans(lambda: facts.of(case)) if "contacts_message" in plan]
    # Its files are found by its messages, what was proposed has a message of its own.
    beside = ("contacts_attachment", "contacts_question")
    read = [plan for plan in found if not any(table in plan for table in beside)]
    assert len(read) >= 2
    # By whichever index of a case: two of them begin with it.
    assert all(OF_THE_CASE.search(plan) for plan in read), "\n\n".join(read)


def test_what_replaces_nothing_is_no_answer_that_was_sent_anew(make_case: MakeCase) -> None:
    make_case()
    (plan,) = plans(measures.backlogs)
    assert "replaces_id IS NOT NULL" in plan


def test_what_customers_said_is_counted_by_its_days(make_case: MakeCase) -> None:
    make_case()
    (plan,) = plans(measures.afterwards)
    assert "using outcome_by_day" in plan


def test_who_waits_in_a_chat_is_found_among_those_who_wait(make_case: MakeCase) -> None:
    offer_chat(make_case().organisation)
    case = make_case(kind="chat", address="")
    many = [copy(case) for _ in range(500)]
    for row in many:  # answered: they wait for nothing
        row.pk, row.reference, row.waiting_since = None, new_reference(), None
    Case.objects.bulk_create(many)
    choices = Choice.objects.bulk_create([Choice(case=row, kind="chat") for row in many])
    for row, choice in zip(many, choices, strict=True):
        row.choice = choice
    Case.objects.bulk_update(many, ["choice"])
    Chat.objects.bulk_create([Chat(case=row) for row in many])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_case, contacts_choice, channels_app_chat")
    found = plans(waiting_room.waiting().count) + plans(lambda: waiting_room.usual(timezone.now()))
    assert "using case_waiting" in found[0]
    assert "using chat_answered" in found[1]


def test_what_nobody_read_in_a_chat_is_found_among_the_last_day(
    make_case: MakeCase, agent: User
) -> None:
    offer_chat(make_case().organisation)
    sent = say(make_case(kind="chat", address=""), agent, "Yes.").deliveries.get()
    long_ago = timezone.now() - timedelta(days=30)
    many = [copy(sent) for _ in range(5_000)]
    for row in many:
        row.pk, row.created_at = uuid.uuid4(), long_ago
    Delivery.objects.bulk_create(many)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE channels_app_delivery")
    _chats, plan = plans(lambda: away.due(timezone.now()))
    of_the_day = r"using delivery_by_status .*\n +Index Cond: .*status.* AND \(created_at >"
    assert re.search(of_the_day, plan), plan


def test_a_place_in_the_line_is_counted_among_what_is_to_do(make_case: MakeCase) -> None:
    case = make_case(kind="phone", address="020 765 43 21", wish="soon")
    (call,) = Delivery.objects.to_do()
    long_ago = timezone.now() - timedelta(days=30)
    many = [copy(call) for _ in range(5_000)]
    for row in many:
        row.pk, row.status, row.next_attempt_at = uuid.uuid4(), "done", long_ago
        row.created_at = long_ago
    Delivery.objects.bulk_create(many)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE channels_app_delivery")
    now = timezone.now()
    assert call_line.place(case, now) == call_line.Place(1)
    found = plans(lambda: call_line.place(case, now))
    assert len(found) == 2 and all("using delivery_to_do" in plan for plan in found), found
    (plan,) = plans(lambda: call_line.usual(now))
    assert "using delivery_by_status" in plan, plan


@pytest.mark.parametrize(
    ("tab", "index"),
    [("needs", "case_waiting"), ("customer", "case_by_change"), ("done", "case_by_change")],
)
def test_the_work_of_ones_teams_is_found_in_the_order_of_the_tab(
    make_case: MakeCase, agent: User, tab: str, index: str
) -> None:
    """As without that filter: what other teams do is passed over, and nothing is sorted."""
    case, now = make_case(), timezone.now()
    topics = [Topic.objects.create(name=f"Topic {n}", slug=f"topic-{n}") for n in range(4)]
    many = [copy(case) for _ in range(3_000)]
    for number, row in enumerate(many):
        row.pk, row.reference, row.topic = None, new_reference(), topics[number % 3]
        row.state = "resolved" if number % 2 else "open"
        row.changed_at = now - timedelta(minutes=number)
        row.waiting_since = row.changed_at if number % 4 == 0 else None
    Case.objects.bulk_create(many)
    by_topic = Team.objects.create(organisation=case.organisation, name="By topic")
    by_topic.topics.set(topics[:2])
    by_kind = Team.objects.create(
        organisation=case.organisation, name="By kind", kinds=["email"], languages=["nl"]
    )
    agent.teams.set([by_topic, by_kind])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_case, contacts_choice")
    wanted = queue.Filter.read({"tab": tab, "teams": queue.MINE})
    found = plans(lambda: list(queue.rows_for(wanted, agent)[: queue.PAGE + 1]))
    (plan,) = [plan for plan in found if "on contacts_case" in plan]
    assert f"using {index} on contacts_case" in plan and "->  Sort" not in plan, plan


def test_who_is_to_be_reminded_is_found_by_its_time(make_case: MakeCase) -> None:
    case, now = make_case(), timezone.now()
    branch = Channel.objects.filter(kind="in_person").first()
    assert branch is not None
    many = [
        Appointment(
            case=case, channel=branch, starts_at=now + timedelta(minutes=20 * n), minutes=20,
            zone="Europe/Amsterdam", state="done", remind_at=None if n % 2 else now,
        )
        for n in range(3_000)
    ]  # fmt: skip
    Appointment.objects.bulk_create(many)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE channels_app_appointment")
    rows = Appointment.objects.to_remind(now).order_by("remind_at")
    (plan,) = plans(lambda: list(rows[:100]))
    assert "using appointment_to_remind" in plan and "->  Sort" not in plan, plan


def test_what_is_to_do_for_an_appointment_is_found_by_it(make_case: MakeCase) -> None:
    case = make_case(kind="phone", address="+31201234567")
    todo = dispatch.reply(case=case, staff=None, text="We call you.").deliveries.get()
    many = [copy(todo) for _ in range(3_000)]
    for row in many:
        row.pk = uuid.uuid4()
    Delivery.objects.bulk_create(many)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE channels_app_delivery")
    rows = Delivery.objects.to_meet().filter(appointment=uuid.uuid4())
    (plan,) = plans(lambda: list(rows))
    assert "using delivery_of_appointment" in plan, plan


def test_what_is_usual_is_counted_from_the_newest_cases(make_case: MakeCase) -> None:
    """No more is read of an old house than of a young one: neither its cases nor their lines."""
    case, now = make_case(), timezone.now()
    services.file_message(case=case, kind="email", text="One")
    long_ago = now - timedelta(days=400)
    many = [copy(case) for _ in range(3_000)]
    for row in many:
        row.pk, row.reference, row.opened_at = None, new_reference(), long_ago
        row.changed_at = long_ago
    Case.objects.bulk_create(many)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_case, contacts_message")
    found = plans(lambda: pace.first_answers(case.organisation, now - timedelta(days=28)))
    keys, lines = found
    assert "using case_by_change" in keys, keys
    assert OF_THE_CASE.search(lines), lines


def test_what_is_nearly_late_is_found_in_the_order_of_its_time(
    make_case: MakeCase, agent: User
) -> None:
    """Of many open cases those that are near, without a sort; the sweeps begin where they must."""
    case, now = make_case(), timezone.now()
    many = [copy(case) for _ in range(3_000)]
    for number, row in enumerate(many):
        row.pk, row.reference = None, new_reference()
        row.due_at = now + timedelta(minutes=number - 600)
        row.near_at = row.due_at - timedelta(minutes=30)
        row.due_as_of = now + timedelta(days=1)
        row.warn_at = None if number % 50 else row.near_at
        row.due_for = due.OURS[0]
    Case.objects.bulk_create(many)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_case")
    wanted = queue.Filter.read({"tab": "late"})
    found = plans(lambda: list(queue.rows_for(wanted, agent)[: queue.PAGE + 1]))
    found += plans(lambda: list(reckoning.to_warn(now)[:10]))
    found += plans(lambda: list(reckoning.stale(case.organisation)[:10]))
    cases = [plan for plan in found if "on contacts_case" in plan]
    for plan, index in zip(cases, ("case_due", "case_to_warn", "case_to_reckon"), strict=True):
        assert f"using {index} on contacts_case" in plan, plan
    assert "->  Sort" not in cases[0] and re.search(r"Index Cond: .*near_at <=", cases[0])
