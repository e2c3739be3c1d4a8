"""A real Dovecot without privileges: made, stopped, started again and removed by a test run."""

import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from imap_tools.utils import encode_folder

from portal.processes import die_with
from tests.shop import free_port

PASSWORD = "right&wrong/9@ü"
BINARY = "dovecot"
CONF = """
protocols = imap
listen = 127.0.0.1
base_dir = {run}
log_path = {folder}/log
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = {uid}
first_valid_gid = {gid}
mail_home = {folder}/mail/%u
mail_location = maildir:~/Maildir
auth_failure_delay = 0
disable_plaintext_auth = no
mail_max_userip_connections = 0
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  client_limit = 200
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class DovecotMissing(RuntimeError):
    """No Dovecot can be started here."""


def binary() -> str:
    """The path of Dovecot; Debian keeps it where not every PATH looks."""
    found = shutil.which(BINARY) or shutil.which(BINARY, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise DovecotMissing("no Dovecot: apt install dovecot-imapd")
    return found


class Account:
    """What a test does in a mailbox, beside the portal and over a connection of its own."""

    def __init__(self, port: int, user: str) -> None:
        self.user = user
        self.client: Any = imaplib.IMAP4("127.0.0.1", port, timeout=10)
        self.client.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError, imaplib.IMAP4.error):
            self.client.logout()

    def put(self, raw: bytes, folder: str = "INBOX") -> None:
        """A mail arrives."""
        typ, data = self.client.append(encode_folder(folder), None, None, raw)
        assert typ == "OK", data

    def make(self, folder: str) -> None:
        """A new folder."""
        typ, data = self.client.create(encode_folder(folder))
        assert typ == "OK", data

    def names(self) -> list[str]:
        """The folders."""
        _typ, data = self.client.list()
        return [line.decode().rpartition(' "." ')[2].strip('"') for line in data if line]

    def count(self, folder: str = "INBOX") -> int:
        """How many mails are in a folder; 0 where there is none of that name."""
        typ, data = self.client.status(encode_folder(folder), "(MESSAGES)")
        return int(data[0].rsplit(b" ", 1)[1].strip(b")")) if typ == "OK" else 0

    def raw(self, folder: str) -> list[bytes]:
        """The mails of a folder, as they are."""
        typ, data = self.client.select(encode_folder(folder), readonly=True)
        assert typ == "OK", data
        _typ, data = self.client.fetch("1:*", "(BODY.PEEK[])")
        self.client.unselect()
        return [item[1] for item in data if isinstance(item, tuple)]

    def flags(self, folder: str = "INBOX") -> bytes:
        """The flags of all mails of a folder."""
        self.client.select(encode_folder(folder), readonly=True)
        _typ, data = self.client.fetch("1:*", "(FLAGS)")
        self.client.unselect()
        return b" ".join(item for item in data if item)


class Dovecot:
    """One server in a folder of its own. Any user name gets a mailbox with PASSWORD."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self.more = folder, settings
        self.port, self.tls_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """The configuration, a certificate for localhost, and who owns all of it."""
        user = _user()
        group = pwd.getpwnam(user.pw_name)
        (self.folder / "mail").mkdir(exist_ok=True)
        (self.folder / "run").mkdir(exist_ok=True)
        text = CONF.format(
            run=self.folder / "run",
            folder=self.folder,
            user=user.pw_name,
            group=_group_name(group.pw_gid),
            uid=user.pw_uid,
            gid=user.pw_gid,
            password=PASSWORD,
            port=self.port,
            tls_port=self.tls_port,
        )
        text += "".join(f"{name} = {value}\n" for name, value in self.more.items())
        (self.folder / "dovecot.conf").write_text(text)
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
                *("ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
                *("-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem"),
                *("-out", "cert.pem"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
        )
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        user, parent = _user(), os.getpid()
        who: dict[str, Any] = {}
        if os.geteuid() == 0:
            who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.process = subprocess.Popen(
            [binary(), "-F", "-c", str(self.folder / "dovecot.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent, signal.SIGTERM),
            **who,
        )
        end = time.monotonic() + 15
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                if probe.recv(100).startswith(b"* OK"):
                    return
            time.sleep(0.05)
        log = self.folder / "log"
        said = log.read_text() if log.exists() else ""
        raise DovecotMissing(f"Dovecot did not start: {said}")

    def stop(self) -> None:
        """End it with all connections."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)

    def account(self, user: str) -> Account:
        """A connection to somebody's mailbox."""
        return Account(self.port, user)

    def url(self, user: str, path: str = "", *, tls: bool = False, password: str = PASSWORD) -> str:
        """What IMAP_URL is for that mailbox."""
        scheme = f"imaps://{user}:%s@localhost:{self.tls_port}"
        if not tls:
            scheme = f"imap://{user}:%s@127.0.0.1:{self.port}"
        return scheme % quote(password, safe="") + path


def _user() -> pwd.struct_passwd:
    if os.geteuid():
        return pwd.getpwuid(os.geteuid())
    for name in ("dovenull", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise DovecotMissing("Dovecot should not run as root, and there is no other user to run it")


def _group_name(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


@contextmanager
def running(**settings: str) -> Iterator[Dovecot]:
    """A server that ends with the block; `settings` are added to its configuration."""
    binary()
    folder = Path(tempfile.mkdtemp(prefix="onecase-imap-", dir="/tmp"))  # socket paths are short
    server = Dovecot(folder, **settings)
    try:
        server.prepare()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
