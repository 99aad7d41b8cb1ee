"""Bank accounts held against the books: lines, items and matches, each as it stands now.

What is open has to be found among all that ever was, so these rows change in place; who decided
what, and when, stays in rows that are only added.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar

from sqlalchemy import Column as SqlColumn
from sqlalchemy import Connection, Index, LargeBinary, Row, Table

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.bank_account import BankAccount
from ledger.domain.bank_match import BankMatch
from ledger.domain.bank_statement import BankStatement, LineState
from ledger.domain.batch import Batch
from ledger.domain.book_item import BookItem
from ledger.domain.book_movements import MOVING, kind_of, moved_by, moves
from ledger.domain.fund import FundAccount, fund_id
from ledger.store.feed import Recorded
from projections.view import (
    Change,
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

OPEN, MATCHED = LineState.OPEN.value, LineState.MATCHED.value
TAKEN_UP = "taken_up"
"""What was decided of a line that had been set aside, and is to be explained again."""


def _key(name: str) -> SqlColumn[bytes]:
    return SqlColumn(name, LargeBinary(16), primary_key=True)


accounts = Table(
    "bank_accounts",
    metadata,
    _key("account_id"),
    id_column("organisation_id"),
    text_column("name"),
    text_column("bank_format"),
    text_column("begins_on"),
    number_column("opening_fen"),
    text_column("closed_on", nullable=True),
    number_column("position"),
)

kept_funds = Table(
    "bank_funds",
    metadata,
    _key("fund_id"),
    id_column("account_id"),
    id_column("organisation_id"),
    number_column("position"),
    Index("bank_funds_by_account", "account_id"),
)

spans = Table(
    "bank_spans",
    metadata,
    number_column("position", primary_key=True),
    id_column("account_id"),
    id_column("statement_id"),
    text_column("opened_on"),
    text_column("closed_on"),
    number_column("opening_fen"),
    number_column("closing_fen"),
    Index("bank_spans_by_account", "account_id", "opened_on"),
)

files = Table(
    "bank_statements",
    metadata,
    number_column("position", primary_key=True),
    id_column("statement_id"),
    id_column("account_id"),
    text_column("bank_format"),
    text_column("number", nullable=True),
    text_column("file_sha256"),
    text_column("opened_on"),
    text_column("closed_on"),
    number_column("opening_fen"),
    number_column("closing_fen"),
    number_column("line_count"),
    number_column("known_count"),
    text_column("happened_on"),
    id_column("officer_id", nullable=True),
    Index("bank_statements_by_account", "account_id", "position"),
    Index("bank_statements_by_id", "statement_id"),
)

withdrawn = Table(
    "bank_withdrawn",
    metadata,
    number_column("position", primary_key=True),
    id_column("statement_id"),
    id_column("account_id"),
    text_column("happened_on"),
    id_column("officer_id", nullable=True),
    text_column("reason"),
    Index("bank_withdrawn_by_account", "account_id", "position"),
)
"""Statements that were taken in by mistake: of them no line and no day is left."""

lines = Table(
    "bank_lines",
    metadata,
    _key("statement_id"),
    number_column("line", primary_key=True),
    id_column("account_id"),
    text_column("booked_on"),
    number_column("amount_fen"),
    number_column("count"),
    text_column("end_to_end_id", nullable=True),
    text_column("reference", nullable=True),
    text_column("batch_code", nullable=True),
    text_column("document", nullable=True),
    number_column("returned"),
    text_column("payer_index", nullable=True),
    number_column("position"),
    text_column("state"),
    SqlColumn("match_id", LargeBinary(16), nullable=True),
    text_column("reason", nullable=True),
    Index("bank_lines_open", "account_id", "state", "booked_on", "position", "amount_fen"),
    Index("bank_lines_by_match", "match_id"),
)
"""`payer_index` is the keyed index of the other account's number."""

