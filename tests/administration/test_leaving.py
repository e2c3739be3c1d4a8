"""The page of a channel that went: what waits, whom it concerns, and asking them again."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import dispatch, leaving, outbox, switching, tasks
from channels_app.models import Channel, Leaving
from channels_app.models.channel import LONG
from contacts import hints, holding
from contacts.models import Case, Consent, Holder, Identity, Organisation, User
from portal.desk import leaving as desk_leaving
from tests.administration.conftest import channel, messenger, said
from tests.core.going import a_case, fresh, notices


def press(desk: Client, button: str, row: Channel, **data: str) -> Any:
    """Press a button of a channel, and see the next page."""
    return desk.post(reverse(f"admin:channel_{button}", args=[row.pk]), data, follow=True)


def page(desk: Client, row: Channel, query: str = "") -> str:
    """The cases on a channel."""
    answer = desk.get(f"{reverse('admin:channel_cases', args=[row.pk])}{query}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def off(row: Channel) -> Channel:
    """It goes."""
    row.offer(False)
    row.refresh_from_db()
    return row


def ask_all(row: Channel, staff: User | None = None) -> Leaving:
    """All are asked, as a worker does it."""
    going = leaving.begin(row, staff)  # type: ignore[arg-type]
    assert going is not None
    for _step in range(9):
        tasks.ask_again(going.pk)
    going.refresh_from_db()
    return going


def test_it_says_what_waits_and_asks_before_it_goes(
    shop: Organisation, desk: Client, administrator: User
) -> None:
    row, case = messenger(), None
    for _n in range(2):
        case = a_case("sam@example.org")
    assert case is not None
    message = dispatch.reply(
        case=case, staff=administrator, text="Hi", kind="email", why_text="A file."
    )
    message.deliveries.update(channel=row)
    shown = desk.get(reverse("admin:channel", args=[row.pk])).content.decode()
    assert "2 open cases are answered here." in shown and "1 answer waits." in shown
    asked = press(desk, "offer", row, offered="0").content.decode()
    assert "2 open cases are answered this way." in asked and "1 answer waits here." in asked
    assert Channel.objects.get(pk=row.pk).is_offered
    went = press(desk, "offer", row, offered="0", confirmed="1")
    assert went.redirect_chain[-1][0] == reverse("admin:channel_cases", args=[row.pk])
    assert "Ask these customers to choose again" in went.content.decode()


def test_pausing_asks_as_well_and_keeps_what_was_typed(shop: Organisation, desk: Client) -> None:
    row, _case = messenger(), a_case("sam@example.org")
    asked = press(desk, "pause", row, until="240", reason="It moves.")
    page = asked.content.decode()
    assert "1 open case is answered this way." in page and not channel("whatsapp").paused_until
    assert 'name="until" value="240"' in page and 'name="reason" value="It moves."' in page
    went = press(desk, "pause", row, until="240", reason="It moves.", confirmed="1")
    assert "whatsapp is paused" in went.content.decode().lower()
    assert channel("whatsapp").is_gone(timezone.now())


def test_open_pages_and_workers_are_told(
    shop: Organisation,
    desk: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    told: list[object] = []
    monkeypatch.setattr(hints, "channels", lambda: told.append("pages"))
    monkeypatch.setattr(outbox, "ring_to_send", told.append)
    row = messenger()
    for button, data in (
        ("offer", {"offered": "0"}),
        ("offer", {"offered": "1"}),
        ("pause", {"until": "", "reason": "It moves."}),
        ("resume", {}),
    ):
        with django_capture_on_commit_callbacks(execute=True):
            press(desk, button, row, **data)
    assert told == ["pages", "pages", row.pk, "pages", "pages", row.pk]


def test_one_button_asks_them_all_and_shows_how_far_it_is(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "STEP", 1)
    row, cases = messenger(), [a_case(f"sam{n}@example.org") for n in range(2)]
    off(row)
    assert page(desk, row).count("not asked") == 2
    press(desk, "ask", row)
    going = Leaving.objects.get()
    address = f"{reverse('admin:channel_cases', args=[row.pk])}?part=asking"
    assert "being asked" in desk.get(address).content.decode()
    tasks.ask_again(going.pk)
    answer = desk.get(address)
    assert "1 of 2 cases" in answer.content.decode() and 'value="50"' in answer.content.decode()
    assert "HX-Refresh" not in answer and "Ask these" not in page(desk, row)
    for _step in range(2):
        tasks.ask_again(going.pk)
    assert desk.get(address)["HX-Refresh"] == "true"
    shown = page(desk, row)
    assert shown.count("did not choose yet") == 2 and "asked by e-mail" in shown
    switching.switch(case=fresh(cases[0]), kind="account")
    assert "now on their own page" in page(desk, row, "?tab=chose")
    assert cases[0].reference not in page(desk, row, "?tab=needs")


def test_whom_we_have_to_call(shop: Organisation, desk: Client) -> None:
    row, numbers = messenger(), ("0201234567", "0207654321", "")
    cases = [a_case() for _n in numbers]
    for case, number in zip(cases, numbers, strict=True):
        if number:
            identity = Identity.of("phone", number)
            holding.hold(case.customer, identity, how=Holder.How.STAFF)
    Consent.objects.create(customer=cases[1].customer, kind="phone", level=Consent.Level.NEVER)
    off(row)
    ask_all(row)
    shown = page(desk, row, "?tab=call")
    assert '<a href="tel:+31201234567">020 123 4567</a>' in shown
    assert "020 765 4321, but they asked not to be called." in shown
    assert "No number is known" in shown and shown.count("to be called") == 4
    assert not notices()


def test_agents_look_and_administrators_ask(
    shop: Organisation, agent_desk: Client, client: Client
) -> None:
    row, _case = messenger(), a_case("sam@example.org")
    off(row)
    assert "Ask these customers" not in page(agent_desk, row)
    address = reverse("admin:channel_ask", args=[row.pk])
    assert agent_desk.post(address).status_code == 403 and not Leaving.objects.exists()
    assert client.post(address).status_code == 302 and not Leaving.objects.exists()
    assert client.get(reverse("admin:channel_cases", args=[row.pk])).status_code == 302


def test_a_channel_that_answers_asks_nobody(shop: Organisation, desk: Client) -> None:
    row, _case = messenger(), a_case("sam@example.org")
    back = page(desk, row)
    assert "nobody has to choose again" in back and "not asked" not in back
    assert "whatsapp answers again." in said(press(desk, "ask", row)).lower()
    assert not Leaving.objects.exists()


@pytest.mark.parametrize("tab", ["needs", "customer", "call", "chose"])
def test_pages_of_fifty_in_a_constant_number_of_queries(
    shop: Organisation, desk: Client, monkeypatch: pytest.MonkeyPatch, tab: str
) -> None:
    monkeypatch.setattr(desk_leaving, "PAGE", 3)
    row, asked = messenger(), []
    for count in (2, 7):
        row.offer(True)
        for _n in range(count):
            a_case()
        if tab == "customer":
            Case.objects.update(waiting_since=None)
        off(row)
        if tab in ("call", "chose"):
            ask_all(row)
        if tab == "chose":
            for case in Case.objects.filter(choice__kind="whatsapp"):
                switching.switch(case=case, kind="account")
        with CaptureQueriesContext(connection) as queries:
            first = page(desk, row, f"?tab={tab}")
        asked.append(len(queries))
    found = set()
    for _page in range(4):
        found |= {case.reference for case in Case.objects.all() if f"/{case.reference}/" in first}
        if "Next 50" not in first:
            break
        query = first.split('href="?tab=' + tab + "&amp;")[1].split('"')[0]
        first = page(desk, row, f"?tab={tab}&{query}")
    expected = Case.objects.all() if tab != "chose" else Case.objects.order_by("-pk")[:7]
    assert found >= {case.reference for case in expected}
    assert asked[0] == asked[1], asked


def test_home_tells_of_a_long_outage_and_leads_to_the_list(
    shop: Organisation, desk: Client
) -> None:
    row = channel("email")
    row.pause(timezone.now() + timedelta(minutes=5), "")
    Channel.objects.filter(pk=row.pk).update(
        gone_at=timezone.now() - LONG, paused_for={"code": "mail_broke", "fault": "OSError"}
    )
    home = desk.get(reverse("admin:index")).content.decode()
    there = reverse("admin:channel_cases", args=[row.pk])
    assert "email has not worked for a while" in home and f'href="{there}"' in home
    assert there in desk.get(reverse("admin:channel", args=[row.pk])).content.decode()
    assert "has not worked since" in page(desk, row)


def test_the_case_says_so_and_asks_its_customer(shop: Organisation, agent_desk: Client) -> None:
    row, case = messenger(), a_case("sam@example.org")
    there = reverse("admin:case", args=[case.reference])
    assert "choose again" not in agent_desk.get(there).content.decode()
    off(row)
    shown = agent_desk.get(there).content.decode()
    assert "WhatsApp is switched off." in shown and "Ask the customer to choose again" in shown
    address = reverse("admin:case_ask_again", args=[case.reference])
    after = agent_desk.post(address, follow=True).content.decode()
    assert "They were asked by e-mail to choose again." in after
    assert "The customer was asked by e-mail to choose again (" in after
    assert "Ask the customer to choose again" not in after
    again = agent_desk.post(address, follow=True)
    assert "Nothing to ask" in again.content.decode() and len(notices()) == 1


def test_of_a_pause_the_composer_says_that_it_waits(shop: Organisation, agent_desk: Client) -> None:
    case = a_case("sam@example.org", kind="account")
    switching.switch(case=case, kind="email", identity=Identity.of("email", "sam@example.org"))
    channel("email").pause(timezone.now() + timedelta(days=1), "It moves.")
    shown = agent_desk.get(reverse("admin:case", args=[case.reference])).content.decode()
    assert "email is paused: what is written for it waits." in shown and "data-send" in shown
