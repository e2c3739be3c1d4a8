"""The share of a worker's threads that one channel holds."""

import threading
import time
from collections import Counter

import pytest

from channels_app.seats import Seats
from tests.core.test_rules import in_threads


def test_one_key_holds_so_many_threads_and_another_is_not_kept_waiting() -> None:
    seats, doors = Seats(2), threading.Event()
    inside, most, done = Counter[str](), Counter[str](), list[tuple[str, int]]()

    def job(what: tuple[str, int]) -> int:
        key, _number = what
        inside[key] += 1
        most[key] = max(most[key], inside[key])
        if key == "slow":
            assert doors.wait(10)
        inside[key] -= 1
        done.append(what)
        return 1

    def work(number: int) -> int:
        if number == 9:  # the last one comes when the seats of the other are taken
            while inside["slow"] < 2:
                time.sleep(0.001)
            found = seats.work("well", job, ("well", number))
            assert done == [("well", 9)]
            doors.set()
            return found
        return seats.work("slow", job, ("slow", number))

    results = in_threads(10, work)
    assert most == {"slow": 2, "well": 1}
    assert sorted(done) == [*(("slow", number) for number in range(9)), ("well", 9)]
    assert sum(found for found in results if isinstance(found, int)) == 10


def test_what_was_left_is_done_once_and_in_its_order() -> None:
    seats, done = Seats(1), list[int]()

    def job(what: int) -> int:
        done.append(what)
        if what == 0:
            for other in (3, 1, 3, 2):
                assert seats.work("a", job, other) == 0
        return 1

    assert seats.work("a", job, 0) == 4
    assert done == [0, 3, 1, 2]


def test_a_job_that_breaks_gives_its_seat_back() -> None:
    seats = Seats(1)

    def broken(what: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        seats.work("a", broken, 1)
    assert seats.work("a", lambda what: what, 7) == 7


def test_nobody_leaves_word_to_an_empty_seat() -> None:
    seats, done, round_is_over = Seats(1), list[int](), threading.Barrier(3)

    def job(what: int) -> int:
        done.append(what)
        return 1

    def work(number: int) -> None:
        for turn in range(300):
            seats.work("a", job, turn * 3 + number)
            round_is_over.wait(10)
            assert len(done) == (turn + 1) * 3  # and not only when the next one comes
            round_is_over.wait(10)

    assert in_threads(3, work) == [None] * 3
    assert sorted(done) == list(range(900))