items = Table(
    "book_items",
    metadata,
    _key("source_id"),
    number_column("version", primary_key=True),
    text_column("kind"),
    id_column("fund_id"),
    id_column("organisation_id"),
    text_column("booked_on"),
    number_column("amount_fen"),
    text_column("document", nullable=True),
    SqlColumn("allocation_id", LargeBinary(16), nullable=True),
    number_column("position"),
    text_column("state"),
    SqlColumn("match_id", LargeBinary(16), nullable=True),
    Index("book_items_open", "fund_id", "state", "booked_on", "position", "amount_fen"),
    Index("book_items_by_match", "match_id"),
)
"""What the books moved on a bank account: a batch's payout, one payment, or an entry of a fund."""

batch_funds = Table(
    "batch_funds",
    metadata,
    _key("batch_id"),
    id_column("fund_id"),
    text_column("code"),
)

matches = Table(
    "bank_matches",
    metadata,
    _key("match_id"),
    id_column("account_id"),
    number_column("amount_fen"),
    number_column("line_count"),
    number_column("item_count"),
    text_column("first_day"),
    text_column("last_day"),
    text_column("rule", nullable=True),
    number_column("rule_version", nullable=True),
    text_column("facts"),
    text_column("reason"),
    text_column("made_on"),
    id_column("officer_id", nullable=True),
    number_column("position"),
    text_column("undone_on", nullable=True),
    number_column("undone_at", nullable=True),
    Index("bank_matches_by_account", "account_id", "undone_on", "last_day"),
)

decisions = Table(
    "bank_decisions",
    metadata,
    number_column("position", primary_key=True),
    id_column("account_id"),
    text_column("what"),
    text_column("happened_on"),
    id_column("officer_id", nullable=True),
    id_column("match_id", nullable=True),
    id_column("statement_id", nullable=True),
    number_column("line", nullable=True),
    text_column("reason", nullable=True),
    Index("bank_decisions_by_account", "account_id", "what", "position"),
)
"""Who decided what about lines, act by act."""


class BankBooks(Projection):
    tables: ClassVar = (
        accounts,
        kept_funds,
        spans,
        files,
        withdrawn,
        lines,
        items,
        batch_funds,
        matches,
        decisions,
    )

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            BankAccount.StatementTaken: _span,
            BankStatement.Received: _file,
            BankStatement.LineSetAside: _set_aside,
            BankStatement.LinesReopened: _reopened,
            BankStatement.Withdrawn: _withdrawn,
            BankMatch.Made: _made,
            BankMatch.Undone: _undone,
        }

    def changing(self) -> Change:
        return Change(frozenset(CHANGES), _change)


# What is added.


def _span(event: BankAccount.StatementTaken, position: int, rows: Rows) -> None:
    rows["bank_spans"].append(
        (
            position,
            event.originator_id.bytes,
            event.statement_id.bytes,
            event.opened_on.isoformat(),
            event.closed_on.isoformat(),
            event.opening_fen,
            event.closing_fen,
        )
    )


def _file(event: BankStatement.Received, position: int, rows: Rows) -> None:
    rows["bank_statements"].append(
        (
            position,
            event.originator_id.bytes,
            event.account_id.bytes,
            event.bank_format,
            event.number,
            event.file_sha256,
            event.opened_on.isoformat(),
            event.closed_on.isoformat(),
            event.opening_fen,
            event.closing_fen,
            event.line_count,
            event.known_count,
            event.happened_on.isoformat(),
            _officer(event),
        )
    )


def _withdrawn(event: BankStatement.Withdrawn, position: int, rows: Rows) -> None:
    rows["bank_withdrawn"].append(
        (
            position,
            event.originator_id.bytes,
            event.account_id.bytes,
            event.happened_on.isoformat(),
            _officer(event),
            event.reason,
        )
    )


def _made(event: BankMatch.Made, position: int, rows: Rows) -> None:
    _decision(event, position, rows, "matched", match_id=event.originator_id.bytes)


def _undone(event: BankMatch.Undone, position: int, rows: Rows) -> None:
    _decision(event, position, rows, "undone", match_id=event.originator_id.bytes)


def _set_aside(event: BankStatement.LineSetAside, position: int, rows: Rows) -> None:
    statement = event.originator_id.bytes
    _decision(event, position, rows, event.state.value, statement_id=statement, line=event.line)


def _reopened(event: BankStatement.LinesReopened, position: int, rows: Rows) -> None:
    if event.match_id is None:  # Of a match, its undoing says so.
        statement = event.originator_id.bytes
        number = event.lines[0].line
        _decision(event, position, rows, TAKEN_UP, statement_id=statement, line=number)


