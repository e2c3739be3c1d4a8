"""System checks of the configuration: what would leave a customer without a way, or an answer.

`manage.py check` and `migrate` print them; the administrator's home page shows the same findings.
"""

import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from channels_app import passing, push
from channels_app.adapters.outside import LOOPBACK
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel
from channels_app.passing import PASSING, Finding
from contacts.models import Organisation, Topic

NO_NUMBER = "onecase.W001"
NO_PHONE_CHANNEL = "onecase.W002"
ONLY_CHAT = "onecase.W003"
NO_ADDRESS = "onecase.W004"
NO_SECRET = "onecase.W005"
NO_TEXT = "onecase.W006"
NOTHING_OFFERED = "onecase.W007"
NOT_READ = "onecase.W008"
WRONG_ADDRESS = "onecase.W009"
NOT_REACHED = "onecase.W010"
OUT = "onecase.W011"
NO_PUSH = "onecase.W012"

# Readers tell every five minutes that all is well.
SILENT = timedelta(minutes=15)

# Kinds that cannot work without an own address (a mailbox, a place).
NEED_ADDRESS = frozenset({"email", "in_person"})


@dataclass(frozen=True)
class Setup:
    """What an administrator has set up; topics are those that are offered."""

    organisation: Organisation | None
    channels: list[Channel]
    topics: list[Topic]

    @classmethod
    def read(cls) -> "Setup":
        """As it is now. Four queries."""
        organisation = Organisation.objects.order_by("pk").first()
        channels = Channel.objects.all().of(organisation) if organisation else []
        return cls(organisation, channels, list(Topic.objects.offered()))


def findings(setup: Setup | None = None) -> list[Finding]:
    """All that is wrong with the configuration; nothing while nothing is set up."""
    setup = setup or Setup.read()
    organisation, every = setup.organisation, setup.channels
    if organisation is None:
        return []
    channels = [channel for channel in every if channel.is_offered]
    return [
        *_phone(organisation, channels),
        *_ways(channels),
        *_addresses(organisation, channels),
        *_own_addresses(channels),
        *_secrets(channels),
        *_doors(channels),
        *_mailboxes(every, timezone.now()),
        *_out(channels, timezone.now()),
        *passing.findings(organisation, channels, timezone.now()),
        *_push(channels),
        *_channel_texts(organisation.languages, channels),
        *_other_texts(organisation, setup.topics),
    ]


def _phone(organisation: Organisation, channels: Sequence[Channel]) -> Iterator[Finding]:
    channel = next((c for c in channels if c.kind == "phone"), None)
    if channel and not organisation.phone:
        yield Finding(
            NO_NUMBER,
            _("Phone is offered, but the organisation has no phone number: no page can show it."),
            _("Write the phone number on the page Organisation."),
        )
    if organisation.phone and channel is None:
        yield Finding(
            NO_PHONE_CHANNEL,
            _("The organisation has a phone number, but phone is not offered to customers."),
            _("Offer a phone channel: it is the way that most people choose."),
        )


def _ways(channels: Sequence[Channel]) -> Iterator[Finding]:
    if not channels:
        yield Finding(
            NOTHING_OFFERED,
            _("No channel is offered: customers cannot choose how they are answered."),
            _("Offer at least phone and e-mail on the page Channels."),
        )
    elif {channel.kind for channel in channels} == {"chat"}:
        yield Finding(
            ONLY_CHAT,
            _("Chat is the only channel that is offered."),
            _("Offer another way as well: nobody should be forced to chat."),
        )


def _addresses(organisation: Organisation, channels: Sequence[Channel]) -> Iterator[Finding]:
    for channel in channels:
        if channel.kind in NEED_ADDRESS and not channel.address:
            yield Finding(
                NO_ADDRESS,
                _("The channel %(name)s has no address.") % {"name": channel.name},
                _("Write the mailbox, or the place, in the channel's settings."),
                channel.pk,
            )
        if channel.kind == "letter" and not organisation.address:
            yield Finding(
                NO_ADDRESS,
                _("Letters are offered, but the organisation has no postal address to answer to."),
                _("Write the postal address on the page Organisation."),
            )


