"""Somebody tries to take over a case, or to plant their own on a stranger, by a messenger.

Each post goes to the real door as the provider's own, really signed where it is not a forgery, and
is read by the real adapter. Each attempt ends the same way: nothing joined, and nothing of the
victim was shown.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, inbound, joining, switching
from channels_app.models import Channel, InboundEvent
from contacts import codes, holding, services
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
from tests.messengers.people import THIEF, VICTIM, by_mail, choice_of, known, own_page
from tests.messengers.telephones import Messenger, messenger_at, send_all, servers
from tests.webhooks.channels import post
from tests.webhooks.providers import Provider

SECRET = "My private matter"


@dataclass
class World:
    """The victim's case and address, the thief's case, and two ways to write."""

    secret: Case
    planted: Case
    messenger: Messenger  # which says who writes
    sms: Messenger  # which does not
    victim: Identity
    first: Any  # the post that opened the victim's case

    @property
    def invitation(self) -> joining.Invitation:
        """What the thief's own page shows, for the victim to scan."""
        return joining.invite(self.planted, self.messenger.channel)

    @property
    def kind(self) -> str:
        """Of the messenger."""
        return self.messenger.channel.kind

    @property
    def thief(self) -> str:
        """The thief's address."""
        return self.messenger.address(THIEF)

    def victim_scans(self) -> None:
        """The victim's telephone sends what the thief's QR holds."""
        self.messenger.scan(VICTIM, self.invitation.link)

    def victim_writes(self, text: str) -> None:
        """On the messenger that says who writes."""
        self.messenger.write(VICTIM, text)

    def thief_writes(self, text: str) -> None:
        """The same for the thief."""
        self.messenger.write(THIEF, text)

    def thief_tries(self, code: str) -> None:
        """The thief sends a code in words, and as a link does it."""
        self.thief_writes(f"The code is {code}")
        self.messenger.tap(THIEF, code)


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, Provider]]:
    """A provider for each messenger, on this machine."""
    with servers() as found:
        yield found


@pytest.fixture(params=["whatsapp", "telegram"])
def kind(request: pytest.FixtureRequest) -> str:
    """The victim's messenger."""
    return str(request.param)


Meet = Callable[[str], World]


@pytest.fixture
def meet(
    organisation: Organisation, providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch
) -> Meet:
    """A victim who writes by that messenger, and a thief with a case on an own page."""

    def met(kind: str) -> World:
        messenger, sms = (
            messenger_at(name, organisation, providers, monkeypatch) for name in (kind, "sms")
        )
        victim = known(messenger.address(VICTIM), scheme=messenger.scheme)
        first = messenger.write(VICTIM, SECRET)
        secret = Case.objects.get()
        return World(secret, own_page(organisation, "Planted"), messenger, sms, victim, first)

    return met


@pytest.fixture
def world(meet: Meet, kind: str) -> World:
    """The same for each messenger in turn."""
    return meet(kind)


def joined(world: World) -> bool:
    """Whether the thief got into the victim's case, or the victim's address into the thief's."""
    thiefs = {world.thief, THIEF}
    thief_in = Message.objects.of(world.secret).filter(identity__value__in=thiefs)
    victims = {world.victim.value, VICTIM}
    victim_in = Message.objects.of(world.planted).filter(identity__value__in=victims)
    moved = choice_of(world.secret) != (world.kind, world.victim.value)
    chosen = world.planted.choices.filter(identity__value__in=victims)
    became = Holder.objects.filter(identity__value__in=thiefs, customer=world.secret.customer)
    return moved or any(rows.exists() for rows in (thief_in, victim_in, chosen, became))


# -- Forged and replayed webhooks.


def refused(world: World, *requests: Any) -> None:
    """The door believes none of them, and keeps nothing."""
    kept = InboundEvent.objects.count()
    for request in requests:
        assert post(Client(), world.messenger.channel, request).status_code == 403
    assert InboundEvent.objects.count() == kept


def forged(world: World) -> None:
    """In the victim's name, without what shows that it is the provider."""
    request = world.messenger.posted(VICTIM, world.invitation.text)
    for proof in (None, "", "0" * 64, "sha256=" + "0" * 64, "null"):
        refused(world, world.messenger.unsigned(request, proof))