def _decision(
    event: Any,
    position: int,
    rows: Rows,
    what: str,
    *,
    match_id: bytes | None = None,
    statement_id: bytes | None = None,
    line: int | None = None,
) -> None:
    rows["bank_decisions"].append(
        (
            position,
            event.account_id.bytes,
            what,
            event.happened_on.isoformat(),
            _officer(event),
            match_id,
            statement_id,
            line,
            event.reason or None,
        )
    )


# What changes: runs of one kind of event at a time, in the order of the log.

Sets = Callable[[Any, int], Iterable[tuple[Any, ...]]]
"""What an event at a position sets, as parameters of its statement."""


def _change(connection: Connection, batch: Sequence[Recorded]) -> None:
    for kind, run in groupby(batch, key=lambda each: type(each.event)):
        statement, sets = CHANGES[kind]
        given = [values for position, event in run for values in sets(event, position)]
        if given:
            connection.exec_driver_sql(statement, given)


def _account(event: BankAccount.Registered, position: int) -> Iterable[tuple[Any, ...]]:
    yield (
        event.originator_id.bytes,
        event.organisation_id.bytes,
        event.name,
        event.bank_format,
        event.begins_on.isoformat(),
        event.opening_fen,
        position,
    )


def _closed(event: BankAccount.Closed, _: int) -> Iterable[tuple[Any, ...]]:
    yield event.happened_on.isoformat(), event.originator_id.bytes


def _kept(event: FundAccount.KeptAt, position: int) -> Iterable[tuple[Any, ...]]:
    yield (
        event.originator_id.bytes,
        event.bank_account_id.bytes,
        event.organisation_id.bytes,
        position,
    )


def _line(event: BankStatement.LineTaken, position: int) -> Iterable[tuple[Any, ...]]:
    yield (
        event.originator_id.bytes,
        event.line,
        event.account_id.bytes,
        event.booked_on.isoformat(),
        event.amount_fen,
        event.count,
        event.end_to_end_id,
        event.reference,
        event.batch_code,
        event.document,
        int(event.returned),
        event.payer_index,
        position,
        OPEN,
    )


def _lines_matched(event: BankStatement.LinesMatched, _: int) -> Iterable[tuple[Any, ...]]:
    for ref in event.lines:
        yield MATCHED, event.match_id.bytes, None, event.originator_id.bytes, ref.line


def _line_aside(event: BankStatement.LineSetAside, _: int) -> Iterable[tuple[Any, ...]]:
    yield event.state.value, None, event.reason, event.originator_id.bytes, event.line


def _lines_gone(event: BankStatement.Withdrawn, _: int) -> Iterable[tuple[Any, ...]]:
    yield (event.originator_id.bytes,)


def _days_gone(event: BankAccount.StatementWithdrawn, position: int) -> Iterable[tuple[Any, ...]]:
    yield event.statement_id.bytes, position


def _lines_reopened(event: BankStatement.LinesReopened, _: int) -> Iterable[tuple[Any, ...]]:
    for ref in event.lines:
        yield OPEN, None, None, event.originator_id.bytes, ref.line


def _drafted(event: Batch.Drafted, _: int) -> Iterable[tuple[Any, ...]]:
    fund = fund_id(event.organisation_id, event.earmark)
    yield event.originator_id.bytes, fund.bytes, event.code


def _payout(event: Batch.Approved, position: int) -> Iterable[tuple[Any, ...]]:
    yield (
        event.originator_id.bytes,
        event.originator_version,
        kind_of(event).value,
        event.originator_id.bytes,
        event.organisation_id.bytes,
        event.happened_on.isoformat(),
        -event.accepted_total_fen,
        None,
        None,
        position,
        OPEN,
    )


def _moved(event: Any, position: int) -> Iterable[tuple[Any, ...]]:
    if not moves(event):
        return
    allocation = getattr(event, "allocation_id", None)
    yield (
        event.originator_id.bytes,
        event.originator_version,
        kind_of(event).value,
        getattr(event, "fund_id", event.originator_id).bytes,
        event.organisation_id.bytes,
        event.happened_on.isoformat(),
        moved_by(event),
        getattr(event, "document", None),
        None if allocation is None else allocation.bytes,
        position,
        OPEN,
    )


