"""What one kind can carry of a message, in the customer's language."""

from datetime import timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from channels_app import outbox
from channels_app.adapters.base import Button, Outbound, OutFile
from channels_app.adapters.mail import marker, message_id, reply_address
from channels_app.models import Delivery, InboundItem
from contacts import addresses, codes, services
from contacts.kinds import EMAIL, PHONE
from contacts.models import Case, Code, Identity, Message

MAX_REFERENCES = 10
LINK_MARGIN = timedelta(days=15)  # a link in a mail works at least so long


def render(delivery: Delivery) -> Outbound:
    """The Outbound of a delivery; the same key and Message-ID on every try."""
    message = delivery.message
    language = message.language or settings.LANGUAGE_CODE
    zone = delivery.channel.organisation.time_zone
    with translation.override(language), timezone.override(zone):
        return _mail(delivery) if message.case else _notice(delivery)


def codes_of(case: Case, identity: Identity | None) -> tuple[Code, Code]:
    """The reply code of a case, and a link that opens it after a button for one address.

    Live ones are used again; a link has to last for a while.
    """
    lasting = Q(identity=identity, expires_at__gte=timezone.now() + LINK_MARGIN)
    wanted = Q(purpose=codes.REPLY) | (Q(purpose=codes.CASE_LINK) & lasting)
    rows = Code.objects.live().filter(wanted, case=case).order_by("created_at")
    found = {code.purpose: code for code in rows}
    reply = found.get(codes.REPLY) or services.reply_code(case)
    return reply, found.get(codes.CASE_LINK) or services.case_link(case, identity)


def code_url(code: Code) -> str:
    """The public address of a link code. The host comes from PUBLIC_URL, never from a request."""
    return settings.PUBLIC_URL + reverse("site:case_link", args=[code.plain])


def _mail(delivery: Delivery) -> Outbound:
    message = delivery.message
    assert message.case is not None and delivery.identity is not None
    case = message.case.stem
    organisation = case.organisation
    template = message.template or "answer"
    if delivery.only_notice and not message.template:
        template = "only_notice"
    reply_code, link = codes_of(case, delivery.identity)
    reply = reply_code.plain
    mailbox = delivery.channel.address
    context = {
        "message": message,
        "case": case,
        "organisation": organisation,
        "phone": addresses.display(PHONE, organisation.phone),
        "link": code_url(link),
        "marker": marker(case.reference, reply),
        "host": settings.PUBLIC_URL,
    }
    files = tuple(message.attachments.all()) if template == "answer" else ()
    return Outbound(
        key=str(delivery.pk),
        to=delivery.identity.value,
        from_name=_from_name(message, organisation.name),
        from_address=mailbox,
        reply_to=reply_address(mailbox, reply),
        subject=_subject(case, template),
        text=render_to_string(f"mail/{template}.txt", context).strip() + "\n",
        html=render_to_string(f"mail/{template}.html", context),
        headers=_headers(case, delivery, automatic=bool(message.template)),
        files=tuple(OutFile(f.name, f.content_type, f.file.read()) for f in files),
    )


def _code_text(code: Code | None, organisation: str) -> str:
    """Six digits in one short message; by its last line a telephone offers them to our page only.

    (https://wicg.github.io/sms-one-time-codes/)
    """
    digits = code.plain if code else ""
    said = _("%(code)s is your code at %(organisation)s. Give it to nobody.")
    text = said % {"code": digits, "organisation": organisation[:60]}
    return f"{text}\n\n@{urlsplit(settings.PUBLIC_URL).hostname} #{digits}"


def subject_of(case: Case) -> str:
    """What a case is about, fit for the customer's eyes: never a note that staff took down."""
    first = case.messages.order_by("seq").only("staff", "kind", "created_at").first()
    if first is None or first.staff_id is None:
        return case.title
    words = {
        "phone": _("Your call of %(day)s"),
        "in_person": _("Your visit of %(day)s"),
        "letter": _("Your letter of %(day)s"),
    }
    zone = ZoneInfo(case.organisation.time_zone)
    day = formats.date_format(first.created_at.astimezone(zone), "j F Y")
    return words.get(first.kind, _("Your question of %(day)s")) % {"day": day}


def _subject(case: Case, template: str) -> str:
    """A sensitive case and an automatic mail name no subject: only the reference."""
    if template == "answer":
        return f"Re: {subject_of(case)} [{case.reference}]"
    if template == "acknowledgement":
        return _("We have your question [%(reference)s]") % {"reference": case.reference}
    return _("You have an answer [%(reference)s]") % {"reference": case.reference}


def _from_name(message: Message, organisation: str) -> str:
    """A named person answers (R37)."""
    if message.staff is None:
        return organisation
    return _("%(person)s of %(organisation)s") % {
        "person": message.staff.public_name,
        "organisation": organisation,
    }


def _headers(case: Case, delivery: Delivery, *, automatic: bool) -> tuple[tuple[str, str], ...]:
    headers = []
    if ids := _thread(case, delivery):
        headers += [("References", " ".join(ids)), ("In-Reply-To", ids[-1])]
    if automatic:
        headers += [("Auto-Submitted", "auto-replied"), ("Precedence", "auto_reply")]
    return tuple(headers)


def _thread(case: Case, delivery: Delivery) -> list[str]:
    """Message-IDs of the mails of this case, oldest first, so that mail programs thread it.

    Only of those that this address sent or got: to name another's mail is half a forged bounce.
    """
    kinds = {"message__case": case, "channel__kind": "email"}
    who = delivery.identity
    came = InboundItem.objects.filter(**kinds, message__identity=who).exclude(provider_id="")
    went = Delivery.objects.filter(**kinds, identity=who).exclude(pk=delivery.pk)
    sent = went.exclude(sent_at=None).order_by("-created_at")[:MAX_REFERENCES]
    rows = list(came.order_by("-pk").values_list("created_at", "provider_id")[:MAX_REFERENCES])
    rows += [
        (at, message_id(str(pk), address))
        for at, pk, address in sent.values_list("created_at", "pk", "channel__address")
    ]
    known = [f"<{value}>" for _at, value in sorted(rows) if " " not in value]
    return known[-MAX_REFERENCES:]


def _line(delivery: Delivery) -> Outbound:
    """A line that stands in the message itself, but for its code."""
    message, identity = delivery.message, delivery.identity
    assert identity is not None
    code, organisation = message.code, delivery.channel.organisation
    asks = message.template == outbox.ASK_TO_JOIN and code is None
    return Outbound(
        key=str(delivery.pk),
        to=identity.value,
        from_name=organisation.name,
        from_address=delivery.channel.address,
        subject=organisation.name,
        text=message.text.replace("{code}", code.plain if code else ""),
        buttons=(Button("yes", _("Yes")), Button("no", _("No"))) if asks else (),
        headers=(("Auto-Submitted", "auto-generated"),),
    )


def _notice(delivery: Delivery) -> Outbound:
    """A mail without a case: its secret is derived now and stands nowhere else."""
    message, identity = delivery.message, delivery.identity
    assert identity is not None
    if message.text:
        return _line(delivery)
    code = message.code
    organisation = delivery.channel.organisation
    if identity.scheme != EMAIL:
        return Outbound(
            key=str(delivery.pk),
            to=identity.value,
            from_name=organisation.name,
            from_address=delivery.channel.address,
            text=_code_text(code, organisation.name),
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
