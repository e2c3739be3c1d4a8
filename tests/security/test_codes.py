"""Every door that takes a code, with every fault: what the person reads, and what it lets in.

None of them tells a code that once was from one that never was, nor an address that is known from
one that is not: the same words, and the same number of statements.
"""

import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import joining
from channels_app.adapters.base import Inbound
from channels_app.models import Channel
from contacts import codes, services
from contacts.models import Case, Code, Identity, Message, Organisation, User
from contacts.models.identity import GUESS_SPAN, MAX_GUESSES
from tests import shop
from tests.messengers import pocket
from tests.messengers.people import SAM, THIEF, choice_of, joins, own_page
from tests.security.test_strangers import EVIL, VICTIM, ask, newest, sign_in

LOOK_AGAIN = "This code does not fit. Please look again, or ask for a new one."
TOO_OFTEN = "You tried too often: this code no longer works. Please ask for a new one below."
TOO_OLD = "This code is too old. Please ask for a new one below."
ENOUGH = "We sent several codes already: at most 3 an hour and 6 a day."
ON_PAPER = "This code does not fit, was used before, or is too old. Please look again, get in"
MANY = "You tried many codes. Please wait an hour, or call us."
DEAD = "This code does not work: it was used, has ended, or is misspelt. Your message is with us."
LATER = "Too many codes came from here. Please send it again in an hour."
AT_DESK = "No code of that value works: it was used, has ended"
GONE = "This link no longer works"


def shown(response: Any) -> str:
    """What a person reads, with our own line breaks and marks taken out."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def bytes_of(response: Any) -> bytes:
    """A page without what differs each time."""
    body = re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", response.content)
    return re.sub(rb'nonce="[^"]+"', b"", body)


def other_than(value: str) -> str:
    """Six digits that are wrong."""
    return "111111" if value != "111111" else "222222"


# -- Six digits: to sign in, to go on at a new address, to add one to one's own.


@dataclass
class Digits:
    """Where six digits are typed by one browser, and what sent them."""

    browser: Client
    page: str
    send: Callable[[], Any]
    purpose: str

    def code(self) -> Code:
        """The one that was sent last."""
        return Code.objects.filter(purpose=self.purpose).latest("created_at")

    def type(self, value: str) -> Any:
        """Fill the boxes."""
        return self.browser.post(self.page, {"code": value})


def at_sign_in(organisation: Organisation) -> Digits:
    """My questions."""
    browser = Client()
    return Digits(
        browser,
        "/sign-in/code/",
        lambda: browser.post("/sign-in/", {"email": VICTIM}),
        codes.SIGN_IN,
    )


def at_switch(organisation: Organisation) -> Digits:
    """A new address for one question."""
    browser = Client()
    page = f"/q/{ask(browser, EVIL).reference}/switch/"
    return Digits(
        browser,
        f"{page}code/",
        lambda: browser.post(page, {"way": "email", "address_email": VICTIM}),
        codes.PROVE,
    )


def at_preferences(organisation: Organisation) -> Digits:
    """A new address of one's own."""
    browser = sign_in(EVIL)
    return Digits(
        browser,
        "/preferences/addresses/code/",
        lambda: browser.post("/preferences/addresses/", {"address": VICTIM}),
        codes.PROVE,
    )


@pytest.fixture(params=[at_sign_in, at_switch, at_preferences], ids=lambda made: made.__name__)
def digits(request: pytest.FixtureRequest, organisation: Organisation) -> Digits:
    """Each of them, with a code sent."""
    made: Digits = request.param(organisation)
    made.send()
    return made


def test_six_digits_mistyped(digits: Digits) -> None:
    answer = digits.type(other_than(digits.code().plain))
    assert answer.status_code == 422 and LOOK_AGAIN in shown(answer)


@pytest.mark.parametrize("typed", ["", "abc", "1" * 5000, "12 34", "١٢٣٤٥٦", "\x00", "' OR 1=1"])
def test_what_is_no_code(digits: Digits, typed: str) -> None:
    answer = digits.type(typed)
    assert answer.status_code == 422 and LOOK_AGAIN in shown(answer)


def test_six_digits_that_ended(digits: Digits) -> None:
    value = digits.code().plain
    Code.objects.filter(pk=digits.code().pk).update(expires_at=timezone.now())
    answer = digits.type(value)
    assert answer.status_code == 422 and TOO_OLD in shown(answer)


def test_six_digits_used_before(digits: Digits) -> None:
    value = digits.code().plain
    assert digits.type(value).status_code == 302
    assert digits.type(value).status_code == 302  # nothing waits: back to where one asks for it
    digits.send()
    if digits.code().plain != value:
        assert LOOK_AGAIN in shown(digits.type(value))


