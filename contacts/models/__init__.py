"""The nouns of the ground floor, a module each."""

from contacts.models.case import Case
from contacts.models.choice import Choice
from contacts.models.code import Code
from contacts.models.customer import Consent, Customer
from contacts.models.event import Alert, Event
from contacts.models.identity import Holder, Identity
from contacts.models.message import Attachment, Message
from contacts.models.organisation import Organisation
from contacts.models.question import Question
from contacts.models.search import SearchEntry
from contacts.models.topic import Topic
from contacts.models.user import User

__all__ = [
    "Alert",
    "Attachment",
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
    "Question",
    "SearchEntry",
    "Topic",
    "User",
]
