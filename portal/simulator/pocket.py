"""The customer's pocket: a mailbox and a letter box. Everything in it was really sent."""

import uuid
from email import message_from_bytes
from email.message import Message as RawMail
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods

from channels_app.models import Channel
from contacts import addresses
from contacts.files import FileRefused
from contacts.kinds import EMAIL
from portal import access
from portal.simulator import files, letters, post, telephones
from portal.simulator.maildir import ANSWERED, SEEN, Mail, Maildir

# The mail is shown as it was sent; nothing in it runs, loads or posts.
MAIL_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self';"
    " sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)


def version() -> str:
    """Changes when something came into the pocket, or was opened there."""
    return f"{Maildir().version()}{letters.version()}"


def _context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    seen, box = version(), Maildir()
    address = request.GET.get("address", "")[:320].lower()
    owners = box.owners()
    return {
        "address": address if address in owners else "",
        "owners": owners,
        "unread": box.unread(),
        "letters_count": len(letters.arrived()),
        "rang": telephones.unread(),
        "misbehaving": [app for app in telephones.apps() if app.moods],
        "version": seen,
        "public_url": settings.PUBLIC_URL,
        **more,
    }


@require_GET
def mails(request: HttpRequest) -> HttpResponse:
    """The mailbox, newest first."""
    context = _context(request, tab="mail")
    context["mails"] = Maildir().mails(context["address"])
    return render(request, "demo/mails.html", context)


@require_GET
def now(request: HttpRequest) -> HttpResponse:
    """204 while nothing is new; else the list. Asked every second by the visible tab."""
    if request.GET.get("version") == version():
        return HttpResponse(status=204)
    context = _context(request, tab=request.GET.get("tab", "mail"))
    context["mails"] = Maildir().mails(context["address"])
    context["letters"] = letters.arrived()
    name = "_letters" if context["tab"] == "letters" else "_mails"
    response = render(request, f"demo/{name}.html", context)
    response["X-Version"] = context["version"]
    response["X-Unread"] = str(context["unread"])
    return response


@require_http_methods(["GET", "POST"])
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """One mail, opened; a POST answers it by real SMTP."""
    found = _get(key)
    text, error = "", ""
    if request.method == "POST":
        text = request.POST.get("text", "").replace("\r\n", "\n")
        error = _answer(request, found, text)
        if not error:
            return redirect(f"{reverse('demo:mail', args=[key])}?sent=1#sent")
    Maildir().mark(found, SEEN)
    found = _get(key)
    context = _context(
        request,
        tab="mail",
        mail=found,
        content=found.content,
        reply_to=found.reply_to,
        text=text,
        error=error,
        sent="sent" in request.GET and not error,
    )
    return render(request, "demo/mail.html", context)


def _answer(request: HttpRequest, found: Mail, text: str) -> str:
    """What is wrong with the answer; "" once it was sent."""
    if not text.strip():
        return _("Write an answer first.")
    try:
        post.send(post.answer(found, text, files=files.sent(request)))
    except post.NotSent as fault:
        return str(fault)
    except FileRefused as fault:
        return str(fault.message)
    Maildir().mark(_get(found.key), ANSWERED)
    return ""


def _get(key: str) -> Mail:
    found = Maildir().get(key)
    if found is None:
        raise Http404
    return found


@require_GET
@xframe_options_sameorigin
def body(request: HttpRequest, key: str) -> HttpResponse:
    """The HTML of a mail as it was sent, for a sandboxed frame."""
    response = HttpResponse(_html(message_from_bytes(_get(key).raw)))
    response["Content-Security-Policy"] = MAIL_POLICY
    return response


def _html(raw: RawMail) -> str:
    for part in raw.walk():
        if part.get_content_type() == "text/html" and not part.get_filename():
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                return _decoded(payload, str(part.get_content_charset("utf-8")))
    return ""


def _decoded(payload: bytes, charset: str) -> str:
    try:
        return payload.decode(charset, "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


@require_GET
def file(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """A file of a mail, to be saved; pictures and PDF may be looked at."""
    found = _get(key).content.attachments
    if number >= len(found):
        raise Http404
    chosen = found[number]
    return files.shown(chosen.content, chosen.type, chosen.name)


@require_http_methods(["GET", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """A new mail to the shop, by real SMTP."""
    channel = Channel.objects.filter(kind="email").first()
    shop = channel.address if channel else ""
    data = request.POST if request.method == "POST" else request.GET
    values = {name: data.get(name, "")[:20_000] for name in ("sender", "to", "subject", "text")}
    values["to"] = values["to"] or shop
    values["sender"] = values["sender"] or _own_address(request)
    error = ""
    if request.method == "POST":
        error = _write(request, values)
        if not error:
            return redirect(f"{reverse('demo:pocket')}?sent=1")
    return render(
        request, "demo/write.html", _context(request, tab="mail", values=values, error=error)
    )


def _write(request: HttpRequest, values: dict[str, str]) -> str:
    try:
        sender = addresses.normalise(EMAIL, values["sender"])
        addresses.normalise(EMAIL, values["to"])
    except addresses.InvalidAddress as fault:
        return str(fault.message)
    if not values["text"].strip():
        return _("Write a text first.")
    name = sender.partition("@")[0].capitalize()
    draft = post.Draft(
        sender=sender,
        to=values["to"].strip(),
        subject=values["subject"],
        text=values["text"].replace("\r\n", "\n"),
        name=f"{name} Demo",
    )
    try:
        post.send(draft)
    except post.NotSent as fault:
        return str(fault)
    return ""


def _own_address(request: HttpRequest) -> str:
    """The e-mail address of the customer in the other frame."""
    customer = access.signed_in_customer(request)
    if customer is None:
        return "me@example.org"
    holders = customer.holders.current().filter(identity__scheme=EMAIL)
    holder = holders.select_related("identity").first()
    return holder.identity.value if holder else "me@example.org"


@require_GET
def letter_box(request: HttpRequest) -> HttpResponse:
    """The letters that came."""
    context = _context(request, tab="letters", letters=letters.arrived())
    return render(request, "demo/letters.html", context)


@require_GET
def letter(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One letter, unfolded."""
    found = letters.get(pk)
    if found is None:
        raise Http404
    return render(request, "demo/letter.html", _context(request, tab="letters", letter=found))
