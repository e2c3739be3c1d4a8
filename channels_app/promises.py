"""What each offered channel promises at this moment: open or not, until when, how fast."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from channels_app import due, hours
from channels_app.call_line import Calls, Crew
from channels_app.models import Channel, Pace
from contacts import duty
from contacts.kinds import CHAT, PHONE, Kind
from contacts.models import Case, Organisation

MEETING = "in_person"  # the one kind where a customer picks between channels: the branches


@dataclass(frozen=True)
class Offer:
    """One row of the chooser. Times are aware, in the organisation's zone."""

    kind: Kind
    channels: tuple[Channel, ...]
    is_open: bool
    closes_at: datetime | None
    opens_at: datetime | None
    promise_minutes: int | None
    private: bool
    live: bool  # both sides are there at the same time
    written: bool  # leaves the customer a record
    is_deserted: bool  # its hours are on, and nobody is there for it
    closed_today: str  # "Closed today: King's Day" where that is so, else ""
    writes_first: bool  # a message from there proves the address; nobody types it
    takes_codes: bool  # a code that we send there proves it
    title: str
    good_for: str
    cannot: str
    waiting: int  # customers who wait for an answer by this kind
    pace: Pace | None  # how long a first answer usually takes; None where too few tell
    crew: Crew | None = None  # who takes calls, of a phone; None where nobody has looked

    @property
    def calls(self) -> Calls | None:
        """How it stands with calls in the reader's language; None where nothing tells."""
        return self.crew.calls(get_language() or "") if self.crew else None

    @property
    def is_unstaffed(self) -> bool:
        """Whether it is open, and nobody is there to call."""
        return self.is_open and self.calls is not None and not self.calls.there

    @property
    def nobody_free(self) -> bool:
        """Whether nobody could call at this moment: closed, nobody there, or others wait."""
        if not self.kind.rings:
            return False
        return not self.is_open or (self.calls is not None and not self.calls.is_free)

    @property
    def channel(self) -> Channel:
        """The first channel of the kind, which speaks for the row."""
        return self.channels[0]


@dataclass(frozen=True)
class Figures:
    """What customers read of each kind besides its hours: who waits, and what is usual.

    `crew`: who is there for calls; None where nobody has looked.
    """

    waiting: Mapping[str, int] = field(default_factory=dict)
    paces: Mapping[str, Pace] = field(default_factory=dict)
    crew: Crew | None = None

    @classmethod
    def counted(cls, organisation: Organisation) -> "Figures":
        """What may be some seconds old. Two queries."""
        if organisation.pk is None:
            return NO_FIGURES
        rows = Case.objects.waiting().filter(organisation=organisation)
        waits = due.without_agreed(rows, timezone.now()).by_kind()
        paces = Pace.objects.enough().filter(organisation=organisation)
        return cls(
            {kind: found.count for kind, found in waits.items()},
            {pace.kind: pace for pace in paces},
        )

    def with_crew(self, crew: Crew) -> "Figures":
        """The same, with who takes calls: who wants to be called later does not wait now."""
        waits = {} if crew.takers is None else {PHONE: crew.waiting}
        return replace(self, waiting={**self.waiting, **waits}, crew=crew)


NO_FIGURES = Figures()


def offered(organisation: Organisation) -> list[Channel]:
    """Every offered channel in the administrator's order. Two queries; where chat is, two more."""
    found = Channel.objects.offered().of(organisation)
    for channel in found:
        if channel.kind == CHAT:
            channel.staffed_in = duty.chat_languages(organisation)
    return found


def board(
    organisation: Organisation,
    now: datetime,
    channels: Iterable[Channel] | None = None,
    figures: Figures = NO_FIGURES,
) -> list[Offer]:
    """Every offered kind in the administrator's order, one row a kind.

    Two queries, or none where a page has read the offered `channels` already.
    """
    if organisation.pk is None:  # nothing is set up yet
        return []
    rows: dict[str, list[Channel]] = {}
    for channel in offered(organisation) if channels is None else channels:
        rows.setdefault(channel.kind, []).append(channel)
    return [_offer(channels, now, figures) for channels in rows.values()]


