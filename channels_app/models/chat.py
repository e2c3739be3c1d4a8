"""A live chat inside a case."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models import Case


class ChatQuerySet(models.QuerySet["Chat"]):
    """Chats; that a case is answered by chat now is its Choice, and never here."""

    def begin(self, case: Case, *, anew: bool = True) -> None:
        """A customer chooses to chat, for the first time in a case or once more.

        Not `anew`: a slip was taken back, and who waited keeps their place.
        """
        fresh = {"started_at": timezone.now(), "answered_at": None}
        self.update_or_create(case=case.stem, defaults=fresh if anew else {})

    def answer(self, case: Case, at: datetime) -> None:
        """A person answered by chat; only the first answer since its beginning is kept."""
        self.filter(case=case.stem, answered_at=None).update(answered_at=at)

    def follow(self, case: Case, seq: int) -> bool:
        """What is unread up to that number goes after the customer; False if it did already.

        With what was joined to it: their own numbers are no higher than those of the whole.
        """
        chats = self.filter(case__in=case.family_ids(), followed_seq__lt=seq)
        return bool(chats.update(followed_seq=seq))


class Chat(models.Model):
    """One chat of a case: since when, when a person first answered, and what went after them."""

    case = models.OneToOneField(Case, models.CASCADE, related_name="chat")
    started_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    # Answers of the case up to this number went by the second way, as nobody read them.
    followed_seq = models.PositiveIntegerField(default=0)

    objects = ChatQuerySet.as_manager()

    class Meta:
        verbose_name = _("chat")
        verbose_name_plural = _("chats")
        indexes = [
            # the usual wait: the newest that were answered
            models.Index(
                fields=["-answered_at"], condition=~Q(answered_at=None), name="chat_answered"
            ),
        ]

    def __str__(self) -> str:
        return str(self.case)
