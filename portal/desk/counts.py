"""How much work there is: the figures of tabs, sidebar and bell, each bounded and read once."""

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from channels_app.models import Delivery, InboundEvent
from contacts.models import Alert, Case, User

LIMIT = 999  # a figure beyond it reads "999+" and costs no more to find


def bounded(rows: QuerySet[Any]) -> int:
    """How many rows, counted no further than one past LIMIT."""
    return rows.order_by()[: LIMIT + 1].count()


def shown(number: int) -> str:
    """A figure as people see it."""
    return f"{LIMIT}+" if number > LIMIT else str(number)


class Counts:
    """The figures of one staff member, each counted when it is first asked for."""

    def __init__(self, user: User) -> None:
        self.user = user

    @cached_property
    def needs(self) -> int:
        """Cases where a customer waits for us."""
        return bounded(Case.objects.waiting())

    @cached_property
    def mine(self) -> int:
        """Open cases of this staff member."""
        return bounded(Case.objects.open().filter(assignee=self.user))

    @cached_property
    def unassigned(self) -> int:
        """Open cases of nobody."""
        return bounded(Case.objects.open().filter(assignee=None))

    @cached_property
    def customer(self) -> int:
        """Open cases that wait for the customer."""
        return bounded(Case.objects.open().filter(waiting_since=None))

    @cached_property
    def todo(self) -> int:
        """Calls, letters and visits to do."""
        return bounded(Delivery.objects.to_do())

    @cached_property
    def done(self) -> int:
        """Resolved cases."""
        return bounded(Case.objects.stems().filter(state=Case.State.RESOLVED))

    @cached_property
    def alerts(self) -> int:
        """What this staff member was told and has not seen."""
        return bounded(Alert.objects.filter(user=self.user, seen_at=None))

    @cached_property
    def quarantine(self) -> int:
        """Mail that came in and could not be read."""
        return bounded(InboundEvent.objects.filter(state=InboundEvent.State.QUARANTINED))


def of(request: HttpRequest) -> Counts:
    """The figures for the signed-in staff member, kept on the request."""
    found: Counts | None = getattr(request, "desk_counts", None)
    if found is None:
        assert isinstance(request.user, User)
        found = Counts(request.user)
        request.desk_counts = found  # type: ignore[attr-defined]
    return found
