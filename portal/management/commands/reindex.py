"""`manage.py reindex`: the search index made anew, while the portal runs."""

from typing import Any

from django.core.management.base import BaseCommand

from contacts import reindexing


class Command(BaseCommand):
    """Batch by batch; what was found before is found until the end."""

    help = "Write the search index anew: names, addresses, cases and messages."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how far it is."""
        for done, total in reindexing.reindex():
            self.stdout.write(f"{done} of {total} customers and cases")
        self.stdout.write("The search index is written anew.")
