"""docs/adding-a-channel.md as it stands: its example keeps the contract and is set up."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from channels_app.adapters.base import Adapter
from channels_app.adapters.registry import PROVIDERS
from channels_app.models import Channel
from contacts.kinds import KINDS, MESSAGE, SCHEMES, Kind, Scheme
from contacts.models import Organisation
from tests.administration.conftest import administrator, desk, shop
from tests.administration.test_channels import form

__all__ = ["administrator", "desk", "shop"]
GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "adding-a-channel.md"
# Each block of the page by its name: kinds, adapter, registry, test.
BLOCKS = dict(
    re.findall(r"^```python (\w+)\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
)


def run(name: str) -> dict[str, Any]:
    """What a block defines."""
    space: dict[str, Any] = {"__name__": f"guide_{name}"}
    exec(compile(BLOCKS[name], f"{GUIDE.name}: {name}", "exec"), space)
    return space


PAGER: type[Adapter] = run("adapter")["PagerAdapter"]
_pager_contract = run("test")["TestPager"]


@pytest.fixture(autouse=True)
def _pager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Steps 1 and 3: a Kind, a Scheme and a line in the registry."""
    known = {"Kind": Kind, "Scheme": Scheme, "MESSAGE": MESSAGE, "_": _}
    scheme, kind = (eval(line, known) for line in BLOCKS["kinds"].splitlines())
    entries = eval("{" + BLOCKS["registry"] + "}", {"PagerAdapter": PAGER})
    monkeypatch.setitem(SCHEMES, scheme.name, scheme)
    monkeypatch.setitem(KINDS, kind.name, kind)
    for name, adapter in entries.items():
        monkeypatch.setitem(PROVIDERS, name, adapter)
    yield


class TestPager(_pager_contract):  # type: ignore[misc,valid-type]
    """Steps 2 and 4: the example keeps the contract."""


@pytest.mark.django_db
def test_it_needs_no_migration(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", "--check", "--dry-run")
    assert "No changes detected" in capsys.readouterr().out


def test_it_is_set_up_in_the_admin(shop: Organisation, desk: Client) -> None:
    new = reverse("admin:channel_new", args=["pager", "pager"])
    assert new in desk.get(reverse("admin:channel_add")).content.decode()
    page = desk.get(new).content.decode()
    for word in ("API token", "Webhook secret", "ourshop", "Short news"):
        assert word in page
    typed = {
        "name": "Pager",
        "address": "ourshop",
        "setting_api_token": "PAGER_TOKEN",
        "setting_webhook_secret": "PAGER_SECRET",
    }
    assert desk.post(new, form(**typed)).status_code == 302
    row = Channel.objects.get(provider="pager")
    assert row.config == {"api_token": "env:PAGER_TOKEN", "webhook_secret": "env:PAGER_SECRET"}
    wrong = desk.post(new, form(**typed | {"name": "Other", "address": "Our Shop"}))
    assert wrong.status_code == 422 and "ourshop" in wrong.content.decode()
