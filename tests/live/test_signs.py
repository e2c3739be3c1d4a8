"""Who types and who is here: told at once to the other side alone, kept nowhere, lost with ease."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from channels_app import dispatch
from channels_app.models import Delivery
from contacts import hints, merging, services
from contacts.models import Case, User
from portal import access
from portal.live import presence, signs, stream
from tests import shop
from tests.live.conftest import Listen, Listener, Server, customer_cookies, staff_cookies
from tests.live.test_rights import browser
from tests.live.test_streams import Broker, d, q, write
from tests.live.test_streams import broker as broker
from tests.setup.test_processes import until

TYPING = "live:typing"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody waits a second for a sign of life."""
    monkeypatch.setattr(presence, "TICK", 0.1)
    monkeypatch.setattr(presence, "REST", 0.4)
    yield


def types(cookies: dict[str, str], key: str) -> int:
    """Someone types on a page with that key."""
    return browser(cookies).post(reverse(TYPING), {"key": key}).status_code


def given_to(case: Case, agent: User) -> Case:
    """The agent answers it."""
    services.assign(case=case, to=agent, by=agent)
    case.refresh_from_db()
    return case


def now(page: Listener, name: str = "here") -> dict[str, Any] | None:
    """What was told last."""
    told = page.named(name)
    return told[-1] if told else None


def says(page: Listener, here: bool, who: str = "") -> bool:
    """Whether it is told so in a moment."""
    return until(lambda: {"here": here, "who": who}.items() <= (now(page) or {}).items(), 20)


def test_each_side_is_told_that_the_other_one_types_and_nobody_else(
    listen: Listen, case: Case, other: Case, agent: User
) -> None:
    mine, staffs = customer_cookies(case), staff_cookies(agent)
    site, desk = listen(q(case), cookies=mine), listen(d(case), cookies=staffs)
    foreign = listen(q(other), cookies=customer_cookies(other))
    beside = listen("queue", d(other), cookies=staffs)
    with CaptureQueriesContext(connection) as asked:
        assert types(staffs, f"d:{case.reference}") == 204
    assert all(query["sql"].startswith("SELECT") for query in asked)
    assert site.hears("typing", key=f"q:{case.reference}", who="Anna")
    assert types(mine, f"q:{case.reference}") == 204
    assert desk.hears("typing", key=f"d:{case.reference}", who="")
    seq = write(case)
    assert site.hears("case", seq=seq) and desk.hears("case", seq=seq)
    assert len(site.named("typing")) == len(desk.named("typing")) == 1
    assert not foreign.named("typing") and not beside.named("typing")


