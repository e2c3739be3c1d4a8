"""What deleting does: the desk deletes no person and no case; rows in use refuse it."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.files.storage import default_storage
from django.db.models import ProtectedError
from django.test import Client

from channels_app import opening
from channels_app.models import Channel, Delivery
from contacts import merging, services
from contacts.files import File
from contacts.models import Attachment, Case, Code, Event, Holder, Message, Organisation, User
from tests.shop import make_agent


@pytest.fixture
def case(organisation: Organisation, settings: Any, tmp_path: Path) -> Case:
    """A case with an answer to come, a link and a file on disk."""
    settings.MEDIA_ROOT = tmp_path
    case = opening.open_case(
        organisation=organisation,
        text="Is it there?",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    services.attach(case.messages.earliest("seq"), [File("a.txt", "text/plain", b"a")])
    services.case_link(case)
    return case


def test_the_desk_offers_no_page_that_deletes_a_person_or_a_case(db: None) -> None:
    assert not admin.site._registry  # own pages alone, and none of those deletes
    client = Client()
    client.force_login(make_agent("robin", administrator=True))
    for model in ("customer", "case", "organisation", "user", "message"):
        assert client.get(f"/admin/contacts/{model}/1/delete/").status_code == 404


def test_rows_that_history_needs_refuse_to_go(case: Case, organisation: Organisation) -> None:
    for row in (case.customer, organisation, Channel.objects.get(slug="email")):
        with pytest.raises(ProtectedError):
            row.delete()
    other = opening.open_case(
        organisation=organisation, text="Hi", came_by="account", kind="account", language="en"
    )
    merging.join(case=other, into=case, by=make_agent())
    with pytest.raises(ProtectedError):
        case.delete()
    assert Case.objects.count() == 2 and Delivery.objects.exists()


def test_a_case_takes_what_it_holds_along_but_its_files_stay_on_disk(case: Case) -> None:
    """By code alone; a page that erases a person comes with a later issue, and removes files."""
    name, customer = str(Attachment.objects.get().file.name), case.customer
    case.delete()
    for model in (Message, Event, Code, Delivery, Attachment):
        assert not model._default_manager.exists(), model
    assert default_storage.exists(name)
    assert Holder.objects.filter(customer=customer).exists()  # the person stays known
    customer.delete()
    assert not Holder.objects.exists()


def test_who_leaves_the_staff_leaves_what_they_wrote(case: Case) -> None:
    agent = make_agent()
    services.add_note(case=case, staff=agent, text="Called twice.")
    services.assign(case=case, to=agent, by=agent)
    User.objects.get().delete()
    case.refresh_from_db()
    note = case.messages.get(direction=Message.Direction.NOTE)
    assert (case.assignee, note.staff, note.text) == (None, None, "Called twice.")
