"""Somebody types the address of another person, and tries to become that person."""

import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from django.test import Client, RequestFactory
from redis import ConnectionError as RedisConnectionError

from channels_app import dispatch, inbound
from channels_app.adapters.base import Request
from channels_app.models import Channel
from contacts import holding, merging, services
from contacts.models import Case, Code, Customer, Holder, Identity, Message, Organisation, User
from portal import access
from portal.access import SessionStore
from tests import shop, worker

VICTIM, EVIL = "victim@example.org", "evil@example.org"


def ask(client: Client, address: str, text: str = "Hello") -> Case:
    """Open a case on the start page."""
    data = {"text": text, "way": "email", "address_email": address, "client_key": str(shop.key())}
    response = client.post("/", data)
    assert response.status_code == 302, response.content.decode()[:3000]
    return Case.objects.get(reference=response["Location"].split("/")[2])


def newest(purpose: str) -> str:
    """The code that was sent last."""
    return Code.objects.filter(purpose=purpose).latest("created_at").plain


def sign_in(address: str) -> Client:
    """A browser that proved an address."""
    client = Client()
    client.post("/sign-in/", {"email": address})
    assert client.post("/sign-in/code/", {"code": newest("sign_in")})["Location"] == "/questions/"
    return client


def answer_mail(case: Case, sender: str) -> None:
    """Answer to the secret address of a case."""
    local, _at, domain = shop.MAILBOX.partition("@")
    to = f"{local}+{services.reply_code(case).plain}@{domain}"
    raw = shop.mail(sender=sender, to=to, text="I answer")
    worker.file(inbound.receive(Channel.objects.get(slug="email"), Request(body=raw)))


def send_all() -> None:
    """What a worker does."""
    worker.send_due()


@pytest.fixture
def secret(organisation: Organisation) -> Case:
    """What the victim asked, who proved the address."""
    case = ask(Client(), VICTIM, "My private matter")
    sign_in(VICTIM)
    return case


def planted_case(browser: Client) -> Case:
    """A case at the victim's, answered to the attacker's own, proved address."""
    planted = ask(browser, VICTIM)
    page = f"/q/{planted.reference}/switch/"
    browser.post(page, {"way": "email", "address_email": EVIL})
    browser.post(f"{page}code/", {"code": newest("prove")})
    planted.refresh_from_db()
    assert planted.choice and str(planted.choice.identity) == EVIL
    return planted


def test_who_answers_our_mail_in_a_planted_case_does_not_become_the_victim(secret: Case) -> None:
    planted = planted_case(Client())
    assert planted.customer == secret.customer
    answer_mail(planted, EVIL)
    assert planted.messages.filter(text="I answer").exists()  # it joins that case, and no more
    assert not Holder.objects.filter(customer=secret.customer, identity__value=EVIL).exists()
    thief = sign_in(EVIL)
    assert secret.reference not in thief.get("/questions/").content.decode()
    assert thief.get(f"/q/{secret.reference}/").status_code == 404


def test_a_victim_who_answers_does_not_become_the_attacker(organisation: Organisation) -> None:
    """Signed in as oneself, one types a stranger's address; the stranger answers that mail."""
    ask(Client(), EVIL)
    thief = sign_in(EVIL)
    planted = ask(thief, VICTIM)
    answer_mail(planted, VICTIM)
    assert not Holder.objects.proved().filter(identity__value=VICTIM).exists()
    own = ask(sign_in(VICTIM), VICTIM, "My private matter")
    assert own.customer != planted.customer
    assert own.reference not in thief.get("/questions/").content.decode()


def test_who_answers_our_mail_proves_the_own_address(organisation: Organisation) -> None:
    case = ask(Client(), VICTIM)
    Identity.objects.get().close("email", Identity.BOUNCED)
    answer_mail(case, VICTIM)
    assert Identity.objects.get().is_usable_by("email")  # who answers is there again
    holder = Holder.objects.get(customer=case.customer)
    assert holder.proved_at and holder.how == Holder.How.ANSWERED


def test_answering_after_a_join_proves_nothing_of_the_other_customer(
    organisation: Organisation, agent: User
) -> None:
    """Staff join the cases of two people; each keeps the own address only."""
    one, other = ask(Client(), VICTIM), ask(Client(), EVIL)
    merging.join(case=other, into=one, by=agent)
    answer_mail(other, EVIL)
    assert list(Holder.objects.filter(customer=one.customer)) == [
        Holder.objects.get(identity__value=VICTIM)
    ]
    assert Holder.objects.get(identity__value=EVIL).customer == other.customer


def test_a_planted_session_opens_nothing(organisation: Organisation) -> None:
    """Somebody put an own cookie into the victim's browser before the link was opened."""
    session = SessionStore()
    session["browser"] = "planted"
    session.save()
    for opens in ("link", "start", "paper"):
        victim, thief = Client(), Client()
        for browser in (victim, thief):
            browser.cookies[django_settings.CUSTOMER_COOKIE_NAME] = session.session_key
        case = ask(Client(), VICTIM)
        if opens == "link":
            victim.post(f"/c/{services.case_link(case).plain}/")
        elif opens == "paper":
            victim.post("/sign-in/letter/", {"paper": Code.objects.issue("join", case=case).plain})
        else:
            case = ask(victim, VICTIM)
        assert victim.get(f"/q/{case.reference}/").status_code == 200, opens
        assert thief.get(f"/q/{case.reference}/").status_code == 404, opens
        session = SessionStore()
        session["browser"] = "planted"
        session.save()


