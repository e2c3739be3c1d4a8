"""The case page: history, attempts, whole mails, the customer's column, and its cost."""

import re
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import dispatch
from channels_app.models import Attempt, Delivery
from contacts import merging, services
from contacts.models import Alert, Case, Consent, Event, Identity, Message, User
from contacts.viewers import Viewer
from portal import timeline
from portal.templatetags.desk import avatar
from tests.desk.conftest import MakeCase

EVIL = '<script>alert(1)</script><img src=x onerror=alert(2)>" x-data="alert(3)" {{ 7*7 }}'


def page_of(desk: Client, case: Case, query: str = "") -> str:
    answer = desk.get(f"/admin/cases/{case.reference}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_whole_story_is_on_one_page(desk: Client, agent: User, case: Case) -> None:
    dispatch.reply(case=case, staff=agent, text="Yes, it is here.")
    services.add_note(case=case, staff=agent, text="Nice customer")
    services.file_message(case=case, kind="phone", text="Keep it for me", staff=agent)
    body = page_of(desk, case)
    for text in ("Is the bicycle there?", "Yes, it is here.", "Nice customer", "Keep it for me"):
        assert text in body
    assert "noted by Anna" in body and "only staff" in body and "Sam Sample" in body


def test_what_a_customer_wrote_is_text_everywhere(desk: Client, make_case: MakeCase) -> None:
    case = make_case(EVIL, name=EVIL, about=EVIL)
    services.file_message(
        case=case, kind="email", text=EVIL, subject=EVIL, whole_text=EVIL, html=EVIL
    )
    case.customer.note = EVIL
    case.customer.save()
    body = page_of(desk, case)
    assert "<script>alert(1)" not in body and "<img src=x" not in body
    # Nothing of it may be an attribute: Alpine reads x-* attributes as script.
    assert not re.search(r'<[^>]*\sx-data="alert', body)


def test_html_mail_is_shown_in_a_sandbox_only(desk: Client, case: Case) -> None:
    message = services.file_message(
        case=case, kind="email", text="Short", html="<p>Long <b>mail</b></p>"
    )
    body = page_of(desk, case)
    assert "Long <b>mail</b>" not in body
    frame = re.search(r"<iframe[^>]+>", body)
    assert frame and 'sandbox=""' in frame[0] and f"/files/message/{message.pk}/body/" in frame[0]


SAID = {"code": "said", "text": "550 No such user"}


def test_a_failed_answer_can_be_tried_again_once(desk: Client, agent: User, case: Case) -> None:
    delivery = dispatch.reply(case=case, staff=agent, text="Yes.").deliveries.get()
    Delivery.objects.filter(pk=delivery.pk).update(status="failed", reason=SAID, attempt_count=1)
    Attempt.objects.create(
        delivery=delivery,
        number=1,
        outcome="rejected",
        reason=SAID,
        started_at=timezone.now(),
    )
    body = page_of(desk, case)
    assert "550 No such user" in body and "1 try" in body and "Try again" in body
    url = f"/admin/cases/{case.reference}/again/{delivery.pk}/"
    assert desk.post(url).status_code == 302
    new = Delivery.objects.get(replaces=delivery)
    assert new.status == Delivery.Status.QUEUED
    assert "Try again" not in page_of(desk, case)
    desk.post(url)
    assert Delivery.objects.filter(replaces=delivery).count() == 1


def test_all_tries_stand_at_their_delivery_in_order(desk: Client, agent: User, case: Case) -> None:
    twice = dispatch.reply(case=case, staff=agent, text="One.").deliveries.get()
    never = dispatch.reply(case=case, staff=agent, text="Two.").deliveries.get()
    Delivery.objects.filter(pk=never.pk).update(created_at=twice.created_at)  # at one moment
    now = timezone.now()
    for number, word in ((1, "greylisted"), (2, "queued as 4711")):
        Attempt.objects.create(
            delivery=twice, number=number, outcome="sent", detail=word, started_at=now
        )
    viewer = Viewer(staff_id=agent.pk)
    rows = [row for entry in timeline.page(case, viewer).entries for row in entry.deliveries]
    tries = {row.pk: [try_.said for try_ in row.tries] for row in rows}  # type: ignore[attr-defined]
    assert tries[twice.pk] == ["greylisted", "queued as 4711"] and tries[never.pk] == []
    assert len(rows) == len(tries)
    body = page_of(desk, case)
    assert "2 tries" in body and body.index("greylisted") < body.index("queued as 4711")


def test_an_uncertain_answer_is_sent_again_knowingly(desk: Client, agent: User, case: Case) -> None:
    delivery = dispatch.reply(case=case, staff=agent, text="Yes.").deliveries.get()
    Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.UNCERTAIN)
    body = page_of(desk, case)
    assert "Send again knowingly" in body and "can make it arrive twice" in body
    desk.post(f"/admin/cases/{case.reference}/again/{delivery.pk}/")
    assert Delivery.objects.filter(replaces=delivery).exists()


def test_try_again_is_refused_where_the_customer_said_no(
    desk: Client, agent: User, case: Case
) -> None:
    delivery = dispatch.reply(case=case, staff=agent, text="Yes.").deliveries.get()
    Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.FAILED)
    assert delivery.identity
    delivery.identity.close("email", Identity.BOUNCED)
    answer = desk.post(f"/admin/cases/{case.reference}/again/{delivery.pk}/", follow=True)
    assert "does not work any more" in answer.content.decode()
    assert not Delivery.objects.filter(replaces=delivery).exists()


