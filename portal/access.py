"""How a customer proves who they are, and who may see a case. Deny by default.

Customers are never users: they have a session of their own, in a cookie of its own, so that one
browser can be customer and staff at once.
"""

import logging
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.core.cache import BaseCache, cache
from django.core.cache.backends.locmem import LocMemCache
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.crypto import constant_time_compare, salted_hmac
from redis import RedisError

from contacts import hints, whose
from contacts.models import Case, Code, Customer, Holder, Identity, User
from contacts.viewers import NOBODY, Viewer

GetResponse = Callable[[HttpRequest], HttpResponse]
SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
OLD_SESSION_REST = timedelta(minutes=1)
STAFF_COOKIE = settings.SESSION_COOKIE_NAME
SESSION_KEY = re.compile(r"[a-z0-9]{8,40}", re.ASCII)
# What the history of a case is shown with; a wide row costs more than all its lines.
SHOWN_WITH = ("root", "customer__root", "topic", "choice__identity")
TOLD_WITH = (*SHOWN_WITH, "organisation", "assignee")  # and what stands around it
MAX_CASES = 50  # cases that one browser keeps open
_own_counts = LocMemCache("limits", {})  # while the shared cache does not answer
_is_proxy_told = False
logger = logging.getLogger(__name__)


class StaffBackend(ModelBackend):
    """Staff sign in by name and password; try-out accounts only where DEMO is on."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Asked at sign-in and again at every request."""
        if isinstance(user, User) and user.is_demo and not settings.DEMO:
            return False
        return super().user_can_authenticate(user)


class FramedStore(SessionStore):  # type: ignore[misc, valid-type]
    """A session of the frame: nobody signs in there, and who is signed in was made to be."""

    key_salt = SessionStore().key_salt  # which is made of a class's name

    def load(self) -> dict[str, Any]:
        """What is stored, without that."""
        return {name: value for name, value in super().load().items() if name != "customer"}


class CustomerSessionMiddleware:
    """Gives every request `customer_session`, kept in the customer's own cookie."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Load lazily; write the cookie only when something was stored."""
        key = request.COOKIES.get(settings.CUSTOMER_COOKIE_NAME)
        session = _stored(key, is_framed=getattr(request, "is_framed", False))
        request.customer_session = session  # type: ignore[attr-defined]
        response = self.get_response(request)
        if session.modified and not session.is_empty():
            self._save(session, response)
        elif _was_ended(session) and settings.CUSTOMER_COOKIE_NAME in request.COOKIES:
            response.delete_cookie(settings.CUSTOMER_COOKIE_NAME, samesite="Lax")
        return response

    @staticmethod
    def _save(session: SessionBase, response: HttpResponse) -> None:
        session.set_expiry(settings.CUSTOMER_COOKIE_AGE)
        try:
            session.save()
        except Exception as error:
            raise SessionInterrupted("The customer's session ended meanwhile.") from error
        response.set_cookie(
            settings.CUSTOMER_COOKIE_NAME,
            session.session_key or "",
            max_age=settings.CUSTOMER_COOKIE_AGE,
            secure=settings.HTTPS,
            httponly=True,
            samesite="Lax",
        )


