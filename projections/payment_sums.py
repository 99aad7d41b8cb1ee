"""Payments summed up by block: how many stand where, on each day, without looking at each.

Payments that are alike in all that people ask by, and were instructed within one block, are a run.
What happens to them is kept as differences: so many more stand here from a day on, so many fewer
there. Differences of whole blocks and those of the open one add up to the figure at any moment.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Index,
    String,
    Table,
    case,
    cast,
    func,
    insert,
    literal_column,
    or_,
    select,
)

from ledger.domain.aggregate import Event
from projections.journal import Account, lines
from projections.payment_states import disbursements, states
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

runs = Table(
    "payment_runs",
    metadata,
    number_column("run", primary_key=True),
    number_column("last_position"),
    id_column("organisation_id"),
    id_column("fund_id"),
    id_column("campaign_id"),
    id_column("batch_id"),
    text_column("channel"),
    text_column("category"),
    text_column("origins"),
    text_column("happened_on"),
    number_column("count"),
    number_column("total_fen"),
    Index("runs_by_batch", "batch_id", "run"),
    Index("runs_by_origins", "origins"),
)
"""`run` is the position of its first payment; `happened_on` the day of all of them."""

sums = Table(
    "payment_sums",
    metadata,
    number_column("run", primary_key=True),
    number_column("block", primary_key=True),
    text_column("happened_on", primary_key=True),
    text_column("status", primary_key=True),
    number_column("count"),
    number_column("total_fen"),
    sqlite_with_rowid=False,
)
"""How many more of a run stand so from a day on, by the events of a block; fewer are negative."""

sums_by_amount = Table(
    "payment_sums_by_amount",
    metadata,
    number_column("run", primary_key=True),
    number_column("amount_fen", primary_key=True),
    number_column("block", primary_key=True),
    text_column("happened_on", primary_key=True),
    text_column("status", primary_key=True),
    number_column("count"),
    sqlite_with_rowid=False,
)
"""The same by amount, for questions that give one."""

sums_by_origin = Table(
    "payment_sums_by_origin",
    metadata,
    number_column("run"),
    number_column("block"),
    text_column("happened_on"),
    id_column("origin_id"),
    number_column("paid_fen"),
    key("run", "block", "happened_on", "origin_id"),
)
"""Of which appropriations the money was that reached people (or was taken back), to the fen.

