"""Sign-in, links, codes from letters and files: who gets in, and what strangers learn."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import dispatch, rendering
from channels_app.models import Delivery
from contacts import codes, services
from contacts.files import File
from contacts.models import Attachment, Case, Code, Customer, Holder, Identity, Message, User
from portal.site import sign_in as sign_in_page
from tests.site.conftest import Ask, newest_code, sign_in


def tokenless(page: str) -> str:
    """A page without what differs at each request."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


def test_signing_in_shows_all_of_ones_own_questions(client: Client, ask: Ask) -> None:
    first, second = ask(Client()), ask(Client(), text="The second one")
    assert client.get("/questions/")["Location"] == "/sign-in/"
    sign_in(client, "SAM@example.org")
    page = client.get("/questions/").content.decode()
    assert first.reference in page and second.reference in page
    assert client.get(f"/q/{second.reference}/").status_code == 200
    assert Holder.objects.proved().filter(identity__value="sam@example.org").exists()


def test_known_and_unknown_get_the_same_answer_and_the_same_work(
    ask: Ask, organisation: object
) -> None:
    ask(Client())

    def asked(address: str) -> tuple[int, str, str, list[str]]:
        browser = Client()
        browser.get("/sign-in/")
        with CaptureQueriesContext(connection) as caught:
            response = browser.post("/sign-in/", {"email": address})
        boxes = tokenless(browser.get(response["Location"]).content.decode())
        shapes = [re.sub(r"\(.*|'.*", "", q["sql"])[:60] for q in caught.captured_queries]
        return response.status_code, response["Location"], boxes.replace(address, "X"), shapes

    known, unknown = asked("sam@example.org"), asked("bob@example.org")
    assert known[:3] == unknown[:3]
    made = 'INSERT INTO "contacts_identity"'
    assert [s for s in known[3] if made not in s and "SAVEPOINT" not in s] == [
        s for s in unknown[3] if made not in s and "SAVEPOINT" not in s
    ]
    notices = Message.objects.filter(template="sign_in")
    assert notices.count() == 2 and Delivery.objects.filter(message__in=notices).count() == 2


def test_an_unknown_address_gets_in_to_an_empty_list(client: Client, ask: Ask) -> None:
    ask(Client())
    sign_in(client, "bob@example.org")
    assert "No questions yet." in client.get("/questions/").content.decode()


def test_a_code_is_for_one_browser_once_and_for_ten_minutes(client: Client, ask: Ask) -> None:
    ask(Client())
    client.post("/sign-in/", {"email": "sam@example.org"})
    value = newest_code("sign_in").plain
    thief = Client()
    thief.post("/sign-in/", {"email": "sam@example.org"})
    assert thief.post("/sign-in/code/", {"code": value}).status_code == 422
    assert client.post("/sign-in/code/", {"code": value}).status_code == 302
    client.post("/sign-out/")
    assert client.post("/sign-in/code/", {"code": value})["Location"] == "/sign-in/"
    client.post("/sign-in/", {"email": "sam@example.org"})
    late = newest_code("sign_in")
    Code.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    assert client.post("/sign-in/code/", {"code": late.plain}).status_code == 422


def test_guessing_stops_after_five_tries(client: Client, ask: Ask) -> None:
    ask(Client())
    client.post("/sign-in/", {"email": "sam@example.org"})
    code = newest_code("sign_in")
    wrong = "111111" if code.plain != "111111" else "222222"
    for _try in range(5):
        client.post("/sign-in/code/", {"code": wrong})
    assert client.post("/sign-in/code/", {"code": code.plain}).status_code == 422


@pytest.mark.parametrize("value", ["", "sam", "a" * 2000 + "@example.org"])
def test_a_wrong_address_is_said(client: Client, organisation: object, value: str) -> None:
    response = client.post("/sign-in/", {"email": value})
    assert response.status_code == 422 and 'id="errors"' in response.content.decode()


def test_an_address_that_another_customer_only_typed_is_not_theirs(
    client: Client, ask: Ask
) -> None:
    """Somebody signed in types a stranger's address: the stranger's questions stay apart."""
    ask(client, address_email="evil@example.org")
    sign_in(client, "evil@example.org")
    planted = ask(client, address_email="victim@example.org")
    stranger = Client()
    own = ask(stranger, address_email="victim@example.org", text="A private matter")
    assert own.customer != planted.customer
    assert own.reference not in client.get("/questions/").content.decode()
    sign_in(stranger, "victim@example.org")
    page = stranger.get("/questions/").content.decode()
    assert own.reference in page and planted.reference not in page
    assert Customer.objects.count() == 2


