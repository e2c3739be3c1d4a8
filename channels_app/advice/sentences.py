"""Advice in words: one sentence for the suggestion, and what stands below *why?*."""

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app.advice.ranking import Advice, Part
from contacts.kinds import ACCOUNT, CHAT, EMAIL, MESSAGE, PHONE, TALK, WRITING

# What a kind does for whoever takes it; by group where it has no words of its own.
FITS: dict[str, str | Promise] = {
    PHONE: gettext_lazy("by phone you can ask on at once"),
    "in_person": gettext_lazy("together we see what it is about"),
    TALK: gettext_lazy("in a talk you can ask on at once"),
    CHAT: gettext_lazy("in the chat you have the answer while you wait here"),
    MESSAGE: gettext_lazy("a message is enough, and the answer is in your pocket"),
    EMAIL: gettext_lazy("an e-mail you can keep and read again"),
    ACCOUNT: gettext_lazy("on your own page only you can read the answer"),
    "letter": gettext_lazy("a letter is official, and you keep it"),
    WRITING: gettext_lazy("you can keep the answer and read it again"),
}
SAID = 0.2  # points from which a factor is worth a line


def sentence(advice: Advice) -> str:
    """Why it is suggested: "Needed now: by phone you can ask on at once; open until 17:30."

    Of a phone that nobody could pick up now: "Needed now: nobody is free now; we can call you at
    15:00."
    """
    why = _and([str(part.factor.short) for part in _said(advice)[:2]])
    line = _("%(why)s: %(fits)s") % {"why": why, "fits": _fits(advice)} if why else _fits(advice)
    if advice.offered.there and not advice.offered.nobody_free:
        line = _("%(line)s; %(there)s") % {"line": line, "there": advice.offered.there}
    return str(capfirst(line)) + "."


def reasons(advice: Advice) -> tuple[list[str], list[str]]:
    """What speaks for it and what against, the weightiest first, in plain words."""
    parts = sorted(advice.parts, key=lambda part: -abs(part.points))
    return (
        [str(part.factor.sentence) for part in parts if part.points >= SAID],
        [
            str(part.factor.against or part.factor.sentence)
            for part in parts
            if part.points <= -SAID
        ],
    )


def _said(advice: Advice) -> list[Part]:
    """What has a few words of its own, the weightiest first; what holds for all only by itself."""
    parts = [part for part in advice.parts if part.points >= SAID and part.factor.short]
    parts.sort(key=lambda part: -part.points)
    return [part for part in parts if not part.factor.is_general] or parts


def _and(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return _("%(one)s and %(other)s") % {"one": words[0], "other": words[1]}


def _fits(advice: Advice) -> str:
    offered, kind = advice.offered, advice.kind
    if offered.nobody_free and offered.next_free:
        return _("nobody is free now; we can call you %(when)s") % {"when": offered.next_free}
    if offered.nobody_free and offered.is_open:
        return _("nobody is free now, and we call you as soon as somebody is")
    if offered.live and not offered.is_open:
        if kind.rings:
            return _("we call you as soon as we are there")
        return _("you are helped as soon as somebody is there")
    return str(FITS.get(kind.name) or FITS[kind.group])
