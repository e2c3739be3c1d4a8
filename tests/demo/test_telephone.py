"""The telephone over HTTP: adapters, fake providers and webhooks meet on a real web server."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from channels_app import routing
from channels_app.models import Channel, Delivery, InboundEvent, InboundItem, Template
from channels_app.routing import Refused
from contacts.models import Case, Identity, Message, Organisation
from portal.simulator import accounts, telephones
from portal.simulator.book import Book, Bubble, now
from portal.simulator.providers import moods
from tests.demo.play import TOM, answer, ask, becomes, recorded, status, work
from tests.needs import corpus
from tests.setup.test_processes import until

SMS = f"/demo/telephone/sms/{TOM}/{accounts.SMS_NUMBER}/"
WHATSAPP = f"/demo/telephone/whatsapp/{TOM}/{accounts.WHATSAPP_NUMBER}/"
pytestmark = pytest.mark.django_db(transaction=True)


def test_an_answer_rings_and_its_steps_come_back(web: str, shop: Organisation) -> None:
    delivery = answer(ask(shop))
    assert delivery.status == Delivery.Status.SENT
    (bubble,) = [b for b in Book("sms").bubbles(TOM) if "Yes, it is here." in b.text]
    assert delivery.provider_id == bubble.id
    rings = Client().get("/demo/telephone/banner/")
    assert "Yes, it is here." in rings.content.decode() and int(rings["X-Rang"]) > 0
    becomes(lambda: Delivery.objects.get(pk=delivery.pk).status == "delivered")


def test_what_the_customer_writes_comes_in_signed(web: str, shop: Organisation) -> None:
    assert Client().post(SMS, {"text": "Hello? Één vraag"}).status_code == 302
    becomes(lambda: Message.objects.filter(direction="in", text="Hello? Één vraag").exists())
    assert Identity.objects.filter(scheme="phone", value=TOM).exists()
    assert until(lambda: Book("sms").bubbles(TOM)[0].status == "delivered")
    assert "✓✓" in Client().get(SMS).content.decode()


def test_without_a_text_nothing_goes(web: str) -> None:
    page = Client().post(SMS, {"text": "  "})
    assert page.status_code == 200 and "Write a text first." in page.content.decode()
    assert Book("sms").bubbles() == []


def test_a_broken_provider_is_tried_again(web: str, shop: Organisation) -> None:
    case = ask(shop)
    work()
    moods.switch("sms", "broken", on=True)
    delivery = answer(case)
    assert (delivery.status, Book("sms").unread() > 0) == ("queued", bool(Book("sms").bubbles()))
    moods.normal("sms")
    Delivery.objects.update(next_attempt_at=timezone.now())
    Channel.objects.update(paused_until=None)
    work()
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.SENT
    assert len([b for b in Book("sms").bubbles(TOM) if "Yes, it is here." in b.text]) == 1


def test_garbage_is_never_sent_twice(web: str, shop: Organisation) -> None:
    case = ask(shop)
    work()
    moods.switch("sms", "garbage", on=True)
    delivery = answer(case)
    assert delivery.status == Delivery.Status.UNCERTAIN
    moods.normal("sms")
    work()
    assert Delivery.objects.get(pk=delivery.pk).status == Delivery.Status.UNCERTAIN


def test_duplicates_are_one_message(web: str, shop: Organisation) -> None:
    moods.switch("sms", "twice", on=True)
    Client().post(SMS, {"text": "Only once"})
    becomes(lambda: Message.objects.filter(text="Only once").exists())
    assert until(lambda: Book("sms").bubbles(TOM)[0].status == "delivered")
    work()
    assert Message.objects.filter(text="Only once").count() == 1


def test_the_panel_says_what_is_on(web: str) -> None:
    client = Client()
    client.post("/demo/telephone/misbehave/", {"app": "sms", "mood": "slow"})
    assert [mood.name for mood in moods.active("sms")] == ["slow"]
    page = client.get("/demo/telephone/misbehave/").content.decode()
    assert len(re.findall(r'aria-pressed="true"', page)) == 1
    assert page.count("Back to normal") == 1  # where something is on
    assert "SMS: Slow" in client.get("/demo/pocket/").content.decode()
    client.post("/demo/telephone/misbehave/", {"app": "all", "mood": "normal"})
    assert moods.active("sms") == []
    for wrong in ({"app": "fax", "mood": "slow"}, {"app": "sms", "mood": "closed"}):
        assert client.post("/demo/telephone/misbehave/", wrong).status_code == 404


@pytest.mark.parametrize(
    ("link", "path", "text"),
    [
        ("https://wa.me/442079460021?text=Hi%20%26%20bye", "whatsapp", "Hi &amp; bye"),
        ("sms:+442079460020?&body=Code%201", "sms", "Code 1"),
    ],
)
def test_a_link_opens_its_app_with_the_text_ready(
    web: str, link: str, path: str, text: str
) -> None:
    page = Client().get(f"/demo/telephone/open/?link={quote(link)}", follow=True)
    assert f"/demo/telephone/{path}/{telephones.MINE}/" in page.redirect_chain[0][0]
    assert re.search(rf"<textarea[^>]*>{re.escape(text)}</textarea>", page.content.decode())
    assert "Your text is ready: press send." in page.content.decode()
    assert Book(path).bubbles() == []  # nothing goes until somebody presses send


@pytest.mark.parametrize(
    "link",
    [
        "",
        "https://evil.example/1",
        "https://wa.me/x",
        "javascript:alert(1)",
        "http://[",
        "https://t.me/",
        "https://t.me/+4412345678?start=x",
        "https://t.me/OneBot?start=%3Cb%3E",
    ],
)
def test_other_links_open_nothing(web: str, link: str) -> None:
    response = Client().get(f"/demo/telephone/open/?link={quote(link)}")
    assert (response.status_code, response["Location"]) == (302, "/demo/telephone/?nothing")


def test_the_telephone_is_that_of_who_plays(web: str, shop: Organisation) -> None:
    client = Client()
    assert telephones.MINE in client.get("/demo/telephone/").content.decode()
    client.post("/demo/telephone/take/", {"number": TOM})
    page = client.get("/demo/telephone/").content.decode()
    assert f'value="{TOM}" selected' in page
    client.post("/demo/telephone/take/", {"number": "nonsense"})
    assert f'value="{TOM}" selected' in client.get("/demo/telephone/").content.decode()
    client.post("/demo/be/customer/new/")
    assert f'value="{TOM}" selected' not in client.get("/demo/telephone/").content.decode()


def test_what_rings_on_another_telephone_is_said(web: str, shop: Organisation) -> None:
    client, line = Client(), "Rings elsewhere:"
    assert line not in client.get("/demo/telephone/").content.decode()
    answer(ask(shop))
    client.post("/demo/telephone/take/", {"number": telephones.MINE})
    home = client.get("/demo/telephone/").content.decode()
    assert line in home and f'<button name="number" value="{TOM}">' in home
    client.post("/demo/telephone/take/", {"number": TOM})
    assert line not in client.get("/demo/telephone/").content.decode()


def test_what_is_hostile_stays_text(web: str) -> None:
    Client().post(SMS, {"text": "<script>alert(1)</script> https://x.example/<b>"})
    for path in (SMS, "/demo/telephone/sms/", "/demo/telephone/banner/"):
        assert "<script>alert" not in Client().get(path).content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "fax/",
        "fax/+442079460102/+442079460020/",
        "sms/nobody/+442079460020/",
        "sms/+442079460102/VeloVolt__DemoBot/",
        "telegram/+442079460102/+442079460020/",
        "sms/file/nothing/",
        "sms/file/..%2F..%2Fproviders.json/",
        "now/?view=thread&app=fax",
    ],
)
def test_no_such_thing(web: str, data: Path, path: str) -> None:
    assert Client().get(f"/demo/telephone/{path}").status_code == 404


def test_nothing_new_is_204(web: str) -> None:
    version = telephones.version()
    for path in ("now/", "banner/"):
        assert Client().get(f"/demo/telephone/{path}?version={version}").status_code == 204
    assert Client().get("/demo/telephone/now/").status_code == 200


@pytest.mark.parametrize("view", ["home", "app&app=sms", f"thread&app=sms&owner={quote(TOM)}"])
def test_what_comes_while_the_page_is_read_is_new(
    web: str, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    place = f"/demo/telephone/now/?view={view}&peer={quote(accounts.SMS_NUMBER, safe='')}"
    read = Book.bubbles

    def too_late(book: Book, *names: str) -> list[Bubble]:
        found = read(book, *names)
        if not found and book.path.name == "sms.jsonl":
            book.add(Bubble("late", TOM, accounts.SMS_NUMBER, now(), mine=False, text="Just now."))
        return found

    monkeypatch.setattr(Book, "bubbles", too_late)
    first = Client().get(place)
    monkeypatch.undo()
    assert read(Book("sms"))
    assert Client().get(f"{place}&version={first['X-Version']}").status_code == 200


def png() -> bytes:
    """A picture of one pixel."""
    return bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c63f8ffff3f0005fe02fea7d605d50000000049454e44ae426082"
    )


def write(text: str, **more: Any) -> None:
    """The customer writes by WhatsApp."""
    assert Client().post(WHATSAPP, {"text": text, **more}).status_code == 302


def written() -> Case:
    """The case that the customer's first WhatsApp opened."""
    becomes(lambda: Case.objects.exists())
    return Case.objects.get()


