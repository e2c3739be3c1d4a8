"""What follows somebody out of a chat is answered into the same case, by whom it was sent to."""

import pytest

from channels_app import fallback
from channels_app.adapters.mail import reply_address
from contacts import services
from contacts.models import Event, Identity, Organisation, User
from tests import shop
from tests.core.chats import a_chat, fresh, offer_chat
from tests.core.test_reply_life import SAM, receive


@pytest.mark.parametrize(("known_by", "joins"), [("second", True), ("proof", True), ("", False)])
def test_an_address_that_this_case_knows_may_answer_its_mail(
    organisation: Organisation, agent: User, known_by: str, joins: bool
) -> None:
    offer_chat(organisation)
    case = a_chat(organisation)
    identity = Identity.of("email", SAM)
    if known_by == "second":
        fallback.approve(case=fresh(case), kind="email", identity=identity)
    if known_by == "proof":
        case.append(Event(sort=Event.Sort.PROVED, data={"identity": identity.pk}))
    address = reply_address(shop.MAILBOX, services.reply_code(case).plain)
    found = receive(address, In_Reply_To="<unknown@client.example>")
    assert (found == case) is joins
