"""The demo page, its roles and its tour."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import authenticate
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import dispatch, opening, routing, switching
from contacts.models import Case, Holder, Identity, Message, Organisation, User
from portal.simulator import cast, tour
from portal.simulator.maildir import Maildir

pytestmark = pytest.mark.django_db


@pytest.fixture
def tom(shop: Organisation) -> Case:
    """A case of a customer who can be played."""
    return opening.open_case(
        organisation=shop,
        text="Is it there?",
        came_by="account",
        kind="email",
        language="en",
        address=cast.PEOPLE["tom"].email,
        name="Tom Demo",
    )


def post(client: Client, name: str, *args: str, **data: str) -> Any:
    return client.post(reverse(f"demo:{name}", args=args), data)


def test_the_page_has_three_frames(shop: Organisation) -> None:
    page = Client().get("/demo/").content.decode()
    for frame in ("customer-browser", "customer-pocket"):
        assert f'name="{frame}"' in page
    assert "agent-desk" not in page  # nobody sits there yet
    assert "Who sits at the desk?" in page


def test_own_pages_may_be_framed_by_own_pages_only(shop: Organisation) -> None:
    for path in ("/demo/", "/demo/pocket/"):
        response = Client().get(path)
        assert response["X-Frame-Options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
        assert "unsafe" not in response["Content-Security-Policy"]


def test_be_staff_without_a_password(shop: Organisation) -> None:
    client = Client()
    assert post(client, "be_staff", "noor").status_code == 302
    page = client.get("/demo/").content.decode()
    assert 'name="agent-desk"' in page
    assert re.search(r'aria-pressed="true">Noor<', page)
    assert client.get("/admin/cases/").status_code == 200


def test_be_the_administrator(shop: Organisation) -> None:
    client = Client()
    post(client, "be_staff", "admin")
    assert client.session["_auth_user_id"] == str(User.objects.get(is_superuser=True).pk)


def test_nobody_real_can_be_played(shop: Organisation) -> None:
    User.objects.create_user("eva", password="x", is_staff=True)
    client = Client()
    assert post(client, "be_staff", "eva").status_code == 404
    assert "_auth_user_id" not in client.session


def test_a_role_needs_a_post_and_a_token(shop: Organisation) -> None:
    client = Client(enforce_csrf_checks=True)
    url = reverse("demo:be_staff", args=["noor"])
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 403
    assert "_auth_user_id" not in client.session


def test_an_open_form_of_the_other_frame_survives_the_sign_in(shop: Organisation) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/demo/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    data = {"csrfmiddlewaretoken": token[1]}
    assert client.post(reverse("demo:be_staff", args=["noor"]), data).status_code == 302
    assert client.post(reverse("demo:be_staff", args=["daan"]), data).status_code == 302


def test_be_a_customer_beside_the_agent(tom: Case) -> None:
    client = Client()
    post(client, "be_staff", "noor")
    assert post(client, "be_customer", "tom").status_code == 302
    page = client.get("/demo/").content.decode()
    assert re.search(r'aria-pressed="true">Tom<', page)
    assert re.search(r'aria-pressed="true">Noor<', page)
    assert {django_settings.SESSION_COOKIE_NAME, django_settings.CUSTOMER_COOKIE_NAME} <= set(
        client.cookies
    )
    assert client.get(f"/q/{tom.reference}/").status_code == 200


def test_somebody_new_sees_no_case(tom: Case) -> None:
    client = Client()
    post(client, "be_customer", "tom")
    post(client, "be_customer", "new")
    assert client.get(f"/q/{tom.reference}/").status_code == 404


def test_only_the_cast_can_be_played(tom: Case) -> None:
    Holder.objects.create(
        customer=tom.customer, identity=Identity.objects.create(scheme="email", value="x@y.org")
    )
    client = Client()
    for slug in ("x", "nobody", str(tom.customer.pk)):
        assert post(client, "be_customer", slug).status_code == 404


def test_demo_passwords_work_in_demo_mode_only(shop: Organisation, settings: Any) -> None:
    assert authenticate(username="noor", password=cast.PASSWORD) is not None
    client = Client()
    post(client, "be_staff", "noor")
    settings.DEMO = False
    assert authenticate(username="noor", password=cast.PASSWORD) is None
    assert client.get("/admin/cases/").status_code == 302  # a session from before is over as well


def test_the_language_is_the_whole_demos(shop: Organisation) -> None:
    client = Client()
    post(client, "be_staff", "noor")
    post(client, "language", language="nl")
    assert '<html lang="nl">' in client.get("/demo/").content.decode()
    assert User.objects.get(username="noor").language == "nl"
    assert post(client, "language", language="xx").status_code == 404


def test_the_tour_begins_with_the_first_visit(tom: Case) -> None:
    Case.objects.update(opened_at=timezone.now() - timedelta(hours=1))
    client = Client()
    page = client.get("/demo/").content.decode()
    assert 'aria-current="step"' in page
    assert "step--done" not in page  # a case from before does not count
    Case.objects.update(opened_at=timezone.now())
    now = client.get("/demo/now/", {"version": "other"})
    assert now.content.decode().count("step--done") == 1
    assert client.get("/demo/now/", {"version": now["X-Version"]}).status_code == 204


def test_the_tour_prefers_this_browsers_case(tom: Case, shop: Organisation) -> None:
    client = Client()
    client.get("/demo/")
    Case.objects.update(opened_at=timezone.now())
    post(client, "be_customer", "tom")
    other = opening.open_case(
        organisation=shop,
        text="Another one",
        came_by="account",
        kind="email",
        language="en",
        address="other@example.org",
    )
    page = client.get("/demo/now/?version=x").content.decode()
    assert f"/admin/cases/{tom.reference}/" in page
    assert other.reference not in page


def test_a_recorded_call_does_not_tick_ask(shop: Organisation) -> None:
    client = Client()
    client.get("/demo/")
    opening.open_case(
        organisation=shop,
        text="She phoned",
        came_by="phone",
        kind="phone",
        language="en",
        address="+44 20 7946 0111",
        staff=User.objects.get(username="noor"),
    )
    assert "step--done" not in client.get("/demo/now/?version=x").content.decode()


def test_begin_again(tom: Case) -> None:
    client = Client()
    client.cookies[tour.COOKIE] = "1000000000"  # long ago: over
    assert "step--done" not in client.get("/demo/now/?version=x").content.decode()
    client.cookies[tour.COOKIE] = "no number"
    assert client.get("/demo/").status_code == 200
    assert post(client, "again").status_code == 302
    assert int(client.cookies[tour.COOKIE].value) > 1_700_000_000


def test_the_tour_opens_where_the_answer_comes(tom: Case) -> None:
    def pocket() -> str:
        return next(s.href for s in tour.steps(Case.objects.get(pk=tom.pk)) if s.pane == "pocket")

    assert pocket() == reverse("demo:pocket")
    identity = Identity.of("phone", "+442079460102")
    switching.switch(case=tom, kind="sms", identity=identity)
    assert pocket() == reverse("demo:telephone")


def test_switch_and_refused_call_tick(tom: Case) -> None:
    switching.switch(case=tom, kind="account")
    assert tour.facts_of(tom).switched
    call = Message(case=tom, direction="out", kind="phone")
    refused = routing.route(call, timezone.now())
    assert isinstance(refused, routing.Refused)
    noor = User.objects.get(username="noor")
    dispatch.refuse(tom, staff=noor, kind="phone", refused=refused)
    assert tour.facts_of(tom).refused
    assert not tour.facts_of(tom).answered


def test_the_desks_own_refusal_ticks(tom: Case) -> None:
    """Whoever picks the phone in the composer leaves the row that the tour looks at."""
    client = Client()
    post(client, "be_staff", "noor")
    data = {"text": "Hello", "to": "phone", "client_key": str(uuid.uuid4()), "seen": tom.seq}
    client.post(reverse("admin:case_way", args=[tom.reference]), data)
    assert tour.facts_of(tom).refused


@pytest.mark.parametrize("key", ["nothing", "..", "%2e%2e%2fsecret_key", "a" * 300, "*"])
def test_no_file_but_mail_is_read(shop: Organisation, data: Any, key: str) -> None:
    (data / "secret_key").write_text("secret")
    for path in (f"/demo/pocket/mail/{key}/", f"/demo/pocket/mail/{key}/body/"):
        assert Client().get(path).status_code == 404


HOSTILE = (
    b"From: Shop <help@mail.example.org>\r\nSubject: <script>alert(1)</script>\r\n"
    b"Content-Type: text/html; charset=nonsense\r\n\r\n<script>alert(2)</script><p>Hi</p>\r\n"
)


def test_a_hostile_mail_runs_nothing(shop: Organisation) -> None:
    key = Maildir().deliver(HOSTILE, sender="x@example.org", owner="tom@example.org")
    page = Client().get(f"/demo/pocket/mail/{key}/")
    assert "<script>alert" not in page.content.decode()
    assert "<script>alert" not in Client().get("/demo/pocket/").content.decode()
    body = Client().get(f"/demo/pocket/mail/{key}/body/")
    policy = body["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy
    assert "allow-scripts" not in policy and "allow-forms" not in policy
    frame = re.search(r"<iframe[^>]*data-mail[^>]*>", page.content.decode())
    assert frame and "sandbox=" in frame[0] and "allow-scripts" not in frame[0]


def test_one_owners_mail(shop: Organisation) -> None:
    box = Maildir()
    for owner in ("tom@example.org", "Sanne@example.org"):
        box.deliver(
            b"From: a@b.org\nSubject: to " + owner.encode() + b"\n\nHi", sender="", owner=owner
        )
    page = Client().get("/demo/pocket/?address=sanne@example.org").content.decode()
    assert "to Sanne@example.org" in page
    assert "to tom@example.org" not in page


def test_files_are_saved_not_shown(shop: Organisation) -> None:
    raw = (
        b"From: a@b.org\nSubject: x\nContent-Type: multipart/mixed; boundary=B\n\n"
        b"--B\n\nHi\n--B\nContent-Type: text/html\n"
        b'Content-Disposition: attachment; filename="../x.html"\n\n<script>1</script>\n--B--\n'
    )
    key = Maildir().deliver(raw, sender="", owner="tom@example.org")
    response = Client().get(f"/demo/pocket/mail/{key}/file/0/")
    assert response["Content-Disposition"].startswith("attachment")
    assert "/" not in response["Content-Disposition"]
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert Client().get(f"/demo/pocket/mail/{key}/file/1/").status_code == 404


def test_a_broken_mail_is_still_listed(shop: Organisation) -> None:
    nested = b"Content-Type: multipart/mixed; boundary=B\n\n" + b"--B\n\nx\n" * 600 + b"--B--\n"
    key = Maildir().deliver(b"Subject: Many parts\n" + nested, sender="", owner="tom@example.org")
    assert "Many parts" in Client().get("/demo/pocket/").content.decode()
    assert Client().get(f"/demo/pocket/mail/{key}/").status_code == 200
