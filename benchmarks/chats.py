"""Live pages beside many others: a hundred chats, five hundred streams, ten tabs, a full list."""

import re
import time
from collections.abc import Callable, Iterator
from statistics import median

from playwright.sync_api import Page

from benchmarks import crowd, shop
from benchmarks.house import House, until
from benchmarks.live import WATCH, between, browsers
from benchmarks.load import Browser
from benchmarks.table import Figure, milliseconds, quantile
from contacts import services
from contacts.models import Case, User
from portal import marks
from tests.journeys.people import Customer
from tests.needs import chromium

CHATS, RATE = 100, 10.0  # and messages a second over all of them
STREAMS, TABS, TIMES = 500, 10, 20
FIRST = 700_000  # the number of the first customer


def chats(house: House, _cases: int) -> Iterator[Figure]:
    """Two browsers, while as many customers as that have their page open and write."""
    house.streams()
    shop.open_chat()
    cases = [_fresh(shop.a_case(FIRST + number, "chat")) for number in range(CHATS)]
    staff, streams = crowd.agent(shop.AGENT), crowd.Streams(house.live_port)
    streams.open([(crowd.customer(case), _want(case)) for case in cases])
    with crowd.talk(house, cases, staff, RATE):
        what = f"a chat beside {CHATS} others, {RATE:.0f} messages/s"
        yield from between(house, what, 0.05, 0.15, kind="chat")
    streams.close()


def streams(house: House, _cases: int) -> Iterator[Figure]:
    """Five hundred customers with their page open, and one message that all of them may read."""
    house.streams()
    case = _fresh(shop.a_case(FIRST + CHATS, "account"))
    before, opened = house.memory()["live"], crowd.Streams(house.live_port)
    people = [crowd.customer(case) for _n in range(STREAMS)]
    greeted = opened.open([(one, f"q:{case.reference}:{case.seq}") for one in people])
    after = house.memory()["live"]
    yield Figure(f"{STREAMS} streams opened at once, until each is greeted", milliseconds(greeted))
    size = f"{before:.0f} MB, {after:.0f} MB with them"
    yield Figure(f"memory of one web process with {STREAMS} streams", size)
    delays = []
    for _turn in range(5):
        opened.heard.clear()
        begun = time.perf_counter()
        services.file_message(case=case, kind="account", text="One for all.", staff=_staff())
        until(lambda: len(opened.heard) >= STREAMS)
        delays += [at - begun for at in opened.heard]
        time.sleep(1)
    yield Figure(f"a message to {STREAMS} open streams", milliseconds(delays))
    opened.close()


def tabs(house: House, _cases: int) -> Iterator[Figure]:
    """So many tabs of one browser share one stream: no page waits for a connection."""
    if chromium() is None:
        yield Figure("tabs", "not measured: no Chromium")
        return
    house.streams()
    staff, agent = crowd.agent(shop.AGENT), Browser(house.web_port)
    with browsers(house) as chrome:
        person = Customer(chrome, f"https://{crowd.HOST}")
        case = Case(reference=person.ask("Is the blue city bicycle in stock?", "account"))
        alone = _loads(person.page)
        pages = [person.context.new_page() for _n in range(TABS)]
        for page in pages:
            page.goto(person.page.url)
            page.wait_for_selector("html[data-line=stream]", state="attached")
        beside = _loads(person.page)
        times = []
        for turn in range(TIMES):
            text = f"To all tabs {turn}."
            for page in pages:
                page.evaluate(WATCH, [".msg--out", text])
            begun = time.time()
            crowd.answer(agent, case, staff, text)
            arrived = max(page.evaluate("window.arrived") for page in pages)
            times.append(arrived / 1000 - begun)
            time.sleep(0.5)
    yield Figure(
        f"a page opens beside {TABS} open tabs of the same browser",
        milliseconds(beside),
        f"without them {milliseconds(alone)}",
        median(alone) / median(beside),
        "p50 1000 ms",
        median(beside) <= 1.0,
    )
    yield Figure(f"an answer, until it stands in the last of {TABS} tabs", milliseconds(times))


def _loads(page: Page) -> list[float]:
    """Seconds in which a page is loaded, a few times."""
    return [_seconds(page.reload) for _n in range(5)]


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def queue100(house: House, _cases: int) -> Iterator[Figure]:
    """The agents' list of chats, as an open page asks for it: half are theirs, half nobody's."""
    staff = _staff()
    shop.open_chat()
    Case.objects.open().update(state=Case.State.RESOLVED)  # of what was measured before
    for number in range(CHATS):
        case = shop.a_case(FIRST + 2 * CHATS + number, "chat")
        Case.objects.filter(pk=case.pk).update(assignee=staff if number % 2 else None)
    browser = Browser(house.web_port)
    browser.cookies = crowd.agent(shop.AGENT)
    path = "/admin/chats/?part=1"
    body = browser.send("GET", path).body
    assert len(set(re.findall(rb"/admin/cases/(...-...)/", body))) == CHATS, body[:2000]
    times = [browser.send("GET", path).seconds for _n in range(TIMES * 2)]
    plain = [browser.send("GET", "/yardstick/").seconds for _n in range(TIMES * 2)]
    yield Figure(
        f"the list of {CHATS} live chats, a refresh",
        milliseconds(times),
        f"empty view {milliseconds(plain)}",
        median(times) / median(plain),
        "p95 100 ms",
        quantile(times, 0.95) <= 0.1,
    )


def _fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def _want(case: Case) -> str:
    """As an open page wants it: the news themselves."""
    return f"q:{case.reference}:{case.seq}:{marks.change(case).mark}"


def _staff() -> User:
    return User.objects.get(username=shop.AGENT)
