"""Where the figures come from: five articles, and the studies that they quote."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """An article, the year it was written (None: it does not say), and the study it quotes."""

    article: str
    year: int | None = None
    study: str = ""

    def __str__(self) -> str:
        written = f"{self.article}, {self.year}" if self.year else self.article
        return f"{self.study} ({written})" if self.study else written


OPTICHANNEL = Source("Optichannel, a contact-centre CTO")  # S0, and S1 in Dutch
EPTICA = Source("Eptica", 2011)  # S2
ACXIOM = Source("Eptica", 2011, "Acxiom")
TMCNET = Source("TMCnet", 2015)  # S3
SOFTWARE_ADVICE = Source("TMCnet", 2015, "Software Advice")
WHY_PHONE = Source("Why customers prefer the phone", 2021)  # S4
MICROSOFT = Source("Why customers prefer the phone", 2021, "Microsoft 2017")

PHONE_55_AND_OVER, PHONE_18_TO_34 = 0.75, 0.65  # share that chooses the phone, WHY_PHONE
CHAT_SHOPPING, CHAT_FINANCIAL = 0.49, 0.26  # share that prefers chat, SOFTWARE_ADVICE
CHAT_UNDER_35, CHAT_OVER_35 = 0.56, 0.29  # share that prefers chat to the phone, SOFTWARE_ADVICE
NEVER_CHATTED_55 = 0.60  # of those over 55, SOFTWARE_ADVICE
TEXTS_THOUGHT, TEXTS_LIKED = 0.25, 0.09  # marketers thought; customers were happy with, ACXIOM


def log_odds(share: float) -> float:
    """A share from 0 to 1 as points: 0 is one in two, and 0.7 more is about twice as likely."""
    return math.log(share / (1 - share))
