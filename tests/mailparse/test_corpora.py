"""Every mail, reply and attack of the corpora through the parser, with a floor for each score."""

from __future__ import annotations

import html
import json
import re
import resource
import time
from html.parser import HTMLParser
from typing import Any

import pytest

from channels_app.mailparse import addresses, headers
from channels_app.mailparse.html import sanitise, to_text
from channels_app.mailparse.html_text import REST_MARK
from channels_app.mailparse.model import ParsedMail
from channels_app.mailparse.parsing import parse
from channels_app.mailparse.replies import reply_text
from channels_app.mailparse.words import words
from tests.mailparse.corpora import FOLDER, Case, Score, cases, fold, raw, words_present

MAX_SECONDS = 2.0
MAX_KILOBYTES = 300 * 1024


def timed_parse(data: bytes) -> ParsedMail:
    """Parse within the bounds of time and memory that each corpus mail must keep."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.thread_time()
    mail = parse(data)
    assert time.thread_time() - start < MAX_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_KILOBYTES
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


def table(name: str) -> list[Case]:
    """One table of header strings."""
    cases("stalwart_headers")
    found: list[Case] = json.loads((FOLDER / "stalwart_headers" / f"{name}.json").read_text())
    return found


def first_header(text: str) -> str:
    """The samples go on with the next header, which a parser of whole mails never sees."""
    return re.split(r"\r?\n(?![ \t])", text.lstrip("\n"), maxsplit=1)[0]


def listed(expected: dict[str, Any] | None) -> list[dict[str, str | None]]:
    """The mailboxes of an expected list, groups flattened."""
    items = [item for kind in (expected or {}).values() for item in kind]
    return [box for item in items for box in item.get("addresses", [item])]


def bare(address: str | None) -> str:
    """As we give it: without blanks, route and mailto:."""
    found = addresses.clean_email(address or "")
    return found.casefold() if "@" in found and "://" not in found else ""


def test_stalwart_addresses() -> None:
    score = Score("stalwart_headers/address")
    for row in table("address"):
        found = addresses.addresses(first_header(row["header"]))
        wanted = listed(row["expected"])
        names = [fold(box["name"]) for box in wanted]
        emails = [e for e in (bare(box["address"]) for box in wanted) if e]
        score.case(
            repr(row["header"]),
            {
                "names": names == [fold(box.name) for box in found],
                "emails": emails == [e for e in (bare(box.email) for box in found) if e],
            },
        )
    score.show()
    assert score.share >= 0.93


def test_stalwart_dates() -> None:
    score = Score("stalwart_headers/date")
    for row in table("date"):
        found, wanted = headers.date(row["header"]), row["expected"]
        if wanted is None or found is None:
            score.case(repr(row["header"]), {"date": found is None and wanted is None})
            continue
        sign = -1 if wanted["tz_before_gmt"] else 1
        offset = sign * (wanted["tz_hour"] * 60 + wanted["tz_minute"]) * 60
        fields = [wanted[f] for f in ("year", "month", "day", "hour", "minute", "second")]
        moment = found.utcoffset()
        right = list(found.timetuple()[:6]) == fields
        same_zone = moment is not None and moment.total_seconds() == offset
        score.case(repr(row["header"]), {"date": right and same_zone})
    score.show()
    assert score.share >= 0.9


def test_stalwart_ids_and_subjects() -> None:
    score = Score("stalwart_headers/id, unstructured")
    for row in table("id"):
        found = list(headers.message_ids(first_header(row["header"])))
        score.case(repr(row["header"]), {"ids": found == (row["expected"] or [])})
    for row in table("unstructured"):
        shown = fold(headers.text(first_header(row["header"])))
        score.case(repr(row["header"]), {"text": shown == fold(row["expected"])})
    score.show()
    assert score.share == 1.0


def test_stalwart_content_types() -> None:
    score = Score("stalwart_headers/content_type")
    for row in table("content_type"):
        wanted = row["expected"]
        kind, found = headers.parameters(row["header"])
        if wanted is None:
            continue  # no type at all: only that it does not raise
        full = "/".join(part for part in (wanted["c_type"], wanted["c_subtype"]) if part)
        pairs = [p for p in wanted.get("attributes") or [] if not p[0].endswith("-language")]
        score.case(
            repr(row["header"]),
            {
                "type": kind.replace(" ", "").strip("/") == full.casefold(),
                "parameters": all(
                    headers.clean_line(found.get(key, "")) == headers.clean_line(value)
                    for key, value in pairs
                ),
            },
        )
    score.show()
    assert score.share >= 0.95


@pytest.mark.parametrize("name", ["mikel_mail", "cpython_email", "nodemailer_mailparser"])
def test_broken_mails_parse_within_bounds(name: str) -> None:
    """Not one may raise; a mail with a From: line that has an address gives one."""
    score = Score(name)
    for case in cases(name):
        mail = timed_parse(raw(name, case))
        head = re.split(rb"\r?\n\r?\n", raw(name, case).lstrip(), maxsplit=1)[0]
        named = re.search(rb"(?mi)^from:[^\n]*[a-z0-9]@[a-z0-9]", head)
        score.case(case["file"], {"no exception": True, "from": bool(mail.from_email) or not named})
    score.show()
    assert score.share >= 0.98


def reply_checks(expect: dict[str, Any], text: str, shown: str) -> dict[str, bool]:
    """One field for each thing that the source asks of this reply."""
    checks: dict[str, bool] = {}
    if "reply_text" in expect:
        checks["exact"] = fold(expect["reply_text"]) == fold(shown)
    if "contains" in expect:
        checks["contains"] = all(fold(part) in fold(shown) for part in expect["contains"])
    if "excludes" in expect:
        checks["excludes"] = not any(fold(part) in fold(shown) for part in expect["excludes"])
    if expect.get("whole"):
        checks["whole"] = fold(text) == fold(shown)
    return checks


@pytest.mark.parametrize(
    ("name", "floor"), [("crisp_erp", 1.0), ("zapier_erp", 0.95), ("github_erp", 0.95)]
)
def test_replies(name: str, floor: float) -> None:
    """The case that we miss twice wants "-Name" cut, which another source wants kept."""
    score = Score(name)
    for case in cases(name):
        text = raw(name, case).decode("utf-8", "replace")
        start = time.thread_time()
        shown = reply_text(text)
        seconds = time.thread_time() - start
        checks = reply_checks(case["expect"], text, shown)
        if "max_seconds" in case["expect"]:
            checks["in time"] = seconds < case["expect"]["max_seconds"]
        if checks:
            score.case(case["file"], checks)
    score.show()
    assert score.whole / score.cases >= floor


class Inspector(HTMLParser):
    """Collects what a browser would find in clean HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Only tags and attributes that can do nothing."""
        if tag not in ALLOWED:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            unsafe = name in ("href", "src") and not re.match(SAFE_URL, value or "")
            if unsafe or name not in {*ATTRIBUTES, "rel"}:
                self.faults.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        """A comment hides conditional mark-up."""
        self.faults.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        """So does a declaration."""
        self.faults.append(f"declaration {decl}")


# Written out here, so that a slip in the sanitiser's own list shows.
ALLOWED = words(
    "a abbr b big blockquote br caption center cite code col colgroup dd del div dl dt em font h1"
    " h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s samp small span strike strong sub sup table"
    " tbody td tfoot th thead tr tt u ul"
)
ATTRIBUTES = words("href title src alt width height colspan rowspan align valign start dir lang")
SAFE_URL = re.compile(r"(?i)^(?:https?://|mailto:|tel:|cid:)")


def faults(clean: str) -> list[str]:
    """What is in `clean` and must not be."""
    inspector = Inspector()
    try:
        inspector.feed(clean)
        inspector.close()
    except AssertionError as problem:  # a declaration that the library refuses to read
        return [str(problem)]
    return inspector.faults


def test_attacks_are_harmless_after_sanitising() -> None:
    score = Score("h5sc")
    for case in cases("h5sc"):
        score.case(str(case["name"]), {"harmless": not faults(sanitise(case["payload"]))})
        assert REST_MARK not in to_text(case["payload"])
    score.show()
    assert score.share == 1.0


def test_the_inspector_finds_what_is_not_sanitised() -> None:
    """The test above would fail without the sanitiser."""
    found = [case for case in cases("h5sc") if faults(case["payload"])]
    assert len(found) > 140


def test_naughty_strings() -> None:
    score = Score("blns")
    for case in cases("blns"):
        text = case["input"]
        mail = parse(b"Subject: x\r\n\r\n" + text.encode("utf-8", "surrogatepass"))
        score.case(
            repr(text)[:60],
            {
                "harmless": not faults(sanitise(text)),
                "reply": fold(reply_text(text)) in fold(text),
                "text": fold(mail.text) == fold(text.replace("\x00", "")),
            },
        )
    score.show()
    assert score.share >= 0.99
