"""Whose telephone is in the pocket, which apps it has, and what a link or a QR opens in it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from contacts import addresses
from contacts.kinds import KINDS, PHONE
from portal import access
from portal.simulator import accounts, cast
from portal.simulator.book import Bubble, now
from portal.simulator.providers.base import NUMBER, Provider
from portal.simulator.providers.moods import PROVIDERS, active

COOKIE = "onecase_telephone"
MINE = "+442079460199"  # the telephone of whoever is new here
RECENT = timedelta(hours=1)
RINGS_FOR = timedelta(seconds=8)  # so long a banner stays
# The shop's name in each app: where a conversation that nobody began yet goes.
SHOP = {
    "sms": accounts.SMS_NUMBER,
    "whatsapp": accounts.WHATSAPP_NUMBER,
    "telegram": accounts.TELEGRAM_BOT,
}
START = re.compile(r"[A-Za-z0-9_-]{0,64}")  # what Start may bring along


@dataclass(frozen=True)
class App:
    """An app of the telephone, named as its kind."""

    name: str
    unread: int = 0
    moods: tuple[str | Promise, ...] = ()

    @property
    def label(self) -> str | Promise:
        """The kind's name."""
        return KINDS[self.name].label


@dataclass(frozen=True)
class Telephone:
    """Somebody's telephone."""

    number: str
    unread: int = 0
    is_current: bool = False

    @property
    def label(self) -> str:
        """Who, and the number as people read it."""
        shown = addresses.display(PHONE, self.number)
        name = _("You") if self.number == MINE else cast.name_of(self.number)
        return f"{name.removesuffix(' Demo')} · {shown}" if name != cast.NOBODY else shown


def provider_of(app: str) -> Provider:
    """Who is behind an app. Raises Http404 where there is no such app."""
    if app not in PROVIDERS:
        raise Http404
    return PROVIDERS[app]


def apps(number: str = "") -> list[App]:
    """The apps with their badges, for one telephone or for all."""
    return [
        App(name, p.book.unread(number), tuple(mood.label for mood in active(name)))
        for name, p in PROVIDERS.items()
    ]


def unread(number: str = "") -> int:
    """How many messages nobody looked at."""
    return sum(app.unread for app in apps(number))


def version() -> str:
    """Changes with everything that comes, goes, or is seen."""
    return "-".join(str(provider.book.version()) for provider in PROVIDERS.values())


def current(request: HttpRequest) -> str:
    """The number that was chosen; else the signed-in customer's; else where something came."""
    chosen = request.COOKIES.get(COOKIE, "")
    if NUMBER.fullmatch(chosen):
        return chosen
    customer = access.signed_in_customer(request)
    if customer is not None:
        held = customer.holders.current().filter(identity__scheme=PHONE)
        holder = held.select_related("identity").order_by("-pk").first()
        if holder is not None:
            return holder.identity.value
    newest = latest()
    fresh = newest is not None and newest[1].at > now() - RECENT
    return newest[1].owner if newest and fresh else MINE


def choose(response: HttpResponse, number: str) -> None:
    """Keep that telephone in the pocket."""
    response.set_cookie(COOKIE, number, max_age=86400, httponly=True, samesite="Lax")


def all_of_them(number: str) -> list[Telephone]:
    """Every telephone of the demo, the one in the hand first."""
    known = {person.phone.replace(" ", "") for person in cast.PEOPLE.values() if person.phone}
    used = {owner for provider in PROVIDERS.values() for owner in provider.book.owners()}
    rest = sorted((known | used | {MINE}) - {number})
    return [Telephone(one, unread(one), one == number) for one in [number, *rest]]


def latest() -> tuple[str, Bubble] | None:
    """The newest message of the shop on any telephone, and its app."""
    found = [
        (app, bubble)
        for app, provider in PROVIDERS.items()
        for bubble in provider.book.bubbles()
        if not bubble.mine
    ]
    return max(found, key=lambda one: one[1].at, default=None)


def ringing(app: str, owner: str) -> tuple[str, Bubble] | None:
    """What came just now and is not in the conversation that is being looked at."""
    found = latest()
    if found is None or not found[1].is_unread or found[1].at < now() - RINGS_FOR:
        return None
    return None if (found[0], found[1].owner) == (app, owner) else found


def address(app: str, owner: str, peer: str) -> str:
    """The page of a conversation."""
    return reverse("demo:thread", args=[app, owner, peer])


def opened_by(link: str, number: str) -> str:
    """The page that a link of a messenger, or its QR, opens on that telephone; "" if none does."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    said = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "https" and parts.hostname == "t.me":
        return _started(number, parts.path.strip("/"), said.get("start", ""))
    if parts.scheme == "https" and parts.hostname == "wa.me":
        app = "whatsapp"
    elif parts.scheme in ("sms", "smsto"):
        app = "sms"
    else:
        return ""
    peer = "+" + re.sub(r"[^0-9]", "", parts.path)
    if not NUMBER.fullmatch(peer):
        return ""
    text = said.get("text") or said.get("body") or ""
    return f"{address(app, number, peer)}?{urlencode({'text': text[:4096]})}"


def _started(number: str, name: str, code: str) -> str:
    """The chat with a bot, with its button Start."""
    if not PROVIDERS["telegram"].peers.fullmatch(name) or not START.fullmatch(code):
        return ""
    return f"{address('telegram', number, name)}?{urlencode({'start': code})}"
