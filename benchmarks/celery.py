"""What the workers of a benchmark run: the portal's tasks, and an empty one."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

from portal.celery import app

__all__ = ["app"]