def test_a_sign_looks_up_nothing_for_those_who_hear_it(
    listen: Listen, server: Server, case: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, desk = listen(q(case), cookies=customer_cookies(case)), staff_cookies(agent)
    looks: list[int] = []
    monkeypatch.setattr("portal.live.sight.look", lambda *a, **b: looks.append(1))
    hints.typing(case.pk, "d", "Anna")
    assert page.hears("typing", who="Anna") and not looks
    assert types(desk, "d:222-222") == 404 and not looks


def test_who_may_not_see_a_case_may_not_type_in_it(
    listen: Listen, case: Case, other: Case, agent: User
) -> None:
    site = listen(q(case), cookies=customer_cookies(case))
    desk = listen(d(case), cookies=staff_cookies(agent))
    assert types(customer_cookies(other), f"q:{case.reference}") == 404
    assert types(customer_cookies(case), f"d:{case.reference}") == 404
    assert types(staff_cookies(agent), f"q:{case.reference}") == 404
    assert types({}, f"q:{case.reference}") == 404
    seq = write(case)
    assert site.hears("case", seq=seq) and desk.hears("case", seq=seq)
    assert not site.named("typing") and not desk.named("typing")


@pytest.mark.parametrize(
    "key", ["", "queue", "bell", "x:K7Q-4MP", "q:K7Q", "q:K7Q-4M\x00", "q" * 99]
)
def test_garbage_says_nothing(case: Case, key: str) -> None:
    assert types(customer_cookies(case), key) == 400


def test_only_a_page_of_ours_may_say_it(case: Case) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies[portal_settings.CUSTOMER_COOKIE_NAME] = customer_cookies(case)[
        portal_settings.CUSTOMER_COOKIE_NAME
    ]
    said = {"key": f"q:{case.reference}"}
    assert client.post(reverse(TYPING), said).status_code == 403
    assert client.get(reverse(TYPING), said).status_code == 405


def test_a_joined_case_is_typed_in_where_it_is_read(
    listen: Listen, case: Case, other: Case, agent: User
) -> None:
    merging.join(case=case, into=other, by=agent)
    site = listen(q(case), cookies=customer_cookies(case))
    desk = listen(d(other), cookies=staff_cookies(agent))
    assert types(customer_cookies(case), f"q:{case.reference}") == 204
    assert desk.hears("typing", key=f"d:{other.reference}")
    assert types(staff_cookies(agent), f"d:{other.reference}") == 204
    assert site.hears("typing", key=f"q:{case.reference}", who="Anna")


def test_rights_that_ended_hear_no_sign(
    listen: Listen, case: Case, other: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.4)
    cookies = customer_cookies(case, other)
    page = listen(q(case), q(other), cookies=cookies)
    session = access.SessionStore(cookies[portal_settings.CUSTOMER_COOKIE_NAME])
    session["cases"] = {str(other.pk): ""}
    session.save()
    assert page.hears("end", ended=[f"q:{case.reference}"])
    hints.typing(case.pk, "d", "Anna")
    hints.typing(other.pk, "d", "Anna")
    assert page.hears("typing", key=f"q:{other.reference}")
    assert len(page.named("typing")) == 1


def test_the_agent_sees_that_the_customer_has_the_page_open(
    listen: Listen, case: Case, agent: User
) -> None:
    desk = listen(d(case), cookies=staff_cookies(agent))
    assert says(desk, False) and now(desk)["since"] == ""  # type: ignore[index]
    one = listen(q(case), cookies=customer_cookies(case))
    assert says(desk, True)
    began = now(desk)["since"]  # type: ignore[index]
    two = listen(q(case), cookies=customer_cookies(case))
    one.close()
    time.sleep(1)
    assert says(desk, True) and began <= now(desk)["since"]  # type: ignore[index]
    two.close()
    assert says(desk, False) and now(desk)["since"] > began  # type: ignore[index]


def test_the_customer_sees_only_who_answers_them(listen: Listen, case: Case, agent: User) -> None:
    site = listen(q(case), cookies=customer_cookies(case))
    colleague = listen(d(case), cookies=staff_cookies(shop.make_agent("bo")))
    assert says(colleague, True)
    assert says(site, False)
    listen(d(case), cookies=staff_cookies(agent))
    time.sleep(0.5)
    assert says(site, False)
    given_to(case, agent)
    assert says(site, True, "Anna")
    services.assign(case=case, to=User.objects.get(username="bo"), by=agent)
    assert says(site, True, "Bo")


def test_a_page_that_is_loaded_anew_does_not_flicker(
    listen: Listen, case: Case, agent: User
) -> None:
    desk = listen(d(case), cookies=staff_cookies(agent))
    cookies = customer_cookies(case)
    page = listen(q(case), cookies=cookies)
    assert says(desk, True)
    for _n in range(3):
        page.close()
        page = listen(q(case), cookies=cookies)
        time.sleep(0.6)
    assert [told["here"] for told in desk.named("here")].count(False) <= 1


def test_several_processes_count_right_and_one_that_dies_is_forgotten(
    listen: Listen, case: Case, agent: User, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "AGAIN", 0.3)
    desk = listen(d(case), cookies=staff_cookies(agent))
    assert says(desk, False)
    with Redis.from_url(redis_url) as line:  # as another process would
        key = presence._key(case.pk, "q")
        line.zadd(key, {"elsewhere 0 1000000000 ": time.time() + 1})
        line.publish(hints.TOPIC, hints.here(case.pk))
        assert says(desk, True)
        assert now(desk)["since"] == "2001-09-09T01:46:40Z"  # type: ignore[index]
        assert says(desk, False)  # it said nothing any more
        assert 0 < line.ttl(presence._key(case.pk, "d")) <= presence.KEPT


def test_without_redis_nobody_is_known_and_nothing_breaks(
    broker: Broker, listen: Listen, case: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.5)
    monkeypatch.setattr(presence, "AGAIN", 0.5)
    desk = listen(d(case), cookies=staff_cookies(agent))
    cookies = customer_cookies(case)
    listen(q(case), cookies=cookies)
    assert says(desk, True)
    broker.kill()
    assert says(desk, False)
    assert types(cookies, f"q:{case.reference}") == 204
    assert desk.hears("case", seq=write(case)) and not desk.over
    broker.start()
    assert until(lambda: bool((now(desk) or {}).get("here")), 15)


def test_without_any_redis_a_stream_is_a_stream(
    server: Server, listen: Listen, case: Case, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = ""
    monkeypatch.setattr(stream, "PING_SECONDS", 0.4)
    page = listen(q(case), cookies=customer_cookies(case))
    assert page.hears("case", seq=write(case)) and not page.named("here")


def test_who_types_too_much_is_not_heard_any_more_and_nobody_else_is_harmed(
    listen: Listen, case: Case, other: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signs, "TYPING_PER_MINUTE", 5)
    cookies, desk = customer_cookies(case), listen(d(case), d(other), cookies=staff_cookies(agent))
    found = [types(cookies, f"q:{case.reference}") for _n in range(20)]
    assert found.count(204) <= 10 and found[-1] == 429  # a minute may end in between
    assert types(customer_cookies(other), f"q:{other.reference}") == 204
    assert desk.hears("typing", key=f"d:{other.reference}")
    assert len(desk.named("typing")) <= 11


def test_another_cookie_beside_the_session_counts_nothing_anew(
    case: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signs, "TYPING_PER_MINUTE", 5)
    mine, staffs = customer_cookies(case), staff_cookies(agent)
    for cookies, key in ((mine, f"q:{case.reference}"), (staffs, f"d:{case.reference}")):
        (other,) = {*mine, *staffs} - {*cookies}
        found = [types(cookies | {other: f"planted{n:08}"}, key) for n in range(20)]
        assert found.count(204) <= 10 and found[-1] == 429  # a minute may end in between


def test_an_open_desk_is_noted_once_a_minute(listen: Listen, case: Case, agent: User) -> None:
    User.objects.filter(pk=agent.pk).update(seen_at=None)
    begun = timezone.now()
    listen("queue", cookies=staff_cookies(agent))
    agent.refresh_from_db()
    assert agent.seen_at and agent.seen_at >= begun
    first, stale = agent.seen_at, User.objects.get(pk=agent.pk)
    stale.was_seen(first + timedelta(seconds=59))
    stale.seen_at = None  # another process, which does not know
    stale.was_seen(first + timedelta(seconds=59))
    agent.refresh_from_db()
    assert agent.seen_at == first
    stale.was_seen(first + timedelta(seconds=61))
    agent.refresh_from_db()
    assert agent.seen_at == first + timedelta(seconds=61)


def test_a_customer_is_no_open_desk(listen: Listen, case: Case, agent: User) -> None:
    User.objects.filter(pk=agent.pk).update(seen_at=None)
    listen(q(case), cookies=customer_cookies(case) | staff_cookies(agent))
    agent.refresh_from_db()
    assert agent.seen_at is None


def sees(cookies: dict[str, str], key: str, seq: object, how: str = "read") -> int:
    """A page says what it has shown."""
    said = {"key": key, "seq": seq, "how": how}
    return browser(cookies).post(reverse("live:seen"), said).status_code


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, bool]]:
    """What is handed on: the case, the number, and whether it was read."""
    found: list[tuple[int, int, bool]] = []

    def take(*, case: Case, up_to: int, read: bool) -> int:
        found.append((case.pk, up_to, read))
        return 0

    monkeypatch.setattr("portal.live.signs.receipts.take", take)
    return found


