"""Files that come with a form."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacts.files import FileRefused, check, uploaded


def test_of_a_file_that_is_too_large_one_byte_more_is_read(settings: Any) -> None:
    settings.MAX_FILE_BYTES = 10
    upload = SimpleUploadedFile("a.txt", b"x" * 1000, "text/plain")
    file = uploaded(upload)
    assert (file.name, file.content_type, file.size) == ("a.txt", "text/plain", 11)
    with pytest.raises(FileRefused):
        check([file])


def test_a_file_that_was_looked_at_is_read_from_its_beginning() -> None:
    upload = SimpleUploadedFile("a", b"abc", "")
    upload.read()
    assert (uploaded(upload).content, uploaded(upload).content_type) == (
        b"abc",
        "application/octet-stream",
    )
