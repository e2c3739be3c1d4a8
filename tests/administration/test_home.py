"""The home page: figures against known rows, in a constant number of queries."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import measures, opening
from channels_app.models import Channel, Delivery
from contacts.models import Alert, Case, Message, Organisation, Outcome, Topic, User
from tests.administration.conftest import channel
from tests.shop import make_agent

HOME = "admin:index"


def ask(shop: Organisation) -> Case:
    """A case of a customer who waits."""
    return opening.open_case(
        organisation=shop, text="Hello", came_by="account", kind="account", language="en"
    )


def answered(case: Case, chosen: str, used: str, why: str = "chosen", **fields: Any) -> Message:
    """An answer that went by `used` where the customer had chosen `chosen`."""
    return Message.objects.create(
        case=case, direction="out", chosen_kind=chosen, kind=used, why=why, text="Yes", **fields
    )


def delivered(message: Message, status: str, **fields: Any) -> Delivery:
    """How it went."""
    return Delivery.objects.create(
        message=message, channel=channel("email"), status=status, **fields
    )


def test_waiting_and_the_longest_wait(shop: Organisation, desk: Client) -> None:
    cases = [ask(shop) for _n in range(3)]
    since = timezone.now() - timedelta(hours=5, minutes=10)
    Case.objects.filter(pk=cases[0].pk).update(waiting_since=since)
    Case.objects.filter(pk=cases[1].pk).update(state=Case.State.RESOLVED)
    assert measures.waiting() == measures.Waiting(2, since)
    page = desk.get(reverse(HOME)).content.decode()
    assert "longest: 5 hours" in page


def test_failed_and_uncertain_of_thirty_days_that_nobody_sent_anew(
    shop: Organisation, desk: Client
) -> None:
    message = answered(ask(shop), "email", "email")
    delivered(message, "failed")
    delivered(message, "returned")
    delivered(message, "uncertain")
    delivered(message, "sent")
    delivered(message, "failed", created_at=timezone.now() - timedelta(days=31))
    delivered(message, "queued", replaces=delivered(message, "failed"))
    notice = Message.objects.create(direction="out", kind="email", template="sign_in")
    delivered(notice, "failed")
    assert measures.troubles() == {"failed": 1, "returned": 1, "uncertain": 1}
    home = desk.get(reverse(HOME))
    assert home.context["troubles_failed"] == 2
    assert len(desk.get(reverse("admin:troubles")).context["page"].object_list) == 3
    only = desk.get(reverse("admin:troubles") + "?status=uncertain")
    assert [row.status for row in only.context["page"].object_list] == ["uncertain"]
    assert desk.get(reverse("admin:troubles") + "?status=xx&page=zz").status_code == 200


def test_share_of_answers_by_the_chosen_channel(shop: Organisation) -> None:
    case = ask(shop)
    for _n in range(6):
        answered(case, "email", "email")
    answered(case, "email", "phone", "override", why_text="The mailbox is full.")
    answered(case, "letter", "email", "fallback")
    answered(case, "email", "email", created_at=timezone.now() - timedelta(days=31))
    answered(case, "email", "email", template="acknowledgement")
    Message.objects.create(case=case, direction="note", text="Hm")
    found = measures.respect()
    assert (found.total, found.by_choice, found.overridden, found.by_fallback) == (8, 6, 1, 1)
    assert found.share == 0.75
    assert dict(found.chosen) == {"email": 7, "letter": 1}
    assert dict(found.used) == {"email": 7, "phone": 1}
    assert [message.why_text for message in measures.overrides()] == ["The mailbox is full."]


def test_the_chart_and_the_reasons_are_on_the_page_as_text(
    shop: Organisation, desk: Client, administrator: User
) -> None:
    User.objects.filter(pk=administrator.pk).update(language="nl")
    case = ask(shop)
    for _n in range(2):
        answered(case, "email", "email")
    answered(case, "letter", "email", "override", why_text="<b>Haast</b>")
    page = desk.get(reverse(HOME))
    text = page.content.decode()
    assert page.context["percent"] == 67
    assert "&lt;b&gt;Haast&lt;/b&gt;" in text
    bars = {bar.kind.name: bar for bar in page.context["bars"]}
    assert (bars["email"].chosen, bars["email"].used) == (2, 3)
    assert (bars["letter"].chosen, bars["letter"].used) == (1, 0)
    # A width is a number of SVG, also where people write a comma.
    assert bars["email"].chosen_width == "66.67"
    assert 'width="66.67"' in text


@pytest.mark.parametrize(("right", "wrong", "shown"), [(999, 1, 99), (1, 999, 1), (3, 0, 100)])
def test_a_hundred_per_cent_means_all(
    shop: Organisation, desk: Client, right: int, wrong: int, shown: int
) -> None:
    case = ask(shop)
    rows = [("email", "chosen")] * right + [("phone", "override")] * wrong
    Message.objects.bulk_create(
        Message(case=case, direction="out", chosen_kind="email", kind=kind, why=why, text="Yes")
        for kind, why in rows
    )
    assert desk.get(reverse(HOME)).context["percent"] == shown


def test_an_agent_sees_their_own_work_and_no_figures(shop: Organisation) -> None:
    anna, browser = make_agent("anna"), Client()
    browser.force_login(anna, backend="portal.access.StaffBackend")
    case, done = ask(shop), ask(shop)
    Case.objects.filter(pk=case.pk).update(assignee=anna)
    Case.objects.filter(pk=done.pk).update(assignee=anna, waiting_since=None)
    delivered(answered(case, "phone", "phone"), "taken", taken_by=anna)
    Alert.objects.create(user=anna, case=case, sort="assigned")
    Alert.objects.create(user=anna, case=case, sort="assigned", seen_at=timezone.now())
    page = browser.get(reverse(HOME))
    assert page.context["own"] == measures.OwnWork(need_answer=1, open=2, to_do=1)
    text = page.content.decode()
    assert reverse("admin:cases") in text
    assert "respect" not in page.context and "Chosen and used" not in text
    assert reverse("admin:channels") not in text


def test_an_empty_installation_greets_with_a_checklist(desk: Client) -> None:
    page = desk.get(reverse(HOME))
    assert page.context["is_new"]
    assert [step.done for step in page.context["steps"]] == [False] * 6
    assert "Welcome. Six steps" in page.content.decode()


def test_the_checklist_is_ticked_by_facts_and_goes(desk: Client) -> None:
    def done() -> list[bool]:
        return [step.done for step in desk.get(reverse(HOME)).context["steps"]]

    shop = Organisation.objects.create(name="Shop")
    assert done() == [True, False, False, False, False, False]
    Organisation.objects.update(phone="+31201234567")
    mail = Channel.objects.create(
        organisation=shop, kind="email", provider="email", slug="email", name="Mail"
    )
    assert done() == [True, True, True, False, False, False]
    Channel.objects.filter(pk=mail.pk).update(last_success_at=timezone.now())
    Topic.objects.create(name={"en": "Repair"}, slug="repair")
    assert done() == [True, True, True, True, True, False]
    sam = make_agent("sam")
    assert done() == [True] * 6
    assert "adm-checklist" not in desk.get(reverse(HOME)).content.decode()
    User.objects.filter(pk=sam.pk).update(is_active=False)
    assert not done()[-1]


def test_findings_lead_to_the_page_that_mends_them(shop: Organisation, desk: Client) -> None:
    Channel.objects.filter(kind="email").update(address="")
    Topic.objects.filter(slug="repair").update(name={"en": "Repair"})
    Organisation.objects.update(address="")
    found = dict(desk.get(reverse(HOME)).context["findings"])
    places = {finding.text: place for finding, place in found.items()}
    assert places["The channel email has no address."] == reverse(
        "admin:channel", args=[channel("email").pk]
    )
    topic = Topic.objects.get(slug="repair")
    assert reverse("admin:topic", args=[topic.pk]) in places.values()
    assert reverse("admin:organisation") in places.values()


@pytest.mark.parametrize("name", [HOME, "admin:troubles"])
def test_constant_queries(shop: Organisation, desk: Client, name: str) -> None:
    def fill(count: int) -> None:
        for _n in range(count):
            case = ask(shop)
            delivered(answered(case, "email", "email"), "failed")
            answered(case, "email", "phone", "override", why_text="Because")
            said(case, "email", count, True, False)

    fill(2)
    desk.get(reverse(name))
    with CaptureQueriesContext(connection) as few:
        desk.get(reverse(name))
    fill(30)
    with CaptureQueriesContext(connection) as many:
        desk.get(reverse(name))
    assert len(many) == len(few)
    assert len(many) <= 32


def said(case: Case, kind: str, switches: int, *words: bool | None, **fields: Any) -> Outcome:
    """What a customer said of a case that was resolved."""
    answered, repeated = words or (None, None)
    return Outcome.objects.create(
        case=case, kind=kind, switches=switches, answered=answered, repeated=repeated, **fields
    )


def test_how_it_was_by_channel_and_by_number_of_switches(shop: Organisation) -> None:
    case = ask(shop)
    for words in ((True, False), (True, True), (False, None), (None, False)):
        said(case, "email", 0, *words)
    said(case, "phone", 1, True, False)
    for switches in (3, 4, 99):
        said(case, "email", switches)
    said(case, "email", 0, True, True, asked_at=timezone.now() - timedelta(days=31))
    found = measures.afterwards()
    assert dict(found.by_kind) == {
        "email": measures.Heard(7, 2, 1, 1, 2),
        "phone": measures.Heard(1, 1, 0, 0, 1),
    }
    assert dict(found.by_switches) == {
        0: measures.Heard(4, 2, 1, 1, 2),
        1: measures.Heard(1, 1, 0, 0, 1),
        3: measures.Heard(3),
    }


def test_how_it_was_stands_on_the_page_with_no_share_of_too_few(
    shop: Organisation, desk: Client
) -> None:
    case = ask(shop)
    for number in range(6):
        said(case, "email", 0, number > 0, False)
    for _n in range(4):
        said(case, "phone", 2, True, True)
    page = desk.get(reverse(HOME))
    lines = {line.kind.name: line for line in page.context["afterwards"]["by_kind"]}
    assert (lines["email"].answered.percent, lines["email"].repeated.percent) == (83, 0)
    assert (lines["phone"].asked, lines["phone"].answered.percent) == (4, None)
    assert [line.words for line in page.context["afterwards"]["by_switches"]] == [
        "No switch",
        "2 switches",
    ]
    text = page.content.decode()
    assert "10 customers were asked in 30 days" in text and "83 %<span>of 6</span>" in text
    assert text.count("too little data") == 4  # phone, and two switches; each of two columns


def test_nobody_was_asked(shop: Organisation, desk: Client, agent_desk: Client) -> None:
    assert "Nobody was asked yet." in desk.get(reverse(HOME)).content.decode()
    Organisation.objects.update(asks_outcome=False)
    text = desk.get(reverse(HOME)).content.decode()
    assert "Customers are not asked afterwards how it was." in text
    assert "How it was for customers" not in agent_desk.get(reverse(HOME)).content.decode()
