"""Holds all payments of a verified log against what approvers signed, batch by batch."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from ledger.database import Reader
from ledger.evidence.approvals import SENDS, require_as_approved
from ledger.evidence.canonical import parse_canonical
from ledger.evidence.envelope import payload_of
from ledger.evidence.figures import Seen
from ledger.evidence.pack import PackBroken
from ledger.postgresql import Database
from ledger.store.stored_log import connect

FAULTS_MAX = 1_000


class Fault(NamedTuple):
    """The first thing of a batch that is not as its approver signed it."""

    batch_id: str
    cause: str


class PaidAsApproved(NamedTuple):
    """How many batches and payments were held against approvals, and what is not as approved."""

    batches: int
    payments: int
    faults: tuple[Fault, ...]


def paid_as_approved(
    path: Path | Database, progress: Callable[[int, int], None] | None = None
) -> PaidAsApproved:
    """Hold each payment against the list that the approver of its batch signed.

    That what is read is as it was signed, `verify_log` says before. Faults past FAULTS_MAX are
    left out.

    Args:
        path: The log's file, or its schema in PostgreSQL; it is opened for reading alone.
        progress: Told how many batches were looked at, and of how many.

    Source: FORMAT.md, "Checking a pack", step 8.
    """
    with closing(connect(path)) as connection:
        connection.execute("BEGIN")  # one state of the log, however it grows meanwhile
        sent = _sent(connection)
        payments, faults = 0, list[Fault]()
        for number, (batch, positions) in enumerate(sent.items(), 1):
            try:
                payments += require_as_approved(batch, _Batch(connection, positions))
            except PackBroken as broken:
                payments += len(positions)
                if len(faults) < FAULTS_MAX:
                    faults.append(Fault(batch, broken.cause))
            if progress is not None:
                progress(number, len(sent))
    return PaidAsApproved(len(sent), payments, tuple(faults))


class _Batch:
    """The events of one batch, and of its payments, as the log has them."""

    def __init__(self, connection: Reader, positions: Sequence[int]) -> None:
        self._connection = connection
        self._positions = positions

    def stream(self, subject: str) -> Sequence[Seen]:
        rows = self._connection.execute(
            "SELECT position, state FROM log_events WHERE originator_id = ?"
            " ORDER BY originator_version",
            (UUID(subject).bytes,),
        )
        return [_seen(position, bytes(state)) for position, state in rows]

    def concerning(self, subject: str, topic: str | None = None) -> Sequence[Seen]:  # noqa: ARG002 - of one batch, and of no register
        return list(self._sending())

    def _sending(self) -> Iterator[Seen]:
        for position in self._positions:
            rows = self._connection.execute(
                "SELECT position, state FROM log_events WHERE position = ?", (position,)
            )
            yield from (_seen(at, bytes(state)) for at, state in rows)


def _sent(connection: Reader) -> "dict[str, array[int]]":
    """Return where payments were sent, by the batch that they say they are of."""
    found: dict[str, array[int]] = {}
    marks = ", ".join("?" * len(SENDS))
    rows = connection.execute(
        f"SELECT position, state FROM log_events WHERE topic IN ({marks}) ORDER BY position",  # noqa: S608 - marks alone
        SENDS,
    )
    for position, state in rows:
        seen = _seen(position, bytes(state))
        found.setdefault(str(seen.data["batch_id"]), array("q")).append(position)
    return found


def _seen(position: int, envelope: bytes) -> Seen:
    payload = parse_canonical(payload_of(envelope))
    if not isinstance(payload, dict):
        raise PackBroken(f"position {position} holds no event")
    return Seen(position, payload)
