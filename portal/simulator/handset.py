"""The telephone in the pocket: its home screen, its apps, and the customer's side of each."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts.files import File, FileRefused
from portal.simulator import files, letters, telephones
from portal.simulator.book import Kept
from portal.simulator.maildir import Maildir
from portal.simulator.providers import courier, moods
from portal.simulator.providers.moods import PROVIDERS
from portal.simulator.providers.telegram import START
from portal.simulator.telephones import App

MAX_TEXT = 4096
THUMB = "\N{THUMBS UP SIGN}"


def context_of(request: HttpRequest, number: str, **more: Any) -> dict[str, Any]:
    """What every page of the telephone shows; `version` is of before anything was read."""
    return {
        "version": telephones.version(),
        "tab": "telephone",
        "number": number,
        "telephones": telephones.all_of_them(number),
        "apps": telephones.apps(number),
        "unread": Maildir().unread(),
        "rang": telephones.unread(),
        "letters_count": len(letters.arrived()),
        "public_url": settings.PUBLIC_URL,
        "misbehaving": [app for app in telephones.apps() if app.moods],
        **more,
    }


def _known_thread(app: str, owner: str, peer: str) -> None:
    peers = telephones.provider_of(app).peers
    if not (telephones.NUMBER.fullmatch(owner) and peers.fullmatch(peer)):
        raise Http404


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The home screen."""
    context = context_of(request, telephones.current(request), nothing="nothing" in request.GET)
    return render(request, "demo/telephone.html", context)


@require_GET
def threads(request: HttpRequest, app: str) -> HttpResponse:
    """An app, opened: its conversations."""
    return render(request, "demo/telephone_app.html", _of_app(request, app))


def _of_app(request: HttpRequest, app: str) -> dict[str, Any]:
    number, version = telephones.current(request), telephones.version()
    found = telephones.provider_of(app).book.threads(number)
    shop = telephones.SHOP[app]
    rows = [(thread, telephones.address(app, number, thread.peer)) for thread in found]
    new = "" if any(t.peer == shop for t in found) else telephones.address(app, number, shop)
    return context_of(request, number, app=App(app), rows=rows, new=new, version=version)


@require_http_methods(["GET", "POST"])
def thread(request: HttpRequest, app: str, owner: str, peer: str) -> HttpResponse:
    """One conversation; a POST sends what the customer wrote, tapped or attached."""
    _known_thread(app, owner, peer)
    text = request.GET.get("text", "")[:MAX_TEXT]
    error = ""
    if request.method == "POST":
        text = request.POST.get("text", "").replace("\r\n", "\n")[:MAX_TEXT]
        error = _send(request, app, owner, peer, text)
        if not error:
            return redirect(telephones.address(app, owner, peer))
    context = _conversation(request, app, owner, peer, text=text, error=error)
    response = render(request, "demo/telephone_thread.html", context)
    telephones.choose(response, owner)
    return response


def _conversation(
    request: HttpRequest, app: str, owner: str, peer: str, **more: Any
) -> dict[str, Any]:
    """A conversation that somebody looks at: what came is read now."""
    provider = PROVIDERS[app]
    courier.take(moods.moody(provider, provider.seen(owner, peer)))
    version = telephones.version()
    bubbles = provider.book.bubbles(owner, peer)
    last = bubbles[-1] if bubbles else None
    code = request.GET.get("start", "")
    starting = provider.starts and (not bubbles or "start" in request.GET)
    return context_of(
        request,
        owner,
        version=version,
        app=App(app),
        peer=peer,
        bubbles=bubbles,
        tappable=last.id if last and not last.mine and last.buttons else "",
        files_go=provider.carries_files,
        starting=starting,
        start=code if telephones.START.fullmatch(code) else "",
        corrects=provider.corrects,
        **more,
    )


def _send(request: HttpRequest, app: str, owner: str, peer: str, text: str) -> str:
    """What is wrong with what the customer wants to send; "" once it is on its way."""
    if request.POST.get("act"):
        return _correct(request, app, owner, peer, text.strip())
    tapped = _start(request, app) or _tapped(request, app, owner, peer)
    text, word = tapped or (text, "")
    try:
        sent = files.sent(request) if PROVIDERS[app].carries_files else []
    except FileRefused as fault:
        return str(fault.message)
    if not text.strip() and not sent:
        return _("Write a text first.")
    _write(app, owner, peer, text.strip(), sent, word)
    return ""


