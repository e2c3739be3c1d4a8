"""In the middle of a case: what is read for certain, and when another way is proposed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels_app.advice import situation as s
from channels_app.advice.midway import MANY, PATIENCE, Line, Midway, Nudge, nudge
from channels_app.advice.situation import Offered
from channels_app.advice.written import days, numbers
from contacts.kinds import ACCOUNT, CHAT, EMAIL, KINDS, PHONE
from tests.advice.situations import some_offers

pytestmark = pytest.mark.once
QUICKLY = settings(max_examples=40, deadline=None)
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)  # a Monday
TODAY = NOW.date()
OFFERED = tuple(Offered(KINDS[name]) for name in (PHONE, EMAIL, ACCOUNT, CHAT, "sms"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Please pay to NL91 ABNA 0417 1643 00 today", {"iban"}),
        ("nl91abna0417164300", {"iban"}),
        ("BE68 5390 0754 7034, thanks", {"iban"}),
        ("NL91 ABNA 0417 1643 01", set()),  # a digit is wrong
        ("ZZ91 ABNA 0417 1643 00", set()),  # no such country
        ("card 4111 1111 1111 1111.", {"card"}),
        ("5500-0000-0000-0004", {"card"}),
        ("4111 1111 1111 1112", set()),
        ("order 0000000000000000", set()),
        ("track 1234567812345670", set()),  # passes Luhn, and begins like no card
        ("Mijn BSN is 111222333", {"bsn"}),
        ("bsn 1112.22.333", {"bsn"}),
        ("BSN 111222334", set()),
        ("order 111222333", set()),  # it may be anything
        ("+31 20 123 45 67 and 020-1234567", set()),
        ("IBAN NL91ABNA0417164300, kaart 4111111111111111", {"iban", "card"}),
        ("", set()),
    ],
)
def test_a_number_counts_where_its_check_agrees(text: str, found: set[str]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("I leave tomorrow", ["2026-11-24"]),
        ("Ik heb het morgenochtend nodig", ["2026-11-24"]),
        ("uiterlijk morgen graag", ["2026-11-24"]),
        ("Goede morgen, tot morgen!", []),  # a greeting, and a goodbye
        ("Kan het vandaag nog?", ["2026-11-23"]),
        ("I called today", []),
        ("by Wednesday please", ["2026-11-25"]),
        ("vóór vrijdag", ["2026-11-27"]),
        ("before Monday", []),  # it is Monday: today, or in a week
        ("on 25 November", ["2026-11-25"]),
        ("25 nov. a.s.", ["2026-11-25"]),
        ("November 25th, 10:00", ["2026-11-25"]),
        ("3 maart", ["2027-03-03"]),
        ("2026-11-25", ["2026-11-25"]),
        ("25-11-2026 of 25/11/2026", ["2026-11-25"]),
        ("3/4/2027", []),  # which of the two?
        ("31 april", []),
        ("the 2 may be broken", []),
        ("Jan 24", []),
    ],
)
def test_a_day_counts_where_it_can_be_only_one(text: str, named: list[str]) -> None:
    assert [str(day) for day in days(text, TODAY, day_first=False)] == named


def test_figures_are_read_as_their_language_writes_them() -> None:
    assert days("3/4/2027", TODAY, day_first=True) == {date(2027, 4, 3)}


@QUICKLY
@given(st.text(max_size=300), st.booleans())
def test_any_text_can_be_read(text: str, day_first: bool) -> None:
    numbers(text)
    days(text, TODAY, day_first=day_first)


def test_a_long_text_is_read_in_no_time() -> None:
    """Ten times as much of what nearly is a number takes no longer: it is cut first."""
    for piece in ("NL91 ", "4111 ", "111222333 bsn ", "1 november "):
        before = datetime.now(UTC)
        numbers(piece * 20_000)
        days(piece * 20_000, TODAY, day_first=True)
        assert datetime.now(UTC) - before < timedelta(seconds=0.5)


def said(turns: int, kind: str = EMAIL, text: str = "And then?") -> tuple[Line, ...]:
    """So many turns, the last one theirs."""
    return tuple(
        Line(at % 2 == 1, kind, text, NOW - timedelta(minutes=at)) for at in reversed(range(turns))
    )


def told(**values: object) -> Midway:
    """A question by e-mail, with everything offered."""
    given = {"kind": KINDS[EMAIL], "offers": OFFERED, "lines": said(1), "now": NOW} | values
    return Midway(**given)  # type: ignore[arg-type]


IBAN = "My account is NL91 ABNA 0417 1643 00"
OPEN = {"is_private": False}
WAITS = {"waits": NOW - timedelta(hours=3)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, None),
        ({"lines": said(MANY)}, (PHONE, "turns-email")),
        ({"lines": said(MANY - 1)}, None),
        ({"lines": said(MANY // 2), "is_complex": True}, (PHONE, "turns-email")),
        # A messenger is made for short turns.
        ({"kind": KINDS["sms"], "lines": said(MANY, "sms")}, None),
        ({"kind": KINDS["sms"], "lines": said(2 * MANY, "sms")}, (PHONE, "turns-sms")),
        # They went on by another way: it begins anew.
        ({"lines": (*said(MANY), *said(2, "sms"), *said(2))}, None),
        # What they wrote on their own page belongs to it.
        ({"lines": (*said(3, ACCOUNT), *said(MANY - 2))}, (PHONE, "turns-email")),
        # Who goes on writing says it in one turn.
        ({"lines": (*said(1), *said(1), *said(1)) * 3}, None),
        ({"lines": said(1, text=IBAN), **OPEN}, (ACCOUNT, "iban-email")),
        ({"lines": said(1, text=IBAN)}, None),  # that way is private
        ({"lines": said(1, ACCOUNT, IBAN), **OPEN}, None),  # there it is safe
        ({"lines": (Line(True, EMAIL, IBAN, NOW),), **OPEN}, None),  # our own number
        ({"is_sensitive": True, "lines": said(3), **OPEN}, (ACCOUNT, "private-email")),
        ({"is_sensitive": True, "lines": said(2), **OPEN}, None),
        ({"is_sensitive": True, "lines": said(3)}, None),
        ({"how_soon": s.NOW, **WAITS}, (PHONE, "soon-now")),
        ({"how_soon": s.TODAY, **WAITS}, (PHONE, "soon-today")),
        ({"how_soon": s.CAN_WAIT, **WAITS}, None),
        ({"how_soon": s.NOW, "waits": NOW - PATIENCE[s.NOW] / 2}, None),
        ({"how_soon": s.NOW}, None),  # nobody waits
        ({"lines": said(1, text="voor 25 november"), **WAITS}, (PHONE, "day-2026-11-25")),
        ({"lines": said(1, text="voor 26 november"), **WAITS}, None),  # three days
        ({"lines": said(1, text="voor 25 november")}, None),  # it was answered
        ({"lines": said(MANY), "kind": KINDS[PHONE]}, None),
    ],
)
def test_when_another_way_is_better(
    values: dict[str, object], expected: tuple[str, str] | None
) -> None:
    found = nudge(told(**values))
    assert (found and (found.kind.name, found.key)) == expected
    assert found is None or found.sentence.endswith(".")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"is_asked": True}, None),
        ({"unwanted": frozenset({PHONE})}, None),
        ({"put_off": frozenset({"turns-email"})}, None),
        ({"offers": OFFERED[1:]}, None),
        ({"offers": (replace(OFFERED[0], is_open=False), *OFFERED[1:])}, None),
        # Another reason is one all the same.
        ({"put_off": frozenset({"turns-email"}), "how_soon": s.NOW, **WAITS}, "soon-now"),
        # What is refused makes room for the next one.
        ({"unwanted": frozenset({ACCOUNT}), "lines": said(1, text=IBAN), **OPEN}, "iban-email"),
    ],
)
def test_what_silences_it(values: dict[str, object], expected: str | None) -> None:
    assert nudge(told(lines=said(MANY))) is not None
    found = nudge(told(**{"lines": said(MANY), **values}))
    assert (found and found.key) == expected


@st.composite
def midways(draw: st.DrawFn) -> Midway:
    """Any case that a page may tell of."""
    some = st.frozensets(st.sampled_from(sorted(KINDS)))
    kind = draw(st.sampled_from(sorted(KINDS)))
    texts = st.sampled_from(["And then?", IBAN, "tomorrow", "BSN 111222333", ""])
    lines = st.builds(
        Line, st.booleans(), st.sampled_from([kind, ACCOUNT, EMAIL]), texts, st.just(NOW)
    )
    return Midway(
        kind=KINDS[kind],
        offers=draw(some_offers()),
        lines=tuple(draw(st.lists(lines, max_size=15))),
        now=NOW,
        is_private=draw(st.booleans()),
        is_complex=draw(st.booleans()),
        is_sensitive=draw(st.booleans()),
        how_soon=draw(st.sampled_from(["", s.NOW, s.TODAY, s.CAN_WAIT])),
        waits=draw(st.sampled_from([None, NOW - timedelta(hours=5), NOW])),
        unwanted=draw(some),
        is_asked=draw(st.booleans()),
    )


@QUICKLY
@given(midways())
def test_it_proposes_only_what_can_be_had_and_nobody_refused(case: Midway) -> None:
    found = nudge(case)
    if found is None:
        return
    can = {row.kind.name for row in case.offers if row.is_open}
    assert found.kind.name in can - case.unwanted - {case.kind.name} and not case.is_asked
    assert not case.kind.spoken
    # "Not now" is for this reason, and for good.
    later = nudge(replace(case, put_off=frozenset({found.key})))
    assert later is None or later.key != found.key
    # A no to that kind is for every reason.
    refused = nudge(replace(case, unwanted=case.unwanted | {found.kind.name}))
    assert refused is None or refused.kind != found.kind


@QUICKLY
@given(midways())
def test_more_turns_never_take_a_hint_away(case: Midway) -> None:
    found, more = nudge(case), case
    for is_ours in (True, False):
        more = replace(more, lines=(*more.lines, Line(is_ours, case.kind.name, "So?", NOW)))
        assert _is_same_or_more(found, nudge(more))


def _is_same_or_more(before: Nudge | None, after: Nudge | None) -> bool:
    return before is None or after is not None
