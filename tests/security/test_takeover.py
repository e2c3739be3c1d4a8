"""Somebody tries to get into another's case: by pages, codes, links, the API and the live stream.

Each attempt is one of a thief at one door with what they know; the judge (thieves.py) looks at all
of it afterwards. What is sent to us is in test_takeover_by_message.py.
"""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, joining, switching
from contacts import codes, holding, services
from contacts.files import File
from contacts.models import (
    Attachment,
    Choice,
    Code,
    Holder,
    Identity,
    Message,
)
from tests.messengers.people import THIEF
from tests.messengers.telephones import send_all
from tests.security import thieves
from tests.security.test_strangers import EVIL
from tests.security.test_strangers import VICTIM as MAIL
from tests.security.thieves import GUESS, NEWCOMERS, VICTIMS, WORDS, Spy, World
from tests.security.thieves import providers as providers
from tests.security.thieves import world as world

# Doors and words; the rule of who may see a case has tests on both databases.
pytestmark = pytest.mark.once

# -- By the web: references, numbers of rows, foreign forms.


def opens_the_page_by_its_reference(world: World) -> None:
    """Every page and every button of it."""
    world.knows_references()
    for case in world.cases.values():
        assert world.post_all(world.thief, case, text="It is me") == {404, 405}


def opens_it_in_other_spellings(world: World) -> None:
    """Small letters, blanks, more path."""
    world.knows_references()
    reference = world.secret.reference
    for spelled in (reference.lower(), f"%20{reference}", f"{reference}%00", f"{reference}/.."):
        assert world.thief.get(f"/q/{spelled}/").status_code in (301, 404)


def asks_in_the_victims_name(world: World) -> None:
    """Types the victim's address on the start page, and looks at all pages of that case."""
    world.knows_address()
    case = thieves._asks(world.thief, MAIL, "Planted in her name")
    assert case.customer == world.secret.customer
    for part in ("", "switch/", "keep/", "elsewhere/"):
        world.thief.get(f"/q/{case.reference}/{part}")


def asks_in_the_victims_name_and_waits(world: World) -> None:
    """Moves that case to an own address, and waits for what the victim writes by mail."""
    world.knows_address()
    case = thieves._asks(world.thief, MAIL, "Planted in her name")
    page = f"/q/{case.reference}/switch/"
    world.thief.post(page, {"way": "email", "address_email": EVIL})
    world.thief.post(f"{page}code/", {"code": world.newest("prove")})
    world.mails(MAIL, text=f"{WORDS} once more")
    send_all()


def has_the_link_mailed(world: World) -> None:
    """ "E-mail it to me" with the key of the victim's address, and of her case."""
    for key in Identity.objects.values_list("pk", flat=True):
        page = f"/q/{world.planted.reference}/keep/"
        world.thief.post(page, {"to": str(key), "email": EVIL})
    world.knows_references()
    page = f"/q/{world.secret.reference}/keep/"
    assert world.thief.post(page, {"email": EVIL}).status_code == 404


def switches_by_foreign_keys(world: World) -> None:
    """The rows of the own panel, with the keys of other people's addresses."""
    page = f"/q/{world.planted.reference}/switch/"
    for kind in ("email", "sms", "whatsapp", "telegram", "phone"):
        for key in Identity.objects.values_list("pk", flat=True):
            world.thief.post(page, {"way": f"{kind}:{key}"})
    world.planted.refresh_from_db()
    choice = world.planted.choice
    assert choice is not None and choice.identity is None


def undoes_the_victims_choice(world: World) -> None:
    """Undo with each key of a choice there is, in the own case and in the victim's."""
    world.knows_references()
    for key in Choice.objects.values_list("pk", flat=True):
        for case in (world.planted, world.secret):
            world.thief.post(f"/q/{case.reference}/switch/undo/", {"choice": str(key)})


