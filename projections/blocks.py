"""Blocks: the log in pieces of equal length, of which read models keep what they come to.

A figure at any moment is that of the whole blocks before it, and of the rows of the last, open one.
Sums of a block are rows like others: added once, when the block is full, and never changed.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from projections.asked import Moment
from projections.view import reading


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
