"""Telegram by its Bot API: what it posts, what is fetched from it, real updates."""

from dataclasses import replace
from typing import Any

import pytest

from channels_app.adapters.base import (
    Account,
    Adapter,
    BadSignature,
    Inbound,
    Misconfigured,
    Rejected,
    Request,
    SendError,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.telegram import TelegramAdapter
from channels_app.adapters.updates import WANTED
from tests import needs
from tests.adapters import bot_api
from tests.adapters.contract import said
from tests.adapters.telegram import (
    BOT,
    JPEG,
    PLACED,
    SAM,
    SILENT,
    TOKEN,
    UNIQUE,
    UPDATES,
    Telegram,
    file,
    message,
    posted,
    refusal,
    wrote,
)
from tests.webhooks.providers import Said


class TestIn(Telegram):
    """What comes in, and its files."""

    def test_our_updates_are_as_telegram_describes_them(self) -> None:
        updates = [update for update, _meaning in UPDATES] + SILENT
        assert [one for one in updates if not bot_api.fits("Update", one)] == []

    def test_a_bot_is_another_bots_stranger(self, account: Account) -> None:
        """One person has one number at all bots: the bot stands in the address."""
        own = {"bot_token": "env:CONTRACT_BOT_TOKEN"}
        (found,) = TelegramAdapter(replace(account, config=tuple(own.items()))).parse(
            posted(UPDATES[0][0])
        )
        assert isinstance(found, Inbound) and found.sender == f"{BOT}:{SAM}"

    @pytest.mark.parametrize("odd", [1, "x", [], [1], None, {}, {"id": [1], "type": {}}])
    def test_odd_shapes_break_nothing(self, adapter: Adapter, odd: Any) -> None:
        for name in ("message", "edited_message", "callback_query", "message_reaction"):
            adapter.parse(posted({"update_id": 1, name: odd}))
        for name in ("from", "photo", "document", "sticker", "contact", "poll", "venue", "dice"):
            adapter.parse(posted(wrote(**{name: odd, "reply_to_message": odd})))
        adapter.parse(posted(wrote(photo=[{"file_id": "x", "width": odd}], text=odd)))
        adapter.parse(posted({"update_id": 1, "message": message(chat=odd, text="x")}))
        adapter.parse(posted({"update_id": 1, "message": message(message_id=odd, text="x")}))

    def test_what_no_database_keeps(self, adapter: Adapter) -> None:
        (found,) = adapter.parse(posted(wrote(text="Hi\x00 \ud83d")))
        assert isinstance(found, Inbound) and found.text == "Hi ?"

    # Fetching

    def test_without_a_secret_news_is_fetched(self, account: Account, server: Any) -> None:
        config = tuple(one for one in account.config if one[0] != "webhook_secret")
        adapter = TelegramAdapter(replace(account, config=config))
        found = [{"update_id": 5, "message": message(text="Hi")}, {"x": 1}, 1, {"update_id": 6}]
        server.provider.answers = [said(200, {"ok": True, "result": found})]
        news = adapter.news(4)
        assert [number for number, _body in news] == [5, 6]
        asked = bot_api.told(server.calls[0])
        assert asked["offset"] == 5 and asked["allowed_updates"] == list(WANTED)
        request = Request(news[0][1])
        adapter.verify(request)
        assert [type(one) for one in adapter.parse(request)] == [Inbound]
        with pytest.raises(Misconfigured):  # and nobody else brings any
            adapter.verify(posted(UPDATES[0][0]))

    @pytest.mark.parametrize(
        ("answer", "meaning"),
        [
            (refusal(409, "Conflict: terminated by other getUpdates request"), Rejected),
            (refusal(401, "Unauthorized"), Misconfigured),
            ("hang up", Unavailable),
            (said(200, {"ok": True, "result": 1}), Uncertain),
        ],
    )
    def test_news_that_cannot_be_had(
        self, account: Account, server: Any, answer: Any, meaning: type[SendError]
    ) -> None:
        server.provider.answers = [answer]
        with pytest.raises(SendError) as caught:
            TelegramAdapter(account).news(0)
        assert type(caught.value) is meaning

    # Files

    def test_a_file_is_asked_for_in_two_steps(self, adapter: Adapter, server: Any) -> None:
        kept = {"file_id": "f1280", **UNIQUE, "file_size": 15, "file_path": "photos/file 1.jpg"}
        served = (200, {"Content-Type": "application/octet-stream"}, JPEG)
        server.provider.answers = [said(200, {"ok": True, "result": kept}), served]
        found = adapter.fetch(file("photo", "image/jpeg", "f1280"), 100)
        assert (found.name, found.content, found.reference) == ("photo.jpg", JPEG, "")
        assert bot_api.told(server.calls[0]) == {"file_id": "f1280"}
        assert server.calls[1][0] == f"/file/bot{TOKEN}/photos/file%201.jpg"

    @pytest.mark.parametrize(
        ("answers", "meaning"),
        [
            ([refusal(400, "Bad Request: file is too big")], Rejected),
            ([refusal(400, "Bad Request: invalid file_id")], Rejected),
            ([refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")],
             Unavailable),
            ([refusal(401, "Unauthorized")], Unavailable),
            ([said(500)], Unavailable),
            ([said(200, {"ok": True, "result": {}})], Unavailable),
            ([said(200, {"ok": True, "result": {"file_path": "x", "file_size": 101}})], Rejected),
            ([said(200, PLACED), (200, {}, b"x" * 101)], Rejected),
            ([said(200, PLACED), (200, {}, b"<svg>")], Rejected),
            ([said(200, PLACED), said(404)], Rejected),
        ],
    )  # fmt: skip
    def test_files_that_are_not_taken(
        self, adapter: Adapter, server: Any, answers: list[Said], meaning: type[SendError]
    ) -> None:
        server.provider.answers = answers
        with pytest.raises(SendError) as caught:
            adapter.fetch(file("photo", "image/jpeg", "f1280"), 100)
        assert type(caught.value) is meaning and TOKEN not in str(caught.value.why.data)


def test_without_a_door_of_our_own_nothing_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Telegram calls us, a request without HTTP is nobody's."""
    for name in ("BOT", "SECRET"):
        monkeypatch.setenv(name, "x")
    config = (("bot_token", "env:BOT"), ("webhook_secret", "env:SECRET"))
    with pytest.raises(BadSignature):
        TelegramAdapter(Account("telegram", "OurShopBot", config)).verify(Request(b"{}"))


def test_real_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = needs.corpus("zammad") / "telegram"
    monkeypatch.setenv("BOT", TOKEN)
    adapter = TelegramAdapter(Account("telegram", "", (("bot_token", "env:BOT"),)))
    found = {
        path.relative_to(folder).as_posix(): adapter.parse(Request(path.read_bytes()))
        for path in sorted(folder.rglob("*.json"))
    }
    names = {"text", "photo", "document", "video", "start2"}
    assert {name for name in found if name.startswith("private/")} == {
        f"private/{n}.json" for n in names
    }
    assert all(things == [] for name, things in found.items() if name.startswith("channel/"))
    (hello,) = found["private/start2.json"]
    assert isinstance(hello, Inbound) and hello.greeting and not hello.text
    written = {name: found[f"private/{name}.json"][0] for name in names - {"start2"}}
    gist = {
        name: (one.sender, one.sender_name, one.text, [(f.name, f.reference) for f in one.files])
        for name, one in written.items()
        if isinstance(one, Inbound)
    }
    sender = (f"{BOT}:111111", "Test Firstname Test Lastname")
    assert gist == {
        "text": (*sender, "Hello, I need your Help", []),
        "photo": (*sender, "caption 123<b>abc</b>", [("photo", "photofileid3")]),
        "document": (*sender, "", [("document.pdf", "documentfileid")]),
        "video": (*sender, "", [("video", "videofileid")]),
    }
