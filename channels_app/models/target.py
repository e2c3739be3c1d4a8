"""What we hold ourselves to: until when cases of a sort are answered first, and are done."""

from collections.abc import Iterable
from itertools import product

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from channels_app.models.counted import CountedWith
from contacts.kinds import kind_choices
from contacts.models import Case, Customer, Organisation, Topic

MOST_MINUTES = 60 * 24 * 60  # as promises: 60 days that are open
_MINUTES = [MinValueValidator(1), MaxValueValidator(MOST_MINUTES)]
Sort = tuple[int, int | None, int | None, str]  # organisation, customer, topic and kind, by keys
_WHICH = ("topic", "customer")  # which may be any: no value, and so not unique by itself


def _once() -> list[models.BaseConstraint]:
    """One target for each sort of case."""
    found: list[models.BaseConstraint] = []
    for number, gone in enumerate(((), ("topic",), ("customer",), _WHICH)):
        fields = ["organisation", "kind", *(name for name in _WHICH if name not in gone)]
        empty = Q(**{f"{name}__isnull": name in gone for name in _WHICH})
        found.append(
            models.UniqueConstraint(fields=fields, condition=empty, name=f"target_once_{number}")
        )
    return found


class TargetQuerySet(models.QuerySet["Target"]):
    """Targets."""

    def for_cases(self, cases: Iterable[Case]) -> "Targets":
        """Those that may hold for one of these cases. One query."""
        listed = list(cases)
        tops = {case.customer.top_id for case in listed}
        whose = Q(customer=None) | Q(customer__in=tops) | Q(customer__root__in=tops)
        owners = {case.organisation_id for case in listed}
        return Targets(self.filter(whose, organisation__in=owners).select_related("customer"))


class Target(CountedWith):
    """Of a sort of case: minutes of opening time, of the way that the customer chose.

    What is empty is any. Customers are told the promise of the channel, and never this.
    """

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="targets")
    kind = models.CharField(_("channel"), max_length=32, choices=kind_choices, blank=True)
    topic = models.ForeignKey(
        Topic,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="targets",
        verbose_name=_("topic"),
    )
    customer = models.ForeignKey(
        Customer,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="targets",
        verbose_name=_("customer"),
    )
    first_answer_minutes = models.PositiveIntegerField(
        _("first answer in minutes"), null=True, blank=True, validators=_MINUTES
    )
    resolution_minutes = models.PositiveIntegerField(
        _("done in minutes"), null=True, blank=True, validators=_MINUTES
    )

    objects = TargetQuerySet.as_manager()

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        # A few dozen rows; those of one customer are found by the index of that field.
        constraints = _once()

    def __str__(self) -> str:
        parts = (self.customer, self.topic, self.get_kind_display())
        return " · ".join(str(part) for part in parts if part) or str(_("Every case"))

    def clean(self) -> None:
        """Refuse one that says nothing, and a second one for the same cases."""
        if self.first_answer_minutes is None and self.resolution_minutes is None:
            raise ValidationError(_("Write at least one of the two times."))
        same = Target.objects.filter(
            organisation=self.organisation_id, kind=self.kind, topic=self.topic_id
        )
        if self.customer and self._state.adding:  # also of whom they were joined with
            same = same.filter(customer__in=Customer.objects.family([self.customer.top_id]))
        else:
            same = same.filter(customer=self.customer_id)
        if same.exclude(pk=self.pk).exists():
            raise ValidationError(_("There is a target for these cases already: change that one."))


class Targets:
    """Some targets, and which of them holds for a case.

    The most specific one that has such a time: one of this customer goes before one of the topic,
    and that before one of the kind. Where customers were joined who both had one, the stricter.
    """

    def __init__(self, rows: Iterable[Target]) -> None:
        self._rows: dict[Sort, list[Target]] = {}
        for row in rows:
            whose = row.customer.top_id if row.customer else None
            sort = (row.organisation_id, whose, row.topic_id, row.kind)
            self._rows.setdefault(sort, []).append(row)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def first_answer(self, case: Case, kind: str) -> int | None:
        """Within how many minutes a case that is answered by that kind is answered first."""
        return self._minutes("first_answer_minutes", case, kind)

    def resolution(self, case: Case, kind: str) -> int | None:
        """Within how many minutes it is done."""
        return self._minutes("resolution_minutes", case, kind)

    def _minutes(self, name: str, case: Case, kind: str) -> int | None:
        if not self._rows:
            return None
        sorts = product((case.customer.top_id, None), (case.topic_id, None), (kind, ""))
        for sort in sorts:
            rows = self._rows.get((case.organisation_id, *sort), ())
            if times := [time for row in rows if (time := getattr(row, name))]:
                return min(times)
        return None
