"""The nouns of the middle floor, a module each."""

from channels_app.models.channel import Channel
from channels_app.models.delivery import Attempt, Delivery
from channels_app.models.inbound import InboundEvent, InboundItem
from channels_app.models.template import Template

__all__ = ["Attempt", "Channel", "Delivery", "InboundEvent", "InboundItem", "Template"]
