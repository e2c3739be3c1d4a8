"""The factors: what speaks for and against a kind, with its source and its published weight.

A weight is in points: log-odds, so that 0.7 makes a kind about twice as likely to be the right one,
and points add up. Where a source gives figures they are computed from them; where it gives only a
direction, a step is 0.7, for every factor the same: half a step leans, two steps lead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from channels_app.advice import situation as s
from channels_app.advice import sources
from channels_app.advice.situation import Offered, Situation
from channels_app.advice.sources import Source, log_odds
from contacts.kinds import ACCOUNT, CHAT, EMAIL, MESSAGE, PHONE, TALK, VIDEO, WRITING, Kind

Text = str | Promise
Strength = Callable[[Situation, Offered], float]
HALF, STEP, MORE, TWO, THREE = 0.35, 0.7, 1.05, 1.4, 2.1
LETTER, IN_PERSON, SMS = "letter", "in_person", "sms"
EVERY = (TALK, MESSAGE, WRITING)


@dataclass(frozen=True, eq=False)
class Factor:
    """One thing that speaks for or against a kind.

    `weights`: points by kind, or by group for every kind of it that has none of its own, so that a
    new kind is advised from its first day. `strength`: how much it holds for one kind here; 1 or 0
    where it is a fact, points where it was counted. `short` begins the suggestion, `sentence`
    stands below *why?*. `is_general`: said only where nothing else is known.
    """

    slug: str
    name: Text
    sentence: Text
    sources: tuple[Source, ...]
    weights: Mapping[str, float]
    strength: Strength
    short: Text = ""
    against: Text = ""  # the sentence where it speaks against; "" where one says both
    is_general: bool = False

    def published(self, kind: Kind) -> float:
        """The starting weight of a kind, in points."""
        return self.weights.get(kind.name, self.weights.get(kind.group, 0.0))


def _when(holds: Callable[[Situation], bool]) -> Strength:
    return lambda situation, offered: float(holds(situation))


# What most people choose, whatever their age (S4).
PHONE_OF_ALL = log_odds((sources.PHONE_18_TO_34 + sources.PHONE_55_AND_OVER) / 2)

FACTORS = (
    Factor(
        "usual",
        _("What most people choose"),
        _("Most people like to phone; after that by e-mail, in person, or on their own page."),
        (sources.MICROSOFT, sources.WHY_PHONE),
        {
            PHONE: PHONE_OF_ALL,
            EMAIL: 0.45,
            IN_PERSON: HALF,
            ACCOUNT: 0.3,
        },
        _when(lambda it: True),
        short=_("what most people choose"),
        is_general=True,
    ),
    Factor(
        "texts",
        _("Text messages are liked less than one thinks"),
        _("Few people like to get text messages from an organisation."),
        (sources.ACXIOM,),
        {SMS: log_odds(sources.TEXTS_LIKED) - log_odds(sources.TEXTS_THOUGHT)},
        _when(lambda it: True),
    ),
    Factor(
        "customer",
        _("A customer, or about to be one"),
        _("People who know us like to hear from us by e-mail or by post."),
        (sources.ACXIOM,),
        {EMAIL: HALF, LETTER: HALF},
        _when(lambda it: it.relation in (s.PROSPECT, s.EXISTING)),
    ),
    Factor(
        "simple",
        _("Simple"),
        _("A short question is settled fastest with a short message."),
        (sources.OPTICHANNEL, sources.TMCNET),
        {CHAT: TWO, MESSAGE: MORE, EMAIL: HALF, ACCOUNT: HALF, PHONE: -HALF},
        _when(lambda it: it.is_simple),
        short=_("a short question"),
    ),
    Factor(
        "complex",
        _("Complicated, technical, or a process of many steps"),
        _("A longer story is told faster than it is typed."),
        (sources.OPTICHANNEL, sources.WHY_PHONE),
        {TALK: MORE, PHONE: TWO, IN_PERSON: STEP, MESSAGE: -STEP},
        _when(lambda it: it.is_complex),
        short=_("a longer story"),
    ),
    Factor(
        "shopping",
        _("Shopping basics: prices, models, stock"),
        _("About prices, models and stock most people like to chat."),
        (sources.SOFTWARE_ADVICE, sources.OPTICHANNEL),
        {CHAT: log_odds(sources.CHAT_SHOPPING) - log_odds(sources.CHAT_FINANCIAL)},
        _when(lambda it: it.is_simple and it.phase in (s.LOOKING, s.COMPARING)),
    ),
    Factor(
        "private",
        _("Private: money, health and the like"),
        _("This is private. On your own page, by letter and by phone only you get the answer."),
        (sources.SOFTWARE_ADVICE, sources.TMCNET),
        {
            ACCOUNT: TWO,
            LETTER: STEP,
            PHONE: STEP,
            IN_PERSON: STEP,
            MESSAGE: log_odds(sources.CHAT_FINANCIAL) - log_odds(sources.CHAT_SHOPPING),
        },
        _when(lambda it: it.is_sensitive),
        short=pgettext_lazy("of a question", "private"),
    ),
    Factor(
        "notice",
        _("Private, and this channel carries only a notice"),
        _("For this topic we only send a notice there; the answer stands on your own page."),
        (sources.TMCNET,),
        {name: -STEP for name in EVERY},
        lambda it, offered: float(it.is_sensitive and not offered.private),
    ),
    Factor(
        "early",
        _("Looking around, or comparing"),
        _("While you look around, a chat or a message is quick and binds you to nothing."),
        (sources.OPTICHANNEL,),
        {CHAT: MORE, MESSAGE: STEP, PHONE: -HALF},
        _when(lambda it: it.phase in (s.LOOKING, s.COMPARING)),
        short=_("still looking around"),
    ),
    Factor(
        "buying",
        _("About to buy"),
        _("What you agree on when you buy is best said by phone, or written by e-mail."),
        (sources.OPTICHANNEL,),
        {PHONE: STEP, EMAIL: STEP},
        _when(lambda it: it.phase == s.BUYING),
        short=_("about to buy"),
    ),
    Factor(
        "now",
        _("Needed now"),
        _("You need it now: by phone or in the chat somebody answers straight away."),
        (sources.OPTICHANNEL, sources.WHY_PHONE),
        {PHONE: TWO, CHAT: TWO, TALK: STEP, VIDEO: 0, IN_PERSON: 0, MESSAGE: HALF, EMAIL: -HALF,
         LETTER: -TWO},
        _when(lambda it: it.how_soon == s.NOW),
        short=_("needed now"),
    ),
    Factor(
        "today",
        _("Needed today"),
        _("You need it today. A letter would come too late."),
        (sources.OPTICHANNEL,),
        {TALK: HALF, MESSAGE: HALF, WRITING: HALF, LETTER: -TWO, IN_PERSON: 0},
        _when(lambda it: it.how_soon == s.TODAY),
        short=_("needed today"),
    ),
    Factor(
        "can_wait",
        _("It can wait"),
        _("There is no hurry: by e-mail or by post you read the answer when it suits you."),
        (sources.OPTICHANNEL,),
        {EMAIL: MORE, LETTER: STEP, ACCOUNT: STEP, PHONE: -HALF, CHAT: -STEP, MESSAGE: -HALF},
        _when(lambda it: it.how_soon == s.CAN_WAIT),
        short=_("no hurry"),
    ),
    Factor(
        "closed",
        _("Nobody is there at the moment"),
        _("At the moment nobody is there."),
        (sources.OPTICHANNEL, sources.WHY_PHONE),
        {TALK: -STEP, MESSAGE: -TWO},
        lambda it, offered: float(offered.live and not offered.is_open),
    ),
    Factor(
        "closed_now",
        _("Needed now, and nobody is there"),
        _("You need it now, and you would have to wait until we are there."),
        (sources.OPTICHANNEL, sources.WHY_PHONE),
        {TALK: -HALF, MESSAGE: -STEP, VIDEO: -STEP, IN_PERSON: -STEP},
        lambda it, offered: float(offered.live and not offered.is_open and it.how_soon == s.NOW),
    ),
    Factor(
        "slow",
        _("Needed today, and promised for a later day"),
        _("There the answer may take longer than a day."),
        (sources.OPTICHANNEL,),
        {name: -MORE for name in EVERY},
        lambda it, offered: float(
            it.how_soon in (s.NOW, s.TODAY) and (offered.promise_minutes or 0) > 1440
        ),
    ),
    Factor(
        "quick",
        _("Asked: a quick answer"),
        _("You want a quick answer: that is by phone, in the chat, or with a short message."),
        (sources.OPTICHANNEL,),
        {CHAT: TWO, PHONE: MORE, MESSAGE: STEP, EMAIL: -HALF, LETTER: -TWO},
        _when(lambda it: it.matters == s.QUICK),
        short=_("a quick answer"),
    ),
    Factor(
        "talk",
        _("Asked: to talk it through"),
        _("You want to talk it through: that goes by phone, or face to face."),
        (sources.OPTICHANNEL, sources.WHY_PHONE),
        {TALK: THREE, IN_PERSON: TWO},
        _when(lambda it: it.matters == s.TALK),
        short=_("to talk it through"),
    ),
    Factor(
        "writing",
        _("Asked: to have it in writing"),
        _("You want it in writing: an e-mail, a letter and your own page can be kept."),
        (sources.EPTICA, sources.TMCNET),
        {EMAIL: THREE, LETTER: 1.75, ACCOUNT: TWO},
        _when(lambda it: it.matters == s.WRITING),
        short=_("in writing"),
    ),
    Factor(
        "unwritten",
        _("Asked in writing, and this channel leaves nothing on paper"),
        _("It leaves you nothing in writing."),
        (sources.EPTICA,),
        {name: -STEP for name in EVERY},
        lambda it, offered: float(it.matters == s.WRITING and not offered.written),
    ),
    Factor(
        "plain",
        _("Asked: plain and simple, not handy with computers"),
        _("You want it plain and simple: for a call, a visit or a letter you need no computer."),
        (sources.SOFTWARE_ADVICE, sources.WHY_PHONE),
        {PHONE: THREE, IN_PERSON: MORE, LETTER: STEP, CHAT: -TWO, MESSAGE: -MORE, ACCOUNT: -MORE,
         EMAIL: -HALF, VIDEO: -MORE},
        _when(lambda it: it.matters == s.PLAIN),
        short=_("plain and simple"),
    ),
    Factor(
        "under_35",
        _("Told: 18 to 34 years old"),
        _("You told us your age: more than half of the people under 35 chat rather than phone."),
        (sources.SOFTWARE_ADVICE, sources.WHY_PHONE),
        {
            # So that chat stands to the phone as they found it: 56 to 44.
            CHAT: log_odds(sources.CHAT_UNDER_35) + log_odds(sources.PHONE_18_TO_34),
            PHONE: log_odds(sources.PHONE_18_TO_34) - PHONE_OF_ALL,
        },
        _when(lambda it: it.age == s.YOUNG),
        short=_("what people of your age like"),
        against=_("You told us your age: people under 35 phone a little less than others."),
    ),
    Factor(
        "over_35",
        _("Told: 35 years or older"),
        _("You told us your age: most people above 35 phone rather than chat."),
        (sources.SOFTWARE_ADVICE,),
        {CHAT: log_odds(sources.CHAT_OVER_35) + PHONE_OF_ALL},  # 29 to 71
        _when(lambda it: it.age in (s.MIDDLE, s.OLDER)),
    ),
    Factor(
        "over_55",
        _("Told: 55 years or older"),
        _("You told us your age: three in four people over 55 take the phone."),
        (sources.WHY_PHONE, sources.SOFTWARE_ADVICE),
        {
            PHONE: log_odds(sources.PHONE_55_AND_OVER) - PHONE_OF_ALL,
            CHAT: log_odds(1 - sources.NEVER_CHATTED_55),
        },
        _when(lambda it: it.age == s.OLDER),
        short=_("what people of your age like"),
        against=_("You told us your age: most people over 55 never chatted with a company."),
    ),
    Factor(
        "own",
        _("Their own usual channel"),
        _("You told us that you like to be answered this way."),
        (sources.OPTICHANNEL, sources.EPTICA),
        {name: THREE for name in EVERY},
        lambda it, offered: float(offered.kind.name == it.preferred),
        short=_("how you like it"),
    ),
    Factor(
        "worked",
        _("What worked for this customer before"),
        _("Earlier answers by this way helped you."),
        (sources.OPTICHANNEL,),
        {name: 1.0 for name in EVERY},
        lambda it, offered: it.worked.get(offered.kind.name, 0.0),
        short=_("it went well before"),
        against=_("Earlier answers by this way helped you less."),
    ),
    Factor(
        "found",
        _("What customers found with such questions"),
        _("Others with such questions chose it, and it helped them."),
        (sources.TMCNET,),
        {name: 1.0 for name in EVERY},
        lambda it, offered: it.found.get(offered.kind.name, 0.0),
        short=_("it works well for such questions"),
        against=_("Others with such questions chose it less, or it helped them less."),
    ),
)  # fmt: skip
BY_SLUG = {factor.slug: factor for factor in FACTORS}
