"""The first advice: which way fits this question, with a sentence why (R17, R20, R21, R24, R25).

Pure: a situation and what is offered in, ranked kinds with reasons out. Never by cost (R6), and
nothing is hidden: the customer may always choose another row.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contacts.kinds import CHAT


@dataclass(frozen=True)
class Situation:
    """What is known of the question. `open_kinds`: where somebody is there now."""

    offered: tuple[str, ...]
    open_kinds: frozenset[str]
    topic_complex: bool = False
    topic_sensitive: bool = False
    topic_simple: bool = False  # a topic was chosen, and it is neither
    how_soon: str = ""


@dataclass(frozen=True)
class Advice:
    """One kind and, for the first, why it is suggested."""

    kind: str
    reason: str


TEXTS = ("whatsapp", "sms")  # kinds for a few lines, in the order in which people have them
Rule = tuple[Callable[[Situation], bool], tuple[str, ...], Callable[[], str]]

# The first rule that fits says the order of preference; S0-S4 are the articles in requirements.md.
RULES: tuple[Rule, ...] = (
    (  # R23, S4: urgent means the phone, when somebody is there
        lambda s: s.how_soon == "now" and "phone" in s.open_kinds,
        ("phone",),
        lambda: _("You need it now: by phone you are helped straight away."),
    ),
    (  # R21, S3: money and the like are not led to a channel that people find less secure
        lambda s: s.topic_sensitive,
        ("account", "letter", "phone"),
        lambda: _("This is private: on your own page only you can read the answer."),
    ),
    (  # R17, S0: complicated goes to the phone
        lambda s: s.topic_complex,
        ("phone", "in_person", "email"),
        lambda: _("A longer story is told faster than it is typed."),
    ),
    (  # R17, R24, S3: simple, or what one asks in a shop, goes to chat while somebody is there
        lambda s: s.topic_simple and s.how_soon != "can_wait" and CHAT in s.open_kinds,
        (CHAT,),
        lambda: _("A short question: in the chat you have the answer while you wait here."),
    ),
    (  # R20: needed now, and nobody picks up the phone; never what is private (R21)
        lambda s: s.how_soon == "now" and CHAT in s.open_kinds and not s.topic_sensitive,
        (CHAT,),
        lambda: _("You need it now: somebody is there in the chat."),
    ),
    (  # R17, S0: simple goes to a short message
        lambda s: s.topic_simple and s.how_soon in ("now", "today"),
        TEXTS,
        lambda: _("A short question: a message is enough, and the answer is in your pocket."),
    ),
    (  # R20: today, and nobody picks up the phone now
        lambda s: s.how_soon in ("now", "today"),
        ("phone", *TEXTS, "email", "account"),
        lambda: _("For an answer today, let us call you as soon as we are there."),
    ),
    (  # R20, R22: what can wait leaves a record
        lambda s: s.how_soon == "can_wait",
        ("email", "account", "letter"),
        lambda: _("There is no hurry: by e-mail you can read the answer when it suits you."),
    ),
    (  # S4: simple questions; phone and e-mail are the two that most people want
        lambda s: True,
        ("email", "phone", "account", *TEXTS),
        lambda: _("Most questions are settled well by e-mail, and you keep the answer."),
    ),
)


def recommend(situation: Situation) -> list[Advice]:
    """All offered kinds, the suggested one first with its reason, the rest in the given order."""
    for fits, kinds, reason in RULES:
        best = next((kind for kind in kinds if kind in situation.offered), None)
        if best is None or not fits(situation):
            continue
        said = reason() if best == kinds[0] else _("This fits your question best of what is open.")
        rest = [Advice(kind, "") for kind in situation.offered if kind != best]
        return [Advice(best, said), *rest]
    return [Advice(kind, "") for kind in situation.offered]
