"""The customer's pages in a frame on the organisation's own site: mount, cookies, who may."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from channels_app.rendering import code_url
from contacts import services
from contacts.models import Case, Customer, Message, Organisation, User
from portal.access import SessionStore
from tests.core.chats import offer_chat
from tests.site.conftest import posted

SHOP = "https://www.example.org"
OTHER = "https://shop.example.org:8443"


@pytest.fixture
def widget(organisation: Organisation) -> Organisation:
    """A shop whose own site, on two origins, shows the widget."""
    organisation.widget_origins = [SHOP, OTHER]
    organisation.save()
    offer_chat(organisation)
    return organisation


def ancestors(response: Any) -> str:
    """Who may show that page in a frame."""
    found = re.search(r"frame-ancestors ([^;]*)", response["Content-Security-Policy"])
    assert found
    return found[1]


def begin(client: Client, **changes: Any) -> Case:
    """Ask a question in the frame; its case."""
    response = client.post("/widget/?way=account", posted(way="account", **changes))
    assert response.status_code == 302, response.content.decode()[:3000]
    found = re.fullmatch(r"/widget/q/([^/]+)/", response["Location"])
    assert found
    return Case.objects.get(reference=found[1])


def test_the_frame_is_for_the_configured_origins_and_ourselves(widget: Organisation) -> None:
    response = Client().get("/widget/?way=account")
    assert ancestors(response) == f"'self' {SHOP} {OTHER}"
    assert "X-Frame-Options" not in response


def test_everything_else_stays_as_it_is(widget: Organisation) -> None:
    for page in ("/", "/ways/", "/admin/login/", "/q/K7Q-4MP/"):
        response = Client().get(page)
        assert ancestors(response) == "'self'", page
        assert response["X-Frame-Options"] == "SAMEORIGIN", page


def test_without_an_origin_nothing_is_there(organisation: Organisation) -> None:
    client = Client()
    pages = ("/widget/", "/widget/?way=account", "/widget/ways/", "/widget/live/poll/")
    for page in pages:
        response = client.get(page)
        assert response.status_code == 404, page
        assert ancestors(response) == "'self'", page


@pytest.mark.parametrize(
    "page", ["admin/", "admin/login/", "api/v1/", "webhooks/email/", "demo/", "widget/", "healthz"]
)
def test_only_the_customers_pages_are_in_the_frame(
    widget: Organisation, client: Client, agent: User, page: str
) -> None:
    client.force_login(agent)
    response = client.get(f"/widget/{page}")
    assert response.status_code == 404
    assert ancestors(response).endswith(OTHER)  # the page that says so can be read there


def test_a_question_is_asked_and_kept_within_the_frame(widget: Organisation) -> None:
    client = Client()
    case = begin(client, text="Is the van still there?")
    page = client.get(f"/widget/q/{case.reference}/").content.decode()
    assert "Is the van still there?" in page
    # Each address leads on within the frame; only the link to keep leads to the site itself.
    ours = set(re.findall(r'(?:href|action|hx-get|data-live-from)="(/[^"]*)"', page))
    assert {path.split("/")[1] for path in ours} <= {"widget", "static"}
    assert code_url(services.case_link(case)).startswith("http://testserver/c/")
    assert reverse("site:start") == "/"  # the next request is no page of the frame


def test_the_frame_has_cookies_of_its_own(widget: Organisation) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/widget/?way=account")
    token = client.cookies["onecase_widget_csrf"]
    refused = client.post("/widget/?way=account", posted(way="account"))
    assert refused.status_code == 403 and not Case.objects.exists()
    words = posted(way="account", csrfmiddlewaretoken=token.value)
    response = client.post("/widget/?way=account", words, headers={"Origin": "http://testserver"})
    assert response.status_code == 302
    client.post("/widget/language/", {"language": "nl", "csrfmiddlewaretoken": token.value})
    names = {"onecase_widget", "onecase_widget_csrf", "onecase_widget_language"}
    assert set(client.cookies) == names
    for name in names:
        said = client.cookies[name].OutputString()
        assert "Path=/widget/;" in f"{said};" and "SameSite=None" in said, said
        assert "Secure" in said and "Partitioned" in said, said
    assert "HttpOnly" in client.cookies["onecase_widget"].OutputString()
    assert '<html lang="nl"' in client.get(response["Location"]).content.decode()


def test_a_form_of_another_site_is_refused(widget: Organisation) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/widget/?way=account")
    words = posted(way="account", csrfmiddlewaretoken=client.cookies["onecase_widget_csrf"].value)
    response = client.post("/widget/?way=account", words, headers={"Origin": SHOP})
    assert response.status_code == 403 and not Case.objects.exists()


def test_the_frame_and_the_site_know_nothing_of_each_other(
    widget: Organisation, client: Client, agent: User
) -> None:
    framed = begin(client)
    assert client.get(f"/q/{framed.reference}/").status_code == 404
    other = Client()
    other.post("/", posted(way="account", text="Another"))
    case = Case.objects.exclude(pk=framed.pk).get()
    assert other.get(f"/q/{case.reference}/").status_code == 200
    assert other.get(f"/widget/q/{case.reference}/").status_code == 404
    # Nor is anybody staff in there.
    other.force_login(agent)
    message = Message.objects.get(case=framed)
    Message.objects.filter(pk=message.pk).update(html="<p>hello</p>")
    assert other.get(f"/files/message/{message.pk}/body/").status_code == 200
    assert other.get(f"/widget/files/message/{message.pk}/body/").status_code == 404


def test_a_session_that_was_planted_makes_nobody_its_customer(
    widget: Organisation, client: Client
) -> None:
    """A cookie below a path can be set from a sibling's site: it must not say who somebody is."""
    planter = Customer.objects.create(name="Pat Planter")
    own = begin(Client())
    Case.objects.filter(pk=own.pk).update(customer=planter)
    session = SessionStore()
    session["customer"] = planter.pk
    session.save()
    client.cookies["onecase_widget"] = session.session_key
    heard = client.get(f"/widget/live/poll/?want=q:{own.reference}")
    assert heard.status_code == 200 and heard.json() == {}
    assert client.get(f"/widget/q/{own.reference}/").status_code == 404
    case = begin(client, text="Another")
    assert case.customer != planter
    assert client.get(f"/widget/q/{case.reference}/").status_code == 200


