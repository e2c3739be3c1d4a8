"""One line of a log: what it says, what it leaves out, and the id that leads from line to line."""

import io
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery.app.trace import build_tracer
from django.db import IntegrityError, connection, transaction
from django.test import Client

from channels_app import outbox, rendering, sending, tasks
from channels_app.models import Delivery
from contacts import tracing
from contacts.models import Organisation
from portal import celery, middleware
from portal.logs import JsonFormatter
from portal.redaction import RedactingFormatter, fault
from portal.site import start
from tests.site.conftest import Ask, posted
from tests.site.conftest import ask as ask

Lines = Callable[[], list[dict[str, Any]]]
TEXT = "my violet boiler is broken"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What our handler writes, from the root on."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level, quiet = root.level, logging.getLogger("celery.app.trace")
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    before, quiet.disabled = quiet.disabled, False
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    quiet.disabled = before


@pytest.fixture
def lines(written: io.StringIO) -> Lines:
    """The lines so far."""
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("proxies", "given", "taken"),
    [
        (1, "edge-1234.ab_C", True),
        (1, "x" * 64, True),
        (0, "edge-1234", False),  # no proxy: whoever asks may write anything there
        (1, "short", False),
        (1, "x" * 65, False),
        (1, "with a blank", False),
        (1, 'quote"quote"', False),
        (1, "ümlaut-umlaut", False),
        (1, "", False),
    ],
)
def test_an_id_is_taken_from_a_trusted_proxy_only(
    settings: Any, organisation: Organisation, lines: Lines, proxies: int, given: str, taken: bool
) -> None:
    settings.TRUSTED_PROXIES = proxies
    answer = Client().get("/icon.svg", headers={"X-Request-ID": given.encode().decode("latin-1")})
    said = answer["X-Request-ID"]
    assert (said == given) is taken and tracing.WELL_FORMED.fullmatch(said)
    assert lines()[-1]["request_id"] == said and lines()[-1]["route"] == "site:icon"


def test_each_request_has_another_id_and_nothing_stays(
    organisation: Organisation, lines: Lines
) -> None:
    first, second = (Client().get("/ways/")["X-Request-ID"] for _n in range(2))
    assert first != second and tracing.current() == {}


def test_a_line_names_the_route_and_the_case_and_no_path(ask: Ask, lines: Lines) -> None:
    client = Client()
    case = ask(client)
    client.get(f"/q/{case.reference}/")
    Client().get("/c/abcdefghijklmnopqrstuvwxyz/")
    Client().get("/nobody/knows/this/")
    Client().generic("PROPFIND", "/nobody/")
    found = [(li.get("method"), li["route"], li.get("case")) for li in lines() if "route" in li]
    assert ("POST", "site:start", case.reference) in found
    assert ("GET", "site:question", case.reference) in found
    assert ("GET", "site:case_link", None) in found and ("GET", "-", None) in found
    assert ("-", "-", None) in found
    assert not any(word in str(lines()) for word in ("/q/", "abcdefgh", "nobody", "PROPFIND"))


def test_an_invented_reference_is_not_repeated(organisation: Organisation, lines: Lines) -> None:
    Client().get("/q/violet boiler/")
    assert "violet" not in str(lines())


