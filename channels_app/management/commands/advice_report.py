"""Write docs/advice.md: what the adviser weighs, and how it does against what is published."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import override

from channels_app.advice import report


class Command(BaseCommand):
    """No rows are read: the published weights and figures alone."""

    help = "Write docs/advice.md anew, after a change of a factor or of a claim."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the page."""
        with override("en"):
            (settings.BASE_DIR / "docs" / "advice.md").write_text(report.text())
        self.stdout.write("docs/advice.md is written.")
