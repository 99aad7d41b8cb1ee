"""Blocks: the log in pieces of equal length, of which read models keep what they come to.

A figure at any moment is that of the whole blocks before it, and of the rows of the last, open one.
Sums of a block are rows like others: added once, when the block is full, and never changed.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Row, Select, select

from projections.asked import Moment
from projections.view import reading

ANSWERS_KEPT = 64
"""How many questions are kept with what whole blocks come to; each is a few thousand rows."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """How many blocks are whole at a moment; what stands from `end` on is read row by row.

    `model` names the read model that they are of: what its whole blocks come to never changes.
    """

    whole: int
    positions: int
    model: str

    @property
    def end(self) -> int:
        return self.whole * self.positions


def blocks_at(connection: Connection, moment: Moment) -> Blocks:
    """Return the blocks that are full, read, and known at the moment."""
    read, positions, model = connection.execute(
        select(reading.c.next_position, reading.c.block_positions, reading.c.model)
    ).one()
    known = read if moment.at is None else min(read, moment.at + 1)
    return Blocks(known // positions, positions, model)


TMade = TypeVar("TMade")


class Folded:
    """Keeps what whole blocks came to, of the questions that were asked last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, object] = OrderedDict()

    def rows(
        self, connection: Connection, key: Hashable, *statements: Select[Any]
    ) -> Sequence[Row[Any]]:
        """Return the rows of all statements. `key` tells the question from all others."""
        return self.made(
            key, lambda: [row for each in statements for row in connection.execute(each)]
        )

    def made(self, key: Hashable, make: Callable[[], TMade]) -> TMade:
        """Return what is made of whole blocks; nobody changes it. `key` tells it from all else."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast("TMade", self._kept[key])
        found = make()
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > ANSWERS_KEPT:
                self._kept.popitem(last=False)
        return found


FOLDED = Folded()