def _secrets(channels: Sequence[Channel]) -> Iterator[Finding]:
    for channel in channels:
        if missing := missing_settings(channel):
            yield Finding(
                NO_SECRET,
                _("The channel %(name)s lacks a setting: %(missing)s.")
                % {"name": channel.name, "missing": ", ".join(missing)},
                _("Set it in the environment of the portal, and start the portal anew."),
                channel.pk,
            )


def _own_addresses(channels: Sequence[Channel]) -> Iterator[Finding]:
    """What the provider cannot know: answers would be refused, or go out in another's name."""
    for channel in channels:
        adapter = PROVIDERS.get(channel.provider)
        if adapter is None or not adapter.address_pattern:
            continue
        if not re.fullmatch(adapter.address_pattern, channel.address):
            yield Finding(
                WRONG_ADDRESS,
                _("The channel %(name)s has no own address that %(provider)s can know.")
                % {"name": channel.name, "provider": adapter.label},
                _("Write it in the channel's settings, like %(example)s.")
                % {"example": adapter.address_example},
                channel.pk,
            )


def _doors(channels: Sequence[Channel]) -> Iterator[Finding]:
    """Providers call by https only; one on this very machine may do without."""
    if settings.PUBLIC_URL.startswith("https://"):
        return
    for channel in channels:
        adapter = PROVIDERS.get(channel.provider)
        if adapter is not None and adapter.webhooks and not _is_here(channel):
            yield Finding(
                NOT_REACHED,
                _("%(provider)s cannot reach the channel %(name)s: PUBLIC_URL is not https.")
                % {"name": channel.name, "provider": adapter.label},
                _("Set PUBLIC_URL to the https address by which the Internet sees the portal."),
                channel.pk,
            )


def _is_here(channel: Channel) -> bool:
    name = channel.config.get("base_url", "").removeprefix("env:")
    return urlsplit(os.environ.get(name, "")).hostname in LOOPBACK


def _out(channels: Sequence[Channel], now: datetime) -> Iterator[Finding]:
    """A channel that is offered and does nothing: its customers may want to choose again."""
    for channel in channels:
        if channel.is_gone(now):
            yield Finding(
                OUT,
                (
                    _("%(name)s is paused, and customers are answered there.")
                    if channel.is_paused_by_hand
                    else _("%(name)s has not worked for a while: what waits there does not go.")
                )
                % {"name": channel.name},
                _("Look who waits, and ask them to choose another way."),
                channel.pk,
            )


def _mailboxes(channels: Sequence[Channel], now: datetime) -> Iterator[Finding]:
    """Mail that nobody fetches: customers write on, also to what is not offered any more."""
    for channel in channels:
        if channel.is_fetched:
            yield from _unfetched(channel, now)
        if not channel.reads_mailbox:
            continue
        if channel.read_error:
            yield Finding(
                NOT_READ,
                _("The mailbox of %(name)s: %(why)s")
                % {"name": channel.name, "why": channel.read_error},
                _("Press “Test this channel” when it is put right. No mail is lost meanwhile."),
                channel.pk,
            )
        elif channel.last_read_at is None or channel.last_read_at < now - SILENT:
            yield Finding(
                NOT_READ,
                _("The mailbox of %(name)s is not being read.") % {"name": channel.name},
                _("The program manage.py read_imap must run beside the portal."),
                channel.pk,
            )


def _unfetched(channel: Channel, now: datetime) -> Iterator[Finding]:
    """A bot that has no webhook, and is not asked for news."""
    if channel.read_error:
        words = {"name": channel.name, "why": channel.read_error}
        yield Finding(
            NOT_READ,
            _("What is written to %(name)s cannot be fetched: %(why)s") % words,
            _("It goes on by itself when that is put right. The provider keeps it for a day."),
            channel.pk,
        )
    elif channel.last_read_at is None or channel.last_read_at < now - SILENT:
        yield Finding(
            NOT_READ,
            _("What is written to %(name)s is not being fetched.") % {"name": channel.name},
            _("The program manage.py read_telegram must run, or the channel needs a webhook."),
            channel.pk,
        )


