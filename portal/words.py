"""The words for what happened, for customers and for staff."""

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import outbox
from channels_app.models import Delivery
from channels_app.rendering import without_link
from contacts.kinds import CALL, KINDS, OWN_PAGE, VIDEO, VIDEO_CALL, VISIT
from contacts.models import Case, Choice, Identity, Message
from contacts.models.outcome import AFTERWARDS
from contacts.viewers import Viewer

S = Delivery.Status
FAILED = (S.FAILED, S.RETURNED)
ON_THE_PAGE = (S.QUEUED, S.SENDING, S.SENT, S.DELIVERED, S.READ)
# What is not said yet of what we say in a meeting.
SPOKEN_LATER: dict[str, Promise] = {
    CALL: gettext_lazy("We will call you"),
    VIDEO_CALL: gettext_lazy("In the video call"),
    VISIT: gettext_lazy("Ready for you"),
}
STATES: dict[str, Promise] = {
    S.TODO: gettext_lazy("On its way"),
    S.TAKEN: gettext_lazy("On its way"),
    S.QUEUED: gettext_lazy("On its way"),
    S.SENDING: gettext_lazy("On its way"),
    S.UNCERTAIN: gettext_lazy("Perhaps arrived"),
    S.SENT: gettext_lazy("Sent"),
    S.DONE: gettext_lazy("Sent"),
    S.DELIVERED: gettext_lazy("Delivered"),
    S.READ: gettext_lazy("Read"),
    S.FAILED: gettext_lazy("Did not arrive: choose another way"),
    S.RETURNED: gettext_lazy("Did not arrive: choose another way"),
}
WISHES: dict[str, Promise] = {
    "soon": gettext_lazy("as soon as possible"),
    "morning": gettext_lazy("in the morning"),
    "afternoon": gettext_lazy("in the afternoon"),
    "tomorrow": gettext_lazy("tomorrow"),
}
OUTCOMES: dict[str, Promise] = {
    "reached": gettext_lazy("reached"),
    "not_reached": gettext_lazy("not reached"),
    "later": gettext_lazy("later"),
    "sent": gettext_lazy("sent"),
}


def label(kind: str) -> str:
    """A kind as customers read it: "E-mail", "My own page"."""
    return str(KINDS[kind].label) if kind in KINDS else ""


def staff_label(kind: str) -> str:
    """A kind as staff read it: "E-mail", "Own page"."""
    return str(KINDS[kind].staff_label) if kind in KINDS else ""


def by(kind: str) -> str:
    """A kind as the end of "We answer ...": "by e-mail", "on your own page"."""
    return str(KINDS[kind].by) if kind in KINDS else ""


def staff_by(kind: str) -> str:
    """A kind as the end of "Goes ...": "by e-mail", "on their own page"."""
    return str(KINDS[kind].staff_by) if kind in KINDS else ""


def noun(kind: str) -> str:
    """A kind as the end of "You chose ...": "e-mail", "your own page"."""
    return str(KINDS[kind].noun) if kind in KINDS else ""


def staff_noun(kind: str) -> str:
    """A kind as the end of "They chose ...": "e-mail", "their own page"."""
    return str(KINDS[kind].staff_noun) if kind in KINDS else ""


def answer_address(choice: Choice | None, *, own: bool) -> str:
    """Where an answer goes: masked, but for a number that its proved customer wants to check."""
    if choice is None or choice.identity is None:
        return ""
    whole = own and choice.kind_info.rings
    return str(choice.identity) if whole else choice.identity.masked


def answer_line(choice: Choice | None, *, own: bool = False, calls_from: str = "") -> str:
    """ "We answer by e-mail to s…@example.org", for the customer; `own`: who proved to be it.

    `calls_from`: when we can call at the earliest, where that is not now.
    """
    if choice is None:
        return _("Choose how we answer.")
    where = by(choice.kind)
    if address := answer_address(choice, own=own):
        line = _("We answer %(by)s to %(address)s") % {"by": where, "address": address}
    elif choice.kind == "account":
        line = _("We answer on this page")
    elif choice.kind == "chat":
        line = _("We answer here, in the chat")
    elif choice.kind_info.by_appointment:
        line = _("We speak to you by video")
    else:
        line = _("We answer %(by)s") % {"by": where}
    if choice.kind == "phone":
        number = answer_address(choice, own=own)
        if choice.wish == "soon" and calls_from:
            values = {"number": number, "when": calls_from}
            return _("We call you on %(number)s, from %(when)s on") % values
        line = _("We call you on %(number)s") % {"number": number}
        if choice.wish in WISHES:
            line = f"{line}, {WISHES[choice.wish]}"
    return line


