"""A shop with channels and agents, and as many cases as a large one has after years."""

from datetime import timedelta

from django.db import connection, models, transaction
from django.utils import timezone

from channels_app import dispatch, opening
from channels_app.models import Channel, Delivery
from contacts.models import (
    Case,
    Choice,
    Customer,
    Event,
    Holder,
    Identity,
    Message,
    Organisation,
    SearchEntry,
    User,
)
from tests import shop

AGENT, PASSWORD = "agent", "bench-only-password"
# Words of seven letters, so that SQL can cut the i-th one out of the line.
WORDS = (
    "bicycleinvoicebatterywindowsrepairsdeliverfinanceaccountrefundsreceipt"
    "leatherwheelersaddlesgearboxcharger"
)
WORD_COUNT = len(WORDS) // 7
RARE = 4_000  # one entry in so many holds the rare word


def open_shop() -> None:
    """The organisation, its channels, and an agent."""
    shop.make_shop()
    User.objects.create_superuser(AGENT, password=PASSWORD, language="en")


def open_chat() -> None:
    """The channel of the chat, open at any hour."""
    fields = {"provider": "in_house", "slug": "chat", "name": "chat", "position": 9}
    organisation = Organisation.current()
    Channel.objects.get_or_create(organisation=organisation, kind="chat", defaults=fields)


def a_case(number: int, kind: str = "email") -> Case:
    """A case of a customer of its own, without an acknowledgement on its way."""
    case = opening.open_case(
        organisation=Organisation.current(),
        text=f"Do you have the blue one in stock? ({number})",
        came_by="chat" if kind == "chat" else "account",
        kind=kind,
        address=f"customer{number}@example.org",
        language="en",
    )
    Delivery.objects.filter(message__case=case).delete()
    return case


def long_case(messages: int) -> Case:
    """One case with so many messages, both ways, and their deliveries."""
    case = a_case(900_001)
    agent = User.objects.get(username=AGENT)
    for number in range(messages // 20):
        with transaction.atomic():
            for _turn in range(20):
                dispatch.reply(case=case, staff=agent, text=f"Answer {number} {WORDS[:70]}")
    now = timezone.now()
    Delivery.objects.filter(message__case=case).update(status="sent", sent_at=now)
    return case


def _word(expression: str) -> str:
    return f"substr('{WORDS}', (({expression}) % {WORD_COUNT}) * 7 + 1, 7)"


TEXT = " || ' ' || ".join(_word(f"n.i * {p} + {q}") for p, q in ((7, 1), (11, 3), (13, 5), (17, 2)))
RARELY = f"CASE WHEN n.i % {RARE} = 0 THEN ' zeppelin' ELSE '' END"


def _multiply(model: type[models.Model], count: int, template: int | str, **columns: str) -> None:
    """Copy one row `count` times by one statement; `columns` are SQL in n.i, 1 to count."""
    table = model._meta.db_table
    names = [
        f.column for f in model._meta.concrete_fields if not f.primary_key or f.name in columns
    ]
    values = [columns.get(str(name), f't."{name}"') for name in names]
    listed = ", ".join(f'"{name}"' for name in names)
    picked = ", ".join(values).replace("%", "%%")  # a remainder, no place for a value
    key = model._meta.pk
    assert key is not None
    numbers = f"generate_series(1, {count}) AS n(i)"
    before = ""
    if connection.vendor == "sqlite":
        before = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < {count}) "
        numbers = "n"
    with connection.cursor() as cursor:
        cursor.execute(
            f'{before}INSERT INTO "{table}" ({listed}) SELECT {picked}'
            f' FROM {numbers}, "{table}" t WHERE t.{key.column} = %s',
            [key.get_db_prep_value(template, connection)],
        )


def _first(model: type[models.Model]) -> int:
    """The smallest id that the next rows get."""
    found = model._default_manager.aggregate(last=models.Max("pk"))["last"]
    return int(found or 0)


def _ago(seconds: str) -> str:
    """A time so many seconds ago, as the database keeps it."""
    if connection.vendor == "sqlite":
        return f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ({seconds}) || ' seconds')"
    return f"now() - ({seconds}) * interval '1 second'"


