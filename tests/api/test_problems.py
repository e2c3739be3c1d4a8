"""Every error is a problem of one shape (RFC 9457), whatever was sent."""

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.test import Client

from contacts.models import Case, Organisation
from portal.api import parsing
from portal.middleware import NulMiddleware
from tests.api.conftest import ROOT, Api, make_client, problem


def test_nothing_there(api: Api, case: Case) -> None:
    for path in (
        "/nowhere/",
        "/cases",
        "/cases/AAA-AAA/",
        "/files/1/",
        "/files/abc/",
        "/cases/\x00/",
    ):
        problem(api.get(path), "not-found")
    problem(api.get("/files/99999999999999999999999/"), "not-found")
    problem(api.client.get("/api/v2/"), "not-found")
    problem(api.client.post("/api/", {"a": "b"}), "not-found")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_other_methods(method: str, api: Api, case: Case) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    for path, allowed in (("/cases/", "GET, POST"), (f"/cases/{case.reference}/", "GET")):
        answer = getattr(api.client, method)(ROOT + path, headers=headers)
        problem(answer, "method")
        assert answer["Allow"].startswith(allowed)
    problem(api.post("/channels/", {}), "method")


@pytest.mark.parametrize(
    "body",
    [
        "{", "[]", '"text"', "null", "{'text': 1}", b"\xff\xfe", b'{"text": "\xff"}', '{"a": NaN}',
        "[" * 100_000, '{"a":' * 50_000, '{"text": 1e999999',
    ],
    ids=range(11),
)  # fmt: skip
def test_what_cannot_be_read(body: Any, api: Api, case: Case) -> None:
    problem(api.post("/cases/", body), "malformed")


def test_other_media(api: Api, case: Case) -> None:
    for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "*/*", ""):
        answer = api.client.post(
            f"{ROOT}/cases/", "a=b", kind, headers={"Authorization": f"Bearer {api.token}"}
        )
        problem(answer, "media-type")
    form = api.form(f"/cases/{case.reference}/choice/", {"kind": "account"})
    problem(form, "media-type")


def test_a_broken_form(api: Api, case: Case) -> None:
    answer = api.client.post(
        f"{ROOT}/cases/{case.reference}/messages/",
        b"no form at all",
        "multipart/form-data",
        headers={"Authorization": f"Bearer {api.token}"},
    )
    problem(answer, "malformed")


def test_too_much(api: Api, case: Case, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/cases/{case.reference}/messages/"
    problem(api.post(path, json.dumps({"text": "x" * 2_200_000})), "too-large")
    problem(api.form(path, {"text": "x" * 2_200_000}), "too-large")
    problem(api.form(path, {f"f{n}": "x" for n in range(1001)}), "too-large")
    files = [SimpleUploadedFile(f"{n}.txt", b"x", "text/plain") for n in range(101)]
    problem(api.form(path, {"files": files}), "too-large")
    files = [SimpleUploadedFile(f"{n}.txt", b"x", "text/plain") for n in range(11)]
    assert "files" in problem(api.form(path, {"files": files}), "invalid")["errors"]
    settings.MAX_FILE_BYTES = 10
    big = SimpleUploadedFile("big.txt", b"x" * 11, "text/plain")
    assert "files" in problem(api.form(path, {"files": big}), "invalid")["errors"]
    monkeypatch.setattr(parsing, "MAX_FORM", 100)
    big = SimpleUploadedFile("big.txt", b"x" * 300, "text/plain")
    problem(api.form(path, {"files": big}), "too-large")
    assert not case.messages.filter(attachments__isnull=False).exists()


@pytest.mark.parametrize("name", ["page.html", "a.svg", "run.exe", "x.php.txt"])
def test_dangerous_files(name: str, api: Api, case: Case) -> None:
    file = SimpleUploadedFile(name, b"x", "text/plain")
    answer = api.form(f"/cases/{case.reference}/messages/", {"text": "Hi", "files": file})
    assert "files" in problem(answer, "invalid")["errors"]


def test_an_empty_file(api: Api, case: Case) -> None:
    file = SimpleUploadedFile("a.txt", b"", "text/plain")
    answer = api.form(f"/cases/{case.reference}/messages/", {"text": "Hi", "files": file})
    assert list(problem(answer, "invalid")["errors"]) == ["files.0"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("messages/", {}),
        ("messages/", {"text": ""}),
        ("messages/", {"text": "\x00"}),
        ("messages/", {"text": "a\ud800"}),
        ("messages/", {"text": ["a"]}),
        ("messages/", {"text": "a", "direction": "note"}),
        ("messages/", {"text": "a", "kind": {}}),
        ("messages/", {"text": "a", "why_text": "for nothing"}),
        ("messages/", {"text": "a", "staff": 1}),
        ("choice/", {}),
        ("choice/", {"kind": "letter"}),
        ("choice/", {"kind": "account", "once": "yes"}),
        ("choice/", {"kind": "account", "once": 1}),
        ("choice/", {"kind": "email", "address": "a@\x00.nl"}),
        ("choice/undo/", {"choice": "1"}),
        ("choice/undo/", {"choice": 10**30}),
        ("choice/undo/", {"choice": True}),
    ],
)
def test_what_does_not_fit(path: str, body: Any, api: Api, case: Case) -> None:
    problem(api.post(f"/cases/{case.reference}/{path}", body), "invalid")


