"""The HTTP door: where it goes, how much it takes, and what its faults mean."""

import gzip
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from channels_app.adapters import http, outside
from channels_app.adapters.base import (
    Misconfigured,
    Rejected,
    Unavailable,
    Uncertain,
)
from channels_app.adapters.http import Door, Pace
from channels_app.adapters.outside import Answer, is_public
from tests import needs, shop
from tests.webhooks.providers import Provider, provider_server

TOKEN = "123456:a-token-in-the-path"


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider on this machine."""
    with provider_server() as server:
        server.always = (200, {}, b'{"ok": true}')
        yield server


@pytest.fixture
def door(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """A door to it."""
    monkeypatch.setattr(outside, "READ", 0.3)
    door = Door(provider.url, headers={"Authorization": f"Bearer {TOKEN}"}, secrets=(TOKEN,))
    yield door
    door.close()


def names(**known: str) -> Callable[..., list[Any]]:
    """A look-up that knows these names (with _ for a dot), and numbers in all their spellings."""
    table = {name.replace("_", "."): address for name, address in known.items()}

    def look_up(host: str, port: int, **more: Any) -> list[Any]:
        try:
            found = table.get(host) or (host if ":" in host else "")
            found = found or socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            raise socket.gaierror from None
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    return look_up


def connects_to(door: Door, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a door connects to; nobody is there."""
    asked: list[str] = []

    def refuse(client: Any, method: str, url: Any, **more: Any) -> Any:
        asked.append(url.host)
        raise outside.httpx().ConnectError("nobody is there")

    monkeypatch.setattr(door._stranger, "stream", lambda *a, **k: refuse(None, *a, **k))
    return asked


