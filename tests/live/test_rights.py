"""Rights are asked for at the start and again for every hint; who signs out hears nothing more."""

import time
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts import codes, services
from contacts.models import Case, Code, User
from portal.access import SessionStore
from portal.live import door, stream
from tests import shop
from tests.live.conftest import Listen, Server, ask, customer_cookies, staff_cookies
from tests.live.test_streams import d, q, write
from tests.setup.test_processes import until

CUSTOMER, STAFF = portal_settings.CUSTOMER_COOKIE_NAME, portal_settings.SESSION_COOKIE_NAME


def browser(cookies: dict[str, str]) -> Client:
    """The same browser, for pages."""
    client = Client()
    for name, value in cookies.items():
        client.cookies[name] = value
    return client


def test_signing_out_ends_a_customers_stream_at_once(listen: Listen, case: Case) -> None:
    cookies = customer_cookies(case)
    page, stranger = (
        listen(q(case), cookies=cookies),
        listen(q(case), cookies=customer_cookies(case)),
    )
    begun = time.monotonic()
    browser(cookies).post(reverse("site:sign_out"))
    assert until(lambda: page.over, 3) and time.monotonic() - begun < 2
    assert page.named("bye") and not stranger.over
    assert listen(q(case), cookies=cookies).named("hello")[0]["served"] == []


def test_signing_out_ends_a_staff_members_stream_at_once(
    listen: Listen, case: Case, agent: User
) -> None:
    cookies = staff_cookies(agent)
    page = listen(d(case), "queue", "bell", cookies=cookies)
    browser(cookies).post(reverse("admin:logout"))
    assert until(lambda: page.over, 3)
    assert listen(d(case), "queue", cookies=cookies).named("hello")[0]["served"] == []


def test_a_lost_session_ends_the_stream_before_the_next_message(listen: Listen, case: Case) -> None:
    cookies = customer_cookies(case)
    page = listen(q(case), cookies=cookies)
    SessionStore(cookies[CUSTOMER]).delete()
    write(case)
    assert page.hears("end", ended=[f"q:{case.reference}"])
    assert page.named("case") == [] and until(lambda: page.over)


def test_a_revoked_link_ends_the_stream(
    listen: Listen, case: Case, other: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.4)
    link = Code.objects.issue(codes.CASE_LINK, case=case)
    page = listen(q(case), cookies=customer_cookies(case, link=link))
    both = SessionStore(cookies_of(case, other, link)[CUSTOMER])
    two = listen(q(case), q(other), cookies={CUSTOMER: str(both.session_key)})
    Code.objects.filter(pk=link.pk).update(revoked_at=timezone.now())
    assert page.hears("end", ended=[f"q:{case.reference}"]) and until(lambda: page.over)
    assert two.hears("end", ended=[f"q:{case.reference}"])
    write(case)
    assert two.hears("case", case=f"q:{other.reference}", seq=write(other))
    assert all(data["case"] != f"q:{case.reference}" for data in two.named("case"))


def cookies_of(case: Case, other: Case, link: Code) -> dict[str, str]:
    """One case by its link, the other because this browser opened it."""
    session = SessionStore()
    session["cases"] = {str(case.pk): str(link.pk), str(other.pk): ""}
    session.save()
    return {CUSTOMER: str(session.session_key)}


@pytest.mark.parametrize("how", ["inactive", "no staff", "password", "demo"])
def test_staff_who_lose_their_right_hear_nothing_more(
    listen: Listen, case: Case, agent: User, how: str, settings: Any
) -> None:
    page = listen(d(case), "queue", "bell", cookies=staff_cookies(agent))
    if how == "password":
        agent.set_password("another-word-8")
        agent.save()
    elif how == "demo":
        User.objects.filter(pk=agent.pk).update(is_demo=True)
        settings.DEMO = False
    else:
        User.objects.filter(pk=agent.pk).update(
            **({"is_active": False} if how == "inactive" else {"is_staff": False})
        )
    write(case)
    assert page.hears("end", ended=sorted(["bell", f"d:{case.reference}", "queue"]))
    assert page.named("case") == [] and page.named("queue") == [] and until(lambda: page.over)


