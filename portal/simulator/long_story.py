"""One case with sixty messages over seven channels: a company rents twelve bicycles."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle

from channels_app.models import Delivery
from contacts.files import File
from contacts.models import Identity
from portal.simulator.stage import Stage, Story

TITLE = "Sixty messages over seven channels, one case"
FIRST = (
    "We are a company of forty people and would like to rent twelve e-bikes for the summer. What"
    " do you have, what does it cost, and can you bring them?"
)
BY_MAIL, ON_PAGE, BY_PHONE, BY_LETTER, IN_PERSON = "mail", "account", "phone", "letter", "in_person"
BY_WHATSAPP, BY_SMS = "whatsapp", "sms"
# How many pairs of question and answer go by which channel, and how many hours lie between them.
PHASES = (
    (BY_MAIL, 8, 9.0),
    (BY_PHONE, 3, 9.0),
    (ON_PAGE, 5, 9.0),
    (BY_LETTER, 1, 20.0),
    (IN_PERSON, 2, 9.0),
    (BY_WHATSAPP, 4, 1.5),
    (BY_SMS, 3, 1.5),
)
EXCHANGES = (
    ("How many do you have in the same model?", "Twelve Volt City, all of this year."),
    ("Which sizes are they?", "Four medium, six large and two extra large."),
    ("What is the price per month?", "59 euros each, service included."),
    ("Is there a discount for twelve?", "From ten on it is 10 per cent: 53.10 euros each."),
    ("Is that with VAT?", "Without. With VAT it is 64.25 euros."),
    ("Can you bring them to our office?", "Yes, in two trips, on one morning."),
    ("What does bringing cost?", "Nothing within 25 kilometres."),
    ("Who pays when one is stolen?", "The insurance, if both locks were used."),
    (
        "He would rather talk about the contract than write.\n"
        "Promised: stopping in August without costs, as clause seven of the contract",
        "We went through it together, clause by clause.",
    ),
    ("His colleague asks who signs.", "One signature is enough, by the one who pays."),
    ("What if they stop in August?", "Then August is the last month that you pay."),
    ("I see the contract on the page. Clause four?", "It means: a flat tyre is ours to mend."),
    ("And a lost key?", "A new key is 18 euros, the second one is free."),
    (
        "Can we put our logo on them? The drawing comes with this.",
        "A sticker on the rear guard, yes.",
    ),
    ("How large may it be?", "12 by 6 centimetres."),
    ("Our designer asks for the colour of the frame.", "RAL 5020, ocean blue, matt."),
    (
        "The contract came back with his signature. He asks for a signed copy on paper.",
        "With this letter comes your copy of the contract, signed by both of us.",
    ),
    (
        "Two of his colleagues who are not very tall came to try the frames.",
        "The small frame fits you both. We put two aside in your name.",
    ),
    (
        "They came for the locks and chose the folding ones.\n"
        "Promised: twelve helmets on loan, free of charge",
        "Here are the keys of two locks to try.",
    ),
    ("When can you deliver?", "In the first week of the month, on any morning."),
    ("Tuesday at 9?", "Tuesday at 9 it is."),
    ("Is there parking for your van?", "A place for half an hour is enough for us."),
    ("The gate opens at 8:30.", "Noted. The driver calls the reception desk."),
    ("Does the price change with two small frames?", "No, it stays the same."),
    ("Do you bring a pump?", "A pump and a repair kit come along."),
    ("Shall we clear the bicycle shed on Monday?", "Yes please, for twelve."),
)
DRAWING = File("logo-on-guard.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n")
NOTES = {
    2: "Large order: the stock of Volt City is reserved until Friday.",
    20: "@daan can you plan the van for Tuesday morning, two trips?",
}
CALL_ME = "Please call me about the invoice, it has to go to another address."
TO_SAY = "Which address shall stand on the invoice, and is the order number on it?"
IN_VAIN = ("Voice mail, no message left.", "The reception: he is back after 16:00.")
LAST = (
    "Sorry, I missed your calls. Order number 4711 goes on the invoice; the address follows. And"
    " can two of the twelve come on Monday already?"
)
OPEN = (
    "Daan: van on Tuesday 9:00, two trips, gate opens 8:30. Mei: invoice to the new address once"
    " he sends it, order number 4711. Clear first: two bikes on Monday?"
)


def sixty_messages(stage: Stage) -> None:
    """A question, "we have it", 26 exchanges, 2 notes, a call that nobody took, and a question."""
    lucas, hours = Story(stage, "lucas"), 24 * 9.5
    with stage.at(hours=hours):
        lucas.asks(TITLE, FIRST, topic="something-else")
        lucas.is_known_by("phone", lucas.person.phone)
    agents, before = cycle(("mei", "daan", "noor")), BY_MAIL
    steps = zip(_steps(), EXCHANGES, strict=True)
    for number, ((channel, ago), (asked, said)) in enumerate(steps):
        agent = next(agents)
        with stage.at(hours=ago):
            if channel != before:
                _change(lucas, channel)
            _say(lucas, channel, asked, agent)
            if channel == BY_WHATSAPP:  # answers go there for a day, by the clock of today
                _hear(lucas, channel, said, agent)
        with stage.at(hours=ago - timedelta(minutes=40) / timedelta(hours=1)):
            if channel != BY_WHATSAPP:
                _hear(lucas, channel, said, agent)
            if number in NOTES:
                lucas.gets_note("mei", NOTES[number])
        before = channel
    _misses_calls(stage, lucas)


def _steps() -> Iterator[tuple[str, float]]:
    """The channel of each exchange, and how many hours ago it began."""
    length = sum(count * hours for _channel, count, hours in PHASES)
    ago = length + 5.0
    for channel, count, hours in PHASES:
        for _n in range(count):
            yield channel, ago
            ago -= hours


def _misses_calls(stage: Stage, lucas: Story) -> None:
    """He asks for a call, is not reached twice, and writes by WhatsApp: what waits follows him."""
    with stage.at(hours=4.5):
        lucas.writes_on_the_page(CALL_ME)
        lucas.goes_on("phone", _number(lucas))
        lucas.gets("mei", TO_SAY)
    for ago, note in zip((4.0, 2.5), IN_VAIN, strict=True):
        with stage.at(hours=ago):
            lucas.is_visited("mei", Delivery.Outcome.NOT_REACHED, note)
    with stage.at(hours=1.2):
        lucas.writes("whatsapp", LAST)
    with stage.at(hours=1.0):
        lucas.is_left_open("mei", OPEN)
        lucas.is_handed_over("mei", "noor")


def _number(lucas: Story) -> Identity:
    return lucas.is_known_by("phone", lucas.person.phone)


def _change(lucas: Story, channel: str) -> None:
    """The customer chooses the next channel; who writes by mail or an app chooses by it."""
    if channel == BY_WHATSAPP:
        lucas.joins_by(channel)
    elif channel == BY_PHONE:
        lucas.goes_on(channel, _number(lucas))
    elif channel == BY_LETTER:
        lucas.goes_on(channel, lucas.is_known_by("post", lucas.person.post))
    elif channel == IN_PERSON:
        lucas.goes_on(channel, wish="workshop")
    elif channel == ON_PAGE:
        lucas.goes_on(channel)


def _say(lucas: Story, channel: str, text: str, agent: str) -> None:
    if channel == BY_MAIL and lucas.has_mail:
        lucas.answers_by_mail(text)
    elif channel in (BY_PHONE, BY_LETTER, IN_PERSON):
        lucas.calls_in(agent, text, channel)
    elif channel in (BY_WHATSAPP, BY_SMS):
        lucas.writes(channel, text)
    else:
        lucas.writes_on_the_page(text, *([DRAWING] if "logo" in text else []))


def _hear(lucas: Story, channel: str, text: str, agent: str) -> None:
    lucas.gets(agent, text)
    if channel == BY_LETTER:
        lucas.is_visited(agent, Delivery.Outcome.SENT)
    elif channel in (BY_PHONE, IN_PERSON):
        lucas.is_visited(agent, Delivery.Outcome.REACHED)
