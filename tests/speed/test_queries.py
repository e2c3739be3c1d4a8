"""No page asks the database more for 1,000 rows than for 10, and none more than is written here."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from channels_app.models import Appointment, Channel, InboundEvent, SpecialDay, Target
from contacts import codes
from contacts.models import Alert, CannedAnswer, Code, Message, Team, Topic
from portal import lately, marks
from portal.access import SessionStore
from portal.api import scopes
from portal.api.models import ApiClient
from tests.core import booking
from tests.speed import world
from tests.speed.world import World

FEW, MANY = 10, 1000
Address = Callable[[World], str]
Costs = tuple[dict[str, list[str]], dict[str, list[str]], set[str]]
# It makes the database; the rows are the module's own. Plans are looked at on PostgreSQL.
pytestmark = [pytest.mark.django_db, pytest.mark.once]


def _case(end: str = "") -> Address:
    return lambda here: f"/admin/cases/{here.case.reference}/{end}"


def _question(end: str = "") -> Address:
    return lambda here: f"/q/{here.case.reference}/{end}"


def _api_case(end: str = "") -> Address:
    return lambda here: f"/api/v1/cases/{here.case.reference}/{end}"


def _have(here: World) -> str:
    """The mark of a page to which one line came since."""
    here.case.refresh_from_db()
    now = marks.change(here.case, f"{here.case.seq - 1}.x.x").now
    return f"{now.after}.{now.old}.x"


def _note(here: World) -> int:
    """What a colleague noted of a call."""
    return _one(Message.objects.filter(case=here.case, kind="phone", direction="in"))


def _told(here: World) -> str:
    """The case with something that this person was told about it and has not seen."""
    Alert.objects.get_or_create(user=here.admin, case=here.case, sort="answered")
    Alert.objects.filter(case=here.case).update(seen_at=None)
    return _case()(here)


def _agreed(here: World) -> Appointment:
    """A visit in a week, in the case that is looked at."""
    branch = Channel.objects.filter(kind="in_person").first()
    assert branch is not None
    Channel.objects.filter(pk=branch.pk).update(weekly_hours=booking.WEEK, takes_appointments=True)
    given = {"starts_at": booking.workday("10:00"), "minutes": 20, "zone": "Europe/Amsterdam"}
    given["code"] = Code.objects.issue(codes.APPOINTMENT, case=here.case)
    row = {"case": here.case, "channel": branch}
    return Appointment.objects.get_or_create(**row, defaults=given)[0]


def _time(start: Callable[[Appointment], str], end: str = "") -> Address:
    return lambda here: start(_agreed(here)) + end


def _own_time(agreed: Appointment) -> str:
    return f"/q/{agreed.case.reference}/appointment/{agreed.channel.slug}/"


def _link_of(agreed: Appointment) -> str:
    assert agreed.code is not None
    return f"/a/{agreed.code.plain}/"


def _poll(*wants: str) -> Address:
    """What a browser asks every five seconds where no stream comes through."""
    query = "&".join(f"want={want}" for want in wants)
    return lambda here: "/live/poll/?" + query.format(here.case.reference)


# Who looks, what at, and the most statements that it may take. Below an answer that did not arrive
# a question asks what may be its second way: eight of them. What says when a channel is open reads
# the special days as well: one, and one more where a button closes it for today. The findings ask
# who waits longest by each way: one.
# Of cases that are open: our targets, and which of those that wait were answered before.
PAGES: dict[str, tuple[str, Address, int]] = {
    "start": ("customer", lambda here: "/", 4),  # and how answers went for who is signed in
    "question": ("customer", _question(), 23),
    "question, older lines": (
        "customer",
        lambda here: f"/q/{here.case.reference}/?before=2100-01-01T00:00:00%2B00:00",
        15,
    ),
    "question, news": ("customer", _question("news/"), 22),
    "question, one new line": (
        "customer",
        lambda here: f"/q/{here.case.reference}/news/?have={_have(here)}",
        22,
    ),
    "question, polled": ("customer", _poll("q:{}"), 6),
    "this is not right": ("customer", lambda here: f"{_question()(here)}wrong/{_note(here)}/", 6),
    "a code for another address": ("customer", _question("elsewhere/"), 8),
    "keep the page": ("customer", _question("keep/"), 6),
    "a copy": ("customer", _question("copy/"), 10),
    "a copy, its code": ("proving", _question("copy/code/"), 4),
    "devices": ("customer", _question("devices/"), 5),
    "told on a device": ("customer", _question(f"device/{'0' * 64}/"), 5),
    "switch": ("customer", _question("switch/"), 11),
    "switch, its code": ("proving", _question("switch/code/"), 4),
    "questions": ("customer", lambda here: "/questions/", 6),
    "preferences": ("customer", lambda here: "/preferences/", 7),
    "preferences, a code": ("proving", lambda here: "/preferences/addresses/code/", 3),
    "ways": ("customer", lambda here: "/ways/", 1),
    "sign in": ("nobody", lambda here: "/sign-in/", 0),
    "sign in, its code": ("signing in", lambda here: "/sign-in/code/", 2),
    "a code from a letter": ("nobody", lambda here: "/sign-in/letter/", 0),
    "advice": ("nobody", lambda here: "/advice/?topic=topic0", 1),
    "a whole message": (
        "customer",
        lambda here: f"/files/message/{here.case.messages.earliest('pk').pk}/",
        5,
    ),
    "a mail as it came": (
        "customer",
        lambda here: f"/files/message/{here.case.messages.earliest('pk').pk}/body/",
        4,
    ),
    "style of the brand": ("nobody", lambda here: "/brand.css", 2),
    "icon": ("nobody", lambda here: "/icon.svg", 1),
    "picture": ("nobody", lambda here: "/icon-192.png", 1),
    "manifest": ("nobody", lambda here: "/manifest.webmanifest", 1),
    "service worker": ("nobody", lambda here: "/service-worker.js", 1),
    "offline": ("nobody", lambda here: "/offline/en/", 1),
    "case link": ("nobody", lambda here: f"/c/{here.link.plain}/", 1),
    "a time": ("customer", _time(_own_time), 9),
    "a time, its file": ("customer", _time(_own_time, "appointment.ics"), 9),
    "a time, by its link": ("nobody", _time(_link_of), 6),
    "a time, its file by the link": ("nobody", _time(_link_of, "appointment.ics"), 6),
    "a time, for staff": (
        "staff",
        lambda here: _case(f"appointment/{_agreed(here).channel.slug}/")(here),
        10,
    ),
    "my day": ("staff", lambda here: "/admin/day/", 8),
    "home": ("staff", lambda here: "/admin/", 19),
    "queue: needs an answer": ("staff", lambda here: "/admin/cases/?tab=needs", 13),
    "queue: nearly late": ("staff", lambda here: "/admin/cases/?tab=late", 13),
    "queue: mine": ("staff", lambda here: "/admin/cases/?tab=mine", 13),
    "queue: unassigned": ("staff", lambda here: "/admin/cases/?tab=unassigned", 13),
    "queue: waiting for the customer": ("staff", lambda here: "/admin/cases/?tab=customer", 12),
    "queue: done": ("staff", lambda here: "/admin/cases/?tab=done", 11),
    "queue: one way": ("staff", lambda here: "/admin/cases/?tab=customer&kind=email", 12),
    "queue: one topic": ("staff", lambda here: "/admin/cases/?tab=customer&topic=topic0", 12),
    "queue: one colleague": (
        "staff",
        lambda here: f"/admin/cases/?tab=customer&who={here.admin.pk}",
        7,
    ),
    "queue: my teams": ("staff", lambda here: "/admin/cases/?tab=customer&teams=mine", 14),
    "queue: live": ("staff", lambda here: "/admin/cases/?part=list", 12),
    "my chats": ("staff", lambda here: "/admin/chats/", 12),
    "my chats: live": ("staff", lambda here: "/admin/chats/?part=1", 12),
    "canned answers at a case": ("staff", _case("canned/"), 5),
    "canned answers": ("staff", lambda here: "/admin/canned/", 4),
    "new canned answer": ("staff", lambda here: "/admin/canned/new/", 5),
    "canned answer": ("staff", lambda here: f"/admin/canned/{_one(CannedAnswer)}/", 6),
    "chats beside a case": ("staff", lambda h: f"/admin/chats/rail/{h.case.reference}/", 12),
    "search": ("staff", lambda here: "/admin/cases/?q=sam", 17),
    "case": ("staff", _case(), 20),
    "case, with an alert": ("staff", _told, 21),
    "case, older lines": ("staff", _case("?part=older&before=2100-01-01T00:00:00%2B00:00"), 11),
    "case, live": ("staff", _case("?part=live"), 12),
    "case, one new line": ("staff", lambda h: _case(f"?part=live&have={_have(h)}")(h), 12),
    "two customers": (
        "staff",
        lambda here: _case(f"same/{here.stranger.pk}/")(here),
        16,
    ),
    "case, beside": ("staff", _case("?part=beside"), 15),
    "to whom a case can go": ("staff", _case("receivers/"), 6),
    "confirm a call": ("staff", lambda here: f"{_case()(here)}confirm/{_note(here)}/", 20),
    "case, queue and bell, polled": ("staff", _poll("d:{}", "queue", "bell"), 8),
    "bell": ("staff", lambda here: "/admin/alerts/bell/", 3),
    "alerts": ("staff", lambda here: "/admin/alerts/", 7),
    "to do": ("staff", lambda here: "/admin/todo/", 7),
    "one to do": ("staff", lambda here: f"/admin/todo/{here.delivery.pk}/", 18),
    "record a contact": ("staff", lambda here: "/admin/record/?q=sam", 13),
    "record: people": ("staff", lambda here: "/admin/record/people/?q=sam", 12),
    "record: the card of a case": (
        "staff",
        lambda here: f"/admin/record/story/?into=case:{here.case.reference}",
        14,
    ),
    "letter": ("staff", lambda here: f"/admin/todo/{here.letter.pk}/letter/", 7),
    "my settings": ("staff", lambda here: "/admin/me/", 4),
    "change password": ("staff", lambda here: "/admin/password_change/", 3),
    "record in a case": (
        "staff",
        lambda here: f"/admin/record/?case={here.case.reference}",
        21,
    ),
    "did not arrive": ("staff", lambda here: "/admin/troubles/", 6),
    "did not arrive: perhaps": ("staff", lambda here: "/admin/troubles/?status=uncertain", 6),
    "organisation": ("staff", lambda here: "/admin/organisation/", 5),
    "channels": ("staff", lambda here: "/admin/channels/", 15),
    "channel": ("staff", lambda here: f"/admin/channels/{_one(Channel)}/", 22),
    "targets": ("staff", lambda here: "/admin/targets/", 5),
    "new target": ("staff", lambda here: "/admin/targets/new/", 5),
    "target": ("staff", lambda here: f"/admin/targets/{_one(Target)}/", 6),
    "special days": ("staff", lambda here: "/admin/special-days/", 6),
    "new special day": ("staff", lambda here: "/admin/special-days/new/", 5),
    "special day": ("staff", lambda here: f"/admin/special-days/{_one(SpecialDay)}/", 6),
    "cases on a channel": ("staff", lambda here: f"/admin/channels/{_one(Channel)}/cases/", 15),
    "new channel": ("staff", lambda here: "/admin/channels/new/", 5),
    "new channel, its form": ("staff", lambda here: "/admin/channels/new/email/email/", 4),
    "approved text": (
        "staff",
        lambda here: f"/admin/channels/{Channel.objects.get(kind='whatsapp').pk}/texts/en/",
        5,
    ),
    "new topic": ("staff", lambda here: "/admin/topics/new/", 4),
    "new staff member": ("staff", lambda here: "/admin/staff/new/", 5),
    "programs": ("staff", lambda here: "/admin/api/", 4),
    "program": ("staff", lambda here: f"/admin/api/{_one(ApiClient)}/", 5),
    "new program": ("staff", lambda here: "/admin/api/new/", 4),
    "topics": ("staff", lambda here: "/admin/topics/", 11),
    "topic": ("staff", lambda here: f"/admin/topics/{_one(Topic)}/", 4),
    "advice: what counts": ("staff", lambda here: "/admin/advice/", 4),
    "advice: a factor": ("staff", lambda here: "/admin/advice/factors/usual/", 5),
    "advice: found": ("staff", lambda here: "/admin/advice/found/?topic=topic0", 5),
    "advice: try it": ("staff", lambda here: "/admin/advice/try/?how_soon=now", 5),
    "teams": ("staff", lambda here: "/admin/teams/", 8),
    "team": ("staff", lambda here: f"/admin/teams/{_one(Team)}/", 12),
    "new team": ("staff", lambda here: "/admin/teams/new/", 9),
    "staff": ("staff", lambda here: "/admin/staff/", 4),
    "staff member": ("staff", lambda here: f"/admin/staff/{here.admin.pk}/", 7),
    "quarantine": ("staff", lambda here: "/admin/quarantine/", 7),
    "quarantine: set aside": ("staff", lambda here: "/admin/quarantine/?status=aside", 7),
    "quarantine: bytes": (
        "staff",
        lambda here: f"/admin/quarantine/{_one(InboundEvent)}/raw/",
        3,
    ),
    "healthz": ("nobody", lambda here: "/healthz", 0),
    "staff log-in": ("nobody", lambda here: "/admin/login/", 0),
    "API: page": ("nobody", lambda here: "/api/v1/", 0),
    "API: schema": ("nobody", lambda here: "/api/v1/schema/", 0),
    "API: channels": ("program", lambda here: "/api/v1/channels/", 4),
    "API: topics": ("program", lambda here: "/api/v1/topics/", 2),
    "API: cases": ("program", lambda here: "/api/v1/cases/", 2),
    "API: case": ("program", _api_case(), 2),
    "API: messages": ("program", _api_case("messages/"), 5),
    "API: deliveries": ("program", _api_case("deliveries/"), 4),
    "API: a customer's cases": ("link", lambda here: "/api/v1/cases/", 3),
    "API: a customer's case": ("link", _api_case(), 2),
    "API: a customer's messages": ("link", _api_case("messages/"), 5),
    "API: a customer's deliveries": ("link", _api_case("deliveries/"), 4),
}
LOG_IN = "staff log-in, sent"
LOG_IN_COSTS = 8


def _one(rows: type[Model] | QuerySet[Any]) -> int:
    found = rows if isinstance(rows, QuerySet) else rows._default_manager.all()
    return int(found.order_by("pk").values_list("pk", flat=True)[0])


def _browsers(here: World) -> dict[str, Client]:
    staff = Client()
    staff.force_login(here.admin)
    own = {"cases": {str(here.case.pk): str(here.link.pk)}, "customer": here.case.customer_id}
    why = {"case": here.case.pk, "kind": "email", "own": True, "copy_of": here.case.pk}
    caller = ApiClient(name="Web shop", scopes=list(scopes.SCOPES), rate=10_000)
    token = caller.give_token()
    caller.save()
    return {
        "staff": staff,
        "customer": _browser(**own),
        "proving": _browser(**own, proving=_code(here, codes.PROVE, why)),
        "signing in": _browser(proving=_code(here, codes.SIGN_IN, {})),
        "nobody": Client(),
        "program": Client(headers={"Authorization": f"Bearer {token}"}),
        "link": Client(headers={"Authorization": f"Bearer {here.link.plain}"}),
    }


def _browser(**kept: Any) -> Client:
    """A customer's browser with a session in which that is kept."""
    client, session = Client(), SessionStore()
    session.update(kept)
    session.save()
    client.cookies[settings.CUSTOMER_COOKIE_NAME] = str(session.session_key)
    return client


