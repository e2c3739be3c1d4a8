"""A shop, programs with tokens, and a client that speaks as they do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from channels_app import opening
from contacts import codes
from contacts.models import Case, Code, Organisation, User
from portal.api import scopes
from portal.api.models import ApiClient
from tests import shop

ROOT = "/api/v1"


class Api:
    """One caller: paths from /api/v1, JSON in and out."""

    def __init__(self, token: str | None) -> None:
        self.token, self.client = token, Client(raise_request_exception=True)

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        return {**bearer, **headers}

    def get(self, path: str, /, **headers: str) -> Any:
        """GET; headers with _ for -."""
        return self.client.get(ROOT + path, headers=self._headers(_named(headers)))

    def post(self, path: str, body: Any = None, /, **headers: str) -> Any:
        """POST of JSON."""
        text = body if isinstance(body, str | bytes) else json.dumps(body or {})
        return self.client.post(
            ROOT + path,
            text,
            content_type="application/json",
            headers=self._headers(_named(headers)),
        )

    def form(self, path: str, fields: dict[str, Any], /, **headers: str) -> Any:
        """POST of a form with files."""
        return self.client.post(ROOT + path, fields, headers=self._headers(_named(headers)))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def problem(response: Any, sort: str) -> dict[str, Any]:
    """The problem that a response must be."""
    assert response["Content-Type"] == "application/problem+json", response.content[:300]
    body: dict[str, Any] = response.json()
    assert body["type"].endswith(f"/api/v1/#problem-{sort}"), body
    assert body["status"] == response.status_code and body["title"] and body["detail"]
    return body


def make_client(*allowed: str, rate: int = 10_000, answers_as: User | None = None) -> Api:
    """A program with those scopes; all of them where none is named."""
    row = ApiClient(
        name="Web shop", scopes=list(allowed or scopes.SCOPES), rate=rate, answers_as=answers_as
    )
    token = row.give_token()
    row.save()
    return Api(token)


def ask(organisation: Organisation, **values: Any) -> Case:
    """A case by e-mail."""
    kept: dict[str, Any] = {
        "text": "Where is my parcel?",
        "came_by": "account",
        "kind": "email",
        "address": "sam@example.org",
        "language": "en",
    }
    return opening.open_case(organisation=organisation, **{**kept, **values})


def link_of(case: Case) -> Api:
    """Who has the link of a case."""
    return Api(Code.objects.issue(codes.CASE_LINK, case=case).plain)


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path: Any) -> Iterator[None]:
    """No counted calls and no stored files of another test, and no broker."""
    settings.MEDIA_ROOT = tmp_path
    settings.CELERY_BROKER_URL = ""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def agent(organisation: Organisation) -> User:
    """A colleague, in whose name a program answers."""
    return shop.make_agent()


@pytest.fixture
def api(agent: User) -> Api:
    """A program that may do everything."""
    return make_client(answers_as=agent)


@pytest.fixture
def case(organisation: Organisation) -> Case:
    """A case that is answered by e-mail."""
    return ask(organisation)
