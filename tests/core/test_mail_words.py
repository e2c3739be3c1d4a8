"""What every mail of ours says at its foot: nothing that the organisation does not offer."""

import pytest

from channels_app import opening, rendering
from channels_app.models import Channel, Delivery
from contacts.models import Organisation


@pytest.mark.parametrize(
    ("language", "number"), [("en", "Or call 020 123 4567."), ("nl", "Of bel 020 123 4567.")]
)
def test_the_number_reads_as_people_write_it(
    organisation: Organisation, language: str, number: str
) -> None:
    Channel.objects.filter(kind__in=("letter", "in_person")).update(is_offered=False)
    opening.open_case(
        organisation=organisation,
        text="Is it there?",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language=language,
    )
    mail = rendering.render(Delivery.objects.get())
    assert number in mail.html and number.split(" ", 2)[2].rstrip(".") in mail.text
    for body in (mail.html, mail.text):
        assert "+31" not in body
        for word in ("letter", "in person", "brief", "langskomen"):
            assert word not in body, word
