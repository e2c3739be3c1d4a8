"""What every adapter keeps to, whatever its provider; the test of each inherits `Contract`.

The provider is a real server on this machine that was told what to answer. An adapter's test says
how that provider speaks: what it answers, and what it posts to us.
"""

import copy
import json
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from channels_app import reasons
from channels_app.adapters import anymail, email, outside
from channels_app.adapters.base import (
    Account,
    Adapter,
    BadPayload,
    BadSignature,
    Misconfigured,
    Outbound,
    Parsed,
    RecipientGone,
    Rejected,
    Request,
    SendError,
    Sent,
    Stopped,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.registry import PROVIDERS, adapter_for
from contacts.kinds import KINDS
from tests import shop
from tests.webhooks.providers import Provider, Said, provider_server

# Seconds that a test waits for a provider: for a silent one, and for one that a full machine slows.
PATIENCE, TIME = 1.0, 10.0
WAIT = timedelta(minutes=2)
# The word for an answer, and what an adapter must make of it. An adapter's test gives the answers.
MEANS: dict[str, type[SendError]] = {
    "fault": Unavailable,  # 500
    "busy": Unavailable,  # 429, with WAIT
    "refused": Rejected,
    "gone": RecipientGone,
    "stopped": Stopped,
    "key": Misconfigured,
    "nonsense": Uncertain,
    "silence": Uncertain,  # after everything was handed over
    "hang up": Uncertain,
}
KEY = "7a1e0a4c-6d0f-4c1e-9d3c-0f8f6a2b9c11"


def said(status: int, data: object = None, **headers: str) -> Said:
    """An answer in JSON; header names with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, json.dumps(data if data is not None else {}).encode()


# What may stand where another thing is expected.
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    1e308,
    float("nan"),
    "",
    "a\x00b\ud83d",
    "x" * 5000,
    [],
    [[]],
    {},
)
ODD += ([None], {"": {}}, {"id": [1], "type": {}})


def mutated(body: bytes, dice: random.Random) -> bytes:
    """A body with something else in one place: in JSON a value, else some bytes."""
    try:
        said = json.loads(body)
    except ValueError:
        at, length = dice.randrange(len(body) + 1), dice.choice([0, 1, 8, 200])
        other = dice.choice([b"", b"\x00", b"\xff\xfe", b"%00", b"%ED%A0", b"&", b"=", b"\r\n\r\n"])
        return body[:at] + other * dice.choice([1, 1, 50]) + body[at + length :]
    place: Any = {"": said}
    while True:
        key = dice.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if not (isinstance(place[key], (dict, list)) and place[key]) or dice.random() < 0.15:
            break
        place = place[key]
    if dice.random() < 0.2 and place[key] is not said:
        del place[key]
    else:
        place[key] = copy.deepcopy(dice.choice(ODD))
    return json.dumps(said).encode()


def is_kept(name: str) -> bool:
    """Whether every database keeps it: no NUL, no half of a sign."""
    return "\x00" not in name and name == name.encode("utf-8", "replace").decode()


class Server:
    """A provider that speaks HTTP. One that does not brings a class of its own."""

    def __init__(self, provider: Provider, answers: Mapping[str, Said]) -> None:
        self.provider, self.answers = provider, answers
        self.url = provider.url.removesuffix("/v3")
        provider.always = answers["ok"]

    @property
    def calls(self) -> list[Any]:
        """What it was told: path, headers, body."""
        return self.provider.calls

    def plan(self, *words: str) -> None:
        """What it says next; afterwards all is well again."""
        hidden = ("silence", "hang up")
        self.provider.answers = [w if w in hidden else self.answers[w] for w in words]


class AtProvider:
    """An account at a provider on this machine, which says what it is told to say.

    `config` holds settings, "{url}" in them stands for the server; those in `public` are no secret.
    `answers` has a Said for "ok" and for the words of MEANS that the provider knows (silence and
    hanging up it knows anyway); "echo" is a refusal that repeats every secret.
    """

    provider_name: ClassVar[str]
    kind: ClassVar[str]
    address: ClassVar[str]
    to: ClassVar[str]
    config: ClassVar[dict[str, str]]
    public: ClassVar[frozenset[str]] = frozenset({"base_url"})
    answers: ClassVar[dict[str, Said]]

    @pytest.fixture
    def server(self) -> Iterator[Any]:
        """The provider."""
        with provider_server() as provider:
            yield Server(provider, self.answers)

    def outbound(self) -> Outbound:
        """A short answer."""
        return Outbound(
            key=KEY,
            to=self.to,
            text="Déjà: it is there.",
            subject="Re: Is it there?",
            from_address=self.address,
            receipts_to=f"https://portal.example.org/webhooks/{self.provider_name}/",
        )

    @pytest.fixture
    def account(
        self, server: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Account:
        """The account, with its settings in the environment."""
        is_silent = any(word in request.node.name for word in ("silence", "any_word"))
        seconds = PATIENCE if is_silent else TIME
        monkeypatch.setattr(outside, "READ", seconds)
        monkeypatch.setattr(anymail, "TIMEOUT", (1, seconds))
        monkeypatch.setattr(email, "TIMEOUT", seconds)
        for name, value in self.config.items():
            monkeypatch.setenv(f"CONTRACT_{name.upper()}", value.replace("{url}", server.url))
        config = tuple((name, f"env:CONTRACT_{name.upper()}") for name in sorted(self.config))
        return Account(self.kind, self.address, config)

    @pytest.fixture
    def adapter(self, account: Account) -> Iterator[Adapter]:
        """The adapter as the registry makes it."""
        adapter = PROVIDERS[self.provider_name](account)
        yield adapter
        adapter.close()

    def refused(self, adapter: Adapter) -> SendError:
        """The error of a try that must not go well."""
        with pytest.raises(SendError) as caught:
            adapter.send(self.outbound())
        return caught.value


class Contract(AtProvider, ABC):
    """Inherit it as `class TestMine(Contract)`; what is not given here, its test must give."""

    places_key: ClassVar[bool] = True  # False: it takes no key of ours, and tells no news of it
    unheard_of: ClassVar[dict[str, str]] = {}  # words of MEANS that it never says, and why

    # What an adapter's test gives

    @abstractmethod
    def key_in(self, call: Any) -> str:
        """Our key, or what follows from it alone, in what the provider was told."""

    @abstractmethod
    def posts(self) -> list[tuple[Request, list[Any]]]:
        """Requests as the provider posts them, signed, and the gist of what they say."""

    @abstractmethod
    def unknown(self) -> list[Request]:
        """Signed requests with news that we have no word for."""

    @abstractmethod
    def garbage(self) -> list[Request]:
        """Requests that the provider could have signed, and nobody can read."""

    @abstractmethod
    def forged(self) -> dict[str, Request]:
        """Requests by somebody else: "missing", "wrong", "re-encoded", and what fits besides.

        "stale" where the provider signs a time.
        """

    def gist(self, thing: Parsed) -> Any:
        """What `posts` tells of a thing: all of it, unless an adapter's test says less."""
        return thing

    # What is the same for all

    def secrets(self) -> list[str]:
        """Values that no word may hold."""
        return [value for name, value in self.config.items() if name not in self.public]

    def test_the_registry_knows_it(self, account: Account) -> None:
        adapter = adapter_for(self.provider_name, -1, account)
        assert adapter is adapter_for(self.provider_name, -1, account)
        assert adapter.kinds <= set(KINDS) and self.kind in adapter.kinds
        assert adapter.label and set(adapter.settings_needed) <= set(self.config)
        named = {*adapter.settings_needed, *adapter.settings_optional}
        assert set(self.config) <= named
        adapter.close()

    def test_it_sends_and_returns_an_id(self, adapter: Adapter, server: Any) -> None:
        sent = adapter.send(self.outbound())
        assert isinstance(sent, Sent) and sent.provider_id
        assert len(server.calls) == 1

    def test_the_same_key_on_a_retry(self, adapter: Adapter, server: Any) -> None:
        server.plan("fault")
        assert isinstance(self.refused(adapter), Unavailable)
        adapter.send(self.outbound())
        first, second = (self.key_in(call) for call in server.calls[-2:])
        assert first == second and (KEY in first or not self.places_key)

    @pytest.mark.parametrize("word", MEANS)
    def test_what_an_answer_means(self, adapter: Adapter, server: Any, word: str) -> None:
        if word in self.unheard_of:
            pytest.skip(f"{self.provider_name} never says it: {self.unheard_of[word]}")
        server.plan(word)
        error = self.refused(adapter)
        assert type(error) is MEANS[word]
        assert reasons.words(error.why) and error.why.code in reasons.WORDS
        if word == "busy":
            assert error.retry_after == WAIT and error.everyone
        assert adapter.send(self.outbound()).provider_id  # and it can go on afterwards

    def test_nobody_there(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        place = next(name for name, value in self.config.items() if "{url}" in value)
        scheme = account.setting(place).partition("://")[0]
        nobody = f"{scheme}://127.0.0.1:{shop.free_port()}"
        monkeypatch.setenv(f"CONTRACT_{place.upper()}", nobody)
        error = self.refused(PROVIDERS[self.provider_name](account))
        assert type(error) is Unavailable and error.everyone

    def test_each_missing_setting_is_named(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cls, missing = PROVIDERS[self.provider_name], set()
        for name in cls.settings_needed:
            with monkeypatch.context() as without:
                without.delenv(f"CONTRACT_{name.upper()}")
                for use in (
                    lambda: cls(account).send(self.outbound()),
                    lambda: cls(account).verify(self.posts()[0][0]),
                    lambda: cls(account).challenge(Request(b"", method="GET")),
                ):
                    try:
                        with suppress(BadSignature):
                            use()
                    except Misconfigured as error:
                        missing.add(error.why.data["name"].removeprefix("CONTRACT_").lower())
        assert missing == set(cls.settings_needed)

    def test_no_secret_in_any_word(
        self, adapter: Adapter, server: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)  # as loud as a careless set-up
        caplog.set_level(logging.DEBUG, logger="httpx")
        words = [repr(adapter), str(adapter), repr(adapter.account), repr(self.outbound())]
        for word in ("ok", "echo", *(w for w in MEANS if w not in self.unheard_of)):
            server.plan(word)
            with suppress(SendError):
                adapter.send(self.outbound())
            server.plan(word)
            try:
                adapter.send(self.outbound())
            except SendError as error:
                words += [str(error), repr(error), str(error.why), repr(error.args)]
        server.plan()
        with suppress(SendError):
            words.append(str(adapter.check()))
        for request, things in self.posts():
            words += [repr(request), str(request), *map(repr, things)]
        for request in self.forged().values():
            try:
                adapter.verify(request)
            except (BadSignature, BadPayload) as error:
                words += [str(error), repr(error)]
        words += [record.getMessage() for record in caplog.records]
        for secret in self.secrets():
            assert not [word for word in words if secret in word]
        assert any("…" in word for word in words), "the provider repeated nothing to cut out"

    def test_what_it_posts_is_understood(self, adapter: Adapter) -> None:
        for request, things in self.posts():
            adapter.verify(request)
            found = adapter.parse(_kept(adapter, request))
            assert [self.gist(thing) for thing in found] == things

    def test_an_unknown_event_is_nothing(self, adapter: Adapter) -> None:
        for request in self.unknown():
            adapter.verify(request)
            assert adapter.parse(_kept(adapter, request)) == []

    def test_garbage_is_a_bad_payload(self, adapter: Adapter) -> None:
        for request in self.garbage():
            with pytest.raises(BadPayload):
                adapter.verify(request)
                adapter.parse(_kept(adapter, request))

    def test_whatever_became_of_a_post_on_its_way_breaks_nothing(self, adapter: Adapter) -> None:
        dice = random.Random(7)
        for request, _things in self.posts():
            kept = _kept(adapter, request)
            for _round in range(150):
                body = mutated(kept.body, dice)
                with suppress(BadPayload):
                    for thing in adapter.parse(replace(kept, body=body)):
                        names = thing.external_id, getattr(thing, "provider_id", "")
                        assert all(is_kept(name) for name in names), body

    def test_whoever_cannot_show_that_it_is_the_provider(self, adapter: Adapter) -> None:
        forged = self.forged()
        assert {"missing", "wrong", "re-encoded"} <= set(forged)
        believed = []
        for name, request in forged.items():
            with suppress(BadSignature):
                adapter.verify(request)
                believed.append(name)
        assert believed == []


def _kept(adapter: Adapter, request: Request) -> Request:
    """A request as it is read later: without headers and query that are not kept."""
    return Request(
        body=request.body,
        method=request.method,
        headers=tuple(one for one in request.headers if one[0] in adapter.headers_kept),
        query=tuple(one for one in request.query if one[0] in adapter.query_kept),
        envelope_to=request.envelope_to,
    )
