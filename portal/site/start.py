"""The start page: one page, no account, works without JavaScript."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from channels_app import opening, switching
from contacts import codes, services
from contacts.addresses import InvalidAddress
from contacts.files import File
from contacts.kinds import ACCOUNT, CHAT
from contacts.models import Case, Code, Customer, Holder, Identity, Topic
from portal import access
from portal.context import site_of, topics
from portal.framed import is_framed
from portal.site import (
    appointment,
    forms,
    private,
    proofs,
    strips,
    suggested,
    waiting,
    ways,
    widget,
)
from portal.site.carried import carry
from portal.site.forms import Typed, Wanted
from portal.site.language import language_of
from portal.site.suggested import MATTERS, Asked
from portal.site.ways import Way

MAX_CHIPS = 6
OTHER = "something-else"  # a topic of that name makes our own chip needless
OPENED_PER_HOUR = 30  # by one client address
SAME_WITHIN = timedelta(minutes=15)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Show the page, or open the case and go to its page."""
    if request.method != "POST":
        if is_framed(request) and not request.GET.get("way"):
            return widget.home(request)
        customer = access.signed_in_customer(request)
        rows = _chosen(request, _rows(request, customer))
        return page(request, _from_link(request), rows, customer=customer)
    typed = private.chosen(Typed(request.POST))
    customer = access.signed_in_customer(request)
    rows = _rows(request, customer)
    opened = _open(request, typed, rows)
    if opened is None:
        status = 429 if "limit" in typed.errors else 422
        return page(request, typed, rows, customer=customer, status=status)
    case, time = opened
    goal = appointment.plan(request, case, time) if time else None
    return goal or redirect("site:question", case.reference)


def _from_link(request: HttpRequest) -> Typed:
    """What a shop's page says in its link (`?topic=...&about=...`); an unknown topic is none."""
    words = QueryDict(mutable=True)
    words.update({name: request.GET.get(name, "") for name in ("topic", "about")})
    return Typed(words)


def _chosen(request: HttpRequest, rows: list[Way]) -> list[Way]:
    """The rows with the one that a link chose (`?way=chat`); an unknown one chooses nothing."""
    wanted = request.GET.get("way", "")
    if any(way.value == wanted for way in rows):
        for way in rows:
            way.checked = way.value == wanted
    return rows


def page(
    request: HttpRequest,
    typed: Typed,
    rows: list[Way],
    *,
    customer: Customer | None = None,
    status: int = 200,
    notice: str = "",
) -> HttpResponse:
    """The page with what was typed so far; also shown when a form had grown stale."""
    offered = [topic for topic in topics() if topic.is_active]
    slug = typed.get("topic")
    topic = next((topic for topic in offered if topic.slug == slug), None)
    asked = _asked(request, typed, topic, customer)
    suggested.advise(rows, asked)
    shown = offered[:MAX_CHIPS] + [t for t in offered[MAX_CHIPS:] if t == topic]
    carried = carry(typed, rows)
    for line in filter(None, (notice, carried.notice)):
        strips.say(request, line, tone="warn")
    name = typed.get("name") or carried.name
    context: dict[str, Any] = {
        **forms.context(
            typed,
            private.NUMBER,
            name=name,
            about=typed.get("about", 200),
            topic=slug,
            how_soon=asked.how_soon,
            matters=asked.matters,
        ),
        "carried": carried.fields,
        "topics": shown,
        "has_other": not any(topic.slug == OTHER for topic in shown),
        "how_soon": Case.HowSoon.choices,
        "matters": MATTERS.items(),
        "ways": rows,
        "groups": ways.groups(rows),
        "instead": {way.kind.name: way for way in rows if way.kind.name in private.INSTEAD},
        "strips": strips.take(request),
    }
    context["form"]["topic_other"] = request.method == "POST" and typed.has("topic") and not slug
    return render(request, "site/start.html", context, status=status)


def _asked(
    request: HttpRequest, typed: Typed, topic: Topic | None, customer: Customer | None
) -> Asked:
    """What the advice is told of this question."""
    with_age = site_of(request).organisation.uses_age_band
    soon, matters = forms.how_soon_of(typed), forms.matters_of(typed)
    return Asked(topic, soon, matters, customer, with_age)


def rows_for(request: HttpRequest, typed: Typed) -> list[Way]:
    """The rows with what was typed in them."""
    rows = _rows(request, access.signed_in_customer(request))
    ways.fill(rows, typed)
    return rows


def _rows(request: HttpRequest, customer: Customer | None) -> list[Way]:
    """The offered rows; who is signed in finds the own addresses filled in."""
    rows = ways.make(site_of(request).board, timezone.now())
    if customer is not None:
        _prefill(rows, customer)
    return rows


def _prefill(rows: list[Way], customer: Customer) -> None:
    people = Customer.objects.family({customer.pk})
    holders = Holder.objects.proved().filter(customer__in=people).select_related("identity")
    own = {holder.identity.scheme: holder.identity for holder in holders.order_by("-pk")}
    for way in rows:
        way.checked = way.kind.name == customer.preferred_kind
        if way.kind.scheme in own:
            way.address = own[way.kind.scheme].value
        way.name = customer.name