def test_six_digits_of_another_browser(digits: Digits, organisation: Organisation) -> None:
    """The same address asks twice; the digits work where they were asked for."""
    value = digits.code().plain
    thief = at_sign_in(organisation)
    thief.send()
    if thief.code().plain != value:
        answer = thief.type(value)
        assert answer.status_code == 422 and LOOK_AGAIN in shown(answer)
    assert thief.browser.get("/questions/").status_code == 302


def test_the_right_digits_after_five_wrong_ones(digits: Digits) -> None:
    value = digits.code().plain
    for number in range(5):
        answer = digits.type(other_than(value))
        assert (TOO_OFTEN if number == 4 else LOOK_AGAIN) in shown(answer)
    answer = digits.type(value)
    assert answer.status_code == 422 and TOO_OFTEN in shown(answer)


def test_new_codes_come_to_an_end_and_it_is_said_when(digits: Digits) -> None:
    for _n in range(2):
        assert "We sent a new code." in shown(digits.browser.post(digits.page, {"again": "1"}))
    answer = digits.browser.post(digits.page, {"again": "1"})
    assert answer.status_code == 422 and ENOUGH in shown(answer)
    assert Message.objects.filter(template=digits.purpose, identity__value=VICTIM).count() == 3
    assert digits.type(digits.code().plain).status_code == 302  # the newest one still works


def steps_of_sign_in(address: str) -> list[tuple[int, bytes, int]]:
    """Ask, guess until nothing is taken, ask until nothing is sent: status, bytes, statements."""
    browser, found = Client(REMOTE_ADDR=f"192.0.2.{len(address)}"), []

    def step(page: str, data: dict[str, str]) -> None:
        with CaptureQueriesContext(connection) as statements:
            answer = browser.post(page, data)
        body = bytes_of(answer).replace(address.encode(), b"ADDRESS")
        found.append((answer.status_code, body, len(statements)))

    step("/sign-in/", {"email": address})
    wrong = other_than(newest("sign_in"))
    for _n in range(6):
        step("/sign-in/code/", {"code": wrong})
    for _n in range(3):
        step("/sign-in/code/", {"again": "1"})
    step("/sign-in/", {"email": address})
    return found


def test_sign_in_is_the_same_for_known_and_unknown(organisation: Organisation) -> None:
    ask(Client(), VICTIM)
    sign_in(VICTIM)
    Code.objects.all().delete()
    Message.objects.filter(template="sign_in").delete()
    cache.clear()
    steps_of_sign_in("warmup@example.org")  # what is read once a process
    Identity.of("email", "nobody@example.org")  # typed before, as the victim's was
    assert steps_of_sign_in(VICTIM) == steps_of_sign_in("nobody@example.org")


# -- The ten letters of a letter, typed on the page.


def paper_faults(case: Case) -> dict[str, str]:
    """Values that open nothing."""

    def issued(**fields: Any) -> Code:
        return Code.objects.issue(codes.JOIN, case=case, **fields)

    used, revoked = issued(), issued()
    used.redeem()
    revoked.revoke()
    return {
        "mistyped": "K7QM4 XPT2B",
        "used": used.plain,
        "revoked": revoked.plain,
        "expired": issued(lifetime=timedelta(seconds=-1)).plain,
        "of a messenger": issued(kind="whatsapp").plain,
        "a PIN": issued(form=codes.PIN).plain,
        "a reply code": services.reply_code(case).plain,
        "a link": services.case_link(case).plain,
        "a reference": case.reference,
        "nothing": "",
        "nonsense": "\x00'\"<b>" * 50,
    }


def test_a_code_on_paper_with_any_fault_is_one_answer(organisation: Organisation) -> None:
    case = own_page(organisation, "My private matter")
    answers = {}
    Client().post("/sign-in/letter/", {"paper": "warm"})
    for fault, value in paper_faults(case).items():
        browser = Client(REMOTE_ADDR="192.0.2.9")
        with CaptureQueriesContext(connection) as statements:
            answer = browser.post("/sign-in/letter/", {"paper": value})
        assert answer.status_code == 422 and ON_PAPER in shown(answer), fault
        body = bytes_of(answer)
        body = re.sub(rb'(name="paper"[^>]*) value="[^"]*"', rb"\1", body)
        answers[fault] = (body, len(statements))
        assert browser.get(f"/q/{case.reference}/").status_code == 404, fault
    assert len(set(answers.values())) == 1, {f: (len(b), n) for f, (b, n) in answers.items()}