def signed_for_another_body(world: World) -> None:
    """A proof that was seen elsewhere: over other bytes, or almost the secret."""
    request = world.messenger.posted(VICTIM, world.invitation.text)
    seen = world.first.header(world.messenger.proof)
    by_sms = world.sms.posted(VICTIM, "x").header(world.sms.proof)
    if world.kind == "whatsapp":  # Telegram's secret goes with any update
        refused(world, replace(request, headers=world.first.headers))
    for proof in (seen[:-1], seen.swapcase(), seen[::-1], by_sms):
        refused(world, world.messenger.unsigned(request, proof))


def forged_sms(world: World) -> None:
    """The victim's YES by Twilio, which Twilio did not sign."""
    world.victim_scans()
    request = world.sms.posted(VICTIM, "YES")
    other = world.sms.posted(THIEF, "YES").header(world.sms.proof)
    for proof in (None, "", other):
        answer = post(Client(), world.sms.channel, world.sms.unsigned(request, proof))
        assert answer.status_code == 403


def at_the_door_of_another_messenger(world: World) -> None:
    """What one provider signed is brought to another's door."""
    request = world.messenger.posted(VICTIM, world.invitation.text)
    assert post(Client(), world.sms.channel, request).status_code in (400, 403)
    theirs = world.sms.posted(VICTIM, world.invitation.text)
    refused(world, theirs)


def replayed_webhook(world: World) -> None:
    """The very bytes of the victim's webhook, once more, and the YES to an older question."""
    count = Message.objects.count()
    world.messenger.bring(world.first)
    assert Message.objects.count() == count
    world.victim_scans()
    said = world.messenger.write(VICTIM, "NO")
    world.victim_scans()
    count = Message.objects.count()
    world.messenger.bring(said)
    assert Message.objects.count() == count and Question.objects.open().exists()


# -- Planted codes.


def planted_qr_and_silence(world: World) -> None:
    """The victim scans the thief's QR and says no more."""
    world.victim_scans()
    send_all()
    to, text = world.messenger.brought()[-1]
    assert to == world.victim.value and world.planted.reference in text
    assert "Planted" not in text and SECRET not in text


def planted_link_and_no(world: World) -> None:
    """They say NO; a YES later is too late."""
    world.victim_scans()
    world.victim_writes("NO")
    services.resolve(case=world.secret)
    services.reopen(case=world.secret)
    world.victim_writes("YES")
    assert Message.objects.of(world.secret).filter(text="YES").exists()  # in the victim's own case


def yes_in_a_sentence(world: World) -> None:
    """Only the whole text is a YES."""
    world.victim_scans()
    for text in ("yes please tell me more", "Yes? No!", "yes yes", "oh yes", "YES\nI think"):
        world.victim_writes(text)


def yes_to_an_expired_question(world: World) -> None:
    """A YES after a quarter of an hour."""
    world.victim_scans()
    Question.objects.update(expires_at=timezone.now())
    world.victim_writes("YES")


def yes_of_the_thief(world: World) -> None:
    """The thief says YES from another address."""
    world.victim_scans()
    world.thief_writes("YES")


def yes_by_forged_sms(world: World) -> None:
    """A sender that can be forged says YES to a question that was asked by WhatsApp."""
    world.victim_scans()
    world.sms.write(VICTIM, "YES")


def yes_after_it_was_called_off(world: World) -> None:
    """The code ended before the YES."""
    world.victim_scans()
    joining.call_off(world.planted)
    world.victim_writes("YES")


def yes_with_a_picture(world: World) -> None:
    """A file with the word is no answer."""
    world.victim_scans()
    world.messenger.show(VICTIM, "YES")


def planted_on_a_number_that_was_only_chosen(world: World) -> None:
    """Nobody holds the number; it was joined to the victim's case by a code."""
    Holder.objects.filter(identity=world.victim).delete()
    world.victim_scans()


def planted_code_in_own_words(world: World) -> None:
    """The victim is talked into typing the ten letters."""
    letters = codes.on_paper(world.invitation.code.plain).lower()
    world.victim_writes(f"they told me to send {letters} to you")
    said = Message.objects.get(text__startswith="they told me")
    assert said.case == world.secret  # nothing is lost


