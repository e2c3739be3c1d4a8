"""What was said is confirmed in writing, from a draft; the customer can say that it is wrong."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import formats, timezone, translation

from channels_app import dispatch, switching
from channels_app.models import Channel, Delivery
from contacts import holding, services
from contacts.models import Alert, Case, Consent, Event, Holder, Identity, Message, Topic, User
from contacts.viewers import Viewer
from portal import timeline
from portal.desk import confirm
from portal.desk.facts import of
from tests.desk.conftest import MakeCase

OUT = Message.Direction.OUT
NOTE = "She takes the blue one.\nPromised: ready on Tuesday"


@pytest.fixture
def call(make_case: MakeCase) -> Delivery:
    """Somebody who asked to be called, and whose mail address is known."""
    case = make_case("My brakes squeak.", kind="phone", address="020 111 22 33", wish="soon")
    holding.hold(
        case.customer, Identity.of("email", "sam@example.org"), how=Holder.How.STAFF, proved=True
    )
    return Delivery.objects.to_do().get()


def case_of(delivery: Delivery) -> Case:
    assert delivery.message.case is not None
    return Case.objects.get(pk=delivery.message.case.pk)


def reach(desk: Client, call: Delivery, note: str = NOTE) -> str:
    """Carry the call out; where that leads."""
    desk.post(f"/admin/todo/{call.pk}/take/")
    data = {"outcome": "reached", "note": note}
    return str(desk.post(f"/admin/todo/{call.pk}/finish/", data)["Location"])


def noted(case: Case, agent: User, text: str = NOTE, **values: Any) -> Message:
    """A call that came in, as a colleague noted it."""
    return services.file_message(case=case, kind="phone", text=text, staff=agent, **values)


def address(note: Message) -> str:
    assert note.case is not None
    return f"/admin/cases/{note.case.stem.reference}/confirm/{note.pk}/"


def send(desk: Client, note: Message, **data: Any) -> Any:
    """Press Send."""
    form = {"text": "As we said.", "kind": "email", "client_key": str(uuid.uuid4()), **data}
    return desk.post(address(note), form)


def test_after_a_call_its_confirmation_is_drafted_from_the_notes(
    desk: Client, call: Delivery
) -> None:
    """R33."""
    goal = reach(desk, call)
    note = case_of(call).messages.get(template="spoken")
    assert goal == f"{address(note)}?then=todo&sent={call.pk}"
    page = desk.get(goal)
    day = formats.date_format(timezone.localdate(), "j F")
    assert page.context["draft"].text == (
        f"We spoke by phone on {day}. We noted:\nShe takes the blue one.\n\n"
        "We promised:\n- ready on Tuesday\n\nIs something not right? Please tell us."
    )
    assert {kind.name for kind in page.context["ways"]} == {"email", "account"}
    answer = send(desk, note, then="todo")
    assert answer["Location"] == "/admin/todo/"
    sent = case_of(call).messages.get(kind="email", direction=OUT)
    assert (sent.text, sent.regards, sent.why) == ("As we said.", note, Message.Why.OVERRIDE)
    assert "what was said by phone" in sent.why_text
    assert sent.deliveries.get().status == Delivery.Status.QUEUED


def test_a_call_that_came_in_is_confirmed_and_still_waits(
    desk: Client, agent: User, case: Case
) -> None:
    note = noted(case, agent, "She asks for the blue one.")
    text = desk.get(address(note)).context["draft"].text
    assert text.startswith("You called us on ")
    assert re.search(r"We promised:\n- we answer you by e-mail before \d+ \w+, \d+:\d\d", text)
    before = Case.objects.get(pk=case.pk).waiting_since
    send(desk, note)
    sent = case.messages.get(regards=note)
    assert sent.why == Message.Why.CHOSEN and not sent.is_answer
    assert Case.objects.get(pk=case.pk).waiting_since == before is not None
    assert of(Case.objects.get(pk=case.pk)).answered is None


def test_only_the_next_answer_is_not_used_up_by_a_confirmation(
    desk: Client, agent: User, case: Case
) -> None:
    switching.switch(case=case, kind="account", once=True)
    send(desk, noted(case, agent), kind="account")
    choice = Case.objects.get(pk=case.pk).choice
    assert choice is not None and choice.once and choice.kind == "account"


def test_it_speaks_the_customers_language(desk: Client, agent: User, case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(language="nl")
    text = desk.get(address(noted(case, agent))).context["draft"].text
    with translation.override("nl"):
        day = formats.date_format(timezone.localdate(), "j F")
    assert day == day.lower() and day in text  # months are small in Dutch


def test_a_visit_is_worded_as_a_visit(desk: Client, agent: User, case: Case) -> None:
    note = services.file_message(case=case, kind="in_person", text="Blue.", staff=agent)
    assert desk.get(address(note)).context["draft"].text.startswith("You visited us on ")


@pytest.mark.parametrize(
    ("came_by", "drafts"), [("phone", True), ("in_person", True), ("letter", False)]
)
def test_a_recorded_contact_leads_to_the_draft(
    desk: Client, case: Case, came_by: str, drafts: bool
) -> None:
    key = str(uuid.uuid4())
    form = {"into": f"case:{case.reference}", "text": "Blue.", "client_key": key, "q": "sam"}
    answer = desk.post("/admin/record/", {**form, "came_by": came_by})
    note = case.messages.get(client_key=key)
    wanted = f"{address(note)}?then=case&" if drafts else f"/admin/cases/{case.reference}/?"
    assert answer["Location"] == f"{wanted}sent={key}"


def test_without_a_written_way_nothing_is_asked(
    desk: Client, agent: User, make_case: MakeCase
) -> None:
    Channel.objects.exclude(kind__in=("phone", "email")).update(is_offered=False)
    case = make_case("Call me", kind="phone", address="020 111 22 33", wish="soon")
    goal = reach(desk, Delivery.objects.to_do().get())
    assert goal.startswith("/admin/todo/?sent=")
    note = case.messages.get(template="spoken")
    assert "There is no written way" in desk.get(address(note)).content.decode()


def test_a_way_that_they_never_want_is_not_offered(desk: Client, agent: User, case: Case) -> None:
    holding.hold(case.customer, Identity.of("post", "Kade 1\n1000 AA Stad"), how=Holder.How.STAFF)
    note = noted(case, agent)
    assert "letter" in {kind.name for kind in confirm.ways(Case.objects.get(pk=case.pk))}
    Consent.objects.create(customer=case.customer, kind="letter", level=Consent.Level.NEVER)
    assert "letter" not in {kind.name for kind in confirm.ways(Case.objects.get(pk=case.pk))}
    assert send(desk, note, kind="letter").status_code == 422
    assert not case.messages.filter(regards=note).exists()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"text": "  "}, "Write something first."),
        ({"text": "x" * 20_001}, "This is too long"),
        ({"kind": "pigeon"}, "Choose how it goes."),
        ({"kind": ""}, "Choose how it goes."),
    ],
)
def test_a_wrong_form_keeps_what_was_typed(
    desk: Client, agent: User, case: Case, form: dict[str, str], words: str
) -> None:
    page = send(desk, noted(case, agent), **form)
    assert page.status_code == 422 and words in page.content.decode()
    assert page.context["draft"].text == form.get("text", "As we said.").strip()


def test_it_goes_once(desk: Client, colleague: User, agent: User, case: Case) -> None:
    note, key = noted(case, agent), str(uuid.uuid4())
    for _click in range(2):
        assert send(desk, note, client_key=key).status_code == 302
    other = Client()
    other.force_login(colleague)
    page = send(other, note, text="Mine as well")
    assert page.status_code == 422 and "A confirmation went already." in page.content.decode()
    assert case.messages.filter(regards=note).count() == 1
    shown = desk.get(address(note)).content.decode()
    assert "It was confirmed by e-mail already" in shown and "Send the confirmation" not in shown


def test_only_notes_are_confirmed(desk: Client, agent: User, case: Case, make_case: Any) -> None:
    foreign = noted(make_case("Other", address="kim@example.org"), agent)
    answer = dispatch.reply(case=case, staff=agent, text="Yes.")
    first = case.messages.earliest("seq")
    for pk in (foreign.pk, answer.pk, first.pk, 999_999):
        assert desk.get(f"/admin/cases/{case.reference}/confirm/{pk}/").status_code == 404
    assert send(Client(), noted(case, agent)).status_code == 302
    assert not Message.objects.exclude(regards=None).exists()


def test_a_sensitive_case_is_confirmed_by_a_notice(desk: Client, agent: User, case: Case) -> None:
    topic = Topic.objects.create(slug="debts", name={"en": "Debts"}, is_sensitive=True)
    services.set_topic(case=case, topic=topic, by=agent)
    send(desk, noted(Case.objects.get(pk=case.pk), agent))
    assert case.messages.get(kind="email", regards__isnull=False).deliveries.get().only_notice


def test_the_history_offers_it_until_it_went(desk: Client, agent: User, case: Case) -> None:
    note = noted(case, agent)
    page = f"/admin/cases/{case.reference}/"
    assert address(note) in desk.get(page).content.decode()
    send(desk, note)
    body = desk.get(page).content.decode()
    assert address(note) not in body and "confirms what was said" in body


# ---------- The customer says that it is not right


@pytest.fixture
def browser(case: Case) -> Client:
    """The customer's browser, let in by the link of the case."""
    client = Client()
    client.post(f"/c/{services.case_link(case).plain}/")
    return client


