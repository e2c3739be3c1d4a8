"""What every address of the API shares: who may, how often, and what goes along with the answer."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import access
from portal.api import tokens
from portal.api.callers import Caller
from portal.api.problems import Problem, TooMany

WINDOW = 60  # seconds that a rate counts for
IN_ADDRESS = frozenset({"access_token", "token", "api_key", "apikey", "authorization", "bearer"})


class View(APIView):
    """One address. `needs` says by method which scopes open it, any of them."""

    needs: Mapping[str, tuple[str, ...]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Before the work: a token, not too often, allowed to."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "application/json"
        _refuse_token_in_address(request)
        self.perform_authentication(request)
        caller = self.caller
        self.counted = Counted(caller)
        self.counted.check()
        needed = self.needs.get((request.method or "").replace("HEAD", "GET"), ())
        if needed and not caller.scopes & set(needed):
            raise not_allowed(*needed)

    @property
    def caller(self) -> Caller:
        """Who calls."""
        caller: Caller = self.request.user
        return caller

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """The rate, a mark to ask again with, and nothing that a cache may keep for others."""
        done = super().finalize_response(request, response, *args, **kwargs)
        counted: Counted | None = getattr(self, "counted", None)
        if counted is not None:
            counted.show(done)
        patch_cache_control(done, private=True, no_cache=True)
        patch_vary_headers(done, ["Authorization"])
        done["X-Content-Type-Options"] = "nosniff"
        if request.method in ("GET", "HEAD") and isinstance(done, Response):
            done.add_post_render_callback(lambda ready: _marked(request, ready))
        return done


def not_allowed(*needed: str) -> Problem:
    """Which scope it would take."""
    return Problem("not-allowed", _("It needs the scope %(name)s.") % {"name": ", ".join(needed)})


class Counted:
    """One call of a caller, counted for this minute."""

    def __init__(self, caller: Caller) -> None:
        self.most = caller.rate
        self.count, self.seconds = access.counted(f"api:{caller.owner}", seconds=WINDOW)

    def check(self) -> None:
        """Raises TooMany."""
        if self.count > self.most:
            raise TooMany(self.seconds, _("Wait until the minute is over."))

    def show(self, response: HttpResponseBase) -> None:
        """Say in the answer how many calls are left."""
        response["RateLimit-Limit"] = str(self.most)
        response["RateLimit-Remaining"] = str(max(0, self.most - self.count))
        response["RateLimit-Reset"] = str(self.seconds)


def _refuse_token_in_address(request: Request) -> None:
    """Addresses stand in logs, histories and referrers."""
    for name, values in request.query_params.lists():
        if name.lower() in IN_ADDRESS or any(tokens.PREFIX in value for value in values):
            raise Problem(
                "token-in-address", _("Send it in the header, and make a new one: this is known.")
            )


def _marked(request: Request, response: Response) -> HttpResponse | None:
    """Give an answer its ETag; 304 where the caller has it already."""
    if response.status_code != 200:
        return None
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    have = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" not in have and etag not in {mark.removeprefix("W/") for mark in have}:
        return None
    same = HttpResponseNotModified()
    for name, value in response.items():
        if not name.lower().startswith("content-"):
            same[name] = value
    return same


class Nowhere(View):
    """Every other address under /api/: a problem, and not a page."""

    authentication_classes: Any = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Nothing to ask for."""
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "application/json"
        raise Problem("not-found", _("Every address of the API ends with a slash."))
