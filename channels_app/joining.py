"""A customer goes on by a channel where they must write first: an invitation, and its redeeming.

Until the invitation is redeemed the case is answered as before: nothing goes to an address that
nobody proved. A code adds an address to its case and to nothing else (design.md section 5), and
somebody may have shown it to a victim: who is known to us is asked first, and only their own YES
joins. Where a sender can be forged, a number that only they can read takes its place.

A message that says no more than our ready text is a line of the history ("joined"), which nobody
has to answer; words of the customer's own are a message like any other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from channels_app import along, dispatch, outbox, routing, switching
from channels_app.adapters.base import Inbound
from channels_app.models import Channel
from contacts import codes, holding, languages, merging, whose
from contacts.models import (
    Alert,
    Case,
    Choice,
    Code,
    Customer,
    Event,
    Holder,
    Identity,
    Message,
    Question,
)
from contacts.models.code import CodeQuerySet
from contacts.models.question import NO, YES, read

FRESH = timedelta(minutes=5)  # an invitation with less time left is not handed out again
WAIT = timedelta(minutes=15)  # for a YES
MAX_CANDIDATES = 5  # codes that are looked up of one message
JOINED = "joined"
_LETTER = f"[{codes.PAPER_ALPHABET}]"
LETTERS = re.compile(rf"\b(?=({_LETTER}{{5}})[ -]?({_LETTER}{{5}})\b)", re.ASCII | re.IGNORECASE)


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


def code_for_any(case: Case) -> Code | None:
    """The live code that the page of a case shows for any address of its customer."""
    until = timezone.now() + codes.RULES[codes.JOIN].lifetime  # those of letters last longer
    shown = Code.objects.live().filter(purpose=codes.JOIN, form=codes.PAPER, case=case.stem)
    return shown.filter(kind="", expires_at__lte=until).order_by("-created_at").first()


def issue_for_any(case: Case) -> Code:
    """A code to go on from another address, by whatever kind it comes; the newest one alone works.

    As one on paper it also opens the page of its case.
    """
    with transaction.atomic():
        stem = case.locked()
        if before := code_for_any(stem):
            before.revoke()
        code = Code.objects.issue(codes.JOIN, case=stem)
        stem.append(Event(sort=Event.Sort.INVITED, data={"kind": ""}))
    return code


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


@dataclass(frozen=True)
class Taken:
    """What a message was besides its words.

    `case`: it joined that case just now; `hint`: it named this one, without proof; `inbound`: what
    is left to be filed, None where nothing is; `message`: the line that stands for it then.
    """

    inbound: Inbound | None
    case: Case | None = None
    hint: Case | None = None
    message: Message | None = None


def take(channel: Channel, inbound: Inbound, identity: Identity) -> Taken:
    """Redeem the code in a message."""
    letters = candidates(inbound)
    if not letters:
        return Taken(inbound)
    is_meant = _is_meant(inbound, letters)
    if not identity.may_guess:
        if is_meant:
            _say_later(channel, inbound, identity)
        return Taken(inbound)
    found = Code.objects.by_letters(letters)
    code = next((code for code in found if code.is_live), found[0] if found else None)
    if code is not None and code.case is not None:
        return _named(channel, inbound, identity, code)
    if is_meant:
        _say_dead(channel, inbound, identity)
    else:
        identity.count_guess()
    return Taken(inbound)


def _is_meant(inbound: Inbound, letters: list[str]) -> bool:
    """Whether they send what they hold for a code, and not a number of their own that looks so."""
    text = inbound.text.lower()
    return bool(inbound.join_codes) or "code" in text or codes.normalise(text) in letters


def candidates(inbound: Inbound) -> list[str]:
    """What may be a code: ten of our letters and a digit, with or without a blank in the middle."""
    tapped = [codes.normalise(value)[:64] for value in inbound.join_codes]
    found = ("".join(match.groups()).lower() for match in LETTERS.finditer(inbound.text))
    typed = [value for value in found if not value.isalpha()]
    return list(dict.fromkeys([*tapped, *typed]))[:MAX_CANDIDATES]


def _named(channel: Channel, inbound: Inbound, identity: Identity, code: Code) -> Taken:
    """The message carries a code that we once gave out."""
    case = code.case
    assert case is not None
    stem, is_sure = case.stem, _is_sure(channel, inbound)
    if is_sure and not code.is_live and _is_joined(channel, stem, identity, code):
        return _rest(channel, inbound, identity, stem, code)  # the same message once more
    fits = code.kind in ("", channel.kind) and stem.organisation_id == channel.organisation_id
    if not fits or not code.is_live:
        return _dead(channel, inbound, identity, stem)
    if not is_sure or _is_known(stem, identity):
        return _ask(channel, inbound, identity, code)
    if not code.redeem():  # somebody else was faster
        return _dead(channel, inbound, identity, stem)
    join(channel, case, identity, once=code.once)
    if inbound.sender_name and not stem.customer.top.name:
        holding.rename(stem.customer.top, inbound.sender_name)  # better than a number
    return _rest(channel, inbound, identity, stem, code)


def join(channel: Channel, case: Case, identity: Identity, *, once: bool = False) -> None:
    """Add a proved address to a case, and to that case only: it goes on there."""
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": identity.pk}))
    try:
        by = Choice.By.WRITING
        switching.switch(case=case, kind=channel.kind, identity=identity, once=once, by=by)
    except switching.CannotSwitch:
        return  # not offered any more: what they wrote is still filed
    with translation.override(case.language):
        text = _("Your question %(reference)s goes on here.") % {"reference": case.reference}
    dispatch.say(text, to=identity, by=channel, language=case.language)


def _is_sure(channel: Channel, inbound: Inbound) -> bool:
    return inbound.authenticated or channel.capabilities.authenticates_sender


def _is_joined(channel: Channel, stem: Case, identity: Identity, code: Code) -> bool:
    """Whether it was this address that joined; one that was only typed there is anybody's."""
    wrote = stem.choices.filter(identity=identity, kind=channel.kind, by=Choice.By.WRITING)
    return bool(code.redeemed_at) and wrote.exists() and not whose.is_gone(stem, identity)


