"""A stream brings what is new along: what the page itself would fetch, by the same rights."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from channels_app import dispatch
from contacts import hints, merging, services
from contacts.models import Case, User
from portal.access import SessionStore
from portal.live import hub, stream, wants
from portal.live.pages import Part
from portal.live.wants import BadWant
from tests.live.conftest import Listen, Server, customer_cookies, staff_cookies
from tests.live.test_rights import browser
from tests.live.test_streams import write
from tests.setup.test_processes import until

HAVE = re.compile(r'data-have="([^"]+)"')
FETCH = {"X-Requested-With": "fetch"}


def mark_of(client: Client, address: str) -> str:
    """What an open page shows of its history."""
    found = HAVE.search(client.get(address).content.decode())
    assert found
    return found[1]


def want(key: str, case: Case, mark: str) -> str:
    return f"{key}:{case.reference}:{case.seq}:{mark}"


def site(case: Case) -> str:
    return reverse("site:question", args=[case.reference])


def desk(case: Case) -> str:
    return reverse("admin:case", args=[case.reference])


def body(html: str) -> str:
    """Without what every answer has of its own."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", html)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only hints bring anything: nothing is looked at by the clock."""
    monkeypatch.setattr(stream, "PING_SECONDS", 60.0)


def test_the_customers_page_is_brought_what_it_would_fetch(
    listen: Listen, case: Case, agent: User, plain: None
) -> None:
    cookies = customer_cookies(case)
    had = mark_of(browser(cookies), site(case))
    page = listen(want("q", case, had), cookies=cookies)
    dispatch.reply(case=case, staff=agent, text="Yes, in blue & <b>red</b>")
    services.add_note(case=case, staff=agent, text="a secret of the house")
    case.refresh_from_db()
    assert until(lambda: bool(page.named("part")) and page.named("part")[-1]["seq"] == case.seq)
    brought = page.named("part")
    address = reverse("site:refresh", args=[case.reference])
    assert brought[0]["had"] == had and {part["from"] for part in brought} == {address}
    fetched = browser(cookies).get(address, {"have": brought[-1]["had"]}, headers=FETCH)
    assert body(brought[-1]["html"]) == body(fetched.content.decode())
    text = "".join(part["html"] for part in brought)
    assert "Yes, in blue &amp; &lt;b&gt;red&lt;/b&gt;" in text and "secret" not in text
    assert brought[-1]["have"] == mark_of(browser(cookies), site(case))
    ids = [found for _at, name, found, _data in page.events if name == "part"]
    assert ids[-1] == f"q:{case.reference}:{case.seq}" and not page.named("case")


def test_the_desk_is_brought_notes_as_well_and_goes_on_from_its_own_mark(
    listen: Listen, case: Case, agent: User, plain: None
) -> None:
    cookies = staff_cookies(agent)
    page = listen(want("d", case, mark_of(browser(cookies), desk(case))), cookies=cookies)
    write(case, "Is it blue?")
    assert until(lambda: len(page.named("part")) == 1)
    services.add_note(case=case, staff=agent, text="a secret of the house")
    case.refresh_from_db()
    assert page.hears("case", seq=case.seq, own=True)  # the page that wrote it has it
    assert len(page.named("part")) == 1
    write(case, "And in red?")
    assert until(lambda: len(page.named("part")) == 2)
    first, second = page.named("part")
    assert second["had"] == first["have"] and second["from"] == f"{desk(case)}?part=live"
    assert "Is it blue?" in first["html"] and "a secret of the house" in second["html"]


def test_a_page_that_has_it_all_is_brought_nothing(
    listen: Listen,
    server: Server,
    case: Case,
    agent: User,
    plain: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[Part | None] = []
    asked = server.door.pages.fresh

    def fresh(*given: Any) -> Part | None:
        found.append(asked(*given))
        return found[-1]

    monkeypatch.setattr(server.door.pages, "fresh", fresh)
    mine, staffs = customer_cookies(case), staff_cookies(agent)
    pages = [
        listen(want("q", case, mark_of(browser(mine), site(case))), cookies=mine),
        listen(want("d", case, mark_of(browser(staffs), desk(case))), cookies=staffs),
    ]
    hints.publish(case.pk, case.seq)
    # Both have looked: who reads while the next one is written may say that one twice.
    assert until(lambda: len(found) == 2) and all(part and not part.html for part in found)
    seq = write(case)
    assert pages[1].hears("part", seq=seq) and not pages[1].named("case")
    assert pages[0].hears("case", seq=seq, own=True) and not pages[0].named("part")
    assert len(pages[1].named("part")) == 1


def test_without_a_mark_there_is_only_a_hint(listen: Listen, case: Case, other: Case) -> None:
    cookies = customer_cookies(case, other)
    page = listen(f"q:{case.reference}:{case.seq}", cookies=cookies)
    assert page.hears("case", seq=write(case)) and not page.named("part")


def test_a_lost_right_ends_the_stream_and_brings_nothing(
    listen: Listen, case: Case, agent: User, plain: None
) -> None:
    mine, staffs = customer_cookies(case), staff_cookies(agent)
    page = listen(want("q", case, mark_of(browser(mine), site(case))), cookies=mine)
    at_desk = listen(want("d", case, mark_of(browser(staffs), desk(case))), cookies=staffs)
    SessionStore(mine[portal_settings.CUSTOMER_COOKIE_NAME]).delete()
    agent.set_password("another-word-8")
    agent.save()
    before = dict(SessionStore(staffs[portal_settings.SESSION_COOKIE_NAME]).items())
    write(case)
    assert page.hears("end", ended=[f"q:{case.reference}"])
    assert at_desk.hears("end", ended=[f"d:{case.reference}"])
    assert until(lambda: page.over and at_desk.over)
    assert not any(one.named("part") or one.named("case") for one in (page, at_desk))
    assert dict(SessionStore(staffs[portal_settings.SESSION_COOKIE_NAME]).items()) == before


def test_a_stream_that_brings_something_moves_no_session_on(
    listen: Listen, case: Case, agent: User, settings: Any, plain: None
) -> None:
    """Where the key of the site was changed, a request moves it on: this one has no answer."""
    cookies = staff_cookies(agent)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 60
    key = cookies[portal_settings.SESSION_COOKIE_NAME]
    before = dict(SessionStore(key).items())
    page = listen(want("d", case, "1.000000000000.000000000000"), cookies=cookies)
    write(case)
    assert page.hears("part") and dict(SessionStore(key).items()) == before


def test_a_joined_case_is_hinted_at_where_its_page_moved_on(
    listen: Listen, case: Case, other: Case, agent: User, plain: None
) -> None:
    cookies = staff_cookies(agent)
    page = listen(want("d", case, mark_of(browser(cookies), desk(case))), cookies=cookies)
    merging.join(case=case, into=other, by=agent)
    assert page.hears("case") and not page.named("part")


def test_a_mark_of_nonsense_brings_the_whole_history(
    listen: Listen, case: Case, agent: User, plain: None
) -> None:
    cookies = customer_cookies(case)
    page = listen(want("q", case, "999999999.aaaaaaaaaaaa.bbbbbbbbbbbb"), cookies=cookies)
    dispatch.reply(case=case, staff=agent, text="Yes")
    assert page.hears("part") and "data-tail" not in page.named("part")[0]["html"]


@pytest.mark.parametrize(
    "text",
    [
        "q:K7Q-4MP:1:2.a.b",
        "q:K7Q-4MP:1:2.aaaaaaaaaaaa",
        "q:K7Q-4MP:1:x.aaaaaaaaaaaa.bbbbbbbbbbbb",
        "q:K7Q-4MP:1:2.aaaaaaaaaaaa.BBBBBBBBBBBB",
        "queue:1:2.aaaaaaaaaaaa.bbbbbbbbbbbb",
    ],
)
def test_a_mark_has_one_form(text: str) -> None:
    with pytest.raises(BadWant):
        wants.one(text)


def test_the_last_id_moves_the_number_on_and_keeps_the_mark() -> None:
    mark = "2.aaaaaaaaaaaa.bbbbbbbbbbbb"
    found = wants.read([f"q:K7Q-4MP:1:{mark}"], "q:K7Q-4MP:7")
    assert found["q:K7Q-4MP"] == wants.Want("q", "K7Q-4MP", 7, mark)


def test_parts_keep_no_connection_beyond_those_of_the_threads(
    listen: Listen, server: Server, case: Case, agent: User, plain: None
) -> None:
    cookies = [customer_cookies(case) for _n in range(10)]
    had = mark_of(browser(cookies[0]), site(case))
    pages = [listen(want("q", case, had), cookies=one) for one in cookies]
    dispatch.reply(case=case, staff=agent, text="Yes")
    assert all(page.hears("part", 15) for page in pages)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            )
            assert cursor.fetchone()[0] <= 6


def test_who_did_not_write_it_is_told_first(
    listen: Listen, case: Case, agent: User, plain: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "OWN_LATE", 1.5)
    mine, staffs = customer_cookies(case), staff_cookies(agent)
    site_page, desk_page = (
        listen(plainly("q", case), cookies=mine),
        listen(plainly("d", case), cookies=staffs),
    )
    seq = write(case)
    assert desk_page.hears("case", 1.2, seq=seq) and not site_page.named("case")
    assert site_page.hears("case", seq=seq)
    dispatch.reply(case=case, staff=agent, text="Yes")
    case.refresh_from_db()
    assert site_page.hears("case", 1.2, seq=case.seq)
    assert not desk_page.hears("case", 0.1, seq=case.seq)
    assert desk_page.hears("case", seq=case.seq)
    services.resolve(case=case, by=agent)  # nobody's words: everybody at once
    case.refresh_from_db()
    assert site_page.hears("case", 1.2, seq=case.seq)
    assert desk_page.hears("case", 1.2, seq=case.seq)


def plainly(key: str, case: Case) -> str:
    """Without its mark."""
    return f"{key}:{case.reference}:{case.seq}"


@pytest.mark.parametrize("comes_first", [True, False])
def test_whose_the_case_is_now_is_here_for_a_page_that_is_brought_the_news(
    listen: Listen, case: Case, agent: User, plain: None, comes_first: bool
) -> None:
    cookies = customer_cookies(case)
    page = listen(want("q", case, mark_of(browser(cookies), site(case))), cookies=cookies)
    assert page.hears("here", here=False)
    steps: list[Callable[[], object]] = [
        lambda: listen(f"d:{case.reference}:{case.seq}", cookies=staff_cookies(agent)),
        lambda: services.assign(case=case, to=agent, by=agent),
    ]
    for step in steps if comes_first else steps[::-1]:
        step()
        time.sleep(1.5)  # longer than it takes to be told who came
    assert page.hears("here", here=True, who="Anna")
