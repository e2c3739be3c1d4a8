"""What a program may be allowed to do: few words, each of them given by hand."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CASES_OPEN, CASES_READ, CASES_WRITE = "cases:open", "cases:read", "cases:write"
CASES_ANSWER, CHANNELS_READ, DELIVERIES_READ = "cases:answer", "channels:read", "deliveries:read"

SCOPES: dict[str, str | Promise] = {
    CHANNELS_READ: _("Read the offered channels and topics"),
    CASES_OPEN: _("Open a case for a customer"),
    CASES_READ: _("Read every case, its messages and files, but no notes"),
    CASES_WRITE: _("Add what a customer says, and switch the channel"),
    CASES_ANSWER: _("Answer customers in the name of a colleague"),
    DELIVERIES_READ: _("Read how answers went out"),
}
# Those that need to look a case up; without one of them a program sees none.
OF_CASES = frozenset({CASES_READ, CASES_WRITE, CASES_ANSWER, DELIVERIES_READ})
# What the link of a case may do, in that case.
OF_CUSTOMERS = frozenset({CHANNELS_READ, CASES_READ, CASES_WRITE, DELIVERIES_READ})


def scope_choices() -> list[tuple[str, str | Promise]]:
    """For the form of the administrators."""
    return list(SCOPES.items())
