"""Who answers for the events of a whole log, and whose word their officers' keys rest on."""

from collections import Counter
from collections.abc import Collection

from ledger.commands.continuing import LAST
from ledger.commands.log_ranges import stored_entry
from ledger.database import Reader
from ledger.domain.events import committing_topics, vouching_topics
from ledger.evidence.envelope import decode
from ledger.evidence.keys import KeyHistory
from ledger.evidence.vouching import (
    SERVICE_ALONE,
    VOUCHING_TOPICS,
    Vouched,
    attested_as,
    held_size,
    vouched_keys,
)


def attested_in(
    connection: Reader, keys: KeyHistory, vouched: Collection[str], events: int
) -> tuple[dict[str, int], int]:
    """Return how many events of a verified log are attested how, and how far officers hold it.

    Only some events carry more than one signature. The second is the size up to which an officer
    signed upon the log, by a key that was theirs alone; 0 where none did.
    """
    topics = sorted(committing_topics() | vouching_topics())
    marks = ", ".join("?" * len(topics))
    found = connection.execute(
        f"SELECT position, state FROM log_events WHERE topic IN ({marks})",  # noqa: S608 - marks
        topics,
    )
    counts, held = Counter[str](), 0
    for position, state in found:
        envelope = decode(state)
        counts[attested_as(envelope, keys, vouched)] += 1
        held = max(held, held_size(position, envelope, keys, vouched))
    counts[SERVICE_ALONE] += events - counts.total()
    return dict(sorted(counts.items())), held


def vouched_in(connection: Reader, keys: KeyHistory, end: int = LAST) -> Vouched:
    """Return for which keys of a verified log somebody beside the operator has signed.

    What stands from the position `end` on is left out.
    """
    marks = ", ".join("?" * len(VOUCHING_TOPICS))
    rows = connection.execute(
        "SELECT position, originator_id, originator_version, topic, state FROM log_events"  # noqa: S608 - marks alone
        f" WHERE topic IN ({marks}) AND position < ? ORDER BY position",
        (*VOUCHING_TOPICS, end),
    )
    return vouched_keys(map(stored_entry, rows), keys)
