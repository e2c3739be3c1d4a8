"""A request that is sent again is done once."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from channels_app import opening
from contacts.models import Case, Code, Message, Organisation, User
from portal.api import tasks
from portal.api.models import GIVEN_UP, KEPT, IdempotencyKey
from tests.api.conftest import Api, ask, link_of, make_client, problem

NEW = {"text": "Is it there?", "kind": "account"}


def key() -> str:
    """A new one."""
    return str(uuid.uuid4())


def test_the_same_key_gets_the_same_answer(api: Api) -> None:
    one = key()
    first, again = (api.post("/cases/", NEW, Idempotency_Key=one) for _n in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json() and first["Location"] == again["Location"]
    assert again["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first
    assert Case.objects.count() == 1
    api.post("/cases/", NEW, Idempotency_Key=key())
    api.post("/cases/", NEW)
    assert Case.objects.count() == 3


def test_the_link_of_the_answer_is_not_stored(api: Api) -> None:
    one = key()
    body = api.post("/cases/", NEW, Idempotency_Key=one).json()
    row = IdempotencyKey.objects.get()
    plain = Code.objects.get(purpose="case_link").plain
    assert plain in body["link"] and plain not in str(row.answer)
    assert api.post("/cases/", NEW, Idempotency_Key=one).json()["link"] == body["link"]


def test_another_body_or_address_under_a_used_key(api: Api, case: Case) -> None:
    one, path = key(), f"/cases/{case.reference}/messages/"
    api.post(path, {"text": "A"}, Idempotency_Key=one)
    problem(api.post(path, {"text": "B"}, Idempotency_Key=one), "key-reused")
    problem(api.post("/cases/", NEW, Idempotency_Key=one), "key-reused")
    assert case.messages.filter(direction="in").count() == 2


def test_a_form_is_the_same_however_it_is_wrapped(api: Api, case: Case) -> None:
    one, path = key(), f"/cases/{case.reference}/messages/"

    def send(content: bytes) -> Any:
        upload = SimpleUploadedFile("a.txt", content, "text/plain")
        return api.form(path, {"text": "With a file", "files": upload}, Idempotency_Key=one)

    first, again = send(b"one"), send(b"one")
    assert first.json() == again.json() and first.status_code == 201
    problem(send(b"two"), "key-reused")
    assert Message.objects.filter(text="With a file").count() == 1


def test_keys_are_each_callers_own(api: Api, case: Case, organisation: Organisation) -> None:
    one, path = key(), f"/cases/{case.reference}/messages/"
    other = ask(organisation, address="other@example.org")
    for caller in (api, make_client(), link_of(case)):
        assert caller.post(path, {"text": "Hi"}, Idempotency_Key=one).status_code == 201
    problem(link_of(other).post(path, {"text": "Hi"}, Idempotency_Key=one), "not-found")
    assert case.messages.filter(text="Hi").count() == 3


def test_a_refusal_is_repeated_as_well(api: Api, organisation: Organisation) -> None:
    one, bad = key(), {**NEW, "wish": "soon"}
    first, again = (api.post("/cases/", bad, Idempotency_Key=one) for _n in range(2))
    assert first.json() == again.json() and again.status_code == 422
    assert again["Idempotency-Replayed"] and again["Content-Type"] == "application/problem+json"


def test_what_broke_may_be_tried_again(
    api: Api, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = key()

    def broken(**_values: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(opening, "open_case", broken)
        problem(api.post("/cases/", NEW, Idempotency_Key=one), "broken")
    assert not IdempotencyKey.objects.exists()
    assert api.post("/cases/", NEW, Idempotency_Key=one).status_code == 201


def test_work_and_answer_are_one(
    api: Api, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_values: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(IdempotencyKey, "keep", broken)
    problem(api.post("/cases/", NEW, Idempotency_Key=key()), "broken")
    assert not Case.objects.exists()


def test_one_that_is_still_going_on(api: Api, organisation: Organisation) -> None:
    one = key()
    assert api.post("/cases/", NEW, Idempotency_Key=one).status_code == 201
    rows = IdempotencyKey.objects.filter(key=one)
    rows.update(status=None, answer=None)
    held = api.post("/cases/", NEW, Idempotency_Key=one)
    problem(held, "in-progress")
    assert held["Retry-After"] == "1"
    problem(api.post("/cases/", {**NEW, "text": "B"}, Idempotency_Key=one), "key-reused")
    rows.update(started_at=timezone.now() - GIVEN_UP)
    assert api.post("/cases/", NEW, Idempotency_Key=one).status_code == 201
    assert Case.objects.count() == 2  # the first one had died, as far as anybody can know


def test_a_day_later_the_key_is_new(api: Api, organisation: Organisation) -> None:
    one = key()
    api.post("/cases/", NEW, Idempotency_Key=one)
    IdempotencyKey.objects.update(started_at=timezone.now() - KEPT)
    again = api.post("/cases/", {**NEW, "text": "B"}, Idempotency_Key=one)
    assert again.status_code == 201 and "Idempotency-Replayed" not in again
    api.post("/cases/", NEW, Idempotency_Key=key())
    IdempotencyKey.objects.filter(key=one).update(started_at=timezone.now() - KEPT)
    tasks.forget()
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("bad", ["", " ", "a b", "x" * 256, "ü"])
def test_a_key_is_plain_and_short(api: Api, organisation: Organisation, bad: str) -> None:
    body = problem(api.post("/cases/", NEW, Idempotency_Key=bad), "invalid")
    assert list(body["errors"]) == ["Idempotency-Key"]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one(organisation: Organisation, agent: User) -> None:
    api, one = make_client(), key()
    ready, found = threading.Barrier(4), []

    def send() -> None:
        try:
            ready.wait(10)
            found.append(Api(api.token).post("/cases/", NEW, Idempotency_Key=one))
        finally:
            connection.close()

    _at_once(send, 4)
    statuses = sorted(response.status_code for response in found)
    assert Case.objects.count() == 1 and statuses[0] == 201 and set(statuses) <= {201, 409}
    assert (
        len({response.json()["reference"] for response in found if response.status_code == 201})
        == 1
    )


def _at_once(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
