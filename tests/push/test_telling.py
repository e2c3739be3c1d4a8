"""After an answer on the page its devices are told: once, without content, and not who looks."""

import json
from copy import copy
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from channels_app import checks, dispatch, outbox, push, tasks
from channels_app.models import Channel, Delivery, Device
from contacts.models import Case, Organisation, User
from tests import worker
from tests.core.test_rules import in_threads
from tests.push.conftest import Subscribe
from tests.push.service import Service

TEXT = "Yes, the blue one is here"


def answer(case: Case, agent: User, text: str = TEXT) -> Any:
    """An agent answers, and the moment for who looks at the page is over."""
    message = dispatch.reply(case=case, staff=agent, text=text)
    Device.objects.exclude(due_at=None).filter(tries=0).update(due_at=timezone.now())
    return message


def test_an_answer_is_told_without_a_word_of_it(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    Case.objects.filter(pk=case.pk).update(language="nl")
    answer(case, agent)
    assert push.tell(case.pk) == 1
    said = pushes.opened()
    assert said["path"] == f"/q/{case.reference}/" and said["sort"] == "answer"
    assert said["lang"] == "nl" and set(said) == {"sort", "title", "lang", "path", "tag"}
    written = json.dumps(said)
    for word in (TEXT, "bicycle", agent.first_name, "Sam", str(case.pk) + '"'):
        assert word not in written
    assert case.reference not in said["title"]
    headers = pushes.came[0].headers
    assert headers["content-encoding"] == "aes128gcm" and headers["ttl"] == "259200"
    assert headers["urgency"] == "normal" and len(headers["topic"]) == 32
    assert case.reference not in str(headers)
    device.refresh_from_db()
    assert device.due_at is None and device.tries == 0 and device.told_at


def test_it_is_due_with_the_answer_and_rung_a_moment_later(
    case: Case,
    agent: User,
    device: Device,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(outbox, "_ring", lambda *args, **more: rung.append((args, more)))
    with django_capture_on_commit_callbacks(execute=True):
        before = timezone.now()
        dispatch.reply(case=case, staff=agent, text=TEXT)
    device.refresh_from_db()
    assert device.due_at and before < device.due_at - timedelta(seconds=4)
    assert ((outbox.TELL, [case.pk]), {"after": outbox.MOMENT}) in rung
    assert push.tell(case.pk) == 0  # not yet


def test_nothing_is_rung_where_nobody_wants_to_be_told(
    case: Case,
    agent: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(outbox, "_ring", lambda *args, **more: rung.append(args))
    with django_capture_on_commit_callbacks(execute=True):
        dispatch.reply(case=case, staff=agent, text=TEXT)
    assert [args for args in rung if args[0] == outbox.TELL] == []


def test_who_read_it_already_is_not_told(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    message = answer(case, agent)
    message.deliveries.update(status=Delivery.Status.READ)
    assert push.tell(case.pk) == 0 and pushes.came == []
    device.refresh_from_db()
    assert device.due_at is None
    answer(case, agent, "And a red one")
    assert push.tell(case.pk) == 1


def test_several_answers_are_told_once_and_the_next_one_again(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    answer(case, agent)
    answer(case, agent, "And a red one")
    assert push.tell(case.pk) == 1 and push.tell(case.pk) == 0 and len(pushes.came) == 1
    answer(case, agent, "And a green one")
    assert push.tell(case.pk) == 1
    assert pushes.came[0].headers["topic"] == pushes.came[1].headers["topic"]


def test_an_answer_that_comes_while_it_is_told_is_told_as_well(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    answer(case, agent)
    Device.objects.update(due_at=timezone.now())
    (row,) = Device.objects.due(timezone.now())
    assert row.claim(timezone.now())
    dispatch.reply(case=case, staff=agent, text="One more thing")  # meanwhile
    row.told(timezone.now() - timedelta(hours=1), timezone.now())
    assert Device.objects.due(timezone.now()).count() == 1


def test_an_answer_by_mail_rings_no_device(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    message = answer(case, agent)
    mail = Channel.objects.get(slug="email")
    message.deliveries.update(channel=mail)
    assert push.tell(case.pk) == 0 and pushes.came == []


def test_a_question_of_ours_is_a_message(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    message = answer(case, agent)
    type(message).objects.filter(pk=message.pk).update(template="proposal")
    assert push.tell(case.pk) == 1
    assert pushes.opened()["title"] == "You have a message"


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten_in_all_its_cases(
    client: Client, case: Case, agent: User, device: Device, pushes: Service, status: int
) -> None:
    words = {"text": "Another", "way": "account", "client_key": "x"}
    response = client.post("/", words)
    other = Case.objects.get(reference=response["Location"].split("/")[2])
    Device.objects.create(
        case=other,
        endpoint=device.endpoint,
        digest=device.digest,
        p256dh=device.p256dh,
        auth=device.auth,
    )
    pushes.status = status
    answer(case, agent)
    assert push.tell(case.pk) == 0 and not Device.objects.exists()


@pytest.mark.parametrize(("status", "wait"), [(429, 600), (503, 600), (500, 600)])
def test_a_service_that_is_busy_is_asked_later_and_not_before_it_said(
    case: Case, agent: User, device: Device, pushes: Service, status: int, wait: int
) -> None:
    pushes.status, pushes.headers = status, {"Retry-After": str(wait)}
    answer(case, agent)
    push.tell(case.pk)
    device.refresh_from_db()
    assert device.due_at and device.tries == 1
    left = (device.due_at - timezone.now()).total_seconds()
    assert wait - 5 < left <= wait
    dispatch.reply(case=case, staff=agent, text="Another answer does not shorten that")
    device.refresh_from_db()
    assert device.due_at and wait - 5 < (device.due_at - timezone.now()).total_seconds() <= wait
    pushes.status = 201
    Device.objects.update(due_at=timezone.now())
    assert push.tell(case.pk) == 1


def test_without_a_word_of_the_service_the_pauses_grow_and_end_after_a_day(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    pushes.status = 500
    message = answer(case, agent)
    for seconds in (30, 120, 600, 3600, 3600):
        Device.objects.update(due_at=timezone.now())
        push.tell(case.pk)
        device.refresh_from_db()
        assert device.due_at
        assert seconds - 5 < (device.due_at - timezone.now()).total_seconds() <= seconds
    long_ago = timezone.now() - timedelta(hours=23, minutes=30)
    type(message).objects.filter(pk=message.pk).update(created_at=long_ago)
    Device.objects.update(due_at=timezone.now(), created_at=long_ago - timedelta(hours=1))
    push.tell(case.pk)
    device.refresh_from_db()
    assert device.due_at is None and device.tries == 0


def found() -> list[str]:
    return [one.text for one in checks.findings() if one.id == checks.NO_PUSH]


def told_in_another_case(case: Case, device: Device, changes: dict[str, Any]) -> Case:
    """A further case of that browser, or of one that `changes` say."""
    other = Case.objects.create(
        customer=case.customer,
        organisation=case.organisation,
        language="en",
        choice=case.choice,
        opened_at=case.opened_at,
        changed_at=case.changed_at,
    )
    return Case.objects.get(pk=_copied(device, case=other, **changes).case_id)


def _copied(device: Device, **changes: Any) -> Device:
    new = copy(device)
    new.pk = None
    for name, value in changes.items():
        setattr(new, name, value)
    new.digest = Device.digest_of(new.endpoint)
    new.save(force_insert=True)
    return new


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_several_are_refused_for_is_a_finding_until_one_is_told(
    case: Case, agent: User, device: Device, pushes: Service, status: int
) -> None:
    pushes.status = status
    cases = [case]
    for number in range(push.SEVERAL):
        assert found() == []
        answer(cases[-1], agent)
        push.tell(cases[-1].pk)
        elsewhere = {"endpoint": f"{pushes.url}/push/{number}"}
        cases.append(told_in_another_case(case, device, elsewhere))
    assert found() and "127.0.0.1" in found()[0]
    device.refresh_from_db()
    assert device.due_at is None  # not again and again
    pushes.status = 201
    answer(case, agent, "And a red one")
    assert push.tell(case.pk) == 1 and found() == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_one_customer_gave_us_is_no_finding(
    case: Case, agent: User, device: Device, pushes: Service, status: int
) -> None:
    pushes.status = status
    for number in range(push.SEVERAL):  # endpoints of one case
        _copied(device, endpoint=f"{pushes.url}/push/{number}")
    answer(case, agent)
    push.tell(case.pk)
    assert len(pushes.came) == push.SEVERAL + 1
    Device.objects.exclude(pk=device.pk).delete()
    device.save()
    for _n in range(push.SEVERAL):  # one browser in several cases
        other = told_in_another_case(case, device, {})
        answer(other, agent)
        push.tell(other.pk)
    assert found() == []


def test_an_endpoint_that_is_none_is_not_tried_again(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    pushes.status = 400
    answer(case, agent)
    push.tell(case.pk)
    device.refresh_from_db()
    assert device.due_at is None and len(pushes.came) == 1


def test_too_large_is_not_tried_again(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    pushes.status = 413
    answer(case, agent)
    push.tell(case.pk)
    device.refresh_from_db()
    assert device.due_at is None and len(pushes.came) == 1


def test_one_that_fails_leaves_the_others_alone(
    case: Case, agent: User, subscribe: Subscribe, pushes: Service
) -> None:
    first, second = subscribe(), subscribe()
    Device.objects.filter(endpoint=first.endpoint).update(p256dh="nonsense")
    answer(case, agent)
    assert push.tell(case.pk) == 1
    assert f"{pushes.url}{pushes.came[0].path}" == second.endpoint


def test_the_sweep_finds_what_was_never_rung(
    case: Case, agent: User, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(case, agent)
    rung: list[int] = []
    monkeypatch.setattr(outbox, "ring_to_tell", rung.append)
    tasks.sweep()
    assert rung == [case.pk]


def test_what_was_held_is_told_once_it_stands_there(
    case: Case, agent: User, device: Device, pushes: Service
) -> None:
    pages = Channel.objects.filter(kind="account")
    pages.update(paused_until=timezone.now() + timedelta(hours=1))
    dispatch.reply(case=case, staff=agent, text=TEXT)
    device.refresh_from_db()
    assert device.due_at is None  # nothing is there to be read yet
    pages.update(paused_until=timezone.now() - timedelta(seconds=1))
    worker.send_due()
    device.refresh_from_db()
    assert device.due_at and device.due_at > timezone.now()
    Device.objects.update(due_at=timezone.now())
    assert push.tell(case.pk) == 1 and pushes.opened()["sort"] == "answer"


def test_without_a_key_nothing_is_offered_and_administrators_hear_of_it(
    client: Client, case: Case, organisation: Organisation, settings: Any
) -> None:
    assert "data-device" in client.get(f"/q/{case.reference}/").content.decode()
    for key in ("", "A" * 43):  # none, and one that is none
        settings.VAPID_PRIVATE_KEY = key
        assert "data-device" not in client.get(f"/q/{case.reference}/").content.decode()
        assert any(found.id == checks.NO_PUSH for found in checks.findings())


@pytest.mark.django_db(transaction=True)
def test_many_workers_tell_once(case: Case, agent: User, device: Device, pushes: Service) -> None:
    answer(case, agent)
    done = in_threads(8, lambda number: push._tell_case(case.pk))
    assert sum(map(int, map(str, done))) == 1 and len(pushes.came) == 1
