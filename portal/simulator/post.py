"""The customer's mail program: writes and answers by real SMTP to the shop's door."""

import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.files import File
from portal.simulator.maildir import Mail

TIMEOUT = 10  # seconds
MAX_REFERENCES = 20
ANYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


class NotSent(Exception):
    """The shop's door did not take the mail; the text says why, to the person who wrote it."""


@dataclass(frozen=True)
class Draft:
    """A mail that a customer wrote."""

    sender: str
    to: str
    subject: str
    text: str
    name: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    files: Sequence[File] = ()


def answer(mail: Mail, text: str, *, files: Sequence[File] = ()) -> Draft:
    """An answer as mail programs write it: Re:, both thread headers, the original quoted below."""
    original = mail.content
    subject = original.subject
    if not subject.lower().startswith("re:"):
        subject = f"Re: {subject}"
    thread = (*original.references, original.message_id)
    return Draft(
        sender=mail.owner,
        to=mail.reply_to,
        subject=subject,
        text=f"{text.rstrip()}\n\n{quoted(mail)}",
        in_reply_to=original.message_id,
        references=tuple(value for value in thread if value)[-MAX_REFERENCES:],
        files=files,
    )


def quoted(mail: Mail) -> str:
    """The original, each line behind "> ", under the line that mail programs write."""
    original = mail.content
    when = timezone.localtime(original.date or mail.at).strftime("%d-%m-%Y %H:%M")
    said = _("On %(when)s, %(who)s wrote:") % {
        "when": when,
        "who": formataddr((original.from_name, original.from_email), "utf-8"),
    }
    lines = original.text.splitlines()
    return "\n".join([said, *(f"> {line}" if line else ">" for line in lines)]) + "\n"


def compose(draft: Draft) -> EmailMessage:
    """The mail of a draft."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr((_header(draft.name), draft.sender))
    mail["To"] = draft.to
    mail["Subject"] = _header(draft.subject)
    mail["Date"] = format_datetime(timezone.localtime())
    mail["Message-ID"] = make_msgid(domain="mailbox.example.org")
    if draft.in_reply_to:
        mail["In-Reply-To"] = f"<{draft.in_reply_to}>"
        mail["References"] = " ".join(f"<{value}>" for value in draft.references)
    mail.set_content(draft.text, cte="quoted-printable")
    for file in draft.files:
        main, _slash, sub = file.content_type.partition("/")
        mail.add_attachment(
            file.content,
            maintype=main or "application",
            subtype=sub or "octet-stream",
            filename=file.name,
        )
    return mail


def send(draft: Draft) -> None:
    """Hand the mail to the shop's door. Raises NotSent."""
    host, _colon, port = settings.MAIL_LISTEN.rpartition(":")
    try:
        content = compose(draft).as_bytes()
        with smtplib.SMTP(ANYWHERE.get(host, host).strip("[]"), int(port), timeout=TIMEOUT) as door:
            door.sendmail(draft.sender, [draft.to], content)
    except smtplib.SMTPRecipientsRefused:
        raise NotSent(
            _("The shop's mail server does not know %(to)s.") % {"to": draft.to}
        ) from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(
            _("The shop's mail server did not take it (%(code)s).") % {"code": error.smtp_code}
        ) from None
    except (OSError, smtplib.SMTPException):
        raise NotSent(_("The shop's mail server does not answer. Try again in a moment.")) from None
    except (UnicodeError, ValueError, IndexError):  # an address that no header can hold
        raise NotSent(_("This mail cannot be written like that. Check the addresses.")) from None


def _header(text: str) -> str:
    return " ".join(text.split())[:300]
