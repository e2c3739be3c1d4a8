"""Files that a provider keeps for us: fetched before anything is filed, bounded, or kept out."""

from collections.abc import Callable
from dataclasses import replace

from django.conf import settings

from channels_app.adapters.base import Adapter, Inbound, InFile, Reason, SendError
from contacts import files
from contacts.files import File, FileRefused


class TooMany(Exception):
    """More files than one message may have."""


def fetch(
    adapter: Adapter, inbound: Inbound, *, is_last_try: bool, before: Callable[[], None]
) -> Inbound:
    """The message with its files, and with what was kept out of it. `before`: asked for each.

    Needs the network: never within a transaction. Raises Unavailable, so that it is tried again;
    at the last try the words come without the file.
    """
    taken: list[InFile] = []
    kept_out: list[tuple[str, Reason]] = []
    for file in inbound.files:
        try:
            if len(taken) >= settings.MAX_FILES:
                raise TooMany
            before()
            got = _one(adapter, file)
            files.check([File(got.name, got.content_type, got.content)])
            taken.append(got)
        except SendError as error:
            if error.retryable and not is_last_try:
                raise
            kept_out.append((file.name, error.why))
        except TooMany:
            kept_out.append((file.name, Reason("file_too_many")))
        except FileRefused:
            kept_out.append((file.name, Reason("file_not_taken")))
    return replace(inbound, files=tuple(taken), kept_out=tuple(kept_out))


def _one(adapter: Adapter, file: InFile) -> InFile:
    return adapter.fetch(file, settings.MAX_FILE_BYTES) if file.reference else file
