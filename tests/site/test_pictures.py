"""Pictures of both sides, shown in our own pages: they are pictures, or nothing."""

import pytest
from django.test import Client

from channels_app import dispatch
from contacts import services
from contacts.files import File, picture_type
from contacts.models import Attachment, Case, User
from tests.site.conftest import Ask

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
JPEG, GIF, WEBP = b"\xff\xd8\xff\xe0" + b"\0" * 20, b"GIF89a" + b"\0" * 9, b"RIFF\x10\0\0\0WEBPVP8 "
LIES = [
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    b"<!doctype html><script>alert(1)</script>",
    b" " + PNG,
    b"RIFF\x10\0\0\0AVI LIST",
    b"RIFF\x10\0\0\0WAVEfmt ",
    b"%PDF-1.7",
    b"",
]


def sent(case: Case, content: bytes, said: str = "image/png", name: str = "photo.png") -> int:
    message = services.file_message(
        case=case, kind="account", text="", files=[File(name, said, content)]
    )
    return message.attachments.get().pk


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PNG, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (WEBP, "image/webp")],
)
def test_a_picture_is_shown_as_what_it_is(
    client: Client, ask: Ask, content: bytes, kind: str
) -> None:
    # Also where it says that it is another one.
    answer = client.get(f"/files/{sent(ask(client), content, 'image/png')}/picture/")
    assert answer.status_code == 200 and b"".join(answer) == content
    assert answer["Content-Type"] == kind
    assert answer["Content-Disposition"] == "inline"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("content", LIES)
def test_what_is_no_picture_is_never_shown(client: Client, ask: Ask, content: bytes) -> None:
    assert picture_type(content) == ""
    case = ask(client)
    pk = sent(case, content or b"x")
    Attachment.objects.filter(pk=pk).update(content_type="image/svg+xml")
    assert client.get(f"/files/{pk}/picture/").status_code == 404
    assert client.get(f"/files/{pk}/")["Content-Disposition"].startswith("attachment")
    assert f"/files/{pk}/picture/" not in client.get(f"/q/{case.reference}/").content.decode()


def test_who_may_not_see_the_question_sees_no_picture_of_it(client: Client, ask: Ask) -> None:
    pk = sent(ask(client), PNG)
    other = Client()
    assert other.get(f"/files/{pk}/picture/").status_code == 404
    ask(other)
    assert other.get(f"/files/{pk}/picture/").status_code == 404
    assert client.get(f"/files/{pk}/picture/").status_code == 200


def test_both_sides_pictures_stand_in_the_page(client: Client, ask: Ask, agent: User) -> None:
    case = ask(client)
    mine = sent(case, PNG, name='"><script>alert(1)</script>.png')
    answer = dispatch.reply(
        case=Case.objects.get(pk=case.pk),
        staff=agent,
        text="Like this?",
        files=[File("blue.png", "image/png", PNG)],
    )
    page = client.get(f"/q/{case.reference}/").content.decode()
    for pk in (mine, answer.attachments.get().pk):
        assert f'src="/files/{pk}/picture/"' in page
    assert "<script>alert" not in page and 'alt="blue.png"' in page
