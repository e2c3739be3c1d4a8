"""An answer that nobody read in the chat: the agent sees it, and can ask for a way in one click."""

import html

from django.test import Client
from django.urls import reverse

from channels_app import away, fallback, proposals, seen
from contacts.models import Case, Identity, Organisation, User
from tests.core.chats import a_chat, fresh, minutes_go_by, offer_chat, say

LEFT = "they left the chat, and no second way is known that may be used."
FLAG = "left the chat, answer not read"


def page(desk: Client, case: Case) -> str:
    return html.unescape(desk.get(reverse("admin:case", args=[case.reference])).content.decode())


def queue(desk: Client) -> str:
    return html.unescape(desk.get("/admin/cases/?tab=customer").content.decode())


def test_the_agent_sees_it_and_asks_for_a_way_with_one_click(
    organisation: Organisation, agent: User, desk: Client
) -> None:
    offer_chat(organisation)
    case = a_chat(organisation)
    say(case, agent, "Yes, until ten.")
    assert LEFT not in page(desk, case) and FLAG not in queue(desk)
    minutes_go_by()
    away.look()
    shown = page(desk, case)
    assert LEFT in shown and "Not read in the chat for 10 minutes: it waits on their page." in shown
    assert FLAG in queue(desk)
    form = shown.split(LEFT)[1].split("</div>")[0]
    assert 'name="propose" value="email"' in form and "Propose: e-mail" in form
    desk.post(reverse("admin:case_propose", args=[case.reference]), {"propose": "email"})
    assert proposals.of(fresh(case))[0].proposed_kind == "email"
    asked = page(desk, case)
    assert LEFT in asked and 'value="email"' not in asked.split(LEFT)[1].split("</div>")[0]
    seen.take(case=fresh(case), up_to=fresh(case).seq, read=True)
    assert LEFT not in page(desk, case) and FLAG not in queue(desk)


def test_where_it_followed_them_the_history_says_how_far_it_is(
    organisation: Organisation, agent: User, desk: Client
) -> None:
    offer_chat(organisation)
    case = a_chat(organisation)
    sam = Identity.of("email", "sam@example.org")
    fallback.approve(case=fresh(case), kind="email", identity=sam)
    say(case, agent, "Yes, until ten.")
    minutes_go_by()
    away.look()
    shown = page(desk, case)
    assert LEFT not in shown and FLAG not in queue(desk)
    line = "What they did not read in the chat goes by e-mail to sam@example.org."
    assert shown.count(line) == 1 and shown.count('desk-message__text">Yes, until ten.') == 1
