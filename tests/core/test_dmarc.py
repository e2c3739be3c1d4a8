"""A mail without our code joins the one open case of a proved sender only where DMARC passed."""

import pytest

from channels_app import inbound, opening
from channels_app.adapters.base import Request
from channels_app.models import Channel
from contacts.models import Case, Holder, Identity, Organisation
from tests import shop, worker

PASS = "mx.example.org; dmarc=pass header.from=example.org"


@pytest.fixture
def case(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Case:
    """The open case of someone who proved sam@example.org."""
    monkeypatch.setenv("TRUSTED_AUTHSERV", "mx.example.org")
    Channel.objects.filter(slug="email").update(
        config={"url": "env:EMAIL_URL", "authserv": "env:TRUSTED_AUTHSERV"}
    )
    receive(shop.mail(sender="sam@example.org", to=shop.MAILBOX, text="Is it ready?"))
    made = Case.objects.get()
    Holder.objects.get(identity=Identity.objects.get()).prove(Holder.How.CODE)
    return made


def receive(raw: bytes) -> None:
    event = inbound.receive(Channel.objects.get(slug="email"), Request(body=raw))
    worker.file(event)


def test_a_proved_and_authenticated_sender_joins(case: Case) -> None:
    raw = shop.mail(
        sender="sam@example.org", to=shop.MAILBOX, text="And?", Authentication_Results=PASS
    )
    receive(raw)
    assert case.messages.filter(direction="in").count() == 2


@pytest.mark.parametrize(
    "results",
    [
        "",
        "mx.example.org; dmarc=fail header.from=example.org",
        "mx.example.net; dmarc=pass header.from=example.org",
        "mx.example.org; dmarc=pass header.from=example.net",
        "mx.example.org.evil.example; dmarc=pass header.from=example.org",
        "mx.example.org; spf=pass smtp.mailfrom=dmarc=pass; dmarc=none header.from=example.org",
    ],
)
def test_less_than_that_joins_nothing(case: Case, results: str) -> None:
    extra = {"Authentication_Results": results} if results else {}
    receive(shop.mail(sender="sam@example.org", to=shop.MAILBOX, text="And?", **extra))
    assert case.messages.filter(direction="in").count() == 1
    assert Case.objects.count() == 2


def test_a_forged_result_below_the_servers_own_joins_nothing(case: Case) -> None:
    raw = shop.mail(sender="sam@example.org", to=shop.MAILBOX, Authentication_Results=PASS)
    own = b"Authentication-Results: mx.example.org; dmarc=fail header.from=example.org\r\n"
    receive(own + raw)
    assert case.messages.filter(direction="in").count() == 1


def test_two_senders_in_one_mail_join_nothing(case: Case) -> None:
    raw = shop.mail(sender="sam@example.org", to=shop.MAILBOX, Authentication_Results=PASS)
    receive(b"From: mallory@example.net\n" + raw)
    assert case.messages.filter(direction="in").count() == 1


def test_a_case_that_anybody_could_have_opened_gets_no_mail(
    organisation: Organisation, case: Case
) -> None:
    """Somebody typed the address on the start page, keeps that page open, and waits."""
    Case.objects.filter(pk=case.pk).update(state=Case.State.RESOLVED)
    planted = opening.open_case(
        organisation=organisation,
        text="I wait",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    assert planted.customer == case.customer
    private = shop.mail(sender="sam@example.org", to=shop.MAILBOX, Authentication_Results=PASS)
    receive(private)
    assert planted.messages.filter(direction="in").count() == 1
    assert Case.objects.count() == 3


def test_two_open_cases_are_not_guessed_between(case: Case, organisation: Organisation) -> None:
    opening.open_case(
        organisation=organisation,
        text="Something else",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    raw = shop.mail(sender="sam@example.org", to=shop.MAILBOX, Authentication_Results=PASS)
    receive(raw)
    assert case.messages.filter(direction="in").count() == 1 and Case.objects.count() == 3
