"""The person or organisation that asks."""

from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.db.models import Exists, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from contacts.kinds import kind_choices
from contacts.models.organisation import Organisation


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Customers; those that were merged are one."""

    def family(self, tops: Iterable[int]) -> "CustomerQuerySet":
        """Those of these keys and all that were merged into them.

        For `customer__in`: an OR over two tables would read all rows of the house (at
        100,000 cases a hash join of 235 ms for the cases of one customer, against 0.1 ms).
        """
        keys = list(tops)
        return self.filter(Q(pk__in=keys) | Q(root__in=keys))

    def person(self, member: int) -> "CustomerQuerySet":
        """All that are one person with that one, whoever of them it is.

        As a value and not as a set of one, so that each half can go by its index.
        """
        tops = Customer.objects.filter(pk=member).values(top=Coalesce("root", "pk"))
        top = Subquery(tops[:1])
        return self.filter(Q(pk=top) | Q(root=top))

    def forget_age_bands(self) -> int:
        """Erase what people told of their age, and say of how many; by `customer_age_band`."""
        return self.exclude(age_band="").update(age_band="")

    def forget_unused_age_bands(self) -> int:
        """The same where nobody is asked for it: who told it while it was switched off."""
        return self.filter(~Exists(_asks_for_age())).forget_age_bands()

    def tell_age_band(self, age_band: str) -> bool:
        """Keep it, in one statement with the question whether it is used; whether it was kept."""
        return self.filter(Exists(_asks_for_age())).update(age_band=age_band) > 0


def _asks_for_age() -> models.QuerySet[Organisation]:
    return Organisation.objects.filter(uses_age_band=True)


class Customer(models.Model):
    """A person or organisation. `merged_into` is the truth of a merge, `root` a cache of it."""

    class Relation(models.TextChoices):
        """Prospective and existing customers may differ (R16)."""

        UNKNOWN = "unknown", _("unknown")
        PROSPECT = "prospect", _("prospect")
        EXISTING = "existing", _("existing customer")

    class AgeBand(models.TextChoices):
        """As the published figures are told (S3, S4). Given by the person, never guessed (R19)."""

        YOUNG = "18-34", _("18 to 34")
        MIDDLE = "35-54", _("35 to 54")
        OLDER = "55+", _("55 or older")

    name = models.CharField(_("name"), max_length=200, blank=True)
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default="en"
    )
    relation = models.CharField(
        _("relation"), max_length=16, choices=Relation, default=Relation.UNKNOWN
    )
    preferred_kind = models.CharField(
        _("usual channel"), max_length=32, choices=kind_choices, blank=True
    )
    # Empty where they did not tell it, or the organisation does not use it.
    age_band = models.CharField(_("age group"), max_length=8, choices=AgeBand, blank=True)
    # The second way that the customer approved: used only where the first one fails for good. A
    # case has its own, which goes first (Choice).
    fallback_kind = models.CharField(
        _("second channel"), max_length=32, choices=kind_choices, blank=True
    )
    fallback_identity = models.ForeignKey(
        "contacts.Identity", models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.TextField(_("note"), blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged"
    )
    root = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="family")
    # Since when: what either said before, and what the one person that they are said since.
    merged_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = [
            # forget_age_bands: those who told it, few of all; else a scan of every customer
            models.Index(fields=["id"], condition=~Q(age_band=""), name="customer_age_band"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(merged_into=models.F("pk")), name="customer_not_into_itself"
            )
        ]

    def __str__(self) -> str:
        return self.name or str(_("Unknown customer"))

    @property
    def top(self) -> "Customer":
        """The customer that this one was merged into, or itself."""
        return self.root or self

    @property
    def top_id(self) -> int:
        """The key of `top`, which is not read for it."""
        return self.root_id or self.pk


class Consent(models.Model):
    """What a customer agreed to, per purpose and kind (R13). Append-only; the newest counts."""

    class Purpose(models.TextChoices):
        """Why we would write."""

        SERVICE = "service", _("answers to questions")
        MARKETING = "marketing", _("news and offers")

    class Level(models.TextChoices):
        """How welcome it is."""

        GLADLY = "gladly", _("gladly")
        ON_REQUEST = "on_request", _("only if I ask")
        NEVER = "never", _("never")

    # routing, preferences: all words of a customer: Index Scan using it, 0.05 ms (100,000 consents)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.SERVICE)
    kind = models.CharField(max_length=32, choices=kind_choices)
    level = models.CharField(max_length=16, choices=Level)
    by_staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")

    def __str__(self) -> str:
        return f"{self.purpose}: {self.kind} {self.level}"
