"""Telegram by its Bot API: its contract, its own description, its words, real updates."""

import json
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from channels_app.adapters.base import (
    Account,
    Adapter,
    BadSignature,
    Block,
    Button,
    Correction,
    Inbound,
    InFile,
    Misconfigured,
    OutFile,
    Parsed,
    RecipientGone,
    Rejected,
    Request,
    SendError,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.telegram import MAX_BYTES, MAX_PHOTO, TelegramAdapter
from channels_app.adapters.updates import WANTED
from tests import needs
from tests.adapters import bot_api
from tests.adapters.contract import Contract, said
from tests.webhooks.providers import Said

BOT, SAM = "123456789", 5550100
TOKEN, SECRET = f"{BOT}:AA-a-token-of-telegram_51c2", "a-secret-made-up-9e1f"
CHAT = f"{BOT}:{SAM}"
JPEG, PNG = b"\xff\xd8\xff\xe0 a picture", b"\x89PNG\r\n\x1a\n a picture"
PRIVATE = {"id": SAM, "type": "private", "first_name": "Sam", "username": "sam_example"}
PERSON = {
    "id": SAM,
    "is_bot": False,
    "first_name": "Sam",
    "last_name": "Vos",
    "language_code": "nl",
}
OUR_BOT = {"id": int(BOT), "is_bot": True, "first_name": "Our shop", "username": "OurShopBot"}
UNIQUE = {"file_unique_id": "AgAD"}


def posted(update: object, secret: str | None = SECRET) -> Request:
    """An update as Telegram posts it."""
    headers = [("content-type", "application/json")]
    if secret is not None:
        headers.append(("x-telegram-bot-api-secret-token", secret))
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    url = "https://portal.example.org/webhooks/telegram/"
    return Request(body, tuple(headers), method="POST", url=url)


def message(**content: Any) -> dict[str, Any]:
    """A message of Sam's."""
    return {"message_id": 7, "from": PERSON, "chat": PRIVATE, "date": 1749854575, **content}


def wrote(**content: Any) -> dict[str, Any]:
    """The update with it."""
    return {"update_id": 900, "message": message(**content)}


def inbound(**more: Any) -> Inbound:
    """What it is to us."""
    own = {"sender_name": "Sam Vos", "authenticated": True, "language": "nl", **more}
    return Inbound(f"{BOT}:900", f"{CHAT}:7", "telegram", CHAT, **own)


def correction(sort: str, text: str) -> Correction:
    """What Sam did to it afterwards."""
    return Correction(f"{BOT}:900", f"{CHAT}:7", "telegram", CHAT, sort, text)


def reacted(*signs: dict[str, Any]) -> dict[str, Any]:
    """A reaction, or none any more."""
    told = {"old_reaction": [], "new_reaction": list(signs)}
    own = {"chat": PRIVATE, "message_id": 7, "user": PERSON, "date": 1749854575}
    return {"update_id": 900, "message_reaction": own | told}


def blocked(status: str) -> dict[str, Any]:
    """What Telegram says when somebody blocks the bot, or no longer does."""
    row = {"status": status, "user": OUR_BOT}
    new = row | ({"until_date": 0} if status == "kicked" else {})
    own = {"chat": PRIVATE, "from": PERSON, "date": 1749854575}
    told = {"old_chat_member": {"status": "member", "user": OUR_BOT}, "new_chat_member": new}
    return {"update_id": 900, "my_chat_member": own | told}


TAPPED: dict[str, Any] = {
    "update_id": 900,
    "callback_query": {
        "id": "4382bfdwdsb323b2d9",
        "from": PERSON,
        "chat_instance": "-1",
        "data": "yes",
        "message": {
            "message_id": 6,
            "from": OUR_BOT,
            "chat": PRIVATE,
            "date": 1749854000,
            "text": "Shall we?",
            "document": {"file_id": "ours", **UNIQUE},
        },
    },
}
SIZES = [
    {"file_id": f"f{side}", **UNIQUE, "width": side, "height": side} for side in (90, 1280, 320)
]
PLACE = {"latitude": 52.37, "longitude": 4.89}
MAP = "https://www.openstreetmap.org/?mlat=52.37&mlon=4.89"
CARD = {"phone_number": "+31612345678", "first_name": "Kim"}
PICTURE = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}


def file(name: str, content_type: str, reference: str) -> InFile:
    """A file that is still to be fetched."""
    return InFile(name, content_type, b"", reference=reference)


