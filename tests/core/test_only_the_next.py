"""Only the next answer: it goes where it was asked for, though the case is back by then."""

from channels_app import dispatch, switching
from channels_app.models import Delivery
from contacts.models import Identity, Message, Organisation, User
from tests import shop, worker
from tests.core.test_at_once import a_case

S = Delivery.Status


def asked_once(agent: User) -> Message:
    """An answer that was asked for at an address that only this case knows."""
    case = a_case()
    identity = Identity.of("email", "new@example.org")
    switching.switch(case=case, kind="email", identity=identity, once=True)
    return dispatch.reply(case=case, staff=agent, text="It is here.")


def test_it_goes_to_an_address_that_only_this_case_knows(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    message = asked_once(agent)
    assert message.case and message.case.choice and message.case.choice.kind == "account"
    worker.send_due()
    assert message.deliveries.get().status == S.SENT
    assert sink.recipients == [["new@example.org"]]
    message.refresh_from_db()
    assert message.why == Message.Why.ONCE


def test_where_they_said_stop_meanwhile_it_goes_their_usual_way(
    organisation: Organisation, agent: User, sink: shop.Sink
) -> None:
    message = asked_once(agent)
    assert message.identity
    message.identity.close("email", Identity.STOPPED)
    worker.send_due()
    first, second = message.deliveries.order_by("created_at")
    assert first.status == S.FAILED and sink.raw == []
    assert second.channel.kind == "account" and second.status == S.SENT


def test_it_is_tried_again_there(organisation: Organisation, agent: User, sink: shop.Sink) -> None:
    message = asked_once(agent)
    message.deliveries.update(status=S.FAILED)
    again = dispatch.try_again(message.deliveries.get(), agent)
    assert again and again.identity == message.identity
    worker.send_due()
    assert sink.recipients == [["new@example.org"]]
