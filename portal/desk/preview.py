"""How an answer goes by the chosen way: the very text, how many SMS, what becomes a link."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app import rendering, routing
from contacts.models import Case, Message, User
from portal.desk import words

MAX_LISTED = 50


@dataclass(frozen=True)
class File:
    """A file that was picked, before it is sent."""

    name: str
    content_type: str
    size: int


@dataclass(frozen=True)
class Shown:
    """What stands below the text that is being written."""

    text: str
    lines: tuple[str, ...]
    is_notice: bool


def has(route: routing.Route | None) -> bool:
    """Whether something else may go by this way than what was written."""
    return route is not None and not rendering.shows_as_written(route.channel)


def listed(request: HttpRequest) -> list[File]:
    """The files that were picked: those that came along, or their list without them."""
    given = request.FILES.getlist("files")
    if given:
        return [File(str(f.name), f.content_type or "", f.size or 0) for f in given]
    try:
        rows: Any = json.loads(request.POST.get("listed") or "[]")
        return [File(str(name), str(sort), int(size)) for name, sort, size in rows[:MAX_LISTED]]
    except (ValueError, TypeError):
        return []


def of(
    case: Case,
    staff: User,
    text: str,
    files: list[File],
    route: routing.Route | None,
    *,
    whole: bool = False,
) -> Shown | None:
    """The preview of what was written so far; None where there is nothing to say.

    `whole`: also where it goes as it was written.
    """
    if route is None or not (text or files):
        return None
    message = Message(case=case, staff=staff, text=text, language=case.language, why=route.why)
    message.chosen_kind, message.kind = routing.chosen_kind(case)[0], route.channel.kind
    made = rendering.preview(
        message,
        route.channel,
        files,
        only_notice=route.only_notice,
        approved=route.approved,
    )
    made = made or rendering.Made("")
    shown = rendering.masked(made.text)
    if whole and not shown and not route.only_notice:
        shown = text
    if not (shown or made.linked):
        return None
    return Shown(shown, tuple(_lines(made, route)), made.is_notice)


def _lines(made: rendering.Made, route: routing.Route) -> list[str]:
    found = []
    if made.is_notice and not route.only_notice:
        kind = words.label(route.channel.kind)
        text = _("Too long for %(kind)s: this notice goes, the answer stays on their page.")
        found.append(text % {"kind": kind})
    if made.size is not None and not made.is_notice:  # of a notice no letter can be saved
        room = ngettext("%(count)s character left", "%(count)s characters left", made.size.left)
        found.append(f"{made.size.segments} SMS · {room % {'count': made.size.left}}")
    if made.linked:
        found.append(_files(len(made.linked), by_hand=not made.text))
    return found


def _files(count: int, *, by_hand: bool) -> str:
    if by_hand:
        text = ngettext(
            "%(count)s file stays on their page.", "%(count)s files stay on their page.", count
        )
    else:
        text = ngettext(
            "%(count)s file becomes a link to their page.",
            "%(count)s files become a link to their page.",
            count,
        )
    return text % {"count": count}


def left(route: routing.Route) -> str:
    """How long one may still answer by this way; "" without a window."""
    if route.until is None:
        return ""
    text = _("%(left)s left to answer %(by)s.")
    data = {"left": words.span(route.until - timezone.now()), "by": words.by(route.channel.kind)}
    return text % data
