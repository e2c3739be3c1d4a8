"""What was asked and solved in the weeks before: short questions, and how it was for who asked."""

from dataclasses import dataclass

from django.utils import translation

from channels_app import outcomes
from contacts.kinds import EMAIL
from contacts.models import Identity
from portal.simulator.stage import Stage, Story


@dataclass(frozen=True)
class Solved:
    """One question. `kinds`: how the customer wanted the answer, one way after the other.

    `answered`, `repeated`: what they said afterwards; None where they said nothing.
    """

    days: int
    who: str
    kinds: tuple[str, ...]
    asks: str
    answer: str
    answered: bool | None
    repeated: bool | None


MAIL, PAGE = ("email",), ("account",)
BACK, AWAY, ON = ("account", "email"), ("email", "account"), ("email", "account", "email")
SORRY = "Sorry, that was too short. Come by on any day, and I will show you."
SOLVED = (
    Solved(27, "olga", MAIL, "Do you repair other brands?", "Yes, all of them.", True, False),
    Solved(26, "jan", PAGE, "Hoe vol moet een band zijn?", "Drie bar is goed.", True, False),
    Solved(25, "olga", AWAY, "May I return a helmet?", "Within 30 days, unused.", True, False),
    Solved(24, "jan", MAIL, "Verkopen jullie losse spaken?", "Ja, per stuk.", True, False),
    Solved(23, "olga", PAGE, "Is the Velo Cargo waterproof?", "Yes, in any rain.", False, False),
    Solved(21, "jan", MAIL, "Kan mijn accu 's winters buiten?", "Liever niet.", True, False),
    Solved(20, "olga", BACK, "Which lock do you advise?", "One with two stars.", True, True),
    Solved(19, "jan", PAGE, "Zijn jullie open op zondag?", "Nee, op zondag niet.", True, None),
    Solved(18, "olga", AWAY, "Do you have gift vouchers?", "From 10 euros.", True, False),
    Solved(16, "jan", AWAY, "Hoe lang duurt een beurt?", "Meestal één dag.", True, False),
    Solved(15, "olga", PAGE, "Is there a child seat for it?", "Two fit on it.", True, False),
    Solved(13, "jan", MAIL, "Mag ik een fiets reserveren?", "Ja, drie dagen lang.", True, False),
    Solved(12, "olga", ON, "Can you change my saddle?", "Yes, while you wait.", False, True),
    Solved(11, "jan", BACK, "Welke olie voor de ketting?", "Die met de groene dop.", True, False),
    Solved(10, "olga", MAIL, "Do you buy used bikes?", "No, we do not.", None, None),
    Solved(9, "jan", BACK, "Is er nog een rode bel?", "Ja, voor u apart gezet.", True, False),
)


def play(stage: Stage) -> None:
    """Each is asked, answered and solved within a day."""
    for row in SOLVED:
        with translation.override("en"):
            _play(Story(stage, row.who), row)


def _play(story: Story, row: Solved) -> None:
    first, *others = row.kinds
    with story.stage.at(days=row.days):
        story.asks(row.asks, row.asks, first)
    with story.stage.at(days=row.days, hours=-4):
        for kind in others:
            address = Identity.of(EMAIL, story.person.email) if kind == "email" else None
            story.goes_on(kind, address)
        story.gets("mei", row.answer)
    with story.stage.at(days=row.days, hours=-5):
        story.is_solved()
        for what in ("answered", "repeated"):
            if (value := getattr(row, what)) is not None:
                outcomes.say(case=story.case, what=what, value=value)
        if row.answered is False:  # which opened it again
            story.gets("mei", SORRY)
            story.is_solved()