def reads_files_by_their_number(world: World) -> None:
    """Every file and every message, one number after the other."""
    services.file_message(
        case=world.secret,
        kind="account",
        text="With a file",
        files=[File("a.txt", "text/plain", WORDS.encode())],
    )
    for key in Attachment.objects.values_list("pk", flat=True):
        assert world.thief.get(f"/files/{key}/").status_code == 404
    for key in Message.objects.exclude(case=world.planted).values_list("pk", flat=True):
        for part in ("", "body/"):
            assert world.thief.get(f"/files/message/{key}/{part}").status_code == 404


def posts_without_a_token(world: World) -> None:
    """A page elsewhere posts with the victim's cookies."""
    world.knows_references()
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = world.victim.cookies
    for part in ("switch/", "solved/", "calls/", "switch/undo/", "elsewhere/", ""):
        page = f"/q/{world.secret.reference}/{part}"
        assert browser.post(page, {"way": "account", "allowed": "1"}).status_code == 403


def links_and_images_that_act(world: World) -> None:
    """A page elsewhere shows the addresses of buttons as images: opening them does nothing."""
    for part in thieves.PARTS:
        page = f"/q/{world.secret.reference}/{part}"
        world.victim.get(page, {"way": "account", "allowed": "1", "choice": "1", "new": "1"})
    assert not Code.objects.filter(case=world.secret, purpose=codes.JOIN).exists()


# -- By codes and links.


def signs_in_by_guessing(world: World) -> None:
    """Six digits, as often as they are looked at; then the right ones."""
    world.knows_address()
    world.thief.post("/sign-in/", {"email": MAIL})
    code = Code.objects.filter(purpose=codes.SIGN_IN).latest("created_at")
    for number in range(1, 7):
        guess = str((int(code.plain) + number) % 10**6).zfill(6)
        assert world.thief.post("/sign-in/code/", {"code": guess}).status_code == 422
    assert world.thief.post("/sign-in/code/", {"code": code.plain}).status_code == 422


def signs_in_with_a_code_read_over_a_shoulder(world: World) -> None:
    """The code that the victim was sent works in the victim's browser alone."""
    world.knows_address()
    world.victim.post("/sign-out/")
    world.victim.post("/sign-in/", {"email": MAIL})
    value = world.newest(codes.SIGN_IN)
    world.thief.post("/sign-in/", {"email": EVIL})
    world.thief.post("/sign-in/code/", {"code": value})
    other = world.other_browser()
    other.post("/sign-in/", {"email": MAIL})
    if world.newest(codes.SIGN_IN) != value:
        assert other.post("/sign-in/code/", {"code": value}).status_code == 422


def signs_in_with_a_code_for_something_else(world: World) -> None:
    """A code to prove an own address, typed where one signs in."""
    world.knows_address()
    world.thief.post("/sign-in/", {"email": MAIL})
    page = f"/q/{world.planted.reference}/switch/"
    world.thief.post(page, {"way": "email", "address_email": EVIL})
    answer = world.thief.post("/sign-in/code/", {"code": world.newest(codes.PROVE)})
    assert answer.status_code == 302 and answer["Location"] != "/questions/"


def claims_the_victims_address(world: World) -> None:
    """Signed in as the thief: adds it, guesses its code, and asks about it by its number."""
    world.knows_address()
    world.thief.post("/sign-in/", {"email": EVIL})
    world.thief.post("/sign-in/code/", {"code": world.newest(codes.SIGN_IN)})
    world.thief.post("/preferences/addresses/", {"address": MAIL})
    for guess in ("000000", "123456", ""):
        world.thief.post("/preferences/addresses/code/", {"code": guess})
    for key in Holder.objects.exclude(identity__value=EVIL).values_list("pk", flat=True):
        for part in ("code", "remove"):
            page = f"/preferences/addresses/{key}/{part}/"
            assert world.thief.post(page).status_code == 404