def correct(browser: Client, note: Message, **data: str) -> Any:
    """Send a correction."""
    assert note.case is not None
    path = f"/q/{note.case.stem.reference}/wrong/{note.pk}/"
    return browser.post(path, {"text": "The red one.", **data})


def test_the_customer_reads_the_note_and_corrects_it(
    browser: Client, desk: Client, agent: User, colleague: User, case: Case
) -> None:
    note = noted(case, agent)
    services.assign(case=Case.objects.get(pk=case.pk), to=colleague, by=agent)
    dispatch.reply(case=Case.objects.get(pk=case.pk), staff=agent, text="It is kept for you.")
    page = browser.get(f"/q/{case.reference}/").content.decode()
    path = f"/q/{case.reference}/wrong/{note.pk}/"
    assert "She takes the blue one." in page and path in page
    form = browser.get(path).content.decode()
    assert "She takes the blue one." in form and "csrfmiddlewaretoken" in form
    answer = correct(browser, note)
    assert answer["Location"] == f"/q/{case.reference}/#newest"
    said = case.messages.get(regards=note)
    assert (said.direction, said.kind, said.text, said.staff) == (
        Message.Direction.IN,
        "account",
        "The red one.",
        None,
    )
    # The agent of the case is told, and who wrote the note.
    assert set(Alert.objects.filter(message=said).values_list("user", flat=True)) == {
        agent.pk,
        colleague.pk,
    }
    assert Case.objects.get(pk=case.pk).waiting_since == said.created_at
    page = browser.get(f"/q/{case.reference}/").content.decode()
    assert "Thank you. It stands beside what we noted" in page
    assert page.count("The red one.") == 2 and f'href="#m{note.pk}"' in page
    body = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    history = body.partition('id="timeline"')[2]
    assert "that this is not right" in history and "corrects what was said" in history
    assert history.index("that this is not right") < history.index("corrects what was said")


