"""Delivery reports, standard and not."""

from __future__ import annotations

import pytest

from channels_app.mailparse.model import BounceReport
from channels_app.mailparse.parsing import parse

STANDARD = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: reply+abc@shop.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
X-Postfix-Sender: rfc822; other@shop.example

Final-Recipient: rfc822; kim@mail.example
Original-Recipient: rfc822;Kim.Demo@mail.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 no such
    user

--b
Content-Type: {kind}

Return-Path: <reply+abc@shop.example>
From: Shop <info@shop.example>
Message-ID: <delivery-1@shop.example>
Subject: Your bicycle

It is ready.
--b--
"""


def report(text: str) -> BounceReport | None:
    """What is read of a mail."""
    return parse(text.encode()).report


def standard(
    action: str = "failed", status: str = "5.1.1", kind: str = "message/rfc822"
) -> BounceReport:
    """The standard report with these words in it."""
    found = report(STANDARD.format(action=action, status=status, kind=kind))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "kind", ["message/rfc822", "text/rfc822-headers", "message/rfc822-headers"]
)
def test_standard_report(kind: str) -> None:
    found = standard(kind=kind)
    assert (found.recipient, found.original_recipient) == (
        "kim@mail.example",
        "Kim.Demo@mail.example",
    )
    assert (found.action, found.status, found.permanent) == ("failed", "5.1.1", True)
    assert found.message_id == "delivery-1@shop.example"
    assert found.return_address == "reply+abc@shop.example"
    assert found.diagnostic.endswith("no such user")


@pytest.mark.parametrize(
    ("action", "status", "permanent"),
    [
        ("delayed", "4.4.1", False),
        ("failed", "4.4.7", False),
        ("failed", "", True),
        ("delivered", "2.0.0", False),
        ("FAILED (gave up)", "5.0.0", True),
    ],
)
def test_permanent_or_not(action: str, status: str, permanent: bool) -> None:
    assert standard(action, status).permanent is permanent


def test_the_failed_recipient_of_several_counts() -> None:
    text = STANDARD.format(action="delivered", status="2.0.0", kind="message/rfc822")
    second = "Final-Recipient: rfc822; lost@mail.example\nAction: failed\nStatus: 5.0.0\n\n"
    found = report(
        text.replace(
            "--b\nContent-Type: message/rfc822", f"{second}--b\nContent-Type: message/rfc822"
        )
    )
    assert found is not None and found.recipient == "lost@mail.example" and found.permanent


EXIM = """\
Return-path: <>
X-Failed-Recipients: kim@mail.example
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example>
Subject: Mail delivery failed: returning message to sender

A message that you sent could not be delivered to one or more of its recipients.

  kim@mail.example
    host mx.mail.example: 550 5.1.1 User unknown

------ This is a copy of the message, including all the headers. ------

Return-path: <reply+abc@shop.example>
Message-ID: <delivery-1@shop.example>
Subject: Your bicycle
"""
QMAIL = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example
Subject: failure notice

Hi. This is the qmail-send program at mx.example.

<kim@mail.example>:
192.0.2.1 does not like recipient.
Remote host said: 554 mailbox is full

--- Below this line is a copy of the message.

Return-Path: <reply+abc@shop.example>
Message-ID: <delivery-1@shop.example>
"""


@pytest.mark.parametrize(("text", "status"), [(EXIM, "5.1.1"), (QMAIL, "")])
def test_reports_for_people(text: str, status: str) -> None:
    found = report(text)
    assert found is not None
    assert (found.recipient, found.action) == ("kim@mail.example", "failed")
    assert (found.status, found.permanent) == (status, True)
    assert found.message_id == "delivery-1@shop.example"


def test_warning_of_a_delay() -> None:
    text = QMAIL.replace("554 mailbox is full", "451 4.7.1 try later").replace(
        "Hi. This", "Delivery is delayed, we will retry. This"
    )
    found = report(text)
    assert found is not None and found.action == "delayed" and not found.permanent


def test_a_person_who_writes_of_delivery_is_no_report() -> None:
    text = "From: kim@mail.example\nSubject: Delivery failed again\n\nwrite to me@mail.example"
    assert report(text) is None


def test_receipt_of_reading_is_no_report() -> None:
    text = STANDARD.replace("delivery-status", "disposition-notification").format(
        action="displayed", status="", kind="message/rfc822"
    )
    assert report(text.replace("Undelivered Mail Returned to Sender", "Read: x")) is None
