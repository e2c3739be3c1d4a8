"""Who gets a case: a team that fits, who is there and has room, and whom the customer knows."""

import operator
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, reduce
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from channels_app import due, hours
from channels_app.models import Channel
from contacts import duty, services
from contacts.kinds import CHAT, KINDS
from contacts.models import (
    Alert,
    Case,
    Customer,
    Event,
    Message,
    Organisation,
    Team,
    User,
)
from contacts.models.case import CaseQuerySet

REST = timedelta(minutes=15)  # a chat in which nothing was said for so long takes nobody's room
LEFT = timedelta(hours=1)  # a customer who wrote in a chat longer ago does not wait there any more
MOST = 100  # cases that one sweep gives away; the next one goes on
MAX_TRIES = 10  # colleagues may be faster, or take something else at this moment
KNOWN_BY = 10  # cases of one customer in which somebody may be known to them
KNOWN, OVERDUE = "known", "overdue"  # besides Team.How: why it was this colleague
NEVER = datetime.min.replace(tzinfo=UTC)


def weight(kind: str) -> int:
    """How much of somebody's capacity a case takes that is answered by that kind."""
    return KINDS[kind].weight if kind in KINDS else 1


def loads(people: Collection[int]) -> dict[int, int]:
    """How much each of these colleagues (keys) has: open cases that wait for us, and live chats.

    EXPLAIN at 200,000 cases: of one colleague an Index Scan by case_by_assignee; of a thousand with
    24,000 cases a Bitmap Heap Scan by it and a Hash Join with their choices.
    """
    live = Q(choice__kind=CHAT, changed_at__gte=timezone.now() - REST)
    mine = Case.objects.open().filter(~Q(waiting_since=None) | live, assignee__in=people)
    found = dict.fromkeys(people, 0)
    rows = mine.order_by().values_list("assignee", "choice__kind").annotate(count=Count("pk"))
    for key, kind, count in rows:
        found[key] += weight(kind) * count
    return found


def load(user: User) -> int:
    """How much one colleague has, to be held against their `capacity`. One query."""
    return loads([user.pk])[user.pk]


@dataclass(frozen=True)
class Pick:
    """Whom the rules choose, and why: one of Team.How, KNOWN or OVERDUE."""

    user: User
    how: str
    team: Team | None = None

    @property
    def data(self) -> dict[str, Any]:
        """What the history keeps of it."""
        return {"how": self.how} | ({"team": self.team.name} if self.team else {})


class Rules:
    """Teams, who is there and how much they have, as they were read."""

    def __init__(self, organisation: Organisation) -> None:
        teams = Team.objects.filter(organisation=organisation)
        self.organisation = organisation
        self.teams = list(teams.prefetch_related("topics", "members"))
        self.look()

    def look(self) -> None:
        """Who is there now. How much they have is asked for once it is needed."""
        self.people = {user.pk: user for user in duty.there()}
        self.__dict__.pop("loads", None)

    @cached_property
    def loads(self) -> dict[int, int]:
        """How much each of those who are there has."""
        return loads(self.people)

    def room(self, user: User) -> int:
        """How much more somebody can take."""
        return user.capacity - self.loads[user.pk]

    def members(self, team: Team) -> list[User]:
        """Those of a team who are there."""
        return [self.people[user.pk] for user in team.members.all() if user.pk in self.people]

    def pick(self, case: Case) -> Pick | None:
        """Who gets a case; None where nobody is to, or has room. Teams stand in their order."""
        kind = case.answer_kind
        for team, members in self._groups(case, kind):
            free = [user for user in members if weight(kind) <= self.room(user)]
            if free and (free := self._without_who_gave_it_back(case, free)):
                return self._among(free, case, team)
        return None

    def _groups(self, case: Case, kind: str) -> list[tuple[Team | None, list[User]]]:
        fitting = [team for team in self.teams if team.fits(case)]
        if fitting:
            return [(team, self.members(team)) for team in fitting]
        return [(None, list(self.people.values()))] if kind == CHAT else []

    def _among(self, free: Sequence[User], case: Case, team: Team | None) -> Pick:
        by_key = {user.pk: user for user in free}
        if team is None or team.is_sticky:
            for key in known(case):
                if key in by_key:
                    return Pick(by_key[key], KNOWN, team)
        how = team.how if team else Team.How.LEAST_LOADED
        return Pick(self.next(free, how), how, team)

    def next(self, free: Iterable[User], how: str) -> User:
        """Whose turn it is among them, or who has the least."""
        by_load = how == Team.How.LEAST_LOADED

        def turn(user: User) -> tuple[bool, int, datetime, int]:
            load = self.loads[user.pk] if by_load else 0
            return user.seen_at is None, load, user.assigned_at or NEVER, user.pk  # the demo's last

        return min(free, key=turn)

    def pick_overdue(self, case: Case) -> Pick | None:
        """Who gets a case that nobody had for too long, with room or not; None: nobody is there."""
        fitting = [(team, self.members(team)) for team in self.teams if team.fits(case)]
        for team, members in (*fitting, (None, list(self.people.values()))):
            if members:
                return Pick(self.next(members, Team.How.LEAST_LOADED), OVERDUE, team)
        return None

    def _without_who_gave_it_back(self, case: Case, free: list[User]) -> list[User]:
        event = _last_assignment(case)
        gave_back = event.staff_id if event and event.data.get("to") is None else None
        return [user for user in free if user.pk != gave_back]

    def given(self, pick: Pick, case: Case, at: datetime) -> None:
        """Somebody has a case more."""
        self.loads[pick.user.pk] += weight(case.answer_kind)
        self.people[pick.user.pk].assigned_at = at

    @property
    def assignable(self) -> Q | None:
        """The cases for which somebody has room; None where there are none."""
        parts = [part for team in self.teams if (part := self._of(team)) is not None]
        if weight(CHAT) <= self._most_room(self.people.values()):
            others = [team.cases for team in self.teams if team.takes(CHAT)]
            if all(others):  # a team without topics and languages takes them all
                rest = Q(choice__kind=CHAT)
                parts.append(rest & ~reduce(operator.or_, others) if others else rest)
        return reduce(operator.or_, parts) if parts else None

    def _of(self, team: Team) -> Q | None:
        room = self._most_room(self.members(team))
        fitting = [name for name in KINDS if team.takes(name) and weight(name) <= room]
        return Q(choice__kind__in=fitting) & team.cases if fitting else None

    def _most_room(self, people: Iterable[User]) -> int:
        return max(map(self.room, people), default=0)


