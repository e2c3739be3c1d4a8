"""The daily clean-up: what nobody can use any more goes, in batches that lock little."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import PurePosixPath

from celery import shared_task
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet
from django.utils import timezone

from channels_app.models import Device
from contacts import codes
from contacts.models import Attachment, Case, Code, Customer

BATCH = 500
BATCHES = 200  # a day; what is left over goes the next day
CODE_REST = timedelta(days=30)  # limits are counted by codes, and staff may look one up
# An expired link offers a new one, and a revoked one must stay known while a session holds it.
LINK_REST = timedelta(days=365)
DEVICE_REST = timedelta(days=90)  # after a question was settled: it may be asked again
FILE_REST = timedelta(days=1)  # a transaction that still writes its row is younger
FILES = "attachments"


@shared_task(name="portal.clean_up")
def clean_up() -> dict[str, int]:
    """Remove expired sessions, dead codes, files without a row; how many of each.

    And the age groups that somebody told while they were switched off.
    """
    now = timezone.now()
    return {
        "sessions": remove(Session.objects.filter(expire_date__lt=now)),
        "codes": remove(dead_codes(now)),
        "devices": remove(idle_devices(now)),
        "files": remove_files(now),
        "age_bands": Customer.objects.forget_unused_age_bands(),
    }


def remove(rows: QuerySet) -> int:
    """Delete rows batch by batch, each in its own transaction; how many went."""
    count = 0
    for _batch in range(BATCHES):
        keys = list(rows.order_by().values_list("pk", flat=True)[:BATCH])
        if not keys:
            break
        rows.filter(pk__in=keys).delete()
        count += len(keys)
    return count


def dead_codes(now: datetime) -> QuerySet[Code]:
    """Codes that ended long ago. Reply codes stay: an old one says which case a mail goes on."""
    used_at_once = (codes.SIGN_IN, codes.PROVE, codes.JOIN, codes.ANSWER)
    short = Q(purpose__in=used_at_once, expires_at__lt=now - CODE_REST)
    lasting = (codes.CASE_LINK, codes.APPOINTMENT)
    links = Q(purpose__in=lasting, expires_at__lt=now - LINK_REST)
    return Code.objects.filter(short | links)


def idle_devices(now: datetime) -> QuerySet[Device]:
    """Browsers that are told of what was settled long ago: nobody means to hear more of it."""
    settled = Q(case__state=Case.State.RESOLVED, case__changed_at__lt=now - DEVICE_REST)
    return Device.objects.filter(settled)


def remove_files(now: datetime) -> int:
    """Delete stored files whose row never came: their transaction was rolled back."""
    count, names = 0, iter(old_files(now))
    for _batch in range(BATCHES):
        batch = list(islice(names, BATCH))
        if not batch:
            break
        known = set(Attachment.objects.filter(file__in=batch).values_list("file", flat=True))
        for name in set(batch) - known:
            default_storage.delete(name)
            count += 1
    return count


def old_files(now: datetime) -> Iterator[str]:
    """Files of this month and of the month before that are older than a day."""
    months = {now, now.replace(day=1) - timedelta(days=1)}
    for month in sorted(months):
        folder = PurePosixPath(FILES, month.strftime("%Y"), month.strftime("%m"))
        for name in _files_in(folder):
            if default_storage.get_modified_time(name) < now - FILE_REST:
                yield name


def _files_in(folder: PurePosixPath) -> list[str]:
    """Their names; none where the folder is missing, which object stores do not know at all."""
    try:
        return [str(folder / file) for file in default_storage.listdir(str(folder))[1]]
    except FileNotFoundError:
        return []
