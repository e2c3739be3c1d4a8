"""Go on another way: two taps for a known address, one code for a new one, and back again."""

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import dispatch
from channels_app.models import Channel, Delivery
from contacts import holding, services
from contacts.models import Case, Choice, Code, Consent, Holder, Identity, User
from portal.desk.letter import sheet
from portal.site import proofs, switch
from tests.site.conftest import Ask, newest_code, sign_in


def go(client: Client, case: Case, **words: str) -> object:
    return client.post(f"/q/{case.reference}/switch/", words)


def choice_of(case: Case) -> Choice:
    case.refresh_from_db()
    assert case.choice is not None
    return case.choice


def test_the_rows_say_what_is_now_and_mask_the_address(client: Client, ask: Ask) -> None:
    case = ask(client)
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    first = page.split('class="way ')[1]
    assert "s…@example.org" in first and "Now" in first
    assert "sam@example.org" not in page and "E-mail, another address" in page


def test_a_waiting_answer_follows_the_switch(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client)
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    go(client, case, way="account")
    assert choice_of(case).kind == "account"
    states = message.deliveries.order_by("created_at").values_list("channel__kind", "status")
    assert list(states) == [("email", "cancelled"), ("account", "sent")]


def test_undo_goes_back_once(client: Client, ask: Ask) -> None:
    case = ask(client)
    go(client, case, way="account")
    page = client.get(f"/q/{case.reference}/").content.decode()
    assert "From now on we answer on your own page." in page and "Undo" in page
    newest = choice_of(case)
    client.post(f"/q/{case.reference}/switch/undo/", {"choice": newest.pk})
    assert choice_of(case).kind == "email"
    client.post(f"/q/{case.reference}/switch/undo/", {"choice": newest.pk})
    page = client.get(f"/q/{case.reference}/").content.decode()
    assert "This cannot be undone any more." in page
    for nonsense in ("", "x", "9" * 30):
        assert (
            client.post(f"/q/{case.reference}/switch/undo/", {"choice": nonsense}).status_code
            == 302
        )


def test_undo_of_somebody_elses_choice_does_nothing(client: Client, ask: Ask) -> None:
    case, other = ask(client), ask(Client(), address_email="other@example.org")
    assert other.choice
    client.post(f"/q/{case.reference}/switch/undo/", {"choice": other.choice_id})
    assert choice_of(other).pk == other.choice.pk and other.choices.count() == 1


def test_only_the_next_answer(client: Client, ask: Ask) -> None:
    case = ask(client)
    go(client, case, way="account", once="1")
    assert choice_of(case).once
    page = client.get(f"/q/{case.reference}/").content.decode()
    assert "The next answer comes on your own page." in page and "only the next answer" in page


def test_a_call_a_letter_and_a_visit_need_no_code(client: Client, ask: Ask) -> None:
    case = ask(client)
    go(client, case, way="phone", address_phone="020 765 43 21", wish_phone="tomorrow")
    assert (choice_of(case).kind, choice_of(case).wish) == ("phone", "tomorrow")
    go(client, case, way="letter", name_letter="Sam", address_letter="Street 1\n1000 AA Town")
    assert choice_of(case).kind == "letter"
    go(client, case, way="in_person", wish_in_person="north")
    assert (choice_of(case).kind, choice_of(case).wish) == ("in_person", "north")


def test_a_new_mail_address_is_proved_by_six_digits(client: Client, ask: Ask) -> None:
    case = ask(client)
    response = go(client, case, way="email", address_email="new@example.org")
    assert response["Location"] == f"/q/{case.reference}/switch/code/"  # type: ignore[index]
    assert str(choice_of(case).identity) == "sam@example.org"
    boxes = f"/q/{case.reference}/switch/code/"
    page = client.get(boxes).content.decode()
    assert 'autocomplete="one-time-code"' in page and "new@example.org" in page
    wrong = client.post(boxes, {"code": "000000"})
    assert wrong.status_code == 422 and "This code does not fit." in wrong.content.decode()
    client.post(boxes, {"code": newest_code("prove").plain})
    assert str(choice_of(case).identity) == "new@example.org"
    assert client.get(boxes)["Location"].endswith("/switch/")


def test_a_proved_address_belongs_to_the_case_and_opens_nothing_else(
    client: Client, ask: Ask
) -> None:
    """Who typed a stranger's address and proves an own one must not become the stranger."""
    victim = ask(client, name="Victim")
    attacker = Client()
    case = ask(attacker)
    assert case.customer == victim.customer
    go(attacker, case, way="email", address_email="evil@example.org")
    boxes = f"/q/{case.reference}/switch/code/"
    attacker.post(boxes, {"code": newest_code("prove").plain})
    assert str(choice_of(case).identity) == "evil@example.org"
    assert not Holder.objects.filter(identity__value="evil@example.org").exists()
    sign_in(attacker, "evil@example.org")
    page = attacker.get("/questions/").content.decode()
    assert victim.reference not in page
    assert attacker.get(f"/q/{victim.reference}/").status_code == 404