def test_a_whatsapp_there_and_back(web: str, shop: Organisation) -> None:
    write("Do you have the blue one?")
    delivery = answer(written())
    assert delivery.status == Delivery.Status.SENT
    bubble = Book("whatsapp").get(delivery.provider_id)
    assert bubble and "Yes, it is here." in bubble.text
    becomes(lambda: status(delivery) == "delivered")
    path = f"/demo/telephone/now/?view=thread&app=whatsapp&owner={quote(TOM)}"
    page = Client().get(f"{path}&peer={quote(accounts.WHATSAPP_NUMBER)}")
    assert "Yes, it is here." in page.content.decode()
    becomes(lambda: status(delivery) == "read")


def test_a_picture_goes_in(web: str, shop: Organisation) -> None:
    write("Like this?", files=SimpleUploadedFile("bike.png", png(), "image/png"))
    case = written()
    page = Client().get(WHATSAPP).content.decode()
    key = re.search(r"/demo/telephone/whatsapp/file/(\w+)/", page)
    assert key and Client().get(key[0]).content == png()
    becomes(lambda: case.messages.filter(attachments__isnull=False).exists())
    kept = case.messages.get(direction="in").attachments.get()
    assert kept.file.read() == png()


def test_a_dangerous_file_stays_in_the_telephone(web: str, shop: Organisation) -> None:
    page = Client().post(WHATSAPP, {"text": "x", "files": SimpleUploadedFile("a.exe", b"MZ")})
    assert page.status_code == 200 and "a.exe" in page.content.decode()
    assert Book("whatsapp").bubbles() == []


