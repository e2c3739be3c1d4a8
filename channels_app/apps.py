"""The middle floor as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChannelsConfig(AppConfig):
    """How messages travel: channels, adapters, routing, dispatch, sending, inbound."""

    name = "channels_app"
    verbose_name = _("Channels")

    def ready(self) -> None:
        """Register the system checks."""
        from channels_app import checks  # noqa: F401
