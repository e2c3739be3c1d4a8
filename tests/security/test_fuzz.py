"""Garbage into every page of the URL map: an answer in words, and never a fault."""

import inspect
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse

from channels_app import dispatch, opening
from channels_app.models import Channel, Delivery, InboundEvent
from contacts import codes, holding
from contacts.files import File
from contacts.models import Case, Code, Holder, Identity, Organisation, Topic, User
from portal.access import SessionStore
from tests import shop
from tests.access.test_matrix import ALL

WORDS = """
    text way address_email address_phone address_letter name name_letter wish_phone wish_in_person
    client_key topic about how_soon email to new code again paper choice allowed once before have
    next language q tab kind who after part why seen note outcome also later later_at into came_by
    post branch settled find wish address customer title usual level_phone active until reason
    username first_name password1 role slug name_0 name_1 promise_hours promise_rest max_sending
    setting_url weekly_hours_mon_0_from brand_colour phone time_zone languages welcome_0 privacy_url
    confirm sent case page sort field value object_id app_label model_name query search
"""
NAMES = WORDS.split()
LONG = "x" * 100_000
VALUES = {
    "nul": "a\x00b",
    "long": LONG,
    "negative": "-1",
    "huge": "9" * 40,
    "uuid": "00000000-0000-0000-0000-000000000000",
    "early": "0001-01-01T00:00:00+23:59",
    "late": "9999-12-31T23:59:59-23:59",
    "no date": "2026-02-31T25:61",
    "lines": "a\r\nBcc: x@example.org\r\n\r\nb",
    "digits": "٣²",
    "odd": "\u202e\ufeff\U0010fff1\u2028'\"<script>{{7*7}}%s%(x)s",
    "query": '"*" OR NOT (& | ! :* <->) \\ \' % _',
    "json": '{"en": [1, {}], "nl": null}',
    "way": "email:9999999999999999999999",
    "who": "customer:99999999999999999999",
}
# What an address is read as: a text, a number, a time, a search. Forms get every value.
IN_ADDRESSES = ("nul", "odd", "huge", "late", "query", "uuid")
# PostgreSQL gets every value. SQLite what its own driver or search refuses; it takes any text.
OF_THIS_DATABASE = (
    VALUES
    if connection.vendor == "postgresql"
    else {sort: VALUES[sort] for sort in ("huge", "query")}
)


@pytest.fixture
def visitor(organisation: Organisation, agent: User) -> Iterator[Client]:
    """A browser that is a customer and an administrator at once, so that every page opens."""
    client, session = Client(raise_request_exception=False), SessionStore()
    case = opening.open_case(
        organisation=organisation,
        text="Where is it?",
        came_by="account",
        kind="letter",
        address="Street 1\n1000 AA Town",
        name="Sam",
        language="en",
        files=[File("note.txt", "text/plain", b"hello")],
    )
    holding.hold(case.customer, Identity.of("email", "s@example.org"), how="code", proved=True)
    dispatch.reply(case=case, staff=agent, text="By post")
    case.messages.filter(direction="in").update(html="<p>hello</p>")
    InboundEvent.objects.create(
        channel=Channel.objects.get(slug="email"), sha256="0", raw=b"x", state="quarantined"
    )
    session["cases"] = {str(case.pk): ""}
    session["customer"] = case.customer_id
    session.save()
    client.cookies[settings.CUSTOMER_COOKIE_NAME] = session.session_key
    client.force_login(shop.make_agent("ada", administrator=True))
    logging.disable(logging.CRITICAL)
    yield client
    logging.disable(logging.NOTSET)


def address_of(name: str, /, **changes: Any) -> str:
    """The page's address about this world's rows, or about `changes`."""
    case = Case.objects.get()
    pks: dict[str, Any] = {
        "site:file": case.messages.exclude(attachments=None).get().attachments.get().pk
    }
    pk: Any = case.messages.filter(direction="in").get().pk
    if name.startswith(("admin:todo", "admin:letter", "admin:case_again")):
        pk = Delivery.objects.latest("created_at").pk
    elif name.startswith("admin:channel"):
        pk = Channel.objects.get(slug="email").pk
    elif name.startswith("admin:topic"):
        pk = Topic.objects.order_by("pk")[0].pk
    elif name.startswith("admin:staff"):
        pk = User.objects.order_by("pk")[0].pk
    elif name.startswith("admin:quarantine"):
        pk = InboundEvent.objects.get().pk
    elif "address" in name:
        pk = Holder.objects.order_by("pk")[0].pk
    known = {
        "reference": case.reference,
        "part": case.reference,
        "name": "192",
        "code": Code.objects.issue(codes.CASE_LINK, case=case).plain,
        "kind": "email",
        "provider": "email",
        "key": "email",
        "language": "en",
        "factor": "usual",
        "channel": "phone",
        "digest": "0" * 64,
        "content_type_id": 1,
        "object_id": 1,
        "pk": pks.get(name, pk),
    } | changes
    address = name.removeprefix(":")
    return reverse(address, kwargs={key: known[key] for key in ALL[name].pattern.converters})


def fields_of(name: str) -> list[str]:
    """The fields that the page's module speaks of."""
    module = inspect.getmodule(inspect.unwrap(ALL[name].callback))
    is_ours = module is not None and module.__name__.startswith("portal.")
    source = inspect.getsource(module) if module and is_ours else ""
    return [field for field in NAMES if f'"{field}"' in source]


