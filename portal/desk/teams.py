"""Teams: who takes which topics, channels and languages, and who of them is next."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from channels_app import assigning
from contacts import duty
from contacts.kinds import KINDS, Text
from contacts.models import Organisation, Team, Topic, User
from portal.desk.administration import (
    at_the_end,
    edited,
    language_name,
    log_removal,
    moved,
    page,
    show,
)


class MemberField(forms.ModelMultipleChoiceField):
    """Colleagues by their names."""

    def label_from_instance(self, obj: User) -> str:
        """The name that colleagues see."""
        return obj.display_name


class TeamForm(forms.ModelForm):
    """One team; what is left empty is no limit."""

    topics = forms.ModelMultipleChoiceField(
        Topic.objects.all(),
        label=gettext_lazy("Topics"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: every topic, and questions without one."),
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Channels"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("How the customer wants the answer. None ticked: every way."),
    )
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Languages"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: every language."),
    )
    members = MemberField(
        User.objects.none(),
        label=gettext_lazy("Members"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Who is in no team takes cases from the queue, as before."),
    )

    class Meta:
        model = Team
        fields = ["name", "topics", "kinds", "languages", "members", "how", "is_sticky"]
        labels = {"name": gettext_lazy("Name"), "how": gettext_lazy("Who is next")}
        widgets = {
            "name": UnfoldAdminTextInputWidget,
            "how": forms.RadioSelect,
            "is_sticky": UnfoldBooleanWidget,
        }
        help_texts = {
            "name": gettext_lazy("For staff; customers do not see it."),
            "how": gettext_lazy("Among those who are on duty, not away, and have room."),
            "is_sticky": gettext_lazy(
                "Who answered this customer before comes first, while they are there and have room."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        organisation, row = self.instance.organisation, self.instance
        self._choices("kinds", _kinds(organisation, row))
        spoken = [*organisation.languages, *(row.languages or [])]
        self._choices("languages", [(code, language_name(code)) for code in dict.fromkeys(spoken)])
        people = User.objects.filter(is_staff=True, is_active=True)
        if row.pk:
            people = people | User.objects.filter(teams=row)
        members: Any = self.fields["members"]
        members.queryset = people.distinct().order_by("first_name", "username")

    def _choices(self, name: str, choices: list[tuple[str, Text]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices


def _kinds(organisation: Organisation, row: Team) -> list[tuple[str, Text]]:
    """What is offered, and what the team takes already."""
    offered = organisation.channels.filter(is_offered=True).values_list("kind", flat=True)
    known = {*offered, *(row.kinds or [])}
    return [(name, kind.staff_label) for name, kind in KINDS.items() if name in known]


@dataclass(frozen=True)
class Member:
    """A colleague in the list, with what they have of what they can take."""

    user: User
    load: int

    @property
    def is_there(self) -> bool:
        """Whether they get something now."""
        return self.user.is_active and self.user.on_duty and self.user.away_since is None

    @property
    def state(self) -> str:
        """Why they get nothing; "" while they do."""
        if self.is_there:
            return ""
        return _("away") if self.user.on_duty and self.user.is_active else _("off duty")


@dataclass(frozen=True)
class Row:
    """A team in the list."""

    team: Team
    members: list[Member]

    @property
    def takes(self) -> str:
        """What it is for: Repair · Chat, E-mail · Nederlands."""
        team = self.team
        parts = [
            ", ".join(str(topic.name) for topic in team.topics.all()),
            ", ".join(str(KINDS[name].staff_label) for name in team.kinds if name in KINDS),
            ", ".join(map(language_name, team.languages)),
        ]
        return " · ".join(part for part in parts if part) or _("Takes everything")

    @property
    def finding(self) -> str:
        """Why nobody of it gets anything; "" while somebody does."""
        if not self.members:
            return _("Nobody is in this team: what it takes waits.")
        if not any(member.is_there for member in self.members):
            return _("Nobody of this team is there now: what it takes waits.")
        return ""


def overview(request: HttpRequest) -> HttpResponse:
    """The list, in the order in which the rules ask; six queries."""
    organisation = Organisation.current()
    teams = list(Team.objects.filter(organisation=organisation.pk).prefetch_related("topics"))
    members: dict[int, list[User]] = {team.pk: [] for team in teams}
    through = Team.members.through.objects.filter(team__in=teams).select_related("user")
    for link in through.order_by("user__first_name", "user__username"):
        members[link.team_id].append(link.user)
    loads = assigning.loads({user.pk for people in members.values() for user in people})
    rows = [
        Row(team, [Member(user, loads[user.pk]) for user in members[team.pk]]) for team in teams
    ]
    return show(
        request,
        "desk/admin_teams.html",
        title=_("Teams"),
        rows=rows,
        is_set_up=organisation.pk is not None,
        minutes=organisation.owner_within_minutes,
    )


def add(request: HttpRequest) -> HttpResponse:
    """A new team, at the end of the list."""
    organisation = Organisation.current()
    if organisation.pk is None:
        messages.error(request, _("Name the organisation first."))
        return redirect("admin:organisation")
    return _edit(request, at_the_end(Team(organisation=organisation)))


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a team."""
    return _edit(request, get_object_or_404(Team.objects.select_related("organisation"), pk=pk))


def _edit(request: HttpRequest, row: Team) -> HttpResponse:
    return edited(
        request,
        TeamForm(request.POST or None, instance=row),
        title=row.name if row.pk else _("New team"),
        template="desk/admin_team.html",
        home="admin:teams",
        said=_("Saved. The next case goes by it."),
        within=duty.watched,
    )


def shift(request: HttpRequest, pk: int) -> HttpResponse:
    """One place up or down."""
    row = get_object_or_404(Team, pk=pk)
    return moved(request, row, Team.objects.filter(organisation=row.organisation_id), "admin:teams")


def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """The team goes; the cases of its members stay with them."""
    row = get_object_or_404(Team, pk=pk)
    with transaction.atomic(), duty.watched():
        log_removal(request, row)
        row.delete()
    messages.success(request, _("%(name)s is removed.") % {"name": row.name})
    return redirect("admin:teams")


def urls() -> list[URLPattern]:
    """The pages under /admin/teams/."""
    return [
        page("teams/", overview, "teams"),
        page("teams/new/", add, "team_add"),
        page("teams/<int:pk>/", edit, "team"),
        page("teams/<int:pk>/move/", shift, "team_move", post=True),
        page("teams/<int:pk>/remove/", remove, "team_remove", post=True),
    ]
