"""Files that were written for the bank of a batch: what they come to, by their totals and rows."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, func, select

from ledger.domain.values import Money
from projections.batches import Batch, rows_listed


@dataclass(frozen=True, slots=True)
class BankFileSums:
    """What the files of a batch that count come to, each content once.

    `sent_fen` is of all rows that any of them holds, each once; `listed_fen` what the rows of each
    were approved for, and `total_fen` what the files say themselves.
    """

    sent_fen: Money
    listed_fen: Money
    total_fen: Money


def bank_file_sums(connection: Connection, batch: Batch) -> BankFileSums | None:
    """Return what the bank was sent of a batch; None where no file counts."""
    files = {each.file_sha256: each for each in batch.bank_files}.values()
    if not files:
        return None

    def worth(numbers: Collection[int]) -> int:
        return _approved_for(connection, batch.batch_id, numbers)

    listed = 0
    held: set[int] = set()
    absent: set[int] | None = None
    for file in files:
        if file.numbers is not None:
            listed += worth(file.numbers)
            held.update(file.numbers)
        else:
            without = set(file.without or ())
            listed += batch.accepted_total_fen - worth(without)
            absent = without if absent is None else absent & without
    sent = worth(held) if absent is None else batch.accepted_total_fen - worth(absent - held)
    total = sum(each.total_fen or 0 for each in files)
    return BankFileSums(Money(sent), Money(listed), Money(total))


def _approved_for(connection: Connection, batch_id: UUID, numbers: Collection[int]) -> int:
    if not numbers:
        return 0
    statement = (
        select(func.coalesce(func.sum(rows_listed.c.amount_fen), 0))
        .where(rows_listed.c.batch_id == batch_id.bytes, rows_listed.c.code.is_(None))
        .where(rows_listed.c.number.in_(numbers))
    )
    return int(connection.execute(statement).scalar_one())
