"""Telegram by the portal's own door, and by asking for news where nobody can call us."""

import io
import json
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client

from channels_app import checks, dispatch, inbound, joining
from channels_app.management import imap
from channels_app.management.commands import read_imap
from channels_app.management.telegram import BotReader, fetched_channels
from channels_app.models import Channel, Delivery, InboundEvent
from contacts.models import Case, Event, Identity, Message, Organisation, User
from portal import supervisor, words
from tests.adapters import bot_api
from tests.adapters import telegram as bot
from tests.adapters.contract import said
from tests.imap.conftest import fresh, stored, until
from tests.messengers import people
from tests.webhooks.channels import channel_at, post
from tests.webhooks.conftest import work
from tests.webhooks.providers import Provider, Said

NOTHING = said(200, {"ok": True, "result": []})


@pytest.fixture
def channel(
    organisation: Organisation, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> Channel:
    """The shop's bot."""
    return channel_at(bot.Telegram, organisation, provider, monkeypatch)


@pytest.fixture
def fetched(channel: Channel, provider: Provider) -> Channel:
    """The same without a public address."""
    del channel.config["webhook_secret"]
    channel.save()
    provider.always = NOTHING
    return channel


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Iterator[imap.Readers]:
    """Started by `look()`; stopped at the end."""
    for name in ("DROPPED", "REFUSED", "DATABASE"):
        monkeypatch.setattr(imap, name, imap.Delay(0.1, 0.1))
    found = imap.Readers(fetched_channels, BotReader)
    yield found
    threads = list(found.running.values())
    found.stop(5)
    assert not [thread for thread in threads if thread.is_alive()]


def hi(number: int = 900, text: str = "Is it there?", **more: Any) -> dict[str, Any]:
    """Somebody writes."""
    return {"update_id": number, "message": bot.message(message_id=number, text=text, **more)}


def news(*updates: dict[str, Any]) -> Said:
    """Telegram's answer to who asks."""
    return said(200, {"ok": True, "result": list(updates)})


def offsets(provider: Provider) -> list[int]:
    """From where news was asked for, each once."""
    asked = [json.loads(body)["offset"] for path, _headers, body in list(provider.calls)]
    return list(dict.fromkeys(asked))


def problems() -> list[str]:
    """The findings about reading."""
    return [found.text for found in checks.findings() if found.id == checks.NOT_READ]


# By webhook


def test_a_message_opens_a_case_and_is_answered_there(
    channel: Channel, client: Client, agent: User, provider: Provider
) -> None:
    for _twice in range(2):
        assert post(client, channel, bot.posted(hi())).status_code == 200
    work()
    case = Case.objects.get()
    identity = Identity.objects.get(scheme="telegram")
    assert identity.value == bot.CHAT and case.customer.name == "Sam Vos"
    assert case.choice is not None and case.choice.kind == "telegram"
    del provider.calls[:]
    answer = dispatch.reply(case=case, staff=agent, text="Tomorrow.").deliveries.get()
    work()
    answer.refresh_from_db()
    assert (answer.status, answer.provider_id) == ("sent", f"{bot.CHAT}:8")
    (call,) = [one for one in provider.calls if "Tomorrow" in one[2].decode()]
    assert bot_api.is_known(call) and bot_api.told(call)["chat_id"] == bot.SAM


def test_the_button_start_joins_the_case_that_showed_it(
    organisation: Organisation, channel: Channel, client: Client, provider: Provider
) -> None:
    case = people.own_page(organisation)
    shown = joining.invite(case, channel)
    assert shown.link == f"https://t.me/OurShopBot?start={shown.code.plain}"
    assert people.choice_of(case) == ("account", "")
    tapped = shown.link.partition("?start=")[2]
    assert post(client, channel, bot.posted(hi(900, f"/start {tapped}"))).status_code == 200
    work()
    assert people.choice_of(case) == ("telegram", bot.CHAT) and joining.waiting(case) is None
    post(client, channel, bot.posted(hi(901, "And when?")))  # nobody can write in their name
    work()
    assert people.texts(case)[-1] == "And when?" and "start" not in str(people.texts(case))
    assert bot_api.told(provider.calls[-1])["text"].startswith("Your question")
    # Nobody knows the number of their own chat.
    case.refresh_from_db()
    assert words.answer_line(case.choice) == "We answer by Telegram"
    assert str(Identity.objects.get(scheme="telegram")) == str(bot.SAM)


def test_a_planted_button_asks_first_and_a_tap_answers(
    organisation: Organisation, channel: Channel, client: Client, provider: Provider
) -> None:
    post(client, channel, bot.posted(hi(900)))
    work()
    case = people.own_page(organisation, "A thief's")
    code = joining.invite(case, channel).code.plain
    post(client, channel, bot.posted(hi(901, f"/start {code}")))
    work()
    assert people.choice_of(case) == ("account", "")
    asked = bot_api.told(provider.calls[-1])
    yes, no = [row[0]["callback_data"] for row in asked["reply_markup"]["inline_keyboard"]]
    assert (yes, no) == ("yes", "no")
    by_somebody_else = bot.PRIVATE | {"id": 5550199}
    for number, chat, joined in (
        (902, by_somebody_else, "account"),
        (903, bot.PRIVATE, "telegram"),
    ):
        query = bot.TAPPED["callback_query"]
        tap = query | {"data": yes, "message": query["message"] | {"chat": chat}}
        post(client, channel, bot.posted({"update_id": number, "callback_query": tap}))
        work()
        assert people.choice_of(case)[0] == joined


def test_what_is_changed_afterwards(channel: Channel, client: Client) -> None:
    post(client, channel, bot.posted(hi(900, "Not 3")))
    work()
    sent = Delivery.objects.get(channel=channel)
    edited = bot.message(message_id=900, text="Not 4", edit_date=1)
    post(client, channel, bot.posted({"update_id": 901, "edited_message": edited}))
    reaction = bot.reacted({"type": "emoji", "emoji": "👍"})["message_reaction"]
    ours = int(sent.provider_id.rpartition(":")[2])
    post(
        client,
        channel,
        bot.posted({"update_id": 902, "message_reaction": reaction | {"message_id": ours}}),
    )
    work()
    message = Message.objects.get(direction="in")
    assert (message.text, message.corrected) == ("Not 4", "edited")
    found = Event.objects.filter(sort=Event.Sort.CORRECTED, data__change="reacted").get()
    assert found.data["sign"] == "👍" and found.data["message"] == sent.message_id


def test_who_blocks_us_is_marked(
    channel: Channel, client: Client, agent: User, provider: Provider
) -> None:
    post(client, channel, bot.posted(hi()))
    work()
    provider.always = bot.BLOCKED
    answer = dispatch.reply(case=Case.objects.get(), staff=agent, text="Tomorrow.")
    work()
    assert answer.deliveries.filter(status="failed").exists()
    assert not Identity.objects.get(scheme="telegram").is_usable_by("telegram")
    post(client, channel, bot.posted(hi(901, "Here again")))
    work()
    assert Identity.objects.get(scheme="telegram").is_usable_by("telegram")


def test_a_block_marks_at_once_and_is_lifted(
    channel: Channel, client: Client, agent: User, provider: Provider
) -> None:
    post(client, channel, bot.posted(bot.blocked("kicked")))  # by who never wrote
    work()
    assert not Identity.objects.filter(scheme="telegram").exists()
    post(client, channel, bot.posted(hi()))
    work()
    case, told = Case.objects.get(), len(provider.calls)
    for number, status in enumerate(("kicked", "kicked", "member", "member"), 901):
        post(client, channel, bot.posted(bot.blocked(status) | {"update_id": number}))
        work()
        is_open = Identity.objects.get(scheme="telegram").is_usable_by("telegram")
        assert is_open is (status == "member")
        if number == 901:
            with pytest.raises(dispatch.Refusal):
                dispatch.reply(case=case, staff=agent, text="Tomorrow.")
    said = Event.objects.filter(case=case, sort=Event.Sort.STOPPED).order_by("seq")
    assert [row.data["stopped"] for row in said] == [True, False]  # each told once
    assert len(provider.calls) == told and not Message.objects.filter(text="Tomorrow.").exists()
    assert InboundEvent.objects.exclude(state="processed").count() == 0


def test_a_forged_post_files_nothing(channel: Channel, client: Client) -> None:
    for request in bot.Telegram().forged().values():
        if request.headers:
            assert post(client, channel, request).status_code == 403
    group = hi(902, chat=bot.GROUP)
    assert post(client, channel, bot.posted(group)).status_code == 200
    work()
    assert not Message.objects.exists() and InboundEvent.objects.count() == 1


# By asking


def test_news_is_committed_before_it_is_confirmed(
    fetched: Channel, readers: imap.Readers, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OperationalError("locked")])
    real = inbound.receive

    def receive(channel: Channel, request: Any) -> Any:
        if b"And when" in request.body and (error := next(failures, None)):
            raise error
        return real(channel, request)

    monkeypatch.setattr(inbound, "receive", receive)
    both = news(hi(900), hi(901, "And when?"))
    provider.answers = [both, both]  # the second was not stored, so none is forgotten there
    readers.look()
    assert until(stored(2)) and until(lambda: offsets(provider) == [1, 901, 902])
    assert until(lambda: fresh(fetched).last_read_at)
    work()
    assert Message.objects.filter(direction="in").count() == 2 and not problems()


