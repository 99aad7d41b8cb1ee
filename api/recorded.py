"""When and by whom movements of money were recorded."""

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
        if movement.recorded_at is not None:
            return movement.recorded_at, movement.officer_id
        assert movement.batch_id is not None  # noqa: S101 - else it is a payment, of a batch
        known = self._of_batch.get(movement.batch_id)
        if known is None:
            ((_, event),) = self._ledger.read(movement.position, 1)
            actor = None if event.actor == OPERATOR else UUID(event.actor)
            known = self._of_batch[movement.batch_id] = event.recorded_at, actor
        return known