def tapped_code(world: World) -> None:
    """The code alone, as a link brings it."""
    world.messenger.tap(VICTIM, world.invitation.code.plain)


# -- Codes of others.


def used_code(world: World) -> None:
    """The code that the victim redeemed."""
    code = Code.objects.issue(codes.JOIN, case=world.secret, kind=world.kind)
    code.redeem()
    world.thief_tries(code.plain)


def expired_code(world: World) -> None:
    """One that ended."""
    code = Code.objects.issue(
        codes.JOIN, case=world.secret, kind=world.kind, lifetime=timedelta(seconds=-1)
    )
    world.thief_tries(code.plain)


def used_code_where_the_victims_number_was_typed(world: World) -> None:
    """The thief asks to be called at the victim's number, uses a code, and hands it on."""
    case = own_page(world.planted.organisation, "Call me")
    switching.switch(case=case, kind="phone", identity=Identity.of("phone", VICTIM))
    shown = joining.invite(case, world.messenger.channel)
    world.messenger.scan(THIEF, shown.link)
    world.messenger.scan(VICTIM, shown.link)
    world.victim_writes(f"My code is {shown.code.plain}")
    assert choice_of(case) == (world.kind, world.thief)
    assert not Message.objects.of(case).filter(identity=world.victim).exists()


def sign_in_and_reply_codes(world: World) -> None:
    """Secrets for another purpose join nothing."""
    for purpose in (codes.SIGN_IN, codes.PROVE, codes.REPLY, codes.CASE_LINK):
        code = Code.objects.issue(purpose, case=world.secret, identity=world.victim)
        world.thief_tries(code.plain)


def pin_of_the_phone(world: World) -> None:
    """The four digits that a caller says are for the telephone only."""
    code = Code.objects.issue(codes.JOIN, case=world.secret, form=codes.PIN)
    world.thief_tries(code.plain)


def code_of_another_kind(world: World) -> None:
    """The victim's case shows a code for SMS; the thief has read it, and uses a messenger."""
    shown = joining.invite(world.secret, world.sms.channel)
    world.thief_writes(shown.text)
    world.messenger.tap(THIEF, shown.code.plain)


def code_at_another_organisation(world: World) -> None:
    """A code is for the channels of its own organisation."""
    other = Organisation.objects.create(name="Other", phone="+31201111111")
    shown = joining.invite(world.secret, world.messenger.channel)
    Channel.objects.filter(pk=world.messenger.channel.pk).update(organisation=other)
    world.thief_tries(shown.code.plain)


def guessing(world: World) -> None:
    """A thousand guesses; the right one comes too late."""
    right = joining.invite(world.secret, world.messenger.channel).code.plain
    for number in range(10):
        world.messenger.tap(THIEF, f"2345{number % 8 + 2}ABCDE")
    world.thief_tries(right)


def reference_is_no_code(world: World) -> None:
    """The public reference opens nothing."""
    world.thief_tries(world.secret.reference)


# -- Caller id: an SMS says any sender.


def spoofed_sms_in_the_victims_name(world: World) -> None:
    """By default a number alone joins nothing."""
    world.sms.write(VICTIM, "Send the answer here, please")


def spoofed_sms_in_other_spellings(world: World) -> None:
    """A sender is any text at all."""
    for sender in ("0031687654321", "+31 6 8765 4321", "+31687654321;x", VICTIM[1:], "Test Shop"):
        world.sms.write(sender, "It is me")


def spoofed_sms_with_the_thiefs_code(world: World) -> None:
    """The thief sends the own code with the victim's number, and cannot read our question."""
    shown = joining.invite(world.planted, world.sms.channel)
    world.sms.write(VICTIM, shown.text)
    for said in ("YES", "ja", "1234"):
        world.sms.write(VICTIM, said)


def spoofed_sms_with_every_number(world: World) -> None:
    """Five tries, not ten thousand."""
    shown = joining.invite(world.planted, world.sms.channel)
    world.sms.write(VICTIM, shown.text)
    number = int(Code.objects.get(purpose=codes.ANSWER).plain)
    for step in range(1, 6):
        world.sms.write(VICTIM, str((number + step) % 10_000).zfill(4))
    world.sms.write(VICTIM, str(number).zfill(4))