def proves_the_victims_address_in_the_own_case(world: World) -> None:
    """The digits went to the victim; the thief guesses."""
    world.knows_address()
    page = f"/q/{world.planted.reference}/switch/"
    world.thief.post(page, {"way": "email", "address_email": MAIL})
    for guess in ("000000", "123456", "", "999999"):
        world.thief.post(f"{page}code/", {"code": guess})
    world.planted.refresh_from_db()
    assert world.planted.choice is not None and world.planted.choice.identity is None


def types_codes_of_the_victims_case(world: World) -> None:
    """Used, ended, called off, or for another door: on the page for letters."""
    case = world.secret
    values = []
    for change in (
        {"uses_left": 0},
        {"expires_at": timezone.now()},
        {"revoked_at": timezone.now()},
    ):
        code = Code.objects.issue(codes.JOIN, case=case)
        Code.objects.filter(pk=code.pk).update(**change)
        values.append(code.plain)
    values += [Code.objects.issue(codes.JOIN, case=case, form=codes.PIN).plain]
    values += [joining.invite(case, world.messengers["whatsapp"].channel).code.plain]
    values += [services.reply_code(case).plain, services.case_link(case).plain, GUESS]
    for number, value in enumerate(values):
        spy = world.other_browser() if number % 4 == 3 else world.thief
        assert spy.post("/sign-in/letter/", {"paper": value}).status_code == 422


def follows_almost_the_victims_link(world: World) -> None:
    """Cut, longer, of another purpose, called off; and opened without the button."""
    case = world.secret
    link = services.case_link(case)
    dead = services.case_link(case)
    dead.revoke()
    for value in (
        link.plain[:-1],
        f"{link.plain}a",
        f"{link.plain[:-1]}{'a' if link.plain[-1] != 'a' else 'b'}",
        dead.plain,
        services.reply_code(case).plain,
        Code.objects.issue(codes.JOIN, case=case).plain,
        str(link.pk),
        link.digest,
    ):
        for method in (world.thief.get, world.thief.post):
            assert method(f"/c/{value}/").status_code == 404
    world.thief.get(f"/c/{link.plain}/")  # as a scanner of mails does


def kept_a_link_that_was_called_off(world: World) -> None:
    """The thief once had it; then it was revoked."""
    link = services.case_link(world.secret)
    spy = Spy()
    spy.post(f"/c/{link.plain}/")
    assert spy.get(f"/q/{world.secret.reference}/").status_code == 200
    link.revoke()
    spy.shown.clear()
    world.browsers.append(spy)


def plants_a_link(world: World) -> None:
    """The victim, signed in, opens the thief's case and looks at its panel."""
    link = services.case_link(world.planted)
    world.victim.post(f"/c/{link.plain}/")
    page = f"/q/{world.planted.reference}/"
    for part in ("", "switch/", "keep/"):
        shown = world.victim.get(page + part).content.decode()
        assert MAIL not in shown and "v…" not in shown and VICTIMS["sms"] not in shown
    for key in Identity.objects.values_list("pk", flat=True):
        world.victim.post(f"{page}switch/", {"way": f"email:{key}"})
    world.victim.post(page, {"text": "What is this?"})


def plants_a_session(world: World) -> None:
    """The thief's cookie stands in the victim's browser when she opens her link."""
    world.victim = Client()
    world.victim.cookies = world.thief.cookies.copy()  # type: ignore[assignment]
    world.victim.post(f"/c/{services.case_link(world.secret).plain}/")
    assert world.victim.get(f"/q/{world.secret.reference}/").status_code == 200


# -- By the API and the live stream.


def calls_the_api_with_the_own_link(world: World) -> None:
    """The link of the own case as a token, for the paths of hers."""
    heads = {"Authorization": f"Bearer {services.case_link(world.planted).plain}"}
    for case in world.cases.values():
        for part in ("", "messages/", "choice/", "choice/undo/", "deliveries/"):
            page = f"/api/v1/cases/{case.reference}/{part}"
            assert world.thief.get(page, headers=heads).status_code in (403, 404, 405)
            answer = world.thief.post(page, "{}", content_type="application/json", headers=heads)
            assert answer.status_code in (403, 404, 405, 422)
    world.knows_references()


