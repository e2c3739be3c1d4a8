"""Canned answers: put into an answer by `/` and a word, and made by administrators."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from i18nfield.forms import I18nFormField
from i18nfield.strings import LazyI18nString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from contacts.models import CannedAnswer, Case, Organisation, User
from portal.desk import pages
from portal.desk.administration import edited, language_name, log_removal, page, show
from portal.desk.case import find
from portal.desk.fields import LanguageAreas

MOST = 300  # in one list at the composer
PLACEHOLDERS = ("customer", "agent")
HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Option:
    """A canned answer as it would stand in the answer. `language`: where it is not theirs."""

    answer: CannedAnswer
    text: str
    language: str = ""


def options(case: Case, agent: User) -> list[Option]:
    """All for this case, those of its topic first. One query, by canned_answer_once."""
    rows = CannedAnswer.objects.filter(organisation=case.organisation_id).select_related("topic")
    found = sorted(rows[:MOST], key=lambda row: row.topic_id != case.topic_id or not row.topic_id)
    top = case.customer.top
    values = {"customer": top.name or case.customer.name, "agent": agent.public_name}
    return [_option(row, case.language, values) for row in found]


def _option(row: CannedAnswer, language: str, values: Mapping[str, str]) -> Option:
    texts = _texts(row.text)
    if written := texts.get(language):
        return Option(row, filled(written, values))
    other, text = next(((code, text) for code, text in texts.items() if text), ("", ""))
    return Option(row, filled(text, values), language_name(other) if other else "")


def _texts(value: LazyI18nString | str) -> dict[str, str]:
    data = getattr(value, "data", value)
    return data if isinstance(data, dict) else {"": str(data or "")}


def filled(text: str, values: Mapping[str, str]) -> str:
    """With the names in it; "Hello {customer}," is "Hello," where nobody knows the name."""

    def name(found: re.Match[str]) -> str:
        if found[2] not in values:
            return found[0]
        value = values[found[2]]
        return f"{found[1]}{value}" if value else ""

    return re.sub(r"( ?)\{(\w+)\}", name, text)


def offer(request: HttpRequest, reference: str) -> HttpResponse:
    """The list at the composer of a case; an open page asks for it once."""
    case, agent = find(request, reference), pages.staff_of(request)
    return pages.part(request, "desk/_canned.html", options=options(case, agent), case=case)


class CannedAnswerForm(forms.ModelForm):
    """One canned answer."""

    text = I18nFormField(
        label=gettext_lazy("Text"),
        widget=LanguageAreas,
        max_length=4000,
        help_text=gettext_lazy(
            "{customer} becomes the customer's name, {agent} the first name of who answers."
        ),
        error_messages={"required": gettext_lazy("Write the text in at least one language.")},
    )

    class Meta:
        model = CannedAnswer
        fields = ["word", "text", "topic"]
        widgets = {
            "word": UnfoldAdminTextInputWidget(attrs={"class": "adm-mono", "spellcheck": "false"}),
            "topic": UnfoldAdminSelectWidget,
        }
        help_texts = {
            "word": gettext_lazy("Agents type it after a /, like /hours."),
            "topic": gettext_lazy("In cases of this topic it stands first."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        topic: Any = self.fields["topic"]
        topic.empty_label = _("No topic")

    def clean_word(self) -> str:
        """Once in an organisation, however it is written."""
        word = str(self.cleaned_data["word"]).lower()
        rows = CannedAnswer.objects.filter(organisation=self.instance.organisation, word=word)
        if rows.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is one with this word already."))
        return word

    def clean_text(self) -> LazyI18nString:
        """Whatever else stands in braces would go to customers as it is."""
        text: LazyI18nString = self.cleaned_data["text"]
        holes = {name for words in _texts(text).values() for name in HOLE.findall(words or "")}
        if wrong := sorted(holes - set(PLACEHOLDERS)):
            raise ValidationError(
                _("Nothing is known for {%(name)s}: use {customer} or {agent}.")
                % {"name": wrong[0]}
            )
        return text


def overview(request: HttpRequest) -> HttpResponse:
    """The list, by the words."""
    rows = CannedAnswer.objects.select_related("topic")
    return show(request, "desk/admin_canned.html", title=_("Canned answers"), rows=rows)


def add(request: HttpRequest) -> HttpResponse:
    """A new one."""
    return _edit(request, CannedAnswer(organisation=Organisation.current()))


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one."""
    return _edit(request, get_object_or_404(CannedAnswer, pk=pk))


def _edit(request: HttpRequest, row: CannedAnswer) -> HttpResponse:
    title = str(row) if row.pk else _("New canned answer")
    if row.organisation.pk is None:
        messages.error(request, _("Name the organisation first."))
        return redirect("admin:organisation")
    return edited(
        request,
        CannedAnswerForm(request.POST or None, instance=row),
        title=title,
        template="desk/admin_canned_one.html",
        home="admin:canned_answers",
        said=_("Saved. Agents have it at once."),
    )


def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """What was sent by it stays."""
    row = get_object_or_404(CannedAnswer, pk=pk)
    with transaction.atomic():
        log_removal(request, row)
        row.delete()
    messages.success(request, _("%(name)s is removed.") % {"name": row})
    return redirect("admin:canned_answers")


def urls() -> list[URLPattern]:
    """The pages under /admin/canned/, and the list at a composer."""
    return [
        pages.page("cases/<str:reference>/canned/", pages.reading(offer), "case_canned"),
        page("canned/", overview, "canned_answers"),
        page("canned/new/", add, "canned_answer_add"),
        page("canned/<int:pk>/", edit, "canned_answer"),
        page("canned/<int:pk>/remove/", remove, "canned_answer_remove", post=True),
    ]