def test_a_mail_is_read_within_the_frame(widget: Organisation) -> None:
    client = Client()
    case = begin(client)
    message = Message.objects.get(case=case)
    Message.objects.filter(pk=message.pk).update(html="<p>hello</p>")
    body = client.get(f"/widget/files/message/{message.pk}/body/")
    assert ancestors(body) == f"'self' {SHOP} {OTHER}" and "X-Frame-Options" not in body
    assert "sandbox allow-popups" in body["Content-Security-Policy"]


def test_live_pages_are_asked_by_the_frames_session(widget: Organisation) -> None:
    client = Client()
    case = begin(client)
    address = f"live/poll/?want=q:{case.reference}"
    assert f"q:{case.reference}" in json.loads(client.get(f"/widget/{address}").content)
    assert json.loads(client.get(f"/{address}").content) == {}


def test_a_link_to_keep_that_is_made_in_the_frame_opens_the_site(widget: Organisation) -> None:
    client = Client()
    case = begin(client)
    page = client.get(f"/widget/q/{case.reference}/").content.decode()
    link = re.search(r'"(http://testserver/c/[^"]+)"', page)
    assert link and "/widget/c/" not in page
    site = Client()
    assert site.post(link[1]).status_code == 302
    assert site.get(f"/q/{case.reference}/").status_code == 200


def test_a_key_that_ended_leaves_the_frames_cookie_alone(widget: Organisation) -> None:
    client = Client()
    client.cookies["onecase_widget"] = "nonsense"
    answer = client.get("/widget/ways/")
    assert answer.status_code == 200 and "onecase_widget" not in answer.cookies


def test_an_error_in_the_frame_is_told_in_the_frame(widget: Organisation) -> None:
    client = Client(enforce_csrf_checks=True)
    stale = client.post("/widget/?way=account", posted(way="account", text="Typed with care"))
    page = stale.content.decode()
    assert stale.status_code == 403 and "Typed with care" in page
    assert ancestors(stale).endswith(OTHER)
    missing = client.get("/widget/q/K7Q-4MP/")
    assert missing.status_code == 404 and 'href="/q/' not in missing.content.decode()


# ---------- The script


def script(client: Client) -> str:
    """The script as it is served."""
    response = client.get("/widget.js")
    assert response.status_code == 200
    return response.content.decode()