def test_who_is_signed_in_keeps_the_proved_address(client: Client, ask: Ask) -> None:
    case = ask(client)
    sign_in(client, "sam@example.org")
    go(client, case, way="email", address_email="work@example.org")
    client.post(f"/q/{case.reference}/switch/code/", {"code": newest_code("prove").plain})
    assert (
        Holder.objects.proved()
        .filter(customer=case.customer, identity__value="work@example.org")
        .exists()
    )
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    assert "work@example.org" in page and "sam@example.org" in page  # their own: not masked


def test_known_and_proved_are_two_taps(client: Client, ask: Ask) -> None:
    ask(client)
    sign_in(client, "sam@example.org")
    case = ask(client, way="account", address_email=None)
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    identity = Identity.objects.get(value="sam@example.org")
    assert f'value="email:{identity.pk}"' in page
    go(client, case, way=f"email:{identity.pk}")
    assert choice_of(case).identity == identity
    assert not Code.objects.filter(purpose="prove").exists()


def test_a_signed_in_stranger_with_a_link_sees_only_the_cases_own_addresses(
    client: Client, ask: Ask
) -> None:
    case = ask(client)
    number = Identity.of("phone", "020 765 43 21")
    holding.hold(case.customer, number, how=Holder.How.STAFF)
    friend = Client()
    ask(friend, address_email="friend@example.org")
    sign_in(friend, "friend@example.org")
    friend.post(f"/c/{newest_link(case)}/")
    page = friend.get(f"/q/{case.reference}/switch/").content.decode()
    assert "s…@example.org" in page and "sam@example.org" not in page
    assert "765 4321" not in page and "+31" not in page.split("<main")[1].split("</main>")[0]
    response = go(friend, case, way=f"phone:{number.pk}")
    assert response.status_code == 422  # type: ignore[attr-defined]


def newest_link(case: Case) -> str:
    return services.case_link(case).plain


def test_somebody_elses_address_cannot_be_chosen_by_its_number(client: Client, ask: Ask) -> None:
    case = ask(client)
    foreign = Identity.of("email", "foreign@example.org")
    response = go(client, case, way=f"email:{foreign.pk}")
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert str(choice_of(case).identity) == "sam@example.org"


def test_a_code_works_only_in_its_browser_and_for_its_case(client: Client, ask: Ask) -> None:
    case, other = ask(client), ask(client, text="Another one")
    go(client, case, way="email", address_email="new@example.org")
    value = newest_code("prove").plain
    assert client.get(f"/q/{other.reference}/switch/code/")["Location"].endswith("/switch/")
    thief = Client()
    thief.post(f"/c/{newest_link(case)}/")
    assert thief.post(f"/q/{case.reference}/switch/code/", {"code": value}).status_code == 302
    assert str(choice_of(case).identity) == "sam@example.org"


def test_five_wrong_codes_and_an_expired_one_are_refused(client: Client, ask: Ask) -> None:
    case = ask(client)
    go(client, case, way="email", address_email="new@example.org")
    boxes = f"/q/{case.reference}/switch/code/"
    code = newest_code("prove")
    wrong = "111111" if code.plain != "111111" else "222222"
    for _try in range(5):
        assert client.post(boxes, {"code": wrong}).status_code == 422
    assert client.post(boxes, {"code": code.plain}).status_code == 422
    client.post(boxes, {"again": "1"})
    fresh = newest_code("prove")
    assert fresh.pk != code.pk
    Code.objects.filter(pk=fresh.pk).update(expires_at=timezone.now())
    assert client.post(boxes, {"code": fresh.plain}).status_code == 422
    assert str(choice_of(case).identity) == "sam@example.org"


def test_so_many_codes_to_one_address(
    client: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "PER_TARGET", 2)
    case = ask(client)
    for _time in range(2):
        go(client, case, way="email", address_email="new@example.org")
    response = go(client, case, way="email", address_email="new@example.org")
    page = response.content.decode()  # type: ignore[attr-defined]
    assert response.status_code == 422 and "several codes" in page  # type: ignore[attr-defined]
    assert 'value="new@example.org"' in page
    assert Code.objects.filter(purpose="prove").count() == 2


def test_so_many_switches_an_hour(
    client: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch, "SWITCHES_PER_HOUR", 1)
    case = ask(client)
    go(client, case, way="account")
    go(client, case, way="phone", address_phone="0207654321")
    assert choice_of(case).kind == "account"