def _push(channels: Sequence[Channel]) -> Iterator[Finding]:
    """Who waits for an answer on the page should be able to hear of it."""
    if not any(channel.kind in push.KINDS_TOLD for channel in channels):
        return
    if not settings.VAPID_PRIVATE_KEY:
        yield Finding(
            NO_PUSH,
            _("Customers cannot be told on their device of an answer on their page."),
            _("Make a key with manage.py make_push_key, and set VAPID_PRIVATE_KEY to it."),
        )
    elif not push.public_key():
        yield Finding(
            NO_PUSH,
            _("VAPID_PRIVATE_KEY cannot be read: customers are not told on their device."),
            _("Set it to what manage.py make_push_key prints, and start the portal anew."),
        )
    elif host := push.refused_by():
        yield Finding(
            NO_PUSH,
            _("%(host)s does not take our key: some customers are not told on their device.")
            % {"host": host},
            _("Look whether VAPID_PRIVATE_KEY was changed: browsers keep to the key of before."),
        )


def missing_settings(channel: Channel) -> list[str]:
    """Settings that the provider needs and nobody refers to, and names that are not set."""
    adapter = PROVIDERS.get(channel.provider)
    needed = adapter.settings_needed if adapter else ()
    names = [value.removeprefix("env:") for value in channel.config.values()]
    return [
        *(setting for setting in needed if setting not in channel.config),
        *(name for name in names if not os.environ.get(name)),
    ]


def _channel_texts(languages: list[str], channels: Sequence[Channel]) -> Iterator[Finding]:
    speakers = {channel.kind: channel for channel in reversed(channels)}
    for channel in speakers.values():  # of several branches the first one's words are shown
        texts = [
            (_("what it is good for"), channel.good_for),
            (_("what it cannot do"), channel.cannot),
        ]
        if str(channel.title):  # without any title the name of the kind is shown
            texts.append((_("its name"), channel.title))
        gaps = [(what, _lacking(text, languages)) for what, text in texts]
        if lacking := [f"{what} ({_names(codes)})" for what, codes in gaps if codes]:
            yield Finding(
                NO_TEXT,
                _("The channel %(name)s does not say: %(texts)s.")
                % {"name": channel.name, "texts": ", ".join(lacking)},
                _("Write its texts in every language of the organisation."),
                channel.pk,
            )


def _other_texts(organisation: Organisation, topics: Iterable[Topic]) -> Iterator[Finding]:
    languages = organisation.languages
    if str(organisation.welcome) and (lacking := _lacking(organisation.welcome, languages)):
        yield Finding(
            NO_TEXT,
            _("The welcome text is missing in: %(languages)s.") % {"languages": _names(lacking)},
            _("Write it in every language, or in none."),
        )
    for topic in topics:
        if lacking := _lacking(topic.name, languages):
            yield Finding(
                NO_TEXT,
                _("The topic %(name)s has no name in: %(languages)s.")
                % {"name": topic.name, "languages": _names(lacking)},
                _("Write its name in every language of the organisation."),
                topic_id=topic.pk,
            )


def _lacking(text: Any, languages: list[str]) -> list[str]:
    """The languages in which a text (LazyI18nString) says nothing."""
    written = getattr(text, "data", text)
    if not isinstance(written, dict):  # one plain text, which is shown in every language
        return [] if written else list(languages)
    return [language for language in languages if not written.get(language)]


def _names(languages: Collection[str]) -> str:
    return ", ".join(name for code, name in settings.LANGUAGES if code in languages)


def _is_wanted(databases: Sequence[str] | None) -> bool:
    # Every other command (a mail piped in, for one) would pay a connection for nothing.
    return bool(databases) or sys.argv[1:2] == ["check"]


@register
def check_configuration(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """The findings as system checks; none where there is no database or no table yet."""
    if not _is_wanted(databases):
        return []
    try:
        with override("en"):
            lasting = (found for found in findings() if found.id not in PASSING)
            return [Warning(found.text, found.hint, id=found.id) for found in lasting]
    except DatabaseError:
        return []
