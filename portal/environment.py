"""What the settings must read like: a wrong value is one line that names its variable."""

import base64
import json
import logging
import os
import re
import secrets
import zoneinfo
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured
from phonenumbers import SUPPORTED_REGIONS

DOTTED = re.compile(r"[a-zA-Z_]\w*(\.[a-zA-Z_]\w*)+")
PUSH_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")
DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.IGNORECASE)


def _url(value: str) -> SplitResult | None:
    """The parts of an address; None where even the port is none."""
    try:
        parts = urlsplit(value)
        return parts if parts.port is None or parts.port else None
    except ValueError:
        return None


def public_url(name: str, value: str) -> SplitResult:
    """Scheme, host and perhaps a port: links are this and a path of ours."""
    parts = _url(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must read like https://help.example.org.")
    if parts.path or parts.query or parts.fragment or parts.username:
        raise ImproperlyConfigured(f"{name} must end after the host: https://help.example.org.")
    return parts


def redis_url(name: str, value: str) -> str:
    """A Redis by TCP, with or without TLS, or by a socket."""
    parts = _url(value)
    by_socket = parts is not None and parts.scheme == "unix" and parts.path.startswith("/")
    by_host = parts is not None and parts.scheme in ("redis", "rediss") and parts.hostname
    if not (by_socket or by_host):
        raise ImproperlyConfigured(
            f"{name} must read like redis://127.0.0.1:6379/0 or unix:///run/redis.sock."
        )
    return value


def mail_url(name: str, value: str) -> str:
    """A mail account: smtp:// with tls=1 or without, or smtps://."""
    parts = _url(value)
    known = {("tls", "1"), ("tls", "0")}
    if (
        parts is None
        or parts.scheme not in ("smtp", "smtps")
        or not parts.hostname
        or not set(parse_qsl(parts.query, keep_blank_values=True)) <= known
    ):
        raise ImproperlyConfigured(
            f"{name} must read like smtp://user:password@host:587?tls=1, or smtps://..."
        )
    return value


def domain(name: str, value: str) -> str:
    """A host name."""
    if not DOMAIN.fullmatch(value):
        raise ImproperlyConfigured(f"{name} must be a domain like help.example.org.")
    return value


def domains(name: str, value: str) -> list[str]:
    """Host names, with commas between them."""
    return [domain(name, one.strip().lower()) for one in value.split(",")]


def push_key(name: str, value: str) -> str:
    """A private key of the curve P-256, as PEM or as base64url; whether it is one is checked later.

    Its library is loaded by who needs it.
    """
    if value and "-----BEGIN" not in value and not PUSH_KEY.fullmatch(value):
        raise ImproperlyConfigured(f"{name} must be what manage.py make_push_key prints, or PEM.")
    return value


def new_push_key() -> str:
    """A private key for the demo: 255 random bits, for every number below the curve's order is."""
    octets = secrets.token_bytes(32)
    return base64.urlsafe_b64encode(bytes([octets[0] & 0x7F]) + octets[1:]).decode().rstrip("=")


def listen(name: str, value: str) -> str:
    """Host and port to listen on."""
    host, _colon, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ImproperlyConfigured(f"{name} must read like 127.0.0.1:2526.")
    return value


def time_zone(name: str, value: str) -> str:
    """A place of the time zone database."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ImproperlyConfigured(f"{name} must be a place like Europe/Amsterdam.") from None
    return value


def region(name: str, value: str) -> str:
    """Where a phone number without + is from."""
    if value.upper() not in SUPPORTED_REGIONS:
        raise ImproperlyConfigured(f"{name} must be a country in two letters, like NL.")
    return value.upper()


def log_level(name: str, value: str) -> str:
    """How much is written into the log."""
    if value.upper() not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(f"{name} must be DEBUG, INFO, WARNING or ERROR.")
    return value.upper()


def log_format(name: str, value: str) -> str:
    """For programs or for people."""
    if value.lower() not in ("json", "line"):
        raise ImproperlyConfigured(f"{name} must be json or line.")
    return value.lower()


def file_storage(backend: str, options: str) -> dict[str, Any]:
    """Where files are kept: a folder of this machine, or any storage of Django's kind.

    `options` is a JSON object; a value `env:NAME` is read from that variable.
    """
    if not backend.strip():
        if options.strip():
            raise ImproperlyConfigured("FILES_STORAGE_OPTIONS needs FILES_STORAGE.")
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    if not DOTTED.fullmatch(backend.strip()):
        raise ImproperlyConfigured("FILES_STORAGE must be the dotted name of a class.")
    try:
        read = json.loads(options or "{}")
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise ImproperlyConfigured("FILES_STORAGE_OPTIONS must be a JSON object.")
    return {"BACKEND": backend.strip(), "OPTIONS": {k: _resolved(v) for k, v in read.items()}}


def _resolved(value: Any) -> Any:
    """A secret by its name; it stands in no other setting."""
    if not isinstance(value, str) or not value.startswith("env:"):
        return value
    found = os.environ.get(value.removeprefix("env:"), "")
    if not found:
        raise ImproperlyConfigured(f"FILES_STORAGE_OPTIONS names {value}, which is not set.")
    return found
