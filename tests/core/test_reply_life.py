"""How long a reply address works: as long as its case, and a year after it was settled."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import inbound
from channels_app.adapters.base import Request
from channels_app.adapters.mail import reply_address
from channels_app.models import Channel
from contacts import codes, services
from contacts.models import Case, Code, Organisation
from tests import shop, worker

SAM = "sam@example.org"


def receive(to: str, **headers: str) -> Case:
    """A mail of Sam by the door; the case that it lies in."""
    raw = shop.mail(sender=SAM, to=to, **headers)
    event = inbound.receive(Channel.objects.get(slug="email"), Request(body=raw))
    worker.file(event)
    message = event.items.get().message
    assert message is not None and message.case is not None
    return message.case


def settle(case: Case, *, days: int) -> None:
    """Settled so many days ago, and silent since."""
    services.resolve(case=case)
    then = timezone.now() - timedelta(days=days)
    Case.objects.filter(pk=case.pk).update(resolved_at=then, changed_at=then)


@pytest.mark.parametrize(("days", "joins"), [(360, True), (395, False)])
def test_a_reply_joins_for_a_year_after_the_case_was_settled(
    organisation: Organisation, days: int, joins: bool
) -> None:
    case = receive(shop.MAILBOX)
    address = reply_address(shop.MAILBOX, services.reply_code(case).plain)
    settle(case, days=days)
    found = receive(address, In_Reply_To="<unknown@client.example>")
    assert (found == case) is joins
    if not joins:  # nothing is guessed, and staff see which case it goes on with
        assert found.may_belong_to == case
        case.refresh_from_db()
        assert case.state == Case.State.RESOLVED


def test_an_answer_to_an_old_case_can_be_answered_again(organisation: Organisation) -> None:
    case = receive(shop.MAILBOX)
    code = services.reply_code(case)
    settle(case, days=700)
    assert Code.objects.find(codes.REPLY, code.plain) is None
    Case.objects.filter(pk=case.pk).update(changed_at=timezone.now())  # as `append` does
    assert services.reply_code(case) == code
    assert receive(reply_address(shop.MAILBOX, code.plain)) == case


def test_a_joined_case_lives_as_long_as_its_stem(organisation: Organisation) -> None:
    stem, other = receive(shop.MAILBOX), receive(shop.MAILBOX)
    code = services.reply_code(other)
    settle(other, days=800)
    Case.objects.filter(pk=other.pk).update(merged_into=stem, root=stem)
    assert Code.objects.find(codes.REPLY, code.plain) == code
    settle(stem, days=800)
    assert Code.objects.find(codes.REPLY, code.plain) is None
