"""Files that came with a message: each is what it says, or it is refused."""

import mimetypes
from dataclasses import replace

from channels_app.adapters.base import InFile, Reason, Rejected
from channels_app.adapters.payload import media_type

# How files begin that a browser would show, or a program open, by their type alone.
BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "application/pdf": (b"%PDF-",),
    "audio/ogg": (b"OggS",),
    "audio/amr": (b"#!AMR",),
}
SAME = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "application/ogg": "audio/ogg"}
SHOWN = ("image/", "audio/", "video/")  # what is never text
ENDINGS = {"image/jpeg": ".jpg", "image/webp": ".webp", "audio/ogg": ".ogg", "audio/amr": ".amr"}
SOUNDS = ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg")
# What offices write in, before and after 2007.
OFFICE = (
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)


def checked(file: InFile, content: bytes, served: str = "") -> InFile:
    """The file with its content and an ending that fits its type.

    `served`: the type that came along, where there is one. Raises Rejected.
    """
    said = _plain(file.content_type) or _plain(served)
    other = _plain(served) not in ("", said, "application/octet-stream")
    if other or not _begins(said, content):
        raise Rejected(Reason("file_other"))
    name = file.name
    if "." not in name:
        name += ENDINGS.get(said) or mimetypes.guess_extension(said) or ""
    return replace(file, name=name, content_type=said, content=content, reference="")


def _plain(content_type: str) -> str:
    plain = media_type(content_type)
    return SAME.get(plain, plain)


def _begins(said: str, content: bytes) -> bool:
    """Whether it begins as its type does; a picture or a sound at least never as a page."""
    if said in BEGINNINGS:
        return content.startswith(BEGINNINGS[said])
    return not (said.startswith(SHOWN) and content.lstrip()[:1] == b"<")