def known(case: Case) -> list[int]:
    """Who answered this customer last (R37): here, then in their other cases. Two queries.

    Without a limit: with one PostgreSQL looks for the newest answer through all of the house.
    """
    here = case.family_ids()
    people = Customer.objects.person(case.customer_id).values("pk")
    theirs = Case.objects.filter(customer__in=people).order_by("-changed_at")
    keys = {*here, *theirs.values_list("pk", flat=True)[:KNOWN_BY]}
    answers = Message.objects.filter(
        case__in=keys, direction=Message.Direction.OUT, template="", regards=None
    )
    said = answers.exclude(staff=None).values_list("case", "created_at", "staff")
    newest = sorted(said, key=lambda row: (row[0] in here, row[1]), reverse=True)
    return list(dict.fromkeys(row[2] for row in newest))


def _last_assignment(case: Case) -> Event | None:
    return case.events.filter(sort=Event.Sort.ASSIGNED).order_by("-seq").first()


def is_free(case: Case) -> bool:
    """Whether the customer waits, and nobody has the case; or a chat's owner is not there."""
    if case.state != Case.State.OPEN or case.waiting_since is None:
        return False
    if case.assignee_id is None:
        return True
    return case.answer_kind == CHAT and not duty.there().filter(pk=case.assignee_id).exists()


def assign(case_id: int) -> User | None:
    """Give one case to whom the rules choose; None where it stays as it is."""
    case = Case.objects.select_related("organisation", "choice").filter(pk=case_id, root=None)
    found = case.first()
    return _assign(Rules(found.organisation), found) if found and is_free(found) else None


def _assign(rules: Rules, case: Case) -> User | None:
    for _try in range(MAX_TRIES):
        pick = rules.pick(case)
        if pick is None:
            return None
        if _give(rules, case, pick):
            return pick.user
        case.refresh_from_db()
        if not is_free(case):
            return None
        rules.look()
    return None


def hand_over(case: Case, team: Team, *, by: User, line: str = "") -> User | None:
    """A colleague gives a case to a team: to whom of it is next, where nobody has room as well.

    None where nobody else of the team is there.
    """
    rules, kind = Rules(team.organisation), case.answer_kind
    others = [user for user in rules.members(team) if user.pk not in (by.pk, case.assignee_id)]
    free = [user for user in others if weight(kind) <= rules.room(user)]
    if not others:
        return None
    user = rules.next(free or others, team.how)
    services.assign(case=case, to=user, by=by, line=line)
    User.objects.filter(pk=user.pk).update(assigned_at=timezone.now())
    return user


