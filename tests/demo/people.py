"""The people of the demo over real HTTP: a customer's browser, their pocket, and an agent's desk.

They go through the doors that people have: pages, buttons, a mail program, the apps of a telephone.
"""

import html
import re
from typing import Any
from urllib.parse import unquote, urlencode

import httpx

from portal.simulator.book import Book, Bubble
from portal.simulator.maildir import Maildir
from portal.simulator.telephones import SHOP

APPS = tuple(SHOP)
KEY = re.compile(r'name="client_key" value="([^"]+)"')
SEEN = re.compile(r'name="seen" value="(\d+)"')
DIGITS = re.compile(r"\b(\d{6})\b")
CARD = re.compile(r'class="waiting__open"><a class="button" href="([^"]+)"')


class Browser:
    """Somebody's browser: it keeps cookies, follows links and sends forms with their token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(
            base_url=url,
            follow_redirects=True,
            trust_env=False,
            timeout=20,
            headers={"Origin": url},
        )
        self.path = self.shown = ""

    def get(self, path: str, **query: str) -> str:
        """A page as it reads."""
        return self._page(self.http.get(f"{path}?{urlencode(query)}" if query else path), 200)

    def post(self, path: str, data: dict[str, str], *, status: int = 200) -> str:
        """The page that a form leads to."""
        return self._page(self._sent(path, data), status)

    def send(self, path: str, data: dict[str, str]) -> None:
        """Send a form that is taken, and look at no page after it."""
        answer = self._sent(path, data, follow_redirects=False)
        assert answer.status_code == 302, (answer.url, answer.text[:2000])

    def _sent(self, path: str, data: dict[str, str], **how: bool) -> httpx.Response:
        if "csrftoken" not in self.http.cookies:
            self.get(path)
        token = {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        return self.http.post(path, data=token | data, **how)  # type: ignore[arg-type]

    def _page(self, answer: httpx.Response, status: int) -> str:
        assert answer.status_code == status, (answer.url, answer.text[:2000])
        self.path = unquote(answer.url.path)
        self.shown = html.unescape(answer.text)
        return self.shown


class Customer(Browser):
    """Somebody with a question, on a computer."""

    reference = ""

    def ask(self, text: str, way: str, **fields: str) -> str:
        """Ask on the start page; the reference."""
        key = KEY.search(self.get("/"))
        assert key
        self.post("/", {"client_key": key[1], "text": text, "way": way, **fields})
        self.reference = self.path.split("/")[2]
        return self.reference

    @property
    def place(self) -> str:
        """The page of the question."""
        return f"/q/{self.reference}/"

    def page(self) -> str:
        """What stands there now."""
        return self.get(self.place)

    def add(self, text: str) -> None:
        """Write on the page."""
        key = KEY.search(self.page())
        assert key
        self.post(self.place, {"client_key": key[1], "text": text})

    def switch(self, way: str, *, known: bool | str = False, **fields: str) -> str:
        """Press Change and choose a row: that of the known address, where there is one."""
        rows = re.findall(
            rf'name="way" id="[^"]+" value="({way}(?::\d+)?)"', self.get(self._switch)
        )
        old = [row for row in rows if ":" in row and (known or not fields)]
        return self.post(self._switch, {"way": (old or rows)[0], **fields})

    @property
    def _switch(self) -> str:
        return f"{self.place}switch/"

    def type_code(self, digits: str) -> str:
        """The six digits that came to the new address."""
        return self.post(f"{self._switch}code/", {"code": digits})

    def link(self) -> str:
        """What the button and the QR of the waiting card open."""
        found = CARD.search(self.page())
        assert found
        return found[1]


class Pocket(Browser):
    """Their telephone and their mail program."""

    def __init__(self, url: str, number: str, address: str) -> None:
        super().__init__(url)
        self.number, self.address = number, address
        self.get("/demo/telephone/")
        self.post("/demo/telephone/take/", {"number": number})

    def scan(self, link: str) -> None:
        """Scan a QR, or tap its link; then press what the app shows: send, or Start."""
        page = self.get("/demo/telephone/open/", link=link)
        start = re.search(r'name="start" value="([^"]*)"', page)
        text = re.search(r"<textarea[^>]*>([^<]*)</textarea>", page)
        assert start or text
        self.post(self.path, {"start": start[1]} if start else {"text": text[1] if text else ""})

    def write(self, app: str, text: str) -> None:
        """Write in the conversation of an app."""
        self.post(f"/demo/telephone/{app}/{self.number}/{SHOP[app]}/", {"text": text})

    def answer_mail(self, words: str, text: str) -> None:
        """Answer the newest mail with these words in it."""
        found = next(mail for mail in Maildir().mails(self.address) if words in mail.content.text)
        self.post(f"/demo/pocket/mail/{found.key}/", {"text": text})

    def digits(self) -> str:
        """The newest six digits that came by SMS."""
        found = [DIGITS.search(bubble.text) for bubble in self.bubbles("sms")]
        return [match[1] for match in found if match][-1]

    def bubbles(self, app: str) -> list[Bubble]:
        """What the shop wrote in an app."""
        return [bubble for bubble in Book(app).bubbles(self.number) if not bubble.mine]

    def counts(self) -> dict[str, int]:
        """How much of the shop's there is anywhere."""
        return {"email": len(Maildir().mails()), **{app: len(self.bubbles(app)) for app in APPS}}

    def holds(self, text: str) -> list[str]:
        """Where a text of the shop arrived, one entry for each time."""
        mails = [mail for mail in Maildir().mails() if text in mail.content.text]
        rang = [app for app in APPS for bubble in Book(app).bubbles() if _is_of(bubble, text)]
        return ["email"] * len(mails) + rang


def _is_of(bubble: Bubble, text: str) -> bool:
    return not bubble.mine and text in bubble.text


class Desk(Browser):
    """An agent's browser."""

    def __init__(self, url: str, username: str = "noor") -> None:
        super().__init__(url)
        self.get("/demo/")
        self.post(f"/demo/be/staff/{username}/", {})

    def page(self, reference: str) -> str:
        """The page of a case."""
        return self.get(f"/admin/cases/{reference}/")

    def answer(self, reference: str, text: str, *, status: int = 200, **more: str) -> str:
        """Send an answer, the way that the composer says unless `kind` and `why` name another."""
        page = self.page(reference)
        seen, key = SEEN.search(page), KEY.search(page)
        assert seen and key
        data: dict[str, Any] = {"seen": seen[1], "client_key": key[1], "text": text, "kind": ""}
        return self.post(f"/admin/cases/{reference}/answer/", data | more, status=status)


def in_order(page: str, texts: list[str]) -> bool:
    """Whether each text stands once on a page, in this order."""
    places = [page.find(text) for text in texts]
    return places == sorted(places) and all(page.count(text) == 1 for text in texts)
