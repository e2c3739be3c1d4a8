"""After resolving, by mail: a word counts where it answers our mail, and comes from its reader."""

from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.utils import timezone

from channels_app import dispatch, inbound, opening, outcomes
from channels_app.adapters.base import Request
from channels_app.models import Channel, Delivery
from contacts.models import Case, Message, Organisation, Outcome, Question, User
from contacts.models.outcome import WAIT
from tests import shop, worker

SAM = "sam@example.org"


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest.fixture
def case(organisation: Organisation, agent: User, sink: shop.Sink) -> Case:
    """One that was answered by mail, and is done; they were asked."""
    case = opening.open_case(
        organisation=organisation,
        text="Is the blue bicycle still there?",
        came_by="account",
        kind="email",
        address=SAM,
        language="en",
    )
    dispatch.reply(case=case, staff=agent, text="Yes, it is here.")
    worker.send_due()
    outcomes.resolve(case=case, by=agent)
    worker.send_due()
    assert len(sink.mails) == 2
    wait()
    return case


def wait() -> None:
    """Some minutes go by."""
    now = timezone.now()
    Delivery.objects.filter(status="queued").update(next_attempt_at=now)
    Question.objects.filter(created_at__gt=now).update(created_at=now)
    Outcome.objects.update(asked_at=now - WAIT)
    worker.send_due()


def answer(mail: EmailMessage, text: str, *, sender: str = SAM, to: str = "", **more: str) -> None:
    """Somebody answers a mail of ours."""
    raw = shop.mail(sender=sender, to=to or mail["Reply-To"], subject="Re", text=text, **more)
    event = inbound.receive(
        Channel.objects.get(slug="email"), Request(body=raw, envelope_to=(to or mail["Reply-To"],))
    )
    worker.file(event)
    worker.send_due()


def said() -> tuple[bool | None, bool | None]:
    row = Outcome.objects.get()
    return row.answered, row.repeated


def test_yes_and_yes(case: Case, sink: shop.Sink) -> None:
    asked = sink.mails[2]
    assert f"Did we answer your question {case.reference}?" in body(asked)
    assert "nothing but the word YES or NO" in body(asked) and "bicycle" not in body(asked)
    answer(asked, "Yes\n\nOn Sunday Test Shop wrote:\n> Did we answer your question?\n")
    assert said() == (True, None)
    assert "Did you have to tell us anything twice?" in body(sink.mails[3])
    answer(sink.mails[3], "JA.")
    assert said() == (True, True) and "Thank you for telling us." in body(sink.mails[4])
    assert Message.objects.filter(direction="in").count() == 1 and len(sink.mails) == 5
    case.refresh_from_db()
    assert case.state == Case.State.RESOLVED


def test_no_and_what_is_missing(case: Case, sink: shop.Sink) -> None:
    answer(sink.mails[2], "no")
    assert "What is missing? Write it here." in body(sink.mails[3])
    answer(sink.mails[3], "Does it have a bell?")
    assert Case.objects.get().messages.filter(text="Does it have a bell?").exists()
    assert said() == (False, None)
    case.refresh_from_db()
    assert case.state == Case.State.OPEN


def test_a_forged_mail_says_nothing(case: Case, sink: shop.Sink) -> None:
    asked = sink.mails[2]
    answer(asked, "no", to=shop.MAILBOX)  # from the customer, as it says, without our address
    answer(asked, "no", sender="mallory@example.net")  # with it, from somebody else
    answer(asked, "no", to=shop.MAILBOX, In_Reply_To=asked["Message-ID"])
    assert said() == (None, None)
    case.refresh_from_db()
    assert case.state == Case.State.RESOLVED


def test_an_out_of_office_note_says_nothing(case: Case, sink: shop.Sink) -> None:
    answer(sink.mails[2], "no", Auto_Submitted="auto-replied")
    assert said() == (None, None)


def test_an_answer_before_it_was_asked_opens_it_again(
    case: Case, agent: User, sink: shop.Sink
) -> None:
    Outcome.objects.all().delete()
    Question.objects.all().delete()
    answer(sink.mails[1], "Is it heavy?")
    outcomes.resolve(case=case, by=agent)
    count = len(sink.mails)
    answer(sink.mails[1], "yes")
    case.refresh_from_db()
    assert case.state == Case.State.OPEN and not Outcome.objects.exists()
    wait()
    assert len(sink.mails) == count
    last = Delivery.objects.filter(message__template=Question.Sort.SETTLED).latest("created_at")
    assert last.status == "cancelled"


def test_after_thirty_days_nothing_more_is_said_of_it(case: Case, agent: User) -> None:
    outcomes.say(case=case, what="answered", value=False)
    outcomes.resolve(case=case, by=agent)
    assert Outcome.objects.count() == 1
    Outcome.objects.update(asked_at=timezone.now() - timedelta(days=30))
    outcomes.say(case=case, what="answered", value=False)  # its time is over
    case.refresh_from_db()
    assert case.state == Case.State.RESOLVED