def calls_the_api_with_what_is_no_token(world: World) -> None:
    """Codes of her case for other doors, a cookie, nothing."""
    world.knows_references()
    case = world.secret
    page = f"/api/v1/cases/{case.reference}/messages/"
    values = ["", "null", services.reply_code(case).plain]
    values += [Code.objects.issue(codes.JOIN, case=case).plain, str(case.pk)]
    dead = services.case_link(case)
    dead.revoke()
    for value in [*values, dead.plain]:
        heads = {"Authorization": f"Bearer {value}"}
        assert world.thief.get(page, headers=heads).status_code in (401, 403, 404)
    assert world.thief.get(page).status_code == 401
    assert world.victim.get(page).status_code == 401  # a cookie alone is none


def moves_by_the_api(world: World) -> None:
    """The own link as a token chooses her address for the own case, by key and by value."""
    world.knows_address()
    token = services.case_link(world.planted).plain
    heads = {"Authorization": f"Bearer {token}"}
    page = f"/api/v1/cases/{world.planted.reference}/choice/"
    for body in (
        '{"kind": "email", "address": "victim@example.org"}',
        '{"kind": "email", "identity": 1}',
        '{"kind": "sms", "address": "+31687654321"}',
        '{"kind": "whatsapp", "address": "+31687654321"}',
        '{"kind": "account", "by": "staff", "case": 1, "fallback_identity": 1}',
    ):
        world.thief.post(page, body, content_type="application/json", headers=heads)
    assert not world.planted.choices.exclude(identity=None).exists()


def listens_to_her_case(world: World) -> None:
    """The live stream's own question, for her case, the queue and the desk."""
    for case in world.cases.values():
        for want in (f"q:{case.reference}", f"d:{case.reference}", "queue", "bell"):
            answer = world.thief.get("/live/poll/", {"want": want})
            assert answer.status_code == 200 and answer.content == b"{}"