def test_what_a_page_has_shown_is_taken(case: Case, taken: list[Any]) -> None:
    mine, key = customer_cookies(case), f"q:{case.reference}"
    assert sees(mine, key, 1, "delivered") == sees(mine, key, case.seq) == 204
    assert sees(mine, key, 999_999_999) == 204  # no further than there is anything
    assert taken == [(case.pk, 1, False), (case.pk, case.seq, True), (case.pk, case.seq, True)]


def test_nobody_has_seen_what_is_not_theirs(
    case: Case, other: Case, agent: User, taken: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, key = customer_cookies(case), f"q:{case.reference}"
    assert sees(customer_cookies(other), key, 1) == sees({}, key, 1) == 404
    assert sees(staff_cookies(agent), key, 1) == 404
    assert sees(staff_cookies(agent), f"d:{case.reference}", 1) == 400
    for seq in ("", "-1", "x", "1.5", "\u0661", "1" * 10, "\x00"):
        assert sees(mine, key, seq) == 400
    assert sees(mine, key, 1, "eaten") == sees(mine, "queue", 1) == 400
    assert not taken
    monkeypatch.setattr(signs, "SEEN_PER_MINUTE", 0)
    assert sees(mine, key, 1) == 429 and not taken


def test_an_answer_that_was_read_says_so_at_the_desk(
    listen: Listen, case: Case, agent: User
) -> None:
    delivery = dispatch.reply(
        case=case, staff=agent, text="Yes", kind="account", why_text="They asked"
    ).deliveries.get()
    Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.SENT)
    case.refresh_from_db()
    desk = listen(d(case), cookies=staff_cookies(agent))
    assert sees(customer_cookies(case), f"q:{case.reference}", case.seq) == 204
    assert desk.hears("case", seq=case.seq)
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.READ


