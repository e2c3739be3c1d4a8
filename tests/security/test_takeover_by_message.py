"""Who tries to get into a case of another by what they send or say: mail, messenger, letter, call.

As in test_takeover.py; what one messenger alone can do is in test_takeover_messengers.py.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from channels_app import joining
from channels_app.models import Delivery
from contacts import codes, services
from contacts.models import (
    Code,
    Organisation,
)
from tests import shop
from tests.messengers.people import THIEF
from tests.messengers.telephones import send_all
from tests.security.test_strangers import EVIL
from tests.security.test_strangers import VICTIM as MAIL
from tests.security.thieves import GUESS, NEWCOMERS, VICTIMS, World
from tests.security.thieves import providers as providers
from tests.security.thieves import world as world

# Doors and words; the rule of who may see a case has tests on both databases.
pytestmark = pytest.mark.once

# -- By mail.


def writes_to_the_secret_address(world: World) -> None:
    """It leaked; the sender is the thief's own."""
    to = world.reply_address(world.secret)
    for sender in (EVIL, f'"{MAIL}" <{EVIL}>', f"{MAIL}.evil.example", f"{EVIL}, {MAIL}"):
        world.mails(sender, to=to, text="Send it here please")


def forges_the_sender(world: World) -> None:
    """In her name, but not to the secret address, or to one that was made up."""
    world.mails(MAIL, text="Send the answer to evil@example.org")
    local, _at, domain = shop.MAILBOX.partition("@")
    world.mails(MAIL, to=f"{local}+{'a' * 26}@{domain}", text="It is me")
    world.mails(MAIL, Reply_To=EVIL, text="It is me")
    world.mails(MAIL, Sender=EVIL, text="It is me")
    world.mails(MAIL, Authentication_Results="evil.example; dmarc=pass", text="It is me")


def answers_her_mail(world: World) -> None:
    """Knows the Message-ID of what we sent her, and the reference in its subject."""
    send_all()
    for mail in [m for m in world.sink.mails if m["To"] == MAIL]:
        told = {"In_Reply_To": mail["Message-ID"], "References": mail["Message-ID"]}
        subject = f"Re: [{world.secret.reference}]"
        world.knows_references()
        world.mails(EVIL, subject=subject, text="And?", **told)
        world.mails(MAIL, subject=subject, text="And?", Reply_To=EVIL, **told)


def bounces_her_mail(world: World) -> None:
    """A report that her address is gone, by somebody who never got the mail."""
    send_all()
    key = Delivery.objects.filter(identity__value=MAIL).latest("created_at").pk
    text = f"Final-Recipient: rfc822; {MAIL}\nAction: failed\nStatus: 5.1.1\n"
    world.mails("MAILER-DAEMON@evil.example", subject="Undelivered", text=text, X_Key=str(key))


def mails_codes_of_her_case(world: World) -> None:
    """Dead ones, one for another kind, a PIN, a link: in words and in the subject."""
    case = world.secret
    dead = Code.objects.issue(codes.JOIN, case=case)
    dead.revoke()
    pin = Code.objects.issue(codes.JOIN, case=case, form=codes.PIN)
    other = joining.invite(case, world.messengers["telegram"].channel).code
    for value in (dead.plain, pin.plain, other.plain, services.case_link(case).plain, GUESS):
        world.mails(EVIL, text=f"Code: {value}", subject=value)


def plants_a_code_by_mail(world: World) -> None:
    """Sends the own code in her name; a YES and a number of the thief's own making follow."""
    code = world.planted_code()
    world.mails(MAIL, text=f"Code: {code}")
    number = int(world.newest(codes.ANSWER))
    for said in ("YES", "ja", str((number + 1) % 10**4).zfill(4)):
        world.mails(MAIL, text=said)
        world.mails(EVIL, text=said)
    world.mails(EVIL, text=str(number).zfill(4))
    assert not world.planted.choices.filter(identity__value=MAIL).exists()


# -- By telephone and by letter: what the desk is told.


def says_the_own_code_and_her_name(world: World) -> None:
    """The code finds the thief's own case; her case takes no code of another."""
    pin = Code.objects.issue(codes.JOIN, case=world.planted, form=codes.PIN)
    desk = Client()
    desk.force_login(world.agent)
    found = desk.get("/admin/record/people/", {"q": pin.plain}).content.decode()
    assert world.planted.reference in found and world.secret.reference not in found
    said = {"came_by": "phone", "q": pin.plain, "into": f"case:{world.planted.reference}"}
    desk.post("/admin/record/", {**said, "text": "Hello", "client_key": str(shop.key())})
    pin.refresh_from_db()
    assert pin.uses_left == 0


def says_her_code_on_the_page(world: World) -> None:
    """Four digits are for the phone: ten thousand of them are tried nowhere else."""
    pin = Code.objects.issue(codes.JOIN, case=world.secret, form=codes.PIN)
    for number in range(0, 5):
        world.thief.post("/sign-in/letter/", {"paper": str(number).zfill(4)})
    assert world.thief.post("/sign-in/letter/", {"paper": pin.plain}).status_code == 422


