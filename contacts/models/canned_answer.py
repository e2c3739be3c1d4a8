"""Answers that agents give again and again."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from i18nfield.fields import I18nTextField

from contacts.models.organisation import Organisation
from contacts.models.topic import Topic


class CannedAnswer(models.Model):
    """A text that an agent puts into an answer by `/` and its word."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="canned_answers")
    word = models.SlugField(_("word"), max_length=40)
    text = I18nTextField(_("text"))
    topic = models.ForeignKey(
        Topic, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("topic")
    )

    class Meta:
        verbose_name = _("canned answer")
        verbose_name_plural = _("canned answers")
        ordering = ["word"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "word"], name="canned_answer_once"),
        ]

    def __str__(self) -> str:
        return f"/{self.word}"
