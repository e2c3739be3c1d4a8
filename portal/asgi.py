"""The web application for an ASGI server (uvicorn)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django = get_asgi_application()

from portal.live.door import Door  # noqa: E402  (it reads models, which are there only now)

application = Door(django)
