"""Every page of the URL map x {anonymous, this customer, other customer, agent, administrator}.

A page that is not in the table fails the test: whoever adds one says who may see it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from channels_app import dispatch, opening
from channels_app.models import Channel, Delivery, InboundEvent, SpecialDay, Target
from contacts import codes, holding
from contacts.files import File
from contacts.models import (
    Case,
    Code,
    Holder,
    Identity,
    Message,
    Organisation,
    Team,
    Topic,
    User,
)
from portal.access import SessionStore
from portal.api.models import ApiClient
from tests import shop

# Who may: everybody; who sees this case; a customer who proved an address; staff; administrators.
PUBLIC, CASE, SIGNED_IN, STAFF, ADMINISTRATOR = "public", "case", "signed in", "staff", "admin"
TOKEN = "token"  # no browser at all: programs, and who has a link (tests/api/test_access.py)
TABLE = {
    PUBLIC: """
        site:start site:advice site:questions site:sign_in site:sign_in_code site:paper
        site:sign_out site:ways site:language site:brand site:icon site:logo site:case_link
        site:home_icon site:manifest site:service_worker site:offline site:device_moved
        site:widget_script site:appointment_link site:appointment_link_file
        admin:login admin:logout :webhook live:stream live:poll live:typing live:seen
        api:page api:schema
    """,
    CASE: """
        site:question site:refresh site:solved site:again site:call_code site:keep site:elsewhere
        site:switch site:switch_code site:undo site:calls site:write_again site:write_off
        site:second site:copy site:copy_code site:chat_anyway
        site:device site:device_told site:devices site:device_stop
        site:correct site:file site:file_picture
        site:message site:message_html site:proposal site:outcome
        site:appointment site:appointment_file
    """,
    SIGNED_IN: """
        site:preferences site:age site:add_address site:prove site:prove_address site:remove_address
    """,
    STAFF: """
        admin:index admin:search admin:cases admin:case admin:case_answer admin:case_note
        admin:case_way admin:case_preview admin:case_assign admin:case_done admin:case_reopen
        admin:case_propose admin:case_unpropose admin:case_not_now admin:case_ask_again
        admin:case_topic admin:case_join admin:case_undo_join admin:case_not_the_same
        admin:case_move admin:case_move_back
        admin:case_again admin:case_customer admin:case_choice admin:case_calls
        admin:case_points admin:case_confirm admin:record_story
        admin:case_use_again admin:case_same admin:case_same_as admin:case_not_same admin:case_part
        admin:case_who admin:case_theirs admin:case_not_theirs
        admin:record admin:record_people admin:case_record
        admin:todo admin:todo_one admin:todo_take admin:todo_release admin:todo_finish
        admin:todo_came_back admin:todo_enter
        admin:letter_print admin:letter admin:channel_cases admin:alerts
        admin:alerts_seen admin:bell admin:troubles admin:password_change admin:password_change_done
        admin:chats admin:chats_next admin:chats_rail admin:case_seen admin:case_canned
        admin:case_receivers admin:case_appointment admin:day
        admin:me admin:my_duty admin:jsi18n admin:autocomplete admin:view_on_site
    """,
    ADMINISTRATOR: """
        admin:organisation admin:channels admin:channel_add admin:channel_today
        admin:targets admin:target_add admin:target admin:target_remove
        admin:special_days admin:special_day_add admin:special_day admin:special_day_remove
        admin:channel_new admin:channel admin:channel_offer admin:channel_move admin:channel_test
        admin:channel_pause admin:channel_resume admin:channel_remove admin:topics
        admin:channel_text admin:channel_text_remove admin:channel_secret admin:channel_ask
        admin:advice admin:advice_factor admin:advice_reset admin:advice_try
        admin:advice_found
        admin:canned_answers admin:canned_answer_add admin:canned_answer
        admin:canned_answer_remove
        admin:topic_add admin:topic admin:topic_move admin:topic_remove admin:staff
        admin:teams admin:team_add admin:team admin:team_move admin:team_remove
        admin:staff_add admin:staff_member admin:staff_active admin:quarantine
        admin:quarantine_raw admin:quarantine_again admin:quarantine_aside admin:quarantine_back
        admin:api_clients admin:api_client_add admin:api_client admin:api_client_revoke
    """,
    TOKEN: """
        api:channels api:topics api:cases api:case api:messages api:choice api:undo
        api:deliveries api:file
    """,
}
WHO = {name: who for who, names in TABLE.items() for name in names.split()}
# Pages where a customer's browser is known by its session and staff by theirs: both may.
SHARED = {"site:file", "site:file_picture", "site:message", "site:message_html"}
OWN_ADDRESS = {"site:prove_address", "site:remove_address"}
NEEDS_MORE = {"admin:autocomplete": {403}}  # Django's own, which wants to know of which model
OK = {200, 204, 302, 400, 404, 405, 409, 422}


def patterns(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every named page with its namespace, but for the try-out pages (tests/demo)."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "demo":
                yield from patterns(pattern, pattern.namespace or namespace)
        elif pattern.name:
            yield f"{namespace}:{pattern.name}", pattern


PAGES = list(patterns(get_resolver()))
ALL = dict(PAGES)


@pytest.fixture
def world(organisation: Organisation) -> dict[str, Any]:
    """A case with everything that a page can be about, and the five who look."""
    agent = shop.make_agent()
    administrator = shop.make_agent("ada", administrator=True)
    Team.objects.create(organisation=organisation, name="Everybody")
    Channel.objects.filter(slug="phone").update(takes_appointments=True)
    SpecialDay.objects.create(organisation=organisation, first="2030-12-24", last="2030-12-24")
    Target.objects.create(organisation=organisation, first_answer_minutes=60)
    case = opening.open_case(
        organisation=organisation,
        text="Where is my parcel?",
        came_by="account",
        kind="letter",
        address="Street 1\n1000 AA Town",
        name="Sam",
        language="en",
        files=[File("note.txt", "text/plain", b"hello")],
    )
    other = opening.open_case(
        organisation=organisation,
        text="Another",
        came_by="account",
        kind="email",
        address="other@example.org",
        language="en",
    )
    identity = Identity.of("email", "sam@example.org")
    holding.hold(case.customer, identity, how=Holder.How.CODE, proved=True)
    letter = dispatch.reply(case=case, staff=agent, text="By post").deliveries.get()
    message = case.messages.get(direction="in")
    Message.objects.filter(pk=message.pk).update(html="<p>hello</p>", kind="phone", staff=agent)
    event = InboundEvent.objects.create(
        channel=Channel.objects.get(slug="email"),
        sha256="0" * 64,
        raw=b"x",
        state=InboundEvent.State.QUARANTINED,
    )
    return {
        "case": case,
        "other": other,
        "identity": identity,
        "letter": letter,
        "message": message,
        "event": event,
        "program": ApiClient.objects.create(name="Shop", scopes=["cases:read"]),
        "agent": agent,
        "administrator": administrator,
        "link": Code.objects.issue(codes.CASE_LINK, case=case),
    }


def arguments(name: str, world: dict[str, Any]) -> dict[str, Any]:
    """Values for the page's address, about this world's case."""
    case: Case = world["case"]
    pk: Any = {
        "site:file": lambda: world["message"].attachments.get().pk,
        "site:file_picture": lambda: world["message"].attachments.get().pk,
        "site:device_stop": lambda: 0,
        "site:prove_address": lambda: world["identity"].pk,
        "site:remove_address": lambda: world["identity"].pk,
        "admin:case_same": lambda: world["other"].customer_id,
        "admin:case_not_same": lambda: world["other"].customer_id,
        "admin:case_part": lambda: world["other"].customer_id,
        "admin:topic": lambda: Topic.objects.first().pk,  # type: ignore[union-attr]
        "admin:topic_move": lambda: Topic.objects.first().pk,  # type: ignore[union-attr]
        "admin:topic_remove": lambda: Topic.objects.first().pk,  # type: ignore[union-attr]
        "admin:special_day": lambda: SpecialDay.objects.get().pk,
        "admin:special_day_remove": lambda: SpecialDay.objects.get().pk,
        "admin:target": lambda: Target.objects.get().pk,
        "admin:target_remove": lambda: Target.objects.get().pk,
        "admin:team": lambda: Team.objects.first().pk,  # type: ignore[union-attr]
        "admin:team_move": lambda: Team.objects.first().pk,  # type: ignore[union-attr]
        "admin:team_remove": lambda: Team.objects.first().pk,  # type: ignore[union-attr]
        "admin:api_client": lambda: world["program"].pk,
        "admin:api_client_revoke": lambda: world["program"].pk,
        "api:file": lambda: world["message"].attachments.get().pk,
        "admin:staff_member": lambda: world["agent"].pk,
        "admin:staff_active": lambda: world["agent"].pk,
        "admin:quarantine_raw": lambda: world["event"].pk,
        "admin:quarantine_again": lambda: world["event"].pk,
        "admin:quarantine_aside": lambda: world["event"].pk,
        "admin:quarantine_back": lambda: world["event"].pk,
    }.get(name)
    if pk is None:
        is_delivery = name.startswith(("admin:todo", "admin:letter", "admin:case_again"))
        is_channel = name.startswith("admin:channel")
        row = world["letter"] if is_delivery else world["message"]
        pk = (lambda: Channel.objects.get(slug="email").pk) if is_channel else (lambda: row.pk)
    known = {
        "reference": case.reference,
        "part": case.reference,
        "channel": "phone",
        "code": world["link"].plain,
        "kind": "email",
        "provider": "email",
        "key": "email",
        "language": "en",
        "factor": "usual",
        "name": "192",
        "digest": "0",
        "content_type_id": 1,
        "object_id": 1,
        "pk": pk(),
    }
    wanted = ALL[name].pattern.converters
    return {key: known[key] for key in wanted}


def browser(*, cases: tuple[Case, ...] = (), customer: int | None = None) -> Client:
    """A customer's browser with a session of its own."""
    client, session = Client(), SessionStore()
    session["cases"] = {str(case.pk): "" for case in cases}
    if customer:
        session["customer"] = customer
    session.save()
    client.cookies[settings.CUSTOMER_COOKIE_NAME] = session.session_key
    return client


