"""WhatsApp by Meta's Cloud API: what it posts, its files, real payloads."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from channels_app.adapters.base import (
    Account,
    Adapter,
    BadSignature,
    Correction,
    Inbound,
    InFile,
    Misconfigured,
    Parsed,
    Receipt,
    Rejected,
    Request,
    SendError,
    Unavailable,
)
from channels_app.adapters.whatsapp import WhatsAppAdapter
from tests import needs
from tests.adapters.contract import said
from tests.adapters.whatsapp import (
    JPEG,
    MESSAGE,
    NUMBER,
    OTHER,
    OURS,
    SAM,
    TOKEN,
    URL,
    WORD,
    WhatsApp,
    posted,
    refusal,
    status,
    value,
    wrote,
)
from tests.webhooks.providers import Said


class TestIn(WhatsApp):
    """What comes in, and its files."""

    def test_the_question_whether_this_address_is_ours(self, account: Account) -> None:
        adapter = WhatsAppAdapter(account)

        def ask(**words: str) -> str:
            query = tuple((f"hub.{name}", word) for name, word in words.items())
            return adapter.challenge(Request(b"", method="GET", url=URL, query=query))

        assert ask(mode="subscribe", verify_token=WORD, challenge="1158201444") == "1158201444"
        for words in (
            {"mode": "subscribe", "verify_token": "another", "challenge": "1"},
            {"mode": "subscribe", "verify_token": "", "challenge": "1"},
            {"mode": "subscribe", "challenge": "1"},
            {"mode": "unsubscribe", "verify_token": WORD, "challenge": "1"},
            {"mode": "subscribe", "verify_token": WORD, "challenge": "<script>"},
            {"mode": "subscribe", "verify_token": "ü", "challenge": "1"},
        ):
            with pytest.raises(BadSignature):
                ask(**words)

    def test_nothing_is_taken_that_could_not_be_read_later(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CONTRACT_PHONE_NUMBER_ID")
        with pytest.raises(Misconfigured):
            WhatsAppAdapter(account).verify(wrote("text", {"body": "Hi"}))

    def test_a_batch_is_taken_whole_and_in_order(self, adapter: Adapter) -> None:
        people = [{"wa_id": "31600000001", "profile": {"name": "Kim"}},
                  {"wa_id": "31600000002", "profile": {"name": "Bo"}}]  # fmt: skip
        texts = [
            {"from": f"3160000000{n}", "id": f"wamid.{n}", "type": "text", "text": {"body": "Hi"}}
            for n in (1, 2, 3)
        ]
        mine = value(messages=texts) | {"contacts": people}
        batch = posted(value(OTHER, messages=texts), mine, value(statuses=[status("read")]))
        found = adapter.parse(batch)
        assert [type(thing) for thing in found] == [Inbound] * 3 + [Receipt]
        names = [thing.sender_name for thing in found if isinstance(thing, Inbound)]
        assert names == ["Kim", "Bo", ""]

    def test_whoever_hides_the_number_can_be_seen_by_staff(self, adapter: Adapter) -> None:
        hidden = {"from_user_id": "US.1349", "id": MESSAGE, "type": "text", "text": {"body": "Hi"}}
        (thing,) = adapter.parse(posted(value(messages=[hidden])))
        assert isinstance(thing, Inbound) and thing.sender == "US.1349"

    def test_a_message_without_an_id_is_the_same_one_again(self, adapter: Adapter) -> None:
        nameless = {"from": SAM[1:], "type": "text", "text": {"body": "Hi\x00 \ud83d"}}
        (thing,), (again,) = (adapter.parse(posted(value(messages=[nameless]))) for _n in "ab")
        assert isinstance(thing, Inbound) and thing == again
        assert len(thing.external_id) == 64 and thing.text == "Hi ?"

    @pytest.mark.parametrize("odd", [1, "x", [], [1], None, {"id": [1], "type": {}}])
    def test_odd_shapes_break_nothing(self, adapter: Adapter, odd: Any) -> None:
        sorts = ("text", "interactive", "image", "location", "order", "reaction", "edit", "system")
        for sort in sorts:
            adapter.parse(wrote(sort, odd))
        strange = {"errors": [{"code": [1], "error_data": odd}], "context": odd, "referral": odd}
        assert len(adapter.parse(wrote("unsupported", odd, **strange))) == 1
        adapter.parse(posted(value(statuses=[status("failed", errors=[{"code": odd}])])))

    # Files

    def test_a_file_is_asked_for_in_two_steps(self, adapter: Adapter, server: Any) -> None:
        kept = {"url": f"{server.url}/kept/8487", "mime_type": "image/jpeg", "file_size": 15}
        server.provider.answers = [said(200, kept), (200, {"Content-Type": "image/jpeg"}, JPEG)]
        file = InFile("image", "image/jpeg", b"", reference="8487/../1?x")
        found = adapter.fetch(file, 100)
        assert (found.name, found.content, found.reference) == ("image.jpg", JPEG, "")
        asked, got = server.calls
        assert asked[0].endswith(f"/8487%2F..%2F1%3Fx?phone_number_id={NUMBER}")
        assert got[0] == "/kept/8487" and got[1]["Authorization"] == f"Bearer {TOKEN}"

    @pytest.mark.parametrize(
        ("answers", "meaning"),
        [
            ([refusal(400, 100)], Rejected),
            ([refusal(401, 190)], Unavailable),
            ([refusal(400, 80007)], Unavailable),
            ([said(500)], Unavailable),
            ([said(200, {})], Unavailable),
            ([said(200, {"url": "{url}/x", "file_size": 101})], Rejected),
            ([said(200, {"url": "{url}/x"}), (200, {}, b"x" * 101)], Rejected),
            ([said(200, {"url": "{url}/x"}), (200, {}, b"<svg onload=x>")], Rejected),
            ([said(200, {"url": "{url}/x"}), (200, {"Content-Type": "text/html"}, JPEG)], Rejected),
            ([said(200, {"url": "{url}/x"}), said(404)], Rejected),
            ([said(200, {"url": "http://169.254.169.254/latest"})], Rejected),
            ([said(200, {"url": "https://127.0.0.1/x"})], Rejected),
        ],
    )
    def test_files_that_are_not_taken(
        self, adapter: Adapter, server: Any, answers: list[Said], meaning: type[SendError]
    ) -> None:
        server.provider.answers = [
            (status, headers, body.replace(b"{url}", server.url.encode()))
            for status, headers, body in answers
        ]
        with pytest.raises(SendError) as caught:
            adapter.fetch(InFile("image", "image/jpeg", b"", reference="8487"), 100)
        assert type(caught.value) is meaning

    def test_a_file_that_is_too_large_is_not_asked_for(self, adapter: Adapter, server: Any) -> None:
        kept = {"url": f"{server.url}/kept/8487", "file_size": len(JPEG)}
        server.provider.answers = [said(200, kept)]
        with pytest.raises(Rejected):
            adapter.fetch(InFile("image", "image/jpeg", b"", reference="8487"), len(JPEG) - 1)
        assert len(server.calls) == 1


# What a payload of the corpus must become, by the class that its source gives.
NOTHING = (
    "accountBanned", "accountReview", "qualityUpdate", "account_update", "call_connect",
    "call_permission_update", "call_status", "outgoing_message", "template_category_update",
    "template_quality_update", "template_status_update", "user_marketing_preferences",
    "textMessageStatusSent",
)  # fmt: skip
WRITTEN = (
    "buttonMessage", "documentMessage", "locationMessage", "stickerMessage", "textMessage",
    "videoMessage", "callback_button", "callback_selection", "flow_completion", "message",
)  # fmt: skip
SHAPES: dict[str, Callable[[list[Parsed]], bool]] = {
    **dict.fromkeys(NOTHING, lambda found: found == []),
    **dict.fromkeys(WRITTEN, lambda found: _is_written(found)),
    # As Meta told it before "revoke": an id that is there, of a sort that is not handed over.
    # Filed once by its id it changes nothing, and what is really of a new sort is seen by staff.
    "messageDeleted": lambda found: _is_written(found),
    "reactMessage": lambda found: _corrected(found) == ["reacted"],
    "edited_message": lambda found: _corrected(found) == ["edited"],
    "textMessageStatusDelivered": lambda found: _statuses(found) == ["delivered"],
    "message_status": lambda found: _statuses(found) in (["delivered"], ["read"], []),
    "system": lambda found: found == [],
}
# Where a class of the source holds several of ours.
BY_KEY: dict[str | None, Callable[[list[Parsed]], bool]] = {
    "unreaction_empty": lambda found: _corrected(found) == ["reacted"],
    "with_tracker": lambda found: found == [],  # it was sent, which we know
    "delivered": lambda found: _statuses(found) == ["delivered"],
    "read": lambda found: _statuses(found) == ["read"],
}


def _is_written(found: list[Parsed]) -> bool:
    (one,) = found
    return isinstance(one, Inbound) and bool(one.text or one.files) and one.sender[0] == "+"


def _corrected(found: list[Parsed]) -> list[str]:
    return [one.sort for one in found if isinstance(one, Correction) and one.provider_id]


def _statuses(found: list[Parsed]) -> list[str]:
    return [one.status for one in found if isinstance(one, Receipt) and one.signed]


def test_real_payloads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = needs.corpus("whatsapp")
    index = json.loads((folder / "index.json").read_text())
    account = Account("whatsapp", OURS, (("phone_number_id", "env:CORPUS_NUMBER"),))
    wrong, ran = [], 0
    for case in index["cases"]:
        payload = json.loads((folder / case["file"]).read_text())
        payload = payload[case["key"]] if case.get("key") else payload
        found = re.search(r'"phone_number_id": "([^"]+)"', json.dumps(payload))
        monkeypatch.setenv("CORPUS_NUMBER", found[1] if found else NUMBER)
        parsed = WhatsAppAdapter(account).parse(Request(json.dumps(payload).encode()))
        (expected,) = case["expect"].values()
        fits = BY_KEY.get(case.get("key")) or SHAPES[expected]
        ran += 1
        if not fits(parsed):
            wrong.append((case, parsed))
    with capsys.disabled():
        print(f"\n{ran} payloads of WhatsApp")
    assert wrong == [] and ran >= index["n_cases"]