def test_a_fault_is_found_by_the_number_on_the_page(
    ask: Ask, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError(f"no way for '{TEXT}'\nDETAIL: Failing row contains ({TEXT})")

    monkeypatch.setattr(start, "page", broken)
    page = Client(raise_request_exception=False).get("/")
    number = page["X-Request-ID"][:8]
    assert page.status_code == 500 and f"number: {number}." in page.content.decode()
    found = next(line for line in lines() if "fault" in line)
    assert found["request_id"].startswith(number) and found["logger"] == "django.request"
    assert found["message"] == "Internal Server Error: site:start"
    assert "RuntimeError: no way for '…'" in found["fault"] and "test_logs.py" in found["fault"]
    assert "violet" not in str(lines())


def test_the_bare_page_has_the_number_too(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(start, "page", broken)
    monkeypatch.setattr("portal.site.errors._page", broken)
    page = Client(raise_request_exception=False).get("/")
    assert f"number: {page['X-Request-ID'][:8]}." in page.content.decode()


def test_what_the_database_quotes_of_a_row_stays_out(db: None) -> None:
    insert = "INSERT INTO contacts_identity (scheme, value) VALUES (%s, %s)"
    with (
        pytest.raises(IntegrityError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(insert, ["email", TEXT])
    text = fault(caught.value)
    assert "IntegrityError" in text and "violet" not in text
    if connection.vendor == "postgresql":
        assert "violet" in str(caught.value)  # it would stand there


def test_what_led_to_a_fault_is_said_as_well() -> None:
    try:
        try:
            int(TEXT)
        except ValueError as error:
            raise RuntimeError("smtp://user:hush-hush@mail.example.org failed") from error
    except RuntimeError as error:
        text = fault(error)
    assert text.index("ValueError: invalid literal for int() with base 10: '…'") < text.index(
        "RuntimeError: smtp://…@mail.example.org failed"
    )


def test_lines_for_people_say_the_same(lines: Lines) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("portal.somewhere")
    logger.addHandler(handler)
    try:
        with tracing.bound(request_id="edge-1234", case="AAA-222"):
            try:
                int(TEXT)
            except ValueError:
                logger.exception("It broke.")
    finally:
        logger.removeHandler(handler)
    text = stream.getvalue()
    assert text.startswith("ERROR It broke. (request_id=edge-1234 case=AAA-222)\nTraceback")
    assert "violet" not in text and "ValueError" in text


def work(*args: object, **headers: str) -> None:
    """What a worker's process does with the message of a task."""
    task, key = tasks.process, str(uuid.uuid4())
    request = {"id": key, "is_eager": False, "ignore_result": True, **headers}
    build_tracer(task.name, task, app=celery.app)(key, list(args), {}, request)


def test_a_task_goes_on_with_the_id_and_ends_with_a_line(db: None, lines: Lines) -> None:
    headers: dict[str, Any] = {}
    with tracing.bound(request_id="edge-1234"):
        celery.carry(headers=headers)
    work(0, 1, **headers)
    work(0, 1, onecase_request_id="no good")
    work(0, 1)
    first, second, third = (li for li in lines() if li["logger"] == "portal.tasks.done")
    assert (first["request_id"], first["task"]) == ("edge-1234", "channels_app.process")
    assert first["state"] == "SUCCESS" and first["ms"] > 0
    assert len({li["request_id"] for li in (first, second, third)}) == 3
    assert tracing.WELL_FORMED.fullmatch(second["request_id"])
    assert tracing.current() == {} and celery._open == {}


def test_a_task_that_fails_says_so_without_the_text(db: None, lines: Lines) -> None:
    work(TEXT, 1, onecase_request_id="edge-1234")  # no number: the fault quotes it
    found = [li for li in lines() if li.get("request_id") == "edge-1234"]
    assert [li["state"] for li in found if "state" in li] == ["FAILURE"]
    assert any("ValueError" in li.get("fault", "") for li in found)
    assert "violet" not in str(lines())


def test_a_delivery_that_breaks_names_its_case(
    ask: Ask, lines: Lines, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CELERY_BROKER_URL = ""
    case = ask(Client(), **posted(text=TEXT))
    delivery = Delivery.objects.get(status="queued")

    def broken(_delivery: Delivery) -> None:
        raise RuntimeError(f"cannot make '{TEXT}'")

    monkeypatch.setattr(rendering, "render", broken)
    sending.deliver(delivery.channel_id)
    with tracing.bound():  # a line that came by later is about nothing
        logging.getLogger("contacts").warning("Later.")
    found = next(line for line in lines() if "cannot be rendered" in line["message"])
    assert found["case"] == case.reference and "violet" not in str(lines())
    assert "case" not in lines()[-1]


def test_ringing_carries_the_id(
    valkey_url: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []

    def keep(*_args: object, **more: Any) -> None:
        sent.append(more["headers"])

    settings.CELERY_BROKER_URL = valkey_url.replace("unix://", "redis+socket://")
    monkeypatch.setattr(outbox._Bell, "quiet_until", 0.0)
    monkeypatch.setattr("kombu.messaging.Producer.publish", keep)
    with tracing.bound(request_id="edge-1234"):
        outbox.ring_to_file(1, 1)
    assert [headers[celery.HEADER] for headers in sent] == ["edge-1234"]


def test_a_static_file_writes_no_line(organisation: Organisation, lines: Lines) -> None:
    Client().get("/static/nothing.css")
    assert [li for li in lines() if li["logger"] == middleware.requests_log.name] == []
