"""One case with sixty messages over four channels: a company rents twelve bicycles."""

from datetime import timedelta
from itertools import cycle

from portal.simulator.stage import Stage, Story

TITLE = "Sixty messages over four channels, one case"
FIRST = (
    "We are a company of forty people and would like to rent twelve e-bikes for the summer. What"
    " do you have, what does it cost, and can you bring them?"
)
BY_MAIL, ON_PAGE, BY_PHONE, NOTE = "mail", "page", "phone", "note"
# How many pairs of question and answer go by which channel, in this order.
PHASES = ((BY_MAIL, 8), (BY_PHONE, 4), (ON_PAGE, 12), (BY_MAIL, 4))
EXCHANGES = (
    ("How many do you have in the same model?", "Twelve Volt City, all of this year."),
    ("Which sizes are they?", "Four medium, six large and two extra large."),
    ("What is the price per month?", "59 euros each, service included."),
    ("Is there a discount for twelve?", "From ten on it is 10 per cent: 53.10 euros each."),
    ("Is that with VAT?", "Without. With VAT it is 64.25 euros."),
    ("Can you bring them to our office?", "Yes, in two trips, on one morning."),
    ("What does bringing cost?", "Nothing within 25 kilometres."),
    ("Who pays when one is stolen?", "The insurance, if both locks were used."),
    ("I would rather talk about the contract.", "We went through it together, clause by clause."),
    ("My colleague asks who signs.", "One signature is enough, by the one who pays."),
    ("What if we stop in August?", "Then August is the last month that you pay."),
    ("Please send that in writing.", "I wrote it into the contract, clause seven."),
    ("I see the contract on the page. Clause four?", "It means: a flat tyre is ours to mend."),
    ("And a lost key?", "A new key is 18 euros, the second one is free."),
    ("Can we put our logo on them?", "A sticker on the rear guard, yes."),
    ("How large may it be?", "12 by 6 centimetres."),
    ("Do you print it?", "Yes, if you send the drawing as a file."),
    ("Our designer asks for the colour of the frame.", "RAL 5020, ocean blue, matt."),
    ("When can you deliver?", "In the first week of the month, on any morning."),
    ("Tuesday at 9?", "Tuesday at 9 it is."),
    ("Is there parking for your van?", "A place for half an hour is enough for us."),
    ("The gate opens at 8:30.", "Noted. The driver calls the reception desk."),
    ("Two colleagues are not very tall.", "Then we bring two small frames instead of two large."),
    ("Does that change the price?", "No, it stays the same."),
    ("Please confirm all of it by e-mail.", "Here it is: twelve bikes, Tuesday 9:00, 53.10 euros."),
    ("One more: helmets?", "We lend twelve helmets, free of charge."),
    ("Thanks. And a pump?", "A pump and a repair kit come along."),
    ("Then we are ready.", "So are we. See you on Tuesday!"),
)
NOTES = (
    "Large order: the stock of Volt City is reserved until Friday.",
    "@daan can you plan the van for Tuesday morning, two trips?",
)


def sixty_messages(stage: Stage) -> None:
    """A question, "we have it", 28 exchanges and 2 notes: sixty messages."""
    lucas = Story(stage, "lucas")
    hours = 24 * 9.0
    with stage.at(hours=hours):
        lucas.asks(TITLE, FIRST, topic="something-else")
        lucas.is_known_by("phone", lucas.person.phone)
    channels = [channel for channel, count in PHASES for _n in range(count)]
    agents, before, notes = cycle(("mei", "daan", "noor")), BY_MAIL, iter(NOTES)
    for number, (channel, (asked, said)) in enumerate(zip(channels, EXCHANGES, strict=True)):
        hours -= 7.2
        agent = next(agents)
        with stage.at(hours=hours):
            if channel != before:
                _change(lucas, channel)
            _say(lucas, channel, asked, agent)
        with stage.at(hours=hours - timedelta(minutes=40) / timedelta(hours=1)):
            _hear(lucas, channel, said, agent)
            if number in (2, 19):
                lucas.gets_note("mei", next(notes))
        before = channel


def _change(lucas: Story, channel: str) -> None:
    """The customer chooses the next channel; an e-mail out of the blue chooses itself."""
    if channel == ON_PAGE:
        lucas.goes_on("account")
    elif channel == BY_PHONE:
        lucas.goes_on("phone", lucas.is_known_by("phone", lucas.person.phone))


def _say(lucas: Story, channel: str, text: str, agent: str) -> None:
    if channel == BY_MAIL and lucas.has_mail:
        lucas.answers_by_mail(text)
    elif channel == BY_PHONE:
        lucas.calls_in(agent, text)
    else:
        lucas.writes_on_the_page(text)


def _hear(lucas: Story, channel: str, text: str, agent: str) -> None:
    lucas.gets(agent, text)
    if channel == BY_PHONE:
        lucas.is_visited(agent, "reached")
