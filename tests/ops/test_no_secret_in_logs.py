"""Known secrets and texts go through every door of the real portal; no log holds one of them."""

import json
import re
import smtplib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import shop
from tests.ops.real import Browser, House, eventually
from tests.webhooks.providers import postmark_mail

pytestmark = pytest.mark.processes

TEXTS = {
    "form": "violet hippopotamus in the form",
    "title": "violet-title-of-the-form",
    "file": "violet content of a file",
    "mail": "crimson giraffe in the mail",
    "subject": "crimson-subject-of-the-mail",
    "hook": "golden pelican in the webhook",
    "answer": "silver walrus in the answer",
    "more": "bronze badger on the case page",
}
PEOPLE = ("vera@example.org", "mila@example.org", "hugo@example.org")
PASSWORDS = {
    "staff": "secret-word-7",
    "wrong": "mistyped-word-8",
    "smtp": "smtp-hush-9",
    "token": "postmark-token-10",
    "hook": "portal:webhook-hush-11",
    "bad hook": "portal:webhook-wrong-12",
}
REQUEST = "edge-0123456789abcdef"


@pytest.fixture(scope="module")
def sink() -> Iterator[tuple[shop.Sink, str]]:
    """Where all mail goes."""
    with shop.sink_server() as found:
        yield found


