"""WhatsApp by Meta's Cloud API: its contract, its signature, its words, real payloads."""

import functools
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from channels_app.adapters.base import (
    Account,
    Adapter,
    Approved,
    BadSignature,
    Button,
    Correction,
    Inbound,
    InFile,
    Misconfigured,
    OutFile,
    Parsed,
    Receipt,
    RecipientGone,
    Rejected,
    Request,
    SendError,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.whatsapp import MAX_FILE, WhatsAppAdapter
from tests import needs
from tests.adapters.contract import KEY, Contract, said
from tests.webhooks.providers import Said

NUMBER, OTHER = "106540352242922", "999999999999999"
TOKEN, SECRET, WORD = "a-token-of-meta-51c2", "a-secret-of-meta-9e1f", "a-word-agreed-on-77b0"
URL = "https://portal.example.org/webhooks/whatsapp/"
SAM, OURS = "+31612345678", "+31 97 0102 00000"
MESSAGE, EARLIER = "wamid.HBgLMzE2MTIzNDU2Nzg=", "wamid.EARLIER="
JPEG = b"\xff\xd8\xff\xe0 a picture"


def signed(body: bytes, secret: str = SECRET, header: str | None = None) -> Request:
    """A body as Meta posts it."""
    mine = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = [("content-type", "application/json")]
    if header != "":
        headers.append(("x-hub-signature-256", mine if header is None else header))
    return Request(body, tuple(headers), method="POST", url=URL)


def value(number: str = NUMBER, **content: Any) -> dict[str, Any]:
    """What one change says."""
    metadata = {"display_phone_number": "31970102 00000", "phone_number_id": number}
    sam = {"profile": {"name": "Sam"}, "wa_id": SAM[1:]}
    return {"messaging_product": "whatsapp", "metadata": metadata, "contacts": [sam], **content}


def posted(*values: dict[str, Any], field: str = "messages") -> Request:
    """A batch: each value as a change of its own. Meta escapes slashes and what is not ASCII."""
    changes = [{"field": field, "value": one} for one in values]
    said = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
    return signed(json.dumps(said).replace("/", "\\/").encode())


def wrote(sort: str, part: Any, pk: str = MESSAGE, **more: Any) -> Request:
    """One message of Sam's."""
    own = {"from": SAM[1:], "id": pk, "timestamp": "1749854575", "type": sort}
    own |= {sort: part} if part is not None else {}
    return posted(value(messages=[own | more]))


def status(word: str, key: str = KEY, **more: Any) -> dict[str, Any]:
    """What became of one of ours."""
    own = {"id": MESSAGE, "status": word, "timestamp": "1749854575", "recipient_id": SAM[1:]}
    return own | {"biz_opaque_callback_data": key} | more


def fault(code: int, words: str = "No.") -> dict[str, Any]:
    """A fault as Meta words it, in an answer and in a status."""
    return {"code": code, "title": "T", "message": "M", "error_data": {"details": words}}


def refusal(http: int, code: int, words: str = "No.", **headers: str) -> Said:
    """A refusal of Meta's."""
    return said(http, {"error": fault(code, words) | {"type": "OAuthException"}}, **headers)


def receipt(word: str, ours: str, **more: Any) -> Receipt:
    """What a status says to us."""
    own = {"detail": word, **more}
    return Receipt(f"{MESSAGE} {word}", KEY, ours, recipient=SAM, signed=True, **own)


def taken(pk: str = MESSAGE) -> Said:
    """A message that was taken."""
    return said(200, {"messaging_product": "whatsapp", "messages": [{"id": pk}]})


def told(call: Any) -> dict[str, Any]:
    """What Meta was told, without what each message has."""
    content = json.loads(call[2])
    assert content.pop("messaging_product") == "whatsapp"
    assert content.pop("recipient_type") == "individual" and content.pop("to") == SAM[1:]
    return dict(content)


class TestWhatsApp(Contract):
    """The contract, with Meta's words."""

    provider_name = "whatsapp"
    kind = "whatsapp"
    address = OURS
    to = SAM
    config: ClassVar[dict[str, str]] = {
        "phone_number_id": NUMBER,
        "access_token": TOKEN,
        "app_secret": SECRET,
        "verify_token": WORD,
        "base_url": "{url}",
    }
    public = frozenset({"base_url", "phone_number_id"})
    answers: ClassVar[dict[str, Said]] = {
        "ok": taken(),
        "fault": said(500),
        "busy": refusal(400, 80007, Retry_After="120"),
        "refused": refusal(400, 100),
        "gone": refusal(400, 131026),
        "key": refusal(401, 190),
        "nonsense": (200, {}, b"<html>"),
        "echo": refusal(400, 100, f"With {TOKEN} you may not."),
    }
    unheard_of: ClassVar[dict[str, str]] = {"stopped": "a block there looks like no WhatsApp"}

    def key_in(self, call: Any) -> str:
        return str(json.loads(call[2])["biz_opaque_callback_data"])

    def posts(self) -> list[tuple[Request, list[Parsed]]]:
        sam = functools.partial(Inbound, MESSAGE, MESSAGE, "phone", SAM, "Sam")
        correction = functools.partial(Correction, scheme="phone", sender=SAM)
        media = {"id": "8487", "mime_type": "audio/ogg; codecs=opus", "sha256": "x"}
        paper = {"id": "8488", "mime_type": "application/pdf", "filename": "bill.pdf"}
        order = {"quantity": 2, "product_retailer_id": "BELL", "item_price": 9, "currency": "EUR"}
        both = [{"phones": [{"phone": "+31 6 1"}], "name": {"formatted_name": "Kim"}}, {}]
        tap = {"type": "button_reply", "button_reply": {"id": "YES", "title": "Yes, please"}}
        row = {"type": "list_reply", "list_reply": {"id": "2", "title": "The second"}}
        form = {"response_json": '{"flow_token": "t", "stars": 4}', "body": "Sent"}
        moved = {"type": "user_changed_number", "wa_id": "31600000000", "body": "Sam has moved."}
        unknown: dict[str, Any] = {"errors": [fault(131051, "Message type is not supported.")]}
        there = f"{MESSAGE} edited", EARLIER
        return [
            (wrote("text", {"body": "Is it there? Ça va 🙂 a/b"}),
             [sam(text="Is it there? Ça va 🙂 a/b")]),
            (wrote("text", {"body": "And?"}, context={"id": EARLIER}),
             [sam(text="And?", refers_to=(EARLIER,))]),
            (wrote("text", {"body": "Hi"}, referral={"headline": "Summer sale"}),
             [sam(text="Hi", subject="Summer sale")]),
            (wrote("button", {"payload": "YES", "text": "Yes!"}), [sam(text="YES")]),
            (wrote("interactive", tap), [sam(text="YES")]),
            (wrote("interactive", row), [sam(text="2")]),
            (wrote("interactive", {"type": "nfm_reply", "nfm_reply": form}),
             [sam(text="stars: 4")]),
            (wrote("audio", media), [sam(files=(InFile("audio", "audio/ogg", b"", "", "8487"),))]),
            (wrote("document", paper | {"caption": "The bill"}),
             [sam(text="The bill",
                  files=(InFile("bill.pdf", "application/pdf", b"", "", "8488"),))]),
            (wrote("location", {"latitude": 52.1, "longitude": 4.9, "name": "Shop"}),
             [sam(text="Shop\nhttps://www.openstreetmap.org/?mlat=52.1&mlon=4.9")]),
            (wrote("contacts", both), [sam(text="Kim\n+31 6 1")]),
            (wrote("order", {"text": "Soon?", "product_items": [order]}),
             [sam(text="Soon?\n2 x BELL, 9 EUR")]),
            (wrote("system", moved), [sam(text="Sam has moved.", automatic=True)]),
            (wrote("unsupported", None, **unknown),
             [sam(text="WhatsApp: Message type is not supported.")]),
            (wrote("a sort of tomorrow", {"x": 1}), [sam(text="WhatsApp: a sort of tomorrow")]),
            (wrote("reaction", {"message_id": EARLIER, "emoji": "👍"}),
             [correction(f"{MESSAGE} reacted", EARLIER, sort="reacted", text="👍")]),
            (wrote("reaction", {"message_id": EARLIER}),
             [correction(f"{MESSAGE} reacted", EARLIER, sort="reacted")]),
            (wrote("edit", {"original_message_id": EARLIER,
                            "message": {"type": "text", "text": {"body": "Blue!"}}}),
             [correction(*there, sort="edited", text="Blue!")]),
            (wrote("edit", {"original_message_id": EARLIER,
                            "message": {"type": "image", "image": {"caption": "Mine"}}}),
             [correction(*there, sort="edited", text="Mine")]),
            (wrote("revoke", {"original_message_id": EARLIER}),
             [correction(f"{MESSAGE} deleted", EARLIER, sort="deleted")]),
            (posted(value(statuses=[status("read"), status("delivered"), status("sent")])),
             [receipt("read", "read"), receipt("delivered", "delivered")]),
            (posted(value(statuses=[status("played")])), [receipt("played", "read")]),
            (posted(value(statuses=[status("failed", errors=[fault(131026, "No WhatsApp.")])])),
             [receipt("failed", "failed", detail="failed 131026 No WhatsApp.", gone=True)]),
            (posted(value(statuses=[status("failed", errors=[fault(131047, "Too late.")])])),
             [receipt("failed", "failed", detail="failed 131047 Too late.")]),
            (posted(value(statuses=[status("delivered", KEY + "+"), status("failed", KEY + "+")])),
             [receipt("failed", "returned")]),
        ]  # fmt: skip

    def unknown(self) -> list[Request]:
        text = {"from": SAM[1:], "id": MESSAGE, "type": "text", "text": {"body": "Hi"}}
        permission = {"type": "call_permission_reply", "call_permission_reply": {}}
        return [
            posted(value(OTHER, messages=[text], statuses=[status("read")])),  # another number's
            posted({"messages": [text]}),  # nobody's
            posted(value(messages=[text]), field="history"),
            posted(value(statuses=[status("sent"), status("warning")])),
            wrote("request_welcome", None),
            wrote("interactive", permission),
            wrote("system", {"type": "customer_identity_changed", "body": "Changed."}),
            posted(value(calls=[{"id": "1", "event": "connect"}])),
            signed(b"{}"),
        ]

    def garbage(self) -> list[Request]:
        return [
            signed(b""),
            signed(b"\xff{"),
            signed(b"[" * 100_000),
            signed(b"[1]"),
            signed(b'{"entry": 1}'),
            signed(b'{"entry": [null]}'),
            signed(b'{"x": "' + b"x" * (4 * 1024 * 1024) + b'"}'),
            posted(value(messages={"from": SAM})),
        ]

    def forged(self) -> dict[str, Request]:
        good = wrote("text", {"body": "Ça va"})
        proof = good.header("x-hub-signature-256")
        again = json.dumps(json.loads(good.body), ensure_ascii=False).encode()
        sha1 = hmac.new(SECRET.encode(), good.body, hashlib.sha1).hexdigest()
        return {
            "missing": signed(good.body, header=""),
            "wrong": signed(good.body, secret="another secret"),
            "re-encoded": signed(again, header=proof),
            "a byte more": signed(good.body + b" ", header=proof),
            "without its name": signed(good.body, header=proof.removeprefix("sha256=")),
            "by the older way": signed(good.body, header=f"sha1={sha1}"),
            "in capitals": signed(good.body, header=proof.upper()),
            "cut": signed(good.body, header=proof[:-1]),
            "beyond ASCII": signed(good.body, header="sha256=" + "ü" * 64),
            "no secret at all": signed(good.body, secret=""),
            "by another door": Request(good.body),
        }

    # Out

    def test_what_meta_is_told(self, adapter: Adapter, server: Any) -> None:
        adapter.send(self.outbound())
        path, headers, _body = server.calls[0]
        assert re.fullmatch(rf"/v[0-9]+\.0/{NUMBER}/messages", path)
        assert headers["Authorization"] == f"Bearer {TOKEN}"
        text = {"preview_url": False, "body": "Déjà: it is there."}
        key = {"biz_opaque_callback_data": KEY}
        assert told(server.calls[0]) == key | {"type": "text", "text": text}

    def test_buttons(self, adapter: Adapter, server: Any) -> None:
        buttons = (Button("YES", "Yes, call me"), Button("NO", "No, please write to me instead"))
        adapter.send(replace(self.outbound(), buttons=buttons))
        asked = told(server.calls[0])["interactive"]
        rows = [button["reply"] for button in asked["action"]["buttons"]]
        assert asked["type"] == "button" and asked["body"] == {"text": "Déjà: it is there."}
        assert [row["id"] for row in rows] == ["YES", "NO"]
        assert [row["title"] for row in rows] == ["Yes, call me", "No, please write to…"]
        assert max(len(row["title"]) for row in rows) == 20

    @pytest.mark.parametrize("between", ["\n\n", "\n", " ", ""])
    def test_a_long_text_with_buttons_goes_in_two(
        self, adapter: Adapter, server: Any, between: str
    ) -> None:
        text = between.join(["a" * 1000, "b" * 500, "c" * 500])
        adapter.send(replace(self.outbound(), text=text, buttons=(Button("YES", "Yes"),)))
        first, second = map(told, server.calls)
        parts = first["text"]["body"], second["interactive"]["body"]["text"]
        assert len(parts[1]) <= 1024 and between.join(parts) == text
        assert second["biz_opaque_callback_data"] == KEY
        assert first["biz_opaque_callback_data"] == KEY + "+"

    def test_an_approved_text(self, adapter: Adapter, server: Any) -> None:
        approved = Approved("answer_ready", "nl", ("R-123", "two\nlines    here"))
        adapter.send(replace(self.outbound(), approved=approved))
        template = told(server.calls[0])["template"]
        values = template["components"][0]["parameters"]
        assert (template["name"], template["language"]) == ("answer_ready", {"code": "nl"})
        assert [one["text"] for one in values] == ["R-123", "two lines here"]
        adapter.send(replace(self.outbound(), approved=Approved("hello", "en_US")))
        assert told(server.calls[1])["template"]["components"] == []

    def test_one_picture_carries_the_text(self, adapter: Adapter, server: Any) -> None:
        server.provider.answers = [said(200, {"id": "55"})]
        file = OutFile("Sún.jpg", "image/jpeg", JPEG)
        adapter.send(replace(self.outbound(), files=(file,)))
        upload, message = server.calls
        assert upload[0].endswith(f"/{NUMBER}/media") and JPEG in upload[2]
        form = b'name="messaging_product"\r\n\r\nwhatsapp', b'name="type"\r\n\r\nimage/jpeg'
        assert all(part in upload[2] for part in form)
        assert told(message)["image"] == {"id": "55", "caption": "Déjà: it is there."}

    def test_several_files_go_before_the_text(self, adapter: Adapter, server: Any) -> None:
        server.provider.answers = [said(200, {"id": pk}) for pk in ("1", "2", "3")]
        server.provider.answers += [taken("a"), taken("b"), taken("c"), taken("d")]
        sorts = ("application/pdf", "audio/mpeg", "video/mp4")
        files = tuple(OutFile(f"f{n}", sort, b"x") for n, sort in enumerate(sorts))
        assert adapter.send(replace(self.outbound(), files=files)).provider_id == "d"
        messages = list(map(told, server.calls[3:]))
        assert messages[0]["document"] == {"id": "1", "filename": "f0"}
        assert messages[1]["audio"] == {"id": "2"} and messages[2]["video"] == {"id": "3"}
        assert [m["type"] for m in messages] == ["document", "audio", "video", "text"]
        keys = [m["biz_opaque_callback_data"] for m in messages]
        assert keys == [KEY + "+"] * 3 + [KEY]

    @pytest.mark.parametrize(
        ("files", "sorts"),
        [(("image/png",), ["image"]), (("audio/amr", "text/plain"), ["audio", "document"])],
    )
    def test_files_alone(
        self, adapter: Adapter, server: Any, files: tuple[str, ...], sorts: list[str]
    ) -> None:
        server.provider.answers = [said(200, {"id": "1"}) for _file in files]
        out = tuple(OutFile("f", sort, b"x") for sort in files)
        adapter.send(replace(self.outbound(), text="", files=out))
        assert [told(call)["type"] for call in server.calls[len(files) :]] == sorts

    @pytest.mark.parametrize("answer", [refusal(400, 131026), refusal(401, 190), said(500)])
    def test_half_an_answer_is_uncertain(self, adapter: Adapter, server: Any, answer: Said) -> None:
        server.provider.answers = [said(200, {"id": "1"}), taken(), answer]
        out = replace(self.outbound(), files=(OutFile("f", "audio/amr", b"x"),))
        with pytest.raises(Uncertain):
            adapter.send(out)

    def test_an_upload_that_fails_may_be_tried_again(self, adapter: Adapter, server: Any) -> None:
        out = replace(self.outbound(), files=(OutFile("f", "image/png", b"x"),))
        for answer in ("hang up", (200, {}, b"?"), said(503)):
            server.provider.answers = [answer]
            with pytest.raises(Unavailable):
                adapter.send(out)
        server.provider.answers = [refusal(400, 131053)]
        with pytest.raises(Rejected):
            adapter.send(out)

    @pytest.mark.parametrize(
        ("http", "code", "meaning", "everyone"),
        [
            (400, 131047, Rejected, False),
            (400, 131026, RecipientGone, False),
            (400, 131030, Rejected, False),
            (400, 131021, Rejected, False),
            (400, 131049, Rejected, False),
            (400, 131050, Rejected, False),
            (404, 132001, Rejected, False),
            (400, 132015, Rejected, False),
            (403, 130497, Rejected, False),
            (400, 4, Unavailable, True),
            (400, 130429, Unavailable, True),
            (400, 131056, Unavailable, False),
            (400, 131048, Unavailable, True),
            (500, 131000, Unavailable, False),
            (503, 2, Unavailable, True),
            (403, 10, Misconfigured, False),
            (403, 200, Misconfigured, False),
            (403, 368, Misconfigured, False),
            (400, 131031, Misconfigured, False),
            (400, 131042, Misconfigured, False),
            (400, 133010, Misconfigured, False),
        ],
    )
    def test_metas_own_codes(
        self,
        adapter: Adapter,
        server: Any,
        http: int,
        code: int,
        meaning: type[SendError],
        everyone: bool,
    ) -> None:
        server.provider.answers = [refusal(http, code)]
        error = self.refused(adapter)
        assert type(error) is meaning and error.everyone is everyone
        if code == 131047:  # in words of our own
            assert error.why.code == "provider_window"
        else:
            assert str(code) in error.why.data["text"]

    def test_a_number_that_is_not_there(self, adapter: Adapter, server: Any) -> None:
        wrong = fault(100, "Object does not exist") | {"error_subcode": 33}
        server.provider.answers = [said(400, {"error": wrong})]
        assert type(self.refused(adapter)) is Misconfigured

    def test_faults_of_any_shape(self, adapter: Adapter, server: Any) -> None:
        errors: list[Any] = [{"code": [1]}, {"code": "190"}, [], "no", {"error_data": 1}]
        for error in errors:
            server.provider.answers = [said(400, {"error": error})]
            assert type(self.refused(adapter)) is Rejected
        takings: list[Any] = [{}, [], [1], [{}], None]
        for messages in takings:
            server.provider.answers = [said(200, {"messages": messages})]
            assert type(self.refused(adapter)) is Uncertain

    def test_the_test_of_a_channel(self, adapter: Adapter, server: Any) -> None:
        server.provider.answers = [said(200, {"display_phone_number": "+31 97 010200000"})]
        assert adapter.check().data == {"provider": "WhatsApp"}
        server.provider.answers = [said(200, {"display_phone_number": "+1 555 0100"})]
        with pytest.raises(Misconfigured) as caught:
            adapter.check()
        assert caught.value.why.data == {"number": "+1 555 0100"}
        server.provider.answers = [refusal(401, 190)]
        with pytest.raises(Misconfigured):
            adapter.check()

    def test_what_it_can_do(self) -> None:
        able = WhatsAppAdapter.capabilities("whatsapp")
        assert able.authenticates_sender and able.receipts and able.templates
        assert not (able.can_start or able.idempotent) and able.max_text == 4096
        assert able.reply_window and able.reply_window.total_seconds() == 86400
        assert able.max_file == MAX_FILE and {"image/jpeg", "application/pdf"} <= able.media
        assert not {"image/gif", "image/svg+xml", "text/html"} & able.media

    # In

    def test_the_question_whether_this_address_is_ours(self, account: Account) -> None:
        adapter = WhatsAppAdapter(account)

        def ask(**words: str) -> str:
            query = tuple((f"hub.{name}", word) for name, word in words.items())
            return adapter.challenge(Request(b"", method="GET", url=URL, query=query))

        assert ask(mode="subscribe", verify_token=WORD, challenge="1158201444") == "1158201444"
        for words in (
            {"mode": "subscribe", "verify_token": "another", "challenge": "1"},
            {"mode": "subscribe", "verify_token": "", "challenge": "1"},
            {"mode": "subscribe", "challenge": "1"},
            {"mode": "unsubscribe", "verify_token": WORD, "challenge": "1"},
            {"mode": "subscribe", "verify_token": WORD, "challenge": "<script>"},
            {"mode": "subscribe", "verify_token": "ü", "challenge": "1"},
        ):
            with pytest.raises(BadSignature):
                ask(**words)

    def test_a_batch_is_taken_whole_and_in_order(self, adapter: Adapter) -> None:
        people = [{"wa_id": "31600000001", "profile": {"name": "Kim"}},
                  {"wa_id": "31600000002", "profile": {"name": "Bo"}}]  # fmt: skip
        texts = [
            {"from": f"3160000000{n}", "id": f"wamid.{n}", "type": "text", "text": {"body": "Hi"}}
            for n in (1, 2, 3)
        ]
        mine = value(messages=texts) | {"contacts": people}
        batch = posted(value(OTHER, messages=texts), mine, value(statuses=[status("read")]))
        found = adapter.parse(batch)
        assert [type(thing) for thing in found] == [Inbound] * 3 + [Receipt]
        names = [thing.sender_name for thing in found if isinstance(thing, Inbound)]
        assert names == ["Kim", "Bo", ""]

    def test_whoever_hides_the_number_can_be_seen_by_staff(self, adapter: Adapter) -> None:
        hidden = {"from_user_id": "US.1349", "id": MESSAGE, "type": "text", "text": {"body": "Hi"}}
        (thing,) = adapter.parse(posted(value(messages=[hidden])))
        assert isinstance(thing, Inbound) and thing.sender == "US.1349"

    def test_a_message_without_an_id_is_the_same_one_again(self, adapter: Adapter) -> None:
        nameless = {"from": SAM[1:], "type": "text", "text": {"body": "Hi\x00 \ud83d"}}
        (thing,), (again,) = (adapter.parse(posted(value(messages=[nameless]))) for _n in "ab")
        assert isinstance(thing, Inbound) and thing == again
        assert len(thing.external_id) == 64 and thing.text == "Hi ?"

    @pytest.mark.parametrize("odd", [1, "x", [], [1], None, {"id": [1], "type": {}}])
    def test_odd_shapes_break_nothing(self, adapter: Adapter, odd: Any) -> None:
        sorts = ("text", "interactive", "image", "location", "order", "reaction", "edit", "system")
        for sort in sorts:
            adapter.parse(wrote(sort, odd))
        strange = {"errors": [{"code": [1], "error_data": odd}], "context": odd, "referral": odd}
        assert len(adapter.parse(wrote("unsupported", odd, **strange))) == 1
        adapter.parse(posted(value(statuses=[status("failed", errors=[{"code": odd}])])))

    # Files

    def test_a_file_is_asked_for_in_two_steps(self, adapter: Adapter, server: Any) -> None:
        kept = {"url": f"{server.url}/kept/8487", "mime_type": "image/jpeg", "file_size": 15}
        server.provider.answers = [said(200, kept), (200, {"Content-Type": "image/jpeg"}, JPEG)]
        file = InFile("image", "image/jpeg", b"", reference="8487/../1?x")
        found = adapter.fetch(file, 100)
        assert (found.name, found.content, found.reference) == ("image.jpg", JPEG, "")
        asked, got = server.calls
        assert asked[0].endswith(f"/8487%2F..%2F1%3Fx?phone_number_id={NUMBER}")
        assert got[0] == "/kept/8487" and got[1]["Authorization"] == f"Bearer {TOKEN}"

    @pytest.mark.parametrize(
        ("answers", "meaning"),
        [
            ([refusal(400, 100)], Rejected),
            ([refusal(401, 190)], Unavailable),
            ([refusal(400, 80007)], Unavailable),
            ([said(500)], Unavailable),
            ([said(200, {})], Unavailable),
            ([said(200, {"url": "{url}/x", "file_size": 101})], Rejected),
            ([said(200, {"url": "{url}/x"}), (200, {}, b"x" * 101)], Rejected),
            ([said(200, {"url": "{url}/x"}), (200, {}, b"<svg onload=x>")], Rejected),
            ([said(200, {"url": "{url}/x"}), (200, {"Content-Type": "text/html"}, JPEG)], Rejected),
            ([said(200, {"url": "{url}/x"}), said(404)], Rejected),
            ([said(200, {"url": "http://169.254.169.254/latest"})], Rejected),
            ([said(200, {"url": "https://127.0.0.1/x"})], Rejected),
        ],
    )
    def test_files_that_are_not_taken(
        self, adapter: Adapter, server: Any, answers: list[Said], meaning: type[SendError]
    ) -> None:
        server.provider.answers = [
            (status, headers, body.replace(b"{url}", server.url.encode()))
            for status, headers, body in answers
        ]
        with pytest.raises(SendError) as caught:
            adapter.fetch(InFile("image", "image/jpeg", b"", reference="8487"), 100)
        assert type(caught.value) is meaning

    def test_a_file_that_is_too_large_is_not_asked_for(self, adapter: Adapter, server: Any) -> None:
        kept = {"url": f"{server.url}/kept/8487", "file_size": len(JPEG)}
        server.provider.answers = [said(200, kept)]
        with pytest.raises(Rejected):
            adapter.fetch(InFile("image", "image/jpeg", b"", reference="8487"), len(JPEG) - 1)
        assert len(server.calls) == 1

    def test_the_link_to_write(self, account: Account) -> None:
        link = WhatsAppAdapter(account).link_to_write("Vraag R-1 & code: AB/12 ?", "AB12")
        assert link == (
            "https://wa.me/3197010200000?text=Vraag%20R-1%20%26%20code%3A%20AB%2F12%20%3F"
        )
        assert WhatsAppAdapter(replace(account, address="")).link_to_write("x", "y") == ""


# What a payload of the corpus must become, by the class that its source gives.
NOTHING = (
    "accountBanned", "accountReview", "qualityUpdate", "account_update", "call_connect",
    "call_permission_update", "call_status", "outgoing_message", "template_category_update",
    "template_quality_update", "template_status_update", "user_marketing_preferences",
    "textMessageStatusSent",
)  # fmt: skip
WRITTEN = (
    "buttonMessage", "documentMessage", "locationMessage", "stickerMessage", "textMessage",
    "videoMessage", "callback_button", "callback_selection", "flow_completion", "message",
)  # fmt: skip
SHAPES: dict[str, Callable[[list[Parsed]], bool]] = {
    **dict.fromkeys(NOTHING, lambda found: found == []),
    **dict.fromkeys(WRITTEN, lambda found: _is_written(found)),
    # As Meta told it before "revoke": an id that is there, of a sort that is not handed over.
    # Filed once by its id it changes nothing, and what is really of a new sort is seen by staff.
    "messageDeleted": lambda found: _is_written(found),
    "reactMessage": lambda found: _corrected(found) == ["reacted"],
    "edited_message": lambda found: _corrected(found) == ["edited"],
    "textMessageStatusDelivered": lambda found: _statuses(found) == ["delivered"],
    "message_status": lambda found: _statuses(found) in (["delivered"], ["read"], []),
    "system": lambda found: found == [],
}
# Where a class of the source holds several of ours.
BY_KEY: dict[str | None, Callable[[list[Parsed]], bool]] = {
    "unreaction_empty": lambda found: _corrected(found) == ["reacted"],
    "with_tracker": lambda found: found == [],  # it was sent, which we know
    "delivered": lambda found: _statuses(found) == ["delivered"],
    "read": lambda found: _statuses(found) == ["read"],
}


def _is_written(found: list[Parsed]) -> bool:
    (one,) = found
    return isinstance(one, Inbound) and bool(one.text or one.files) and one.sender[0] == "+"


def _corrected(found: list[Parsed]) -> list[str]:
    return [one.sort for one in found if isinstance(one, Correction) and one.provider_id]


def _statuses(found: list[Parsed]) -> list[str]:
    return [one.status for one in found if isinstance(one, Receipt) and one.signed]


def test_real_payloads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = needs.corpus("whatsapp")
    index = json.loads((folder / "index.json").read_text())
    account = Account("whatsapp", OURS, (("phone_number_id", "env:CORPUS_NUMBER"),))
    wrong, ran = [], 0
    for case in index["cases"]:
        payload = json.loads((folder / case["file"]).read_text())
        payload = payload[case["key"]] if case.get("key") else payload
        found = re.search(r'"phone_number_id": "([^"]+)"', json.dumps(payload))
        monkeypatch.setenv("CORPUS_NUMBER", found[1] if found else NUMBER)
        parsed = WhatsAppAdapter(account).parse(Request(json.dumps(payload).encode()))
        (expected,) = case["expect"].values()
        fits = BY_KEY.get(case.get("key")) or SHAPES[expected]
        ran += 1
        if not fits(parsed):
            wrong.append((case, parsed))
    with capsys.disabled():
        print(f"\n{ran} payloads of WhatsApp")
    assert wrong == [] and ran >= index["n_cases"]