def config(text: str) -> Any:
    """What the script is called with."""
    return json.loads(text[text.rindex("\n})(") + 4 :].rstrip().removesuffix(");"))


def test_the_script_is_small_and_says_who_may_show_it(widget: Organisation) -> None:
    text = script(Client())
    assert len(text.encode()) < 30_000
    said = config(text)
    assert said["origins"] == [SHOP, OTHER] and said["tel"] == "+31201234567"
    assert said["words"]["en"]["call"] == "Call 020 123 4567"
    assert said["words"]["nl"]["call"] == "Bel 020 123 4567"
    assert said["first"] == "en"


def test_without_an_origin_there_is_no_script(organisation: Organisation) -> None:
    assert Client().get("/widget.js").status_code == 404


def test_the_script_is_kept_and_asked_for_anew(widget: Organisation) -> None:
    first = Client().get("/widget.js")
    assert first["Content-Type"].startswith("text/javascript")
    assert "max-age=300" in first["Cache-Control"] and "public" in first["Cache-Control"]
    known = {"If-None-Match": first["ETag"]}
    assert Client().get("/widget.js", headers=known).status_code == 304
    widget.phone = "+31201112233"
    widget.save()
    assert Client().get("/widget.js", headers=known).status_code == 200


def test_a_name_cannot_end_the_script(widget: Organisation) -> None:
    widget.name = "A</script>\u2028\"'`${1}\\"
    widget.save()
    assert config(script(Client()))["name"] == widget.name


def test_the_script_needs_nothing_that_a_policy_forbids(widget: Organisation) -> None:
    text = script(Client())
    for word in ("innerHTML", "eval(", ".style", '"style"', "fetch(", "import(", "Function("):
        assert word not in text, word


# ---------- The first page


def test_the_number_comes_first_then_chat_then_every_other_way(widget: Organisation) -> None:
    page = Client().get("/widget/").content.decode()
    main = page[page.index("<main") :]
    assert main.index("tel:+31201234567") < main.index("?way=chat")
    found = re.findall(r"\?way=(\w+)", main)
    assert found[:2] == ["phone", "chat"]
    assert {"email", "account", "letter", "in_person"} <= set(found)
    assert 'href="/widget/?way=chat"' in page


def test_a_way_that_was_chosen_stands_chosen_in_the_form(widget: Organisation) -> None:
    page = Client().get("/widget/?way=letter&topic=delivery&about=Blue+bicycle").content.decode()
    assert re.search(r'id="way-letter" value="letter" checked', page)
    assert page.count('class="way__radio"') == page.count('name="way"') > 4
    assert "Blue bicycle" in page
    plain = Client().get("/?way=letter").content.decode()
    assert re.search(r'id="way-letter" value="letter" checked', plain)
    assert 'name="way" id="way-nothing"' not in Client().get("/?way=nothing").content.decode()


def test_the_frame_opens_in_its_pages_language(widget: Organisation) -> None:
    client = Client()
    response = client.get("/widget/?lang=nl&topic=delivery&about=Blue+%26+bicycle")
    assert response["Location"] == "/widget/?topic=delivery&about=Blue+%26+bicycle"
    page = client.get(response["Location"]).content.decode()
    assert '<html lang="nl"' in page
    assert 'href="/widget/?way=chat&amp;topic=delivery&amp;about=Blue+%26+bicycle"' in page
    assert "onecase_widget_language" not in Client().get("/widget/?lang=xx").cookies


def test_a_second_visit_finds_the_running_chat(widget: Organisation) -> None:
    client = Client()
    response = client.post("/widget/?way=chat", posted(way="chat"))
    page = response["Location"]
    assert client.get("/widget/?lang=en")["Location"] == page
    listed = client.get("/widget/").content.decode()
    assert f'href="{page}"' in listed and 'data-running="yes"' in listed
    case = Case.objects.get()
    services.resolve(case=case)
    assert client.get("/widget/?lang=en")["Location"] == "/widget/"
    assert 'data-running="no"' in client.get("/widget/").content.decode()


def test_the_number_of_queries_is_the_same_for_many_questions(widget: Organisation) -> None:
    client, counts = Client(), []
    for number in range(3):
        begin(client, text=f"Question {number}")
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/widget/").content.count(b"Question ") == number + 1
        counts.append(len(asked))
    assert len(set(counts)) == 1
