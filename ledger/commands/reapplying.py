"""Carries out again what the log says was done to people's keys, in a vault that may be older."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from ledger.domain.recipient import Recipient
from ledger.store.mapper import event_of
from ledger.vault.vault import Vault

CHANGING = (
    Recipient.Restricted.TOPIC,
    Recipient.RestrictionLifted.TOPIC,
    Recipient.Erased.TOPIC,
)
"""Events after which a person's key is put away, taken out again, or destroyed."""


class Reapplied(NamedTuple):
    """How many people are erased, how many of them still had a key, and how many are restricted."""

    erased: int
    keys_destroyed: int
    restricted: int


def reapply_changes(vault: Vault, entries: Iterable[tuple[str, bytes]]) -> Reapplied:
    """Erase and restrict whom the log has erased and restricted.

    Args:
        vault: That of a backup: it may be from before the last of them was carried out.
        entries: Topic and envelope of events of CHANGING, in the order of the log.
    """
    last: dict[UUID, str] = {}
    for topic, state in entries:
        person = event_of(topic, state).originator_id
        if last.get(person) != Recipient.Erased.TOPIC:
            last[person] = topic
    destroyed = 0
    for person, topic in last.items():
        if topic == Recipient.Erased.TOPIC:
            destroyed += vault.forget(person)
        elif topic == Recipient.Restricted.TOPIC:
            vault.restrict(person)
        else:
            vault.lift(person)
    counts = list(last.values())
    return Reapplied(
        counts.count(Recipient.Erased.TOPIC), destroyed, counts.count(Recipient.Restricted.TOPIC)
    )
