"""Form fields of the administrators: texts in two languages, weekly hours, a secret's name."""

import os
import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.dates import WEEKDAYS
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from i18nfield.forms import I18nWidget
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from channels_app import hours

SPANS = 2  # a morning and an afternoon
ENDS = ("from", "to")


class LanguageInputs(I18nWidget):
    """One input per language, each with its language in front of it."""

    widget = UnfoldAdminTextInputWidget

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Every language of the portal, also those that the organisation does not use yet."""
        values = value if isinstance(value, list) else self.decompress(value)
        label = str(self.field.label or name)
        inputs = []
        for place, (code, widget) in enumerate(zip(self.locales, self.widgets, strict=True)):
            own = {
                **(attrs or {}),
                "id": f"id_{name}_{place}",
                "aria-label": f"{label} ({dict(settings.LANGUAGES)[code]})",
            }
            text = values[place] if place < len(values) else None
            inputs.append((code, widget.render(f"{name}_{place}", text, own, renderer)))
        return render_to_string("desk/admin_languages.html", {"inputs": inputs, "id": f"id_{name}"})


class LanguageAreas(LanguageInputs):
    """The same with room for lines."""

    widget = UnfoldAdminTextareaWidget


class WeekWidget(forms.Widget):
    """A grid of seven days with two spans each, or always open."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """What was typed, as typed: it is shown again when something is wrong."""
        if data.get(f"{name}_always") == "1":
            return {}
        return {
            day: [
                [data.get(f"{name}_{day}_{span}_{end}", "").strip() for end in ENDS]
                for span in range(SPANS)
            ]
            for day in hours.DAYS
        }

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """All of it is always in the form."""
        return False

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The grid; empty cells are closed."""
        week: Mapping[str, Any] = value or {}
        rows = []
        for number, day in enumerate(hours.DAYS):
            spans = [*week.get(day, []), *([["", ""]] * SPANS)][:SPANS]
            rows.append((day, WEEKDAYS[number], list(enumerate(spans))))
        return render_to_string(
            "desk/admin_week.html",
            {"name": name, "rows": rows, "always": not week, "attrs": attrs or {}},
        )


class WeekField(forms.Field):
    """Weekly hours as channels_app.hours reads them."""

    widget = WeekWidget

    def clean(self, value: Any) -> dict[str, list[list[str]]]:
        """Drop empty spans; refuse half ones, and days whose times do not follow each other."""
        if not value:
            return {}
        week, errors = {}, []
        for number, (day, spans) in enumerate(value.items()):
            filled = [span for span in spans if any(span)]
            try:
                if any(not all(span) for span in filled):
                    raise ValueError(_("Write both times of a span, or none."))
                hours.parse({day: filled})
            except ValueError as error:
                errors.append(f"{WEEKDAYS[number]}: {error}")
            if filled:
                week[day] = filled
        if not errors:
            errors += _of_the_week(week)
        if not week and not errors:
            errors.append(_("Write the hours of at least one day, or choose Always open."))
        if errors:
            raise ValidationError(errors)
        return week

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what would be stored."""
        try:
            return (initial or {}) != self.clean(data)
        except ValidationError:
            return True


def _of_the_week(week: dict[str, Any]) -> list[str]:
    """What is wrong between one day and the next."""
    try:
        hours.parse(week)
    except ValueError as error:
        return [str(error)]
    return []


class DayWidget(forms.Widget):
    """One row of that grid: the hours of a single day."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """What was typed, as typed."""
        return [
            [data.get(f"{name}_{span}_{end}", "").strip() for end in ENDS] for span in range(SPANS)
        ]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """All of it is always in the form."""
        return False

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Two spans; empty is closed."""
        spans = [*(value or []), *([["", ""]] * SPANS)][:SPANS]
        context = {"name": name, "spans": list(enumerate(spans)), "attrs": attrs or {}}
        return render_to_string("desk/admin_day.html", context)


class DayField(forms.Field):
    """The hours of one day as channels_app.hours reads them; none is closed."""

    widget = DayWidget

    def clean(self, value: Any) -> list[list[str]]:
        """Drop empty spans; refuse half ones, and times that do not follow each other."""
        filled = [span for span in value or [] if any(span)]
        if any(not all(span) for span in filled):
            raise ValidationError(_("Write both times of a span, or none."))
        try:
            hours.parse_day(filled)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        return filled


class ReferenceField(forms.CharField):
    """The name of an environment variable that holds a secret: the secret itself is never typed."""

    default_error_messages = {
        "no_name": gettext_lazy(
            "Write only the name of the variable, in capitals, like EMAIL_URL. The value itself"
            " belongs in the environment of the portal, not here."
        ),
        "misnamed": gettext_lazy(
            "The value of this variable goes to browsers: its name must end in %(ending)s."
        ),
    }

    def __init__(self, *, ending: str = "", **kwargs: Any) -> None:
        self.ending = ending
        widget = UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "adm-mono"}
        )
        super().__init__(max_length=100, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        """The reference as it is stored (env:NAME), or nothing."""
        name = super().clean(value).strip().removeprefix("env:")
        if name and not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise ValidationError(self.error_messages["no_name"], code="no_name")
        if name and not name.endswith(self.ending):
            words = self.error_messages["misnamed"] % {"ending": self.ending}
            raise ValidationError(words, code="misnamed")
        return f"env:{name}" if name else ""

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed stands there again, unless it may be the secret itself."""
        return data if re.fullmatch(r"[\w:]*", data or "") else ""

    def prepare_value(self, value: Any) -> Any:
        """Without the prefix, which the page shows in front of the field."""
        return value.removeprefix("env:") if isinstance(value, str) else value

    @staticmethod
    def is_set(reference: str) -> bool:
        """Whether the variable has a value on this machine; the value is never shown."""
        return bool(os.environ.get(reference.removeprefix("env:")))
