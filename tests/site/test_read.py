"""Opening the page of a question is reading it, also without a script; nothing else is."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from channels_app import dispatch
from contacts import services
from contacts.models import Case, Organisation, User
from portal.words import STATES
from tests.core.chats import a_chat, offer_chat, say, states
from tests.site.conftest import Ask, posted


def a_chat_of(client: Client, ask: Ask, organisation: Organisation) -> Case:
    offer_chat(organisation)
    return ask(client, way="chat", address_email=None)


def test_who_opens_the_page_has_read_it(
    ask: Ask, organisation: Organisation, agent: User, client: Client
) -> None:
    case = a_chat_of(client, ask, organisation)
    say(case, agent, "It is.")
    page = f"/q/{case.reference}/"
    desk = Client()
    desk.force_login(agent)
    assert client.head(page).status_code == 200
    assert client.get(page, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 200
    assert client.get(f"{page}?before=2026-01-01T00:00:00").status_code == 200
    assert client.get(reverse("site:refresh", args=[case.reference])).status_code == 200
    assert desk.get(reverse("admin:case", args=[case.reference])).status_code == 200
    assert Client().get(page).status_code == 404 and states(case) == ["sent"]
    shown = client.get(page).content.decode()
    assert states(case) == ["read"] and "It is." in shown
    at_desk = desk.get(reverse("admin:case", args=[case.reference])).content.decode()
    foot = at_desk.split("desk-delivery__state")[1].split("</div>")[0]
    assert "read</span>" in foot and "by chat" in foot


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("queued", []),
        ("sent", []),
        ("delivered", []),
        ("read", []),
        ("uncertain", ["Perhaps arrived"]),
        ("failed", ["Did not arrive: choose another way"]),
    ],
)
@pytest.mark.parametrize("way", ["chat", "email"])
def test_what_is_read_on_the_page_says_only_what_went_wrong(
    ask: Ask,
    organisation: Organisation,
    agent: User,
    client: Client,
    way: str,
    status: str,
    words: list[str],
) -> None:
    case = a_chat_of(client, ask, organisation) if way == "chat" else ask(client)
    message = dispatch.reply(case=case, staff=agent, text="It is.")
    message.deliveries.update(status=status)
    page = client.get(f"/q/{case.reference}/").content.decode()
    line = page.split(f'id="m{message.pk}"')[1].split("</li>")[0]
    said = re.findall(r'class="msg__state[^>]*>(?:<a[^>]*>)?([^<]+)', line)
    assert said == (words or ([] if way == "chat" else [str(STATES[status])]))


def test_a_link_that_a_scanner_follows_reads_nothing(
    organisation: Organisation, agent: User
) -> None:
    offer_chat(organisation)
    case = a_chat(organisation)
    say(case, agent, "It is.")
    link = reverse("site:case_link", args=[services.case_link(case).plain])
    assert Client().get(link).status_code == 200 and states(case) == ["sent"]
    owner = Client()
    owner.get(owner.post(link)["Location"])
    assert states(case) == ["read"]


def test_a_page_that_is_read_is_not_read_again(
    ask: Ask, organisation: Organisation, agent: User, client: Client
) -> None:
    """The mark that the page carries is the one of what it shows."""
    case = a_chat_of(client, ask, organisation)
    say(case, agent, "It is.")
    page = client.get(f"/q/{case.reference}/").content.decode()
    have = page.split('data-have="')[1].split('"')[0]
    refresh = reverse("site:refresh", args=[case.reference])
    assert client.get(refresh, {"have": have}).status_code == 204


def test_behind_a_closed_panel_nothing_is_read_until_its_page_says_so(
    ask: Ask, organisation: Organisation, agent: User
) -> None:
    """The widget loads the frame of a running chat on each page of the shop, shown or not."""
    offer_chat(organisation)
    organisation.widget_origins = ["https://www.example.org"]
    organisation.save()
    client = Client()
    asked = client.post("/widget/?way=chat", posted(way="chat", address_email=""))
    case = Case.objects.get()
    say(case, agent, "It is.")
    address = client.get("/widget/?lang=en", follow=True).redirect_chain[-1][0]
    assert address == asked["Location"] == f"/widget/q/{case.reference}/"
    assert states(case) == ["sent"]
    case.refresh_from_db()
    shown = {"key": f"q:{case.reference}", "seq": str(case.seq), "how": "read"}
    assert client.post("/widget/live/seen/", shown).status_code == 204
    assert states(case) == ["read"]
