"""A messenger that we no longer answer by: what is written there is read, and they hear so."""

from channels_app.models import Channel, Delivery
from contacts.models import Case
from tests.messengers import pocket
from tests.messengers.people import SAM

WORDS = "we no longer answer by WhatsApp"


def test_who_writes_there_hears_it_once_and_where_to_go_on(whatsapp: Channel) -> None:
    whatsapp.offer(False)
    pocket.write(whatsapp, SAM, "Is it there?")
    pocket.write(whatsapp, SAM, "Hello?")
    case = Case.objects.get()
    assert case.messages.filter(direction="in").count() == 2 and case.waiting_since
    [line] = Delivery.objects.filter(message__text__contains=WORDS)
    [out] = [out for out in pocket.send_all() if WORDS in out.text]
    assert out.to == SAM and "/c/" in out.text
    line.refresh_from_db()
    assert line.status == Delivery.Status.SENT
