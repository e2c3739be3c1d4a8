"""A10: chat goes in the middle of one; the case survives, and nothing is lost or said twice."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import away, chatting, dispatch, seen, switching
from channels_app.models import Channel, Delivery
from contacts import services
from contacts.models import Case, Identity, Organisation, User
from tests import shop, worker
from tests.core.chats import a_chat, fresh, minutes_go_by, offer_chat, say, states

SAM = "sam@example.org"


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """Sam chats."""
    offer_chat(organisation)
    return a_chat(organisation)


def chat() -> Channel:
    return Channel.objects.get(kind="chat")


def pause() -> None:
    chat().pause(timezone.now() + timedelta(hours=1), "A fault")


def by_mail(case: Case) -> None:
    switching.switch(case=fresh(case), kind="email", identity=Identity.of("email", SAM))


def test_what_is_written_in_a_pause_waits_and_follows_the_choice(
    case: Case, agent: User, sink: shop.Sink
) -> None:
    say(case, agent, "Before.")
    pause()
    say(case, agent, "In the pause.")
    worker.send_due()
    assert states(case) == ["sent", "queued"]
    by_mail(case)
    worker.send_due()
    chat().resume()
    worker.send_due()
    assert len(sink.mails) == 1 and "In the pause." in str(sink.mails[0])
    assert states(case) == ["sent", "cancelled"]


def test_what_waited_stands_there_when_the_pause_is_over(
    case: Case, agent: User, sink: shop.Sink
) -> None:
    """The other order: once it is there, a switch sends it nowhere else."""
    pause()
    say(case, agent, "In the pause.")
    chat().resume()
    for _time in range(2):
        worker.send_due()
    assert states(case) == ["sent"]
    by_mail(case)
    worker.send_due()
    assert sink.mails == [] and Delivery.objects.filter(message__case=case).count() == 1


def test_a_page_that_stays_open_reads_what_was_held(case: Case, agent: User) -> None:
    """It says once of each number that it showed it."""
    pause()
    said = set()

    def page_says() -> None:
        if (seq := fresh(case).seq) not in said:
            said.add(seq)
            seen.take(case=fresh(case), up_to=seq, read=True)

    say(case, agent, "In the pause.")
    page_says()
    chat().resume()
    worker.send_due()
    page_says()
    assert states(case) == ["read"]


def test_a_pause_that_ends_by_itself_lets_it_go(case: Case, agent: User) -> None:
    pause()
    say(case, agent, "In the pause.")
    Channel.objects.filter(kind="chat").update(paused_until=timezone.now() - timedelta(seconds=1))
    worker.send_due()
    assert states(case) == ["sent"] and chat().paused_until is None


def test_ten_minutes_begin_when_it_stands_there(case: Case, agent: User) -> None:
    pause()
    say(case, agent, "In the pause.")
    minutes_go_by()
    chat().resume()
    worker.send_due()
    assert away.due(timezone.now()) == [] and away.follow(fresh(case)) is None
    assert not case.events.filter(sort="fell_back").exists()
    minutes_go_by()
    away.look()
    assert case.events.filter(sort="fell_back").count() == 1


def test_the_page_says_it_and_keeps_what_is_typed(case: Case, agent: User, client: Client) -> None:
    link = client.post(f"/c/{services.case_link(case).plain}/")
    page = link["Location"]
    say(case, agent, "Yes.")
    chat().offer(False)
    shown = client.get(page).content.decode()
    assert "We no longer answer by chat. Please choose another way" in shown
    sent = client.post(page, {"text": "Are you there?", "client_key": str(shop.key())})
    assert sent.status_code == 302 and "Are you there?" in client.get(page).content.decode()
    with pytest.raises(dispatch.Refusal):
        say(case, agent, "Nobody would be answered here.")
    assert fresh(case).waiting_since is not None and fresh(case).state == Case.State.OPEN
    by_mail(case)
    assert say(case, agent, "Yes, by mail.").kind == "email"
    chat().offer(True)
    assert chatting.write(case=fresh(case), text="Good").kind == "account"
    choice = fresh(case).choice
    assert choice is not None and choice.kind == "email"
    assert "We no longer answer" not in client.get(page).content.decode()


def test_who_keeps_the_chat_goes_on_when_it_is_back(case: Case, agent: User) -> None:
    chat().offer(False)
    assert chatting.write(case=fresh(case), text="Are you there?").kind == "chat"
    chat().offer(True)
    assert say(case, agent, "Here again.").kind == "chat" and states(case) == ["sent"]
    assert Case.objects.count() == 1
