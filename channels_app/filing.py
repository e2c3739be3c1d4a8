"""One message from outside finds its case, or opens one."""

from datetime import timedelta
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _  # reasons: stored in English

from channels_app import (
    belonging,
    dispatch,
    joining,
    keywords,
    opening,
    outcomes,
    proposals,
    routing,
    switching,
    which,
)
from channels_app.adapters.base import Inbound
from channels_app.models import Channel, InboundItem
from contacts import holding, languages, services
from contacts.addresses import InvalidAddress
from contacts.files import File, clean_name
from contacts.kinds import PHONE
from contacts.models import Case, Choice, Customer, Event, Holder, Identity, Message, Question
from contacts.models.question import read

MAX_NEW_CASES = 20  # by one address in an hour; more is a loop or an attack, and waits for staff
AUTO_REPLY = "auto_reply"
NO_SENDER = _("It has no sender that could be answered.")
State = InboundItem.State
ANSWERED = {
    Question.Sort.JOIN: joining.answered,
    Question.Sort.WHICH: which.answered,
    Question.Sort.PROPOSAL: proposals.answered,
    Question.Sort.SETTLED: outcomes.answered,
    Question.Sort.TOLD_TWICE: outcomes.answered,
}


class Unfiled(Exception):
    """Not filed: `state` and the reason for staff."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state, self.reason = state, reason


def file(item: InboundItem, inbound: Inbound) -> Message | None:
    """File what somebody wrote; None where no words are left to be filed. Raises Unfiled."""
    channel = item.channel
    if inbound.ours or inbound.sender.lower() == channel.address.lower():
        raise Unfiled(State.IGNORED, _("It is our own message: a loop."))
    # A short code, or a sender that is a word: in our country the digits are somebody's number.
    if inbound.scheme == PHONE and not inbound.sender.startswith("+"):
        raise Unfiled(State.QUARANTINED, NO_SENDER)
    try:
        identity = Identity.locked(inbound.scheme, inbound.sender)
    except InvalidAddress:
        raise Unfiled(State.QUARANTINED, NO_SENDER) from None
    if identity.blocked_at:
        raise Unfiled(State.IGNORED, _("The sender is blocked."))
    item.identity = identity
    if channel.capabilities.reply_window is not None:
        item.save(update_fields=["identity"])  # what is routed from here on finds the window open
    if identity.closed and channel.capabilities.authenticates_sender:
        identity.open_again(channel.kind, Identity.BOUNCED)  # who writes from there is there
    if inbound.greeting:
        keywords.welcome(
            channel, identity, _language(channel, inbound, holding.known_customer(identity))
        )
        return None
    if keywords.heed(channel, inbound, identity):
        return None
    if item.question is None and _is_answer(channel, inbound, identity):
        return None
    taken = joining.take(channel, inbound, identity)
    if taken.inbound is None:
        return taken.message
    message = _file(item, identity, taken)
    if message is None:
        return None
    for name, why in inbound.kept_out:
        assert message.case is not None
        data = {"name": clean_name(name), "reason": why.stored}
        message.case.append(Event(sort=Event.Sort.KEPT_OUT, data=data))
    return message


def _is_answer(channel: Channel, inbound: Inbound, identity: Identity) -> bool:
    """Whether it is a word that we asked for, which is then heeded, or told that it is too late."""
    if identity.is_new or inbound.files or inbound.automatic or not read(inbound.text):
        return False
    question = Question.objects.meant(identity, channel.kind, inbound.text)
    if question is None:
        return False
    return ANSWERED[Question.Sort(question.sort)](channel, inbound, identity, question)


def _file(item: InboundItem, identity: Identity, taken: joining.Taken) -> Message | None:
    """What is left of a message: into the case that it belongs to, or into a new one.

    None where it waits until its writer says to which.
    """
    channel, inbound = item.channel, taken.inbound
    assert inbound is not None
    if item.question is not None:
        case = which.case_of(item)
    else:
        case = taken.case or belonging.by_reply(channel, inbound, identity)
        case = case or belonging.by_sender(channel, inbound, identity)
        case = case or outcomes.asked_in(channel, identity)
    if case is not None:
        return _join(channel, case, inbound, identity)
    if inbound.automatic:
        raise Unfiled(State.IGNORED, _("An automatic message that answers no case."))
    if item.question is None and (cases := which.may_be(channel, identity)):
        language = _language(channel, inbound, holding.known_customer(identity))
        if which.asked(item, identity, cases, language):
            return None
    hint = taken.hint or belonging.hint(channel, inbound, identity)
    return _open(channel, inbound, identity, hint)


def _join(channel: Channel, case: Case, inbound: Inbound, identity: Identity) -> Message:
    if inbound.automatic:
        return _file_auto_reply(channel, case, inbound, identity)
    message = services.file_message(
        case=case, kind=channel.kind, identity=identity, **_content(inbound)
    )
    _follow(case, channel, identity)
    return message


def _follow(case: Case, channel: Channel, identity: Identity) -> None:
    """Who writes on another channel has chosen it: the case follows, and the history says so."""
    if not identity.is_usable_by(channel.kind):
        return  # they said STOP there, and never START
    # Its row is locked since the message was filed: this is the choice of now.
    now = Case.objects.filter(pk=case.stem.pk).values_list("choice__kind", "choice__identity")
    is_chosen = now.get() == (channel.kind, identity.pk)
    if not is_chosen and not belonging.may_lead(channel, case, identity):
        _say_not_there(case.stem, channel, identity)  # and nothing else: perhaps it is not theirs
    elif not _answers(channel):
        _say_off(case.stem, channel, identity)
    elif not is_chosen:
        by = Choice.By.WRITING
        switching.switch(case=case, kind=channel.kind, identity=identity, by=by)


def _answers(channel: Channel) -> bool:
    return bool(channel.is_offered or routing.offered(channel.organisation_id, channel.kind))


def _say_off(stem: Case, channel: Channel, identity: Identity) -> None:
    """It is read, and answered somewhere else: once a day who writes there hears so."""
    with translation.override(stem.language):
        text = gettext(
            "We read this, but we no longer answer %(by)s. Choose another way on the page of your"
            " question: {link}"
        ) % {"by": channel.kind_info.by}
    _say_daily(text, channel, identity, stem.language, stem)


def _say_not_there(stem: Case, channel: Channel, identity: Identity) -> None:
    """It is read, and its answer goes elsewhere: a bare line, without a link or a reference."""
    with translation.override(stem.language):
        text = gettext(
            "We read this, but we do not answer to this address. How we answer can be changed on"
            " the page of the question."
        )
    _say_daily(text, channel, identity, stem.language, None)


def _say_daily(
    text: str, channel: Channel, identity: Identity, language: str, case: Case | None
) -> None:
    lately = timezone.now() - timedelta(days=1)
    said = Message.objects.filter(case=case, identity=identity, text=text, created_at__gt=lately)
    if not said.exists():
        dispatch.say(text, to=identity, by=channel, language=language, case=case)


def _file_auto_reply(channel: Channel, case: Case, inbound: Inbound, identity: Identity) -> Message:
    """An out-of-office note: kept in the history, but nobody waits for an answer to it."""
    content = _content(inbound)
    files = content.pop("files")
    message = Message(
        direction=Message.Direction.IN,
        kind=channel.kind,
        identity=identity,
        template=AUTO_REPLY,
        language=case.stem.language,
        **content,
    )
    case.append(message)
    services.attach(message, files)
    return message


def _content(inbound: Inbound) -> dict[str, Any]:
    files = [File(f.name, f.content_type, f.content, f.content_id) for f in inbound.files]
    return {
        "text": services.clean_text(inbound.text),
        "whole_text": ""
        if inbound.whole_text.strip() == inbound.text.strip()
        else services.clean_text(inbound.whole_text),
        "html": inbound.html.replace("\x00", ""),
        "subject": services.clean_line(inbound.subject)[:300],
        "files": files,
    }


def _open(channel: Channel, inbound: Inbound, identity: Identity, hint: Case | None) -> Message:
    """A message out of the blue opens a case, to be answered where it came from."""
    if not identity.is_new and _opened_lately(identity) >= MAX_NEW_CASES:
        raise Unfiled(State.QUARANTINED, _("Too many new cases by this address in an hour."))
    organisation = channel.organisation
    customer = holding.known_customer(identity)
    language = _language(channel, inbound, customer)
    if customer is None:
        customer = holding.customer_for(
            identity, name=inbound.sender_name, language=language, how=Holder.How.WROTE
        )
    content = _content(inbound)
    case = services.new_case(
        customer=customer,
        choice=Choice(kind=channel.kind, identity=identity, by=Choice.By.WRITING),
        text=content["text"],
        title=inbound.subject or ("" if inbound.text.strip() else _name_of(inbound)),
        organisation=organisation,
        language=language,
        may_belong_to=hint,
    )
    # "We have your question" goes the way that the question came, where that is open to all.
    among = [channel] if channel.is_offered else None
    message = opening.store(case, among=among, kind=channel.kind, identity=identity, **content)
    if channel.capabilities.authenticates_sender and not _answers(channel):
        _say_off(case, channel, identity)
    return message


def _language(channel: Channel, inbound: Inbound, customer: Customer | None) -> str:
    known = customer.language if customer else ""
    return languages.told(inbound.text, channel.organisation.languages, known, inbound.language)


def _name_of(inbound: Inbound) -> str:
    """A picture without words is called by its own name."""
    return clean_name(inbound.files[0].name) if inbound.files else ""


def _opened_lately(identity: Identity) -> int:
    """How many cases of the last hour an address was chosen in, as far as it matters."""
    ago = timezone.now() - timedelta(hours=1)
    chosen = Choice.objects.filter(identity=identity, created_at__gte=ago)
    cases = chosen.filter(case__opened_at__gte=ago).values("case").distinct()
    return cases[:MAX_NEW_CASES].count()
