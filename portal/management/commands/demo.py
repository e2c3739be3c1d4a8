"""`manage.py demo`: the demo's shop and its fifteen cases. Run again it changes nothing."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from channels_app import tallying
from channels_app.models import Pace
from contacts.models import Case, Organisation
from portal.simulator import cases, shop
from portal.simulator.cast import COLLEAGUES, PASSWORD
from portal.simulator.providers.moods import PROVIDERS
from portal.simulator.stage import Stage, mail_server, providers


class Command(BaseCommand):
    """Fill an empty database; all or nothing."""

    help = "Load the demo's shop with fifteen cases into an empty database (only in demo mode)."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses a database that holds anything else."""
        if not settings.DEMO:
            raise CommandError("The demo is loaded only with ONECASE_DEMO=1.")
        if Organisation.objects.filter(name=shop.NAME).exists():
            self.stdout.write("The demo is here already.")
            return
        if Organisation.objects.exists() or Case.objects.exists():
            raise CommandError("This database is in use; the demo needs an empty one.")
        # One transaction: a load that was broken off leaves nothing behind, and no worker sends
        # what is being moved in time. The network in it is this process's own mail server.
        with transaction.atomic():
            stage = Stage(shop.open_shop())
            stage.maildir.clear()
            for provider in PROVIDERS.values():
                provider.book.clear()
            with mail_server(stage), providers(stage):
                cases.play(stage)
            # Else the night would.
            Pace.objects.renew(stage.organisation, timezone.now())
            tallying.tally()
        names = ", ".join(colleague.username for colleague in COLLEAGUES)
        self.stdout.write(f"The demo is ready. Staff: {names}; password: {PASSWORD}")
