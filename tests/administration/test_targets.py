"""Targets: the list, the form, and what an administrator reads where something is wrong."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from channels_app import opening, passing
from channels_app.models import Channel, Target
from contacts.models import Case, Customer, Organisation, Topic
from tests.administration.conftest import said

LIST = "admin:targets"


def form(**changes: Any) -> dict[str, Any]:
    """Every case, answered within two hours."""
    empty = dict.fromkeys(("kind", "topic", "whose", "first_rest", "done_hours", "done_rest"), "")
    return {**empty, "first_hours": "2", **changes}


def add(desk: Client, **changes: Any) -> Any:
    return desk.post(reverse("admin:target_add"), form(**changes))


def a_case(shop: Organisation, **values: Any) -> Case:
    given = {"text": "Is it there?", "came_by": "account", "kind": "account", "language": "en"}
    return opening.open_case(organisation=shop, **given | values)


def test_a_target_is_added_changed_and_removed(shop: Organisation, desk: Client) -> None:
    assert "There is no target yet." in desk.get(reverse(LIST)).text
    topic, case = Topic.objects.all()[0], a_case(shop, name="Sam Sample")
    which = {"topic": topic.pk, "kind": "email", "whose": case.reference.lower()}
    assert add(desk, **which, done_hours="48").status_code == 302
    row = Target.objects.get()
    assert (row.topic, row.kind, row.customer) == (topic, "email", case.customer)
    assert (row.first_answer_minutes, row.resolution_minutes) == (120, 2880)
    page = desk.get(reverse(LIST)).text
    assert f"Sam Sample · {topic} · E-mail" in page
    assert "First answer within 2 h · done within 2 days" in page
    address = reverse("admin:target", args=[row.pk])
    page = desk.get(address).text
    assert f'value="{case.reference}"' in page and 'value="48"' in page
    desk.post(address, form(first_hours="", first_rest="45"))
    row.refresh_from_db()
    assert (row.topic, row.kind, row.customer) == (None, "", None)
    assert (row.first_answer_minutes, row.resolution_minutes) == (45, None)
    answer = desk.post(reverse("admin:target_remove", args=[row.pk]), follow=True)
    assert "The target for Every case is removed." in said(answer)
    assert not Target.objects.exists() and LogEntry.objects.count() == 3


def test_the_most_specific_stands_first(shop: Organisation, desk: Client) -> None:
    topic, customer = Topic.objects.first(), Customer.objects.create(name="Kim")
    for which in ({}, {"kind": "email"}, {"topic": topic}, {"customer": customer}):
        Target.objects.create(organisation=shop, resolution_minutes=90, **which)
    rows = desk.get(reverse(LIST)).context["rows"]
    assert [row.which for row in rows] == ["Kim", str(topic), "E-mail", "Every case"]
    assert rows[0].aims == "done within 1 h 30 min"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"first_hours": ""}, "Write at least one of the two times."),
        ({"first_hours": "0", "first_rest": "0"}, "Write at least one of the two times."),
        ({"first_hours": "-1"}, "greater than or equal to 0"),
        ({"first_rest": "60"}, "less than or equal to 59"),
        ({"done_hours": "1441"}, "less than or equal to 1440"),
        ({"whose": "AAA-AAA"}, "There is no case with that reference."),
        ({"kind": "fax"}, "Select a valid choice."),
        ({"topic": "999999"}, "Select a valid choice."),
        ({}, "There is a target for these cases already: change that one."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(
    shop: Organisation, desk: Client, changes: dict[str, str], words: str
) -> None:
    Target.objects.create(organisation=shop, first_answer_minutes=1)
    response = add(desk, **changes)
    assert response.status_code == 422 and words in response.text
    assert Target.objects.get().first_answer_minutes == 1


def test_in_dutch(shop: Organisation, desk: Client) -> None:
    Target.objects.create(organisation=shop, first_answer_minutes=240, resolution_minutes=1440)
    with translation.override("nl"):
        page = desk.get(reverse(LIST), headers={"Accept-Language": "nl"})
        assert page.context["rows"][0].aims == "eerste antwoord binnen 4 u · klaar binnen 1 dag"


def test_administrators_hear_of_targets_that_are_missed(shop: Organisation, desk: Client) -> None:
    Channel.objects.update(weekly_hours={}, promise_minutes=None)

    def found() -> list[str]:
        rows = passing.findings(shop, Channel.objects.all().of(shop), timezone.now())
        return [row.text for row in rows if row.id == passing.MISSED]

    for _number in range(2):
        case = a_case(shop)
    for what, is_said in (("promise", False), ("first_answer", True), ("resolution", True)):
        Case.objects.update(due_at=timezone.now(), near_at=timezone.now(), due_for=what)
        assert found() == (["account: 2 cases are later than our own targets."] if is_said else [])
    Case.objects.filter(pk=case.pk).update(state=Case.State.RESOLVED)
    assert found() == ["account: 1 case is later than our own target."]
    page = desk.get(reverse("admin:index")).text
    assert found()[0] in page and f"{reverse('admin:cases')}?tab=late" in page
