"""How the demo's telephone writes numbers."""

from django import template

from contacts import addresses
from contacts.kinds import PHONE

register = template.Library()


@register.filter
def phone_number(value: str) -> str:
    """A number as people read it."""
    return addresses.display(PHONE, value)
