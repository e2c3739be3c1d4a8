"""The rows of the chooser, on the start page and where a customer switches."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from channels_app import promises, slots
from channels_app.promises import Offer
from contacts import addresses
from contacts.kinds import ACCOUNT, CHAT, EMAIL, GROUPS, MESSAGE, PHONE, SCHEMES, Kind
from contacts.models import Case, Choice, Identity
from portal import times
from portal.site.known import Known
from portal.words import WISHES

MANY = 5  # from so many kinds on they stand in groups
SHOWN = 3  # so many messengers are shown; the rest is folded


@dataclass(frozen=True)
class Branch:
    """A place where one can come by."""

    slug: str
    title: str
    address: str
    chosen: bool


@dataclass
class Way:
    """One row: an offered kind, or a known address of that kind."""

    offer: Offer
    state_line: str
    next_free: str = ""  # "You can book: 14:50"
    identity: Identity | None = None
    is_current: bool = False
    asks_code: bool = False
    checked: bool = False
    address: str = ""
    name: str = ""
    wish: str = ""
    address_error: str = ""
    name_error: str = ""
    wish_error: str = ""
    is_suggested: bool = False
    reason: str = ""
    speaks_for: list[str] = field(default_factory=list)
    speaks_against: list[str] = field(default_factory=list)
    only_notice: bool = False
    has_known: bool = False  # a known address has a row of its own
    to: str = ""  # how the known address is written
    times: tuple[datetime, ...] = ()  # the next free ones, where customers may choose one

    @property
    def kind(self) -> Kind:
        """The registry entry."""
        return self.offer.kind

    @property
    def value(self) -> str:
        """What the radio posts: the kind, with the address's id where one is known."""
        return f"{self.kind.name}:{self.identity.pk}" if self.identity else self.kind.name

    @property
    def id(self) -> str:
        """The value as part of an element's id."""
        return self.value.replace(":", "-")

    @property
    def address_id(self) -> str:
        """The id of its address field."""
        return f"address_{self.kind.name}"

    @property
    def name_id(self) -> str:
        """The id of its name field."""
        return f"name_{self.kind.name}"

    @property
    def wish_name(self) -> str:
        """What its wish is posted as; known addresses have one each."""
        return f"wish_{self.id}"

    @property
    def wish_id(self) -> str:
        """The id of its wish field."""
        return self.wish_name

    @property
    def title(self) -> str:
        """The name of the row; a second row of a kind says that it takes another address."""
        if len(self.offer.channels) > 1:
            return str(self.kind.label)  # several branches under one name
        if not (self.has_known and self.kind.scheme and self.identity is None):
            return self.offer.title
        if self.kind.scheme == PHONE:
            return _("%(kind)s, another number") % {"kind": self.offer.title}
        if not SCHEMES[self.kind.scheme].typed:
            return _("%(kind)s, another account") % {"kind": self.offer.title}
        return _("%(kind)s, another address") % {"kind": self.offer.title}

    @property
    def number(self) -> str:
        """The number of ours that one writes to; "" where it is none."""
        address = self.offer.channel.address
        is_number = self.kind.group == MESSAGE and self.kind.scheme == PHONE
        return addresses.display(PHONE, address) if is_number and address else ""

    @property
    def promise_line(self) -> str:
        """ "within 4 hours", or nothing."""
        return promises.promise_line(self.offer)

    @property
    def figures(self) -> tuple[str, ...]:
        """ "You can book: 14:50", "Usually within 2 hours", "3 people are waiting", if known.

        One by one: a narrow page breaks between them, and not after a number.
        """
        next_free = (self.next_free,) if self.next_free else ()
        return next_free + promises.figures(self.offer)

    @property
    def asks_address(self) -> bool:
        """Whether the customer has to type one."""
        return bool(self.kind.scheme) and self.identity is None and not self.asks_to_write

    @property
    def asks_to_write(self) -> bool:
        """Whether the customer goes there and writes to us first: by one button, or a QR code."""
        return self.offer.writes_first and self.identity is None

    @property
    def is_to_prove(self) -> bool:
        """Whether nothing goes that way before the customer did something there."""
        return self.asks_to_write or self.asks_code

    @property
    def address_label(self) -> str:
        """The label of the address field: "Your e-mail address"."""
        if self.kind.scheme == EMAIL:
            return _("Your e-mail address")
        if self.kind.scheme == PHONE:
            return _("Your phone number")
        return str(SCHEMES[self.kind.scheme].label)

    @property
    def nobody_free(self) -> bool:
        """Whether nobody can call now, and a time to be called can be chosen."""
        return bool(self.times) and self.offer.nobody_free

    @property
    def next_times(self) -> list[tuple[str, str]]:
        """The next free times: value, words."""
        now = timezone.now()
        return [(times.value_of(at), promises.moment(at, now)) for at in self.times]

    @property
    def picks_time(self) -> bool:
        """Whether one of the free times has to be chosen; without one nothing can be asked."""
        return self.kind.by_appointment and bool(self.times)

    @property
    def wishes(self) -> list[tuple[str, str | Promise, bool]]:
        """The moments of a call: value, words, chosen."""
        if not (self.kind.rings or self.picks_time):
            return []
        rows: dict[str, str | Promise] = dict(WISHES) if self.kind.rings else {}
        if self.times:
            free = dict[str, str | Promise](self.next_times)
            free[times.CHOOSE] = _("at a time of my choice")
            # Where nobody can call now the free times come before the vague ones.
            rows = {"soon": rows["soon"], **free, **rows} if self.nobody_free else rows | free
        chosen = self.wish if self.wish in rows else next(iter(rows))
        return [(value, words, value == chosen) for value, words in rows.items()]

    @property
    def branches(self) -> list[Branch]:
        """The places of a kind that is done at a place."""
        if self.kind.name != promises.MEETING:
            return []
        return [
            Branch(channel.slug, channel.label, channel.address, channel.slug == self.wish)
            for channel in self.offer.channels
        ]

    @property
    def has_more(self) -> bool:
        """Whether something opens under the chosen row."""
        return bool(
            self.asks_address
            or self.asks_to_write
            or self.wishes
            or self.branches
            or self.kind.name == ACCOUNT
        )

    @property
    def describedby(self) -> str:
        """Ids of what a screen reader should add to the row."""
        return f"notice-{self.id}" if self.only_notice else ""

    @property
    def send_label(self) -> str:
        """The words on the button of the start page."""
        if self.kind.rings:
            return _("Call me back")
        if self.kind.by_appointment:
            return _("Plan the video call")
        if self.kind.name == CHAT:
            return _("Start the chat")
        return _("Send my question")

    @property
    def outcome(self) -> str:
        """What happens next, in a sentence."""
        if self.kind.rings:
            line = _("We call you back")
        elif self.kind.name == ACCOUNT:
            line = _("We answer on your own page")
        elif self.kind.by_appointment:
            return _("We speak to you by video at the time that you choose.")
        elif self.kind.name == promises.MEETING:
            return _("We have your question ready when you come.")
        else:
            line = _("We answer %(by)s") % {"by": self.kind.by}
        promise = self.promise_line
        line = f"{line}, {promise}." if promise else f"{line}."
        if self.asks_to_write:
            line += " " + _("First you send your question from there, with one tap.")
        elif self.asks_code:
            line += " " + _("First you type a code that we send there.")
        return line


