"""Who gets in, to what, how often; and that a token is nowhere but in its hand."""

import io
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import import_string

from contacts.files import File
from contacts.models import Case, Code, Organisation, User
from portal.api import scopes, tokens
from portal.api.callers import WRONG_PER_HOUR
from portal.api.models import ApiClient
from portal.settings import LOGGING
from tests import shop
from tests.api.conftest import ROOT, Api, ask, link_of, make_client, problem

OPEN = {"text": "Hi", "kind": "account"}
# Every address and method, with the scope that it takes.
CALLS: list[tuple[str, str, Any, str]] = [
    ("get", "/channels/", None, "channels:read"),
    ("get", "/topics/", None, "channels:read"),
    ("get", "/cases/", None, "cases:read"),
    ("post", "/cases/", OPEN, "cases:open"),
    ("get", "/cases/{ref}/", None, "cases:read"),
    ("get", "/cases/{ref}/messages/", None, "cases:read"),
    ("post", "/cases/{ref}/messages/", {"text": "Hi"}, "cases:write"),
    ("post", "/cases/{ref}/messages/", {"text": "Hi", "direction": "out"}, "cases:answer"),
    ("post", "/cases/{ref}/choice/", {"kind": "account"}, "cases:write"),
    ("post", "/cases/{ref}/choice/undo/", {"choice": 1}, "cases:write"),
    ("get", "/cases/{ref}/deliveries/", None, "deliveries:read"),
    ("get", "/files/{file}/", None, "cases:read"),
]
IDS = [f"{method} {path} {scope}" for method, path, _body, scope in CALLS]


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """A case with a file."""
    return ask(organisation, files=[File("note.txt", "text/plain", b"hello")])


def call(api: Api, case: Case, method: str, path: str, body: Any, **headers: str) -> Any:
    """One of the calls, about that case."""
    file = case.messages.get(attachments__isnull=False).attachments.get()
    path = path.format(ref=case.reference, file=file.pk)
    return api.get(path, **headers) if method == "get" else api.post(path, body, **headers)


def test_every_address_is_in_the_table(api: Api, case: Case) -> None:
    listed = {
        (method, path.replace("{reference}", "{ref}").replace("{id}", "{file}"))
        for path, methods in api.get("/schema/").json()["paths"].items()
        for method in methods
    }
    listed = {
        (method, path.removeprefix(ROOT).replace("{pk}", "{file}")) for method, path in listed
    }
    assert listed == {(method, path) for method, path, _body, _scope in CALLS}


@pytest.mark.parametrize(("method", "path", "body", "scope"), CALLS, ids=IDS)
def test_matrix(
    method: str, path: str, body: Any, scope: str, case: Case, agent: User, organisation: Any
) -> None:
    seq = Case.objects.get(pk=case.pk).seq
    call_it = {"case": case, "method": method, "path": path, "body": body}

    for token in (None, "", "onecase_" + "a" * 52, "a" * 26, "x" * 500, "onecase_\x00"):
        refused = call(Api(token), **call_it)
        problem(refused, "no-token")
        assert refused["WWW-Authenticate"] == 'Bearer realm="onecase"'

    revoked = make_client()
    ApiClient.objects.latest("pk").revoke()
    problem(call(revoked, **call_it), "no-token")

    others = make_client(*(set(scopes.SCOPES) - {scope}), answers_as=agent)
    if scope != "cases:write" or path.endswith(("choice/", "undo/")):
        problem(call(others, **call_it), "not-allowed")

    slow = make_client(rate=1, answers_as=agent)
    slow.get("/channels/")
    held = call(slow, **call_it)
    problem(held, "too-many")
    assert 0 < int(held["Retry-After"]) <= 60 and held["RateLimit-Remaining"] == "0"

    stranger = link_of(ask(organisation, address="other@example.org"))
    if "{" in path:
        sort = "not-allowed" if scope == "cases:answer" else "not-found"
        problem(call(stranger, **call_it), sort)
    assert Case.objects.get(pk=case.pk).seq == seq and Case.objects.count() == 2

    mine = make_client(
        scope, *(["cases:write"] if scope == "cases:answer" else []), answers_as=agent
    )
    allowed = call(mine, **call_it)
    assert allowed.status_code in (200, 201) or path.endswith("undo/"), allowed.content

    own = call(link_of(case), **call_it)
    if scope in ("cases:open", "cases:answer"):
        problem(own, "not-allowed")
    else:
        assert own.status_code in (200, 201) or path.endswith("undo/"), own.content


def test_write_needs_its_scope_too(case: Case) -> None:
    others = make_client(*(set(scopes.SCOPES) - {"cases:write"}))
    path = f"/cases/{case.reference}/messages/"
    problem(others.post(path, {"text": "Hi"}), "not-allowed")


