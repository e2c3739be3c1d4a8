"""Why something did not go, in the reader's language. Rows keep a code and its data only."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels_app.adapters.base import Reason
from contacts.kinds import KINDS

# Why what a person carried out did not reach the customer.
NO_ANSWER, NOT_MET, CAME_BACK = "no_answer", "not_met", "came_back"
NOT_AS_AGREED = {True: "no_answer_as_agreed", False: "not_met_as_agreed"}  # by whether it rings

WORDS: dict[str, Promise | str] = {
    # What a server or a provider said, and what a colleague typed: as it came.
    "said": _("“%(text)s”"),
    "typed": "%(text)s",
    # Routing: why a way is refused.
    "no_choice": _("The customer did not choose a way to be answered yet."),
    "no_email": _("No e-mail address is known."),
    "no_phone": _("No phone number is known."),
    "no_post": _("No postal address is known."),
    "no_handle": _("%(kind)s: they did not write there yet, so no address is known."),
    "no_calls": _("They asked not to be called (%(day)s)."),
    "calls_on_request": _("They want to be called only if they ask (%(day)s)."),
    "unwanted": _("They do not want an answer %(by)s (%(day)s)."),
    "on_request": _("They want an answer %(by)s only if they ask (%(day)s)."),
    "address_dead": _("%(address)s does not work any more. Ask for another address."),
    "moved": _("%(address)s is theirs no more. Ask for another address, or choose another way."),
    "not_reached": _("%(kind)s does not reach %(address)s. Choose another way."),
    "stopped": _("%(kind)s to %(address)s was stopped by the customer. Choose another way."),
    "switched_off": _("%(kind)s is switched off. Choose another way."),
    "window_closed": _(
        "%(kind)s lets us answer only within %(hours)s hours after the customer wrote there."
        " Choose another way."
    ),
    "not_read": _("They did not read it in %(minutes)s minutes."),
    "taken_back": _("They no longer want %(kind)s as their second way."),
    # What a person carries out.
    NO_ANSWER: _("Nobody answered in %(tries)s tries. Write to them, or ask for another number."),
    NOT_MET: _("They did not come, %(tries)s times. Write to them, or agree on another day."),
    NOT_AS_AGREED[True]: _("Nobody answered at the time that they chose."),
    NOT_AS_AGREED[False]: _("They did not come at the time that they chose."),
    CAME_BACK: _("The letter came back. Ask for another address."),
    # Sending: what went wrong on our side.
    "not_made": _("The message cannot be made (%(fault)s)."),
    "fault": _("An unexpected fault (%(fault)s)."),
    "worker_stopped": _("The worker stopped while this was being sent."),
    # Adapters: what they found, without what may repeat a secret.
    "setting_missing": _("The setting %(name)s is missing."),
    "setting_misnamed": _(
        "The value of %(name)s goes to browsers: the name of its variable must end in %(ending)s."
    ),
    "setting_empty": _("%(name)s is not set in the environment."),
    "sends_nothing": _("This channel sends nothing by itself."),
    "mail_url": _("EMAIL_URL must read like smtp://user:password@host:587?tls=1."),
    "mail_password": _("The mail server refuses the user name or password."),
    "mail_unreachable": _("The mail server cannot be reached (%(fault)s)."),
    "mail_answered": _("The mail server answered %(code_number)s."),
    "mail_broke": _("The connection broke (%(fault)s)."),
    "mail_broke_sending": _("The connection broke while sending (%(fault)s)."),
    "spam": _("The recipient marked it as spam."),
    "file_too_many": _("There are more files than we take."),
    "file_not_taken": _("It is too large, or of a type that can be dangerous."),
    "provider_knows": _("%(provider)s knows the key."),
    "provider_url_plain": _("The address of the provider must start with https://."),
    "provider_url_wrong": _("The address of the provider is wrong (%(fault)s)."),
    "provider_unreachable": _("The provider cannot be reached (%(fault)s)."),
    "provider_nonsense": _("The provider gave an answer that cannot be understood."),
    "provider_number": _("The provider knows this account under another number: %(number)s."),
    "provider_window": _("They wrote there too long ago: only an approved text may go."),
    "provider_pace": _("The provider takes only so many messages a second."),
    "file_refused": _("The file's address is not one that may be asked."),
    "file_unreachable": _("The file's address cannot be found."),
    "file_other": _("The file is not what it says it is."),
    "file_too_large": _("The file is too large."),
    "not_a_mail": _("It cannot be written as a mail (%(fault)s)."),
    "mail_connected": _("Connected to %(host)s."),
    "mail_connected_both": _(
        "Connected to %(host)s. Mail is read at %(imap_host)s; in the folder: %(count)s."
    ),
    # The reader of mailboxes.
    "imap_url": _("The variable must read like imaps://user:password@host:993/INBOX?done=Onecase."),
    "imap_needs_tls": _(
        "Without TLS the password could be read on the way: write imaps://, or add tls=1."
    ),
    "imap_same_folder": _("Read mail must go to another folder than the one that is read."),
    "imap_no_host": _("The mailbox's server is not known: there is no such host."),
    "imap_certificate": _("The certificate of the mailbox's server cannot be trusted."),
    "imap_tls": _("TLS with the mailbox's server does not work."),
    "imap_unreachable": _("The mailbox's server cannot be reached."),
    "imap_broke": _("The connection to the mailbox's server broke."),
    "imap_nonsense": _("The mailbox's server gave an answer that cannot be understood."),
    "imap_letters": _("The mailbox's server takes only plain letters in user names and passwords."),
    "imap_not_now": _("The mailbox's server lets nobody sign in at the moment."),
    "imap_password": _("The mailbox's server refuses the user name or password."),
    "imap_no_folder": _("The mailbox has no folder of that name."),
    "imap_no_move": _("The mailbox's server does not let read mail be moved."),
    "imap_no_new_folder": _("The mailbox's server does not let a folder for read mail be made."),
    "imap_read_only": _(
        "The mailbox's folder is read-only: mail is read, but cannot be moved away."
    ),
    "imap_not_stored": _("Mail in the mailbox could not be stored; it is tried again."),
    "imap_database": _("The database does not answer."),
    "imap_fault": _("A fault of the portal: see its log."),
    "imap_twice": _("Another channel reads this mailbox already."),
    "rooms_signed": _(
        "%(host)s answers. We sign rooms; whether the server asks for it only a try tells."
    ),
    "rooms_open": _(
        "%(host)s answers. Rooms are not signed: nobody can guess one, but who has its address can"
        " enter."
    ),
    "by_hand": _("A person does this: there is nothing to connect to."),
    "in_house": _("This is the portal itself: it answers."),
}

# The same as the beginning of a sentence, for a way that is refused for good.
CLAUSES: dict[str, Promise] = {
    "window_closed": _("%(kind)s's %(hours)s hours are over"),
    "not_reached": _("%(kind)s does not reach %(address)s"),
    "stopped": _("%(kind)s to %(address)s was stopped by the customer"),
    "address_dead": _("%(address)s does not work any more"),
    "not_read": _("they did not read it in %(minutes)s minutes"),
}

# What broke between two machines, by the name of its exception; another one is just a fault.
CONNECTION: dict[str, Promise] = {
    "ConnectionRefusedError": _("it refuses the connection"),
    "gaierror": _("its name is not known"),
    "TimeoutError": _("it took too long"),
    "SSLCertVerificationError": _("its certificate is not trusted"),
    "SSLError": _("no safe connection could be agreed on"),
    "SMTPNotSupportedError": _("no safe connection could be agreed on"),
    **dict.fromkeys(
        (
            "SMTPServerDisconnected",
            "RemoteProtocolError",
            "ConnectionResetError",
            "ConnectionAbortedError",
            "BrokenPipeError",
            "SSLEOFError",
        ),
        _("the other side broke off"),
    ),
}
BETWEEN_MACHINES = (
    "mail_unreachable",
    "mail_broke",
    "mail_broke_sending",
    "provider_unreachable",
)


def words(reason: Reason | Mapping[str, Any] | None) -> str:
    """The sentence of a reason, or of one as it is stored; "" for none."""
    return _filled(WORDS, reason)


def clause(reason: Reason | Mapping[str, Any] | None) -> str:
    """The beginning of a sentence: "WhatsApp's 24 hours are over"; else as `words`."""
    return _filled({**WORDS, **CLAUSES}, reason).rstrip(".")


def _filled(texts: Mapping[str, Promise | str], reason: Reason | Mapping[str, Any] | None) -> str:
    stored = reason.stored if isinstance(reason, Reason) else reason or {}
    code = str(stored.get("code", ""))
    if code not in texts:
        return code
    values = defaultdict(str, {name: str(value) for name, value in stored.items()})
    if kind := KINDS.get(values["kind"]):
        values |= {"kind": str(kind.staff_label), "by": str(kind.staff_by)}
    if values["day"]:
        values["day"] = _day(values["day"])
    if code in BETWEEN_MACHINES:
        values["fault"] = str(CONNECTION.get(values["fault"], _("connection fault")))
    return str(texts[code]) % values


def _day(written: str) -> str:
    """12 May, with the year where it is not this one; as it is where it is no date."""
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return written
    return formats.date_format(day, "j F" if day.year == timezone.localdate().year else "j F Y")
