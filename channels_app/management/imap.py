"""Reads the mailboxes of e-mail channels: a thread for each, and one that looks after them.

A mail is committed first and moved after: killed in between it is read again, and is one mail.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.utils import timezone
from django.utils.translation import gettext_noop as _  # stored in English, as in inbound

from channels_app import inbound, reasons
from channels_app.adapters.base import Misconfigured, Reason, Request, SendError
from channels_app.adapters.imap import FolderRefused, Mailbox, Place, place_of
from channels_app.mailparse.model import Unparseable
from channels_app.mailparse.parsing import parse
from channels_app.mailparse.structure import MAX_BYTES
from channels_app.models import Channel

logger = logging.getLogger(__name__)
RENEW_SECONDS = 300.0  # IDLE is begun anew; servers may end it after 29 minutes
CALM_SECONDS = 0.05  # so that a burst of mails is one look, and noise no busy loop
BATCH, BATCH_BYTES = 25, 8 * 1024 * 1024  # what is fetched, committed and moved in one go
SIZES = 500  # mails whose size is asked for in one go
TOO_BIG = "Onecase-too-big"
LATER = (30.0, 120.0, 600.0, 3600.0)  # seconds until one that could not be stored is tried again

BIG = _("Larger than 30 MB: it lies in the mailbox's folder Onecase-too-big.")
READ_ONLY = Reason("imap_read_only")
NOT_STORED = Reason("imap_not_stored")
NO_DATABASE = Reason("imap_database")
FAULT = Reason("imap_fault")
TWICE = Reason("imap_twice")


@dataclass
class Delay:
    """How long to wait before the next try: first, doubled each time, up to a longest."""

    first: float
    longest: float

    def after(self, failures: int) -> float:
        """Seconds after so many failures in a row."""
        return min(self.first * 2.0 ** min(failures - 1, 20), self.longest)


DROPPED, REFUSED, DATABASE = Delay(1, 60), Delay(20, 300), Delay(1, 15)


@dataclass
class Memory:
    """What is known of mails that are still in the folder; UIDs mean nothing elsewhere."""

    uid_validity: str = ""
    stored: dict[int, str] = field(default_factory=dict)  # committed; the folder it belongs into
    later: dict[int, tuple[int, float]] = field(default_factory=dict)  # failures, not before

    def keep(self, present: set[int]) -> None:
        """Forget those that are gone."""
        self.stored = {uid: name for uid, name in self.stored.items() if uid in present}
        self.later = {uid: state for uid, state in self.later.items() if uid in present}

    def is_due(self, uid: int) -> bool:
        """Whether it is to be read now."""
        return uid not in self.stored and self.later.get(uid, (0, 0.0))[1] <= time.monotonic()

    def failed(self, uid: int) -> None:
        """It could not be stored: the others go first, it comes later and later."""
        failures = self.later.get(uid, (0, 0.0))[0]
        wait = LATER[min(failures, len(LATER) - 1)]
        self.later[uid] = (failures + 1, time.monotonic() + wait)

    @property
    def wait(self) -> float:
        """Seconds until the next one is due."""
        times = [at for uid, (_n, at) in self.later.items() if uid not in self.stored]
        return max(0.0, min(times, default=time.monotonic() + RENEW_SECONDS) - time.monotonic())


class Reader(threading.Thread):
    """Reads one mailbox until it is stopped; whatever goes wrong there stays in here."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(name=f"imap-{channel.pk}", daemon=True)
        self.channel = channel
        self.reference = self.place(channel)
        self.stopped = threading.Event()
        self._wake, self._waker = socket.socketpair()
        self._mailbox: Mailbox | None = None
        self._memory = Memory()
        self._failures = 0
        self._said: Reason | None = None  # what the channel's page shows now
        self._say_again_at = 0.0

    @staticmethod
    def place(channel: Channel) -> str:
        """Where it reads: another place needs another reader."""
        return reference(channel)

    def stop(self) -> None:
        """Ask it to end after the mail that it is storing."""
        self.stopped.set()
        self._waker.send(b".")

    def hang_up(self) -> None:
        """End the connection that it may be waiting on."""
        if (mailbox := self._mailbox) is not None:
            mailbox.hang_up()

    def run(self) -> None:
        """Read; after a fault wait, longer each time, and begin anew."""
        while not self.stopped.is_set():
            delay = DROPPED
            try:
                self._session()
            except Misconfigured as error:
                delay = REFUSED
                self._say(error.why)
            except SendError as error:
                self._say(error.why)
            except (OperationalError, InterfaceError):
                delay = DATABASE
                self._say(NO_DATABASE)
            except Exception as error:
                self._say(FAULT)
                logger.error("Fault in reading channel %s.", self.channel.pk, exc_info=error)
            finally:
                connections.close_all()
            self._failures += 1
            self.stopped.wait(delay.after(self._failures))

    def _session(self) -> None:
        """One connection: read what is there, wait for more."""
        with Mailbox(self._place()) as self._mailbox:
            while not self.stopped.is_set():
                trouble = self._round(self._mailbox)
                self._failures = 0
                self._say(trouble)
                connections.close_all()  # none is held while nothing comes
                self._mailbox.wait(min(RENEW_SECONDS, self._memory.wait), self._wake)
                self.stopped.wait(CALM_SECONDS)

    def _place(self) -> Place:
        return place_of(self.channel.account.setting("imap"))

    def _round(self, mailbox: Mailbox) -> Reason | None:
        """Read everything that is due; what staff must know, None if all is well."""
        if self._memory.uid_validity != mailbox.uid_validity:
            self._memory = Memory(mailbox.uid_validity)
        present = mailbox.uids()
        self._memory.keep(set(present))
        due = [uid for uid in present if self._memory.is_due(uid)]
        trouble = self._tidy(mailbox)
        for batch in batches(due, mailbox.sizes):
            if self.stopped.is_set():
                return trouble
            self._take(mailbox, batch)
            trouble = self._tidy(mailbox)
        return trouble or (NOT_STORED if self._memory.later else None)

    def _take(self, mailbox: Mailbox, batch: list[tuple[int, int]]) -> None:
        """Store some mails, the oldest first."""
        channel = self.channel = Channel.objects.get(pk=self.channel.pk)
        small = [uid for uid, size in batch if size <= MAX_BYTES]
        found = mailbox.fetch(small) if small else {}
        for uid, _size in batch:
            raw = found.get(uid)
            if uid in small and raw is None:
                self._memory.failed(uid)  # if it is only gone, the next look forgets it
            elif raw is None or len(raw) > MAX_BYTES:
                head = mailbox.head(uid)
                self._store(uid, TOO_BIG, partial(set_aside, channel, head))
            else:
                done = mailbox.place.done
                self._store(uid, done, partial(inbound.receive, channel, request(raw)))

    def _store(self, uid: int, folder: str, store: Callable[[], object]) -> None:
        """Commit one mail. One that is refused again and again does not keep up the others."""
        try:
            store()
        except Exception as error:
            if isinstance(error, DatabaseError | InterfaceError) and not database_answers():
                raise
            # Not what the error says: it may repeat the mail.
            word = type(error).__name__
            logger.error("A mail of channel %s cannot be stored (%s).", self.channel.pk, word)
            self._memory.failed(uid)
        else:
            self._memory.stored[uid] = folder
            self._memory.later.pop(uid, None)

    def _tidy(self, mailbox: Mailbox) -> Reason | None:
        """Move away what is committed; why not, if that is refused."""
        stored = self._memory.stored
        if stored and not mailbox.writable:
            return READ_ONLY
        trouble = None
        for folder in sorted(set(stored.values())):
            uids = sorted(uid for uid, name in stored.items() if name == folder)
            try:
                mailbox.move(uids, folder)
            except FolderRefused as error:
                trouble = error.why
            else:
                for uid in uids:
                    del stored[uid]
        return trouble

    def _say(self, error: Reason | None) -> None:
        """Tell the channel's page, when it is news or some minutes old."""
        if error == self._said and time.monotonic() < self._say_again_at:
            return
        if error and error != self._said:
            logger.warning("Reading channel %s: %s", self.channel.pk, reasons.words(error))
        elif not error and self._said:
            logger.info("Channel %s is read again.", self.channel.pk)
        try:
            self.channel.note_reading(error)
        except DatabaseError:
            self._say_again_at = 0.0
        else:
            self._said, self._say_again_at = error, time.monotonic() + RENEW_SECONDS / 2


