"""A channel at a provider that is played on this machine, and what that provider posts to us."""

import random
from typing import Any

import pytest
from django.test import Client

from channels_app.adapters.base import Request
from channels_app.models import Channel
from contacts.models import Organisation
from tests.adapters.contract import AtProvider
from tests.webhooks.providers import Provider


def channel_at(
    account: type[AtProvider],
    organisation: Organisation,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    **fields: Any,
) -> Channel:
    """The channel of that account, with its secrets in the environment."""
    config = {}
    for name, value in account.config.items():
        variable = f"{account.provider_name}_{name}".upper()
        monkeypatch.setenv(variable, value.replace("{url}", provider.url))
        config[name] = f"env:{variable}"
    provider.always = account.answers["ok"]
    usual = {"slug": account.kind, "name": account.kind}
    channel = Channel(
        organisation=organisation,
        kind=account.kind,
        provider=account.provider_name,
        address=account.address.replace(" ", ""),
        config=config,
        version=random.randrange(1, 10**6),  # adapters are kept by it, with their connections
        **(usual | fields),
    )
    channel.full_clean()
    channel.save()
    return channel


def post(client: Client, channel: Channel, request: Request) -> Any:
    """A provider's post to the channel's door, and what it hears."""
    headers = dict(request.headers)
    sort = headers.pop("content-type", "application/octet-stream")
    return client.post(
        f"/webhooks/{channel.slug}/",
        request.body,
        content_type=sort,
        headers=headers,
        query_params=dict(request.query),
    )
