"""The breaker: a provider that does not do its work is left alone for a while, then tried once.

open        `Channel.paused_until` lies ahead: nothing goes
half open   it is over: one message goes, and nothing else meanwhile
closed      that one went, or was refused in so many words: `paused_until` is empty again
"""

from datetime import datetime, timedelta

from channels_app.adapters.base import Misconfigured, SendError, Uncertain
from channels_app.models import Channel

UNREACHABLE = timedelta(seconds=30)
MISCONFIGURED = timedelta(minutes=5)
IN_DOUBT = timedelta(minutes=2)  # each try costs an answer of which nobody knows whether it went
IN_A_ROW = 3  # faults of single messages that are taken for one of the provider

# How many in a row here. Threads may lose one of two that come at once; the next one counts.
_faults: dict[int, int] = {}


def well(channel: Channel) -> None:
    """It does its work: it took a message, or refused it in so many words."""
    _faults.pop(channel.pk, None)
    if channel.paused_until is not None:
        channel.end_trial(None)


def fault(channel: Channel, error: SendError, now: datetime) -> None:
    """What did not go: pause the channel where it concerns more than this message."""
    if isinstance(error, Misconfigured):
        channel.pause(now + MISCONFIGURED, error.why)
    elif error.everyone:
        channel.pause(now + max(UNREACHABLE, error.retry_after or UNREACHABLE), error.why)
    elif not (error.retryable or isinstance(error, Uncertain)):
        well(channel)
    elif _is_one_too_many(channel):
        length = IN_DOUBT if isinstance(error, Uncertain) else UNREACHABLE
        channel.pause(now + length, error.why)


def _is_one_too_many(channel: Channel) -> bool:
    """Slow, garbled or broken time and again; or still, when it was tried after a pause."""
    faults = _faults.pop(channel.pk, 0) + 1
    if channel.paused_until is not None or faults >= IN_A_ROW:
        return True
    _faults[channel.pk] = faults
    return False
