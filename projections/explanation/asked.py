"""What an explanation is asked about: one payment, and all that bears on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.disbursement import Disbursement as Payment
from ledger.domain.policy import CategoryRule, Deadline, Policy
from ledger.store.feed import Recorded
from projections.asked import NOW
from projections.batches import Batch, Campaign
from projections.disbursements import Disbursement
from projections.findings.archive import File, files_of
from projections.findings.asked import Asked as AskedOfAll
from projections.findings.asked import Patience
from projections.findings.finding import Finding
from projections.notices import Notice
from projections.officers import Tenure
from projections.organisations import Tree

Happened = TypeVar("Happened", bound=Event)

PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Reading:
    """An adoption of the campaign's policy: the `number`th, and where the log has it."""

    adopted: Policy.Adopted
    number: int
    position: int


@dataclass(frozen=True)
class Asked:
    """One payment as it stands, and what is looked at beside it.

    `events` are those of its own stream, `readings` all adoptions of its campaign's policy.
    `findings` are what the rules found at its union, and of the ledger as a whole where the reader
    sees that, which `sees_whole` says.
    `deadlines` are those of its campaign that count. `day_of` uncovers a day that a list of others
    holds veiled. `patience` is what was borne at its union when its status began, `borne_on` says
    it of another day.
    """

    connection: Connection
    day: date
    payment: Disbursement
    batch: Batch
    campaign: Campaign
    readings: Sequence[Reading]
    events: Sequence[Recorded]
    notices: Sequence[Notice]
    tenures: Mapping[UUID, Sequence[Tenure]]
    tree: Tree
    findings: Sequence[Finding]
    sees_whole: bool
    patience: Patience = PATIENCE
    day_of: Callable[[str, bytes, bytes], date] | None = None
    deadlines: Sequence[Deadline] = ()
    borne_on: Callable[[date], Patience] | None = None

    @cached_property
    def paid_on(self) -> date:
        """The day on which it was approved: the policy of that day counts."""
        return date.fromisoformat(self.payment.happened_on)

    @cached_property
    def sent_on(self) -> date:
        """The day on which it was sent last: what came back may have been paid again."""
        return max(
            (each.happened_on for _, each in self.of(Payment.Reissued)), default=self.paid_on
        )

    @cached_property
    def every(self) -> AskedOfAll:
        """What rules over all payments are asked about, who say the same of this one."""
        return AskedOfAll(self.connection, self.day, [], moment=NOW, day_of=self.day_of)

    @cached_property
    def files(self) -> Sequence[File]:
        """The files of its person in the archive."""
        return files_of(self.every, [self.payment.person_id.bytes])[self.payment.person_id.bytes]

    @cached_property
    def reading(self) -> Reading | None:
        """The policy as it was known, and in force, when the payment was approved."""
        return self.reading_on(self.payment.happened_on, self.payment.position)

    def reading_on(self, day: str, position: int) -> Reading | None:
        """Return the policy as it was in force on a day, and known at a position."""
        known = [each for each in self.readings if each.position < position]
        return self._counting(known, date.fromisoformat(day))

    @cached_property
    def later_reading(self) -> Reading | None:
        """The reading that counts for that day by now, where it is another one."""
        now = self._counting(self.readings, self.paid_on)
        return None if now == self.reading else now

    @cached_property
    def category(self) -> CategoryRule | None:
        return self.category_by(self.reading)

    def category_by(self, reading: Reading | None) -> CategoryRule | None:
        """Return what a reading of the policy says of the payment's category."""
        return None if reading is None else reading.adopted.rule_for(self.payment.category)

    def of(self, kind: type[Happened]) -> list[tuple[int, Happened]]:
        """Return the payment's events of a class, each with its position."""
        return [(each.position, each.event) for each in self.events if isinstance(each.event, kind)]

    def _counting(self, readings: Sequence[Reading], day: date) -> Reading | None:
        in_force = [r for r in readings if r.adopted.effective_from <= day]
        return in_force[-1] if in_force else None


def officer_of(event: Event) -> UUID | None:
    """Return the officer who did it; None where the operator entered it."""
    return None if event.actor == OPERATOR else UUID(event.actor)
