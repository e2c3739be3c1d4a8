"""What every process would load at its first requests, loaded once before the processes part.

What is there before a server forks is shared by its processes. Measured with two of gunicorn's and
two of Celery's: see docs/performance.md.
"""

import gc
from functools import cache

import phonenumbers
from django.conf import settings
from django.template.loader import get_template
from django.urls import get_resolver
from django.utils import translation


@cache
def warm() -> None:
    """Load addresses, templates, words and number plans, and keep collections away from them.

    A collection that looked at them would write into their pages, and so copy them into each
    process.
    """
    get_resolver()._populate()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            translation.gettext("Send")
    phonenumbers.is_valid_number(phonenumbers.parse("+31201234567"))
    folder = settings.BASE_DIR / "templates"
    for path in folder.rglob("*.html"):
        get_template(str(path.relative_to(folder)))
    gc.collect()
    gc.freeze()
