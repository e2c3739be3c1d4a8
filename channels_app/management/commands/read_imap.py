"""`manage.py read_imap`: takes mail out of the mailboxes of the e-mail channels."""

import logging
import signal
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections

from channels_app.management.imap import Readers

logger = logging.getLogger(__name__)
LOOK_SECONDS = 5.0  # until a channel that was set up meanwhile is read as well


class Command(BaseCommand):
    """Read until SIGTERM."""

    help = "Read the mailboxes (IMAP) of the e-mail channels that have one."
    requires_system_checks = []  # a door that opens late loses nothing, but it should not
    greeting = "Mailboxes are read."

    def readers(self) -> Readers:
        """Who reads."""
        return Readers()

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; the mail that is being stored at the end is finished."""
        # An Event can be holding its own lock just when the signal comes; this may be put into.
        ends: SimpleQueue[int] = SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: ends.put(number))
        readers = self.readers()
        self.stdout.write(self.greeting)
        end = None
        while end is None:
            try:
                readers.look()
            except DatabaseError as error:
                logger.warning("The database does not answer (%s).", type(error).__name__)
            connections.close_all()
            with suppress(Empty):
                end = ends.get(timeout=LOOK_SECONDS)
        readers.stop()
