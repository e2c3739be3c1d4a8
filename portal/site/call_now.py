"""The question page while they wait for a call: the place in the line, a time to pick instead."""

from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import call_line, promises, slots
from channels_app.call_line import Place
from channels_app.models import Appointment
from channels_app.promises import Offer
from contacts.kinds import PHONE
from contacts.models import Case
from portal.context import site_of, usual_wait
from portal.site.chat import standing
from portal.times import Time, value_of


@dataclass(frozen=True)
class CallNow:
    """What who waits to be called reads. `times`: the next free ones, where none is agreed yet."""

    place: Place
    offer: Offer
    times: tuple[Time, ...]

    @property
    def waits(self) -> bool:
        """Whether they are in the line."""
        return bool(self.place.number)

    @property
    def may_change(self) -> bool:
        """Whether what others do changes it: who waits moves up, and who calls may give it back."""
        return self.place.number is not None

    @property
    def is_left(self) -> bool:
        """Whether nobody calls for now: a time is the better choice."""
        return self.waits and (not self.offer.is_open or self.offer.is_unstaffed)

    @property
    def standing(self) -> str:
        """ "You are second in line."; "We are calling you now." while somebody does."""
        if self.place.number:
            return standing(self.place.number)
        if self.place.number == 0:
            return _("We are calling you now.")
        return _("We could not reach you.") if self.place.in_vain else _("We call you later.")

    @cached_property
    def line(self) -> str:
        """Who calls, why nobody does, or how long it usually takes; "" where nothing is known."""
        if self.place.at:
            now, zone = timezone.now(), ZoneInfo(self.offer.channel.organisation.time_zone)
            when = promises.at_moment(self.place.at.astimezone(zone), now)
            return _("We call you again %(when)s.") % {"when": when}
        if not self.waits:
            who = self.place.by
            return _("%(name)s has your question at hand.") % {"name": who} if who else ""
        if not self.offer.is_open:
            return _("We are closed now. You keep your place.")
        if self.offer.is_unstaffed:
            return _("Nobody is there for calls at this moment. You keep your place.")
        usual = usual_wait()
        if usual is None:
            return ""
        within = promises.duration(promises.rounded(usual))
        return _("Usually you are helped %(within)s.") % {"within": within}

    @property
    def mark(self) -> str:
        """Changes with what it says."""
        return str((self.standing, self.line, self.is_left, self.times))


def of(request: HttpRequest, case: Case) -> CallNow | None:
    """The call that a case waits for; None where none is due, or was tried.

    One query where the phone was chosen, and three more where a call is due: how many are before
    it, what is agreed, and which times are free.
    """
    offer = site_of(request).offer(PHONE)
    if offer is None or case.answer_kind != PHONE or case.state != Case.State.OPEN:
        return None
    now = timezone.now()
    place = call_line.place(case, now)
    if place is None:
        return None
    return CallNow(place, offer, () if place.number == 0 else _times(case, offer))


def _times(case: Case, offer: Offer) -> tuple[Time, ...]:
    if not slots.takes(offer.channel) or Appointment.objects.of(case).booked().exists():
        return ()
    now = timezone.now()
    free = slots.next_free(offer.channel, now, crew=offer.crew)
    return tuple(Time(value_of(at), promises.moment(at, now)) for at in free)
