"""Who leaves a chat: what they did not read follows them once, by the way that they agreed to."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.utils import timezone

from channels_app import away, chatting, dispatch, fallback, seen, switching
from channels_app.models import Channel, Chat, Delivery
from contacts import merging, services
from contacts.files import File
from contacts.models import (
    Alert,
    Case,
    Choice,
    Consent,
    Event,
    Identity,
    Message,
    Organisation,
    Topic,
    User,
)
from tests import shop, worker
from tests.core.chats import a_chat, fresh, minutes_go_by, offer_chat, say, states
from tests.core.test_rules import in_threads

SAM = "sam@example.org"


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """Sam chats, and approved the mail as the second way."""
    offer_chat(organisation)
    case = a_chat(organisation)
    approve(case)
    return case


def approve(case: Case, kind: str = "email", address: str = SAM) -> None:
    identity = Identity.of("email" if kind == "email" else "phone", address)
    fallback.approve(case=fresh(case), kind=kind, identity=identity)


def followed(case: Case) -> list[Delivery]:
    rows = Delivery.objects.filter(message__template="unread", message__case=fresh(case).stem)
    return list(rows.select_related("message", "identity").order_by("created_at"))


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def test_all_that_was_not_read_goes_as_one_mail(case: Case, agent: User, sink: shop.Sink) -> None:
    read = say(case, agent, "Yes, it is.")
    seen.take(case=fresh(case), up_to=read.seq, read=True)
    say(case, agent, "Come by until ten.")
    minutes_go_by(9)
    assert away.look() == 0
    minutes_go_by(2)
    picture = File("front <1>.png", "image/png", b"png")
    say(case, agent, "This is it.", files=[picture])
    assert away.look() == 1 and away.look() == 0
    worker.send_due()
    (mail,) = sink.mails
    text, html = text_of(mail), html_of(mail)
    assert text.startswith("You did not read this in the chat yet.\n\nAnna, ")
    assert "Come by until ten." in text and "This is it.\nFile: front <1>.png" in text
    assert "Yes, it is." not in text and "The files are on your page." in text
    assert (
        "Go on in the chat" in html
        and "front &lt;1&gt;.png" in html
        and "/c/" in html
        and "Come by until ten." in html
    )
    assert mail["To"] == SAM and "Auto-Submitted" not in mail and not list(mail.iter_attachments())
    assert mail["From"].addresses[0].display_name == "Anna of Test Shop"
    (row,) = followed(case)
    assert (row.role, row.message.why, row.message.chosen_kind) == ("fallback", "fallback", "chat")
    event = case.events.get(sort=Event.Sort.FELL_BACK)
    assert event.data["reason"]["code"] == "not_read" and event.data["kind"] == "email"
    assert fresh(case).waiting_since is None


def test_who_waits_longest_is_looked_at_first(
    organisation: Organisation, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_chat(organisation)
    cases = [a_chat(organisation) for _n in range(3)]
    for case in (cases[1], cases[2], cases[0], cases[1]):
        say(case, agent, "Yes.")
        minutes_go_by()
    keys = [cases[1].pk, cases[2].pk, cases[0].pk]
    assert away.due(timezone.now()) == keys
    monkeypatch.setattr(away, "STEP", 2)
    assert away.due(timezone.now()) == keys[:2]
    Delivery.objects.filter(message__case=cases[1]).update(sent_at=timezone.now())
    assert away.due(timezone.now()) == keys[1:]  # held back, it came to the page just now


def test_what_comes_later_goes_later_and_alone(case: Case, agent: User, sink: shop.Sink) -> None:
    say(case, agent, "First")
    minutes_go_by()
    away.look()
    say(case, agent, "Second")
    assert away.look() == 0
    minutes_go_by()
    assert away.look() == 1
    worker.send_due()
    first, second = (text_of(mail) for mail in sink.mails)
    assert "First" in first and "Second" in second and "First" not in second


def test_who_reads_meanwhile_gets_nothing(case: Case, agent: User, sink: shop.Sink) -> None:
    answer = say(case, agent, "Yes.")
    minutes_go_by()
    seen.take(case=fresh(case), up_to=answer.seq, read=False)
    assert away.due(timezone.now()) == [case.pk]  # it came to a page that nobody looks at
    seen.take(case=fresh(case), up_to=answer.seq, read=True)
    assert away.look() == 0
    answer = say(case, agent, "And a red one.")
    minutes_go_by()
    assert away.look() == 1
    seen.take(case=fresh(case), up_to=answer.seq, read=True)  # before a worker came to it
    worker.send_due()
    assert sink.mails == [] and followed(case)[0].status == "cancelled"


@pytest.mark.parametrize(
    "word", [Consent.Level.NEVER, Consent.Level.ON_REQUEST, Consent.Level.GLADLY]
)
def test_only_by_a_way_that_they_want(case: Case, agent: User, word: str) -> None:
    """R12: approved, and refused since; what is only unwanted they asked for here."""
    Consent.objects.create(
        customer=case.customer, purpose=Consent.Purpose.SERVICE, kind="email", level=word
    )
    say(case, agent, "Yes.")
    minutes_go_by()
    assert away.look() == (word != Consent.Level.NEVER)


def test_without_a_way_it_waits_on_the_page_and_the_agent_knows(
    organisation: Organisation, agent: User
) -> None:
    offer_chat(organisation)
    case = a_chat(organisation)
    say(case, agent, "Yes.")
    since = timezone.now()
    minutes_go_by()
    assert away.look() == 0 and away.due(timezone.now()) == []
    event = case.events.get(sort=Event.Sort.FELL_BACK)
    assert (event.data["kind"], event.data["reason"]["code"]) == ("account", "not_read")
    assert Alert.objects.get(case=case).user == agent
    found = away.waiting_on_the_page([fresh(case)])
    assert list(found) == [case.pk] and found[case.pk] < since - timedelta(minutes=10)
    approve(case)
    assert away.look() == 0  # it was told once
    say(case, agent, "Hello?")
    minutes_go_by()
    assert away.look() == 1 and away.waiting_on_the_page([fresh(case)]) == {}
    seen.take(case=fresh(case), up_to=fresh(case).seq, read=True)
    assert away.waiting_on_the_page([fresh(case)]) == {}


def test_an_address_that_this_case_proved_will_do(organisation: Organisation, agent: User) -> None:
    offer_chat(organisation)
    case, sams = a_chat(organisation), Identity.of("email", SAM)
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": sams.pk}))
    say(case, agent, "Yes.")
    minutes_go_by()
    assert away.look() == 1
    (row,) = followed(case)
    assert (row.identity, row.role) == (sams, "fallback")


def test_a_proved_address_is_not_used_against_their_word(
    organisation: Organisation, agent: User
) -> None:
    offer_chat(organisation)
    case, sams = a_chat(organisation), Identity.of("email", SAM)
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": sams.pk}))
    Consent.objects.create(
        customer=case.customer, purpose="service", kind="email", level=Consent.Level.ON_REQUEST
    )
    say(case, agent, "Yes.")
    minutes_go_by()
    assert away.look() == 0 and away.waiting_on_the_page([fresh(case)])


def test_a_call_that_was_approved_is_the_agents_own_affair(case: Case, agent: User) -> None:
    """Nobody is rung by a clock."""
    approve(case, "phone", "020 123 45 67")
    say(case, agent, "Yes.")
    minutes_go_by()
    assert away.look() == 0 and not Delivery.objects.to_do().exists()
    assert away.waiting_on_the_page([fresh(case)])


def test_what_is_sensitive_stays_on_the_page(case: Case, agent: User, sink: shop.Sink) -> None:
    services.set_topic(case=fresh(case), topic=Topic.objects.get(slug="invoice"), by=agent)
    say(case, agent, "Your debt is 400 euros.")
    minutes_go_by()
    assert away.look() == 1
    worker.send_due()
    (mail,) = sink.mails
    assert "400" not in text_of(mail) + html_of(mail)
    assert "For your privacy it is not in this mail" in text_of(mail)


def test_who_went_on_by_mail_gets_it_there(case: Case, agent: User, sink: shop.Sink) -> None:
    """They wrote a mail without looking at the page."""
    say(case, agent, "Yes.")
    work = Identity.of("email", "sam@work.example.org")
    switching.switch(case=fresh(case), kind="email", identity=work, by=Choice.By.WRITING)
    minutes_go_by()
    assert away.look() == 1
    worker.send_due()
    assert [mail["To"] for mail in sink.mails] == ["sam@work.example.org"]
    (row,) = followed(case)
    assert (row.role, row.message.why) == ("main", "chosen")
    assert case.events.get(sort=Event.Sort.FELL_BACK).data["reason"]["code"] == "not_read"


def test_who_is_back_before_it_went_has_it_on_the_page(case: Case, agent: User) -> None:
    say(case, agent, "Yes.")
    minutes_go_by()
    assert away.look() == 1
    switching.switch(case=fresh(case), kind="account")
    assert [row.status for row in followed(case)] == ["cancelled"]


def test_a_mail_that_comes_back_is_told_and_can_be_sent_again(
    case: Case, agent: User, sink: shop.Sink
) -> None:
    say(case, agent, "Yes.")
    minutes_go_by()
    away.look()
    sink.refuse_recipient = "550 No such user"
    worker.send_due()
    (row,) = followed(case)
    assert row.status == "failed"
    assert Alert.objects.filter(case=case, sort=Alert.Sort.FAILED, user=agent).exists()
    sink.refuse_recipient = ""
    Identity.objects.update(closed={})
    again = dispatch.try_again(row, agent)
    assert again is not None and again.channel.kind == "email"
    worker.send_due()
    assert len(sink.mails) == 1 and case.events.filter(sort=Event.Sort.FELL_BACK).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_it_once() -> None:
    organisation, agent = shop.make_shop(), shop.make_agent()
    offer_chat(organisation)
    cases = [a_chat(organisation) for _n in range(3)]
    for case in cases:
        approve(case)
        say(case, agent, "Yes.")
    minutes_go_by()
    results = in_threads(6, lambda _n: away.look())
    assert sum(int(str(result)) for result in results) == 3
    assert [len(followed(case)) for case in cases] == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_who_reads_while_it_is_looked_at_gets_it_at_most_once() -> None:
    organisation, agent = shop.make_shop(), shop.make_agent()
    offer_chat(organisation)
    case = a_chat(organisation)
    approve(case)
    answer = say(case, agent, "Yes.")
    minutes_go_by()

    def go(number: int) -> int:
        if number % 2:
            return seen.take(case=fresh(case), up_to=answer.seq, read=True)
        return away.look()

    results = in_threads(6, go)
    assert not [result for result in results if isinstance(result, Exception)]
    assert states(case) == ["read"] and len(followed(case)) <= 1


def test_joined_cases_send_theirs_once(case: Case, organisation: Organisation, agent: User) -> None:
    """Also what the joined one had not read before; and parted nothing goes again."""
    other = a_chat(organisation, "And the blue one?")
    say(other, agent, "The blue one is sold.")
    say(case, agent, "Yes.")
    merging.join(case=fresh(other), into=fresh(case), by=agent)
    minutes_go_by()
    assert away.look() == 1 and away.look() == 0
    (row,) = followed(case)
    assert "blue" in row.message.text and "Yes." in row.message.text
    assert away.waiting_on_the_page([fresh(case), fresh(other)]) == {}
    switching.part(case=fresh(other), by=agent)
    assert away.look() == 0
    say(other, agent, "Another blue one came in.")
    minutes_go_by()
    assert away.due(timezone.now()) == [other.pk]


def test_a_resolved_chat_still_says_what_was_not_read(case: Case, agent: User) -> None:
    say(case, agent, "Yes, until ten.")
    services.resolve(case=fresh(case), by=agent)
    minutes_go_by()
    assert away.look() == 1 and fresh(case).state == Case.State.RESOLVED


def test_back_in_the_chat_and_away_again(case: Case, agent: User, sink: shop.Sink) -> None:
    say(case, agent, "Yes.")
    minutes_go_by()
    away.look()
    mail = Identity.of("email", SAM)
    switching.switch(case=fresh(case), kind="email", identity=mail, by=Choice.By.WRITING)
    assert chatting.write(case=fresh(case), text="Back").kind == "chat"
    say(case, agent, "Good.")
    minutes_go_by()
    assert away.look() == 1  # what they approved holds on
    assert Message.objects.filter(template="unread").count() == 2


def test_a_house_without_chat_asks_for_nothing_more(
    organisation: Organisation, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert away.look() == 0
    assert not Chat.objects.exists() and not Channel.objects.filter(kind="chat").exists()