def state(delivery: Delivery) -> str:
    """The customer's word for how a delivery went; for a call, words that fit a call.

    None where they read it: on the page itself, unless it is held or did not get there.
    """
    if delivery.channel.kind_info.spoken:
        if delivery.status in (S.TODO, S.TAKEN):
            return str(SPOKEN_LATER[delivery.channel.kind_info.meeting])
        if delivery.status == S.DONE:
            return _("Done")
    if delivery.is_held:
        return _("Waits")
    is_here = delivery.channel.kind in OWN_PAGE and delivery.status in ON_THE_PAGE
    return "" if is_here else str(STATES.get(delivery.status, ""))


def template(message: Message, viewer: Viewer, last: Delivery | None = None) -> str:
    """The line that stands for a message that we made ourselves; `last`: how it went."""
    if message.template == "acknowledgement":
        where = staff_by(message.kind) if viewer.is_staff else by(message.kind)
        return _("We confirmed %(by)s that we have the question.") % {"by": where}
    if message.template == "choose_again":
        return _("We asked %(by)s how to answer from now on.") % {"by": staff_by(message.kind)}
    if message.template == outbox.UNREAD:
        to = last.identity if last else None
        values = {"by": staff_by(message.kind), "address": to or ""}
        return _("What they did not read in the chat goes %(by)s to %(address)s.") % values
    if message.template == outbox.COPY:
        return _copy(message, viewer, last)
    if message.template == "callback":
        return _("The customer asks to be called.")
    if message.template == "visit" and message.kind == VIDEO:
        return _("A video call is agreed.")
    if message.template == "visit":
        return _("The customer comes to visit.")
    if message.template == "auto_reply":
        return _("An automatic reply came in.")
    if message.template == "joined":
        if viewer.is_staff:
            return _("The customer wrote %(by)s to go on there.") % {"by": staff_by(message.kind)}
        return _("You wrote %(by)s to go on there.") % {"by": by(message.kind)}
    if message.template == "spoken":
        return _("What was said")
    if message.template in (*outbox.ASKS, outbox.APPOINTMENT, outbox.LINE):
        return _of_ours(message, viewer, last)
    return ""


def _copy(message: Message, viewer: Viewer, last: Delivery | None) -> str:
    """Their own copy; its address is for staff: whoever reads along need not know it."""
    if not viewer.is_staff or last is None:
        return _("You had a copy sent %(by)s.") % {"by": by(message.kind)}
    values = {"by": staff_by(message.kind), "address": last.identity or ""}
    return _("The customer had a copy sent %(by)s to %(address)s.") % values


def _of_ours(message: Message, viewer: Viewer, last: Delivery | None) -> str:
    """What we asked or told in a line."""
    values = {
        "who": message.staff.display_name if message.staff else _("We"),
        "by": staff_by(message.kind),
        "text": without_link(" ".join(message.text.split())),
    }
    if message.template in (outbox.APPOINTMENT, outbox.LINE):
        return _("They were told %(by)s: “%(text)s”") % values
    if viewer.is_staff and message.template in AFTERWARDS and last is not None:
        if _is_off(message, last):
            return _("Not asked: “%(text)s”") % values
        if last.status == S.QUEUED:
            at = formats.time_format(timezone.localtime(last.next_attempt_at), _("H:i"))
            return _("Asks %(by)s at %(time)s: “%(text)s”") % {**values, "time": at}
    if viewer.is_staff:
        return _("%(who)s asked %(by)s: “%(text)s”") % values
    return _("We asked: “%(text)s”") % values


def _is_off(message: Message, last: Delivery) -> bool:
    """Whether how it was is not asked: it was said already, or the case is open again."""
    case = message.case
    is_open = case is not None and case.stem.state == Case.State.OPEN
    return last.status == S.CANCELLED or (last.status == S.QUEUED and is_open)


def closed(kind: str, why: str) -> str:
    """Why nothing goes to an address by one kind, for staff."""
    if why == Identity.STOPPED:
        return _("%(kind)s stopped by the customer") % {"kind": staff_label(kind)}
    known = {
        "email": _("mail comes back"),
        "sms": _("SMS does not arrive"),
        "letter": _("letters come back"),
    }
    return known.get(kind) or _("not on %(kind)s") % {"kind": staff_label(kind)}
