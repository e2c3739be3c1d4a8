"""Forms as bytes: every byte, every bound, and what is no form."""

import random

import pytest

from channels_app.adapters import forms
from channels_app.adapters.base import BadPayload
from tests.webhooks import forms as written

MULTI = "multipart/form-data; boundary=b"
URL = "application/x-www-form-urlencoded; charset=utf-8"


def test_every_byte_survives_in_both_forms() -> None:
    every = bytes(range(256)) * 2
    body, headers = written.multipart({"a": every, "é": "x"}, {"f.txt": every})
    one, two, three = forms.fields(headers["Content-Type"], body)
    assert (one.name, one.content, two.name) == ("a", every, "é")
    assert (three.file_name, three.content, three.content_type) == ("f.txt", every, "text/plain")
    quoted = b"".join(b"%%%02X" % byte for byte in every)
    assert forms.fields(URL, b"a=" + quoted + b"&b=1+2&c")[0].content == every
    assert [f.content for f in forms.fields(URL, b"a=1+2&b=&c")] == [b"1 2", b"", b""]


def test_large_fields_are_passed_over_where_only_small_ones_count() -> None:
    body, headers = written.multipart({"a": b"x" * 5000, "b": "1"}, {"f": b"y" * 5000})
    assert [f.name for f in forms.fields(headers["Content-Type"], body, 1000)] == ["b"]
    assert [f.name for f in forms.fields(URL, b"a=" + b"x" * 5000 + b"&b=1", 1000)] == ["b"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n",
        b"--b\r\n\r\nx",
        b"--c--",
        b"x\r\n--b\r\nname",
        b"--b\r\n\r\nx\r\n" * 600,
    ],
)
def test_what_is_cut_off_is_said(body: bytes) -> None:
    with pytest.raises(BadPayload):
        forms.fields(MULTI, body)


def test_bounds_are_exact() -> None:
    fine = b"&".join(b"a=1" for _n in range(forms.MAX_FIELDS))
    assert len(forms.fields(URL, fine)) == forms.MAX_FIELDS
    with pytest.raises(BadPayload):
        forms.fields(URL, fine + b"&a=1")


def test_a_preamble_and_an_empty_form() -> None:
    assert forms.fields(MULTI, b"words\r\n--b\r\n\r\nx\r\n--b--\r\n") != []
    assert forms.fields(MULTI, b"--b--\r\n") == [] and forms.fields(URL, b"") == []


def test_garbage_raises_nothing_else() -> None:
    chance = random.Random(7)
    parts = [
        b"--b",
        b"\r\n",
        b"\r\n\r\n",
        b'name="',
        b'"',
        b"--",
        b"%",
        b"&",
        b"=",
        b"\x00",
        b"\xff",
    ]
    for _n in range(3000):
        body = b"".join(chance.choices(parts, k=chance.randrange(30)))
        for sort in (MULTI, URL):
            try:
                forms.fields(sort, body)
            except BadPayload:
                continue