@transaction.atomic  # a case and its choice name each other
def many_cases(cases: int) -> None:
    """`cases` cases and ten messages in each, a delivery for every fifth; then the index.

    One in ten cases is open, one in fifty waits for us: a large shop after years. Written once.
    """
    if Case.objects.count() >= cases:
        return
    seed = a_case(900_000)
    holder = Holder.objects.get(customer=seed.customer)
    choice = seed.choice
    message = Message.objects.filter(case=seed, direction="in").get()
    event = Event.objects.filter(case=seed).order_by("pk")[0]
    entry = SearchEntry.objects.filter(case=seed).order_by("pk")[0]
    assert choice is not None
    answer = dispatch.reply(case=seed, staff=None, text="Yes.")
    sent = Delivery.objects.filter(message=answer).get()
    Delivery.objects.filter(pk=sent.pk).update(status="sent", sent_at=timezone.now())
    people, addresses, first = _first(Customer), _first(Identity), _first(Case)
    said, choices, entries = _first(Message), _first(Choice), _first(SearchEntry)
    _multiply(Customer, cases, seed.customer_id, name="'Customer ' || n.i")
    _multiply(Identity, cases, holder.identity_id, value="'person' || n.i || '@example.org'")
    theirs = {"customer_id": f"{people} + n.i", "identity_id": f"{addresses} + n.i"}
    _multiply(Holder, cases, holder.pk, **theirs)
    letters = "'23456789ABCDEFGHJKMNPQRSTVWXYZ'"
    reference = " || ".join(
        f"substr({letters}, (n.i / {30**power}) % 30 + 1, 1)" for power in range(4)
    )
    _multiply(
        Case,
        cases,
        seed.pk,
        reference=f"'Z' || substr({letters}, n.i % 7 + 1, 1) || '2-' || substr({reference}, 1, 3)"
        if cases <= 189_000
        else reference,
        customer_id=f"{people} + n.i",
        choice_id=f"{choices} + n.i",
        client_key="NULL",
        title=TEXT,
        state="CASE WHEN n.i % 10 = 0 THEN 'open' ELSE 'resolved' END",
        waiting_since=f"CASE WHEN n.i % 50 = 0 THEN {_ago('n.i * 950')} ELSE NULL END",
        changed_at=_ago("n.i * 950"),
        opened_at=_ago("n.i * 950 + 600"),
        resolved_at=f"CASE WHEN n.i % 10 = 0 THEN NULL ELSE {_ago('n.i * 950')} END",
    )
    kind = "CASE n.i % 4 WHEN 0 THEN 'phone' WHEN 1 THEN 'account' ELSE 'email' END"
    _multiply(Choice, cases, choice.pk, case_id=f"{first} + n.i", kind=kind)
    number = f"900 + n.i % 2 + n.i / {cases}"
    _multiply(Event, cases * 2, event.pk, case_id=f"{first} + 1 + n.i % {cases}", seq=number)
    when = f"{first} + 1 + n.i % {cases}"
    way = f"CASE n.i / {cases} % 2 WHEN 0 THEN 'in' ELSE 'out' END"
    agent = User.objects.get(username=AGENT).pk
    _multiply(
        Message,
        cases * 10,
        message.pk,
        case_id=when,
        seq=f"10 + n.i / {cases}",
        direction=way,
        staff_id=f"CASE {way} WHEN 'out' THEN {agent} END",
        client_key="NULL",
        text=f"{TEXT} || {RARELY}",
        # the case was opened so long ago, and a line came every minute since
        created_at=_ago(f"(1 + n.i % {cases}) * 950 + 600 - n.i / {cases} * 60"),
    )
    new = "lower(hex(randomblob(16)))" if connection.vendor == "sqlite" else "gen_random_uuid()"
    _multiply(
        Delivery,
        cases * 2,
        str(sent.pk),
        id=new,
        message_id=f"{said} + n.i * 5",
        status="CASE WHEN n.i % 1000 = 0 THEN 'failed' ELSE 'sent' END",
    )
    _multiply(SearchEntry, cases * 10, entry.pk, case_id=when, text=f"{TEXT} || {RARELY}")
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "INSERT OR REPLACE INTO contacts_search_fts(rowid, text)"
                f" SELECT id, text FROM contacts_searchentry WHERE id > {entries}"
            )
        cursor.execute("ANALYZE")
    Case.objects.filter(pk=seed.pk).update(changed_at=timezone.now() - timedelta(days=1))
