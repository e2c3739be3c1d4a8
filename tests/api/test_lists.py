"""Lists: pages that join without a gap, as few queries for 1000 rows as for 10, and ETags."""

from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app.models import Channel, Delivery, Pace
from contacts import duty
from contacts.models import Attachment, Case, Choice, Message, Organisation, User
from portal.api.models import ApiClient
from tests.api.conftest import Api, ask, link_of, make_client
from tests.core import booking

BUDGET = 6  # organisation, token (a link: looked up in the same way), case, rows, files


def fill(case: Case, count: int, agent: User) -> None:
    """So many messages with a file and a delivery each; some at the very same moment."""
    channel, now = Channel.objects.get(slug="email"), timezone.now()
    rows = Message.objects.bulk_create(
        Message(
            case=case,
            seq=100 + n,
            direction="out",
            kind="email",
            staff=agent,
            text=f"Answer {n}",
            created_at=now - timedelta(seconds=n // 3),
        )
        for n in range(count)
    )
    Attachment.objects.bulk_create(Attachment(message=row, name="a.txt") for row in rows)
    Delivery.objects.bulk_create(
        Delivery(message=row, channel=channel, status="sent", created_at=row.created_at)
        for row in rows
    )


def more_cases(one: Case, count: int, agent: User) -> None:
    """So many cases with a choice, an agent and a topic."""
    now = timezone.now()
    Case.objects.bulk_create(
        Case(
            reference=f"Z{n:06}",
            customer=one.customer,
            organisation=one.organisation,
            title="Hello",
            language="en",
            assignee=agent,
            opened_at=now,
            changed_at=now,
        )
        for n in range(count)
    )
    for case in Case.objects.filter(choice=None):
        case.choice = Choice.objects.create(case=case, kind="account")
        case.save(update_fields=["choice"])


def queries(api: Api, path: str) -> int:
    """How many a request takes, once the last use is noted."""
    api.get("/channels/")
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert api.get(path).status_code == 200
    return len(found)


@pytest.mark.parametrize("who", ["program", "customer"])
def test_as_few_queries_for_1000_rows(
    who: str, api: Api, organisation: Organisation, agent: User
) -> None:
    small, large = ask(organisation), ask(organisation)
    fill(small, 10, agent)
    fill(large, 1000, agent)
    for part in ("messages", "deliveries"):
        counts = [
            queries(
                api if who == "program" else link_of(case),
                f"/cases/{case.reference}/{part}/?limit=100",
            )
            for case in (small, large)
        ]
        assert counts[0] == counts[1] <= BUDGET, (part, counts)


def test_as_few_queries_for_1000_cases(api: Api, organisation: Organisation, agent: User) -> None:
    one = ask(organisation)
    more_cases(one, 10, agent)
    few = queries(api, "/cases/?limit=100")
    Case.objects.filter(reference__startswith="Z").exclude(pk=one.pk).delete()
    more_cases(one, 1000, agent)
    assert queries(api, "/cases/?limit=100") == few <= 3
    assert queries(api, f"/cases/{one.reference}/") <= 3
    # The special days too; who waits, how long answers take, and four of who is there for calls.
    assert queries(api, "/channels/") <= 11


def test_a_channel_says_who_waits_what_is_usual_and_what_is_free(
    api: Api, organisation: Organisation, agent: User
) -> None:
    now = booking.workday("09:10")
    Channel.objects.filter(kind="phone").update(takes_appointments=True, weekly_hours=booking.WEEK)
    given = {"median": 3661, "ninety": 7200, "count": 40}
    Pace.objects.create(organisation=organisation, kind="email", **given)
    ask(organisation)

    def rows() -> dict[str, dict[str, Any]]:
        with mock.patch.object(timezone, "now", return_value=now):
            found = api.get("/channels/").json()["results"]
        return {row["kind"]: row for row in found}

    phone, email = rows()["phone"], rows()["email"]
    assert (phone["is_free"], phone["waiting"], email["is_free"]) == (True, 0, None)
    assert (email["waiting"], email["usual_minutes"], email["next_free"]) == (1, 62, [])
    first = datetime.fromisoformat(phone["next_free"][0])
    assert first == now.replace(hour=10, minute=20) and len(phone["next_free"]) == 3
    duty.leave(agent)
    assert rows()["phone"]["is_free"] is False
    Channel.objects.filter(kind="phone").update(weekly_hours={"sun": [["09:00", "10:00"]]})
    assert rows()["phone"]["is_free"] is None  # closed: who is there says nothing


def test_what_a_link_sees_is_looked_for_alone(case: Case) -> None:
    """PostgreSQL plans eight tables at a time: rights beside so many come last, after all cases."""
    api = link_of(case)
    with CaptureQueriesContext(connection) as found:
        assert len(api.get("/cases/").json()["results"]) == 1
    said = [query["sql"] for query in found]
    assert any("UNION" in sql for sql in said)
    assert not [sql for sql in said if "UNION" in sql and "JOIN" in sql.partition("WHERE")[0]]


def walk(api: Api, path: str) -> list[Any]:
    """Every row of every page."""
    rows: list[Any] = []
    address: str | None = path
    while address:
        body = api.get(address).json()
        rows += body["results"]
        address = body["next"]
        if address:
            assert address.startswith("http://testserver/api/v1/")
            address = address.removeprefix("http://testserver/api/v1")
    return rows


PATHS = ["/cases/", "/cases/{}/", "/cases/{}/messages/", "/cases/{}/deliveries/"]
PATHS += ["/channels/", "/topics/", "/schema/"]


def test_pages_join_without_a_gap(api: Api, organisation: Organisation, agent: User) -> None:
    case = ask(organisation)
    fill(case, 25, agent)
    more_cases(case, 12, agent)
    path = f"/cases/{case.reference}"
    for address, total in (
        (f"{path}/messages/?limit=4", 27),
        (f"{path}/deliveries/?limit=4", 26),
        ("/cases/?limit=5&state=open", 13),
    ):
        rows = walk(api, address)
        marks = [row.get("id") or row["reference"] for row in rows]
        assert len(marks) == len(set(marks)) == total, address
    times = [row["created_at"] for row in walk(api, f"{path}/messages/?limit=7")]
    assert times == sorted(times, reverse=True)


def test_a_new_row_does_not_shift_the_pages(api: Api, organisation: Organisation) -> None:
    cases = [ask(organisation, address=f"p{n}@example.org") for n in range(4)]
    first = api.get("/cases/?limit=2").json()
    ask(organisation, address="late@example.org")
    rest = api.get(first["next"].removeprefix("http://testserver/api/v1")).json()["results"]
    assert [row["reference"] for row in rest] == [cases[1].reference, cases[0].reference]


@pytest.mark.parametrize("path", PATHS)
def test_what_did_not_change_is_not_sent_again(path: str, api: Api, case: Case) -> None:
    path = path.format(case.reference)
    first = api.get(path)
    assert first.status_code == 200 and first["ETag"]
    for have in (first["ETag"], f"W/{first['ETag']}", f'"x", {first["ETag"]}', "*"):
        again = api.get(path, If_None_Match=have)
        assert (again.status_code, again.content) == (304, b""), have
        assert again["ETag"] == first["ETag"]
    assert api.get(path, If_None_Match='"x"').status_code == 200
    if "cases" in path:
        api.post(f"/cases/{case.reference}/messages/", {"text": "News"})
        api.post(f"/cases/{case.reference}/messages/", {"text": "A", "direction": "out"})
        assert api.get(path, If_None_Match=first["ETag"]).status_code == 200
        assert {"private", "no-cache"} <= set(first["Cache-Control"].split(", "))
        assert "Authorization" in first["Vary"]


def test_an_etag_is_the_callers_own(api: Api, case: Case) -> None:
    mark = api.get(f"/cases/{case.reference}/")["ETag"]
    assert link_of(case).get(f"/cases/{case.reference}/", If_None_Match=mark).status_code == 200
    assert ApiClient.objects.count() == 1 and make_client()
