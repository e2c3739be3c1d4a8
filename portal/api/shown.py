"""What a program is shown. A customer's link shows what the page of the case shows, and no more."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers

from channels_app import slots
from channels_app.joining import Invitation
from channels_app.models import Delivery
from channels_app.promises import MEETING, Offer
from contacts.kinds import KINDS, SCHEMES
from contacts.models import Attachment, Case, Choice, Identity, Message, Topic
from portal.api.callers import Caller
from portal.words import WISHES

S = Delivery.Status
# A customer reads "on its way", whether a machine or a person is at work on it.
FOR_CUSTOMERS = {S.TODO: S.QUEUED, S.TAKEN: S.QUEUED, S.SENDING: S.QUEUED, S.DONE: S.SENT}
FOR_CUSTOMERS |= {S.RETURNED: S.FAILED}
CASE_WITH = ("customer__root", "organisation", "topic", "choice__identity", "assignee")
KIND_NAMES = list(KINDS)


def url(name: str, *args: Any) -> str:
    """An address of ours, as it is from outside."""
    return f"{settings.PUBLIC_URL}{reverse(f'api:{name}', args=args)}"


def address_of(identity: Identity | None, caller: Caller) -> str | None:
    """Whole for a program; as a passer-by may see it for the holder of a link."""
    if identity is None:
        return None
    return identity.masked if caller.is_customer else identity.value


class Shape(serializers.Serializer):
    """An answer, described field by field and made by `of`."""


class ChoiceShape(Shape):
    """How the customer wants to be answered."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=KIND_NAMES)
    address = serializers.CharField(
        allow_null=True, help_text="Masked (s…@example.org) for the link of a case."
    )
    wish = serializers.CharField(allow_blank=True)
    once = serializers.BooleanField()
    calls_allowed = serializers.BooleanField()
    by = serializers.ChoiceField(choices=Choice.By.values)
    chosen_at = serializers.DateTimeField()

    @staticmethod
    def of(choice: Choice, caller: Caller) -> dict[str, Any]:
        """The answer."""
        return {
            "id": choice.pk,
            "kind": choice.kind,
            "address": address_of(choice.identity, caller),
            "wish": choice.wish,
            "once": choice.once,
            "calls_allowed": choice.calls_allowed,
            "by": choice.by,
            "chosen_at": choice.created_at,
        }


class InvitationShape(Shape):
    """Nothing changed yet: the customer writes to us from there, and the case follows."""

    kind = serializers.ChoiceField(choices=KIND_NAMES)
    address = serializers.CharField(allow_blank=True, help_text="Where to write to.")
    link = serializers.CharField(
        allow_blank=True, help_text="Opens it with the text ready; fit for a QR code."
    )
    text = serializers.CharField(help_text="What the customer sends, with a secret of one use.")
    expires_at = serializers.DateTimeField()

    @staticmethod
    def of(shown: Invitation) -> dict[str, Any]:
        """The answer."""
        return {
            "kind": shown.channel.kind,
            "address": shown.channel.address,
            "link": shown.link,
            "text": shown.text,
            "expires_at": shown.expires_at,
        }


class CustomerShape(Shape):
    """Who asks; not shown to the holder of a link, who may be somebody else."""

    id = serializers.IntegerField()
    name = serializers.CharField(allow_blank=True)


class CaseShape(Shape):
    """One matter until it is closed, over all channels."""

    reference = serializers.CharField(help_text="Like K7Q-4MP; of the case that it was joined to.")
    url = serializers.URLField()
    page = serializers.URLField(help_text="The customer's page; it opens with their link.")
    title = serializers.CharField(allow_blank=True)
    about = serializers.CharField(allow_blank=True)
    topic = serializers.CharField(allow_null=True)
    how_soon = serializers.ChoiceField(choices=["", *Case.HowSoon.values])
    language = serializers.CharField()
    state = serializers.ChoiceField(choices=Case.State.values)
    seq = serializers.IntegerField(help_text="Grows with each line of the case's history.")
    customer = CustomerShape(allow_null=True)
    assignee = serializers.CharField(allow_null=True)
    choice = ChoiceShape(allow_null=True)
    waiting_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when the customer waits for an answer."
    )
    opened_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)

    @staticmethod
    def of(case: Case, caller: Caller) -> dict[str, Any]:
        """The answer; of a case that is no part of another one."""
        top, hidden = case.customer.top, caller.is_customer
        return {
            "reference": case.reference,
            "url": url("case", case.reference),
            "page": f"{settings.PUBLIC_URL}{reverse('site:question', args=[case.reference])}",
            "title": case.title,
            "about": case.about,
            "topic": case.topic.slug if case.topic else None,
            "how_soon": case.how_soon,
            "language": case.language,
            "state": case.state,
            "seq": case.seq,
            "customer": None if hidden else {"id": top.pk, "name": top.name},
            "assignee": case.assignee.public_name if case.assignee and not hidden else None,
            "choice": ChoiceShape.of(case.choice, caller) if case.choice else None,
            "waiting_since": case.waiting_since,
            "opened_at": case.opened_at,
            "changed_at": case.changed_at,
            "resolved_at": case.resolved_at,
        }


