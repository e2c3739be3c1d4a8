"""Channels that a person works by hand: phone, letter, in person."""

from typing import ClassVar

from channels_app.adapters.base import Adapter, Capabilities, Reason


class ManualAdapter(Adapter):
    """Nothing is sent: the delivery becomes a to-do for a member of staff."""

    kinds: ClassVar[frozenset[str]] = frozenset({"phone", "letter", "in_person"})

    @classmethod
    def capabilities(cls, kind: str) -> Capabilities:
        """By hand; only a letter leaves a record. All three reach the person alone."""
        return Capabilities(
            automatic=False, live=kind != "letter", written=kind == "letter", private=True
        )

    def check(self) -> Reason:
        """There is nothing to connect to."""
        return Reason("by_hand")
