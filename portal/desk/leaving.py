"""A channel that goes: what it holds, the cases that are answered there, and asking them again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app import leaving
from channels_app.models import Channel, Delivery, Leaving, Stranded
from contacts.kinds import PHONE
from contacts.models import Case, Consent, Holder, Identity, Message
from portal.desk import administration, counts, pages, queue, words
from portal.desk.administration import log_change
from portal.desk.pages import reading, show, staff_of

PAGE = 50
TO_CALL, CHOSE = "call", "chose"
MAIN = ~Q(role=Delivery.Role.NOTICE)


@dataclass(frozen=True)
class Figures:
    """What would wait, were a channel gone: open cases, and answers; counted to a limit."""

    cases: int
    waiting: int

    @classmethod
    def of(cls, channel: Channel) -> "Figures":
        """As it is now."""
        held = Delivery.objects.filter(MAIN, channel=channel, status__in=Delivery.OPEN)
        return cls(counts.bounded(leaving.cases_on(channel)), counts.bounded(held))

    @property
    def lines(self) -> list[str]:
        """What to know before the channel goes."""
        said = []
        if self.cases:
            text = ngettext(
                "%(count)s open case is answered this way. You can ask its customer to choose"
                " another way, on the page that comes next.",
                "%(count)s open cases are answered this way. You can ask their customers to choose"
                " another way, on the page that comes next.",
                self.cases,
            )
            said.append(text % {"count": counts.shown(self.cases)})
        if self.waiting:
            text = ngettext(
                "%(count)s answer waits here. It is kept: it goes when the channel is back, or by"
                " the way that its customer chooses instead.",
                "%(count)s answers wait here. They are kept: they go when the channel is back, or"
                " by the way that their customers choose instead.",
                self.waiting,
            )
            said.append(text % {"count": counts.shown(self.waiting)})
        return said


@dataclass(frozen=True)
class Row:
    """One case of the page. `waits` is empty where we wait for the customer."""

    case: Case
    name: str
    waits: str
    kind: str
    held: int
    asked: Stranded | None
    state: str = ""  # how the message went that asked
    number: Identity | None = None  # where one may call
    is_unwelcome: bool = False  # a call


@dataclass(frozen=True)
class Tab:
    """One part of the page: its rows in order, and the cursor of what comes after them."""

    name: str
    label: str
    count: int


def rows_of(
    channel: Channel, cases: Sequence[Case], going: Leaving | None, *, calls: bool = False
) -> list[Row]:
    """What the page shows of these cases, in a fixed number of queries."""
    now = timezone.now()
    asked = {
        row.case_id: row
        for row in Stranded.objects.filter(leaving=going, case__in=cases).select_related("message")
    }
    held, states = _held(channel, cases), _states(asked.values())
    numbers, unwelcome = _numbers(cases) if calls else ({}, set())
    return [
        Row(
            case=case,
            name=words.customer_name(case.customer, case),
            waits=words.span(now - case.waiting_since) if case.waiting_since else "",
            kind=case.answer_kind,
            held=held[case.pk],
            asked=asked.get(case.pk),
            state=states.get(case.pk, ""),
            number=numbers.get(case.customer.top_id),
            is_unwelcome=case.customer.top_id in unwelcome,
        )
        for case in cases
    ]


def _held(channel: Channel, cases: Sequence[Case]) -> Counter[int]:
    """How many answers to each stem wait at the channel."""
    mine = Q(message__case__in=cases) | Q(message__case__root__in=cases)
    rows = Delivery.objects.filter(MAIN, mine, channel=channel, status__in=Delivery.OPEN)
    stems = rows.annotate(stem=Coalesce("message__case__root", "message__case"))
    return Counter(stems.values_list("stem", flat=True))


def _states(asked: Any) -> dict[int, str]:
    """How the messages went that asked, by case."""
    sent = {row.message_id: row.case_id for row in asked if row.message_id}
    rows = Delivery.objects.filter(message__in=sent).order_by("created_at")
    by_message = {row.message_id: str(row.get_status_display()) for row in rows}
    return {row.case_id: by_message.get(row.message_id, "") for row in asked if row.message_id}


def _numbers(cases: Sequence[Case]) -> tuple[dict[int, Identity], set[int]]:
    """The best number of each customer, and who wants no calls, or only on request."""
    people = {case.customer.top_id for case in cases} | {case.customer_id for case in cases}
    tops = {case.customer_id: case.customer.top_id for case in cases}
    held = Holder.objects.current().filter(customer__in=people, identity__scheme=PHONE)
    numbers: dict[int, Identity] = {}
    for holder in held.best_first():
        numbers.setdefault(tops.get(holder.customer_id, holder.customer_id), holder.identity)
    said = Consent.objects.filter(customer__in=people, kind=PHONE).order_by("pk")
    said = said.filter(purpose=Consent.Purpose.SERVICE)
    newest = {tops.get(row.customer_id, row.customer_id): row.level for row in said}
    return numbers, {who for who, level in newest.items() if level != Consent.Level.GLADLY}


def _stranded(going: Leaving | None, name: str) -> QuerySet[Stranded]:
    """Whom we have to call, or who chose again; the newest first."""
    rows = Stranded.objects.filter(leaving=going)
    if name == CHOSE:
        return rows.exclude(chose_at=None).order_by("-chose_at", "-pk")
    return rows.filter(to_call=True, chose_at=None).order_by("-pk")


def tabs(channel: Channel, going: Leaving | None) -> list[Tab]:
    """The parts of the page with their figures, each counted to a limit, in one query."""
    on = leaving.cases_on(channel)
    parts = {
        "needs": (_("Wait for us"), on.exclude(waiting_since=None)),
        "customer": (_("Wait for the customer"), on.filter(waiting_since=None)),
        TO_CALL: (_("To be called by us"), _stranded(going, TO_CALL)),
        CHOSE: (_("Chose again"), _stranded(going, CHOSE)),
    }
    figures = [counts.Count(rows) for _label, rows in parts.values()]
    found = Channel.objects.filter(pk=channel.pk).values_list(*figures).get()
    return [
        Tab(name, label, figure)
        for (name, (label, _rows)), figure in zip(parts.items(), found, strict=True)
    ]


def found(
    channel: Channel, going: Leaving | None, name: str, after: tuple[datetime, int] | None
) -> tuple[list[Case], tuple[datetime, int] | None]:
    """The cases of one part from a cursor on, and the cursor of the next ones."""
    if name in (TO_CALL, CHOSE):
        return _found_stranded(going, name, after)
    wanted = queue.Filter(tab=queue.TABS[name], after=after)
    rows = leaving.cases_on(channel).filter(waiting_since__isnull=name != "needs")
    cases = list(queue.from_cursor(rows, wanted)[: PAGE + 1])
    last = cases[PAGE - 1] if len(cases) > PAGE else None
    return cases[:PAGE], (getattr(last, wanted.tab.field), last.pk) if last else None


def _found_stranded(
    going: Leaving | None, name: str, after: tuple[datetime, int] | None
) -> tuple[list[Case], tuple[datetime, int] | None]:
    rows = _stranded(going, name)
    if after and name == CHOSE:
        at, pk = after
        rows = rows.filter(Q(chose_at__lt=at) | Q(chose_at=at, pk__lt=pk), chose_at__lte=at)
    elif after:
        rows = rows.filter(pk__lt=after[1])
    related = ("customer__root", "choice__identity")
    rows = rows.select_related(*(f"case__{path}" for path in related))
    rows = rows.prefetch_related(words.holders("case__customer"))
    page = list(rows[: PAGE + 1])
    last = page[PAGE - 1] if len(page) > PAGE else None
    cursor = (last.chose_at or last.asked_at or timezone.now(), last.pk) if last else None
    return [row.case for row in page[:PAGE]], cursor


@reading
def cases(request: HttpRequest, pk: int) -> HttpResponse:
    """Cases on this channel; with `part`, only how far the asking is, for an open page."""
    channel = get_object_or_404(Channel.objects.select_related("organisation"), pk=pk)
    now = timezone.now()
    is_gone = channel.is_gone(now)
    going = Leaving.objects.current().filter(channel=channel).first()
    context: dict[str, Any] = {"channel": channel, "going": going, "is_gone": is_gone}
    context["percent"] = _percent(going)
    if request.GET.get("part"):
        response = pages.part(request, "desk/_asking.html", **context)
        if going is None or not going.is_asking:
            response["HX-Refresh"] = "true"  # it is done: the rows say what came of it
        return response
    every = tabs(channel, going)
    names = [tab.name for tab in every]
    name = request.GET.get("tab", "")
    name = name if name in names else next((tab.name for tab in every if tab.count), names[0])
    rows, older = found(channel, going, name, queue.cursor(request.GET.get("after", "")))
    return show(
        request,
        "desk/admin_channel_cases.html",
        title=_("Cases on %(name)s") % {"name": channel.name},
        tabs=[(tab, counts.shown(tab.count)) for tab in every],
        name=name,
        rows=rows_of(channel, rows, going, calls=name == TO_CALL),
        older=f"?tab={name}&after={queue.written(older)}" if older else "",
        is_first="after" not in request.GET,
        on_it=any(tab.count for tab in every if tab.name in ("needs", "customer")),
        **context,
    )


def _percent(going: Leaving | None) -> int:
    if going is None or not going.total:
        return 0
    return min(100, 100 * going.looked_at // going.total)


def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask these customers to choose again, in the background."""
    channel = get_object_or_404(Channel, pk=pk)
    if leaving.begin(channel, staff_of(request)) is None:
        messages.info(request, _("%(name)s answers again.") % {"name": channel.name})
    else:
        log_change(request, channel, "Customers asked to choose again.")
    return redirect("admin:channel_cases", pk)