def test_28_of_30_spellings_of_hosts_are_refused(
    door: Door, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = json.loads((needs.corpus("ssrf_hosts") / "index.json").read_text())
    assert len(index["cases"]) == index["n_cases"] == 30
    door.look_up = names(example_org="93.184.215.14")
    asked, wrong = connects_to(door, monkeypatch), []
    for case in index["cases"]:
        bare = case["host"].strip("[]")
        hosts = {case["host"], f"[{bare}]"} if ":" in bare else {case["host"]}
        asked.clear()
        for host in hosts:
            with pytest.raises((Rejected, Unavailable)):
                door.fetch(f"https://{host}/latest/meta-data/", 1000)
        if bool(asked) == case["blocked"]:
            wrong.append(case["host"])
    assert wrong == [] and not provider.calls


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("255.255.255.255", "240.0.0.1", "169.254.169.254", "127.8.9.1"),
        *("::", "::1", "::7f00:1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1"),
        *("::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1"),
        "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo, for 127.0.0.1
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_what_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://media.example.org/",
        "https://media.example.org:8443/",
        "https://sam:pw@media.example.org/",
        "file:///etc/passwd",
        "ftp://media.example.org/",
        "//media.example.org/",
        "media",
        "",
        "https://",
        "https://a\x00b/",
        "https://[::1/",
    ],
)
def test_only_https_at_its_own_port(door: Door, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    door.look_up = names(media_example_org="93.184.215.14")
    asked = connects_to(door, monkeypatch)
    with pytest.raises((Rejected, Unavailable)):
        door.fetch(url, 1000)
    assert asked == []


def test_one_private_address_among_others_is_enough(door: Door) -> None:
    entries = [(2, 1, 6, "", (address, 443)) for address in ("93.184.215.14", "10.0.0.1")]
    door.look_up = lambda *a, **k: entries
    with pytest.raises(Rejected) as caught:
        door.fetch("https://media.example.org/", 1000)
    assert caught.value.why.code == "file_refused"


def test_it_connects_to_the_address_that_it_looked_at(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is asked once; the connection goes to that address, with the name in TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        hello: list[bytes] = []

        def listen() -> None:
            connection, _address = server.accept()
            with connection:
                hello.append(connection.recv(4096))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        looked: list[str] = []

        def look_up(host: str, port: int, **more: Any) -> list[Any]:
            looked.append(host)
            return [(2, 1, 6, "", ("127.0.0.1", port))]

        door.look_up = look_up
        monkeypatch.setattr(outside, "is_public", lambda address: True)
        stream, port = door._stranger.stream, server.getsockname()[1]
        monkeypatch.setattr(
            door._stranger,
            "stream",
            lambda method, url, **more: stream(method, url.copy_with(port=port), **more),
        )
        with pytest.raises(Unavailable):
            door.fetch("https://media.example.org/picture", 1000)
        thread.join(5)
    assert looked == ["media.example.org"] and b"media.example.org" in hello[0]


def test_a_redirect_is_looked_at_like_an_address(door: Door, provider: Provider) -> None:
    place = provider.url + "/file"
    for target in ("https://169.254.169.254/", "http://127.0.0.1:9/", "/\\10.0.0.1/", "file:///x"):
        provider.answers = [(302, {"Location": target}, b"")]
        provider.always = (404, {}, b"")
        door.look_up = names()
        with pytest.raises(Rejected):
            door.fetch(place, 1000)
    provider.always = (302, {"Location": place}, b"")
    provider.calls.clear()
    with pytest.raises(Rejected):
        door.fetch(place, 1000)
    assert len(provider.calls) == http.MAX_HOPS


def test_a_key_goes_to_the_provider_and_to_nobody_else(
    door: Door, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.always = (200, {"Content-Type": "image/png; x=1"}, b"png")
    assert door.fetch(provider.url + "/file", 1000) == (b"png", "image/png")
    assert provider.calls[-1][1]["Authorization"] == f"Bearer {TOKEN}"
    assert "authorization" not in door._stranger.headers and door._stranger.auth is None
    own = Door(provider.url, headers={"Authorization": TOKEN}, also=frozenset({"cdn.example.org"}))
    own.look_up = names(cdn_example_org="93.184.215.14", x_example_org="93.184.215.14")
    used: list[str] = []
    for client, name in ((own._client, "ours"), (own._stranger, "stranger")):
        monkeypatch.setattr(
            client,
            "stream",
            lambda *a, name=name, **k: used.append(name) or 1 / 0,  # type: ignore[func-returns-value]
        )
    for host in ("cdn.example.org", "x.example.org", "cdn.example.org.x.example.org"):
        with pytest.raises((ZeroDivisionError, Unavailable)):
            own.fetch(f"https://{host}/", 1000)
    assert used == ["ours", "stranger"]


def test_a_file_has_a_bound(door: Door, provider: Provider) -> None:
    provider.always = (200, {}, b"x" * 1001)
    with pytest.raises(Rejected) as caught:
        door.fetch(provider.url + "/file", 1000)
    assert caught.value.why.code == "file_too_large"
    assert len(door.fetch(provider.url + "/file", 1001)[0]) == 1001


def test_an_answer_has_a_bound_and_is_not_unpacked(door: Door, provider: Provider) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    provider.always = (200, {"Content-Encoding": "gzip"}, bomb)
    answer = door.call("GET", "/x")
    assert len(answer.content) <= http.MAX_ANSWER and answer.said == {}
    assert isinstance(door.refusal(answer), Uncertain)
    assert provider.calls[-1][1]["Accept-Encoding"] == "identity"


def test_an_answer_that_drips_has_an_end(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece comes in time, the whole never does."""
    monkeypatch.setattr(outside, "WHOLE", 0.3)

    class Drip:
        def iter_raw(self) -> Iterator[bytes]:
            while True:
                time.sleep(0.02)
                yield b"x"

    with pytest.raises(TimeoutError):
        outside.read(Drip(), 1000)
    assert outside.read(Drip(), 3) == b"xxx"  # and no more is read than is taken


@pytest.mark.parametrize("how", ["silence", "hang up"])
def test_what_may_be_repeated_is_unavailable(door: Door, provider: Provider, how: str) -> None:
    provider.answers = [how] * 3
    with pytest.raises(Unavailable):
        door.call("GET", "/x")
    with pytest.raises(Unavailable):
        door.call("POST", "/upload", repeatable=True)
    with pytest.raises(Uncertain):
        door.call("POST", "/send")


def test_redirects_of_calls_are_not_followed(door: Door, provider: Provider) -> None:
    provider.always = (307, {"Location": provider.url}, b"")
    answer = door.call("POST", "/send", data={"a": "b"})
    assert isinstance(door.refusal(answer), Misconfigured) and len(provider.calls) == 1


@pytest.mark.parametrize(
    "url", ["http://api.example.org", "ftp://127.0.0.1", "api.example.org", "https://", ""]
)
def test_a_wrong_base_url_is_said(url: str) -> None:
    with pytest.raises((Misconfigured, Unavailable)):
        Door(url).call("GET", "/")


@pytest.mark.parametrize("key", ["with\na line", "漢"])
def test_a_key_that_fits_no_header_is_said(provider: Provider, key: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Door(provider.url, headers={"Authorization": key}).call("GET", "/")
    assert key not in str(caught.value.why) and not provider.calls


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("9" * 40, 86400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400),
        ("-5", None),
        ("soon", None),
        (f"Wed, 21 Oct 2015 07:{'9' * 40}:00 GMT", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_how_long_a_provider_asks_us_to_wait(value: str, seconds: int | None) -> None:
    found = Answer(429, {"retry-after": value}, b"").retry_after
    assert (found is None) == (seconds is None)
    if found is not None:
        assert found.total_seconds() == seconds


def test_a_provider_may_name_a_moment() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    found = Answer(429, {"retry-after": then}, b"").retry_after
    assert found is not None and 290 < found.total_seconds() <= 300


def test_no_secret_leaves_the_door(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    """Telegram's token is in the path: the client's own log would write it."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")
    door = Door(f"{provider.url}/bot{TOKEN}", secrets=(TOKEN,))
    provider.always = (400, {}, json.dumps({"description": f"No {TOKEN}\n\x00!"}).encode())
    answer = door.call("POST", "/sendMessage", json={})
    words = [repr(door), repr(answer), str(door.refusal(answer, answer.said["description"]).why)]
    nobody = Door(f"http://127.0.0.1:{shop.free_port()}/bot{TOKEN}")
    with pytest.raises(Unavailable) as caught:
        nobody.call("POST", "/sendMessage", json={})
    words += [repr(caught.value), str(caught.value.why)]
    words += [record.getMessage() for record in caplog.records]
    assert not [word for word in words if TOKEN in word]
    assert "No … !" in words[2] and "ConnectionRefusedError" in words[4]


def test_so_many_calls_a_second_and_no_more() -> None:
    pace, waits = Pace(50), []
    for _n in range(6):
        start = time.monotonic()
        pace.wait()
        waits.append(time.monotonic() - start)
    assert sum(waits) >= 0.095
    slow = Pace(0.5)
    slow.wait()
    with pytest.raises(Unavailable) as caught:
        slow.wait()
    assert caught.value.retry_after == timedelta(seconds=2)


def test_all_threads_of_an_account_keep_one_pace(provider: Provider) -> None:
    one, two = (Door(provider.url, auth=("a", "b"), per_second=7) for _n in range(2))
    other = Door(provider.url, auth=("c", "d"), per_second=7)
    assert one._pace is two._pace is not other._pace
    before = time.monotonic()
    for door in (one, two, one):
        door.call("GET", "/")
    assert time.monotonic() - before >= 2 / 7 - 0.01


def test_neither_proxy_nor_password_is_taken_from_the_environment(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A customer's words go to their provider by no machine in between that nobody set up here."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login sam password of-another-service\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    nobody = f"http://127.0.0.1:{shop.free_port()}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, nobody)
        monkeypatch.setenv(name.lower(), nobody)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    door = Door(provider.url)
    assert door.call("GET", "/").ok
    assert "Authorization" not in provider.calls[0][1]
    door.close()
