"""The question page: what was said, what was done, what comes next; and for whom."""

import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from channels_app import dispatch
from channels_app.models import Channel, Delivery
from contacts import merging, services
from contacts.models import Case, Choice, Code, Event, Message, Organisation, User
from portal import marks
from portal.site import question
from tests import shop
from tests.site.conftest import Ask, sign_in

Queries = object


def body(client: Client, case: Case, query: str = "") -> str:
    response = client.get(f"/q/{case.reference}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_an_answer_stands_there_with_a_first_name_and_its_state(
    client: Client, ask: Ask, agent: User
) -> None:
    case = ask(client)
    assert "Nothing yet. We answer by e-mail before" in body(client, case)
    dispatch.reply(case=case, staff=agent, text="Yes, see https://example.org/bike")
    page = body(client, case)
    assert "<strong>Anna</strong>" in page and "On its way" in page
    assert '<a href="https://example.org/bike" rel="nofollow">' in page
    assert "Nothing yet" not in page


def test_what_a_customer_writes_is_text_and_no_markup(client: Client, ask: Ask) -> None:
    case = ask(client, text="<script>alert(1)</script> & <b>bold</b>")
    page = body(client, case)
    assert "<script>alert" not in page and "<b>bold" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bold" in page


def test_a_number_is_masked_for_a_link_and_whole_for_its_proved_customer(
    client: Client, ask: Ask
) -> None:
    sign_in(client, "sam@example.org")
    case = ask(client, way="phone", address_phone="020 765 43 21")
    assert "We call you on <span" in body(client, case) and "020 765 4321" in body(client, case)
    by_link, code = Client(), services.case_link(case)
    by_link.post(f"/c/{code.plain}/")
    for page in (body(by_link, case), by_link.get(f"/q/{case.reference}/news/").content.decode()):
        assert "02 … 21" in page
        assert "7654321" not in page.replace(" ", "")
    stranger = Client()
    sign_in(stranger, "other@example.org")
    stranger.post(f"/c/{code.plain}/")
    assert "765 4321" not in body(stranger, case)


def test_notes_and_staffs_events_are_for_staff(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client)
    services.add_note(case=case, staff=agent, text="He is difficult.")
    services.assign(case=case, to=agent, by=agent)
    page = body(client, case)
    assert "difficult" not in page and "took the case" not in page


def test_a_failed_answer_is_told_and_leads_to_another_way(
    client: Client, ask: Ask, agent: User
) -> None:
    case = ask(client)
    message = dispatch.reply(case=case, staff=agent, text="Yes.")
    Delivery.objects.filter(message=message).update(status="failed")
    page = body(client, case)
    assert "Our last answer did not reach you." in page
    assert "Did not arrive: choose another way" in page


def test_writing_more_with_a_file(client: Client, ask: Ask) -> None:
    case = ask(client)
    upload = SimpleUploadedFile("photo.png", b"\x89PNG", content_type="image/png")
    key = str(shop.key())
    words = {"text": "And in red?", "client_key": key, "files": upload}
    response = client.post(f"/q/{case.reference}/", words)
    assert response["Location"] == f"/q/{case.reference}/#newest"
    client.post(f"/q/{case.reference}/", {"text": "And in red?", "client_key": key})
    assert case.messages.filter(text="And in red?").count() == 1
    client.post(f"/q/{case.reference}/", {"text": "And in green?", "client_key": key})
    page = body(client, case)
    assert "And in red?" in page and "And in green?" in page and "photo.png" in page


def test_a_page_that_stays_gets_what_is_new_and_the_next_key(client: Client, ask: Ask) -> None:
    case, key, stays = ask(client), str(uuid.uuid4()), {"X-Requested-With": "fetch"}
    url, words = f"/q/{case.reference}/", {"text": "And in red?", "client_key": key}
    for _n in range(2):  # the second time by a browser that did not hear of the first
        done = client.post(f"{url}?have=", words, headers=stays)
        assert done.status_code == 201 and done.headers["X-Next-Key"] != key
        assert "And in red?" in done.content.decode() and 'id="history"' in done.content.decode()
    assert Message.objects.filter(text="And in red?").count() == 1
    assert client.post(url, {"text": " "}, headers=stays).status_code == 422
    assert Client().post(url, words, headers=stays).status_code == 404