def reference(channel: Channel) -> str:
    """Where the channel's setting points: the name of a variable, no secret."""
    return str(channel.config.get("imap", ""))


def request(raw: bytes) -> Request:
    """A mail as it lay in the folder; what its envelope was, its headers say."""
    return Request(body=raw, received_at=timezone.now())


def set_aside(channel: Channel, head: bytes) -> None:
    """Quarantine for the header of a mail that is too big; b"" if it is gone meanwhile."""
    if not head:
        return
    try:
        sender = parse(head).from_email
    except Unparseable:
        sender = ""
    inbound.set_aside(channel, Request(body=head, envelope_from=sender), BIG, is_whole=False)


def batches(
    uids: list[int], sizes: Callable[[list[int]], dict[int, int]]
) -> Iterator[list[tuple[int, int]]]:
    """UIDs with their sizes, in order, in portions that memory and the database can bear."""
    for first in range(0, len(uids), SIZES):
        some = uids[first : first + SIZES]
        known = sizes(some)
        batch: list[tuple[int, int]] = []
        for uid in some:
            size = known.get(uid, 0)
            if batch and (len(batch) == BATCH or sum(s for _u, s in batch) + size > BATCH_BYTES):
                yield batch
                batch = []
            batch.append((uid, size))
        if batch:
            yield batch


