"""Headers as they are written in the wild."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels_app.mailparse import headers
from channels_app.mailparse.addresses import addresses, emails
from channels_app.mailparse.charsets import codec_for, decode, guessed


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?ISO-8859-1?Q?Gr=FC=DFe_an_alle?=", "Grüße an alle"),
        ("=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),  # no padding
        ("=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=", "Grüße"),  # a character cut in two
        ("=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
        ("=?utf-8?q?two words?=", "two words"),  # blanks are not allowed, but written
        ("=?nonsense?q?a=E9b?=", "aéb"),
        ("=?utf-8?q?a?b?=", "a?b"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("Re:=?utf-8?q?_x?=", "Re: x"),
        ("=?iso-2022-jp?B?GyRCJCIbKEI=?=", "あ"),
        ("=?utf-8?q?=00=07bell?=", "bell"),
        ("a\r\n b\r\n\tc", "a b c"),
        ("caf\udcc3\udca9", "café"),
        ("caf\udce9", "café"),
    ],
)
def test_subject(raw: str, shown: str) -> None:
    assert headers.text(raw) == shown


def test_raw_bytes_are_read_by_the_charset_of_the_mail() -> None:
    assert headers.text("\udcb6\udcbf", "iso-8859-2") == "śż"


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("Kim <kim@mail.example>", [("Kim", "kim@mail.example")]),
        ("kim@mail.example (Kim)", [("Kim", "kim@mail.example")]),
        ('"Demo, Kim" <kim@mail.example>', [("Demo, Kim", "kim@mail.example")]),
        ("=?utf-8?q?Demo,_Kim?= <kim@mail.example>", [("Demo, Kim", "kim@mail.example")]),
        ("Kim <kim@mail.example", [("Kim", "kim@mail.example")]),
        ("Kim kim@mail.example", [("Kim", "kim@mail.example")]),
        ("<a@x.example>, b@x.example; c@x.example", [("", f"{n}@x.example") for n in "abc"]),
        ("Staff: a@x.example, b@x.example;", [("", "a@x.example"), ("", "b@x.example")]),
        ("undisclosed-recipients:;", []),
        ("", []),
        (",,;", []),
        ("<@route.example:a@x.example>", [("", "a@x.example")]),
        ("MAILER-DAEMON (Mail System)", [("Mail System", "MAILER-DAEMON")]),
        ('"a@x.example" <b@x.example>', [("a@x.example", "b@x.example")]),
        ("=?utf-8?q?Kim_=3Ckim=40mail=2Eexample=3E?=", [("Kim", "kim@mail.example")]),
        ("a@[192.0.2.1]", [("", "a@[192.0.2.1]")]),
        ("k.g\udcc3\udcbcnther@x.example", [("", "k.günther@x.example")]),
    ],
)
def test_addresses(raw: str, found: list[tuple[str, str]]) -> None:
    assert [(a.name, a.email) for a in addresses(raw)] == found


def test_a_name_that_shows_another_address_is_only_a_name() -> None:
    """Else a stranger could be taken for someone else."""
    assert emails('"boss@shop.example" <stranger@bad.example>') == ("stranger@bad.example",)
    assert emails("boss@shop.example <stranger@bad.example>") == ("stranger@bad.example",)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ('attachment; filename="a b.pdf"', "a b.pdf"),
        ("attachment; filename=a b.pdf", "a b.pdf"),
        ("attachment; filename*=utf-8''%C3%A9t%C3%A9.pdf", "été.pdf"),
        ("attachment; filename*0*=utf-8''%C3%A9; filename*1=t.pdf", "ét.pdf"),
        ("attachment; filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ('attachment; filename="=?utf-8?q?=C3=A9?=.pdf"', "é.pdf"),
        ('attachment; filename="a;b.pdf"', "a;b.pdf"),
        ('attachment; filename="a\\"b.pdf"', 'a"b.pdf'),
        ("attachment; size=3\r\n filename=a.pdf", "a.pdf"),
        ('attachment; filename="open', "open"),
        ("attachment; FILENAME=A.PDF", "A.PDF"),
        ("attachment", ""),
    ],
)
def test_parameters(raw: str, name: str) -> None:
    kind, found = headers.parameters(raw)
    assert kind == "attachment" and found.get("filename", "") == name


def test_ids() -> None:
    assert headers.message_ids("<a@x> (c) <b@x>\r\n <a@x>") == ("a@x", "b@x")
    assert headers.message_ids("bare@x") == ("bare@x",)
    assert headers.message_ids("<>") == () and headers.message_ids("") == ()


def test_dates() -> None:
    moment = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert headers.date("Mon, 2 Mar 2026 11:00:00 +0100 (CET)") == moment
    assert headers.date("2026-03-02T10:00:00Z") == moment
    for wrong in ("", "yesterday", "Mon, 99 Mar 2026 11:00:00 +0100", "2 Mar 2026 1:0:0 +9999999"):
        assert headers.date(wrong) is None, wrong


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF8", "utf-8"),
        ('"utf-8"', "utf-8"),
        ("ISO-8859-1", "cp1252"),
        ("windows-1250", "cp1250"),
        ("x-sjis", "cp932"),
        ("gb2312", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("cp-850", "cp850"),
        ("idna", ""),  # quadratic, and no charset
        ("punycode", ""),
        ("rot13", ""),
        ("unicode_escape", ""),
        ("", ""),
    ],
)
def test_labels(label: str, codec: str) -> None:
    assert codec_for(label) == codec


@pytest.mark.parametrize(
    ("data", "label", "shown"),
    [
        ("é".encode(), "us-ascii", "é"),
        ("é".encode(), "iso-8859-1", "é"),  # valid UTF-8 is never meant as Latin-1
        (b"\xe9", "utf-8", "é"),
        (b"\x80\x93\x94", "iso-8859-1", "€“”"),
        (b"a\x81b", "cp1252", "a\x81b"),
        (b"\xef\xbb\xbfa", "", "a"),
        ("é".encode("utf-16"), "", "é"),
        ("①".encode("cp932"), "iso-2022-jp", "①"),
        (b"\x1b$B-!\x1b(B", "iso-2022-jp", "①"),
        (b'\x1b$B$"\x1b(B', "", "あ"),
        (b"+AOk-", "utf-7", "é"),
        ("日本".encode("euc_jp"), "iso-2022-jp", "日本"),
    ],
)
def test_wrong_and_missing_labels(data: bytes, label: str, shown: str) -> None:
    assert decode(data, label) == shown


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("机房环境法规", "gb18030"),
        ("안녕하세요 감사합니다", "cp949"),
        ("ハロー・ワールド", "cp932"),
        ("こんにちは", "euc_jp"),
        ("Привет, как дела", "koi8_r"),
        ("Привет, как дела", "cp1251"),
    ],
)
def test_unlabelled_scripts(text: str, codec: str) -> None:
    assert decode(text.encode(codec)) == text


@pytest.mark.parametrize("text", ["Grüße aus München", "ÄÖÜßäöüß", "Ürgüp çöğüş"])
def test_western_text_is_not_taken_for_another_script(text: str) -> None:
    assert guessed(text.encode("cp1254")) == ""


def test_every_byte_decodes() -> None:
    for label in ("", "utf-8", "gb2312", "iso-2022-jp", "utf-16", "hz", "iso-8859-8", "utf-7"):
        assert isinstance(decode(bytes(range(256)) * 3, label), str)
