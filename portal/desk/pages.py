"""What the agents' pages share: who may enter, the frame, answers to a change."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import Resolver404, URLPattern, path, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from contacts.models import User

View = Callable[..., HttpResponse]


def page(route: str, view: View, name: str, *, post: bool = False) -> URLPattern:
    """One page of the desk; `post`: a change, which only a POST may make."""
    methods = ["POST"] if post else ["GET", "HEAD", "POST"]
    guarded = after_sign_in(admin.site.admin_view(require_http_methods(methods)(view)))
    guarded.is_button = post  # type: ignore[attr-defined]
    return path(route, guarded, name=name)


def after_sign_in(view: View) -> View:
    """Who was signed out meanwhile comes back to the page with the button, not to the button."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not admin.site.has_permission(request):
            is_form = request.method == "POST"
            return _to_the_door(request) if is_form else view(request, *args, **kwargs)
        response = view(request, *args, **kwargs)
        return _only_a_button(request) if response.status_code == 405 else response

    return guarded


def _to_the_door(request: HttpRequest) -> HttpResponse:
    return redirect_to_login(page_before(request), reverse("admin:login"))


def _only_a_button(request: HttpRequest) -> HttpResponse:
    response = show(
        request,
        "desk/error.html",
        title=_("There is nothing at this address"),
        status=405,
        text=_("It belongs to a button. Go back, and press it there."),
        goal=nearest_page(request.path),
    )
    response.headers["Allow"] = "POST"
    return response


def page_before(request: HttpRequest) -> str:
    """The page of the desk that a form stood on; the desk itself where that is not known.

    A form that came back with errors stands at its button's own address, which only a POST may
    reach: then it is the nearest page above it.
    """
    before = urlsplit(request.headers.get("Referer", ""))
    if before.netloc != request.get_host() or not before.path.startswith("/admin/"):
        return reverse("admin:index")
    if _is_page(before.path):
        return f"{before.path}?{before.query}" if before.query else before.path
    return nearest_page(before.path)


def nearest_page(address: str) -> str:
    """The first page above an address."""
    above = address
    while True:
        above = above.rstrip("/").rpartition("/")[0] + "/"
        if _is_page(above):
            return above


def _is_page(address: str) -> bool:
    """Whether a link may lead there: it has a name (the admin answers any address), and no POST."""
    try:
        match = resolve(address)
    except Resolver404:
        return address == "/"
    return bool(match.url_name) and not getattr(match.func, "is_button", False)


def reading(view: View) -> View:
    """A page that changes nothing, for GET alone."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    return require_http_methods(["GET", "HEAD"])(guarded)


def staff_of(request: HttpRequest) -> User:
    """The staff member who is signed in."""
    return cast(User, request.user)


def show(
    request: HttpRequest, template: str, *, title: Any, status: int = 200, **context: Any
) -> TemplateResponse:
    """A page in the desk's frame."""
    request.current_app = admin.site.name
    frame = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, template, frame, status=status)


def part(request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
    """A piece of a page, for a page that is open already."""
    return TemplateResponse(request, template, context)


def done(request: HttpRequest, text: str, *, undo: str = "") -> None:
    """Say what happened; `undo` is the address that takes it back by POST."""
    messages.success(request, text, extra_tags=undo)


def back(request: HttpRequest, fallback: str) -> HttpResponse:
    """Back to where the form was, if that is a page of ours."""
    goal = request.POST.get("next", "")
    if not (goal.startswith("/") and url_has_allowed_host_and_scheme(goal, allowed_hosts=None)):
        goal = fallback
    return redirect(goal)
