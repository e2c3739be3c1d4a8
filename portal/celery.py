"""The Celery application: the doorbell of the workers (the rows are the truth)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("onecase")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["channels_app", "portal", "portal.api"])