def test_a_file_alone_is_enough_and_nothing_at_all_is_not(client: Client, ask: Ask) -> None:
    case = ask(client)
    upload = SimpleUploadedFile("photo.png", b"\x89PNG")
    assert client.post(f"/q/{case.reference}/", {"text": "", "files": upload}).status_code == 302
    response = client.post(f"/q/{case.reference}/", {"text": " "})
    assert response.status_code == 422
    assert "Please write something first." in response.content.decode()


def test_too_long_an_addition_is_said_and_kept(client: Client, ask: Ask) -> None:
    case = ask(client)
    response = client.post(f"/q/{case.reference}/", {"text": "y" * 20_001})
    assert response.status_code == 422
    assert "y" * 20_001 in response.content.decode()


def test_so_many_messages_an_hour(
    client: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "MESSAGES_PER_HOUR", 1)
    case = ask(client)
    client.post(f"/q/{case.reference}/", {"text": "One"})
    response = client.post(f"/q/{case.reference}/", {"text": "Two"})
    assert response.status_code == 429 and "Two" in response.content.decode()


def test_solved_and_asked_again(client: Client, ask: Ask) -> None:
    case = ask(client)
    client.post(f"/q/{case.reference}/solved/")
    assert "This question is solved." in body(client, case)
    client.post(f"/q/{case.reference}/again/")
    case.refresh_from_db()
    assert case.state == "open" and case.waiting_since is not None
    client.post(f"/q/{case.reference}/solved/")
    client.post(f"/q/{case.reference}/", {"text": "Still one thing"})
    case.refresh_from_db()
    assert case.state == "open"


def test_a_get_changes_nothing(client: Client, ask: Ask) -> None:
    case = ask(client)
    for name in ("solved", "again", "calls", "call-code", "switch/undo"):
        assert client.get(f"/q/{case.reference}/{name}/").status_code == 405


PATHS = ("", "news/", "keep/", "switch/")
ACTIONS = ("", "solved/", "again/", "calls/", "call-code/", "keep/", "switch/", "switch/undo/")


def test_a_foreign_question_is_the_same_answer_as_none(client: Client, ask: Ask) -> None:
    case = ask(client)
    stranger = Client()
    for path in PATHS:
        mine = stranger.get(f"/q/{case.reference}/{path}")
        none = stranger.get(f"/q/ZZZ-ZZZ/{path}")
        assert (mine.status_code, none.status_code) == (404, 404)
        assert len(mine.content) - len(none.content) == 0
    for path in ACTIONS:
        assert stranger.post(f"/q/{case.reference}/{path}", {"text": "Hi"}).status_code == 404
    assert "Get in with a code" in stranger.get(f"/q/{case.reference}/").content.decode()
    case.refresh_from_db()
    assert case.state == "open" and case.messages.filter(direction="in").count() == 1


def test_another_signed_in_customer_is_a_stranger_too(client: Client, ask: Ask) -> None:
    case = ask(client)
    other = Client()
    ask(other, address_email="other@example.org")
    sign_in(other, "other@example.org")
    assert other.get(f"/q/{case.reference}/").status_code == 404


def test_the_page_asks_what_is_new_and_gets_nothing_where_nothing_is(
    client: Client, ask: Ask, agent: User
) -> None:
    case = ask(client)
    page = body(client, case)
    have = page.split('data-have="')[1].split('"')[0]
    news = f"/q/{case.reference}/news/"
    assert client.get(news, {"have": have}).status_code == 204
    dispatch.reply(case=case, staff=agent, text="Here it is.")
    response = client.get(news, {"have": have})
    assert response.status_code == 200 and "Here it is." in response.content.decode()
    assert "<textarea" not in response.content.decode()  # a draft is never replaced
    have = response.content.decode().split('data-have="')[1].split('"')[0]
    assert client.get(news, {"have": have}).status_code == 204
    Delivery.objects.filter(message__case=case).update(status="delivered")
    assert "Delivered" in client.get(news, {"have": have}).content.decode()


