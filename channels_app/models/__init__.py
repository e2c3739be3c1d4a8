"""The nouns of the middle floor, a module each."""

from channels_app.models.appointment import Appointment
from channels_app.models.channel import Channel
from channels_app.models.chat import Chat
from channels_app.models.delivery import Attempt, Delivery
from channels_app.models.device import Device
from channels_app.models.inbound import InboundEvent, InboundItem
from channels_app.models.leaving import Leaving, Stranded
from channels_app.models.pace import Pace
from channels_app.models.special_day import SpecialDay
from channels_app.models.tally import Tally
from channels_app.models.target import Target
from channels_app.models.template import Template
from channels_app.models.weight import Weight

__all__ = [
    "Appointment",
    "Attempt",
    "Channel",
    "Chat",
    "Delivery",
    "Device",
    "InboundEvent",
    "InboundItem",
    "Leaving",
    "Pace",
    "SpecialDay",
    "Stranded",
    "Tally",
    "Target",
    "Template",
    "Weight",
]
