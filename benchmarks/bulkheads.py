"""One provider is dead, slow, or talks nonsense: what the other channels notice of it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from celery import current_app
from django.utils import timezone

from benchmarks import messengers, shop
from benchmarks.house import House, until
from benchmarks.load import Browser, paced
from benchmarks.sink import arrivals
from benchmarks.table import Figure, milliseconds, quantile
from channels_app import dispatch
from channels_app.models import Delivery, InboundEvent
from contacts.models import Case, User

BAD = "whatsapp"
HELD_UP = 60  # answers and pictures that wait at the bad provider
MAILS, EVERY = 60, 0.15
PILE = 300
NOTICED = 2.0  # times as long, or half as many: more is noticed
STILL = 0.05  # seconds that are no delay to anybody


def bulkheads(house: House, _cases: int) -> Iterator[Figure]:
    """Mails go out and Telegram comes in, beside a WhatsApp that is well, and one that is not."""
    messengers.open_messengers()
    current_app.control.purge()
    Delivery.objects.filter(status="queued").update(status="cancelled")
    house.workers()
    house.beat()
    mail = [shop.a_case(30_000 + number) for number in range(20)]
    chats = _chats(house)
    before: Noticed | None = None
    for how in ("well", "dead", "slow", "garbled"):
        messengers.behaves(BAD, how)
        _answer(chats, HELD_UP)
        _pictures(house)
        now = Noticed(_mails(house, mail), _pile(house, mail), _telegrams(house))
        before = before or now
        yield from _figures(f"beside a WhatsApp that is {how}", now, before)
        Delivery.objects.filter(status="queued").update(status="cancelled")
        until(lambda: not Delivery.objects.filter(status="sending").exists())
    house.stop("beat")
    house.rest()


@dataclass(frozen=True)
class Noticed:
    """How the other channels fare: seconds of each mail, mails a second, seconds of each chat."""

    mails: list[float]
    pile: float
    chats: list[float]


def _figures(beside: str, now: Noticed, before: Noticed) -> Iterator[Figure]:
    yield _late(f"a mail, from its row to the mail server, {beside}", now.mails, before.mails)
    held = now.pile * NOTICED >= before.pile
    yield Figure(
        f"mails in a pile, {beside}",
        f"{now.pile:.0f}/s",
        f"{before.pile:.0f}/s",
        now.pile / before.pile,
        "half",
        held,
    )
    yield _late(f"Telegram, until it is filed, {beside}", now.chats, before.chats)


def _late(name: str, now: list[float], before: list[float]) -> Figure:
    held = quantile(now, 0.95) <= max(NOTICED * quantile(before, 0.95), STILL)
    ratio = median(now) / median(before)
    return Figure(name, milliseconds(now), milliseconds(before), ratio, "p95 twice", held)


def _chats(house: House) -> list[Case]:
    """Open cases by WhatsApp."""
    browser = Browser(house.web_port)
    for _n in range(10):
        post = messengers.whatsapp(house, next(messengers.numbers))
        assert browser.ask("POST", post.path, post.body, post.headers).status == 200
    until(lambda: not InboundEvent.objects.filter(state=InboundEvent.State.NEW).exists())
    return list(Case.objects.filter(choice__kind=BAD, state="open").order_by("-pk")[:10])


def _answer(cases: list[Case], count: int) -> None:
    agent = User.objects.get(username=shop.AGENT)
    for number in range(count):
        dispatch.reply(case=cases[number % len(cases)], staff=agent, text=f"Yes ({number}).")


def _pictures(house: House) -> None:
    """Customers send pictures, which have to be fetched at the provider."""
    browser = Browser(house.web_port)
    for _n in range(HELD_UP):
        picture = {"id": "1", "mime_type": "image/jpeg"}
        number = next(messengers.numbers)
        post = messengers.whatsapp(house, number, type="image", image=picture)
        assert browser.ask("POST", post.path, post.body, post.headers).status == 200


def _mails(house: House, cases: list[Case]) -> list[float]:
    """Seconds from the row to the mail server, one mail after the other."""
    agent = User.objects.get(username=shop.AGENT)
    begun: dict[str, float] = {}
    for number in range(MAILS):
        message = dispatch.reply(case=cases[number % len(cases)], staff=agent, text="Yes.")
        begun[str(message.deliveries.get().pk)] = time.time()
        time.sleep(EVERY)
    until(lambda: begun.keys() <= {key for _at, key in arrivals(house.arrivals)}, 120)
    return [at - begun[key] for at, key in arrivals(house.arrivals) if key in begun]


def _pile(house: House, cases: list[Case]) -> float:
    """Mails a second where many wait."""
    agent = User.objects.get(username=shop.AGENT)
    before, begun = len(arrivals(house.arrivals)), time.monotonic()
    for number in range(PILE):
        dispatch.reply(case=cases[number % len(cases)], staff=agent, text="Yes.")
    until(lambda: len(arrivals(house.arrivals)) >= before + PILE, 240)
    return PILE / (time.monotonic() - begun)


def _telegrams(house: House) -> list[float]:
    """Seconds from what came by Telegram to its place in a case."""
    browser, since = Browser(house.web_port), timezone.now()

    def work(_thread: int, _turn: int) -> None:
        post = messengers.telegram(house, next(messengers.numbers))
        assert browser.ask("POST", post.path, post.body, post.headers).status == 200

    paced(1, 5, 12, work)
    came = InboundEvent.objects.filter(channel__kind="telegram", received_at__gte=since)
    until(lambda: not came.filter(state=InboundEvent.State.NEW).exists(), 120)
    times: list[timedelta] = [
        done - at for at, done in came.values_list("received_at", "processed_at") if done
    ]
    return [time.total_seconds() for time in times]
