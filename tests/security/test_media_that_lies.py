"""A file that a messenger brings is what its sender says it is, or it does not come along."""

import gzip
import zlib

import pytest

from channels_app.adapters.base import InFile, Rejected
from channels_app.adapters.media import checked
from channels_app.models import Channel
from contacts.models import Attachment, Event, Message
from tests.messengers import pocket
from tests.messengers.people import SAM
from tests.messengers.pocket import Pocket

HTML = b"<!doctype html><script>alert(1)</script>"
PNG, JPEG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20, b"\xff\xd8\xff\xe0" + b"\0" * 20
MP4, WEBP = b"\0\0\0\x18ftypmp42" + b"\0" * 20, b"RIFF\x10\0\0\0WEBPVP8 "
LIES = [
    ("image/jpeg", PNG),
    ("image/png", HTML),
    ("image/png", PNG[1:]),
    ("image/png", b" " + PNG),
    ("image/png", gzip.compress(PNG)),  # packed answers are not unpacked, so it is none
    ("image/png", zlib.compress(PNG)),
    ("image/webp", b"RIFF\x10\0\0\0AVI LIST"),
    ("image/webp", b"RIFF\x10\0\0\0WAVEfmt "),
    ("image/svg+xml", b"<svg onload='alert(1)'/>"),
    ("image/svg+xml", b"\xef\xbb\xbf<svg onload='alert(1)'/>"),
    ("image/svg+xml", "<svg onload='alert(1)'/>".encode("utf-16")),
    ("image/x-new", b"\xef\xbb\xbf <html>"),
    ("image/x-new", "<html>".encode("utf-16-le")),
    ("video/mp4", HTML),
    ("video/mp4", b"MZ" + b"\0" * 40),
    ("video/3gpp", PNG),
    ("audio/mp4", b"#!/bin/sh"),
    ("audio/ogg", MP4),
    ("application/pdf", b"\n%PDF-1.7"),
    ("application/pdf", HTML),
    ("text/html", HTML),
    ("text/html; charset=utf-8", b"nothing of the sort"),
    ("TEXT/HTML", HTML),
    ("application/xhtml+xml", HTML),
    ("application/x-msdownload", b"MZ"),
]


@pytest.mark.parametrize(("said", "content"), LIES)
def test_a_lie_is_refused(said: str, content: bytes) -> None:
    with pytest.raises(Rejected):
        checked(InFile("plan.png", said, b""), content, "")


@pytest.mark.parametrize(
    ("said", "content"),
    [("image/png", PNG), ("image/jpeg", JPEG), ("video/mp4", MP4), ("image/webp", WEBP),
     ("audio/ogg; codecs=opus", b"OggS.."), ("audio/mp4", MP4), ("text/plain", b"<3 you"),
     ("application/zip", b"PK\3\4"), ("application/octet-stream", b"anything"), ("", b"any")],
)  # fmt: skip
def test_what_is_true_comes_along(said: str, content: bytes) -> None:
    assert checked(InFile("a.bin", said, b""), content, "").content == content


def test_another_type_than_the_provider_serves_is_refused() -> None:
    with pytest.raises(Rejected):
        checked(InFile("a.png", "image/png", b""), PNG, "text/html")


def brought(channel: Channel, name: str, sort: str, content: bytes) -> Message:
    """A message with a file in it."""
    Pocket.files["f"] = content
    file = {"name": name, "type": sort, "id": "f"}
    pocket.write(channel, SAM, "Look", files=[file])
    return Message.objects.latest("pk")


@pytest.mark.parametrize(
    "name",
    ["invoice.pdf.exe", "a.svg", "x.html", "photo.jpg\u202egpj.hta", "..\\..\\run.bat", "a.js. "],
)
def test_a_dangerous_name_is_kept_out_and_said(whatsapp: Channel, name: str) -> None:
    brought(whatsapp, name, "image/jpeg", JPEG)
    assert not Attachment.objects.exists()
    event = Event.objects.get(sort=Event.Sort.KEPT_OUT)
    assert not set(event.data["name"]) & set("\u202e\\/\n")


def test_a_file_larger_than_it_says_is_kept_out(whatsapp: Channel, settings: object) -> None:
    settings.MAX_FILE_BYTES = 100  # type: ignore[attr-defined]
    brought(whatsapp, "a.jpg", "image/jpeg", JPEG + b"\0" * 200)
    assert not Attachment.objects.exists()
    assert Event.objects.filter(sort=Event.Sort.KEPT_OUT).exists()