class StaffSessionMiddleware(SessionMiddleware):
    """Django's own, which takes a cookie away only where this very request ended its session.

    Else a page that still asks with an older key would take the new one away from its browser.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> Any:
        """Leave a cookie that we do not know."""
        session = request.session
        if not session.is_empty() or _was_ended(session):
            return super().process_response(request, response)
        if session.accessed:
            patch_vary_headers(response, ("Cookie",))
        return response


def _was_ended(session: SessionBase) -> bool:
    return session.is_empty() and session.modified


def _stored(key: str | None, *, is_framed: bool) -> Any:
    return (FramedStore if is_framed else SessionStore)(key)


def _session(request: HttpRequest) -> Any:
    return request.customer_session  # type: ignore[attr-defined]


def viewer_of(request: HttpRequest) -> Viewer:
    """The customer in front of a page; NOBODY without a session. Revoked links end here."""
    return _viewer(_session(request))


def _viewer(session: Any) -> Viewer:
    customer_id = session.get("customer")
    granted: dict[str, str] = session.get("cases", {})
    if not customer_id and not granted:
        return NOBODY
    links = [code for code in granted.values() if code]
    gone = (
        {
            str(pk)
            for pk in Code.objects.filter(pk__in=links)
            .exclude(revoked_at=None)
            .values_list("pk", flat=True)
        }
        if links
        else set()
    )
    cases = frozenset(int(pk) for pk, code in granted.items() if code not in gone)
    return Viewer(customer_id=customer_id, case_ids=cases)


def owns(viewer: Viewer, case: Case) -> bool:
    """Whether this is the customer of the case, who proved an address; a link proves nothing."""
    if viewer.customer_id is None or viewer.customer_id in (case.customer_id, case.customer.top_id):
        return viewer.customer_id is not None
    # Somebody else, or another of those who were joined.
    return Customer.objects.filter(pk=viewer.customer_id, root=case.customer.top_id).exists()


def staff_viewer(user: AbstractBaseUser | AnonymousUser) -> Viewer:
    """The staff member at the desk; NOBODY for anybody else."""
    if isinstance(user, User) and user.is_active and user.is_staff:
        return Viewer(staff_id=user.pk)
    return NOBODY


@dataclass(frozen=True)
class SessionKeys:
    """The keys of both sessions in one browser; "" where there is none, or nonsense."""

    customer: str = ""
    staff: str = ""
    is_framed: bool = False

    @classmethod
    def of(cls, cookies: dict[str, str], *, is_framed: bool = False) -> "SessionKeys":
        """From a request's cookies."""
        found = [cookies.get(n, "") for n in (settings.CUSTOMER_COOKIE_NAME, STAFF_COOKIE)]
        customer, staff = (key if SESSION_KEY.fullmatch(key) else "" for key in found)
        return cls(customer, staff, is_framed)

    @property
    def digests(self) -> set[str]:
        """What a sign-out is told by."""
        return {session_digest(key) for key in (self.customer, self.staff) if key}


def session_digest(key: str) -> str:
    """Names a session without giving its key away."""
    return salted_hmac("portal.access.session", key).hexdigest()


def customer_viewer_by_key(keys: SessionKeys) -> Viewer:
    """The customer of a session as it is stored now: for streams, which outlive their request."""
    if not keys.customer:
        return NOBODY
    return _viewer(_stored(keys.customer, is_framed=keys.is_framed))


