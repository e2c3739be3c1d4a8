"""One thing that we asked somebody, and that waits for a word."""

import re
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

YES, NO, NEW = "yes", "no", "new"
WORDS = {"yes": YES, "ja": YES, "no": NO, "nee": NO, "new": NEW, "nieuw": NEW}
TAP = re.compile(r"(yes|no) (\d{1,18})", re.ASCII)
LATE = timedelta(days=7)  # so long after its time is a word still known as the answer to it
MAX_A_DAY = 5  # of one sort at one address: a forged sender sends us asking


def read(text: str) -> str:
    """YES, NO, NEW, the digits, or "": only the whole text counts, blanks and a full stop aside."""
    if tap := TAP.fullmatch(text):
        return tap[1]
    word = text.strip().removesuffix(".").strip().lower()
    if word.isascii() and word.isdecimal() and len(word) <= 6:
        return word
    return WORDS.get(word, "")


def tap(word: str, message_id: int) -> str:
    """What a button below a message of ours says: an old one does not answer a newer question."""
    return f"{word} {message_id}"


def tapped(text: str) -> int:
    """The message whose button that is; 0 for words that somebody typed."""
    found = TAP.fullmatch(text)
    return int(found[2]) if found else 0


class QuestionQuerySet(models.QuerySet["Question"]):
    """What was asked."""

    def open(self) -> "QuestionQuerySet":
        """Those that still wait."""
        return self.filter(closed_at=None, expires_at__gt=timezone.now())

    def meant(self, identity: Identity, kind: str, text: str) -> "Question | None":
        """What a word from there answers: the newest question, also one that waits no more."""
        rows = self.select_related("case__root", "message", "code", "proof")
        if message := tapped(text):
            return rows.filter(message=message, message__identity=identity, kind=kind).first()
        lately = rows.filter(identity=identity, kind=kind, expires_at__gte=timezone.now() - LATE)
        return lately.order_by("-pk").first()

    def may_ask(self, identity: Identity, sort: str) -> bool:
        """Whether that was not asked there too often today."""
        day = timezone.now() - timedelta(days=1)
        asked = self.filter(identity=identity, sort=sort, created_at__gte=day)
        return asked.count() < MAX_A_DAY

    def ask(
        self, *, identity: Identity | None, wait: timedelta, case: Case | None = None, **fields: Any
    ) -> "Question":
        """Ask; what was asked before at that address waits for a word no more.

        What another case asked there still stands on its page. Without an address it stands there
        alone, and a case asks one thing at a time. Needs a transaction; of an address and a case
        that are both locked the address comes first.
        """
        now, waiting = timezone.now(), self.filter(closed_at=None)
        if case is not None:
            waiting.filter(case=case).exclude(message=None).update(closed_at=now)
        if identity is not None:
            Identity.objects.locking().only("pk").get(pk=identity.pk)  # two at once
            there = waiting.filter(identity=identity)
            there.exclude(message=None).update(identity=None)
            there.update(closed_at=now)
        return self.create(identity=identity, case=case, expires_at=now + wait, **fields)


class Question(models.Model):
    """One thing we asked at an address, by one kind: a word that comes back by another is none.

    Without an `identity` it stands on the page of its case alone. `message` is what asked it in a
    case, and where its page shows the buttons. `code` is what a YES redeems. Where the channel does
    not say who writes, `proof` is a number that only stood in our question: whoever forges a sender
    never read it.
    """

    class Sort(models.TextChoices):
        """What is asked."""

        JOIN = "join", _("Go on with that case here?")
        WHICH = "which", _("Which case is this about?")
        PROPOSAL = "proposal", _("Shall we answer another way?")
        SETTLED = "settled", _("Did this answer your question?")
        TOLD_TWICE = "told_twice", _("Did you have to repeat yourself?")

    sort = models.CharField(max_length=16, choices=Sort)
    identity = models.ForeignKey(
        Identity, models.CASCADE, null=True, blank=True, related_name="questions"
    )
    kind = models.CharField(max_length=32, choices=kind_choices)
    case = models.ForeignKey(Case, models.CASCADE, null=True, blank=True, related_name="questions")
    code = models.ForeignKey(Code, models.CASCADE, null=True, blank=True, related_name="+")
    proof = models.ForeignKey(Code, models.CASCADE, null=True, blank=True, related_name="+")
    message = models.ForeignKey(
        "contacts.Message", models.CASCADE, null=True, blank=True, related_name="questions"
    )
    proposed_kind = models.CharField(max_length=32, choices=kind_choices, blank=True)
    # Ids of cases: as they were numbered; of JOIN the one that goes along.
    options = models.JSONField(default=list, blank=True)
    answer = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("question that waits")
        verbose_name_plural = _("questions that wait")
        constraints = [
            # A word can answer one thing only. What a word means, those of a day and those of a
            # case are found by the foreign keys: 0.3, 0.1 and 0.1 ms at 200,000 questions.
            models.UniqueConstraint(
                fields=["identity"], condition=Q(closed_at=None), name="question_one_open"
            ),
            # The same of a case whose page asks.
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(closed_at=None, identity=None),
                name="question_one_on_page",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sort} {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return self.closed_at is None and self.expires_at > timezone.now()

    def close(self, answer: str) -> bool:
        """It is answered; False if somebody else was faster, or it is over."""
        now, waits = timezone.now(), Question.objects.open().filter(pk=self.pk)
        if not waits.update(closed_at=now, answer=answer):
            return False
        self.closed_at, self.answer = now, answer
        return True
