"""When and by whom movements of money were recorded."""

from collections.abc import Sequence
from uuid import UUID

from ledger.domain.aggregate import OPERATOR
from ledger.store.application import Ledger
from projections.turnover import Movement


class Recorded:
    """Looks up what a payment's event says. All payments of a batch are recorded in one act."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._of_batch: dict[UUID, tuple[str, UUID | None]] = {}

    def of(self, movement: Movement) -> tuple[str, UUID | None]:
        """Return the moment of recording, and the officer; None is the operator."""
        return self.of_all([movement])[0]

    def of_all(self, movements: Sequence[Movement]) -> list[tuple[str, UUID | None]]:
        """Return the same of many: what their batches' events say is read at once."""
        one_of = {
            _batch_of(each): each.position
            for each in movements
            if each.recorded_at is None and each.batch_id not in self._of_batch
        }
        batch_at = {position: batch for batch, position in one_of.items()}
        for position, event in self._ledger.read_at(batch_at):
            actor = None if event.actor == OPERATOR else UUID(event.actor)
            self._of_batch[batch_at[position]] = event.recorded_at, actor
        return [
            self._of_batch[_batch_of(each)]
            if each.recorded_at is None
            else (each.recorded_at, each.officer_id)
            for each in movements
        ]


def _batch_of(movement: Movement) -> UUID:
    assert movement.batch_id is not None  # noqa: S101 - else it is a payment, of a batch
    return movement.batch_id
