"""A customer with very many addresses: an office, or a family's shared account."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.models import Case, Holder, Identity

pytestmark = pytest.mark.django_db
MANY = 1_200


@pytest.fixture
def many(case: Case) -> Case:
    """A case whose customer holds them, without a name or a chosen address."""
    Identity.objects.bulk_create(
        Identity(scheme="email", value=f"office{number}@example.org") for number in range(MANY)
    )
    Holder.objects.bulk_create(
        Holder(customer=case.customer, identity=identity)
        for identity in Identity.objects.filter(value__startswith="office")
    )
    return case


@pytest.mark.parametrize("query", ["tab=needs", "q=office7@example.org", "q=office"])
def test_the_queue_bears_a_customer_with_many_addresses(
    desk: Client, many: Case, query: str
) -> None:
    with CaptureQueriesContext(connection) as seen:
        page = desk.get(f"/admin/cases/?{query}")
    assert page.status_code == 200
    assert len(seen) < 25
