"""The nouns of the ground floor, a module each."""

from contacts.models.canned_answer import CannedAnswer
from contacts.models.case import Case
from contacts.models.choice import Choice
from contacts.models.code import Code
from contacts.models.customer import Consent, Customer
from contacts.models.event import Alert, Event
from contacts.models.identity import Holder, Identity
from contacts.models.message import Attachment, Message
from contacts.models.organisation import Organisation
from contacts.models.outcome import Outcome
from contacts.models.question import Question
from contacts.models.search import SearchEntry
from contacts.models.team import Team
from contacts.models.topic import Topic
from contacts.models.user import User

__all__ = [
    "Alert",
    "Attachment",
    "CannedAnswer",
    "Case",
    "Choice",
    "Code",
    "Consent",
    "Customer",
    "Event",
    "Holder",
    "Identity",
    "Message",
    "Organisation",
    "Outcome",
    "Question",
    "SearchEntry",
    "Team",
    "Topic",
    "User",
]
