"""The portal as a Django app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Pages, desk, access, simulator and the supervisor."""

    name = "portal"
