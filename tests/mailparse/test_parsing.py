"""Whole mails: text, HTML, files, and what the headers say."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from channels_app.mailparse.model import ParsedMail
from channels_app.mailparse.parsing import parse

HEAD = "From: Kim Demo <kim@mail.example>\nTo: shop@shop.example\nSubject: Bicycle\n"


def mail(text: str, head: str = HEAD) -> ParsedMail:
    """Parse a mail that is written with plain line ends."""
    return parse((head + text).encode("utf-8", "surrogateescape"))


def multipart(kind: str, *parts: str) -> str:
    """A multipart of parts that begin with their headers."""
    inner = "".join(f"--b{kind}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="b{kind}"\n\n{inner}--b{kind}--\n'


PLAIN = "Content-Type: text/plain; charset=utf-8\n\nHello é"
RICH = "Content-Type: text/html; charset=utf-8\n\n<p>Hello <b>é</b></p>"
PDF = (
    'Content-Type: application/pdf; name="a.pdf"\nContent-Disposition: attachment\n'
    "Content-Transfer-Encoding: base64\n\n" + base64.b64encode(b"%PDF").decode()
)


def test_headers() -> None:
    found = mail(
        "Cc: A <a@x.example>, b@x.example\nMessage-ID: <1@mail.example>\n"
        "In-Reply-To: <0@s.example>\n"
        "References: <00@s.example>\n <0@s.example>\nDate: Mon, 2 Mar 2026 11:00:00 +0100\n"
        "Return-Path: <bounce@mail.example>\nDelivered-To: box@shop.example\nX-Onecase: mark\n"
        "Authentication-Results: mx.shop.example; dmarc=pass\n"
        "Authentication-Results: evil.example; dmarc=pass\n\nHi\n"
    )
    assert (found.from_email, found.from_name) == ("kim@mail.example", "Kim Demo")
    assert found.to == ("shop@shop.example",) and found.cc == ("a@x.example", "b@x.example")
    assert (found.message_id, found.in_reply_to) == ("1@mail.example", "0@s.example")
    assert found.references == ("00@s.example", "0@s.example")
    assert found.date == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert found.return_path == "bounce@mail.example" and found.onecase_mark == "mark"
    assert found.delivered_to[-1] == "box@shop.example" and "a@x.example" in found.delivered_to
    assert found.authentication_results[0].startswith("mx.shop.example")  # their order is kept
    assert not found.auto_submitted and found.error == "" and found.report is None


def test_sender_without_address() -> None:
    assert mail("\nx", "From: Kim\nReply-To: kim@mail.example\n").from_email == "kim@mail.example"
    two = mail("\nx", 'From: "Shop" <>, "LTD" <l@mail.example>\n')
    assert (two.from_email, two.from_name) == ("l@mail.example", "LTD")
    assert mail("\nx", "Subject: nobody\n").from_email == ""


def test_two_senders_are_doubtful() -> None:
    found = mail("From: other@bad.example\n\nx")
    assert found.from_email == "kim@mail.example" and "more than one From" in found.error


def test_alternative_gives_both() -> None:
    found = mail(multipart("alternative", PLAIN, RICH))
    assert found.text == "Hello é" and found.html == "<p>Hello <b>é</b></p>"
    assert found.attachments == ()


def test_alternative_with_an_empty_text_reads_the_html() -> None:
    found = mail(multipart("alternative", "Content-Type: text/plain\n\n \n", RICH))
    assert found.text == "Hello é"


def test_several_texts_are_joined_around_a_picture() -> None:
    picture = "Content-Type: image/png; name=a.png\nContent-Disposition: inline\n\nx"
    second = "Content-Type: text/plain\n\nBye"
    found = mail(multipart("mixed", PLAIN, picture, second))
    assert found.text == "Hello é\nBye" and found.html == ""
    assert [(f.name, f.inline) for f in found.attachments] == [("a.png", True)]


def test_apple_mixed_inside_alternative() -> None:
    rich = multipart("mixed", RICH, PDF, RICH.replace("Hello", "Bye"))
    found = mail(multipart("alternative", PLAIN, rich))
    assert found.text == "Hello é" and "Bye" in found.html and len(found.attachments) == 1


def test_related_picture() -> None:
    picture = "Content-Type: image/png\nContent-ID: <p1@mail.example>\n\nx"
    page = 'Content-Type: text/html\n\n<p>Look: <img src="cid:p1@mail.example"></p>'
    found = mail(multipart("related", page, picture))
    assert 'src="cid:p1@mail.example"' in found.html
    assert [(f.name, f.content_id) for f in found.attachments] == [("image.png", "p1@mail.example")]


def test_text_with_a_name_is_a_file() -> None:
    note = "Content-Type: text/plain; name=note.txt\n\nnote"
    calendar = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR"
    found = mail(multipart("mixed", PLAIN, note, calendar))
    assert found.text == "Hello é"
    assert [f.name for f in found.attachments] == ["note.txt", "calendar.ics"]


def test_file_content() -> None:
    (file,) = mail(multipart("mixed", PLAIN, PDF)).attachments
    assert (file.name, file.type, file.size, file.content) == (
        "a.pdf",
        "application/pdf",
        4,
        b"%PDF",
    )
    assert file.md5 == hashlib.md5(b"%PDF").hexdigest() and not file.inline


def test_attached_mail_keeps_its_bytes() -> None:
    inner = "Subject: Old question\nX-Odd :  kept\n\n--bmixed is no boundary here\n"
    part = f"Content-Type: message/rfc822\n\n{inner}"
    (file,) = mail(multipart("digestible", PLAIN, part)).attachments
    assert file.name == "Old question.eml" and file.content.decode() == inner


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\kim\\a.pdf", "a.pdf"),
        (".htaccess", "htaccess"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("a\tb\x07.pdf", "a b.pdf"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("..", "file.pdf"),
        ("été.pdf", "été.pdf"),
    ],
)
def test_file_names_are_harmless(given: str, name: str) -> None:
    quoted = given.replace("\\", "\\\\")
    part = f'Content-Type: application/pdf\nContent-Disposition: x; filename="{quoted}"\n\nx'
    assert mail(multipart("mixed", PLAIN, part)).attachments[0].name == name


def test_names_of_the_sender_may_repeat_ours_are_counted() -> None:
    nameless = "Content-Type: image/jpeg\n\nx"
    found = mail(multipart("mixed", PLAIN, PDF, PDF, nameless, nameless))
    names = [file.name for file in found.attachments]
    assert names == ["a.pdf", "a.pdf", "image.jpg", "image1.jpg"]


def test_flowed_text() -> None:
    text = (
        "Content-Type: text/plain; format=flowed\n\nA long \nline.\n> quoted \n> text\n-- \nKim\n"
    )
    assert mail(text).text == "A long line.\n> quoted text\n-- \nKim\n"


def test_html_only() -> None:
    found = mail(
        "Content-Type: text/html\n\n<p>Blue.</p><div class=gmail_quote><div class=gmail_attr>"
        "On 5 May 2026, Jan &lt;j@s.example&gt; wrote:</div><blockquote>Which?</blockquote></div>"
    )
    assert found.reply_text == "Blue." and "> Which?" in found.text


def test_html_charset_from_meta() -> None:
    page = b"Content-Type: text/html\n\n<meta charset=iso-8859-2><p>\xb6\xbf</p>"
    assert parse(page).text == "śż"


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        ("quoted-printable", "a=C3=A9=\nb =3D", "aéb ="),
        ("QUOTED-PRINTABLE;", "=C3=A9", "é"),
        ("base64", "w6k", "é"),
        ("base64", "w6k=\nw6k=\n", "éé"),
        ("base64", "This is no base64 at all.", "This is no base64 at all."),
        ("8bit", "é", "é"),
        ("x-uuencode", "begin 644 a\n%:&5L;&\\ \n \nend\n", "hello"),
        ("unheard-of", "plain", "plain"),
    ],
)
def test_transfer_encodings(encoding: str, body: str, text: str) -> None:
    found = mail(
        f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{body}"
    )
    assert found.text.strip() == text


def test_line_ends_do_not_change_the_mail() -> None:
    """The same mail comes by a pipe (LF) and by SMTP (CRLF)."""
    part = "Content-Type: application/x-text; name=a.asc\n\none\ntwo"
    text = HEAD + multipart("mixed", PLAIN, part)
    assert parse(text.encode()) == parse(text.replace("\n", "\r\n").encode())


def test_broken_structure() -> None:
    assert mail("Content-Type: multipart/mixed\n\nno boundary").text == "no boundary"
    assert mail("Content-Type: multipart/mixed; boundary=x\n\nnot divided").text == "not divided"
    assert mail("Content-Type: garbage\n\nHi").text == "Hi"
    open_end = multipart("mixed", PLAIN, PDF).replace("--bmixed--", "")
    assert len(mail(open_end).attachments) == 1
    assert parse(b"").text == "" and parse(b"\x00\xff\n\n\n").subject == ""
    assert parse(b"just text").text == "just text"


def test_repaired_heads() -> None:
    assert parse(b"From kim Mon Mar  2 2026\nSubject: x\n\ny").subject == "x"
    assert parse(b"Subject : x\nFrom : a@x.example\n\ny").from_email == "a@x.example"
    lost = b"Received: from a\nby b\nSubject: x\nTo: a@x.example\n\nby hand"
    assert (parse(lost).subject, parse(lost).text) == ("x", "by hand")


def test_whole_multipart_encoded() -> None:
    inner = base64.b64encode(f"--b\n{PLAIN}\n--b--\n".encode()).decode()
    head = "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n"
    assert mail(head + inner).text == "Hello é"


def test_no_nul_and_no_surrogate_comes_out() -> None:
    found = parse(b"From: a\x00\xff <a@x.example>\nSubject: \x00\xff\n\na\x00b\xff")
    for text in (found.subject, found.from_name, found.text, found.reply_text):
        assert "\x00" not in text and text.encode()


AUTOMATIC = [
    "Auto-Submitted: auto-replied",
    "Auto-Submitted: auto-generated (vacation)",
    "Precedence: bulk",
    "Precedence: auto_reply",
    "X-Auto-Response-Suppress: All",
    "X-Autoreply: yes",
    "X-Loop: shop",
    "List-Id: <list.x.example>",
    "Return-Path: <>",
    "Content-Type: multipart/report; boundary=b",
]


@pytest.mark.parametrize("header", AUTOMATIC)
def test_automatic(header: str) -> None:
    assert mail(f"{header}\n\nx").auto_submitted


def test_automatic_by_sender() -> None:
    assert mail("\nx", "From: MAILER-DAEMON@x.example\n").auto_submitted


@pytest.mark.parametrize(
    "header", ["Auto-Submitted: no", "Precedence: first-class", "Return-Path: <kim@mail.example>"]
)
def test_not_automatic(header: str) -> None:
    assert not mail(f"{header}\n\nx").auto_submitted
