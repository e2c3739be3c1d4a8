"""The administrators' pages in a real browser: axe, no policy violation, and the comforts work."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse

from channels_app import opening
from channels_app.models import Channel
from contacts.models import Organisation, Outcome, Topic, User
from tests.shop import make_agent, make_shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "secret-word-7"


@pytest.fixture
def shop() -> Organisation:
    """A shop with a fault or two, so that the notes show as well."""
    organisation = make_shop()
    Channel.objects.filter(kind="letter").update(paused_until="2099-01-01T00:00Z")
    return organisation


@pytest.fixture
def desk(live_server: Any, page: Any, shop: Organisation) -> Iterator[Any]:
    """A browser with an administrator in it; at the end nothing was wrong in its console."""
    make_agent("robin", administrator=True)
    faults: list[str] = []

    def note(line: Any) -> None:
        # Chromium asks for an icon by itself, and reports a refused form (422) as an error.
        if line.type == "error" and "422" not in line.text and "/favicon" not in str(line.location):
            faults.append(line.text)

    page.on("console", note)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(live_server.url + reverse("admin:login") + "?next=" + reverse("admin:channels"))
    page.fill("input[name=username]", "robin")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**" + reverse("admin:channels"))
    yield page
    assert faults == []


def addresses() -> list[str]:
    """Every page of the administrators that can be opened."""
    mail = Channel.objects.get(kind="email")
    return [
        reverse("admin:index"),
        reverse("admin:organisation"),
        reverse("admin:channels"),
        reverse("admin:channel_add"),
        reverse("admin:channel_new", args=["in_person", "manual"]),
        reverse("admin:channel", args=[mail.pk]),
        reverse("admin:topics"),
        reverse("admin:topic", args=[Topic.objects.earliest("pk").pk]),
        reverse("admin:advice"),
        reverse("admin:advice_factor", args=["private"]),
        reverse("admin:advice_found"),
        reverse("admin:advice_try") + "?how_soon=now",
        reverse("admin:staff"),
        reverse("admin:staff_member", args=[User.objects.get().pk]),
        reverse("admin:quarantine"),
        reverse("admin:troubles"),
    ]


def customers_said() -> None:
    """How it was, for the home page: shares, and one line of too little data."""
    case = opening.open_case(
        organisation=Organisation.objects.get(),
        text="Hello",
        came_by="account",
        kind="account",
        language="en",
    )
    for kind, switches in (*[("email", 0)] * 6, ("phone", 3)):
        Outcome.objects.create(case=case, kind=kind, switches=switches, answered=True)


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1280, "dark")])
def test_axe_finds_nothing(live_server: Any, desk: Any, theme: str, width: int) -> None:
    desk.emulate_media(color_scheme=theme, reduced_motion="reduce")
    desk.set_viewport_size({"width": width, "height": 900})
    customers_said()
    found = []
    for number, address in enumerate(addresses()):
        desk.goto(live_server.url + address)
        assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        if number % 2 == (width > 1000):
            continue  # the frame is one, and every page is looked at in one of the two
        results = Axe().run(desk, context=".adm")
        for fault in results.response["violations"]:
            found.append((address, fault["id"], fault["nodes"][0]["html"][:200]))
    assert found == []


def test_axe_finds_nothing_in_a_refused_form(live_server: Any, desk: Any) -> None:
    for name in ("organisation", "topic_add", "staff_add"):
        desk.goto(live_server.url + reverse(f"admin:{name}"))
        desk.fill(".adm-form input[type=text] >> nth=0", "")
        desk.click(".adm-savebar .adm-btn--primary")
        desk.wait_for_selector("[data-errors]")
        violations = Axe().run(desk, context=".adm").response["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in violations] == []


def test_monday_is_copied_to_the_weekdays_and_saved(live_server: Any, desk: Any) -> None:
    mail = Channel.objects.get(kind="email")
    desk.goto(live_server.url + reverse("admin:channel", args=[mail.pk]))
    desk.check("input[name=weekly_hours_always][value='0']")
    desk.fill("input[name=weekly_hours_mon_0_from]", "09:00")
    desk.fill("input[name=weekly_hours_mon_0_to]", "17:30")
    desk.click("[data-copy-monday]")
    desk.click("[data-day=wed] [data-clear-day]")
    desk.fill("input[name=good_for_0]", "Writing")
    desk.click(".adm-savebar .adm-btn--primary")
    desk.wait_for_url("**" + reverse("admin:channels"))
    span = [["09:00", "17:30"]]
    mail.refresh_from_db()
    assert mail.weekly_hours == {day: span for day in ("mon", "tue", "thu", "fri")}


def test_the_preview_follows_what_is_typed(live_server: Any, desk: Any) -> None:
    desk.goto(live_server.url + reverse("admin:organisation"))
    desk.fill("input[name=name]", "New <b>Name</b>")
    assert desk.inner_text("[data-preview-name]") == "New <b>Name</b>"
    desk.fill("input[name=brand_colour]", "#ffcc00")
    brand = "getComputedStyle(document.querySelector('.adm-preview__button')).backgroundColor"
    assert desk.evaluate(brand) == "rgb(255, 204, 0)"
    assert "hard to read" in desk.inner_text("[data-contrast]")
    desk.click(".adm-savebar .adm-btn--primary")
    desk.click("[data-take-colour]")
    assert desk.input_value("input[name=brand_colour]") == "#8f7200"
    assert "reads well" in desk.inner_text("[data-contrast]")
    desk.click(".adm-savebar .adm-btn--primary")
    desk.wait_for_selector(".adm-form:not(:has(.adm-error))")
    assert Organisation.objects.get().brand_colour == "#8f7200"