def test_a_way_that_was_just_switched_off(client: Client, ask: Ask) -> None:
    case = ask(client)
    go(client, case, way="email", address_email="new@example.org")
    code = newest_code("prove").plain
    Channel.objects.filter(kind="email").update(is_offered=False)
    response = client.post(f"/q/{case.reference}/switch/code/", {"code": code})
    assert response["Location"].endswith("/switch/")
    assert "not offered any more" in client.get(response["Location"]).content.decode()


def test_what_was_typed_in_a_row_that_went_is_kept(client: Client, ask: Ask) -> None:
    case = ask(client)
    Channel.objects.filter(kind="letter").update(is_offered=False)
    typed = {"name_letter": "Sam Jones", "address_letter": "Main Street 1\n1000 AA Town"}
    answer = client.post(f"/q/{case.reference}/switch/", {"way": "letter", **typed})
    page = answer.content.decode()
    assert answer.status_code == 422 and "kept: Sam Jones, Main Street 1, 1000 AA Town" in page
    assert answer.context["carried"] == typed and 'name="name_letter" value="Sam Jones"' in page


def test_the_name_that_was_typed_stands_on_the_letter(
    client: Client, ask: Ask, agent: User
) -> None:
    case = ask(client, name="sammy from the app")
    typed = {"name_letter": "Sam Jones", "address_letter": "Main Street 1\n1000 AA Town"}
    go(client, case, way="letter", **typed)
    choice = choice_of(case)
    letter = dispatch.reply(case=case, staff=agent, text="Here it is.").deliveries.get()
    paper = sheet(letter)
    assert (paper.to[:2], paper.name) == (("Sam Jones", "Main Street 1"), "Sam Jones")
    assert choice.identity is not None
    go(client, case, way=f"letter:{choice.identity_id}")
    assert choice_of(case) == choice  # nothing changes
    go(client, case, way="account")
    go(client, case, way=f"letter:{choice.identity_id}")
    letter = dispatch.reply(case=case, staff=agent, text="And this.").deliveries.get()
    assert sheet(letter).to[0] == "Sam Jones"


def test_please_call_me_and_do_not_call_me(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client)
    holding.hold(case.customer, Identity.of("phone", "0207654321"), how=Holder.How.STAFF)
    assert Consent.objects.filter(customer=case.customer, kind="phone", level="on_request").exists()
    with pytest.raises(dispatch.Refusal):
        dispatch.reply(case=case, staff=agent, text="Hi", kind="phone", why_text="It is long.")
    page = f"/q/{case.reference}/switch/"
    assert "Please call me" not in client.get(page).content.decode()  # a link alone tells nothing
    client.post(f"/q/{case.reference}/calls/", {"allowed": "1"})
    assert not choice_of(case).calls_allowed
    sign_in(client, "sam@example.org")
    assert "Please call me" in client.get(page).content.decode()
    client.post(f"/q/{case.reference}/calls/", {"allowed": "1"})
    assert choice_of(case).calls_allowed
    case.refresh_from_db()
    assert dispatch.reply(case=case, staff=agent, text="Hi", kind="phone", why_text="Long.")
    assert "Do not call me" in client.get(f"/q/{case.reference}/switch/").content.decode()
    client.post(f"/q/{case.reference}/calls/", {"allowed": "0"})
    assert not choice_of(case).calls_allowed


def test_the_sheet_is_the_same_form_without_the_page(client: Client, ask: Ask) -> None:
    case = ask(client)
    sheet = client.get(f"/q/{case.reference}/switch/", headers={"HX-Request": "true"})
    page = sheet.content.decode()
    assert "<dialog" in page and "<html" not in page and 'name="way"' in page


def test_the_row_of_the_own_page_says_where_one_goes_on(client: Client, ask: Ask) -> None:
    case = ask(client, way="email", address_email="sam@example.org")
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    assert "Go on here" in page and "Go on on" not in page
    assert "opens after sending" not in page and "opens after sending" in (
        client.get("/").content.decode()
    )


def test_a_sensitive_case_says_which_ways_carry_only_a_notice(client: Client, ask: Ask) -> None:
    case = ask(client, way="account", address_email=None, topic="invoice")
    page = client.get(f"/q/{case.reference}/switch/").content.decode()
    assert "only send a notice by e-mail" in page


def test_choosing_the_same_again_changes_nothing(client: Client, ask: Ask) -> None:
    case = ask(client, way="account", address_email=None)
    go(client, case, way="account")
    assert case.choices.count() == 1
    assert "Nothing changes" in client.get(f"/q/{case.reference}/").content.decode()
    assert not Delivery.objects.filter(message__case=case).exists()
