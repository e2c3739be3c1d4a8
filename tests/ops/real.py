"""The portal set up for real, as docs/running.md has it: its processes, their logs, a browser."""

import http.client
import json
import os
import re
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from portal import valkey
from portal.processes import die_with
from tests.setup.test_processes import until
from tests.shop import free_port

ROOT = Path(__file__).resolve().parents[2]
HOST = "help.example.org"
MAKE = """
import os
from channels_app.models import Channel
from tests import shop
shop.make_shop()
shop.make_agent("anna")
config = {"server_token": "env:PM_TOKEN", "webhook_secret": "env:PM_SECRET"}
row = Channel.objects.get(slug="email")
row.pk, row.slug, row.provider, row.config = None, "postmark", "postmark", config
row.address, row.is_offered = "post@mail.example.org", False
row.save()
"""


class House:
    """Valkey, gunicorn, a worker and the SMTP door over one folder; every process has its log."""

    def __init__(self, folder: Path, stack: ExitStack, **env: str) -> None:
        self.folder, self.stack = folder, stack
        self.web, self.door = free_port(), free_port()
        place = folder / valkey.SOCKET_NAME
        given = ("ONECASE_", "LOG_", "FILES_", "DJANGO_")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(given)}
        self.env = clean | {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "PUBLIC_URL": f"https://{HOST}",
            "DATABASE_URL": f"sqlite:///{folder / 'onecase.sqlite3'}",
            "REDIS_URL": f"unix://{place}",
            "ONECASE_DATA": str(folder),
            "ONECASE_SMTP_LISTEN": f"127.0.0.1:{self.door}",
            "TRUSTED_PROXIES": "1",
            **env,
        }
        self.start("valkey", valkey.command(folder, place))
        assert until(place.exists, 10)
        for command in (("migrate", "-v0"), ("collectstatic", "-v0", "--no-input")):
            self.manage(*command)
        self.manage("shell", "-v0", "-c", MAKE)

    def manage(self, *arguments: str) -> None:
        """One management command, to its end."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def open(self) -> None:
        """Start what people and programs talk to, and wait for it."""
        web = ("portal.wsgi:application", "--workers", "1", "--threads", "4", "--bind")
        self.run("web", "gunicorn", *web, f"127.0.0.1:{self.web}")
        self.run(
            "worker",
            *["celery", "-A", "portal", "-q", "worker", "-P", "threads", "-c", "4", "-l", "INFO"],
        )
        self.start("smtp", [sys.executable, "manage.py", "listen_smtp"])
        assert until(lambda: self.status("/readyz") == 200, 30), self.log("web")

    def run(self, name: str, module: str, *arguments: str) -> None:
        """A program of the virtual environment."""
        self.start(name, [sys.executable, "-m", module, *arguments])

    def start(self, name: str, command: list[str]) -> None:
        """A process that ends with the test."""
        parent = os.getpid()
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: die_with(parent, 15),
            )
        self.stack.callback(process.wait, 20)
        self.stack.callback(process.terminate)

    def status(self, path: str) -> int:
        """Of a page that needs no cookie."""
        try:
            return Browser(self).get(path)[0]
        except OSError:
            return 0

    def log(self, name: str) -> str:
        """What a process wrote."""
        return (self.folder / f"{name}.log").read_text()

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The same, read; what the server says before it loads the portal is left out."""
        lines = self.log(name).splitlines()
        while lines and not lines[0].startswith("{"):
            lines.pop(0)
        return [json.loads(line) for line in lines]


class Browser:
    """Cookies, forms and the headers that a proxy adds; it answers what a person would type."""

    def __init__(self, house: House) -> None:
        self.house, self.cookies = house, dict[str, str]()

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and body, or where it sends us."""
        return self._ask("GET", path, b"", headers)

    def post(
        self, path: str, fields: Mapping[str, str], *, request_id: str = "", **files: bytes
    ) -> tuple[int, str]:
        """A form, perhaps with files."""
        mark, parts = uuid.uuid4().hex, b""
        own = {"csrfmiddlewaretoken": self.cookies.get("csrftoken", "")}
        for name, value in {**own, **fields}.items():
            head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
            parts += f"{head}{value}\r\n".encode()
        for name, content in files.items():
            head = (
                f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{name}.txt"'
            )
            parts += f"{head}\r\nContent-Type: text/plain\r\n\r\n".encode() + content + b"\r\n"
        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "Origin": f"https://{HOST}",
            "Referer": f"https://{HOST}/",
        }
        if request_id:
            headers["X-Request-ID"] = request_id
        return self._ask("POST", path, parts + f"--{mark}--\r\n".encode(), headers)

    def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, str]:
        web = http.client.HTTPConnection("127.0.0.1", self.house.web, timeout=20)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        proxy = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.9"}
        try:
            web.request(method, path, body, {**proxy, "Cookie": cookies, **headers})
            answer = web.getresponse()
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie" and (found := re.match(r"([^=]+)=([^;]*)", value)):
                    self.cookies[found[1]] = found[2]
            text = answer.read().decode(errors="replace")
            return answer.status, answer.headers.get("Location", "") or text
        finally:
            web.close()


def eventually(check: Any, seconds: float = 20) -> Any:
    """The first true answer."""
    end = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < end:
        time.sleep(0.05)
    assert found
    return found
