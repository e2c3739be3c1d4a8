"""Hostile mails and HTML: bounded in time, and refused with a reason where a bound is broken."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from channels_app.mailparse import structure
from channels_app.mailparse.html import MAX_DEPTH, sanitise, to_text
from channels_app.mailparse.markup import MAX_TAGS
from channels_app.mailparse.model import Unparseable
from channels_app.mailparse.parsing import parse
from tests.mailparse.pace import grows_evenly, within

HEAD = b"From: a@x.example\r\nSubject: x\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def nested(depth: int) -> bytes:
    """A multipart in a multipart in ..."""
    return (
        HEAD
        + b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(depth)
        )
        + b"\r\nhi"
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"x" * (structure.MAX_BYTES + 1), "larger than 30 MB"),
        (MIXED + b"--b\r\n\r\nx\r\n" * 501, "more than 500 parts"),
        (nested(51), "deeper than 50"),
        (nested(20_000), "deeper than 50"),
        (HEAD + b"\r\n" + b"\r\n" * 1_600_000, "lines"),
        (nested(45) + b"x\n" * 150_000, "deeper"),
    ],
)
def test_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(Unparseable) as problem:
        parse(raw)
    assert reason in problem.value.reason


def test_at_the_bounds() -> None:
    assert len(parse(MIXED + b"--b\r\n\r\nx\r\n" * 499).text) > 499
    assert parse(nested(49)).text == "hi"


def test_long_headers_are_cut_and_it_is_said() -> None:
    mail = parse(HEAD + b"To: " + b"someone@x.example, " * 60_000 + b"\r\n\r\nhi")
    assert len(mail.to) + 10_000 > 800 and mail.to == ("someone@x.example",)
    assert mail.error == "To header cut at 16384 bytes"


def test_the_address_that_the_cut_divides_is_left_out() -> None:
    listed = b", ".join(b"user%05d@x.example" % n for n in range(2_000))
    mail = parse(HEAD + b"To: " + listed + b"\r\n\r\nhi")
    assert len(mail.to) > 700 and all(address.endswith("@x.example") for address in mail.to)


def test_long_text_is_cut_and_it_is_said() -> None:
    mail = parse(HEAD + b"\r\n" + b"word " * 300_000)
    assert len(mail.text) == 1_000_000 and "text cut" in mail.error


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "one megabyte of To": lambda n: HEAD + b"To: " + b"a@x.example, " * (n // 13) + b"\r\n\r\nhi",
    "encoded words": lambda n: HEAD + b"To: " + b"=?utf-8?q?a?= " * (n // 14) + b"\r\n\r\nhi",
    "open words": lambda n: b"Subject: " + b"=?x?q?" * (n // 6) + b"\r\n\r\nhi",
    "many subjects": lambda n: b"Subject: =?x?q?\r\n" * (n // 16) + b"\r\nhi",
    "open comments": lambda n: HEAD + b"To: " + b"(" * n + b"\r\n\r\nhi",
    "quotes in a type": lambda n: (
        HEAD + b"Content-Type: a/b; " + b'";";' * (n // 4) + b"\r\n\r\nhi"
    ),
    "numbered parameters": lambda n: (
        HEAD + b"Content-Type: a/b; " + b"name*1*=a;" * (n // 10) + b"\n\n"
    ),
    "boundaries": lambda n: MIXED + b"--b\r\n" * (n // 5),
    "nul": lambda n: HEAD + b"\r\n" + b"\0" * n,
    "padding": lambda n: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"A==" * (n // 3),
    "lines": lambda n: HEAD + b"\r\n" + b"\n" * n,
    "flowed": lambda n: HEAD + b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * (n // 3),
    "report": lambda n: b"Return-Path: <>\nSubject: Undelivered\n\n" + b"-- " * (n // 3),
    "lost indents": lambda n: b"A: b\n" + b"x\n" * (n // 2) + b"From: a@x.example\n\nhi",
    "references": lambda n: HEAD + b"References: " + b"<" * n + b"\r\n\r\nhi",
    "meta": lambda n: HEAD + b"Content-Type: text/html\r\n\r\n" + b"<meta " * (n // 6),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_mail_time_is_linear(name: str) -> None:
    small, large = HOSTILE[name](60_000), HOSTILE[name](240_000)
    assert grows_evenly(lambda: parse(small), lambda: parse(large))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_of_mail_is_bounded(name: str) -> None:
    assert within(6, lambda: parse(HOSTILE[name](1_000_000)))


TAGS = {
    "divs": "<div>",
    "open tags": "<a ",
    "open quotes": '<a x="',
    "less than": "<",
    "comments": "<!--",
    "ampersands": "&",
    "escaped": "&amp;",
    "references": "&#999999999999;",
    "scripts": "<script>",
    "titles": "<title>",
    "formatting in tables": "<table><b>",
    "quotes": "<blockquote>x",
    "attributes": "<p a=b c='d' e>",
    "links": "<a href=http://x.example>y z",
    "lists": "<ul><li>",
    "breaks": "<br>",
    "wrong ends": "<b><i></b></i><p>",
    "digits": "&#" + "9" * 500,
}


@pytest.mark.parametrize("name", TAGS)
@pytest.mark.parametrize("work", [sanitise, to_text])
def test_html_time_is_linear(name: str, work: Callable[[str], str]) -> None:
    small = TAGS[name] * (25_000 // len(TAGS[name]))
    assert grows_evenly(lambda: work(small), lambda: work(small * 4))


def test_fifty_thousand_nested_divs() -> None:
    start = time.thread_time()
    clean = sanitise("<div>" * 50_000 + "in" + "</div>" * 50_000)
    assert clean.count("<div>") == MAX_DEPTH and "in" in clean
    assert to_text("<div>" * 50_000 + "in") == "in"
    assert time.thread_time() - start < 4


def test_formatting_is_not_multiplied() -> None:
    """A tree builder opens what is open again in every paragraph."""
    names = ("b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u")
    opened = "".join(f"<{name}>" * 3 for name in names)
    assert len(sanitise(f"<p>{opened}" + "<p>x" * 1_000)) < 200_000


def test_tags_are_counted() -> None:
    assert sanitise("<br>" * 100_000 + "<b>end</b>").count("<") == MAX_TAGS
    assert sanitise("<br>" * 100_000 + "<b>end</b>").endswith("end")
