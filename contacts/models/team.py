"""Who takes which sort of work."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models.case import Case
from contacts.models.organisation import Organisation
from contacts.models.topic import Topic


class Team(models.Model):
    """Agents with the same skill: the topics, kinds and languages that they take; empty is any."""

    class How(models.TextChoices):
        """Who of those that are there and have room gets the next case."""

        ROUND_ROBIN = "round_robin", _("in turn")
        LEAST_LOADED = "least_loaded", _("who has the least to do")

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="teams")
    name = models.CharField(_("name"), max_length=100)
    topics = models.ManyToManyField(
        Topic, blank=True, related_name="teams", verbose_name=_("topics")
    )
    kinds = models.JSONField(_("channels"), default=list, blank=True)
    languages = models.JSONField(_("languages"), default=list, blank=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="teams", verbose_name=_("members")
    )
    how = models.CharField(_("who is next"), max_length=16, choices=How, default=How.LEAST_LOADED)
    # A customer comes back to whom they know, where that colleague is there and has room (R37).
    is_sticky = models.BooleanField(_("known agent first"), default=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def cases(self) -> Q:
        """The cases of its topics and languages. Reads `topics`: prefetch them for a list."""
        found = Q()
        if topics := [topic.pk for topic in self.topics.all()]:
            found &= Q(topic__in=topics)
        if self.languages:
            found &= Q(language__in=self.languages)
        return found

    @property
    def work(self) -> Q:
        """The cases that fit, whoever has them: the same rule as `fits`, as a filter."""
        return self.cases & Q(choice__kind__in=self.kinds) if self.kinds else self.cases

    def takes(self, kind: str) -> bool:
        """Whether it takes what is answered by that kind."""
        return not self.kinds or kind in self.kinds

    def fits(self, case: Case) -> bool:
        """Whether that case is its work: the same rule as `cases` and `takes`."""
        topics = {topic.pk for topic in self.topics.all()}
        return (
            self.takes(case.answer_kind)
            and (not topics or case.topic_id in topics)
            and (not self.languages or case.language in self.languages)
        )
