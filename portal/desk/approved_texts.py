"""Texts that a provider approved: one a language, exactly as the provider knows them."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from channels_app.models import Channel, Template
from portal.desk.administration import language_name, log_removal, page, save, show


class TemplateForm(forms.ModelForm):
    """One text; its channel and language stand in the address of the page."""

    class Meta:
        model = Template
        fields = ["name", "body", "state"]
        widgets = {
            "name": UnfoldAdminTextInputWidget(attrs={"class": "adm-mono", "spellcheck": "false"}),
            "body": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
            "state": UnfoldAdminSelectWidget,
        }


def of(channel: Channel) -> list[dict[str, Any]]:
    """Each language with its text, for the channel's page; none where there is no window."""
    if channel.pk is None or not channel.capabilities.templates:
        return []
    found = {row.language: row for row in channel.templates.all()}
    return [
        {"code": code, "name": language_name(code), "text": found.get(code)}
        for code, _name in settings.LANGUAGES
    ]


def edit(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """Write down, or change, the text of one language."""
    channel = _channel(pk, language)
    row = channel.templates.filter(language=language).first()
    row = row or Template(channel=channel, language=language)
    form = TemplateForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        save(request, form)
        messages.success(request, _("Saved."))
        return redirect("admin:channel", pk)
    return show(
        request,
        "desk/admin_approved_text.html",
        title=_("Approved text: %(language)s") % {"language": language_name(language)},
        form=form,
        channel=channel,
        language=language,
        is_new=row.pk is None,
        status=422 if form.errors else 200,
    )


def remove(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """Use it no more."""
    row = get_object_or_404(Template, channel=_channel(pk, language), language=language)
    log_removal(request, row)
    row.delete()
    messages.success(request, _("%(name)s is removed.") % {"name": row.name})
    return redirect("admin:channel", pk)


def _channel(pk: int, language: str) -> Channel:
    channel = get_object_or_404(Channel, pk=pk)
    if not channel.capabilities.templates or language not in dict(settings.LANGUAGES):
        raise Http404
    return channel


def urls() -> list[URLPattern]:
    """The pages under /admin/channels/<pk>/texts/."""
    base = "channels/<int:pk>/texts/<slug:language>/"
    return [
        page(base, edit, "channel_text"),
        page(base + "remove/", remove, "channel_text_remove", post=True),
    ]
