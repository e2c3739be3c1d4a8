"""The demo's video server: whom it lets into a room; and a browser that really goes there."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from channels_app import appointments, opening, slots
from channels_app.adapters.base import Account, Guest
from channels_app.adapters.jitsi import JitsiAdapter
from channels_app.models import Appointment, Channel, Delivery
from contacts.models import Organisation, User
from portal.simulator import accounts

ROOM, OTHER = "0123456789abcdef" * 2, "f" * 32
VIDEO = {"base_url": "URL", "app_id": "APP_ID", "app_secret": "APP_SECRET"}


@pytest.fixture
def token(db: None, data: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A token as the portal makes it, with claims of one's own."""
    for name, value in accounts.environment(data, "http://localhost:8000").items():
        monkeypatch.setenv(name, value)
    config = tuple((name, f"env:DEMO_JITSI_{variable}") for name, variable in VIDEO.items())
    adapter = JitsiAdapter(Account("video", config=config))
    app, secret = (accounts.value(f"DEMO_JITSI_APP_{word}") for word in ("ID", "SECRET"))

    def made(*, key: str = secret, alg: str = "HS256", **changes: Any) -> str:
        now = datetime.now(UTC)
        guest = Guest(ROOM, "Sam", False, now, now + timedelta(minutes=5))
        ours = adapter.entrance(guest).partition("?jwt=")[2]
        if not changes and key == secret and alg == "HS256":
            return ours
        claims = jwt.decode(ours, secret, algorithms=["HS256"], audience=app) | changes
        return jwt.encode(claims, key if alg != "none" else "", algorithm=alg)

    return made


def enter(token: str, room: str = ROOM, host: str = "127.0.0.1:8000") -> tuple[int, str]:
    answer = Client().get(f"/demo/meet/{room}", {"jwt": token}, headers={"host": host})
    return answer.status_code, answer.content.decode()


def test_a_token_of_ours_opens_its_room_and_no_other(token: Callable[..., str]) -> None:
    status, page = enter(token())
    assert status == 200 and "Sam" in page and "Nobody else is here yet." in page
    status, page = enter(token(), OTHER)
    assert status == 403 and "another room" in page


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"key": "another-secret-that-is-long-enough"}, "signature"),
        ({"alg": "none"}, "signature"),
        ({"room": OTHER}, "another room"),
        ({"room": "*"}, "another room"),
        ({"iss": "other"}, "another application"),
        ({"aud": "other"}, "another application"),
        ({"sub": "meet.example.org"}, "another server"),
        ({"exp": 1_700_000_000}, "expired"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_who_is_refused_reads_why(
    token: Callable[..., str], changes: dict[str, Any], why: str
) -> None:
    status, page = enter(token(**changes))
    assert status == 403 and why in page
    assert "Sam" not in page


@pytest.mark.parametrize("forged", ["", "a.b.c", "...", "é.é.é", "e30.e30.e30", "e30.e30"])
def test_what_is_no_token_is_refused(token: Callable[..., str], forged: str) -> None:
    assert enter(forged)[0] == 403


def agree(shop: Organisation) -> Appointment:
    """A video call of the demo's shop, some day."""
    case = opening.open_case(
        organisation=shop,
        text="My brake squeaks: may I show it?",
        kind="email",
        address="sam@example.org",
        name="Sam Sample",
        language="en",
        came_by="account",
    )
    channel = Channel.objects.select_related("organisation").get(slug="video")
    at = slots.next_free(channel, timezone.now())[0]
    return appointments.book(case=case, channel=channel, starts_at=at)


def near(agreed: Appointment, minutes: int) -> Appointment:
    """So many minutes from now."""
    at = timezone.now() + timedelta(minutes=minutes)
    Appointment.objects.filter(pk=agreed.pk).update(starts_at=at)
    Delivery.objects.filter(appointment=agreed, role="main").update(next_attempt_at=at)
    return Appointment.objects.select_related("code").get()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_both_meet_in_the_room_and_the_browser_lets_them(
    web: str, shop: Organisation, page: Page
) -> None:
    """Chromium holds the redirect of a form to form-action: the server is another site."""
    agreed = near(agree(shop), 12)
    assert agreed.code is not None
    faults: list[str] = []
    page.context.on("console", lambda line: faults.append(line.text))
    page.goto(f"{web}/a/{agreed.code.plain}/")
    door = page.locator("[data-opens]")
    expect(door).to_contain_text("You can enter the video call from")
    near(agreed, 5)  # it opened while the page was there
    door.evaluate("door => { door.dataset.opens = new Date().toISOString(); }")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Start the video call").click()
    theirs = opened.value
    expect(theirs.locator("h1")).to_have_text("Video call")
    expect(theirs.locator(".tiles")).to_contain_text("Guest")  # the link says nobody's name
    assert urlsplit(theirs.url).netloc != urlsplit(web).netloc

    noor = User.objects.get(username="noor")
    client = Client()
    client.force_login(noor)
    for name, morsel in client.cookies.items():
        page.context.add_cookies([{"name": name, "value": morsel.value, "url": web}])
    page.goto(f"{web}/admin/day/")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Start the video call").click()
    ours = opened.value
    expect(ours.locator(".me")).to_contain_text("Leads the call")
    expect(ours.locator(".tiles")).to_contain_text("Guest")
    expect(theirs.locator(".tiles")).to_contain_text(noor.first_name, timeout=12_000)
    assert Delivery.objects.get(appointment=agreed, role="main").taken_by == noor
    assert not [fault for fault in faults if "form-action" in fault]
