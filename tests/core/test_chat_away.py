"""A chat that is left and found again, through the doors alone: the site, the desk, and SMTP."""

import html
import re
import uuid
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from channels_app import away, inbound
from channels_app.adapters.base import Request
from channels_app.models import Channel
from contacts.models import Case, Identity, Organisation
from tests import shop, worker
from tests.core.chats import fresh, minutes_go_by, offer_chat

SAM = "sam@example.org"


@pytest.fixture
def chat(db: None, settings: Any, tmp_path: Path) -> Organisation:
    """A shop that chats."""
    settings.MEDIA_ROOT, settings.CELERY_BROKER_URL = tmp_path, ""
    cache.clear()
    organisation = shop.make_shop()
    offer_chat(organisation)
    return organisation


class Sam:
    """A browser, and a mail program."""

    def __init__(self, box: shop.Sink) -> None:
        self.browser, self.box = Client(), box
        given = {"text": "Is the car still there?", "way": "chat", "client_key": uuid.uuid4()}
        self.path = self.browser.post("/", given)["Location"].split("?")[0]

    def looks(self, path: str = "") -> str:
        answer = self.browser.get(self.path + path)
        assert answer.status_code == 200
        return html.unescape(answer.content.decode())

    def writes(self, text: str) -> str:
        given = {"text": text, "client_key": uuid.uuid4()}
        assert self.browser.post(self.path, given).status_code == 302
        return self.looks()

    def presses(self, path: str, **given: str) -> str:
        answer = self.browser.post(self.path + path, given, follow=True)
        assert answer.status_code == 200, answer.content.decode()[:3000]
        return html.unescape(answer.content.decode())

    def proves(self) -> None:
        """By the panel: mail with its six digits, and back to the chat, mail as the second way."""
        self.presses("switch/", way="email", address_email=SAM)
        worker.send_due()
        digits = re.search(r"^ +(\d{6})$", text_of(self.box.mails[-1]), re.MULTILINE)
        assert digits is not None
        self.presses("switch/code/", code=digits[1])
        self.presses("switch/", way="chat")
        self.presses("second/", second=f"email:{Identity.objects.get(value=SAM).pk}")

    def answers(self, mail: EmailMessage, text: str) -> None:
        """In the mail program; the shop's door takes it."""
        raw = shop.mail(sender=SAM, to=str(mail["Reply-To"]), subject="Re: it", text=text)
        worker.file(inbound.receive(Channel.objects.get(kind="email"), Request(body=raw)))


class Desk:
    """Anna answers."""

    def __init__(self, case: Case) -> None:
        self.case, self.browser = case, Client()
        self.browser.force_login(shop.make_agent())

    def answers(self, text: str) -> None:
        seen = str(fresh(self.case).seq)
        given = {"text": text, "kind": "", "client_key": str(uuid.uuid4()), "seen": seen}
        address = reverse("admin:case_answer", args=[self.case.reference])
        assert self.browser.post(address, given).status_code == 302
        worker.send_due()

    def looks(self) -> str:
        page = self.browser.get(reverse("admin:case", args=[self.case.reference]))
        return html.unescape(page.content.decode())


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def ten_minutes_go_by() -> None:
    minutes_go_by(10)
    away.look()
    worker.send_due()


def test_away_by_mail_and_back_in_the_chat(chat: Organisation, sink: shop.Sink) -> None:
    sam = Sam(sink)
    case = Case.objects.get()
    desk = Desk(case)
    desk.answers("Yes. Are you coming by today?")
    assert "Yes. Are you coming by today?" in sam.looks()
    sam.proves()
    mails = len(sink.mails)

    # Sam closes the page. What comes then follows him, in one mail.
    desk.answers("We are open until six.")
    desk.answers("The keys are with Bo.")
    ten_minutes_go_by()
    ten_minutes_go_by()
    assert len(sink.mails) == mails + 1
    mail = sink.mails[-1]
    text = text_of(mail)
    assert mail["To"] == SAM and text.startswith("You did not read this in the chat yet.")
    assert "until six." in text and "with Bo." in text and "coming by today" not in text
    line = f"What they did not read in the chat goes by e-mail to {SAM}."
    assert line in desk.looks()

    # He answers from his mailbox: the same case, and the answer to that goes there.
    sam.answers(mail, "I am on my way.")
    assert Case.objects.count() == 1 and "I am on my way." in desk.looks()
    desk.answers("See you then.")
    assert sink.mails[-1]["To"] == SAM and "See you then." in text_of(sink.mails[-1])

    # And back: the link of the mail opens his page, which says that the chat goes on.
    page = sam.looks()
    assert "What you had not read yet comes by e-mail as well, to s…@example.org." in page
    assert "You wrote by e-mail, so we answer there." in page
    assert "Or write here: the chat goes on." in page
    assert page.count("The keys are with Bo.") == 1
    assert '<input type="hidden" name="to_chat" value="1">' in page
    given = {"text": "I am at the door.", "client_key": str(uuid.uuid4()), "to_chat": "1"}
    stays = {"X-Requested-With": "fetch"}
    for _sent in range(2):  # its page becomes a chat: the form goes the usual way once more
        assert sam.browser.post(sam.path, given, headers=stays).status_code == 302
    assert case.messages.filter(text="I am at the door.").count() == 1
    page = sam.looks()
    assert "You wrote here, so the chat goes on." in page
    assert "Or write here: the chat goes on." not in page
    mails = len(sink.mails)
    desk.answers("Coming!")
    assert len(sink.mails) == mails and "Coming!" in sam.looks()
    ten_minutes_go_by()
    assert len(sink.mails) == mails
    assert "The customer is back in the chat: it goes on there." in desk.looks()
    assert Case.objects.count() == 1


def test_what_was_read_in_the_mail_is_not_sent_again_by_another_clock(
    chat: Organisation, sink: shop.Sink
) -> None:
    """The page was never opened again: one mail, however often the clock strikes."""
    sam = Sam(sink)
    desk = Desk(Case.objects.get())
    sam.proves()
    mails = len(sink.mails)
    desk.answers("Yes.")
    for _n in range(5):
        ten_minutes_go_by()
    assert len(sink.mails) == mails + 1
    sam.answers(sink.mails[-1], "Thanks")
    for _n in range(3):
        ten_minutes_go_by()
    assert len(sink.mails) == mails + 1


def test_the_link_of_the_mail_goes_to_the_chat(chat: Organisation, sink: shop.Sink) -> None:
    sam = Sam(sink)
    desk = Desk(Case.objects.get())
    sam.proves()
    desk.answers("Yes.")
    ten_minutes_go_by()
    link = re.search(r"/c/\w+/", text_of(sink.mails[-1]))
    assert link is not None
    telephone = Client()
    opened = telephone.post(link[0], follow=True)
    assert "Yes." in opened.content.decode() and "We answer here, in the chat" in (
        opened.content.decode()
    )
