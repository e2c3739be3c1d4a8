"""One place that says when two spellings are one address."""

import re
import unicodedata

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from contacts.kinds import EMAIL, PHONE, POST, SCHEMES

MAX_LENGTH = 320
# Mobile numbers of two countries have an older spelling that WhatsApp and address books keep, and
# abroad it is still dialled: Mexico's 1 (044 and 045 at home), Brazil's eight digits without a 9.
# Argentina's 9 is no such thing: without it the same digits are how a landline is called.
OLDER: dict[int, tuple[re.Pattern[str] | None, str]] = {
    52: (re.compile(r"(?:1|01|044|045)([1-9]\d{9})"), r"\1"),
    55: (re.compile(r"([1-9]{2})([6-9]\d{7})"), r"\g<1>9\2"),
}
_UNSEEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_DASHES = re.compile(r"[\u2010-\u2015\u2212]")
HANDLE = re.compile(r"[\w.:@-]{1,200}", re.ASCII)  # as a provider gives it: "bot:chat"


class InvalidAddress(ValidationError):
    """What was typed is no address of that scheme; the message tells the person what to do."""


def normalise(scheme: str, raw: str) -> str:
    """The one spelling of an address under which it is stored. Raises InvalidAddress."""
    raw = raw.strip()
    if "\x00" in raw:
        raise InvalidAddress(_("This contains a character that cannot be stored."))
    if scheme == EMAIL:
        return _email(raw)
    if scheme == PHONE:
        return _phone(raw)
    if scheme == POST:
        return _post(raw)
    if scheme in SCHEMES and HANDLE.fullmatch(raw):
        return raw
    raise InvalidAddress(_("This kind of address is not known."))


def _email(raw: str) -> str:
    local, _at, domain = raw.rpartition("@")
    try:
        value = f"{local}@{domain.encode('idna').decode()}".lower()
        validate_email(value)
    except (UnicodeError, ValidationError):
        raise InvalidAddress(
            _("This is not a complete e-mail address. It looks like name@example.org.")
        ) from None
    if len(value) > 254:
        raise InvalidAddress(_("This e-mail address is too long."))
    return value


def _phone(raw: str) -> str:
    # As other programs copy a number: with marks of direction around it, and dashes of print.
    raw = _UNSEEN.sub("", unicodedata.normalize("NFKC", raw)).strip().removeprefix("tel:")
    raw = _DASHES.sub("-", raw)
    # phonenumbers would find a number inside other words; what is typed here is only a number.
    if len(raw) > 40 or not re.fullmatch(r"[+0-9()./\s-]+", raw):
        raise InvalidAddress(_("A phone number has only digits, for example 020 123 45 67."))
    try:
        number = _one_spelling(phonenumbers.parse(raw, settings.PHONE_REGION))
    except phonenumbers.NumberParseException:
        number = None
    if not (number and number.national_number and phonenumbers.is_possible_number(number)):
        raise InvalidAddress(_("This phone number is not complete. Please check the digits."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _one_spelling(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """The number as it is dialled today, whatever the spelling."""
    older, today = OLDER.get(number.country_code or 0, (None, ""))
    found = older and older.fullmatch(phonenumbers.national_significant_number(number))
    if not found:
        return number
    return phonenumbers.parse(f"+{number.country_code}{found.expand(today)}")


def _post(raw: str) -> str:
    lines = [" ".join(line.split()) for line in raw.splitlines()]
    lines = [line for line in lines if line]
    value = "\n".join(lines)
    if len(lines) < 2 or not re.search(r"\d", value):
        raise InvalidAddress(
            _("Please write the street with its number, and the postcode with the town.")
        )
    if len(value) > MAX_LENGTH:
        raise InvalidAddress(_("This address is too long."))
    return value


def mailbox(scheme: str, value: str) -> str:
    """What limits count: all spellings of one mailbox are one (sam+a@, sam+b@; Gmail's dots)."""
    if scheme != EMAIL:
        return value
    local, _at, domain = value.rpartition("@")
    local = local.partition("+")[0] or local
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def display(scheme: str, value: str) -> str:
    """How an address is shown to someone who may see it."""
    if scheme == PHONE:
        try:
            number = phonenumbers.parse(value)
        except phonenumbers.NumberParseException:
            return value
        # One that cannot be is shown whole: who typed a foreign number without its country sees it.
        home = phonenumbers.is_valid_number_for_region(number, settings.PHONE_REGION)
        form = phonenumbers.PhoneNumberFormat
        return phonenumbers.format_number(number, form.NATIONAL if home else form.INTERNATIONAL)
    if scheme == POST:
        return ", ".join(value.splitlines())
    return value if is_typed(scheme) else value.rpartition(":")[2]


def mask(scheme: str, value: str) -> str:
    """How an address is shown where a passer-by may look along: enough to recognise one's own."""
    if scheme == EMAIL:
        local, _at, domain = value.partition("@")
        return f"{local[:1]}…@{domain}"
    if scheme == PHONE:
        shown = display(scheme, value)
        return f"{shown[: 3 if shown.startswith('+') else 2]} … {value[-2:]}"
    if not is_typed(scheme):
        return ""  # a number that its owner never saw
    return value.splitlines()[0] if value else ""


def is_typed(scheme: str) -> bool:
    """Whether people know such an address: else a provider made it up."""
    return scheme not in SCHEMES or SCHEMES[scheme].typed
