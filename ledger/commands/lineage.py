"""Who stands above whom on a day."""

from datetime import date
from uuid import UUID

from ledger.domain.organisation import Organisation
from ledger.store.application import Work

DEPTH_MAX = 50


def lineage(work: Work, id_: UUID, day: date) -> list[UUID]:
    """Return the organisation and all above it on a day, lowest first."""
    line: list[UUID] = []
    at: UUID | None = id_
    while at is not None and len(line) < DEPTH_MAX:
        line.append(at)
        at = work.get(Organisation, at).parent_on(day)
    return line
