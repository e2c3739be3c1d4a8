"""What a program may send: every field by name, of the right type, in bounds. Unknown ones fail."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request

from channels_app.todos import WISHES
from contacts.addresses import MAX_LENGTH
from contacts.files import File, FileRefused, check, uploaded
from contacts.kinds import KINDS
from contacts.models import Case, Message
from contacts.services import MAX_TEXT
from portal.api.paging import LARGEST, PAGE
from portal.api.problems import Invalid

ADDRESS = "An e-mail address, a phone number, or a postal address in two lines, as the kind asks."
WISH = f"For a call its moment ({', '.join(WISHES)}); for a visit the slug of a place."


class Text(serializers.CharField):
    """Text, and not a number that looks like one."""

    default_error_messages = {"invalid": gettext_lazy("This has to be a text.")}

    def to_internal_value(self, data: Any) -> str:
        """The text without blanks around it."""
        if not isinstance(data, str):
            self.fail("invalid")
        value: str = super().to_internal_value(data)
        return value


class Number(serializers.IntegerField):
    """A whole number, and not a text that looks like one."""

    def to_internal_value(self, data: Any) -> int:
        """The number."""
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        """Nothing else counts."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Kind(serializers.ChoiceField):
    """The name of a sort of channel."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(KINDS), **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """One of the names."""
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return str(super().to_internal_value(data))


class Asked(serializers.Serializer):
    """A request's body or query: what is not declared is refused by name, not dropped."""

    def to_internal_value(self, data: Any) -> Any:
        """The declared fields, checked."""
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            text = _("There is no such field.")
            raise serializers.ValidationError({name[:100]: [text] for name in unknown[:20]})
        return super().to_internal_value(data)


class Files(serializers.Serializer):
    """Files of a form; refused by the same rules as on the pages."""

    files = serializers.ListField(
        child=serializers.FileField(max_length=1000),
        required=False,
        max_length=settings.MAX_FILES,
        help_text=f"At most {settings.MAX_FILES}, each of at most 10 MB.",
    )


class OpenCase(Asked):
    """A question, and how the customer wants the answer."""

    text = Text(max_length=MAX_TEXT, help_text="The question in the customer's words.")
    kind = Kind(help_text="How to answer: a kind that /channels/ offers.")
    address = Text(max_length=MAX_LENGTH, required=False, allow_blank=True, help_text=ADDRESS)
    name = Text(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="The customer's name; a letter needs it.",
    )
    wish = Text(max_length=64, required=False, allow_blank=True, help_text=WISH)
    came_by = Kind(required=False, help_text="How the question came; account if left out.")
    title = Text(max_length=200, required=False, allow_blank=True)
    about = Text(
        max_length=200, required=False, allow_blank=True, help_text="An order, a product, a page."
    )
    topic = Text(
        max_length=50, required=False, allow_blank=True, help_text="The slug of an offered topic."
    )
    how_soon = serializers.ChoiceField(choices=Case.HowSoon.values, required=False)
    language = serializers.ChoiceField(
        choices=[code for code, _name in settings.LANGUAGES], required=False
    )


class OpenCaseForm(OpenCase, Files):
    """The same as a form, with files."""


class Write(Asked):
    """What the customer said, or (`direction` out) an answer to it."""

    direction = serializers.ChoiceField(
        choices=[Message.Direction.IN.value, Message.Direction.OUT.value],
        required=False,
        help_text="in: the customer's words (the default). out: an answer, with cases:answer.",
    )
    text = Text(
        max_length=MAX_TEXT,
        required=False,
        allow_blank=True,
        help_text="Only a message with files can do without.",
    )
    kind = Kind(
        required=False,
        help_text="in: how it came, account if left out. out: by which kind to answer; left out, "
        "by the customer's choice.",
    )
    why_text = Text(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="out: the reason for another kind than the customer's.",
    )


class WriteForm(Write, Files):
    """The same as a form, with files."""


class Switch(Asked):
    """From now on, or once, by another way."""

    kind = Kind(help_text="A kind that /channels/ offers.")
    address = Text(
        max_length=MAX_LENGTH,
        required=False,
        allow_blank=True,
        help_text=f"{ADDRESS} Left out: the one that this case used last.",
    )
    wish = Text(max_length=64, required=False, allow_blank=True, help_text=WISH)
    once = Flag(required=False, help_text="For the next answer only.")


class Undo(Asked):
    """Which switch to take back."""

    choice = Number(min_value=1, max_value=2**63 - 1, help_text="The id of the newest choice.")


class PageQuery(Asked):
    """Which part of a list."""

    limit = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST,
        required=False,
        help_text=f"Rows a page; {PAGE} if left out.",
    )
    cursor = serializers.CharField(
        max_length=300, required=False, help_text="From `next` of the page before."
    )


class CasesQuery(PageQuery):
    """Which cases."""

    state = serializers.ChoiceField(choices=Case.State.values, required=False)
    changed_since = serializers.DateTimeField(
        required=False, help_text="Only those that changed at or after that moment."
    )


class NoQuery(Asked):
    """An address that takes no query."""


def body(request: Request, shape: type[Asked], form: type[Asked] | None = None) -> dict[str, Any]:
    """The checked body. Raises ValidationError."""
    is_form = request.content_type.startswith("multipart/")
    filled = (form if form and is_form else shape)(data=request.data)
    filled.is_valid(raise_exception=True)
    return dict(filled.validated_data)


def query(request: Request, shape: type[Asked] = NoQuery) -> dict[str, Any]:
    """The checked query. Raises ValidationError."""
    filled = shape(data=request.query_params)
    filled.is_valid(raise_exception=True)
    return dict(filled.validated_data)


def files(values: dict[str, Any]) -> list[File]:
    """The files of a form, read in bounds. Raises Invalid."""
    found = [uploaded(upload) for upload in values.get("files", [])]
    try:
        check(found)
    except FileRefused as error:
        raise Invalid("files", error) from None
    return found