def test_two_guesses_at_once_are_two_tries(organisation: Organisation) -> None:
    """A try is counted before the code is looked at; the fifth may still be right."""
    identity = Identity.of("email", VICTIM)
    code = Code.objects.issue("sign_in", identity=identity, browser="b")
    wrong = "111111" if code.plain != "111111" else "222222"
    for _try in range(4):
        assert Code.objects.redeem_digits("sign_in", identity, wrong, "b") is None
    assert Code.objects.redeem_digits("sign_in", identity, code.plain, "b") == code
    assert Code.objects.redeem_digits("sign_in", identity, code.plain, "b") is None
    code.refresh_from_db()
    assert code.attempts == 5


def test_a_mail_names_no_mail_that_went_to_somebody_else(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    """The Message-ID of a mail is half of what a forged "it bounced" needs."""
    browser = Client()
    case = ask(browser, VICTIM)
    send_all()
    page = f"/q/{case.reference}/switch/"
    browser.post(page, {"way": "email", "address_email": EVIL})
    browser.post(f"{page}code/", {"code": newest("prove")})
    case.refresh_from_db()
    dispatch.reply(case=case, staff=agent, text="Yes")
    dispatch.reply(case=case, staff=agent, text="And yes")
    send_all()
    theirs = [m for m in sink.mails if m["To"] == VICTIM]
    last = [m for m in sink.mails if m["To"] == EVIL][-1]
    for mail in theirs:
        assert mail["Message-ID"] not in (last["References"] or "")
    assert last["References"].count("@") == 1  # the first answer, which went there too


@pytest.mark.parametrize("proved", [False, True])
def test_the_kept_link_does_not_tell_who_is_known(organisation: Organisation, proved: bool) -> None:
    """The answers of "e-mail it to me" are the same for a proved and for an unknown address."""
    if proved:
        sign_in(VICTIM)
    browser = Client()
    case = ask(browser, EVIL)
    page = f"/q/{case.reference}/keep/"
    answers = [browser.post(page, {"email": VICTIM}).status_code for _try in range(3)]
    assert answers == [302, 422, 422]


def test_the_page_of_a_known_address_shows_nothing_of_its_holder(secret: Case, agent: User) -> None:
    holding.rename(secret.customer, "Vera Victim")
    holding.hold(
        Customer.objects.get(pk=secret.customer_id),
        Identity.of("phone", "+31201234599"),
        how=Holder.How.STAFF,
    )
    browser = Client()
    planted = ask(browser, VICTIM)
    for part in ("", "switch/", "keep/"):
        page = browser.get(f"/q/{planted.reference}/{part}").content.decode()
        assert "Vera" not in page and secret.reference not in page
        assert not re.search(r"1234599|123 45 99|123 4599|… 99", page)


def test_spellings_of_one_mailbox_get_one_acknowledgement(organisation: Organisation) -> None:
    for spelling in ("sam@example.org", "sam+a@example.org", "sam+b@example.org"):
        ask(Client(), spelling)
    sent = Message.objects.filter(template=dispatch.ACKNOWLEDGEMENT)
    assert [str(message.identity) for message in sent] == ["sam@example.org"]


def test_codes_and_links_count_the_mailbox_over_all_clients(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = ask(browser := Client(), EVIL)
    Message.objects.all().delete()
    for number in range(12):
        other = Client(REMOTE_ADDR=f"192.0.2.{number}")
        other.post("/sign-in/", {"email": f"victim+{number}@gmail.com"})
        other.post("/sign-in/", {"email": f"vic.tim{'.' * (number % 2)}@googlemail.com"})
        page = f"/q/{case.reference}/"
        browser.post(f"{page}switch/", {"way": "email", "address_email": "victim@gmail.com"})
        browser.post(f"{page}keep/", {"email": f"victim+{number}@gmail.com"})
    sent = list(Message.objects.values_list("template", flat=True))
    assert (sent.count("sign_in") + sent.count("prove"), sent.count("case_link")) == (3, 1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
    ],
)
def test_a_client_is_counted_by_what_one_connection_has(
    one: str, other: str, same: bool, rf: RequestFactory
) -> None:
    found = {access.client_address(rf.get("/", REMOTE_ADDR=value)) for value in (one, other)}
    assert (len(found) == 1) is same


def test_a_forwarded_address_counts_only_from_a_proxy(rf: RequestFactory, settings: Any) -> None:
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 192.0.2.7")
    assert access.client_address(request) == "10.0.0.1"
    settings.TRUSTED_PROXIES = 1
    assert access.client_address(request) == "192.0.2.7"


def test_limits_hold_while_the_shared_cache_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    away = caches.create_connection("default")

    def refuse(*_args: object, **_values: object) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(away, "add", refuse)
    monkeypatch.setattr(access, "cache", away)
    key = str(shop.key())
    assert [access.allow(key, times=2, seconds=60) for _try in range(3)] == [True, True, False]
