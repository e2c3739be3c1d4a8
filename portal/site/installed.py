"""The site as an app: its manifest, its service worker, and what is shown without a connection."""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import condition, require_safe

from contacts.models import Organisation
from portal.context import Site, site_of
from portal.site import brand, home_icons

FORMAT = 1  # raise it when the offline page's own text changes, or browsers keep the old one
SHORT = 12  # signs that stand below an icon
PAGE = "#f5f6f9"  # --page of site.css


def short(name: str) -> str:
    """As many words of a name as stand below an icon; at least the first."""
    words = name.split()
    while len(words) > 1 and len(" ".join(words)) > SHORT:
        words.pop()
    return " ".join(words)


def _language_of(request: HttpRequest) -> str:
    """The language that its link names; a manifest is fetched without cookies."""
    given = request.GET.get("lang", "")
    return given if given in dict(settings.LANGUAGES) else translation.get_language() or "en"


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """How the site stands on a home screen."""
    organisation, language = site_of(request).organisation, _language_of(request)
    with translation.override(language):
        said = {
            "id": "/",
            "name": organisation.name,
            "short_name": short(organisation.name),
            "lang": language,
            "start_url": reverse("site:start"),
            "scope": "/",
            "display": "standalone",
            "background_color": PAGE,
            "theme_color": brand.light(organisation.brand_colour)["brand"],
            "icons": [_icon(organisation, name) for name in ("192", "512", "maskable")],
            "shortcuts": [
                {"name": _("Ask a question"), "url": reverse("site:start")},
                {"name": _("My questions"), "url": reverse("site:questions")},
            ],
        }
    response = JsonResponse(said, content_type="application/manifest+json")
    patch_cache_control(response, public=True, max_age=3600)
    return response


def _icon(organisation: Organisation, name: str) -> dict[str, str]:
    side = home_icons.SHAPES[name].side
    return {
        "src": _picture(organisation, name),
        "sizes": f"{side}x{side}",
        "type": "image/png",
        "purpose": "maskable" if name == "maskable" else "any",
    }


def _picture(organisation: Organisation, name: str) -> str:
    return f"{reverse('site:home_icon', args=[name])}?v={home_icons.version(organisation)}"


def _worker(site: Site) -> dict[str, Any]:
    """What the service worker keeps: the offline page in each language, and what that shows."""
    organisation = site.organisation
    languages = [code for code, _name in site.languages] or [settings.LANGUAGE_CODE]
    icon = _picture(organisation, "192")
    said = f"{FORMAT} {organisation.name} {organisation.phone} {site.logo_url}"
    return {
        "version": hashlib.sha256(said.encode()).hexdigest()[:10],
        "pages": {code: reverse("site:offline", args=[code]) for code in languages},
        "kept": [static("portal/offline.css"), site.brand_url, icon],
        "icon": icon,
        "moved": reverse("site:device_moved"),
    }


def _etag(request: HttpRequest) -> str:
    return f'"{hashlib.sha256(_said(request).encode()).hexdigest()[:20]}"'


def _said(request: HttpRequest) -> str:
    return json.dumps(_worker(site_of(request)), sort_keys=True)


@require_safe
@condition(etag_func=_etag)
def service_worker(request: HttpRequest) -> HttpResponse:
    """What stands beside the pages in the browser; browsers look for a new one at every page."""
    response = render(
        request, "site/service-worker.js", {"app": _said(request)}, content_type="text/javascript"
    )
    response["Service-Worker-Allowed"] = "/"
    patch_cache_control(response, no_cache=True)
    return response


@require_safe
def offline(request: HttpRequest, language: str) -> HttpResponse:
    """The page for who has no connection. It holds nothing of anybody: a browser keeps it."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        icon = _picture(site_of(request).organisation, "192")
        response = render(request, "site/offline.html", {"icon": icon, "language": language})
    response["Content-Language"] = language
    patch_cache_control(response, no_cache=True)
    return response