ATTEMPTS = [
    opens_the_page_by_its_reference,
    opens_it_in_other_spellings,
    asks_in_the_victims_name,
    asks_in_the_victims_name_and_waits,
    has_the_link_mailed,
    switches_by_foreign_keys,
    undoes_the_victims_choice,
    reads_files_by_their_number,
    posts_without_a_token,
    links_and_images_that_act,
    signs_in_by_guessing,
    signs_in_with_a_code_read_over_a_shoulder,
    signs_in_with_a_code_for_something_else,
    claims_the_victims_address,
    proves_the_victims_address_in_the_own_case,
    types_codes_of_the_victims_case,
    follows_almost_the_victims_link,
    kept_a_link_that_was_called_off,
    plants_a_link,
    plants_a_session,
    calls_the_api_with_the_own_link,
    calls_the_api_with_what_is_no_token,
    moves_by_the_api,
    listens_to_her_case,
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
def test_nobody_gets_into_anothers_case(world: World, attempt: Callable[[World], None]) -> None:
    attempt(world)
    world.judge()


# -- What a case in somebody's name tells of them.


# Keys, tokens and marks, which differ from case to case.
OWN_OF_A_PAGE = re.compile(
    r'csrfmiddlewaretoken" value="\w+|/c/\w{26}|client_key" value="[\w-]+|email[:-]\d+'
    r'|id="m\d+"|message/\d+|data-have="[^"]+"|live-seq="\d+"|<time .*?</time>'
    r'|name="to" value="\d+"'
)


WAITING = re.compile(r'<span class="way__pace">(?:<span>[^<]*</span> )*</span>')


def pages_in_the_name_of(address: str) -> dict[str, str]:
    """All that a case shows to whoever opened it by typing that address."""
    spy = Spy(REMOTE_ADDR="203.0.113.9")
    case = thieves._asks(spy, address, "Planted in a name")
    send_all()
    spy.post(f"/q/{case.reference}/calls/", {"allowed": "1"})
    found = {}
    for part in ("", "switch/", "keep/", "elsewhere/", "news/"):
        page = spy.get(f"/q/{case.reference}/{part}").content.decode()
        masked = Identity.objects.get(value=address).masked
        own = {case.reference: "REF", address: "ADDRESS", masked: "MASKED"}
        for value, name in own.items():
            page = page.replace(value, name)
        # How many wait counts the planted cases themselves, and is the same for everybody.
        found[part] = OWN_OF_A_PAGE.sub("", WAITING.sub("", page))
    return found


def test_a_case_in_a_known_name_looks_like_one_in_an_unknown_name(world: World) -> None:
    """With a number, a second way, a usual way and words on calls; and with nothing at all."""
    customer, number = world.secret.customer.top, Identity.of("phone", VICTIMS["sms"])
    holding.hold(customer, number, how=Holder.How.STAFF, proved=True)
    type(customer).objects.filter(pk=customer.pk).update(
        preferred_kind="sms", fallback_kind="sms", fallback_identity=number
    )
    unknown = pages_in_the_name_of("virtue@example.org")
    known = pages_in_the_name_of(MAIL)
    for part, page in unknown.items():
        assert known[part].splitlines() == page.splitlines(), part


# -- The judge: what would have to be seen is seen.


def victim_says_yes(world: World) -> None:
    """She joins the planted case."""
    shown = joining.invite(world.planted, world.messengers["whatsapp"].channel)
    world.messengers["whatsapp"].scan(VICTIMS["whatsapp"], shown.link)
    world.messengers["whatsapp"].write(VICTIMS["whatsapp"], "yes")
    world.messengers["whatsapp"].write(VICTIMS["whatsapp"], WORDS)


def newcomer_says_yes(world: World) -> None:
    """Their new case goes along."""
    world.newcomer("telegram")
    world.messengers["telegram"].write(NEWCOMERS["telegram"], world.planted_code())
    world.messengers["telegram"].write(NEWCOMERS["telegram"], "yes")


def thief_has_her_link(world: World) -> None:
    """It opens her case."""
    world.thief.post(f"/c/{services.case_link(world.secret).plain}/")


def thief_has_her_code(world: World) -> None:
    """It takes her case to the thief's number."""
    code = joining.issue_for_any(world.cases["sms"]).plain
    world.messengers["telegram"].write(THIEF, f"Code: {code}")


def her_reference_is_told(world: World) -> None:
    """A page names it."""
    services.file_message(case=world.planted, kind="account", text=world.secret.reference)


def her_words_are_sent(world: World) -> None:
    """A mail to the thief holds them."""
    identity = Identity.of("email", EVIL)
    switching.switch(case=world.planted, kind="email", identity=identity)
    dispatch.reply(case=world.planted, staff=world.agent, text=f"About {WORDS}")


def her_address_is_closed(world: World) -> None:
    """Nothing reaches her any more."""
    Identity.objects.get(value=MAIL).close("email", Identity.BOUNCED)


def she_holds_the_thiefs_address(world: World) -> None:
    """It became one of hers."""
    holding.hold(
        world.secret.customer, Identity.of("email", EVIL), how=Holder.How.CODE, proved=True
    )


CRIMES = [
    victim_says_yes,
    newcomer_says_yes,
    thief_has_her_link,
    thief_has_her_code,
    her_reference_is_told,
    her_words_are_sent,
    her_address_is_closed,
    she_holds_the_thiefs_address,
]


@pytest.mark.parametrize("crime", CRIMES, ids=lambda crime: crime.__name__)
def test_the_judge_sees_it(world: World, crime: Callable[[World], None]) -> None:
    crime(world)
    with pytest.raises(AssertionError):
        world.judge()