def number_of_the_question_from_elsewhere(world: World) -> None:
    """The number counts only from where it was sent to."""
    shown = joining.invite(world.planted, world.sms.channel)
    world.sms.write(VICTIM, shown.text)
    world.sms.write(THIEF, Code.objects.get(purpose=codes.ANSWER).plain)


# -- Corrections, addresses, and what looks like one.


def edits_a_strangers_message(world: World) -> None:
    """An edit in the thief's name of what the victim wrote."""
    theirs = InboundEvent.objects.get().items.get().provider_id
    world.messenger.bring(world.messenger.edited(THIEF, theirs, "Hacked"))
    assert Message.objects.of(world.secret).filter(text=SECRET).exists()


def writes_as_almost_the_victim(world: World) -> None:
    """Numbers that look like the victim's are other numbers."""
    for sender in ("+3168765432", "+316876543210", "687654320", "+31687654312"):
        world.messenger.write(sender, "It is me")


def typed_on_the_start_page(world: World) -> None:
    """The thief types the victim's number, and waits for what the victim writes."""
    case = own_page(world.planted.organisation, "Wait here")
    identity = Identity.of("phone", VICTIM)
    holding.hold(case.customer, identity, how=Holder.How.TYPED)
    kind = world.kind if world.messenger.scheme == "phone" else "sms"  # a chat is never typed
    switching.switch(case=case, kind=kind, identity=identity)
    services.resolve(case=world.secret)
    world.victim_writes("Another private matter")
    services.reopen(case=world.secret)
    assert not Message.objects.of(case).filter(text="Another private matter").exists()


def typed_by_mail(world: World) -> None:
    """A case at a mailbox is not joined by a messenger of the same customer."""
    case = by_mail(world.planted.organisation, "thief@example.org")
    world.thief_writes(f"About {case.reference}")
    assert choice_of(case) == ("email", "thief@example.org")


ATTEMPTS: list[Callable[[World], None]] = [
    forged,
    signed_for_another_body,
    forged_sms,
    at_the_door_of_another_messenger,
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
    used_code_where_the_victims_number_was_typed,
    sign_in_and_reply_codes,
    pin_of_the_phone,
    code_of_another_kind,
    code_at_another_organisation,
    guessing,
    reference_is_no_code,
    spoofed_sms_in_the_victims_name,
    spoofed_sms_in_other_spellings,
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
    send_all()
    brought = [*world.messenger.brought(), *world.sms.brought()]
    shown = [text for to, text in brought if to in (world.thief, THIEF)]
    assert not any(SECRET in text or world.secret.reference in text for text in shown)


def test_the_judge_sees_a_join(world: World, agent: User) -> None:
    """The same question, with the holder's YES: or the tests above could not fail."""
    world.victim_scans()
    world.victim_writes("YES")
    assert joined(world)


def test_what_was_queued_for_the_victim_never_goes_to_the_thief(world: World, agent: User) -> None:
    dispatch.reply(case=world.secret, staff=agent, text="Only for you")
    used_code(world)
    guessing(world)
    send_all()
    brought = [*world.messenger.brought(), *world.sms.brought()]
    assert {to for to, text in brought if "Only for you" in text} == {world.victim.value}


def test_a_forged_no_does_not_end_a_question_that_was_asked_elsewhere(world: World) -> None:
    world.victim_scans()
    world.sms.write(VICTIM, "NO")
    assert Question.objects.open().exists()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one at a time anyway")
@pytest.mark.django_db(transaction=True)
def test_two_telephones_at_once_are_one_join(
    kind: str, providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "TURN", nullcontext())  # that of one process; locks are for all
    organisation = shop.make_shop()
    messenger = messenger_at(kind, organisation, providers, monkeypatch)
    case = own_page(organisation)
    link = joining.invite(case, messenger.channel).link

    def send(number: int) -> None:
        try:
            messenger.scan(f"+3161111000{number}", link)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    assert case.choices.filter(kind=kind, by=Choice.By.WRITING).count() == 1
