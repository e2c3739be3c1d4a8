"""The words for what happened, for customers and for staff."""

from typing import Any

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import reasons
from channels_app.models import Delivery
from contacts.kinds import KINDS
from contacts.models import Choice, Event, Identity, Message
from contacts.viewers import Viewer

S = Delivery.Status
FAILED = (S.FAILED, S.RETURNED)
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


def answer_line(choice: Choice | None, *, own: bool = False) -> str:
    """ "We answer by e-mail to s…@example.org", for the customer; `own`: who proved to be it."""
    if choice is None:
        return _("Choose how we answer.")
    where = by(choice.kind)
    if address := answer_address(choice, own=own):
        line = _("We answer %(by)s to %(address)s") % {"by": where, "address": address}
    elif choice.kind == "account":
        line = _("We answer on this page")
    else:
        line = _("We answer %(by)s") % {"by": where}
    if choice.kind == "phone":
        line = _("We call you on %(number)s") % {"number": answer_address(choice, own=own)}
        if choice.wish in WISHES:
            line = f"{line}, {WISHES[choice.wish]}"
    return line


def state(delivery: Delivery) -> str:
    """The customer's word for how a delivery went; for a call, words that fit a call."""
    if delivery.channel.kind_info.spoken:
        if delivery.status in (S.TODO, S.TAKEN):
            return _("We will call you") if delivery.channel.kind == "phone" else _("Ready for you")
        if delivery.status == S.DONE:
            return _("Done")
    return str(STATES.get(delivery.status, ""))


def template(message: Message, viewer: Viewer) -> str:
    """The line that stands for a message that we made ourselves."""
    if message.template == "acknowledgement":
        where = staff_by(message.kind) if viewer.is_staff else by(message.kind)
        return _("We confirmed %(by)s that we have the question.") % {"by": where}
    if message.template == "callback":
        return _("The customer asks to be called.")
    if message.template == "auto_reply":
        return _("An automatic reply came in.")
    if message.template == "joined":
        if viewer.is_staff:
            return _("The customer wrote %(by)s to go on there.") % {"by": staff_by(message.kind)}
        return _("You wrote %(by)s to go on there.") % {"by": by(message.kind)}
    if message.template == "spoken":
        return _("What was said")
    return ""


def closed(kind: str, why: str) -> str:
    """Why nothing goes to an address by one kind, for staff."""
    if why == Identity.STOPPED:
        return _("%(kind)s stopped by the customer") % {"kind": staff_label(kind)}
    known = {"email": _("mail comes back"), "sms": _("SMS does not arrive")}
    return known.get(kind) or _("not on %(kind)s") % {"kind": staff_label(kind)}


def event(row: Event, viewer: Viewer, identities: dict[int, Identity]) -> str:
    """An event in a sentence; "" for what this viewer needs not see."""
    if row.sort == Event.Sort.CHOSEN and row.data.get("to_prove"):
        return ""  # the next line says what was chosen; the own page is only where it waits
    if row.sort == Event.Sort.CHOSEN and not viewer.is_staff and not row.data.get("before"):
        return _("You chose %(kind)s.") % {"kind": noun(row.data["kind"])}
    words = (FOR_STAFF if viewer.is_staff else FOR_CUSTOMERS).get(Event.Sort(row.sort))
    return words(row, identities) if words else ""


def _address(row: Event, identities: dict[int, Identity]) -> str:
    identity = identities.get(row.data.get("identity", 0))
    return f" ({identity})" if identity else ""


def _who(row: Event) -> str:
    return row.staff.display_name if row.staff else _("The customer")


def _you_switched(row: Event, _identities: dict[int, Identity]) -> str:
    data = row.data
    values = {"kind": noun(data["kind"]), "before": noun(data.get("before", ""))}
    if data.get("by") == Choice.By.RETURNING:
        return _("From now on we answer %(by)s again.") % {"by": by(data["kind"])}
    if data.get("by") == Choice.By.WRITING:
        return _("You wrote %(by)s, so we answer there.") % {"by": by(data["kind"])}
    if data.get("once"):
        return _("You chose %(kind)s for the next answer only.") % values
    if data["kind"] == data.get("before"):
        return _("You changed where or when: %(kind)s.") % values
    return _("You chose %(kind)s instead of %(before)s.") % values


