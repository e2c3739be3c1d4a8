"""After resolving: did this answer your question, and did you have to repeat yourself?

Two taps on the question's own page. Where staff resolved it, and something may go freely by the
customer's way, a message asks there too, a few minutes later: one question after the other, each
for a tap or a word. Only where somebody of the staff spoke with the customer: who got no answer is
not asked how it was.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from channels_app import asking, belonging, dispatch, rendering, routing
from channels_app.adapters.base import Inbound
from channels_app.models import Channel
from contacts import services
from contacts.models import Case, Choice, Event, Identity, Message, Outcome, Question, User
from contacts.models.outcome import AFTERWARDS, MOST_SWITCHES, SAID, WAIT
from contacts.models.question import YES

FOR_A_WORD = timedelta(days=7)
# What is asked of a case, and what it says of it.
WHAT = dict(zip(AFTERWARDS, SAID, strict=True))
ASKS = {
    "answered": gettext_noop("Did we answer your question %(reference)s?"),
    "repeated": gettext_noop("Thank you. Did you have to tell us anything twice?"),
}
THANKS = gettext_noop("Thank you for telling us.")
MISSING = gettext_noop("Your question %(reference)s is open again. What is missing? Write it here.")
# Where a word of theirs cannot be known to belong to the case.
MISSING_THERE = gettext_noop(
    "Your question %(reference)s is open again. What is missing? Write it on your page: {link}"
)
IS_OPEN = gettext_noop("Your question %(reference)s is open again: we still work on it.")
SAID_ALREADY = gettext_noop("Thank you, you told us already.")
TOO_LATE = gettext_noop(
    "That was too late to be counted, thank you. If something is missing, write to us."
)


@transaction.atomic
def resolve(*, case: Case, by: User | None = None) -> None:
    """The matter is settled, by the customer where `by` is None; they may say how it was."""
    stem = asking.hold(case) if by else case.locked()
    if stem.state == Case.State.RESOLVED:
        return
    services.resolve(case=stem, by=by)
    if _begin(stem) and by is not None:
        _ask(stem, Question.Sort.SETTLED, at=timezone.now() + WAIT)


def _ask(stem: Case, sort: str, *, at: datetime | None = None) -> None:
    """Ask by the customer's way, where that is a message which may go freely.

    Until `at` its page asks alone.
    """
    when = at or timezone.now()
    way = routing.route(Message(case=stem, direction=Message.Direction.OUT), when)
    if isinstance(way, routing.Refused) or way.approved is not None or way.identity is None:
        return
    can = way.channel.capabilities
    others = Question.objects.open().filter(identity=way.identity).exclude(case=stem)
    if not can.automatic or can.immediate or others.exists():
        return
    if not Question.objects.may_ask(way.identity, sort):
        return
    text = _in_words(stem, ASKS[WHAT[Question.Sort(sort)]])
    asking.ask(case=stem, sort=sort, text=text, wait=FOR_A_WORD, at=at, created_at=when)


def _in_words(stem: Case, text: str) -> str:
    with translation.override(stem.language):
        return _(text) % {"reference": stem.reference}


def _begin(stem: Case) -> Outcome | None:
    """The row of this resolving; None where nothing is asked, or was asked just now."""
    kind = _answered_by(stem)
    if not kind or not stem.organisation.asks_outcome:
        return None
    switches = min(_switches(stem), MOST_SWITCHES)
    before = Outcome.objects.lately(stem)
    if before is None:
        return Outcome.objects.create(case=stem, kind=kind, switches=switches)
    before.again(kind, switches)
    return None


def _answered_by(stem: Case) -> str:
    """The kind by which staff spoke with the customer last; "" if they never did."""
    family = stem.family_ids()
    said = Message.objects.filter(case__in=family).exclude(staff=None)
    message = said.exclude(direction=Message.Direction.NOTE).order_by("-created_at").first()
    # Reached, and nothing was written down. In no order: for the newest one alone PostgreSQL may go
    # through those of all cases by time.
    calls = list(Event.objects.filter(case__in=family, sort=Event.Sort.DONE))
    call = max(calls, key=lambda event: event.created_at, default=None)
    if call is not None and (message is None or call.created_at > message.created_at):
        return str(call.data.get("kind", ""))
    return message.kind if message else ""


def _switches(stem: Case) -> int:
    """How often the customer went on by another way; what was undone at once is none."""
    rows = Event.objects.filter(case__in=stem.family_ids(), sort=Event.Sort.SWITCHED)
    found = 0
    for data in rows.values_list("data", flat=True):
        if "undone" in data:
            found -= data["kind"] != data["undone"]
        elif data.get("by") != Choice.By.RETURNING:
            found += data["kind"] != data.get("before")
    return max(0, found)


def may_say(case: Case) -> Outcome | None:
    """What the customer of a resolved case may say now; None where nothing is asked."""
    return Outcome.objects.lately(case) if case.stem.state == Case.State.RESOLVED else None


@transaction.atomic
def say(*, case: Case, what: str, value: bool) -> bool:
    """The customer says `what` ("answered" or "repeated") of a case; False where that is over.

    A question that was not answered is open again.
    """
    stem = case.locked()
    outcome, now = may_say(stem), timezone.now()
    if outcome is None or not outcome.may_say(what):
        return False
    if outcome.say(what, value, now):
        _note(stem, what, value, now)
    if what == "answered" and not value:
        services.reopen(case=stem)
    return True


def _note(stem: Case, what: str, value: bool, now: datetime) -> None:
    stem.append(Event(sort=Event.Sort.OUTCOME, data={what: value}, created_at=now))
    waiting = Question.objects.filter(case__in=stem.family_ids(), sort__in=AFTERWARDS)
    waiting.filter(closed_at=None).update(closed_at=now)


def asked_in(channel: Channel, identity: Identity) -> Case | None:
    """The case that asks there how it was: what they write there belongs to it, not to a new one.

    As in `belonging.by_sender` only where the channel says who writes, and they wrote in it before.
    """
    if identity.is_new or not belonging.trusts_sender(channel):
        return None
    there = Question.objects.open().filter(identity=identity, kind=channel.kind)
    question = there.filter(sort__in=AFTERWARDS).select_related("case__root").first()
    if question is None or question.case is None:
        return None
    wrote = Message.objects.of(question.case).filter(
        direction=Message.Direction.IN, identity=identity, staff=None
    )
    return question.case.stem if wrote.exists() else None


@transaction.atomic
def answered(channel: Channel, inbound: Inbound, identity: Identity, question: Question) -> bool:
    """Whether a message is the yes or no that we wait for; then it is noted, or it is too late."""
    word = asking.said(channel, inbound, identity, question)
    # Asked in a moment: what they say now answers something else.
    if not word or question.case is None or question.created_at > timezone.now():
        return False
    stem = question.case.locked()
    what, value = WHAT[Question.Sort(question.sort)], word == YES
    if question.answer:
        _tell(channel, identity, stem, SAID_ALREADY)
        return True
    question.close(word)  # which may be over: it counts as long as its page takes it
    if say(case=stem, what=what, value=value):
        _follow(channel, identity, stem.locked(), what, value)
    else:
        is_open = stem.state == Case.State.OPEN
        _tell(channel, identity, stem, IS_OPEN if is_open else TOO_LATE)
    return True


def _follow(channel: Channel, identity: Identity, stem: Case, what: str, value: bool) -> None:
    """What comes after a word: the second question, thanks, or what is missing."""
    if what == "answered" and not value:
        is_heard = rendering.is_mail(channel) or belonging.trusts_sender(channel)
        _tell(channel, identity, stem, MISSING if is_heard else MISSING_THERE)
    elif what == "answered" and _is_still(stem, channel, identity):
        _ask(stem, Question.Sort.TOLD_TWICE)
    else:
        _tell(channel, identity, stem, THANKS)


def _is_still(stem: Case, channel: Channel, identity: Identity) -> bool:
    """Whether the case is answered where the word came from, and the second one was not said."""
    choice, outcome = stem.choice, may_say(stem)
    is_there = choice is not None and (choice.kind, choice.identity) == (channel.kind, identity)
    return is_there and outcome is not None and outcome.repeated is None


def _tell(channel: Channel, identity: Identity, stem: Case, text: str) -> None:
    words = _in_words(stem, text)
    dispatch.say(words, to=identity, by=channel, language=stem.language, case=stem)
