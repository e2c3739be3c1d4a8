"""An appointment as a file for the customer's calendar (iCalendar, RFC 5545)."""

from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from icalendar import Calendar, Event

from channels_app import outbox
from channels_app.adapters.base import OutFile
from channels_app.models import Appointment, Delivery
from channels_app.rendering.background import appointment_url
from contacts.kinds import CALL, VIDEO_CALL, VISIT

CALENDAR = "text/calendar"
TITLES = {
    CALL: gettext_lazy("Call from %(name)s"),
    VIDEO_CALL: gettext_lazy("Video call with %(name)s"),
    VISIT: gettext_lazy("Visit to %(name)s"),
}


def calendar_file(appointment: Appointment) -> bytes:
    """The file: moved it has the same UID and a higher SEQUENCE, called off it says CANCEL.

    Without a word of what the case is about: calendars are shared.
    """
    is_off = appointment.state == Appointment.State.CANCELLED
    book = Calendar()
    book.add("prodid", "-//Onecase//Appointments//EN")
    book.add("version", "2.0")
    book.add("method", "CANCEL" if is_off else "PUBLISH")
    with translation.override(appointment.case.stem.language):
        book.add_component(_entry(appointment, is_off=is_off))
    made: bytes = book.to_ical()
    return made


def _entry(appointment: Appointment, *, is_off: bool) -> Event:
    case, channel = appointment.case.stem, appointment.channel
    values = {"name": case.organisation.name, "reference": case.reference}
    title = str(TITLES[appointment.meeting])
    entry = Event()
    entry.add("uid", f"{appointment.pk}@{urlsplit(settings.PUBLIC_URL).hostname}")
    entry.add("sequence", appointment.sequence)
    entry.add("dtstamp", timezone.now())
    entry.add("dtstart", appointment.starts_at)
    entry.add("dtend", appointment.ends_at)
    entry.add("summary", title % values)
    entry.add("status", "CANCELLED" if is_off else "CONFIRMED")
    if appointment.meeting == VISIT and channel.address:
        entry.add("location", f"{channel.label}, {channel.address}")
    text = _("Reference %(reference)s") % values
    if appointment.code is not None:
        link = appointment_url(appointment.code)
        entry.add("url", link)
        line = _("Move or cancel: %(link)s")
        if appointment.has_room:
            line = _("Enter, move or cancel: %(link)s")
        text += "\n" + line % {"link": link}
    entry.add("description", text)
    return entry


def along(delivery: Delivery) -> tuple[OutFile, ...]:
    """What goes along with a mail that tells of an appointment."""
    if delivery.message.template != outbox.APPOINTMENT or delivery.appointment is None:
        return ()
    return (OutFile("appointment.ics", CALENDAR, calendar_file(delivery.appointment)),)
