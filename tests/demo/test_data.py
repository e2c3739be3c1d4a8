"""The demo's data: sixteen cases, each of which shows what its name says."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count
from django.test import Client, override_settings
from django.utils import timezone

from channels_app import dispatch, measures, routing, sending
from channels_app.models import Channel, Delivery
from contacts import codes
from contacts.models import (
    Case,
    Code,
    Customer,
    Event,
    Identity,
    Message,
    Organisation,
    Question,
    User,
)
from portal.desk.facts import story_of
from portal.simulator import cases, cast, earlier
from portal.simulator.book import Book
from portal.simulator.maildir import Maildir
from portal.simulator.providers.moods import PROVIDERS


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The demo, loaded once for this module and taken back at its end; its data folder."""
    folder = tmp_path_factory.mktemp("demo")
    mine = override_settings(DATA_DIR=folder, MEDIA_ROOT=folder)
    with django_db_blocker.unblock(), transaction.atomic(), mine:
        call_command("demo", stdout=io.StringIO())
        yield folder
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded: Path, db: None) -> None:
    """The loaded demo; what a test changes in it is taken back."""


def case(words: str) -> Case:
    """The one case that is named so."""
    return Case.objects.get(title__icontains=words)


def delivery(of: Case, **more: Any) -> Delivery:
    return Delivery.objects.filter(message__case=of, **more).latest("created_at")


def counts() -> dict[str, int]:
    models = (Case, Message, Delivery, Event, Customer, Code, Identity, User, Channel)
    return {model.__name__: model._default_manager.count() for model in models}


def test_it_has_the_shop_and_sixteen_cases(demo: None) -> None:
    assert "demo" in Organisation.objects.get().name
    assert len(cases.STORIES) == 16
    assert Case.objects.count() == 16 + len(earlier.SOLVED)
    assert set(Case.objects.values_list("language", flat=True)) == {"en", "nl"}
    assert User.objects.filter(is_demo=True, is_superuser=False).count() == 3
    assert User.objects.filter(is_demo=True, is_superuser=True).count() == 1
    assert not User.objects.filter(is_demo=False).exists()
    kinds = set(Channel.objects.offered().values_list("kind", flat=True))
    assert kinds == {
        "phone",
        "video",
        "email",
        "account",
        "letter",
        "in_person",
        "sms",
        "whatsapp",
        "telegram",
        "chat",
    }


def test_again_it_changes_nothing(demo: None) -> None:
    before, mails = counts(), Maildir().version()
    call_command("demo", stdout=io.StringIO())
    assert counts() == before
    assert Maildir().version() == mails


def test_all_people_are_invented(demo: None) -> None:
    for customer in Customer.objects.all():
        assert "Demo" in customer.name
    for value in Identity.objects.filter(scheme="email").values_list("value", flat=True):
        assert value.endswith("@example.org")
    for value in Identity.objects.filter(scheme="phone").values_list("value", flat=True):
        assert value.startswith("+44207946")  # Ofcom: 020 7946 0000 to 0999, for drama
    assert cast.SHOP_PHONE.replace(" ", "").startswith("+44207946")


def test_times_are_in_the_past_and_in_order(demo: None) -> None:
    now = timezone.now()
    for one in Case.objects.all():
        moments = list(one.messages.order_by("seq").values_list("created_at", flat=True))
        assert moments == sorted(moments)
        assert one.opened_at < now - timedelta(minutes=30)
        assert one.opened_at <= one.changed_at < now
    assert not Delivery.objects.filter(sent_at__gte=now - timedelta(minutes=30)).exists()


def test_nothing_is_left_for_the_worker(demo: None) -> None:
    assert not Delivery.objects.due(timezone.now()).exists()
    assert not Delivery.objects.filter(status__in=["queued", "sending", "uncertain"]).exists()


def test_every_mail_was_really_sent(demo: None) -> None:
    sent = Delivery.objects.filter(channel__kind="email", status="sent")
    assert len(Maildir().mails()) == sent.count() > 20
    newest = Maildir().mails()[0]
    assert sent.filter(provider_id=newest.content.message_id).exists()
    assert Maildir().unread() == 2
    assert [provider.book.unread() for provider in PROVIDERS.values()] == [0, 0, 0]


