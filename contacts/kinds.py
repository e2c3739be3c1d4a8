"""The sorts of channel (Kind) and of address (Scheme): one registry that every floor reads."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Text = str | Promise
SEND = pgettext_lazy("button of a messenger", "send")


@dataclass(frozen=True)
class Scheme:
    """A sort of address: what a person types, and how we call it.

    Where `typed` is False nobody types it: the provider tells it, with its own scope.
    """

    name: str
    label: Text
    typed: bool = True


@dataclass(frozen=True)
class Kind:
    """A sort of channel. Its icon and colour class carry its name (`icon-email`, `kind-email`).

    `label` stands alone, `by` completes "We answer ...", `noun` completes "You chose ..." (small,
    unless it is a name of its own). These are the customer's words; staff read `staff_label`,
    `staff_by` and `staff_noun`, which differ where the customer's words say "my" or "your".
    `rings` is True where it interrupts a person (R12); `scheme` is "" where no address is needed.
    `good_for` and `cannot`: what a new channel says, until an administrator writes better words.
    `button`: what one presses there to write to us first, in that app's own word. `weight`: how
    much of an agent's capacity an open case takes. `by_appointment`: always at an agreed time.
    """

    name: str
    label: Text
    by: Text
    noun: Text
    group: str
    scheme: str = ""
    rings: bool = False
    spoken: bool = False
    label_for_staff: Text = ""
    by_for_staff: Text = ""
    noun_for_staff: Text = ""
    good_for: Text = ""
    cannot: Text = ""
    button: Text = SEND
    weight: int = 1
    by_appointment: bool = False

    @property
    def meeting(self) -> str:
        """What a time that is agreed there is: a call, a video call, else a visit."""
        return CALL if self.rings else VIDEO_CALL if self.by_appointment else VISIT

    @property
    def staff_label(self) -> Text:
        """The name as staff read it."""
        return self.label_for_staff or self.label

    @property
    def staff_by(self) -> Text:
        """The end of "Goes ..." as staff read it."""
        return self.by_for_staff or self.by

    @property
    def staff_noun(self) -> Text:
        """The end of "They chose ..." as staff read it."""
        return self.noun_for_staff or self.noun


EMAIL, PHONE, POST = "email", "phone", "post"
ACCOUNT = "account"  # the own page: where an answer stands while no address is proved
CHAT = "chat"
VIDEO = "video"
CALL, VIDEO_CALL, VISIT = "call", "video call", "visit"  # what can be agreed on
OWN_PAGE = frozenset({ACCOUNT, CHAT})  # what is written and read on the page of the question
TALK, MESSAGE, WRITING = "talk", "message", "writing"

SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme(EMAIL, _("E-mail address")),
        Scheme(PHONE, _("Phone number")),
        Scheme(POST, _("Postal address")),
        Scheme("telegram", _("Telegram"), typed=False),
    )
}
GROUPS = {
    TALK: pgettext_lazy("group of channels", "Talk"),
    MESSAGE: pgettext_lazy("group of channels", "Message"),
    WRITING: pgettext_lazy("group of channels", "In writing"),
}
KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "phone",
            _("Phone"),
            _("by phone"),
            _("a phone call"),
            TALK,
            PHONE,
            rings=True,
            spoken=True,
            good_for=_("Long stories, doubts and anything urgent"),
            cannot=_("Leaves you nothing in writing"),
            weight=4,
        ),
        Kind(
            VIDEO,
            _("Video call"),
            _("by video"),
            _("a video call"),
            TALK,
            spoken=True,
            good_for=_("Showing what you mean, and long stories"),
            cannot=_("Needs a camera and a quiet place"),
            weight=4,
            by_appointment=True,
        ),
        Kind(
            CHAT,
            _("Chat"),
            _("by chat"),
            _("a chat"),
            MESSAGE,
            good_for=_("Short questions, answered while you are here"),
            cannot=_("You wait on this page; not for what is confidential"),
            weight=3,
        ),
        Kind(
            "whatsapp",
            _("WhatsApp"),
            _("by WhatsApp"),
            _("WhatsApp"),
            MESSAGE,
            PHONE,
            good_for=_("Short questions and pictures, on the telephone that you use anyway"),
            cannot=_("You write to us first; nothing confidential"),
            weight=2,
        ),
        Kind(
            "sms",
            _("SMS"),
            _("by SMS"),
            pgettext_lazy("noun", "SMS"),
            MESSAGE,
            PHONE,
            good_for=_("A short answer on any mobile phone, without an app"),
            cannot=_("No files; nothing long or confidential"),
            weight=2,
        ),
        Kind(
            "telegram",
            _("Telegram"),
            _("by Telegram"),
            _("Telegram"),
            MESSAGE,
            "telegram",
            good_for=_("Short questions and pictures; your telephone number stays with you"),
            cannot=_("You write to us first; nothing confidential"),
            weight=2,
            button=pgettext_lazy("button of a bot", "Start"),
        ),
        Kind(
            "in_person",
            _("In person"),
            _("in person"),
            _("a visit"),
            TALK,
            spoken=True,
            good_for=_("Things that one must see, or sign together"),
            cannot=_("Only during opening hours"),
        ),
        Kind(
            "email",
            _("E-mail"),
            _("by e-mail"),
            _("e-mail"),
            WRITING,
            EMAIL,
            good_for=_("A written answer that you keep"),
            cannot=_("No quick back and forth; not for what is confidential"),
        ),
        Kind(
            ACCOUNT,
            _("My own page"),
            _("on your own page"),
            _("your own page"),
            WRITING,
            label_for_staff=_("Own page"),
            by_for_staff=_("on their own page"),
            noun_for_staff=_("their own page"),
            good_for=_("Confidential answers; no address is needed"),
            cannot=_("You have to look here yourself"),
        ),
        Kind(
            "letter",
            _("Letter"),
            _("by letter"),
            _("a letter"),
            WRITING,
            POST,
            good_for=_("An official answer on paper"),
            cannot=_("Takes a few days"),
        ),
    )
}


def get(name: str) -> Kind:
    """The kind of that name; KeyError if there is none."""
    return KINDS[name]


def kind_choices() -> Iterable[tuple[str, Text]]:
    """For `choices=`: a callable, so that a new kind needs no migration."""
    return [(kind.name, kind.label) for kind in KINDS.values()]


def scheme_choices() -> Iterable[tuple[str, Text]]:
    """For `choices=`, as a callable."""
    return [(scheme.name, scheme.label) for scheme in SCHEMES.values()]
