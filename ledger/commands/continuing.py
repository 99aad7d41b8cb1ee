"""Goes on from where a log was verified before, and sees when it is no longer the same log."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ledger.commands.log_ranges import stored_entry
from ledger.database import Reader
from ledger.errors import Kind, LedgerError
from ledger.evidence.keys import KeyHistory
from ledger.evidence.log import verify_checkpoint
from ledger.evidence.merkle import Edge, root_at
from ledger.evidence.verify import KEY_TOPICS, EntryBroken, Rules, learn_keys
from ledger.store.tiles import node_reader

FIRST, LAST = -(2**63), 2**63 - 1


class LogCutBack(LedgerError):
    """The log is shorter than it was when it was last verified."""

    code = "verify.cut_back"
    kind = Kind.BROKEN

    def __init__(self, size: int, verified: int) -> None:
        super().__init__(f"the log holds {size} entries, and {verified} were verified before")
        self.position = size


class LogRewritten(LedgerError):
    """The log is signed, and is not the one that was verified before."""

    code = "verify.rewritten"
    kind = Kind.BROKEN

    def __init__(self, size: int) -> None:
        super().__init__(f"the first {size} entries are others than were verified before")


@dataclass(frozen=True, slots=True)
class Verified:
    """How far a log was found to hold, for the next time to go on from.

    `edge` is of the tree over those entries, `checkpoints` is how many they stood under, and
    `key_positions` is where it stands in the log which key was whose.
    """

    edge: Edge
    checkpoints: int
    key_positions: tuple[int, ...]

    @property
    def size(self) -> int:
        return self.edge.size


def require_continued(
    connection: Reader, size: int, before: Verified, keys: KeyHistory, rules: Rules
) -> None:
    """Check that the log goes on from what was verified before.

    Raises:
        LogCutBack: It is shorter.
        LogRewritten: It had another root when it was as long.
        CheckpointDiffers: The checkpoint of that length does not hold.
    """
    if size < before.size:
        raise LogCutBack(size, before.size)
    rows = connection.execute("SELECT note FROM log_checkpoints WHERE size = ?", (before.size,))
    notes = [note for (note,) in rows]
    if not notes:
        # What was sealed ends where a range does, and not always where something was committed.
        if root_at(before.size, node_reader(connection)) != before.edge.root():
            raise LogRewritten(before.size)
        return
    if verify_checkpoint(before.size, notes[0], keys, rules).root != before.edge.root():
        raise LogRewritten(before.size)


class Versions(dict[Any, int]):
    """The last version of each stream so far, by its raw id."""

    def __init__(self, connection: Reader, size: int) -> None:
        super().__init__()
        self._connection = connection
        self._size = size

    def recall(self, streams: Iterable[bytes]) -> None:
        """Look up how far streams had come in what was verified before."""
        if not self._size:
            return
        for stream in set(streams) - self.keys():
            row = self._connection.execute(
                "SELECT originator_version FROM log_events WHERE originator_id = ? AND position < ?"
                " ORDER BY originator_version DESC LIMIT 1",
                (stream, self._size),
            ).fetchone()
            self[stream] = 0 if row is None else row[0]


def read_keys(
    connection: Reader, founding_key_id: str | None, start: Verified | None, end: int = LAST
) -> tuple[KeyHistory, tuple[int, ...], EntryBroken | None]:
    """Return the keys of the log up to the first key event at fault, where they stand, and that.

    What was verified before says where to look for them: to go through the whole log is long. Those
    from the position `end` on are left out.
    """
    keys = KeyHistory()
    positions: list[int] = []
    for row in _key_rows(connection, start, end):
        try:
            entry = stored_entry(row)
            learn_keys(keys, entry)
        except EntryBroken as fault:
            return keys, tuple(positions), fault
        if not positions and founding_key_id not in keys.records:
            cause = "founded by another key"
            return keys, (), EntryBroken(entry.position, entry.stream, entry.version, "data", cause)
        positions.append(entry.position)
    return keys, tuple(positions), None


def _key_rows(connection: Reader, start: Verified | None, end: int) -> Iterator[tuple[Any, ...]]:
    columns = "SELECT position, originator_id, originator_version, topic, state FROM log_events"
    for position in start.key_positions if start is not None else ():
        yield from connection.execute(f"{columns} WHERE position = ?", (position,))
    marks = ",".join("?" * len(KEY_TOPICS))
    rows = connection.execute(
        f"{columns} WHERE (topic IN ({marks}) OR position = 0) AND position >= ? AND position < ?"
        " ORDER BY position",
        (*KEY_TOPICS, FIRST if start is None else start.size, end),
    )
    # What a position has become that was altered into no number is found out elsewhere.
    yield from (row for row in rows if type(row[0]) is int)