def _offer(channels: list[Channel], now: datetime, figures: Figures) -> Offer:
    first = channels[0]
    opening, can = first.opening, first.capabilities
    in_hours = first.is_open(now) and not first.is_paused(now)
    people = first.staffed_in
    waits = first.kind != MEETING and not first.kind_info.by_appointment  # those come at a time
    is_deserted = in_hours and people is not None and get_language() not in people
    return Offer(
        kind=first.kind_info,
        channels=tuple(channels if first.kind == MEETING else channels[:1]),
        is_open=in_hours and not is_deserted,
        closes_at=hours.closes_at(opening, now),
        opens_at=hours.opens_at(opening, now),
        promise_minutes=first.promise_minutes,
        private=can.private,
        live=can.live,
        written=can.written,
        is_deserted=is_deserted,
        closed_today=closed_today(opening.today(now)),
        writes_first=can.writes_first,
        takes_codes=can.takes_codes and bool(first.kind_info.scheme),
        title=first.label,
        good_for=str(first.good_for),
        cannot=str(first.cannot),
        waiting=figures.waiting.get(first.kind, 0) if waits else 0,
        pace=figures.paces.get(first.kind),
        crew=figures.crew if first.kind == PHONE else None,
    )


def state_line(offer: Offer, now: datetime) -> str:
    """ "Open · until 17:30", "Closed · opens tomorrow 9:00"; "" where hours mean nothing.

    "Closed today: King's Day · opens tomorrow 9:00". "By appointment" where it always is.
    """
    if offer.kind.by_appointment:
        return _("By appointment")
    if offer.is_deserted:
        return _("Closed · nobody is there now")
    opening = offer.channel.opening
    if not opening.week and opening.today(now) is None:
        return ""
    if offer.is_open:
        if offer.closes_at is None or offer.closes_at - now > timedelta(days=1):
            return ""  # it stays open for so long that there is nothing to say
        return _("Open · until %(time)s") % {"time": clock(offer.closes_at)}
    return _closed(offer, now)


def calls_line(offer: Offer) -> str:
    """ "Somebody is free now"; "" where it is closed, or nothing tells who is there."""
    calls = offer.calls
    if calls is None or not offer.is_open:
        return ""
    if not calls.there:
        return _("nobody is there for calls now")
    if calls.is_free:
        return _("somebody is free now")
    if calls.busy < calls.there:
        return waiting_line(calls.waiting)
    parts = (_("all colleagues are in a call"), waiting_line(calls.waiting))
    return ": ".join(filter(None, parts))


def board_line(offer: Offer, now: datetime) -> str:
    """Hours, and who is there: "Open · until 17:30 · somebody is free now"; "" without both."""
    hours_line, line = state_line(offer, now), calls_line(offer)
    return " · ".join(filter(None, (hours_line or (_("Open") if line else ""), line)))


def _closed(offer: Offer, now: datetime) -> str:
    closed = offer.closed_today or _("Closed")
    if offer.opens_at is None:
        return closed
    words = {"closed": closed, "when": moment(offer.opens_at, now)}
    return _("%(closed)s · opens %(when)s") % words


def closed_today(day: hours.Day | None) -> str:
    """ "Closed today: King's Day" of a special day without hours; else ""."""
    if day is None or day.spans:
        return ""
    name = str(day.name)
    return _("Closed today: %(day)s") % {"day": name} if name else _("Closed today")


def there_line(offer: Offer, now: datetime) -> str:
    """The end of a sentence: "open until 17:30", "opens Mon 9:00", "within 4 hours"; or nothing."""
    opening = offer.channel.opening
    if not offer.live or offer.is_deserted or not (opening.week or opening.today(now)):
        return promise_line(offer)
    if offer.is_open and offer.closes_at:
        return _("open until %(time)s") % {"time": clock(offer.closes_at)}
    if offer.is_open or offer.opens_at is None:
        return ""
    return _("opens %(when)s") % {"when": moment(offer.opens_at, now)}


