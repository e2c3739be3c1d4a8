"""The queue: who waits, longest first. For a million cases: keyset pages, bounded counts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from channels_app import away, due
from channels_app.due import Due
from channels_app.models import Delivery
from contacts import kinds, search
from contacts.models import Case, Customer, Team, User
from contacts.models.case import CaseQuerySet
from portal.context import topics
from portal.desk import counts, dues, words
from portal.desk.pages import page, part, reading, show, staff_of
from portal.live import sight, stay

PAGE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAILED = (Delivery.Status.FAILED, Delivery.Status.UNCERTAIN, Delivery.Status.RETURNED)


@dataclass(frozen=True)
class Tab:
    """One tab: whose cases, and by which field they are sorted (newest first if descending)."""

    name: str
    label: Promise
    rows: Callable[[User], CaseQuerySet]
    field: str = "changed_at"
    descending: bool = True


def _done(_user: User) -> CaseQuerySet:
    return Case.objects.stems().filter(state=Case.State.RESOLVED)


TABS = {
    tab.name: tab
    for tab in (
        Tab(
            "needs",
            _("Needs an answer"),
            lambda user: Case.objects.waiting(),
            "waiting_since",
            descending=False,
        ),
        Tab(
            "late",
            _("Nearly late"),
            lambda user: due.nearly_late(timezone.now()),
            "due_at",
            descending=False,
        ),
        Tab("mine", _("Mine"), lambda user: Case.objects.open().filter(assignee=user)),
        Tab("unassigned", _("Unassigned"), lambda user: Case.objects.open().filter(assignee=None)),
        Tab(
            "customer",
            _("Waiting for the customer"),
            lambda user: Case.objects.open().filter(waiting_since=None),
        ),
        Tab("done", pgettext_lazy("cases", "Done"), _done),
    )
}
MINE = "mine"
EVERYTHING = Tab("", _("Found"), lambda user: Case.objects.all())


@dataclass(frozen=True)
class Filter:
    """What the address of the page asks for; anything unknown in it is left out."""

    tab: Tab
    query: str = ""
    topic: str = ""
    kind: str = ""
    who: str = ""
    teams: str = ""
    after: tuple[datetime, int] | None = None

    @classmethod
    def read(cls, data: Any) -> "Filter":
        """From a query string."""
        query = str(data.get("q", "")).replace("\x00", "").strip()[:200]
        kind, who = data.get("kind", ""), data.get("who", "")
        return cls(
            tab=EVERYTHING if query else TABS.get(data.get("tab", ""), TABS["needs"]),
            query=query,
            topic=data.get("topic", "")[:50].replace("\x00", ""),
            kind=kind if kind in kinds.KINDS else "",
            who=who if who.isdecimal() and len(who) < 19 else "",
            teams=MINE if data.get("teams") == MINE else "",
            after=cursor(data.get("after", "")),
        )

    def address(self, **changes: Any) -> str:
        """The address of the queue with this filter, and changes to it."""
        wanted = replace(self, **changes)
        values = {
            "q": wanted.query,
            "tab": "" if wanted.query else wanted.tab.name,
            "topic": wanted.topic,
            "kind": wanted.kind,
            "who": wanted.who,
            "teams": wanted.teams,
            "after": written(wanted.after) if wanted.after else "",
        }
        return "?" + urlencode({name: value for name, value in values.items() if value})

    @cached_property
    def found(self) -> search.Found:
        """The cases that fit the words."""
        return search.found(self.query)

    @property
    def most_found(self) -> int:
        """How many texts were looked at, where there are more; 0 where it was all of them."""
        return 0 if not self.query or self.found.is_all else search.MAX_FOUND

    @property
    def is_narrowed(self) -> bool:
        """Whether anything besides the tab is asked for."""
        return bool(self.query or self.topic or self.kind or self.who or self.teams)


def cursor(text: str) -> tuple[datetime, int] | None:
    """The last row of the page before: microseconds and id; None for anything else."""
    moment, _dash, pk = str(text)[:60].partition("-")
    if not (moment.isdecimal() and pk.isdecimal()) or len(moment) > 17 or len(pk) > 18:
        return None
    return EPOCH + timedelta(microseconds=int(moment)), int(pk)


def written(after: tuple[datetime, int]) -> str:
    """A cursor as it stands in an address."""
    return f"{(after[0] - EPOCH) // timedelta(microseconds=1)}-{after[1]}"


# EXPLAIN at 100,000 cases: see the indexes of Case. Narrowed to a kind that nobody chose, the
# choices are read through: Seq Scan, 13 ms. Work of my teams: by the index of the tab, 0.6 to 5 ms;
# 20 to 50 ms with teams of several rules, 76 ms where none of 90,000 solved ones is theirs. Search:
# see contacts/search.py.
def rows_for(wanted: Filter, user: User) -> CaseQuerySet:
    """The cases of a filter, in order, from its cursor on."""
    rows = wanted.tab.rows(user)
    if wanted.query:
        rows = rows.filter(pk__in=wanted.found.ids)
    if wanted.topic:
        rows = rows.filter(topic__slug=wanted.topic)
    if wanted.kind:
        rows = rows.filter(choice__kind=wanted.kind)
    if wanted.who:
        rows = rows.filter(assignee=int(wanted.who))
    if wanted.teams:
        work = [team.work for team in teams_of(user)]
        if all(work):  # a team without limits does everything
            rows = rows.filter(reduce(or_, work, Q(pk__in=[])))
    return from_cursor(rows, wanted)


def teams_of(user: User) -> QuerySet[Team]:
    """The teams that somebody is in. Two queries."""
    return user.teams.prefetch_related("topics")


def from_cursor(rows: CaseQuerySet, wanted: Filter) -> CaseQuerySet:
    """Rows in the order of a tab, from the cursor on, with what a list shows of them."""
    name, step = wanted.tab.field, "lt" if wanted.tab.descending else "gt"
    if wanted.after:
        at, pk = wanted.after
        beyond = Q(**{f"{name}__{step}": at}) | Q(**{name: at, f"pk__{step}": pk})
        # The plain bound lets the database begin in its index; the rest settles equal moments.
        rows = rows.filter(beyond, **{f"{name}__{step}e": at})
    order = (F(name).desc(), "-pk") if wanted.tab.descending else (F(name).asc(), "pk")
    related = ("customer__root", "topic", "assignee", "choice__identity", "root")
    rows = rows.select_related(*related).prefetch_related(words.holders("customer"))
    return rows.order_by(*order)


@dataclass(frozen=True)
class Row:
    """One case of the queue. `level`: "" in time, "near" or "broken"; `owed`: what is due next."""

    case: Case
    name: str
    kind: str
    waits: str
    level: str
    owed: str
    has_failed: bool
    is_unread: bool

    @property
    def state(self) -> str:
        """Which state's word and dot it gets."""
        if self.case.state == Case.State.RESOLVED:
            return "done"
        return "needs" if self.case.waiting_since else "customer"


