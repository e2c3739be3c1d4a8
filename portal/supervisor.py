"""The whole portal on one machine: web, worker, beat, mail and the embedded services.

In the demo everything is brought along. In a real set-up only what is not configured from outside
is started, so that `manage.py run` also serves a small installation with its own database.
"""

import errno
import fcntl
import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from channels_app.models import Channel
from portal import valkey
from portal.processes import Child, Group, Service
from portal.simulator import accounts

READY_WITHIN = 60.0  # seconds for the first page; a slow machine compiles everything once
GIVE_UP_AFTER = 4  # starts of the web server without a single answer
DOORS = {"ONECASE_SMTP_LISTEN": 2526, "ONECASE_MAILBOX_LISTEN": 2525}


class CannotStart(Exception):
    """Why the portal cannot run here, in one line for the person at the terminal."""


def run(*, host: str, port: int, verbose: bool = False) -> int:
    """Start everything, keep it running until Ctrl-C, stop everything; the exit code."""
    return Supervisor(host=host, port=port, verbose=verbose).run()


class Supervisor:
    """One run of the portal: what it starts, watches and stops."""

    def __init__(self, *, host: str, port: int, verbose: bool = False) -> None:
        self.host, self.port, self.verbose = host, port, verbose
        self.data = Path(settings.DATA_DIR).resolve()
        self.stopping = False
        self.env: dict[str, str] = {}
        self._lock: IO[str] | None = None

    def run(self) -> int:
        """The life of the portal, from the checks to the last process's end."""
        begun = time.monotonic()
        self._check()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup: the terminal may go
            signal.signal(signal.SIGHUP, self._stop)
        self.env = self._environment()
        group = Group(self.data / "log", verbose=self.verbose)
        try:
            self._start(group)
            if not self.stopping:
                print(self._greeting(time.monotonic() - begun), flush=True)
            while not self.stopping:
                group.look_after()
                time.sleep(0.1)
        finally:
            self._say("stopping ...")
            group.stop()
            with suppress(OSError):
                valkey.runtime_path(self.data).rmdir()
            self._say("stopped.")
        return 0

    def _stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def _say(self, line: str) -> None:
        with suppress(OSError, ValueError):  # the terminal may be gone
            print(f"onecase: {line}", flush=True)

    # Before anything runs

    def _check(self) -> None:
        self._make_data_folder()
        self._take_lock()
        if not _is_free(self.host, self.port):
            raise CannotStart(
                f"port {self.port} is taken by another program. "
                f"Try another one: make run PORT={_free_port(self.host, self.port + 1)}"
            )

    def _make_data_folder(self) -> None:
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            self.data.chmod(0o700)
            (self.data / ".write-test").write_text("")
            (self.data / ".write-test").unlink()
        except OSError as error:
            raise CannotStart(
                f"the data folder {self.data} cannot be written to: {error}"
            ) from None

    def _take_lock(self) -> None:
        """Two supervisors on one data folder would send and file everything twice."""
        self._lock = open(self.data / "run.lock", "a+")  # noqa: SIM115  (held until the end)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            where = self._lock.read().strip()
            raise CannotStart(
                f"the portal already runs with the data in {self.data} ({where}). Stop it first."
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()}, port {self.port}\n")
        self._lock.flush()

    def _environment(self) -> dict[str, str]:
        """What the children get beside our own environment, so that all agree."""
        env = {"ONECASE_DATA": str(self.data)}
        if not settings.DEMO:
            return env
        # The browser's address, not the one we bind to.
        env["PUBLIC_URL"] = os.environ.get("PUBLIC_URL") or f"http://localhost:{self.port}"
        env |= _mail_doors(self.data / "ports.json")
        env |= accounts.environment(
            self.data, f"http://{_reachable(self.host)}:{self.port}", env["PUBLIC_URL"]
        )
        mailbox = f"smtp://{env['ONECASE_MAILBOX_LISTEN']}"
        env["EMAIL_URL"] = os.environ.get("EMAIL_URL") or mailbox
        return env

    # Starting

    def _start(self, group: Group) -> None:
        if not settings.REDIS_URL:
            self._start_valkey(group)
        fresh = self._migrate(group)
        if settings.DEMO:
            self._load_demo(group, fresh)
        else:
            self._manage(group, "collectstatic", "--no-input", "-v", "0", "--skip-checks")
        web = group.add(self._web())
        for service in self._others():
            group.add(service)
        self._wait_for_web(group, web)
        self._wait_for_doors()

    def _start_valkey(self, group: Group) -> None:
        folder = self.data / "valkey"
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            place = valkey.runtime_folder(self.data) / valkey.SOCKET_NAME
            for _ in self._until(5.0):
                if valkey.is_gone(place):
                    break
            place.unlink(missing_ok=True)
            command = valkey.command(folder, place)
        except (valkey.ValkeyMissing, OSError) as error:
            raise CannotStart(str(error)) from None
        # SIGTERM: it writes out its file and ends at once.
        child = group.add(Service("valkey", command, death_signal=signal.SIGTERM, last=True))
        for _ in self._until(10.0):
            if child.process and valkey.answers(place, child.process.pid):
                self.env["REDIS_URL"] = valkey.url(place)
                return
            if not child.running:
                break
        if not self.stopping:
            raise CannotStart(f"the embedded Valkey did not start ({self._log(child.service)})")

    def _migrate(self, group: Group) -> bool:
        """Bring the database up to date; True if it was empty before."""
        try:
            executor = MigrationExecutor(connections["default"])
        except DatabaseError as error:
            raise CannotStart(f"the database cannot be used: {error}") from None
        fresh = not executor.loader.applied_migrations
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        connections.close_all()
        if plan:
            self._say("making the database ..." if fresh else "updating the database ...")
            self._manage(group, "migrate", "--verbosity", "0", "--skip-checks")
        return fresh

    def _load_demo(self, group: Group, fresh: bool) -> None:
        """Load the demo shop once; the mark is set last, so that a broken-off load is repeated."""
        mark = self.data / "demo-loaded"
        if mark.exists() and not fresh:
            return
        self._say("loading the demo shop ...")
        self._manage(group, "demo")
        if not self.stopping:
            mark.write_text("Delete this file to load the demo again at the next start.\n")

    def _manage(self, group: Group, *arguments: str) -> None:
        """Run a management command with the children's environment, to its end."""
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
        service = self._service(arguments[0], command)
        child = group.run_once(service, lambda: not self.stopping)
        if child.process and child.process.returncode and not self.stopping:
            why = child.tail[-1] if child.tail else f"exit code {child.process.returncode}"
            raise CannotStart(f"manage.py {arguments[0]} failed: {why} ({self._log(service)})")

    def _web(self) -> Service:
        command = [
            *(sys.executable, "-m", "uvicorn", "portal.asgi:application"),
            *("--host", self.host, "--port", str(self.port), "--lifespan", "off"),
            # Without it an open live stream keeps the process for ever.
            *("--timeout-graceful-shutdown", "3", "--no-server-header"),
            "--no-access-log",  # the portal writes a line of its own, with no path in it
        ]
        return self._service("web", command)

    def _others(self) -> Iterator[Service]:
        celery = [sys.executable, "-m", "celery", "-A", "portal"]
        # All work is waiting for the network: threads take a quarter of the memory of processes.
        pool = ["-P", "threads", "-c", "16"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO"]
        yield self._service("worker", [*celery, "-q", "worker", *pool, *quiet])
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        if settings.DEMO:
            yield self._service("mailbox", [*manage, "demo_mailbox"])
        if settings.DEMO or os.environ.get("ONECASE_SMTP_LISTEN"):
            yield self._service("smtp", [*manage, "listen_smtp"])
        if _reads_mailboxes():
            yield self._service("imap", [*manage, "read_imap"])
        if _fetches():
            yield self._service("telegram", [*manage, "read_telegram"])
        schedule = str(self.data / "beat")
        yield self._service("beat", [*celery, "-q", "beat", "-s", schedule, "--pidfile="])

    def _service(self, name: str, command: list[str]) -> Service:
        return Service(name, command, env=self.env)

    def _until(self, seconds: float) -> Iterator[None]:
        """Turns of a waiting loop, until the time is over or somebody stops us."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.stopping:
            yield
            time.sleep(0.05)

    def _wait_for_web(self, group: Group, web: Child) -> None:
        for _ in self._until(READY_WITHIN):
            if web.running and self._answers():
                return
            group.look_after()
            if web.starts > GIVE_UP_AFTER:
                break
        if not self.stopping:
            raise CannotStart(f"the web server gives no answer ({self._log(web.service)})")

    def _wait_for_doors(self) -> None:
        """A mail that finds the demo's mailbox not yet open is tried again only after 30 s."""
        doors = [self.env[name].rpartition(":") for name in DOORS if name in self.env]
        for _ in self._until(10.0):
            if all(_takes_calls(host, int(port)) for host, _, port in doors):
                return

    def _log(self, service: Service) -> str:
        return f"see {self.data / 'log' / service.name}.log"

    def _answers(self) -> bool:
        """True when the web server says that it is well."""
        public = urlsplit(self.env.get("PUBLIC_URL") or settings.PUBLIC_URL)
        host = _reachable(self.host)
        headers = {"Host": public.netloc, "X-Forwarded-Proto": public.scheme}
        with closing(http.client.HTTPConnection(host, self.port, timeout=5)) as connection:
            try:
                connection.request("GET", "/healthz", headers=headers)
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False

    def _greeting(self, seconds: float) -> str:
        site = self.env.get("PUBLIC_URL") or settings.PUBLIC_URL
        lines = [f"Onecase runs (ready after {seconds:.1f} s).", ""]
        if settings.DEMO:
            lines += [f"  Start here      {site}/demo/   (customer, agent and pocket side by side)"]
        lines += [
            f"  Customer site   {site}/",
            f"  Desk            {site}/admin/"
            + ("   (sign in with one click on the demo page)" if settings.DEMO else ""),
            f"  Data and logs   {self.data}",
            "",
            "Ctrl-C stops everything; the data stays.",
        ]
        return "\n" + "\n".join(lines) + "\n"


def _reachable(host: str) -> str:
    """Where this machine reaches what listens there."""
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host


def _reads_mailboxes() -> bool:
    """Whether mail is read by IMAP; a channel may be given the usual variable later on."""
    try:
        return bool(os.environ.get("IMAP_URL")) or Channel.objects.reading().exists()
    finally:
        connections.close_all()


def _fetches() -> bool:
    """Whether a provider is asked for news, because it cannot call us."""
    try:
        return Channel.objects.fetched().exists()
    finally:
        connections.close_all()


def _mail_doors(memory: Path) -> dict[str, str]:
    """Addresses for the demo's two mail servers: the same as last time where they are free."""
    known: dict[str, int] = {}
    with suppress(OSError, ValueError):
        known = json.loads(memory.read_text())
    doors: dict[str, str] = {}
    taken = 0  # the last one given out: nobody listens there yet, so it still looks free
    for name, usual in DOORS.items():
        if given := os.environ.get(name):
            doors[name] = given
            continue
        wanted = int(known.get(name, usual))
        if wanted == taken or not _is_free("127.0.0.1", wanted):
            wanted = _any_port()  # not the next one: two portals that start at once would meet
        taken = known[name] = wanted
        doors[name] = f"127.0.0.1:{known[name]}"
    memory.write_text(json.dumps(known))
    return doors


def _takes_calls(host: str, port: int) -> bool:
    """True if somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_free(host: str, port: int) -> bool:
    """True if we may listen there. Other families too: localhost may mean ::1 to a browser."""
    for family, place in ((socket.AF_INET, host or "0.0.0.0"), (socket.AF_INET6, "::1")):
        if ":" in place and family == socket.AF_INET:
            continue
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((place, port))
        except PermissionError:
            raise CannotStart(f"port {port} needs root here; take one above 1023.") from None
        except OSError as error:
            if (
                error.errno == errno.EADDRINUSE or family == socket.AF_INET
            ):  # no IPv6 here is no hindrance
                return False
    return True


def _any_port() -> int:
    """A free port of the system's choice."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _free_port(host: str, first: int) -> int:
    """The first free port from there on."""
    for port in range(first, min(first + 200, 65536)):
        if _is_free(host, port):
            return port
    raise CannotStart(f"no free port from {first} on.")
