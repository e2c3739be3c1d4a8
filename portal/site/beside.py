"""What the page of a question says that is no line of its history."""

from dataclasses import dataclass

from django.http import HttpRequest

from contacts.models import Case
from contacts.viewers import Viewer
from portal.site import call_now, chat
from portal.site.call_now import CallNow
from portal.site.chat import Chat


@dataclass(frozen=True)
class Beside:
    """The chat, and the call that is due, where there is one."""

    talk: Chat | None
    call: CallNow | None

    @classmethod
    def of(cls, request: HttpRequest, viewer: Viewer, case: Case) -> "Beside":
        """As it is now."""
        return cls(chat.of(request, viewer, case), call_now.of(request, case))

    @property
    def mark(self) -> str:
        """Changes with what it says."""
        return "".join(part.mark for part in (self.talk, self.call) if part)
