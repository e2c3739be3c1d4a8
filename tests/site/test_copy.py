"""Send me a copy: to who proved the address, and to nobody else."""

import re
from email.message import EmailMessage

import pytest
from django.test import Client

from channels_app import copies
from channels_app.models import Delivery
from contacts import services
from contacts.files import File
from contacts.models import Case, Event, Identity, Message, Organisation, Topic, User
from tests import shop, worker
from tests.core.chats import fresh, offer_chat, say
from tests.site.conftest import Ask

SAM = "sam@example.org"


@pytest.fixture
def case(ask: Ask, organisation: Organisation, agent: User, client: Client) -> Case:
    """Sam chats about a <b>car</b>."""
    offer_chat(organisation)
    case = ask(client, way="chat", address_email=None, text="Is the <b>car</b> there?")
    say(case, agent, "Yes, it is.", files=[File("front <1>.png", "image/png", b"png")])
    services.add_note(case=fresh(case), staff=agent, text="Sam haggles")
    return case


def part_of(mail: EmailMessage, sort: str) -> str:
    part = mail.get_body((sort,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def code_in(sink: shop.Sink) -> str:
    worker.send_due()
    found = re.search(r"^ +(\d{6})$", part_of(sink.mails[-1], "plain"), re.MULTILINE)
    assert found is not None
    return found[1]


def copies_of(case: Case) -> list[Delivery]:
    return list(Delivery.objects.filter(role="copy", message__case=case))


def test_an_address_that_nobody_proved_gets_six_digits_and_nothing_else(
    case: Case, client: Client, sink: shop.Sink
) -> None:
    page = f"/q/{case.reference}/copy/"
    sent = client.post(page, {"email": SAM})
    assert sent["Location"] == f"{page}code/" and copies_of(case) == []
    digits = code_in(sink)
    assert "car" not in part_of(sink.mails[-1], "plain") and len(sink.mails) == 1
    wrong = "000000" if digits != "000000" else "111111"
    assert client.post(f"{page}code/", {"code": wrong}).status_code == 422
    other = Client()
    assert other.get(page).status_code == other.post(page, {"email": SAM}).status_code == 404
    assert other.post(f"{page}code/", {"code": digits}).status_code == 404
    assert copies_of(case) == []
    done = client.post(f"{page}code/", {"code": digits}, follow=True)
    assert "A copy is on its way to s…@example.org." in done.content.decode()
    worker.send_due()
    mail = sink.mails[-1]
    text, html = part_of(mail, "plain"), part_of(mail, "html")
    assert mail["To"] == SAM and mail["Subject"] == f"A copy of your question [{case.reference}]"
    assert text.index("Is the <b>car</b> there?") < text.index("Yes, it is.")
    assert re.search(r"^You, \d+ \w+ \d\d:\d\d$", text, re.MULTILINE)
    assert re.search(r"^Anna, \d+ \w+ \d\d:\d\d$", text, re.MULTILINE)
    assert "File: front <1>.png" in text and "Sam haggles" not in text + html
    assert "Is the &lt;b&gt;car&lt;/b&gt; there?" in html and "<b>car" not in html
    assert re.search(r'<a href="http://testserver/c/\w+/">front &lt;1&gt;.png</a>', html)
    assert not list(mail.iter_attachments())
    # The case goes on as it did: it is no address of the case, and no choice.
    choice = fresh(case).choice
    assert choice is not None and choice.kind == "chat"
    assert not case.events.filter(sort=Event.Sort.PROVED).exists()


def test_a_proved_address_gets_it_at_once(case: Case, client: Client, sink: shop.Sink) -> None:
    sams = Identity.of("email", SAM)
    case.choices.update(fallback_identity=sams)
    case.append(Event(sort=Event.Sort.PROVED, data={"identity": sams.pk}))
    case.choices.create(kind="chat", identity=sams)
    page = f"/q/{case.reference}/copy/"
    shown = client.get(page).content.decode()
    assert "Send to s…@example.org" in shown and SAM not in shown
    assert client.post(page, {"to": str(sams.pk)})["Location"] == f"/q/{case.reference}/"
    worker.send_due()
    assert [mail["To"] for mail in sink.mails] == [SAM]
    for _n in range(4):
        assert client.post(page, {"to": str(sams.pk)}).status_code == 302
    assert client.post(page, {"to": str(sams.pk)}).status_code == 422 and len(copies_of(case)) == 5


def test_an_address_that_was_only_typed_is_not_offered(
    ask: Ask, client: Client, sink: shop.Sink
) -> None:
    """Whoever types a stranger's address has a case of theirs open."""
    case = ask(client)
    sams = Identity.objects.get(value=SAM)
    page = f"/q/{case.reference}/copy/"
    assert "Send to" not in client.get(page).content.decode()
    assert client.post(page, {"to": str(sams.pk)}).status_code == 422
    assert client.post(page, {"email": SAM})["Location"] == f"{page}code/"
    assert copies_of(case) == []


def test_what_is_confidential_stays_here(
    case: Case, client: Client, agent: User, sink: shop.Sink
) -> None:
    page, sams = f"/q/{case.reference}/copy/", Identity.of("email", SAM)
    copies.send(case=case, identity=sams, language="en")  # before it was known to be
    services.set_topic(case=fresh(case), topic=Topic.objects.get(slug="invoice"), by=agent)
    worker.send_due()
    assert "car" not in part_of(sink.mails[-1], "plain") + part_of(sink.mails[-1], "html")
    shown = client.get(page).content.decode()
    assert "This question is confidential" in shown and 'name="email"' not in shown
    assert client.post(page, {"email": SAM}).status_code == 200
    with pytest.raises(copies.Private):
        copies.send(case=fresh(case), identity=sams, language="en")
    assert len(copies_of(case)) == 1


def test_both_histories_say_that_it_went(case: Case, client: Client, agent: User) -> None:
    copies.send(case=case, identity=Identity.of("email", SAM), language="en")
    page = client.get(f"/q/{case.reference}/").content.decode()
    assert "You had a copy sent by e-mail." in page and SAM not in page
    desk = Client()
    desk.force_login(agent)
    shown = desk.get(f"/admin/cases/{case.reference}/").content.decode()
    assert f"The customer had a copy sent by e-mail to {SAM}." in shown


def test_a_copy_speaks_the_language_of_who_asks(
    case: Case, client: Client, sink: shop.Sink
) -> None:
    copies.send(case=case, identity=Identity.of("email", SAM), language="nl")
    worker.send_due()
    assert 'lang="nl"' in part_of(sink.mails[-1], "html")
    assert Message.objects.get(template="copy").language == "nl"
