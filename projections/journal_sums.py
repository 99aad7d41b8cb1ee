"""The journal summed up by block, so that figures over millions of lines read a few thousand."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    insert,
    literal_column,
    select,
    union_all,
)

from ledger.domain.aggregate import Event
from ledger.domain.values import Money
from projections.asked import NOW, Moment
from projections.blocks import FOLDED, blocks_at
from projections.journal import Account, lines
from projections.view import (
    Fold,
    Handler,
    Projection,
    Span,
    id_column,
    key,
    metadata,
    number_column,
    text_column,
)

sums = Table(
    "journal_sums",
    metadata,
    number_column("block"),
    text_column("happened_on"),
    text_column("from_account"),
    text_column("to_account"),
    id_column("organisation_id"),
    id_column("fund_id"),
    id_column("lot_id"),
    id_column("origin_id"),
    number_column("vintage"),
    number_column("amount_fen"),
    number_column("first_position"),
    Index("journal_sums_by_lot", "lot_id", "block"),
    key("block", "lot_id", "happened_on", "from_account", "to_account"),
)
"""What went from account to account within a block, of each lot and day."""

ALIKE = (
    "happened_on",
    "from_account",
    "to_account",
    "organisation_id",
    "fund_id",
    "lot_id",
    "origin_id",
    "vintage",
)


class JournalSums(Projection):
    tables: ClassVar = (sums,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {}

    def folding(self) -> Fold:
        return _fold


class Routes:
    """How much went from which account to which."""

    def __init__(self) -> None:
        self._amounts: dict[tuple[str, str], int] = {}

    def add(self, source: str, target: str, amount: int) -> None:
        route = source, target
        self._amounts[route] = self._amounts.get(route, 0) + amount

    def items(self) -> Iterator[tuple[str, str, int]]:
        """Return from which account to which, and how much."""
        return ((source, target, amount) for (source, target), amount in self._amounts.items())

    def between(self, source: Account, target: Account) -> Money:
        return Money(self._amounts.get((source, target), 0))

    def into(self, account: Account) -> Money:
        return Money(sum(n for (_, target), n in self._amounts.items() if target == account))

    def net(self, *accounts: Account) -> Money:
        """Return what came into accounts less what left them."""
        held = 0
        for (source, target), amount in self._amounts.items():
            held += amount * ((target in accounts) - (source in accounts))
        return Money(held)


@dataclass(frozen=True, slots=True)
class Among:
    """Which lines are meant: of some organisations, some accounts, vintages before a year."""

    organisation_ids: frozenset[bytes] | None = None
    fund_ids: frozenset[bytes] | None = None
    before: int | None = None

    def of(self, table: FromClause) -> Iterator[ColumnElement[bool]]:
        """Return what holds of the rows of a table that has the columns of lines."""
        if self.organisation_ids is not None:
            yield table.c.organisation_id.in_(sorted(self.organisation_ids))
        if self.fund_ids is not None:
            yield table.c.fund_id.in_(sorted(self.fund_ids))
        if self.before is not None:
            yield table.c.vintage < self.before


EVERY = Among()


def of_organisations(ids: Iterable[UUID]) -> Among:
    return Among(frozenset(each.bytes for each in ids))


def routes(
    connection: Connection, moment: Moment, by: Sequence[str] = (), among: Among = EVERY
) -> dict[tuple[Any, ...], Routes]:
    """Return what went where up to a moment, told apart by columns of the journal's lines.

    What whole blocks come to never changes, so it is kept; rows of the open one are read.

    Args:
        connection: Of the read model.
        moment: As of when.
        by: Names of columns.
        among: Which lines.
    """
    blocks = blocks_at(connection, moment)

    def asked(table: Table, until: ColumnElement[bool]) -> Select[Any]:
        alike = [table.c[name] for name in by]
        return _routed(table, alike).where(until, *among.of(table))

    folded = asked(sums, and_(sums.c.block < blocks.whole, moment.by_day(sums)))
    key_ = (blocks, moment.as_of, tuple(by), among)
    since = asked(lines, and_(lines.c.position >= blocks.end, moment.covers(lines)))
    return _added((*FOLDED.rows(connection, key_, folded), *connection.execute(since)))


def routes_since(
    connection: Connection, moment: Moment, followed: CTE, by: Sequence[str], asked: Hashable
) -> dict[tuple[Any, ...], Routes]:
    """Return what went where of some lots alone, of each since a position of its own.

    Args:
        connection: Of the read model.
        moment: As of when.
        followed: Has the columns `lot_id` and `since`; what moved after `since` counts. What it
            has of a `since` before any position may not change any more.
        by: Names of columns, of `followed` or else of the journal's lines.
        asked: Tells `followed` from all others.
    """
    blocks = blocks_at(connection, moment)
    # The block in which a lot begins to count is read line by line.
    begins = followed.c.since // blocks.positions

    def of(table: Table, *until: ColumnElement[bool]) -> Select[Any]:
        alike = [followed.c[name] if name in followed.c else table.c[name] for name in by]
        joined = _routed(table, alike).join(followed, table.c.lot_id == followed.c.lot_id)
        return joined.where(*until)

    later, known = lines.c.position > followed.c.since, moment.covers(lines)
    within = and_(sums.c.block > begins, sums.c.block < blocks.whole)
    first = and_(lines.c.position < (begins + 1) * blocks.positions, lines.c.position < blocks.end)
    key_ = (blocks, moment.as_of, tuple(by), asked)
    folded = FOLDED.rows(
        connection, key_, of(sums, within, moment.by_day(sums)), of(lines, later, first, known)
    )
    # One bound, not two: SQLite looks for one in the index, and reads all rows for the other.
    last = case((followed.c.since >= blocks.end, followed.c.since), else_=blocks.end - 1)
    since = of(lines, lines.c.position > last, known)
    return _added((*folded, *connection.execute(since)))


def routes_until(
    connection: Connection, moment: Moment, begun: CTE, by: Sequence[str], asked: Hashable
) -> dict[tuple[Any, ...], Routes]:
    """Return what went where of some lots alone, of each up to a position of its own.

    Whatever day it is of: what is brought forward at a position is what was left there.

    Args:
        connection: Of the read model.
        moment: As of when `begun` is meant.
        begun: Has the columns `lot_id` and `since`; what moved up to `since` counts. What it has
            of a `since` before any position may not change any more.
        by: Names of columns, of `begun` or else of the journal's lines.
        asked: Tells `begun` from all others.
    """
    blocks = blocks_at(connection, moment)
    begins = begun.c.since // blocks.positions

    def of(table: Table, *until: ColumnElement[bool]) -> Select[Any]:
        alike = [begun.c[name] if name in begun.c else table.c[name] for name in by]
        joined = _routed(table, alike).join(begun, table.c.lot_id == begun.c.lot_id)
        return joined.where(*until)

    long_ago = begun.c.since < blocks.end
    first = lines.c.position >= begins * blocks.positions
    key_ = (blocks, moment.as_of, tuple(by), ("until", asked))
    folded = FOLDED.rows(
        connection,
        key_,
        of(sums, sums.c.block < begins, long_ago),
        of(lines, first, lines.c.position <= begun.c.since, long_ago),
    )
    lately = begun.c.since >= blocks.end
    last = and_(lines.c.position >= blocks.end, lines.c.position <= begun.c.since)
    return _added(
        (
            *folded,
            *connection.execute(of(sums, sums.c.block < blocks.whole, lately)),
            *connection.execute(of(lines, last, lately)),
        )
    )


def _routed(table: Table, alike: Sequence[ColumnElement[Any]]) -> Select[Any]:
    columns = (*alike, table.c.from_account, table.c.to_account)
    return select(*columns, func.sum(table.c.amount_fen)).group_by(*columns)


def _added(rows: Iterable[Sequence[Any]]) -> dict[tuple[Any, ...], Routes]:
    found: dict[tuple[Any, ...], Routes] = defaultdict(Routes)
    for *alike, source, target, amount in rows:
        found[tuple(alike)].add(source, target, amount)
    return found


def moved(connection: Connection, moment: Moment = NOW) -> Subquery:
    """Return what can be asked like the journal's lines and comes to the same, in far fewer rows.

    It has the columns that lines have, but for the payment; `first_position` is that of the first
    line that a row is of.
    """
    blocks = blocks_at(connection, moment)
    folded = (
        select(*(sums.c[name] for name in ALIKE), sums.c.amount_fen, sums.c.first_position)
        .where(sums.c.block < blocks.whole)
        .where(moment.by_day(sums))
    )
    since = (
        select(*(lines.c[name] for name in ALIKE), lines.c.amount_fen, lines.c.position)
        .where(lines.c.position >= blocks.end)
        .where(moment.covers(lines))
    )
    return union_all(folded, since).subquery("moved")


def _fold(connection: Connection, span: Span) -> None:
    block = span.block_of(lines.c.position).label("in_block")
    alike = [lines.c[name] for name in ALIKE]
    come_to = (
        select(
            block,
            *alike,
            func.sum(lines.c.amount_fen),
            func.min(lines.c.position),
        )
        .where(span.holds(lines.c.position))
        .group_by(literal_column(block.name), *alike)
    )
    names = ("block", *ALIKE, "amount_fen", "first_position")
    connection.execute(insert(sums).from_select(names, come_to))