def test_a_window_that_closes_is_told_to_staff(web: str, shop: Organisation) -> None:
    write("Do you have the blue one?")
    case = written()
    moods.switch("whatsapp", "closed", on=True)
    delivery = answer(case)
    becomes(lambda: status(delivery) == "failed")
    assert not [b for b in Book("whatsapp").bubbles(TOM) if "Yes, it is here." in b.text]
    assert case.alerts.filter(sort="failed").exists()


def test_an_approved_text_goes_when_the_window_is_closed(web: str, shop: Organisation) -> None:
    write("Do you have the blue one?")
    case = written()
    InboundItem.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert isinstance(routing.route(Message(case=case, kind="whatsapp"), timezone.now()), Refused)
    assert set(Template.objects.values_list("state", flat=True)) == {Template.State.DRAFT}
    Template.objects.update(state=Template.State.APPROVED)
    delivery = answer(case)
    assert delivery.status == Delivery.Status.SENT
    bubble = Book("whatsapp").get(delivery.provider_id)
    assert bubble and bubble.text.startswith(f"You have an answer to {case.reference}.")
    assert f"{web}/c/" in bubble.text and "Yes, it is here." not in bubble.text


def test_who_blocks_us_is_marked(web: str, shop: Organisation) -> None:
    write("Do you have the blue one?")
    case = written()
    moods.switch("whatsapp", "blocked", on=True)
    delivery = answer(case)
    becomes(lambda: status(delivery) in ("failed", "returned"))


def test_statuses_in_any_order_go_forward_only(web: str, shop: Organisation) -> None:
    write("Do you have the blue one?")
    case = written()
    for mood in ("disorder", "twice"):
        moods.switch("whatsapp", mood, on=True)
    delivery = answer(case)
    becomes(lambda: status(delivery) == "delivered")
    assert until(lambda: InboundEvent.objects.filter(channel__slug="whatsapp").count() >= 3)
    work()
    assert status(delivery) == "delivered"


def test_our_requests_are_what_the_schema_knows(
    web: str, shop: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = recorded(monkeypatch)
    answer(ask(shop))
    spec = json.loads((corpus("twilio_oai") / "twilio_api_v2010.json").read_text())
    post = spec["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    schema = post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    sent = [call for call in calls if call.path.endswith("/Messages.json")]
    assert sent
    for call in sent:
        assert call.header("content-type") == "application/x-www-form-urlencoded"
        form = {name: value for name, (value,) in call.form.items()}
        assert set(form) <= set(schema["properties"])
        assert set(schema.get("required", [])) <= set(form)
        assert {schema["properties"][name]["type"] for name in form} == {"string"}
        assert form["StatusCallback"].startswith(f"{web}/webhooks/sms/?key=")


def correct(act: str, of: str, text: str = "") -> int:
    """The customer does something to a message."""
    return Client().post(WHATSAPP, {"act": act, "of": of, "text": text}).status_code


def test_what_was_written_is_changed_deleted_and_reacted_to(web: str, shop: Organisation) -> None:
    write("The blue one?")
    bubble = answer(written()).provider_id
    (mine,) = [b for b in Book("whatsapp").bubbles(TOM) if b.mine]
    assert correct("edited", mine.id, "The red one?") == 302
    assert correct("reacted", bubble) == 302

    def came(sort: bytes) -> bool:
        return any(sort in bytes(event.raw) for event in InboundEvent.objects.all())

    becomes(lambda: came(b'"type":"edit"') and came(b'"type":"reaction"'))
    page = Client().get(WHATSAPP).content.decode()
    assert "The red one?" in page and "The blue one?" not in page and "👍" in page
    assert correct("deleted", mine.id) == 302
    assert "You deleted this message." in Client().get(WHATSAPP).content.decode()
    for act, of in (("edited", mine.id), ("deleted", bubble), ("edited", "none"), ("x", bubble)):
        assert correct(act, of, "No") == 404