def test_a_code_to_say_is_made_once_and_only_by_a_button(client: Client, ask: Ask) -> None:
    case = ask(client, way="phone", address_phone="0207654321")
    Code.objects.filter(form="pin").update(expires_at=timezone.now())
    assert "Get a code to say" in body(client, case)
    client.post(f"/q/{case.reference}/call-code/")
    client.post(f"/q/{case.reference}/call-code/")
    live = Code.objects.live().filter(form="pin", case=case)
    assert live.count() == 1 and live.get().plain in body(client, case)


def test_nobody_is_told_to_call_now_while_nobody_picks_up(client: Client, ask: Ask) -> None:
    tomorrow = f"{timezone.localtime() + timedelta(days=1):%a}".lower()
    hours = {tomorrow: [["09:00", "17:00"]]}
    Channel.objects.filter(kind="phone").update(weekly_hours=hours)
    page = body(client, ask(client, way="phone", address_phone="0207654321"))
    assert "call now" not in page
    assert ">opens " in page.partition("Or call us:")[2].partition("</div>")[0]


def test_who_is_called_reads_from_when_on_while_we_are_closed(client: Client, ask: Ask) -> None:
    case = ask(client, way="phone", address_phone="0207654321")
    assert ", as soon as possible" in body(client, case)
    tomorrow = f"{timezone.localtime() + timedelta(days=1):%a}".lower()
    Channel.objects.filter(kind="phone").update(weekly_hours={tomorrow: [["09:00", "17:00"]]})
    line = body(client, case).partition('id="answerline"')[2].partition("</p>")[0]
    assert ", from tomorrow 9:00 on" in line and "as soon as" not in line
    Choice.objects.update(wish="afternoon")
    assert ", in the afternoon" in body(client, case)


def test_a_joined_question_opens_the_one_it_was_joined_to(
    client: Client, ask: Ask, agent: User
) -> None:
    case, into = ask(client), ask(client, text="The other one")
    merging.join(case=case, into=into, by=agent)
    response = client.get(f"/q/{case.reference}/")
    assert response["Location"] == f"/q/{into.reference}/"


def test_a_way_that_is_switched_off_meanwhile_is_said(client: Client, ask: Ask) -> None:
    case = ask(client)
    Channel.objects.filter(kind="email").update(is_offered=False)
    assert "We no longer answer by e-mail." in body(client, case)


def test_older_messages_are_a_page_away(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client, way="account", text="The very first words")
    for number in range(60):
        dispatch.reply(case=case, staff=agent, text=f"Answer {number}.")
    page = body(client, case)
    assert "Answer 59." in page and "The very first words</div>" not in page
    older = page.split("?before=")[1].split('"')[0]
    page = body(client, case, f"?before={older}")
    assert "The very first words</div>" in page and "Answer 59." not in page
    assert "data-refresh" not in page and "Back to the newest" in page
    assert body(client, case, "?before=nonsense")


@pytest.mark.parametrize("count", [2, 30])
def test_the_number_of_queries_does_not_grow(
    client: Client, ask: Ask, agent: User, count: int, django_assert_num_queries: Queries
) -> None:
    case = ask(client, way="account", address_email=None)
    for number in range(count):
        dispatch.reply(case=case, staff=agent, text=f"Answer {number}.")
        services.file_message(case=case, kind="account", text=f"Word {number}.")
    client.get(f"/q/{case.reference}/")
    with django_assert_num_queries(17):  # type: ignore[operator]
        client.get(f"/q/{case.reference}/")


