"""Streams say what is new to those who may see it, lose nothing, and are not flooded."""

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from channels_app import dispatch
from channels_app.models import Channel, Delivery
from contacts import hints, merging, services
from contacts.models import Case, User
from portal import valkey
from portal.live import door, stream
from tests import shop
from tests.live.conftest import Listen, Listener, Server, customer_cookies, staff_cookies
from tests.setup.test_processes import until


def write(case: Case, text: str = "One more thing") -> int:
    """The customer writes; the number of the case after it."""
    services.file_message(case=case, kind="account", text=text)
    case.refresh_from_db()
    return case.seq


def q(case: Case, since: int | None = None) -> str:
    return f"q:{case.reference}:{case.seq if since is None else since}"


def d(case: Case) -> str:
    return f"d:{case.reference}:{case.seq}"


def test_a_customer_hears_of_a_message_at_once(listen: Listen, case: Case) -> None:
    open_page = listen(q(case), cookies=customer_cookies(case))
    assert open_page.named("hello") == [{"served": [f"q:{case.reference}"], "ended": []}]
    begun, seq = time.monotonic(), write(case)
    assert open_page.hears("case", case=f"q:{case.reference}", seq=seq)
    assert time.monotonic() - begun < 2
    ids = [found for _at, name, found, _data in open_page.events if name == "case"]
    assert ids == [f"q:{case.reference}:{seq}"]


def test_staff_hear_of_case_queue_and_bell(listen: Listen, case: Case, agent: User) -> None:
    services.assign(case=case, to=agent, by=shop.make_agent("bo"))
    case.refresh_from_db()
    page = listen(d(case), "queue", "bell", cookies=staff_cookies(agent))
    assert page.named("bell") == [{"count": 1}]
    seq = write(case)
    assert page.hears("case", case=f"d:{case.reference}", seq=seq)
    assert page.hears("queue") and page.hears("bell", count=2)


