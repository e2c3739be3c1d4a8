"""The customer's own page, with or without somebody at the other end: the row is the delivery."""

from typing import ClassVar

from channels_app.adapters.base import Adapter, Capabilities, Reason


class InHouseAdapter(Adapter):
    """An answer stands on the page as soon as it is written."""

    kinds: ClassVar[frozenset[str]] = frozenset({"account", "chat"})

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """A session says who writes, and only who holds the link reads."""
        return Capabilities(
            immediate=True,
            live=kind == "chat",
            receipts=True,
            idempotent=True,
            authenticates_sender=True,
            private=True,
        )

    def check(self) -> Reason:
        """It is this site itself."""
        return Reason("in_house")
