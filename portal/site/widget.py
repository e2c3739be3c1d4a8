"""The widget: the script for the organisation's own site, and the first page in its frame."""

import hashlib
import json
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import condition, require_safe

from contacts.kinds import CHAT, PHONE
from contacts.models import Case
from contacts.viewers import NOBODY
from portal import access
from portal.context import Site, site_of
from portal.site import brand, strips, ways
from portal.site.language import remember

MOST = 3  # questions that one may go on with
FRESH, STALE = 300, 86400  # seconds that a browser keeps the script, and shows it while it asks
ABOUT = ("topic", "about")  # what a page of the shop says in its tag, as in a link


@cache
def _source() -> str:
    return Path(__file__).with_name("widget.js").read_text().rstrip()


def _script(request: HttpRequest) -> str:
    """The whole script: a function, called with what is configured."""
    site = site_of(request)
    if not site.organisation.widget_origins:
        raise Http404
    return f"{_source()}({json.dumps(_config(site), sort_keys=True)});\n"


def _config(site: Site) -> dict[str, object]:
    colours = brand.light(site.organisation.brand_colour)
    languages = [code for code, _name in site.languages] or ["en"]
    return {
        "origins": site.organisation.widget_origins,
        "name": site.organisation.name,
        "tel": site.phone_href,
        "brand": colours["brand"],
        "strong": colours["brand-strong"],
        "first": languages[0],
        "words": {code: _words(site, code) for code in languages},
    }


def _words(site: Site, language: str) -> dict[str, str]:
    with translation.override(language):
        return {
            "open": _("Chat and contact"),
            "close": _("Close"),
            "call": _("Call %(number)s") % {"number": site.phone_number},
            "news": _("new message"),
            "title": _("Contact %(name)s") % {"name": site.organisation.name},
        }


def _etag(request: HttpRequest) -> str:
    return f'"{hashlib.sha256(_script(request).encode()).hexdigest()[:20]}"'


@require_safe
@condition(etag_func=_etag)
def script(request: HttpRequest) -> HttpResponse:
    """The script of the one tag; 404 while no page may show the widget."""
    response = HttpResponse(_script(request), content_type="text/javascript; charset=utf-8")
    patch_cache_control(response, public=True, max_age=FRESH, stale_while_revalidate=STALE)
    return response


def home(request: HttpRequest) -> HttpResponse:
    """The number first, then chat, then every other way; and the questions of this browser."""
    if "lang" in request.GET:
        return _begin(request)
    get_token(request)  # whether this cookie stays tells the page whether the browser keeps any
    rows = ways.make(site_of(request).board, timezone.now())
    # Shown below the number itself: "or let us call you".
    calls = next((way for way in rows if way.kind.name == PHONE), None)
    rows = [way for way in rows if way is not calls]
    context = {
        "calls": calls,
        "ways": sorted(rows, key=lambda way: way.kind.name != CHAT),
        "questions": _questions(request),
        "about": _about(request),
        "strips": strips.take(request),
    }
    return render(request, "site/widget.html", context)


def _begin(request: HttpRequest) -> HttpResponse:
    """The frame opens, in the language of its page: a chat goes on, else the ways are shown."""
    found, about = next(iter(_questions(request)), None), _about(request)
    if found is not None and found.answer_kind == CHAT:
        response = redirect("site:question", found.reference)
    else:
        response = redirect(f"{reverse('site:start')}{'?' if about else ''}{about}")
    if request.GET["lang"] in dict(site_of(request).languages):
        remember(response, request.GET["lang"])
    return response


def _about(request: HttpRequest) -> str:
    said = {name: request.GET.get(name, "")[:200] for name in ABOUT}
    return urlencode({name: value for name, value in said.items() if value})


def _questions(request: HttpRequest) -> list[Case]:
    """The open questions of this browser, the newest first; its keys are a few dozen at most."""
    viewer = access.viewer_of(request)
    if viewer == NOBODY:
        return []
    seen = Case.objects.visible_to(viewer).values_list(Coalesce("root", "pk"))
    listed = Case.objects.stems().filter(pk__in=seen, state=Case.State.OPEN)
    return list(listed.select_related("choice").order_by("-changed_at", "-pk")[:MOST])