def test_what_is_new_is_said_before_the_pause_and_the_case_first(
    listen: Listen, case: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PAUSE", 3.0)
    page = listen(d(case), "queue", cookies=staff_cookies(agent))
    seq = write(case)
    assert page.hears("case", seq=seq, within=2)
    assert not page.named("queue")
    assert page.hears("queue", within=6)


def test_one_stream_serves_customer_and_staff_of_one_browser(
    listen: Listen, case: Case, other: Case, agent: User
) -> None:
    both = customer_cookies(case) | staff_cookies(agent)
    page = listen(q(case), d(case), d(other), q(other), cookies=both)
    served, ended = page.named("hello")[0]["served"], page.named("hello")[0]["ended"]
    assert served == sorted(
        f"{way}:{c.reference}" for way, c in [("q", case), ("d", case), ("d", other)]
    )
    assert ended == [f"q:{other.reference}"]


def test_a_foreign_case_gives_nothing(listen: Listen, case: Case, other: Case) -> None:
    nothing = listen(q(other), cookies=customer_cookies(case))
    assert nothing.named("hello") == [{"served": [], "ended": [f"q:{other.reference}"]}]
    page = listen(q(case), q(other, 0), "q:222-222:0", cookies=customer_cookies(case))
    write(other)
    seq = write(case)
    assert page.hears("case", seq=seq, case=f"q:{case.reference}")
    assert {data["case"] for data in page.named("case")} == {f"q:{case.reference}"}


@pytest.mark.parametrize("sort", ["d", "queue", "bell"])
def test_no_cookie_of_a_customer_opens_what_is_for_staff(
    listen: Listen, case: Case, agent: User, sort: str
) -> None:
    want = d(case) if sort == "d" else sort
    assert listen(want, cookies=customer_cookies(case)).named("hello")[0]["served"] == []
    assert listen(want).named("hello")[0]["served"] == []
    staffs = staff_cookies(agent)
    assert listen(want, cookies=staffs).named("hello")[0]["served"] != []
    assert listen(q(case), cookies=staffs).named("hello")[0]["served"] == []


def test_what_came_while_the_line_was_down_comes_first(listen: Listen, case: Case) -> None:
    before, cookies = case.seq, customer_cookies(case)
    listen(q(case), cookies=cookies).close()
    seq = write(case)
    assert listen(q(case, before), cookies=cookies).hears("case", seq=seq)
    again = listen(q(case, before), cookies=cookies, Last_Event_ID=f"q:{case.reference}:{seq}")
    assert not again.hears("case", within=0.5)
    odd = listen(q(case, before), cookies=cookies, Last_Event_ID="'; garbage")
    assert odd.hears("case", seq=seq)


def test_a_message_between_page_and_stream_is_not_lost(
    listen: Listen, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen(q(case), cookies=customer_cookies(case))  # from here on hints are heard
    look = door.sight.look
    wrote: list[int] = []

    def late(*given: Any, **options: Any) -> Any:
        found = look(*given, **options)
        if not wrote:  # written after the rows were read, before anything was said
            wrote.append(write(case))
        return found

    monkeypatch.setattr(door.sight, "look", late)
    page = listen(q(case), cookies=customer_cookies(case))
    assert page.hears("case", seq=wrote[0])


def test_a_lost_hint_costs_a_moment_only(
    listen: Listen, case: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.4)
    page = listen(q(case), cookies=customer_cookies(case))
    desk = listen("queue", "bell", cookies=staff_cookies(agent))
    assert page.hears("ping")
    monkeypatch.setattr(hints, "say", lambda line: None)
    services.assign(case=case, to=agent, by=shop.make_agent("bo"))
    assert page.hears("case", seq=write(case))
    assert desk.hears("queue") and desk.hears("bell", count=2)


def test_the_steps_of_a_delivery_are_told(
    listen: Listen, case: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.4)
    delivery = dispatch.reply(case=case, staff=agent, text="Yes").deliveries.get()
    case.refresh_from_db()
    page = listen(q(case), cookies=customer_cookies(case))
    assert delivery.move(Delivery.Status.SENT, frm=(Delivery.Status.QUEUED,))
    assert page.hears("case", seq=case.seq)
    count = len(page.named("case"))
    monkeypatch.setattr(hints, "say", lambda line: None)
    assert delivery.move(Delivery.Status.DELIVERED, frm=(Delivery.Status.SENT,))
    assert until(lambda: len(page.named("case")) > count)


@pytest.mark.parametrize("is_told", [True, False])
def test_that_a_channel_went_is_told(
    listen: Listen, case: Case, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    if not is_told:  # the hint was lost: at the next ping then
        monkeypatch.setattr(stream, "PING_SECONDS", 0.4)
    channel = Channel.objects.get(kind=case.choice.kind)  # type: ignore[union-attr]
    page = listen(q(case), cookies=customer_cookies(case))

    def is_told_again(before: int) -> bool:
        return len(page.named("case")) > before

    for offered in (False, True):
        before = len(page.named("case"))
        channel.offer(offered)
        if is_told:
            hints.channels()
        assert until(partial(is_told_again, before))


def test_a_case_that_was_joined_goes_on(
    listen: Listen, case: Case, other: Case, agent: User
) -> None:
    page = listen(q(case), cookies=customer_cookies(case))
    merging.join(case=case, into=other, by=agent)
    assert page.hears("case")
    count = len(page.named("case"))
    write(other)
    assert until(lambda: len(page.named("case")) > count)


def test_a_flood_is_ten_a_second(listen: Listen, case: Case, agent: User) -> None:
    page = listen(q(case), cookies=customer_cookies(case))
    desk = listen("queue", cookies=staff_cookies(agent))
    begun = time.monotonic()
    while time.monotonic() < begun + 2:
        for _n in range(50):
            hints.publish(case.pk, case.seq)
            time.sleep(0.002)
        seq = write(case)
    assert page.hears("case", seq=seq) and until(lambda: bool(desk.named("queue")), 15)
    # By the clock, as a busy machine takes its time.
    seconds = time.monotonic() - begun
    assert 1 <= len(page.named("case")) <= 10 * seconds + 5
    assert len(desk.named("queue")) <= seconds + 3


def test_streams_share_few_threads_and_connections(
    listen: Listen, server: Server, case: Case
) -> None:
    before = threading.active_count()
    pages = [listen(q(case), cookies=customer_cookies(case)) for _n in range(40)]
    readers = len(pages)  # this test's own
    assert threading.active_count() - before - readers <= door.THREADS
    seq = write(case)
    assert all(page.hears("case", seq=seq) for page in pages)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            )
            assert cursor.fetchone()[0] <= door.THREADS + 2
    for page in pages:
        page.close()
    assert server.door.hub and until(lambda: not (server.door.hub and server.door.hub.ears))


class Broker:
    """A Valkey of this test alone, which may die."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.place = folder, folder / valkey.SOCKET_NAME
        self.start()

    def start(self) -> None:
        """Start it, and wait for its first word."""
        self.process = subprocess.Popen(
            valkey.command(self.folder, self.place), stdout=subprocess.DEVNULL
        )
        assert until(lambda: valkey.answers(self.place, self.process.pid), 10)

    def kill(self) -> None:
        """The hard way."""
        self.process.kill()
        self.process.wait()
        self.place.unlink(missing_ok=True)


@pytest.fixture
def broker(
    settings: Any, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Broker]:
    """Hints go through it."""
    running = Broker(tmp_path_factory.mktemp("v"))
    settings.REDIS_URL = valkey.url(running.place)
    monkeypatch.setattr(hints._Line, "client", None)
    yield running
    running.kill()


def test_without_redis_the_stream_stays_and_looks_by_itself(
    broker: Broker, listen: Listen, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.5)
    page = listen(q(case), cookies=customer_cookies(case))
    assert page.hears("case", seq=write(case))
    broker.kill()
    assert page.hears("case", seq=write(case, "while it is away"))
    late = listen(q(case), cookies=customer_cookies(case))
    assert late.hears("case", seq=write(case, "again"))
    monkeypatch.setattr(stream, "PING_SECONDS", 60.0)
    time.sleep(1)
    seq = write(case, "nobody told")
    assert not page.over and not page.hears("case", 0.3, seq=seq)
    broker.start()
    assert page.hears("case", 10, seq=seq)
    assert until(lambda: _hears_hints(page, case), 15), (page.events[-4:], page.over)


def test_a_hiccup_of_redis_is_made_good(
    broker: Broker, listen: Listen, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 60.0)
    monkeypatch.setattr(hints, "QUIET_SECONDS", 1.0)
    page = listen(q(case), cookies=customer_cookies(case))
    broker.process.send_signal(signal.SIGSTOP)
    seq = write(case, "while it does not answer")
    broker.process.send_signal(signal.SIGCONT)
    assert hints._Line.quiet_until
    seq = write(case, "while nothing is said")
    assert page.hears("case", 10, seq=seq)


def _hears_hints(page: Listener, case: Case) -> bool:
    count = len(page.named("case"))
    hints._Line.quiet_until = 0.0
    hints.publish(case.pk, case.seq)
    return until(lambda: len(page.named("case")) > count, 0.5)