def test_a_delivery_of_another_case_is_not_touched(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    mine, other = make_case("Mine"), make_case("Other")
    delivery = dispatch.reply(case=other, staff=agent, text="Yes.").deliveries.get()
    Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.FAILED)
    assert desk.post(f"/admin/cases/{mine.reference}/again/{delivery.pk}/").status_code == 404


def test_older_messages_come_on_demand(desk: Client, case: Case) -> None:
    start = timezone.now() - timedelta(days=2)
    for n in range(60):
        message = services.file_message(case=case, kind="email", text=f"Message number {n:03}")
        Message.objects.filter(pk=message.pk).update(created_at=start + timedelta(minutes=n))
    body = page_of(desk, case)
    assert "Message number 059" in body and "Message number 003" not in body
    link = re.search(r'hx-get="([^"]+part=older[^"]+)"', body)
    assert link
    older = desk.get(link[1].replace("&amp;", "&")).content.decode()
    assert "Message number 003" in older and "Message number 059" not in older
    assert "<html" not in older


def test_its_cost_does_not_grow_with_the_history(desk: Client, agent: User, case: Case) -> None:
    costs = []
    for more in (3, 30):
        for n in range(more):
            services.file_message(case=case, kind="email", text=f"In {n}")
            dispatch.reply(case=case, staff=agent, text=f"Out {n}")
        with CaptureQueriesContext(connection) as counted:
            page_of(desk, case)
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 21


def test_opening_a_case_marks_its_alerts(desk: Client, agent: User, case: Case) -> None:
    services.assign(case=case, to=agent, by=agent)
    services.file_message(case=case, kind="email", text="Hello?")
    assert Alert.objects.filter(user=agent, seen_at=None).count() == 1
    page_of(desk, case)
    assert not Alert.objects.filter(user=agent, seen_at=None).exists()


def test_a_joined_case_leads_to_the_one_it_is_in(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    one, other = make_case("One"), make_case("Other")
    merging.join(case=one, into=other, by=agent)
    answer = desk.get(f"/admin/cases/{one.reference}/")
    assert answer.status_code == 302 and other.reference in answer["Location"]
    body = page_of(desk, other)
    assert "One" in body and one.reference in body and "Take apart" in body


def test_a_reference_in_small_letters_is_found(desk: Client, case: Case) -> None:
    assert desk.get(f"/admin/cases/{case.reference.lower()}/").status_code == 200


def test_a_case_that_is_not_there_is_404(desk: Client, case: Case) -> None:
    for reference in ("ZZZ-ZZZ", "x", "1' OR 1=1", "%00"):
        assert desk.get(f"/admin/cases/{reference}/").status_code == 404


def test_the_customers_column_says_what_is_unwelcome(desk: Client, case: Case) -> None:
    Consent.objects.create(customer=case.customer, kind="letter", level=Consent.Level.NEVER)
    body = page_of(desk, case)
    column = body[body.index("What they do not want") :]
    assert "never" in column[:1500] and "only if they ask" in column[:1500]


def test_other_cases_of_the_customer_stand_beside_it(desk: Client, make_case: MakeCase) -> None:
    one, other = make_case("The first one"), make_case("The second one")
    assert other.reference in page_of(desk, one)


def test_may_belong_to_is_offered_and_refused(desk: Client, make_case: MakeCase) -> None:
    one, other = make_case("One"), make_case("Other")
    Case.objects.filter(pk=other.pk).update(may_belong_to=one)
    assert "May belong to" in page_of(desk, other)
    desk.post(f"/admin/cases/{other.reference}/not-the-same/")
    assert "May belong to" not in page_of(desk, other)


def test_may_belong_to_is_joined_after_a_look(desk: Client, make_case: MakeCase) -> None:
    one, other = make_case("One"), make_case("Other")
    Case.objects.filter(pk=other.pk).update(may_belong_to=one)
    answer = desk.post(
        f"/admin/cases/{other.reference}/join/", {"into": one.reference, "sure": "1"}
    )
    other.refresh_from_db()
    assert other.merged_into == one and one.reference in answer["Location"]


def test_overrides_and_refusals_are_lines_of_the_history(
    desk: Client, agent: User, case: Case
) -> None:
    case.append(
        Event(
            sort=Event.Sort.REFUSED,
            staff=agent,
            data={"kind": "phone", "reason": {"code": "no_calls", "day": "2026-05-12"}},
        )
    )
    assert "They asked not to be called (12 May" in page_of(desk, case)


def test_the_desk_gets_the_admin_policy_and_customers_do_not(desk: Client, case: Case) -> None:
    answer = desk.get(f"/admin/cases/{case.reference}/")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy and "unsafe-inline' 'unsafe" not in policy
    assert "unsafe" not in desk.get("/").headers["Content-Security-Policy"]


def test_no_inline_script_or_handler(desk: Client, case: Case) -> None:
    body = page_of(desk, case)
    main = body[body.index("<main") :]
    assert not re.search(r"<script(?![^>]*\bsrc=)", body)
    assert not re.search(r"\son\w+=", main) and " style=" not in main[: main.index("</main>")]


def test_the_sign_of_a_person_has_letters_of_a_name_only() -> None:
    assert ">SJ</span>" in avatar("Sam van der Jansen") and ">S</span>" in avatar("sam@1.example")
    for number in ("+44 20 7946 0199", "9181114664", "Unknown customer"):
        assert "icons.svg#user" in avatar(number)
    assert "<b>" not in avatar("<b>")