A payment may be of several, and one that is made again of others than at first.
"""

ALIKE = (
    "organisation_id",
    "fund_id",
    "campaign_id",
    "batch_id",
    "channel",
    "category",
    "origins",
    "happened_on",
)

Change = tuple[str, str, int, int]
"""Status, day from which on, amount, and how many more (or fewer) stand so."""


class PaymentSums(Projection):
    tables: ClassVar = (runs, sums, sums_by_amount, sums_by_origin)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {}

    def folding(self) -> Fold:
        return _fold


def changes(
    connection: Connection,
    start: int,
    end: int,
    by: Sequence[ColumnElement[Any]] = (),
    where: Sequence[ColumnElement[bool]] = (),
) -> Iterator[tuple[tuple[Any, ...], Change]]:
    """Say what the events between two positions changed in where payments stand.

    Args:
        connection: Of the read model.
        start: The first position that counts.
        end: The first one that does not count any more.
        by: Columns of payments by which the changes are told apart.
        where: Which payments.
    """
    earlier = states.alias()
    # The position tells the order. Of the first state, which all payments have, it is left out:
    # payments that have no other are counted together.
    place = case(
        (earlier.c.position == disbursements.c.position, ""),
        else_=cast(earlier.c.position, String),
    )
    words = place + " " + earlier.c.status + " " + earlier.c.happened_on
    before = (
        select(func.group_concat(words, "\n"))
        .where(earlier.c.disbursement_id == states.c.disbursement_id)
        .where(earlier.c.position < states.c.position)
        .correlate(states, disbursements)
        .scalar_subquery()
    )
    facts = (
        *by,
        disbursements.c.happened_on,
        disbursements.c.amount_fen,
        states.c.status,
        states.c.happened_on,
        before,
    )
    named = [fact.label(f"fact_{number}") for number, fact in enumerate(facts)]
    statement = (
        select(*named, func.count())
        .select_from(states)
        .join(disbursements, disbursements.c.disbursement_id == states.c.disbursement_id)
        .where(states.c.position >= start, states.c.position < end, *where)
        .group_by(*(literal_column(each.name) for each in named))
    )
    for *alike, since, amount, status, day, history, count in connection.execute(statement):
        taken = _taken(history)
        old, new = _timeline(taken, since), _timeline([*taken, (status, day)], since)
        for (stands, on), more in _difference(old, new):
            yield tuple(alike), (stands, on, amount, more * count)


def paid_by_origin(
    connection: Connection,
    start: int,
    end: int,
    by: Sequence[ColumnElement[Any]] = (),
    where: Sequence[ColumnElement[bool]] = (),
) -> Iterator[tuple[tuple[Any, ...], str, bytes, int]]:
    """Say what the events between two positions brought to people, by day and appropriation.

    Args:
        connection: Of the read model.
        start: The first position that counts.
        end: The first one that does not count any more.
        by: Columns of payments by which it is told apart.
        where: What holds of the payments and the journal's lines.
    """
    reached = Account.RECIPIENT.value
    paid = case((lines.c.to_account == reached, lines.c.amount_fen), else_=-lines.c.amount_fen)
    alike = (*by, lines.c.happened_on, lines.c.origin_id)
    statement = (
        select(*alike, func.sum(paid))
        .select_from(lines)
        .join(disbursements, disbursements.c.disbursement_id == lines.c.disbursement_id)
        .where(lines.c.position >= start, lines.c.position < end)
        .where(or_(lines.c.to_account == reached, lines.c.from_account == reached))
        .where(lines.c.to_account != lines.c.from_account, *where)
        .group_by(*alike)
    )
    for *shared, day, origin, amount in connection.execute(statement):
        yield tuple(shared), day, origin, amount


def _taken(history: str | None) -> list[tuple[str, str]]:
    """Return status and day of earlier states, in the order of the log."""
    lines = [] if history is None else [line.split(" ") for line in history.split("\n")]
    lines.sort(key=lambda line: int(line[0] or -1))
    return [(status, day) for _, status, day in lines]


def _timeline(history: Sequence[tuple[str, str]], since: str) -> list[tuple[str, str]]:
    """Return the statuses that count as of each day, rising, with the day from which each does.

    What is recorded last counts from its day on, whatever was recorded before of later days; and
    nothing counts before the payment itself does.

    Args:
        history: Status and day, in the order of the log.
        since: When the payment was instructed.
    """
    counted: list[tuple[str, str]] = []
    for status, day in reversed(history):
        on = max(day, since)
        if not counted or on < counted[-1][1]:
            counted.append((status, on))
    return counted[::-1]


def _difference(
    old: list[tuple[str, str]], new: list[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], int]]:
    counts: Counter[tuple[str, str]] = Counter()
    for timeline, sign in ((old, -1), (new, 1)):
        for status, day in timeline:
            counts[status, day] += sign
        for (status, _), (_, day) in pairwise(timeline):
            counts[status, day] -= sign
    return ((key, more) for key, more in counts.items() if more)


def _fold(connection: Connection, span: Span) -> None:
    _add_runs(connection, span)
    shared = (span.block_of(disbursements.c.position), *(disbursements.c[name] for name in ALIKE))
    found = _Runs(connection, span.positions)
    counts: Counter[tuple[int, int, int, str, str]] = Counter()
    by = (span.block_of(states.c.position), *shared)
    for (block, *alike), (status, day, amount, more) in changes(
        connection, span.start, span.end, by
    ):
        counts[found.run(tuple(alike)), amount, block, day, status] += more
    together: dict[tuple[int, int, str, str], list[int]] = {}
    for (run, amount, block, day, status), more in counts.items():
        of = together.setdefault((run, block, day, status), [0, 0])
        of[0] += more
        of[1] += more * amount
    by_amount = [(*told, more) for told, more in sorted(counts.items()) if more]
    _insert(connection, sums_by_amount, by_amount)
    _insert(connection, sums, [(*told, *of) for told, of in sorted(together.items()) if any(of)])
    by_origin = [
        (found.run(tuple(alike)), block, day, origin, paid)
        for (block, *alike), day, origin, paid in paid_by_origin(
            connection, span.start, span.end, (span.block_of(lines.c.position), *shared)
        )
    ]
    _insert(connection, sums_by_origin, sorted(by_origin))


def _add_runs(connection: Connection, span: Span) -> None:
    of = disbursements.c
    alike = [of[name] for name in ALIKE]
    come_to = (
        select(
            func.min(of.position),
            func.max(of.position),
            *alike,
            func.count(),
            func.sum(of.amount_fen),
        )
        .where(span.holds(of.position))
        .group_by(span.block_of(of.position), *alike)
    )
    names = ("run", "last_position", *ALIKE, "count", "total_fen")
    connection.execute(insert(runs).from_select(names, come_to))


class _Runs:
    """Finds the run of a payment by the number of its block and by what its payments share."""

    def __init__(self, connection: Connection, positions: int) -> None:
        self._connection = connection
        self._positions = positions
        self._read: set[int] = set()
        self._found: dict[tuple[Any, ...], int] = {}

    def run(self, alike: tuple[Any, ...]) -> int:
        number = alike[0]
        if number not in self._read:
            self._read.add(number)
            holds = Span(number, 1, self._positions).holds(runs.c.run)
            columns = (runs.c[name] for name in ALIKE)
            for run, *shared in self._connection.execute(select(runs.c.run, *columns).where(holds)):
                self._found[number, *shared] = run
        return self._found[alike]


def _insert(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        marks = ",".join("?" * len(table.columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", rows)  # noqa: S608 - a name of ours
