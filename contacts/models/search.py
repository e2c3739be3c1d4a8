"""The rows that search reads."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models.case import Case
from contacts.models.customer import Customer


class SearchEntry(models.Model):
    """Text of a case or a customer, written by the methods that write the text itself."""

    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="+")
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, related_name="+")
    text = models.TextField()

    class Meta:
        verbose_name = _("search entry")
        verbose_name_plural = _("search entries")

    def __str__(self) -> str:
        return self.text[:40]
