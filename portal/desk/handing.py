"""Handing a case over: to whom it can go, who of them is there, and how much they have.

How much is counted once the menu is opened: few of those who look at a case hand it over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import Http404
from django.utils.translation import gettext as _

from channels_app import assigning
from contacts.models import Case, Team, User
from portal import lately

MAX_LINE = 500  # of what goes along
TEAM = "team:"


@dataclass(frozen=True)
class Receiver:
    """One line of the menu: a colleague, or a team."""

    value: str
    label: str
    is_chosen: bool = False


def receivers(
    case: Case, staff: Sequence[User], loads: Mapping[int, int] | None = None
) -> list[Receiver]:
    """Colleagues who are there first, then teams, which are asked for once in a while.

    `loads`: how much each of them has, where it is to be said.
    """
    rows = sorted(staff, key=lambda user: (not user.on_duty, user.away_since is not None))
    people = [
        Receiver(str(user.pk), _label(user, loads), user.pk == case.assignee_id) for user in rows
    ]
    teams = lately.read("teams", lambda: list(Team.objects.all()))
    own = [team for team in teams if team.organisation_id == case.organisation_id]
    return people + [Receiver(f"{TEAM}{team.pk}", team.name) for team in own]


def weighed(case: Case, staff: Sequence[User]) -> list[Receiver]:
    """The same, with how much each of them has. One query more."""
    return receivers(case, staff, assigning.loads([user.pk for user in staff]))


def _label(user: User, loads: Mapping[int, int] | None) -> str:
    values = {"name": user.display_name, "capacity": user.capacity}
    if not user.on_duty:
        return _("%(name)s (not on duty)") % values
    if loads is None:
        return _("%(name)s (away)") % values if user.away_since else user.display_name
    values["load"] = loads[user.pk]
    if user.away_since:
        return _("%(name)s (away, %(load)s of %(capacity)s)") % values
    return _("%(name)s (%(load)s of %(capacity)s)") % values


def team_of(raw: str, case: Case) -> Team | None:
    """The team that was picked; None where it is a person. Raises Http404 for no such team."""
    if not raw.startswith(TEAM):
        return None
    key = raw.removeprefix(TEAM)
    rows = Team.objects.filter(organisation=case.organisation_id)
    found = rows.filter(pk=key).first() if key.isdecimal() and len(key) < 19 else None
    if found is None:
        raise Http404
    return found
