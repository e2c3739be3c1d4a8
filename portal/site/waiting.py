"""What a question waits for: a message from a messenger, or six digits; and how that ended."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import segno
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from channels_app import joining, routing
from channels_app.joining import Invitation
from contacts import addresses, codes
from contacts.kinds import CHAT, KINDS, Kind
from contacts.models import Case, Choice, Code, Event, Identity
from portal import access
from portal.site import proofs
from portal.site.language import language_of

TOLD_FOR = timedelta(minutes=10)  # "From now on we answer by ..." stands on the page so long
ASKED_FOR = timedelta(days=1)  # so long does an old invitation offer a new code
INVITED_PER_HOUR = 10  # codes in one case


@dataclass(frozen=True)
class Waiting:
    """The card on the page of a question.

    `sort`: "write" (an invitation is open), "over" (it expired), "code" (six digits were sent) or
    "done" (they wrote from there a moment ago).
    """

    sort: str
    kind: Kind
    invitation: Invitation | None = None
    proof: proofs.Pending | None = None
    choice: Choice | None = None

    @property
    def qr(self) -> SafeString:
        """The link as a QR code: dark on white in every theme, or telephones do not read it."""
        assert self.invitation is not None
        code = segno.make(self.invitation.link, micro=False, error="m")
        # Made by us from modules; nothing of the link stands in it as text.
        return mark_safe(code.svg_inline(dark="#000", light="#fff", border=3, omitsize=True))

    @property
    def number(self) -> str:
        """Where to write where there is no link."""
        assert self.invitation is not None
        return addresses.display(self.kind.scheme, self.invitation.channel.address)

    @property
    def is_once(self) -> bool:
        """Whether it is for the next answer only."""
        if self.invitation is not None:
            return self.invitation.code.once
        return self.choice is not None and self.choice.once

    @property
    def is_second(self) -> bool:
        """Whether it is the address of the second way."""
        return self.proof is not None and bool(self.proof.why.get("second"))

    @property
    def text(self) -> str:
        """What is said once they wrote."""
        return said(self.kind, once=self.is_once)


def said(kind: Kind, *, once: bool) -> str:
    """What a switch comes to, in a sentence."""
    line = _("The next answer comes %(by)s.") if once else _("From now on we answer %(by)s.")
    return line % {"by": kind.by}


def newest(case: Case) -> Code | None:
    """The invitation to write that this case showed last, whatever became of it."""
    shown = Code.objects.invitations().filter(case=case.stem)
    return shown.order_by("-created_at").first()


def of(request: HttpRequest, case: Case) -> Waiting | None:
    """What the page of a case says about waiting. One query, two more while it waits."""
    code = newest(case)
    proof = proofs.pending(request, codes.PROVE)
    if proof is not None and proof.why.get("case") == case.pk:
        return Waiting("code", KINDS[proof.why["kind"]], proof=proof)
    now, choice = timezone.now(), case.choice
    if code is not None and code.revoked_at is None and code.redeemed_at is None:
        if code.expires_at > now:
            shown = joining.waiting(case)
            return Waiting("write", KINDS[code.kind], invitation=shown) if shown else None
        is_asked = choice is None or choice.created_at < code.created_at
        if is_asked and code.expires_at > now - ASKED_FOR:
            return Waiting("over", KINDS[code.kind])
    wrote = choice is not None and choice.by == Choice.By.WRITING and choice.kind != CHAT
    if choice and wrote and choice.created_at > now - TOLD_FOR:
        return Waiting("done", choice.kind_info, choice=choice)
    return None


def invite(request: HttpRequest, case: Case, kind: str, *, once: bool = False) -> str:
    """Show a code to write with; else what is wrong."""
    channels = routing.offered(case.stem.organisation_id, kind)
    if not channels or not channels[0].capabilities.writes_first:
        return _("This way is not offered any more. Please choose another one.")
    if not may_invite(case):
        return too_many()
    proofs.forget(request, case)
    joining.invite(case, channels[0], once=once)
    return ""


def may_invite(case: Case) -> bool:
    """Whether this case may show one more code; counts it."""
    return access.allow(f"invite:{case.stem.pk}", times=INVITED_PER_HOUR, seconds=3600)


def too_many() -> str:
    """What is said where it may not."""
    return _("You asked for many codes. Please try again in an hour, or call us.")


def ask_code(
    request: HttpRequest,
    case: Case,
    identity: Identity,
    *,
    kind: str,
    once: bool = False,
    is_second: bool = False,
) -> str:
    """Send six digits to where the case will go on; else what is wrong.

    `is_second`: it goes on as it is, and there only where that does not work.
    """
    why: dict[str, Any] = {"case": case.pk, "kind": kind, "once": once, "second": is_second}
    language = language_of(request)
    if not proofs.send(request, identity, codes.PROVE, language=language, **why):
        return proofs.enough()
    if is_second:
        return ""
    joining.call_off(case)
    case.append(Event(sort=Event.Sort.INVITED, data={"kind": kind, "code": True}))
    return ""


def is_asked(request: HttpRequest, case: Case, identity: Identity) -> bool:
    """Whether this browser waits for that very code already: a double click sends one."""
    proof = proofs.pending(request, codes.PROVE)
    return proof is not None and proof.why.get("case") == case.pk and proof.identity == identity


def end(request: HttpRequest, case: Case) -> None:
    """Another way was chosen: what was shown, or sent, works no more."""
    joining.call_off(case)
    proofs.forget(request, case)
