"""What the signatures of lost keys are worth: nothing, until two officers say otherwise.

Source: FORMAT.md, "Keys that were lost".
"""

from collections.abc import Collection
from typing import NamedTuple

OFFICERS_REQUIRED = 2


class Loss(NamedTuple):
    """At `position` it was recorded that somebody else had the key from `counts_from` on."""

    key_id: str
    counts_from: int
    position: int


class Reaffirmation(NamedTuple):
    """At `position` an officer vouched for all entries before it, under these keys."""

    position: int
    officer: str
    key_ids: frozenset[str]


class Doubts:
    """Losses and reaffirmations, in the order of the log, and what follows from them.

    A reaffirmation makes good only what was known to be lost before it: one that was signed
    earlier may be the thief's own. And one that rests on a lost key is itself in doubt.
    """

    def __init__(self) -> None:
        self._losses: list[Loss] = []
        self._reaffirmations: list[Reaffirmation] = []
        self._standing: list[Reaffirmation] | None = None

    def lose(self, loss: Loss) -> None:
        self._losses.append(loss)
        self._standing = None

    def reaffirm(self, reaffirmation: Reaffirmation) -> None:
        self._reaffirmations.append(reaffirmation)
        self._standing = None

    def starts(self, key_id: str) -> int | None:
        """Return the lowest position from which the key's signatures prove nothing, if any."""
        open_ = [loss for loss in self._losses if loss.key_id == key_id and self._is_open(loss)]
        return min((loss.counts_from for loss in open_), default=None)

    def lost_from(self, key_id: str) -> int | None:
        """Return the lowest position from which somebody else had the key, made good or not."""
        return min(
            (each.counts_from for each in self._losses if each.key_id == key_id), default=None
        )

    def is_doubted(self, key_id: str, position: int) -> bool:
        """Say whether a signature by this key at this position proves nothing."""
        start = self.starts(key_id) if self._losses else None
        return start is not None and start <= position

    def officers(self) -> set[str]:
        """Return the officers who have vouched for all entries since the last loss."""
        last = max((loss.position for loss in self._losses), default=-1)
        return {each.officer for each in self._found_standing() if each.position > last}

    def _is_open(self, loss: Loss) -> bool:
        return _is_open(loss, self._found_standing())

    def _found_standing(self) -> list[Reaffirmation]:
        """Return the reaffirmations that rest on no lost key.

        From the last to the first: what makes a loss good is always later than the loss, and what
        the loss puts in doubt is always earlier.
        """
        if self._standing is None:
            standing: list[Reaffirmation] = []
            for each in reversed(self._reaffirmations):
                if not any(
                    loss.key_id in each.key_ids
                    and loss.counts_from <= each.position
                    and _is_open(loss, standing)
                    for loss in self._losses
                ):
                    standing.append(each)
            self._standing = standing
        return self._standing


def _is_open(loss: Loss, standing: Collection[Reaffirmation]) -> bool:
    officers = {each.officer for each in standing if each.position > loss.position}
    return len(officers) < OFFICERS_REQUIRED
