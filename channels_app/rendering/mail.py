"""A message as a mail, with subject, HTML and threading."""

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from channels_app import outbox
from channels_app.adapters.base import Outbound, OutFile
from channels_app.adapters.mail import marker, reply_address
from channels_app.models import Delivery
from channels_app.rendering import calendar, transcript
from channels_app.rendering.background import Background, code_url
from channels_app.rendering.second import below, lead
from channels_app.rendering.text import ASKED, LINK, agreed_url, asked, template_of, without_link
from contacts import addresses, codes
from contacts.kinds import PHONE
from contacts.models import Case, Message


def answer(delivery: Delivery, background: Background) -> Outbound:
    """A mail of a case: an answer, or what we say by ourselves."""
    message = delivery.message
    assert message.case is not None and delivery.identity is not None
    case = message.case.stem
    organisation = case.organisation
    template = template_of(message) or "answer"
    if delivery.only_notice and message.template in ("", outbox.UNREAD):
        template = "only_notice"
    if template == outbox.COPY and case.is_sensitive:  # meanwhile
        template = "only_notice"
    reply = background.reply_code(case).plain
    is_time = template == outbox.APPOINTMENT
    mailbox, first = delivery.channel.address, lead(message, delivery)
    link = code_url(background.link(case, delivery.identity))
    goal = agreed_url(delivery) if is_time else link
    context = {
        "message": message,
        "asked": asked(delivery) if template == ASKED else "",
        "line": message.text.replace(LINK, goal) if is_time else without_link(message.text),
        "line_with_link": message.text.replace(LINK, goal),
        "lead": first,
        "case": case,
        "organisation": organisation,
        "phone": addresses.display(PHONE, organisation.phone),
        "link": link,
        "marker": marker(case.reference, reply),
        "host": settings.PUBLIC_URL,
    }
    if template == outbox.CHOOSE_AGAIN:
        context |= background.again(delivery)
    if template == outbox.COPY:
        context["lines"], context["is_cut"] = transcript.copied(message)
    files = tuple(message.attachments.all()) if template == "answer" else ()
    return Outbound(
        key=str(delivery.pk),
        to=delivery.identity.value,
        from_name=_from_name(message, organisation.name),
        from_address=mailbox,
        reply_to=reply_address(mailbox, reply),
        subject=_subject(case, template, background),
        text=below(first, render_to_string(f"mail/{template}.txt", context).strip()) + "\n",
        html=render_to_string(f"mail/{template}.html", context),
        headers=_headers(background.thread(case, delivery), automatic=_is_automatic(message)),
        files=(
            *(OutFile(f.name, f.content_type, f.file.read()) for f in files),
            *calendar.along(delivery),
        ),
    )


def _subject(case: Case, template: str, background: Background) -> str:
    """A sensitive case and an automatic mail name no subject: only the reference."""
    if template in ("answer", outbox.UNREAD):
        return f"Re: {background.subject(case)} [{case.reference}]"
    if template in (ASKED, outbox.LINE):
        return _("Your question [%(reference)s]") % {"reference": case.reference}
    if template == "acknowledgement":
        return _("We have your question [%(reference)s]") % {"reference": case.reference}
    if template == outbox.APPOINTMENT:
        return _("Your appointment [%(reference)s]") % {"reference": case.reference}
    if template == "callback":
        return _("When can we reach you? [%(reference)s]") % {"reference": case.reference}
    if template == outbox.COPY:
        return _("A copy of your question [%(reference)s]") % {"reference": case.reference}
    if template == outbox.CHOOSE_AGAIN:
        return _("How shall we answer you? [%(reference)s]") % {"reference": case.reference}
    return _("You have an answer [%(reference)s]") % {"reference": case.reference}


def _from_name(message: Message, organisation: str) -> str:
    """A named person answers (R37)."""
    if message.staff is None:
        return organisation
    return _("%(person)s of %(organisation)s") % {
        "person": message.staff.public_name,
        "organisation": organisation,
    }


def _is_automatic(message: Message) -> bool:
    return bool(message.template) and message.staff_id is None


def _headers(thread: list[str], *, automatic: bool) -> tuple[tuple[str, str], ...]:
    headers = []
    if thread:
        headers += [("References", " ".join(thread)), ("In-Reply-To", thread[-1])]
    if automatic:
        headers += [("Auto-Submitted", "auto-replied"), ("Precedence", "auto_reply")]
    return tuple(headers)


def notice(delivery: Delivery) -> Outbound:
    """A mail without a case: its secret is derived now and stands nowhere else."""
    message, identity = delivery.message, delivery.identity
    assert identity is not None
    code = message.code
    organisation = delivery.channel.organisation
    if message.text:  # a line that stands in the message itself, but for its code
        return Outbound(
            key=str(delivery.pk),
            to=identity.value,
            from_name=organisation.name,
            from_address=delivery.channel.address,
            subject=organisation.name,
            text=message.text.replace("{code}", code.plain if code else "") + "\n",
            headers=(("Auto-Submitted", "auto-generated"),),
        )
    context = {
        "organisation": organisation,
        "phone": addresses.display(PHONE, organisation.phone),
        "code": code.plain if code else "",
        "link": code_url(code) if code and code.purpose == codes.CASE_LINK else "",
        "host": settings.PUBLIC_URL,
    }
    subjects = {
        "sign_in": _("Your code to sign in"),
        "prove": _("Your code to confirm this address"),
        "case_link": _("The link to your question"),
    }
    return Outbound(
        key=str(delivery.pk),
        to=identity.value,
        from_name=organisation.name,
        from_address=delivery.channel.address,
        subject=subjects[message.template],
        text=render_to_string(f"mail/{message.template}.txt", context).strip() + "\n",
        html=render_to_string(f"mail/{message.template}.html", context),
        headers=(("Auto-Submitted", "auto-generated"),),
    )
