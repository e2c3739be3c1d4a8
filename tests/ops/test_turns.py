"""SQLite's one writer: who waits has a turn soon, people before workers."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
from django.db import OperationalError
from pytest_django import DjangoDbBlocker

from portal.sqlite.base import DatabaseWrapper

MOST = 5  # its own, one under way, one that waits already, one that was woken as well; else dozens


class Worker(DatabaseWrapper):
    """A connection in a worker's process."""

    gives_way = True


Connect = Callable[..., DatabaseWrapper]


@pytest.fixture
def connect(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Connect]:
    """Connections to one file, each as a thread of its own would have it."""
    opened: list[DatabaseWrapper] = []
    values = {
        "NAME": str(tmp_path / "db.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
        "AUTOCOMMIT": True,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "TIME_ZONE": None,
        "TEST": {"NAME": None},
    }

    def connection(cls: type[DatabaseWrapper] = DatabaseWrapper) -> DatabaseWrapper:
        found = cls(dict(values), alias=f"turn{len(opened)}")
        found.inc_thread_sharing()
        found.ensure_connection()
        opened.append(found)
        return found

    with django_db_blocker.unblock():
        with connection().cursor() as cursor:
            cursor.execute("CREATE TABLE said (word TEXT)")
        yield connection
        for one in opened:
            one.close()


def begin(by: DatabaseWrapper) -> None:
    """As `atomic` does it."""
    by.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def end(by: DatabaseWrapper) -> None:
    """Commit, as `atomic` does it."""
    by.commit()
    by.set_autocommit(True)


def write(by: DatabaseWrapper, word: str) -> None:
    """One transaction."""
    begin(by)
    with by.cursor() as cursor:
        cursor.execute("INSERT INTO said VALUES (%s)", [word])
    end(by)


def said(by: DatabaseWrapper) -> list[str]:
    """In which order."""
    with by.cursor() as cursor:
        cursor.execute("SELECT word FROM said ORDER BY rowid")
        return [row[0] for row in cursor.fetchall()]


def work(by: DatabaseWrapper, over: threading.Event) -> None:
    """Transaction after transaction, as a worker with a backlog."""
    while not over.is_set():
        begin(by)
        with by.cursor() as cursor:
            cursor.execute("INSERT INTO said VALUES ('worker')")
        time.sleep(0.005)
        end(by)


@pytest.mark.parametrize("count", [1, 4])
def test_a_request_waits_for_a_few_of_the_workers_transactions(
    connect: Connect, count: int
) -> None:
    over, request = threading.Event(), connect()
    workers = [threading.Thread(target=work, args=(connect(Worker), over)) for _n in range(count)]
    for worker in workers:
        worker.start()
    waited = []
    try:
        for turn in range(20):
            before = len(said(request))
            write(request, f"request {turn}")
            waited.append(len(said(request)) - before)
    finally:
        over.set()
        for worker in workers:
            worker.join(60)
    assert median(waited) <= MOST, waited


@pytest.mark.parametrize("how", ["rollback", "close", "fault"])
def test_a_turn_ends_however_its_transaction_ends(
    connect: Connect, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = connect(Worker), connect(Worker)
    if how == "fault":
        with monkeypatch.context() as patch:
            patch.setattr(one, "cursor", _broken)
            with pytest.raises(OperationalError):
                begin(one)
    else:
        begin(one)
        one.rollback() if how == "rollback" else one.close()
    thread = threading.Thread(target=write, args=(other, "next"))
    thread.start()
    thread.join(10)
    assert said(other) == ["next"]


def _broken() -> None:
    raise OperationalError("disk I/O error")


def test_what_is_read_waits_for_nobody(connect: Connect) -> None:
    holder, reader = connect(), connect()
    begin(holder)
    assert said(reader) == []
    end(holder)
