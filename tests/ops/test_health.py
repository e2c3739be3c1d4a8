"""/healthz and /readyz: what each says when a part is broken, slow or late, and never says."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from channels_app import opening
from channels_app.models import Channel, Delivery, InboundEvent
from contacts.models import Organisation
from portal import health
from tests import shop

PARTS = ("database", "migrations", "broker", "deliveries", "inbound")
SECRET = "hush-hush-7"


@pytest.fixture
def organisation(transactional_db: None, settings: Any, valkey_url: str) -> Organisation:
    """A shop on a broker that answers."""
    settings.CELERY_BROKER_URL = ""
    settings.REDIS_URL = valkey_url
    return shop.make_shop()


def ask(**parts: str) -> dict[str, Any]:
    """What /readyz says; every part but these must be well."""
    response = Client().get("/readyz", headers={"Host": "10.0.0.7"})
    said: dict[str, Any] = response.json()
    assert {name: said[name] for name in PARTS} == dict.fromkeys(PARTS, "ok") | parts, said
    assert said["ready"] is (not parts) and response.status_code == (503 if parts else 200)
    assert response["Cache-Control"] == "no-store"
    return said


def test_the_process_answers_and_asks_nobody(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["help.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    for method in ("get", "head"):  # without a fixture for it, a query would fail the test
        response = getattr(Client(), method)("/healthz", headers={"Host": "10.0.0.7"})
        assert response.status_code == 200
    assert Client().post("/healthz").status_code == 405


def test_all_is_well(organisation: Organisation, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["help.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    said = ask()
    assert said["deliveries_oldest_seconds"] == said["inbound_oldest_seconds"] == 0
    assert set(said) == {"ready", *PARTS, "deliveries_oldest_seconds", "inbound_oldest_seconds"}


def test_a_broker_that_is_gone(
    organisation: Organisation, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = f"redis://:{SECRET}@127.0.0.1:{shop.free_port()}/0"
    assert SECRET not in str(ask(broker="no answer")) + caplog.text
    assert "ConnectionError" in caplog.text and "broker no answer" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    settings.REDIS_URL = ""
    ask(broker="not set")


def test_a_broker_that_says_nothing_is_not_waited_for(
    organisation: Organisation, settings: Any
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        settings.REDIS_URL = f"redis://127.0.0.1:{mute.getsockname()[1]}/0"
        begun = time.monotonic()
        ask(broker="no answer")
        assert time.monotonic() - begun < health.PATIENCE + 0.5


def test_a_database_that_is_gone(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(connections.settings["default"], "NAME", f"/nowhere/{SECRET}")
    unknown = dict.fromkeys(("migrations", "deliveries", "inbound"), "unknown")
    said = ask(database="no answer", **unknown)
    assert SECRET not in str(said) + caplog.text and "OperationalError" in caplog.text
    assert Client().get("/healthz").status_code == 200


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """A database that takes the question and never answers; how often it was asked."""
    end, asked = threading.Event(), []

    def hang() -> dict[str, str]:
        asked.append(1)
        end.wait(20)
        return {}

    monkeypatch.setattr(health, "QUESTIONS", (health.Question(hang), health.QUESTIONS[1]))
    yield lambda: len(asked)
    end.set()


def test_a_database_that_hangs_is_asked_once(
    organisation: Organisation, hanging: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.4)
    unknown = dict.fromkeys(("migrations", "deliveries", "inbound"), "unknown")
    for _probe in range(3):
        begun = time.monotonic()
        ask(database="no answer", **unknown)
        assert time.monotonic() - begun < 1.5
    assert hanging() == 1


def test_a_migration_that_was_not_applied(organisation: Organisation) -> None:
    app, name = max(row for row in health._newest_migrations() if row[0] == "contacts")
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(app, name)
    try:
        ask(migrations="behind", deliveries="unknown", inbound="unknown")
    finally:
        recorder.record_applied(app, name)
    ask()


@pytest.fixture
def delivery(organisation: Organisation) -> Delivery:
    """A mail that no worker took."""
    opening.open_case(
        organisation=organisation,
        text="Hello",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    return Delivery.objects.get(status=Delivery.Status.QUEUED)


def change(delivery: Delivery, **fields: object) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(**fields)


def ago(minutes: float) -> Any:
    return timezone.now() - timedelta(minutes=minutes)


def test_a_mail_that_nobody_sends(delivery: Delivery) -> None:
    change(delivery, next_attempt_at=ago(9))
    assert 530 < ask()["deliveries_oldest_seconds"] < 600
    change(delivery, next_attempt_at=ago(11))
    assert ask(deliveries="late")["deliveries_oldest_seconds"] >= 660
    Channel.objects.filter(pk=delivery.channel_id).update(paused_until=ago(-5))
    ask()
    Channel.objects.update(paused_until=None)
    change(delivery, next_attempt_at=ago(-60))
    ask()


def test_a_mail_whose_worker_died_and_that_no_sweep_found(delivery: Delivery) -> None:
    change(delivery, status=Delivery.Status.SENDING, leased_until=ago(11))
    ask(deliveries="late")
    change(delivery, leased_until=ago(-1))
    ask()
    change(delivery, status=Delivery.Status.SENT)
    ask()


def test_a_mail_that_nobody_reads(organisation: Organisation) -> None:
    event = InboundEvent.objects.create(
        channel=Channel.objects.get(slug="email"), sha256="1", raw=b"x", received_at=ago(11)
    )
    assert ask(inbound="late")["inbound_oldest_seconds"] >= 660
    event.move("quarantined", frm="new")
    assert ask()["inbound_oldest_seconds"] == 0


def test_it_costs_five_queries_and_each_has_its_index(
    delivery: Delivery, django_assert_num_queries: Any
) -> None:
    health.missing_migrations()  # whether their table is there is asked once
    with django_assert_num_queries(5) as seen:
        health.ask_database()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("SET enable_bitmapscan = off")
        explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
        plans = ""
        for query in seen.captured_queries[-2:]:
            cursor.execute(explain + query["sql"])
            plans += str(cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute("RESET ALL")
    for index in ("delivery_due", "delivery_sending", "inbound_event_by_state"):
        assert index in plans, plans
