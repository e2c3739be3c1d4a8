"""The fakes held against the providers' own words: schemas, signatures, refusals."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import jsonschema
import pytest
from twilio.request_validator import RequestValidator

from channels_app.adapters.whatsapp import MEDIA
from portal.simulator import accounts
from portal.simulator.book import READ, SENT, Book, Bubble, now
from portal.simulator.providers import courier, door, moods
from portal.simulator.providers.base import Hook
from portal.simulator.providers.moods import PROVIDERS
from tests.needs import corpus
from tests.serving import serving
from tests.setup.test_processes import until

TOM = "+442079460102"
PUBLIC = "http://testserver"


class World:
    """The fake providers on a port, and what they posted."""

    def __init__(self, address: str, hooks: list[Hook]) -> None:
        self.address, self.hooks = address, hooks
        self.client = httpx.Client(trust_env=False)

    def sms(self, fields: dict[str, str] | None = None, password: str = "") -> httpx.Response:
        """Ask for an SMS as an account does."""
        sid = accounts.value("DEMO_TWILIO_ACCOUNT_SID")
        usual = {"To": TOM, "From": accounts.SMS_NUMBER, "Body": "Hello"}
        data = {name: value for name, value in (usual | (fields or {})).items() if value}
        url = f"{accounts.value('DEMO_TWILIO_URL')}/2010-04-01/Accounts/{sid}/Messages.json"
        password = password or accounts.value("DEMO_TWILIO_AUTH_TOKEN")
        return self.client.post(url, data=data, auth=(sid, password))

    def whatsapp(self, content: Any, token: str = "", edge: str = "messages") -> httpx.Response:
        """Ask for a message as an app does."""
        pk = accounts.value("DEMO_WHATSAPP_PHONE_NUMBER_ID")
        url = f"{accounts.value('DEMO_WHATSAPP_URL')}/v23.0/{pk}/{edge}"
        token = token or accounts.value("DEMO_WHATSAPP_ACCESS_TOKEN")
        base = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": TOM[1:]}
        headers = {"Authorization": f"Bearer {token}"}
        return self.client.post(url, json=base | content, headers=headers)


@pytest.fixture
def world(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    settings.DATA_DIR, settings.PUBLIC_URL = tmp_path, PUBLIC
    hooks: list[Hook] = []
    with door.in_background(hooks.extend) as address:
        for name, value in accounts.environment(tmp_path, address).items():
            monkeypatch.setenv(name, value)
        made = World(address, hooks)
        yield made
        made.client.close()


def wrote(app: str = "whatsapp", **more: Any) -> Bubble:
    """The customer wrote."""
    shop = {"sms": accounts.SMS_NUMBER, "whatsapp": accounts.WHATSAPP_NUMBER}[app]
    provider = PROVIDERS[app]
    usual: dict[str, Any] = {"text": "Hi", "status": SENT, "at": now(), "mine": True}
    bubble = Bubble(id=provider.new_id(), owner=TOM, peer=shop, **(usual | more))
    provider.book.add(bubble)
    return bubble


def openapi() -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((corpus("twilio_oai") / "twilio_api_v2010.json").read_text())
    return spec


def nullable(node: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema: `nullable` is a second type there."""
    if isinstance(node, list):
        return [nullable(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: nullable(value) for name, value in node.items()}
    if made.pop("nullable", False) is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


# Twilio


def test_a_message_is_answered_as_its_schema_says(world: World) -> None:
    spec = nullable(openapi())
    answer = world.sms()
    assert answer.status_code == 201
    schema = {"$ref": "#/components/schemas/api.v2010.account.message", **spec}
    jsonschema.validate(answer.json(), schema)
    names = spec["components"]["schemas"]["api.v2010.account.message"]["properties"]
    assert set(answer.json()) <= set(names)
    (bubble,) = Book("sms").bubbles(TOM)
    assert (bubble.text, bubble.mine, bubble.id) == ("Hello", False, answer.json()["sid"])


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"To": ""}, 400, 21604),
        ({"From": ""}, 400, 21603),
        ({"Body": ""}, 400, 21602),
        ({"To": "0207"}, 400, 21211),
        ({"From": "+15005550001"}, 400, 21606),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"StatusCallback": "nonsense"}, 400, 21609),
    ],
)
def test_what_twilio_refuses(world: World, fields: dict[str, str], status: int, code: int) -> None:
    answer = world.sms(fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["more_info"].endswith(f"/errors/{code}")
    assert Book("sms").bubbles() == []


def test_twilio_knows_its_accounts(world: World) -> None:
    wrong = world.sms(password="wrong")
    assert (wrong.status_code, wrong.json()["code"]) == (401, 20003)


def test_stop_and_start(world: World) -> None:
    PROVIDERS["sms"].incoming(wrote("sms", text=" Stop "))
    refused = world.sms()
    assert (refused.status_code, refused.json()["code"]) == (400, 21610)
    assert "unsubscribed" in Book("sms").bubbles(TOM)[-1].text
    PROVIDERS["sms"].incoming(wrote("sms", text="START"))
    assert world.sms().status_code == 201


def test_yes_alone_starts_nothing(world: World) -> None:
    hook = PROVIDERS["sms"].incoming(wrote("sms", text="Yes"))
    assert b"OptOutType" not in hook.body
    assert len(Book("sms").bubbles()) == 1


def test_twilios_own_validator_takes_our_signatures(world: World) -> None:
    world.sms({"StatusCallback": f"{PUBLIC}/webhooks/sms/?key=abc"})
    incoming = PROVIDERS["sms"].incoming(wrote("sms", text="Één + één = €2 & more"))
    validator = RequestValidator(accounts.value("DEMO_TWILIO_AUTH_TOKEN"))
    assert len(world.hooks) == 2
    for hook in [*world.hooks, incoming]:
        fields = dict(httpx.QueryParams(hook.body.decode()))
        assert validator.validate(hook.url, fields, hook.headers["X-Twilio-Signature"])
        assert not validator.validate(hook.url + "x", fields, hook.headers["X-Twilio-Signature"])


def test_media_needs_the_password_and_moves_on(world: World) -> None:
    kept = Book("sms").keep(b"GIF89a", "a.gif", "image/gif")
    hook = PROVIDERS["sms"].incoming(wrote("sms", files=(kept,)))
    url = httpx.QueryParams(hook.body.decode())["MediaUrl0"]
    assert world.client.get(url).status_code == 401
    sid = accounts.value("DEMO_TWILIO_ACCOUNT_SID")
    auth = (sid, accounts.value("DEMO_TWILIO_AUTH_TOKEN"))
    moved = world.client.get(url, auth=auth)
    assert moved.status_code == 307
    assert world.client.get(moved.headers["Location"]).content == b"GIF89a"
    guessed = moved.headers["Location"][:-40] + "0" * 40
    assert world.client.get(guessed).status_code == 404


# WhatsApp


def test_a_text_goes_within_the_window(world: World) -> None:
    wrote()
    answer = world.whatsapp({"type": "text", "text": {"body": "Yes"}, **tagged("k1")})
    assert answer.status_code == 200
    assert answer.json()["contacts"] == [{"input": TOM[1:], "wa_id": TOM[1:]}]
    bubble = Book("whatsapp").bubbles(TOM)[-1]
    assert answer.json()["messages"] == [{"id": bubble.id}]
    assert statuses(world) == [("sent", "k1"), ("delivered", "k1")]


def tagged(key: str) -> dict[str, str]:
    return {"biz_opaque_callback_data": key}


def statuses(world: World) -> list[tuple[str, str]]:
    found = []
    for hook in world.hooks:
        value = json.loads(hook.body)["entry"][0]["changes"][0]["value"]
        row = value["statuses"][0]
        found.append((row["status"], row["biz_opaque_callback_data"]))
    return found


@pytest.mark.parametrize("reason", ["never wrote", "mood", "long ago"])
def test_a_closed_window_is_told_afterwards(world: World, reason: str) -> None:
    if reason != "never wrote":
        bubble = wrote()
    if reason == "mood":
        moods.switch("whatsapp", "closed", on=True)
    if reason == "long ago":
        Book("whatsapp").date(bubble.id, bubble.at.replace(year=bubble.at.year - 1))
    answer = world.whatsapp({"type": "text", "text": {"body": "Yes"}, **tagged("k")})
    assert answer.status_code == 200
    assert statuses(world) == [("failed", "k")]
    assert b'"code":131047' in world.hooks[0].body
    assert not [one for one in Book("whatsapp").bubbles() if not one.mine]


def test_an_approved_template_goes_at_any_time(world: World) -> None:
    values = [{"type": "text", "text": text} for text in ("AB12", "https://x.example/1")]
    content = {
        "name": "answer_waiting",
        "language": {"code": "nl"},
        "components": [{"type": "body", "parameters": values}],
    }
    assert world.whatsapp({"type": "template", "template": content}).status_code == 200
    text = Book("whatsapp").bubbles(TOM)[0].text
    assert text == "Er is een antwoord op AB12. Lees het hier: https://x.example/1 ."
    for change, code in (({"name": "other"}, 132001), ({"components": []}, 132000)):
        refused = world.whatsapp({"type": "template", "template": content | change})
        assert refused.json()["error"]["code"] == code


def button(word: str, title: str = "Yes") -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": word, "title": title}}


def interactive(*buttons: dict[str, Any]) -> dict[str, Any]:
    part = {"type": "button", "body": {"text": "Join?"}, "action": {"buttons": list(buttons)}}
    return {"type": "interactive", "interactive": part}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"type": "text", "text": {"body": ""}}, 100),
        ({"type": "text", "text": {"body": "x" * 4097}}, 100),
        ({"type": "text"}, 100),
        ({"type": "hologram", "hologram": {}}, 100),
        ({"messaging_product": "", "type": "text", "text": {"body": "x"}}, 100),
        ({"to": "12", "type": "text", "text": {"body": "x"}}, 100),
        ({"type": "image", "image": {"id": "1"}}, 131053),
        (interactive(), 100),
        (interactive(*(button(str(n)) for n in range(4))), 100),
        (interactive(button("y", "x" * 21)), 100),
        (interactive(button("y"), button("y")), 100),
    ],
)
def test_what_whatsapp_refuses(world: World, content: dict[str, Any], code: int) -> None:
    wrote()
    answer = world.whatsapp(content)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == code and error["type"] == "OAuthException" and error["fbtrace_id"]
    assert world.hooks == []


