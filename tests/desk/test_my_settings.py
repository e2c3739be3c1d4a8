"""Everybody at the desk sets their own language, zone and name, and nobody else's."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from contacts.models import User

ME = {"first_name": "Anna", "last_name": "Bell", "language": "nl", "time_zone": ""}


def save(desk: Client, **changes: Any) -> Any:
    """Save the page."""
    return desk.post(reverse("admin:me"), {**ME, **changes}, follow=True)


def test_an_agent_changes_the_own_row_and_nothing_more(
    desk: Client, agent: User, colleague: User
) -> None:
    page = desk.get(reverse("admin:index")).content.decode()
    assert f'href="{reverse("admin:me")}"' in page and "My settings" in page
    more = {"is_superuser": "on", "username": "boss", "pk": colleague.pk, "is_demo": "on"}
    page = save(desk, time_zone="America/New_York", **more).content.decode()
    assert "Uw instellingen zijn opgeslagen." in page and "Mijn instellingen" in page
    agent.refresh_from_db()
    assert (agent.display_name, agent.language, agent.time_zone) == (
        "Anna Bell",
        "nl",
        "America/New_York",
    )
    assert (agent.is_superuser, agent.username, agent.is_demo) == (False, "anna", False)
    assert agent.check_password("secret-word-7") and agent.is_staff
    colleague.refresh_from_db()
    assert (colleague.display_name, colleague.language) == ("Bo", "en")
    assert LogEntry.objects.get().user == agent


def test_bad_input_is_said(desk: Client, agent: User) -> None:
    for changes in ({"first_name": ""}, {"language": "xx"}, {"time_zone": "Mars/Base"}):
        assert save(desk, **changes).status_code == 422
    agent.refresh_from_db()
    assert agent.last_name == "" and not LogEntry.objects.exists()
