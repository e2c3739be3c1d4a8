"""Files in a storage that has no paths and no folders, as object stores are."""

import io
import os
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app import inbound
from channels_app.adapters.base import Request
from channels_app.models import Channel
from contacts import files, services
from contacts.models import Attachment, Message
from portal import environment, tasks
from tests import shop, worker
from tests.site.conftest import Ask
from tests.site.conftest import ask as ask

NAME = f"{__name__}.Bucket"
pytestmark = pytest.mark.django_db


class Bucket(Storage):
    """Names and bytes; `path` is refused by Django's own base class."""

    kept: ClassVar[dict[str, tuple[bytes, datetime]]] = {}

    def __init__(self, key: str = "") -> None:
        self.key = key

    def _open(self, name: str, mode: str = "rb") -> File:
        if name not in self.kept:
            raise FileNotFoundError(name)
        return File(io.BytesIO(self.kept[name][0]), name)

    def _save(self, name: str, content: Any) -> str:
        self.kept[name] = (content.read(), timezone.now())
        return name

    def delete(self, name: str) -> None:
        """Forget it."""
        self.kept.pop(name, None)

    def exists(self, name: str) -> bool:
        """Only what was stored: a folder is nothing."""
        return name in self.kept

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """What begins so."""
        begin = f"{path}/"
        return [], [name.removeprefix(begin) for name in self.kept if name.startswith(begin)]

    def size(self, name: str) -> int:
        """In bytes."""
        return len(self.kept[name][0])

    def get_modified_time(self, name: str) -> datetime:
        """When it came."""
        return self.kept[name][1]


@pytest.fixture(autouse=True)
def bucket(settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[bytes, datetime]]:
    """Everything is kept there, set up as the environment sets it up."""
    monkeypatch.setenv("BUCKET_KEY", "hush")
    chosen = environment.file_storage(NAME, '{"key": "env:BUCKET_KEY"}')
    settings.STORAGES = {**settings.STORAGES, "default": chosen}
    settings.CELERY_BROKER_URL = ""
    monkeypatch.setattr(Bucket, "kept", {})
    assert default_storage.key == "hush"  # type: ignore[attr-defined]
    with pytest.raises(NotImplementedError):
        default_storage.path("x")
    return Bucket.kept


def test_a_file_goes_up_comes_down_and_leaves_by_mail(
    ask: Ask,
    bucket: dict[str, tuple[bytes, datetime]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client()
    case = ask(client, files=[SimpleUploadedFile("Rechnung.txt", b"42 euro", "text/plain")])
    row = Attachment.objects.get()
    assert list(bucket) == [row.file.name] and bucket[str(row.file.name)][0] == b"42 euro"
    answer: Any = client.get(f"/files/{row.pk}/")
    assert b"".join(answer.streaming_content) == b"42 euro"
    assert 'filename="Rechnung.txt"' in answer["Content-Disposition"]
    desk = Client()
    desk.force_login(shop.make_agent(), "portal.access.StaffBackend")
    with shop.sink_server() as (sink, url):
        monkeypatch.setitem(os.environ, "EMAIL_URL", url)
        case.refresh_from_db()
        data = {"text": "See the file.", "kind": "", "client_key": str(shop.key())}
        sent = desk.post(
            reverse("admin:case_answer", args=[case.reference]),
            {**data, "seen": str(case.seq), "files": SimpleUploadedFile("plan.txt", b"the plan")},
        )
        assert sent.status_code == 302, sent.content.decode()[:2000]
        worker.send_due()
        found = [part.get_content() for mail in sink.mails for part in mail.iter_attachments()]
    assert found in (["the plan"], [b"the plan"])


def test_a_mail_brings_a_file_and_its_own_picture(organisation: Any, bucket: Any) -> None:
    raw = (
        b"From: sam@example.org\r\nTo: help@mail.example.org\r\nSubject: Photo\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="b"\r\n\r\n'
        b'--b\r\nContent-Type: text/html\r\n\r\n<p>Look</p><img src="cid:one">\r\n'
        b"--b\r\nContent-Type: image/png\r\nContent-ID: <one>\r\n"
        b'Content-Disposition: inline; filename="a.png"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n"
    )
    worker.file(inbound.receive(Channel.objects.get(slug="email"), Request(body=raw)))
    assert [content for content, _at in bucket.values()] == [b"hello"]
    desk = Client()
    desk.force_login(shop.make_agent(), "portal.access.StaffBackend")
    message = Message.objects.get(attachments__isnull=False)
    body = desk.get(f"/files/message/{message.pk}/body/").content
    assert b"data:image/png;base64,aGVsbG8=" in body
    bucket.clear()  # somebody emptied it
    assert desk.get(f"/files/{message.attachments.get().pk}/").status_code == 404
    body = desk.get(f"/files/message/{message.pk}/body/").content
    assert b"Look" in body and b'src=""' in body


def test_the_daily_clean_up_finds_what_nobody_knows(
    ask: Ask, bucket: dict[str, tuple[bytes, datetime]]
) -> None:
    message = ask(Client()).messages.earliest("seq")
    with pytest.raises(RuntimeError), transaction.atomic():
        services.attach(message, [files.File("lost.txt", "text/plain", b"lost")])
        raise RuntimeError
    services.attach(message, [files.File("kept.txt", "text/plain", b"kept")])
    lost = next(name for name, (content, _at) in bucket.items() if content == b"lost")
    assert tasks.clean_up()["files"] == 0
    bucket.update({n: (c, at - timedelta(days=2)) for n, (c, at) in bucket.items()})
    assert tasks.clean_up()["files"] == 1
    assert lost not in bucket and len(bucket) == 1


def test_months_without_a_file_are_no_fault(settings: Any, tmp_path: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    }
    settings.MEDIA_ROOT = tmp_path
    assert list(tasks.old_files(datetime(2026, 11, 22, tzinfo=UTC))) == []


def test_the_logo_is_shown(organisation: Any, bucket: Any) -> None:
    organisation.logo.save("logo.png", ContentFile(b"png"))
    assert Client().get("/logo").content == b"png"


@pytest.mark.parametrize(
    ("backend", "options", "word"),
    [
        ("", "{}", "needs FILES_STORAGE"),
        ("what", "", "dotted name"),
        (NAME, "[1]", "JSON object"),
        (NAME, "{", "JSON object"),
        (NAME, '{"key": "env:NOT_THERE"}', "env:NOT_THERE"),
    ],
)
def test_wrong_settings_are_said(backend: str, options: str, word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=word):
        environment.file_storage(backend, options)
