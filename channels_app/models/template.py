"""Texts that a provider approved beforehand, for customers who wrote too long ago."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from channels_app.models.channel import Channel

PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
MAX_BODY = 1024  # of a body, at WhatsApp


class TemplateQuerySet(models.QuerySet["Template"]):
    """Approved texts of channels."""

    def usable(self) -> "TemplateQuerySet":
        """Those that the provider said yes to."""
        return self.filter(state=Template.State.APPROVED)


class Template(models.Model):
    """ "You have an answer" in one language, as the provider knows it.

    `{{1}}` is the reference of the question, `{{2}}` the link to it.
    """

    class State(models.TextChoices):
        """What the provider said."""

        DRAFT = "draft", _("not approved yet")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("refused by the provider")

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="templates")
    name = models.CharField(
        _("name at the provider"), max_length=200, help_text=_("Exactly as it is written there.")
    )
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    body = models.TextField(
        _("text"),
        max_length=MAX_BODY,
        help_text=_(
            "Exactly as it was approved. {{1}} is the reference of the question, {{2}} the link"
            " to it."
        ),
    )
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.DRAFT)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        verbose_name = _("approved text")
        verbose_name_plural = _("approved texts")
        ordering = ["language"]
        constraints = [
            # routing takes the one of the customer's language
            models.UniqueConstraint(fields=["channel", "language"], name="template_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    def clean(self) -> None:
        """Refuse a text whose places are not exactly {{1}} and {{2}}."""
        if set(PLACE.findall(self.body)) != {"1", "2"}:
            raise ValidationError(
                {
                    "body": _(
                        "It needs {{1}} for the reference and {{2}} for the link, and no other."
                    )
                }
            )

    @staticmethod
    def values(reference: str, link: str) -> tuple[str, ...]:
        """What goes into its places, in their order."""
        return reference, link

    def filled(self, values: tuple[str, ...]) -> str:
        """The text as the customer reads it."""
        return PLACE.sub(lambda place: values[int(place[1]) - 1], self.body)
