"""The Celery application: the doorbell of the workers (the rows are the truth)."""

import logging
import os
import time
from contextlib import AbstractContextManager
from typing import Any

from celery import Celery, Task
from celery.signals import (
    before_task_publish,
    task_postrun,
    task_prerun,
    worker_before_create_process,
    worker_init,
)
from django.db import connections

from contacts import tracing
from portal import warm
from portal.sqlite.base import DatabaseWrapper

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("onecase")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["channels_app", "portal", "portal.api"])

logger = logging.getLogger("portal.tasks.done")
HEADER = "onecase_request_id"
OFTEN = frozenset({"channels_app.sweep"})  # every five seconds, mostly with nothing to do
_open: dict[str, tuple[AbstractContextManager[object], float]] = {}  # the tasks under way here


@worker_init.connect
def give_way(**_more: Any) -> None:
    """On SQLite people write first."""
    DatabaseWrapper.gives_way = True


@worker_before_create_process.connect
def prepare(**_more: Any) -> None:
    """Before a worker's processes part; one of threads shares everything anyway."""
    warm.warm()


@task_prerun.connect
@task_postrun.connect
def keep_connections(**_more: Any) -> None:
    """As Django does around a request: one that broke or is too old is closed, others stay."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:  # a task that is called, not rung, is its caller's part
            connection.close_if_unusable_or_obsolete()


@before_task_publish.connect
def carry(headers: dict[str, Any], **_more: Any) -> None:
    """A task goes on with the id of the request, or of the task, that rang for it."""
    if found := tracing.current().get("request_id"):
        headers[HEADER] = found


@task_prerun.connect
def begin(task_id: str, task: Task, **_more: Any) -> None:
    """Every line of this task says its name, and what it goes on with."""
    given = task.request.get(HEADER) or ""
    block = tracing.bound(request_id=tracing.accepted(str(given)), task=task.name)
    block.__enter__()
    _open[task_id] = (block, time.perf_counter())


@task_postrun.connect
def end(task_id: str, task: Task, state: str = "", **_more: Any) -> None:
    """One line when it is done: which task, how it ended, how long it took."""
    if task_id not in _open:
        return
    block, begun = _open.pop(task_id)
    ms = round((time.perf_counter() - begun) * 1000, 1)
    logger.log(
        logging.DEBUG if task.name in OFTEN else logging.INFO,
        "%s %s in %.0f ms",
        *(task.name, state, ms),
        extra={"state": state, "ms": ms},
    )
    block.__exit__(None, None, None)
