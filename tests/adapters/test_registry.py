"""No adapter without the contract."""

from importlib import import_module
from pathlib import Path
from typing import Any

from channels_app.adapters.base import Account
from channels_app.adapters.in_house import InHouseAdapter
from channels_app.adapters.registry import PROVIDERS, adapter_for
from tests.adapters.contract import Contract


def providers_of(cls: type[Any]) -> set[str]:
    """Which providers a contract and those that inherit it are about."""
    own = {getattr(cls, "provider_name", "")}
    return own.union(*map(providers_of, cls.__subclasses__()))


def test_every_provider_that_sends_by_itself_keeps_the_contract() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        import_module(f"{__package__}.{path.stem}")
    sending = {
        name
        for name, cls in PROVIDERS.items()
        for able in map(cls.capabilities, cls.kinds)
        if able.automatic and not able.immediate
    }
    assert sending and sending <= providers_of(Contract)


def test_a_channel_that_goes_to_another_provider_gets_its_adapter() -> None:
    """Also where everything else of it is the same."""
    account = Account("sms", "+3197000000", ())
    first = adapter_for("manual", 77, account)
    assert adapter_for("manual", 77, account) is first
    assert isinstance(adapter_for("in_house", 77, account), InHouseAdapter)
