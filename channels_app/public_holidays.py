"""Public holidays of a country with their names, from the package `holidays`."""

from datetime import date
from importlib import import_module

from django.conf import settings
from i18nfield.strings import LazyI18nString


def between(country: str, first: date, last: date) -> dict[date, LazyI18nString]:
    """The holidays of a country (ISO 3166, "NL") from day to day; none of "".

    In each of our languages that the package has for that country, and as people call them there.
    """
    if not country:
        return {}
    # Half a second and several megabytes, for one page and one task at night.
    calendar = import_module("holidays").country_holidays
    years = range(first.year, last.year + 1)
    own = calendar(country, years=years)
    theirs, ours = own.default_language, [code for code, _name in settings.LANGUAGES]
    names = {
        code.split("_")[0]: calendar(country, years=years, language=code)
        for code in own.supported_languages
        if code == theirs or code.split("_")[0] in ours
    } or {"en": own}
    return {
        day: LazyI18nString({code: found[day] for code, found in names.items()})
        for day in sorted(own)
        if first <= day <= last
    }
