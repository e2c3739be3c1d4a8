"""The portal as it runs for real: database, Valkey, gunicorn, workers and a mail server."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from portal import valkey
from portal.processes import die_with
from tests import postgres

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
WORKERS = ("worker-one", "worker-two")


class House:
    """Starts and ends the processes of one run; everything lives in one temporary folder."""

    def __init__(self, folder: Path, database_url: str, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.web_port, self.live_port, self.sink_port = free_port(), free_port(), free_port()
        self.proxy_port, self.provider_port, self.echo_port = free_port(), free_port(), free_port()
        self.arrivals = folder / "arrivals"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        door = folder / "v.sock"
        self.env = {
            "DATABASE_URL": database_url,
            "REDIS_URL": f"unix://{door}",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.sink_port}",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "PUBLIC_URL": "https://help.example.org",
            "ONECASE_DATA": str(folder),
            "ONECASE_DEMO": "",
            "TRUSTED_PROXIES": "1",
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "BENCH_SECRET": secrets.token_hex(16),
            "BENCH_BOT": f"123456789:{secrets.token_hex(16)}",
            "BENCH_NUMBER": "106540352242922",
            "BENCH_DEAD": f"http://127.0.0.1:{free_port()}",
        }
        for how in ("well", "slow", "garbled"):
            self.env[f"BENCH_{how.upper()}"] = f"http://127.0.0.1:{self.provider_port}/{how}"
        self.start("valkey", valkey.command(folder, door))
        until(lambda: _answers(str(door)))
        self.start("sink", [sys.executable, "-m", "benchmarks.sink", str(self.sink_port),
                            str(self.arrivals)])  # fmt: skip
        self.start("providers", [sys.executable, "-m", "benchmarks.providers",
                                 str(self.provider_port)])  # fmt: skip

    def start(self, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
        """A process that ends with the run."""
        parent = os.getpid()
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: die_with(parent, signal.SIGTERM),
            )
        self.processes[name] = process
        self.stack.callback(self.stop, name)
        return process

    def stop(self, name: str) -> None:
        """Ask it to end, and wait."""
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def web(self) -> None:
        """gunicorn with two processes of four threads, as docs/running.md has it."""
        self.start("web", [sys.executable, "-m", "gunicorn", "benchmarks.wsgi:application",
                           "--bind", f"127.0.0.1:{self.web_port}", "--workers", "2",
                           "--threads", "4", "--keep-alive", "30", "--preload"])  # fmt: skip
        until(lambda: _listens(self.web_port))

    def streams(self) -> None:
        """uvicorn for the streams, and the proxy before both: what a browser needs; once."""
        if "live" in self.processes:
            return
        for name, application, at in (
            ("live", "portal.asgi:application", self.live_port),
            ("echo", "benchmarks.yardstick.stream:echo", self.echo_port),
        ):
            self.start(name, [sys.executable, "-m", "uvicorn", application, "--port", str(at),
                              "--lifespan", "off", "--log-level", "warning", "--no-access-log",
                              "--timeout-graceful-shutdown", "3"])  # fmt: skip
        certificate, key = str(self.folder / "certificate.pem"), str(self.folder / "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=help.example.org",
                        "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)  # fmt: skip
        ports = [
            str(port) for port in (self.proxy_port, self.web_port, self.live_port, self.echo_port)
        ]
        self.start("proxy", [sys.executable, "-m", "benchmarks.proxy", *ports, certificate, key])
        doors = (self.live_port, self.echo_port, self.proxy_port)
        until(lambda: all(_listens(door) for door in doors))

    def workers(self) -> None:
        """Two workers of threads, after the web in line for a processor: as docs/running.md."""
        for name in WORKERS:
            self.start(name, ["nice", "-n", "5", sys.executable, "-m", "celery", "-A", "benchmarks",
                              "-q", "worker", "-P", "threads", "-c", "16", "-l", "WARNING",
                              "-n", f"{name}@%h"])  # fmt: skip

    def rest(self) -> None:
        """The workers end."""
        for name in WORKERS:
            self.stop(name)

    def beat(self) -> None:
        """What rings for rows that were left lying."""
        schedule = str(self.folder / "beat")
        self.start("beat", [sys.executable, "-m", "celery", "-A", "benchmarks", "-q", "beat",
                            "-s", schedule, "--pidfile=", "-l", "WARNING"])  # fmt: skip

    def memory(self) -> dict[str, float]:
        """Proportional set size in MB of each process and its children, by name."""
        return {name: _family(process.pid) for name, process in self.processes.items()}


def until(done: object, seconds: float = PATIENCE) -> None:
    """Wait for something; TimeoutError after so many seconds."""
    assert callable(done)
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("a process of the benchmark does not answer")
        time.sleep(0.02)


def _answers(path: str) -> bool:
    try:
        return bool(Redis(unix_socket_path=path).ping())
    except RedisError:
        return False


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _family(pid: int) -> float:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return own + sum(_family(int(child)) for child in children)


@contextmanager
def house(database: str) -> Iterator[House]:
    """A fresh house on "sqlite" or "postgres"."""
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="onecase-bench-", dir="/tmp"))
        folder = Path(name)
        if database == "postgres":
            url = stack.enter_context(postgres.temporary(durable=True))
            with psycopg.connect(f"{url.rpartition('/')[0]}/postgres", autocommit=True) as server:
                server.execute("CREATE DATABASE onecase")
        else:
            url = f"sqlite:///{folder / 'bench.sqlite3'}"
        yield House(folder, url, stack)
