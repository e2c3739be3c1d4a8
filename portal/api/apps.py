"""The API as a Django app of its own: it owns its clients and the answers it gave."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Version 1, for programs of others."""

    name = "portal.api"
    label = "api"
