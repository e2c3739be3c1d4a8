"""Files and mails of strangers, shown so that they can do nothing: access is the case's."""

import base64
import re

from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.html import escape
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from contacts.files import PICTURES, picture_type
from contacts.models import Attachment, Case, Message, Organisation
from portal import access

# What keeps its own type; everything else is bytes. All of it is an attachment.
PLAIN_TYPES = frozenset({*PICTURES, "application/pdf", "text/plain"})
SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
# A mail may show its own pictures and open links in a new window; no script, form or request.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:;"
    " style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
MAX_PICTURE, MAX_PICTURES = 2 * 1024 * 1024, 8 * 1024 * 1024
STYLE = (
    "html{color-scheme:light}body{margin:16px;background:#fff;color:#111827;"
    "font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}img{max-width:100%;height:auto}"
    "blockquote{margin:0 0 0 4px;padding-left:12px;border-left:3px solid #cbd5e1;color:#475569}"
    "pre{white-space:pre-wrap;font:inherit}"
)


def readable_message(request: HttpRequest, pk: int) -> Message:
    """A message that the customer or the staff member of this browser may read; else Http404."""
    for viewer in (access.viewer_of(request), access.staff_viewer(request.user)):
        found = Message.objects.visible_to(viewer).filter(pk=pk)
        if message := found.select_related("case__root").first():
            return message
    raise Http404


def _policed(response: HttpResponse, policy: str) -> HttpResponse:
    """Give a response a policy of its own, in place of the site's."""
    response._csp_exempt = True  # type: ignore[attr-defined]
    response["Content-Security-Policy"] = policy
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@never_cache
@require_safe
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """A file of a message, as a download."""
    attachment = get_object_or_404(Attachment, pk=pk)
    readable_message(request, attachment.message_id)
    return download(attachment)


@never_cache
@require_safe
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    """A picture of a message, for our own pages: by what its bytes are, and by no name or word.

    Nothing else is ever shown from our origin. Opened by itself it is in a sandbox.
    """
    attachment = get_object_or_404(Attachment, pk=pk)
    readable_message(request, attachment.message_id)
    content = _opened(attachment)
    kind = picture_type(content.read(16))
    content.seek(0)
    if not kind:
        content.close()
        raise Http404
    response = FileResponse(content, content_type=kind)
    response["Content-Disposition"] = "inline"
    return _policed(response, SANDBOX)  # type: ignore[arg-type]


def _opened(attachment: Attachment) -> FieldFile:
    """Its bytes; Http404 where they are gone."""
    try:
        return attachment.file.open("rb")
    except OSError:
        raise Http404 from None


def download(attachment: Attachment) -> HttpResponse:
    """A file that its reader may have, shown by no browser as a page of ours; else Http404."""
    kept = attachment.content_type
    content_type = kept if kept in PLAIN_TYPES else "application/octet-stream"
    content = _opened(attachment)
    response = FileResponse(
        content, as_attachment=True, filename=attachment.name, content_type=content_type
    )
    _policed(response, SANDBOX)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


@never_cache
@require_safe
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole mail on a page of its own, with the mail itself in a sandboxed frame."""
    found = readable_message(request, pk)
    if found.case is None or not (found.html or found.whole_text):
        raise Http404
    case = found.case.stem
    own = Case.objects.visible_to(access.viewer_of(request)).filter(pk=case.pk).exists()
    back = reverse("site:question", args=[case.reference]) if own else ""
    return render(request, "site/message.html", {"message": found, "case": case, "back": back})


@never_cache
@require_safe
@xframe_options_sameorigin
def message_html(request: HttpRequest, pk: int) -> HttpResponse:
    """The body of a mail for that frame: cleaned when it came in, and without any power here."""
    found = readable_message(request, pk)
    if found.html:
        body = _with_pictures(found)
    else:
        body = f"<pre>{escape(found.whole_text or found.text)}</pre>"
    page = (
        f'<!doctype html><html lang="{escape(found.language)}"><head><meta charset="utf-8">'
        f'<meta name="referrer" content="no-referrer"><base target="_blank"><title>Mail</title>'
        f"<style>{STYLE}</style></head><body>{body}</body></html>"
    )
    return _policed(HttpResponse(page), MAIL_POLICY)


def _with_pictures(found: Message) -> str:
    """The cleaned HTML with the mail's own pictures put in; a sandboxed frame has no cookie."""
    pictures: dict[str, str] = {}
    left = MAX_PICTURES
    for attachment in found.attachments.exclude(content_id=""):
        if attachment.content_type in PICTURES and attachment.size <= min(MAX_PICTURE, left):
            try:
                with attachment.file.open("rb") as content:
                    data = base64.b64encode(content.read()).decode()
            except OSError:  # it is gone; the rest of the mail is not
                continue
            left -= attachment.size
            name = attachment.content_id.strip("<>").casefold()
            pictures[name] = f"data:{attachment.content_type};base64,{data}"
    return re.sub(
        r'\bsrc="cid:([^"]{1,300})"',
        lambda hit: f'src="{pictures.get(hit[1].casefold(), "")}"',
        found.html,
        flags=re.IGNORECASE,
    )


@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    """The organisation's logo, which everybody may see."""
    picture = Organisation.current().logo
    kind = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}.get(
        (picture.name or "").rsplit(".")[-1].lower() if picture else ""
    )
    if kind is None:
        raise Http404
    try:
        with picture.open("rb") as content:
            response = HttpResponse(content.read(), content_type=f"image/{kind}")
    except OSError:
        raise Http404 from None
    patch_cache_control(response, public=True, max_age=86400)
    return _policed(response, SANDBOX)
