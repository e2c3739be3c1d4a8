"""What is due, as colleagues read it: a promise to the customer, or a target of ours."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_app import due
from channels_app.due import Due
from portal.desk import words

A_MINUTE = timedelta(minutes=1)
A_DAY = 1440  # minutes; of opening time: a day that is open


def brief(owed: Due, now: datetime) -> str:
    """For a narrow column: "promise: 2 h left", "target: 20 min over"."""
    line = _("promise: %(left)s") if owed.what == due.PROMISE else _("target: %(left)s")
    return line % {"left": left(owed, now)}


def sentence(owed: Due) -> str:
    """ "promised before today 16:00", "our target: done before 12 May 16:00"."""
    line = {
        due.PROMISE: _("promised before %(when)s"),
        due.FIRST_ANSWER: _("our target: answer before %(when)s"),
        due.RESOLUTION: _("our target: done before %(when)s"),
    }[owed.what]
    return line % {"when": words.day_and_time(owed.at)}


def left(owed: Due, now: datetime) -> str:
    """ "2 h left" or "20 min over", by the clock; at least a minute of either."""
    if owed.at > now:
        return _("%(span)s left") % {"span": words.span(max(owed.at - now, A_MINUTE))}
    return _("%(span)s over") % {"span": words.span(max(now - owed.at, A_MINUTE))}


def standing(target: Due, now: datetime) -> str:
    """How a target stands, or was met: "First answer after 2 h of 4 h"."""
    is_first = target.what == due.FIRST_ANSWER
    values = {"aim": minutes(target.minutes), "when": words.day_and_time(target.at)}
    if target.took is None:
        line = _("First answer within %(aim)s") if is_first else _("Done within %(aim)s")
        until = _("before %(when)s, %(left)s") % {**values, "left": left(target, now)}
        return f"{line % values}: {until}."
    values["took"] = words.span(max(target.took, A_MINUTE))
    if target.level(now) == due.BROKEN:
        line = (
            _("First answer after %(took)s, later than %(aim)s.")
            if is_first
            else _("Done after %(took)s, later than %(aim)s.")
        )
    else:
        line = (
            _("First answer after %(took)s of %(aim)s.")
            if is_first
            else _("Done after %(took)s of %(aim)s.")
        )
    return line % values


def minutes(number: int) -> str:
    """A length of opening time: 30 min, 4 h, 1 h 30 min, 2 days."""
    if number % A_DAY == 0:
        days = number // A_DAY
        return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    hours, rest = divmod(number, 60)
    parts = [_("%(count)s h") % {"count": hours}] if hours else []
    if rest:
        parts.append(_("%(count)s min") % {"count": rest})
    return " ".join(parts)
