#!/usr/bin/env python
"""Django's command line for the portal."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if sys.argv[1:2] == ["parse_mail"]:
        # It reads standard input and nothing else, so it needs no configuration.
        os.environ.setdefault("ONECASE_DEMO", "1")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A mail must wait at the sender's until the settings are right, not bounce.
        print(error, file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL if sys.argv[1:2] == ["receive_mail"] else 1)


if __name__ == "__main__":
    main()