def _switched(row: Event, identities: dict[int, Identity]) -> str:
    data = row.data
    where = _address(row, identities)
    values = {
        "who": _who(row),
        "kind": staff_noun(data["kind"]) + where,
        "by": staff_by(data["kind"]) + where,
        "before": staff_noun(data.get("before", "")),
    }
    if data.get("by") == Choice.By.RETURNING:
        return _("Back to the usual way: %(kind)s.") % values
    if data.get("by") == Choice.By.WRITING:
        return _("The customer wrote %(by)s: the case follows.") % values
    if data.get("once"):
        return _("%(who)s chose %(kind)s for the next answer only.") % values
    if row.staff:
        return _("%(who)s noted the customer's wish: %(kind)s instead of %(before)s.") % values
    return _("%(who)s chose %(kind)s instead of %(before)s.") % values


def _chosen(row: Event, identities: dict[int, Identity]) -> str:
    values = {"who": _who(row), "by": staff_by(row.data["kind"]) + _address(row, identities)}
    noted = _("%(who)s noted how the customer wants the answer: %(by)s.")
    line = (noted if row.staff else _("%(who)s wants the answer %(by)s.")) % values
    wish = WISHES.get(row.data.get("wish", ""))
    return f"{line[:-1]}, {wish}." if wish else line


def _assigned(row: Event, _identities: dict[int, Identity]) -> str:
    values = {"who": _who(row), "name": row.data.get("name", "")}
    if not values["name"]:
        return _("%(who)s took the assignment off.") % values
    if row.staff_id == row.data.get("to"):
        return _("%(who)s took the case.") % values
    return _("%(who)s assigned the case to %(name)s.") % values


def _overridden(row: Event, _identities: dict[int, Identity]) -> str:
    return _("%(who)s answered %(used)s instead of %(chosen)s: %(why)s") % {
        "who": _who(row),
        "used": staff_by(row.data["used"]),
        "chosen": staff_by(row.data["chosen"]),
        "why": row.data.get("why", ""),
    }


def _tried(row: Event) -> dict[str, Any]:
    return {
        "who": _who(row),
        "by": staff_by(row.data.get("kind", "")),
        "outcome": OUTCOMES.get(row.data.get("outcome", ""), ""),
    }


def _attempted(row: Event, _identities: dict[int, Identity]) -> str:
    if row.data.get("again"):
        return _("%(who)s tries again %(by)s.") % _tried(row)
    line = _("%(who)s tried %(by)s: %(outcome)s.") % _tried(row)
    return f"{line} {row.data['note']}" if row.data.get("note") else line


def _done(row: Event, _identities: dict[int, Identity]) -> str:
    return _("%(who)s carried it out %(by)s: %(outcome)s.") % _tried(row)


def _opened(row: Event, _identities: dict[int, Identity]) -> str:
    kind = row.data.get("kind", "")
    if kind == "account":
        return _("Opened on the website.")
    return _("Opened %(by)s.") % {"by": staff_by(kind)}


def _questioned(row: Event, identities: dict[int, Identity]) -> str:
    values = {**_tried(row), "address": identities.get(row.data.get("identity", 0), "")}
    if row.data.get("answer") == "yes":
        return _("%(address)s said YES %(by)s and joined.") % values
    if row.data.get("answer") == "no":
        return _("%(address)s said NO %(by)s: nothing was joined.") % values
    return (
        _(
            "%(address)s asks to join %(by)s, and is known as another customer. They were asked"
            " for a YES. Perhaps both are one: look at what it may belong to."
        )
        % values
    )


def _stopped(row: Event, identities: dict[int, Identity]) -> str:
    values = {
        "kind": staff_label(row.data.get("kind", "")),
        "address": identities.get(row.data.get("identity", 0), ""),
    }
    if row.data.get("stopped"):
        return _("%(kind)s to %(address)s was stopped by the customer.") % values
    return _("%(kind)s to %(address)s was allowed again by the customer.") % values


def _corrected(row: Event, _identities: dict[int, Identity]) -> str:
    change, sign = row.data.get("change"), row.data.get("sign")
    if change == "edited":
        before = row.data.get("before", "")
        return _("The customer changed a message. Before: “%(text)s”") % {"text": before}
    if change == "deleted":
        return _("The customer deleted a message. It stays here for staff only.")
    if sign:
        return _("The customer reacted with %(sign)s.") % {"sign": sign}
    return _("The customer took a reaction back.")


def _you_corrected(row: Event, _identities: dict[int, Identity]) -> str:
    change, sign = row.data.get("change"), row.data.get("sign")
    if change == "deleted":
        return _("You deleted a message.")
    return _("You reacted with %(sign)s.") % {"sign": sign} if sign else ""


