"""`manage.py parse_mail`, as another program would call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from channels_app.mailparse.words import words

ROOT = Path(__file__).resolve().parents[2]
FIELDS = words(
    "from_email from_name to cc subject text reply_text html attachments message_id in_reply_to"
    " references auto_submitted error"
)


def run(raw: bytes) -> dict[str, Any]:
    """The JSON object that the command prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", "parse_mail"], cwd=ROOT, input=raw, capture_output=True
    )
    assert done.returncode == 0 and done.stderr == b"", done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_mail() -> None:
    found = run(
        b"From: Kim <kim@mail.example>\nTo: shop@shop.example\n"
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nBlue.\n\n-- \nKim\n--b\n"
        b"Content-Type: text/csv; name=a.csv\n\n1,2\n--b--\n"
    )
    assert set(found) >= FIELDS
    assert (found["from_email"], found["subject"]) == ("kim@mail.example", "Grüße")
    assert found["to"] == ["shop@shop.example"] and found["reply_text"] == "Blue."
    (file,) = found["attachments"]
    assert set(file) == {"name", "type", "size", "md5"} and file["name"] == "a.csv"


@pytest.mark.parametrize("raw", [b"", b"\x00\xff\xfe", b"=?" * 10_000, b"--b\n" * 1_000])
def test_garbage_is_no_traceback(raw: bytes) -> None:
    assert set(run(raw)) >= FIELDS


def test_too_many_parts_is_an_error_in_the_answer() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 600
    assert run(raw)["error"] == "more than 500 parts"
