"""Prints a new key that signs what browsers are told by web push."""

from typing import Any

from django.core.management.base import BaseCommand

from channels_app.adapters import webpush


class Command(BaseCommand):
    """`manage.py make_push_key`: a line for the environment. Nothing is stored."""

    help = "Print a new VAPID_PRIVATE_KEY for web push."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it anew each time."""
        self.stdout.write(f"VAPID_PRIVATE_KEY={webpush.new_key()}")
