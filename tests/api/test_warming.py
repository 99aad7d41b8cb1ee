"""What pages keep is found at the start and on each new day, whatever went wrong before."""

import threading
from datetime import date, timedelta

from api.warming import Warming

DAY = date(2017, 1, 20)
NEXT = DAY + timedelta(days=1)


class Finding:
    """Notes the days it was called for; `fails` times it fails first."""

    def __init__(self, fails: int = 0) -> None:
        self.days: list[date] = []
        self.called = threading.Semaphore(0)
        self._fails = fails

    def __call__(self, day: date) -> None:
        self.days.append(day)
        self.called.release()
        if len(self.days) <= self._fails:
            raise OSError

    def wait(self) -> None:
        assert self.called.acquire(timeout=10)


def test_finds_at_the_start_and_on_a_new_day_alone() -> None:
    today, found = [DAY], Finding()
    looks = threading.Semaphore(0)

    def day() -> date:
        looks.release()
        return today[0]

    warming = Warming(found, day, 0.001)
    warming.start()
    found.wait()
    for _ in range(5):
        assert looks.acquire(timeout=10)
    assert found.days == [DAY]
    today[0] = NEXT
    found.wait()
    assert warming.stop(10)
    assert found.days == [DAY, NEXT]


def test_tries_again_after_an_error() -> None:
    found = Finding(fails=2)
    warming = Warming(found, lambda: DAY, 0.001)
    warming.start()
    for _ in range(3):
        found.wait()
    assert warming.stop(10)
    assert found.days == [DAY] * 3


def test_stops_before_it_was_started() -> None:
    assert Warming(Finding(), lambda: DAY).stop(0)
