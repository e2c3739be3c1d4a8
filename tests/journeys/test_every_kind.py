"""With real workers: from the own page to each kind, and back, as in tests/demo without them."""

from typing import Any

import pytest

from contacts.kinds import ACCOUNT
from tests.demo.people import in_order
from tests.demo.walk import BEGIN, SAID, Walk, nothing
from tests.journeys.product import Product

KINDS = [kind for kind in BEGIN if kind != ACCOUNT]


@pytest.mark.parametrize(("place", "kind"), list(enumerate(KINDS)), ids=KINDS)
def test_a_real_worker_sends_by_each_kind(
    product: Product, settings: Any, place: int, kind: str
) -> None:
    settings.DATA_DIR = product.data  # where the mailbox and the telephones of the demo lie
    walk = Walk(product.url, f"+4420794607{20 + place}", work=nothing, file=nothing)
    forwarded = {"X-Forwarded-For": f"203.0.113.{20 + place}"}  # everybody has limits of their own
    for browser in (walk.customer, walk.desk, walk.pocket):
        browser.http.headers.update(forwarded)
    BEGIN[kind](walk, kind)
    walk.is_answered()
    walk.by_the_panel(ACCOUNT)
    walk.chose(ACCOUNT)
    walk.is_answered()
    walk.by_the_panel(kind)
    walk.chose(kind)
    walk.is_answered()
    written = [text for text in walk.said if not text.startswith("Said")]
    assert in_order(walk.customer.page().partition('<ol id="lines" class="timeline">')[2], written)
    shown = SAID.findall(walk.desk.page(walk.reference))
    assert [text for text in shown if text in walk.said] == walk.said
