"""What the signatures of lost keys are worth: nothing, until two officers say otherwise.

Source: FORMAT.md, "Keys that were lost".
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

OFFICERS_REQUIRED = 2


class Loss(NamedTuple):
    """At `position` it was recorded that somebody else had the key from `counts_from` on."""

    key_id: str
    counts_from: int
    position: int


Signing = tuple[str, int]
"""A key's id, and the position of an entry that it signed."""


class Reaffirmation(NamedTuple):
    """At `position` an officer vouched for all entries before it, under these keys.

    `own` are those of them that nobody but the officer holds.
    """

    position: int
    officer: str
    key_ids: frozenset[str]
    own: frozenset[str]


class Doubts:
    """Losses and reaffirmations, in the order of the log, and what follows from them.

    A reaffirmation makes good only what was known to be lost before it: one that was signed
    earlier may be the thief's own. And one that rests on a lost key is itself in doubt: signed by
    it, or by an officer whose key it helped to register.
    """

    def __init__(self) -> None:
        self._losses: list[Loss] = []
        self._reaffirmations: list[Reaffirmation] = []
        self._standing: list[Reaffirmation] | None = None
        self._registered: dict[str, tuple[Signing, ...]] = {}

    def register(self, key_id: str, signers: Iterable[str], position: int) -> None:
        """Note by whose signatures a key came to be; the founding key's own says nothing."""
        self._registered[key_id] = tuple((each, position) for each in signers if each != key_id)

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

    def rests_on_doubt(self, key_id: str) -> bool:
        """Say whether a key came to be by signatures that prove nothing, so that it cannot vouch.

        For as long as nobody else has made them good.
        """
        open_ = [loss for loss in self._losses if self._is_open(loss)]
        return _is_touched(self._resting(key_id), open_)

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

        A service key beside the officer's may: the one after a lost key is registered by it.

        From the last to the first: what makes a loss good is always later than the loss, and what
        the loss puts in doubt is always earlier.
        """
        if self._standing is None:
            standing: list[Reaffirmation] = []
            for each in reversed(self._reaffirmations):
                open_ = [loss for loss in self._losses if _is_open(loss, standing)]
                signed = ((key_id, each.position) for key_id in each.key_ids)
                if not _is_touched(signed, open_) and not all(
                    _is_touched(self._resting(key_id), open_) for key_id in each.own
                ):
                    standing.append(each)
            self._standing = standing
        return self._standing

    def _resting(self, key_id: str) -> set[Signing]:
        """Return all signatures by which a key came to be, from the founding key on."""
        found: set[Signing] = set()
        waiting = [key_id]
        while waiting:
            new = set(self._registered.get(waiting.pop(), ())) - found
            found |= new
            waiting += [signer for signer, _ in new]
        return found


def _is_touched(signed: Iterable[Signing], losses: Collection[Loss]) -> bool:
    """Say whether one of these signatures is by a key that somebody else had by then."""
    return any(
        loss.key_id == key_id and loss.counts_from <= position
        for key_id, position in signed
        for loss in losses
    )


def _is_open(loss: Loss, standing: Collection[Reaffirmation]) -> bool:
    officers = {each.officer for each in standing if each.position > loss.position}
    return len(officers) < OFFICERS_REQUIRED
