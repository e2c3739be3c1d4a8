"""The bar with the number at the foot of a phone's screen takes one row."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from channels_app.models import Channel
from contacts.models import Organisation
from tests import shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("language", "words"), [("en", "opens"), ("nl", "opent")])
def test_the_bar_takes_one_row(
    browser: Browser, live_server: LiveServer, language: str, words: str
) -> None:
    cache.clear()
    organisation = shop.make_shop()
    Organisation.objects.filter(pk=organisation.pk).update(phone="+442079460958")
    tomorrow = f"{timezone.localtime() + timedelta(days=1):%a}".lower()
    Channel.objects.filter(kind="phone").update(weekly_hours={tomorrow: [["10:30", "17:30"]]})
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale=language)
    try:
        page = context.new_page()
        page.goto(live_server.url)
        bar = page.locator(".callbar")
        assert words in bar.inner_text() and "+44 20 7946 0958" in bar.inner_text()
        tops = bar.evaluate(
            "bar => [...bar.children].map(e => e.getBoundingClientRect())"
            ".map(box => box.top + box.height / 2)"
        )
        assert len(tops) == 3 and max(tops) - min(tops) < 4
    finally:
        context.close()
