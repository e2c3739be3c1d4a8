"""The adviser: what the articles claim, and what holds in every situation."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels_app.advice import situation as s
from channels_app.advice.claims import ALL, Claim, claims, everything
from channels_app.advice.factors import BY_SLUG, FACTORS, Factor
from channels_app.advice.ranking import PUBLISHED, Advice, recommend, suggested, weight
from channels_app.advice.sentences import reasons, sentence
from channels_app.advice.situation import Offered, Situation
from contacts.kinds import CHAT, EMAIL, GROUPS, KINDS, MESSAGE, PHONE, TALK, Kind
from tests.advice.situations import BOARDS, each, situations

pytestmark = pytest.mark.once
QUICKLY = settings(max_examples=60, deadline=None)
OFFERED = ("phone", "chat", "email", "account", "letter", "sms", "whatsapp")


def names(ranked: list[Advice]) -> list[str]:
    return [row.kind.name for row in ranked]


@pytest.mark.parametrize("claim", list(claims()), ids=lambda claim: f"{claim.rule}: {claim.says}")
def test_what_the_articles_claim_comes_out(claim: Claim) -> None:
    assert claim.is_met, [(row.kind.name, round(row.score, 2)) for row in claim.ranked]


def test_a_claim_can_fail() -> None:
    at_all = Situation(ALL)
    assert not Claim("", "", at_all, first=("sms",)).is_met
    assert not Claim("", "", at_all, before=("sms", "phone")).is_met
    assert not Claim("", "", at_all, never=("phone",)).is_met


@pytest.mark.parametrize(
    ("told", "is_there", "kind"),
    [
        ({"how_soon": "now"}, ("phone",), "phone"),
        ({"how_soon": "now"}, (), "phone"),
        ({"is_sensitive": True}, (), "account"),
        ({"is_complex": True}, (), "phone"),
        ({"how_soon": "can_wait"}, (), "email"),
        ({}, (), "email"),
        ({}, ("phone",), "phone"),
        ({"is_simple": True}, (), "whatsapp"),
        ({"is_simple": True, "how_soon": "today"}, (), "whatsapp"),
        ({"is_complex": True, "how_soon": "today"}, (), "phone"),
        ({"is_simple": True}, ("chat",), "chat"),
        ({"is_simple": True, "how_soon": "today"}, ("chat",), "chat"),
        ({"is_simple": True, "how_soon": "can_wait"}, ("chat",), "email"),
        ({"is_complex": True, "how_soon": "now"}, ("chat",), "phone"),
        ({"is_sensitive": True, "how_soon": "now"}, ("chat",), "phone"),
        ({"how_soon": "now"}, ("chat",), "chat"),
        ({"how_soon": "now"}, ("chat", "phone"), "phone"),
        ({}, ("chat",), "email"),
        ({"relation": "existing"}, ("phone",), "phone"),
    ],
)
def test_who_is_there_counts(told: dict[str, str], is_there: tuple[str, ...], kind: str) -> None:
    closed = tuple(name for name in ("phone", "chat") if name not in is_there)
    offers = tuple(row for row in everything(closed=closed) if row.kind.name in OFFERED)
    ranked = recommend(Situation(offers, **told))  # type: ignore[arg-type]
    assert names(ranked)[0] == kind and sorted(names(ranked)) == sorted(OFFERED)


def test_in_every_situation_the_rules_hold() -> None:
    """R5, R21, R25: all of them stay, nothing private goes to a messenger, there is a reason."""
    count = 0
    for told in each(BOARDS):
        ranked = recommend(told)
        assert len(ranked) == len(told.offers) and PHONE in names(ranked)
        best = suggested(ranked)
        assert best is not None and best.score > 0
        assert not (told.is_sensitive and best.kind.group == MESSAGE)
        assert any(part.points > 0 for part in best.parts)
        count += 1
    assert count == 2000


@QUICKLY
@given(situations())
def test_a_score_is_the_sum_of_its_parts_and_the_order_of_scores(told: Situation) -> None:
    ranked = recommend(told)
    assert sorted(names(ranked)) == sorted(row.kind.name for row in told.offers)
    for row in ranked:
        assert row.score == sum(part.points for part in row.parts)
    plain = [row for row in ranked if not row.is_own and not row.is_withheld]
    assert [round(row.score, 6) for row in plain] == sorted(
        (round(row.score, 6) for row in plain), reverse=True
    )


@QUICKLY
@given(situations(), st.randoms())
def test_the_order_of_offers_decides_between_equals_alone(
    told: Situation, random: st.DataObject
) -> None:
    shuffled = list(told.offers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    before, after = recommend(told), recommend(replace(told, offers=tuple(shuffled)))
    place = {row.kind.name: round(row.score, 6) for row in after}
    assert place == {row.kind.name: round(row.score, 6) for row in before}
    assert [place[name] for name in names(before)] == [place[name] for name in names(after)]


@QUICKLY
@given(situations())
def test_their_own_stated_preference_goes_first(told: Situation) -> None:
    told = replace(told, matters="")
    if not any(row.kind.name == told.preferred for row in told.offers):
        return
    private = told.is_sensitive and KINDS[told.preferred].group == MESSAGE
    ranked = recommend(told)
    assert (names(ranked)[0] == told.preferred) is not private or all(
        row.is_withheld for row in ranked
    )


def test_what_is_said_of_this_question_is_nearer_than_the_usual_way() -> None:
    """R15: a preference can differ per question."""
    told = Situation(ALL, preferred=EMAIL)
    assert names(recommend(told))[0] == EMAIL
    assert names(recommend(replace(told, is_complex=True)))[0] == EMAIL
    assert names(recommend(replace(told, is_complex=True, matters=s.TALK)))[0] == PHONE


@pytest.mark.parametrize("slug", BY_SLUG)
@pytest.mark.parametrize("name", KINDS)
def test_a_factor_that_favours_a_kind_never_lowers_it(slug: str, name: str) -> None:
    """Monotone: more of it is never less for that kind, and never more where it speaks against."""
    kind, factor = KINDS[name], BY_SLUG[slug]
    published = factor.published(kind)
    for told in (Situation(ALL), Situation(ALL, is_complex=True, how_soon=s.NOW)):
        rows = {row.kind.name: row for row in recommend(told)}
        more = {(slug, name): published + 0.7}
        moved = {row.kind.name: row for row in recommend(told, more)}
        strength = factor.strength(told, next(o for o in told.offers if o.kind == kind))
        assert moved[name].score - rows[name].score == pytest.approx(0.7 * strength)
        if strength > 0:
            assert names(recommend(told, more)).index(name) <= names(recommend(told)).index(name)
        others = set(KINDS) - {name}
        assert all(moved[one].score == rows[one].score for one in others)


# What a page says, and for which factor it is the only thing that it says more.
SWITCHES: dict[str, dict[str, Any]] = {
    "simple": {"is_simple": True},
    "complex": {"is_complex": True},
    "early": {"phase": s.LOOKING},
    "buying": {"phase": s.BUYING},
    "now": {"how_soon": s.NOW},
    "today": {"how_soon": s.TODAY},
    "can_wait": {"how_soon": s.CAN_WAIT},
    "quick": {"matters": s.QUICK},
    "talk": {"matters": s.TALK},
    "writing": {"matters": s.WRITING},
    "plain": {"matters": s.PLAIN},
    "customer": {"relation": s.EXISTING},
    "under_35": {"age": s.YOUNG},
    "over_55": {"age": s.OLDER},
}


@pytest.mark.parametrize("slug", SWITCHES)
def test_the_kind_that_a_factor_favours_most_never_falls(slug: str) -> None:
    """Whatever else is known: with the factor it stands as high as without it, or higher."""
    factor, switch = BY_SLUG[slug], SWITCHES[slug]
    most = max(factor.published(kind) for kind in KINDS.values())
    favoured = [kind.name for kind in KINDS.values() if factor.published(kind) == most]
    base: dict[str, Any] = {name: type(value)() for name, value in switch.items()}
    for told in each([ALL]):
        if any(getattr(told, name) for name in switch):
            continue
        if "is_simple" in switch and (told.is_complex or told.is_sensitive or told.phase):
            continue  # no topic is both, and a phase adds shopping to simple
        without = names(recommend(replace(told, **base)))
        with_it = names(recommend(replace(told, **switch)))
        for name in favoured:
            assert with_it.index(name) <= without.index(name), (told, name)


@pytest.mark.parametrize("matters", ["", s.TALK, s.QUICK])
def test_the_older_the_more_phone_and_the_less_chat(matters: str) -> None:
    """S3, S4; who did not tell it is advised as those in the middle are, by a twentieth."""

    def points(age: str, kind: str) -> float:
        rows = recommend(Situation(ALL, age=age, matters=matters))
        return next(row.score for row in rows if row.kind.name == kind)

    ages = (s.YOUNG, s.MIDDLE, s.OLDER)
    phone, chat = ([points(age, kind) for age in ages] for kind in (PHONE, CHAT))
    assert phone == sorted(phone) and phone[0] < phone[2]
    assert chat == sorted(chat, reverse=True) and len(set(chat)) == 3
    for kind in KINDS:
        assert points("", kind) == pytest.approx(points(s.MIDDLE, kind), abs=0.05)


def test_nothing_that_a_channel_costs_is_known() -> None:
    """R6: what the adviser is told of a channel is what it does for the customer."""
    assert {field.name for field in fields(Offered)} == {
        *("kind", "is_open", "live", "written", "private", "promise_minutes", "there"),
        *("nobody_free", "next_free"),
    }
    cheap = replace(KINDS[PHONE], weight=1)
    one, other = (recommend(Situation((Offered(kind),)))[0] for kind in (KINDS[PHONE], cheap))
    assert one.score == other.score


def test_a_new_kind_is_advised_from_its_first_day() -> None:
    """R44: by its group, without a word about it here."""
    radio = Kind("radio", "Radio", "by radio", "the radio", TALK, spoken=True)
    ranked = recommend(Situation((*ALL, Offered(radio, live=True)), is_complex=True))
    found = names(ranked)
    assert found[0] == "phone" and {*found[1:4]} == {"video", "radio", "in_person"}
    assert sentence(ranked[found.index("radio")])


@pytest.mark.parametrize("found", FACTORS, ids=lambda factor: factor.slug)
def test_every_factor_has_a_source_a_sentence_and_bounds(found: Factor) -> None:
    assert found.sources and str(found.sentence) and str(found.name)
    assert set(found.weights) <= {*KINDS, *GROUPS} and not set(KINDS) & set(GROUPS)
    assert all(abs(points) <= 3 for points in found.weights.values())


def test_an_own_weight_takes_the_place_of_the_published_one() -> None:
    usual = BY_SLUG["usual"]
    own = {("usual", "letter"): 2.0}
    assert weight(usual, KINDS["letter"], PUBLISHED) == 0
    assert names(recommend(Situation(ALL), own))[0] == "letter"


@pytest.mark.parametrize(
    ("told", "kind", "there", "said"),
    [
        (
            {"how_soon": s.TODAY, "is_complex": True},
            PHONE,
            "open until 17:30",
            "A longer story and needed today: by phone you can ask on at once; open until 17:30.",
        ),
        ({}, PHONE, "", "What most people choose: by phone you can ask on at once."),
        ({"matters": s.WRITING}, EMAIL, "", "In writing: an e-mail you can keep and read again."),
    ],
)
def test_one_sentence_says_why(told: dict[str, str], kind: str, there: str, said: str) -> None:
    offers = tuple(replace(row, there=there) for row in ALL)
    best = recommend(Situation(offers, **told))[0]  # type: ignore[arg-type]
    assert (best.kind.name, sentence(best)) == (kind, said)


def test_why_says_what_speaks_for_and_against_without_a_figure() -> None:
    told = Situation(everything(closed=(PHONE,)), is_complex=True)
    for_it, against = reasons(recommend(told)[0])
    assert for_it[0] == "A longer story is told faster than it is typed."
    assert against == ["At the moment nobody is there."]
    worked = Situation(ALL, preferred="letter", worked={"letter": -0.9})
    assert reasons(recommend(worked)[0])[1] == ["Earlier answers by this way helped you less."]


def test_a_closed_way_promises_nobody_who_is_not_there() -> None:
    told = Situation(everything(closed=(PHONE, "chat")), preferred="chat")
    assert sentence(recommend(told)[0]) == (
        "How you like it: you are helped as soon as somebody is there."
    )
