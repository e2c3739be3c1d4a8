"""Who is at work, and who of them is there: on duty, away, off duty; and who could take what."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from contacts import hints
from contacts.kinds import CHAT, KINDS
from contacts.models import Organisation, Team, User
from contacts.models.organisation import all_languages

FOUND = "Away: no page of the desk was open."  # in the log, where nobody said it
GONE_AFTER = timedelta(minutes=10)  # so long without a page of the desk, and somebody is away


def is_there(path: str = "") -> Q:
    """Staff on duty who are not away. Who never looked at the desk is not there.

    But for the demo's colleagues, of whom most are nobody. `path`: of the user, as a lookup begins
    with it ("assignee__").
    """
    state = {"is_active": True, "is_staff": True, "on_duty": True, "away_since": None}
    looked = ~Q(**{f"{path}seen_at": None}) | Q(**{f"{path}is_demo": True})
    return looked & Q(**{path + name: value for name, value in state.items()})


def there() -> QuerySet[User]:
    """Everybody who is there."""
    return User.objects.filter(is_there())


def come(user: User) -> bool:
    """On duty, and there; whether that is new."""
    now = timezone.now()
    return _change(user, "On duty.", on_duty=True, away_since=None, seen_at=now)


def away(user: User) -> bool:
    """On duty, and not there for a while; whether that is new."""
    if user.on_duty and user.away_since:
        return False
    return _change(user, "Away.", on_duty=True, away_since=timezone.now())


def leave(user: User) -> bool:
    """Off duty; whether that is new."""
    return _change(user, "Off duty.", on_duty=False, away_since=None)


def _change(user: User, words: str, **values: object) -> bool:
    """Write it down with its line in the log; nothing happens twice."""
    state = {name: values[name] for name in ("on_duty", "away_since")}
    with transaction.atomic(), watched():
        if not User.objects.filter(pk=user.pk).exclude(**_as(state)).update(**values):
            return False
        _log(user, words)
    for name, value in values.items():
        setattr(user, name, value)
    return True


def _as(state: dict[str, object]) -> dict[str, object]:
    """A state as a filter: since when somebody is away makes no difference."""
    return {
        "on_duty": state["on_duty"],
        "away_since__isnull": state["away_since"] is None,
    }


def _log(user: User, words: str) -> None:
    LogEntry.objects.log_actions(
        user_id=user.pk, queryset=[user], action_flag=CHANGE, change_message=words
    )


def set_away(now: datetime) -> int:
    """Who is on duty and has no page of the desk open any more is away; how many were found."""
    gone = there().filter(seen_at__lt=now - GONE_AFTER)
    count = 0
    for user in gone:
        with transaction.atomic(), watched():
            if gone.filter(pk=user.pk).update(away_since=now):
                _log(user, FOUND)
                count += 1
    return count


def was_found(user: User) -> bool:
    """Whether the sweep set this person away, and not they themselves. One query, if away."""
    if user.away_since is None:
        return False
    lines = LogEntry.objects.filter(user=user, object_id=str(user.pk), action_flag=CHANGE)
    newest = lines.filter(action_time__gte=user.away_since).order_by("pk").first()
    return newest is not None and newest.change_message == FOUND


def takers(organisation: Organisation, kind: str) -> dict[str, frozenset[int]]:
    """Who is there for what is answered by that kind, with or without room now: keys by language.

    A language is left to a team where one takes that kind of every topic in it; else anybody is
    right. Two queries.
    """
    able = frozenset(there().filter(capacity__gte=KINDS[kind].weight).values_list("pk", flat=True))
    narrow = Exists(Team.topics.through.objects.filter(team=OuterRef("pk")))
    rows = Team.objects.filter(organisation=organisation).order_by()
    members: dict[Team, set[int]] = {}
    for team in rows.annotate(is_narrow=narrow, member=F("members")):  # a row for each member
        if team.takes(kind):
            members.setdefault(team, set()).add(team.member or 0)
    found = {}
    for language in all_languages():
        fitting = [team for team in members if not team.languages or language in team.languages]
        theirs = frozenset[int]().union(*(members[team] for team in fitting)) & able
        is_theirs = any(not team.is_narrow for team in fitting)  # type: ignore[attr-defined]
        found[language] = theirs if is_theirs else able
    return found


def chat_languages(organisation: Organisation) -> frozenset[str]:
    """In which languages somebody is there who takes chats, with or without room. Two queries."""
    found = takers(organisation, CHAT)
    return frozenset(language for language, people in found.items() if people)


def is_used() -> bool:
    """Whether a colleague ever looked at the desk: else nothing tells who is there. One query."""
    looked = ~Q(seen_at=None) | Q(is_demo=True)
    return User.objects.filter(looked, is_active=True, is_staff=True).exists()


@contextmanager
def watched() -> Iterator[None]:
    """Open pages hear it when what is done in here opens chat, or closes it: last one out."""
    organisation = Organisation.current()
    if organisation.pk is None:
        yield
        return
    before = chat_languages(organisation)
    yield
    if chat_languages(organisation) != before:
        transaction.on_commit(partial(hints.channels), robust=True)
