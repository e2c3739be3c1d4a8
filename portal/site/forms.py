"""What customers type: bounds, clear messages, and everything kept when something is wrong."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts import addresses
from contacts.files import File, FileRefused, check, uploaded
from contacts.kinds import EMAIL, PHONE, POST
from contacts.models import Case, Identity, Topic
from contacts.services import MAX_TEXT, clean_text
from portal import times
from portal.site.suggested import MATTERS
from portal.site.ways import Way

MAX_NAME = 200
MAX_TYPED = 1_000  # characters of any short field that we put back into the page


@dataclass(frozen=True)
class Problem:
    """A line of the summary on top of a page, linked to the field."""

    text: str
    anchor: str = ""


class Typed:
    """The posted words of one form, and what is wrong with them."""

    def __init__(self, data: QueryDict | None = None) -> None:
        self.data = data
        self.errors: dict[str, list[str]] = {}

    def get(self, name: str, limit: int = MAX_TYPED) -> str:
        """A short field as it was typed; NUL cannot be shown or stored."""
        value = str(self.data.get(name, "")) if self.data is not None else ""
        return value.replace("\x00", "")[:limit].strip()

    def has(self, name: str) -> bool:
        """Whether the field was posted."""
        return self.data is not None and name in self.data

    def text(self, name: str = "text") -> str:
        """A long field as it was typed, whole."""
        return clean_text(str(self.data.get(name, ""))) if self.data is not None else ""

    def fail(self, name: str, error: object) -> None:
        """Note what is wrong with a field."""
        texts = getattr(error, "messages", None) or [str(error)]
        self.errors.setdefault(name, []).extend(texts)

    @property
    def problems(self) -> list[Problem]:
        """The summary, one line a field, in the order in which they were found."""
        return [Problem(texts[0], anchor=name) for name, texts in self.errors.items()]


def text_of(typed: Typed, *, name: str = "text", empty: str) -> str:
    """The words of a question or an answer: not empty, not longer than we store."""
    text = typed.text(name)
    if not text:
        typed.fail(name, empty)
    elif len(text) > MAX_TEXT:
        values = {"count": _number(len(text)), "most": _number(MAX_TEXT)}
        typed.fail(
            name,
            _(
                "Your text has %(count)s characters; at most %(most)s fit."
                " Please shorten it, or add the rest as a file."
            )
            % values,
        )
    return text


def _number(count: int) -> str:
    return str(number_format(count, use_l10n=True, force_grouping=True))


def files_of(request: HttpRequest, typed: Typed) -> list[File]:
    """The files that came along, read in bounds; what we refuse is said by name."""
    sent = request.FILES.getlist("files")[: settings.MAX_FILES + 1]
    files = [uploaded(upload) for upload in sent]
    try:
        check(files)
    except FileRefused as error:
        typed.fail("files", error)
        files = []
    if typed.errors and sent:
        typed.errors.setdefault("files", []).append(
            ngettext(
                "Please add your file again: a browser cannot keep it.",
                "Please add your files again: a browser cannot keep them.",
                len(sent),
            )
        )
    return files


def client_key_of(typed: Typed) -> uuid.UUID | None:
    """The mark of this form, so that a double click is one question."""
    try:
        return uuid.UUID(typed.get("client_key"))
    except ValueError:
        return None


@dataclass
class Wanted:
    """The way that a customer chose, checked. `address` is what was typed."""

    way: Way
    address: str = ""
    name: str = ""
    wish: str = ""
    time: str = ""  # of a call, to be booked once the question is there

    @property
    def identity(self) -> Identity | None:
        """The known address that was chosen."""
        return self.way.identity


def way_of(typed: Typed, ways: Iterable[Way]) -> Wanted | None:
    """Read the chosen row with its own fields; None with an error where something is missing."""
    value = typed.get("way")
    if not value:
        typed.fail("way", _("Please choose how we shall answer."))
        return None
    way = next((way for way in ways if way.value == value), None)
    if way is None:
        typed.fail("way", _("This way is not offered any more. Please choose another one."))
        return None
    wanted = Wanted(way, wish=_wish(typed, way))
    if times.is_time(wanted.wish):
        wanted.time, wanted.wish = wanted.wish, ""
    if way.asks_address:
        if way.kind.scheme == POST:
            wanted.name = typed.get(way.name_id, MAX_NAME)
            if not wanted.name:
                typed.fail(way.name_id, _("Please write your name: it stands on the letter."))
            wanted.wish = wanted.name
        wanted.address = _address(typed, way)
    return None if typed.errors.keys() & {way.address_id, way.name_id, way.wish_name} else wanted


def _wish(typed: Typed, way: Way) -> str:
    if way.kind.scheme == POST:
        return way.wish  # the name that this address has now
    wish = typed.get(way.wish_name)
    if way.times and times.is_time(wish):
        return wish  # perhaps it was taken meanwhile, which is said when it is booked
    if way.kind.by_appointment:
        return times.CHOOSE  # whatever was posted: without a time nothing can be done
    if way.wishes:
        known = {value for value, _words, _chosen in way.wishes}
        return wish if wish in known else "soon"
    branches = [branch.slug for branch in way.branches]
    if len(branches) == 1:
        return branches[0]
    if branches and wish not in branches:
        typed.fail(way.wish_name, _("Please choose where you want to come."))
    return wish if wish in branches else ""


def _address(typed: Typed, way: Way) -> str:
    raw = str(typed.data.get(way.address_id, "")) if typed.data is not None else ""
    if not raw.strip():
        typed.fail(way.address_id, _missing(way.kind.scheme))
        return ""
    if way.kind.scheme == POST and "\n" not in raw.strip():
        raw = re.sub(r"\s*,\s*", "\n", raw)  # "High Street 1, 1234 AB Town" on one line
    try:
        return addresses.normalise(way.kind.scheme, raw)
    except addresses.InvalidAddress as error:
        typed.fail(way.address_id, error)
        return ""


def _missing(scheme: str) -> str:
    return {
        EMAIL: _("Please write your e-mail address."),
        PHONE: _("Please write your phone number."),
    }.get(scheme, _("Please write your address."))


def topic_of(typed: Typed, topics: Iterable[Topic]) -> Topic | None:
    """The chosen topic; one that is gone is said, one that was never chosen is none."""
    slug = typed.get("topic")
    if not slug:
        return None
    topic = next((topic for topic in topics if topic.slug == slug), None)
    if topic is None:
        typed.fail("topic", _("This topic is not offered any more. Please choose another one."))
    return topic


def how_soon_of(typed: Typed) -> str:
    """Now, today, it can wait; anything else is nothing."""
    value = typed.get("how_soon")
    return value if value in Case.HowSoon.values else ""


def matters_of(typed: Typed) -> str:
    """What matters most to them; anything else than the answers on the page is nothing."""
    value = typed.get("matters")
    return value if value in MATTERS else ""


def context(typed: Typed, *names: str, **fields: Any) -> dict[str, Any]:
    """What a page needs of a form: the words that were typed, and what is wrong."""
    words = {name: typed.get(name) for name in names}
    key = client_key_of(typed) or uuid.uuid4()
    form = {"errors": typed.errors, "text": typed.text(), "client_key": key, **words, **fields}
    return {"form": form, "problems": typed.problems}
