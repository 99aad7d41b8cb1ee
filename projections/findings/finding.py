"""A finding: what looks wrong in what the ledger holds, by a rule's code."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Severity(StrEnum):
    """`E` must be put right, `W` is to be looked into, `I` is to be known."""

    ERROR = "E"
    WARNING = "W"
    INFORMATION = "I"


@dataclass(frozen=True, slots=True)
class Finding:
    """So many things of one kind at one organisation, that broke one rule or may have.

    `organisation_id` is None for what concerns the ledger as a whole. `detail` says more in a
    code: of a refusal, or of a document that is due. What is behind it is named by the ids:
    `payment_ids` are those of this organisation, where a rule looks at each.

    A case is known by `position` among others, so it stays the same however much is found later:
    for several payments it is where the first of them stands. `stood_at` are other positions that
    it was known by in earlier versions. `days_late` is told of what was made good since: by how
    many days the last of it was late.
    """

    rule: str
    severity: Severity
    organisation_id: UUID | None
    since: str
    count: int
    amount_fen: int | None = None
    detail: str | None = None
    campaign_id: UUID | None = None
    batch_id: UUID | None = None
    year: int | None = None
    position: int | None = None
    person_id: UUID | None = None
    account_id: UUID | None = None
    payment_ids: tuple[UUID, ...] = ()
    stood_at: tuple[int, ...] = ()
    days_late: int | None = None