def test_signing_in_changes_the_session_and_signing_out_forgets(client: Client, ask: Ask) -> None:
    case = ask(client)
    before = client.cookies["onecase_customer"].value
    sign_in(client, "sam@example.org")
    assert client.cookies["onecase_customer"].value != before
    client.post("/sign-out/")
    assert client.get(f"/q/{case.reference}/").status_code == 404
    assert client.get("/questions/")["Location"] == "/sign-in/"


def test_a_link_opens_by_a_button_and_only_its_case(ask: Ask, client: Client) -> None:
    case, other = ask(Client()), ask(Client(), text="Another")
    link = f"/c/{services.case_link(case).plain}/"
    assert "Open my question" in client.get(link).content.decode()
    assert client.get(f"/q/{case.reference}/").status_code == 404  # a GET redeems nothing
    assert client.post(link)["Location"] == f"/q/{case.reference}/"
    assert client.get(f"/q/{case.reference}/").status_code == 200
    assert client.get(f"/q/{other.reference}/").status_code == 404
    assert "Sign in to see all of them" in client.get("/questions/").content.decode()


def test_a_revoked_link_closes_the_case_again(ask: Ask, client: Client) -> None:
    case = ask(Client())
    code = services.case_link(case)
    client.post(f"/c/{code.plain}/")
    Code.objects.filter(pk=code.pk).update(revoked_at=timezone.now())
    assert client.get(f"/q/{case.reference}/").status_code == 404
    assert "Send me a new link" not in client.get(f"/c/{code.plain}/").content.decode()


def test_a_tampered_link_opens_nothing(ask: Ask, client: Client) -> None:
    case = ask(Client())
    value = services.case_link(case).plain
    for wrong in (value[:-1], value[:-1] + ("a" if value[-1] != "a" else "b"), "x" * 300, "%00"):
        response = client.post(f"/c/{wrong}/")
        assert response.status_code == 404
        assert "This link no longer works" in response.content.decode()
    assert client.get(f"/q/{case.reference}/").status_code == 404


def test_an_expired_link_offers_a_new_one_to_the_same_mailbox(ask: Ask, client: Client) -> None:
    case = ask(Client())
    assert case.choice
    old = services.case_link(case, case.choice.identity)
    Code.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    response = client.get(f"/c/{old.plain}/")
    page = response.content.decode()
    assert response.status_code == 410 and "Send me a new link" in page
    assert "example.org" not in page  # not even masked: who holds an old link may be anybody
    client.post(f"/c/{old.plain}/")
    message = Message.objects.get(template="case_link")
    assert message.identity == case.choice.identity and message.code_id != old.pk
    client.post(f"/c/{old.plain}/")
    assert Message.objects.filter(template="case_link").count() == 1  # one a day
    assert "today already" in client.get(f"/c/{old.plain}/").content.decode()


def test_an_expired_link_without_a_mailbox_shows_other_ways_in(ask: Ask, client: Client) -> None:
    case = ask(Client(), way="account", address_email=None)
    old = services.case_link(case)
    Code.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    page = client.post(f"/c/{old.plain}/").content.decode()
    assert "Get in with a code" in page and "Send me a new link" not in page


def test_a_code_from_a_letter_opens_its_case_once(ask: Ask, client: Client) -> None:
    case = ask(Client())
    code = Code.objects.issue(codes.JOIN, case=case, lifetime=codes.LETTER_LIFETIME)
    typed = codes.on_paper(code.plain).lower()
    assert client.post("/sign-in/letter/", {"paper": typed})["Location"].endswith(
        f"{case.reference}/"
    )
    again = Client().post("/sign-in/letter/", {"paper": typed})
    assert again.status_code == 422 and typed in again.content.decode()


