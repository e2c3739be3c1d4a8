"""Django's SQLite, where who writes waits for a turn instead of trying again and again.

SQLite has one writer. Who finds it busy sleeps and tries anew, up to 100 ms later each time: beside
workers that write all day a request waited for seconds, though no transaction takes longer than
some ten milliseconds. Here a transaction first takes a lock of the system, which wakes who waits at
once. Workers stand in a row of their own, of which one at a time waits for the turn: people go
first.
"""

import fcntl
import os
from typing import Any, ClassVar

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection; its turn lasts from BEGIN to the end of the transaction."""

    gives_way: ClassVar[bool] = False  # in a worker's process
    _turns: tuple[int, ...] = ()  # open files, to be locked in this order

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, and open what is locked."""
        connection = super().get_new_connection(conn_params)
        if not self.is_in_memory_db():
            names = ("row", "turn") if self.gives_way else ("turn",)
            self._turns = tuple(map(self._open, names))
        return connection

    def _open(self, name: str) -> int:
        """A file of our own: a lock belongs to who opened it."""
        path = f"{self.settings_dict['NAME']}-{name}"
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _start_transaction_under_autocommit(self) -> None:
        for file in self._turns:
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _end_turn(self) -> None:
        for file in reversed(self._turns):
            fcntl.flock(file, fcntl.LOCK_UN)

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> None:
        super()._close()  # type: ignore[misc]
        while self._turns:
            *left, file = self._turns
            self._turns = tuple(left)
            os.close(file)
