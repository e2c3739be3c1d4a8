"""What the administrators' pages share: who may enter, the line in the log, an order.

URL names, all in the namespace `admin`: organisation, channels, topics, staff, teams, quarantine,
and `troubles` (answers that did not arrive), which agents see as well.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.utils import construct_change_message
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import get_language_info
from django.views.decorators.http import require_POST

from contacts.models import User
from portal import lately
from portal.desk.pages import after_sign_in, show, staff_of

__all__ = [
    "administrators_only",
    "at_the_end",
    "edited",
    "language_name",
    "log",
    "log_change",
    "log_removal",
    "moved",
    "page",
    "save",
    "show",
    "staff_of",
]
View = Callable[..., HttpResponse]


def administrators_only(view: View) -> View:
    """Agents and others get 403; who is not signed in was sent to the sign-in page before."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not isinstance(request.user, User) or not request.user.is_administrator:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def page(route: str, view: View, name: str, *, post: bool = False) -> URLPattern:
    """One page of the administrators, inside the admin site; `post`: a button's address."""
    view = require_POST(view) if post else view
    guarded = after_sign_in(admin.site.admin_view(administrators_only(view)))
    guarded.is_button = post  # type: ignore[attr-defined]
    return path(route, guarded, name=name)


def log(request: HttpRequest, row: models.Model, message: str | list[Any], *, flag: int) -> None:
    """Write down who changed what; never a value, only which fields."""
    transaction.on_commit(lately.forget)
    LogEntry.objects.log_actions(
        user_id=staff_of(request).pk, queryset=[row], action_flag=flag, change_message=message
    )


def log_change(request: HttpRequest, row: models.Model, message: str) -> None:
    """A change that was no form: moved, paused, tested."""
    log(request, row, message, flag=CHANGE)


def log_removal(request: HttpRequest, row: models.Model) -> None:
    """Before the row goes."""
    log(request, row, "", flag=DELETION)


def save(request: HttpRequest, form: forms.ModelForm) -> Any:
    """Save a valid form and write down which fields changed."""
    is_new = form.instance.pk is None
    with transaction.atomic():
        row = form.save()
        message = construct_change_message(cast(forms.Form, form), [], is_new)
        log(request, row, message, flag=ADDITION if is_new else CHANGE)
    return row


def edited(
    request: HttpRequest,
    form: forms.ModelForm,
    *,
    title: str,
    template: str,
    home: str,
    said: str,
    within: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> HttpResponse:
    """The page of one row; once it is saved, its list (`home`). `within`: what watches saving."""
    is_new = form.instance.pk is None
    if request.method == "POST" and form.is_valid():
        with transaction.atomic(), within():
            save(request, form)
        messages.success(request, said)
        return redirect(home)
    status = 422 if form.errors else 200
    return show(request, template, title=title, form=form, is_new=is_new, status=status)


def at_the_end(row: Any) -> Any:
    """A new row, with its place after all others."""
    last = type(row).objects.aggregate(last=models.Max("position"))["last"]
    row.position = 0 if last is None else last + 1
    return row


def moved(request: HttpRequest, row: Any, rows: Iterable[Any], home: str) -> HttpResponse:
    """One place up or down within its list, and back to it."""
    with transaction.atomic():
        if _move(list(rows), row, request.POST.get("to") == "up"):
            log_change(request, row, "Moved.")
    return redirect(home)


def _move(rows: list[Any], row: Any, up: bool) -> bool:
    """Move a row one place within its list, and renumber the list; False at the end of it."""
    place = next(i for i, other in enumerate(rows) if other.pk == row.pk)
    goal = place - 1 if up else place + 1
    if not 0 <= goal < len(rows):
        return False
    rows[place], rows[goal] = rows[goal], rows[place]
    with transaction.atomic():
        for position, other in enumerate(rows):
            if other.position != position:
                # Not save(): an order is no new version of a channel.
                type(other).objects.filter(pk=other.pk).update(position=position)
    return True


def language_name(code: str) -> str:
    """A language by its own name: English, Nederlands."""
    return str(get_language_info(code)["name_local"]).capitalize()
