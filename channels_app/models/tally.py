"""What customers chose, and what they said afterwards: counted every night, by topic and kind."""

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from contacts.kinds import kind_choices
from contacts.models import Topic


class Tally(models.Model):
    """Cases of a year with one topic that chose one kind, and what their customers said of it."""

    topic = models.ForeignKey(
        Topic, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("topic")
    )
    kind = models.CharField(max_length=32, choices=kind_choices)
    chosen = models.PositiveIntegerField(default=0)
    answered = models.PositiveIntegerField(default=0)
    unanswered = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    unrepeated = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [
            models.UniqueConstraint(fields=["topic", "kind"], name="tally_once"),
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(topic=None), name="tally_once_without_topic"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id} {self.kind} {self.chosen}"

    @staticmethod
    @transaction.atomic
    def put(rows: list["Tally"]) -> None:
        """These are the counts now, all at once: a page reads the old ones or the new ones."""
        Tally.objects.all().delete()
        Tally.objects.bulk_create(rows)
