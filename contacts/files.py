"""Files that people send: bounds, and what is refused at the door."""

from dataclasses import dataclass
from pathlib import PurePath

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

# What a double click would run, or a browser would run as a page of ours.
DANGEROUS = frozenset(
    [
        "exe",
        "com",
        "bat",
        "cmd",
        "scr",
        "pif",
        "msi",
        "msp",
        "ps1",
        "psm1",
        "vbs",
        "vbe",
        "js",
        "mjs",
        "jse",
        "wsf",
        "wsh",
        "hta",
        "jar",
        "lnk",
        "reg",
        "cpl",
        "dll",
        "sh",
        "app",
        "apk",
        "dmg",
        "iso",
        "html",
        "htm",
        "xhtml",
        "shtml",
        "svg",
        "xml",
        "xsl",
        "php",
        "phtml",
        "asp",
        "aspx",
        "jsp",
        "swf",
    ]
)

# How the pictures begin that a page of ours may show: (where, bytes) of each.
PICTURES: dict[str, tuple[tuple[int, bytes], ...]] = {
    "image/png": ((0, b"\x89PNG\r\n\x1a\n"),),
    "image/jpeg": ((0, b"\xff\xd8\xff"),),
    "image/gif": ((0, b"GIF8"),),
    "image/webp": ((0, b"RIFF"), (8, b"WEBP")),
}


def picture_type(content: bytes) -> str:
    """What sort of picture these bytes begin as, whatever they are called; "" where none."""
    for name, marks in PICTURES.items():
        if all(content.startswith(mark, at) for at, mark in marks):
            return name
    return ""


class FileRefused(ValidationError):
    """A file that we do not take; the message says why."""


@dataclass(frozen=True)
class File:
    """A file in hand: label, type and bytes."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)


def uploaded(upload: UploadedFile) -> File:
    """What came with a form: of a file that is too large only one byte more than fits."""
    upload.seek(0)
    content = upload.read(settings.MAX_FILE_BYTES + 1)
    return File(upload.name or "", upload.content_type or "application/octet-stream", content)


def clean_name(name: str) -> str:
    """A label without path parts and control characters, at most 200 characters."""
    name = "".join(c for c in name.replace("\\", "/").split("/")[-1] if c.isprintable()).strip()
    return name[-200:] or "file"


def check(files: list[File]) -> None:
    """Refuse what is too many, too large, empty or dangerous. Raises FileRefused."""
    if len(files) > settings.MAX_FILES:
        raise FileRefused(
            ngettext(
                "You can add at most %(count)s file.",
                "You can add at most %(count)s files.",
                settings.MAX_FILES,
            )
            % {"count": settings.MAX_FILES}
        )
    for file in files:
        _check_one(file)


def _check_one(file: File) -> None:
    # As it will be stored, and as Windows reads it: without blanks and dots at its end.
    name = clean_name(file.name).rstrip(". ")
    endings = {ending.lower().strip(". ") for ending in PurePath(f"x{name}").suffixes}
    if endings & DANGEROUS:
        raise FileRefused(
            _("We cannot take %(name)s: files of this type can be dangerous.")
            % {"name": clean_name(file.name)}
        )
    if len(file.content) > settings.MAX_FILE_BYTES:
        raise FileRefused(
            _("%(name)s is too large. A file can be at most %(size)s.")
            % {"name": clean_name(file.name), "size": filesizeformat(settings.MAX_FILE_BYTES)}
        )
    if not file.content:
        raise FileRefused(_("%(name)s is empty.") % {"name": clean_name(file.name)})
