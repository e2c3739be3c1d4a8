"""A program opens a case, reads, writes, answers, switches and sees how it went."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from channels_app import dispatch, joining
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel, Delivery
from contacts import holding, merging, services
from contacts.models import (
    Case,
    Choice,
    Code,
    Event,
    Identity,
    Message,
    Organisation,
    Topic,
    User,
)
from portal.api.models import IdempotencyKey
from tests.api.conftest import Api, ask, link_of, make_client, problem
from tests.core import booking
from tests.messengers import pocket

NEW = {"text": "Is the blue bicycle there?", "kind": "email", "address": "Sam@Example.org"}


def test_open_read_write_answer_switch(api: Api, agent: User) -> None:
    made = api.post("/cases/", {**NEW, "topic": "repair", "name": "Sam", "how_soon": "today"})
    assert made.status_code == 201, made.content
    body = made.json()
    reference = body["reference"]
    assert made["Location"] == body["url"] == f"http://testserver/api/v1/cases/{reference}/"
    assert body["choice"]["address"] == "sam@example.org" and body["topic"] == "repair"
    assert body["customer"]["name"] == "Sam"
    case = Case.objects.get(reference=reference)
    assert case.messages.filter(template="acknowledgement").exists()

    path = f"/cases/{reference}/"
    assert {**api.get(path).json(), "link": body["link"]} == body
    assert [row["reference"] for row in api.get("/cases/").json()["results"]] == [reference]

    said = api.post(f"{path}messages/", {"text": "It is urgent.", "kind": "phone"})
    assert said.status_code == 201 and said.json()["kind"] == "phone"
    answer = api.post(f"{path}messages/", {"direction": "out", "text": "Yes, it is."})
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["kind"], shown["why"], shown["author"]) == ("email", "chosen", "Anna")
    assert Message.objects.get(pk=shown["id"]).staff == agent
    listed = api.get(f"{path}messages/").json()["results"]
    assert [row["text"] for row in listed] == ["Yes, it is.", "It is urgent.", "", NEW["text"]]

    switched = api.post(f"{path}choice/", {"kind": "account"}).json()
    assert (switched["kind"], switched["address"]) == ("account", None)
    ways = api.get(f"{path}deliveries/").json()["results"]
    assert {(row["kind"], row["status"]) for row in ways if row["message"] == shown["id"]} == {
        ("email", "cancelled"),
        ("account", "sent"),
    }
    back = api.post(f"{path}choice/undo/", {"choice": switched["id"]})
    assert back.status_code == 200 and back.json()["kind"] == "email"
    problem(api.post(f"{path}choice/undo/", {"choice": switched["id"]}), "cannot-undo")


def test_the_link_of_a_new_case_is_the_customers_token(api: Api) -> None:
    body = api.post("/cases/", NEW).json()
    customer = Api(body["link"].rstrip("/").rsplit("/")[-1])
    own = customer.get(f"/cases/{body['reference']}/")
    assert own.status_code == 200 and own.json()["reference"] == body["reference"]


def test_files_come_and_go(api: Api, case: Case) -> None:
    upload = SimpleUploadedFile("note.svg.txt", b"hello", "text/plain")
    problem(api.form(f"/cases/{case.reference}/messages/", {"files": upload}), "invalid")
    upload = SimpleUploadedFile("note.txt", b"hello", "text/html")
    made = api.form(f"/cases/{case.reference}/messages/", {"files": upload, "text": ""})
    assert made.status_code == 201, made.content
    file = made.json()["files"][0]
    assert (file["name"], file["size"]) == ("note.txt", 5)
    got = api.get(file["url"].removeprefix("http://testserver/api/v1"))
    assert b"".join(got.streaming_content) == b"hello"
    assert got["Content-Type"] == "application/octet-stream"
    assert got["Content-Disposition"].startswith("attachment")
    assert "sandbox" in got["Content-Security-Policy"]


def test_opening_with_files(api: Api) -> None:
    upload = SimpleUploadedFile("a.pdf", b"%PDF", "application/pdf")
    made = api.form("/cases/", {**NEW, "files": upload})
    assert made.status_code == 201, made.content
    case = Case.objects.get(reference=made.json()["reference"])
    assert case.messages.get(direction="in").attachments.get().name == "a.pdf"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "video"}, "kind"),
        ({"kind": "fax"}, "kind"),
        ({"address": ""}, "address"),
        ({"address": "nobody"}, "address"),
        ({"kind": "account"}, "address"),
        ({"kind": "phone", "address": "020 123 45 67", "wish": "at night"}, "wish"),
        ({"wish": "soon"}, "wish"),
        ({"kind": "in_person", "address": ""}, "wish"),
        ({"kind": "letter", "address": "Street 1\n1000 AA Town"}, "name"),
        ({"topic": "weather"}, "topic"),
        ({"language": "fr"}, "language"),
        ({"text": " "}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": 7}, "text"),
        ({"text": None}, "text"),
        ({"staff": 1}, "staff"),
        ({"client_key": "1"}, "client_key"),
    ],
)
def test_what_does_not_fit_is_named(api: Api, changes: dict[str, Any], field: str) -> None:
    body = problem(api.post("/cases/", {**NEW, **changes}), "invalid")
    assert list(body["errors"]) == [field] and body["errors"][field][0]
    assert not Case.objects.exists()


def test_a_call_and_a_visit(api: Api) -> None:
    call = api.post("/cases/", {"text": "Call me", "kind": "phone", "address": "020 123 45 67"})
    assert call.json()["choice"]["wish"] == "soon"
    assert Delivery.objects.filter(status="todo", channel__kind="phone").exists()
    visit = api.post("/cases/", {"text": "I come", "kind": "in_person", "wish": "south"})
    assert visit.status_code == 201 and visit.json()["choice"]["wish"] == "south"


def test_another_kind_needs_a_reason(api: Api, case: Case) -> None:
    path = f"/cases/{case.reference}/messages/"
    answer = {"direction": "out", "text": "Yes", "kind": "account"}
    assert "why_text" in problem(api.post(path, answer), "invalid")["errors"]
    problem(api.post(path, {**answer, "kind": "phone", "why_text": "x"}), "refused")
    assert api.post(path, {**answer, "why_text": "too large"}).json()["why"] == "override"


def test_nobody_answers_without_a_colleague(case: Case, api: Api, agent: User) -> None:
    path, answer = f"/cases/{case.reference}/messages/", {"direction": "out", "text": "Yes"}
    problem(make_client("cases:answer", "cases:write").post(path, answer), "not-allowed")
    User.objects.filter(pk=agent.pk).update(is_active=False)
    problem(api.post(path, answer), "not-allowed")
    assert not case.messages.filter(direction="out", template="").exists()


def test_channels_say_what_they_promise(api: Api, organisation: Organisation) -> None:
    Channel.objects.filter(slug="letter").update(is_offered=False)
    found = {row["kind"]: row for row in api.get("/channels/").json()["results"]}
    assert set(found) == {"email", "phone", "account", "in_person"}
    assert (found["email"]["address_needed"], found["account"]["address_needed"]) == ("email", "")
    assert found["email"]["promise_minutes"] == 240 and found["account"]["private"]
    assert (found["in_person"]["title"], found["email"]["title"]) == ("In person", "E-mail")
    assert [place["slug"] for place in found["in_person"]["places"]] == ["north", "south"]
    assert found["phone"]["wishes"][0] == "soon" and found["phone"]["is_open"]
    topics = api.get("/topics/", Accept_Language="nl").json()["results"]
    assert [row["name"] for row in topics] == ["Factuur", "Reparatie"]


def test_a_joined_case_is_read_as_the_other(
    api: Api, organisation: Organisation, agent: User
) -> None:
    one, two = ask(organisation), ask(organisation, text="Once more")
    customer = link_of(two)
    merging.join(case=two, into=one, by=agent)
    assert api.get(f"/cases/{two.reference}/").json()["reference"] == one.reference
    assert [r["reference"] for r in api.get("/cases/").json()["results"]] == [one.reference]
    for reader in (api, customer):
        said = reader.get(f"/cases/{two.reference}/messages/").json()["results"]
        assert {row["text"] for row in said} >= {"Once more", "Where is my parcel?"}
    assert [r["reference"] for r in customer.get("/cases/").json()["results"]] == [one.reference]


def test_the_list_is_filtered(api: Api, organisation: Organisation) -> None:
    one, two = ask(organisation), ask(organisation)
    services.resolve(case=one)
    listed = api.get("/cases/?state=open").json()["results"]
    assert [row["reference"] for row in listed] == [two.reference]
    one.refresh_from_db()
    since = one.changed_at.isoformat().replace("+", "%2B")
    listed = api.get(f"/cases/?changed_since={since}").json()["results"]
    assert [row["reference"] for row in listed] == [one.reference]
    for query, field in (("state=odd", "state"), ("limit=0", "limit"), ("page=2", "page")):
        assert field in problem(api.get(f"/cases/?{query}"), "invalid")["errors"]


class TestCustomer:
    """Who has the link of a case."""

    def test_is_shown_what_the_page_shows(
        self, organisation: Organisation, case: Case, agent: User
    ) -> None:
        holding.rename(case.customer, "Sam Secret")
        services.assign(case=case, to=agent, by=agent)
        services.add_note(case=case, staff=agent, text="Beware")
        dispatch.reply(case=case, staff=agent, text="Yes", kind="account", why_text="Reason")
        Delivery.objects.update(reason={"code": "said", "text": "550 internal.example.org"})
        customer = link_of(case)
        parts = ("", "messages/", "deliveries/")
        said = "".join(
            customer.get(f"/cases/{case.reference}/{part}").content.decode() for part in parts
        )
        assert "parcel" in said and "s…@example.org" in said
        for secret in ("Secret", "Beware", "Reason", "550 internal", "sam@example.org"):
            assert secret not in said, secret
        program = make_client()
        assert "Beware" not in program.get(f"/cases/{case.reference}/messages/").content.decode()

    def test_sees_no_call_that_staff_have_to_make(self, organisation: Organisation) -> None:
        case = ask(organisation, kind="phone", address="020 123 45 67", wish="soon")
        customer, path = link_of(case), f"/cases/{case.reference}/"
        assert len(customer.get(f"{path}messages/").json()["results"]) == 1
        assert customer.get(f"{path}deliveries/").json()["results"] == []

    def test_writes_as_the_customer_and_nothing_else(self, case: Case) -> None:
        customer, path = link_of(case), f"/cases/{case.reference}/messages/"
        assert customer.post(path, {"text": "Hello"}).status_code == 201
        assert case.messages.filter(direction="in", kind="account", text="Hello").exists()
        problem(customer.post(path, {"text": "Hello", "kind": "phone"}), "invalid")
        problem(customer.post(path, {"text": "Hello", "direction": "out"}), "not-allowed")
        problem(customer.post("/cases/", NEW), "not-allowed")

    def test_switches_but_not_to_an_unproved_mailbox(self, case: Case) -> None:
        customer, path = link_of(case), f"/cases/{case.reference}/choice/"
        other = {"kind": "email", "address": "other@example.org"}
        assert "address" in problem(customer.post(path, other), "invalid")["errors"]
        assert not Identity.objects.filter(value="other@example.org").exists()
        assert customer.post(path, {"kind": "account"}).json()["kind"] == "account"
        known = customer.post(path, {"kind": "email", "once": True}).json()
        assert (known["address"], known["once"]) == ("s…@example.org", True)
        choice = Choice.objects.latest("pk")
        assert choice.identity and choice.identity.value == "sam@example.org"
        assert case.events.filter(sort=Event.Sort.SWITCHED).count() == 2

    def test_counts_with_the_page(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("portal.api.messages.MESSAGES_PER_HOUR", 2)
        customer, path = link_of(case), f"/cases/{case.reference}/messages/"
        codes = [customer.post(path, {"text": "Hi"}).status_code for _n in range(3)]
        assert codes == [201, 201, 429]
        assert Topic.objects.exists() and case.messages.filter(text="Hi").count() == 2


def test_by_appointment_is_a_way_only_while_a_time_is_free(
    api: Api, organisation: Organisation
) -> None:
    made, new = booking.offer_video(organisation), {**NEW, "kind": "video", "address": ""}
    assert "video" in {row["kind"] for row in api.get("/channels/").json()["results"]}
    assert api.post("/cases/", new).status_code == 201
    Channel.objects.filter(pk=made.pk).update(weekly_hours={"mon": [["09:00", "09:10"]]})
    assert "video" not in {row["kind"] for row in api.get("/channels/").json()["results"]}
    problem(api.post("/cases/", {**new, "text": "Another one."}), "invalid")


class TestMessengers:
    """A kind where the customer writes first."""

    @pytest.fixture(autouse=True)
    def _offered(self, organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(PROVIDERS, "pocket", pocket.Pocket)
        pocket.channel(organisation)
        pocket.channel(organisation, "sms")

    def test_the_list_says_so(self, api: Api) -> None:
        rows = {row["kind"]: row for row in api.get("/channels/").json()["results"]}
        assert rows["whatsapp"]["writes_first"] and rows["whatsapp"]["address_needed"] == ""
        assert not rows["sms"]["writes_first"] and rows["sms"]["address_needed"] == "phone"

    def test_a_switch_answers_with_an_invitation(self, case: Case) -> None:
        for caller in (link_of(case), make_client()):
            answer = caller.post(f"/cases/{case.reference}/choice/", {"kind": "whatsapp"})
            shown = joining.waiting(case)
            assert answer.status_code == 202 and shown is not None
            assert (answer.json()["link"], answer.json()["text"]) == (shown.link, shown.text)
        case.refresh_from_db()
        assert case.choice and case.choice.kind == "email"

    def test_the_code_is_not_stored_with_the_answer(self, api: Api, case: Case) -> None:
        path, key = f"/cases/{case.reference}/choice/", "invite-once"
        first = api.post(path, {"kind": "whatsapp"}, Idempotency_Key=key)
        again = api.post(path, {"kind": "whatsapp"}, Idempotency_Key=key)
        assert again["Idempotency-Replayed"] and first.json() == again.json()
        code = Code.objects.invitations().get().plain
        stored = str(IdempotencyKey.objects.get(key=key).answer)
        assert code[:5] not in stored and code[5:] not in stored

    def test_a_program_opens_a_case_that_waits(self, api: Api) -> None:
        new = {"text": "Hello", "kind": "whatsapp"}
        case = api.post("/cases/", new).json()
        assert case["choice"]["kind"] == "account"
        known = api.post("/cases/", {**new, "address": "06 1234 5678"}).json()
        assert known["choice"] == {**known["choice"], "kind": "whatsapp", "address": "+31612345678"}

    def test_the_link_of_a_case_proves_no_number(self, case: Case) -> None:
        customer, path = link_of(case), f"/cases/{case.reference}/choice/"
        number = {"address": "06 1234 5678"}
        problem(customer.post(path, {"kind": "sms", **number}), "invalid")
        assert customer.post(path, {"kind": "whatsapp", **number}).status_code == 202
        called = customer.post(path, {"kind": "phone", **number, "wish": "soon"})
        assert called.status_code == 200
        problem(customer.post(path, {"kind": "sms"}), "invalid")
        assert customer.post(path, {"kind": "whatsapp"}).status_code == 202
