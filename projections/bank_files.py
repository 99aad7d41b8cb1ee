"""Files that were written for the bank of a batch: what they come to, by their totals and rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, func, select

from ledger.domain.values import Money
from projections.batches import Batch, rows_listed

ASKED_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class BankFileSums:
    """What the files of a batch that count come to, each content once.

    `sent_fen` is of all rows that any of them holds, each once; `listed_fen` what the rows of each
    were approved for, and `total_fen` what the files say themselves. Older files do not tell whom
    they hold: where all are such, what they list is None.
    """

    sent_fen: Money
    listed_fen: Money | None
    total_fen: Money


def bank_file_sums(connection: Connection, batch: Batch) -> BankFileSums | None:
    """Return what the bank was sent of a batch; None where no file counts."""
    files = {each.file_sha256: each for each in batch.bank_files}.values()
    if not files:
        return None
    told = [each for each in files if each.numbers is not None or each.without is not None]
    if not told:
        first = next(iter(files))
        return BankFileSums(Money(first.total_fen or 0), None, Money(first.total_fen or 0))

    def worth(numbers: Collection[int]) -> int:
        return _approved_for(connection, batch.batch_id, sorted(numbers))

    listed = 0
    held: set[int] = set()
    absent: set[int] | None = None
    for file in told:
        if file.numbers is not None:
            listed += worth(file.numbers)
            held.update(file.numbers)
        else:
            without = set(file.without or ())
            listed += batch.accepted_total_fen - worth(without)
            absent = without if absent is None else absent & without
    sent = worth(held) if absent is None else batch.accepted_total_fen - worth(absent - held)
    total = sum(each.total_fen or 0 for each in told)
    return BankFileSums(Money(sent), Money(listed), Money(total))


def _approved_for(connection: Connection, batch_id: UUID, numbers: Sequence[int]) -> int:
    total = 0
    for at in range(0, len(numbers), ASKED_AT_ONCE):
        statement = (
            select(func.coalesce(func.sum(rows_listed.c.amount_fen), 0))
            .where(rows_listed.c.batch_id == batch_id.bytes, rows_listed.c.code.is_(None))
            .where(rows_listed.c.number.in_(numbers[at : at + ASKED_AT_ONCE]))
        )
        total += int(connection.execute(statement).scalar_one())
    return total
