"""The secret of a program: 256 random bits in its hand, a keyed digest in our table."""

import base64
import secrets

from django.conf import settings
from django.utils.crypto import salted_hmac

PREFIX = "onecase_"  # so that people and scanners of leaked secrets know what they see
HINT = 4  # characters that stay readable, to tell one token from another


def new() -> str:
    """A new token: the prefix, and 52 lower-case letters and digits."""
    return PREFIX + base64.b32encode(secrets.token_bytes(32)).decode().rstrip("=").lower()


def hint(token: str) -> str:
    """How a token is named where it must not stand whole."""
    return token[: len(PREFIX) + HINT]


def digest(token: str, *, key: str | None = None) -> str:
    """What the row stores: keyed, so that a stolen table opens nothing."""
    return salted_hmac("portal.api.token", token, secret=key, algorithm="sha256").hexdigest()


def digests(token: str) -> list[str]:
    """What a row may hold: a token outlives a change of the secret key, as sessions do."""
    return [digest(token, key=key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