def test_a_choice_that_is_not_there(api: Api, case: Case) -> None:
    for pk in (1, 2**63 - 1):
        problem(api.post(f"/cases/{case.reference}/choice/undo/", {"choice": pk}), "cannot-undo")


@pytest.mark.parametrize("cursor", ["x", "%00", "e30", "W10", "WyJ4Il0", "WyIxIiwgIngiXQ", "🚲"])
def test_a_cursor_that_is_not_ours(cursor: str, api: Api, case: Case) -> None:
    for path in (
        "/cases/",
        f"/cases/{case.reference}/messages/",
        f"/cases/{case.reference}/deliveries/",
    ):
        assert "cursor" in problem(api.get(f"{path}?cursor={cursor}"), "invalid")["errors"]


def test_problems_speak_dutch(organisation: Organisation) -> None:
    api = make_client()
    answer = api.post("/cases/", {"kind": "account"}, Accept_Language="nl")
    assert problem(answer, "invalid")["errors"]["text"] == ["Dit veld is vereist."]


def test_every_problem_is_explained_on_the_page(api: Api) -> None:
    page = Client().get(f"{ROOT}/").content.decode()
    body = api.get("/nowhere/").json()
    assert f'id="{body["type"].rpartition("#")[2]}"' in page


def test_no_view_was_reached(
    api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch, organisation: Organisation
) -> None:
    settings.ALLOWED_HOSTS = ["ours.example.org"]
    problem(api.get("/cases/", Host="theirs.example.org"), "malformed")
    settings.ALLOWED_HOSTS = ["*"]
    for path in ("/", "/schema/"):
        answer = Client(enforce_csrf_checks=True).post(ROOT + path, {"a": "b"})
        problem(answer, "method")
        assert answer["Allow"] == "GET, HEAD"

    raised: list[Exception] = []

    def fails(*_given: Any) -> None:
        raise raised[-1]

    monkeypatch.setattr(NulMiddleware, "process_view", fails)
    quiet = Client(raise_request_exception=False)
    found = {
        "broken": RuntimeError("a secret"),
        "not-found": Http404("a secret"),
        "not-allowed": PermissionDenied("a secret"),
        "too-large": RequestDataTooBig("a secret"),
        "malformed": SuspiciousOperation("a secret"),
    }
    for sort, error in found.items():
        raised.append(error)
        answer = quiet.get(f"{ROOT}/cases/")
        problem(answer, sort)
        assert "secret" not in answer.content.decode()
        assert quiet.get("/")["Content-Type"].startswith("text/html"), sort
