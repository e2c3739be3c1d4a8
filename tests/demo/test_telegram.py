"""Telegram in the pocket: its fake held against Telegram's own words, and played over HTTP."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from channels_app import joining, opening
from channels_app.adapters.base import Account
from channels_app.adapters.telegram import TelegramAdapter
from channels_app.models import Channel, Delivery, InboundEvent
from contacts.models import Case, Identity, Message, Organisation
from portal.simulator import accounts, shop, telephones
from portal.simulator.book import DELIVERED, SENT, Book, Bubble, now
from portal.simulator.providers import courier, door, moods
from portal.simulator.providers.base import Hook
from portal.simulator.providers.moods import PROVIDERS
from portal.simulator.providers.telegram import person
from tests.adapters import bot_api
from tests.demo.play import TOM, answer, ask, becomes, recorded, status, work
from tests.setup.test_processes import until

BOT = accounts.TELEGRAM_BOT
CHAT = f"/demo/telephone/telegram/{TOM}/{BOT}/"
PUBLIC = "http://testserver"
SECRET = "X-Telegram-Bot-Api-Secret-Token"


@pytest.fixture
def ask_bot(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., httpx.Response]]:
    """A method of the bot, asked over HTTP."""
    settings.DATA_DIR, settings.PUBLIC_URL = tmp_path, PUBLIC
    hooks: list[Hook] = []
    with door.in_background(hooks.extend) as address, httpx.Client(trust_env=False) as client:
        for name, value in accounts.environment(tmp_path, address).items():
            monkeypatch.setenv(name, value)

        def call(method: str, told: Any = None, token: str = "", **more: Any) -> httpx.Response:
            token = token or accounts.value("DEMO_TELEGRAM_BOT_TOKEN")
            url = f"{accounts.value('DEMO_TELEGRAM_URL')}/bot{token}/{method}"
            return client.post(url, **({"json": told or {}} if not more else {"data": told} | more))

        yield call


Ask = Callable[..., httpx.Response]


def wrote(text: str = "Hi", word: str = "", **more: Any) -> tuple[Bubble, Hook]:
    """The customer wrote; what Telegram posts of it."""
    provider = PROVIDERS["telegram"]
    bubble = Bubble(provider.new_id(), TOM, BOT, now(), mine=True, text=text, status=SENT, **more)
    provider.book.add(bubble)
    return bubble, provider.incoming(bubble, word)


def tom() -> int:
    """The number of Tom's chat."""
    return int(person(TOM)["id"])


def update_of(hook: Hook | None) -> dict[str, Any]:
    """An update that is one by Telegram's own description, with the secret."""
    assert hook and hook.headers[SECRET] == accounts.value("DEMO_TELEGRAM_WEBHOOK_SECRET")
    update: dict[str, Any] = json.loads(hook.body)
    assert bot_api.fits("Update", update)
    assert TOM[1:] not in hook.body.decode()  # the telephone's number is told to nobody
    return update


def picture(kind: str = "PNG") -> bytes:
    made = BytesIO()
    Image.new("RGB", (4, 3), "teal").save(made, kind)
    return made.getvalue()


# Held against its description


def test_the_bot_says_who_it_is(ask_bot: Ask) -> None:
    said = ask_bot("getMe").json()
    assert said["ok"] and bot_api.fits("User", said["result"])
    assert said["result"]["username"] == BOT


def test_a_message_goes_and_is_described(ask_bot: Ask) -> None:
    wrote("/start")
    rows = [[{"text": "Yes", "callback_data": "yes"}]]
    told = {"chat_id": tom(), "text": "Here?", "reply_markup": {"inline_keyboard": rows}}
    said = ask_bot("sendMessage", told).json()
    assert said["ok"] and bot_api.fits("Message", said["result"])
    bubble = Book("telegram").bubbles(TOM)[-1]
    assert (bubble.text, bubble.mine, bubble.buttons) == ("Here?", False, (("yes", "Yes"),))
    assert bubble.id == str(said["result"]["message_id"])


@pytest.mark.parametrize("method", ["sendPhoto", "sendDocument"])
def test_a_file_goes_with_its_words(ask_bot: Ask, method: str) -> None:
    wrote("/start")
    part = method.removeprefix("send").lower()
    told = {"chat_id": str(tom()), "caption": "See"}
    said = ask_bot(method, told, files={part: ("a.png", picture(), "image/png")}).json()
    assert said["ok"] and bot_api.fits("Message", said["result"])
    bubble = Book("telegram").bubbles(TOM)[-1]
    assert (bubble.text, bubble.files[0].name) == ("See", "a.png")


