"""Canned answers: at the composer in the customer's language, and the pages where they are made."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from contacts import holding
from contacts.models import CannedAnswer, Case, Organisation, Topic, User
from tests import shop
from tests.desk.conftest import MakeCase

PAGES = "/admin/canned/"


@pytest.fixture
def boss(db: None) -> Client:
    """An administrator's browser."""
    client = Client()
    client.force_login(shop.make_agent("carla", administrator=True))
    return client


def make(organisation: Organisation, word: str, text: Any, topic: Topic | None = None) -> None:
    CannedAnswer.objects.create(organisation=organisation, word=word, text=text, topic=topic)


def offered(desk: Client, case: Case) -> list[Any]:
    page = desk.get(f"/admin/cases/{case.reference}/canned/")
    assert page.status_code == 200
    return list(page.context["options"])


def test_names_stand_in_it_and_the_topic_of_the_case_comes_first(
    desk: Client, organisation: Organisation, case: Case
) -> None:
    repair = Topic.objects.get(slug="repair")
    make(organisation, "a-greeting", {"en": "Hello {customer}, this is {agent}."})
    make(organisation, "z-brakes", {"en": "Bring it in."}, repair)
    make(organisation, "b-bill", {"en": "By mail."}, Topic.objects.get(slug="invoice"))
    Case.objects.filter(pk=case.pk).update(topic=repair)
    found = offered(desk, case)
    assert [option.answer.word for option in found] == ["z-brakes", "a-greeting", "b-bill"]
    assert found[1].text == "Hello Sam Sample, this is Anna."
    Case.objects.filter(pk=case.pk).update(topic=None)
    assert offered(desk, case)[0].answer.word == "a-greeting"


def test_nobodys_name_leaves_no_gap(
    desk: Client, organisation: Organisation, make_case: MakeCase
) -> None:
    make(organisation, "hello", {"en": "Hello {customer}, {unknown} too."})
    case = make_case("No name")
    assert offered(desk, case)[0].text == "Hello, {unknown} too."
    holding.rename(case.customer, "{agent}")
    assert offered(desk, case)[0].text == "Hello {agent}, {unknown} too."


def test_it_is_in_the_customers_language_or_says_which_it_is(
    desk: Client, organisation: Organisation, case: Case
) -> None:
    make(organisation, "both", {"en": "Yes", "nl": "Ja"})
    make(organisation, "one", {"nl": "Alleen Nederlands"})
    Case.objects.filter(pk=case.pk).update(language="nl")
    assert [(o.text, o.language) for o in offered(desk, case)] == [
        ("Ja", ""),
        ("Alleen Nederlands", ""),
    ]
    Case.objects.filter(pk=case.pk).update(language="en")
    assert [(o.text, o.language) for o in offered(desk, case)] == [
        ("Yes", ""),
        ("Alleen Nederlands", "Nederlands"),
    ]


def test_texts_are_escaped_in_the_list(
    desk: Client, organisation: Organisation, case: Case
) -> None:
    make(organisation, "x", {"en": 'a"><script>alert(1)</script>'})
    said = desk.get(f"/admin/cases/{case.reference}/canned/").content.decode()
    assert "<script>" not in said
    assert 'data-text="a&quot;&gt;&lt;script&gt;' in said


def test_one_is_made_changed_and_removed_and_written_down(
    boss: Client, organisation: Organisation
) -> None:
    assert "There is no canned answer yet." in boss.get(PAGES).content.decode()
    form = {"word": "Hours", "text_0": "We are open.", "text_1": "Wij zijn open.", "topic": ""}
    assert boss.post(f"{PAGES}new/", form)["Location"] == PAGES
    row = CannedAnswer.objects.get()
    assert (row.word, str(row.text)) == ("hours", "We are open.")
    assert boss.post(f"{PAGES}{row.pk}/", form | {"text_0": "Now open."})["Location"] == PAGES
    assert "Now open." in boss.get(PAGES).content.decode()
    assert boss.post(f"{PAGES}{row.pk}/remove/")["Location"] == PAGES
    assert not CannedAnswer.objects.exists()
    assert LogEntry.objects.count() == 3


def test_no_topic_is_said_in_words(boss: Client, organisation: Organisation) -> None:
    page = boss.get(f"{PAGES}new/").content.decode()
    assert "No topic</option>" in page and "-----" not in page


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"word": "hours"}, "There is one with this word already."),
        ({"word": "two words"}, "Enter a valid"),
        ({"text_0": ""}, "Write the text in at least one language."),
        ({"text_0": "Hello {name}"}, "Nothing is known for {name}"),
    ],
)
def test_what_cannot_be_is_said(
    boss: Client, organisation: Organisation, change: dict[str, str], wrong: str
) -> None:
    make(organisation, "hours", {"en": "Open"})
    form = {"word": "new", "text_0": "Yes", "text_1": "", "topic": ""} | change
    page = boss.post(f"{PAGES}new/", form)
    assert page.status_code == 422
    assert wrong in page.content.decode()


def test_only_administrators_make_them_and_every_agent_has_them(
    desk: Client, agent: User, organisation: Organisation, case: Case
) -> None:
    make(organisation, "x", {"en": "Yes"})
    assert desk.get(PAGES).status_code == 403
    assert desk.post(f"{PAGES}new/", {}).status_code == 403
    assert len(offered(desk, case)) == 1
    assert Client().get(f"/admin/cases/{case.reference}/canned/").status_code == 302
