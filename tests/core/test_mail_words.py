"""What every mail of ours says at its foot: nothing that the organisation does not offer."""

import pytest

from channels_app import dispatch, opening, rendering
from channels_app.models import Channel, Delivery
from contacts.models import Organisation, User


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


def test_both_bodies_of_an_answer_name_who_wrote_it(
    organisation: Organisation, agent: User
) -> None:
    case = opening.open_case(
        organisation=organisation,
        text="Is it there?",
        came_by="account",
        kind="email",
        address="sam@example.org",
        language="en",
    )
    answer = dispatch.reply(case=case, staff=agent, text="It is <here>.")
    mail = rendering.render(answer.deliveries.get())
    assert mail.text.startswith("It is <here>.\n\nAnna\nTest Shop\n\n--\n")
    assert "Anna<br>Test Shop" in mail.html
    confirmed = rendering.render(Delivery.objects.exclude(message=answer).get())
    assert "Anna" not in confirmed.text
