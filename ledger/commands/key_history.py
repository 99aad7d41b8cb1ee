"""Which key was whose, and when, as the log has it."""

from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

from ledger.domain.administration import administration_id
from ledger.evidence.canonical import NotCanonical, parse_canonical
from ledger.evidence.envelope import EnvelopeBroken, payload_of
from ledger.evidence.keys import KeyHistory, KeyNotValid
from ledger.evidence.verify import KEY_TOPICS, EntryBroken, Stored, learn_keys, self_described
from ledger.evidence.vouching import VOUCHING_TOPICS, Vouched, vouched_keys
from ledger.store.application import Ledger


def key_history(ledger: Ledger) -> KeyHistory:
    """Return all keys that the log ever knew, with their validity; nothing is verified here."""
    keys = KeyHistory()
    for entry in _entries(ledger, KEY_TOPICS):
        learn_keys(keys, entry)
    return keys


def vouched_history(ledger: Ledger, keys: KeyHistory) -> Vouched:
    """Return for which of all keys there is more than the operator's word; as it was written."""
    return vouched_keys(_entries(ledger, VOUCHING_TOPICS), keys)


def vouched_at(ledger: Ledger, positions: Collection[int]) -> Vouched:
    """Return the same, for whoever knows where all events of officers' keys and posts stand.

    Raises:
        EntryBroken: One of them is damaged; verification says which.
    """
    stream = ledger.log.select_stream_positions(administration_id())
    begun = [position for _, position in stream]
    keys, entries = KeyHistory(), list[Stored]()
    for position, topic, envelope in ledger.log.select_states_at({*positions, *begun}):
        try:
            entry = self_described(position, parse_canonical(payload_of(envelope)), envelope)
        except (EnvelopeBroken, NotCanonical) as cause:
            raise EntryBroken(position, "unknown", 0, "envelope", str(cause)) from None
        if entry is None or entry.topic != topic:
            continue
        if topic in KEY_TOPICS:
            learn_keys(keys, entry)
        if topic in VOUCHING_TOPICS:
            entries.append(entry)
    return vouched_keys(entries, keys)


def require_signed_by_then(ledger: Ledger, key_id: str, counts_from: int) -> None:
    """Check that a key may be doubted from a position on: it was valid there.

    Raises:
        KeyNotValid: It was not, or is unknown.
    """
    record = key_history(ledger).records.get(key_id)
    if record is None:
        raise KeyNotValid(key_id, counts_from, "unknown")
    until = ledger.size() if record.valid_until is None else record.valid_until
    if not record.valid_from <= counts_from < until:
        cause = f"valid from {record.valid_from} to {until}"
        raise KeyNotValid(key_id, counts_from, cause)


def _entries(ledger: Ledger, topics: Sequence[str]) -> Iterator[Stored]:
    for found in ledger.log.select_notifications(0, 2**31, topics=topics):
        stream = str(found.originator_id if isinstance(found.originator_id, UUID) else "")
        yield Stored(found.id, stream, found.originator_version, found.topic, bytes(found.state))
