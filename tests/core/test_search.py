"""Search finds parts of addresses, and `reindex` writes what the methods wrote."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from channels_app import dispatch, opening, switching, todos
from channels_app.models import Delivery
from contacts import holding, merging, search, services
from contacts.models import Case, Identity, Organisation, SearchEntry, User


def a_case(organisation: Organisation, kind: str, address: str, name: str = "") -> Case:
    """A case whose customer is reached there."""
    return opening.open_case(
        organisation=organisation,
        text="Do you sell child seats?",
        came_by="account",
        kind=kind,
        address=address,
        name=name,
        wish="soon" if kind == "phone" else "",
        language="en",
    )


@pytest.mark.parametrize(
    "part",
    [
        "460958",
        "7946 0958",
        "20 7946",
        "020 7946 095",
        "+44 (0)20 7946",
        "0044 20 79460958",
    ],
)
def test_a_part_of_a_number_is_found(organisation: Organisation, part: str) -> None:
    case = a_case(organisation, "phone", "+44 20 7946 0958")
    a_case(organisation, "phone", "+44 20 7946 0018".replace("7946", "7111"))
    assert list(search.cases(part)) == [case]


@pytest.mark.parametrize(
    "part", ["samira", "samira.visser", "samira.visser@exam", "visser", "sender_2", "box"]
)
def test_a_part_of_a_mail_address_is_found(organisation: Organisation, part: str) -> None:
    case = a_case(organisation, "email", "samira.visser+box_sender_2@example.org")
    a_case(organisation, "email", "other@example.org")
    assert list(search.cases(part)) == [case]
    assert search.cases("example.org").count() == 2


def test_digits_in_a_text_are_found_as_before(organisation: Organisation, agent: User) -> None:
    case = a_case(organisation, "email", "sam@example.org")
    dispatch.reply(case=case, staff=agent, text="Your order 2026-1117 is here, frame 123456789.")
    for query in ("2026-1117", "123456", "2026 1117", "1117"):
        assert list(search.cases(query)) == [case]
    assert search.digits("order 12345678") == "" and search.digits("1-2") == ""


def test_a_former_name_is_not_found(organisation: Organisation) -> None:
    case = a_case(organisation, "email", "sam@example.org", name="Old Name")
    holding.rename(case.customer, "New Person")
    assert list(search.cases("person")) == [case] and not search.cases("old name").exists()


def entries() -> list[tuple[int | None, int | None, str]]:
    """What the index holds."""
    return sorted(
        SearchEntry.objects.values_list("case", "customer", "text"), key=lambda row: repr(row)
    )


def test_reindex_writes_what_the_methods_wrote(
    organisation: Organisation, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contacts.reindexing.BATCH", 2)
    monkeypatch.setattr("contacts.search.BATCH", 3)
    case = a_case(organisation, "email", "sam@example.org", name="Sam Jones")
    letter = a_case(organisation, "letter", "Main Street 1\n1000 AA Town", name="Lee")
    call = a_case(organisation, "phone", "+44 20 7946 0958")
    holding.hold(case.customer, Identity.of("phone", "020 123 45 67"), how="staff")
    holding.rename(letter.customer, "Lee Moor")
    dispatch.reply(case=case, staff=agent, text="We do, in three sizes.")
    services.file_message(case=case, kind="email", text="Which ones?")
    services.add_note(case=case, staff=agent, text="A regular.")
    todo = Delivery.objects.to_do().filter(message__case=call).get()
    todos.take(todo, agent)
    todos.finish(todo, agent, Delivery.Outcome.REACHED, note="She takes the middle size.")
    wrong = services.file_message(case=case, kind="email", text="And my parcel?")
    merging.move_message(message=wrong, to=letter, by=agent)
    written = entries()
    assert SearchEntry.objects.filter(text__contains="Lee").delete()[0] == 1
    services.search.index("nothing that anybody wrote", case=case)
    out = StringIO()
    call_command("reindex", stdout=out)
    assert entries() == written
    assert "2 of 6 customers and cases" in out.getvalue()
    for words, found in (("middle size", call), ("946095", call), ("moor", letter)):
        assert list(search.cases(words)) == [found], words
    assert not search.cases("nothing that anybody").exists()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM contacts_search_fts")
            assert cursor.fetchone() == (len(written),)


def test_what_was_joined_is_found_as_the_case_that_it_is_now(
    organisation: Organisation, agent: User
) -> None:
    stem = a_case(organisation, "email", "sam@example.org")
    child = a_case(organisation, "email", "kim@example.org")
    dispatch.reply(case=child, staff=agent, text="The zeppelin left at noon.")
    merging.join(case=child, into=stem, by=agent)
    assert list(search.cases("zeppelin")) == list(search.cases(child.reference)) == [stem]
    merging.undo_join(case=Case.objects.get(pk=child.pk), by=agent)
    assert list(search.cases("zeppelin")) == [child]


def test_an_address_that_a_code_proved_in_a_case_alone_finds_it(organisation: Organisation) -> None:
    case = a_case(organisation, "email", "sam@example.org")
    other = a_case(organisation, "phone", "+44 20 7946 0958")
    number = Identity.of("phone", "+44 20 7946 0958")
    switching.switch(case=case, kind="phone", identity=number)
    assert set(search.cases("+44 20 7946 0958")) == {case, other}
    alone = Identity.of("email", "sam.elsewhere@example.org")
    switching.switch(case=case, kind="email", identity=alone)
    assert list(search.cases("sam.elsewhere@example.org")) == [case]


def test_a_common_word_gives_the_newest_and_says_so(
    organisation: Organisation, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "WINDOW", 2)
    monkeypatch.setattr(search, "MAX_FOUND", 2)
    found = [a_case(organisation, "email", f"sam{n}@example.org") for n in range(3)]
    search.index("a rarity", case=found[0])
    for case in found:
        search.index("the bicycle", case=case)
    common, rare = search.found("bicycle"), search.found("rarity")
    assert (common.ids, common.is_all) == ([found[2].pk, found[1].pk], False)
    assert (rare.ids, rare.is_all) == ([found[0].pk], True)
