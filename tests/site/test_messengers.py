"""Messengers on the pages: a button and a QR code, six digits by SMS, and a way back."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import segno
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, joining, switching
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel, Delivery
from contacts import addresses, holding, services
from contacts.kinds import KINDS, MESSAGE, PHONE, Kind
from contacts.models import Case, Choice, Code, Event, Holder, Identity, Organisation, User
from portal.site import proofs, waiting, ways
from tests.messengers import pocket
from tests.messengers.pocket import Pocket
from tests.site.conftest import Ask, newest_code, posted, sign_in

NUMBER, SPOKEN = "+31612345678", "06 1234 5678"


@pytest.fixture(autouse=True)
def shop(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Organisation]:
    """The small shop offers WhatsApp and SMS."""
    monkeypatch.setitem(PROVIDERS, "pocket", Pocket)
    for kind in ("whatsapp", "sms"):
        pocket.channel(organisation, kind)
    yield organisation
    Pocket.sent.clear()


def ask_by(ask: Ask, client: Client, way: str, **more: Any) -> Case:
    return ask(client, way=way, address_email=None, **more)


def page_of(client: Client, case: Case) -> str:
    return str(client.get(f"/q/{case.reference}/").content.decode())


def choice_of(case: Case) -> tuple[str, str]:
    case.refresh_from_db()
    assert case.choice is not None
    return case.choice.kind, str(case.choice.identity or "")


def writes(case: Case, kind: str = "whatsapp") -> None:
    """What redeeming an invitation comes to."""
    shown = joining.waiting(case)
    assert shown and shown.code.redeem()
    switching.switch(
        case=case,
        kind=kind,
        identity=Identity.of(PHONE, NUMBER),
        once=shown.code.once,
        by=Choice.By.WRITING,
    )


# The start page


def test_each_app_has_a_button_of_its_own(client: Client, ask: Ask) -> None:
    assert str(KINDS["telegram"].button) == "Start" and str(KINDS["whatsapp"].button) == "send"
    page = client.get("/").content.decode()
    assert "one tap opens WhatsApp. There you press <strong>send</strong>" in page


def test_a_messenger_asks_no_number_and_sms_does(client: Client) -> None:
    page = client.get("/").content.decode()
    assert 'id="way-whatsapp"' in page and 'name="address_whatsapp"' not in page
    assert 'name="address_sms"' in page and "We send a code to this number" in page
    assert "First you send your question from there, with one tap." in page


def test_after_sending_the_page_shows_button_code_and_waiting(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    assert choice_of(case) == ("account", "")
    page = page_of(client, case)
    shown = joining.waiting(case)
    assert shown is not None
    assert "Open WhatsApp" in page and "https://pocket.example/" in page
    assert quote(case.reference) in page and "Press <strong>send</strong> there" in page
    # What is to be done comes before how we answer until then.
    assert page.index('id="waiting"') < page.index('id="answerline"')
    assert page.count("<svg") > 2 and 'fill="#fff"' in page and "<style" not in page
    assert "Waiting for your message" in page and "Until then we answer on this page." in page
    assert "We have your question." in page
    assert not Delivery.objects.exists()


def test_each_messenger_names_its_own_button(client: Client, ask: Ask, shop: Organisation) -> None:
    pocket.channel(shop, "telegram", address="OurShopBot")
    Channel.objects.filter(kind="telegram").update(provider="telegram")
    start = client.get("/").content.decode()
    for button in ("Start", "send"):
        assert f"There you press <strong>{button}</strong>, and your question goes along." in start
    page = page_of(client, ask_by(ask, client, "telegram"))
    assert "https://t.me/OurShopBot?start=" in page
    assert "Press <strong>Start</strong> there" in page and "<strong>send</strong>" not in page


def test_another_account_where_nobody_has_an_address(
    client: Client, ask: Ask, shop: Organisation
) -> None:
    pocket.channel(shop, "telegram", address="OurShopBot")
    case = ask(client)
    chat = Identity.of("telegram", "8301686238")
    switching.switch(case=case, kind="telegram", identity=chat, by=Choice.By.WRITING)
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    assert "Telegram, another account" in page and "Telegram, another address" not in page


def test_the_qr_code_holds_the_link(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    page = page_of(client, case)
    shown = joining.waiting(case)
    assert shown is not None
    drawn = segno.make(shown.link, micro=False, error="m").svg_inline(
        dark="#000", light="#fff", border=3, omitsize=True
    )
    assert str(drawn) in page


def test_a_double_click_asks_once(client: Client, ask: Ask) -> None:
    words = posted(way="whatsapp", address_email=None)
    client.post("/", words)
    client.post("/", words)
    assert Case.objects.count() == 1 and Code.objects.invitations().count() == 1
    words = posted(way="sms", address_sms=SPOKEN, address_email=None, text="Another one")
    client.post("/", words)
    client.post("/", words)
    assert Case.objects.count() == 2 and Code.objects.filter(purpose="prove").count() == 1


def test_the_back_button_finds_the_same_question(client: Client, ask: Ask) -> None:
    first = ask_by(ask, client, "whatsapp")
    assert ask_by(ask, client, "whatsapp") == first


def test_without_an_own_page_among_the_offers_it_works_as_well(client: Client, ask: Ask) -> None:
    Channel.objects.filter(kind="account").update(is_offered=False)
    case = ask_by(ask, client, "whatsapp")
    assert "Open WhatsApp" in page_of(client, case)


def test_a_channel_without_a_link_says_what_to_send(
    client: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pocket, "link_to_write", lambda self, text, code: "")
    case = ask_by(ask, client, "whatsapp")
    page, shown = page_of(client, case), joining.waiting(case)
    assert shown and shown.text in page and "Send this text to" in page and 'class="qr"' not in page


def test_all_ways_name_the_number_to_write_to(client: Client) -> None:
    number = addresses.display(PHONE, "+3197000000")
    assert client.get("/ways/").content.decode().count(number) == 2


# While it waits


def test_once_they_wrote_the_card_gives_way_to_a_strip(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    page_of(client, case)
    writes(case)
    news = client.get(f"/q/{case.reference}/news/").content.decode()
    assert 'id="waiting"' in news and "From now on we answer by WhatsApp." in news
    assert "Open WhatsApp" not in news and "Undo" in news
    Choice.objects.update(created_at=timezone.now() - waiting.TOLD_FOR)
    assert "From now on we answer by WhatsApp." not in page_of(client, case).split("timeline")[0]


def test_an_expired_code_can_be_had_anew(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    Code.objects.invitations().update(expires_at=timezone.now())
    page = page_of(client, case)
    assert "Give me a new code" in page and "Open WhatsApp" not in page
    assert client.get(f"/q/{case.reference}/write/again/").status_code == 405
    client.post(f"/q/{case.reference}/write/again/")
    assert "Open WhatsApp" in page_of(client, case)
    assert Code.objects.invitations().count() == 2


def test_an_old_invitation_is_forgotten(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    Code.objects.invitations().update(expires_at=timezone.now() - timedelta(days=2))
    assert "Give me a new code" not in page_of(client, case)


def test_one_cannot_have_codes_without_end(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    for _n in range(waiting.INVITED_PER_HOUR):
        Code.objects.update(expires_at=timezone.now())
        client.post(f"/q/{case.reference}/write/again/")
    assert Code.objects.invitations().count() == waiting.INVITED_PER_HOUR
    assert "You asked for many codes." in page_of(client, case)


def test_another_way_calls_the_invitation_off(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    response = client.post(f"/q/{case.reference}/write/off/")
    assert response["Location"] == f"/q/{case.reference}/switch/"
    assert joining.waiting(case) is None and "Open WhatsApp" not in page_of(client, case)
    client.post(f"/q/{case.reference}/switch/", {"way": "whatsapp"})
    assert joining.waiting(case) is not None
    client.post(f"/q/{case.reference}/switch/", {"way": "letter"})  # without an address: no switch
    assert joining.waiting(case) is not None
    number = {"way": "phone", "address_phone": SPOKEN}
    client.post(f"/q/{case.reference}/switch/", number)
    assert joining.waiting(case) is None


def test_a_stranger_can_do_none_of_it(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    for path in ("write/again/", "write/off/"):
        assert Client().post(f"/q/{case.reference}/{path}").status_code == 404
    assert joining.waiting(case) is not None


# Six digits by SMS


def test_sms_asks_for_six_digits_and_nothing_goes_there_before(
    client: Client, ask: Ask, agent: User
) -> None:
    case = ask_by(ask, client, "sms", address_sms=SPOKEN)
    assert choice_of(case) == ("account", "")
    sent = pocket.send_all()
    code = newest_code("prove").plain
    assert [one.to for one in sent] == [NUMBER]
    assert code in sent[0].text and case.title not in sent[0].text
    page = page_of(client, case)
    assert 'autocomplete="one-time-code"' in page and "06 12345678" in page
    dispatch.reply(case=case, staff=agent, text="A secret answer")
    assert pocket.send_all() == []


def test_the_digits_prove_the_number_and_the_case_goes_on_there(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "sms", address_sms=SPOKEN)
    boxes = f"/q/{case.reference}/switch/code/"
    wrong = client.post(boxes, {"code": "000000"})
    assert wrong.status_code == 422 and choice_of(case)[0] == "account"
    response = client.post(boxes, {"code": newest_code("prove").plain})
    assert response["Location"] == f"/q/{case.reference}/"
    assert choice_of(case) == ("sms", "06 12345678")
    page = page_of(client, case)
    assert "From now on we answer by SMS." in page and 'id="code"' not in page
    holder = Holder.objects.get(identity__value=NUMBER)
    assert holder.customer == case.customer and holder.proved_at and holder.how == "code"


def test_another_browser_cannot_type_the_digits(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "sms", address_sms=SPOKEN)
    link = services.case_link(case)
    other = Client()
    other.post(f"/c/{link.plain}/")
    response = other.post(f"/q/{case.reference}/switch/code/", {"code": newest_code("prove").plain})
    assert response["Location"] == f"/q/{case.reference}/switch/"
    assert choice_of(case)[0] == "account"


def test_codes_by_sms_have_limits_and_the_question_is_there_all_the_same(
    client: Client, ask: Ask
) -> None:
    for n in range(proofs.PER_TARGET):
        ask_by(ask, Client(), "sms", address_sms=SPOKEN, text=f"Question {n}")
    case = ask_by(ask, client, "sms", address_sms=SPOKEN)
    assert "We sent several codes already: at most 3 an hour and 6 a day." in page_of(client, case)
    assert Code.objects.filter(purpose="prove").count() == proofs.PER_TARGET


def test_a_victims_number_is_not_proved_by_somebody_elses_mailbox(client: Client, ask: Ask) -> None:
    """Who proved a mailbox and typed a number stays the holder of the mailbox alone."""
    case = ask(client)
    sign_in(client, "sam@example.org")
    holding.hold(case.customer, Identity.of(PHONE, NUMBER), how=Holder.How.TYPED)
    stranger = Client()
    theirs = ask_by(ask, stranger, "sms", address_sms=SPOKEN)
    assert theirs.customer != case.customer
    stranger.post(f"/q/{theirs.reference}/switch/code/", {"code": newest_code("prove").plain})
    proved = Holder.objects.proved().filter(identity__value=NUMBER)
    assert [holder.customer for holder in proved] == [theirs.customer]


def test_who_proved_the_number_before_needs_no_code(client: Client, ask: Ask) -> None:
    case = ask(client)
    sign_in(client, "sam@example.org")
    holding.hold(case.customer, Identity.of(PHONE, NUMBER), how=Holder.How.CODE, proved=True)
    second = ask_by(ask, client, "sms", address_sms=SPOKEN, text="Once more")
    assert choice_of(second) == ("sms", "06 12345678")
    assert not Code.objects.filter(purpose="prove").exists()


def test_the_history_says_what_was_asked_for(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "sms", address_sms=SPOKEN)
    assert Event.objects.get(case=case, sort="invited").data == {"kind": "sms", "code": True}
    page = page_of(client, case)
    assert "You want to go on by SMS." in page and "You chose your own page." not in page


# The switch


def test_switching_to_a_messenger_waits_for_a_message(client: Client, ask: Ask) -> None:
    case = ask(client)
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    assert 'value="whatsapp"' in page and 'name="address_whatsapp"' not in page
    client.post(f"/q/{case.reference}/switch/", {"way": "whatsapp", "once": "1"})
    assert choice_of(case)[0] == "email"
    page = page_of(client, case)
    assert "Open WhatsApp" in page and "Until then we answer by e-mail." in page
    writes(case)
    assert case.choices.latest("pk").once
    assert "The next answer comes by WhatsApp." in page_of(client, case)


def test_switching_to_a_new_number_asks_for_six_digits(client: Client, ask: Ask) -> None:
    case = ask(client)
    path = f"/q/{case.reference}/switch/"
    response = client.post(path, {"way": "sms", "address_sms": SPOKEN, "once": "1"})
    assert response["Location"] == f"{path}code/"
    assert "spam folder" not in client.get(f"{path}code/").content.decode()
    client.post(f"{path}code/", {"code": newest_code("prove").plain})
    assert choice_of(case) == ("sms", "06 12345678") and case.choices.latest("pk").once


def test_a_number_to_be_called_at_is_not_one_to_write_to(client: Client, ask: Ask) -> None:
    case = ask(client, way="phone", address_phone=SPOKEN, address_email=None)
    number = Identity.objects.get(value=NUMBER)
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    assert f'value="phone:{number.pk}"' in page
    for kind in ("sms", "whatsapp"):
        assert f'value="{kind}:{number.pk}"' not in page
        client.post(f"/q/{case.reference}/switch/", {"way": f"{kind}:{number.pk}"})
        assert choice_of(case)[0] == "phone"


def test_known_and_proved_are_two_taps_back(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    writes(case)
    client.post(f"/q/{case.reference}/switch/", {"way": "account"})
    number = Identity.objects.get(value=NUMBER)
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    assert f'value="whatsapp:{number.pk}"' in page and f'value="sms:{number.pk}"' in page
    assert NUMBER not in page and "06 12345678" not in page
    client.post(f"/q/{case.reference}/switch/", {"way": f"whatsapp:{number.pk}"})
    assert choice_of(case)[0] == "whatsapp"


def test_who_holds_only_the_link_is_offered_no_number_proved_elsewhere(
    client: Client, ask: Ask
) -> None:
    case = ask(client, way="phone", address_phone=SPOKEN, address_email=None)
    number = Identity.objects.get(value=NUMBER)
    holding.hold(case.customer, number, how=Holder.How.CODE, proved=True)
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    assert f'value="sms:{number.pk}"' not in page
    sign_in_as_customer(client, case)
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    assert f'value="sms:{number.pk}"' in page and f'value="whatsapp:{number.pk}"' not in page


def sign_in_as_customer(client: Client, case: Case) -> None:
    """By another address of that customer."""
    holding.hold(
        case.customer, Identity.of("email", "own@example.org"), how=Holder.How.CODE, proved=True
    )
    cache.clear()
    sign_in(client, "own@example.org")


def test_a_channel_that_is_gone_is_said(client: Client, ask: Ask) -> None:
    case = ask_by(ask, client, "whatsapp")
    Code.objects.update(expires_at=timezone.now())
    Channel.objects.filter(kind="whatsapp").update(is_offered=False)
    client.post(f"/q/{case.reference}/write/again/")
    assert "This way is not offered any more." in page_of(client, case)


# More messengers, preferences


def test_beyond_three_messengers_the_rest_is_folded(
    client: Client, shop: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        name = f"other{n}"
        kind = Kind(name, f"Other {n}", f"by other {n}", f"other {n}", MESSAGE, PHONE)
        monkeypatch.setitem(KINDS, name, kind)
        pocket.channel(shop, name, position=20 + n)
    page = client.get("/").content.decode()
    folded = page.split("<details", 1)[1].split("</details>")[0]
    fold = next(part for part in page.split("<details") if "More messengers (2)" in part)
    assert "other1" in fold and "other2" in fold.split("</details>")[0]
    assert 'id="way-other0"' not in fold.split("</details>")[0] and folded
    again = client.post("/", posted(text="", way="other2")).content.decode()
    fold = next(part for part in again.split("<details") if "More messengers (2)" in part)
    assert " open>" in fold


def test_a_number_of_ones_own_is_confirmed_by_sms(client: Client, ask: Ask) -> None:
    ask(client)
    sign_in(client, "sam@example.org")
    response = client.post("/preferences/addresses/", {"address": SPOKEN})
    assert response["Location"] == "/preferences/addresses/code/"
    client.post("/preferences/addresses/code/", {"code": newest_code("prove").plain})
    assert Holder.objects.proved().filter(identity__value=NUMBER).count() == 1


def test_without_sms_a_number_is_taken_as_it_is(client: Client, ask: Ask) -> None:
    Channel.objects.filter(kind="sms").delete()
    ask(client)
    sign_in(client, "sam@example.org")
    response = client.post("/preferences/addresses/", {"address": SPOKEN})
    assert response["Location"] == "/preferences/"
    assert not Holder.objects.proved().filter(identity__value=NUMBER).exists()


def test_no_kind_of_these_pages_is_named_in_their_code() -> None:
    """A messenger that comes later needs no change here."""
    for module in (ways, waiting, proofs):
        text = Path(str(module.__file__)).read_text()
        assert "whatsapp" not in text.lower() and '"sms"' not in text
