"""Who was recognised a moment ago: whoever asks often is not looked up each time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from uuid import UUID

SHOWN_S = 30
"""So long a secret is not looked up again, unless a session or token ended. As a session that was
seen so recently is not written again, it ends neither sooner nor later for it."""
POSTS_S = 1.0
"""So long it may not be known here what another process wrote of an officer's posts. Commands ask
for the posts once more, in the log itself."""
KEPT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose a secret is, and until when that is certain, in seconds since 1970."""

    officer_id: UUID
    read_only: bool
    until_s: int


@dataclass(frozen=True, slots=True)
class Holder:
    """An officer with the posts of a day, and the version of their stream that says so."""

    officer_id: UUID
    staff_number: str
    posts: frozenset[tuple[UUID, str]]  # organisation, role
    day: date
    version: int


class Recent:
    """Keeps whose a secret is, as long as no session and no token ended, and who holds what."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: dict[bytes, tuple[int, int, Shown]] = {}
        self._holders: dict[UUID, tuple[float, Holder]] = {}

    def shown(self, sort: str, secret: str, endings: int | None, now_s: int) -> Shown | None:
        """Return whose a secret is; None when it is to be looked up.

        Args:
            sort: What it opens: a `session` is no `token`.
            secret: Of it.
            endings: How many have ended by now; None: somebody writes, and may end this one.
            now_s: Seconds since 1970.
        """
        kept = self._shown.get(_key(sort, secret))
        if kept is None or kept[0] != endings or not 0 <= now_s - kept[1] < SHOWN_S:
            return None
        return kept[2] if now_s < kept[2].until_s else None

    def keep_shown(
        self, sort: str, secret: str, endings: int | None, now_s: int, found: Shown
    ) -> None:
        """Keep what was looked up after so many had ended."""
        if endings is not None:
            _bound(self._shown)
            self._shown[_key(sort, secret)] = (endings, now_s, found)

    def holder(self, officer_id: UUID) -> Holder | None:
        """Return what an officer holds; None when it is to be looked up."""
        kept = self._holders.get(officer_id)
        return kept[1] if kept and self._clock() - kept[0] < POSTS_S else None

    def last_holder(self, officer_id: UUID) -> Holder | None:
        """Return what an officer held when they were last looked up, however long ago."""
        kept = self._holders.get(officer_id)
        return kept[1] if kept else None

    def keep_holder(self, found: Holder) -> None:
        _bound(self._holders)
        self._holders[found.officer_id] = (self._clock(), found)


def _bound(kept: dict[bytes, tuple[int, int, Shown]] | dict[UUID, tuple[float, Holder]]) -> None:
    if len(kept) >= KEPT_MAX:
        kept.clear()


def _key(sort: str, secret: str) -> bytes:
    return sha256(f"{sort} {secret}".encode()).digest()
