"""WhatsApp by Meta's Cloud API: its contract, and what it is told."""

import re
from dataclasses import replace
from typing import Any

import pytest

from channels_app.adapters.base import (
    Account,
    Adapter,
    Approved,
    Button,
    Misconfigured,
    OutFile,
    RecipientGone,
    Rejected,
    SendError,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.whatsapp import MAX_FILE, WhatsAppAdapter
from tests.adapters.contract import KEY, Contract, said
from tests.adapters.whatsapp import JPEG, NUMBER, TOKEN, WhatsApp, fault, refusal, taken, told
from tests.webhooks.providers import Said


class TestWhatsApp(WhatsApp, Contract):
    """The contract, and what is Meta's own."""

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

    def test_the_link_to_write(self, account: Account) -> None:
        link = WhatsAppAdapter(account).link_to_write("Vraag R-1 & code: AB/12 ?", "AB12")
        assert link == (
            "https://wa.me/3197010200000?text=Vraag%20R-1%20%26%20code%3A%20AB%2F12%20%3F"
        )
        assert WhatsAppAdapter(replace(account, address="")).link_to_write("x", "y") == ""