def test_a_wrong_token(world: World) -> None:
    answer = world.whatsapp({"type": "text", "text": {"body": "x"}}, token="EAAwrong")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)


def upload(world: World, sort: str, content: bytes) -> httpx.Response:
    """Bring a file there."""
    pk = accounts.value("DEMO_WHATSAPP_PHONE_NUMBER_ID")
    return world.client.post(
        f"{accounts.value('DEMO_WHATSAPP_URL')}/v23.0/{pk}/media",
        data={"messaging_product": "whatsapp", "type": sort},
        files={"file": ("plan.pdf", content, sort)},
        headers={"Authorization": f"Bearer {accounts.value('DEMO_WHATSAPP_ACCESS_TOKEN')}"},
    )


def test_files_that_whatsapp_refuses(world: World) -> None:
    wrote()
    for sort in ("application/zip", "image/svg+xml", "image/gif", "text/html"):
        assert upload(world, sort, b"x").json()["error"]["code"] == 100
    large = upload(world, "image/png", b"x" * (5 * 1024 * 1024 + 1))
    assert large.json()["error"]["code"] == 131053
    for sort, content_type in (("image", "application/pdf"), ("document", "image/png")):
        part = {"id": upload(world, content_type, b"x").json()["id"]}
        refused = world.whatsapp({"type": sort, sort: part})
        assert refused.json()["error"]["code"] == 131053
    sound = {"id": upload(world, "audio/ogg", b"x").json()["id"], "caption": "Hear"}
    assert world.whatsapp({"type": "audio", "audio": sound}).json()["error"]["code"] == 100
    assert not [one for one in Book("whatsapp").bubbles() if not one.mine]


