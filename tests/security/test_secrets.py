"""No secret in a log line, whoever writes it."""

import io
import logging
from typing import Any

import pytest
from django.test import Client
from django.utils.module_loading import import_string

from contacts import codes
from contacts.models import Case, Code, Organisation
from portal.settings import LOGGING
from tests.security.test_strangers import VICTIM, ask

CONFIG: dict[str, Any] = LOGGING


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """A case with a link."""
    return ask(Client(), VICTIM)


def lines_of(name: str, *message: object) -> str:
    """What our handler writes of a record of that logger."""
    format_ = dict(CONFIG["formatters"]["line"])
    made = import_string(format_.pop("()"))(format_["format"])
    logger, stream = logging.getLogger(name), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(made)
    logger.addHandler(handler)
    try:
        logger.warning(*message)
        try:
            raise RuntimeError("smtp://user:hush-hush@mail.example.org failed")
        except RuntimeError:
            logger.exception("It broke.")
    finally:
        logger.removeHandler(handler)
    return stream.getvalue()


@pytest.mark.parametrize(
    "name", ["uvicorn.access", "gunicorn.access", "django.request", "contacts"]
)
def test_codes_and_passwords_do_not_stand_in_logs(name: str, case: Case) -> None:
    link = Code.objects.issue(codes.CASE_LINK, case=case).plain
    text = lines_of(
        name, '%s "GET /c/%s/" help+%s@example.org [%s-%s]', "::1", *[link] * 2, "R", link
    )
    assert link not in text and link.upper() not in text
    assert "hush-hush" not in text and "mail.example.org" in text
    assert "/c/…/" in text and "RuntimeError" in text


def test_every_handler_takes_secrets_out() -> None:
    for name, handler in CONFIG["handlers"].items():
        assert handler["formatter"] == "line", name
    for name in ("uvicorn.access", "gunicorn.access"):
        assert CONFIG["loggers"][name] == {
            "handlers": ["console"],
            "level": "WARNING",  # lines of requests are our own
            "propagate": False,
        }
