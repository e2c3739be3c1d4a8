"""Damaged mails: whatever is done to one, it parses or is refused, and its text can be stored."""

from __future__ import annotations

import random
from dataclasses import fields

import pytest

from channels_app.mailparse.model import ParsedMail, Unparseable
from channels_app.mailparse.parsing import parse

SEEDS = (
    b"From: Kim <kim@mail.example>\r\nTo: =?utf-8?q?A=2C_B?= <a@x.example>\r\n"
    b"Subject: =?iso-2022-jp?B?GyRCJCIbKEI=?= \xe9\r\nDate: Mon, 2 Mar 2026 11:00:00 +0100\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
    b"Content-Type: text/plain; charset*=utf-8''iso-8859-1; format=flowed\r\n\r\n\xe9 \r\nx\r\n"
    b"--b\r\nContent-Type: text/html; charset=gb2312\r\n\r\n<p>\xb0\xa1<a href='http://x'>y\r\n"
    b"--b\r\nContent-Type: application/pdf; name*0*=utf-8''%C3%A9; name*1=.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\nContent-ID: <a@b>\r\n\r\nJVBERg==\r\n--b--\r\n",
    b"Return-Path: <>\nFrom: MAILER-DAEMON (x)\nSubject: Undelivered Mail\n"
    b"Content-Type: multipart/report; boundary=b\n\n--b\n\nOn 5 May 2026, K <k@x.example> wrote:\n"
    b"> old\n--b\nContent-Type: message/delivery-status\n\nA: b\n\nFinal-Recipient: rfc822;k@x.y\n"
    b"Action: failed\nStatus: 5.1.1\n\n--b\n"
    b"Content-Type: message/rfc822\n\nSubject: s\n\nx\n--b--\n",
)
PIECES = (
    b"=?", b"?=", b'"', b"<", b">", b"(", b"\n", b"\r\n", b"--b\n", b"\0", b"\xff", b"\x1b$B",
    b"Content-Type: ", b"multipart/alternative; boundary=b", b";", b"*0*=''", b"=", b"base64",
    b"message/rfc822",
    b"text/html", b"charset*=a'b'c;", b"charset=\0", b"&#", b"@", b",",
)  # fmt: skip


def damaged(chance: random.Random) -> bytes:
    """One of the seeds with up to thirty faults."""
    mail = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 30)):
        place = chance.randrange(len(mail) + 1)
        sort = chance.random()
        if sort < 0.3:
            del mail[place : place + chance.randint(0, 40)]
        elif sort < 0.7:
            mail[place:place] = chance.choice(PIECES)
        else:
            mail[place : place + 1] = bytes([chance.randrange(256)])
    return bytes(mail)


def texts(mail: ParsedMail) -> str:
    """Everything of a mail that is written to the database as text."""
    found: list[str] = [part for f in mail.attachments for part in (f.name, f.type, f.content_id)]
    for holder in (mail, mail.report):
        for item in fields(holder) if holder else ():
            value = getattr(holder, item.name)
            found += [value] if isinstance(value, str) else []
            found += [v for v in value if isinstance(v, str)] if isinstance(value, tuple) else []
    return "|".join(found)


@pytest.mark.parametrize("seed", range(8))
def test_damaged_mails(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(250):
        raw = damaged(chance)
        try:
            found = texts(parse(raw))
        except Unparseable:
            continue
        assert found.encode() is not None, raw  # a lone surrogate would raise
        assert "\x00" not in found, raw
