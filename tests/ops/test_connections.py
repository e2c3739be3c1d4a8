"""A worker keeps its connection to the database from task to task, as long as it is good."""

import pytest
from celery.fixups.django import DjangoFixup
from django.conf import settings
from django.db import connection

from channels_app.tasks import sweep
from portal.celery import app, keep_connections

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that may stay open, also where the database is a file."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    monkeypatch.setattr(connection, "is_in_memory_db", lambda: False, raising=False)


def test_a_task_leaves_it_open(kept: None) -> None:
    connection.ensure_connection()
    before, around = connection.connection, DjangoFixup(app).worker_fixup
    around.on_task_prerun(sweep)
    keep_connections()
    sweep()
    around.on_task_postrun(sweep)
    keep_connections()
    assert before is not None and connection.connection is before
    assert settings.DATABASES["default"]["CONN_HEALTH_CHECKS"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a file does not hang up")
def test_one_that_broke_is_replaced(kept: None) -> None:
    connection.ensure_connection()
    before = connection.connection
    assert before is not None
    before.close()  # the server is gone, or was started anew
    keep_connections()
    sweep()
    assert connection.connection is not before
