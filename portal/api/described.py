"""The description of the API, made from its code: served as OpenAPI, and read as a page."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.utils import translation
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from portal.api import problems
from portal.api.shown import ProblemShape
from portal.site.files import PLAIN_TYPES

JSON, FORM = "application/json", "multipart/form-data"
GET_PROBLEMS = (400, 401, 403, 429)
POST_PROBLEMS = (400, 401, 403, 409, 413, 415, 422, 429)
NOTHING = OpenApiResponse(description="It is as it was; no content.")

KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    description="Any text that is new with each new request (a UUID). Sent again within 24 hours "
    "with the same body, the same answer comes back and nothing is done twice.",
)
HAVE = OpenApiParameter(
    "If-None-Match",
    {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
    OpenApiParameter.HEADER,
    description="The ETag of the answer that you have: 304 without content if it still holds.",
)
LIMITS = {
    "RateLimit-Limit": "Calls that this token may make in a minute.",
    "RateLimit-Remaining": "Those that are left of this minute.",
    "RateLimit-Reset": "Seconds until the minute is over.",
}


def operation(
    name: str,
    summary: str,
    *,
    answer: Any,
    scope: str,
    status: int = 200,
    asks: Any = None,
    form: Any = None,
    query: Any = None,
    finds: bool = False,
    also: Mapping[int, Any] | None = None,
) -> Any:
    """Describe one method of an address.

    `answer`: its shape, or None for a file; `also`: other answers by their status; `asks`, `form`:
    the body; `query`: a shape; `finds`: it looks something up that may not be there.
    """
    method_problems = list(POST_PROBLEMS if asks else GET_PROBLEMS)
    method_problems += [404] * finds + [422] * (query is not None)
    responses: dict[Any, Any] = {status: answer} if answer else dict(_file_answers(status))
    responses |= also or {}
    parameters = [query] if query else []
    if asks:
        parameters.append(KEY)
    elif answer:
        parameters.append(HAVE)
        parameters.append(_header("ETag", "Send it back as If-None-Match.", [200]))
        responses[304] = NOTHING
    every = [status, *(also or {}), *(code for code in method_problems if code not in (400, 401))]
    parameters += [_header(name, text, every, kind=int) for name, text in LIMITS.items()]
    for code in sorted(set(method_problems)):
        responses[(code, problems.MEDIA_TYPE)] = OpenApiResponse(
            ProblemShape, description=_titles(code)
        )
    return extend_schema(
        operation_id=name,
        summary=summary,
        request={JSON: asks, **({FORM: form} if form else {})} if asks else None,
        responses=responses,
        parameters=parameters,
        extensions={"x-scope": scope},
    )


def _header(name: str, text: str, codes: list[int], *, kind: type = str) -> OpenApiParameter:
    return OpenApiParameter(
        name, kind, OpenApiParameter.HEADER, description=text, response=sorted(set(codes))
    )


def _file_answers(status: int) -> dict[tuple[int, str], Any]:
    kinds = [*sorted(PLAIN_TYPES), "application/octet-stream"]
    return {(status, kind): OpenApiTypes.BINARY for kind in kinds}


def _titles(status: int) -> str:
    with translation.override("en"):
        found = [str(sort.title) for sort in problems.SORTS.values() if sort.status == status]
    return " Or: ".join(found)


class BearerScheme(OpenApiAuthenticationExtension):
    """How a token is sent."""

    target_class = "portal.api.callers.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """RFC 6750."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of a program, or the code at the end of a case's link.",
        }


@cache
def document() -> Mapping[str, Any]:
    """The OpenAPI document. It depends on the code alone, so it is made once a process."""
    with translation.override("en"):
        made: Mapping[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made
