"""What a question is about."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from i18nfield.fields import I18nCharField


class TopicQuerySet(models.QuerySet["Topic"]):
    """Topics in the order that an administrator gave them."""

    def offered(self) -> "TopicQuerySet":
        """Those that a customer can pick."""
        return self.filter(is_active=True)


class Topic(models.Model):
    """A subject; whether it is complex and sensitive leads the advice and dispatch.

    `phase`: where in a purchase one asks it; it leads the advice too.
    """

    class Phase(models.TextChoices):
        """From the first look to after the sale (R18)."""

        LOOKING = "looking", _("looking around")
        COMPARING = "comparing", _("comparing")
        BUYING = "buying", _("buying")
        AFTER = "after", _("after the purchase")

        __empty__ = _("not about a purchase")

    name = I18nCharField(_("name"), max_length=200)
    slug = models.SlugField(_("address part"), unique=True)
    is_complex = models.BooleanField(
        _("complex"), default=False, help_text=_("A longer story, better spoken than typed.")
    )
    is_sensitive = models.BooleanField(
        _("sensitive"),
        default=False,
        help_text=_("Money, health and the like: answers stay behind the secure page."),
    )
    phase = models.CharField(
        _("when in a purchase"),
        max_length=16,
        choices=Phase,
        blank=True,
        help_text=_("Who still looks around likes to chat; who buys, to call or to mail."),
    )
    is_active = models.BooleanField(_("offered"), default=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    objects = TopicQuerySet.as_manager()

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return str(self.name)