def test_the_four_digits_for_the_phone_open_no_page(
    ask: Ask, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = ask(Client(), way="phone", address_phone="0207654321")
    pin = Code.objects.get(case=case, form="pin").plain
    assert client.post("/sign-in/letter/", {"paper": pin}).status_code == 422
    monkeypatch.setattr(sign_in_page, "PAPER_TRIES_PER_HOUR", 1)
    code = Code.objects.issue(codes.JOIN, case=case)
    page = client.post("/sign-in/letter/", {"paper": code.plain}).content.decode()
    assert "You tried many codes." in page


def attach(case: Case, name: str, content_type: str, content: bytes) -> Attachment:
    message = services.file_message(
        case=case, kind="account", text="See file", files=[File(name, content_type, content)]
    )
    return message.attachments.get()


def test_a_file_is_a_download_without_any_power(client: Client, ask: Ask) -> None:
    case = ask(client)
    page = attach(case, 'evil".html', "text/html", b"<script>alert(1)</script>")
    response = client.get(f"/files/{page.pk}/")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "script-src 'self'" not in response["Content-Security-Policy"]


def test_a_file_is_for_who_may_see_its_case(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client)
    file = attach(case, "photo.png", "image/png", b"\x89PNG")
    note = services.add_note(
        case=case, staff=agent, text="For us", files=[File("secret.txt", "text/plain", b"x")]
    )
    secret = note.attachments.get()
    assert client.get(f"/files/{file.pk}/")["Content-Type"] == "image/png"
    assert client.get(f"/files/{secret.pk}/").status_code == 404
    stranger, desk = Client(), Client()
    assert stranger.get(f"/files/{file.pk}/").status_code == 404
    desk.force_login(agent)
    assert desk.get(f"/files/{file.pk}/").status_code == 200
    assert desk.get(f"/files/{secret.pk}/").status_code == 200
    file.file.delete(save=False)
    Attachment.objects.filter(pk=file.pk).update(file="attachments/gone")
    assert client.get(f"/files/{file.pk}/").status_code == 404


def test_a_mail_is_shown_in_a_frame_that_can_do_nothing(
    client: Client, ask: Ask, agent: User
) -> None:
    case = ask(client)
    picture = File("logo.png", "image/png", b"\x89PNG", content_id="<logo@mail>")
    message = services.file_message(
        case=case,
        kind="email",
        text="Hello",
        html='<p>Hello <img src="cid:LOGO@mail"><img src="cid:none"></p>',
        files=[picture],
    )
    wrapper = client.get(f"/files/message/{message.pk}/").content.decode()
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in wrapper
    response = client.get(f"/files/message/{message.pk}/body/")
    policy, body = response["Content-Security-Policy"], response.content.decode()
    assert policy.startswith("sandbox allow-popups") and "script" not in policy
    assert "default-src 'none'" in policy and response["X-Frame-Options"] == "SAMEORIGIN"
    assert 'src="data:image/png;base64,' in body and 'src=""' in body
    for browser, status in ((Client(), 404), (staffed(agent), 200)):
        assert browser.get(f"/files/message/{message.pk}/body/").status_code == status
        assert browser.get(f"/files/message/{message.pk}/").status_code == status


def staffed(agent: User) -> Client:
    browser = Client()
    browser.force_login(agent)
    return browser


def test_a_long_plain_mail_is_shown_whole_and_escaped(client: Client, ask: Ask) -> None:
    case = ask(client)
    message = services.file_message(
        case=case, kind="email", text="Hello", whole_text="Hello\n> <b>quoted</b>"
    )
    body = client.get(f"/files/message/{message.pk}/body/").content.decode()
    assert "&gt; &lt;b&gt;quoted" in body
    plain = services.file_message(case=case, kind="email", text="Short")
    assert client.get(f"/files/message/{plain.pk}/").status_code == 404


def test_a_sign_in_mail_is_no_message_of_a_page(client: Client, ask: Ask, agent: User) -> None:
    ask(client)
    client.post("/sign-in/", {"email": "sam@example.org"})
    message = Message.objects.get(template="sign_in")
    for browser in (client, staffed(agent)):
        assert browser.get(f"/files/message/{message.pk}/body/").status_code == 404


@pytest.mark.parametrize("count", [2, 30])
def test_the_list_asks_a_constant_number_of_queries(
    client: Client,
    ask: Ask,
    count: int,
    django_assert_num_queries: Callable[[int], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("portal.site.start.OPENED_PER_HOUR", 100)
    for number in range(count):
        ask(client, text=f"Question {number}")
    sign_in(client, "sam@example.org")
    client.get("/questions/")
    with django_assert_num_queries(13):
        page = client.get("/questions/").content.decode()
    assert page.count('class="item"') == min(count, 20)
    if count > 20:
        assert client.get("/questions/?page=2").content.decode().count('class="item"') == 10
        assert client.get("/questions/?page=x").status_code == 200


def test_an_answer_by_mail_names_nobody_to_a_strangers_address(
    client: Client, ask: Ask, agent: User
) -> None:
    """The case lies with the known customer; the answer goes to who asked for it elsewhere."""
    ask(Client(), name="Victim Person")
    case = ask(client)
    client.post(
        f"/q/{case.reference}/switch/", {"way": "email", "address_email": "evil@example.org"}
    )
    client.post(f"/q/{case.reference}/switch/code/", {"code": newest_code("prove").plain})
    case.refresh_from_db()
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    delivery = message.deliveries.get()
    assert delivery.identity == Identity.objects.get(value="evil@example.org")
    outbound = rendering.render(delivery)
    assert "Victim" not in outbound.text and "Victim" not in outbound.html


def test_a_garbled_upload_is_a_clear_answer(client: Client, organisation: object) -> None:
    upload = SimpleUploadedFile("x.txt", b"x")
    many = {f"field{n}": "x" for n in range(1001)}
    response = client.post("/", {**many, "files": upload})
    page = response.content.decode()
    assert response.status_code == 400
    assert "That was too much at once" in page and "020 123 4567" in page
