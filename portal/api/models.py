"""Who may use the API, and what it answered."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models import Code
from contacts.viewers import NOBODY, Viewer
from portal.api import scopes, tokens

SEEN_EVERY = timedelta(minutes=1)  # a write per request would be the dearest part of most of them
KEPT = timedelta(days=1)  # how long the same key gets the same answer
GIVEN_UP = timedelta(minutes=2)  # a request that began so long ago, and has no answer, is dead


class ApiClientQuerySet(models.QuerySet["ApiClient"]):
    """Programs that have, or had, a token."""

    def live(self) -> "ApiClientQuerySet":
        """Not revoked."""
        return self.filter(revoked_at=None)

    def find(self, token: str) -> "ApiClient | None":
        """The live client of a token."""
        if not token.startswith(tokens.PREFIX):
            return None
        return self.live().select_related("answers_as").filter(
            digest__in=tokens.digests(token)
        ).first()  # fmt: skip


class ApiClient(models.Model):
    """One program of somebody else, with a token of its own. The row holds only a digest."""

    name = models.CharField(_("name"), max_length=100)
    hint = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # looked up by each call
    scopes = models.JSONField(_("may do"), default=list)
    rate = models.PositiveIntegerField(
        _("calls a minute"),
        default=120,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
    )
    # A named person answers (R37): without one the program cannot.
    answers_as = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("answers in the name of"),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiClientQuerySet.as_manager()

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def viewer(self) -> Viewer:
        """What it may look at: every case, or none at all."""
        return Viewer(client_id=self.pk) if scopes.OF_CASES & set(self.scopes) else NOBODY

    @property
    def labels(self) -> list[str]:
        """Its scopes in words; one that is no more is left out."""
        return [str(label) for name, label in scopes.SCOPES.items() if name in self.scopes]

    def give_token(self) -> str:
        """A new token, to be saved and shown once: nobody can read it again."""
        token = tokens.new()
        self.digest, self.hint = tokens.digest(token), tokens.hint(token)
        return token

    def note_use(self) -> None:
        """Keep when it was last used, written at most once a minute."""
        now = timezone.now()
        if self.last_used_at is None or self.last_used_at <= now - SEEN_EVERY:
            ApiClient.objects.filter(pk=self.pk).update(last_used_at=now)

    def revoke(self) -> bool:
        """Shut it out from its next call on; False if it was already."""
        return bool(ApiClient.objects.live().filter(pk=self.pk).update(revoked_at=timezone.now()))


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    """Answers that are kept for a day."""

    def old(self) -> "IdempotencyKeyQuerySet":
        """Those whose day is over."""
        return self.filter(started_at__lte=timezone.now() - KEPT)

    def take(self, *, owner: str, key: str, fingerprint: str) -> tuple["IdempotencyKey", bool]:
        """The row of a key, and whether this request is the one to do the work."""
        self.old().filter(owner=owner, key=key).delete()
        try:
            with transaction.atomic():
                return self.create(owner=owner, key=key, fingerprint=fingerprint), True
        except IntegrityError:
            row = self.get(owner=owner, key=key)
            return row, row.fingerprint == fingerprint and row.take_over()


class IdempotencyKey(models.Model):
    """A POST with an Idempotency-Key, and its answer: the same key gets the same one for a day."""

    owner = models.CharField(max_length=64)  # one client, or one link of a case
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)  # empty while the work is going on
    answer = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    # A secret that stood in the answer: a placeholder is stored, the value derived when repeated.
    code = models.ForeignKey(Code, models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            # Two at once: the second finds the row of the first.
            models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_once"),
        ]
        indexes = [
            # the hourly removal of what is older than a day
            models.Index(fields=["started_at"], name="idempotency_key_old"),
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.pk}"

    def take_over(self) -> bool:
        """Go on in place of a request that died; False while it may live, or has its answer."""
        now = timezone.now()
        dead = Q(status=None, started_at__lte=now - GIVEN_UP)
        return bool(IdempotencyKey.objects.filter(dead, pk=self.pk).update(started_at=now))

    def keep(
        self, *, status: int, answer: Any, headers: dict[str, str], code: Code | None = None
    ) -> None:
        """Store the answer."""
        self.status, self.answer, self.headers, self.code = status, answer, headers, code
        self.save(update_fields=["status", "answer", "headers", "code"])