def _code(here: World, purpose: str, why: dict[str, Any]) -> dict[str, Any]:
    """Six digits were sent to the address of the case, and are waited for."""
    to, at = here.case.choice.identity_id, int(timezone.now().timestamp())  # type: ignore[union-attr]
    return {"identity": to, "purpose": purpose, "why": why, "at": at}


def _costs(here: World) -> dict[str, list[str]]:
    """The statements of each page, asked for twice: what is remembered between is not counted."""
    found, browsers = {}, _browsers(here)
    for name, (who, address, _most) in PAGES.items():
        lately.forget()
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
    with django_db_blocker.unblock(), transaction.atomic(), override_settings(SITE_SECONDS=600.0):
        here = world.make()
        here.grow(FEW)
        few = _costs(here)
        paths = [urlsplit(address(here)).path for _who, address, _most in PAGES.values()]
        seen = {resolve(path).view_name for path in paths if path != "/healthz"}
        here.grow(MANY)
        if connection.vendor == "postgresql":
            connection.cursor().execute("ANALYZE")  # nobody else sees these rows, and does it
        many = _costs(here)
        transaction.set_rollback(True)
    lately.forget()
    return few, many, seen


@pytest.mark.parametrize("name", [*PAGES, LOG_IN])
def test_a_page_asks_as_much_of_many_rows_as_of_few(name: str, costs: Costs) -> None:
    few, many = costs[0][name], costs[1][name]
    more = "\n".join(statement[:300] for statement in many)
    # The newest lines of a long history need not show what the first ones did: it can be less.
    assert len(many) <= len(few), f"{len(few)} with {FEW} rows, {len(many)} with {MANY}:\n{more}"
    most = LOG_IN_COSTS if name == LOG_IN else PAGES[name][2]
    assert len(few) <= most, f"{len(few)} statements:\n{more}"