LEAVES = ("site:sign_out", "admin:logout")  # after them nobody is there to fuzz


@pytest.mark.parametrize("name", sorted(set(ALL) - set(LEAVES)))
def test_no_value_of_any_field_is_a_fault(name: str, visitor: Client) -> None:
    address = address_of(name)
    faults = []
    for sort, value in OF_THIS_DATABASE.items():
        data = dict.fromkeys(NAMES, value)
        asked = [("get", {k: v[:2000] for k, v in data.items()})] if sort in IN_ADDRESSES else []
        for method, sent in (*asked, ("post", data)):
            if sort == "long" and method == "post":
                sent = {key: value for key, value in data.items() if key in NAMES[:12]}
            status = getattr(visitor, method)(address, sent).status_code
            if status >= 500:
                faults.append(f"{method} {name} {sort}: {status}")
    for field in fields_of(name) if "nul" in OF_THIS_DATABASE else ():
        if visitor.post(address, {**GOOD, field: "a\x00b"}).status_code >= 500:
            faults.append(f"post {name} {field}=NUL")
    assert not faults, "\n".join(faults)


GOOD = {
    "text": "Hello",
    "way": "account",
    "kind": "account",
    "to": "",
    "email": "s@example.org",
    "why": "because",
    "into": "new",
    "came_by": "phone",
    "name": "Sam",
}


@pytest.mark.parametrize("name", sorted(n for n in ALL if ALL[n].pattern.converters))
def test_no_address_is_a_fault(name: str, visitor: Client) -> None:
    good = address_of(name)
    faults = []
    values = {
        "reference": ("a\x00b", "x" * 3000, "%", "ÿ\udc80".encode("utf-8", "replace").decode()),
        "part": ("a\x00b", "x" * 3000),
        "code": ("a\x00b", "x" * 3000),
        "kind": ("a\x00b", "x" * 3000),
        "provider": ("a\x00b",),
        "name": ("a\x00b", "x" * 3000),
        "key": ("a\x00b", "x" * 3000),
        "pk": (0, 9**40),
        "language": ("a\x00b", "x" * 3000, "xx"),
        "factor": ("a\x00b", "x" * 3000, "cost"),
        "channel": ("a\x00b", "x" * 3000),
        "digest": ("a\x00b", "x" * 3000),
        "content_type_id": (9**40,),
        "object_id": ("a\x00b", 9**40),
    }
    for key, converter in ALL[name].pattern.converters.items():
        for value in values[key]:
            if key == "pk" and "UUID" in type(converter).__name__:
                continue
            try:
                address = address_of(name, **{key: value})
            except NoReverseMatch:
                continue  # the URL map itself refuses it
            for method in ("get", "post"):
                status = getattr(visitor, method)(address).status_code
                if status >= 500:
                    faults.append(f"{method} {name} {key}={str(value)[:20]!r}: {status}")
    assert good and not faults, "\n".join(faults)


@pytest.mark.parametrize("raw", ["%00", "%ff%fe", "%ed%a0%80", quote("'\"><script>"), "..%2f..%2f"])
def test_no_path_is_a_fault(raw: str, visitor: Client) -> None:
    for start in ("/", "/q/", "/c/", "/files/", "/admin/", "/admin/cases/", "/demo/", "/logo"):
        for end in ("", "/"):
            for person in (visitor, Client(raise_request_exception=False)):
                assert person.get(f"{start}{raw}{end}").status_code < 500, start


@pytest.mark.parametrize("value", [r'"aaaaaaaa\000aaaa"', "x" * 5000, "\x7f", '"', "é" * 40])
@pytest.mark.parametrize("cookie", ["onecase_customer", "onecase_staff", "django_language", "tour"])
def test_no_cookie_is_a_fault(cookie: str, value: str, organisation: Organisation) -> None:
    client = Client(raise_request_exception=False)
    for address in ("/", "/questions/", "/q/ABC-DEF/", "/admin/", "/demo/", "/preferences/"):
        header = f"{cookie}={value}".encode().decode("latin-1")
        assert client.get(address, headers={"cookie": header}).status_code < 500, address


@pytest.mark.parametrize(
    "header",
    [
        {"HTTP_ACCEPT_LANGUAGE": "en-" * 3000},
        {"HTTP_ACCEPT_LANGUAGE": "\x00"},
        {"HTTP_X_FORWARDED_FOR": "a\x00b, ''"},
        {"HTTP_REFERER": "http://[::1"},
        {"HTTP_HX_CURRENT_URL": "http://[x"},
        {"HTTP_IF_NONE_MATCH": '"' * 999},
        {"CONTENT_TYPE": "multipart/form-data; boundary=\xff"},
        {"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=nope"},
        {"CONTENT_LENGTH": "-5"},
    ],
)
def test_no_header_is_a_fault(header: dict[str, str], organisation: Organisation) -> None:
    client = Client(raise_request_exception=False)
    for address in ("/", "/brand.css", "/sign-in/", "/admin/login/"):
        assert client.get(address, **header).status_code < 500, address  # type: ignore[arg-type]
        found = client.generic("POST", address, b"--x\r\n\xff\x00", **header)  # type: ignore[arg-type]
        assert found.status_code < 500, address