def finds_her_letter(world: World) -> None:
    """She has used its code already."""
    letter = Code.objects.issue(codes.JOIN, case=world.secret, lifetime=timedelta(days=60))
    Client().post("/sign-in/letter/", {"paper": letter.plain})
    assert world.thief.post("/sign-in/letter/", {"paper": letter.plain}).status_code == 422
    world.mails(EVIL, text=letter.plain)
    for messenger in world.messengers.values():
        messenger.write(THIEF, letter.plain)


# -- By messengers: planted codes, and an address that opened a case just now.


def plants_a_code_on_a_newcomer(world: World) -> None:
    """Who has just opened a case is asked, and told that it would go along; they say nothing."""
    for kind, messenger in world.messengers.items():
        case = world.newcomer(kind)
        messenger.write(NEWCOMERS[kind], f"Code: {world.planted_code()}")
        send_all()
        asked = [
            text for to, text in messenger.brought() if to == messenger.address(NEWCOMERS[kind])
        ]
        assert f"Your question {case.reference} goes along" in asked[-1]


def plants_a_code_on_a_newcomer_who_says_no(world: World) -> None:
    """No; and yes in a sentence; and yes when it is too late."""
    for kind, messenger in world.messengers.items():
        world.newcomer(kind)
        messenger.write(NEWCOMERS[kind], world.planted_code())
        messenger.write(NEWCOMERS[kind], "oh yes why not")
        messenger.write(NEWCOMERS[kind], "no")
        messenger.write(NEWCOMERS[kind], "yes")


def says_yes_for_a_newcomer(world: World) -> None:
    """The thief says yes from the own number, by forged SMS and by mail."""
    for kind, messenger in world.messengers.items():
        world.newcomer(kind)
        messenger.write(NEWCOMERS[kind], world.planted_code())
        messenger.write(THIEF, "yes")
    for said in ("yes", "ja", "0000"):
        if world.newest(codes.ANSWER) != said:
            world.messengers["sms"].write(NEWCOMERS["sms"], said)
        world.mails(EVIL, text=said)


def pulls_a_newcomers_case_by_forged_sms(world: World) -> None:
    """The thief forges the newcomer's number and sends the own code, and guesses its answer."""
    world.newcomer("sms")
    sms = world.messengers["sms"]
    sms.write(NEWCOMERS["sms"], world.planted_code("sms"))
    number = int(world.newest(codes.ANSWER))
    for step in range(1, 7):
        sms.write(NEWCOMERS["sms"], str((number + step) % 10**4).zfill(4))
    sms.write(NEWCOMERS["sms"], str(number).zfill(4))  # after five tries the right one is none


def opens_a_case_to_pull_hers_in(world: World) -> None:
    """The thief writes from a new number and sends dead codes of her cases along."""
    for messenger in world.messengers.values():
        messenger.write(THIEF, "A new question")
        for case in world.cases.values():
            dead = joining.issue_for_any(case)
            dead.revoke()
            messenger.write(THIEF, f"Code: {dead.plain}")
            messenger.write(THIEF, "yes")


def takes_the_code_that_her_page_shows_to_another_organisation(world: World) -> None:
    """A code is for the channels of its own house."""
    other = Organisation.objects.create(name="Other", phone="+31201111111")
    code = joining.issue_for_any(world.secret).plain
    channel = world.messengers["whatsapp"].channel
    type(channel).objects.filter(pk=channel.pk).update(organisation=other)
    world.messengers["whatsapp"].write(THIEF, f"Code: {code}")
    type(channel).objects.filter(pk=channel.pk).update(organisation=world.organisation)


def shows_a_qr_to_everybody(world: World) -> None:
    """The victim scans the thief's QR with each messenger, and says nothing more."""
    for kind in ("whatsapp", "telegram"):
        messenger = world.messengers[kind]
        shown = joining.invite(world.planted, messenger.channel)
        messenger.scan(VICTIMS[kind], shown.link)


def answers_which_question_in_her_name(world: World) -> None:
    """Numbers and words, from the own addresses and by forged SMS."""
    for messenger in world.messengers.values():
        for said in ("1", "2", "new", "yes", "nee"):
            messenger.write(THIEF, said)
    for said in ("1", "new", "yes", "no"):
        world.messengers["sms"].write(VICTIMS["sms"], said)


ATTEMPTS = [
    writes_to_the_secret_address,
    forges_the_sender,
    answers_her_mail,
    bounces_her_mail,
    mails_codes_of_her_case,
    plants_a_code_by_mail,
    says_the_own_code_and_her_name,
    says_her_code_on_the_page,
    finds_her_letter,
    plants_a_code_on_a_newcomer,
    plants_a_code_on_a_newcomer_who_says_no,
    says_yes_for_a_newcomer,
    pulls_a_newcomers_case_by_forged_sms,
    opens_a_case_to_pull_hers_in,
    takes_the_code_that_her_page_shows_to_another_organisation,
    shows_a_qr_to_everybody,
    answers_which_question_in_her_name,
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
def test_nobody_gets_into_anothers_case(world: World, attempt: Callable[[World], None]) -> None:
    attempt(world)
    world.judge()