def _is_known(stem: Case, identity: Identity) -> bool:
    """Whether an address is somebody's already, who did not write from it in this case before.

    Also where that is the customer of the case: whoever types a stranger's mail address opens a
    case in the stranger's name. A number that was only typed in this case is nobody's yet.
    """
    if identity.is_new or stem.choices.filter(identity=identity, by=Choice.By.WRITING).exists():
        return False
    own = Customer.objects.family({stem.customer.top_id})
    typed = Q(customer__in=own, proved_at=None, how=Holder.How.TYPED)
    held = Holder.objects.current().filter(identity=identity).exclude(typed)
    chosen = Choice.objects.filter(identity=identity).exclude(case__in=stem.member_ids)
    return held.exists() or chosen.exists()


def _rest(channel: Channel, inbound: Inbound, identity: Identity, stem: Case, code: Code) -> Taken:
    """What a message says besides our own text; a line of the history where that is nothing."""
    left = replace(inbound, text=own_words(inbound.text, stem, code), whole_text="", html="")
    if left.text or left.files:
        return Taken(left, case=stem)
    return Taken(None, case=stem, message=_joined(channel, stem, identity))


def _joined(channel: Channel, stem: Case, identity: Identity) -> Message:
    message = Message(
        direction=Message.Direction.IN,
        kind=channel.kind,
        identity=identity,
        template=JOINED,
        language=stem.language,
    )
    stem.append(message)
    return message


def own_words(text: str, case: Case, code: Code) -> str:
    """A text without our ready one, in whatever language it was shown, and without the code."""
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            text = text.replace(ready_text(case, code), "")
    value = code.plain
    spelled = f"{value[:5]}[ -]?{value[5:]}"
    return re.sub(spelled, "", text, flags=re.IGNORECASE).strip()


def _dead(channel: Channel, inbound: Inbound, identity: Identity, stem: Case) -> Taken:
    """Used, ended, or of somebody else's: filed as if no code stood there; they are told."""
    _say_dead(channel, inbound, identity)
    same = stem.organisation_id == channel.organisation_id
    return Taken(inbound, hint=stem if same else None)


def _say_dead(channel: Channel, inbound: Inbound, identity: Identity) -> None:
    """The same words for a code that once was and for one that never was: guesses learn nothing."""
    identity.count_guess()
    language = _language(channel, inbound)
    with translation.override(language):
        text = _(
            "This code does not work: it was used, has ended, or is misspelt. Your message is with"
            " us. For a new code open the page of your question."
        )
    dispatch.say(text, to=identity, by=channel, language=language)


def _say_later(channel: Channel, inbound: Inbound, identity: Identity) -> None:
    """Codes from there are not looked at for an hour, right or wrong."""
    language = _language(channel, inbound)
    with translation.override(language):
        text = _(
            "Too many codes came from here. Please send it again in an hour. Your message is"
            " with us."
        )
    dispatch.say(text, to=identity, by=channel, language=language)


def _language(channel: Channel, inbound: Inbound) -> str:
    """That of the words that came, and nothing of what is known to us."""
    return languages.told(inbound.text, channel.organisation.languages, inbound.language)


