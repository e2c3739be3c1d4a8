"""How the customer wants to be answered in a case."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.kinds import Kind, get, kind_choices


class Choice(models.Model):
    """One choice of a way to be answered. Append-only; the newest of a case counts.

    `wish` is what was added to it: for a call its moment (soon, morning, afternoon, tomorrow), for
    a visit the slug of the branch, for a letter the name on it. `once` asks for the next answer
    only.
    """

    NOW = ("", "soon")  # wishes for a call that wait from now on; any other has its own time

    class By(models.TextChoices):
        """Who chose."""

        CUSTOMER = "customer", _("chosen by the customer")
        WRITING = "writing", _("the customer wrote there")
        PROPOSAL = "proposal", _("accepted proposal")
        STAFF = "staff", _("noted by staff at the customer's request")
        RETURNING = "returning", _("back to the usual way")
        MEANWHILE = "meanwhile", _("until the customer goes on by the channel they chose")

    ADDED = ("fallback_kind", "fallback_identity", "calls_allowed")  # what the next choice keeps

    case = models.ForeignKey("contacts.Case", models.CASCADE, related_name="choices")
    kind = models.CharField(max_length=32, choices=kind_choices)
    identity = models.ForeignKey(
        "contacts.Identity", models.PROTECT, null=True, blank=True, related_name="+"
    )
    fallback_kind = models.CharField(max_length=32, choices=kind_choices, blank=True)
    fallback_identity = models.ForeignKey(
        "contacts.Identity", models.PROTECT, null=True, blank=True, related_name="+"
    )
    calls_allowed = models.BooleanField(default=False)
    once = models.BooleanField(default=False)
    wish = models.CharField(max_length=200, blank=True)
    by = models.CharField(max_length=16, choices=By, default=By.CUSTOMER)
    by_staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    replaces = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replaced_by"
    )
    # The joined case that it was said in: it goes with that one where the two part again.
    said_in = models.ForeignKey(
        "contacts.Case", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("choice")
        verbose_name_plural = _("choices")
        indexes = [
            # queue, narrowed to a channel that few cases have: from the choices to their cases.
            # EXPLAIN at 100,000 cases, done by letter, none there: Index Scan using choice_by_kind,
            # Index Scan using contacts_case_choice_id; 0.3 ms (a Seq Scan of all choices: 61 ms).
            models.Index(fields=["kind"], name="choice_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.identity or ''}".strip()

    @property
    def kind_info(self) -> Kind:
        """The registry entry of the chosen kind."""
        return get(self.kind)
