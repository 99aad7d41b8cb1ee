"""Holds all payments of a verified log against what approvers signed, batch by batch."""

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from ledger.commands.attestation import vouched_in
from ledger.commands.continuing import read_keys
from ledger.database import Reader
from ledger.evidence.approvals import SENDS, require_as_approved
from ledger.evidence.canonical import parse_canonical
from ledger.evidence.envelope import decode, payload_of
from ledger.evidence.figures import Seen
from ledger.evidence.keys import KeyHistory
from ledger.evidence.pack import PackBroken
from ledger.evidence.vouching import attested_as
from ledger.postgresql import Database
from ledger.store.stored_log import connect

FAULTS_MAX = 1_000
EVENTS_AT_ONCE = 4_096
PAYMENTS_AT_ONCE = 500
APPROVED = "batch.approved"
UNKNOWN = "unknown"
"""Stands for the batch of payments that do not say of which they are."""


class Fault(NamedTuple):
    """The first thing of a batch that is not as its approver signed it."""

    batch_id: str
    cause: str


class PaidAsApproved(NamedTuple):
    """How many batches and payments were held against approvals, and what is not as approved.

    `faults` are the first FAULTS_MAX of the batches at fault, `faulty` is how many there are.
    `attested` says how many of the batches carry what signature under their last approval:
    RELIABLE, UNVOUCHED, KEYRING, SERVICE_ALONE. A batch that was never approved is not in it.
    """

    batches: int
    payments: int
    faulty: int
    faults: tuple[Fault, ...]
    attested: Mapping[str, int]


def paid_as_approved(
    path: Path | Database,
    size: int,
    founding_key_id: str,
    progress: Callable[[int, int], None] | None = None,
) -> PaidAsApproved:
    """Hold each payment against the list that the last approval of its batch is over.

    That what is read is as it was signed, `verify_log` says before.

    Args:
        path: The log's file, or its schema in PostgreSQL; it is opened for reading alone.
        size: How many events were verified: what was written since is not looked at.
        founding_key_id: Of the key that the log was verified by.
        progress: Told how many batches were looked at, and of how many.

    Source: FORMAT.md, "Checking a pack", step 8.
    """
    with closing(connect(path)) as connection:
        connection.execute("BEGIN")  # one state of the log, however it grows meanwhile
        keys, _, _ = read_keys(connection, founding_key_id, None, size)
        vouched = vouched_in(connection, keys, size).key_ids
        sent, stray = _sent(connection, size)
        payments, faulty, faults = 0, 0, list[Fault]()
        attested: Counter[str] = Counter()
        if stray:
            faults.append(Fault(UNKNOWN, f"payment {min(stray)} does not say of which batch it is"))
            payments, faulty = len(stray), 1
        for number, (batch, positions) in enumerate(sent.items(), 1):
            of = _Batch(connection, positions, size)
            try:
                payments += require_as_approved(batch, of)
            except PackBroken as broken:
                payments += of.payments()
                faulty += 1
                if len(faults) < FAULTS_MAX:
                    faults.append(Fault(batch, broken.cause))
            attested.update(_approved_as(connection, batch, size, keys, vouched))
            if progress is not None:
                progress(number, len(sent))
    batches = len(sent) + bool(stray)
    return PaidAsApproved(batches, payments, faulty, tuple(faults), dict(sorted(attested.items())))


class _Batch:
    """The events of one batch, and of its payments, as the log has them below a size."""

    def __init__(self, connection: Reader, positions: Sequence[int], size: int) -> None:
        self._connection = connection
        self._positions = positions
        self._size = size

    def stream(self, subject: str) -> Sequence[Seen]:
        rows = self._connection.execute(
            "SELECT position, state FROM log_events WHERE originator_id = ? AND position < ?"
            " ORDER BY originator_version",
            (UUID(subject).bytes, self._size),
        )
        return [Seen(position, _payload(state)) for position, state in rows]

    def concerning(self, subject: str, topic: str | None = None) -> Sequence[Seen]:  # noqa: ARG002 - of one batch, and of no register
        return [Seen(position, _payload(state)) for position, state in self._at("position, state")]

    def payments(self) -> int:
        return len({bytes(stream) for (stream,) in self._at("originator_id")})

    def _at(self, columns: str) -> Iterator[Any]:
        for start in range(0, len(self._positions), PAYMENTS_AT_ONCE):
            some = self._positions[start : start + PAYMENTS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            yield from self._connection.execute(
                f"SELECT {columns} FROM log_events WHERE position IN ({marks}) ORDER BY position",  # noqa: S608 - our own columns, and marks
                tuple(some),
            )


def _sent(connection: Reader, size: int) -> "tuple[dict[str, array[int]], set[str]]":
    """Return where payments were sent by the batch that they say they are of, and who says none."""
    found: dict[str, array[int]] = {}
    stray: set[str] = set()
    marks = ", ".join("?" * len(SENDS))
    last = -1
    while rows := connection.execute(
        "SELECT position, originator_id, state FROM log_events"  # noqa: S608 - marks alone
        f" WHERE position > ? AND position < ? AND topic IN ({marks}) ORDER BY position LIMIT ?",
        (last, size, *SENDS, EVENTS_AT_ONCE),
    ).fetchall():
        for position, stream, state in rows:
            data = _payload(state).get("data")
            batch = data.get("batch_id") if isinstance(data, dict) else None
            if isinstance(batch, str):
                found.setdefault(batch, array("q")).append(position)
            else:
                stray.add(str(UUID(bytes=bytes(stream))))
        last = rows[-1][0]
    return found, stray


def _approved_as(
    connection: Reader, batch: str, size: int, keys: KeyHistory, vouched: Collection[str]
) -> Iterator[str]:
    """Yield how the last approval of a batch is signed; nothing where there is none."""
    try:
        stream = UUID(batch).bytes
    except ValueError:
        return
    rows = connection.execute(
        "SELECT state FROM log_events WHERE originator_id = ? AND topic = ? AND position < ?"
        " ORDER BY originator_version DESC LIMIT 1",
        (stream, APPROVED, size),
    )
    for (state,) in rows:
        yield attested_as(decode(bytes(state)), keys, vouched)


def _payload(state: Any) -> Mapping[str, Any]:
    payload = parse_canonical(payload_of(bytes(state)))
    return payload if isinstance(payload, dict) else {}