def test_whatever_our_adapter_sends_is_taken_there(world: World) -> None:
    wrote()
    for content_type, sort in MEDIA.items():
        part = {"id": upload(world, content_type, b"x").json()["id"]}
        assert world.whatsapp({"type": sort, sort: part}).status_code == 200, content_type


def test_a_file_goes_up_and_along(world: World) -> None:
    wrote()
    up = upload(world, "application/pdf", b"%PDF-1.7\r\n\x00\xff")
    part = {"id": up.json()["id"], "filename": "Plan.pdf", "caption": "See"}
    assert world.whatsapp({"type": "document", "document": part}).status_code == 200
    bubble = Book("whatsapp").bubbles(TOM)[-1]
    assert (bubble.text, bubble.files[0].name) == ("See", "Plan.pdf")
    found = Book("whatsapp").file(bubble.files[0].key)
    assert found and found[1] == b"%PDF-1.7\r\n\x00\xff"


def test_a_customers_file_is_fetched_in_two_steps(world: World) -> None:
    kept = Book("whatsapp").keep(b"\x89PNG", "a.png", "image/png")
    hook = PROVIDERS["whatsapp"].incoming(wrote(files=(kept,), text="Look"))
    message = json.loads(hook.body)["entry"][0]["changes"][0]["value"]["messages"][0]
    assert message["image"]["caption"] == "Look"
    url = f"{accounts.value('DEMO_WHATSAPP_URL')}/v23.0/{message['image']['id']}"
    assert world.client.get(url).status_code == 401
    headers = {"Authorization": f"Bearer {accounts.value('DEMO_WHATSAPP_ACCESS_TOKEN')}"}
    meta = world.client.get(url, headers=headers).json()
    assert meta["mime_type"] == "image/png" and meta["sha256"] == message["image"]["sha256"]
    assert world.client.get(meta["url"]).status_code == 401
    assert world.client.get(meta["url"], headers=headers).content == b"\x89PNG"


