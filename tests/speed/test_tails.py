"""An open page gets its newest lines; all of them where others changed as well."""

import re

import pytest
from django.test import Client

from channels_app.models import Delivery
from contacts import merging, services
from contacts.models import Case, Message, User
from tests.desk.conftest import MakeCase
from tests.desk.conftest import desk as desk
from tests.desk.conftest import make_case as make_case


@pytest.fixture
def case(make_case: MakeCase) -> Case:
    """A question with forty further messages."""
    case = make_case()
    for number in range(40):
        services.file_message(case=case, kind="email", text=f"Number {number:03}")
    return Case.objects.get(pk=case.pk)


def mark_of(page: str) -> str:
    found = re.search(r'data-have="([^"]+)"', page)
    assert found
    return found[1]


def news(desk: Client, case: Case, have: str) -> str:
    answer = desk.get(f"/admin/cases/{case.reference}/", {"part": "live", "have": have})
    return answer.content.decode().partition('id="case-facts"')[0]


def opened(desk: Client, case: Case) -> str:
    return mark_of(desk.get(f"/admin/cases/{case.reference}/").content.decode())


def test_only_the_newest_lines_come(desk: Client, case: Case) -> None:
    have = opened(desk, case)
    services.file_message(case=case, kind="email", text="And this")
    page = news(desk, case, have)
    assert "data-tail" in page and "And this" in page and "Number 039" in page
    assert "Number 020" not in page and "older messages" not in page
    again = news(desk, case, mark_of(page))
    assert "data-tail" in again and "And this" in again


def test_a_step_of_an_old_line_brings_all(desk: Client, agent: User, case: Case) -> None:
    old = Message.objects.get(text="Number 003")
    sent = Delivery.objects.filter(message__case=case).first()
    assert sent
    Delivery.objects.filter(pk=sent.pk).update(message=old, status="sent")
    have = opened(desk, case)
    Delivery.objects.filter(pk=sent.pk).update(status="delivered")
    page = news(desk, case, have)
    assert "data-tail" not in page and "Number 003" in page


def test_a_message_that_was_moved_here_brings_all(
    desk: Client, agent: User, case: Case, make_case: MakeCase
) -> None:
    other = make_case("Something else", address="other@example.org")
    stray = services.file_message(case=other, kind="email", text="In the wrong place")
    first = Message.objects.filter(case=case).earliest("created_at")
    Message.objects.filter(pk=stray.pk).update(created_at=first.created_at)
    have = opened(desk, case)
    merging.move_message(message=Message.objects.get(pk=stray.pk), to=case, by=agent)
    page = news(desk, case, have)
    assert "data-tail" not in page and "In the wrong place" in page


def test_many_new_lines_or_nonsense_bring_the_whole_page(desk: Client, case: Case) -> None:
    have = opened(desk, case)
    for number in range(49):
        services.file_message(case=case, kind="email", text=f"Late {number:03}")
    page = news(desk, case, have)
    assert "data-tail" not in page and "Late 000" in page and "Late 048" in page
    for nonsense in ("", "x", "99999999999.a.b", "5.a", f"{10**8}.a.b"):
        assert "data-tail" not in news(desk, case, nonsense)