@dataclass(frozen=True)
class Hint:
    """What the composer says where the channel of a case is gone."""

    channel: Channel
    held: int
    asked: Stranded | None

    @property
    def asked_by(self) -> str:
        """By which kind they were asked; "" where their own page alone says it."""
        message = self.asked.message if self.asked else None
        return message.kind if message else ""


def hint(case: Case, offered: Sequence[Channel]) -> Hint | None:
    """That the channel of a case is gone, and what was asked; None while one answers it.

    Nothing is asked of the database where one is offered and goes on.
    """
    choice = case.choice
    if choice is None or case.state != Case.State.OPEN:
        return None
    here = [channel for channel in offered if channel.kind == choice.kind]
    wished = [channel for channel in here if channel.slug == choice.wish]
    if any(not channel.is_gone(timezone.now()) for channel in wished or here):
        return None
    channel = leaving.gone_of(case)
    if channel is None:
        return None
    asked = Stranded.objects.waiting().filter(case=case, leaving__channel=channel)
    held = Delivery.objects.filter(MAIN, channel=channel, message__case__in=case.member_ids)
    count = held.filter(status__in=Delivery.OPEN).aggregate(count=Count("pk"))["count"]
    return Hint(channel, count, asked.select_related("message").first())


def said(asked: Stranded | None) -> str:
    """What became of asking one customer."""
    if asked is None:
        return _("Nothing to ask: they were asked, or chose, or the channel is back.")
    message: Message | None = asked.message
    if message is None:
        return _("No proved address is left to ask at: their own page says it. Call them.")
    return _("They were asked %(by)s to choose again.") % {"by": words.by(message.kind)}


def address(channel: Channel) -> str:
    """The page of the cases on a channel."""
    return reverse("admin:channel_cases", args=[channel.pk])


def urls() -> list[URLPattern]:
    """The page under /admin/channels/<pk>/, which agents see as well; asking is a set-up matter."""
    base = "channels/<int:pk>/"
    return [
        pages.page(base + "cases/", cases, "channel_cases"),
        administration.page(base + "ask/", ask, "channel_ask", post=True),
    ]