def test_a_list_hears_the_customer_and_nobody_is_here_by_it(
    listen: Listen, case: Case, agent: User
) -> None:
    mine, staffs = customer_cookies(case), staff_cookies(agent)
    given_to(case, agent)
    listed = listen(f"l:{case.reference}", cookies=staffs)
    assert says(listed, False)
    site = listen(q(case), cookies=mine)
    assert says(listed, True)
    assert types(mine, f"q:{case.reference}") == 204
    assert listed.hears("typing", key=f"l:{case.reference}", who="")
    assert says(site, False)
    listen(d(case), cookies=staffs)
    assert says(site, True, "Anna")


def test_a_list_of_a_customer_hears_nothing(listen: Listen, case: Case) -> None:
    """It is the desk's, by the desk's rights."""
    page = listen(q(case), f"l:{case.reference}", cookies=customer_cookies(case))
    assert page.hears("hello", served=[f"q:{case.reference}"], ended=[f"l:{case.reference}"])


def test_a_page_that_says_a_thousand_things_is_refused_and_nobody_else_is_harmed(
    listen: Listen, case: Case, other: Case, agent: User
) -> None:
    page = listen(q(other), cookies=customer_cookies(other))
    desk = listen(d(case), d(other), "queue", cookies=staff_cookies(agent))
    client = browser(customer_cookies(case))
    said = {"key": f"q:{case.reference}", "seq": "1", "how": "read"}
    doors = (reverse(TYPING), reverse("live:seen"))
    found = [client.post(doors[number % 2], said).status_code for number in range(1000)]
    assert set(found) == {204, 429}
    assert found.count(204) <= 2 * (signs.TYPING_PER_MINUTE + signs.SEEN_PER_MINUTE)
    seq = write(other)
    assert page.hears("case", seq=seq) and desk.hears("case", seq=seq)
    assert not page.over and not desk.over
