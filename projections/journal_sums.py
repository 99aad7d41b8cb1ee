"""The journal summed up by block, so that figures over millions of lines read a few thousand."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Subquery,
    Table,
    and_,
    func,
    insert,
    literal,
    select,
    union_all,
)

from ledger.domain.aggregate import Event
from ledger.domain.values import Money
from projections.asked import NOW, Moment
from projections.blocks import blocks_at
from projections.journal import Account, lines
from projections.view import (
    Block,
    Fold,
    Handler,
    Projection,
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
        self._amounts: Counter[tuple[str, str]] = Counter()

    def add(self, source: str, target: str, amount: int) -> None:
        self._amounts[source, target] += amount

    def between(self, source: Account, target: Account) -> Money:
        return Money(self._amounts[source, target])

    def into(self, account: Account) -> Money:
        return Money(sum(n for (_, target), n in self._amounts.items() if target == account))

    def net(self, *accounts: Account) -> Money:
        """Return what came into accounts less what left them."""
        held = 0
        for (source, target), amount in self._amounts.items():
            held += amount * ((target in accounts) - (source in accounts))
        return Money(held)


def routes(
    connection: Connection,
    moment: Moment,
    by: Sequence[str] = (),
    where: Callable[[FromClause], Iterable[ColumnElement[bool]]] = lambda _: (),
) -> dict[tuple[Any, ...], Routes]:
    """Return what went where up to a moment, told apart by columns of the journal's lines.

    Whole blocks and the open one are asked one after the other: together they would be copied
    first, which takes as long as to sum them up.

    Args:
        connection: Of the read model.
        moment: As of when.
        by: Names of columns.
        where: What holds of the lines, given the table that has their columns.
    """
    blocks = blocks_at(connection, moment)
    folded = (sums, and_(sums.c.block < blocks.whole, moment.by_day(sums)))
    since = (lines, and_(lines.c.position >= blocks.end, moment.covers(lines)))
    found: dict[tuple[Any, ...], Routes] = defaultdict(Routes)
    for table, until in (folded, since):
        alike = (*(table.c[name] for name in by), table.c.from_account, table.c.to_account)
        statement = select(*alike, func.sum(table.c.amount_fen)).where(until, *where(table))
        for *key_, source, target, amount in connection.execute(statement.group_by(*alike)):
            found[tuple(key_)].add(source, target, amount)
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


def moved_since(
    connection: Connection, moment: Moment, followed: CTE, *, along: Sequence[str] = ()
) -> Subquery:
    """Return the same of some lots alone, of each since a position of its own.

    Args:
        connection: Of the read model.
        moment: As of when.
        followed: Has the columns `lot_id` and `since`; what moved after `since` counts.
        along: Further columns of `followed`, by which what moved is to be told apart.
    """
    blocks = blocks_at(connection, moment)
    names = ("happened_on", "from_account", "to_account", "amount_fen")
    told = [followed.c[name] for name in along]
    # The block in which a lot begins to count is read line by line.
    begins = followed.c.since // blocks.positions
    folded = (
        select(*(sums.c[name] for name in names), *told)
        .join(followed, sums.c.lot_id == followed.c.lot_id)
        .where(sums.c.block > begins, sums.c.block < blocks.whole, moment.by_day(sums))
    )
    first = (
        select(*(lines.c[name] for name in names), *told)
        .join(followed, lines.c.lot_id == followed.c.lot_id)
        .where(lines.c.position > followed.c.since)
        .where(lines.c.position < (begins + 1) * blocks.positions)
        .where(lines.c.position < blocks.end, moment.covers(lines))
    )
    since = (
        select(*(lines.c[name] for name in names), *told)
        .join(followed, lines.c.lot_id == followed.c.lot_id)
        .where(lines.c.position > followed.c.since)
        .where(lines.c.position >= blocks.end, moment.covers(lines))
    )
    return union_all(folded, first, since).subquery("moved")


def _fold(connection: Connection, block: Block) -> None:
    alike = [lines.c[name] for name in ALIKE]
    come_to = (
        select(
            literal(block.number),
            *alike,
            func.sum(lines.c.amount_fen),
            func.min(lines.c.position),
        )
        .where(block.holds(lines.c.position))
        .group_by(*alike)
    )
    names = ("block", *ALIKE, "amount_fen", "first_position")
    connection.execute(insert(sums).from_select(names, come_to))
