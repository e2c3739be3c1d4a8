"""Somebody else answers what we asked, approves, corrects, joins: and nothing of it counts.

As in test_takeover.py: an attempt each, and the judge looks at all of it.
"""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, leaving, outcomes, proposals, switching
from channels_app.models import Channel, Delivery, InboundItem
from contacts import holding, services
from contacts.models import Case, Customer, Holder, Identity, Message, Question
from tests.messengers.people import THIEF
from tests.messengers.telephones import send_all
from tests.security import thieves
from tests.security.test_strangers import EVIL
from tests.security.test_strangers import VICTIM as MAIL
from tests.security.thieves import VICTIMS, WORDS, World
from tests.security.thieves import providers as providers
from tests.security.thieves import world as world

# Doors and words; the rule of who may see a case has tests on both databases.
pytestmark = pytest.mark.once

SAID = ("yes", "ja", "no", "nee", "1", "2", "new")


def says_all(world: World) -> None:
    """The thief says every word by every door that is the thief's own, and in forged mails."""
    for word in SAID:
        for messenger in world.messengers.values():
            messenger.write(THIEF, word)
        world.mails(EVIL, text=word)
        world.mails(EVIL, to=world.reply_address(world.secret), text=word)
        world.mails(MAIL, text=word)
        world.mails(MAIL, Authentication_Results="evil.example; dmarc=pass", text=word)


def asked_of_all(world: World) -> list[Question]:
    """We ask in each case of the victim whether the own page is welcome."""
    found = [
        proposals.propose(case=case, kind="account", staff=world.agent)
        for case in world.cases.values()
    ]
    send_all()
    return found


def answers_a_proposal_by_a_word(world: World) -> None:
    """Words of a stranger."""
    asked_of_all(world)
    says_all(world)


def answers_a_proposal_on_her_page(world: World) -> None:
    """The button, with the key of the question: on her page, and on the own one."""
    world.knows_references()
    for asked in asked_of_all(world):
        data = {"question": str(asked.pk), "answer": "yes"}
        for case in (*world.cases.values(), world.planted):
            page = f"/q/{case.reference}/proposal/"
            assert world.thief.post(page, data).status_code == 404
        assert not Question.objects.get(pk=asked.pk).answer


def has_her_answer_a_planted_proposal(world: World) -> None:
    """She opens the thief's link; her own addresses are no way for that case."""
    asked = proposals.of(world.planted)
    switching.switch(case=world.planted, kind="email", identity=Identity.of("email", EVIL))
    asked = [proposals.propose(case=world.planted, kind="sms", staff=world.agent)]
    world.victim.post(f"/c/{services.case_link(world.planted).plain}/")
    page = f"/q/{world.planted.reference}/proposal/"
    world.victim.post(page, {"question": str(asked[0].pk), "answer": "yes"})
    assert not world.planted.choices.exclude(identity__value=EVIL).exclude(identity=None).exists()


def solved_all(world: World) -> None:
    """Each case of the victim is answered and resolved, and asked how it was."""
    for case in world.cases.values():
        dispatch.reply(case=case, staff=world.agent, text="Here you are.")
        outcomes.resolve(case=Case.objects.get(pk=case.pk), by=world.agent)
    Delivery.objects.filter(status="queued").update(next_attempt_at=timezone.now())
    send_all()
    Question.objects.update(created_at=timezone.now())
    asked = Question.objects.open().filter(sort=Question.Sort.SETTLED)
    assert asked.count() == len(world.cases)
    world.watch()


def says_how_it_was_by_a_word(world: World) -> None:
    """Words of a stranger: nothing is opened again, nothing is counted."""
    solved_all(world)
    says_all(world)
    assert not Case.objects.filter(outcomes__answered__isnull=False).exists()


def says_how_it_was_on_her_page(world: World) -> None:
    """The buttons of the card."""
    world.knows_references()
    solved_all(world)
    for case in world.cases.values():
        page = f"/q/{case.reference}/outcome/"
        for data in ({"answered": "no"}, {"repeated": "yes"}):
            assert world.thief.post(page, data).status_code == 404


def approves_a_second_way(world: World) -> None:
    """For her case, and with the keys of her addresses for the own one."""
    world.knows_references()
    for case in world.cases.values():
        answer = world.thief.post(f"/q/{case.reference}/second/", {"second": "account"})
        assert answer.status_code == 404
    for key in Identity.objects.values_list("pk", flat=True):
        for kind in ("email", "sms", "whatsapp", "phone"):
            data = {"second": f"{kind}:{key}"}
            world.thief.post(f"/q/{world.planted.reference}/second/", data)
    assert not world.planted.choices.exclude(fallback_identity=None).exists()


def has_her_approve_by_a_planted_link(world: World) -> None:
    """Signed in she opens the thief's link, and presses for her own address."""
    world.victim.post(f"/c/{services.case_link(world.planted).plain}/")
    for key in Identity.objects.values_list("pk", flat=True):
        page = f"/q/{world.planted.reference}/second/"
        world.victim.post(page, {"second": f"email:{key}"})
    assert not world.planted.choices.exclude(fallback_identity=None).exists()