def test_a_right_code_on_paper_after_twenty_wrong_ones(organisation: Organisation) -> None:
    case = own_page(organisation)
    right = Code.objects.issue(codes.JOIN, case=case).plain
    browser = Client(REMOTE_ADDR="192.0.2.9")
    for _n in range(20):
        browser.post("/sign-in/letter/", {"paper": "K7QM4 XPT2B"})
    answer = browser.post("/sign-in/letter/", {"paper": right})
    assert answer.status_code == 422 and MANY in shown(answer)
    other = Client(REMOTE_ADDR="192.0.2.10")  # its owner is not kept out by who guessed
    assert other.post("/sign-in/letter/", {"paper": right}).status_code == 302


# -- The link to a case.


@pytest.mark.parametrize("fault", ["mistyped", "revoked", "expired", "foreign"])
def test_a_link_that_opens_nothing_says_how_to_get_in(
    organisation: Organisation, fault: str
) -> None:
    case = own_page(organisation, "My private matter")
    code = services.case_link(case)
    value = code.plain
    if fault == "mistyped":
        value = value[:-1] + ("a" if value[-1] != "a" else "b")
    elif fault == "revoked":
        code.revoke()
    elif fault == "expired":
        Code.objects.filter(pk=code.pk).update(expires_at=timezone.now())
    else:
        value = services.reply_code(case).plain
    browser = Client()
    for method in (browser.get, browser.post):
        answer = method(f"/c/{value}/")
        assert answer.status_code in (404, 410) and GONE in shown(answer)
        assert "Get in with a code" in shown(answer)
        assert "My private matter" not in shown(answer) and case.reference not in shown(answer)
    assert browser.get(f"/q/{case.reference}/").status_code == 404


# -- Codes that come by a messenger or by SMS.


def message_faults(case: Case) -> dict[str, str]:
    """Values that join nothing by WhatsApp."""

    def issued(**fields: Any) -> Code:
        return Code.objects.issue(codes.JOIN, case=case, **fields)

    used, revoked = issued(kind="whatsapp"), issued(kind="whatsapp")
    used.redeem()
    revoked.revoke()
    return {
        "mistyped": "K7QM4 XPT2B",
        "used": used.plain,
        "revoked": revoked.plain,
        "expired": issued(kind="whatsapp", lifetime=timedelta(seconds=-1)).plain,
        "of another kind": issued(kind="telegram").plain,
    }


@pytest.mark.parametrize("kind", ["whatsapp", "sms"])
@pytest.mark.parametrize("around", ["{}", "My question goes on here. Code: {}", "code {} please"])
def test_a_code_in_a_message_with_any_fault_is_one_answer(
    organisation: Organisation, whatsapp: Channel, sms: Channel, kind: str, around: str
) -> None:
    channel = {"whatsapp": whatsapp, "sms": sms}[kind]
    case = own_page(organisation, "My private matter")
    Case.objects.filter(pk=case.pk).update(language="nl")  # what is known of it is not told
    for number, (fault, value) in enumerate(message_faults(case).items()):
        sender = f"+3161111000{number}"
        pocket.write(channel, sender, around.format(value))
        told = [out.text for out in pocket.send_all() if out.to == sender]
        assert [text for text in told if "code" in text.lower() and DEAD in text], fault
        assert not any("private" in text or case.reference in text for text in told)
        assert not joins(sender, case), fault
        assert Message.objects.filter(identity__value=sender, direction="in").exists(), fault


def test_every_code_on_paper_has_a_digit_and_two_words_have_none() -> None:
    made = [codes.plain(uuid.UUID(int=number), codes.PAPER) for number in range(400)]
    assert all(len(code) == 10 and set(code) <= set(codes.PAPER_ALPHABET) for code in made)
    assert not [code for code in made if code.isalpha()] and len(set(made)) == 400
    words = Inbound("1", "1", "tel", SAM, text="Green bread, and frame ABCDE FGH23")
    assert joining.candidates(words) == ["abcdefgh23"]


def test_a_number_of_their_own_is_no_code(whatsapp: Channel) -> None:
    pocket.write(whatsapp, SAM, "My parcel K7QM4XPT2B is late, and frame ABCDE FGH23 as well")
    assert not any("code" in out.text for out in pocket.send_all()[1:])
    assert Message.objects.filter(template="line").count() == 0


