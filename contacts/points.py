"""What is still open in a case, in the agents' own words, where the rules' line says too little."""

from django.db import transaction

from contacts.models import Case, Event, User
from contacts.texts import clean_text

MAX_LENGTH = 600  # characters: a minute's reading has other lines as well


class Changed(Exception):
    """A colleague wrote other words meanwhile; `now` is what stands there."""

    def __init__(self, now: str) -> None:
        super().__init__("The open points were changed meanwhile.")
        self.now = now


@transaction.atomic
def write(*, case: Case, text: str, before: str, by: User) -> None:
    """Put an agent's words in the place of those that they saw (`before`); "": the rules' again.

    Raises Changed, so that of two agents at once none loses what they wrote.
    """
    stem, text = case.locked(), clean_text(text)[:MAX_LENGTH]
    if stem.open_points == text:
        return
    if stem.open_points != clean_text(before):
        raise Changed(stem.open_points)
    data = {"text": text, "before": stem.open_points}
    event = Event(sort=Event.Sort.POINTS, staff=by, data=data)
    stem.append(event, open_points=text, changed_at=event.created_at)
