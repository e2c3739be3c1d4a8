"""Who may let a browser be told, of what, and where it may be: the doors and their limits."""

import json
import logging
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.test import Client
from django.utils import timezone

from channels_app import dispatch, push
from channels_app.adapters.outside import Outside
from channels_app.models import Device
from contacts.models import Case, User
from portal.site import devices
from tests.push.conftest import Subscribe, post
from tests.push.service import Browser, Service

FCM = "https://fcm.googleapis.com/fcm/send/abc:def"


def said(endpoint: str = FCM, **changes: Any) -> dict[str, Any]:
    """A browser's subscription at an endpoint."""
    return {**Browser(endpoint).subscription, **changes}


def test_a_browser_is_told_shown_and_taken_off(client: Client, case: Case) -> None:
    browser = said()
    assert post(client, case, browser).status_code == 201
    assert post(client, case, browser).status_code == 201  # twice is once
    row = Device.objects.get()
    assert row.case == case and row.endpoint == FCM
    page = client.get(f"/q/{case.reference}/devices/").content.decode()
    assert "Chrome" in page and f'data-digest="{row.digest}"' in page and FCM not in page
    assert client.get(f"/q/{case.reference}/device/{row.digest}/").json()["told"] is True
    assert client.get(f"/q/{case.reference}/device/{'0' * 64}/").json()["told"] is False
    response = client.post(f"/q/{case.reference}/devices/{row.pk}/stop/")
    assert response.status_code == 302 and not Device.objects.exists()


def test_new_keys_of_a_browser_take_the_place_of_the_old(client: Client, case: Case) -> None:
    post(client, case, said())
    newer = said()
    post(client, case, newer)
    assert Device.objects.get().p256dh == newer["keys"]["p256dh"]


def test_a_stranger_adds_sees_and_stops_nothing(client: Client, case: Case) -> None:
    post(client, case, said())
    row, stranger = Device.objects.get(), Client()
    assert post(stranger, case, said("https://fcm.googleapis.com/other")).status_code == 404
    for address in ("devices/", f"device/{row.digest}/"):
        assert stranger.get(f"/q/{case.reference}/{address}").status_code == 404
    assert stranger.post(f"/q/{case.reference}/devices/{row.pk}/stop/").status_code == 404
    # nor who has a question of their own
    response = stranger.post("/", {"text": "Mine", "way": "account", "client_key": "x"})
    theirs = response["Location"].split("/")[2]
    assert stranger.post(f"/q/{theirs}/devices/{row.pk}/stop/").status_code == 404
    assert list(Device.objects.all()) == [row]


def test_without_the_token_of_our_page_nothing_is_stored(case: Case, client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert post(strict, case, said()).status_code == 403
    assert not Device.objects.exists()


def test_five_devices_and_no_more_and_nobody_is_pushed_out(client: Client, case: Case) -> None:
    for number in range(push.MOST):
        assert post(client, case, said(f"{FCM}{number}")).status_code == 201
    assert post(client, case, said(f"{FCM}9")).status_code == 409
    assert post(client, case, said(f"{FCM}0")).status_code == 201  # one of the five
    assert Device.objects.count() == push.MOST


def test_many_tries_are_too_many(client: Client, case: Case) -> None:
    answers = [post(client, case, said()).status_code for _ in range(devices.PER_HOUR + 1)]
    assert answers[-1] == 429 and set(answers[:-1]) == {201}


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://user:word@fcm.googleapis.com/x",
        "https://fcm.googleapis.com.example.org/x",
        "https://notfcm.googleapis.com.evil/x",
        "https://evilpush.apple.com.example.org/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]:443/x",
        "https://example.org/x",
        "https://fcm.googleapis.com@example.org/x",
        "https://fcm.googleapis.com\\@example.org/x",
        "https://fcm.googleapis.com /x",
        "https://fcm.googleapis.com:x/x",
        "https://",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "",
        "https://fcm.googleapis.com/" + "x" * 1000,
    ],
)
def test_only_the_push_services_of_browsers_are_endpoints(
    client: Client, case: Case, endpoint: str, settings: Any
) -> None:
    settings.DEMO = False
    assert post(client, case, said(endpoint)).status_code == 422
    assert not Device.objects.exists()


@pytest.mark.parametrize(
    "endpoint",
    [
        FCM,
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "https://wns2-par02p.notify.windows.com/w/?token=abc",
    ],
)
def test_those_of_the_usual_browsers_are(
    client: Client, case: Case, endpoint: str, settings: Any
) -> None:
    settings.DEMO = False
    assert post(client, case, said(endpoint)).status_code == 201


def test_this_machine_is_one_in_the_try_out_only(settings: Any) -> None:
    assert push.is_service("http://127.0.0.1:9999/x")
    settings.DEMO = False
    assert not push.is_service("http://127.0.0.1:9999/x")
    assert not push.is_service("https://localhost/x")


