"""The stream of a page in the widget's frame: by the frame's own session, and by no other."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client

from channels_app import dispatch
from contacts.models import Case, Organisation, User
from portal import lately
from portal.access import SessionStore
from tests.live.conftest import Listener, Server, customer_cookies, staff_cookies
from tests.live.test_parts import mark_of
from tests.live.test_signs import quick as quick
from tests.live.test_signs import says, types
from tests.live.test_streams import write
from tests.setup.test_processes import until

Hear = Callable[..., Listener]


class Framed(Listener):
    """A stream of the frame."""

    path = "/widget/live/"


class Closed(Framed):
    """The same while its panel is closed."""

    is_behind = True


@pytest.fixture(autouse=True)
def organisation(organisation: Organisation) -> Organisation:
    """Another site may show the frame."""
    lately.forget()
    organisation.widget_origins = ["https://www.example.org"]
    organisation.save()
    return organisation


@pytest.fixture
def hear(server: Server) -> Iterator[Hear]:
    """Open streams of either sort; all are closed in the end."""
    opened: list[Listener] = []

    def start(sort: type[Listener], want: str, cookies: dict[str, str]) -> Listener:
        opened.append(sort(server, [want], cookies))
        assert until(lambda: bool(opened[-1].named("hello")) or opened[-1].over, 10)
        return opened[-1]

    yield start
    for listener in opened:
        listener.close()


def served(listener: Listener) -> list[str]:
    """What the stream says that it serves."""
    found: list[str] = listener.named("hello")[0]["served"]
    return found


def test_the_frames_session_is_for_the_frame_alone(hear: Hear, case: Case) -> None:
    usual = customer_cookies(case)
    framed = {"onecase_widget": usual[settings.CUSTOMER_COOKIE_NAME]}
    want = f"q:{case.reference}"
    assert served(hear(Framed, want, framed)) == [want]
    assert served(hear(Framed, want, usual)) == []
    assert served(hear(Listener, want, framed)) == []
    assert served(hear(Listener, want, usual)) == [want]


def test_nobody_is_signed_in_in_the_frame(hear: Hear, case: Case) -> None:
    session = SessionStore()
    session["customer"] = case.customer_id
    session.save()
    want, key = f"q:{case.reference}", str(session.session_key)
    assert served(hear(Listener, want, {settings.CUSTOMER_COOKIE_NAME: key})) == [want]
    assert served(hear(Framed, want, {"onecase_widget": key})) == []


def test_nobody_is_staff_in_the_frame(hear: Hear, case: Case, agent: User) -> None:
    want, cookies = f"d:{case.reference}", staff_cookies(agent)
    assert served(hear(Listener, want, cookies)) == [want]
    assert served(hear(Framed, want, cookies)) == []


def test_a_page_in_the_frame_is_brought_what_it_would_fetch_itself(
    hear: Hear, case: Case, agent: User
) -> None:
    """By the frame's session, though another one of the same browser may see the case as well."""
    usual = customer_cookies(case)
    key = usual[settings.CUSTOMER_COOKIE_NAME]
    client = Client()
    client.cookies["onecase_widget"] = key
    mark = mark_of(client, f"/widget/q/{case.reference}/")
    want = f"q:{case.reference}:{case.seq}:{mark}"
    framed, foreign = hear(Framed, want, {"onecase_widget": key}), hear(Framed, want, usual)
    dispatch.reply(case=case, staff=agent, text="Yes, in blue")
    assert until(lambda: bool(framed.named("part")), 10)
    brought = framed.named("part")[0]
    assert brought["from"] == f"/widget/q/{case.reference}/news/"
    assert "Yes, in blue" in brought["html"] and 'href="/q/' not in brought["html"]
    assert foreign.over and not foreign.named("part")


def test_while_no_site_may_show_it_the_frame_has_no_streams(
    hear: Hear, case: Case, organisation: Organisation
) -> None:
    key = customer_cookies(case)[settings.CUSTOMER_COOKIE_NAME]
    organisation.widget_origins = []
    organisation.save()
    lately.forget()
    refused = hear(Framed, f"q:{case.reference}", {"onecase_widget": key})
    assert refused.over and refused.status == 404


def test_behind_a_closed_panel_nobody_is_here_and_everything_is_heard(
    hear: Hear, case: Case, agent: User
) -> None:
    framed = {"onecase_widget": customer_cookies(case)[settings.CUSTOMER_COOKIE_NAME]}
    want = f"q:{case.reference}:{case.seq}"
    desk = hear(Listener, f"d:{case.reference}:{case.seq}", staff_cookies(agent))
    closed, shown = hear(Closed, want, framed), hear(Framed, want, framed)
    assert says(desk, True)
    shown.close()
    assert says(desk, False)
    seq = write(case)
    assert closed.hears("case", case=f"q:{case.reference}", seq=seq)
    assert types(staff_cookies(agent), f"d:{case.reference}") == 204
    assert closed.hears("typing", key=f"q:{case.reference}", who="Anna")
    assert says(desk, False)