def database_answers() -> bool:
    """Whether a fault was the mail's own and not the database's."""
    connections.close_all()
    try:
        Channel.objects.exists()
    except (DatabaseError, InterfaceError):
        return False
    return True


class Readers:
    """The readers of all channels that are read, as they are set up now."""

    def __init__(
        self,
        wanted: Callable[[], dict[int, Channel]] | None = None,
        make: type[Reader] = Reader,
    ) -> None:
        self.wanted, self.make = wanted or wanted_channels, make
        self.running: dict[int, Reader] = {}

    def look(self) -> None:
        """Start readers of new places, end those that are gone or changed."""
        wanted = self.wanted()
        for pk, reader in list(self.running.items()):
            channel = wanted.get(pk)
            moved = channel is None or self.make.place(channel) != reader.reference
            if moved or not reader.is_alive():
                reader.stop()
                del self.running[pk]
        for pk, channel in wanted.items():
            if pk not in self.running:
                self.running[pk] = self.make(channel)
                self.running[pk].start()

    def stop(self, within: float = 0.6) -> None:
        """End all; who waits for a server's answer half that time long is cut off.

        What is not committed then is read again. Python itself takes a second to end, under load.
        """
        readers = list(self.running.values())
        for reader in readers:
            reader.stop()
        for cut in (False, True):
            if cut:
                for reader in readers:
                    reader.hang_up()
            end = time.monotonic() + within / 2
            for reader in readers:
                reader.join(max(0.0, end - time.monotonic()))


def wanted_channels() -> dict[int, Channel]:
    """The channels with a mailbox; of two with the same one only the first."""
    found: dict[int, Channel] = {}
    taken: set[tuple[str, int, str, str]] = set()
    for channel in Channel.objects.reading().order_by("pk"):
        try:
            key = place_of(channel.account.setting("imap")).key
        except SendError:
            found[channel.pk] = channel  # its reader says what is wrong
            continue
        if key in taken:
            if channel.read_fault != TWICE.stored:
                channel.note_reading(TWICE)
            continue
        taken.add(key)
        found[channel.pk] = channel
    return found
