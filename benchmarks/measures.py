"""What is measured, each beside its yardstick. A measure is a function of the house."""

import re
import smtplib
import time
import uuid
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from statistics import median

from celery import current_app
from django.db import transaction
from redis import Redis

from benchmarks import shop
from benchmarks.bulkheads import bulkheads
from benchmarks.chats import chats, queue100, streams, tabs
from benchmarks.choosing import choose
from benchmarks.house import House, until
from benchmarks.live import live
from benchmarks.load import Browser, at_once
from benchmarks.sink import arrivals
from benchmarks.switches import switch
from benchmarks.table import Figure, milliseconds, quantile, rates
from benchmarks.webhooks import webhooks
from channels_app import dispatch, inbound, outbox
from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery, InboundEvent
from contacts.models import Case, User

AT_ONCE = 8
ROUNDS = 5
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
# In every case, in one of a few, in one of thousands, an address, nowhere, a name.
SOUGHT = (
    "bicycle",
    "invoice battery",
    "zeppelin",
    "person777@example.org",
    "nothingatall",
    "Customer 4711",
)
Figures = Iterator[Figure]


def all_of(house: House, cases: int, only: list[str]) -> Figures:
    """Every measure in its order; what needs a quiet house comes first.

    Raises ValueError for a name that is none.
    """
    if unknown := set(only) - set(MEASURES):
        raise ValueError(f"No measure: {', '.join(unknown)}. There are {', '.join(MEASURES)}.")
    house.web()
    for name, measure in MEASURES.items():
        if not only or name in only:
            yield from measure(house, cases)


def _token(browser: Browser, path: str) -> str:
    found = TOKEN.search(browser.send("GET", path).body)
    assert found, path
    return found[1].decode()


def _yardstick(house: House, times: int) -> float:
    """Minimal views a second, so many at once."""
    crew = [Browser(house.web_port) for _n in range(AT_ONCE)]

    def work(thread: int, turn: int) -> None:
        assert crew[thread].send("POST", "/yardstick/", {"text": "a" * 40}).status == 302

    return at_once(AT_ONCE, times, work)


def open_cases(house: House, _cases: int) -> Figures:
    """Customers post the form, each a new one, by e-mail."""
    crew = [Browser(house.web_port) for _n in range(AT_ONCE)]
    tokens = [_token(browser, "/") for browser in crew]

    def work(thread: int, turn: int) -> None:
        mark = uuid.uuid4()
        number = mark.int
        crew[thread].address = f"198.51.{number % 250}.{number // 250 % 250}"
        form = {
            "csrfmiddlewaretoken": tokens[thread],
            "client_key": str(mark),
            "text": "Is the blue city bicycle in stock in Utrecht? I can come by on Friday.",
            "way": "email",
            "address_email": f"{mark.hex}@example.org",
        }
        answer = crew[thread].send("POST", "/", form, keep=False)
        assert answer.status == 302, (answer.status, answer.body[:2000])

    yield from _against(house, "open a case (form post, 8 at once)", work, 0.35)


def _against(house: House, name: str, work: Callable[[int, int], None], least: float) -> Figures:
    at_once(AT_ONCE, 5, work)
    _yardstick(house, 5)
    plain, ours = [], []
    for _round in range(ROUNDS):
        plain.append(_yardstick(house, 40))
        ours.append(at_once(AT_ONCE, 25, work))
    ratio = median(a / b for a, b in zip(ours, plain, strict=True))
    yield Figure(
        name, rates(ours), f"three inserts {rates(plain)}", ratio, f"{least}", ratio >= least
    )


def _agent(house: House) -> Browser:
    browser = Browser(house.web_port)
    token = _token(browser, "/admin/login/")
    form = {"csrfmiddlewaretoken": token, "username": shop.AGENT, "password": shop.PASSWORD}
    assert browser.send("POST", "/admin/login/", form).status == 302
    return browser


def _answer(browser: Browser, case: Case, token: str, text: str) -> None:
    form = {
        "csrfmiddlewaretoken": token,
        "client_key": str(uuid.uuid4()),
        "text": text,
        "kind": "",
        "seen": "1000000",
    }
    # Not kept: a browser follows to the page, which takes the strip "Your answer goes" away again.
    answer = browser.send("POST", f"/admin/cases/{case.reference}/answer/", form, keep=False)
    assert answer.status == 302, (answer.status, answer.body[:2000])