def test_a_name_of_a_service_that_leads_into_our_network_is_not_followed(
    client: Client, case: Case, agent: User, monkeypatch: pytest.MonkeyPatch, pushes: Service
) -> None:
    """Whoever can answer for the name (a hosts file, a bad resolver) gets no request of ours."""
    asked: list[str] = []

    def inside(host: str, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", int(pushes.url.rsplit(":", 1)[1])))]

    monkeypatch.setattr(Outside, "look_up", staticmethod(inside))
    post(client, case, said())
    dispatch.reply(case=case, staff=agent, text="Yes")
    Device.objects.update(due_at=timezone.now())
    assert push.tell(case.pk) == 0
    assert asked == ["fcm.googleapis.com"] and pushes.came == []
    assert Device.objects.get().due_at is None  # and not again


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b"[" * 4000,
        b"{}" + b" " * 5000,
        b"\xff\xfe",
        b'{"endpoint": 1, "keys": {}}',
        b'{"endpoint": null, "keys": null}',
    ],
)
def test_nonsense_is_refused(client: Client, case: Case, given: bytes) -> None:
    for address in (f"/q/{case.reference}/device/", "/device/moved/"):
        response = client.post(address, given, content_type="application/json")
        assert response.status_code in (422, 204), (address, response.status_code)
    assert not Device.objects.exists()


@pytest.mark.parametrize(
    "keys",
    [
        {"p256dh": "", "auth": ""},
        {"p256dh": "A" * 87, "auth": "A" * 22},  # no point of the curve
        {"p256dh": "B" * 500, "auth": "A" * 22},
        {"auth": "A" * 22},
        {"p256dh": {}, "auth": []},
        {"p256dh": "ä", "auth": "A" * 22},
    ],
)
def test_keys_with_which_nothing_can_be_sealed_are_refused(
    client: Client, case: Case, keys: Any
) -> None:
    assert post(client, case, said(keys=keys)).status_code == 422


def test_a_moved_browser_is_known_by_its_old_endpoint_alone(client: Client, case: Case) -> None:
    post(client, case, said())
    new, stranger = said(f"{FCM}-new"), Client(enforce_csrf_checks=True)

    def moved(old: Any) -> int:
        body = json.dumps({**new, "old": old})
        response = stranger.post("/device/moved/", body, content_type="application/json")
        return int(response.status_code)

    assert moved(f"{FCM}-unknown") == 204 and Device.objects.get().endpoint == FCM
    assert moved(None) == 204 and Device.objects.get().endpoint == FCM
    assert moved(FCM) == 204
    row = Device.objects.get()
    assert row.endpoint == new["endpoint"] and row.digest == Device.digest_of(new["endpoint"])
    assert row.auth == new["keys"]["auth"]


def test_moved_to_where_it_is_told_already_is_one_device(client: Client, case: Case) -> None:
    post(client, case, said())
    post(client, case, said(f"{FCM}-new"))
    body = {**said(f"{FCM}-new"), "old": FCM}
    client.post("/device/moved/", body, content_type="application/json")
    assert Device.objects.get().endpoint == f"{FCM}-new"


def test_who_signs_out_is_told_nothing_on_that_device(client: Client, case: Case) -> None:
    post(client, case, said())
    Device.objects.create(
        case=case, endpoint=f"{FCM}-other", digest=Device.digest_of("other"), p256dh="x", auth="y"
    )
    client.post("/sign-out/")
    assert [row.endpoint for row in Device.objects.all()] == [f"{FCM}-other"]


def test_signing_out_ends_it_where_the_browser_was_moved_as_well(
    client: Client, case: Case
) -> None:
    post(client, case, said())
    body = {**said(f"{FCM}-new"), "old": FCM}
    client.post("/device/moved/", body, content_type="application/json")
    client.post("/sign-out/")
    assert not Device.objects.exists()


def test_no_key_and_no_endpoint_is_in_a_log(
    case: Case,
    agent: User,
    subscribe: Subscribe,
    pushes: Service,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = subscribe()
    for status in (201, 403, 410):
        pushes.status = status
        dispatch.reply(case=case, staff=agent, text=f"Answer {status}")
        Device.objects.update(due_at=timezone.now())
        push.tell(case.pk)
    written = "\n".join([caplog.text, *(str(record.__dict__) for record in caplog.records)])
    assert "does not take our key" in written
    assert live_settings.VAPID_PRIVATE_KEY not in written
    assert browser.endpoint.rsplit("/", 1)[1] not in written
    assert browser.subscription["keys"]["auth"] not in written
    assert "vapid t=" not in written


def test_the_page_of_another_way_does_not_offer_it(client: Client, case: Case) -> None:
    page = f"/q/{case.reference}/"
    assert "Tell me on this device" in client.get(page).content.decode()
    choice = case.choice
    assert choice
    type(choice).objects.filter(pk=choice.pk).update(kind="letter")
    assert "Tell me on this device" not in client.get(page).content.decode()
