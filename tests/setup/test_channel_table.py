"""docs/channels.md is what the adapters say, and whoever sets one up finds its page."""

import re

import pytest
from django.utils.translation import override

from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel
from contacts.kinds import KINDS
from contacts.models import Organisation
from portal.desk.channel_form import ChannelForm
from tests import channel_table

pytestmark = pytest.mark.processes


def test_the_table_is_up_to_date() -> None:
    assert channel_table.PAGE.read_text() == channel_table.text(), "run: make channels"


def test_every_kind_and_every_provider_stands_in_it() -> None:
    table = channel_table.text()
    served = {kind for adapter in PROVIDERS.values() for kind in adapter.kinds}
    assert {row[0] for row in channel_table.rows()} == {
        str(KINDS[name].staff_label) for name in served
    }
    assert [name for name in PROVIDERS if PROVIDERS[name].label not in table] == []


def test_what_the_words_of_a_kind_keep_off_is_not_called_confidential() -> None:
    with override("en"):
        warns = {str(one.staff_label): "confidential" in str(one.cannot) for one in KINDS.values()}
    assert {row[0]: row[-1] != "yes" for row in channel_table.rows()} == warns


@pytest.mark.parametrize(
    "provider", [name for name in PROVIDERS if PROVIDERS[name].settings_needed]
)
def test_what_is_to_be_set_up_has_a_page(provider: str) -> None:
    page = channel_table.page_of(provider)
    assert page is not None, f"write docs/channels/{provider}.md"
    words = page.read_text()
    assert PROVIDERS[provider].label in words and "Test this channel" in words
    kind = next(iter(PROVIDERS[provider].kinds))
    form = ChannelForm(instance=Channel(organisation=Organisation(), kind=kind, provider=provider))
    for name in PROVIDERS[provider].settings_needed:
        assert str(form.fields[f"setting_{name}"].label) in words


def test_links_between_the_pages_lead_somewhere() -> None:
    pages = [channel_table.PAGE, *channel_table.FOLDER.glob("*.md")]
    pages += channel_table.FOLDER.glob("channels/*.md")
    for page in pages:
        for link in re.findall(r"\]\(([^)#:]+\.md)", page.read_text()):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"