def reply(house: House, _cases: int) -> Figures:
    """Agents answer, each in a case of their own."""
    cases = [shop.a_case(number) for number in range(AT_ONCE)]
    first = _agent(house)
    token = _token(first, f"/admin/cases/{cases[0].reference}/")
    crew = []
    for _number in range(AT_ONCE):
        browser = Browser(house.web_port)
        browser.cookies = dict(first.cookies)
        crew.append(browser)

    def work(thread: int, turn: int) -> None:
        _answer(crew[thread], cases[thread], token, f"Yes, we have it ({turn}).")

    yield from _against(house, "agent's reply (8 at once)", work, 0.35)


def post_to_mail(house: House, _cases: int) -> Figures:
    """From the agent's click to the mail at the server, in an idle house."""
    _drop_queue()
    house.workers()
    case, browser = shop.a_case(5_000), _agent(house)
    token = _token(browser, f"/admin/cases/{case.reference}/")
    times = []
    _answer(browser, case, token, "To warm up.")
    until(lambda: arrivals(house.arrivals))
    for turn in range(40):
        count, begun = len(arrivals(house.arrivals)), time.time()
        _answer(browser, case, token, f"Answer {turn}.")
        while len(found := arrivals(house.arrivals)) == count:
            time.sleep(0.001)
        times.append(found[-1][0] - begun)
        time.sleep(0.05)
    house.rest()
    p50 = median(times)
    name = "post to mail at the sink, idle"
    yield Figure(name, milliseconds(times), "", None, "p50 50 ms", p50 < 0.05)


def _drop_queue() -> None:
    Delivery.objects.filter(status="queued").update(status="cancelled")
    current_app.control.purge()
    for channel in Channel.objects.values_list("pk", flat=True):
        outbox.heard(channel)  # its bell was thrown away


def drain(house: House, _cases: int) -> Figures:
    """Two worker processes send what has piled up."""
    _drop_queue()
    agent = User.objects.get(username=shop.AGENT)
    cases = [shop.a_case(10_000 + number) for number in range(50)]
    count = 1_500
    for begin in range(0, count, 50):
        with transaction.atomic():
            for case in cases:
                dispatch.reply(case=case, staff=agent, text=f"Answer {begin}.")
    before = len(arrivals(house.arrivals))
    house.workers()
    until(lambda: len(arrivals(house.arrivals)) >= before + count, 120)
    times = [at for at, _key in arrivals(house.arrivals)[before : before + count]]
    # The first hundred are the start of the workers.
    rate = (count - 100) / (times[-1] - times[100])
    house.rest()
    bare = _bare_smtp(house, 500)
    empty = _empty_tasks(house, 2_000)
    yield Figure("drain of queued e-mails, two worker processes", f"{rate:.0f}/s",
                 f"smtplib loop {bare:.0f}/s", rate / bare, "200/s", rate >= 200)  # fmt: skip
    yield Figure("the same, beside empty Celery tasks", f"{rate:.0f}/s",
                 f"empty tasks {empty:.0f}/s", rate / empty)  # fmt: skip


def _bare_smtp(house: House, count: int) -> float:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", "Hello"
    mail.set_content("Yes, we have it.\n" * 20)
    with smtplib.SMTP("127.0.0.1", house.sink_port) as server:
        begun = time.perf_counter()
        for _number in range(count):
            server.send_message(mail)
        return count / (time.perf_counter() - begun)


def _empty_tasks(house: House, count: int) -> float:
    for _number in range(count):
        current_app.send_task("yardstick.empty", ignore_result=True)
    with Redis.from_url(house.env["REDIS_URL"]) as queue:
        house.workers()
        until(lambda: queue.llen("celery") < count - 100)
        left, begun = queue.llen("celery"), time.perf_counter()
        until(lambda: queue.llen("celery") == 0)
        seconds = time.perf_counter() - begun
    house.rest()
    return float(left) / seconds


