"""The embedded Valkey: private, kept on disk, and not mistaken for another one."""

import subprocess
from pathlib import Path

import pytest
from redis import Redis

from portal import valkey

pytestmark = pytest.mark.processes


def test_the_runtime_folder_is_short_private_and_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("long" * 30)))
    deep = tmp_path / ("deep" * 40)
    folder = valkey.runtime_folder(deep)
    assert folder == valkey.runtime_folder(deep) != valkey.runtime_path(tmp_path)
    assert len(str(folder / valkey.SOCKET_NAME)) < 100
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()


def test_a_folder_that_others_can_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey, "runtime_path", lambda data: tmp_path / "open")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    with pytest.raises(valkey.ValkeyMissing, match="not private"):
        valkey.runtime_folder(tmp_path)


def test_a_link_in_its_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setattr(valkey, "runtime_path", lambda data: tmp_path / "link")
    with pytest.raises(valkey.ValkeyMissing):
        valkey.runtime_folder(tmp_path)


def test_what_it_was_told_survives_a_kill(tmp_path: Path) -> None:
    place = valkey.runtime_folder(tmp_path) / valkey.SOCKET_NAME

    def start() -> "subprocess.Popen[bytes]":
        server = subprocess.Popen(valkey.command(tmp_path, place), stdout=subprocess.DEVNULL)
        while not valkey.answers(place, server.pid):
            assert server.poll() is None
        return server

    server = start()
    client = Redis.from_url(valkey.url(place))
    client.set("asked", "yes")
    client.execute_command("WAITAOF", 1, 0, 2000)
    server.kill()
    server.wait()
    assert valkey.is_gone(place)
    server = start()
    assert Redis.from_url(valkey.url(place)).get("asked") == b"yes"
    assert not valkey.answers(place, server.pid + 1)  # another server is not ours
    server.terminate()
    assert server.wait(5) == 0
    place.parent.rmdir()


def test_the_systems_server_serves_where_the_wheel_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown_machine() -> str:
        raise OSError("no binary for this machine")

    monkeypatch.setattr(valkey, "get_binary_path", unknown_machine)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(valkey.ValkeyMissing):
        valkey.binary()
    (tmp_path / "redis-server").write_text("#!/bin/sh\n")
    (tmp_path / "redis-server").chmod(0o755)
    assert valkey.binary() == str(tmp_path / "redis-server")
