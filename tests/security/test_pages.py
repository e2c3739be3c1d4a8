"""Every page with hostile words in every text, and twice over a growing world."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from channels_app import dispatch, opening, todos
from channels_app.adapters.base import Reason
from channels_app.models import Channel, Delivery, InboundEvent
from contacts import holding, services
from contacts.files import File
from contacts.models import Alert, Case, Identity, Organisation, User
from portal.access import SessionStore
from tests import shop

HOSTILE = (
    "</title></textarea></script><script>alert(1)</script><img src=x onerror=alert(1)>"
    '" onmouseover="alert(1)" \' x-data=\'alert(1)\' @click="alert(1)" {{7*7}} ${7*7} `x`'
)
OURS = re.compile(r"^(/|#|https?://testserver/|mailto:|tel:|data:image/|\?|$)")


class Inspector(HTMLParser):
    """Notes what a browser would run, and the values that came from a person."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A script without a source, a handler, a foreign address, a script of Alpine."""
        values = dict(attrs)
        kind = values.get("type", "")
        if tag == "script" and "src" not in values and kind not in ("application/json",):
            self.found.append(f"inline script {attrs}")
        for name, value in attrs:
            given = value or ""
            live = name.startswith(("x-", "@", ":", "on", "hx-on")) or name in ("style", "srcdoc")
            if live and "alert(1)" in given:
                self.found.append(f"{tag} {name}")
            if name in ("onerror", "onmouseover", "onclick", "onload"):
                self.found.append(f"{tag} {name}")
            leads = name in ("href", "src", "action", "formaction") and "alert" in given
            if leads and not OURS.match(given):
                self.found.append(f"{tag} {name}={given}")


def live_code(page: str) -> list[str]:
    """What a browser would run of a page, beside the frame's own scripts."""
    inspector = Inspector()
    inspector.feed(page)
    return inspector.found


def test_the_inspector_finds_what_is_live() -> None:
    page = f"<p>{HOSTILE}</p><a href='javascript:alert(1)'>x</a><b x-data=\"f('alert(1)')\">"
    assert len(live_code(page)) >= 4


def grow(organisation: Organisation, agent: User, word: str, number: int) -> Case:
    """A case with everything that lists show of it."""
    case = opening.open_case(
        organisation=organisation,
        text=f"{word}\n{word}",
        title=word,
        about=word,
        came_by="account",
        kind="phone",
        address=f"+3120765{number:04}",
        name=word,
        wish="soon",
        language="en",
        files=[File(f"{word}.txt", f"text/{word[:9]}", b"x")],
    )
    top = case.customer.top
    top.note = word
    top.save(update_fields=["note"])
    holding.hold(top, Identity.of("email", f"sam{number}@example.org"), how="code", proved=True)
    services.add_note(case=case, staff=agent, text=f"{word} @ada")
    services.assign(case=case, to=User.objects.get(username="ada"), by=agent)
    message = services.file_message(
        case=case, kind="email", text=word, subject=word[:300], html="<p>x</p>", whole_text=word
    )
    Alert.objects.create(user=agent, case=case, message=message, sort=Alert.Sort.FAILED)
    sent = dispatch.reply(case=case, staff=agent, text=word, kind="email", why_text=word)
    delivery = sent.deliveries.get()
    delivery.move(Delivery.Status.FAILED, frm=(delivery.status,), reason=Reason.said(word).stored)
    dispatch.tell(delivery, "failed")
    services.file_message(case=case, kind="account", text=word)
    letter = dispatch.reply(case=case, staff=agent, text=word, kind="in_person", why_text=word)
    todos.take(letter.deliveries.get(), agent)
    InboundEvent.objects.create(
        channel=Channel.objects.get(slug="email"),
        sha256=str(number),
        raw=b"x",
        envelope={"from": word, "to": [word]},
        state="quarantined",
        reason=word[:500],
    )
    return case


DESK = """
    admin:index admin:cases admin:todo admin:alerts admin:troubles admin:quarantine admin:staff
    admin:topics admin:channels admin:organisation admin:record
"""
SITE = "site:start site:questions site:preferences site:ways site:sign_in"


def visitor(case: Case) -> Client:
    """The customer and an administrator in one browser."""
    client, session = Client(), SessionStore()
    session["customer"] = case.customer_id
    session["cases"] = {str(pk): "" for pk in Case.objects.values_list("pk", flat=True)[:40]}
    session.save()
    client.force_login(User.objects.get(username="ada"))
    client.cookies[settings.CUSTOMER_COOKIE_NAME] = session.session_key
    return client


def addresses(case: Case) -> list[str]:
    """Every page that shows what people wrote."""
    found = [reverse(name) for name in f"{DESK} {SITE}".split()]
    found += [f"{reverse('admin:cases')}?{query}" for query in ("tab=mine", "tab=done", "q=alert")]
    found += [reverse(name, args=[case.reference]) for name in ("admin:case", "site:question")]
    found += [reverse(f"site:{name}", args=[case.reference]) for name in ("switch", "keep")]
    found += [f"{reverse('admin:record')}?q=alert", f"{reverse('admin:record')}?case={case}"]
    to_do = Delivery.objects.to_do().filter(message__case=case)
    found += [reverse("admin:todo_one", args=[row.pk]) for row in to_do]
    mail = case.messages.exclude(html="").get()
    return [*found, reverse("site:message", args=[mail.pk])]


@pytest.fixture
def administrator(organisation: Organisation) -> User:
    """Ada, whose name is hostile."""
    ada = shop.make_agent("ada", administrator=True)
    User.objects.filter(pk=ada.pk).update(first_name=HOSTILE[:150], last_name=HOSTILE[:150])
    return ada


def test_hostile_words_are_words_on_every_page(
    organisation: Organisation, agent: User, administrator: User
) -> None:
    case = grow(organisation, agent, HOSTILE, 1)
    client = visitor(case)
    own = client.get(reverse("admin:alerts_seen")).status_code  # warm, and a page that is a POST
    assert own == 405
    shown = 0
    for address in addresses(case):
        response = client.get(address)
        assert response.status_code == 200, address
        page = response.content.decode()
        assert live_code(page) == [], address
        assert "<script>alert" not in page and "<img src=x" not in page, address
        shown += "&lt;script&gt;alert" in page or "&lt;/title&gt;" in page
    assert shown > 10


@pytest.mark.django_db
def test_no_list_asks_more_often_when_it_is_longer(
    organisation: Organisation, agent: User, administrator: User, monkeypatch: Any
) -> None:
    case = grow(organisation, agent, "alert", 0)
    grow(organisation, agent, "alert", 1)

    def counts() -> dict[str, int]:
        client, found = visitor(case), {}
        for address in addresses(case):
            client.get(address)
            with CaptureQueriesContext(connection) as caught:
                client.get(address)
            found[address] = len(caught)
        return found

    counts()  # what is looked at is seen from then on
    few = counts()
    for number in range(2, 10):
        grow(organisation, agent, "alert", number)
        services.file_message(case=case, kind="account", text="More")
        dispatch.reply(case=case, staff=agent, text="More", kind="account", why_text="x")
    counts()
    many = counts()
    assert {a: (few[a], many[a]) for a in few if many[a] > few[a]} == {}
