"""How fast providers hear that we have what they brought, while workers file it."""

import time
from collections.abc import Iterator

from celery import current_app

from benchmarks import messengers
from benchmarks.house import House
from benchmarks.load import Browser, paced
from benchmarks.table import Figure, quantile
from channels_app.models import InboundEvent

THREADS = 16  # a provider opens several connections
SECONDS = 30
RATES = (50, 100)
GONE_WITHIN = 60.0
P50, P99 = 0.05, 0.25


def webhooks(house: House, _cases: int) -> Iterator[Figure]:
    """WhatsApp, SMS and Telegram post at a steady pace; the workers open cases and answer."""
    messengers.open_messengers()
    current_app.control.purge()
    house.workers()
    house.beat()
    incoming = messengers.posts(house)
    _accept(house, incoming, 20, 2)
    _until_filed()
    for rate in RATES:
        plain = _plain(house, rate)
        begun = time.monotonic()
        times = _accept(house, incoming, rate, SECONDS)
        left, gone = _waiting(), _until_filed()
        filed = len(times) / (time.monotonic() - begun)
        p50, p99 = quantile(times, 0.5), quantile(times, 0.99)
        yield Figure(
            f"webhooks accepted at {rate}/s for {SECONDS} s, workers filing",
            _tail(times),
            f"three inserts {_tail(plain)}",
            p50 / quantile(plain, 0.5),
            "p50 50 ms, p99 250 ms",
            p50 <= P50 and p99 <= P99,
        )
        yield Figure(
            "the same: left at the end, and gone",
            f"{left}, gone after {gone:.1f} s ({filed:.0f} filed/s)",
            at_least="gone after 60 s",
            held=gone <= GONE_WITHIN,
        )
    house.stop("beat")
    house.rest()


def _plain(house: House, rate: int) -> list[float]:
    """The minimal view at the same pace."""
    crew = [Browser(house.web_port) for _n in range(THREADS)]

    def work(thread: int, turn: int) -> None:
        assert crew[thread].send("POST", "/yardstick/", {"text": "a" * 40}).status == 302

    return paced(THREADS, rate, 10, work)


def _accept(
    house: House, incoming: Iterator[messengers.Post], rate: int, seconds: float
) -> list[float]:
    crew = [Browser(house.web_port) for _n in range(THREADS)]
    ready = [next(incoming) for _n in range(int(rate * seconds))]

    def work(thread: int, turn: int) -> None:
        post = ready[turn]
        answer = crew[thread].ask("POST", post.path, post.body, post.headers)
        assert answer.status == 200, (answer.status, answer.body[:500])

    return paced(THREADS, rate, seconds, work)


def _waiting() -> int:
    return InboundEvent.objects.filter(state=InboundEvent.State.NEW).count()


def _until_filed() -> float:
    """Seconds until nothing that came waits any more."""
    begun = time.monotonic()
    while _waiting():
        assert time.monotonic() - begun < 4 * GONE_WITHIN, "the workers do not get through"
        time.sleep(0.1)
    return time.monotonic() - begun


def _tail(times: list[float]) -> str:
    return f"p50 {quantile(times, 0.5) * 1000:.0f} ms, p99 {quantile(times, 0.99) * 1000:.0f} ms"