def _ask(channel: Channel, inbound: Inbound, identity: Identity, code: Code) -> Taken:
    """Ask the holder of the address; the case's agents learn that somebody else's wants in."""
    assert code.case is not None
    stem, sure = code.case.stem, _is_sure(channel, inbound)
    if not Question.objects.may_ask(identity, Question.Sort.JOIN):
        return Taken(inbound, hint=stem)
    code.last_until(timezone.now() + WAIT)
    goes = along.found(identity, stem)
    proof = None if sure else Code.objects.issue(codes.ANSWER, case=stem, identity=identity)
    Question.objects.ask(
        sort=Question.Sort.JOIN,
        identity=identity,
        kind=channel.kind,
        wait=WAIT,
        case=stem,
        code=code,
        proof=proof,
        options=[goes.pk] if goes else [],
    )
    with translation.override(stem.language):
        if sure:
            text = _("You are joining question %(reference)s. Reply YES to go on here, or NO.")
        else:
            text = _(
                "Do you want to go on with question %(reference)s here? Reply {code}."
                " If you did not ask for this, do nothing."
            )
        text %= {"reference": stem.reference}
        if goes:
            text += " " + _(
                "Your question %(reference)s goes along: who can read the one, then reads both."
            ) % {"reference": goes.reference}
    dispatch.say(
        text,
        to=identity,
        by=channel,
        language=stem.language,
        template=outbox.ASK_TO_JOIN,
        code=proof,
    )
    if _is_known(stem, identity):
        _propose(stem, identity, channel.kind)
    left = own_words(inbound.text, stem, code)
    if not left and not inbound.files:
        return Taken(None)
    return Taken(replace(inbound, text=left), hint=stem)


def _propose(stem: Case, identity: Identity, kind: str) -> None:
    """Perhaps two customers are one: staff may merge what they ask; the code does not."""
    data = {"kind": kind, "identity": identity.pk, "answer": ""}
    changes: dict[str, Any] = {}
    if stem.may_belong_to_id is None:
        # One after the other: an OR over two tables would read all cases of the house.
        chosen = Choice.objects.filter(identity=identity).values("case")
        held = Holder.objects.current().filter(identity=identity).values("customer")
        others = Case.objects.open().exclude(pk=stem.pk).order_by("-pk")
        found = others.filter(pk__in=chosen).first() or others.filter(customer__in=held).first()
        changes = {"may_belong_to": found}
    stem.append(Event(sort=Event.Sort.QUESTIONED, data=data), **changes)


def answered(channel: Channel, inbound: Inbound, identity: Identity, question: Question) -> bool:
    """Whether the whole message is the yes or no that we wait for; then it is done."""
    said = read(inbound.text)
    code, stem = question.code, question.case and question.case.stem
    if code is None or stem is None:
        return False
    if not question.is_open:
        return _is_late(channel, inbound, identity, question)
    if said == NO:
        if question.close(NO):
            code.revoke()
            _note_answer(stem, question, NO)
        return True
    if not _is_yes(channel, inbound, question) or not question.close(YES):
        return False
    goes = along.agreed(question, identity, stem)
    _note_answer(stem, question, YES, alerts=_alerts(stem) if goes else ())
    if code.redeem():
        if goes:
            merging.join(case=goes, into=stem, by=None)
        join(channel, stem, identity, once=code.once)
        _joined(channel, stem, identity)
    else:
        _dead(channel, inbound, identity, stem)
    return True


def _is_yes(channel: Channel, inbound: Inbound, question: Question) -> bool:
    said, proof = read(inbound.text), question.proof
    return proof.answers(said) if proof else said == YES and _is_sure(channel, inbound)


def _is_late(channel: Channel, inbound: Inbound, identity: Identity, question: Question) -> bool:
    """They would have joined, had they said so in time."""
    if question.answer or question.case is None or not _is_yes(channel, inbound, question):
        return False
    language = question.case.stem.language
    with translation.override(language):
        text = _(
            "That was too late: nothing changes. For a new code open the page of your question."
        )
    dispatch.say(text, to=identity, by=channel, language=language)
    return True


def _note_answer(stem: Case, question: Question, answer: str, alerts: Sequence[Alert] = ()) -> None:
    data = {"kind": question.kind, "identity": question.identity_id, "answer": answer}
    stem.append(Event(sort=Event.Sort.QUESTIONED, data=data), alerts=alerts)


def _alerts(stem: Case) -> list[Alert]:
    """Whoever works on a case hears that there is more of it."""
    who = stem.assignee_id
    return [Alert(user_id=who, sort=Alert.Sort.ANSWERED)] if who else []
