"""What happened, as staff read it."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import reasons
from contacts import one_person
from contacts.kinds import CHAT, OWN_PAGE
from contacts.models import Choice, Event, Identity
from portal.past.for_customers import appointment, is_unread
from portal.words import OUTCOMES, WISHES, staff_by, staff_label, staff_noun


def _address(row: Event, identities: dict[int, Identity]) -> str:
    identity = identities.get(row.data.get("identity", 0))
    return f" ({identity.readable})" if identity and identity.readable else ""


def _who(row: Event) -> str:
    return row.staff.display_name if row.staff else _("The customer")


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
    if data.get("by") == Choice.By.PROPOSAL:
        return _("The customer said yes: %(kind)s instead of %(before)s.") % values
    if data.get("by") == Choice.By.WRITING and data["kind"] == CHAT:
        return _("The customer is back in the chat: it goes on there.")
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
    values = {"who": _who(row), **{key: row.data.get(key, "") for key in ("name", "before")}}
    if row.data.get("how"):
        return _assigned_by_rules(row, values)
    if not values["name"]:
        return _("%(who)s took the assignment off.") % values
    if row.staff_id != row.data.get("to"):
        text = _("%(who)s assigned the case to %(name)s.") % values
        line = row.data.get("line", "")
        return text + " " + _("“%(text)s”") % {"text": line} if line else text
    if values["before"]:
        return _("%(who)s took the case over from %(before)s.") % values
    return _("%(who)s took the case.") % values


def _assigned_by_rules(row: Event, values: dict[str, str]) -> str:
    why = ASSIGNED_AS.get(row.data["how"], "")
    if team := row.data.get("team"):
        why = _("team %(team)s, %(why)s") % {"team": team, "why": why}
    values["why"] = str(why)
    if values["before"]:
        line = _("%(before)s is not there: assigned by the rules to %(name)s (%(why)s).")
    else:
        line = _("Assigned by the rules to %(name)s (%(why)s).")
    return line % values


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
    if kind in OWN_PAGE:
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


def _invited(row: Event, _identities: dict[int, Identity]) -> str:
    if not row.data["kind"]:
        return _("The customer asked for a code to go on from another address.")
    if row.data.get("code"):
        words = _("The customer wants to go on %(by)s: we sent a code there, to be typed here.")
    else:
        words = _("The customer wants to go on %(by)s: we wait for a message from there.")
    return words % _tried(row)


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


def _kept_out(row: Event, _identities: dict[int, Identity]) -> str:
    values = {"name": row.data.get("name", ""), "why": reasons.words(row.data.get("reason"))}
    return _("A file was not taken: %(name)s. %(why)s") % values


def _proposed(row: Event, _identities: dict[int, Identity]) -> str:
    values = {"who": _who(row), "kind": staff_noun(row.data["kind"])}
    if row.data.get("taken_back"):
        return _("%(who)s took the proposal back: %(kind)s.") % values
    return _("The customer said yes to %(kind)s; one step is left to them.") % values


def _too_late(row: Event, _identities: dict[int, Identity]) -> str:
    values = {"kind": staff_noun(row.data.get("kind", ""))}
    if row.data.get("answer") == "yes":
        return _("The customer said yes to %(kind)s, too late: nothing changed.") % values
    return _("The customer said no to %(kind)s, too late: nothing changed.") % values


def _how_it_was(row: Event, _identities: dict[int, Identity]) -> str:
    if "answered" in row.data:
        if row.data["answered"]:
            return _("The customer said that it answered the question.")
        return _("The customer said that it did not answer the question.")
    if row.data.get("repeated"):
        return _("The customer said that they had to tell something twice.")
    return _("The customer said that they did not have to tell anything twice.")


def _fell_back(row: Event, identities: dict[int, Identity]) -> str:
    if not row.data["kind"]:
        return ""  # that it failed is said already
    if is_unread(row) and row.data["kind"] in OWN_PAGE:
        return _("Not read in the chat for %(minutes)s minutes: it waits on their page.") % {
            "minutes": row.data["reason"].get("minutes", "")
        }
    if is_unread(row):
        return ""  # the message itself says so, and how far it is
    values = {
        "why": reasons.clause(row.data.get("reason")),
        "by": staff_by(row.data["kind"]) + _address(row, identities),
        "before": staff_by(row.data.get("before", "")),
    }
    if not row.data.get("reason"):
        return _("Goes %(by)s instead of %(before)s, as the customer approved.") % values
    return _("Goes %(by)s instead, as the customer approved: %(why)s.") % values


def _second(row: Event, identities: dict[int, Identity]) -> str:
    if not row.data.get("kind"):
        return _("The customer wants no second way.")
    values = {
        "by": staff_by(row.data["kind"]) + _address(row, identities),
        "before": staff_noun(row.data.get("before", "")),
    }
    return _("The customer approved a second way: %(by)s, where %(before)s fails.") % values


def _reopened(row: Event, _identities: dict[int, Identity]) -> str:
    if row.data.get("unreached"):
        return _("Open again: the answer did not reach the customer.")
    return _("%(who)s opened the case again.") % {"who": _who(row)}


def _left(row: Event, _identities: dict[int, Identity]) -> str:
    values = {"kind": staff_label(row.data["kind"]), "asked": staff_by(row.data.get("by", ""))}
    line = _("%(kind)s is switched off.") if row.data.get("off") else _("%(kind)s is paused.")
    more = _("The customer was asked %(asked)s to choose again.")
    alone = _("The customer is asked on their own page alone: no proved address is left for it.")
    return f"{line} {more if values['asked'] else alone}" % values


def _points(row: Event, _identities: dict[int, Identity]) -> str:
    values = {"who": _who(row), "text": row.data.get("text", "")}
    if not values["text"]:
        before = {"who": _who(row), "text": row.data.get("before", "")}
        return _("%(who)s took away what was noted as open: “%(text)s”") % before
    return _("%(who)s noted what is open: “%(text)s”") % values


def _people(row: Event, _identities: dict[int, Identity]) -> str:
    nobody = _("Unknown customer")
    values = {name: row.data.get(name) or nobody for name in ("one", "other")}
    return PEOPLE[row.data.get("what", "")] % {"who": _who(row), **values}


def _told_of_address(row: Event, identities: dict[int, Identity]) -> str:
    values = {"who": _who(row), "address": identities.get(row.data.get("identity", 0), "")}
    if "gone" not in row.data:
        return _("%(who)s says that this address works again: %(address)s.") % values
    if row.data["gone"]:
        return _("%(who)s says that this address is theirs no more: %(address)s.") % values
    return _("%(who)s says that this address is theirs after all: %(address)s.") % values


# Why it was this colleague whom the rules chose.
ASSIGNED_AS = {
    "known": gettext_lazy("known to this customer"),
    "round_robin": gettext_lazy("in turn"),
    "least_loaded": gettext_lazy("had the least to do"),
    "overdue": gettext_lazy("nobody had it for too long"),
}
PEOPLE = {
    one_person.JOINED: gettext_lazy("%(who)s says that %(one)s and %(other)s are one person."),
    one_person.RECOGNISED: gettext_lazy("%(who)s says that this is %(other)s."),
    one_person.SOMEBODY_ELSE: gettext_lazy(
        "%(who)s says that this is somebody else who has %(one)s too."
    ),
    one_person.PARTED: gettext_lazy("%(who)s says that %(one)s and %(other)s are two people."),
    one_person.DIFFERENT: gettext_lazy(
        "%(who)s looked, and %(one)s and %(other)s stay two people."
    ),
}
FOR_STAFF = {
    Event.Sort.LEFT: _left,
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
    Event.Sort.REOPENED: _reopened,
    Event.Sort.FELL_BACK: _fell_back,
    Event.Sort.SECOND: _second,
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
    Event.Sort.OUTCOME: _how_it_was,
    Event.Sort.STOPPED: _stopped,
    Event.Sort.CORRECTED: _corrected,
    Event.Sort.KEPT_OUT: _kept_out,
    Event.Sort.POINTS: _points,
    Event.Sort.APPOINTMENT: lambda row, _ids: (
        f"{_who(row)}: {appointment(row.data, '')}"
        if row.staff or row.data.get("what") != "missed"
        else appointment(row.data, "")
    ),
    Event.Sort.ATTEMPTED: _attempted,
    Event.Sort.DONE: _done,
    Event.Sort.ADDRESS: _told_of_address,
    Event.Sort.INVITED: _invited,
    Event.Sort.PROPOSED: _proposed,
    Event.Sort.DECLINED: lambda row, _ids: (
        _("The customer said no to %(kind)s.") % {"kind": staff_noun(row.data.get("kind", ""))}
    ),
    Event.Sort.TOO_LATE: _too_late,
    Event.Sort.PROVED: lambda row, _ids: _("An address was proved."),
    Event.Sort.PEOPLE: _people,
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