def _open(request: HttpRequest, typed: Typed, rows: list[Way]) -> tuple[Case, str] | None:
    """Check everything, then open the case; None with the errors in `typed`.

    With it the time of a call that was chosen, "" for none.
    """
    text = forms.text_of(typed, empty=_("Please write what we can help you with."))
    topic = forms.topic_of(typed, Topic.objects.offered())
    wanted = forms.way_of(typed, rows)
    private.ask(typed, topic)
    files = forms.files_of(request, typed)
    if not typed.errors and not _may_open(request):
        typed.fail(
            "limit", _("Many questions came from your connection. Please wait an hour, or call us.")
        )
    if typed.errors or wanted is None:
        ways.fill(rows, typed)
        return None
    case = _create(request, typed, wanted, text=text, topic=topic, files=files)
    if case is None:
        ways.fill(rows, typed)
        return None
    if typed.get(private.FIELD) == CHAT:
        private.settle(request, case)
    elif wanted.way.is_to_prove:
        _ask_to_prove(request, case, wanted)
    return case, wanted.time


def _may_open(request: HttpRequest) -> bool:
    key = f"open:{access.client_address(request)}"
    return access.allow(key, times=OPENED_PER_HOUR, seconds=3600)


def _create(
    request: HttpRequest,
    typed: Typed,
    wanted: Wanted,
    *,
    text: str,
    topic: Topic | None,
    files: list[File],
) -> Case | None:
    before = None if files else _sent_just_now(request, wanted, text)
    if before is not None:
        access.grant_case(request, before)
        return before
    open_case = partial(
        opening.open_case,
        organisation=site_of(request).organisation,
        text=text,
        came_by=CHAT if wanted.way.kind.name == CHAT else ACCOUNT,
        kind=wanted.way.kind.name,
        address=wanted.address,
        name=wanted.name or typed.get("name", forms.MAX_NAME),
        wish=wanted.wish,
        topic=topic,
        about=typed.get("about", 200),
        how_soon=forms.how_soon_of(typed),
        language=language_of(request),
        files=files,
        customer=access.signed_in_as(request),
        among=wanted.way.offer.channels,
        to_prove=wanted.way.is_to_prove,
    )
    try:
        case = open_case(client_key=forms.client_key_of(typed))
        if not case.is_new and _first_text(case) != text:
            # Another text under a used key is another question, and no double click.
            case = open_case()
    except InvalidAddress as error:
        typed.fail(wanted.way.address_id, error)
        return None
    if case.is_new:
        _welcome(request, case)
    else:
        access.grant_case(request, case)
    return case


def _first_text(case: Case) -> str:
    first = case.messages.order_by("seq").first()
    return first.text if first is not None else ""


def _sent_just_now(request: HttpRequest, wanted: Wanted, text: str) -> Case | None:
    """This browser's very same question: the back button, and sent once more."""
    mine = access.viewer_of(request).case_ids
    if not mine:
        return None
    recent = Case.objects.filter(
        pk__in=mine,
        opened_at__gte=timezone.now() - SAME_WITHIN,
        choice__kind=ACCOUNT if wanted.way.is_to_prove else wanted.way.kind.name,
        choice__wish=wanted.wish,
    )
    address = "" if wanted.way.is_to_prove else wanted.address
    for case in recent.select_related("choice__identity").order_by("-pk"):
        identity = case.choice.identity if case.choice else None
        if _first_text(case) == text and (identity.value if identity else "") == address:
            return case
    return None


def _ask_to_prove(request: HttpRequest, case: Case, wanted: Wanted) -> None:
    """The page of the case goes on from here: they write to us, or type the code that we send.

    A number that this customer proved before is used at once.
    """
    kind = wanted.way.kind
    if case.answer_kind == kind.name:
        return  # sent twice, and settled meanwhile
    wrong = ""
    if wanted.way.asks_to_write:
        wrong = waiting.invite(request, case, kind.name)
    else:
        identity = Identity.of(kind.scheme, wanted.address)
        if proofs.is_own(request, identity):
            switching.switch(case=case, kind=kind.name, identity=identity)
        elif not waiting.is_asked(request, case, identity):
            wrong = waiting.ask_code(request, case, identity, kind=kind.name)
    if wrong:
        strips.say(request, wrong, tone="warn")


def _welcome(request: HttpRequest, case: Case) -> None:
    """Let this browser in, with a link to keep and, for who wants to call, a code to say."""
    access.grant_case(request, case)
    services.case_link(case)
    if case.answer_kind == "phone":
        Code.objects.issue(codes.JOIN, case=case, form=codes.PIN)
    text = _("We have your question. Reference %(reference)s.") % {"reference": case.reference}
    strips.say(request, text, keep=True, reference=case.reference)


@require_GET
def advice(request: HttpRequest) -> HttpResponse:
    """The suggested row for what was answered so far: replaces the marks in the page."""
    typed = Typed(request.GET)
    topic = Topic.objects.offered().filter(slug=typed.get("topic")).first()
    rows = ways.make(site_of(request).board, timezone.now())
    customer = access.signed_in_customer(request)
    suggested.advise(rows, _asked(request, typed, topic, customer))
    return render(request, "site/_advice.html", {"ways": rows})
