"""`manage.py read_imap`: takes mail out of the mailboxes of the e-mail channels."""

import logging
import signal
import threading
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
        end = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: end.set())
        readers = self.readers()
        self.stdout.write(self.greeting)
        while not end.is_set():
            try:
                readers.look()
            except DatabaseError as error:
                logger.warning("The database does not answer (%s).", type(error).__name__)
            connections.close_all()
            end.wait(LOOK_SECONDS)
        readers.stop()
