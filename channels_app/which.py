"""A message that may belong to several open questions: who wrote it says which, within an hour.

Until then it is a waiting item, which is filed once the answer is there, or time is up: its event
is processed again from its raw bytes.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from channels_app import belonging, dispatch, outbox
from channels_app.adapters.base import Inbound
from channels_app.models import Channel, InboundEvent, InboundItem
from contacts.models import Case, Identity, Question
from contacts.models.question import NEW, read

WAIT = timedelta(hours=1)
LATE = timedelta(days=1)  # so long a number that came too late is told so
MOST = 5  # cases that are named
MOST_RELEASED = 100  # items by one sweep
TITLE = 40  # characters of a title
THANKS = gettext_noop("Thank you. It is with question %(reference)s.")
TOO_LATE = gettext_noop("That was too late: your message is question %(reference)s now.")


def may_be(channel: Channel, identity: Identity) -> list[Case]:
    """The cases that a message may belong to, newest first; none where there is nothing to ask."""
    if identity.is_new or not belonging.trusts_sender(channel):
        return []
    cases = belonging.sure_in(identity, MOST)
    return cases if len(cases) > 1 else []


def asked(item: InboundItem, identity: Identity, cases: Sequence[Case], language: str) -> bool:
    """Ask which of them it belongs to, and let it wait; False where nothing can be asked."""
    channel, sort = item.channel, Question.Sort.WHICH
    waiting = Question.objects.open().filter(sort=sort, identity=identity, kind=channel.kind)
    question = waiting.first() or _ask(channel, identity, cases[::-1], language)
    if question is None:
        return False
    item.state, item.question = InboundItem.State.WAITING, question
    return True


def _ask(
    channel: Channel, identity: Identity, cases: Sequence[Case], language: str
) -> Question | None:
    if not Question.objects.may_ask(identity, Question.Sort.WHICH):
        return None  # a new case, as before
    with translation.override(language):
        names = [*map(_named, cases), _("A new question")]
        text = "\n".join(
            [
                _("You have several questions with us. Which one is this about?"),
                *(f"{number} {name}" for number, name in enumerate(names, start=1)),
                _("Reply with the number. Without an answer it becomes a new question."),
            ]
        )
    said = dispatch.say(text, to=identity, by=channel, language=language, template=outbox.WHICH)
    if said is None:
        return None
    keys = [case.pk for case in cases]
    return Question.objects.ask(
        sort=Question.Sort.WHICH, identity=identity, kind=channel.kind, wait=WAIT, options=keys
    )


def _named(case: Case) -> str:
    """What its writer knows it by; nothing of a sensitive one stands in a message."""
    if case.is_sensitive:
        return case.reference
    return f"{Truncator(case.title).chars(TITLE)} ({case.reference})"


def answered(channel: Channel, inbound: Inbound, identity: Identity, question: Question) -> bool:
    """Whether the message is a number that we asked for, or "new"; then it is done, or too late."""
    answer = _meant(inbound, question)
    if not answer:
        return False
    if not question.is_open:
        return _is_late(channel, identity, question)
    if not question.close(answer):
        return False
    _release(Q(question=question))
    if answer != NEW:  # else "we have your question" follows
        _say(channel, identity, _chosen(question), THANKS)
    return True


def _say(channel: Channel, identity: Identity, case: Case, text: str) -> None:
    with translation.override(case.language):
        line = _(text) % {"reference": case.reference}
    dispatch.say(line, to=identity, by=channel, language=case.language)


def _chosen(question: Question) -> Case:
    key = question.options[int(question.answer) - 1]
    return Case.objects.select_related("root").get(pk=key).stem


def _meant(inbound: Inbound, question: Question) -> str:
    """The place of a case in the list, NEW, or ""."""
    word = read(inbound.text)
    if word == NEW or not word.isdecimal():
        return word if word == NEW else ""
    number, last = int(word), len(question.options) + 1
    return NEW if number == last else str(number) if 0 < number < last else ""


def _is_late(channel: Channel, identity: Identity, question: Question) -> bool:
    """Nobody said which in time: where it went to is told."""
    case = _filed_in(question)
    if question.answer or case is None or question.expires_at < timezone.now() - LATE:
        return False
    _say(channel, identity, case.stem, TOO_LATE)
    return True


def case_of(item: InboundItem) -> Case | None:
    """Where a message that waited belongs; None for a new case.

    What waited for the same word stays together.
    """
    question = item.question
    assert question is not None
    if question.answer and question.answer != NEW:
        return _chosen(question)
    return _filed_in(question)


def _filed_in(question: Question) -> Case | None:
    """The case of the first message that waited for that word and was filed."""
    items = InboundItem.objects.filter(question=question).exclude(message=None).order_by("pk")
    first = items.select_related("message__case__root").first()
    return first.message.case if first and first.message else None


def recover() -> None:
    """The sweep: nobody said which."""
    closed = Q(question=None) | ~Q(question__closed_at=None)
    over = closed | Q(question__expires_at__lte=timezone.now())
    _release(over)


def _release(which: Q) -> None:
    """Process the events of waiting items again, oldest first."""
    items = InboundItem.objects.filter(which, state=InboundItem.State.WAITING).order_by("pk")
    rows = items.values_list("event", "channel").filter(event__state="processed")
    for event, channel in dict.fromkeys(rows[:MOST_RELEASED]):
        changed = InboundEvent.objects.filter(pk=event, state=InboundEvent.State.PROCESSED).update(
            state=InboundEvent.State.NEW, leased_until=None, tries=0
        )
        if changed:
            transaction.on_commit(partial(outbox.ring_to_file, event, channel), robust=True)
