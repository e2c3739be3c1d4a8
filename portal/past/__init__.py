"""A line of the history that is no message, in a sentence: for customers and for staff."""

from django.utils.translation import gettext as _

from contacts.models import Event, Identity
from contacts.viewers import Viewer
from portal.past.for_customers import FOR_CUSTOMERS
from portal.past.for_staff import FOR_STAFF
from portal.words import noun


def line(row: Event, viewer: Viewer, identities: dict[int, Identity]) -> str:
    """An event in a sentence; "" for what this viewer needs not see."""
    if row.sort == Event.Sort.CHOSEN and row.data.get("to_prove"):
        return ""  # the next line says what was chosen; the own page is only where it waits
    if row.sort == Event.Sort.CHOSEN and not viewer.is_staff and not row.data.get("before"):
        return _("You chose %(kind)s.") % {"kind": noun(row.data["kind"])}
    words = (FOR_STAFF if viewer.is_staff else FOR_CUSTOMERS).get(Event.Sort(row.sort))
    return words(row, identities) if words else ""
