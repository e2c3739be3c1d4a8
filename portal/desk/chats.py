"""Lists of chats: one's own, who waits longest first, and those that wait for anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery, prefetch_related_objects
from django.utils.translation import gettext as _

from contacts import kinds
from contacts.models import Alert, Case, Message, User
from contacts.models.case import CaseQuerySet
from portal.desk import words
from portal.live import sight

MOST = 60  # as many as one line can listen for
RELATED = ("customer__root", "topic", "choice__identity")


@dataclass(frozen=True)
class Chat:
    """One chat in a list. `last`: what was said last; `is_ours`: by one of us."""

    case: Case
    name: str
    last: str = ""
    is_ours: bool = False
    is_unread: bool = False

    @property
    def since(self) -> datetime | None:
        """Since when the customer waits for us."""
        return self.case.waiting_since


def chats() -> CaseQuerySet:
    """The open cases that are answered by chat now."""
    return Case.objects.open().filter(choice__kind=kinds.CHAT)


# EXPLAIN at 100,000 cases: those of the assignee by index, their choices by key, 0.6 ms.
def mine(user: User) -> CaseQuerySet:
    """One's own, who waits longest first; those that wait for the customer come after them."""
    return chats().filter(assignee=user).order_by(F("waiting_since").asc(nulls_last=True), "pk")


# EXPLAIN at 100,000 cases of which 5,000 wait: case_waiting and choice_by_kind, 35 ms; the
# figure below 9 ms.
def to_take() -> CaseQuerySet:
    """Those that wait and are nobody's, longest first."""
    return chats().exclude(waiting_since=None).filter(assignee=None).order_by("waiting_since", "pk")


def waiting_for(user: User) -> CaseQuerySet:
    """Those that wait for this person, or for anybody: the figure in the menu."""
    theirs = Q(assignee=user) | Q(assignee=None)
    return chats().exclude(waiting_since=None).filter(theirs)


def listed(*parts: CaseQuerySet, user: User) -> list[list[Chat]]:
    """What lists show of these cases, in a fixed number of queries."""
    rows = [list(cases.select_related(*RELATED)) for cases in parts]
    everything = [case for cases in rows for case in cases]
    prefetch_related_objects(everything, words.holders("customer"))
    said, unread = _said_last(everything), _unread(everything, user)
    return [[_chat(case, said.get(case.pk), case.pk in unread) for case in some] for some in rows]


def _chat(case: Case, last: Message | None, is_unread: bool) -> Chat:
    name = words.customer_name(case.customer, case)
    if last is None:
        return Chat(case, name, case.title, is_unread=is_unread)
    text = words.shorten(last.text) or _("a file")
    return Chat(case, name, text, last.direction == Message.Direction.OUT, is_unread)


def _said_last(cases: Sequence[Case]) -> dict[int, Message]:
    """By stem: what the customer or one of us said last, also in a case that was joined to it."""
    stems = {case.pk: case.pk for case in cases}
    joined = Case.objects.filter(root__in=stems).values_list("pk", "root")
    stems |= {pk: root for pk, root in joined if root}
    said = Message.objects.filter(Message.TO_ANSWER | Message.SAID, case=OuterRef("pk"))
    newest = Subquery(said.order_by("-seq").values("pk")[:1])
    keys = Case.objects.filter(pk__in=stems).values_list(newest, flat=True)
    found = Message.objects.filter(pk__in=[key for key in keys if key is not None])
    rows = found.only("case", "text", "direction", "created_at").order_by("created_at", "pk")
    return {stems[message.case_id]: message for message in rows if message.case_id}


def _unread(cases: Sequence[Case], user: User) -> set[int]:
    """Of which of them this person was told something that they have not seen."""
    told = Alert.objects.filter(user=user, seen_at=None, case__in=cases)
    return set(told.order_by().values_list("case", flat=True).distinct())


MOST_CALLS = 20


def calls(user: User, is_there: bool) -> list[str]:
    """What a browser may ring for, each by a name of its own: reference and alert, or "free".

    EXPLAIN at 100,000 cases: alert_bell, then the cases by key, 0.4 ms; and see `to_take`.
    """
    told = Alert.objects.filter(user=user, seen_at=None, case__in=chats())
    keys = told.order_by("-created_at").values_list("case__reference", "pk")[:MOST_CALLS]
    names = [f"{reference}:{pk}" for reference, pk in keys]
    if is_there:
        free = to_take().values_list("reference", flat=True)[:MOST_CALLS]
        names += [f"{reference}:free" for reference in free]
    return names


def lists(user: User) -> dict[str, Any]:
    """One's own, and those that anybody may take."""
    own, free = listed(mine(user)[:MOST], to_take()[:MOST], user=user)
    return {"mine": own, "to_take": free}


def beside(case: Case, user: User, mark: str = "") -> dict[str, Any]:
    """What the rail shows; nothing where the case is not answered by chat."""
    if case.answer_kind != kinds.CHAT:
        return {}
    return {"rail": {"mark": mark or sight.newest(), **lists(user)}}