def test_the_bytes_are_signed_as_they_go(world: World) -> None:
    hook = PROVIDERS["whatsapp"].incoming(wrote(text="Zoë / 5€"))
    secret = accounts.value("DEMO_WHATSAPP_APP_SECRET").encode()
    digest = hmac.new(secret, hook.body, hashlib.sha256).hexdigest()
    assert hook.headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert b"\\/" in hook.body and json.loads(hook.body)


def test_a_tapped_button_brings_its_word(world: World) -> None:
    wrote()
    world.whatsapp(interactive(button("yes", "Yes, join"), button("no", "No")))
    asked = Book("whatsapp").bubbles(TOM)[-1]
    assert asked.buttons == (("yes", "Yes, join"), ("no", "No"))
    hook = PROVIDERS["whatsapp"].incoming(wrote(text="Yes, join"), "yes")
    assert b'"button_reply":{"id":"yes","title":"Yes, join"}' in hook.body


def test_opening_a_conversation_reads_it_once(world: World) -> None:
    wrote()
    world.whatsapp({"type": "text", "text": {"body": "Yes"}, **tagged("k")})
    provider = PROVIDERS["whatsapp"]
    (hook,) = provider.seen(TOM, accounts.WHATSAPP_NUMBER)
    assert b'"status":"read"' in hook.body
    assert provider.seen(TOM, accounts.WHATSAPP_NUMBER) == []
    assert provider.book.unread() == 0


def test_the_shop_reads_what_the_customer_wrote(world: World) -> None:
    bubble = wrote()
    done = world.whatsapp({"status": "read", "message_id": bubble.id})
    assert done.json() == {"success": True}
    found = Book("whatsapp").get(bubble.id)
    assert found and found.status == READ


# Moods and webhooks


@pytest.mark.parametrize(
    ("mood", "status"), [("broken", 500), ("busy", 429), ("garbage", 200), ("slow", 201)]
)
def test_a_mood(world: World, monkeypatch: pytest.MonkeyPatch, mood: str, status: int) -> None:
    waited: list[float] = []
    monkeypatch.setattr(moods.time, "sleep", waited.append)
    moods.switch("sms", mood, on=True)
    answer = world.sms()
    assert answer.status_code == status
    assert len(Book("sms").bubbles()) == (mood == "slow")
    assert waited == ([5.0] if mood == "slow" else [])
    if mood == "busy":
        assert answer.headers["Retry-After"] == "10" and answer.json()["code"] == 20429
    moods.normal("sms")
    assert world.sms().status_code == 201


def test_twice_and_out_of_order(world: World) -> None:
    wrote()
    moods.switch("whatsapp", "twice", on=True)
    moods.switch("whatsapp", "disorder", on=True)
    world.whatsapp({"type": "text", "text": {"body": "Yes"}, **tagged("k")})
    told = sorted(world.hooks, key=lambda hook: hook.after)
    world.hooks[:] = told
    assert [one for one, _key in statuses(world)] == ["delivered"] * 2 + ["sent"] * 2