# No pages: a change, a way on to a page above, a file, or measured by tests of its own.
NOT_HERE = {
    *(
        "admin:case_record",
        "admin:chats_next",
        "admin:case_same_as",
        "admin:api_client_revoke",
        "admin:logout",
        "admin:search",
    ),
    *("admin:password_change_done", "admin:autocomplete"),
    *("admin:jsi18n", "admin:view_on_site"),  # Django's own, unused by ours
    *("site:solved", "site:again", "site:outcome", "site:call_code", "site:proposal", "site:undo"),
    *("site:write_again", "site:write_off", "site:calls", "site:second", "site:sign_out"),
    *("site:add_address", "site:prove_address", "site:remove_address", "site:age"),
    *(
        "site:language",
        "site:file",
        "site:file_picture",
        "site:logo",
        "site:chat_anyway",
        "api:file",
        "api:choice",
        "api:undo",
    ),
    *("site:device", "site:device_stop", "site:device_moved"),
    *("live:stream", "live:typing", "live:seen", "site:widget_script", "webhook"),
}


def _pages(patterns: list[URLPattern | URLResolver], space: str = "") -> Iterator[str]:
    """The names of all addresses that are more than a button; of the try-out pages none."""
    for one in patterns:
        if isinstance(one, URLPattern):
            if one.name and not getattr(one.callback, "is_button", False):
                yield f"{space}{one.name}"
        elif one.namespace != "demo":
            yield from _pages(one.url_patterns, f"{one.namespace}:" if one.namespace else space)


def test_every_page_is_measured(costs: Costs) -> None:
    unmeasured = set(_pages(get_resolver().url_patterns)) - costs[2]
    assert unmeasured == NOT_HERE