@pytest.mark.parametrize(
    ("method", "told", "code", "words"),
    [
        ("sendMessage", {"chat_id": 1, "text": "x"}, 400, "chat not found"),
        ("sendMessage", {"text": "x"}, 400, "chat_id is empty"),
        ("sendMessage", {"text": " ", "chat_id": None}, 400, "message text is empty"),
        ("sendMessage", {"text": "x" * 4097, "chat_id": None}, 400, "message is too long"),
        ("sendDocument", {"chat_id": None}, 400, "there is no document in the request"),
        ("getFile", {"file_id": "../x"}, 400, "invalid file_id"),
        ("setWebhook", {"url": "http://evil.example/"}, 400, "An HTTPS URL must be provided"),
        ("setWebhook", {"url": f"{PUBLIC}/", "secret_token": "a b"}, 400, "unallowed characters"),
        ("getUpdates", {}, 409, "webhook is active"),
        ("sendHologram", {}, 404, "Not Found"),
    ],
)
def test_what_telegram_refuses(
    ask_bot: Ask, method: str, told: dict[str, Any], code: int, words: str
) -> None:
    wrote("/start")
    mine = {name: tom() if value is None else value for name, value in told.items()}
    said = ask_bot(method, mine)
    assert said.status_code == said.json()["error_code"] == code
    assert not said.json()["ok"] and words in said.json()["description"]
    assert [bubble.text for bubble in Book("telegram").bubbles()] == ["/start"]


@pytest.mark.parametrize(
    ("button", "words"),
    [
        ({"text": "", "callback_data": "x"}, "text must be non-empty"),
        ({"text": "Yes", "callback_data": "x" * 65}, "BUTTON_DATA_INVALID"),
    ],
)
def test_a_button_that_is_none(ask_bot: Ask, button: dict[str, str], words: str) -> None:
    wrote("/start")
    markup = {"inline_keyboard": [[button]]}
    said = ask_bot("sendMessage", {"chat_id": tom(), "text": "x", "reply_markup": markup})
    assert said.status_code == 400 and words in said.json()["description"]


def test_what_is_no_picture_is_no_photo(ask_bot: Ask) -> None:
    wrote("/start")
    files = {"photo": ("a.png", b"\x89PNG\r\n\x1a\n no picture", "image/png")}
    said = ask_bot("sendPhoto", {"chat_id": str(tom())}, files=files)
    assert said.json()["description"] == "Bad Request: IMAGE_PROCESS_FAILED"


@pytest.mark.parametrize(("token", "code"), [("1:short", 404), (f"1:{'x' * 35}", 401)])
def test_the_token_counts(ask_bot: Ask, token: str, code: int) -> None:
    assert ask_bot("getMe", token=token).json()["error_code"] == code


def test_who_blocks_the_bot_and_who_asks_too_often(ask_bot: Ask) -> None:
    wrote("/start")
    told = {"chat_id": tom(), "text": "x"}
    moods.switch("telegram", "blocked", on=True)
    said = ask_bot("sendMessage", told)
    assert (said.status_code, said.json()["description"]) == (
        403,
        "Forbidden: bot was blocked by the user",
    )
    moods.switch("telegram", "busy", on=True)
    said = ask_bot("sendMessage", told)
    assert (said.status_code, said.json()["parameters"]) == (429, {"retry_after": 10})
    assert len(Book("telegram").bubbles()) == 1
    assert {mood.name for mood in moods.of_app("telegram")}.isdisjoint({"closed", "disorder"})