def _kept_out(row: Event, _identities: dict[int, Identity]) -> str:
    values = {"name": row.data.get("name", ""), "why": reasons.words(row.data.get("reason"))}
    return _("A file was not taken: %(name)s. %(why)s") % values


def _day(row: Event) -> str:
    return formats.date_format(timezone.localtime(row.created_at), "j F")


FOR_CUSTOMERS = {
    Event.Sort.SWITCHED: _you_switched,
    Event.Sort.CORRECTED: _you_corrected,
    Event.Sort.KEPT_OUT: lambda row, _ids: (
        _("A file was not taken: %(name)s.") % {"name": row.data.get("name", "")}
    ),
    Event.Sort.INVITED: lambda row, _ids: (
        _("You want to go on %(by)s.") % {"by": by(row.data["kind"])}
    ),
    Event.Sort.CALLS: lambda row, _ids: (
        _("You asked us to call you about this.")
        if row.data.get("allowed")
        else _("You asked us not to call you about this.")
    ),
    Event.Sort.RESOLVED: lambda row, _ids: _("Settled on %(day)s.") % {"day": _day(row)},
    Event.Sort.REOPENED: lambda row, _ids: _("Opened again on %(day)s.") % {"day": _day(row)},
}
FOR_STAFF = {
    Event.Sort.OPENED: _opened,
    Event.Sort.CHOSEN: _chosen,
    Event.Sort.SWITCHED: _switched,
    Event.Sort.CALLS: lambda row, _ids: (
        _("The customer asks to be called about this.")
        if row.data.get("allowed")
        else _("The customer does not want to be called about this.")
    ),
    Event.Sort.ASSIGNED: _assigned,
    Event.Sort.RESOLVED: lambda row, _ids: _("%(who)s resolved the case.") % {"who": _who(row)},
    Event.Sort.REOPENED: lambda row, _ids: _("%(who)s opened the case again.") % {"who": _who(row)},
    Event.Sort.TOPIC: lambda row, _ids: _("%(who)s changed the topic.") % {"who": _who(row)},
    Event.Sort.OVERRIDDEN: _overridden,
    Event.Sort.REFUSED: lambda row, _ids: (
        _("%(who)s wanted to answer %(by)s and was refused: %(reason)s")
        % {**_tried(row), "reason": reasons.words(row.data.get("reason"))}
    ),
    Event.Sort.FAILED: lambda row, _ids: (
        _("Did not arrive %(by)s: %(detail)s")
        % {**_tried(row), "detail": reasons.words(row.data.get("reason"))}
    ),
    Event.Sort.UNCERTAIN: lambda row, _ids: (
        _("Perhaps arrived %(by)s: %(detail)s")
        % {**_tried(row), "detail": reasons.words(row.data.get("reason"))}
    ),
    Event.Sort.QUESTIONED: _questioned,
    Event.Sort.STOPPED: _stopped,
    Event.Sort.CORRECTED: _corrected,
    Event.Sort.KEPT_OUT: _kept_out,
    Event.Sort.ATTEMPTED: _attempted,
    Event.Sort.DONE: _done,
    Event.Sort.ADDRESS: lambda row, ids: (
        _("%(who)s says that this address works again: %(address)s.")
        % {"who": _who(row), "address": ids.get(row.data.get("identity", 0), "")}
    ),
    Event.Sort.INVITED: lambda row, _ids: (
        (
            _("The customer wants to go on %(by)s: we sent a code there, to be typed here.")
            if row.data.get("code")
            else _("The customer wants to go on %(by)s: we wait for a message from there.")
        )
        % _tried(row)
    ),
    Event.Sort.PROVED: lambda row, _ids: _("An address was proved."),
    Event.Sort.MERGED: lambda row, _ids: (
        _("%(who)s joined case %(reference)s to this one.")
        % {"who": _who(row), "reference": row.data.get("reference", "")}
    ),
    Event.Sort.UNMERGED: lambda row, _ids: (
        _("%(who)s took case %(reference)s out again.")
        % {"who": _who(row), "reference": row.data.get("reference", "")}
    ),
    Event.Sort.MOVED: lambda row, _ids: (
        (
            _("%(who)s moved a message back: %(reference)s.")
            if row.data.get("back")
            else _("%(who)s moved a message: %(reference)s.")
        )
        % {"who": _who(row), "reference": row.data.get("reference", "")}
    ),
}
