"""Fetches what was written to Telegram's bots that nobody calls: a thread for each bot.

An update is committed first and confirmed after, by the next question: killed in between it comes
again, and is one update.
"""

import json

from django.db import connections
from django.utils import timezone

from channels_app import inbound
from channels_app.adapters.base import BadPayload, Request
from channels_app.management.imap import Reader
from channels_app.models import Channel


class BotReader(Reader):
    """Asks for one bot's news until it is stopped, as a mailbox is read."""

    last = 0  # the newest update that is committed; Telegram knows what was confirmed before

    @staticmethod
    def place(channel: Channel) -> str:
        """Its settings: the names of variables, no secret."""
        return json.dumps(channel.config, sort_keys=True)

    def _session(self) -> None:
        while not self.stopped.is_set():
            channel = Channel.objects.select_related("organisation").get(pk=self.channel.pk)
            connections.close_all()  # none is held while nothing comes
            for number, body in channel.adapter().news(self.last):
                self._keep(channel, body)
                self.last = number
            self._failures = 0
            self._say(None)

    def _keep(self, channel: Channel, body: bytes) -> None:
        """Commit one update."""
        request = Request(body, received_at=timezone.now())
        try:
            inbound.receive(channel, request)
        except BadPayload as error:
            inbound.set_aside(channel, request, str(error))


def fetched_channels() -> dict[int, Channel]:
    """The bots that have no webhook."""
    return {channel.pk: channel for channel in Channel.objects.fetched()}
