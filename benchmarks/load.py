"""A few browsers that do nothing but send: keep-alive connections, a thread each."""

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

HOST = "help.example.org"  # as the proxy passes it on


@dataclass(frozen=True)
class Answer:
    """Status, body, how long it took in seconds, and the cookies that came along."""

    status: int
    body: bytes
    seconds: float
    cookies: dict[str, str]


class Browser:
    """One keep-alive connection behind a proxy that speaks TLS."""

    def __init__(self, port: int, address: str = "192.0.2.1") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        self.address = address

    def send(
        self, method: str, path: str, form: Mapping[str, str] | None = None, *, keep: bool = True
    ) -> Answer:
        """One request; `keep` takes the cookies of the answer along from then on."""
        headers = {
            "Referer": f"https://{HOST}/",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        body = b""
        if form is not None:
            body = urlencode(form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self.ask(method, path, body, headers)
        if keep:
            self.cookies |= answer.cookies
        return answer

    def ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request as a program makes it."""
        proxy = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": self.address}
        begun = time.perf_counter()
        self.connection.request(method, path, body or None, {**proxy, **headers})
        response = self.connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - begun
        found = {}
        for line in response.headers.get_all("Set-Cookie") or []:
            name, _equals, value = line.partition(";")[0].partition("=")
            found[name] = value
        return Answer(response.status, content, seconds, found)


def at_once(threads: int, times: int, work: Callable[[int, int], None]) -> float:
    """Run `work(thread, turn)` so often in each thread; how many a second, all together."""
    failed: list[BaseException] = []
    ready = threading.Barrier(threads + 1)

    def run(number: int) -> None:
        ready.wait()
        try:
            for turn in range(times):
                work(number, turn)
        except BaseException as error:
            failed.append(error)

    crew = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in crew:
        thread.start()
    ready.wait()
    begun = time.perf_counter()
    for thread in crew:
        thread.join()
    seconds = time.perf_counter() - begun
    if failed:
        raise failed[0]
    return threads * times / seconds


def paced(
    threads: int, rate: float, seconds: float, work: Callable[[int, int], None]
) -> list[float]:
    """Call `work(thread, turn)` so often a second; how long each took from when it was due.

    From then, and not from when a thread was free for it: who calls does not wait for us.
    """
    count, begin = int(rate * seconds), time.perf_counter() + 0.1
    turns, lock = iter(range(count)), threading.Lock()
    times = [0.0] * count

    def run(number: int) -> None:
        while True:
            with lock:
                turn = next(turns, None)
            if turn is None:
                return
            due = begin + turn / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            work(number, turn)
            times[turn] = time.perf_counter() - due

    at_once(threads, 1, lambda number, _turn: run(number))
    return times
