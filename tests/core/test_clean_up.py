"""The daily clean-up takes what nobody can use any more, and nothing else."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.test import Client
from django.utils import timezone

from channels_app import opening
from channels_app.models import Device
from contacts import codes, services
from contacts.files import File
from contacts.models import Attachment, Case, Code, Customer, Identity, Organisation
from portal import tasks
from portal.access import SessionStore
from portal.celery import app
from tests import shop

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path
    yield


def make_session(expires_in: timedelta) -> str:
    """A stored session; its key."""
    session = SessionStore()
    session["customer"] = 1
    session.save()
    Session.objects.filter(pk=session.session_key).update(expire_date=timezone.now() + expires_in)
    return str(session.session_key)


def test_beat_rings_it_every_day_and_a_worker_knows_it() -> None:
    entry = app.conf.beat_schedule["clean-up"]
    assert entry["schedule"].remaining_estimate(timezone.now()) <= DAY
    # In a process of its own: this one has imported the tasks itself.
    code = (
        "from portal.celery import app; app.loader.import_default_modules();"
        f"print({entry['task']!r} in app.tasks)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == "True", run.stderr


def test_expired_sessions_go_in_batches(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    kept = make_session(DAY)
    for _number in range(5):
        make_session(-DAY)
    monkeypatch.setattr(tasks, "BATCHES", 2)
    assert tasks.clean_up()["sessions"] == 4  # bounded; the rest goes the next day
    assert tasks.clean_up()["sessions"] == 1
    assert list(Session.objects.values_list("pk", flat=True)) == [kept]


@pytest.mark.parametrize(
    ("purpose", "ended", "goes"),
    [
        (codes.SIGN_IN, 31, True),
        (codes.SIGN_IN, 1, False),  # limits are counted by it
        (codes.JOIN, 31, True),
        (codes.CASE_LINK, 31, False),  # offers a new link
        (codes.CASE_LINK, 366, True),
        (codes.REPLY, 366, False),  # says which case a late mail goes on
    ],
)
def test_dead_codes_go(db: None, purpose: str, ended: int, goes: bool) -> None:
    code = Code.objects.issue(purpose, identity=Identity.of("email", "sam@example.org"))
    Code.objects.filter(pk=code.pk).update(expires_at=timezone.now() - ended * DAY)
    live = Code.objects.issue(purpose, identity=code.identity)
    assert tasks.clean_up()["codes"] == int(goes)
    assert Code.objects.filter(pk=code.pk).exists() is not goes
    assert Code.objects.filter(pk=live.pk).exists()


def age(name: str, days: int) -> None:
    """Make a stored file so old."""
    then = time.time() - days * 86400
    os.utime(default_storage.path(name), (then, then))


def test_files_without_a_row_go_and_all_others_stay(organisation: Organisation) -> None:
    case = opening.open_case(
        organisation=organisation, text="Hi", came_by="account", kind="account", language="en"
    )
    message = case.messages.earliest("seq")
    with pytest.raises(RuntimeError), transaction.atomic():
        services.attach(message, [File("lost.txt", "text/plain", b"lost")])
        lost = str(Attachment.objects.get().file.name)
        raise RuntimeError
    services.attach(message, [File("kept.txt", "text/plain", b"kept")])
    kept = str(Attachment.objects.get().file.name)
    logo = default_storage.save("logo/old.png", ContentFile(b"logo"))
    for name in (kept, logo):
        age(name, 5)
    assert tasks.clean_up()["files"] == 0  # the lost one may still be written
    age(lost, 2)
    assert tasks.clean_up()["files"] == 1
    assert [default_storage.exists(name) for name in (lost, kept, logo)] == [False, True, True]


def test_a_browser_that_opens_many_cases_has_one_session(organisation: Organisation) -> None:
    browser = Client()
    for number in range(4):
        case = opening.open_case(
            organisation=organisation,
            text=f"Question {number}",
            came_by="account",
            kind="account",
            language="en",
        )
        browser.post(f"/c/{services.case_link(case).plain}/")
        assert browser.get(f"/q/{case.reference}/").status_code == 200
    soon = timezone.now() + timedelta(minutes=2)
    assert Session.objects.filter(expire_date__gt=soon).count() == 1
    assert Session.objects.count() == 4  # for a second click that is under way
    Session.objects.filter(expire_date__lte=soon).update(expire_date=timezone.now() - DAY)
    assert tasks.clean_up()["sessions"] == 3
    assert browser.get(f"/q/{case.reference}/").status_code == 200


def test_devices_of_what_was_settled_long_ago_go(db: None) -> None:
    organisation = shop.make_shop()
    kept = []
    for number, (state, days) in enumerate([("resolved", 91), ("resolved", 89), ("open", 400)]):
        case = opening.open_case(
            organisation=organisation,
            text="Hello",
            came_by="account",
            kind="account",
            language="en",
        )
        changed = timezone.now() - timedelta(days=days)
        Case.objects.filter(pk=case.pk).update(state=state, changed_at=changed)
        kept.append(Device.objects.create(case=case, endpoint="x", digest=str(number)))
    assert tasks.clean_up()["devices"] == 1
    assert list(Device.objects.order_by("pk")) == kept[1:]


@pytest.mark.parametrize("is_used", [True, False])
def test_age_groups_that_nobody_uses_are_erased(db: None, is_used: bool) -> None:
    Organisation.objects.create(name="Shop", uses_age_band=is_used)
    Customer.objects.create(name="Sam", age_band="55+")
    assert tasks.clean_up()["age_bands"] == (0 if is_used else 1)
    assert Customer.objects.exclude(age_band="").exists() is is_used
