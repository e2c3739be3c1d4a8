"""Two addresses for monitors: /healthz (the process answers) and /readyz (so does what it needs).

They stand before all other middleware: no host, no session, no organisation is asked for.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from channels_app.models import Channel, Delivery, InboundEvent

logger = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]
PATIENCE = 2.0  # seconds for all parts together; they are asked side by side
LATE = timedelta(minutes=10)  # a worker takes seconds, the sweep five
OK, NO_ANSWER, BEHIND, LATE_WORD, UNKNOWN = "ok", "no answer", "behind", "late", "unknown"
Found = dict[str, str | int]


class HealthMiddleware:
    """Answers both addresses; everything else goes on."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a monitor, whatever name it knows us by."""
        page = {"/healthz": healthz, "/readyz": readyz}.get(request.path_info)
        if page is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        response = page()
        response["Cache-Control"] = "no-store"
        return response


def healthz() -> HttpResponse:
    """The process answers; it asks nobody else."""
    return HttpResponse("ok", content_type="text/plain")


def readyz() -> HttpResponse:
    """200 where every part is well, else 503 and which part; no address, no name, no text."""
    found: Found = {"database": NO_ANSWER, "broker": NO_ANSWER}
    found |= {"migrations": UNKNOWN, "deliveries": UNKNOWN, "inbound": UNKNOWN}
    end = time.monotonic() + PATIENCE
    for question in [asked.begin() for asked in QUESTIONS]:
        found |= _answer(question, end - time.monotonic())
    bad = {name: said for name, said in found.items() if isinstance(said, str) and said != OK}
    if bad:
        logger.warning("Not ready: %s.", ", ".join(f"{k} {v}" for k, v in sorted(bad.items())))
    response = JsonResponse({"ready": not bad, **found}, status=503 if bad else 200)
    response._has_been_logged = True  # type: ignore[attr-defined]  # or Django says it once more
    return response


def _answer(question: "Future[Mapping[str, str | int]]", seconds: float) -> Found:
    """What a part says in that time; nothing where it fails, of which the log says the sort."""
    try:
        return dict(question.result(max(0.0, seconds)))
    except TimeoutError:
        return {}
    except Exception as error:
        logger.warning("A part does not answer (%s).", type(error).__name__)
        return {}


class Question:
    """A check in a thread of its own: one that hangs is waited for, not asked a second time."""

    def __init__(self, check: Callable[[], Mapping[str, str | int]]) -> None:
        self.check = check
        self.open: Future[Mapping[str, str | int]] | None = None

    def begin(self) -> "Future[Mapping[str, str | int]]":
        """The answer that is on its way, or a new one."""
        if self.open is None or self.open.done():
            self.open = Future()
            # A daemon: the process may end while it waits for a machine that is gone.
            threading.Thread(target=self._ask, args=(self.open,), daemon=True).start()
        return self.open

    def _ask(self, answer: "Future[Mapping[str, str | int]]") -> None:
        try:
            answer.set_result(self.check())
        except Exception as error:
            answer.set_exception(error)
        finally:
            connection.close()


def ask_database() -> Found:
    """The rows that say how it goes."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    found: Found = {"database": OK}
    try:
        found["migrations"] = BEHIND if missing_migrations() else OK
        if found["migrations"] == OK:
            found |= _age("deliveries", oldest_delivery(now), now)
            found |= _age("inbound", oldest_inbound(), now)
    except DatabaseError as error:
        logger.warning("A table does not answer (%s).", type(error).__name__)
    return found


def ask_broker() -> Found:
    """A ping to Redis, which carries tasks, hints and the cache."""
    if not settings.REDIS_URL:
        return {"broker": "not set"}
    half = PATIENCE / 2
    line = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=half, socket_timeout=half, retry=None
    )
    with line:
        return {"broker": OK if line.ping() else NO_ANSWER}


def missing_migrations() -> set[tuple[str, str]]:
    """What `manage.py migrate` would still have to do."""
    return _newest_migrations() - set(MigrationRecorder(connection).applied_migrations())


@cache
def _newest_migrations() -> set[tuple[str, str]]:
    """The last of each app; they stand on the disk, and do not change while we run."""
    return set(MigrationLoader(None).graph.leaf_nodes())


def oldest_delivery(now: datetime) -> datetime | None:
    """Since when the longest waits of what should have gone out.

    A channel at a time, by the indexes `delivery_due` and `delivery_sending`. What a paused
    channel holds back is no fault of ours, and the desk says so.
    """
    own = Delivery.objects.filter(channel=OuterRef("pk"))
    due = own.due(now).order_by("next_attempt_at").values("next_attempt_at")
    lost = own.lost_in_sending(now).order_by("leased_until").values("leased_until")
    rows = Channel.objects.values_list(Subquery(due[:1]), Subquery(lost[:1]))
    return min((at for row in rows for at in row if at), default=None)


def oldest_inbound() -> datetime | None:
    """When the oldest came in that was not read yet; by the index `inbound_event_by_state`."""
    new = InboundEvent.objects.filter(state=InboundEvent.State.NEW).order_by("received_at")
    return new.values_list("received_at", flat=True).first()


def _age(part: str, since: datetime | None, now: datetime) -> Found:
    age = now - since if since else timedelta()
    seconds = max(0, int(age.total_seconds()))
    return {part: LATE_WORD if age > LATE else OK, f"{part}_oldest_seconds": seconds}


QUESTIONS = (Question(ask_database), Question(ask_broker))
