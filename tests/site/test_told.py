"""What a history tells its customer, and what whoever else has the case open."""

import pytest
from django.test import Client

from contacts import holding
from contacts.models import Case, Event, Holder, Identity
from tests.site.conftest import Ask, sign_in

MAIL, NUMBER = "sam@example.org", "+31207654321"
SORTS = {
    Event.Sort.LEFT: "We asked you by SMS to choose another way.",
    Event.Sort.FELL_BACK: "so the answer comes by SMS.",
}


def line(case: Case, sort: str, identity: Identity) -> None:
    """As the worker writes it."""
    by = {"by": "sms"} if sort == Event.Sort.LEFT else {"before": "email"}
    kind = "email" if sort == Event.Sort.LEFT else "sms"
    case.append(Event(sort=sort, data={"kind": kind, "identity": identity.pk, **by}))


@pytest.mark.parametrize("sort", list(SORTS))
def test_another_way_is_told_to_its_customer_alone(client: Client, ask: Ask, sort: str) -> None:
    case, stranger = ask(client), Client()
    hers = Identity.of("phone", NUMBER)
    sign_in(client, MAIL)
    planted = ask(stranger)
    assert planted.customer == case.customer
    holding.hold(case.customer, hers, how=Holder.How.CODE, proved=True)
    for one in (case, planted):
        line(one, sort, hers)
    assert SORTS[Event.Sort(sort)] in client.get(f"/q/{case.reference}/").content.decode()
    page = stranger.get(f"/q/{planted.reference}/").content.decode()
    _above, begins, lines = page.partition('<ol id="lines" class="timeline">')
    assert begins and "by SMS" not in lines.partition("</ol>")[0]
    assert "We cannot answer by e-mail." in page or "so the answer is here." in page


def test_a_way_of_the_case_itself_is_told_to_who_has_it_open(client: Client, ask: Ask) -> None:
    case = ask(client)
    assert case.choice and case.choice.identity
    line(case, Event.Sort.LEFT, case.choice.identity)
    page = client.get(f"/q/{case.reference}/").content.decode()
    assert "We asked you by SMS to choose another way." in page
