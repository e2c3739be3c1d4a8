"""What the articles claim, each as a situation with the order that must come out of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from channels_app.advice import situation as s
from channels_app.advice.ranking import Advice, recommend, suggested
from channels_app.advice.situation import Offered, Situation
from contacts.kinds import ACCOUNT, CHAT, EMAIL, GROUPS, KINDS, MESSAGE, PHONE, VIDEO, WRITING, Kind

LETTER, IN_PERSON = "letter", "in_person"
LIVE = (PHONE, VIDEO, CHAT, IN_PERSON)  # both sides are there at the same time
NOTICE_ONLY = (EMAIL,)  # and every messenger: they carry a notice of what is private
PROMISES = {LETTER: 2880}  # a letter takes days; minutes


def everything(*, closed: tuple[str, ...] = ()) -> tuple[Offered, ...]:
    """Every kind offered and open, in the order of their groups; `closed`: nobody is there."""
    kinds = sorted(KINDS.values(), key=lambda kind: list(GROUPS).index(kind.group))
    return tuple(_offered(kind, is_open=kind.name not in closed) for kind in kinds)


def _offered(kind: Kind, *, is_open: bool) -> Offered:
    confidential = kind.group != MESSAGE and kind.name not in NOTICE_ONLY
    return Offered(
        kind,
        is_open=is_open,
        live=kind.name in LIVE,
        written=kind.group in (MESSAGE, WRITING),
        private=confidential or kind.name == CHAT,
        promise_minutes=PROMISES.get(kind.name),
    )


@dataclass(frozen=True)
class Claim:
    """One claim. `first`: one of them is suggested; `before`: each stands above the next one.

    `never`: none of them is suggested.
    """

    rule: str
    says: str
    situation: Situation
    first: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    @property
    def ranked(self) -> list[Advice]:
        """What the adviser says, by the published weights."""
        return recommend(self.situation)

    @property
    def is_met(self) -> bool:
        """Whether the adviser says what the article says."""
        ranked = self.ranked
        best = suggested(ranked)
        name = best.kind.name if best else ""
        places = [row.kind.name for row in ranked]
        order = [places.index(kind) for kind in self.before]
        return (
            (not self.first or name in self.first)
            and name not in self.never
            and order == sorted(order)
        )

    @property
    def expected(self) -> str:
        """The expectation in words."""
        parts = []
        if self.first:
            parts.append(f"first: {' or '.join(self.first)}")
        if self.before:
            parts.append(f"order: {' > '.join(self.before)}")
        if self.never:
            parts.append(f"never suggested: {', '.join(self.never)}")
        return "; ".join(parts)


ALL = everything()
NOBODY = everything(closed=LIVE)
AT_ALL = Situation(ALL)
MESSENGERS = tuple(kind.name for kind in KINDS.values() if kind.group == MESSAGE)
APPS = tuple(name for name in MESSENGERS if name not in (CHAT, "sms"))


def claims() -> Iterator[Claim]:
    """Every claim of requirements.md, sections 1 and 2, that is about advice."""
    yield from _figures()
    yield from _question()
    yield from _time()
    yield from _privacy()
    yield from _age()
    yield from _person()


def _figures() -> Iterator[Claim]:
    yield Claim(
        "Microsoft, S4",
        "The phone is the most chosen channel; then in person; then the own online account",
        AT_ALL,
        first=(PHONE,),
        before=(PHONE, IN_PERSON, ACCOUNT),
    )
    yield Claim("S4", "The top two stay phone and e-mail", AT_ALL, before=(PHONE, EMAIL, IN_PERSON))
    for relation in (s.PROSPECT, s.EXISTING):
        yield Claim(
            "Acxiom, S2",
            f"Post and e-mail are more popular than text messages ({relation})",
            replace(AT_ALL, relation=relation),
            before=(EMAIL, LETTER, "sms"),
        )
    yield Claim(
        "Software Advice, S3",
        "Shopping questions: chat is preferred",
        Situation(ALL, is_simple=True, phase=s.COMPARING),
        first=(CHAT,),
    )
    yield Claim(
        "Software Advice, S3",
        "Financial questions: chat is not",
        Situation(ALL, is_sensitive=True),
        before=(PHONE, CHAT),
        never=MESSENGERS,
    )


def _question() -> Iterator[Claim]:
    yield Claim("R17", "Simple: chat or app", Situation(ALL, is_simple=True), first=(CHAT, *APPS))
    yield Claim(
        "R17",
        "Simple, and nobody is in the chat: an app",
        Situation(NOBODY, is_simple=True),
        first=APPS,
    )
    yield Claim("R17", "Complicated: the phone", Situation(ALL, is_complex=True), first=(PHONE,))
    yield Claim(
        "R17",
        "Complicated: by phone or by video, before any way in writing",
        Situation(ALL, is_complex=True),
        before=(PHONE, VIDEO, EMAIL),
    )
    yield Claim(
        "R23",
        "A technical question or a complex process: the phone, also while it is closed",
        Situation(NOBODY, is_complex=True),
        first=(PHONE,),
    )
    for phase in (s.LOOKING, s.COMPARING):
        yield Claim(
            "R18",
            f"Attention and interest ({phase}): chat or social",
            Situation(ALL, phase=phase),
            first=(CHAT, *APPS),
        )
    yield Claim(
        "R18",
        "Desire and action (buying): phone or e-mail",
        Situation(ALL, phase=s.BUYING),
        first=(PHONE, EMAIL),
        before=(PHONE, EMAIL, CHAT),
    )
    yield Claim(
        "R24",
        "Prices, models, stock: chat",
        Situation(ALL, is_simple=True, phase=s.LOOKING),
        first=(CHAT,),
    )


def _time() -> Iterator[Claim]:
    yield Claim(
        "R20, R23", "Needed now: phone or chat", Situation(ALL, how_soon=s.NOW), first=(PHONE,),
        before=(PHONE, CHAT, EMAIL, LETTER),
    )  # fmt: skip
    yield Claim(
        "R20",
        "Needed now, and nobody picks up the phone: chat",
        Situation(everything(closed=(PHONE, IN_PERSON)), how_soon=s.NOW),
        first=(CHAT,),
    )
    yield Claim(
        "R36",
        "Needed now, and nobody is free: we call back",
        Situation(NOBODY, how_soon=s.NOW),
        first=(PHONE,),
    )
    yield Claim(
        "R20",
        "It can wait: e-mail or post",
        Situation(ALL, how_soon=s.CAN_WAIT),
        first=(EMAIL,),
        before=(LETTER, PHONE, CHAT),
    )
    yield Claim(
        "R20",
        "Needed today: no letter",
        Situation(ALL, how_soon=s.TODAY),
        before=(PHONE, EMAIL, ACCOUNT, "whatsapp", LETTER),
    )


def _privacy() -> Iterator[Claim]:
    for how_soon in ("", s.NOW, s.TODAY, s.CAN_WAIT):
        for matters in ("", s.QUICK):
            yield Claim(
                "R21",
                f"Private ({how_soon or 'any time'}, {matters or 'nothing else'}): not chat",
                Situation(ALL, is_sensitive=True, how_soon=how_soon, matters=matters),
                never=MESSENGERS,
            )
    yield Claim(
        "R21",
        "An official answer on what is private: own account, letter or e-mail",
        Situation(ALL, is_sensitive=True, matters=s.WRITING),
        first=(ACCOUNT, LETTER, EMAIL),
    )
    yield Claim(
        "A4",
        "Money: the secure page first, then the phone",
        Situation(ALL, is_sensitive=True),
        before=(ACCOUNT, PHONE, CHAT),
    )
    yield Claim(
        "R22",
        "Who wants a written record: e-mail or post",
        Situation(ALL, matters=s.WRITING),
        first=(EMAIL, LETTER),
        before=(EMAIL, LETTER, PHONE),
    )


def _age() -> Iterator[Claim]:
    """S3 asked who prefers chat to the phone; S4 who takes the phone at all."""
    yield Claim(
        "Software Advice, S3",
        "Under 35: 56 % prefer chat to the phone",
        Situation(ALL, age=s.YOUNG),
        before=(CHAT, PHONE),
    )
    for age in (s.MIDDLE, s.OLDER):
        yield Claim(
            "Software Advice, S3",
            f"Above 35: 29 % prefer chat to the phone ({age})",
            Situation(ALL, age=age),
            first=(PHONE,),
            before=(PHONE, CHAT),
        )
    yield Claim(
        "Software Advice, S3",
        "Over 55 about 60 % never chatted: the phone, in person and a letter above it",
        Situation(ALL, age=s.OLDER),
        before=(PHONE, IN_PERSON, LETTER, CHAT),
    )
    no_chat = tuple(row for row in ALL if row.kind.name != CHAT)
    for age in (s.YOUNG, s.MIDDLE, s.OLDER):
        yield Claim(
            "Microsoft, S4",
            f"In all generations the top two stay phone and e-mail, chat apart ({age})",
            Situation(no_chat, age=age),
            first=(PHONE,),
            before=(PHONE, EMAIL, IN_PERSON),
        )
    yield Claim(
        "R19",
        "What they say in this question is nearer than their age: under 35, to talk it through",
        Situation(ALL, age=s.YOUNG, matters=s.TALK),
        first=(PHONE,),
    )
    yield Claim(
        "R21",
        "Private, and under 35: not chat",
        Situation(ALL, age=s.YOUNG, is_sensitive=True),
        never=MESSENGERS,
    )


def _person() -> Iterator[Claim]:
    for kind in KINDS:
        yield Claim(
            "R19",
            f"Their own stated preference goes first ({kind})",
            Situation(ALL, how_soon=s.NOW, is_complex=True, preferred=kind),
            first=(kind,),
        )
    yield Claim(
        "R19, R47",
        "Not handy with computers: the phone, and a letter above chat and own page",
        Situation(ALL, matters=s.PLAIN),
        first=(PHONE,),
        before=(PHONE, IN_PERSON, LETTER, ACCOUNT, CHAT),
    )
    yield Claim(
        "R19, S3",
        "Most over 55 never chatted: not handy, and a simple question, is no chat",
        Situation(ALL, is_simple=True, matters=s.PLAIN),
        first=(PHONE,),
    )
    yield Claim(
        "R37, S4", "To talk it through: the phone", Situation(ALL, matters=s.TALK), (PHONE,)
    )
    yield Claim(
        "R17, S0",
        "To talk it through while nobody picks up: still the phone, we call",
        Situation(NOBODY, matters=s.TALK),
        first=(PHONE,),
    )
