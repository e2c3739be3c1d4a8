"""The ground floor as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ContactsConfig(AppConfig):
    """Who and what: customers, identities, cases, messages, history, choices, codes."""

    name = "contacts"
    verbose_name = _("Contacts")
