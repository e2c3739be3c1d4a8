"""Staff: nobody removes the last administrator, nor shuts themselves out."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from channels_app import opening
from contacts.models import Organisation, User
from portal.desk.staff import is_last_administrator
from tests.administration.conftest import said
from tests.shop import make_agent

PASSWORD = "a-long-enough-word-9"


def form(**changes: Any) -> dict[str, Any]:
    """A good form of a new agent."""
    return {
        "username": "sam",
        "first_name": "Sam",
        "last_name": "",
        "email": "sam@example.org",
        "language": "nl",
        "time_zone": "",
        "on_duty": "on",
        "capacity": "12",
        "role": "agent",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **changes,
    }


def change(desk: Client, user: User, **changes: Any) -> Any:
    """Save the form of somebody, the password left empty."""
    data = form(username=user.username, first_name="New", password1="", password2="", **changes)
    return desk.post(reverse("admin:staff_member", args=[user.pk]), data)


def activate(desk: Client, user: User, *, active: str) -> Any:
    """Press the button that lets in or shuts out."""
    url = reverse("admin:staff_active", args=[user.pk])
    return desk.post(url, {"active": active}, follow=True)


def test_a_new_agent_can_sign_in_and_configures_nothing(desk: Client) -> None:
    assert desk.post(reverse("admin:staff_add"), form()).status_code == 302
    row = User.objects.get(username="sam")
    assert (row.is_staff, row.is_superuser, row.language) == (True, False, "nl")
    browser = Client()
    login = {"username": "sam", "password": PASSWORD}
    browser.post(reverse("admin:login") + "?next=/admin/", login)
    assert browser.get(reverse("admin:index")).status_code == 200
    assert browser.get(reverse("admin:staff")).status_code == 403
    line = LogEntry.objects.get()
    assert PASSWORD not in line.change_message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"username": ""}, "This field is required."),
        ({"username": "ROBIN"}, "Somebody has this name already."),
        ({"username": "two words"}, "Enter a valid username."),
        ({"first_name": ""}, "This field is required."),
        ({"email": "nobody"}, "Enter a valid email address."),
        ({"language": "xx"}, "Select a valid choice."),
        ({"time_zone": "Mars/Base"}, "Select a valid choice."),
        ({"role": "king"}, "Select a valid choice."),
        ({"password1": "", "password2": ""}, "This field is required."),
        ({"password2": "something-else-1"}, "The two passwords are not the same."),
        ({"password1": "12345678", "password2": "12345678"}, "too common"),
        ({"password1": "short", "password2": "short"}, "too short"),
    ],
)
def test_bad_input(desk: Client, changes: dict[str, Any], words: str) -> None:
    response = desk.post(reverse("admin:staff_add"), form(**changes))
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert PASSWORD not in page  # a password never comes back
    assert User.objects.count() == 1


def test_a_new_password_signs_that_person_out(desk: Client) -> None:
    sam = make_agent("sam")
    browser = Client()
    browser.force_login(sam, backend="portal.access.StaffBackend")
    data = form(username="sam", first_name="Sam")
    assert desk.post(reverse("admin:staff_member", args=[sam.pk]), data).status_code == 302
    assert browser.get(reverse("admin:index")).status_code == 302
    sam.refresh_from_db()
    assert sam.check_password(PASSWORD)


def test_ones_own_new_password_keeps_one_in(desk: Client, administrator: User) -> None:
    data = form(username="robin", first_name="Robin", role="administrator")
    desk.post(reverse("admin:staff_member", args=[administrator.pk]), data)
    assert desk.get(reverse("admin:staff")).status_code == 200


def test_an_empty_password_stays_as_it_is(desk: Client) -> None:
    sam = make_agent("sam")
    assert change(desk, sam).status_code == 302
    sam.refresh_from_db()
    assert sam.first_name == "New" and sam.check_password("secret-word-7")


def test_the_last_administrator_stays_one(desk: Client, administrator: User) -> None:
    response = change(desk, administrator, role="agent")
    assert "This is the last administrator" in response.content.decode()
    answer = activate(desk, administrator, active="0")
    assert "This is the last administrator" in said(answer)
    administrator.refresh_from_db()
    assert administrator.is_administrator


def test_a_deactivated_administrator_does_not_count(administrator: User) -> None:
    other = make_agent("other", administrator=True)
    assert not is_last_administrator(administrator)
    User.objects.filter(pk=other.pk).update(is_active=False)
    assert is_last_administrator(administrator)


def test_nobody_takes_their_own_rights_away(desk: Client, administrator: User) -> None:
    make_agent("other", administrator=True)
    response = change(desk, administrator, role="agent")
    assert "You cannot take your own rights away" in response.content.decode()
    assert "You cannot shut yourself out" in said(activate(desk, administrator, active="0"))
    administrator.refresh_from_db()
    assert administrator.is_administrator


def test_another_administrator_can_be_made_an_agent(desk: Client) -> None:
    other = make_agent("other", administrator=True)
    assert change(desk, other, role="agent").status_code == 302
    other.refresh_from_db()
    assert other.is_staff and not other.is_superuser


def test_who_is_shut_out_is_out_at_once_and_their_cases_are_named(
    shop: Organisation, desk: Client
) -> None:
    sam = make_agent("sam")
    case = opening.open_case(
        organisation=shop, text="Hello", came_by="account", kind="account", language="en"
    )
    type(case).objects.filter(pk=case.pk).update(assignee=sam)
    browser = Client()
    browser.force_login(sam, backend="portal.access.StaffBackend")
    assert browser.get(reverse("admin:index")).status_code == 200
    answer = activate(desk, sam, active="0")
    assert browser.get(reverse("admin:index")).status_code == 302
    assert "1 open case is still with Sam" in said(answer)
    activate(desk, sam, active="1")
    sam.refresh_from_db()
    assert sam.is_active


def test_the_form_cannot_set_what_it_does_not_show(desk: Client) -> None:
    desk.post(reverse("admin:staff_add"), form(is_superuser="on", is_demo="on", is_active=""))
    row = User.objects.get(username="sam")
    assert (row.is_superuser, row.is_demo, row.is_active) == (False, False, True)