@pytest.mark.parametrize("kind", ["whatsapp", "sms"])
def test_a_right_code_in_a_message_after_ten_wrong_ones(
    organisation: Organisation, whatsapp: Channel, sms: Channel, kind: str
) -> None:
    channel = {"whatsapp": whatsapp, "sms": sms}[kind]
    case = own_page(organisation)
    right = joining.issue_for_any(case).plain
    for number in range(MAX_GUESSES):
        pocket.write(channel, THIEF, f"code K7QM4 XPT2{number % 8 + 2}")
    pocket.send_all()
    pocket.write(channel, THIEF, f"code {right}")
    assert LATER in pocket.send_all()[-1].text
    assert choice_of(case) == ("account", "") and not joins(THIEF, case)
    pocket.write(whatsapp, SAM, f"code {right}")  # its owner is not kept out by who guessed
    assert choice_of(case) == ("whatsapp", SAM)
    Identity.objects.update(guessed_at=timezone.now() - GUESS_SPAN)
    pocket.write(channel, THIEF, f"code {right}")
    assert LATER not in pocket.send_all()[-1].text  # an hour later they are looked at again


def test_dutch_words_get_a_dutch_answer(organisation: Organisation, whatsapp: Channel) -> None:
    pocket.write(whatsapp, SAM, "Mijn vraag gaat hier verder. Code: K7QM4 XPT2B")
    message = Message.objects.get(template="line")
    assert message.language == "nl"


# -- What a caller says, typed at the desk.


@pytest.mark.parametrize("fault", ["mistyped", "used", "expired", "ten letters"])
def test_a_code_said_on_the_phone_that_does_not_fit(
    organisation: Organisation, agent: User, fault: str
) -> None:
    case = own_page(organisation, "My private matter")
    code = Code.objects.issue(codes.JOIN, case=case, form=codes.PIN)
    value = code.plain
    if fault == "used":
        code.redeem()
    elif fault == "expired":
        Code.objects.update(expires_at=timezone.now())
    elif fault == "mistyped":
        value = str((int(value) + 1) % 10_000).zfill(4)
    else:
        value = "K7QM4 XPT2B"
    desk = Client()
    desk.force_login(agent)
    answer = desk.get("/admin/record/people/", {"q": value})
    assert AT_DESK in shown(answer) and "My private matter" not in shown(answer)
    assert AT_DESK not in shown(desk.get("/admin/record/people/", {"q": "Sam"}))


def test_a_code_said_on_the_phone_works_once(organisation: Organisation, agent: User) -> None:
    case = own_page(organisation)
    code = Code.objects.issue(codes.JOIN, case=case, form=codes.PIN)
    desk = Client()
    desk.force_login(agent)
    said = {"came_by": "phone", "q": code.plain, "into": f"case:{case.reference}", "text": "Yes"}
    answer = desk.post("/admin/record/", {**said, "client_key": str(shop.key())})
    assert answer.status_code == 302
    assert AT_DESK in shown(desk.get("/admin/record/people/", {"q": code.plain}))


def test_callers_and_codes_are_no_door_of_customers(organisation: Organisation) -> None:
    """Four digits are ten thousand: only who is at the desk can try them."""
    code = Code.objects.issue(codes.JOIN, case=own_page(organisation), form=codes.PIN)
    answer = Client().get("/admin/record/people/", {"q": code.plain})
    assert answer.status_code == 302 and "/admin/login/" in answer["Location"]


# -- Guesses at once.


def at_once(times: int, what: Callable[[int], Any]) -> list[Any]:
    """The same from so many threads."""

    def one(number: int) -> Any:
        try:
            return what(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(times)))


@pytest.mark.django_db(transaction=True)
def test_twenty_guesses_at_once_are_five_tries() -> None:
    organisation = shop.make_shop()
    identity = Identity.of("email", VICTIM)
    code = Code.objects.issue(codes.SIGN_IN, identity=identity, browser="b")
    wrong = other_than(code.plain)
    assert organisation
    found = at_once(
        20,
        lambda number: Code.objects.redeem_digits(
            codes.SIGN_IN, identity, code.plain if number == 19 else wrong, "b"
        ),
    )
    code.refresh_from_db()
    assert code.attempts == 5
    assert [one for one in found if one] == ([code] if code.redeemed_at else [])


@pytest.mark.django_db(transaction=True)
def test_one_code_from_eight_browsers_at_once_opens_one() -> None:
    case = own_page(shop.make_shop())
    code = Code.objects.issue(codes.JOIN, case=case)

    def type_it(number: int) -> int:
        browser = Client(REMOTE_ADDR=f"192.0.2.{number}")
        return int(browser.post("/sign-in/letter/", {"paper": code.plain}).status_code)

    assert sorted(at_once(8, type_it)) == [302] + [422] * 7


@pytest.mark.django_db(transaction=True)
def test_thirty_guesses_at_once_by_one_client_are_twenty() -> None:
    shop.make_shop()

    def guess(_number: int) -> bool:
        browser = Client(REMOTE_ADDR="192.0.2.77")
        return MANY in shown(browser.post("/sign-in/letter/", {"paper": "K7QM4 XPT2B"}))

    assert sum(at_once(30, guess)) == 10
