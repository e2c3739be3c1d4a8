"""Every mail, reply and attack of the corpora through the parser, with a floor for each score."""

from __future__ import annotations

import html
import re
import resource
import time
from email.utils import parseaddr
from typing import Any

import pytest
from tests.mailparse.corpora import Case, Score, cases, fold, raw, words_present

from channels_app.mailparse import addresses, headers
from channels_app.mailparse.html import sanitise, to_text
from channels_app.mailparse.model import ParsedMail, Unparseable
from channels_app.mailparse.parsing import parse
from channels_app.mailparse.replies import html_reply, reply_text

MAX_SECONDS = 2.0
MAX_KILOBYTES = 300 * 1024


def timed_parse(data: bytes) -> ParsedMail:
    """Parse within the bounds of time and memory that each corpus mail must keep."""
    start = time.perf_counter()
    mail = parse(data)
    assert time.perf_counter() - start < MAX_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MAX_KILOBYTES
    return mail


def zammad_checks(expect: dict[str, Any], mail: ParsedMail) -> dict[str, bool]:
    """The fields of one case. `message.html` is how that system stores the HTML body."""
    checks = {
        "from": fold(expect["from_email"]).casefold() == mail.from_email.casefold(),
        "name": fold(expect["from_display_name"]) == fold(mail.from_name),
        "subject": fold(expect["subject"]) == fold(mail.subject),
        "body": body_matches(expect["body"], mail),
    }
    for field in ("to", "cc"):
        wanted = [item.email.casefold() for item in addresses.addresses(expect.get(field) or "")]
        checks[field] = [w for w in wanted if w] == [a.casefold() for a in getattr(mail, field)]
    wanted_files = [f for f in expect["attachments"] if not f["alternative"]]
    names = [fold(file.name) for file in mail.attachments]
    sums = {file.md5 for file in mail.attachments}
    checks["file names"] = all(fold(file["filename"]) in names for file in wanted_files)
    checks["file md5"] = all(file["md5"] in sums for file in wanted_files)
    return checks


def body_matches(expected: str, mail: ParsedMail) -> bool:
    """That system says "no visible content" where a mail has none."""
    if expected == "no visible content":
        return True
    return words_present(expected, readable(mail))


def readable(mail: ParsedMail) -> str:
    """Text and HTML, the latter also with its tags as blanks, as the expected words are cut."""
    return f"{mail.text} {mail.html} {html.unescape(re.sub('<[^>]*>', ' ', mail.html))}"


def test_zammad() -> None:
    score = Score("zammad")
    for case in cases("zammad"):
        score.case(case["file"], zammad_checks(case["expect"], timed_parse(raw("zammad", case))))
    score.show()
    assert score.share >= 0.95


def stalwart_checks(expect: dict[str, Any], mail: ParsedMail) -> dict[str, bool]:
    """The fields that the source states; what it read as broken (U+FFFD) is left out."""
    checks: dict[str, bool] = {}
    for field in ("subject", "message_id"):
        if field in expect and "\ufffd" not in expect[field]:
            checks[field] = fold(expect[field]) == fold(getattr(mail, field))
    if expect.get("from"):
        wanted = expect["from"][0]
        checks["from"] = (wanted["address"] or "").casefold() == mail.from_email.casefold()
        if "\ufffd" not in (wanted["name"] or ""):
            checks["name"] = fold(wanted["name"]) == fold(mail.from_name)
    if "to" in expect:
        wanted_to = [item["address"].casefold() for item in expect["to"] if item["address"]]
        checks["to"] = wanted_to == [a.casefold() for a in mail.to]
    for kind in ("text_parts", "html_parts"):
        for number, part in enumerate(expect.get(kind, [])):
            label = f"{kind} {number}"
            checks[label] = words_present(part["text"], readable(mail))
    return checks


def test_stalwart() -> None:
    score = Score("stalwart")
    for case in cases("stalwart"):
        mail = timed_parse(raw("stalwart", case))
        score.case(case["file"], stalwart_checks(case["expect"], mail))
    score.show()
    assert score.share >= 0.95
