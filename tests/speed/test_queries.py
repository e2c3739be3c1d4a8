"""No page asks the database more for 1,000 rows than for 10, and none more than is written here."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from channels_app.models import Channel, InboundEvent
from contacts.models import Topic
from portal import timeline
from portal.access import SessionStore
from portal.api import scopes
from portal.api.models import ApiClient
from tests.speed import world
from tests.speed.world import World

FEW, MANY = 10, 1000
Address = Callable[[World], str]
Costs = tuple[dict[str, list[str]], dict[str, list[str]]]
pytestmark = pytest.mark.django_db  # makes the database; the rows are the module's own


def _case(end: str = "") -> Address:
    return lambda here: f"/admin/cases/{here.case.reference}/{end}"


def _question(end: str = "") -> Address:
    return lambda here: f"/q/{here.case.reference}/{end}"


def _api_case(end: str = "") -> Address:
    return lambda here: f"/api/v1/cases/{here.case.reference}/{end}"


def _have(here: World) -> str:
    """The mark of a page to which one line came since."""
    here.case.refresh_from_db()
    now = timeline.change(here.case, f"{here.case.seq - 1}.x.x").now
    return f"{now.after}.{now.old}.x"


# Who looks, what at, and the most statements that it may take.
PAGES: dict[str, tuple[str, Address, int]] = {
    "start": ("customer", lambda here: "/", 6),
    "question": ("customer", _question(), 16),
    "question, older lines": (
        "customer",
        lambda here: f"/q/{here.case.reference}/?before=2100-01-01T00:00:00%2B00:00",
        16,
    ),
    "question, news": ("customer", _question("news/"), 15),
    "question, one new line": (
        "customer",
        lambda here: f"/q/{here.case.reference}/news/?have={_have(here)}",
        15,
    ),
    "keep the page": ("customer", _question("keep/"), 8),
    "switch": ("customer", _question("switch/"), 13),
    "questions": ("customer", lambda here: "/questions/", 8),
    "preferences": ("customer", lambda here: "/preferences/", 8),
    "ways": ("customer", lambda here: "/ways/", 3),
    "sign in": ("nobody", lambda here: "/sign-in/", 2),
    "case link": ("nobody", lambda here: f"/c/{here.link.plain}/", 3),
    "home": ("staff", lambda here: "/admin/", 18),
    "queue: needs an answer": ("staff", lambda here: "/admin/cases/?tab=needs", 11),
    "queue: mine": ("staff", lambda here: "/admin/cases/?tab=mine", 11),
    "queue: unassigned": ("staff", lambda here: "/admin/cases/?tab=unassigned", 11),
    "queue: waiting for the customer": ("staff", lambda here: "/admin/cases/?tab=customer", 11),
    "queue: done": ("staff", lambda here: "/admin/cases/?tab=done", 11),
    "queue: live": ("staff", lambda here: "/admin/cases/?part=list", 10),
    "search": ("staff", lambda here: "/admin/cases/?q=sam", 16),
    "case": ("staff", _case(), 19),
    "case, older lines": ("staff", _case("?part=older&before=2100-01-01T00:00:00%2B00:00"), 13),
    "case, live": ("staff", _case("?part=live"), 14),
    "case, one new line": ("staff", lambda h: _case(f"?part=live&have={_have(h)}")(h), 14),
    "case, beside": ("staff", _case("?part=beside"), 22),
    "bell": ("staff", lambda here: "/admin/alerts/bell/", 4),
    "alerts": ("staff", lambda here: "/admin/alerts/", 8),
    "to do": ("staff", lambda here: "/admin/todo/", 7),
    "one to do": ("staff", lambda here: f"/admin/todo/{here.delivery.pk}/", 18),
    "record a contact": ("staff", lambda here: "/admin/record/?q=sam", 16),
    "record in a case": (
        "staff",
        lambda here: f"/admin/record/?case={here.case.reference}",
        13,
    ),
    "did not arrive": ("staff", lambda here: "/admin/troubles/", 7),
    "organisation": ("staff", lambda here: "/admin/organisation/", 6),
    "channels": ("staff", lambda here: "/admin/channels/", 10),
    "channel": ("staff", lambda here: f"/admin/channels/{_one(Channel)}/", 13),
    "topics": ("staff", lambda here: "/admin/topics/", 8),
    "topic": ("staff", lambda here: f"/admin/topics/{_one(Topic)}/", 5),
    "staff": ("staff", lambda here: "/admin/staff/", 5),
    "staff member": ("staff", lambda here: f"/admin/staff/{here.admin.pk}/", 8),
    "quarantine": ("staff", lambda here: "/admin/quarantine/", 8),
    "healthz": ("nobody", lambda here: "/healthz", 0),
    "staff log-in": ("nobody", lambda here: "/admin/login/", 1),
    "API: page": ("nobody", lambda here: "/api/v1/", 2),
    "API: channels": ("program", lambda here: "/api/v1/channels/", 4),
    "API: topics": ("program", lambda here: "/api/v1/topics/", 3),
    "API: cases": ("program", lambda here: "/api/v1/cases/", 3),
    "API: case": ("program", _api_case(), 3),
    "API: messages": ("program", _api_case("messages/"), 6),
    "API: deliveries": ("program", _api_case("deliveries/"), 5),
    "API: a customer's case": ("link", _api_case(), 3),
    "API: a customer's messages": ("link", _api_case("messages/"), 6),
    "API: a customer's deliveries": ("link", _api_case("deliveries/"), 5),
}
LOG_IN = "staff log-in, sent"
LOG_IN_COSTS = 10


def _one(model: type[Channel] | type[Topic] | type[InboundEvent]) -> int:
    return int(model._default_manager.order_by("pk").values_list("pk", flat=True)[0])


def _browsers(here: World) -> dict[str, Client]:
    staff, customer = Client(), Client()
    staff.force_login(here.admin)
    session = SessionStore()
    session["cases"] = {str(here.case.pk): str(here.link.pk)}
    session["customer"] = here.case.customer_id
    session.save()
    customer.cookies[settings.CUSTOMER_COOKIE_NAME] = str(session.session_key)
    caller = ApiClient(name="Web shop", scopes=list(scopes.SCOPES), rate=10_000)
    token = caller.give_token()
    caller.save()
    return {
        "staff": staff,
        "customer": customer,
        "nobody": Client(),
        "program": Client(headers={"Authorization": f"Bearer {token}"}),
        "link": Client(headers={"Authorization": f"Bearer {here.link.plain}"}),
    }


def _costs(here: World) -> dict[str, list[str]]:
    """The statements of each page, asked for twice: what is remembered between is not counted."""
    found, browsers = {}, _browsers(here)
    for name, (who, address, _most) in PAGES.items():
        for _time in range(2):
            path = address(here)
            cache.clear()
            with CaptureQueriesContext(connection) as asked:
                response = browsers[who].get(path)
            assert response.status_code == 200, (name, path, response.status_code)
        found[name] = [query["sql"] for query in asked]
    found[LOG_IN] = _log_in(here)
    return found


def _log_in(here: World) -> list[str]:
    cache.clear()
    typed = {"username": here.admin.username, "password": "secret-word-7"}
    with CaptureQueriesContext(connection) as asked:
        response = Client().post("/admin/login/", typed)
    assert response.status_code == 302, response.content[:300]
    return [query["sql"] for query in asked]


@pytest.fixture(scope="module")
def costs(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Costs:
    """The statements of every page with few and with many rows; written once, and taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        here = world.make()
        here.grow(FEW)
        few = _costs(here)
        here.grow(MANY)
        many = _costs(here)
        transaction.set_rollback(True)
    return few, many


@pytest.mark.parametrize("name", [*PAGES, LOG_IN])
def test_a_page_asks_as_much_of_many_rows_as_of_few(name: str, costs: Costs) -> None:
    few, many = costs[0][name], costs[1][name]
    more = "\n".join(statement[:300] for statement in many)
    # The newest lines of a long history need not show what the first ones did: it can be less.
    assert len(many) <= len(few), f"{len(few)} with {FEW} rows, {len(many)} with {MANY}:\n{more}"
    most = LOG_IN_COSTS if name == LOG_IN else PAGES[name][2]
    assert len(few) <= most, f"{len(few)} statements:\n{more}"
