"""The question page while one chats: who is there, who waits how long, and the ways beside it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import promises, waiting_room
from channels_app.promises import Offer
from channels_app.waiting_room import Place
from contacts.kinds import ACCOUNT, CHAT, EMAIL, PHONE
from contacts.models import Case
from contacts.viewers import Viewer
from portal import access
from portal.context import site_of
from portal.site import private, second, ways
from portal.site.buttons import button
from portal.site.known import Known
from portal.site.second import Second
from portal.site.ways import Way

BESIDE = (PHONE, EMAIL)  # the ways that stand right there, in this order


@dataclass(frozen=True)
class Chat:
    """What the page of a chat says beside its messages."""

    request: HttpRequest
    viewer: Viewer
    case: Case
    offer: Offer | None
    place: Place | None
    is_private: bool  # it is about something that is better not chatted about
    now: datetime

    @property
    def is_there(self) -> bool:
        """Whether somebody answers now."""
        return self.offer is not None and self.offer.is_open

    @property
    def is_late(self) -> bool:
        """Whether it takes longer than one may be asked to wait."""
        return self.place is not None and self.place.is_late(self.now)

    @property
    def is_missed(self) -> bool:
        """Whether they wait, and nobody is there."""
        return not self.is_there and self.case.waiting_since is not None

    @property
    def opens(self) -> str:
        """ "tomorrow 9:00"; "" where nobody knows: they may be back any moment."""
        at = self.offer.opens_at if self.offer and not self.offer.is_deserted else None
        return promises.moment(at, self.now) if at and at > self.now else ""

    @property
    def standing(self) -> str:
        """ "You are second in line."; "" where they wait for no first answer."""
        return "" if self.place is None else standing(self.place.number)

    @property
    def mark(self) -> str:
        """Changes with what it says."""
        usual = self.place and self.place.usual
        said = (self.is_there, self.is_late, self.is_missed, self.opens, self.standing, usual)
        return str((*said, self.is_private))

    @cached_property
    def beside(self) -> list[Way]:
        """To be called and to be mailed: the known address of each, else one that is typed."""
        masked = not access.owns(self.viewer, self.case)
        board = [offer for offer in site_of(self.request).board if offer.kind.name in BESIDE]
        known = Known.to(self.viewer, self.case)
        first, rest = ways.for_case(board, self.case, known, now=self.now, masked=masked)
        found = {way.kind.name: way for way in reversed(first + rest)}
        if self.is_private and PHONE in found:
            ways.add_times(found[PHONE], self.now)
        return [found[kind] for kind in BESIDE if kind in found]

    @property
    def has_page(self) -> bool:
        """Whether the answer can wait on the own page."""
        return site_of(self.request).offer(ACCOUNT) is not None


def standing(number: int) -> str:
    """A place in a line, as who waits reads it; 1 is next."""
    second, third = _("You are second in line."), _("You are third in line.")
    named = {1: _("You are next."), 2: second, 3: third}
    return named.get(number) or _("You are number %(number)s in line.") % {"number": number}


def of(request: HttpRequest, viewer: Viewer, case: Case) -> Chat | None:
    """The chat of a case; None where it is answered another way, or done."""
    if case.answer_kind != CHAT or case.state != Case.State.OPEN:
        return None
    now = timezone.now()
    place = waiting_room.place(case, now)
    is_private = case.is_sensitive and not private.is_settled(request, case)
    offer = site_of(request).offer(CHAT)
    return Chat(request, viewer, case, offer, place, is_private, now)


@dataclass(frozen=True)
class Leaving:
    """How the answer follows who goes away. `asks_mail`: no address is known, one may be typed."""

    second: Second | None
    known: list[Second]
    asks_mail: bool


def leaving(request: HttpRequest, viewer: Viewer, case: Case) -> Leaving:
    """What may follow: in writing, by itself."""
    approved = second.standing(viewer, case, access.known_identities(viewer, case))
    if approved:
        return Leaving(approved, [], False)
    known = [way for way in second.of_case(request, viewer, case) if way.follows]
    has_mail = any(way.kind.name == EMAIL for way in known)
    return Leaving(None, known, not has_mail and site_of(request).offer(EMAIL) is not None)


def limits() -> dict[str, int]:
    """What of files fits into one message, for who adds them."""
    return {"bytes": settings.MAX_FILE_BYTES, "files": settings.MAX_FILES}


@button
def anyway(request: HttpRequest, reference: str) -> HttpResponse:
    """Chat about a private matter all the same."""
    case = access.visible_case(access.viewer_of(request), reference)
    private.settle(request, case)
    return redirect("site:question", case.reference)