def rows_of(cases: list[Case], now: datetime) -> list[Row]:
    """What the page shows of these cases, in a fixed number of queries."""
    owed = due.all_of(cases, now)
    lost = set(
        Delivery.objects.filter(message__case__in=cases, status__in=FAILED, replaced_by=None)
        .values_list("message__case", flat=True)
        .distinct()
    )
    chats = [case for case in cases if case.answer_kind == kinds.CHAT]
    unread = away.waiting_on_the_page(chats) if chats else {}
    return [
        _row(case, owed.get(case.pk), case.pk in lost, case.pk in unread, now) for case in cases
    ]


def _row(case: Case, owed: Due | None, has_failed: bool, is_unread: bool, now: datetime) -> Row:
    since = case.waiting_since or case.changed_at
    return Row(
        case=case,
        name=words.customer_name(case.customer, case),
        kind=due.kind_of(case),
        waits=words.span(now - since),
        level=owed.level(now) if owed else "",
        owed=dues.brief(owed, now) if owed else "",
        has_failed=has_failed,
        is_unread=is_unread,
    )


@reading
def queue(request: HttpRequest) -> HttpResponse:
    """The queue's page; with `part`, only its list, for a page that is open."""
    user, now = staff_of(request), timezone.now()
    mark = sight.newest()  # before the rows: what comes meanwhile is asked for once more
    if stay.has_all(request, mark):
        return stay.nothing_new()
    wanted = Filter.read(request.GET)
    found = list(rows_for(wanted, user)[: PAGE + 1])
    cases, more = found[:PAGE], len(found) > PAGE
    last = cases[-1] if cases else None
    context: dict[str, Any] = {
        "mark": mark,
        "wanted": wanted,
        "rows": rows_of(cases, now),
        "older": wanted.address(after=(getattr(last, wanted.tab.field), last.pk))
        if more and last
        else "",
        "newest": wanted.address(after=None) if wanted.after else "",
        "tabs": tabs(request, wanted),
    }
    if request.GET.get("part"):
        return part(request, "desk/_queue.html", **context)
    return show(request, "desk/queue.html", title=_("Cases"), **context, **choices(request, wanted))


