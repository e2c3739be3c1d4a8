"""Confirm in writing what was said: a draft from the notes of a call or a visit (R33)."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from channels_app import dispatch, promises, routing
from contacts import notes, services
from contacts.kinds import KINDS, VIDEO, Kind
from contacts.models import Case, Message
from portal import marks
from portal.context import offered
from portal.desk import facts, words
from portal.desk.case import address, find
from portal.desk.pages import done, page, show, staff_of
from portal.words import by

LISTS = ("todo", "case")  # where one goes on afterwards


@dataclass
class Draft:
    """The form: the text, the way it goes, and what is wrong."""

    text: str
    kind: str
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    error: str = ""


def ways(case: Case) -> list[Kind]:
    """The kinds by which a confirmation can go: written, allowed, with an address."""
    channels = [c for c in offered(case.organisation) if c.capabilities.written]
    known, chosen = routing.consents(case.customer), routing.chosen_kind(case)[0]
    found = []
    # The customer's own way first, then as the administrator ordered them.
    for name in sorted(dict.fromkeys(c.kind for c in channels), key=lambda name: name != chosen):
        message = Message(case=case, direction=Message.Direction.OUT, kind=name)
        way = routing.route(message, timezone.now(), among=channels, known=known)
        if isinstance(way, routing.Route):
            found.append(KINDS[name])
    return found


def after(case: Case, note: Message, *, saved: str, then: str) -> str:
    """Where one goes after noting a call or a visit: to the draft, if there is a written way.

    `saved`: the form that was saved, for the browser that kept it; `then`: see LISTS.
    """
    goal = address(case) if then == "case" else reverse("admin:todo")
    if note.kind and KINDS[note.kind].spoken and ways(case):
        draft = reverse("admin:case_confirm", args=[case.reference, note.pk])
        return f"{draft}?then={then}&sent={saved}"
    return f"{goal}?sent={saved}"


def confirm(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """The draft; sent, or left."""
    case = find(request, reference)
    note, allowed = _note(case, pk), ways(case)
    then = request.POST.get("then", request.GET.get("then", "case"))
    then = then if then in LISTS else "case"
    if request.method == "POST":
        draft = _read(request)
        if _send(request, case, note, draft):
            return redirect(reverse("admin:todo") if then == "todo" else address(case))
    else:
        draft = Draft(text=written(case, note), kind=allowed[0].name if allowed else "")
    context: dict[str, Any] = {
        "case": case,
        "name": words.customer_name(case.customer, case),
        "note": note,
        "sent": _sent(note),
        "ways": allowed,
        "chosen": routing.chosen_kind(case)[0],
        "draft": draft,
        "then": then,
        "goal": reverse("admin:todo") if then == "todo" else address(case),
        "max_text": services.MAX_TEXT,
    }
    title = _("Confirm it in writing?")
    status = 422 if draft.error else 200
    return show(request, "desk/confirm.html", title=title, status=status, **context)


def _note(case: Case, pk: int) -> Message:
    rows = Message.objects.read_of(case).select_related("staff").defer("html", "whole_text")
    note = rows.filter(pk=pk).first()
    if note is None or not note.is_noted:
        raise Http404
    return note


def _sent(note: Message) -> Message | None:
    """The confirmation that went already."""
    return note.regarding.filter(direction=Message.Direction.OUT).order_by("pk").first()


def _read(request: HttpRequest) -> Draft:
    data = request.POST
    try:
        key = str(uuid.UUID(data.get("client_key", "")))
    except ValueError:
        key = str(uuid.uuid4())
    kind = data.get("kind", "")
    text = services.clean_text(data.get("text", ""))
    return Draft(text, kind if kind in KINDS else "", key)


def _send(request: HttpRequest, case: Case, note: Message, draft: Draft) -> bool:
    """Send it once; False with `draft.error` where it was not sent."""
    if not draft.text:
        draft.error = _("Write something first.")
    elif len(draft.text) > services.MAX_TEXT:
        most = {"count": services.MAX_TEXT}
        draft.error = _("This is too long: at most %(count)s characters.") % most
    elif not draft.kind:
        draft.error = _("Choose how it goes.")
    sent = _sent(note)
    if sent is not None and str(sent.client_key) != draft.key:
        draft.error = _("A confirmation went already. Write an answer for what is to be added.")
    if draft.error:
        return False
    try:
        message = dispatch.reply(
            case=case,
            staff=staff_of(request),
            text=draft.text,
            kind=draft.kind,
            why_text=_("Confirmation of what was said %(by)s.") % {"by": words.by(note.kind)},
            client_key=uuid.UUID(draft.key),
            regards=note,
        )
    except dispatch.Refusal as refusal:
        draft.error = refusal.refused.reason
        return False
    done(request, _("The confirmation goes %(by)s.") % {"by": words.by(message.kind)})
    return True


def written(case: Case, note: Message) -> str:
    """The draft in the customer's language, on their day: what was noted, what we promised."""
    with (
        translation.override(case.language),
        timezone.override(case.organisation.time_zone),
    ):
        told = notes.read(note.text)
        owed = [*told.promised, *_owed(case)]
        opening = _opening(note)
        noted = _("We noted:")
        parts = [f"{opening} {noted}\n{told.said}" if told.said else opening]
        if owed:
            parts.append(_("We promised:") + "".join(f"\n- {line}" for line in owed))
        parts.append(_("Is something not right? Please tell us."))
        return "\n\n".join(parts)


def _opening(note: Message) -> str:
    came = note.direction == Message.Direction.IN
    if note.kind == promises.MEETING:
        line = _("You visited us on %(day)s.") if came else _("We spoke to each other on %(day)s.")
    elif note.kind == VIDEO:
        line = _("We spoke by video on %(day)s.")
    else:
        line = _("You called us on %(day)s.") if came else _("We spoke by phone on %(day)s.")
    return line % _moment(note.created_at)


def _owed(case: Case) -> list[str]:
    """What is still to come by the rules: calls at their time, and the answer that is due."""
    now = timezone.now()
    change = marks.change(case)
    told = facts.of(case, to_do=change.to_do)
    lines = [
        _("we call you on %(day)s, %(time)s") % _moment(max(to_do.at, now))
        for to_do in told.to_do
        if KINDS[to_do.kind].rings
    ]
    if told.due and not told.is_late and not lines:
        values = {"by": by(told.wanted), **_moment(told.due)}
        lines.append(_("we answer you %(by)s before %(day)s, %(time)s") % values)
    return lines


def _moment(at: datetime) -> dict[str, str]:
    """With its date: nobody knows on which day it is read."""
    local = timezone.localtime(at)
    return {"day": formats.date_format(local, "j F"), "time": promises.clock(local)}


def urls() -> list[URLPattern]:
    """The draft."""
    return [page("cases/<str:reference>/confirm/<int:pk>/", confirm, "case_confirm")]
