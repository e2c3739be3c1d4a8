"""SMS as the network counts them."""

import pytest

from channels_app import segments
from channels_app.segments import Size

EURO, SMILE = "€", "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", Size(0, 160, True)),
        ("a", Size(1, 159, True)),
        ("a" * 160, Size(1, 0, True)),
        ("a" * 161, Size(2, 145, True)),
        ("a" * 306, Size(2, 0, True)),
        ("a" * 307, Size(3, 152, True)),
        ("a" * 459, Size(3, 0, True)),
        ("a" * 460, Size(4, 152, True)),
        (EURO, Size(1, 158, True)),  # an escape and a sign
        (EURO * 80, Size(1, 0, True)),
        (EURO * 81, Size(2, 153 - 10, True)),  # 76 of them in the first: none is cut in two
        ("a" * 152 + EURO * 5, Size(2, 153 - 10, True)),
        ("a" * 151 + EURO * 5, Size(2, 153 - 8, True)),
        ("[{~}]\\^|", Size(1, 160 - 16, True)),
        ("èéùìòÇØøÅåÆæßÉÄÖÑÜ§äöñüà¡¿£$¥@_ΔΦΓΛΩΠΨΣΘΞ\n\r", Size(1, 160 - 43, True)),
        ("ç", Size(1, 69, False)),  # only the capital is in the alphabet
        ("ê" * 70, Size(1, 0, False)),
        ("ê" * 71, Size(2, 63, False)),
        ("ê" * 134, Size(2, 0, False)),
        ("ê" * 135, Size(3, 66, False)),
        (SMILE * 35, Size(1, 0, False)),  # two places each
        (SMILE * 36, Size(2, 67 - 6, False)),  # 33 of them in the first: none is cut in two
        ("a" * 69 + "ê", Size(1, 0, False)),  # one sign, and all of it is UCS-2
    ],
)
def test_sizes(text: str, size: Size) -> None:
    assert segments.size(text) == size


def test_the_alphabet_has_127_signs_and_an_escape() -> None:
    assert (len(segments.GSM), len(segments.EXTENSION)) == (127, 10)
    assert not segments.GSM & segments.EXTENSION


def test_quotes_and_dashes_of_a_program_become_plain_ones() -> None:
    written = "\u201cIt\u2019s 5\u00a0\u20ac \u2013 really\u2026\u201d"
    assert segments.plain(written) == '"It\'s 5 € - really..."'


def test_a_text_that_needs_more_stays_as_it_was_written() -> None:
    written = "\u201cMaître\u201d"
    assert segments.plain(written) == written


def test_an_accent_that_stands_by_itself_costs_no_room() -> None:
    assert segments.plain("cafe\u0301") == "caf\u00e9" and segments.is_gsm("caf\u00e9")
    assert segments.plain("\u0435\u0308 \U0001f600") == "\u0451 \U0001f600"