# What customers do, and what each is to us.
UPDATES: list[tuple[dict[str, Any], Parsed]] = [
    (wrote(text="Is het er al? 🙂"), inbound(text="Is het er al? 🙂")),
    (wrote(text="/start abcdefghij"), inbound(text="abcdefghij", join_codes=("abcdefghij",))),
    (
        wrote(photo=SIZES, caption="Broken"),
        inbound(text="Broken", files=(file("photo", "image/jpeg", "f1280"),)),
    ),
    (
        wrote(
            document={
                "file_id": "d",
                **UNIQUE,
                "file_name": "a.pdf",
                "mime_type": "application/pdf",
            }
        ),
        inbound(files=(file("a.pdf", "application/pdf", "d"),)),
    ),
    (
        wrote(voice={"file_id": "v", **UNIQUE, "duration": 3}),
        inbound(files=(file("voice", "audio/ogg", "v"),)),
    ),
    (
        wrote(video={"file_id": "m", **UNIQUE, "width": 1, "height": 1, "duration": 3}),
        inbound(files=(file("video", "video/mp4", "m"),)),
    ),
    (
        wrote(sticker={"file_id": "s", **UNIQUE, **PICTURE, "emoji": "👍"}),
        inbound(text="👍", files=(file("sticker", "image/webp", "s"),)),
    ),
    (
        wrote(sticker={"file_id": "s", **UNIQUE, **PICTURE, "is_animated": True, "emoji": "👍"}),
        inbound(text="👍"),
    ),
    (wrote(contact=CARD), inbound(text="Kim\n+31612345678")),
    (wrote(location=PLACE), inbound(text=MAP)),
    (
        wrote(location=PLACE, venue={"location": PLACE, "title": "Shop", "address": "Dam 1"}),
        inbound(text=f"Shop\nDam 1\n{MAP}"),
    ),
    (wrote(dice={"emoji": "🎲", "value": 4}), inbound(text="🎲")),
    (wrote(story={"chat": PRIVATE, "id": 1}), inbound(text="Telegram: story")),
    (
        wrote(text="That one", reply_to_message=message(message_id=5, text="Which?")),
        inbound(text="That one", refers_to=(f"{CHAT}:5",)),
    ),
    (wrote(text="I am away.", is_from_offline=True), inbound(text="I am away.", automatic=True)),
    (TAPPED, replace(inbound(text="yes", refers_to=(f"{CHAT}:6",)), provider_id="")),
    (
        {"update_id": 900, "edited_message": message(text="Not 3 but 4", edit_date=1749854600)},
        correction("edited", "Not 3 but 4"),
    ),
    (reacted({"type": "emoji", "emoji": "❤"}), correction("reacted", "❤")),
    (reacted(), correction("reacted", "")),
    (blocked("kicked"), Block(f"{BOT}:900", "telegram", CHAT)),
    (blocked("member"), Block(f"{BOT}:900", "telegram", CHAT, lifted=True)),
]
PLACED = {"ok": True, "result": {"file_path": "x"}}
GROUP = {"id": -100200, "type": "group", "title": "Neighbours"}
# News that is none to us.
SILENT: list[dict[str, Any]] = [
    wrote(text="/start"),
    wrote(text="Hi all", chat=GROUP),
    wrote(chat=GROUP, migrate_to_chat_id=-100300),
    wrote(pinned_message=message(text="Pinned")),
    {"update_id": 900, "channel_post": message(text="Hi")},
    {"update_id": 900, "business_message": message(text="Hi")},
    {"update_id": 900, "edited_message": message(location=PLACE)},
    reacted({"type": "custom_emoji", "custom_emoji_id": "1"}),
    blocked("administrator"),
    {"update_id": 900, "my_chat_member": blocked("kicked")["my_chat_member"] | {"chat": GROUP}},
]


def refusal(status: int, words: str, **parameters: int) -> Said:
    """A refusal in Telegram's own form."""
    more = {"parameters": parameters} if parameters else {}
    return said(status, {"ok": False, "error_code": status, "description": words, **more})


def taken(pk: int = 8) -> Said:
    """A message that was taken."""
    own = {"message_id": pk, "from": OUR_BOT, "chat": PRIVATE, "date": 1749854575, "text": "x"}
    return said(200, {"ok": True, "result": own})


BLOCKED = refusal(403, "Forbidden: bot was blocked by the user")


class TestTelegram(Contract):
    """The contract, with Telegram's words."""

    provider_name = "telegram"
    kind = "telegram"
    address = "OurShopBot"
    to = CHAT
    places_key = False
    config: ClassVar[dict[str, str]] = {
        "bot_token": TOKEN,
        "webhook_secret": SECRET,
        "base_url": "{url}",
    }
    answers: ClassVar[dict[str, Said]] = {
        "ok": taken(),
        "fault": refusal(500, "Internal Server Error"),
        "busy": refusal(429, "Too Many Requests: retry after 120", retry_after=120),
        "refused": refusal(400, "Bad Request: message is too long"),
        "gone": BLOCKED,
        "key": refusal(401, "Unauthorized"),
        "nonsense": said(200, {"ok": True, "result": True}),
        "echo": refusal(400, f"Bad Request: {TOKEN} may not"),
    }
    unheard_of: ClassVar[dict[str, str]] = {"stopped": "a block ends as soon as they write again"}

    def key_in(self, call: Any) -> str:
        return str(call[2])  # it has no place for a key: the same words again

    def posts(self) -> list[tuple[Request, list[Any]]]:
        return [(posted(update), [meaning]) for update, meaning in UPDATES]

    def unknown(self) -> list[Request]:
        return [*map(posted, SILENT), posted({"update_id": 1}), posted(wrote(word_of_tomorrow={}))]

    def garbage(self) -> list[Request]:
        bodies = (b"", b"\xff{", b"[" * 100_000, b"[]", b"{}", b'{"update_id": true}')
        return [*map(posted, bodies), posted(wrote(text="x" * MAX_BYTES))]

    def forged(self) -> dict[str, Request]:
        update = UPDATES[0][0]
        return {
            "missing": posted(update, None),
            "wrong": posted(update, "another secret"),
            "re-encoded": posted(update, SECRET.encode().hex()),
            "empty": posted(update, ""),
            "in capitals": posted(update, SECRET.upper()),
            "cut": posted(update, SECRET[:-1]),
            "beyond ASCII": posted(update, "ü" * len(SECRET)),
            "the bot's token": posted(update, TOKEN),
            "by another door": Request(posted(update).body),
        }

    # Out

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

    # In

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

    def test_the_link_to_write(self, account: Account) -> None:
        link = TelegramAdapter(account).link_to_write("Question R-1", "abcdefghij")
        assert link == "https://t.me/OurShopBot?start=abcdefghij"
        assert TelegramAdapter(replace(account, address="")).link_to_write("x", "y") == ""


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
    assert found["private/start2.json"] == []
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