def test_a_switch(demo: None) -> None:
    one = case("A switch")
    used = list(one.messages.filter(direction="out", template="").values_list("kind", flat=True))
    assert used == ["email", "account"]
    assert one.events.filter(sort=Event.Sort.SWITCHED, data__before="email").exists()


def test_a_failed_delivery_can_be_tried_again(
    demo: None, mailbox: Maildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = case("mislukte bezorging")
    failed = delivery(one)
    assert failed.status == Delivery.Status.FAILED
    assert "552" in failed.error
    assert one.alerts.filter(sort="failed").exists()
    daan = User.objects.get(username="daan")
    again = dispatch.try_again(failed, daan)
    assert again is not None
    sending.deliver(again.channel_id)
    again.refresh_from_db()
    assert again.status == Delivery.Status.SENT
    assert Maildir().mails(cast.PEOPLE["bram"].email)[0].head.preview.startswith("Rijden kan")


def test_a_refused_call(demo: None) -> None:
    event = case("refused call").events.get(sort=Event.Sort.REFUSED)
    assert event.data["kind"] == "phone"
    assert not Delivery.objects.filter(message__case=event.case, channel__kind="phone").exists()


def test_the_refusal_names_the_day_of_the_story(demo: None) -> None:
    one = case("refused call")
    consent = one.customer.consents.get(kind="phone")
    assert abs(consent.created_at - one.opened_at) < timedelta(minutes=1)
    day = timezone.localtime(consent.created_at).date().isoformat()
    assert one.events.get(sort=Event.Sort.REFUSED).data["reason"]["day"] == day


def test_a_caller_without_email(demo: None) -> None:
    one = case("zonder e-mail")
    held = one.customer.holders.values_list("identity__scheme", flat=True)
    assert set(held) == {"phone"}
    assert delivery(one).status == Delivery.Status.DONE
    assert one.messages.filter(template="spoken").exists()


def test_one_that_waits_too_long(demo: None) -> None:
    one = case("Waits too long")
    assert one.waiting_since is not None
    due = Channel.objects.get(slug="email").due_at(one.waiting_since)
    assert due is not None and due < timezone.now()
    assert one == Case.objects.waiting().earliest("waiting_since")


def test_sixty_messages_over_seven_channels(demo: None) -> None:
    one = case("Sixty messages")
    assert one.messages.count() == 60
    kinds = one.messages.exclude(kind="").values("kind").annotate(n=Count("pk"))
    wanted = {"email", "phone", "account", "letter", "in_person", "whatsapp", "sms"}
    assert {row["kind"] for row in kinds} == wanted
    assert one.messages.filter(direction="note").count() == 2
    assert one.messages.values("staff").distinct().count() > 3


def test_the_card_alone_says_what_is_open(demo: None) -> None:
    """R30: one who never saw the sixty messages reads it in a minute."""
    read = Case.objects.select_related("choice__identity").get(pk=case("Sixty messages").pk)
    story = story_of(read)
    said = {
        "asked": ("rent twelve e-bikes",),
        "then": ("call me about the invoice",),
        "answered": ("Mei", "Which address shall stand on the invoice"),
        "promised": ("Twelve helmets on loan", "Stopping in August", "An answer"),
        "points": ("van on Tuesday 9:00", "invoice to the new address", "Clear first: two bikes"),
        "points_by": ("Mei",),
        "open": ("1 message without an answer", "two of the twelve come on Monday"),
        "tried": ("Phone: not reached 2 times", "he is back after 16:00"),
        "known": (
            "Lucas Demo",
            "lucas@example.org",
            "+44 20 7946 0106",
            "English",
            "logo-on-guard.pdf",
            "told us",
        ),
        "wish": ("By WhatsApp to +44 20 7946 0106",),
    }
    for name, parts in said.items():
        for part in parts:
            assert part in getattr(story, name), (name, part, getattr(story, name))
    assert story.is_owed and len(story.news) == 2
    told = " ".join(str(getattr(story, name)) for name in said)
    assert len(told.split()) < 260  # a minute, at the pace of silent reading


def test_a_sensitive_one(demo: None) -> None:
    one = case("gevoelige vraag")
    assert one.is_sensitive
    answer = delivery(one, message__template="")
    assert answer.only_notice
    mail = Maildir().mails(cast.PEOPLE["sanne"].email)[0]
    assert "86,40" in answer.message.text
    assert "86,40" not in mail.raw.decode("utf-8", "replace")


def test_a_letter_with_a_code(demo: None) -> None:
    one = case("brief met een code")
    assert delivery(one).status == Delivery.Status.DONE
    code = Code.objects.live().get(case=one, purpose=codes.JOIN)
    client = Client()
    box = client.get("/demo/pocket/letters/").content.decode()
    assert "Wim Demo" in box
    page = client.get(f"/demo/pocket/letters/{delivery(one).pk}/").content.decode()
    assert codes.on_paper(code.plain) in page
    assert "onder garantie" in page
    assert 'lang="nl"' in page and "Uw code" in page and "Uw telefoontje" in page


def test_a_callback_request(demo: None) -> None:
    one = case("callback request")
    assert delivery(one).status == Delivery.Status.TODO
    assert one.choice is not None and one.choice.wish == "soon"
    assert one.waiting_since is not None


def test_an_override_with_a_reason(demo: None) -> None:
    one = case("met de reden")
    event = one.events.get(sort=Event.Sort.OVERRIDDEN)
    assert (event.data["chosen"], event.data["used"]) == ("account", "email")
    assert len(event.data["why"]) > 20


def test_customers_said_how_it_was(demo: None) -> None:
    found = measures.afterwards()
    assert sum(heard.asked for heard in found.by_kind.values()) == len(earlier.SOLVED) + 1
    assert found.by_kind["email"].answered > 4 < found.by_kind["account"].answered
    assert set(found.by_switches) == {0, 1, 2}
    solved = Case.objects.filter(outcomes__asked_at__lt=timezone.now() - timedelta(days=8))
    assert set(solved.values_list("state", flat=True)) == {"resolved"}
    assert not Message.objects.filter(template=Question.Sort.SETTLED).exists()


def test_solved_and_opened_again(demo: None) -> None:
    one = case("opened again")
    sorts = list(one.events.order_by("seq").values_list("sort", flat=True))
    assert sorts.index("resolved") < sorts.index("reopened")
    assert one.state == Case.State.OPEN
    assert one.waiting_since is not None


def test_one_that_may_belong_to_another(demo: None) -> None:
    one = case("Hoort misschien bij")
    assert one.may_belong_to == case("met de reden")
    assert one.customer != one.may_belong_to.customer


def test_one_by_whatsapp_that_was_read(demo: None) -> None:
    one = case("Per WhatsApp")
    assert one.choice is not None and one.choice.kind == "whatsapp"
    assert delivery(one, message__template="").status == Delivery.Status.READ
    said = Book("whatsapp").bubbles(cast.PEOPLE["mila"].phone.replace(" ", ""))
    assert [bubble.mine for bubble in said if "fiets" not in bubble.text].count(True) == 2
    assert one.messages.filter(direction="in").count() == 2


def test_one_whose_window_is_closed(demo: None) -> None:
    one = case("A closed window")
    message = Message(case=one, direction=Message.Direction.OUT, kind="whatsapp")
    refused = routing.route(message, timezone.now())
    assert isinstance(refused, routing.Refused)


def test_one_by_telegram(demo: None) -> None:
    one = case("Via Telegram")
    assert one.choice is not None and one.choice.kind == "telegram" and one.language == "nl"
    assert delivery(one, message__template="").status == Delivery.Status.SENT
    phone = cast.PEOPLE["joep"].phone.replace(" ", "")
    assert next(b.text for b in Book("telegram").bubbles(phone)) == "/start"
    assert one.messages.filter(direction="in").count() == 1
    held = one.customer.holders.current().select_related("identity")
    assert [holder.identity.scheme for holder in held] == ["telegram"]


def test_one_by_sms(demo: None) -> None:
    one = case("By SMS")
    assert one.choice is not None and one.choice.kind == "sms"
    answer = delivery(one, message__template="")
    assert answer.status == Delivery.Status.DELIVERED
    bubble = Book("sms").get(answer.provider_id)
    assert bubble and "It is ready" in bubble.text
    assert bubble.at < timezone.now() - timedelta(hours=6)
