"""From the agent's answer to the customer's pocket and back, by real SMTP both ways."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from channels_app import dispatch, opening
from channels_app.models import Delivery, InboundEvent
from contacts.models import Case, Holder, Message, Organisation, User
from portal.simulator import tour
from portal.simulator.maildir import Maildir
from tests.demo.people import work

QUESTION = "Is the blue bike still there?"
ANSWER = "Yes, it is here. Come and see it!"
REPLY = "Then I come on Friday.\nWill it be charged?"

pytestmark = pytest.mark.django_db(transaction=True)


def ask(shop: Organisation, address: str = "anna@example.org", kind: str = "email") -> Case:
    """A customer asks on the site."""
    return opening.open_case(
        organisation=shop,
        text=QUESTION,
        came_by="account",
        kind=kind,
        language="en",
        address=address,
    )


@pytest.fixture
def answered(door: int, shop: Organisation, mailbox: Maildir) -> Case:
    """A question that an agent answered by e-mail."""
    case = ask(shop)
    work()
    noor = User.objects.get(username="noor")
    dispatch.reply(case=case, staff=noor, text=ANSWER)
    work()
    return case


def test_an_answer_arrives_in_the_pocket(answered: Case, mailbox: Maildir) -> None:
    page = Client().get("/demo/pocket/")
    newest = mailbox.mails()[0]
    assert newest.owner == "anna@example.org"
    assert newest.is_unread
    assert f"Re: {QUESTION} [{answered.reference}]" in page.content.decode()
    body = Client().get(f"/demo/pocket/mail/{newest.key}/body/")
    assert ANSWER in body.content.decode()


def test_opening_a_mail_reads_it(answered: Case, mailbox: Maildir) -> None:
    before = mailbox.unread()
    page = Client().get(f"/demo/pocket/mail/{mailbox.mails()[0].key}/")
    assert page.status_code == 200
    assert mailbox.unread() == before - 1
    assert not mailbox.mails()[0].is_unread


def test_the_reply_lands_in_the_same_case(answered: Case, mailbox: Maildir) -> None:
    mail = mailbox.mails()[0]
    response = Client().post(f"/demo/pocket/mail/{mail.key}/", {"text": REPLY})
    assert response.status_code == 302
    work()
    said = Message.objects.filter(case=answered, direction="in").latest("seq")
    assert said.text == REPLY  # what is new in it, without the quoted original
    assert ANSWER in said.whole_text
    assert Case.objects.count() == 1
    assert Holder.objects.get(identity__value="anna@example.org").proved_at is not None
    assert mailbox.get(mail.key) and mailbox.mails()[0].is_answered


def test_a_reply_has_what_mail_programs_write(answered: Case, mailbox: Maildir) -> None:
    mail = mailbox.mails()[0]
    Client().post(f"/demo/pocket/mail/{mail.key}/", {"text": REPLY})
    raw = bytes(InboundEvent.objects.get().raw).decode()
    assert f"In-Reply-To: <{mail.content.message_id}>" in raw
    assert f"<{mail.content.message_id}>" in raw.partition("References:")[2]
    assert f"Subject: Re: {QUESTION}" in raw
    assert "> " + ANSWER in raw
    assert "To: " + mail.reply_to in raw.replace("\r\n ", " ")
    assert "+" in mail.reply_to


def test_a_reply_with_aSimpleUploadedFile(answered: Case, mailbox: Maildir) -> None:
    from_file = {"text": REPLY, "files": SimpleUploadedFile("plan.txt", b"a plan")}
    Client().post(f"/demo/pocket/mail/{mailbox.mails()[0].key}/", from_file)
    work()
    said = Message.objects.filter(case=answered, direction="in").latest("seq")
    file = said.attachments.get()
    assert (file.name, file.file.read()) == ("plan.txt", b"a plan")


def test_a_dangerous_file_is_refused_and_the_text_kept(answered: Case, mailbox: Maildir) -> None:
    data = {"text": REPLY, "files": SimpleUploadedFile("run.exe", b"MZ")}
    page = Client().post(f"/demo/pocket/mail/{mailbox.mails()[0].key}/", data)
    assert page.status_code == 200
    assert "run.exe" in page.content.decode()
    assert "Then I come on Friday." in page.content.decode()
    assert not InboundEvent.objects.exists()


def test_a_stranger_who_answers_joins_nothing(answered: Case, mailbox: Maildir) -> None:
    mail = mailbox.mails()[0]
    data = {"sender": "mallory@example.org", "to": mail.reply_to, "subject": "Re:", "text": "Hm"}
    assert Client().post("/demo/pocket/write/", data).status_code == 302
    work()
    new = Case.objects.exclude(pk=answered.pk).get()
    assert new.may_belong_to == answered
    assert Message.objects.filter(case=answered, direction="in").count() == 1


def test_a_new_mail_opens_a_case(door: int, shop: Organisation, mailbox: Maildir) -> None:
    data = {
        "sender": "ben@example.org",
        "to": "help@mail.example.org",
        "subject": "Winter tyres",
        "text": "Do you have them?",
    }
    assert Client().post("/demo/pocket/write/", data).status_code == 302
    work()
    assert Case.objects.get().title == "Winter tyres"
    assert mailbox.mails("ben@example.org")[0].head.subject.startswith("We have your question")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("sender", "nobody", "complete e-mail address"),
        ("to", "help@", "complete e-mail address"),
        ("to", "sales@mail.example.org", "does not know"),
        ("text", "  ", "Write a text first"),
    ],
)
def test_a_mail_that_cannot_go_is_kept(
    door: int, shop: Organisation, mailbox: Maildir, field: str, value: str, said: str
) -> None:
    data = {
        "sender": "ben@example.org",
        "to": "help@mail.example.org",
        "subject": "Winter tyres",
        "text": "Do you have them?",
        field: value,
    }
    page = Client().post("/demo/pocket/write/", data).content.decode()
    assert said in page
    assert "Winter tyres" in page
    assert not InboundEvent.objects.exists()


def test_a_closed_door_is_said_and_the_text_kept(
    answered: Case, mailbox: Maildir, settings: Any
) -> None:
    settings.MAIL_LISTEN = "127.0.0.1:1"
    page = Client().post(f"/demo/pocket/mail/{mailbox.mails()[0].key}/", {"text": REPLY})
    assert "does not answer" in page.content.decode()
    assert "Then I come on Friday." in page.content.decode()


def test_header_lines_cannot_be_smuggled_in(answered: Case, mailbox: Maildir, door: int) -> None:
    data = {
        "sender": "ben@example.org",
        "to": "help@mail.example.org",
        "subject": "Hello\r\nBcc: victim@example.org",
        "text": "Hi",
    }
    Client().post("/demo/pocket/write/", data)
    raw = bytes(InboundEvent.objects.get().raw)
    assert b"\nBcc:" not in raw


def test_what_is_new_comes_by_asking(answered: Case, mailbox: Maildir) -> None:
    client = Client()
    first = client.get("/demo/pocket/now/?version=none")
    assert first.status_code == 200
    again = client.get("/demo/pocket/now/", {"version": first["X-Version"]})
    assert again.status_code == 204
    dispatch.reply(case=answered, staff=User.objects.get(username="noor"), text="One more word.")
    work()
    fresh = client.get("/demo/pocket/now/", {"version": first["X-Version"]})
    assert fresh.status_code == 200
    assert "One more word." in fresh.content.decode()
    assert int(fresh["X-Unread"]) == int(first["X-Unread"]) + 1


def test_a_refused_address_makes_the_answer_fail(
    door: int, shop: Organisation, mailbox: Maildir
) -> None:
    case = ask(shop, "gone@example.org")
    work()
    failed = Delivery.objects.get(message__case=case)
    assert failed.status == Delivery.Status.FAILED
    assert "550" in failed.error
    assert not mailbox.mails()


def test_the_tour_ticks_from_rows(door: int, shop: Organisation, mailbox: Maildir) -> None:
    assert tour.facts_of(None) == tour.Facts()
    case = ask(shop)
    work()
    assert tour.facts_of(case) == tour.Facts(asked=True)
    noor = User.objects.get(username="noor")
    dispatch.reply(case=case, staff=noor, text=ANSWER)
    assert tour.facts_of(case) == tour.Facts(asked=True, answered=True)
    work()
    assert tour.facts_of(case) == tour.Facts(asked=True, answered=True, arrived=True)
    Client().post(f"/demo/pocket/mail/{mailbox.mails()[0].key}/", {"text": REPLY})
    work()
    facts = tour.facts_of(case)
    assert facts.replied
    assert not facts.switched
    assert not facts.refused