def _item_matched(event: BookItem.Matched, _: int) -> Iterable[tuple[Any, ...]]:
    yield MATCHED, event.match_id.bytes, event.source_id.bytes, event.source_version


def _item_released(event: BookItem.Released, _: int) -> Iterable[tuple[Any, ...]]:
    yield OPEN, None, event.source_id.bytes, event.source_version


def _match_made(event: BankMatch.Made, position: int) -> Iterable[tuple[Any, ...]]:
    yield (
        event.originator_id.bytes,
        event.account_id.bytes,
        event.amount_fen,
        event.line_count,
        len(event.item_ids),
        event.first_day.isoformat(),
        event.last_day.isoformat(),
        event.rule,
        event.rule_version,
        " ".join(event.facts),
        event.reason,
        event.happened_on.isoformat(),
        _officer(event),
        position,
    )


def _match_undone(event: BankMatch.Undone, position: int) -> Iterable[tuple[Any, ...]]:
    yield event.happened_on.isoformat(), position, event.originator_id.bytes


def _officer(event: Event) -> bytes | None:
    return None if event.actor == OPERATOR else _uuid_bytes(event.actor)


def _uuid_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


_SET_LINE = (
    "UPDATE bank_lines SET state = ?, match_id = ?, reason = ? WHERE statement_id = ? AND line = ?"
)
_SET_ITEM = "UPDATE book_items SET state = ?, match_id = ? WHERE source_id = ? AND version = ?"
_ADD_ITEM = "INSERT INTO book_items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
_ADD_PAYOUT = (
    "INSERT INTO book_items VALUES"
    " (?, ?, ?, (SELECT fund_id FROM batch_funds WHERE batch_id = ?), ?, ?, ?, ?, ?, ?, ?, NULL)"
)

CHANGES: Mapping[type[Event], tuple[str, Sets]] = {
    BankAccount.Registered: (
        "INSERT INTO bank_accounts VALUES (?, ?, ?, ?, ?, ?, NULL, ?)",
        _account,
    ),
    BankAccount.Closed: ("UPDATE bank_accounts SET closed_on = ? WHERE account_id = ?", _closed),
    FundAccount.KeptAt: ("INSERT INTO bank_funds VALUES (?, ?, ?, ?)", _kept),
    BankStatement.LineTaken: (
        "INSERT INTO bank_lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
        _line,
    ),
    BankStatement.LinesMatched: (_SET_LINE, _lines_matched),
    BankStatement.LineSetAside: (_SET_LINE, _line_aside),
    BankStatement.LinesReopened: (_SET_LINE, _lines_reopened),
    BankStatement.Withdrawn: ("DELETE FROM bank_lines WHERE statement_id = ?", _lines_gone),
    BankAccount.StatementWithdrawn: (
        "DELETE FROM bank_spans WHERE statement_id = ? AND position < ?",
        _days_gone,
    ),
    Batch.Drafted: ("INSERT INTO batch_funds VALUES (?, ?, ?)", _drafted),
    Batch.Approved: (_ADD_PAYOUT, _payout),
    **dict.fromkeys(sorted(MOVING.keys() - {Batch.Approved}, key=repr), (_ADD_ITEM, _moved)),
    BookItem.Matched: (_SET_ITEM, _item_matched),
    BookItem.Released: (_SET_ITEM, _item_released),
    BankMatch.Made: (
        "INSERT INTO bank_matches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
        _match_made,
    ),
    BankMatch.Undone: (
        "UPDATE bank_matches SET undone_on = ?, undone_at = ? WHERE match_id = ?",
        _match_undone,
    ),
}


def numbered_next(before: Row[Any] | None, row: Row[Any]) -> bool:
    """Say whether the bank counts one statement right after another, in one format."""
    if before is None or before.bank_format != row.bank_format:
        return False
    numbers = [each.number or "" for each in (before, row)]
    if not all(each.isascii() and each.isdecimal() for each in numbers):
        return False
    return int(numbers[0]) + 1 == int(numbers[1])
