"""An agent asks whether another way is welcome; only the customer's yes moves the case (R27).

Whether a proposal still stands is read from the rows: what the case is answered by now, whether it
is open, and what was said. Nothing has to be closed when a customer switches, and taking that back
makes it stand again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import TextChoices
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import asking, dispatch, joining, promises, routing, switching, todos
from channels_app.adapters.base import Inbound
from channels_app.models import Channel
from contacts import holding, services, whose
from contacts.kinds import POST, get
from contacts.models import (
    Alert,
    Case,
    Choice,
    Customer,
    Event,
    Holder,
    Identity,
    Message,
    Question,
    User,
)
from contacts.models.question import NO, YES

WAIT, WAIT_FOR_PAPER = timedelta(days=3), timedelta(days=14)
MAX_SENTENCE = 300  # characters of the agent's own words below the question
MOST_NOTED = 5  # words that came too late, of one proposal
MOST_READ = 20  # proposals of one case, newest first
TAKEN_BACK = "taken_back"


class Standing(TextChoices):
    """What became of a proposal."""

    OPEN = "open"
    AGREED = "agreed"  # a yes, and the customer has something left to do
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TAKEN_BACK = TAKEN_BACK
    SWITCHED = "switched"
    RESOLVED = "resolved"
    JOINED = "joined"
    NEWER = "newer"
    EXPIRED = "expired"


S = Standing
SAID_OR_OPEN = (S.OPEN, S.AGREED, S.ACCEPTED, S.DECLINED)
LATE = {
    S.AGREED: gettext_lazy("You said yes already."),
    S.ACCEPTED: gettext_lazy("You said yes already."),
    S.DECLINED: gettext_lazy("You said no already."),
    S.TAKEN_BACK: gettext_lazy("We do not ask this any more."),
    S.SWITCHED: gettext_lazy("You chose another way since we asked."),
    S.RESOLVED: gettext_lazy("Your question is settled by now."),
    S.JOINED: gettext_lazy("Your question goes on together with another one."),
    S.NEWER: gettext_lazy("We asked you something else since then."),
    S.EXPIRED: gettext_lazy("That was too late: we asked this some days ago."),
}


class CannotPropose(Exception):
    """That way cannot be asked for: it is the current one, not offered, or they are spoken to."""


@dataclass(frozen=True)
class Answered:
    """How a proposal stands after a word or a tap; `is_late`: that moved nothing."""

    standing: Standing
    is_late: bool = False


def may_propose(case: Case, kind: str) -> bool:
    """Whether it makes sense: whom we speak to is asked by word of mouth."""
    now = routing.chosen_kind(case.stem)[0]
    return bool(now) and kind != now and not get(now).spoken


def question(kind: str) -> str:
    """What is asked, in the language of now."""
    if get(kind).rings:
        return _("Shall we phone you about this?")
    return _("Shall we answer you %(by)s?") % {"by": get(kind).by}


def propose(*, case: Case, kind: str, staff: User, sentence: str = "") -> Question:
    """Ask by the customer's way whether `kind` is welcome; what is asked already is asked once.

    Raises CannotPropose, dispatch.Refusal.
    """
    with transaction.atomic():
        stem = asking.hold(case)
        if not may_propose(stem, kind) or not routing.offered(stem.organisation_id, kind):
            raise CannotPropose
        waits = current(of(stem), stem)
        if waits and waits[0].proposed_kind == kind and waits[1] == S.OPEN:
            return waits[0]
        with translation.override(stem.language):
            lines = [question(kind), services.clean_line(sentence)[:MAX_SENTENCE]]
        is_paper = get(routing.chosen_kind(stem)[0]).scheme == POST
        return asking.ask(
            case=stem,
            staff=staff,
            sort=Question.Sort.PROPOSAL,
            text="\n".join(filter(None, lines)),
            wait=WAIT_FOR_PAPER if is_paper else WAIT,
            proposed_kind=kind,
        )


def of(case: Case) -> list[Question]:
    """The proposals of a case, newest first. One query."""
    rows = Question.objects.filter(case__in=case.member_ids, sort=Question.Sort.PROPOSAL)
    found = list(rows.select_related("message__staff").order_by("-pk")[:MOST_READ])
    for row in found:
        row.case = next(member for member in case.members if member.pk == row.case_id)
    return found


def current(found: Iterable[Question], case: Case) -> tuple[Question, Standing] | None:
    """The newest of them, where it waits for the customer."""
    newest = next(iter(found), None)
    state = standing(newest, case) if newest else None
    return (newest, state) if newest and state in (S.OPEN, S.AGREED) else None


def declined(found: Iterable[Question]) -> dict[str, Question]:
    """By kind: the last proposal, where they said no to it."""
    last: dict[str, Question] = {}
    for row in found:
        last.setdefault(row.proposed_kind, row)
    return {kind: row for kind, row in last.items() if row.answer == NO}


def standing(asked: Question, case: Case) -> Standing:
    """How a proposal stands in a case, which is its stem as it is now."""
    if asked.answer in (NO, TAKEN_BACK):
        return S.DECLINED if asked.answer == NO else S.TAKEN_BACK
    if asked.answer == YES and asked.closed_at is not None:
        is_done = case.choice is not None and case.choice.created_at >= asked.closed_at
        if is_done or case.state == Case.State.RESOLVED or asked.expires_at <= timezone.now():
            return S.ACCEPTED
        return S.AGREED
    return _lapsed(asked, case) or S.OPEN


def _lapsed(asked: Question, case: Case) -> Standing | None:
    """Why a proposal that nobody answered is over."""
    choice, message = case.choice, asked.message
    if asked.case_id != case.pk:
        return S.JOINED
    if choice and message and not _is_same(choice, message):
        return S.SWITCHED
    if case.state == Case.State.RESOLVED:
        return S.RESOLVED
    if asked.closed_at is not None:
        return S.NEWER
    return S.EXPIRED if asked.expires_at <= timezone.now() else None


def _is_same(choice: Choice, message: Message) -> bool:
    """Whether a case is still answered by the way that it was asked by."""
    if message.kind != choice.kind:  # it went by their second way
        return choice.kind == message.chosen_kind
    return choice.identity_id in (None, message.identity_id)


def take_back(asked: Question, staff: User) -> bool:
    """The agent asks no more; False where it is answered, or over."""
    with transaction.atomic():
        stem = _locked(asked)
        if standing(asked, stem) != S.OPEN or not asked.close(TAKEN_BACK):
            return False
        data = {"kind": asked.proposed_kind, "taken_back": True}
        stem.append(Event(sort=Event.Sort.PROPOSED, staff=staff, data=data))
        held = dispatch.open_in(stem).filter(message=asked.message_id)
        dispatch.cancel(held)
        return True


def _locked(asked: Question) -> Case:
    """The stem with its lock, and the question as it is then."""
    assert asked.case is not None
    stem = asked.case.locked()
    asked.refresh_from_db(fields=["answer", "closed_at", "expires_at"])
    return stem


def answer(asked: Question, word: str, *, to: Identity | None = None) -> Answered:
    """The customer says YES or NO; `to`: their address of that kind, where they have one.

    Of two at once one wins; the other is late.
    """
    with transaction.atomic():
        stem = _locked(asked)
        state = standing(asked, stem)
        if state != S.OPEN or not asked.close(word):
            _note_late(asked, stem, word, state)
            return Answered(state, is_late=True)
        if word == NO:
            sort = Event.Sort.DECLINED
            stem.append(Event(sort=sort, data=_data(asked)), alerts=_alerts(asked, stem))
            return Answered(S.DECLINED)
        return Answered(S.ACCEPTED if _go(asked, stem, to) else S.AGREED)


def _go(asked: Question, stem: Case, to: Identity | None) -> bool:
    """They said yes: the case goes there; False where they have to do something first."""
    kind, alerts = asked.proposed_kind, _alerts(asked, stem)
    if not _needs_more(stem, kind, to):
        wish = "soon" if get(kind).rings else ""
        stem.append(alerts=alerts)
        switching.switch(case=stem, kind=kind, identity=to, wish=wish, by=Choice.By.PROPOSAL)
        return True
    data = _data(asked) | {"answer": YES}
    stem.append(Event(sort=Event.Sort.PROPOSED, data=data), alerts=alerts)
    channels = routing.offered(stem.organisation_id, kind)
    if channels and channels[0].capabilities.writes_first:
        joining.invite(stem, channels[0])
    return False


def _needs_more(stem: Case, kind: str, to: Identity | None) -> bool:
    """Whether we lack an address, or they have to say where they come."""
    info = get(kind)
    if not routing.offered(stem.organisation_id, kind):
        return True  # not offered any more: they choose another one
    return to is None if info.scheme else info.spoken


def _data(asked: Question) -> dict[str, object]:
    kind = asked.message.kind if asked.message else asked.kind
    return {"kind": asked.proposed_kind, "asked": kind}


def _alerts(asked: Question, stem: Case) -> list[Alert]:
    """Who asked, and whose case it is, hear of the answer."""
    people = {stem.assignee_id, asked.message.staff_id if asked.message else None} - {None}
    return [Alert(user_id=pk, sort=Alert.Sort.ANSWERED) for pk in sorted(filter(None, people))]


def _note_late(asked: Question, stem: Case, word: str, state: str) -> None:
    """It changes nothing, and the agent knows; the same word once more says nothing new."""
    if asked.answer == word:
        return
    lately = stem.events.filter(sort=Event.Sort.TOO_LATE, created_at__gte=asked.created_at)
    if lately.count() < MOST_NOTED:
        data = _data(asked) | {"answer": word, "why": state}
        event = Event(sort=Event.Sort.TOO_LATE, data=data)
        stem.append(event, alerts=_alerts(asked, stem))


def answered(channel: Channel, inbound: Inbound, identity: Identity, asked: Question) -> bool:
    """Whether a message is the word that a proposal waits for, or waited for; they are told."""
    word = asking.said(channel, inbound, identity, asked)
    if not word or asked.case is None:
        return False
    to = _address(asked, identity) if word == YES else None
    done = answer(asked, word, to=to)
    stem = Case.objects.select_related("choice", "organisation").get(pk=asked.case.stem.pk)
    with translation.override(stem.language):
        text = told(done, asked, stem)
    dispatch.say(text, to=identity, by=channel, language=stem.language, case=stem)
    return True


def _address(asked: Question, identity: Identity) -> Identity | None:
    """Where a yes that came by a word leads: an address that this case, or its customer, has.

    A number that they only typed somewhere may be called, as one may who asks for it; what is
    written goes to one that was proved, or that staff took down.
    """
    assert asked.case is not None
    stem, kind = asked.case.stem, get(asked.proposed_kind)
    used = stem.choices.filter(kind=kind.name).exclude(identity=None).select_related("identity")
    found = [choice.identity for choice in used.order_by("-pk")[:1]]
    channels = routing.offered(stem.organisation_id, kind.name)
    may_start = bool(channels) and not channels[0].capabilities.writes_first
    # The number of who said yes need not be asked for.
    if may_start and kind.scheme == identity.scheme and identity.pk in whose.proved_in(stem):
        found.append(identity)
    if may_start and holding.holders_in(stem, identity):
        people = Customer.objects.family({stem.customer.top_id})
        held = Holder.objects.current().filter(customer__in=people, identity__scheme=kind.scheme)
        rows = [row for row in held.best_first() if kind.rings or row.is_sure]
        found += [row.identity for row in rows]
    usable = (one for one in found if one and one.is_usable_by(kind.name))
    return next((one for one in usable if not whose.is_gone(stem, one)), None)


def told(done: Answered, asked: Question, case: Case) -> str:
    """What the customer hears; {link} leads to the page of their question."""
    if done.is_late:
        # Not in an f-string: what stands there no catalogue finds.
        over = _("Nothing changes. You can choose another way on the page of your question: {link}")
        return f"{LATE[done.standing]} {over}"
    if done.standing == S.DECLINED:
        by = get(routing.chosen_kind(case)[0]).by
        return _("Thank you. We go on answering you %(by)s.") % {"by": by}
    kind = get(asked.proposed_kind)
    if done.standing == S.AGREED:
        text = _("Thank you. One step is left to go on %(by)s: {link}")
        return text % {"by": kind.by}
    if kind.rings:
        return _called(case)
    return _("Thank you. From now on we answer %(by)s.") % {"by": kind.by}


def _called(case: Case) -> str:
    """When we call: as soon as we can, or once we are open."""
    now = timezone.now()
    channels = routing.offered(case.organisation_id, case.answer_kind)
    at = todos.call_time(channels[0], "soon", now) if channels else now
    if at <= now:
        return _("Thank you. We call you as soon as possible.")
    return _("Thank you. We call you from %(when)s on.") % {"when": promises.moment(at, now)}
