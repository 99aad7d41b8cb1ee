"""Who answers for an event: the officer by a signature of their own, or the service for them."""

from collections import Counter
from collections.abc import Iterable

from ledger.database import Reader
from ledger.domain.events import committing_topics
from ledger.evidence.envelope import decode
from ledger.evidence.keys import OWN_CUSTODY, KeyHistory

RELIABLE = "reliable_signature"
KEYRING = "operator_keyring"
SERVICE_ALONE = "service"


def attestation(custodies: Iterable[str | None]) -> str:
    """Say who answers for an event, by who holds the keys that signed it.

    A signature by a key that the officer alone holds is a reliable electronic signature; one out of
    the operator's keyring shows diligence; the service's alone says who the service thinks it was.

    Source: 电子签名法 (2019), art. 13.
    """
    held = {custody for custody in custodies if custody}
    if OWN_CUSTODY in held:
        return RELIABLE
    return KEYRING if held else SERVICE_ALONE


def count_attested(connection: Reader, keys: KeyHistory, events: int) -> dict[str, int]:
    """Return how many events of a verified log are attested how; only some carry more than one."""
    topics = sorted(committing_topics())
    marks = ", ".join("?" * len(topics))
    found = connection.execute(
        f"SELECT state FROM log_events WHERE topic IN ({marks})",  # noqa: S608 - marks alone
        topics,
    )
    counts: Counter[str] = Counter()
    for (state,) in found:
        records = (keys.records.get(each.keyid) for each in decode(state).signatures)
        counts[attestation(record.custody for record in records if record)] += 1
    counts[SERVICE_ALONE] += events - counts.total()
    return dict(sorted(counts.items()))