def test_what_is_wrong_is_told_and_goes_by_itself(
    fetched: Channel, readers: imap.Readers, provider: Provider
) -> None:
    assert "is not being fetched" in problems()[0]
    provider.always = bot.refusal(409, "Conflict: terminated by other getUpdates request")
    readers.look()
    assert until(lambda: "409 Conflict" in fresh(fetched).read_error)
    assert bot.TOKEN not in str(fresh(fetched).read_fault) and "409" in problems()[0]
    provider.always = NOTHING
    assert until(lambda: not problems())


def test_a_bot_that_gets_a_webhook_is_left_alone(
    fetched: Channel, readers: imap.Readers, provider: Provider
) -> None:
    readers.look()
    assert until(lambda: provider.calls)
    config = fetched.config | {"webhook_secret": "env:TG_WEBHOOK_SECRET"}
    Channel.objects.filter(pk=fetched.pk).update(config=config)
    (thread,) = readers.running.values()
    readers.look()
    assert not readers.running and until(lambda: not thread.is_alive())
    assert not problems()


def test_the_command_asks_until_it_is_told_to_end(
    fetched: Channel, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_all, main = read_imap.connections.close_all, threading.main_thread()

    def close() -> None:  # the test's own stays open
        if threading.current_thread() is not main:
            close_all()

    monkeypatch.setattr(read_imap.connections, "close_all", close)
    provider.answers = [news(hi(900))]
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def end() -> None:
        until(stored(1))
        close_all()
        os.kill(os.getpid(), signal.SIGTERM)

    watch = threading.Thread(target=end)
    watch.start()
    out = io.StringIO()
    try:
        call_command("read_telegram", stdout=out)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        watch.join()
    assert "Telegram" in out.getvalue() and InboundEvent.objects.count() == 1


def test_the_supervisor_starts_it_where_a_bot_has_no_webhook(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor.connections, "close_all", lambda: None)  # the test's own
    boss = supervisor.Supervisor(host="127.0.0.1", port=8000)
    assert "telegram" not in [service.name for service in boss._others()]
    Channel.objects.filter(pk=channel.pk).update(config={"bot_token": "env:TG_BOT_TOKEN"})
    assert "telegram" in [service.name for service in boss._others()]