def mail_in(house: House, _cases: int) -> Figures:
    """One process receives and files mails: new questions, and replies to them."""
    channel = Channel.objects.get(kind="email")
    count = 300
    mails = [_mail(number) for number in range(count)]
    begun = time.perf_counter()
    for mail in mails:
        event = inbound.receive(channel, Request(body=mail, envelope_to=(channel.address,)))
        inbound.process(event.pk, channel.pk)
    rate = count / (time.perf_counter() - begun)
    assert not InboundEvent.objects.exclude(state="processed").exists()
    yield Figure("inbound mails, one process", f"{rate:.0f}/s", "", None, "60/s", rate >= 60)


def _mail(number: int) -> bytes:
    mail = EmailMessage()
    mail["From"] = f"Writer {number} <writer{number}@example.org>"
    mail["To"], mail["Subject"] = "help@mail.example.org", f"A question about order {number}"
    mail["Message-ID"], mail["Date"] = f"<{number}@example.org>", "Fri, 20 Nov 2026 10:00:00 +0100"
    mail.set_content("Hello,\n\nwhen does my order arrive?\n\nKind regards\n")
    mail.add_alternative("<p>Hello,</p><p>when does my order arrive?</p>", subtype="html")
    return mail.as_bytes()


def case_page(house: House, _cases: int) -> Figures:
    """The page of a case with a thousand messages, as the agent and as the customer open it."""
    case, browser = shop.long_case(1_000), _agent(house)
    path = f"/admin/cases/{case.reference}/"
    yield from _page(house, "case page, 1,000 messages", [path] * 30, browser, 0.1, p50=True)


def _page(
    house: House, name: str, paths: list[str], browser: Browser, least: float, *, p50: bool = False
) -> Figures:
    for path in paths[:3]:
        assert browser.send("GET", path).status == 200, path
    times = [browser.send("GET", path).seconds for path in paths]
    plain = [browser.send("GET", "/yardstick/").seconds for _path in paths]
    found = median(times) if p50 else quantile(times, 0.95)
    word = "p50" if p50 else "p95"
    yield Figure(
        name,
        milliseconds(times),
        f"empty view {median(plain) * 1000:.1f} ms",
        median(times) / median(plain),
        f"{word} {least * 1000:.0f} ms",
        found <= least,
    )


def large(house: House, cases: int) -> Figures:
    """Queue and search beside very many cases."""
    begun = time.perf_counter()
    shop.many_cases(cases)
    seconds = time.perf_counter() - begun
    yield Figure(f"(writing {cases:,} cases, {cases * 10:,} messages)", f"{seconds:.0f} s")
    browser = _agent(house)
    size = f"{cases:,} cases, {cases * 10:,} messages"
    names = ("needs", "mine", "unassigned", "customer", "done")
    tabs = [f"/admin/cases/?tab={tab}" for tab in names]
    narrowed = [f"{tab}&kind={kind}" for tab in tabs for kind in ("email", "letter")]
    yield from _page(house, f"queue, {size}", tabs * 8, browser, 0.15)
    name = "queue narrowed to a channel (also one without a hit)"
    yield from _page(house, name, narrowed * 4, browser, 0.15)
    found = [f"/admin/cases/?q={word.replace(' ', '+')}" for word in SOUGHT]
    yield from _page(house, f"search, {size}", found * 7, browser, 0.15)
    yield from _page(house, "home, the same", ["/admin/"] * 20, browser, 0.15)


def memory(house: House, _cases: int) -> Figures:
    """What all processes hold, shared pages counted once."""
    house.workers()
    time.sleep(4)
    parts = house.memory()
    for ours in ("sink", "providers"):
        parts.pop(ours)
    house.rest()
    total = sum(parts.values())
    each = ", ".join(f"{name} {size:.0f}" for name, size in parts.items())
    name, value = "memory: web, two workers, Valkey", f"{total:.0f} MB ({each})"
    yield Figure(name, value, "", None, "350 MB", total <= 350)


MEASURES: dict[str, Callable[[House, int], Figures]] = {
    "open": open_cases,
    "reply": reply,
    "switch": switch,
    "post": post_to_mail,
    "live": live,
    "chats": chats,
    "streams": streams,
    "tabs": tabs,
    "queue100": queue100,
    "drain": drain,
    "inbound": mail_in,
    "memory": memory,
    "page": case_page,
    "large": large,
    "choose": choose,
    "webhooks": webhooks,
    "bulkheads": bulkheads,
}
