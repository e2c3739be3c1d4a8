"""One thing that we asked somebody, and that waits for a word."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.kinds import kind_choices
from contacts.models.case import Case
from contacts.models.code import Code
from contacts.models.identity import Identity

YES, NO = "yes", "no"
WORDS = {"yes": YES, "ja": YES, "no": NO, "nee": NO}


def read(text: str) -> str:
    """YES, NO, the digits, or "": only the whole text counts, blanks and a full stop aside."""
    word = text.strip().removesuffix(".").strip().lower()
    if word.isascii() and word.isdecimal() and len(word) <= 6:
        return word
    return WORDS.get(word, "")


class QuestionQuerySet(models.QuerySet["Question"]):
    """What was asked."""

    def open(self) -> "QuestionQuerySet":
        """Those that still wait."""
        return self.filter(closed_at=None, expires_at__gt=timezone.now())

    def ask(self, *, identity: Identity, wait: timedelta, **fields: Any) -> "Question":
        """Ask; what was asked before at that address waits no more. Needs a transaction."""
        now = timezone.now()
        Identity.objects.locking().only("pk").get(pk=identity.pk)  # two at once
        self.filter(identity=identity, closed_at=None).update(closed_at=now)
        return self.create(identity=identity, expires_at=now + wait, **fields)


class Question(models.Model):
    """One thing we asked at an address, by one kind: a word that comes back by another is none.

    `code` is what a YES redeems. Where the channel does not say who writes, `proof` is a number
    that only stood in our question: whoever forges a sender never read it.
    """

    class Sort(models.TextChoices):
        """What is asked."""

        JOIN = "join", _("Go on with that case here?")
        WHICH = "which", _("Which case is this about?")

    sort = models.CharField(max_length=16, choices=Sort)
    identity = models.ForeignKey(Identity, models.CASCADE, related_name="questions")
    kind = models.CharField(max_length=32, choices=kind_choices)
    case = models.ForeignKey(Case, models.CASCADE, null=True, blank=True, related_name="questions")
    code = models.ForeignKey(Code, models.CASCADE, null=True, blank=True, related_name="+")
    proof = models.ForeignKey(Code, models.CASCADE, null=True, blank=True, related_name="+")
    options = models.JSONField(default=list, blank=True)  # ids of the cases, as they were numbered
    answer = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("question that waits")
        verbose_name_plural = _("questions that wait")
        constraints = [
            # A word can answer one thing only. Also finds it when somebody writes: Index Scan,
            # 0.02 ms at 20,000 questions, as for those of a day by the foreign key.
            models.UniqueConstraint(
                fields=["identity"], condition=Q(closed_at=None), name="question_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.sort} {self.pk}"

    def close(self, answer: str) -> bool:
        """It is answered; False if somebody else was faster, or it is over."""
        now, waits = timezone.now(), Question.objects.open().filter(pk=self.pk)
        if not waits.update(closed_at=now, answer=answer):
            return False
        self.closed_at, self.answer = now, answer
        return True
