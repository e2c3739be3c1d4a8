"""From browser to browser: the click on Send in one, the text on the other's page."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import shop
from benchmarks.house import House
from benchmarks.load import HOST
from benchmarks.table import Figure, milliseconds, quantile
from tests.journeys.people import Agent, Customer
from tests.needs import chromium

TIMES = 40
LEAST = 0.1  # seconds, of an idle house
NOW = "performance.timeOrigin + performance.now()"
# Seen is what stands in the page, not what was fetched.
WATCH = f"""([place, text]) => {{
    window.arrived = new Promise((done) => {{
        const look = () => {{
            const last = [...document.querySelectorAll(place)].pop();
            if (last?.textContent.includes(text)) {{ eyes.disconnect(); done({NOW}); }}
        }};
        const eyes = new MutationObserver(look);
        eyes.observe(document.body, {{ childList: true, subtree: true, characterData: true }});
    }});
}}"""
CLICK = f"""([field, button, text]) => {{
    document.querySelector(field).value = text;
    const at = {NOW};
    document.querySelector(button).click();
    return at;
}}"""
LISTEN = f"""() => new Promise((ready) => {{
    window.heard = new Map();
    const source = new EventSource("/yardstick/stream/");
    source.onmessage = ({{ data }}) => {{
        window.heard.set(data, {NOW});
        if (data === "ready") ready();
    }};
}})"""
POST = f"""(text) => {{
    const at = {NOW};
    fetch("/yardstick/echo/", {{ method: "POST", body: text }});
    return at;
}}"""


def live(house: House, _cases: int) -> Iterator[Figure]:
    """Both ways, each beside a bare echo between the same two browsers."""
    yield from between(house, "live", LEAST)


def between(
    house: House, what: str, p50: float, p95: float = 0.0, *, kind: str = "account"
) -> Iterator[Figure]:
    """From one browser to another and back. `p50`, `p95`: seconds that it must hold."""
    if chromium() is None:
        yield Figure(what, "not measured: no Chromium")
        return
    house.streams()
    with browsers(house) as browser:
        customer = Customer(browser, f"https://{HOST}")
        agent = Agent(browser, f"https://{HOST}")
        agent.sign_in(shop.AGENT, shop.PASSWORD)
        reference = customer.ask("Is the blue city bicycle in stock?", kind)
        agent.open(reference)
        desk, site = agent.page, customer.page
        answer = ("[data-write=answer] textarea", "[data-send]")
        write = (".composer textarea", ".composer button[type=submit]")
        ways = {
            "agent to customer": (desk, answer, site, ".msg--out"),
            "customer to agent": (site, write, desk, ".desk-message--in"),
        }
        found = {name: _measured(name, *way) for name, way in ways.items()}
        assert not (faults := [*customer.faults, *agent.faults]), faults
        plain = _echoes(desk, site)
    for name, times in found.items():
        held = median(times) <= p50 and (not p95 or quantile(times, 0.95) <= p95)
        yield Figure(
            f"{what}, {name} (click to text on the page)",
            milliseconds(times),
            f"bare SSE echo {milliseconds(plain)}",
            median(plain) / median(times),
            f"p50 {p50 * 1000:.0f} ms" + (f", p95 {p95 * 1000:.0f} ms" if p95 else ""),
            held,
        )


@contextmanager
def browsers(house: House) -> Iterator[Browser]:
    """A Chromium that reaches the house by its own address."""
    options = [
        *("--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"),
        f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{house.proxy_port}",
    ]
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium(), args=options)
        yield browser
        browser.close()


def _measured(
    name: str, sender: Page, form: tuple[str, str], reader: Page, place: str
) -> list[float]:
    """Seconds of each message."""
    times = []
    for number in range(TIMES + 3):
        for page in (sender, reader):
            page.wait_for_selector("html[data-line=stream]", state="attached")
        time.sleep(0.5)
        text = f"{name} {number}."
        reader.evaluate(WATCH, [place, text])
        begun = sender.evaluate(CLICK, [*form, text])
        times.append((reader.evaluate("window.arrived") - begun) / 1000)
    return times[3:]


def _echoes(sender: Page, reader: Page) -> list[float]:
    for page in (sender, reader):
        page.goto("/yardstick/")
    reader.evaluate(LISTEN)
    times = []
    for number in range(TIMES):
        begun = sender.evaluate(POST, str(number))
        reader.wait_for_function("text => window.heard.has(text)", arg=str(number))
        times.append(
            (reader.evaluate("text => window.heard.get(text)", str(number)) - begun) / 1000
        )
        time.sleep(0.05)
    return times
