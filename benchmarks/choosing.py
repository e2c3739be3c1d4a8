"""Choosing beside very many cases: the start page, the promise board, and the nightly counts."""

import time
from collections.abc import Callable, Iterator
from statistics import median

from django.db import connection
from django.utils import timezone

from benchmarks import shop
from benchmarks.house import House
from benchmarks.load import Browser
from benchmarks.table import Figure, milliseconds, quantile
from channels_app import promises, tallying
from channels_app.call_line import Crew
from channels_app.models import Pace, Tally
from channels_app.promises import Figures, Offer
from contacts.models import Case, Choice, Organisation, Topic

TIMES, VISITS = 60, 24
APART = 1.05  # seconds between visits: the setup, which is remembered for one, is read anew


def choose(house: House, cases: int) -> Iterator[Figure]:
    """What a visitor waits for before the choice, with everything counted and nothing asked yet."""
    shop.many_cases(cases)
    organisation = Organisation.current()
    yield _nightly("night: usual times", lambda: Pace.objects.renew(organisation, timezone.now()))
    yield _nightly("night: what was chosen and found", tallying.tally)
    assert Pace.objects.enough().exists() and Tally.objects.exists()
    yield _board(organisation)
    topic = Topic.objects.offered().first()
    asked = f"?topic={topic.slug if topic else ''}&how_soon=now&matters=quick"
    yield from _pages(house, "start page with ranking and promises", ["/", f"/{asked}"])
    yield from _pages(house, "another suggestion, while it is typed", [f"/advice/{asked}"])


def _nightly(name: str, work: Callable[[], object]) -> Figure:
    begun = time.perf_counter()
    work()
    return Figure(name, f"{time.perf_counter() - begun:.1f} s")


def _board(organisation: Organisation) -> Figure:
    """All rows of the board as nobody remembers them, beside one count of who waits."""
    times, plain = list[float](), list[float]()
    for _turn in range(TIMES):
        begun = time.perf_counter()
        now = timezone.now()
        figures = Figures.counted(organisation).with_crew(Crew.of(organisation))
        board = promises.board(organisation, now, figures=figures)
        times.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        Case.objects.waiting().filter(organisation=organisation).count()
        plain.append(time.perf_counter() - begun)
    _is_right(board)
    return Figure(
        "promise board, nothing remembered",
        milliseconds(times),
        f"one count {median(plain) * 1000:.1f} ms",
        median(times) / median(plain),
        "p95 20 ms",
        quantile(times, 0.95) <= 0.02,
    )


def _is_right(board: list[Offer]) -> None:
    """Who waits, counted once more by plain SQL over all cases."""
    counted = (
        f'SELECT w.kind, count(*) FROM "{Case._meta.db_table}" c'
        f' JOIN "{Choice._meta.db_table}" w ON w.id = c.choice_id'
        " WHERE c.state = 'open' AND c.waiting_since IS NOT NULL AND c.merged_into_id IS NULL"
        " GROUP BY w.kind"
    )
    with connection.cursor() as cursor:
        cursor.execute(counted)
        waiting = dict(cursor.fetchall())
    for offer in board:
        if offer.kind.name != promises.MEETING:
            assert offer.waiting == waiting.get(offer.kind.name, 0), (offer.kind.name, waiting)


def _pages(house: House, name: str, paths: list[str]) -> Iterator[Figure]:
    """One visitor after another, so far apart that the setup is read anew for each."""
    browser = Browser(house.web_port)
    times, plain = list[float](), list[float]()
    for turn in range(VISITS):
        path = paths[turn % len(paths)]
        answer = browser.send("GET", path)
        assert answer.status == 200, (path, answer.status)
        times.append(answer.seconds)
        plain.append(browser.send("GET", "/yardstick/").seconds)
        time.sleep(APART)
    yield Figure(
        name,
        milliseconds(times[4:]),
        f"empty view {median(plain) * 1000:.1f} ms",
        median(times[4:]) / median(plain),
        "p95 100 ms",
        quantile(times[4:], 0.95) <= 0.1,
    )