def test_who_blocks_us_gets_nothing(world: World) -> None:
    wrote()
    for app in ("sms", "whatsapp"):
        moods.switch(app, "blocked", on=True)
    assert world.sms().json()["code"] == 21610
    world.whatsapp({"type": "text", "text": {"body": "Yes"}, **tagged("k")})
    assert statuses(world) == [("failed", "k")]
    assert b'"code":131026' in world.hooks[0].body


class Shop(BaseHTTPRequestHandler):
    """Whoever has an account there: answers with one status after the other."""

    statuses: ClassVar[list[int]] = []
    seen: ClassVar[list[tuple[str, str]]] = []
    answer: ClassVar[bytes] = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["Host"]))
        self.send_response(self.statuses.pop(0))
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Shop]]:
    Shop.seen, Shop.answer = [], b""
    server = HTTPServer(("127.0.0.1", 0), Shop)
    monkeypatch.setenv(accounts.WEB, f"http://127.0.0.1:{server.server_address[1]}")
    with serving(server):
        yield Shop


def test_nothing_is_posted_to_anybody_else(world: World, shop: type[Shop]) -> None:
    assert courier.post(Hook("https://evil.example/webhooks/sms/", {}, b"", "sms"))
    assert courier.post(Hook("http://testserver.evil.example/", {}, b"", "sms"))
    assert shop.seen == []


def test_a_webhook_goes_by_this_machines_door_under_the_public_name(
    world: World, shop: type[Shop]
) -> None:
    shop.statuses = [503, 200]
    bubble = wrote("sms")
    hook = PROVIDERS["sms"].incoming(bubble)
    assert not courier.post(hook)
    assert ticks(bubble) == "sent"
    assert courier.post(hook)
    assert ticks(bubble) == "delivered"
    assert shop.seen == [("/webhooks/sms/", "testserver")] * 2


def ticks(bubble: Bubble) -> str:
    found = Book("sms").get(bubble.id)
    return found.status if found else ""


def test_it_is_posted_again_until_it_is_taken(
    world: World, shop: type[Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(courier, "_couriers", {})
    shop.statuses = [500, 500, 200, 500, 500, 500]
    taken, lost = wrote("sms"), wrote("sms", text="2")
    courier.take([PROVIDERS["sms"].incoming(taken)])
    assert until(lambda: ticks(taken) == "delivered")
    courier.take([PROVIDERS["sms"].incoming(lost)])
    assert until(lambda: Book("sms").fact(courier.LOST) == 1)
    assert ticks(lost) == "sent"
    assert len(shop.seen) == 6


def test_twilio_sends_a_plain_answer_on(world: World, shop: type[Shop]) -> None:
    shop.statuses, shop.answer = [200], b"Stored.\n"
    assert courier.post(PROVIDERS["sms"].incoming(wrote("sms")))
    assert Book("sms").bubbles()[-1].text == "Stored.\n"


def test_the_secrets_stay_the_same_and_private(tmp_path: Path) -> None:
    first = accounts.environment(tmp_path, "http://127.0.0.1:1")
    again = accounts.environment(tmp_path, "http://127.0.0.1:2")
    secret = [name for name in accounts.MAKERS if first[name] == again[name]]
    assert len(secret) == len(accounts.MAKERS)
    assert (tmp_path / "providers.json").stat().st_mode & 0o077 == 0
    assert accounts.environment(tmp_path / "other", "")[secret[0]] != first[secret[0]]


def test_a_book_reads_only_what_is_new(world: World) -> None:
    book = Book("sms")
    one = wrote("sms", text="one\u2028two")
    assert [bubble.text for bubble in book.bubbles()] == ["one\u2028two"]
    with open(book.path, "ab") as file:
        file.write(b'{"sort": "status", "id": "')  # a line that is being written
    assert len(book.bubbles()) == 1
    with open(book.path, "ab") as file:
        file.write(one.id.encode() + b'", "status": "read"}\n')
    assert book.bubbles()[0].status == READ
    book.clear()
    assert book.bubbles() == []
