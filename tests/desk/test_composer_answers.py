"""The composer: where an answer goes, what stops it, and that nothing typed is lost."""

import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from channels_app import dispatch, joining, switching
from channels_app.models import Channel, Delivery
from contacts import holding, services
from contacts.models import (
    Alert,
    Case,
    Consent,
    Event,
    Holder,
    Identity,
    Message,
    Topic,
    User,
)

Out = Message.Direction.OUT


def send(
    desk: Client,
    case: Case,
    text: str = "Yes, it is here.",
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Any:
    """Press the send button."""
    case.refresh_from_db()
    given = {"text": text, "kind": "", "client_key": str(uuid.uuid4()), "seen": str(case.seq)}
    url = reverse("admin:case_answer", args=[case.reference])
    return desk.post(url, {**given, **values}, headers=headers)


def choose(desk: Client, case: Case, kind: str, **headers: str) -> Any:
    """Pick another way in the composer."""
    url = reverse("admin:case_way", args=[case.reference])
    return desk.post(url, {"text": "Half a thought", "kind": "", "to": kind}, headers=headers)


def answers(case: Case) -> list[Message]:
    return list(case.messages.filter(direction=Out, template=""))


def know_phone(case: Case, number: str = "+31201112233") -> Identity:
    identity = Identity.of("phone", number)
    holding.hold(case.customer, identity, how=Holder.How.STAFF)
    return identity


def test_it_says_where_the_answer_goes_and_why(desk: Client, case: Case) -> None:
    body = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "Goes by e-mail to sam@example.org: chosen by the customer today" in body
    assert "Send by e-mail" in body


def test_what_a_provider_made_up_is_not_shown(desk: Client, case: Case) -> None:
    first = Channel.objects.get(kind="email")
    Channel.objects.create(
        organisation=first.organisation, kind="telegram", provider="telegram", slug="telegram"
    )
    chat = Identity.of("telegram", "123456789:8301686238")
    holding.hold(case.customer, chat, how=Holder.How.WROTE, proved=True)
    switching.switch(case=case, kind="telegram", identity=chat, by="writing")
    body = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "Goes by Telegram: " in body and "8301686238" not in body


def test_an_answer_goes_by_the_chosen_way(desk: Client, agent: User, case: Case) -> None:
    answer = send(desk, case)
    assert answer.status_code == 302 and "?sent=" in answer.url
    (message,) = answers(case)
    assert (message.kind, message.chosen_kind, message.why) == ("email", "email", "chosen")
    delivery = message.deliveries.get()
    assert delivery.identity and delivery.identity.value == "sam@example.org"
    case.refresh_from_db()
    assert case.assignee == agent and case.waiting_since is None


def test_who_answers_what_nobody_has_takes_it_and_the_history_says_so(
    desk: Client, agent: User, colleague: User, case: Case
) -> None:
    send(desk, case)
    event = case.events.get(sort=Event.Sort.ASSIGNED)
    assert (event.staff, event.data) == (agent, {"to": agent.pk, "name": "Anna"})
    assert "Anna took the case." in desk.get(f"/admin/cases/{case.reference}/").content.decode()
    services.assign(case=case, to=colleague, by=agent)
    send(desk, case, text="One more thing.")  # somebody else's: it stays theirs
    case.refresh_from_db()
    assert case.assignee == colleague
    assert case.events.filter(sort=Event.Sort.ASSIGNED).count() == 2


def test_another_way_needs_a_reason(desk: Client, case: Case) -> None:
    page = send(desk, case, kind="account")
    assert page.status_code == 422 and not answers(case)
    body = page.content.decode()
    assert "Say why you use another way." in body and "Yes, it is here." in body


def test_another_way_with_a_reason_is_written_in_the_history(desk: Client, case: Case) -> None:
    send(desk, case, kind="account", why="She asked for it on the phone")
    (message,) = answers(case)
    assert (message.kind, message.chosen_kind, message.why) == ("account", "email", "override")
    event = case.events.get(sort=Event.Sort.OVERRIDDEN)
    assert event.data["why"] == "She asked for it on the phone"
    assert "She asked for it" in desk.get(f"/admin/cases/{case.reference}/").content.decode()


def test_who_emails_is_not_called(desk: Client, case: Case) -> None:
    """A3: refused on the screen, and where the answer is sent."""
    know_phone(case)
    body = choose(desk, case, "phone", HX_Request="true").content.decode()
    assert "They want to be called only if they ask" in body
    assert "data-send" not in body and "Shall we phone you about this?" in body
    page = send(desk, case, kind="phone", why="Faster")
    assert page.status_code == 422 and not answers(case)
    assert "They want to be called only if they ask" in page.content.decode()
    assert "Yes, it is here." in page.content.decode()


def test_a_try_against_the_wish_is_written_down_once(desk: Client, case: Case) -> None:
    know_phone(case)
    for _n in range(3):
        choose(desk, case, "phone", HX_Request="true")
    assert case.events.filter(sort=Event.Sort.REFUSED).count() == 1


def test_looking_at_an_allowed_way_writes_nothing(desk: Client, case: Case) -> None:
    before = case.events.count()
    body = choose(desk, case, "account", HX_Request="true").content.decode()
    assert "Why another way?" in body and case.events.count() == before


def test_after_the_customer_asked_a_call_is_allowed(desk: Client, case: Case) -> None:
    know_phone(case)
    services.allow_calls(case=case, allowed=True)
    send(desk, case, kind="phone", why="They asked for it")
    delivery = answers(case)[0].deliveries.get()
    assert (delivery.channel.kind, delivery.status) == ("phone", Delivery.Status.TODO)


def test_never_is_said_with_its_day(desk: Client, case: Case) -> None:
    know_phone(case)
    Consent.objects.create(customer=case.customer, kind="phone", level=Consent.Level.NEVER)
    body = choose(desk, case, "phone", HX_Request="true").content.decode()
    assert "They asked not to be called (" in body


def test_without_a_script_another_way_is_a_whole_page(desk: Client, case: Case) -> None:
    body = choose(desk, case, "account").content.decode()
    assert "<html" in body and "Half a thought" in body and "Why another way?" in body


def test_a_way_without_an_address_is_refused(desk: Client, case: Case) -> None:
    body = choose(desk, case, "letter", HX_Request="true").content.decode()
    assert "No postal address is known." in body and "data-send" not in body


def test_a_channel_that_was_switched_off_meanwhile(desk: Client, case: Case) -> None:
    Channel.objects.filter(kind="email").update(is_offered=False)
    page = send(desk, case)
    assert page.status_code == 422 and not answers(case)
    assert (
        "is switched off" in page.content.decode() and "Yes, it is here." in page.content.decode()
    )


def test_a_newer_message_asks_first_and_loses_nothing(desk: Client, case: Case) -> None:
    seen = str(case.seq)
    services.file_message(case=case, kind="email", text="Never mind, I found one.")
    page = send(desk, case, seen=seen)
    body = page.content.decode()
    assert page.status_code == 409 and not answers(case)
    assert "The customer wrote while you were writing" in body
    assert "Never mind, I found one." in body and "Yes, it is here." in body
    assert "Send anyway" in body
    # Read, and sent all the same: the page now knows the newer message.
    case.refresh_from_db()
    assert send(desk, case, seen=str(page.context["case"].seq)).status_code == 302
    assert len(answers(case)) == 1


def test_who_only_goes_on_elsewhere_said_nothing_new(desk: Client, case: Case) -> None:
    seen = str(case.seq)
    services.file_message(case=case, kind="telegram", text="", template="joined")
    assert send(desk, case, seen=seen).status_code == 302


def test_a_picture_without_words_asks_first(desk: Client, case: Case) -> None:
    seen = str(case.seq)
    services.file_message(case=case, kind="whatsapp", text="")
    page = send(desk, case, seen=seen)
    assert page.status_code == 409
    assert "The customer sent a file while you were writing." in page.content.decode()


def test_a_colleagues_answer_asks_first_too(desk: Client, colleague: User, case: Case) -> None:
    seen = str(case.seq)
    dispatch.reply(case=case, staff=colleague, text="It is sold.")
    page = send(desk, case, seen=seen)
    assert page.status_code == 409
    assert "Bo answered while you were writing" in page.content.decode()
    assert len(answers(case)) == 1


def test_own_events_ask_nothing(desk: Client, agent: User, case: Case) -> None:
    seen = str(case.seq)
    services.assign(case=case, to=agent, by=agent)
    services.add_note(case=case, staff=agent, text="Look into this")
    assert send(desk, case, seen=seen).status_code == 302


def test_who_only_joined_said_nothing(desk: Client, case: Case) -> None:
    seen = str(case.seq)
    came = Message.Direction.IN
    case.append(Message(direction=came, kind="email", template=joining.JOINED, language="en"))
    assert send(desk, case, seen=seen).status_code == 302


def test_two_clicks_are_one_answer(desk: Client, case: Case) -> None:
    key, seen = str(uuid.uuid4()), str(case.seq)
    for _n in range(2):
        assert send(desk, case, client_key=key, seen=seen).status_code == 302
    assert len(answers(case)) == 1
    assert Delivery.objects.filter(message__in=answers(case)).count() == 1


def test_a_page_that_stays_gets_what_is_new_and_the_next_key(desk: Client, case: Case) -> None:
    key, stays = str(uuid.uuid4()), {"X-Requested-With": "fetch"}
    keys = set()
    for _n in range(2):  # the second time by a browser that did not hear of the first
        done = send(desk, case, client_key=key, seen=str(case.seq), headers=stays)
        body = done.content.decode()
        assert done.status_code == 201 and "Yes, it is here." in body and 'id="timeline"' in body
        assert "Your answer goes by e-mail" in body
        keys.add(uuid.UUID(done.headers["X-Next-Key"]))
    assert len(answers(case)) == 1 and len(keys | {uuid.UUID(key)}) == 3
    assert send(desk, case, text=" ", headers=stays).status_code == 422


def test_what_an_open_page_asks_for_takes_no_line_from_the_next_page(
    desk: Client, case: Case
) -> None:
    send(desk, case)
    live = desk.get(f"/admin/cases/{case.reference}/?part=live").content.decode()
    assert "Your answer goes" not in live
    assert "Your answer goes" in desk.get(f"/admin/cases/{case.reference}/").content.decode()


def test_other_words_under_a_sent_key_are_not_lost(desk: Client, case: Case) -> None:
    key = str(uuid.uuid4())
    send(desk, case, client_key=key)
    page = send(desk, case, text="Yes, and in red too.", client_key=key)
    body = page.content.decode()
    assert page.status_code == 422 and "Your earlier text was sent" in body
    assert "Yes, and in red too." in body and key not in body.split("data-write")[1]
    assert len(answers(case)) == 1


@pytest.mark.parametrize("text", ["", "   \n ", "\x00"])
def test_an_empty_answer_is_not_sent(desk: Client, case: Case, text: str) -> None:
    page = send(desk, case, text=text)
    assert page.status_code == 422 and "Write something first." in page.content.decode()


def test_a_text_that_is_too_long_is_kept(desk: Client, case: Case) -> None:
    page = send(desk, case, text="x" * (services.MAX_TEXT + 1))
    assert page.status_code == 422 and not answers(case)
    assert "at most 20000 characters" in page.content.decode()
    assert "x" * services.MAX_TEXT in page.content.decode()


def test_files_go_along(desk: Client, case: Case) -> None:
    file = SimpleUploadedFile("offer.pdf", b"%PDF-1.4 offer", content_type="application/pdf")
    send(desk, case, files=file)
    attachment = answers(case)[0].attachments.get()
    assert attachment.name == "offer.pdf"
    assert "offer.pdf" in desk.get(f"/admin/cases/{case.reference}/").content.decode()


@pytest.mark.parametrize("name", ["run.exe", "page.html", "picture.svg", "bill.pdf.js"])
def test_a_dangerous_file_is_refused_and_the_text_kept(desk: Client, case: Case, name: str) -> None:
    page = send(desk, case, files=SimpleUploadedFile(name, b"data"))
    assert page.status_code == 422 and not answers(case)
    assert name in page.content.decode() and "Yes, it is here." in page.content.decode()


def test_a_file_that_is_too_large_is_refused(desk: Client, case: Case, settings: Any) -> None:
    settings.MAX_FILE_BYTES = 100
    page = send(desk, case, files=SimpleUploadedFile("big.pdf", b"x" * 101))
    assert page.status_code == 422 and "too large" in page.content.decode()


def test_a_sensitive_answer_is_only_a_notice(desk: Client, case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(topic=Topic.objects.get(slug="invoice"))
    body = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "only a notice goes" in body
    send(desk, case)
    assert answers(case)[0].deliveries.get().only_notice


def test_a_note_is_for_staff_and_tells_who_is_named(
    desk: Client, agent: User, colleague: User, case: Case
) -> None:
    url = reverse("admin:case_note", args=[case.reference])
    data = {"text": "Look at this, @bo", "client_key": str(uuid.uuid4())}
    for _n in range(2):
        assert desk.post(url, data).status_code == 302
    note = case.messages.get(direction=Message.Direction.NOTE)
    assert note.staff == agent and not note.deliveries.exists()
    assert Alert.objects.get(user=colleague).sort == Alert.Sort.MENTIONED
    case.refresh_from_db()
    assert case.waiting_since is not None


def test_an_empty_note_is_refused_in_its_own_tab(desk: Client, case: Case) -> None:
    page = desk.post(reverse("admin:case_note", args=[case.reference]), {"text": " "})
    assert page.status_code == 422 and page.context["draft"].tab == "note"


def test_only_this_once_is_named(desk: Client, case: Case) -> None:
    switching.switch(case=case, kind="account", once=True)
    body = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert "Goes on their own page" in body and "for the next answer only" in body


def test_nobody_answers_a_case_that_is_not_there(desk: Client, case: Case) -> None:
    url = reverse("admin:case_answer", args=["ZZZ-ZZZ"])
    assert desk.post(url, {"text": "Hello"}).status_code == 404
