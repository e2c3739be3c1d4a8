"""The start page: what is asked, what is refused, and that nothing typed is ever lost."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone, translation
from django.utils.html import escape

from channels_app.models import Channel, Delivery
from contacts import holding
from contacts.models import (
    Case,
    Code,
    Customer,
    Holder,
    Identity,
    Message,
    Organisation,
    Outcome,
    Topic,
)
from portal.site import start
from tests.site.conftest import Ask, newest_code, posted, sign_in

Queries = object


def test_every_offered_way_has_a_row_and_the_number_stands_on_top(
    client: Client, organisation: Organisation
) -> None:
    page = client.get("/").content.decode()
    for kind in ("phone", "in_person", "email", "account", "letter"):
        assert f'id="way-{kind}"' in page
    assert page.count('href="tel:+31201234567"') >= 3  # top, foot and the bar of a phone
    assert "Talk" in page and "In writing" in page and "020 123 4567" in page


def test_text_row_address_button(client: Client, ask: Ask) -> None:
    case = ask(client)
    assert case.title == "Is the blue bicycle still there?"
    assert case.choice and case.choice.kind == "email"
    assert str(case.choice.identity) == "sam@example.org"
    assert case.messages.filter(direction="in").get().kind == "account"
    page = client.get(f"/q/{case.reference}/").content.decode()
    assert "We have your question. Reference" in page and case.reference in page
    assert "We have your question" not in client.get(f"/q/{case.reference}/").content.decode()


def test_nobody_is_told_to_call_now_while_nobody_picks_up(
    client: Client, organisation: Organisation
) -> None:
    phone = client.get("/").content.decode().partition('"only only--phone">or call us: ')[2]
    assert "opens" not in phone.partition("</div>")[0]
    tomorrow = f"{timezone.localtime() + timedelta(days=1):%a}".lower()
    hours = {tomorrow: [["09:00", "17:00"]]}
    Channel.objects.filter(kind="phone").update(weekly_hours=hours)
    page = client.get("/").content.decode()
    assert "call now" not in page
    assert ">opens " in page.partition("or call us: ")[2].partition("</div>")[0]


def test_own_page_needs_no_address(client: Client, ask: Ask) -> None:
    case = ask(client, way="account", address_email=None)
    assert case.choice and case.choice.kind == "account" and case.choice.identity is None


def test_call_me_back_makes_a_to_do_and_gives_a_code_to_say(client: Client, ask: Ask) -> None:
    case = ask(client, way="phone", address_phone="020 765 43 21", wish_phone="afternoon")
    assert case.choice and case.choice.wish == "afternoon"
    todo = Delivery.objects.get(message__case=case, message__template="callback")
    assert todo.status == "todo"
    pin = Code.objects.get(case=case, form="pin").plain
    page = client.get(f"/q/{case.reference}/").content.decode()
    number = '<span class="nowrap">02 … 21</span>'
    assert pin in page and f"We call you on {number}, in the afternoon" in page


def test_a_letter_needs_name_and_address(
    client: Client, ask: Ask, organisation: Organisation
) -> None:
    response = client.post("/", posted(way="letter"))
    page = response.content.decode()
    assert response.status_code == 422
    assert "it stands on the letter" in page and "Please write your address." in page
    case = ask(
        client,
        way="letter",
        name_letter="Mrs. Example",
        address_letter="High Street 1, 1000 AA Town",
    )
    assert case.choice and case.choice.identity
    assert case.choice.identity.value == "High Street 1\n1000 AA Town"
    assert case.customer.name == "Mrs. Example"


def test_in_person_asks_which_branch(client: Client, ask: Ask) -> None:
    response = client.post("/", posted(way="in_person"))
    assert "Please choose where you want to come." in response.content.decode()
    case = ask(client, way="in_person", wish_in_person="south")
    assert case.choice and case.choice.wish == "south"
    assert "South Street 1" in client.get(f"/q/{case.reference}/").content.decode()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({"text": "  "}, "Please write what we can help you with."),
    "too long": ({"text": "x" * 20_001}, "20,001"),
    "only noughts": ({"way": "phone", "address_phone": "0000000000"}, "Please check the digits"),
    "no way": ({"way": None}, "Please choose how we shall answer."),
    "unknown way": ({"way": "pigeon"}, "This way is not offered any more."),
    "no address": ({"address_email": ""}, "Please write your e-mail address."),
    "wrong address": ({"address_email": "sam@"}, "This is not a complete e-mail address."),
    "NUL in the address": ({"address_email": "sam\x00@example.org"}, "cannot be stored"),
    "wrong number": (
        {"way": "phone", "address_phone": "call me"},
        "A phone number has only digits",
    ),
    "unknown topic": ({"topic": "moon"}, "This topic is not offered any more."),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_said_and_everything_typed_is_kept(
    client: Client, organisation: Organisation, name: str
) -> None:
    changes, words = BAD[name]
    response = client.post("/", posted(name="Sam Example", how_soon="today", **changes))
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page and 'id="errors"' in page and "Please look" in page
    assert "Sam Example" in page and 'id="soon-today" value="today" checked' in page
    if "text" not in changes:
        assert "Is the blue bicycle still there?" in page
    if name == "too long":
        assert "x" * 20_001 in page
    assert not Case.objects.exists()


def test_bad_input_is_said_in_the_persons_language(
    client: Client, organisation: Organisation
) -> None:
    client.cookies["django_language"] = "nl"
    page = client.post("/", posted(text="")).content.decode()
    assert '<html lang="nl">' in page
    with translation.override("nl"):
        assert translation.gettext("Please write what we can help you with.") in page


def test_nul_in_a_text_is_dropped_and_the_rest_is_kept(client: Client, ask: Ask) -> None:
    case = ask(client, text="One\x00 two")
    assert case.messages.get(direction="in").text == "One two"


def test_a_channel_that_was_just_switched_off(client: Client, organisation: Organisation) -> None:
    client.get("/")
    Channel.objects.filter(kind="email").update(is_offered=False)
    page = client.post("/", posted()).content.decode()
    assert "This way is not offered any more." in page and "Is the blue bicycle" in page
    assert not Case.objects.exists()


def test_what_was_typed_in_a_row_that_went_is_kept_and_put_where_it_fits(
    client: Client, ask: Ask
) -> None:
    Channel.objects.filter(kind="letter").update(is_offered=False)
    typed = {"name_letter": "Sam <Jones>", "address_letter": "Main Street 1\n1000 AA Town"}
    words = posted(way="letter", address_email="", **typed)
    answer = client.post("/", words)
    page = answer.content.decode()
    assert answer.status_code == 422
    said = "Letter is not offered any more. What you typed there is kept: "
    assert f"{said}Sam &lt;Jones&gt;, Main Street 1, 1000 AA Town" in page
    assert answer.context["form"]["name"] == "Sam <Jones>"
    for field, value in typed.items():
        assert (
            field in answer.context["carried"] and f'name="{field}" value="{escape(value)}"' in page
        )
    # Another mistake, and it is still there; then it goes along with the way that was chosen.
    again = client.post("/", posted(**typed, name="Sam <Jones>", address_email="nobody"))
    assert again.context["carried"] == typed
    case = ask(client, **typed, name=again.context["form"]["name"])
    assert case.customer.name == "Sam <Jones>" and case.choice and case.choice.kind == "email"
    Channel.objects.filter(kind="letter").update(is_offered=True)
    back = client.post("/", posted(**typed, address_email="nobody"))
    row = next(way for way in back.context["ways"] if way.kind.name == "letter")
    assert (row.name, row.address) == tuple(typed.values()) and back.context["carried"] == {}


def test_files_go_along_and_dangerous_or_large_ones_are_refused(
    client: Client, ask: Ask, organisation: Organisation, settings: object
) -> None:
    good = SimpleUploadedFile("photo.png", b"\x89PNG", content_type="image/png")
    case = ask(client, files=good)
    message = case.messages.get(direction="in")
    assert [(f.name, f.size) for f in message.attachments.all()] == [("photo.png", 4)]

    evil = SimpleUploadedFile("invoice.pdf.exe", b"MZ")
    page = client.post("/", posted(files=evil)).content.decode()
    assert "files of this type can be dangerous" in page and "add your file again" in page

    settings.MAX_FILE_BYTES = 10  # type: ignore[attr-defined]
    large = SimpleUploadedFile("large.txt", b"x" * 11)
    page = client.post("/", posted(files=large)).content.decode()
    assert "large.txt is too large" in page
    many = [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(11)]
    assert "at most 10 files" in client.post("/", posted(files=many)).content.decode()
    assert Case.objects.count() == 1


def test_an_error_elsewhere_says_that_files_must_be_added_again(
    client: Client, organisation: Organisation
) -> None:
    good = SimpleUploadedFile("photo.png", b"\x89PNG")
    page = client.post("/", posted(text="", files=good)).content.decode()
    assert "Please add your file again" in page


def test_a_double_click_is_one_question_and_another_text_is_another(
    client: Client, ask: Ask
) -> None:
    key = str(uuid.uuid4())
    first = ask(client, client_key=key)
    assert ask(client, client_key=key) == first
    assert Message.objects.filter(direction="in").count() == 1
    other = ask(client, client_key=key, text="Something else altogether")
    assert other != first and other.messages.filter(text="Something else altogether").exists()


def test_back_and_sent_once_more_is_one_question(client: Client, ask: Ask) -> None:
    first = ask(client)
    assert ask(client) == first
    assert ask(client, way="account") != first  # another way is meant
    assert ask(Client()) != first  # and so is another browser
    Case.objects.update(opened_at=timezone.now() - timedelta(hours=1))
    assert ask(client) != first


def test_a_broken_client_key_does_not_hinder(client: Client, ask: Ask) -> None:
    assert ask(client, client_key="no uuid")


def test_a_link_of_the_shop_fills_topic_and_product(
    client: Client, organisation: Organisation
) -> None:
    page = client.get("/?topic=repair&about=Gazelle+Orange&text=evil").content.decode()
    assert 'value="repair" checked' in page and "About: Gazelle Orange" in page
    assert "evil" not in page.split('name="text"')[1]
    page = client.get("/?topic=moon&about=").content.decode()
    assert "checked" not in page.split('id="topic"')[1].split("</fieldset>")[0]
    assert "errors" not in page
    client.post("/", posted(topic="repair", about="Gazelle Orange"))
    assert Case.objects.get().about == "Gazelle Orange"
    assert Case.objects.get().topic == Topic.objects.get(slug="repair")


def test_what_comes_by_the_link_is_text_and_no_markup(
    client: Client, organisation: Organisation
) -> None:
    page = client.get('/?about="><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_the_suggestion_follows_topic_and_urgency(
    client: Client, organisation: Organisation
) -> None:
    page = client.get("/").content.decode()
    assert page.count("Suggested") == 1
    partial = client.get("/advice/?topic=repair").content.decode()
    marked = partial.split('id="badge-phone"')[1].split("</span>")[0]
    assert "Suggested" in marked and "A longer story" in partial
    assert "Suggested" not in partial.split('id="badge-email"')[1].split("</span>")[0]


def marked(partial: str) -> str:
    """The one kind that carries the badge."""
    rows = partial.split('id="badge-')[1:]
    (kind,) = [row.split('"')[0] for row in rows if "Suggested" in row.split("</span>")[0]]
    return kind


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ("", "phone"),
        ("matters=quick", "phone"),
        ("matters=talk", "phone"),
        ("matters=writing", "email"),
        ("matters=plain&how_soon=can_wait", "phone"),
        ("matters=writing&topic=invoice", "account"),
        ("matters=nonsense&how_soon=never", "phone"),
    ],
)
def test_the_third_question_moves_the_suggestion(
    client: Client, organisation: Organisation, asked: str, kind: str
) -> None:
    partial = client.get(f"/advice/?{asked}").content.decode()
    assert marked(partial) == kind
    because = partial.split(f'id="because-{kind}"')[1].split("</div>")[0]
    assert "<details>" in because and "It is only advice" in because
    assert partial.count("<details>") == 1


def test_what_speaks_against_it_is_said_as_well(client: Client, organisation: Organisation) -> None:
    Channel.objects.filter(kind="phone").update(weekly_hours={"mon": []}, promise_minutes=None)
    Topic.objects.filter(slug="repair").update(phase="buying")
    with translation.override("en"):
        partial = client.get("/advice/?topic=repair").content.decode()
    because = partial.split('id="because-phone"')[1].split("</div>")[0]
    first, against = because.split("What speaks against it:")
    assert "A longer story is told faster" in first and "when you buy" in first
    assert "At the moment nobody is there." in against
    assert "we call you as soon as we are there." in partial


def test_what_was_answered_stays_when_something_is_wrong(
    client: Client, organisation: Organisation
) -> None:
    page = client.post("/", posted(text="", matters="writing", how_soon="today")).content.decode()
    assert 'value="writing" checked' in page and 'value="today" checked' in page
    assert marked(page) == "email"


def test_a_sole_way_is_no_advice(client: Client, organisation: Organisation) -> None:
    Channel.objects.exclude(kind="email").update(is_offered=False)
    assert "Suggested" not in client.get("/").content.decode()


def test_the_own_wish_and_what_helped_before_count(client: Client, ask: Ask) -> None:
    """R19: of who is signed in, and of nobody else."""
    case = ask(client)
    sign_in(client, "sam@example.org")
    assert marked(client.get("/").content.decode()) == "phone"
    case.customer.relation = "existing"
    case.customer.save()
    for _time in range(3):
        Outcome.objects.create(case=case, kind="email", answered=True, said_at=timezone.now())
    page = client.get("/").content.decode()
    assert marked(page) == "email" and "Earlier answers by this way helped you." in page
    assert marked(Client().get("/").content.decode()) == "phone"
    case.customer.preferred_kind = "letter"
    case.customer.save()
    assert marked(client.get("/advice/?how_soon=now").content.decode()) == "letter"
    assert marked(client.get("/advice/?matters=talk").content.decode()) == "phone"


def test_a_sensitive_topic_says_which_ways_carry_only_a_notice(
    client: Client, organisation: Organisation
) -> None:
    partial = client.get("/advice/?topic=invoice").content.decode()
    assert "only send a notice by e-mail" in partial
    assert "only send a notice by letter" not in partial
    assert "only send a notice" not in client.get("/advice/?topic=moon").content.decode()


def test_few_kinds_have_no_groups(client: Client, organisation: Organisation) -> None:
    Channel.objects.filter(kind__in=("in_person", "letter")).update(is_offered=False)
    page = client.get("/").content.decode()
    assert "group__name" not in page and 'id="way-phone"' in page


def test_nothing_offered_shows_the_number_and_no_button(
    client: Client, organisation: Organisation
) -> None:
    Channel.objects.update(is_offered=False)
    page = client.get("/").content.decode()
    assert "Please call 020 123 4567." in page and "Send my question" not in page


def test_an_installation_without_organisation_answers(client: Client, db: None) -> None:
    assert client.get("/").status_code == 200
    assert client.post("/", posted()).status_code == 422


def test_so_many_questions_an_hour_from_one_address(
    client: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "OPENED_PER_HOUR", 2)
    ask(client)
    ask(client, text="And the red one?")
    response = client.post("/", posted())
    assert response.status_code == 429
    assert "Is the blue bicycle" in response.content.decode()
    assert Case.objects.count() == 2
    assert client.post("/", posted(), REMOTE_ADDR="203.0.113.9").status_code == 302


def test_who_is_signed_in_finds_the_own_address_and_stays_one_customer(
    client: Client, ask: Ask
) -> None:
    first = ask(client)
    sign_in(client, "sam@example.org")
    assert 'value="sam@example.org"' in client.get("/").content.decode()
    second = ask(client, way="account")
    assert second.customer == first.customer and Customer.objects.count() == 1


@pytest.mark.parametrize("topics", [2, 40])
def test_the_number_of_queries_does_not_grow(
    client: Client,
    organisation: Organisation,
    topics: int,
    django_assert_num_queries: Queries,
) -> None:
    for number in range(topics):
        Topic.objects.create(name=f"Topic {number}", slug=f"topic-{number}")
    # Organisation, channels, special days, topics, own weights, the last count, how long answers
    # take, who waits and who is there for calls (three, where nobody ever was): each once a second
    # a process, or less often.
    with django_assert_num_queries(10):  # type: ignore[operator]
        client.get("/")


def test_the_page_after_sending_has_a_link_to_keep(client: Client, ask: Ask) -> None:
    case = ask(client, way="account")
    link = newest_code("case_link").plain
    assert f"/c/{link}/" in client.get(f"/q/{case.reference}/").content.decode()


def test_a_known_address_does_not_reveal_whose_it_is(client: Client, ask: Ask) -> None:
    first = ask(client, name="Victim Person")
    number = Identity.of("phone", "020 765 43 21")
    holding.hold(first.customer, number, how=Holder.How.STAFF)
    stranger = Client()
    case = ask(stranger, name="Somebody")
    assert case.customer == first.customer
    for path in (f"/q/{case.reference}/", f"/q/{case.reference}/switch/", "/questions/"):
        page = stranger.get(path).content.decode()
        assert case.title in page or "/switch/" in path
        for secret in ("Victim", "765 4321", "sam@example.org", first.reference):
            assert secret not in page
