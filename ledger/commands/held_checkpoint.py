"""Holds a log against a checkpoint that somebody else kept."""

from contextlib import closing
from pathlib import Path

from ledger.commands.continuing import read_keys
from ledger.domain.events import committing_topics
from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.log import CheckpointDiffers, verify_checkpoint
from ledger.evidence.merkle import root_at
from ledger.evidence.note import NoteBroken, split_note
from ledger.evidence.verify import Rules
from ledger.postgresql import Database
from ledger.store.stored_log import connect
from ledger.store.tiles import node_reader


class CheckpointUnreadable(LedgerError):
    """The file holds no checkpoint."""

    code = "checkpoint.unreadable"
    kind = Kind.INVALID

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} holds no signed checkpoint")


class CheckpointForeign(LedgerError):
    """The checkpoint is of another ledger."""

    code = "checkpoint.foreign"
    kind = Kind.CONFLICT

    def __init__(self, origin: str, expected: str) -> None:
        super().__init__(f"the checkpoint is of ledger {origin}, not of {expected}")


class CheckpointBeyond(LedgerError):
    """The checkpoint is over more entries than the log has: later ones are missing here."""

    code = "checkpoint.beyond"
    kind = Kind.BROKEN

    def __init__(self, size: int, held: int) -> None:
        super().__init__(f"the checkpoint is over {size} entries, and the log holds {held}")
        self.size = size


class CheckpointContradicted(LedgerError):
    """The log holds other entries than it did when the checkpoint was signed."""

    code = "checkpoint.contradicted"
    kind = Kind.BROKEN

    def __init__(self, size: int, cause: str) -> None:
        super().__init__(f"the log's first {size} entries are not those of the checkpoint: {cause}")


def read_checkpoint(path: Path) -> tuple[Checkpoint, str]:
    """Return what a signed note says, and the note; nothing is verified.

    Raises:
        CheckpointUnreadable: It is none.
    """
    try:
        note = path.read_text(encoding="utf-8")
        return Checkpoint.from_body(split_note(note)[0]), note
    except (OSError, UnicodeDecodeError, NoteBroken):
        raise CheckpointUnreadable(path) from None


def require_held(log: Path | Database, origin: str, founding_key_id: str, note: str) -> Checkpoint:
    """Check that a log, which was verified by itself, is the one that a checkpoint is of.

    Args:
        log: Where it stands.
        origin: Its name.
        founding_key_id: Of the key that founded it.
        note: Signed by the log's key at the time; kept by somebody else.

    Raises:
        CheckpointForeign, CheckpointBeyond, CheckpointContradicted: It is not, or not so far.
    """
    checkpoint = Checkpoint.from_body(split_note(note)[0])
    if checkpoint.origin != origin:
        raise CheckpointForeign(checkpoint.origin, origin)
    with closing(connect(log)) as connection:
        connection.execute("BEGIN")
        (size,) = connection.execute("SELECT count(*) FROM log_events").fetchone()
        if checkpoint.size > size:
            raise CheckpointBeyond(checkpoint.size, size)
        keys, _, _ = read_keys(connection, founding_key_id, None)
        root = root_at(checkpoint.size, node_reader(connection))
    if root != checkpoint.root:
        raise CheckpointContradicted(checkpoint.size, "another root")
    try:
        verify_checkpoint(checkpoint.size, note, keys, Rules(origin, committing_topics()))
    except CheckpointDiffers as cause:
        raise CheckpointContradicted(checkpoint.size, str(cause)) from None
    return checkpoint
