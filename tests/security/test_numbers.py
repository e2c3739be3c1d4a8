"""One telephone is one identity in whatever way its number is written; another number is not it."""

import pytest

from channels_app.models import Channel
from contacts.addresses import InvalidAddress, normalise
from contacts.models import Case, Identity
from tests.messengers import pocket
from tests.messengers.people import VICTIM, known

SPELLINGS = {
    "+31612345678": [
        "06 12345678",
        "06-12 34 56 78",
        "(06) 1234.5678",
        "0031 6 12345678",
        "+31 (0)6 12345678",
        "\u202a+31 6 12345678\u202c",  # as address books copy it
        "+31\u00a06\u00a012345678",
        "+31 6\u201112345678",
        "+31 6 \u2013 12345678",
        "\uff0b\uff13\uff11612345678",
        "tel:+31612345678",
        "\ufeff+31612345678\u200b",
    ],
    "+525512345678": ["+52 1 55 1234 5678", "+52 044 55 1234 5678", "+52 55 1234 5678"],
    "+5511987654321": ["+55 11 8765-4321", "+55 (11) 98765-4321"],
    "+442079460958": ["+44 (0)20 7946 0958", "0044 20 7946 0958"],
}


@pytest.mark.parametrize(
    ("number", "spelling"), [(n, one) for n, rows in SPELLINGS.items() for one in rows]
)
def test_a_number_in_any_spelling_is_one(number: str, spelling: str) -> None:
    assert normalise("phone", spelling) == number


@pytest.mark.parametrize(
    "raw",
    ["", "\u202a\u202c", "tel:", "VODAFONE", "+31 6 12345678 or 9", "1" * 41, "+31612345678;x",
     "javascript:+31612345678", "+31612345678\x00", "whatsapp:+31612345678"],
)  # fmt: skip
def test_what_is_no_number(raw: str) -> None:
    with pytest.raises(InvalidAddress):
        normalise("phone", raw)


@pytest.mark.parametrize("sender", ["687654321", "0687654321", "31687654321", "12345", "BANK", ""])
def test_a_sender_that_is_no_number_of_the_world_is_nobody_here(sms: Channel, sender: str) -> None:
    """A short code, or a word of up to eleven signs that anybody may choose as a sender."""
    known(VICTIM)
    count = Identity.objects.count()
    event = pocket.write(sms, sender, "It is me")
    assert event.state == event.State.QUARANTINED and not Case.objects.exists()
    assert Identity.objects.count() == count
