"""`manage.py api_client NAME --scope ...`: a token for a program, for set-ups without a browser."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts.models import User
from portal.api.models import ApiClient
from portal.api.scopes import CASES_ANSWER, SCOPES


class Command(BaseCommand):
    """Makes a client and prints its token, once."""

    help = "Make a token for a program that uses the API; it is printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The same as on the administrators' page."""
        parser.add_argument("name")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=[*SCOPES, "all"],
            dest="scopes",
            help="may be given several times",
        )
        parser.add_argument("--answers-as", default="", help="the sign-in name of a colleague")
        parser.add_argument("--rate", type=int, default=120, help="calls a minute")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the token alone, so that a script can take it."""
        wanted = list(SCOPES) if "all" in options["scopes"] else options["scopes"]
        staff = User.objects.filter(is_staff=True, is_active=True)
        colleague = staff.filter(username=options["answers_as"]).first()
        if options["answers_as"] and colleague is None:
            raise CommandError("Nobody at work signs in by that name.")
        if CASES_ANSWER in wanted and colleague is None:
            raise CommandError(f"{CASES_ANSWER} needs --answers-as: a named person answers.")
        if not 1 <= options["rate"] <= 10_000:
            raise CommandError("--rate must be 1 to 10000.")
        row = ApiClient(
            name=options["name"][:100],
            scopes=wanted,
            rate=options["rate"],
            answers_as=colleague,
        )
        token = row.give_token()
        row.save()
        self.stdout.write(token)
