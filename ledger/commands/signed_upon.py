"""Compares what officers signed upon with the log that is being verified."""

from collections.abc import Iterable

from ledger.database import Reader
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.log import require_signed_upon
from ledger.evidence.merkle import Edge, root_at
from ledger.evidence.note import NoteBroken, split_note
from ledger.evidence.tree_heads import SignedUpon
from ledger.store.tiles import node_reader

ROOTS_KEPT = 65_536


class SignedUponThisLog:
    """Knows the roots that the log had, as far as they were verified; follows it from an edge on.

    What is signed upon is mostly a checkpoint that was passed just before. One of before the edge
    is left to a verification of the whole log, since nothing here was compared with entries then.
    """

    def __init__(self, connection: Reader, edge: Edge) -> None:
        self._connection = connection
        self._start = edge.size
        self._roots = {edge.size: edge.root()}
        self._waiting: list[SignedUpon] = []

    def passed(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Take in checkpoints that commit to the entries."""
        self._roots.update((each.size, each.root) for each in checkpoints)
        if len(self._roots) > 2 * ROOTS_KEPT:
            self._roots = dict(list(self._roots.items())[-ROOTS_KEPT:])

    def require(self, signed: Iterable[SignedUpon]) -> None:
        """Check entries that stand before the last checkpoints that were passed, or just behind.

        Raises:
            EntryBroken: An officer signed upon another log.
        """
        for each in signed:
            size = each.head.size
            if size < self._start:
                continue
            root = self._roots.get(size) or self._committed(size)
            if root is None:
                self._waiting.append(each)
            else:
                require_signed_upon((each,), {size: root}.get)

    def close(self) -> None:
        """Check what was signed upon where no commit ended, now that all tiles were compared.

        Raises:
            EntryBroken: An officer signed upon another log.
        """
        node = node_reader(self._connection)
        require_signed_upon(self._waiting, lambda size: root_at(size, node))

    def _committed(self, size: int) -> bytes | None:
        """Return the root by a checkpoint that was passed long ago, or None if there is none."""
        row = self._connection.execute(
            "SELECT note FROM log_checkpoints WHERE size = ?", (size,)
        ).fetchone()
        try:
            return None if row is None else Checkpoint.from_body(split_note(row[0])[0]).root
        except (NoteBroken, AttributeError, TypeError):
            return None
