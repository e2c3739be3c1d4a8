"""What gunicorn serves during a benchmark."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

from portal.wsgi import application

__all__ = ["application"]
