"""Rules of the ground floor and of dispatch that every later part leans on."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from channels_app import dispatch, opening, outbox, routing, sending, switching, todos
from channels_app.models import Channel, Delivery
from contacts import addresses, codes, files, holding, languages, merging, search, services, whose
from contacts.models import (
    Case,
    Choice,
    Code,
    Consent,
    Customer,
    Event,
    Identity,
    Message,
    Organisation,
    User,
)
from contacts.viewers import NOBODY, Viewer
from tests import shop

S = Delivery.Status


def a_case(organisation: Organisation, kind: str = "account", **values: object) -> Case:
    return opening.open_case(
        organisation=organisation,
        text="Does the red one fit a child?",
        came_by="account",
        kind=kind,
        language="en",
        **values,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("scheme", "one", "other"),
    [
        ("email", "Sam@Example.ORG", " sam@example.org"),
        ("phone", "020 123 45 67", "+31 (0)20-1234567"),
        ("phone", "0031 20 1234567", "+31201234567"),
        ("post", "Main Street 1\n\n 1000 AA  Town", "Main Street 1\r\n1000 AA Town"),
    ],
)
def test_two_spellings_are_one_address(scheme: str, one: str, other: str) -> None:
    assert addresses.normalise(scheme, one) == addresses.normalise(scheme, other)


@pytest.mark.parametrize(
    ("region", "value", "spellings"),
    [
        ("NL", "+31612345678", ["+31612345678", "0031 6 12345678", "06-12345678"]),
        ("DE", "+4915112345678", ["+4915112345678", "0151 12345678", "+49 (0)151 12345678"]),
        ("IT", "+390612345678", ["+390612345678", "06 1234 5678"]),
        (
            "MX",
            "+525512345678",
            ["+5215512345678", "+525512345678", "55 1234 5678", "044 55 1234 5678",
             "045 55 1234 5678", "01 55 1234 5678", "1 55 1234 5678", "+52 1 55 1234 5678"],
        ),
        (
            "BR",
            "+5531987654321",
            ["+553187654321", "+5531987654321", "(31) 98765-4321", "(31) 8765-4321",
             "031 98765-4321", "0 15 31 98765-4321", "+55 (31) 8765-4321"],
        ),
        ("BR", "+5511977123456", ["+551177123456", "+5511977123456"]),
        ("BR", "+551133334444", ["+551133334444", "(11) 3333-4444"]),  # a landline
        (
            "AR",
            "+5491123456789",
            ["+5491123456789", "+54 9 11 2345-6789", "011 15-2345-6789", "+54 11 15 2345 6789"],
        ),
        ("AR", "+541123456789", ["+541123456789", "011 2345-6789"]),  # called as a landline
    ],
)  # fmt: skip
def test_a_number_in_any_national_spelling_is_one_address(
    settings: Any, region: str, value: str, spellings: list[str]
) -> None:
    settings.PHONE_REGION = region
    assert {addresses.normalise("phone", spelling) for spelling in spellings} == {value}
    settings.PHONE_REGION = "NL"  # abroad, too, where it is given in full
    whole = [spelling for spelling in spellings if spelling.startswith("+")]
    assert {addresses.normalise("phone", spelling) for spelling in whole} == {value}


def test_a_number_is_shown_as_at_home_only_where_it_can_be_one(settings: Any) -> None:
    settings.PHONE_REGION = "NL"
    assert addresses.display("phone", "+31201234567") == "020 123 4567"
    london = addresses.normalise("phone", "020 7946 0199")  # typed without its country
    assert addresses.display("phone", london).startswith("+31 ")


@pytest.mark.parametrize(
    ("scheme", "raw"),
    [
        ("email", "sam"),
        ("email", "sam@"),
        ("email", "a@b\x00.org"),
        ("email", "x" * 300 + "@example.org"),
        ("phone", "call me"),
        ("phone", "12"),
        ("phone", "0" * 41),
        ("post", "Town"),
        ("post", ""),
        ("pigeon", "x"),
    ],
)
def test_what_is_no_address_is_refused_with_a_word(scheme: str, raw: str) -> None:
    with pytest.raises(addresses.InvalidAddress) as caught:
        addresses.normalise(scheme, raw)
    assert caught.value.messages[0]


@pytest.mark.parametrize(
    "name",
    [
        *("a.exe", "a.pdf.js", "photo.svg", "page.HTML", "x.tar.sh"),
        *("a.exe.", "a.svg ", "a.pdf\u200b.exe. .", ".html", "a/../b.hta", "x.sh\u202e"),
    ],
)
def test_dangerous_files_are_refused(name: str) -> None:
    with pytest.raises(files.FileRefused):
        files.check([files.File(name, "image/png", b"x")])


def test_codes_are_derived_stored_as_digests_and_used_once(organisation: Organisation) -> None:
    case = a_case(organisation)
    code = Code.objects.issue(codes.JOIN, case=case)
    assert len(code.plain) == 10 and code.plain == Code.objects.get().plain
    assert code.plain not in str(Code.objects.values().get())
    found = Code.objects.find(codes.JOIN, f" {code.plain[:5].lower()} {code.plain[5:]} ")
    assert found == code and found.redeem() and not found.redeem()
    assert Code.objects.find(codes.JOIN, code.plain) is None


def test_six_digits_work_in_the_same_browser_for_five_tries(organisation: Organisation) -> None:
    identity = Identity.of("email", "sam@example.org")
    code = Code.objects.issue(codes.SIGN_IN, identity=identity, browser="mine")
    wrong = "000000" if code.plain != "000000" else "111111"
    assert Code.objects.redeem_digits(codes.SIGN_IN, identity, code.plain, "other") is None
    for _n in range(4):
        assert Code.objects.redeem_digits(codes.SIGN_IN, identity, wrong, "mine") is None
    assert Code.objects.redeem_digits(codes.SIGN_IN, identity, code.plain, "mine") == code
    again = Code.objects.issue(codes.SIGN_IN, identity=identity, browser="mine")
    for _n in range(5):
        Code.objects.redeem_digits(codes.SIGN_IN, identity, wrong, "mine")
    assert Code.objects.redeem_digits(codes.SIGN_IN, identity, again.plain, "mine") is None


def test_who_may_see_a_case(organisation: Organisation) -> None:
    one, other = a_case(organisation), a_case(organisation)
    seen: Callable[[Viewer], set[Case]] = lambda v: set(Case.objects.visible_to(v))  # noqa: E731
    assert seen(NOBODY) == set()
    assert seen(Viewer(case_ids=frozenset({one.pk}))) == {one}
    assert seen(Viewer(customer_id=other.customer_id)) == {other}
    assert seen(Viewer(staff_id=1)) == {one, other}
    services.add_note(case=one, staff=shop.make_agent(), text="Only us")
    mine = Message.objects.visible_to(Viewer(case_ids=frozenset({one.pk})))
    assert [message.direction for message in mine] == ["in"]


def test_joining_moves_no_row_and_can_be_taken_back(
    organisation: Organisation, agent: User
) -> None:
    one, other = a_case(organisation), a_case(organisation)
    merging.join(case=other, into=one, by=agent)
    assert other.root == one and Message.objects.of(one).count() == 2
    late = services.file_message(case=other, kind="account", text="By my old link")
    assert late.case == other and Message.objects.of(one).count() == 3
    assert Case.objects.visible_to(Viewer(case_ids=frozenset({other.pk}))).count() == 2
    for pair in ((other, one), (one, other), (one, one)):
        with pytest.raises(ValueError):
            merging.join(case=pair[0], into=pair[1], by=agent)
    merging.undo_join(case=other, by=agent)
    assert other.root is None and Message.objects.of(one).count() == 1
    assert Message.objects.of(other).count() == 2


def test_a_message_moves_and_the_waiting_goes_with_it(
    organisation: Organisation, agent: User
) -> None:
    one, other = a_case(organisation), a_case(organisation)
    dispatch.reply(case=one, staff=agent, text="Yes")
    dispatch.reply(case=other, staff=agent, text="Yes")
    wrong = services.file_message(case=one, kind="account", text="And my invoice?")
    merging.move_message(message=wrong, to=other, by=agent)
    one.refresh_from_db()
    other.refresh_from_db()
    assert one.waiting_since is None and other.waiting_since == wrong.created_at
    assert one.events.filter(sort=Event.Sort.MOVED).exists()
    assert set(other.messages.values_list("text", flat=True)) >= {"And my invoice?"}


def test_search_finds_by_reference_address_name_and_text(organisation: Organisation) -> None:
    case = a_case(organisation, kind="email", address="sam@example.org", name="Samira Visser")
    a_case(organisation)
    wanted = (case.reference.lower(), case.reference.replace("-", ""), "SAM@example.org", "samira")
    for query in wanted:
        assert list(search.cases(query)) == [case], query
    assert search.cases("child red").count() == 2
    for hostile in ('"', "a OR", "NEAR(", "' --", "*", ":", "\x00", "x" * 500, "&|!", "(", ""):
        search.cases(hostile).count()


def test_a_call_that_was_asked_for_is_a_to_do_and_settles_the_case(
    organisation: Organisation, agent: User
) -> None:
    case = a_case(organisation, kind="phone", address="020 123 45 67", wish="soon")
    delivery = Delivery.objects.to_do().get()
    todos.take(delivery, agent)
    with pytest.raises(todos.Gone):
        todos.take(Delivery.objects.get(pk=delivery.pk), shop.make_agent("ben"))
    todos.finish(delivery, agent, Delivery.Outcome.NOT_REACHED)
    assert Delivery.objects.to_do().get().attempt_count == 1
    said = todos.finish(delivery, agent, Delivery.Outcome.REACHED, note="It fits from age six.")
    case.refresh_from_db()
    assert said is not None and said.template == "spoken" and case.waiting_since is None
    assert Delivery.objects.get(pk=delivery.pk).status == S.DONE
    with pytest.raises(todos.Gone):
        todos.finish(delivery, agent, Delivery.Outcome.REACHED)


def test_a_switch_takes_the_asked_call_back(organisation: Organisation) -> None:
    case = a_case(organisation, kind="phone", address="020 123 45 67", wish="soon")
    switching.switch(case=case, kind="account")
    assert not Delivery.objects.to_do().exists()
    assert Delivery.objects.get().status == S.CANCELLED


def test_a_switch_to_the_phone_asks_for_a_call(organisation: Organisation, agent: User) -> None:
    case = a_case(organisation)
    phone = Identity.of("phone", "020 123 45 67")
    choice = switching.switch(case=case, kind="phone", identity=phone, wish="soon")
    assert Delivery.objects.to_do().get().message.template == dispatch.CALLBACK
    switching.switch(case=case, kind="phone", identity=phone, wish="tomorrow")
    assert Delivery.objects.to_do().count() == 1  # at the new time, not twice
    back = switching.switch(case=case, kind="account")
    assert not Delivery.objects.to_do().exists()
    switching.undo(case=case, choice=back)
    assert Delivery.objects.to_do().count() == 1
    dispatch.reply(case=case, staff=agent, text="It is here.")
    assert Delivery.objects.to_do().get().message.text == "It is here."
    assert choice.wish == "soon"


def test_an_answer_that_waits_becomes_the_call(organisation: Organisation, agent: User) -> None:
    case = a_case(organisation, kind="email", address="sam@example.org")
    dispatch.reply(case=case, staff=agent, text="It is here.")
    phone = Identity.of("phone", "020 123 45 67")
    switching.switch(case=case, kind="phone", identity=phone, wish="soon")
    assert Delivery.objects.to_do().get().message.text == "It is here."


def test_an_explicit_request_beats_never(organisation: Organisation, agent: User) -> None:
    case = a_case(organisation)
    identity = Identity.of("phone", "020 123 45 67")
    holding.hold(case.customer, identity, how="typed")
    Consent.objects.create(customer=case.customer, kind="phone", level=Consent.Level.NEVER)
    with pytest.raises(dispatch.Refusal, match="no_calls"):
        dispatch.reply(case=case, staff=agent, text="Hi", kind="phone", why_text="quick")
    services.allow_calls(case=case, allowed=True)
    message = dispatch.reply(case=case, staff=agent, text="Hi", kind="phone", why_text="quick")
    assert message.deliveries.get().status == S.TODO


def test_who_asks_to_be_called_waits_for_us(organisation: Organisation, agent: User) -> None:
    case = a_case(organisation)
    dispatch.reply(case=case, staff=agent, text="Yes")
    case.refresh_from_db()
    assert case.waiting_since is None
    services.allow_calls(case=case, allowed=True)
    case.refresh_from_db()
    assert case.waiting_since is not None and agent.alerts.get().sort == "answered"


def test_a_note_of_staff_is_no_subject_for_the_customer(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = opening.open_case(
        organisation=organisation,
        text="Sounds confused; has no receipt",
        came_by="phone",
        kind="email",
        address="sam@example.org",
        language="en",
        staff=agent,
    )
    message = dispatch.reply(case=case, staff=agent, text="Come by.")
    sending.deliver(message.deliveries.get().channel_id)
    subject = next(mail["Subject"] for mail in sink.mails if "Auto-Submitted" not in mail)
    assert subject.startswith("Re: Your call of ") and case.reference in subject


def test_a_no_that_comes_after_queueing_holds_when_sending(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    case = a_case(organisation)
    holding.hold(case.customer, Identity.of("email", "sam@example.org"), how="typed")
    message = dispatch.reply(case=case, staff=agent, text="Hi", kind="email", why_text="file")
    Consent.objects.create(customer=case.customer, kind="email", level=Consent.Level.NEVER)
    sending.deliver(message.deliveries.get().channel_id)
    assert message.deliveries.get().status == S.FAILED and not sink.raw


def test_of_several_addresses_the_one_proved_last_is_answered(organisation: Organisation) -> None:
    case = a_case(organisation)
    for name, how in (("old", "code"), ("new", "code"), ("typed", "typed")):
        address = Identity.of("email", f"{name}@example.org")
        holding.hold(case.customer, address, how=how, proved=how == "code")
    route = routing.route(Message(case=case, kind="email"), timezone.now())
    assert isinstance(route, routing.Route)
    assert str(route.identity) == "new@example.org"


def test_a_number_that_this_case_proved_is_known(organisation: Organisation) -> None:
    case = a_case(organisation, kind="email", address="sam@example.org")
    services.allow_calls(case=case, allowed=True)
    number = Identity.of("phone", "+31201112233")
    usual = case.stem.choice
    assert usual is not None
    # Only typed, to be written to.
    case.append(Choice(kind="sms", identity=number), services.copy_choice(usual))
    call = Message(case=case, kind="phone")
    unknown = routing.route(call, timezone.now())
    assert isinstance(unknown, routing.Refused) and unknown.why.code == "no_phone"
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": number.pk}))
    found = routing.route(call, timezone.now())
    assert isinstance(found, routing.Route) and found.identity == number
    guess = Identity.of("phone", "+31201112244")
    holding.hold(case.customer, guess, how="typed")
    assert routing.route(call, timezone.now()) == found
    assert whose.end(case.customer, number)
    number.refresh_from_db()
    still = routing.route(call, timezone.now())
    assert isinstance(still, routing.Route) and still.identity == guess


def test_an_address_that_answered_in_this_case_is_known(organisation: Organisation) -> None:
    case = a_case(organisation)
    number = Identity.of("phone", "+31201112233")
    switching.switch(case=case, kind="phone", identity=number)
    switching.switch(case=Case.objects.get(pk=case.pk), kind="account")
    case = Case.objects.get(pk=case.pk)
    services.allow_calls(case=case, allowed=True)
    found = routing.route(Message(case=case, kind="phone"), timezone.now())
    assert isinstance(found, routing.Route) and found.identity == number


def test_only_one_acknowledgement_a_day_to_an_unproved_address(
    organisation: Organisation, sink: shop.Sink
) -> None:
    for _n in range(3):
        a_case(organisation, kind="email", address="victim@example.org")
    assert Message.objects.filter(template="acknowledgement").count() == 1


def test_a_customers_own_words_never_rename_a_known_customer(organisation: Organisation) -> None:
    first = a_case(organisation, kind="email", address="sam@example.org", name="Sam")
    second = a_case(organisation, kind="email", address="sam@example.org", name="Mallory")
    assert first.customer == second.customer and second.customer.name == "Sam"


def test_a_broker_that_is_down_fails_no_request(
    organisation: Organisation, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **values: object) -> None:
        calls.append(args)
        raise OSError("refused")

    calls: list[object] = []
    monkeypatch.setattr(outbox.settings, "CELERY_BROKER_URL", "redis://127.0.0.1:1")
    monkeypatch.setattr(outbox.current_app, "send_task", broken)
    monkeypatch.setattr(outbox._Bell, "quiet_until", 0.0)
    outbox.ring_to_send(1)
    outbox.ring_to_send(2)
    assert len(calls) == 1  # and then it is silent for a while


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ik wil graag weten of de fiets er nog is, want ik heb haast met mijn werk", "nl"),
        ("Could you please tell me if you have the blue one, and what it would cost", "en"),
        ("12345", "nl"),
    ],
)
def test_the_language_is_guessed_where_it_can_be_told(text: str, language: str) -> None:
    assert languages.guess(text, "nl") == language


def test_a_reference_that_is_taken_is_drawn_again(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = a_case(organisation)
    draws = iter([first.reference, first.reference, "ZZZ-ZZZ"])
    field = Case._meta.get_field("reference")
    monkeypatch.setattr(field, "_get_default", lambda: next(draws))
    assert a_case(organisation).reference == "ZZZ-ZZZ"


def in_threads(count: int, work: Callable[[int], object]) -> list[object]:
    """Run the same work in real threads, each with its own connection."""
    results: list[object] = []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        try:
            results.append(work(number))
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_one_worker_of_many_gets_the_lease() -> None:
    case = a_case(shop.make_shop(), kind="email", address="sam@example.org")
    row = Delivery.objects.get(message__case=case)
    channel = row.channel
    leases = in_threads(8, lambda _n: Delivery.objects.claim(channel, timezone.now(), 5)[1])
    assert [keys for keys in leases if keys] == [[row.pk]], leases


@pytest.mark.django_db(transaction=True)
def test_parallel_writers_of_one_case_take_each_number_once() -> None:
    case, agent = a_case(shop.make_shop()), shop.make_agent()

    def write(number: int) -> object:
        fresh = Case.objects.get(pk=case.pk)
        if number % 2:
            return services.file_message(case=fresh, kind="account", text=f"More {number}")
        return dispatch.reply(case=fresh, staff=agent, text=f"Answer {number}")

    results = in_threads(8, write)
    assert not [result for result in results if isinstance(result, Exception)], results
    numbers = [
        *case.messages.values_list("seq", flat=True),
        *case.events.values_list("seq", flat=True),
    ]
    assert len(numbers) == len(set(numbers))
    assert case.messages.count() == 9


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_case() -> None:
    organisation, key = shop.make_shop(), shop.key()
    results = in_threads(6, lambda _n: a_case(organisation, client_key=key))
    assert len(set(results)) == 1 and Case.objects.count() == 1, results
    assert Customer.objects.count() == 1


def test_a_paused_channel_waits(organisation: Organisation, sink: shop.Sink) -> None:
    case = a_case(organisation, kind="email", address="sam@example.org")
    row = Delivery.objects.get(message__case=case)
    channel = Channel.objects.get(slug="email")
    channel.pause(timezone.now() + timedelta(minutes=5), "test")
    assert not Delivery.objects.due(timezone.now()).exists()
    channel.resume()
    assert Delivery.objects.due(timezone.now()).get() == row
