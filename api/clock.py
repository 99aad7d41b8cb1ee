"""The clock, as it is handed to those who may not look at one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` tells the moment in UTC as text, `now_s` in seconds since 1970, `today` China's day."""

    now: Callable[[], str]
    now_s: Callable[[], int]
    today: Callable[[], date]
