"""What an administrator weighs otherwise than the published figures."""

from collections.abc import Mapping

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from contacts.kinds import kind_choices

MOST = 3.0  # points either way: twenty times as likely


class WeightQuerySet(models.QuerySet["Weight"]):
    """The own weights; where there is none the published one holds."""

    def own(self) -> dict[tuple[str, str], float]:
        """All of them, as the adviser takes them: points by factor and kind. One query."""
        return {(row.factor, row.kind): row.points for row in self}

    @transaction.atomic
    def keep(self, factor: str, points: Mapping[str, float]) -> list["Weight"]:
        """These are the own weights of a factor, and no others; the rows that changed or came.

        Whatever is not among them is the published figure again.
        """
        before = {row.kind: row for row in self.select_for_update().filter(factor=factor)}
        self.filter(factor=factor).exclude(kind__in=points).delete()
        changed: list[Weight] = []
        for kind, value in points.items():
            if kind not in before or before[kind].points != value:
                changed.append(
                    self.update_or_create(factor=factor, kind=kind, defaults={"points": value})[0]
                )
        return changed


class Weight(models.Model):
    """The own weight of one factor for one kind, in points (log-odds)."""

    factor = models.CharField(max_length=32)
    kind = models.CharField(max_length=32, choices=kind_choices)
    points = models.FloatField(
        _("points"), validators=[MinValueValidator(-MOST), MaxValueValidator(MOST)]
    )

    objects = WeightQuerySet.as_manager()

    class Meta:
        verbose_name = _("weight of the advice")
        verbose_name_plural = _("weights of the advice")
        ordering = ["factor", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["factor", "kind"], name="weight_once"),
        ]

    def __str__(self) -> str:
        return f"{self.factor} {self.kind} {self.points:+.2f}"
