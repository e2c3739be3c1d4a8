"""The page of the API, and the token's page, in a real browser; docs/api.md, word for word."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from channels_app.models import Delivery
from contacts.models import Case
from portal.api.described import document
from tests import shop
from tests.api.conftest import make_client

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "api.md"
LOOKS = [(390, "dark"), (1280, "light")]


def test_every_call_and_field_stands_on_it(db: None) -> None:
    response = Client().get("/api/v1/")
    page = response.content.decode()
    assert "script-src 'self'" in response["Content-Security-Policy"]
    for path, methods in document()["paths"].items():
        for node in methods.values():
            assert f'id="{node["operationId"]}"' in page and path in page
    for name in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{name}"' in page, name
    assert "why_text" in page and "promise_minutes" in page


def look(page: Page, name: str) -> None:
    """Axe finds nothing, and nothing is wider than the screen."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_it_is_readable(width: int, theme: Any, browser: Browser, live_server: LiveServer) -> None:
    cache.clear()
    shop.make_shop()
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, locale="en"
    )
    page, faults = context.new_page(), []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(f"{live_server.url}/api/v1/")
    assert faults == []
    look(page, "page")  # axe writes styles of its own
    context.close()


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_the_five_requests_of_the_docs(
    live_server: LiveServer, settings: Any, tmp_path: Path
) -> None:
    settings.PUBLIC_URL, settings.MEDIA_ROOT, settings.CELERY_BROKER_URL = (
        live_server.url,
        tmp_path,
        "",
    )
    cache.clear()
    shop.make_shop()
    token = make_client(answers_as=shop.make_agent("noor")).token
    _setup, *five = re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(five) == 5
    script = f"set -e\nTOKEN={token}\nAPI={live_server.url}/api/v1\n" + "\necho\n".join(five)
    script = script.replace("/tmp/case.json", str(tmp_path / "case.json"))
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=DOCS.parent.parent
    )
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    channels, opened, answer, deliveries, choice = said
    assert len(channels["results"]) == 5 and answer["author"] == "Noor"
    case = Case.objects.get(reference=opened["reference"])
    assert case.messages.get(direction="in").attachments.get().name == "README.md"
    assert deliveries["results"][0]["message"] == answer["id"]
    assert (choice["kind"], choice["wish"]) == ("phone", "afternoon")
    assert Delivery.objects.filter(message=answer["id"], channel__kind="phone").exists()