def test_everything_that_is_posted_is_an_update(ask_bot: Ask) -> None:
    provider = PROVIDERS["telegram"]
    assert update_of(wrote("/start", "abc")[1])["message"]["text"] == "/start abc"
    rows = [[{"text": "Yes, it is", "callback_data": "yes"}]]
    told = {"chat_id": tom(), "text": "Yours?", "reply_markup": {"inline_keyboard": rows}}
    asked = ask_bot("sendMessage", told).json()["result"]["message_id"]
    tapped = update_of(wrote("Yes, it is", "yes")[1])["callback_query"]
    assert (tapped["data"], tapped["message"]["message_id"]) == ("yes", asked)
    mine = wrote("Blue")[0]
    edited = update_of(provider.correction(mine, "edited", "Red"))["edited_message"]
    assert (edited["text"], edited["message_id"]) == ("Red", int(mine.id))
    theirs = Book("telegram").get(str(asked))
    assert theirs
    signs = update_of(provider.correction(theirs, "reacted", "\N{THUMBS UP SIGN}"))
    assert [one["emoji"] for one in signs["message_reaction"]["new_reaction"]] == ["👍"]
    assert provider.correction(mine, "deleted", "") is None
    assert provider.seen(TOM, BOT) == [] and provider.book.unread() == 0


def test_a_customers_files(ask_bot: Ask) -> None:
    book = Book("telegram")
    kept = book.keep(picture(), "a.png", "image/png")
    said = update_of(wrote("Look", files=(kept,))[1])["message"]
    assert said["caption"] == "Look" and (said["photo"][0]["width"]) == 4
    lies = ask_bot("getFile", {"file_id": said["photo"][0]["file_id"]}).json()["result"]
    assert bot_api.fits("File", lies)
    token = accounts.value("DEMO_TELEGRAM_BOT_TOKEN")
    place = f"{accounts.value('DEMO_TELEGRAM_URL')}/file/bot{token}/{lies['file_path']}"
    assert httpx.get(place, trust_env=False).content.startswith(b"\xff\xd8\xff")
    assert httpx.get(place + "x", trust_env=False).status_code == 404
    assert httpx.get(place.replace(token, "1:" + "x" * 35), trust_env=False).status_code == 401
    plan = book.keep(b"%PDF-1.7", "plan.pdf", "application/pdf")
    said = update_of(wrote("", files=(plan,))[1])["message"]
    assert said["document"]["file_name"] == "plan.pdf" and "caption" not in said


def test_without_a_webhook_news_is_fetched(ask_bot: Ask) -> None:
    assert ask_bot("deleteWebhook").json()["result"] is True
    first, hook = wrote("one")
    wrote("two")
    assert courier.post(hook)  # nobody is called
    settings = {"bot_token": "env:DEMO_TELEGRAM_BOT_TOKEN", "base_url": "env:DEMO_TELEGRAM_URL"}
    adapter = TelegramAdapter(Account("telegram", BOT, tuple(settings.items())))
    found = adapter.news(0)
    assert [json.loads(raw)["message"]["text"] for _number, raw in found] == ["one", "two"]
    assert [number for number, _raw in adapter.news(found[0][0])] == [found[1][0]]
    known = Book("telegram").get(first.id)
    assert known and known.status == DELIVERED
    adapter.close()
    told = {"url": f"{PUBLIC}/webhooks/telegram/", "secret_token": "another"}
    assert ask_bot("setWebhook", told).json()["ok"]
    hook = wrote("three")[1]
    assert (hook.url, hook.headers[SECRET]) == (told["url"], "another")


# Played

played = pytest.mark.django_db(transaction=True)


def start(code: str = "") -> Client:
    """Tom opens the bot's link and presses Start."""
    client = Client()
    client.post("/demo/telephone/take/", {"number": TOM})
    link = f"https://t.me/{BOT}" + (f"?start={code}" if code else "")
    page = client.get("/demo/telephone/open/", {"link": link}, follow=True)
    assert page.redirect_chain[0][0].startswith(CHAT)
    assert f'name="start" value="{code}"' in page.content.decode()
    assert 'id="text"' not in page.content.decode()
    assert client.post(CHAT, {"start": code}).status_code == 302
    return client


def joined(organisation: Organisation) -> Case:
    """A case that was asked on the site and goes on by Telegram."""
    case = ask(organisation)
    invitation = joining.invite(case, Channel.objects.get(kind="telegram"))
    assert invitation.link.startswith(f"https://t.me/{BOT}?start=")
    start(invitation.link.rpartition("=")[2])
    becomes(lambda: Case.objects.get(pk=case.pk).choice.kind == "telegram")  # type: ignore[union-attr]
    return Case.objects.get(pk=case.pk)


