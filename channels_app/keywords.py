"""What is said to a channel, not to us: STOP, START and HELP by SMS, blocks, a first hello."""

from django.utils import translation
from django.utils.translation import gettext as _

from channels_app import dispatch
from channels_app.adapters.base import Block, Inbound
from channels_app.models import Channel
from contacts import addresses, holding
from contacts.addresses import InvalidAddress
from contacts.kinds import PHONE
from contacts.models import Case, Event, Identity

KINDS = frozenset({"sms"})
STOP, START, HELP = "stop", "start", "help"
WORDS = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit"), STOP),
    **dict.fromkeys(("revoke", "optout"), STOP),
    **dict.fromkeys(("start", "unstop"), START),
    **dict.fromkeys(("help", "info", "hulp"), HELP),
}
DUTCH = frozenset({"hulp"})
MOST = 20  # open cases that are told


def heed(channel: Channel, inbound: Inbound, identity: Identity) -> bool:
    """Do what such a word asks for; False if the message is none. It opens no case."""
    if channel.kind not in KINDS:
        return False
    word = inbound.text.strip().removesuffix(".").strip().lower()
    meant = inbound.keyword if inbound.keyword in (STOP, START, HELP) else WORDS.get(word, "")
    if not meant:
        return False
    if meant == HELP:
        # What the provider understood it has answered itself.
        if not inbound.keyword:
            _help(channel, identity, "nl" if word in DUTCH else "")
    elif meant == STOP and identity.close(channel.kind, Identity.STOPPED):
        _tell(channel, identity, is_stopped=True)
    elif meant == START and identity.open_again(channel.kind, Identity.STOPPED):
        _tell(channel, identity, is_stopped=False)
    return True


def block(channel: Channel, said: Block) -> None:
    """They blocked us there, or no longer do: as if an answer came back, or they wrote."""
    try:
        value = addresses.normalise(said.scheme, said.sender)
    except InvalidAddress:
        return
    identity = Identity.objects.filter(scheme=said.scheme, value=value).first()
    if identity is None:
        return  # who never wrote to us is not waited for
    change = identity.open_again if said.lifted else identity.close
    if change(channel.kind, Identity.BOUNCED):
        _tell(channel, identity, is_stopped=not said.lifted)


def welcome(channel: Channel, identity: Identity, language: str) -> None:
    """Who opened a conversation and wrote nothing yet hears what it is for."""
    with translation.override(language):
        text = _("%(name)s. Write your question here: we answer here as well.")
        text %= {"name": channel.organisation.name}
    dispatch.say(text, to=identity, by=channel, language=language)


def _help(channel: Channel, identity: Identity, language: str) -> None:
    customer, organisation = holding.known_customer(identity), channel.organisation
    known = customer.language if customer else organisation.languages[0]
    with translation.override(language or known):
        phone = addresses.display(PHONE, organisation.phone)
        text = _("%(name)s, %(phone)s. Reply STOP and we send nothing more here.")
        text %= {"name": organisation.name, "phone": phone or channel.address}
    dispatch.say(text, to=identity, by=channel, language=language or known)


def _tell(channel: Channel, identity: Identity, *, is_stopped: bool) -> None:
    """The history of each open case that is answered there."""
    chosen = {"choice__identity": identity, "choice__kind": channel.kind}
    data = {"kind": channel.kind, "identity": identity.pk, "stopped": is_stopped}
    for case in Case.objects.open().filter(**chosen).order_by("-pk")[:MOST]:
        case.append(Event(sort=Event.Sort.STOPPED, data=data))
