"""What need not be read in the log any more, once it is sealed and was verified there.

Verification goes on from the end of what is sealed, and read models are built from segments up to
there. What is proved so is said with it: the log's own copy of sealed entries is not looked at.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ledger.commands.continuing import Verified
from ledger.commands.verification import Verdict, verify_log
from ledger.evidence.verify import EntryBroken
from ledger.postgresql import Database
from ledger.segments.checking import Checked, read_entries
from ledger.segments.manifest import Manifest
from ledger.segments.sealing import require_goes_on
from ledger.store.application import Ledger
from ledger.store.feed import Recorded, Stored, StoredFeed, recorded
from ledger.store.home import Home, write_once
from ledger.store.stored_log import connect

VERIFIED = "segments-verified.json"
CHECKS = 2
"""Which checks a segment passed to be known: raised when there is one more."""

Progress = Callable[[int, int], None]


def verify_past(
    log: Path | Database,
    checked: Checked,
    progress: Progress | None = None,
    processes: int | None = None,
) -> Verdict:
    """Verify what came to a log after its sealed segments, and that it goes on from them.

    Its tree has to have had their root when it was as long, and every checkpoint since is over that
    tree; the events of keys in it have to be those that are sealed. Other sealed entries are not
    read, and what new ones claim of maps over all before them is left to a whole verification.

    Args:
        log: The file, or the schema in PostgreSQL.
        checked: The segments, as `check_segments` found them.
        progress: Told how far it is.
        processes: As `verify_log` has it.
    """
    last = checked.manifests[-1]
    size = checked.edge.size
    with closing(connect(log)) as connection:
        (checkpoints,) = connection.execute(
            "SELECT count(*) FROM log_checkpoints WHERE size <= ?", (size,)
        ).fetchone()
        altered = _altered(connection, checked)
    if altered is not None:
        return Verdict(size, checkpoints, altered, altered.position)
    positions = tuple(each.position for each in checked.key_entries)
    return verify_log(
        log,
        last.origin,
        last.founding_key_id,
        progress=progress,
        processes=processes,
        before=Verified(checked.edge, checkpoints, positions),
        whole=False,
    )


def _altered(connection: Any, checked: Checked) -> EntryBroken | None:
    """Find an event of keys that is not in the log as it was sealed: signatures hang on these."""
    for entry in checked.key_entries:
        row = connection.execute(
            "SELECT topic, state FROM log_events WHERE position = ?", (entry.position,)
        ).fetchone()
        if row is None or tuple(row) != (entry.topic, entry.envelope):
            cause = "is not the one that was sealed"
            return EntryBroken(entry.position, entry.stream, entry.version, "envelope", cause)
    return None


class Known(NamedTuple):
    """The last segment that was found to hold, by its hash, and when all were last read whole."""

    sha256: str
    since: str

    def among(self, manifests: Sequence[Manifest]) -> int:
        """Return how many segments this is said of; 0 where the last of them is another's."""
        return next((each.number for each in manifests if each.sha256 == self.sha256), 0)


def known_to(home: Home) -> Known | None:
    """Return what this ledger found to hold, if it did: by a file that nobody signed.

    So it is good for who wrote it, and for nobody who comes to inspect.
    """
    try:
        found = json.loads((home.path / VERIFIED).read_bytes())
        if found["checks"] != CHECKS:
            return None
        known = Known(found["sha256"], found["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if all(isinstance(each, str) for each in known) else None


def remember(home: Home, checked: Checked, since: str) -> None:
    """Keep which segments were found to hold; a file that may be lost.

    Args:
        home: Of the ledger.
        checked: The segments.
        since: When all of them were last read whole, and not only hashed.
    """
    last = checked.manifests[-1]
    kept = json.dumps(
        {"checks": CHECKS, "sha256": last.sha256, "size": last.stop, "since": since}
    ).encode()
    (home.path / VERIFIED).unlink(missing_ok=True)
    write_once(home.path / VERIFIED, kept)


class SealedFeed:
    """A log as projections read it: from segments as far as they go, and then from the log.

    `sealed_feed` makes one of a ledger.
    """

    def __init__(self, log: StoredFeed, folder: Path, manifests: Sequence[Manifest]) -> None:
        self.stop = manifests[-1].stop
        self._log, self._folder, self._manifests = log, folder, manifests
        self._at, self._rows = 0, self._from(0)

    def read(self, start: int, limit: int) -> Sequence[Recorded]:
        """Return up to `limit` events from position `start` on, in the order of the log."""
        return recorded(self.stored(start, limit))

    def stored(self, start: int, limit: int) -> Stored:
        """Return position, topic and envelope of up to `limit` events from `start` on."""
        if start >= self.stop:
            return self._log.stored(start, limit)
        if start < self._at:
            self._at, self._rows = start, self._from(start)
        # Rows between are another process's; a file would be opened anew to leave them out.
        deque(islice(self._rows, start - self._at), maxlen=0)
        found = [
            (row["position"], row["type"], row["envelope"]) for row in islice(self._rows, limit)
        ]
        self._at = start + len(found)
        return found

    def size(self) -> int:
        """Return how many events the log holds."""
        return self._log.size()

    def elsewhere(self) -> Callable[[], StoredFeed]:
        return partial(_opened, self._log.elsewhere(), self._folder, self._manifests)

    def _from(self, start: int) -> Iterator[dict[str, Any]]:
        for manifest in self._manifests:
            if manifest.stop > start:
                for row in read_entries(self._folder, manifest):
                    if row["position"] >= start:
                        yield row


def sealed_feed(ledger: Ledger, folder: Path, manifests: Sequence[Manifest]) -> SealedFeed:
    """Take up the segments of a log.

    Args:
        ledger: The log.
        folder: Where the segments are.
        manifests: As `signed_chain` found them.

    Raises:
        SegmentsDiffer: The log does not go on from them.
    """
    require_goes_on(ledger.log, manifests[-1])
    return SealedFeed(ledger, folder, manifests)


def _opened(
    log: Callable[[], StoredFeed], folder: Path, manifests: Sequence[Manifest]
) -> SealedFeed:
    return SealedFeed(log(), folder, manifests)
