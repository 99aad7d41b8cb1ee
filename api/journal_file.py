"""The journal as a file for programs of plain-text accounting, from the ledger at a moment."""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import Connection

from ledger.store.application import Ledger
from projections.account_book import AccountBook, Head
from projections.asked import Moment
from projections.exports import plain_text
from projections.exports.plain_text import Dialect
from projections.organisations import tree_on


def journal_lines(
    ledger: Ledger,
    connection: Connection,
    dialect: Dialect,
    moment: Moment,
    organisation_ids: Collection[UUID] | None = None,
) -> Iterator[bytes]:
    """Write the journal of some organisations, or of all, some hundred entries at a time."""
    last = ledger.size() - 1
    at = last if moment.at is None else min(moment.at, last)
    moment = Moment(moment.as_of, at)
    tree = tree_on(connection, moment.as_of, at)
    ids = list(tree.by_id) if organisation_ids is None else organisation_ids
    found = ledger.log.select_checkpoint(at + 1)
    facts = [
        ("账本 ledger", ledger.origin),
        ("截至日志位置 as known at position", str(at)),
        ("截至日期 as of", "" if moment.as_of is None else moment.as_of.isoformat()),
        ("检查点 checkpoint", "" if found is None else found[1].splitlines()[2]),
    ]

    def heads(start: int, stop: int) -> Iterator[Head]:
        return (Head(*each) for each in ledger.log.select_heads(start, stop))

    book = AccountBook(connection, tree, ids, moment)
    return plain_text.lines(book.book("暖账 Nuanzhang", facts, heads), dialect)
