"""Every line of the history, in both languages: a kind inside a sentence is a small word."""

import re
from typing import Any

import pytest
from django.utils import translation

from contacts.models import Choice, Event, User
from contacts.viewers import Viewer
from portal import past

S = Event.Sort
STAFF, CUSTOMER = Viewer(staff_id=1), Viewer(customer_id=1)
EMAIL_FOR_LETTER: dict[str, Any] = {"kind": "letter", "before": "email"}
LINES: list[tuple[str, dict[str, Any]]] = [
    (S.OPENED, {"kind": "letter"}),
    (S.CHOSEN, {"kind": "letter"}),
    (S.SWITCHED, EMAIL_FOR_LETTER),
    (S.SWITCHED, {**EMAIL_FOR_LETTER, "once": True}),
    (S.SWITCHED, {**EMAIL_FOR_LETTER, "by": Choice.By.RETURNING}),
    (S.SWITCHED, {**EMAIL_FOR_LETTER, "by": Choice.By.WRITING}),
    (S.SWITCHED, {"kind": "letter", "before": "letter"}),
    (S.OVERRIDDEN, {"used": "letter", "chosen": "email", "why": "faster"}),
    (S.ATTEMPTED, {"kind": "letter", "again": True}),
    (S.ATTEMPTED, {"kind": "phone", "outcome": "not_reached"}),
    (S.DONE, {"kind": "phone", "outcome": "reached"}),
]
DUTCH = [
    "U koos een brief in plaats van e-mail.",
    "U koos een brief, alleen voor het volgende antwoord.",
    "Vanaf nu antwoorden wij weer per brief.",
    "U schreef per brief, dus zo antwoorden wij ook.",
    "U wijzigde waar of wanneer: een brief.",
]


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("viewer", [STAFF, CUSTOMER], ids=["staff", "customer"])
@pytest.mark.parametrize("by", [None, "Noor"])
def test_no_kind_has_a_capital_inside_a_sentence(
    language: str, viewer: Viewer, by: str | None
) -> None:
    staff = User(username="noor", first_name=by) if by else None
    with translation.override(language):
        for sort, data in LINES:
            line = past.line(Event(sort=sort, data=data, staff=staff), viewer, {})
            inside = line[1:].replace("Noor", "")
            assert not re.search(r"[A-Z]", inside), line
            assert "%(" not in line and (line.endswith((".", "faster")) or not line), line


def test_what_a_dutch_customer_reads() -> None:
    with translation.override("nl"):
        switched = [data for sort, data in LINES if sort == S.SWITCHED]
        lines = [past.line(Event(sort=S.SWITCHED, data=d), CUSTOMER, {}) for d in switched]
    assert sorted(lines) == sorted(DUTCH)


def test_the_page_is_ours_or_theirs() -> None:
    row = Event(sort=S.SWITCHED, data={"kind": "account", "before": "phone"})
    assert past.line(row, CUSTOMER, {}) == "You chose your own page instead of a phone call."
    assert past.line(row, STAFF, {}) == (
        "The customer chose their own page instead of a phone call."
    )
