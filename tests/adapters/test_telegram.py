"""Telegram by its Bot API: its contract, its own description, what it is told."""

from dataclasses import replace
from typing import Any

import pytest

from channels_app.adapters.base import (
    Account,
    Adapter,
    Button,
    Misconfigured,
    OutFile,
    RecipientGone,
    Rejected,
    SendError,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.telegram import MAX_PHOTO, TelegramAdapter
from tests.adapters import bot_api
from tests.adapters.contract import Contract, said
from tests.adapters.telegram import (
    BLOCKED,
    BOT,
    CHAT,
    OUR_BOT,
    PNG,
    SAM,
    TOKEN,
    Telegram,
    file,
    refusal,
    taken,
)
from tests.webhooks.providers import Said


class TestTelegram(Telegram, Contract):
    """The contract, and what is Telegram's own."""

    def test_what_telegram_is_told(self, adapter: Adapter, server: Any) -> None:
        sent = adapter.send(self.outbound())
        assert sent.provider_id == f"{CHAT}:8"  # as a reaction to it names it
        assert server.calls[0][0] == f"/bot{TOKEN}/sendMessage"
        assert bot_api.told(server.calls[0]) == {
            "chat_id": SAM,
            "text": "Déjà: it is there.",
            "link_preview_options": {"is_disabled": True},
        }

    def test_telegrams_own_description_knows_what_it_is_told(
        self, adapter: Adapter, server: Any
    ) -> None:
        buttons = Button("yes", "Ja, graag"), Button("no", "Nee")
        pdf = OutFile("Sún.pdf", "application/pdf", b"%PDF-")
        for files in ((), (OutFile("a.png", "image/png", PNG),), (pdf,), (pdf, pdf)):
            adapter.send(replace(self.outbound(), buttons=buttons, files=files))
        server.provider.always = said(200, {"ok": True, "result": []})
        TelegramAdapter(adapter.account).news(0)
        with pytest.raises(SendError):
            adapter.fetch(file("photo", "image/jpeg", "f1280"), 100)
        methods = list(map(bot_api.method_of, server.calls))
        sends = ["sendMessage", "sendPhoto", *["sendDocument"] * 3, "sendMessage"]
        assert methods == [*sends, "getUpdates", "getFile"]
        assert all(map(bot_api.is_known, server.calls))
        own = bot_api.told(server.calls[1])
        assert own["caption"] == "Déjà: it is there." and own["photo"] == PNG
        rows = own["reply_markup"]["inline_keyboard"]
        assert [[one["callback_data"] for one in row] for row in rows] == [["yes"], ["no"]]
        wrong = (server.calls[0][0], server.calls[0][1], b'{"chat_id": "1", "text": 1}')
        assert not bot_api.is_known(wrong)

    def test_files_go_before_a_long_text(self, adapter: Adapter, server: Any) -> None:
        pdf = OutFile("a.pdf", "application/pdf", b"%PDF-")
        server.provider.answers = [taken(1), taken(2)]
        sent = adapter.send(replace(self.outbound(), text="x" * 1025, files=(pdf,)))
        assert sent.provider_id == f"{CHAT}:2"
        assert list(map(bot_api.method_of, server.calls)) == ["sendDocument", "sendMessage"]
        adapter.send(replace(self.outbound(), text="", files=(pdf, pdf)))
        assert list(map(bot_api.method_of, server.calls[2:])) == ["sendDocument", "sendDocument"]
        assert "caption" not in bot_api.told(server.calls[2])

    def test_a_picture_that_is_none_to_telegram_goes_as_a_document(
        self, adapter: Adapter, server: Any
    ) -> None:
        picture = OutFile("wide.png", "image/png", PNG)
        server.provider.answers = [refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")]
        adapter.send(replace(self.outbound(), files=(picture,)))
        assert list(map(bot_api.method_of, server.calls)) == ["sendPhoto", "sendDocument"]
        large = replace(picture, content=b"x" * (MAX_PHOTO + 1))
        adapter.send(replace(self.outbound(), files=(large,)))
        assert bot_api.method_of(server.calls[2]) == "sendDocument"
        server.provider.answers = [BLOCKED]
        with pytest.raises(RecipientGone):
            adapter.send(replace(self.outbound(), files=(picture,)))
        assert len(server.calls) == 4

    @pytest.mark.parametrize("answer", [BLOCKED, refusal(401, "Unauthorized"), said(500)])
    def test_half_an_answer_is_uncertain(self, adapter: Adapter, server: Any, answer: Said) -> None:
        pdf = OutFile("a.pdf", "application/pdf", b"%PDF-")
        server.provider.answers = [taken(), answer]
        with pytest.raises(Uncertain):
            adapter.send(replace(self.outbound(), files=(pdf, pdf)))

    @pytest.mark.parametrize(
        ("answer", "meaning"),
        [
            (refusal(403, "Forbidden: user is deactivated"), RecipientGone),
            (refusal(403, "Forbidden: bot can't initiate conversation with a user"), RecipientGone),
            (refusal(400, "Bad Request: chat not found"), RecipientGone),
            (
                refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1),
                RecipientGone,
            ),
            (refusal(400, "Bad Request: message text is empty"), Rejected),
            (refusal(404, "Not Found"), Misconfigured),
            (refusal(429, "Too Many Requests"), Unavailable),
            (said(413), Rejected),
            (said(400, {"description": [1], "parameters": 1}), Rejected),
        ],
    )
    def test_telegrams_own_words(
        self, adapter: Adapter, server: Any, answer: Said, meaning: type[SendError]
    ) -> None:
        server.provider.answers = [answer]
        error = self.refused(adapter)
        assert type(error) is meaning and str(answer[0]) in error.why.data["text"]

    def test_what_is_no_chat(self, adapter: Adapter, server: Any) -> None:
        with pytest.raises(RecipientGone):
            adapter.send(replace(self.outbound(), to=f"{BOT}:@channel"))
        assert not server.calls

    def test_the_test_of_a_channel(self, adapter: Adapter, server: Any) -> None:
        server.provider.answers = [said(200, {"ok": True, "result": OUR_BOT})]
        assert adapter.check().data == {"provider": "Telegram"}
        assert server.calls[0][0] == f"/bot{TOKEN}/getMe"
        other = OUR_BOT | {"username": "OtherBot"}
        server.provider.answers = [said(200, {"ok": True, "result": other})]
        with pytest.raises(Misconfigured) as caught:
            adapter.check()
        assert "@OtherBot" in caught.value.why.data["text"]
        server.provider.answers = [refusal(401, "Unauthorized")]
        with pytest.raises(Misconfigured):
            adapter.check()

    def test_what_it_can_do(self) -> None:
        able = TelegramAdapter.capabilities("telegram")
        assert able.authenticates_sender and able.max_text == 4096 and not able.reply_window
        assert not (able.can_start or able.idempotent or able.receipts)
        assert {"image/jpeg", "application/pdf"} <= able.media
        assert not {"image/svg+xml", "text/html"} & able.media

    def test_the_link_to_write(self, account: Account) -> None:
        link = TelegramAdapter(account).link_to_write("Question R-1", "abcdefghij")
        assert link == "https://t.me/OurShopBot?start=abcdefghij"
        assert TelegramAdapter(replace(account, address="")).link_to_write("x", "y") == ""
