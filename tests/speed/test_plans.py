"""Where PostgreSQL would go through all of the house, as it plans it with few rows."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from channels_app import measures
from contacts import services
from contacts.models import Case
from portal.desk import story
from tests.desk.conftest import MakeCase
from tests.desk.conftest import make_case as make_case
from tests.desk.conftest import organisation as organisation

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
    case = make_case()
    for number in range(20):
        services.file_message(case=case, kind="email", text=f"Number {number}")
    case = Case.objects.get(pk=case.pk)
    read = [plan for plan in plans(lambda: story.facts_of(case)) if "contacts_message" in plan]
    assert len(read) == 3
    # By whichever index of a case: with few rows they cost the same.
    assert all(OF_THE_CASE.search(plan) for plan in read), "\n\n".join(read)


def test_what_replaces_nothing_is_no_answer_that_was_sent_anew(make_case: MakeCase) -> None:
    make_case()
    (plan,) = plans(measures.backlogs)
    assert "replaces_id IS NOT NULL" in plan
