"""`manage.py read_telegram`: fetches what is written to the bots that have no webhook."""

from channels_app.management.commands import read_imap
from channels_app.management.imap import Readers
from channels_app.management.telegram import BotReader, fetched_channels


class Command(read_imap.Command):
    """Fetch until SIGTERM."""

    help = "Fetch what is written to the Telegram bots that have no webhook secret."
    greeting = "Telegram is asked for news."

    def readers(self) -> Readers:
        """A reader for each bot."""
        return Readers(fetched_channels, BotReader)
