"""How much work there is: the figures of tabs, sidebar and bell, each bounded, all in one query."""

from functools import cached_property
from typing import Any

from django.db.models import IntegerField, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app import due
from channels_app.models import Delivery, InboundEvent
from contacts import duty
from contacts.models import Alert, Case, User
from portal.desk import chats

LIMIT = 999  # a figure beyond it reads "999+" and costs no more to find


def bounded(rows: QuerySet[Any]) -> int:
    """How many rows, counted no further than one past LIMIT."""
    return rows.order_by()[: LIMIT + 1].count()


def shown(number: int) -> str:
    """A figure as people see it."""
    return f"{LIMIT}+" if number > LIMIT else str(number)


class Count(Subquery):
    """How many rows, counted no further than one past LIMIT, as a value beside others."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) bounded)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet[Any]) -> None:
        super().__init__(rows.order_by().values("pk")[: LIMIT + 1])


class Counts:
    """The figures of one staff member, counted when the first is asked for; all of a place at once.

    `case`: the one that is looked at, for what was told about it.
    """

    def __init__(self, user: User, case: Case | None = None) -> None:
        self.user, self.case = user, case

    def _ask(self, **figures: Count) -> dict[str, int]:
        row = User.objects.filter(pk=self.user.pk).values_list(*figures.values()).get()
        return dict(zip(figures, row, strict=True))

    # EXPLAIN at 100,000 cases: case_waiting and delivery_to_do, 0.2 ms; the tabs begin a scan of
    # the cases and stop at LIMIT, 2.5 ms; nearly late by case_due.
    @cached_property
    def menu(self) -> dict[str, int]:
        """The figures of the sidebar and the bell, by name."""
        told = Alert.objects.filter(user=self.user, seen_at=None)
        bad = InboundEvent.objects.filter(state=InboundEvent.State.QUARANTINED)
        here = {"alerts_here": Count(told.filter(case=self.case))} if self.case else {}
        return self._ask(
            needs=Count(Case.objects.waiting()),
            chats=Count(chats.waiting_for(self.user)),
            todo=Count(Delivery.objects.to_do()),
            alerts=Count(told),
            quarantine=Count(bad),
            **here,
        )

    @cached_property
    def tabs(self) -> dict[str, int]:
        """The figures of the queue's tabs, by name; and of how many teams one is."""
        mine = Case.objects.open()
        found = self._ask(
            late=Count(due.nearly_late(timezone.now())),
            mine=Count(mine.filter(assignee=self.user)),
            unassigned=Count(mine.filter(assignee=None)),
            customer=Count(mine.filter(waiting_since=None)),
            done=Count(Case.objects.stems().filter(state=Case.State.RESOLVED)),
            teams=Count(self.user.teams.all()),
        )
        return {**self.menu, **found}

    @property
    def duty(self) -> str:
        """Whether this staff member is there: "on", "away" or "off"."""
        if not self.user.on_duty:
            return "off"
        return "away" if self.user.away_since else "on"

    @property
    def duties(self) -> tuple[tuple[str, str, str], ...]:
        """What one can be: its name, in a word, and what the button does."""
        return (
            ("on", _("On duty"), _("I am on duty")),
            ("away", _("Away"), _("I am away for a moment")),
            ("off", _("Off duty"), _("I go off duty")),
        )

    @property
    def was_found_away(self) -> bool:
        """Whether nobody said it: no page of the desk was open."""
        return duty.was_found(self.user)

    @property
    def needs(self) -> int:
        """Cases where a customer waits for us."""
        return self.menu["needs"]

    @property
    def chats(self) -> int:
        """Chats that wait for this staff member, or for anybody."""
        return self.menu["chats"]

    @property
    def todo(self) -> int:
        """Calls, letters and visits to do."""
        return self.menu["todo"]

    @property
    def alerts(self) -> int:
        """What this staff member was told and has not seen."""
        return self.menu["alerts"]

    @property
    def quarantine(self) -> int:
        """Mail that came in and could not be read."""
        return self.menu["quarantine"]

    def see(self) -> None:
        """Who opens the case has seen what they were told about it."""
        if here := self.menu.get("alerts_here"):
            told = Alert.objects.filter(user=self.user, case=self.case, seen_at=None)
            told.update(seen_at=timezone.now())
            self.menu["alerts"] -= here


def of(request: HttpRequest, case: Case | None = None) -> Counts:
    """The figures for the signed-in staff member, kept on the request."""
    found: Counts | None = getattr(request, "desk_counts", None)
    if found is None:
        assert isinstance(request.user, User)
        found = Counts(request.user, case)
        request.desk_counts = found  # type: ignore[attr-defined]
    return found