@played
def test_start_joins_the_case_and_shows_no_code(web: str, shop: Organisation) -> None:
    case = joined(shop)
    mine = [bubble.text for bubble in Book("telegram").bubbles(TOM) if bubble.mine]
    assert mine == ["/start"] and Case.objects.count() == 1
    assert TOM not in Identity.objects.filter(scheme="telegram").values_list("value", flat=True)
    delivery = answer(case, "It waits for you.")
    assert delivery.status == Delivery.Status.SENT
    page = Client().get(CHAT).content.decode()
    assert "It waits for you." in page and 'id="text"' in page and f"@{BOT}" in page


@played
def test_who_talks_already_is_asked_and_taps_yes(web: str, shop: Organisation) -> None:
    joined(shop)
    second = opening.open_case(
        organisation=shop, text="And a bell?", came_by="account", kind="account", language="en"
    )
    invitation = joining.invite(second, Channel.objects.get(kind="telegram"))
    client = start(invitation.link.rpartition("=")[2])
    becomes(lambda: bool(Book("telegram").bubbles(TOM)[-1].buttons))
    assert Case.objects.get(pk=second.pk).choice.kind != "telegram"  # type: ignore[union-attr]
    assert client.post(CHAT, {"pick": "0"}).status_code == 302
    becomes(lambda: Case.objects.get(pk=second.pk).choice.kind == "telegram")  # type: ignore[union-attr]


@played
def test_written_out_of_the_blue_with_a_picture(web: str, shop: Organisation) -> None:
    client = start()
    file = SimpleUploadedFile("bike.png", picture(), "image/png")
    assert client.post(CHAT, {"text": "Is this one still there?", "files": file}).status_code == 302
    becomes(lambda: Message.objects.filter(attachments__isnull=False).exists())
    message = Message.objects.get(text="Is this one still there?")
    assert message.attachments.get().file.read().startswith(b"\xff\xd8\xff")
    assert client.get(CHAT).content.decode().count("bubble__picture") == 1
    assert until(
        lambda: [b.status for b in Book("telegram").bubbles(TOM) if b.files] == [DELIVERED]
    )


@played
def test_who_blocks_the_bot_is_told_to_staff(web: str, shop: Organisation) -> None:
    case = joined(shop)
    moods.switch("telegram", "blocked", on=True)
    delivery = answer(case, "Are you there?")
    becomes(lambda: status(delivery) in ("failed", "returned"))
    assert case.alerts.exists()


@played
def test_a_block_is_posted_as_it_is_made_and_lifted(web: str, shop: Organisation) -> None:
    joined(shop)
    panel, tap = "/demo/telephone/misbehave/", {"app": "telegram", "mood": "blocked"}

    def may_write() -> bool:
        return Identity.objects.get(scheme="telegram").is_usable_by("telegram")

    Client().post(panel, tap)
    becomes(lambda: not may_write())
    Client().post(panel, tap)
    becomes(may_write)
    for hook in PROVIDERS["telegram"].felt("blocked", on=True):
        update_of(hook)
    assert PROVIDERS["telegram"].felt("slow", on=True) == []


@played
def test_the_demos_calls_are_ones_that_telegram_knows(
    web: str, shop: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = recorded(monkeypatch)
    answer(joined(shop))
    sent = [call for call in calls if call.path.endswith("/sendMessage")]
    assert sent
    for call in sent:
        headers = {"Content-Type": call.header("content-type")}
        assert bot_api.is_known((call.path, headers, call.body))


@played
def test_an_edit_and_a_thumb_arrive(web: str, shop: Organisation) -> None:
    client = start()
    client.post(CHAT, {"text": "The blue one?"})
    becomes(lambda: Message.objects.filter(text="The blue one?").exists())
    (mine,) = [b for b in Book("telegram").bubbles(TOM) if b.text == "The blue one?"]
    assert client.post(CHAT, {"act": "edited", "of": mine.id, "text": "Red?"}).status_code == 302
    becomes(lambda: any(b"edited_message" in bytes(e.raw) for e in InboundEvent.objects.all()))
    work()
    assert "Red?" in client.get(CHAT).content.decode()


@played
@pytest.mark.parametrize("code", ["<b>", "x" * 65])
def test_start_takes_codes_only(web: str, code: str) -> None:
    page = Client().post(CHAT, {"start": code})
    assert page.status_code == 200 and Book("telegram").bubbles() == []


def test_no_one_can_own_the_demos_bot() -> None:
    assert "__" in BOT and shop.ADDRESSES["telegram"] == telephones.SHOP["telegram"] == BOT
