"""An open page gets its newest lines; all of them where others changed as well."""

import re

import pytest
from django.test import Client

from channels_app.models import Delivery
from contacts import merging, services
from contacts.models import Case, Event, Message, User
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


def test_a_joined_case_brings_all(desk: Client, agent: User, make_case: MakeCase) -> None:
    old, new = make_case("Asked before"), make_case("Asked now", address="other@example.org")
    have = opened(desk, new)
    merging.join(case=old, into=new, by=agent)
    page = news(desk, new, have)
    assert "data-tail" not in page and "Asked before" in page
    have = mark_of(page)
    services.file_message(case=old, kind="email", text="And this")  # its own numbers
    page = news(desk, new, have)
    assert "data-tail" not in page and "And this" in page
    merging.undo_join(case=Case.objects.get(pk=old.pk), by=agent)
    assert "Asked before" not in news(desk, new, mark_of(page))


@pytest.mark.parametrize("more", [1, 7, 20])
def test_a_correction_of_an_old_line_brings_it(desk: Client, case: Case, more: int) -> None:
    said = services.file_message(case=case, kind="whatsapp", text="A slip of the tongue")
    for number in range(more):
        services.file_message(case=case, kind="email", text=f"Later {number:03}")
    have = opened(desk, case)
    Message.objects.filter(pk=said.pk).update(text="What was meant", corrected="edited")
    about = {"message": said.pk, "change": "edited", "before": said.text}
    case.append(Event(sort=Event.Sort.CORRECTED, data=about))
    page = news(desk, case, have)
    assert f'id="m{said.pk}"' in page and "What was meant" in page


@pytest.mark.parametrize("more", [1, 7, 20])
def test_what_corrects_an_old_note_stands_beside_it(
    desk: Client, agent: User, case: Case, more: int
) -> None:
    said = services.file_message(case=case, kind="phone", text="He wants a red one", staff=agent)
    for number in range(more):
        services.file_message(case=case, kind="email", text=f"Later {number:03}")
    have = opened(desk, case)
    services.file_message(case=case, kind="account", text="Blue it is", regards=said)
    page = news(desk, case, have)
    assert "that this is not right" in page and "He wants a red one" in page