def test_keep_this_page(client: Client, ask: Ask) -> None:
    case = ask(client, way="account", address_email=None)
    page = client.get(f"/q/{case.reference}/keep/").content.decode()
    link = Code.objects.get(purpose="case_link", case=case).plain
    assert f"http://testserver/c/{link}/" in page
    Code.objects.update(expires_at=timezone.now())
    assert "The last link has expired." in client.get(f"/q/{case.reference}/keep/").content.decode()
    client.post(f"/q/{case.reference}/keep/", {"new": "1"})
    assert Code.objects.live().filter(purpose="case_link", case=case).count() == 1


def test_the_link_is_mailed_once_a_day_to_an_unproved_address(client: Client, ask: Ask) -> None:
    case = ask(client, way="account", address_email=None)
    keep = f"/q/{case.reference}/keep/"
    assert client.post(keep, {"email": "sam@"}).status_code == 422
    assert client.post(keep, {"email": "sam@example.org"}).status_code == 302
    mails = Message.objects.filter(template="case_link")
    assert mails.get().deliveries.get().identity.value == "sam@example.org"  # type: ignore[union-attr]
    response = client.post(keep, {"email": "sam@example.org"})
    assert response.status_code == 422 and "sam@example.org" in response.content.decode()
    assert mails.count() == 1


def test_the_link_goes_to_the_cases_own_address_by_one_button(client: Client, ask: Ask) -> None:
    case = ask(client)
    keep = f"/q/{case.reference}/keep/"
    page = client.get(keep).content.decode()
    assert "Send to s…@example.org" in page and "sam@example.org" not in page
    assert case.choice
    client.post(keep, {"to": case.choice.identity_id})
    assert Message.objects.filter(template="case_link", identity=case.choice.identity).exists()
    foreign = ask(Client(), address_email="foreign@example.org").choice
    assert foreign and client.post(keep, {"to": foreign.identity_id}).status_code == 422


def test_events_are_told_in_order(client: Client, ask: Ask, organisation: Organisation) -> None:
    case = ask(client)
    client.post(f"/q/{case.reference}/switch/", {"way": "account"})
    page = body(client, case)
    assert page.index("You chose e-mail.") < page.index(
        "You chose your own page instead of e-mail."
    )
    assert Event.objects.filter(case=case, sort="switched").count() == 1
    assert Choice.objects.filter(case=case).count() == 2


def test_nothing_tells_a_stranger_whether_a_typed_address_is_known(
    client: Client, ask: Ask, organisation: Organisation
) -> None:
    owner, said = Client(), "We confirmed by e-mail"
    sign_in(owner, "sam@example.org")
    own = ask(owner, text="My own question", address_email="sam@example.org")
    assert said in body(owner, own)
    pages = []
    for address in ("sam@example.org", "nobody@example.org"):
        for text in ("The first", "The second"):
            pages.append(said in body(client, ask(client, text=text, address_email=address)))
    assert pages == [False] * 4
    sign_in(client, "sly@example.org")
    assert said not in body(client, ask(client, text="Signed in", address_email="sam@example.org"))


def test_an_acknowledgement_that_failed_is_told_and_how_it_goes_otherwise_is_not(
    client: Client, ask: Ask
) -> None:
    case = ask(client)
    mark = marks.change(case).mark
    sent = Delivery.objects.filter(message__case=case, message__template="acknowledgement")
    assert sent.update(status=Delivery.Status.SENT) == 1
    assert marks.change(case).mark == mark
    sent.update(status=Delivery.Status.FAILED)
    assert marks.change(case).mark != mark
    assert "Did not arrive: choose another way" in body(client, case)


def test_a_number_on_the_page_stays_on_one_row(client: Client, ask: Ask) -> None:
    sign_in(client, "sam@example.org")
    case = ask(client, way="phone", address_phone="+44 20 7946 0958")
    assert '<span class="nowrap">+44 20 7946 0958</span>' in body(client, case)
