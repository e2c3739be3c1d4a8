"""An SMS says any sender: whoever forges one must not make us write to a stranger without end."""

import pytest
from django.utils import timezone

from channels_app import dispatch, joining
from channels_app.models import Channel
from contacts.models import Identity, Message, Question
from contacts.models.question import MAX_A_DAY
from tests.messengers import pocket
from tests.messengers.people import VICTIM, own_page


def heard() -> int:
    """How often a telephone rang."""
    return sum(out.to == VICTIM for out in pocket.send_all())


@pytest.mark.parametrize("word", ["HELP", "info", "hulp"])
def test_a_word_for_help_is_not_answered_without_end(sms: Channel, word: str) -> None:
    for _n in range(30):
        pocket.write(sms, VICTIM, word)
    assert heard() == dispatch.LINES_A_DAY
    Message.objects.update(created_at=timezone.now() - dispatch.A_DAY)
    pocket.write(sms, VICTIM, word)
    assert heard() == 1


def test_codes_of_the_forger_s_own_are_not_answered_without_end(sms: Channel) -> None:
    for number in range(30):
        case = own_page(sms.organisation, f"Question {number}")
        shown = joining.invite(case, sms)
        joining.call_off(case)
        Identity.objects.update(guesses=0)  # hours go by
        pocket.write(sms, VICTIM, shown.text)
    assert heard() == dispatch.LINES_A_DAY + 1  # and "we have your question", once a day


def test_everything_together_has_an_end(sms: Channel) -> None:
    for number in range(15):
        case = own_page(sms.organisation, f"Question {number}")
        pocket.write(sms, VICTIM, joining.invite(case, sms).text)
        pocket.write(sms, VICTIM, "HELP")
        pocket.write(sms, VICTIM, "STOP")
        pocket.write(sms, VICTIM, "START")
    assert Question.objects.count() == MAX_A_DAY
    assert heard() <= dispatch.LINES_A_DAY + MAX_A_DAY + 1


def test_others_are_answered_all_the_same(sms: Channel) -> None:
    for _n in range(30):
        pocket.write(sms, VICTIM, "HELP")
    pocket.write(sms, "+31612345678", "HELP")
    assert [out.to for out in pocket.send_all()].count("+31612345678") == 1
