"""A customer goes on by a channel where they must write first: an invitation, and its redeeming.

Until the invitation is redeemed the case is answered as before: nothing goes to an address that
nobody proved.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from channels_app import routing
from channels_app.models import Channel
from contacts import codes
from contacts.models import Case, Code, Event
from contacts.models.code import CodeQuerySet

FRESH = timedelta(minutes=5)  # an invitation with less time left is not handed out again


@dataclass(frozen=True)
class Invitation:
    """What a page shows: where to tap, and the text that waits there to be sent."""

    channel: Channel
    code: Code
    link: str = field(repr=False)  # "" where the channel has none
    text: str = field(repr=False)
    expires_at: datetime


def invite(case: Case, channel: Channel, *, once: bool = False) -> Invitation:
    """The invitation that this case shows for a kind: the live one, or a new one.

    Another kind's is called off: a case waits for one message at a time. `once`: for the next
    answer only.
    """
    with transaction.atomic():
        stem = case.locked()
        shown = _shown(stem)
        fresh = shown.filter(kind=channel.kind, once=once, expires_at__gt=timezone.now() + FRESH)
        code = fresh.order_by("-created_at").first()
        if code is None:
            shown.exclude(kind=channel.kind, once=once).update(revoked_at=timezone.now())
            code = Code.objects.issue(codes.JOIN, case=stem, kind=channel.kind, once=once)
            data = {"kind": channel.kind}
            stem.append(Event(sort=Event.Sort.INVITED, data=data))
    return _invitation(stem, channel, code)


def waiting(case: Case) -> Invitation | None:
    """The newest invitation of a case that can still be followed."""
    code = _shown(case.stem).order_by("-created_at").first()
    channels = routing.offered(case.stem.organisation_id, code.kind) if code else []
    return _invitation(case.stem, channels[0], code) if code and channels else None


def call_off(case: Case) -> None:
    """The customer chooses another way: what was shown works no more."""
    _shown(case.stem).update(revoked_at=timezone.now())


def ready_text(case: Case, code: Code) -> str:
    """What the customer sends, in the case's language."""
    with translation.override(case.language):
        return _("My question %(reference)s goes on here. Code: %(code)s") % {
            "reference": case.reference,
            "code": codes.on_paper(code.plain),
        }


def _shown(stem: Case) -> CodeQuerySet:
    return Code.objects.live().invitations().filter(case=stem)


def _invitation(stem: Case, channel: Channel, code: Code) -> Invitation:
    text = ready_text(stem, code)
    link = channel.adapter().link_to_write(text, code.plain)
    return Invitation(channel, code, link, text, code.expires_at)