def staff(user: User) -> Client:
    """A staff member's browser."""
    client = Client()
    client.force_login(user)
    return client


def to_login(response: Any) -> bool:
    return response.status_code == 302 and "/admin/login/" in response["Location"]


def to_sign_in(response: Any) -> bool:
    places = (reverse("site:sign_in"), reverse("site:preferences"))
    return response.status_code == 302 and response["Location"].startswith(places)


def test_every_page_is_in_the_table() -> None:
    assert set(ALL) - set(WHO) == set()
    assert set(WHO) - set(ALL) == set()


def test_no_two_pages_have_one_name() -> None:
    for names in ([name for name, _page in PAGES], " ".join(TABLE.values()).split()):
        assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.once  # the rule of who may see a case has tests of its own, on both databases
@pytest.mark.parametrize("name", sorted(WHO))
@pytest.mark.parametrize("method", ["get", "post"])
def test_who_may_and_who_may_not(name: str, method: str, world: dict[str, Any]) -> None:
    who = WHO[name]
    address = reverse(name.removeprefix(":"), kwargs=arguments(name, world))
    people = {
        "anonymous": Client(),
        "this customer": browser(cases=(world["case"],), customer=world["case"].customer_id),
        "other customer": browser(cases=(world["other"],), customer=world["other"].customer_id),
        "agent": staff(world["agent"]),
        "administrator": staff(world["administrator"]),
    }
    # Those who may not come first: what they try must leave everything in its place.
    for person in ("anonymous", "other customer", "agent", "this customer", "administrator"):
        response = getattr(people[person], method)(address)
        place = f"{method} {name} as {person}: {response.status_code}"
        assert response.status_code < 500, place
        if who in (STAFF, ADMINISTRATOR) and person in (
            "anonymous",
            "this customer",
            "other customer",
        ):
            assert to_login(response), place
        elif who == ADMINISTRATOR and person == "agent":
            assert response.status_code == 403, place
        elif who == TOKEN:
            assert response.status_code == 401, place
        elif who == CASE and person != "this customer":
            if name in SHARED and person in ("agent", "administrator"):
                assert response.status_code in OK, place
            else:
                assert response.status_code in (404, 405), place
        elif who == SIGNED_IN and person in ("anonymous", "agent", "administrator"):
            assert to_sign_in(response) or response.status_code in (404, 405), place
        elif name in OWN_ADDRESS and person == "other customer":
            assert response.status_code in (404, 405), place
        else:
            assert response.status_code in OK | NEEDS_MORE.get(name, set()), place
            assert not to_login(response) or name == "admin:logout", place
    assert Delivery.objects.filter(pk=world["letter"].pk).exists()


def test_a_link_shows_nothing_on_get_and_opens_on_post(world: dict[str, Any]) -> None:
    client, address = Client(), reverse("site:case_link", args=[world["link"].plain])
    page = reverse("site:question", args=[world["case"].reference])
    assert b"parcel" not in client.get(address).content
    assert client.get(page).status_code == 404
    assert client.post(address).status_code == 302
    assert b"parcel" in client.get(page).content
    Code.objects.filter(pk=world["link"].pk).update(revoked_at=world["case"].opened_at)
    assert client.get(page).status_code == 404


def test_a_link_does_not_show_the_persons_other_addresses(world: dict[str, Any]) -> None:
    address = reverse("site:switch", args=[world["case"].reference])
    by_link = browser(cases=(world["case"],)).get(address).content.decode()
    signed_in = browser(customer=world["case"].customer_id).get(address).content.decode()
    assert "@example.org" not in by_link.replace("name@example.org", "")
    assert "sam@example.org" in signed_in or "s…@example.org" in signed_in