def staff_by_key(key: str) -> User | None:
    """The staff member of a session as it is stored now; None once the password changed.

    As `django.contrib.auth.get_user`, which would also write into the session: no stream may.
    """
    session = SessionStore(key or None)
    if not key or session.get(auth.BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = StaffBackend().get_user(session.get(auth.SESSION_KEY, 0))
    if not isinstance(user, User):
        return None
    given = session.get(auth.HASH_SESSION_KEY) or ""
    valid = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    if not any(constant_time_compare(given, wanted) for wanted in valid):
        return None
    return user if staff_viewer(user).is_staff else None


def grant_case(request: HttpRequest, case: Case, link: Code | None = None) -> None:
    """Let this browser see one case: it opened it, or it redeemed a link or a code."""
    session = _session(request)
    _renew(session)
    granted = dict(session.get("cases", {}))
    granted.pop(str(case.pk), None)
    granted[str(case.pk)] = str(link.pk) if link else ""
    session["cases"] = dict(list(granted.items())[-MAX_CASES:])


def _renew(session: Any) -> None:
    """Go on under a new key: whoever planted the old one in this browser sees nothing new.

    The old row ends in a minute: a second click that is under way still finds its cases.
    """
    old, kept = session.session_key, dict(session.items())
    if old is None:
        return  # nobody knows its key: it gets one when it is stored
    session.create()
    session.update(kept)
    soon = timezone.now() + OLD_SESSION_REST
    Session.objects.filter(session_key=old, expire_date__gt=soon).update(expire_date=soon)


def sign_in(request: HttpRequest, customer: Customer) -> None:
    """Let this browser see all cases of a customer who just proved an address.

    It keeps who that is by the address alone, not whom staff joined them with.
    """
    session = _session(request)
    session.cycle_key()  # a planted session key opens nothing
    session["customer"] = customer.pk


def sign_out(request: HttpRequest) -> None:
    """Forget everything in this browser; its open pages hear of it."""
    session = _session(request)
    key = session.session_key
    session.flush()
    tell_end(key)


def tell_end(key: str | None) -> None:
    """Streams of that session end now, and not only when they look again."""
    if key:
        hints.ended(session_digest(key))


def browser_key(request: HttpRequest) -> str:
    """A secret of this browser, so that a code works only where it was asked for."""
    session = _session(request)
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(16)
    return str(session["browser"])


def signed_in_as(request: HttpRequest) -> Customer | None:
    """Who proved an address in this browser, if anybody: what they add is theirs."""
    customer_id = _session(request).get("customer")
    if not customer_id:
        return None
    return Customer.objects.select_related("root").filter(pk=customer_id).first()


def signed_in_customer(request: HttpRequest) -> Customer | None:
    """The one person that they are, with all whom staff joined them with."""
    customer = signed_in_as(request)
    return customer.top if customer else None


def visible_case(
    viewer: Viewer, reference: str, *, related: Sequence[str] | None = SHOWN_WITH
) -> Case:
    """The case of that reference, or the one it was joined to; Http404 for anybody else.

    A foreign case and one that does not exist are the same answer. `related`: the rows that are
    read with it; None where its page is not shown.
    """
    everything = Case.objects.select_related(*related) if related else Case.objects.all()
    if viewer == NOBODY:
        raise Http404
    # At most one, as it is unique; in an order Django would compare all columns for each.
    asked = everything.with_family().filter(reference=reference.upper())
    case = next(iter(asked), None)
    if case is None or not case.is_held_by(viewer):  # the same search for both
        case = next(iter(asked.visible_to(viewer)), None)
    if case is None:
        raise Http404
    return everything.get(pk=case.root_id) if case.root_id else case


def home_of(viewer: Viewer, case: Case) -> Case:
    """The one of joined cases that this viewer may see by itself: what they say belongs there."""
    if len(case.members) == 1:
        return case
    people = Customer.objects.person(viewer.customer_id or 0)
    keys = set(people.values_list("pk", flat=True)) if viewer.customer_id else set()
    own = [row for row in case.members if row.pk in viewer.case_ids or row.customer_id in keys]
    if not own or case in own:
        return case
    own[-1].root = case
    return own[-1]


def known_identities(viewer: Viewer, case: Case) -> list[Identity]:
    """The addresses that this viewer may be offered in a case.

    Those that this case itself used, so that a link never reveals more of a person than its case.
    Who proved to be its customer is offered all of that customer's; not whoever is signed in.
    """
    customer = case.customer.top
    choices = case.stem.choices.exclude(identity=None).select_related("identity").order_by("pk")
    found = {choice.identity_id: choice.identity for choice in choices if choice.identity}
    if viewer.is_staff or owns(viewer, case):
        family = Customer.objects.family({customer.pk})
        holders = Holder.objects.current().filter(customer__in=family)
        for holder in holders.select_related("identity").order_by("pk"):
            found[holder.identity_id] = holder.identity
    return [identity for identity in found.values() if not whose.is_gone(case, identity)]


def client_address(request: HttpRequest) -> str:
    """The address of the browser; X-Forwarded-For counts only as far as proxies are trusted.

    Of IPv6 the first 64 bits: one connection has the rest to itself, and could count anew for ever.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    if not settings.TRUSTED_PROXIES:
        _warn_of_a_proxy(request)
    else:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
        if len(hops) >= settings.TRUSTED_PROXIES:
            address = hops[-settings.TRUSTED_PROXIES][:64]
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
    return address


def _warn_of_a_proxy(request: HttpRequest) -> None:
    """Say once per process that everybody behind a proxy shares the limits of one address."""
    global _is_proxy_told
    if _is_proxy_told or settings.DEMO or "X-Forwarded-For" not in request.headers:
        return
    _is_proxy_told = True
    logger.warning(
        "A request came with X-Forwarded-For, but TRUSTED_PROXIES is 0: everybody behind that proxy"
        " shares the limits of one address. Set TRUSTED_PROXIES to the number of proxies that stand"
        " before the portal (docs/running.md)."
    )


def allow(key: str, *, times: int, seconds: int) -> bool:
    """Count one use of `key`; False once there were more than `times` in a span of `seconds`."""
    return counted(key, seconds=seconds)[0] <= times


def counted(key: str, *, seconds: int) -> tuple[int, int]:
    """Count one use of `key`: how many there were in this span, and the seconds left of it.

    Without the shared cache each process counts for itself: its outage fails no request.
    """
    now = int(timezone.now().timestamp())
    name = f"limit:{key}:{now // seconds}"
    try:
        count = _count(cache, name, seconds)
    except RedisError:
        count = _count(_own_counts, name, seconds)
    return count, seconds - now % seconds


def _count(counts: BaseCache, name: str, seconds: int) -> int:
    if counts.add(name, 1, timeout=seconds):
        return 1
    try:
        return int(counts.incr(name))
    except ValueError:  # the span ended between the two lines
        return 1


def forgive(key: str, *, seconds: int) -> None:
    """Take one use of `key` back: it was a right one, and no try."""
    window = int(timezone.now().timestamp()) // seconds
    with suppress(ValueError, RedisError):  # the span ended between the two calls, or an outage
        cache.decr(f"limit:{key}:{window}")