def test_what_we_said_in_a_call_is_read_and_corrected(
    desk: Client, call: Delivery, agent: User
) -> None:
    reach(desk, call)
    case = case_of(call)
    note = case.messages.get(template="spoken")
    client = Client()
    client.post(f"/c/{services.case_link(case).plain}/")
    assert "She takes the blue one." in client.get(f"/q/{case.reference}/").content.decode()
    correct(client, note)
    assert case.messages.get(regards=note).text == "The red one."
    assert Case.objects.get(pk=case.pk).waiting_since is not None


def test_a_correction_opens_a_settled_question(browser: Client, agent: User, case: Case) -> None:
    note = noted(case, agent)
    services.resolve(case=Case.objects.get(pk=case.pk), by=agent)
    correct(browser, note)
    assert Case.objects.get(pk=case.pk).state == Case.State.OPEN
    assert case.events.filter(sort=Event.Sort.REOPENED).exists()


@pytest.mark.parametrize(("text", "status"), [("", 422), ("x" * 20_001, 422)])
def test_a_wrong_correction_keeps_what_was_typed(
    browser: Client, agent: User, case: Case, text: str, status: int
) -> None:
    note = noted(case, agent)
    page = correct(browser, note, text=text)
    assert page.status_code == status and "She takes the blue one." in page.content.decode()
    assert page.content.decode().count("x") >= len(text)
    assert not case.messages.filter(regards=note).exists()


def test_two_clicks_are_one_correction(browser: Client, agent: User, case: Case) -> None:
    note, key = noted(case, agent), str(uuid.uuid4())
    for _click in range(2):
        assert correct(browser, note, client_key=key).status_code == 302
    assert case.messages.filter(regards=note).count() == 1


def test_corrections_are_limited_with_what_they_write(
    browser: Client, agent: User, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.site.question.MESSAGES_PER_HOUR", 1)
    note = noted(case, agent)
    assert correct(browser, note).status_code == 302
    assert correct(browser, note, text="Once more").status_code == 429


def test_nobody_else_corrects_a_note(
    browser: Client, agent: User, case: Case, make_case: MakeCase
) -> None:
    note = noted(case, agent)
    foreign = noted(make_case("Other", address="kim@example.org"), agent, "Their secret")
    assert correct(Client(), note).status_code == 404
    assert correct(browser, foreign).status_code == 404
    mixed = f"/q/{case.reference}/wrong/{foreign.pk}/"
    assert browser.get(mixed).status_code == 404
    assert browser.post(mixed, {"text": "Mine"}).status_code == 404
    plain = case.messages.earliest("seq")
    staff_only = services.add_note(case=case, staff=agent, text="Careful")
    for row in (plain, staff_only):
        assert correct(browser, row).status_code == 404
    assert not Message.objects.exclude(regards=None).exists()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert correct(strict, note).status_code == 403


def test_a_correction_that_was_moved_away_stands_beside_nothing(
    agent: User, case: Case, make_case: MakeCase
) -> None:
    note = noted(case, agent)
    other = make_case("Other", address="kim@example.org")
    services.file_message(case=other, kind="account", text="Their secret", regards=note)
    shown = timeline.page(Case.objects.get(pk=case.pk), Viewer(staff_id=agent.pk))
    assert [m.corrections for m in shown.messages if m.pk == note.pk] == [[]]  # type: ignore[attr-defined]
    theirs = timeline.page(Case.objects.get(pk=other.pk), Viewer(case_ids=frozenset({other.pk})))
    assert all(message.note is None for message in theirs.messages)  # type: ignore[attr-defined]


def test_it_is_shown_as_text(browser: Client, agent: User, case: Case) -> None:
    note = noted(case, agent, "<b>blue</b>")
    correct(browser, note, text="<b>red</b>")
    page = browser.get(f"/q/{case.reference}/").content.decode()
    assert "<b>" not in page.replace("<b></b>", "") and "&lt;b&gt;red" in page
