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

from channels_app import belonging, dispatch, outbox
from channels_app.adapters.base import Inbound
from channels_app.models import Channel, InboundEvent, InboundItem
from contacts.models import Case, Identity, Question
from contacts.models.question import read

WAIT = timedelta(hours=1)
LATE = timedelta(days=1)  # so long a word that came too late is told so
MOST = 5  # cases that are named
MOST_RELEASED = 100  # items by one sweep
MAX_ASKED = 5  # times a day at one address; then a new case, as before
TITLE = 40  # characters of a title
NEW = "new"
WORDS = frozenset({"new", "nieuw"})


def asked(item: InboundItem, identity: Identity, language: str) -> bool:
    """Ask which case it belongs to, and let it wait; False where there is nothing to ask."""
    channel = item.channel
    if identity.is_new or not belonging.trusts_sender(channel):
        return False
    cases = belonging.wrote_in(identity, MOST)
    if len(cases) < 2:
        return False
    question = Question.objects.open().filter(_of(channel, identity)).first()
    if question is None:
        question = _ask(channel, identity, cases[::-1], language)
    if question is None:
        return False
    item.state, item.question = InboundItem.State.WAITING, question
    return True


def _of(channel: Channel, identity: Identity) -> Q:
    return Q(sort=Question.Sort.WHICH, identity=identity, kind=channel.kind)


def _ask(
    channel: Channel, identity: Identity, cases: Sequence[Case], language: str
) -> Question | None:
    day = timezone.now() - timedelta(days=1)
    if Question.objects.filter(_of(channel, identity), created_at__gte=day).count() >= MAX_ASKED:
        return None
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


def answered(channel: Channel, inbound: Inbound, question: Question) -> bool:
    """Whether the whole message is a number that we asked for, or "new"; then it is done."""
    answer = _meant(inbound, question)
    if not answer or not question.close(answer):
        return False
    _release(Q(question=question))
    if answer != NEW:  # else "we have your question" follows
        case = _chosen(question)
        with translation.override(case.language):
            text = _("Thank you. It is with question %(reference)s.")
            text %= {"reference": case.reference}
        dispatch.say(text, to=question.identity, by=channel, language=case.language)
    return True


def _chosen(question: Question) -> Case:
    key = question.options[int(question.answer) - 1]
    return Case.objects.select_related("root").get(pk=key).stem


def _meant(inbound: Inbound, question: Question) -> str:
    word = inbound.text.strip().removesuffix(".").strip().lower()
    if inbound.files:
        return ""
    if word in WORDS:
        return NEW
    number = int(read(word)) if read(word).isdecimal() else 0
    if number == len(question.options) + 1:
        return NEW
    return str(number) if 0 < number <= len(question.options) else ""


def is_late(channel: Channel, inbound: Inbound, identity: Identity) -> bool:
    """Whether it answers a question that is over, which is then told."""
    if identity.is_new or not read(inbound.text).isdecimal():
        return False
    lately = Question.objects.filter(
        _of(channel, identity), answer="", expires_at__gte=timezone.now() - LATE
    )
    question = lately.order_by("-created_at").first()
    if question is None or not _meant(inbound, question):
        return False
    items = InboundItem.objects.filter(question=question).exclude(message=None)
    item = items.select_related("message__case__root").first()
    if item is None or item.message is None or item.message.case is None:
        return False
    stem = item.message.case.stem
    with translation.override(stem.language):
        text = _("That was too late: your message is question %(reference)s now.")
        text %= {"reference": stem.reference}
    dispatch.say(text, to=identity, by=channel, language=stem.language)
    return True


def case_of(item: InboundItem) -> Case | None:
    """Where a message that waited belongs; None for a new case.

    What waited for the same word stays together.
    """
    question = item.question
    assert question is not None
    if question.answer and question.answer != NEW:
        return _chosen(question)
    others = InboundItem.objects.filter(question=question).exclude(message=None).order_by("pk")
    first = others.select_related("message__case__root").first()
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