class OpenedShape(CaseShape):
    """A new case, with the customer's own link to it."""

    link = serializers.URLField(
        help_text="Opens the case for who has it, for 30 days: give it to the customer alone."
    )


class FileShape(Shape):
    """A file of a message."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    content_type = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(help_text="Bytes.")
    url = serializers.URLField()

    @staticmethod
    def of(file: Attachment) -> dict[str, Any]:
        """The answer."""
        return {
            "id": file.pk,
            "name": file.name,
            "content_type": file.content_type,
            "size": file.size,
            "url": url("file", file.pk),
        }


class MessageShape(Shape):
    """What was said: `in` by the customer, `out` to the customer."""

    id = serializers.IntegerField()
    seq = serializers.IntegerField()
    direction = serializers.ChoiceField(choices=["in", "out"])
    kind = serializers.ChoiceField(
        choices=["", *KIND_NAMES], help_text="What it was written for, or came by."
    )
    chosen_kind = serializers.ChoiceField(
        choices=["", *KIND_NAMES], help_text="out: what the customer had chosen."
    )
    why = serializers.ChoiceField(
        choices=["", *Message.Why.values], help_text="out: why that kind was used."
    )
    why_text = serializers.CharField(allow_blank=True, help_text="Empty for the link of a case.")
    template = serializers.CharField(
        allow_blank=True,
        help_text="Which text of our own it is (acknowledgement); its text is empty.",
    )
    author = serializers.CharField(allow_null=True, help_text="out: who answered.")
    text = serializers.CharField(allow_blank=True)
    files = FileShape(many=True)
    created_at = serializers.DateTimeField()

    @staticmethod
    def of(message: Message, caller: Caller) -> dict[str, Any]:
        """The answer."""
        out = message.direction == Message.Direction.OUT
        return {
            "id": message.pk,
            "seq": message.seq,
            "direction": message.direction,
            "kind": message.kind,
            "chosen_kind": message.chosen_kind,
            "why": message.why,
            "why_text": "" if caller.is_customer else message.why_text,
            "template": message.template,
            "author": message.staff.public_name if out and message.staff else None,
            "text": message.text,
            "files": [FileShape.of(file) for file in message.attachments.all()],
            "created_at": message.created_at,
        }


class DeliveryShape(Shape):
    """One message on its way to one address by one channel: how it really went."""

    id = serializers.UUIDField()
    message = serializers.IntegerField(help_text="The id of the message.")
    kind = serializers.ChoiceField(choices=KIND_NAMES)
    channel = serializers.CharField(help_text="Its name for customers.")
    address = serializers.CharField(allow_null=True)
    role = serializers.ChoiceField(choices=Delivery.Role.values)
    status = serializers.ChoiceField(choices=S.values)
    only_notice = serializers.BooleanField(
        help_text="Only that there is an answer went this way: it is private."
    )
    attempts = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True, help_text="Empty for the link of a case.")
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    @staticmethod
    def of(delivery: Delivery, caller: Caller) -> dict[str, Any]:
        """The answer."""
        hidden, status = caller.is_customer, Delivery.Status(delivery.status)
        return {
            "id": delivery.pk,
            "message": delivery.message_id,
            "kind": delivery.channel.kind,
            "channel": delivery.channel.label,
            "address": address_of(delivery.identity, caller),
            "role": delivery.role,
            "status": FOR_CUSTOMERS.get(status, status) if hidden else status,
            "only_notice": delivery.only_notice,
            "attempts": None if hidden else delivery.attempt_count,
            "error": "" if hidden else delivery.error,
            "created_at": delivery.created_at,
            "sent_at": delivery.sent_at,
            "finished_at": delivery.finished_at,
        }


class PlaceShape(Shape):
    """A branch where one can come by."""

    slug = serializers.CharField()
    title = serializers.CharField()
    address = serializers.CharField(allow_blank=True)


class ChannelShape(Shape):
    """A way to be answered, as it is at this moment."""

    kind = serializers.ChoiceField(choices=KIND_NAMES)
    title = serializers.CharField()
    good_for = serializers.CharField(allow_blank=True)
    cannot = serializers.CharField(allow_blank=True)
    is_open = serializers.BooleanField()
    opens_at = serializers.DateTimeField(allow_null=True, help_text="If it is closed now.")
    closes_at = serializers.DateTimeField(allow_null=True, help_text="If it is open now.")
    promise_minutes = serializers.IntegerField(
        allow_null=True, help_text="Within how many minutes of opening time we answer."
    )
    waiting = serializers.IntegerField(
        help_text="Customers who wait for an answer this way; of a phone, to be called now."
    )
    usual_minutes = serializers.IntegerField(
        allow_null=True,
        help_text="How long a first answer usually takes, by the clock; null where too few tell.",
    )
    is_free = serializers.BooleanField(
        allow_null=True,
        help_text="Of a phone: whether somebody is free to call now; null where nothing tells.",
    )
    next_free = serializers.ListField(
        child=serializers.DateTimeField(),
        help_text="The next times to be called or to come; none where there are several places.",
    )
    private = serializers.BooleanField(help_text="Fit for sensitive content.")
    address_needed = serializers.ChoiceField(choices=["", *SCHEMES])
    writes_first = serializers.BooleanField(
        help_text="No address is needed: the customer writes to us from there, by an invitation."
    )
    wishes = serializers.ListField(
        child=serializers.CharField(), help_text="What `wish` may be for a call."
    )
    places = PlaceShape(many=True, help_text="What `wish` may be for a visit.")

    @staticmethod
    def of(offer: Offer) -> dict[str, Any]:
        """The answer."""
        places = offer.channels if offer.kind.name == MEETING else ()
        several = len(offer.channels) > 1  # branches under one name, as in the chooser
        now, calls = timezone.now(), offer.calls if offer.is_open else None
        return {
            "kind": offer.kind.name,
            "title": str(offer.kind.label) if several else offer.title,
            "good_for": offer.good_for,
            "cannot": offer.cannot,
            "is_open": offer.is_open,
            "opens_at": offer.opens_at,
            "closes_at": offer.closes_at,
            "promise_minutes": offer.promise_minutes,
            "waiting": offer.waiting,
            "usual_minutes": -(-offer.pace.median // 60) if offer.pace else None,
            "is_free": calls.is_free if calls else None,
            "next_free": [] if several else slots.next_free(offer.channel, now, crew=offer.crew),
            "private": offer.private,
            "address_needed": "" if offer.writes_first else offer.kind.scheme,
            "writes_first": offer.writes_first,
            "wishes": list(WISHES) if offer.kind.rings else [],
            "places": [
                {"slug": place.slug, "title": place.label, "address": place.address}
                for place in places
            ],
        }


class TopicShape(Shape):
    """What a question can be about."""

    slug = serializers.CharField()
    name = serializers.CharField()
    is_sensitive = serializers.BooleanField(help_text="Answers stay behind the secure page.")

    @staticmethod
    def of(topic: Topic) -> dict[str, Any]:
        """The answer."""
        return {"slug": topic.slug, "name": str(topic.name), "is_sensitive": topic.is_sensitive}


class CaseList(Shape):
    """Cases, the newest first."""

    results = CaseShape(many=True)
    next = serializers.URLField(allow_null=True)


class MessageList(Shape):
    """Messages, the newest first."""

    results = MessageShape(many=True)
    next = serializers.URLField(allow_null=True)


class DeliveryList(Shape):
    """Deliveries, the newest first."""

    results = DeliveryShape(many=True)
    next = serializers.URLField(allow_null=True)


class ChannelList(Shape):
    """Channels, in the order of the chooser."""

    results = ChannelShape(many=True)


class TopicList(Shape):
    """Topics, in their order."""

    results = TopicShape(many=True)


class ProblemShape(Shape):
    """RFC 9457."""

    type = serializers.URLField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="422: field to what is wrong with it.",
    )
