"""The composer says how an answer will arrive, before it is sent."""

import html
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from channels_app.models import Channel, Delivery
from contacts.models import Case, Code, Event, Message, Topic, User
from tests.rendering.conftest import MakeCase, wrote

Browser = Client


@pytest.fixture
def desk(agent: User) -> Browser:
    """A browser in which Anna is signed in."""
    client = Client()
    client.force_login(agent)
    return client


def shown(desk: Browser, case: Case, text: str, *, live: bool = True, **more: Any) -> str:
    """What stands below the text."""
    url = reverse("admin:case_preview", args=[case.reference])
    headers = {"HX-Request": "true"} if live else {}
    answer = desk.post(url, {"text": text, "kind": "", **more}, headers=headers)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def whole(desk: Browser, case: Case) -> str:
    return html.unescape(desk.get(reverse("admin:case", args=[case.reference])).content.decode())


def listed(*sizes: int) -> str:
    return json.dumps([[f"{size}.pdf", "application/pdf", size] for size in sizes])


def test_sms_are_counted(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("sms")
    one = shown(desk, case, "Yes.")
    assert "1 SMS · 140 characters left" in one and "Yes.<br>Anna, Test Shop" in one
    assert "3 SMS · 0 characters left" in shown(desk, case, "a" * 459)
    long = shown(desk, case, "a" * 460)
    assert "Too long for SMS: this notice goes, the answer stays on their page." in long
    assert "characters left" not in long  # of a notice no letter can be saved
    assert "There is an answer to your question" in long and "/…" in long and "aaa" not in long
    assert not Message.objects.filter(direction="out", template="").exists()
    assert not Code.objects.filter(purpose="case_link", case=case).exists()


def test_files_are_said(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp")
    assert "become" not in shown(desk, case, "See.", listed=listed(10))
    assert "1 file becomes a link to their page." in shown(desk, case, "See.", listed=listed(101))
    two = shown(desk, case, "See.", listed=listed(101, 102, 5))
    assert "2 files become a link to their page." in two and "2 files are here:" in two


@pytest.mark.parametrize("raw", ["{", "5", '[["a"]]', '[["a", "b", "c"]]', "null", '[{"a": 1}]'])
def test_a_list_that_is_none_breaks_nothing(raw: str, desk: Browser, make_case: MakeCase) -> None:
    assert "1 SMS" in shown(desk, make_case("sms"), "Yes.", listed=raw)


def test_by_hand_files_stay_on_the_page(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("letter", address="Street 1\n1000 AA Town")
    assert "1 file stays on their page." in shown(desk, case, "See.", listed=listed(5))
    assert not shown(desk, case, "See.").strip()


def test_a_sensitive_answer_is_a_notice(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("sms")
    Case.objects.filter(pk=case.pk).update(topic=Topic.objects.get(slug="invoice"))
    found = shown(desk, case, "Your debt.")
    assert "There is an answer" in found and "debt" not in found and "Too long" not in found


def test_another_way_shows_what_it_makes(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("email", address="sam@example.org")
    assert not shown(desk, case, "Yes.").strip()
    assert "data-preview" not in whole(desk, case)
    sms = make_case("sms")
    wrote("whatsapp")
    assert "data-preview" in whole(desk, sms)
    assert "SMS ·" not in shown(desk, sms, "Yes.", kind="whatsapp")


def test_each_way_of_the_menu_can_be_looked_at(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("email", address="sam@example.org")
    page = whole(desk, case)
    for kind in ("account", "sms", "whatsapp", "phone", "letter"):
        assert f'name="look" value="{kind}"' in page, kind
    same = shown(desk, case, "Yes <b>.", look="account")
    assert "on their own page: the customer chose" in same and "Yes <b>." in same
    refused = shown(desk, case, "Yes.", look="sms")
    assert "desk-preview__way--refused" in refused and "Yes." not in refused
    assert not case.events.filter(sort=Event.Sort.REFUSED).exists()  # a look is no try
    assert 'name="kind" value=""' in whole(desk, case)  # nothing was picked by it
    sms = make_case("sms")
    own = shown(desk, sms, "Yes.", look="account")
    assert "Anna" not in own and "SMS" not in own.replace("“SMS”", "")
    there = shown(desk, sms, "Yes.", look="sms", kind="account")
    assert "1 SMS · 140 characters left" in there and "chosen by the customer" in there
    Case.objects.filter(pk=sms.pk).update(topic=Topic.objects.get(slug="invoice"))
    kept = shown(desk, make_case("email", address="eve@example.org"), "Your debt.", look="email")
    assert "Your debt." in kept
    Case.objects.filter(pk=case.pk).update(topic=Topic.objects.get(slug="invoice"))
    kept = shown(desk, case, "Your debt.", look="email")
    assert "Sensitive: only a notice goes" in kept and "debt" not in kept


def test_without_javascript_a_look_brings_the_page_back(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("sms")
    page = shown(desk, case, "Yes.", live=False, look="account")
    assert ">Yes.</textarea>" in page and 'name="kind" value="account"' in page
    assert not case.events.filter(sort=Event.Sort.REFUSED).exists()


def test_without_javascript_the_page_comes_back_with_it(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("sms")
    page = shown(desk, case, "Yes.", live=False)
    assert "1 SMS · 140 characters left" in page and ">Yes.</textarea>" in page
    page = shown(desk, case, "Yes.", live=False, files=SimpleUploadedFile("a.pdf", b"%PDF"))
    assert "1 file becomes a link" in page and "Add your files again before you send." in page


def test_what_is_left_of_the_window_is_said(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp", timedelta(minutes=30))
    assert "23 h left to answer by WhatsApp." in whole(desk, case)


def test_a_closed_window_has_no_send_button_and_another_way(
    desk: Browser, make_case: MakeCase
) -> None:
    case = make_case("whatsapp")
    wrote("whatsapp", timedelta(hours=24))
    page = whole(desk, case)
    assert "WhatsApp lets us answer only within 24 hours" in page
    assert "data-send" not in page and 'value="account"' in page
    given = {"text": "Come at ten.", "kind": "", "seen": "99"}
    sent = desk.post(reverse("admin:case_answer", args=[case.reference]), given)
    assert sent.status_code == 422 and "Come at ten." in sent.content.decode()
    assert not Delivery.objects.filter(message__template="").exists()
    assert not case.events.filter(sort=Event.Sort.REFUSED).exists()  # it is no wish of theirs


def test_with_an_approved_text_it_is_shown(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("whatsapp")
    Channel.objects.get(kind="whatsapp").templates.create(
        name="answer", language="en", body="An answer to {{1}}: {{2}} .", state="approved"
    )
    assert "a text that was approved goes, with a link" in whole(desk, case)
    found = shown(desk, case, "Come at ten.")
    assert f"An answer to {case.reference}: http" in found and "ten" not in found


def test_history_says_delivered_and_read(desk: Browser, make_case: MakeCase) -> None:
    case = make_case("sms")
    desk.post(
        reverse("admin:case_answer", args=[case.reference]),
        {"text": "Yes.", "kind": "", "seen": "99"},
    )
    rows = Delivery.objects.filter(message__case=case, message__template="")
    for status in ("delivered", "read"):
        rows.update(status=status)
        page = whole(desk, case)
        state = page.split('class="desk-delivery__state"')[-1].split("</div>")[0]
        assert f"{status}</span>" in state and "by SMS, 06 12345678" in state
