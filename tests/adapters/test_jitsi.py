"""A Jitsi server: what its test says; entering a room is in tests/core/test_rooms.py."""

from datetime import UTC, datetime, timedelta

import pytest

from channels_app import reasons
from channels_app.adapters.base import Account, Guest, Misconfigured, SendError, Unavailable
from channels_app.adapters.jitsi import JitsiAdapter
from tests.webhooks.providers import provider_server

SECRET = "a-secret-of-jitsi-59d"
NAMED = {"base_url": "J_JITSI_URL", "app_id": "J_APP_ID", "app_secret": "J_APP_SECRET"}
GUEST = Guest("room", "Sam", False, datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))
pytestmark = pytest.mark.once


def jitsi(monkeypatch: pytest.MonkeyPatch, url: str, *settings: str) -> JitsiAdapter:
    """The adapter of a server, with these settings in its channel."""
    values = {"base_url": url, "app_id": "onecase", "app_secret": SECRET}
    for name, value in values.items():
        monkeypatch.setenv(NAMED[name], value)
    config = tuple((name, f"env:{NAMED[name]}") for name in ("base_url", *settings))
    return JitsiAdapter(Account("video", config=config))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ("app_id", "app_secret"),
            "We sign rooms; whether the server asks for it only a try tells.",
        ),
        ((), "nobody can guess one, but who has its address can enter"),
    ],
)
def test_a_server_that_answers(
    monkeypatch: pytest.MonkeyPatch, settings: tuple[str, ...], said: str
) -> None:
    with provider_server() as server:
        server.answers = [(200, {}, b"<html>")]
        adapter = jitsi(monkeypatch, server.url, *settings)
        line = reasons.words(adapter.check())
        adapter.close()
    assert said in line and line.startswith("127.0.0.1 answers.")
    assert len(server.calls) == 1 and SECRET not in str(server.calls)


def test_a_server_that_is_ill_and_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with provider_server() as server:
        server.answers = [(502, {}, b"")]
        adapter = jitsi(monkeypatch, server.url)
        with pytest.raises(Unavailable):
            adapter.check()
        adapter.close()
    with pytest.raises(SendError):
        jitsi(monkeypatch, "http://127.0.0.1:1").check()


@pytest.mark.parametrize(
    ("url", "settings", "said"),
    [
        ("https://meet.example.org", ("app_id",), "app_secret is missing"),
        ("https://meet.example.org", ("app_secret",), "app_id is missing"),
        ("http://meet.example.org", (), "must start with https://"),
        ("", (), "J_JITSI_URL is not set"),
    ],
)
def test_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, url: str, settings: tuple[str, ...], said: str
) -> None:
    with pytest.raises(Misconfigured) as wrong:
        jitsi(monkeypatch, url, *settings).check()
    assert said in reasons.words(wrong.value.why) and SECRET not in repr(wrong.value.why)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://meet.example.org/", "https://meet.example.org"),
        ("https://example.org:8443/meet", "https://example.org:8443"),
        ("https://meet.example.org; script-src *", None),
        ("https://a@meet.example.org", None),
        ("http://meet.example.org", None),
    ],
)
def test_only_a_plain_origin_gets_into_a_policy(
    monkeypatch: pytest.MonkeyPatch, url: str, origin: str | None
) -> None:
    adapter = jitsi(monkeypatch, url)
    if origin:
        assert adapter.rooms_at() == origin
        assert adapter.entrance(GUEST).startswith(origin)
        return
    for ask in (adapter.rooms_at, lambda: adapter.entrance(GUEST)):
        with pytest.raises(Misconfigured):
            ask()


@pytest.mark.parametrize(
    "names",
    [
        {"base_url": "J_HOOK_URL"},
        {"app_id": "J_DATABASE_URL"},
        {"app_id": "J_APP_SECRET", "app_secret": "J_APP_ID"},
    ],
)
def test_no_other_variable_of_the_server_leaves_by_it(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str]
) -> None:
    named = NAMED | names
    for name in named.values():
        monkeypatch.setenv(name, "https://a-word-of-the-server.example")
    adapter = JitsiAdapter(
        Account("video", config=tuple((name, f"env:{value}") for name, value in named.items()))
    )
    for ask in (adapter.check, lambda: adapter.entrance(GUEST)):
        with pytest.raises(Misconfigured) as wrong:
            ask()
        line = reasons.words(wrong.value.why)
        assert "goes to browsers" in line and "a-word" not in line
