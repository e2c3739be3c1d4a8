"""How the demo's telephone writes whom it talks to."""

from django import template

from contacts import addresses
from contacts.kinds import PHONE

register = template.Library()


@register.filter
def phone_number(value: str) -> str:
    """A number as people read it; a bot by its name."""
    return addresses.display(PHONE, value) if value.startswith("+") else f"@{value}"
