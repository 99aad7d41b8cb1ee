"""A bank return file as it came in, and what was decided about each of its lines."""

from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import Money, stable_id


class Statement(Root):
    TOPIC = "statement"

    class Received(Event, frozen=True):
        TOPIC = "statement.received"
        batch_id: UUID
        bank_format: str
        file_sha256: str
        line_count: int
        settled_count: int
        settled_total_fen: Money
        returned_count: int
        returned_total_fen: Money
        unresolved_count: int

        def apply(self, aggregate: "Statement") -> None:
            aggregate.settled_count = self.settled_count
            aggregate.returned_count = self.returned_count
            aggregate.unresolved_count = self.unresolved_count
            aggregate.numbers = set()

    class LineMatched(Event, frozen=True):
        """A line of the file met this payment.

        A bank that lists failures only has no line for a success: `line` is then null, and the
        control totals vouch for it.
        """

        TOPIC = "statement.line_matched"
        batch_id: UUID
        number: int
        line: int | None
        disbursement_id: UUID
        outcome: str
        reason: str | None
        raw_code: str | None
        amount_fen: Money

        def apply(self, aggregate: "Statement") -> None:
            aggregate.numbers.add(self.number)

    settled_count: int
    returned_count: int
    unresolved_count: int
    numbers: set[int]  # rows that lines were matched to

    @property
    def is_whole(self) -> bool:
        """Whether all that the file says is on record: a long one is taken in piece by piece."""
        said = self.settled_count + self.returned_count + self.unresolved_count
        return len(self.numbers) >= said

    @classmethod
    def receive(
        cls,
        act: Act,
        *,
        batch_id: UUID,
        bank_format: str,
        file_sha256: str,
        line_count: int,
        settled_count: int,
        settled_total: Money,
        returned_count: int,
        returned_total: Money,
        unresolved_count: int,
    ) -> "Statement":
        return cls.begin(
            cls.Received,
            act,
            statement_id(batch_id, file_sha256),
            batch_id=batch_id,
            bank_format=bank_format,
            file_sha256=file_sha256,
            line_count=line_count,
            settled_count=settled_count,
            settled_total_fen=settled_total,
            returned_count=returned_count,
            returned_total_fen=returned_total,
            unresolved_count=unresolved_count,
        )

    def match_line(
        self,
        act: Act,
        *,
        batch_id: UUID,
        number: int,
        line: int | None,
        disbursement_id: UUID,
        outcome: str,
        reason: str | None,
        raw_code: str | None,
        amount: Money,
    ) -> None:
        self.trigger_event(
            self.LineMatched,
            act,
            batch_id=batch_id,
            number=number,
            line=line,
            disbursement_id=disbursement_id,
            outcome=outcome,
            reason=reason,
            raw_code=raw_code,
            amount_fen=amount,
        )


def statement_id(batch_id: UUID, file_sha256: str) -> UUID:
    return stable_id("statement", batch_id, file_sha256)