def clock(at: datetime) -> str:
    """A time of day as people of that language write it: 17:30, or 17.30 in Dutch."""
    return formats.time_format(at.timetz(), _("G:i"))


def moment(at: datetime, now: datetime, *, short: bool = False) -> str:
    """ "16:00", "tomorrow 9:00", "Mon 9:00", or with its date after a week; `short`: no words."""
    local = now.astimezone(at.tzinfo)
    days = (at.date() - local.date()).days
    if days == 0:
        return clock(at)
    if days == 1 and not short:
        return _("tomorrow %(time)s") % {"time": clock(at)}
    form = "D" if days < 7 else "j M"
    return f"{formats.date_format(at, form)} {clock(at)}"


def at_moment(at: datetime, now: datetime) -> str:
    """The same in a sentence: "at 15:00", "tomorrow at 9:00", "on Monday at 9:00"."""
    days = (at.date() - now.astimezone(at.tzinfo).date()).days
    time = clock(at)
    if days == 0:
        return _("at %(time)s") % {"time": time}
    if days == 1:
        return _("tomorrow at %(time)s") % {"time": time}
    day = formats.date_format(at, "l" if days < 7 else "l j F")
    return _("on %(day)s at %(time)s") % {"day": day, "time": time}


def moments(times: Sequence[datetime], now: datetime) -> str:
    """Several in a row, each day named once: "14:50, 15:10, tomorrow 9:00"."""
    days = [None, *(at.date() for at in times)]
    return ", ".join(
        clock(at) if at.date() == before else moment(at, now)
        for at, before in zip(times, days, strict=False)
    )


def day_and_time(at: datetime) -> str:
    """ "Tuesday 24 November at 15:00"; `at` in the zone of who reads it."""
    values = {"day": formats.date_format(at, "l j F"), "time": clock(at)}
    return _("%(day)s at %(time)s") % values


def promise_line(offer: Offer) -> str:
    """ "within 4 hours"; "" without a promise, or where nobody is there to keep it."""
    if not offer.promise_minutes or offer.is_deserted or offer.is_unstaffed:
        return ""
    return duration(offer.promise_minutes)


def pace_line(pace: Pace) -> str:
    """ "Usually within 2 hours, 9 of 10 within 6 hours"."""
    usual, most = duration(rounded(pace.median)), duration(rounded(pace.ninety))
    if usual == most:
        return _("Usually %(within)s") % {"within": usual}
    words = {"within": usual, "most": most}
    return _("Usually %(within)s, 9 of 10 %(most)s") % words


def waiting_line(count: int) -> str:
    """ "3 people are waiting"; "" where nobody is."""
    if not count:
        return ""
    return ngettext("%(n)s person is waiting", "%(n)s people are waiting", count) % {"n": count}


def figures(offer: Offer) -> tuple[str, ...]:
    """What is usual and who waits, each in words of its own, as far as it is known.

    Where somebody is there for calls `calls_line` says already who waits.
    """
    is_said = offer.is_open and offer.calls is not None and bool(offer.calls.there)
    waiting = "" if is_said else waiting_line(offer.waiting)
    parts = (pace_line(offer.pace) if offer.pace else "", waiting)
    return tuple(part for part in parts if part)


def rounded(seconds: int) -> int:
    """Minutes, rounded up as people say it: to five minutes, to hours, to days."""
    for upto, step in ((3600, 5), (48 * 3600, 60)):
        if seconds <= upto:
            return max(1, -(-seconds // (60 * step))) * step
    return -(-seconds // 86400) * 1440


def duration(minutes: int) -> str:
    """How long, in the largest unit that is whole."""
    if minutes % 1440 == 0:
        days = minutes // 1440
        return ngettext("within %(n)s day", "within %(n)s days", days) % {"n": days}
    if minutes % 60 == 0:
        count = minutes // 60
        return ngettext("within %(n)s hour", "within %(n)s hours", count) % {"n": count}
    return ngettext("within %(n)s minute", "within %(n)s minutes", minutes) % {"n": minutes}
