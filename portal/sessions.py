"""Sessions in the database, stored by one statement."""

from contextlib import nullcontext

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, CreateError, UpdateError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils.crypto import get_random_string


class SessionStore(db.SessionStore):
    """As Django's, which asks for a key before it takes it, and opens a transaction for one row."""

    def _get_new_session_key(self) -> str:
        """A key of 165 random bits; `create` draws again where the database has it already."""
        return get_random_string(32, VALID_KEY_CHARS)

    def save(self, must_create: bool = False) -> None:
        """Store it. Raises CreateError for a key that is used, UpdateError for one that is gone."""
        if self.session_key is None:
            return self.create()
        row = self.create_model_instance(
            self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        )
        # One statement is whole by itself; within a transaction its fault must not end that.
        block = transaction.atomic() if connection.in_atomic_block else nullcontext()
        try:
            with block:
                row.save(force_insert=must_create, force_update=not must_create)
        except IntegrityError:
            if must_create:
                raise CreateError from None
            raise
        except DatabaseError:
            if not must_create:
                raise UpdateError from None
            raise
