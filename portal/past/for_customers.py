"""What happened, as customers read it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import promises
from contacts.kinds import CALL, CHAT, KINDS, OWN_PAGE, VIDEO_CALL, VISIT
from contacts.models import Choice, Event, Identity
from portal.words import by, noun


def is_unread(row: Event) -> bool:
    """Whether nothing failed: they had left the chat."""
    return bool((row.data.get("reason") or {}).get("code") == "not_read")


def _you_switched(row: Event, _identities: dict[int, Identity]) -> str:
    data = row.data
    values = {"kind": noun(data["kind"]), "before": noun(data.get("before", ""))}
    if data.get("by") == Choice.By.RETURNING:
        return _("From now on we answer %(by)s again.") % {"by": by(data["kind"])}
    if data.get("by") == Choice.By.PROPOSAL:
        return _("You said yes: %(kind)s instead of %(before)s.") % values
    if data.get("by") == Choice.By.WRITING and data["kind"] == CHAT:
        return _("You wrote here, so the chat goes on.")
    if data.get("by") == Choice.By.WRITING:
        return _("You wrote %(by)s, so we answer there.") % {"by": by(data["kind"])}
    if data.get("once"):
        return _("You chose %(kind)s for the next answer only.") % values
    if data["kind"] == data.get("before"):
        return _("You changed where or when: %(kind)s.") % values
    return _("You chose %(kind)s instead of %(before)s.") % values


def _your_appointment(row: Event, _identities: dict[int, Identity]) -> str:
    return appointment(row.data, row.data.get("zone", ""))


def appointment(data: dict[str, str], zone: str) -> str:
    """ "Call on Tuesday 24 November at 15:00.", and what became of it."""
    when = promises.day_and_time(agreed(data["at"], zone))
    before = promises.day_and_time(agreed(data["before"], zone)) if data.get("before") else ""
    line = APPOINTMENTS[KINDS[data["kind"]].meeting].get(data["what"], "%(when)s")
    return str(line) % {"when": when, "before": before}


def agreed(at: str, zone: str) -> datetime:
    """A time as a row keeps it, by that zone's clock; by the portal's where it is ""."""
    return datetime.fromisoformat(at).astimezone(
        ZoneInfo(zone) if zone else timezone.get_current_timezone()
    )


def _you_corrected(row: Event, _identities: dict[int, Identity]) -> str:
    change, sign = row.data.get("change"), row.data.get("sign")
    if change == "deleted":
        return _("You deleted a message.")
    return _("You reacted with %(sign)s.") % {"sign": sign} if sign else ""


def _you_were_late(row: Event, _identities: dict[int, Identity]) -> str:
    if row.data.get("answer") == "yes":
        return _("Your yes came too late: nothing changed.")
    return _("Your no came too late: nothing changed.")


def _how_it_was_for_you(row: Event, _identities: dict[int, Identity]) -> str:
    if "answered" in row.data:
        if row.data["answered"]:
            return _("You said that this answered your question.")
        return _("You said that this did not answer your question.")
    if row.data.get("repeated"):
        return _("You said that you had to tell us something twice.")
    return _("You said that you did not have to tell us anything twice.")


def _you_did_not_read(row: Event, identities: dict[int, Identity]) -> str:
    if row.data["kind"] in OWN_PAGE:
        return ""
    identity = identities.get(row.data.get("identity", 0))
    values = {"by": by(row.data["kind"]), "address": identity.masked if identity else ""}
    if not values["address"]:
        return _("What you had not read yet comes %(by)s as well.") % values
    return _("What you had not read yet comes %(by)s as well, to %(address)s.") % values


def _you_fell_back(row: Event, identities: dict[int, Identity]) -> str:
    if is_unread(row):
        return _you_did_not_read(row, identities)
    values = {"by": by(row.data["kind"]), "before": by(row.data.get("before", ""))}
    if row.data["kind"] in ("", *OWN_PAGE):
        return fell_back_unnamed(row)
    if KINDS[row.data["kind"]].rings:
        return _("We could not reach you %(before)s, so we call you.") % values
    return _("We could not reach you %(before)s, so the answer comes %(by)s.") % values


def fell_back_unnamed(row: Event) -> str:
    """That one way failed, and no word of another one."""
    if is_unread(row):
        return ""
    values = {"before": by(row.data.get("before", ""))}
    if row.data["kind"]:
        return _("We could not reach you %(before)s, so the answer is here.") % values
    return _("We could not reach you %(before)s.") % values


def _you_second(row: Event, _identities: dict[int, Identity]) -> str:
    values = {"by": by(row.data.get("kind", "")), "before": by(row.data.get("before", ""))}
    if not row.data.get("kind"):
        return _("You want no second way: what does not reach you, you read here.")
    return _("Where we cannot reach you %(before)s, we answer %(by)s.") % values


def _you_left(row: Event, _identities: dict[int, Identity]) -> str:
    if not row.data.get("by"):
        return left_unnamed(row)
    asked = _("We asked you %(asked)s to choose another way.") % {"asked": by(row.data["by"])}
    return f"{_gone(row)} {asked}"


def left_unnamed(row: Event) -> str:
    """That a way is gone, and no word of where we asked."""
    return f"{_gone(row)} {_('Please choose another way.')}"


def _gone(row: Event) -> str:
    line = (
        _("We no longer answer %(by)s.") if row.data.get("off") else _("We cannot answer %(by)s.")
    )
    return line % {"by": by(row.data["kind"])}


def _day(row: Event) -> str:
    return formats.date_format(timezone.localtime(row.created_at), "j F")


APPOINTMENTS = {
    CALL: {
        "booked": gettext_lazy("Call on %(when)s."),
        "moved": gettext_lazy("The call is moved to %(when)s. It was on %(before)s."),
        "cancelled": gettext_lazy("The call of %(when)s is cancelled."),
        "missed": gettext_lazy("Nobody answered the call of %(when)s."),
    },
    VIDEO_CALL: {
        "booked": gettext_lazy("Video call on %(when)s."),
        "moved": gettext_lazy("The video call is moved to %(when)s. It was on %(before)s."),
        "cancelled": gettext_lazy("The video call of %(when)s is cancelled."),
        "missed": gettext_lazy("Nobody came to the video call of %(when)s."),
    },
    VISIT: {
        "booked": gettext_lazy("Visit on %(when)s."),
        "moved": gettext_lazy("The visit is moved to %(when)s. It was on %(before)s."),
        "cancelled": gettext_lazy("The visit of %(when)s is cancelled."),
        "missed": gettext_lazy("Nobody came to the visit of %(when)s."),
    },
}

FOR_CUSTOMERS = {
    Event.Sort.APPOINTMENT: _your_appointment,
    Event.Sort.LEFT: _you_left,
    Event.Sort.SWITCHED: _you_switched,
    Event.Sort.FELL_BACK: _you_fell_back,
    Event.Sort.SECOND: _you_second,
    Event.Sort.CORRECTED: _you_corrected,
    Event.Sort.KEPT_OUT: lambda row, _ids: (
        _("A file was not taken: %(name)s.") % {"name": row.data.get("name", "")}
    ),
    Event.Sort.INVITED: lambda row, _ids: (
        _("You want to go on %(by)s.") % {"by": by(row.data["kind"])}
        if row.data["kind"]
        else _("You asked for a code to go on from another address.")
    ),
    Event.Sort.CALLS: lambda row, _ids: (
        _("You asked us to call you about this.")
        if row.data.get("allowed")
        else _("You asked us not to call you about this.")
    ),
    Event.Sort.DECLINED: lambda row, _ids: (
        _("You said no: we go on answering %(by)s.") % {"by": by(row.data.get("asked", ""))}
    ),
    Event.Sort.TOO_LATE: _you_were_late,
    Event.Sort.RESOLVED: lambda row, _ids: _("Settled on %(day)s.") % {"day": _day(row)},
    Event.Sort.REOPENED: lambda row, _ids: _("Opened again on %(day)s.") % {"day": _day(row)},
    Event.Sort.OUTCOME: _how_it_was_for_you,
}
