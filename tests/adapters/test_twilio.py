"""SMS by Twilio: its contract, its signature, its schema, its words."""

import base64
import functools
import hashlib
import hmac
import json
import random
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import jsonschema
import pytest
from twilio.request_validator import RequestValidator

from channels_app.adapters.base import (
    Account,
    Adapter,
    BadSignature,
    Inbound,
    InFile,
    Misconfigured,
    RecipientGone,
    Rejected,
    Request,
    SendError,
    Stopped,
    Unavailable,
)
from channels_app.adapters.twilio import TwilioAdapter
from tests import needs
from tests.adapters.contract import KEY, Contract, said
from tests.adapters.twilio import (
    OURS,
    SAM,
    SID,
    TOKEN,
    URL,
    Fields,
    Twilio,
    posted,
    refusal,
    signature,
)
from tests.webhooks.providers import FORM


class TestTwilio(Twilio, Contract):
    """The contract, and what is Twilio's own."""

    def test_what_twilio_is_told(self, adapter: Adapter, server: Any) -> None:
        adapter.send(self.outbound())
        path, headers, body = server.calls[0]
        assert path == f"/2010-04-01/Accounts/{SID}/Messages.json"
        told = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        callback = f"{URL}?key={KEY}"
        own = {"To": SAM, "From": OURS, "StatusCallback": callback}
        assert told == own | {"Body": "Déjà: it is there."}
        user = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
        assert user == f"{SID}:{TOKEN}"

    def test_a_messaging_service_chooses_the_number(self, account: Account, server: Any) -> None:
        service = "MG" + "a" * 32
        TwilioAdapter(Account("sms", service, account.config)).send(self.outbound())
        told = parse_qs(server.calls[0][2].decode())
        assert told["MessagingServiceSid"] == [service] and "From" not in told

    def test_twilios_own_schema_takes_what_we_send(self, adapter: Adapter, server: Any) -> None:
        folder = needs.corpus("twilio_oai")
        specification = json.loads((folder / "twilio_api_v2010.json").read_text())
        place = specification["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
        form = place["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        adapter.send(self.outbound())
        told = dict(parse_qsl(server.calls[0][2].decode()))
        jsonschema.validate(told, form)
        assert set(told) <= set(form["properties"]) and set(form["required"]) <= set(told)
        (sid,) = place.get("parameters") or specification["paths"]["parameters"]
        jsonschema.validate(server.calls[0][0].split("/")[3], sid["schema"])

    def test_the_connection_stays_open(self, adapter: Adapter, server: Any) -> None:
        for _n in range(3):
            adapter.send(self.outbound())
        assert server.provider.connections == 1

    @pytest.mark.parametrize(
        ("status", "code", "meaning"),
        [
            (400, 21614, RecipientGone),
            (400, 21610, Stopped),
            (400, 21612, Rejected),
            (400, 21408, Rejected),
            (400, 21606, Misconfigured),
            (400, 21611, Unavailable),
            (404, 20404, Misconfigured),
            (429, 63038, Unavailable),
        ],
    )
    def test_twilios_own_codes(
        self, adapter: Adapter, server: Any, status: int, code: int, meaning: type[SendError]
    ) -> None:
        server.provider.answers = [refusal(status, code)]
        error = self.refused(adapter)
        assert type(error) is meaning and str(code) in error.why.data["text"]

    def test_the_test_of_a_channel(self, adapter: Adapter, server: Any) -> None:
        server.provider.answers = [said(200, {"status": "active"})]
        assert adapter.check().data == {"provider": "Twilio"}
        assert server.calls[-1][0] == f"/2010-04-01/Accounts/{SID}.json" and not server.calls[-1][2]
        for answer in (said(200, {"status": "suspended"}), refusal(401, 20003), said(200, [])):
            server.provider.answers = [answer]
            with pytest.raises(SendError):
                adapter.check()

    def test_a_file_is_fetched_with_our_key_and_is_what_it_says(
        self, adapter: Adapter, server: Any
    ) -> None:
        jpeg = b"\xff\xd8\xff\xe0 a picture"
        reference = f"{server.url}/2010-04-01/Accounts/{SID}/Messages/MM1/Media/ME1"
        file = InFile("MM1-1", "image/jpeg", b"", reference=reference)
        server.provider.answers = [(200, {"Content-Type": "image/jpeg"}, jpeg)]
        found = adapter.fetch(file, 100)
        assert (found.name, found.content, found.reference) == ("MM1-1.jpg", jpeg, "")
        assert server.calls[-1][1]["Authorization"].startswith("Basic ")
        for answer in (
            (200, {"Content-Type": "image/jpeg"}, b"<html>"),
            (200, {"Content-Type": "text/html"}, jpeg),
            (200, {"Content-Type": "image/jpeg"}, jpeg * 100),
            (404, {}, b""),
        ):
            server.provider.answers = [answer]
            with pytest.raises(Rejected):
                adapter.fetch(file, 100)
        server.provider.answers = [said(503)]
        with pytest.raises(Unavailable):
            adapter.fetch(file, 100)

    def test_where_to_write_first(self, adapter: Adapter) -> None:
        assert adapter.link_to_write("Code 123", "123") == f"sms:{OURS}?&body=Code%20123"


def verified(url: str, fields: list[tuple[str, str]], proof: str, token: str) -> bool:
    """Whether our adapter believes it."""
    adapter = TwilioAdapter(Account("sms", OURS, (("auth_token", "env:VECTOR_TOKEN"),)))
    headers = (("content-type", FORM["Content-Type"]), ("x-twilio-signature", proof))
    try:
        adapter.verify(Request(urlencode(fields).encode(), headers, method="POST", url=url))
    except BadSignature:
        return False
    return True


def test_the_vectors_of_twilios_own_library(monkeypatch: pytest.MonkeyPatch) -> None:
    index = json.loads((needs.corpus("twilio_signature") / "index.json").read_text())
    cases = index["cases"]
    assert len(cases) == index["n_cases"] == 7
    for case in cases:
        monkeypatch.setenv("VECTOR_TOKEN", case["token"])
        shared = cases[0]["params"] if case.get("params") == "same" else case.get("params", {})
        fields = [tuple(one) for one in case.get("params_multi", [])] or list(shared.items())
        if "body" not in case:
            check = functools.partial(verified, fields=fields, token=case["token"])
            assert check(case["url"], proof=case["signature"])
            for at in range(len(case["signature"])):  # every change of one sign is refused
                other = "A" if case["signature"][at] != "A" else "B"
                bad = case["signature"][:at] + other + case["signature"][at + 1 :]
                assert not check(case["url"], proof=bad)
            assert not check(case["url"] + "1", proof=case["signature"])
            continue
        adapter = TwilioAdapter(Account("sms", OURS, (("auth_token", "env:VECTOR_TOKEN"),)))
        headers = (("content-type", "application/json"), ("x-twilio-signature", case["signature"]))
        body = case["body"].encode()
        adapter.verify(Request(body, headers, method="POST", url=case["url"]))
        with pytest.raises(BadSignature):
            adapter.verify(Request(body + b" ", headers, method="POST", url=case["url"]))


def test_it_agrees_with_twilios_own_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """On random fields, doubled and empty ones among them, and on proofs that are a bit wrong."""
    dice, token = random.Random(4), "random-token"
    monkeypatch.setenv("VECTOR_TOKEN", token)
    signs = "abcXYZ019 &=+%?#é漢🙂\n\r"
    for _round in range(300):
        names = [f"N{dice.randrange(6)}" for _n in range(dice.randrange(8))]
        words = ["".join(dice.choices(signs, k=dice.randrange(6))) for _name in names]
        fields = list(zip(names, words, strict=True))
        url = dice.choice(["https://a.example.org/x", "http://a.example.org:81/x?key=1", URL])
        params: dict[str, list[str]] = {}
        for name, value in fields:
            params.setdefault(name, []).append(value)
        proof = signature(url, fields, token)
        if dice.random() < 0.5:
            digest = hmac.new(b"other", url.encode(), hashlib.sha1).digest()
            proof = base64.b64encode(digest).decode()
        expected = RequestValidator(token).validate(url, Fields(params), proof)
        assert verified(url, fields, proof, token) == expected


def test_the_payloads_of_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Zammad keeps as examples of Twilio's texts."""
    found = sorted((needs.corpus("zammad") / "twilio").glob("*.json"))
    assert len(found) >= 2
    for path in found:
        fields = json.loads(path.read_text())
        request = posted(fields)
        (thing,) = TwilioAdapter(Account("sms", OURS)).parse(request)
        assert isinstance(thing, Inbound)
        assert (thing.sender, thing.text) == (fields["From"], fields["Body"])
        assert thing.external_id == fields["MessageSid"] and not thing.authenticated
