"""Reasons are codes in the rows, and sentences in the language of whoever reads them."""

import json
import smtplib
import socket
import ssl

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from channels_app import breaker, dispatch, opening, reasons, sending
from channels_app.adapters.base import Reason, Rejected
from channels_app.models import Channel, Delivery
from contacts import holding
from contacts.models import Case, Consent, Event, Identity, Organisation, User
from contacts.viewers import Viewer
from portal import past
from tests import shop

S = Delivery.Status
STAFF = Viewer(staff_id=1)
DATA = {"kind": "letter", "day": "2026-05-12", "fault": "TimeoutError", "text": "550 No such user"}
DATA |= {"name": "EMAIL_URL", "host": "mail.example.org", "address": "sam@example.org"}


def a_case(organisation: Organisation, kind: str = "email") -> Case:
    """A case to be answered by e-mail."""
    return opening.open_case(
        organisation=organisation,
        text="Does it fit?",
        came_by="account",
        kind=kind,
        address="sam@example.org",
        language="en",
    )


@pytest.mark.parametrize("code", sorted(reasons.WORDS))
def test_every_reason_has_words_in_both_languages(code: str) -> None:
    said = {}
    for language in ("en", "nl"):
        with translation.override(language):
            said[language] = reasons.words(Reason(code, {**DATA, "code_number": "421"}))
        assert said[language] and "%(" not in said[language]
    if code not in ("said", "typed"):
        assert said["en"] != said["nl"]


@pytest.mark.parametrize(
    ("error", "said", "dutch"),
    [
        (ConnectionRefusedError, "it refuses the connection", "weigert de verbinding"),
        (socket.gaierror, "its name is not known", "naam is niet bekend"),
        (TimeoutError, "it took too long", "duurde te lang"),
        (socket.timeout, "it took too long", "duurde te lang"),
        (ssl.SSLCertVerificationError, "certificate is not trusted", "wordt niet vertrouwd"),
        (smtplib.SMTPServerDisconnected, "the other side broke off", "brak af"),
        (ConnectionResetError, "the other side broke off", "brak af"),
        (ZeroDivisionError, "connection fault", "verbindingsfout"),
    ],
)
def test_a_connection_that_failed_is_told_in_words(
    error: type[Exception], said: str, dutch: str
) -> None:
    for code in reasons.BETWEEN_MACHINES:
        stored = {"code": code, "fault": error.__name__}
        assert said in reasons.words(stored) and error.__name__ not in reasons.words(stored)
        with translation.override("nl"):
            assert dutch in reasons.words(stored)


def test_a_refused_connection_says_so(
    organisation: Organisation, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{shop.free_port()}")
    case = a_case(organisation)
    Delivery.objects.all().delete()  # the acknowledgement would meet the fault first
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    sending.deliver(message.deliveries.get().channel_id)
    row = message.deliveries.get()
    assert row.error == "The mail server cannot be reached (it refuses the connection)."


def test_a_refusal_is_read_in_the_readers_language(organisation: Organisation, agent: User) -> None:
    case = a_case(organisation)
    for kind, identity in (("phone", "020 123 45 67"), ("letter", "Main Street 1\n1000 AA Town")):
        scheme = "phone" if kind == "phone" else "post"
        holding.hold(case.customer, Identity.of(scheme, identity), how="typed")
        word = Consent.objects.create(customer=case.customer, kind=kind, level="never")
        Consent.objects.filter(pk=word.pk).update(
            created_at=timezone.now().replace(month=5, day=12, hour=12)
        )
        with translation.override("nl"), pytest.raises(dispatch.Refusal) as caught:
            dispatch.reply(case=case, staff=agent, text="Hi", kind=kind, why_text="x")
        dispatch.refuse(case, staff=agent, kind=kind, refused=caught.value.refused)
    rows = list(case.events.filter(sort=Event.Sort.REFUSED).order_by("seq"))
    year = timezone.localdate().year
    assert rows[0].data["reason"] == {"code": "no_calls", "day": f"{year}-05-12"}
    lines = {}
    for language in ("en", "nl"):
        with translation.override(language):
            lines[language] = [past.line(row, STAFF, {}) for row in rows]
    assert lines["en"] == [
        "Anna wanted to answer by phone and was refused: They asked not to be called (12 May).",
        "Anna wanted to answer by letter and was refused:"
        " They do not want an answer by letter (12 May).",
    ]
    assert "gebeld" in lines["nl"][0] and "12 mei" in lines["nl"][0]
    assert "They" not in "".join(lines["nl"]) and "per brief" in lines["nl"][1]


def test_what_the_server_said_stays_as_it_came(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = a_case(organisation)
    sink.answer = "554 5.7.1 Refused by policy"
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    sending.deliver(message.deliveries.get().channel_id)
    row = message.deliveries.get()
    assert row.reason == {"code": "said", "text": "554 5.7.1 Refused by policy"}
    assert row.attempts.get().reason == row.reason
    line = case.events.get(sort=Event.Sort.FAILED, data__delivery=str(row.pk))
    for language in ("en", "nl"):
        with translation.override(language):
            assert "554 5.7.1 Refused by policy" in past.line(line, STAFF, {})
            assert row.error[0] in "“„" and row.error[1:-1] == row.reason["text"]


def test_a_fault_of_ours_is_read_in_dutch(organisation: Organisation, agent: User) -> None:
    case = a_case(organisation)
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    row = message.deliveries.get()
    long_ago = timezone.now() - breaker.MISCONFIGURED
    Delivery.objects.filter(pk=row.pk).update(status=S.SENDING, leased_until=long_ago)
    sending.recover()
    row.refresh_from_db()
    assert row.status == S.UNCERTAIN and row.reason == {"code": "worker_stopped"}
    User.objects.filter(pk=agent.pk).update(language="nl")
    desk = Client()
    desk.force_login(agent)
    page = desk.get(reverse("admin:case", args=[case.reference])).content.decode()
    assert "Het proces stopte tijdens het versturen." in page and "The worker stopped" not in page


def test_a_paused_channel_says_why(organisation: Organisation) -> None:
    channel = Channel.objects.get(slug="email")
    channel.pause(timezone.now(), Reason("mail_password"))
    channel.refresh_from_db()
    assert channel.paused_reason == "The mail server refuses the user name or password."
    with translation.override("nl"):
        assert channel.paused_reason.startswith("De mailserver weigert")
    channel.pause(timezone.now(), "100 % moved: call %(name)s")
    channel.refresh_from_db()
    assert channel.paused_reason == "100 % moved: call %(name)s"
    channel.resume()
    channel.refresh_from_db()
    assert channel.paused_reason == ""


def test_a_server_that_says_nul_breaks_no_row(organisation: Organisation, agent: User) -> None:
    row = dispatch.reply(case=a_case(organisation), staff=agent, text="Yes.").deliveries.get()
    error = Rejected("550 \x00 bad\r\n  " + "x" * 1000)
    row.move(S.FAILED, frm=(row.status,), reason=error.why.stored)
    row.refresh_from_db()
    assert row.reason["text"].startswith("550 bad x") and len(row.reason["text"]) == 300
    assert json.dumps(row.reason)


def test_a_code_of_a_newer_version_is_shown_as_it_is() -> None:
    assert reasons.words({"code": "50 % new"}) == "50 % new" and reasons.words(None) == ""
    assert reasons.words({"code": "no_calls", "day": "soon"}).endswith("(soon).")
