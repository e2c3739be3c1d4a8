"""A POST that is sent again is done once: the same key gets the same answer for a day."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import codes
from contacts.models import Code
from portal.api import problems
from portal.api.models import IdempotencyKey
from portal.api.problems import Invalid, Problem

HEADER = "Idempotency-Key"
ALLOWED = re.compile(r"[\x21-\x7e]{1,255}")
SECRET = "{{the secret of this answer}}"  # what is stored where a code's value stood
GROUPED = "{{the secret of this answer in groups}}"  # as in a text that is ready to be sent
QUOTED = "{{the secret of this answer in an address}}"
REPEATED = ("Location",)
PASSING = (409, 429)  # answers that only say: not now


def once(request: Request, work: Callable[[], Response]) -> Response:
    """Do the work, or repeat the answer that its key has. The work and its answer are one."""
    key = request.headers.get(HEADER)
    if key is None:
        with transaction.atomic():
            return work()
    if not ALLOWED.fullmatch(key):
        raise Invalid(HEADER, _("Write 1 to 255 plain characters without blanks."))
    mark = fingerprint(request)
    row, ours = IdempotencyKey.objects.take(owner=request.user.owner, key=key, fingerprint=mark)
    if not ours:
        return _repeat(row, mark)
    try:
        return _work(row, work)
    except Exception as error:
        refusal = problems.known(error)
        if refusal is None or refusal.status_code in PASSING:
            row.delete()
        else:
            row.keep(status=refusal.status_code, answer=problems.answer(refusal).data, headers={})
        raise


def _work(row: IdempotencyKey, work: Callable[[], Response]) -> Response:
    with transaction.atomic():
        response = work()
        text = JSONRenderer().render(response.data).decode()
        code: Code | None = getattr(response, "code", None)
        if code is not None:
            text = _hidden(text, code)
        headers = {name: response[name] for name in REPEATED if name in response}
        row.keep(status=response.status_code, answer=json.loads(text), headers=headers, code=code)
    return response


def _repeat(row: IdempotencyKey, wanted: str) -> Response:
    """The answer that is there; or why there is none."""
    if row.fingerprint != wanted:
        raise Problem("key-reused", _("Send a new key with a new request."))
    if row.status is None:
        raise Problem("in-progress", _("Ask again with the same key."), retry_after=1)
    answer = row.answer
    if row.code is not None:
        answer = json.loads(_shown(json.dumps(answer), row.code))
    kind = problems.MEDIA_TYPE if row.status >= 400 else None
    headers = {**row.headers, "Idempotency-Replayed": "true"}
    return Response(answer, status=row.status, headers=headers, content_type=kind)


def _spellings(code: Code) -> dict[str, str]:
    """Each way in which a code may stand in an answer, and what is stored there."""
    grouped = codes.on_paper(code.plain)
    return {code.plain: SECRET, grouped: GROUPED, quote(grouped): QUOTED}


def _hidden(text: str, code: Code) -> str:
    for value, stand_in in _spellings(code).items():
        text = text.replace(value, stand_in)
    return text


def _shown(text: str, code: Code) -> str:
    for value, stand_in in _spellings(code).items():
        text = text.replace(stand_in, value)
    return text


def fingerprint(request: Request) -> str:
    """What makes two requests the same: address and content, not how a form was wrapped."""
    data: Any = request.data
    if hasattr(data, "lists"):
        fields = {name: [_part(value) for value in values] for name, values in data.lists()}
    else:
        fields = data
    text = json.dumps([request.method, request.path, fields], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _part(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, value.content_type, digest.hexdigest()]
