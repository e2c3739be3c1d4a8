"""schemathesis over the whole description: nothing breaks, and every answer is as described."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from contacts.files import File
from contacts.models import Case, Organisation, User
from portal.api.described import document
from portal.wsgi import application
from tests.api.conftest import Api, ask, link_of, make_client

pytestmark = pytest.mark.once  # PostgreSQL is fuzzed in tests/security

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    ignored_auth,
    unsupported_method,
]
EXAMPLES = 12  # of each operation, each way, each token
SCHEMA = schemathesis.openapi.from_dict(dict(document()))
SCHEMA.app = application
CALLS = [(path, method) for path, methods in document()["paths"].items() for method in methods]
WHO = ["program", "customer"]
# Half of the well-formed bodies are one that works, so that what comes then is looked at as well.
GOOD_BODIES: dict[str, dict[str, Any]] = {
    "open_case": {"text": "Hello", "kind": "email", "address": "kim@example.org"},
    "switch": {"kind": "email", "address": "sam@example.org"},
    "write_message": {"text": "Hello"},
}


@pytest.fixture
def caller(request: pytest.FixtureRequest, case: Case, agent: User) -> Api:
    """A program that may do everything, or who has the link of the case."""
    return make_client(answers_as=agent) if request.param == "program" else link_of(case)


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """The connection of the test's transaction outlives each request, as in Django's client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """A case with a file."""
    return ask(organisation, files=[File("note.txt", "text/plain", b"hello")])


def test_it_is_valid_openapi() -> None:
    validate_schema(dict(document()))
    nodes = [document()["paths"][path][method] for path, method in CALLS]
    names = {node["operationId"] for node in nodes}
    assert len(names) == len(CALLS) > 10
    assert all(node["security"] == [{"bearer": []}] for node in nodes)


@pytest.mark.parametrize("caller", WHO, indirect=True)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("path", "method"), CALLS)
def test_every_answer_is_as_described(
    path: str, method: str, mode: GenerationMode, caller: Api, case: Case, monkeypatch: Any
) -> None:
    monkeypatch.setattr("portal.api.callers.CUSTOMER_RATE", 10_000)
    operation = SCHEMA[path][method]
    file = case.messages.get(attachments__isnull=False).attachments.get().pk
    real = {"reference": case.reference, "id": file}
    name, is_positive = operation.definition.raw["operationId"], mode == GenerationMode.POSITIVE
    found: set[int] = set()

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        one=operation.as_strategy(generation_mode=mode),
        is_real=st.booleans(),
        is_good=st.booleans(),
    )
    def run(one: Any, is_real: bool, is_good: bool) -> None:
        if is_real or is_good:
            for key in set(real) & set(one.path_parameters or {}):
                one.path_parameters[key] = real[key]
        if is_good and is_positive and name in GOOD_BODIES:
            one.body, one.media_type = GOOD_BODIES[name], "application/json"
        bearer = {"Authorization": f"Bearer {caller.token}"}
        response = one.call(headers=bearer)
        found.add(response.status_code)
        one.validate_response(response, checks=CHECKS, headers=bearer)

    run()
    may = name != "open_case" or str(caller.token).startswith("onecase_")
    if is_positive and name != "undo_switch":
        assert any(status < 300 for status in found) == may, found
