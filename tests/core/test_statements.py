"""How many statements the busiest writes take: each is a round trip and a lock held longer."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import dispatch, inbound, switching
from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery
from contacts import services
from contacts.models import Case, Event, Identity, Organisation, User
from portal import lately
from tests import shop, worker

pytestmark = pytest.mark.django_db
# Between BEGIN and COMMIT; a call that is asked for is a message of its own.
MOST_TO_OPEN = {"email": 13, "account": 7, "phone": 21}  # when it is open: its special days
# The whole request; what pages keep for a second (portal/lately.py) is not counted.
MOST_TO_POST = {"email": 17, "account": 11, "phone": 27}
MOST_TO_ANSWER = 8
MOST_TO_POST_AN_ANSWER = 14
TO_TAKE = 1  # who answers what nobody has takes it: a line of the history
MOST_TO_SWITCH, MOST_TO_FOLLOW = 25, 3  # the whole request, and for each answer that waits
# A mail: received, claimed, read again and filed, its case and its item; of a new address besides
# whether it is new, or was made by another one at the same moment.
MOST_FOR_MAIL = {"new": 21, "reply": 16, "another reply": 15}
INDEXED = "contacts_search_fts"  # SQLite's index is a table of its own


@pytest.fixture
def organisation(settings: Any) -> Iterator[Organisation]:
    settings.SITE_SECONDS = 60
    made = shop.make_shop()
    lately.forget()
    Client().get("/")
    yield made
    lately.forget()


def statements(seen: CaptureQueriesContext) -> list[str]:
    """What changes or reads rows; a savepoint is no statement of ours."""
    own = ("SAVEPOINT", "RELEASE")
    found = [query["sql"] for query in seen.captured_queries]
    return [sql for sql in found if not sql.startswith(own) and INDEXED not in sql]


def inside(found: list[str]) -> list[str]:
    """Those of the transaction that stores the case."""
    first = next(at for at, sql in enumerate(found) if sql.startswith("BEGIN"))
    last = next(at for at, sql in enumerate(found[first:], first) if sql.startswith("COMMIT"))
    return found[first + 1 : last]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", list(MOST_TO_OPEN))
def test_a_case_is_opened_by_one_short_transaction(organisation: Organisation, way: str) -> None:
    form = {
        "client_key": str(uuid.uuid4()),
        "text": "Is the blue one in stock?",
        "way": way,
        "address_email": "new@example.org",
        "address_phone": "020 123 45 67",
        "wish_phone": "",
    }
    with CaptureQueriesContext(connection) as seen:
        assert Client().post("/", form).status_code == 302
    whole = statements(seen)
    found = inside(whole)
    inserts = [sql for sql in found if "contacts_case" in sql and sql.startswith("INSERT")]
    assert len(inserts) == 1, found
    assert len(found) <= MOST_TO_OPEN[way], "\n".join(x[:150] for x in found)
    assert len(whole) <= MOST_TO_POST[way], whole
    assert Case.objects.count() == 1


@pytest.mark.parametrize("takes", [0, TO_TAKE])
def test_an_answer_takes_few_statements(organisation: Organisation, takes: int) -> None:
    agent: User = shop.make_agent()
    Client().post("/", {"text": "Hi?", "way": "email", "address_email": "new@example.org"})
    case = Case.objects.get()
    if not takes:
        services.assign(case=case, to=agent, by=agent)
    with CaptureQueriesContext(connection) as seen:
        dispatch.reply(case=case, staff=agent, text="Yes.", client_key=uuid.uuid4())
    found = statements(seen)
    assert len(found) <= MOST_TO_ANSWER + takes, found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("takes", [0, TO_TAKE])
def test_an_agent_s_reply_is_a_short_request(organisation: Organisation, takes: int) -> None:
    desk, agent = Client(), shop.make_agent()
    desk.force_login(agent)
    Client().post("/", {"text": "Hi?", "way": "email", "address_email": "new@example.org"})
    case = Case.objects.get()
    if not takes:
        services.assign(case=case, to=agent, by=agent)
    form = {"client_key": str(uuid.uuid4()), "text": "Yes.", "kind": "", "seen": "99"}
    with CaptureQueriesContext(connection) as seen:
        assert desk.post(f"/admin/cases/{case.reference}/answer/", form).status_code == 302
    found = statements(seen)
    assert len(found) <= MOST_TO_POST_AN_ANSWER + takes, found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("waiting", [0, 1, 5])
def test_a_switch_is_a_short_request(organisation: Organisation, waiting: int) -> None:
    agent, customer = shop.make_agent(), Client()
    form = {"text": "Hi?", "way": "email", "address_email": "new@example.org"}
    assert customer.post("/", form).status_code == 302
    case = Case.objects.get()
    letter = Identity.of("post", "Main Street 1\n1000 AA Town")
    switching.switch(case=case, kind="letter", identity=letter)
    for number in range(waiting):
        dispatch.reply(case=case, staff=agent, text=f"Answer {number}.")
    way = f"email:{Identity.objects.get(scheme='email').pk}"
    page = f"/q/{case.reference}/switch/"
    customer.get(page)
    with CaptureQueriesContext(connection) as seen:
        assert customer.post(page, {"way": way}).status_code == 302
    found = statements(seen)
    channels = 1 if waiting else 0  # those of the new kind, once for all
    most = MOST_TO_SWITCH + channels + MOST_TO_FOLLOW * waiting
    assert len(found) <= most, "\n".join(sql[:150] for sql in found)
    queued = Delivery.objects.filter(status=Delivery.Status.QUEUED, message__template="")
    in_order = list(queued.order_by("next_attempt_at").values_list("message__text", flat=True))
    assert in_order == [f"Answer {number}." for number in range(waiting)]  # as they were written


def test_numbers_are_taken_by_one_statement_unless_somebody_was_faster(
    organisation: Organisation,
) -> None:
    Client().post("/", {"text": "Hi?", "way": "email", "address_email": "new@example.org"})
    mine, theirs = Case.objects.get(), Case.objects.get()
    with CaptureQueriesContext(connection) as seen:
        mine.append(Event(sort=Event.Sort.CALLS), changed_at=timezone.now())
    assert len(statements(seen)) == 2, seen.captured_queries  # the case, and the line
    theirs.append(Event(sort=Event.Sort.CALLS), changed_at=timezone.now())
    assert theirs.seq == mine.seq + 1
    numbers = list(mine.events.order_by("seq").values_list("seq", flat=True))
    assert numbers[-2:] == [mine.seq, theirs.seq]


def _mail_in(**envelope: str) -> list[str]:
    channel = Channel.objects.get(kind="email")
    raw = shop.mail(sender="Sam <sam@example.org>", **{"to": shop.MAILBOX, **envelope})
    with CaptureQueriesContext(connection) as seen:
        worker.file(inbound.receive(channel, Request(body=raw)))
    return [sql for sql in statements(seen) if not sql.startswith(("BEGIN", "COMMIT"))]


def test_a_mail_is_filed_with_few_statements(organisation: Organisation) -> None:
    found = {"new": _mail_in()}
    code = services.reply_code(Case.objects.get()).plain
    to = shop.MAILBOX.replace("@", f"+{code}@")
    found |= {name: _mail_in(to=to) for name in ("reply", "another reply")}
    assert Case.objects.get().messages.filter(direction="in").count() == 3
    for name, most in MOST_FOR_MAIL.items():
        assert len(found[name]) <= most, (name, len(found[name]), found[name])
