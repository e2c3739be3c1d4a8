"""Who walks through the doors: a customer with a telephone, an agent at a desk, each a browser."""

import re
from itertools import cycle
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Response, expect

SMS_NUMBER = "+442079460020"  # the demo shop's, as portal/simulator/accounts.py has it
PASSWORD = "demo-onecase"
HOMES = cycle(range(1, 255))  # addresses for documentation
REFUSED_PAGE = re.compile(r"the server responded with a status of (\d+)")


class Person:
    """A browser of one person. What it finds wrong on any page is kept in `faults`.

    `may_get`: statuses of pages that this person provokes; Chromium reports each in its console.
    """

    width, height = 390, 844

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.faults: list[str] = []
        self.may_get: set[int] = set()
        size: Any = {"width": self.width, "height": self.height}
        usual = {"viewport": size, "locale": "en-GB", "base_url": url}
        address = {"X-Forwarded-For": f"198.51.100.{next(HOMES)}"}
        self.context = browser.new_context(**{**usual, "extra_http_headers": address, **options})
        self.context.set_default_timeout(10_000)
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))
        self.context.on("response", self._response)
        self.page: Page = self.context.new_page()

    def _console(self, line: Any) -> None:
        if line.type not in ("error", "warning"):
            return
        status = REFUSED_PAGE.search(line.text)
        if not (status and int(status[1]) in self.may_get):
            self.faults.append(f"console of {line.page and line.page.url}: {line.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.may_get:
            self.faults.append(f"{response.status} {response.request.method} {response.url}")

    def go(self, path: str) -> None:
        """Open a page."""
        self.page.goto(path)
        self.fits()

    def fits(self) -> None:
        """Nothing on the page is wider than the screen."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            self.faults.append(f"{self.page.url} is {wide} px too wide")

    def see(self, words: str | re.Pattern[str], place: str = "main") -> Locator:
        """These words stand there, in a moment at the latest."""
        expect(self.page.locator(place).first).to_contain_text(words, timeout=12_000)
        return self.page.locator(place).first

    def press(self, name: str | re.Pattern[str], place: str = "body") -> None:
        """Press the button, or follow the link, of that name."""
        where = self.page.locator(place)
        there = where.get_by_role("button", name=name).or_(where.get_by_role("link", name=name))
        there.filter(visible=True).first.click()

    def close(self) -> list[str]:
        """Close the browser; what was wrong."""
        self.context.close()
        return self.faults


class Customer(Person):
    """Somebody with a question, on a telephone."""

    def choose(self, way: str, **fields: str) -> None:
        """Tap a row and fill what opens in it: address_email="..." and the like."""
        self.page.check(f"#way-{way}")
        for name, value in fields.items():
            self.page.fill(f"#{name}", value)

    def ask(self, text: str, way: str, **fields: str) -> str:
        """Ask on the start page; the reference."""
        self.go("/")
        self.page.fill("#text", text)
        self.choose(way, **fields)
        self.send()
        return self.arrived()

    def send(self) -> None:
        """The one button of the start page."""
        self.page.click(".finish button[type=submit]")

    def arrived(self) -> str:
        """The page of the question opens; its reference."""
        self.page.wait_for_url("**/q/*/*")
        self.fits()
        return self.page.url.split("/")[4]

    def has_number(self, number: str) -> "Customer":
        """A telephone of the demo with that number, from which nobody wrote before."""
        taken = {"name": "onecase_telephone", "value": number, "url": self.url}
        self.context.add_cookies([taken])  # type: ignore[list-item]
        return self

    def read_sms(self, words: str | re.Pattern[str]) -> str:
        """Open the SMS with the shop on a telephone of the demo; the newest one has these words."""
        number = next(
            c["value"] for c in self.context.cookies() if c["name"] == "onecase_telephone"
        )
        self.go(f"/demo/telephone/sms/{number}/{SMS_NUMBER}/")
        newest = self.page.locator(".talk .bubble:not(.bubble--mine)").last
        expect(newest).to_contain_text(words, timeout=15_000)
        return newest.inner_text()

    def add(self, text: str) -> None:
        """Write on the page of the question."""
        self.page.fill("#text", text)
        self.page.click(".composer button[type=submit]")
        self.said(text)

    def said(self, text: str) -> None:
        """The newest of what the customer said."""
        expect(self.page.locator(".msg--in").last).to_contain_text(text)

    def switch(self, way: str, **fields: str) -> None:
        """Change how the answer comes, in the sheet."""
        self.page.click("#answerline a")
        expect(self.page.locator("dialog.sheet")).to_be_visible()
        self.choose(way, **fields)
        self.page.click(".switch__end button")

    def sign_in(self, address: str, code: Any) -> None:
        """Get in with a code; `code` reads it in the mailbox."""
        self.go("/sign-in/")
        self.page.fill("#email", address)
        self.page.press("#email", "Enter")
        self.page.wait_for_url("**/sign-in/code/")
        self.page.fill("#code", code())
        self.page.press("#code", "Enter")
        self.page.wait_for_url("**/questions/")


class Agent(Person):
    """Somebody at the desk."""

    width, height = 1280, 900

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """Name and password, as on any morning."""
        self.go("/admin/login/?next=/admin/cases/")
        self.page.fill("input[name=username]", name)
        self.page.fill("input[name=password]", password)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_url("**/admin/cases/")

    def find(self, words: str) -> str:
        """Search a case and open it; its reference."""
        self.go(f"/admin/cases/?q={words}")
        self.page.click(".desk-row__link >> nth=0")
        return self.at_case()

    def at_case(self) -> str:
        """A case is open; its reference."""
        self.page.wait_for_url(re.compile(r"/admin/cases/\w{3}-\w{3}/"))
        self.fits()
        return self.page.url.split("/")[5][:7]

    def open(self, reference: str) -> None:
        """Open a case."""
        self.go(f"/admin/cases/{reference}/")

    def answer(self, text: str) -> None:
        """Write and send an answer, the way that the composer says."""
        self.page.fill("[data-write=answer] textarea", text)
        self.page.click("[data-send]")
        newest = self.page.locator("article.desk-message--out").last
        expect(newest).to_contain_text(text, timeout=12_000)

    def try_way(self, kind: str) -> Locator:
        """Pick another way in the composer; what it says about that."""
        self.page.click("#way summary")
        with self.page.expect_response(re.compile("/way/")):
            self.page.click(f"#way button[name=to][value={kind}]")
        return self.page.locator("#way")

    def record(self, came_by: str, who: str, text: str, kind: str = "", **fields: str) -> None:
        """Record a contact: what came in, who it was, what was said, how they want the answer."""
        self.go("/admin/record/")
        self.page.locator(f"input[name=came_by][value={came_by}]").check(force=True)
        with self.page.expect_response(re.compile("/record/people/")):
            self.page.locator("#q").press_sequentially(who)
        self.page.fill("#text", text)
        if kind:
            self.page.check(f"input[name=kind][value={kind}]")
        for name, value in fields.items():
            self.page.fill(f"#{name}", value)