def _correct(request: HttpRequest, app: str, owner: str, peer: str, text: str) -> str:
    """The customer edits or deletes what they wrote, or reacts to what the shop wrote."""
    provider, act = PROVIDERS[app], request.POST["act"]
    bubble = provider.book.get(request.POST.get("of", ""))
    if bubble is None or (bubble.owner, bubble.peer) != (owner, peer) or not provider.corrects:
        raise Http404
    changes: dict[str, dict[str, str | bool]] = (
        {"edited": {"text": text, "edited": True}, "deleted": {"deleted": True}}
        if bubble.mine and not bubble.deleted
        else {"reacted": {"reaction": "" if bubble.reaction else THUMB}}
    )
    if act not in changes:
        raise Http404
    if act == "edited" and not text:
        return _("Write a text first.")
    said = str(changes[act].get("reaction", text))
    hook = provider.correction(bubble, act, said)
    provider.book.change(bubble.id, **changes[act])
    courier.take(moods.moody(provider, [hook] if hook else []))
    return ""


def _start(request: HttpRequest, app: str) -> tuple[str, str] | None:
    """What the button Start says, and the code that the link brought along, which nobody sees."""
    code = request.POST.get("start")
    if code is None or not PROVIDERS[app].starts or not telephones.START.fullmatch(code):
        return None
    return START, code


def _tapped(request: HttpRequest, app: str, owner: str, peer: str) -> tuple[str, str] | None:
    """Label and word of the button that was tapped, of the newest message."""
    picked = request.POST.get("pick", "")
    bubbles = PROVIDERS[app].book.bubbles(owner, peer)
    buttons = bubbles[-1].buttons if bubbles else ()
    if not picked.isdecimal() or int(picked) >= len(buttons):
        return None
    word, label = buttons[int(picked)]
    return label, word


def _write(app: str, owner: str, peer: str, text: str, sent: Sequence[File], word: str) -> None:
    """The customer's message goes: into the book, and to the shop as a webhook."""
    provider = PROVIDERS[app]
    kept = [provider.book.keep(f.content, f.name, f.content_type) for f in sent]
    # A messenger sends each file as a message of its own; the text is the first one's caption.
    for number, one in enumerate(_each(kept)):
        said = "" if number else text
        bubble = provider.bubble(owner, peer, mine=True, text=said, files=one)
        provider.book.add(bubble)
        courier.take(moods.moody(provider, [provider.incoming(bubble, word)]))


def _each(kept: list[Kept]) -> list[tuple[Kept, ...]]:
    return [(one,) for one in kept] or [()]


@require_GET
def file(request: HttpRequest, app: str, key: str) -> HttpResponse:
    """A file of a message; pictures and PDF may be looked at."""
    found = telephones.provider_of(app).book.file(key)
    if found is None:
        raise Http404
    kept, content = found
    return files.shown(content, kept.content_type, kept.name)


@require_GET
def open_link(request: HttpRequest) -> HttpResponse:
    """What a QR or a link of a messenger opens: the app, with the text ready to be sent."""
    number = telephones.current(request)
    place = telephones.opened_by(request.GET.get("link", "")[:4096], number)
    return redirect(place or f"{reverse('demo:telephone')}?nothing")


@require_POST
def take_up(request: HttpRequest) -> HttpResponse:
    """Take up another telephone."""
    number = request.POST.get("number", "")
    response = redirect("demo:telephone")
    if telephones.NUMBER.fullmatch(number):
        telephones.choose(response, number)
    return response


@require_GET
def now_there(request: HttpRequest) -> HttpResponse:
    """204 while nothing is new; else the part of the screen that is looked at."""
    if request.GET.get("version") == telephones.version():
        return HttpResponse(status=204)
    view, app = request.GET.get("view", ""), request.GET.get("app", "")
    owner, peer = request.GET.get("owner", ""), request.GET.get("peer", "")
    if view == "thread":
        _known_thread(app, owner, peer)
        context = _conversation(request, app, owner, peer)
    elif view == "app":
        context = _of_app(request, app)
    else:
        view, context = "home", context_of(request, telephones.current(request))
    response = render(request, f"demo/_telephone_{view}.html", context)
    response["X-Version"] = context["version"]
    return response


@require_GET
def banner(request: HttpRequest) -> HttpResponse:
    """What rings, on whatever page of the pocket; asked every second by the visible one."""
    version = telephones.version()
    if request.GET.get("version") == version:
        return HttpResponse(status=204)
    found = telephones.ringing(request.GET.get("app", ""), request.GET.get("owner", ""))
    context: dict[str, Any] = {}
    if found:
        app, bubble = found
        place = telephones.address(app, bubble.owner, bubble.peer)
        context = {"app": App(app), "bubble": bubble, "place": place}
        context["telephone"] = telephones.Telephone(bubble.owner)
    response = render(request, "demo/_telephone_banner.html", context)
    response["X-Version"] = version
    response["X-Rang"] = str(telephones.unread())
    return response
