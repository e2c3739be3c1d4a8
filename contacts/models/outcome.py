"""How it was for the customer, once a case was resolved: their own word, in two taps."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.kinds import kind_choices
from contacts.models.case import Case
from contacts.models.customer import Customer
from contacts.models.question import Question

WAIT = timedelta(minutes=5)  # before a message asks: so long nobody was asked
EVERY = timedelta(days=30)  # one case is asked once in so long, and may say it for as long
CHANGEABLE = timedelta(days=1)  # so long what was said can be said otherwise
AFTERWARDS = (Question.Sort.SETTLED, Question.Sort.TOLD_TWICE)
SAID = ("answered", "repeated")  # what is said, in the order of asking
MOST_SWITCHES = 99  # more are none of a person


class OutcomeQuerySet(models.QuerySet["Outcome"]):
    """What customers said afterwards."""

    def lately(self, case: Case) -> "Outcome | None":
        """The one that a case, or what was joined to it, may still say."""
        since = timezone.now() - EVERY
        rows = self.filter(case__in=case.family_ids(), asked_at__gt=since)
        return rows.order_by("-asked_at", "-pk").first()

    def by_kind(self, customer_ids: QuerySet[Customer]) -> list[tuple[str, int, int]]:
        """How answers went for these customers: kind, how many helped, how many did not."""
        rows = self.filter(case__customer__in=customer_ids, answered__isnull=False)
        helped, not_helped = Q(answered=True), Q(answered=False)
        counts = {"yes": Count("pk", helped), "no": Count("pk", not_helped)}
        found = rows.order_by("kind").values("kind").annotate(**counts)
        return list(found.values_list("kind", "yes", "no"))

    def take_back(self, case: Case) -> None:
        """The case opens again: nothing waits for a word, and who was not asked yet never was."""
        family, now = case.family_ids(), timezone.now()
        waiting = Question.objects.filter(case__in=family, sort__in=AFTERWARDS, closed_at=None)
        waiting.update(closed_at=now)
        unsaid = self.filter(case__in=family, answered=None, repeated=None)
        unsaid.filter(asked_at__gt=now - WAIT).delete()


class Outcome(models.Model):
    """What a customer said of one case that was resolved; None where they did not say.

    `kind`: how it was answered in the end; `switches`: how often they had gone on by another way.
    `said_at`: None again where the case was resolved anew since then.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="outcomes")
    kind = models.CharField(max_length=32, choices=kind_choices)
    switches = models.PositiveSmallIntegerField(default=0)
    answered = models.BooleanField(_("it answered the question"), null=True, blank=True)
    repeated = models.BooleanField(_("something had to be told twice"), null=True, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    said_at = models.DateTimeField(null=True, blank=True)

    objects = OutcomeQuerySet.as_manager()

    class Meta:
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")
        indexes = [
            # home: what customers said over 30 days, per kind and per number of switches. EXPLAIN
            # at 100,000 outcomes of a year: Bitmap Index Scan of 8,200 rows, HashAggregate, 8.5 ms.
            # The one of a case: by the foreign key, 0.02 ms.
            models.Index(fields=["asked_at"], name="outcome_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.answered} {self.repeated}"

    @property
    def is_changeable(self) -> bool:
        """Whether what was said can still be said otherwise."""
        return self.said_at is None or self.said_at > timezone.now() - CHANGEABLE

    def may_say(self, what: str) -> bool:
        """Whether `what` ("answered", "repeated") may be said: for the first time, or otherwise."""
        return getattr(self, what) is None or self.is_changeable

    def again(self, kind: str, switches: int) -> None:
        """The case was resolved once more: what was said counts until it is said otherwise."""
        self.kind, self.switches, self.said_at = kind, switches, None
        self.save(update_fields=["kind", "switches", "said_at"])

    def say(self, what: str, value: bool, now: datetime) -> bool:
        """Note a word; False where it says nothing new, or too late. Needs the case's lock."""
        if getattr(self, what) == value or not self.may_say(what):
            return False
        setattr(self, what, value)
        self.said_at = now
        self.save(update_fields=[what, "said_at"])
        return True