def test_a_stream_never_writes_into_a_session(listen: Listen, case: Case, agent: User) -> None:
    """Where the key of the site was changed, Django moves a session on; no stream may do that."""
    cookies = staff_cookies(agent)
    before = dict(SessionStore(cookies[STAFF]).items())
    agent.set_password("another-word-8")
    agent.save()
    assert listen("queue", cookies=cookies).named("hello")[0]["served"] == []
    assert dict(SessionStore(cookies[STAFF]).items()) == before


GARBAGE = [
    "",
    "?want=",
    "?want=x:K7Q-4MP",
    "?want=q:K7Q-4MP:-1",
    "?want=q:K7Q-4MP:1234567890",
    "?want=q:k7q-4mp",
    "?want=q:K7Q-4M%00",
    "?want=q:%D9%A1%D9%A2%D9%A3-123:%D9%A1",
    "?want=queue:1",
    "?want=%FF%FE",
    "?" + "&".join(f"want=q:AAA-{n:03}" for n in range(61)),
    "?want=queue&x=" + "y" * 5000,
    "?" + "&".join(f"a{n}=1" for n in range(1500)),
]


@pytest.mark.parametrize("query", GARBAGE)
@pytest.mark.parametrize("path", ["/live/", "/live/poll/"])
def test_garbage_is_refused_and_harms_nobody(
    listen: Listen, server: Server, case: Case, path: str, query: str
) -> None:
    page = listen(q(case), cookies=customer_cookies(case))
    status, headers = ask(server, path + query)
    assert status == 400 and headers["X-Content-Type-Options"] == "nosniff"
    assert page.hears("case", seq=write(case))


@pytest.mark.parametrize("value", ["x" * 5000, "../../etc", "'; DROP", "a b", "%00", '"\\000"'])
def test_a_cookie_of_nonsense_is_no_session(listen: Listen, case: Case, value: str) -> None:
    page = listen(q(case), "queue", cookies={CUSTOMER: value, STAFF: value})
    assert page.named("hello")[0]["served"] == []


def test_only_our_own_pages_only_get_only_our_host(
    server: Server, case: Case, settings: Any
) -> None:
    address, cookie = f"/live/?want={q(case)}", f"{CUSTOMER}={customer_cookies(case)[CUSTOMER]}"

    def status(method: str = "GET", **headers: str) -> int:
        return ask(server, address, method, Cookie=cookie, **headers)[0]

    assert status("POST") == status("PUT") == 405
    assert status(Sec_Fetch_Site="cross-site") == 403
    settings.ALLOWED_HOSTS = ["help.example.org"]
    assert status() == 400
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["*"], True
    assert status() == 403


def test_so_many_streams_and_no_more(
    listen: Listen, server: Server, case: Case, settings: Any
) -> None:
    cookies = customer_cookies(case)
    pages = [listen(q(case), cookies=cookies) for _n in range(door.STREAMS_PER_SESSION)]
    assert listen(q(case), cookies=cookies).status == 429
    assert listen(q(case), cookies=customer_cookies(case)).status == 200
    pages[0].close()
    assert until(lambda: server.door.hub is not None and server.door.hub.count(()) == 0)
    assert until(lambda: listen(q(case), cookies=cookies).status == 200)
    settings.LIVE_STREAMS = 3
    assert listen(q(case), cookies=customer_cookies(case)).status == 503


def test_polling_says_the_same_by_the_same_rights(
    server: Server, case: Case, other: Case, agent: User
) -> None:
    client = browser(customer_cookies(case) | staff_cookies(agent))
    address = f"{reverse('live:poll')}?want={q(case)}&want={q(other)}&want=queue&want=bell"
    first = client.get(address)
    assert set(first.json()) == {f"q:{case.reference}", "queue", "bell"}
    assert first["Cache-Control"] == "private, no-cache"
    tag = {"HTTP_IF_NONE_MATCH": first["ETag"]}
    assert client.get(address, **tag).status_code == 304  # type: ignore[arg-type]
    write(case)
    assert client.get(address, **tag).json()[f"q:{case.reference}"].startswith(f"{case.seq}")  # type: ignore[arg-type]
    services.assign(case=case, to=agent, by=shop.make_agent("bo"))
    assert client.get(address).json()["bell"] == 1
    assert Client().get(address).json() == {}
    client.post(reverse("admin:logout"))
    assert set(client.get(address).json()) == {f"q:{case.reference}"}


def test_where_no_server_streams_browsers_are_told_to_stop(client: Client, db: None) -> None:
    assert client.get(reverse("live:stream") + "?want=queue").status_code == 204
