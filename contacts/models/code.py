"""A secret in a customer's hand."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts import codes
from contacts.kinds import kind_choices
from contacts.models.case import Case
from contacts.models.identity import Identity

MAX_ATTEMPTS = 5


class CodeQuerySet(models.QuerySet["Code"]):
    """Codes in customers' hands."""

    def live(self) -> "CodeQuerySet":
        """Not expired, revoked, used up or guessed at too often."""
        now = timezone.now()
        return self.filter(
            Q(uses_left=None) | Q(uses_left__gt=0),
            expires_at__gt=now,
            revoked_at=None,
            attempts__lt=MAX_ATTEMPTS,
        )

    def issue(
        self,
        purpose: str,
        *,
        case: Case | None = None,
        identity: Identity | None = None,
        browser: str = "",
        form: str = "",
        kind: str = "",
        once: bool = False,
        lifetime: timedelta | None = None,
    ) -> "Code":
        """A new code. A short form that a live code already has is drawn again."""
        rule = codes.RULES[purpose]
        form = form or rule.form
        for _try in range(20):
            key = uuid.uuid4()
            digest = codes.digest(purpose, codes.plain(key, form))
            # Six digits are looked up with their identity; a longer form must be unique alone.
            if form != codes.PIN or not self.live().filter(purpose=purpose, digest=digest).exists():
                break
        return self.create(
            id=key,
            purpose=purpose,
            form=form,
            digest=digest,
            case=case,
            identity=identity,
            browser=codes.digest("browser", browser) if browser else "",
            kind=kind,
            once=once,
            uses_left=rule.uses,
            expires_at=timezone.now() + (lifetime or rule.lifetime),
        )

    def find(self, purpose: str, value: str) -> "Code | None":
        """The live code of that plain value (long forms and PINs)."""
        code = self.live().known(purpose, value).first()
        return None if code is None or code.is_outlived else code

    def invitations(self) -> "CodeQuerySet":
        """Join codes that a case shows for a messenger, and not those on paper or for the phone."""
        return self.filter(purpose=codes.JOIN, form=codes.PAPER).exclude(kind="")

    def known(self, purpose: str, value: str) -> "CodeQuerySet":
        """The code of that plain value, whether it still works or not: a hint, and no proof."""
        found = self.filter(purpose=purpose, digest=codes.digest(purpose, value))
        return found.select_related("case__root", "case__customer")

    def by_letters(self, values: Iterable[str]) -> list["Code"]:
        """The join codes among some ten letters, whether they still work or not."""
        digests = [codes.digest(codes.JOIN, value) for value in values]
        found = self.filter(purpose=codes.JOIN, form=codes.PAPER, digest__in=digests)
        related = ("case__root__customer", "case__customer", "case__organisation")
        return list(found.exclude(case=None).select_related(*related))

    def last_digits(self, purpose: str, identity: Identity, browser: str) -> "Code | None":
        """The newest six-digit code that an identity got from this browser."""
        own = self.filter(identity=identity, browser=codes.digest("browser", browser))
        return own.filter(purpose=purpose).order_by("-created_at").first()

    def redeem_digits(
        self, purpose: str, identity: Identity, value: str, browser: str
    ) -> "Code | None":
        """Redeem the newest six-digit code of an identity in this browser; counts a wrong try."""
        code = self.live().last_digits(purpose, identity, browser)
        if code is None:
            return None
        # Counted before it is looked at: a hundred guesses at once are a hundred tries as well.
        tried = self.live().filter(pk=code.pk).update(attempts=F("attempts") + 1)
        if not tried or not codes.same(code.digest, codes.digest(purpose, value)):
            return None
        fresh = self.filter(pk=code.pk, uses_left__gt=0)
        used = fresh.update(uses_left=F("uses_left") - 1, redeemed_at=timezone.now())
        return code if used else None


class Code(models.Model):
    """A secret in a customer's hand: its row holds a keyed digest, never the value itself."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=16)
    form = models.CharField(max_length=8)
    digest = models.CharField(max_length=64)
    case = models.ForeignKey(Case, models.CASCADE, null=True, blank=True, related_name="codes")
    identity = models.ForeignKey(
        Identity, models.CASCADE, null=True, blank=True, related_name="codes", db_index=False
    )
    browser = models.CharField(max_length=64, blank=True)
    # Of an invitation to write: by which kind, and whether for the next answer only.
    kind = models.CharField(max_length=32, choices=kind_choices, blank=True)
    once = models.BooleanField(default=False)
    uses_left = models.PositiveSmallIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    redeemed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = CodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("code")
        verbose_name_plural = _("codes")
        # Plans as in Case, at 320,000 codes; those of a case: by the foreign key, 0.03 ms.
        indexes = [
            # a link, a reply address, a PIN or a printed code comes in: Index Scan, 0.1 ms
            models.Index(fields=["purpose", "digest"], name="code_lookup"),
            # six digits are checked against the newest code of an identity, and how many it got in
            # a day is counted: Index Scan, 0.02 ms
            models.Index(fields=["identity", "purpose", "-created_at"], name="code_of_identity"),
            # the daily clean-up: BitmapOr of two Bitmap Index Scans, 0.1 ms where nothing is dead
            # (a Seq Scan of the 139,000 that live: 62 ms)
            models.Index(fields=["purpose", "expires_at"], name="code_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"

    @property
    def plain(self) -> str:
        """The value in the customer's hand, derived anew; never log it."""
        return codes.plain(self.pk, self.form)

    @property
    def is_on_paper(self) -> bool:
        """Whether it came in a letter; one that a page shows for a messenger opens no page."""
        return self.form == codes.PAPER and not self.kind

    @property
    def is_outlived(self) -> bool:
        """Whether it is the reply code of a case that was settled more than a year ago."""
        if self.purpose != codes.REPLY or self.case is None:
            return False
        stem = self.case.stem
        is_settled = stem.state == Case.State.RESOLVED
        return is_settled and stem.changed_at < timezone.now() - codes.REPLY_REST

    @property
    def is_live(self) -> bool:
        """Whether it works at this moment."""
        return Code.objects.live().filter(pk=self.pk).exists()

    def revoke(self) -> None:
        """It works no more."""
        Code.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())

    def last_until(self, at: datetime) -> None:
        """Let it work at least so long."""
        Code.objects.live().filter(pk=self.pk, expires_at__lt=at).update(expires_at=at)

    def answers(self, value: str) -> bool:
        """Whether that is its value; a wrong one is counted, and too many end it."""
        # Counted before it is looked at: many guesses at once are many tries as well.
        live = Code.objects.live().filter(pk=self.pk)
        tried = live.update(attempts=F("attempts") + 1)
        return bool(tried) and codes.same(self.digest, codes.digest(self.purpose, value))

    def redeem(self) -> bool:
        """Use it up once; False if someone else just did. Reusable codes stay."""
        now = timezone.now()
        live = Code.objects.live().filter(pk=self.pk)
        if self.uses_left is None:
            return bool(live.update(redeemed_at=now))
        once = live.filter(uses_left__gt=0)
        return bool(once.update(uses_left=F("uses_left") - 1, redeemed_at=now))