@transaction.atomic
def _give(rules: Rules, case: Case, pick: Pick) -> bool:
    """Under the lock of the case, then of the colleague, so that nobody gets more than they can.

    False where either is no more as it was when they were chosen.
    """
    stem = case.locked()
    if not is_free(stem) or (pick.team and pick.how != OVERDUE and not pick.team.fits(stem)):
        return False
    # Not for a key: whoever writes a row that names the colleague need not wait.
    people = duty.there().select_for_update(no_key=True)
    user = people.filter(pk=pick.user.pk, assigned_at=pick.user.assigned_at).first()
    if user is None:
        return False
    if pick.how != OVERDUE and load(user) + weight(stem.answer_kind) > user.capacity:
        return False
    now = timezone.now()
    services.give(stem, to=user, **pick.data)
    User.objects.filter(pk=user.pk).update(assigned_at=now)
    rules.given(pick, stem, now)
    return True


def recover() -> None:
    """The sweep: who is away, what nobody rang for, and who has become free; longest wait first."""
    now = timezone.now()
    duty.set_away(now)
    for organisation in Organisation.objects.order_by("pk"):
        rules = Rules(organisation)
        for case in free_cases(rules, now):
            _assign(rules, case)
        _recover_overdue(rules, now)


def free_cases(rules: Rules, now: datetime) -> list[Case]:
    """What the rules would give to somebody at this moment, who waits longest first.

    EXPLAIN at 200,000 cases: case_unowned; for chats that were left case_by_change. As one query
    PostgreSQL reads all that wait, and all choices of the house. How much everybody has is not
    asked for where there is nothing to give.
    """
    rows = Case.objects.waiting().filter(organisation=rules.organisation)
    rows = rows.select_related("choice").order_by("waiting_since", "pk")
    nobodys = rows.filter(assignee=None)
    if not rules.teams:
        nobodys = nobodys.filter(choice__kind=CHAT)
    left = rows.filter(
        ~duty.is_there("assignee__"), choice__kind=CHAT, changed_at__gte=now - LEFT
    ).exclude(assignee=None)
    if not rules.people or not (nobodys.exists() or left.exists()):
        return []
    wanted = rules.assignable
    if wanted is None:
        return []
    found = [*nobodys.filter(wanted)[:MOST], *left.filter(wanted)[:MOST]]
    return sorted(found, key=lambda case: (case.waiting_since or now, case.pk))[:MOST]


def overdue(organisation: Organisation, now: datetime) -> CaseQuerySet:
    """Cases that wait and are with nobody for longer than the organisation allows.

    The time counts while the way that the customer chose is open: nobody looks for an owner at
    night.
    """
    minutes, rows = organisation.owner_within_minutes, Case.objects.none()
    if minutes is None or organisation.pk is None:
        return rows
    parts = Q(pk__in=[])
    seen: set[str] = set()
    for channel in Channel.objects.offered().of(organisation):
        if channel.kind in seen:
            continue
        seen.add(channel.kind)
        since = hours.back(channel.opening, now, minutes)
        if since is not None:
            parts |= Q(choice__kind=channel.kind, waiting_since__lte=since)
    since = now - timedelta(minutes=minutes)
    parts |= (Q(choice=None) | ~Q(choice__kind__in=seen)) & Q(waiting_since__lte=since)
    rows = Case.objects.waiting().filter(parts, assignee=None, organisation=organisation)
    return due.without_agreed(rows, now).order_by("waiting_since", "pk")


def _recover_overdue(rules: Rules, now: datetime) -> None:
    found = overdue(rules.organisation, now).select_related("choice")
    if not rules.people:
        return _tell_administrators(found)
    for case in found[:MOST]:
        event = _last_assignment(case)
        minutes = rules.organisation.owner_within_minutes or 0
        if event and event.created_at > now - timedelta(minutes=minutes):
            continue  # it was given back a moment ago
        if pick := rules.pick_overdue(case):
            _give(rules, case, pick)
    return None


def _tell_administrators(found: CaseQuerySet) -> None:
    """Once: no second time of the same case, and nobody who has not seen the first one yet."""
    told = Alert.objects.filter(sort=Alert.Sort.UNOWNED)
    people = User.objects.filter(is_active=True, is_superuser=True)
    unaware = people.exclude(pk__in=told.filter(seen_at=None).values("user"))
    if not unaware.exists():
        return
    case = found.exclude(Exists(told.filter(case=OuterRef("pk")))).first()
    if case is None:
        return
    with transaction.atomic():
        stem = case.locked()
        if is_free(stem) and not told.filter(case=stem).exists():
            alerts = [Alert(user=user, sort=Alert.Sort.UNOWNED) for user in unaware]
            stem.append(alerts=alerts)