@pytest.fixture(scope="module")
def house(sink: tuple[shop.Sink, str]) -> Iterator[House]:
    """The portal, with secrets that the test knows."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="onecase-ops-", dir="/tmp"))
        made = House(
            Path(folder),
            stack,
            EMAIL_URL=sink[1],
            OTHER_URL=f"smtp://user:{PASSWORDS['smtp']}@127.0.0.1:1",
            PM_TOKEN=PASSWORDS["token"],
            PM_SECRET=PASSWORDS["hook"],
        )
        made.open()
        yield made


def text_to(sink: shop.Sink, person: str, pattern: str) -> str:
    """What a mail to somebody says there."""

    def look() -> str:
        for mail in reversed(sink.mails):
            part = mail.get_body(("plain",))
            if person in str(mail["To"]) and part:
                found = re.search(pattern, str(part.get_content()), re.MULTILINE)
                if found:
                    return found[1]
        return ""

    return str(eventually(look))


@pytest.fixture(scope="module")
def secrets_used(house: House, sink: tuple[shop.Sink, str]) -> dict[str, str]:
    """Everything that people and programs do; the secrets that came up while they did."""
    mails, seen = sink[0], dict[str, str]()
    customer, desk, guest = Browser(house), Browser(house), Browser(house)
    # The form, with a file.
    assert customer.get("/")[0] == 200
    fields = {"text": TEXTS["form"], "title": TEXTS["title"], "client_key": str(shop.key())}
    way = {"way": "email", "address_email": PEOPLE[0]}
    status, place = customer.post(
        "/", {**fields, **way}, request_id=REQUEST, note=TEXTS["file"].encode()
    )
    assert status == 302, place
    reference = seen["reference"] = place.split("/")[2]
    # The link of the case, in another browser.
    link = text_to(mails, PEOPLE[0], r"https://help\.example\.org(/c/\w+/)")
    seen["link"] = link.split("/")[2]
    assert guest.get(link)[0] == 200 and guest.post(link, {})[0] == 302
    assert guest.get(f"/q/{reference}/")[0] == 200
    assert guest.post(f"/q/{reference}/", {"text": TEXTS["more"]})[0] in (200, 302)
    assert guest.get("/c/aaaaaaaaaaaaaaaaaaaaaaaaaa/")[0] in (404, 410)
    # A code, mistyped and typed.
    assert guest.post("/sign-in/", {"email": PEOPLE[0]})[0] == 302
    seen["code"] = text_to(mails, PEOPLE[0], r"^\s*(\d{6})\s*$")
    assert guest.post("/sign-in/code/", {"code": "000001"})[0] != 302
    assert guest.post("/sign-in/code/", {"code": seen["code"]})[0] == 302
    # A mail by SMTP, and the same person again with an answer.
    _mail(house, PEOPLE[1], shop.MAILBOX, TEXTS["subject"], TEXTS["mail"])
    answer_to = eventually(lambda: _reply_address(mails, PEOPLE[1]))
    seen["reply address"] = answer_to.partition("+")[2].partition("@")[0]
    _mail(house, PEOPLE[1], answer_to, TEXTS["subject"], TEXTS["mail"] + " again")
    # A webhook, refused and taken.
    raw = shop.mail(sender=PEOPLE[2], to="post@mail.example.org", text=TEXTS["hook"])
    for secret, wanted in ((PASSWORDS["bad hook"], 403), (PASSWORDS["hook"], 200)):
        body, headers = postmark_mail(raw, to="post@mail.example.org", secret=secret)
        status, _said = customer._ask("POST", "/webhooks/postmark/", body, headers)
        assert status == wanted
    # The desk: a wrong password, the right one, an answer.
    desk.get("/admin/login/")
    for password, wanted in ((PASSWORDS["wrong"], 200), (PASSWORDS["staff"], 302)):
        status, _ = desk.post("/admin/login/", {"username": "anna", "password": password})
        assert status == wanted
    fields = {"text": TEXTS["answer"], "kind": "", "seen": "99", "client_key": str(shop.key())}
    status, place = desk.post(f"/admin/cases/{reference}/answer/", fields)
    assert status == 302, place[:2000]
    eventually(lambda: any(TEXTS["answer"] in str(mail) for mail in mails.mails))
    eventually(lambda: "by postmark: processed" in house.log("worker"))
    for browser in (customer, guest, desk):
        for name in ("csrftoken", "onecase_staff", "onecase_customer"):
            if browser.cookies.get(name):
                seen[f"{name} {id(browser)}"] = browser.cookies[name]
    return seen


def _mail(house: House, sender: str, to: str, subject: str, text: str) -> None:
    with smtplib.SMTP("127.0.0.1", house.door, timeout=10) as smtp:
        raw = shop.mail(sender=sender, to=to, subject=subject, text=text)
        smtp.sendmail(sender, [to], raw)


def _reply_address(sink: shop.Sink, person: str) -> str:
    found = [str(mail["Reply-To"]) for mail in sink.mails if person in str(mail["To"])]
    return next((match[0] for a in found if (match := re.search(r"[\w.]+\+\w+@[\w.]+", a))), "")


def test_no_secret_and_no_text_is_in_any_log(house: House, secrets_used: dict[str, str]) -> None:
    seen = {name: value for name, value in secrets_used.items() if name != "reference"}
    assert {"link", "code", "reply address"} < set(seen) and len(seen) >= 8
    known = [*TEXTS.values(), *PEOPLE, *seen.values(), *PASSWORDS.values()]
    known += [house.env["SECRET_KEY"], "violet", "crimson", "golden", "silver", "bronze"]
    known += [value.partition(":")[2] for value in PASSWORDS.values() if ":" in value]
    for name in ("web", "worker", "smtp"):
        text = house.log(name)
        assert [secret for secret in known if secret.lower() in text.lower()] == [], name


def test_a_line_leads_from_the_request_to_its_task(
    house: House, secrets_used: dict[str, str]
) -> None:
    web, worker = house.lines("web"), house.lines("worker")
    asked = [line for line in web if line.get("request_id") == REQUEST]
    assert [(line["method"], line["route"], line["status"]) for line in asked] == [
        ("POST", "site:start", 302)
    ]
    assert asked[0]["case"] == secrets_used["reference"] and asked[0]["ms"] > 0
    done = [line for line in worker if line.get("request_id") == REQUEST]
    assert "channels_app.deliver" in {line.get("task") for line in done}
    sent = [line for line in done if line.get("case") == secrets_used["reference"]]
    assert any(re.search(r"by email: sent", line["message"]) for line in sent), done
    ended = [line for line in done if line["logger"] == "portal.tasks.done"]
    assert ended and {line["state"] for line in ended} == {"SUCCESS"}


def test_a_mail_and_a_webhook_are_found_by_case_and_request(
    house: House, secrets_used: dict[str, str]
) -> None:
    worker = house.lines("worker")
    taken = [line for line in worker if "processed" in line["message"] and "case" in line]
    assert {line["task"] for line in taken} == {"channels_app.process"} and len(taken) >= 3
    hooks = [line for line in house.lines("web") if line.get("route") == "webhook"]
    assert {line["status"] for line in hooks} == {200, 403}
    by_hook = {line["request_id"] for line in hooks if line["status"] == 200}
    assert by_hook & {line["request_id"] for line in taken}


def test_every_line_is_json_and_names_routes(house: House, secrets_used: dict[str, str]) -> None:
    for name in ("web", "worker"):
        for line in house.lines(name):
            assert {"time", "level", "logger", "message"} <= set(line), line
    routes: set[Any] = {line.get("route") for line in house.lines("web")}
    wanted = {"site:start", "site:case_link", "site:sign_in_code", "admin:login", "webhook"}
    assert wanted <= routes, routes
    assert "/c/" not in house.log("web") and "/q/" not in json.dumps(house.lines("web"))