@dataclass(frozen=True)
class Group:
    """Rows under one heading; "" without a heading. `more`: those that are folded below them."""

    name: str | Promise
    ways: list[Way] = field(default_factory=list)
    more: list[Way] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether what is folded is shown at once: one of it is chosen."""
        return any(way.checked or way.is_current for way in self.more)


def make(offers: Iterable[Offer], now: datetime) -> list[Way]:
    """One row per offered kind. A mail may go to whom typed it; a number has to be proved first.

    What is always by appointment is none while no time is free.
    """
    rows = [Way(offer, promises.board_line(offer, now)) for offer in offers]
    for way in rows:
        way.asks_code = way.offer.takes_codes and way.kind.scheme != EMAIL
        if way.kind.rings or way.kind.by_appointment:
            add_times(way, now)
    return [way for way in rows if way.times or not way.kind.by_appointment]


def add_times(way: Way, now: datetime) -> None:
    """The next free times of a row: one is named, or all where nobody can call now."""
    way.times = tuple(slots.next_free(way.offer.channel, now, crew=way.offer.crew))
    if way.times:
        named = way.times if way.nobody_free else way.times[:1]
        way.next_free = _("You can book: %(when)s") % {"when": promises.moments(named, now)}


def groups(ways: list[Way]) -> list[Group]:
    """Rows in the groups Talk, Message, In writing; few kinds, or a sole member: no heading."""
    if len({way.kind.name for way in ways}) < MANY:
        return [Group("", ways)] if ways else []
    found = [(label, [w for w in ways if w.kind.group == name]) for name, label in GROUPS.items()]
    return [_group(label, members) for label, members in found if members]


def _group(label: str | Promise, members: list[Way]) -> Group:
    if len(members) == 1:
        return Group("", members)
    if members[0].kind.group != MESSAGE or len(members) <= SHOWN:
        return Group(label, members)
    return Group(label, members[:SHOWN], members[SHOWN:])


class TypedWords(Protocol):
    """What `fill` needs of a posted form."""

    errors: dict[str, list[str]]

    def has(self, name: str) -> bool:
        """Whether the field was posted."""

    def get(self, name: str) -> str:
        """The field as it was typed."""


def fill(ways: list[Way], typed: TypedWords) -> None:
    """Put back what was typed, with what was wrong beside it."""
    for way in ways:
        way.checked = typed.get("way") == way.value
        if typed.has(way.address_id):
            way.address = typed.get(way.address_id)
        if typed.has(way.name_id):
            way.name = typed.get(way.name_id)
        if typed.has(way.wish_name):
            way.wish = typed.get(way.wish_name)
        way.address_error = next(iter(typed.errors.get(way.address_id, [])), "")
        way.name_error = next(iter(typed.errors.get(way.name_id, [])), "")
        way.wish_error = next(iter(typed.errors.get(way.wish_name, [])), "")


def for_case(
    offers: list[Offer], case: Case, known: Known, *, now: datetime, masked: bool
) -> tuple[list[Way], list[Way]]:
    """Two lists of rows for a switch: known addresses first, then everything else.

    `masked`: the addresses are shown as a passer-by may see them.
    """
    choice = case.choice
    first: list[Way] = []
    rest: list[Way] = []
    for offer in offers:
        line = promises.board_line(offer, now)
        fitting = known.fitting(offer)
        for identity in fitting:
            way = Way(offer, line, identity=identity)
            way.to = identity.masked if masked else identity.readable
            way.is_current = _is_current(choice, way)
            first.append(way)
        way = Way(offer, line, has_known=bool(fitting))
        way.is_current = _is_current(choice, way)
        if not (way.is_current or slots.can_be_chosen(offer.channel, now)):
            continue
        way.asks_code = offer.takes_codes
        (first if not offer.kind.scheme and way.is_current else rest).append(way)
    for way in first + rest:
        way.only_notice = case.is_sensitive and not way.offer.private
        if choice is not None and way.is_current:
            way.wish = choice.wish
    first.sort(key=lambda way: not way.is_current)
    return first, rest


def _is_current(choice: Choice | None, way: Way) -> bool:
    if choice is None or choice.kind != way.kind.name:
        return False
    return choice.identity_id == (way.identity.pk if way.identity else None)
