"""Somebody tries to take over a case, or to plant their own on a stranger, by a messenger.

Each attempt ends the same way: nothing joined, and nothing of the victim was shown.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, joining, switching
from channels_app.adapters.base import BadSignature
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel, InboundEvent
from contacts import codes, services
from contacts.models import (
    Case,
    Choice,
    Code,
    Holder,
    Identity,
    Message,
    Organisation,
    Question,
    User,
)
from tests import shop
from tests.messengers import pocket
from tests.messengers.people import THIEF, VICTIM, by_mail, choice_of, known, own_page
from tests.messengers.pocket import Pocket

SECRET = "My private matter"


@dataclass
class World:
    """The victim's case and number, the thief's case, and two ways to write."""

    secret: Case
    planted: Case
    whatsapp: Channel
    sms: Channel
    victim: Identity

    @property
    def invitation(self) -> joining.Invitation:
        """What the thief's own page shows, for the victim to scan."""
        return joining.invite(self.planted, self.whatsapp)

    def victim_scans(self) -> None:
        """The victim's telephone sends what the thief's QR holds."""
        pocket.write(self.whatsapp, VICTIM, self.invitation.text)


@pytest.fixture
def world(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A victim who writes by WhatsApp, and a thief with a case on an own page."""
    monkeypatch.setitem(PROVIDERS, "pocket", Pocket)
    whatsapp, sms = pocket.channel(organisation), pocket.channel(organisation, "sms")
    victim = known(VICTIM)
    pocket.write(whatsapp, VICTIM, SECRET)
    secret = Case.objects.get()
    yield World(secret, own_page(organisation, "Planted"), whatsapp, sms, victim)
    Pocket.sent.clear()


def joined(world: World) -> bool:
    """Whether the thief got into the victim's case, or the victim's number into the thief's."""
    thief_in = Message.objects.of(world.secret).filter(identity__value=THIEF)
    victim_in = Message.objects.of(world.planted).filter(identity=world.victim)
    moved = choice_of(world.secret) != ("whatsapp", VICTIM)
    chosen = world.planted.choices.filter(identity=world.victim)
    became = Holder.objects.filter(identity__value=THIEF, customer=world.secret.customer)
    return moved or any(rows.exists() for rows in (thief_in, victim_in, chosen, became))


# -- Forged and replayed webhooks.


def forged(world: World) -> None:
    """A webhook without the provider's signature."""
    with pytest.raises(BadSignature):
        pocket.post(world.whatsapp, {"external_id": "x"}, signed=False)


def forged_over_http(world: World) -> None:
    """The same, at the real door."""
    thing = {"external_id": "x", "provider_id": "x", "scheme": "phone", "sender": VICTIM}
    body = json.dumps([{**thing, "text": world.invitation.text}])
    for headers in ({}, {"x-signature": "0" * 64}, {"x-signature": ""}):
        answer = Client().post(
            "/webhooks/whatsapp/", body, content_type="application/json", headers=headers
        )
        assert answer.status_code == 403
    assert InboundEvent.objects.count() == 1  # the victim's own


def signed_for_another_body(world: World) -> None:
    """A signature that was seen, over other bytes."""
    answer = Client().post(
        "/webhooks/whatsapp/",
        json.dumps([{"external_id": "y", "sender": VICTIM}]),
        content_type="application/json",
        headers={"x-signature": pocket.signature(b"[]")},
    )
    assert answer.status_code == 403


def replayed_webhook(world: World) -> None:
    """The very bytes of the victim's webhook, once more."""
    event = InboundEvent.objects.get()
    body, count = bytes(event.raw), Message.objects.count()
    headers = {"x-signature": pocket.signature(body)}
    Client().post("/webhooks/whatsapp/", body, content_type="application/json", headers=headers)
    assert Message.objects.count() == count


# -- Planted codes.


def planted_qr_and_silence(world: World) -> None:
    """The victim scans the thief's QR and says no more."""
    world.victim_scans()
    question = pocket.send_all()[-1]
    assert question.to == VICTIM and world.planted.reference in question.text
    assert "Planted" not in question.text and SECRET not in question.text


def planted_link_and_no(world: World) -> None:
    """They say NO; a YES later is too late."""
    world.victim_scans()
    pocket.write(world.whatsapp, VICTIM, "NO")
    services.resolve(case=world.secret)
    services.reopen(case=world.secret)
    pocket.write(world.whatsapp, VICTIM, "YES")
    assert Message.objects.of(world.secret).filter(text="YES").exists()  # in the victim's own case


def yes_in_a_sentence(world: World) -> None:
    """Only the whole text is a YES."""
    world.victim_scans()
    for text in ("yes please tell me more", "Yes? No!", "yes yes", "oh yes", "YES\nI think"):
        pocket.write(world.whatsapp, VICTIM, text)


def yes_to_an_expired_question(world: World) -> None:
    """A YES after a quarter of an hour."""
    world.victim_scans()
    Question.objects.update(expires_at=timezone.now())
    pocket.write(world.whatsapp, VICTIM, "YES")


def yes_of_the_thief(world: World) -> None:
    """The thief says YES from another address."""
    world.victim_scans()
    pocket.write(world.whatsapp, THIEF, "YES")


def yes_by_forged_sms(world: World) -> None:
    """A sender that can be forged says YES to a question that was asked by WhatsApp."""
    world.victim_scans()
    pocket.write(world.sms, VICTIM, "YES")


def yes_after_it_was_called_off(world: World) -> None:
    """The code ended before the YES."""
    world.victim_scans()
    joining.call_off(world.planted)
    pocket.write(world.whatsapp, VICTIM, "YES")


def yes_with_a_picture(world: World) -> None:
    """A file with the word is no answer."""
    world.victim_scans()
    Pocket.files["f"] = b"\xff\xd8\xff"
    file = {"name": "a.jpg", "type": "image/jpeg", "id": "f"}
    pocket.write(world.whatsapp, VICTIM, "YES", files=[file])


def planted_on_a_number_that_was_only_chosen(world: World) -> None:
    """Nobody holds the number; it was joined to the victim's case by a code."""
    Holder.objects.filter(identity=world.victim).delete()
    world.victim_scans()


def planted_code_in_own_words(world: World) -> None:
    """The victim is talked into typing the ten letters."""
    letters = codes.on_paper(world.invitation.code.plain).lower()
    pocket.write(world.whatsapp, VICTIM, f"they told me to send {letters} to you")
    said = Message.objects.get(text__startswith="they told me")
    assert said.case == world.secret  # nothing is lost


def tapped_code(world: World) -> None:
    """A deep link brings the code beside the text."""
    code = world.invitation.code.plain
    pocket.write(world.whatsapp, VICTIM, "", join_codes=[code])


# -- Codes of others.


def used_code(world: World) -> None:
    """The code that the victim redeemed."""
    code = Code.objects.issue(codes.JOIN, case=world.secret, kind="whatsapp")
    code.redeem()
    pocket.write(world.whatsapp, THIEF, code.plain)


def expired_code(world: World) -> None:
    """One that ended."""
    code = Code.objects.issue(
        codes.JOIN, case=world.secret, kind="whatsapp", lifetime=timedelta(seconds=-1)
    )
    pocket.write(world.whatsapp, THIEF, code.plain)


def sign_in_and_reply_codes(world: World) -> None:
    """Secrets for another purpose join nothing."""
    for purpose in (codes.SIGN_IN, codes.PROVE, codes.REPLY, codes.CASE_LINK):
        code = Code.objects.issue(purpose, case=world.secret, identity=world.victim)
        pocket.write(world.whatsapp, THIEF, code.plain, join_codes=[code.plain])


def pin_of_the_phone(world: World) -> None:
    """The four digits that a caller says are for the telephone only."""
    code = Code.objects.issue(codes.JOIN, case=world.secret, form=codes.PIN)
    pocket.write(world.whatsapp, THIEF, code.plain, join_codes=[code.plain])


def code_of_another_kind(world: World) -> None:
    """The victim's case shows a code for SMS; the thief has read it, and uses WhatsApp."""
    shown = joining.invite(world.secret, world.sms)
    pocket.write(world.whatsapp, THIEF, shown.text)


def code_at_another_organisation(world: World) -> None:
    """A code is for the channels of its own organisation."""
    other = Organisation.objects.create(name="Other", phone="+31201111111")
    foreign = pocket.channel(other, slug="foreign")
    shown = joining.invite(world.secret, world.whatsapp)
    pocket.write(foreign, THIEF, shown.code.plain)


def guessing(world: World) -> None:
    """A thousand guesses; the right one comes too late."""
    right = joining.invite(world.secret, world.whatsapp).code.plain
    for number in range(10):
        pocket.write(world.whatsapp, THIEF, f"2345{number % 8 + 2}ABCDE")
    pocket.write(world.whatsapp, THIEF, right)


def reference_is_no_code(world: World) -> None:
    """The public reference opens nothing."""
    reference = world.secret.reference
    pocket.write(world.whatsapp, THIEF, reference, join_codes=[reference])


# -- Caller id: an SMS says any sender.


def spoofed_sms_in_the_victims_name(world: World) -> None:
    """By default a number alone joins nothing."""
    pocket.write(world.sms, VICTIM, "Send the answer here, please")


def spoofed_sms_with_the_thiefs_code(world: World) -> None:
    """The thief sends the own code with the victim's number, and cannot read our question."""
    shown = joining.invite(world.planted, world.sms)
    pocket.write(world.sms, VICTIM, shown.text)
    for said in ("YES", "ja", "1234"):
        pocket.write(world.sms, VICTIM, said)


def spoofed_sms_with_every_number(world: World) -> None:
    """Five tries, not ten thousand."""
    shown = joining.invite(world.planted, world.sms)
    pocket.write(world.sms, VICTIM, shown.text)
    number = int(Code.objects.get(purpose=codes.ANSWER).plain)
    for step in range(1, 6):
        pocket.write(world.sms, VICTIM, str((number + step) % 10_000).zfill(4))
    pocket.write(world.sms, VICTIM, str(number).zfill(4))


def number_of_the_question_from_elsewhere(world: World) -> None:
    """The number counts only from where it was sent to."""
    shown = joining.invite(world.planted, world.sms)
    pocket.write(world.sms, VICTIM, shown.text)
    pocket.write(world.sms, THIEF, Code.objects.get(purpose=codes.ANSWER).plain)


# -- Corrections, addresses, and what looks like one.


def edits_a_strangers_message(world: World) -> None:
    """An edit in the thief's name of what the victim wrote."""
    theirs = InboundEvent.objects.get().items.get().provider_id
    thing = {"sort": "correction", "change": "edited", "external_id": "e", "provider_id": theirs}
    pocket.post(world.whatsapp, {**thing, "scheme": "phone", "sender": THIEF, "text": "Hacked"})
    assert Message.objects.of(world.secret).filter(text=SECRET).exists()


def writes_as_almost_the_victim(world: World) -> None:
    """Numbers that look like the victim's are other numbers."""
    for sender in ("+3168765432", "+316876543210", "687654321", "+31687654321;x"):
        pocket.write(world.whatsapp, sender, "It is me")


def typed_on_the_start_page(world: World) -> None:
    """The thief types the victim's number, and waits for what the victim writes."""
    case = own_page(world.planted.organisation, "Wait here")
    identity = Identity.of("phone", VICTIM)
    services.hold(case.customer, identity, how=Holder.How.TYPED)
    switching.switch(case=case, kind="whatsapp", identity=identity)
    services.resolve(case=world.secret)
    pocket.write(world.whatsapp, VICTIM, "Another private matter")
    services.reopen(case=world.secret)
    assert not Message.objects.of(case).filter(text="Another private matter").exists()


def typed_by_mail(world: World) -> None:
    """A case at a mailbox is not joined by a messenger of the same customer."""
    case = by_mail(world.planted.organisation, "thief@example.org")
    pocket.write(world.whatsapp, THIEF, f"About {case.reference}")
    assert choice_of(case) == ("email", "thief@example.org")


ATTEMPTS: list[Callable[[World], None]] = [
    forged,
    forged_over_http,
    signed_for_another_body,
    replayed_webhook,
    planted_qr_and_silence,
    planted_link_and_no,
    yes_in_a_sentence,
    yes_to_an_expired_question,
    yes_of_the_thief,
    yes_by_forged_sms,
    yes_after_it_was_called_off,
    yes_with_a_picture,
    planted_on_a_number_that_was_only_chosen,
    planted_code_in_own_words,
    tapped_code,
    used_code,
    expired_code,
    sign_in_and_reply_codes,
    pin_of_the_phone,
    code_of_another_kind,
    code_at_another_organisation,
    guessing,
    reference_is_no_code,
    spoofed_sms_in_the_victims_name,
    spoofed_sms_with_the_thiefs_code,
    spoofed_sms_with_every_number,
    number_of_the_question_from_elsewhere,
    edits_a_strangers_message,
    writes_as_almost_the_victim,
    typed_on_the_start_page,
    typed_by_mail,
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
def test_nothing_joins(world: World, attempt: Callable[[World], None]) -> None:
    attempt(world)
    assert not joined(world)
    pocket.send_all()
    shown = [out.text for out in Pocket.sent if out.to == THIEF]
    assert not any(SECRET in text or world.secret.reference in text for text in shown)


def test_the_judge_sees_a_join(world: World, agent: User) -> None:
    """The same question, with the holder's YES: or the tests above could not fail."""
    world.victim_scans()
    pocket.write(world.whatsapp, VICTIM, "YES")
    assert joined(world)


def test_what_was_queued_for_the_victim_never_goes_to_the_thief(world: World, agent: User) -> None:
    dispatch.reply(case=world.secret, staff=agent, text="Only for you")
    used_code(world)
    guessing(world)
    pocket.send_all()
    assert {out.to for out in Pocket.sent if "Only for you" in out.text} <= {VICTIM}


def test_a_forged_no_does_not_end_a_question_that_was_asked_elsewhere(world: World) -> None:
    world.victim_scans()
    pocket.write(world.sms, VICTIM, "NO")
    assert Question.objects.open().exists()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time anyway")
@pytest.mark.django_db(transaction=True)
def test_two_telephones_at_once_are_one_join(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVIDERS, "pocket", Pocket)
    organisation = shop.make_shop()
    whatsapp = pocket.channel(organisation)
    case = own_page(organisation)
    text = joining.invite(case, whatsapp).text

    def send(number: int) -> None:
        try:
            pocket.write(whatsapp, f"+3161111000{number}", text)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    assert case.choices.filter(kind="whatsapp", by=Choice.By.WRITING).count() == 1