def falls_back_to_her(world: World) -> None:
    """A case in her name whose own way fails: what her second way is, is not told to the thief."""
    world.knows_address()
    number = Identity.of("phone", "+31687659999")
    customer = world.secret.customer.top
    holding.hold(customer, number, how=Holder.How.CODE, proved=True)
    Customer.objects.filter(pk=customer.pk).update(fallback_kind="sms", fallback_identity=number)
    world.watch()
    case = thieves._asks(world.thief, MAIL, "Planted in her name")
    page = f"/q/{case.reference}/switch/"
    world.thief.post(page, {"way": "email", "address_email": EVIL})
    world.thief.post(f"{page}code/", {"code": world.newest("prove")})
    Identity.objects.get(value=EVIL).close("email", Identity.BOUNCED)
    dispatch.reply(case=case, staff=world.agent, text="An answer for the thief")
    send_all()
    for part in ("", "switch/", "news/"):
        shown = world.thief.get(f"/q/{case.reference}/{part}").content.decode()
        assert "9999" not in shown and "… 99" not in shown
    assert case.messages.filter(why="fallback", kind="sms").exists()
    for part in ("", "news/"):  # nor by which way it goes to her
        history = world.thief.get(f"/q/{case.reference}/{part}").content.decode()
        history = history.partition('<ol id="lines" class="timeline">')[2].partition("</ol>")[0]
        assert "An answer for the thief" in history and "so the answer is here" in history
        assert "kind-sms" not in history and "SMS" not in history


def corrects_her_note(world: World) -> None:
    """What was noted of her call: on her page, and by its key on the own one."""
    world.knows_references()
    services.file_message(
        case=world.secret, kind="phone", text=f"{WORDS} by phone", staff=world.agent
    )
    note = Message.objects.latest("pk")
    for case in (world.secret, world.planted):
        page = f"/q/{case.reference}/wrong/{note.pk}/"
        assert world.thief.get(page).status_code == 404
        assert world.thief.post(page, {"text": "It was otherwise"}).status_code == 404


def joins_people(world: World) -> None:
    """The desk's own addresses: for a stranger, and for the customer herself."""
    world.knows_references()
    mine, hers = world.planted, world.secret
    for browser in (world.thief, world.victim):
        for part in (
            f"same/{mine.customer_id}/",
            f"same/{mine.customer_id}/part/",
            f"same/{mine.customer_id}/no/",
            f"same/?with={mine.reference}",
            "join/",
            "undo-join/",
            "points/",
        ):
            page = f"/admin/cases/{hers.reference}/{part}"
            for method in (browser.get, browser.post):
                answer = method(page, {"into": mine.reference, "as": str(mine.customer_id)})
                assert answer.status_code in (302, 404), page
                if answer.status_code == 302:
                    assert answer["Location"].startswith("/admin/login/"), page
    assert not Customer.objects.exclude(root=None).exists()


def says_which_in_her_name(world: World) -> None:
    """She has two questions by WhatsApp and was asked which; the thief answers."""
    chat, number = world.messengers["whatsapp"], VICTIMS["whatsapp"]
    services.resolve(case=world.cases["whatsapp"])
    chat.write(number, f"{WORDS} another")
    services.reopen(case=world.cases["whatsapp"])
    world.watch()
    chat.write(number, f"{WORDS} to which?")
    asked = Question.objects.get(sort=Question.Sort.WHICH)
    says_all(world)
    for word in SAID:
        world.messengers["sms"].write(number, word)
    asked.refresh_from_db()
    assert asked.is_open and InboundItem.objects.filter(question=asked, state="waiting").exists()


def is_asked_to_choose_again(world: World) -> None:
    """Mail goes; a case in her name is asked about as hers are: at her own address alone."""
    world.knows_address()
    thieves._asks(world.thief, MAIL, "Planted in her name")
    channel = world.messengers["sms"].channel
    Channel.objects.filter(pk=channel.pk).update(is_offered=False, gone_at=timezone.now())
    found = leaving.of(Channel.objects.get(pk=channel.pk))
    assert found is not None
    leaving.ask(world.cases["sms"], found, world.agent)
    send_all()
    Channel.objects.filter(pk=channel.pk).update(is_offered=True, gone_at=None)


ATTEMPTS = [
    answers_a_proposal_by_a_word,
    answers_a_proposal_on_her_page,
    has_her_answer_a_planted_proposal,
    says_how_it_was_by_a_word,
    says_how_it_was_on_her_page,
    approves_a_second_way,
    has_her_approve_by_a_planted_link,
    falls_back_to_her,
    corrects_her_note,
    joins_people,
    says_which_in_her_name,
    is_asked_to_choose_again,
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
def test_nobody_decides_for_another(world: World, attempt: Callable[[World], None]) -> None:
    attempt(world)
    world.judge()


def test_a_button_that_is_only_opened_does_nothing(world: World) -> None:
    """Scanners follow what stands in a mail: the new addresses take a POST and a token alone."""
    asked = asked_of_all(world)
    world.watch()
    for number, case in enumerate(world.cases.values()):
        link = services.case_link(case)
        browser, strict = Client(), Client(enforce_csrf_checks=True)
        browser.post(f"/c/{link.plain}/")
        strict.cookies = browser.cookies
        data = {
            "question": str(asked[number].pk),
            "answer": "yes",
            "second": "",
            "answered": "no",
        }
        for part in ("proposal/", "second/", "outcome/"):
            page = f"/q/{case.reference}/{part}"
            assert browser.get(page, data).status_code == 405
            assert strict.post(page, data).status_code == 403
        assert strict.post(f"/q/{case.reference}/elsewhere/").status_code == 403
    world.judge()


def test_the_judge_sees_a_yes(world: World) -> None:
    """The same words from the victim herself: or the tests above could not fail."""
    asked_of_all(world)
    world.messengers["whatsapp"].write(VICTIMS["whatsapp"], "yes")
    assert Question.objects.filter(answer="yes").exists()
    with pytest.raises(AssertionError):
        world.judge()


def test_the_judge_sees_a_no_that_opens_a_case_again(world: World) -> None:
    solved_all(world)
    world.messengers["telegram"].write(VICTIMS["telegram"], "nee")
    assert Question.objects.filter(answer="no").exists()
    with pytest.raises(AssertionError):
        world.judge()