def test_a_program_that_only_answers_needs_no_right_to_write(case: Case, agent: User) -> None:
    only = make_client("cases:answer", answers_as=agent)
    path = f"/cases/{case.reference}/messages/"
    assert only.post(path, {"text": "Hi", "direction": "out"}).status_code == 201
    problem(only.post(path, {"text": "Hi"}), "not-allowed")
    problem(only.get(path), "not-allowed")


def test_a_cookie_is_no_token(case: Case, organisation: Organisation) -> None:
    browser = Client()
    browser.force_login(shop.make_agent("robin", administrator=True))
    problem(browser.get(f"{ROOT}/cases/"), "no-token")


def test_a_link_that_ended_opens_nothing(case: Case) -> None:
    path = f"/cases/{case.reference}/"
    for change in (
        {"revoked_at": timezone.now()},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"purpose": "reply"},
    ):
        customer = link_of(case)
        assert customer.get(path).status_code == 200
        Code.objects.filter(case=case).update(**change)
        problem(customer.get(path), "no-token")


def test_a_token_outlives_a_change_of_the_secret_key(case: Case, settings: Any) -> None:
    api = make_client()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [settings.SECRET_KEY]
    assert api.get("/cases/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    problem(api.get("/cases/"), "no-token")


def test_a_token_does_not_belong_in_an_address(api: Api, case: Case) -> None:
    for query in (f"q={api.token}", "access_token=x", "Token=x", f"a=1&limit={api.token}x"):
        problem(api.get(f"/cases/?{query}"), "token-in-address")
        problem(Api(None).get(f"/cases/?{query}"), "token-in-address")


def test_wrong_tokens_are_counted_and_right_ones_are_not_held_up(api: Api, case: Case) -> None:
    guesser = Api("onecase_" + "b" * 52)
    statuses = [guesser.get("/cases/").status_code for _n in range(WRONG_PER_HOUR + 2)]
    assert statuses == [401] * WRONG_PER_HOUR + [429, 429]
    assert api.get("/cases/").status_code == 200


def test_the_rate_stands_in_every_answer(case: Case) -> None:
    api = make_client("cases:read", rate=3)
    first = api.get("/cases/")
    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"]) == ("3", "2")
    assert 0 < int(first["RateLimit-Reset"]) <= 60
    assert api.get("/channels/")["RateLimit-Remaining"] == "1"  # a refusal counts as well
    again = api.get("/cases/", If_None_Match=first["ETag"])
    assert (again.status_code, again["RateLimit-Remaining"]) == (304, "0")
    problem(api.get("/cases/"), "too-many")
    assert make_client("cases:read", rate=3).get("/cases/").status_code == 200


def test_last_use_is_written_once_a_minute(
    api: Api, case: Case, django_assert_num_queries: Any
) -> None:
    row = ApiClient.objects.get()
    assert row.last_used_at is None
    api.get("/channels/")
    first = ApiClient.objects.get().last_used_at
    api.get("/channels/")
    assert first is not None and ApiClient.objects.get().last_used_at == first
    ApiClient.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    api.get("/channels/")
    later = ApiClient.objects.get().last_used_at
    assert later is not None and later > first - timedelta(seconds=1)


def test_a_stolen_table_opens_nothing(api: Api, case: Case) -> None:
    row = ApiClient.objects.get()
    values = [str(value) for value in ApiClient.objects.values_list().get()]
    assert api.token and not any(api.token in value for value in values)
    assert len(api.token) == len(tokens.PREFIX) + 52 and row.hint == api.token[:12]
    problem(Api(row.digest).get("/cases/"), "no-token")
    assert len({tokens.new() for _n in range(100)}) == 100


def test_no_token_in_a_log(api: Api, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    config: Any = LOGGING
    line = dict(config["formatters"]["line"])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(import_string(line.pop("()"))(line["format"]))
    handler.setLevel(logging.DEBUG)
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("django.request").addHandler(handler)

    def broken(*_args: Any, **_values: Any) -> None:
        raise RuntimeError(f"it broke with {api.token}")

    try:
        api.get(f"/cases/?token={api.token}")
        api.get("/nowhere/")
        monkeypatch.setattr("portal.api.cases.page", broken)
        answer = api.get("/cases/")
    finally:
        root.removeHandler(handler)
        logging.getLogger("django.request").removeHandler(handler)
    problem(answer, "broken")
    assert "RuntimeError" not in answer.content.decode()
    text = stream.getvalue()
    assert "it broke with" in text and api.token and api.token not in text