def tabs(request: HttpRequest, wanted: Filter | None) -> list[dict[str, Any]]:
    """The tabs with their figures; calls, letters and visits have a page of their own."""
    figures, home = counts.of(request), reverse("admin:cases")
    shown: list[dict[str, Any]] = [
        {
            "name": tab.name,
            "label": tab.label,
            "count": figures.tabs[tab.name],
            "address": f"{home}?tab={tab.name}",
            "is_active": wanted is not None and wanted.tab is tab,
        }
        for tab in TABS.values()
    ]
    to_do = {
        "name": "todo",
        "label": _("To do"),
        "count": figures.todo,
        "address": reverse("admin:todo"),
        "is_active": wanted is None,
    }
    shown.insert(len(shown) - 1, to_do)
    return [{**tab, "figure": counts.shown(tab["count"])} for tab in shown]


def choices(request: HttpRequest, wanted: Filter) -> dict[str, Any]:
    """What the filter offers."""
    return {
        "topics": topics(),
        "all_kinds": kinds.KINDS.values(),
        "colleagues": User.objects.filter(is_staff=True, is_active=True).order_by("username"),
        "has_teams": wanted.teams or counts.of(request).tabs["teams"],
        "clear": replace(
            wanted, topic="", kind="", who="", teams="", query="", after=None
        ).address(),
    }


def cases_beside(case: Case, limit: int = 6) -> list[Case]:
    """The newest other cases of a customer and of those merged with it.

    What was joined to this case is read along, and known from then on: one query for both. Two
    sets of keys: with an OR of them PostgreSQL reads all cases of the house (31 ms at 100,000
    cases, against Index Scans by customer and by root of 0.1 ms).
    """
    top = case.customer.top
    mine = Case.objects.stems().filter(customer__in=Customer.objects.family([top.pk]))
    newest = mine.exclude(pk=case.pk).order_by("-changed_at").values("pk")[:limit]
    keys = Case.objects.filter(pk__in=newest).values("pk")
    if case.has_family:
        keys = keys.union(Case.objects.filter(root=case).values("pk"))
    found = list(Case.objects.filter(pk__in=keys).order_by("pk"))
    case.know_joined(row for row in found if row.root_id is not None)
    others = [row for row in found if row.root_id is None]
    return sorted(others, key=lambda row: row.changed_at, reverse=True)


def urls() -> list[URLPattern]:
    """The queue."""
    return [page("cases/", queue, "cases")]
