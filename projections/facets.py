"""Facets: by what a question can be narrowed, each value with what it would leave.

Of payments they are counted by what is summed up of those that are alike.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, func, select

from ledger.domain.values import Money
from projections.asked import NOW, Moment, uuid_of
from projections.batches import batches, campaigns
from projections.disbursements import last_state
from projections.journal import Account, funds, lines, lots
from projections.movements import OF_PIECES, Kind, movements, stands
from projections.payment_states import disbursements, origins_of, states
from projections.turnover import EVER, Asked, drawn_again, handlers, joined, origins, payment_totals

Group = tuple[ColumnElement[Any], FromClause | None, ColumnElement[bool] | None]
"""What is told apart, the table in which it stands, and how its rows belong to the movement."""

Counted = tuple[Any, int, int]
"""A value, how many have it, and what they come to."""

Values = Callable[[Any], Collection[Any]]
"""Returns the values that payments have which share what is summed up."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A value, and the movements that have it. Organisations and officers stand as ids' bytes."""

    value: Any
    count: int
    total_fen: Money


def facet(connection: Connection, asked: Asked, name: str, moment: Moment = NOW) -> list[Facet]:
    """Return the values of a facet, the most frequent first; see `NAMES` for which there are.

    A payment that has two values (money of two years) counts with its whole amount for both.
    """
    counts: Counter[Any] = Counter()
    totals_fen: Counter[Any] = Counter()
    for value, count, total_fen in (
        *(_of_payments(connection, asked, name, moment) if Kind.PAYMENT in asked.kinds else ()),
        *(_beside(connection, asked, name, moment) if asked.kinds - {Kind.PAYMENT} else ()),
    ):
        counts[value] += count
        totals_fen[value] += total_fen
    found = [Facet(value, counts[value], Money(totals_fen[value])) for value in counts]
    return sorted(found, key=lambda each: (-each.count, str(each.value)))


@dataclass(frozen=True, slots=True)
class DaySum:
    """What moved on one day: payments by where they stand, others by kind."""

    day: date
    of: str
    total_fen: Money


def day_sums(connection: Connection, asked: Asked, moment: Moment = NOW) -> list[DaySum]:
    """Return what moved day by day."""
    sums: Counter[tuple[str, str]] = Counter()
    if Kind.PAYMENT in asked.kinds:
        for each in payment_totals(connection, asked, moment, by=("happened_on",)):
            sums[each.shared[0], each.status] += each.total_fen
    if asked.kinds - {Kind.PAYMENT}:
        of = movements.c
        columns = (of.happened_on, of.kind, func.sum(of.amount_fen))
        statement = joined(*columns).where(*asked.conditions(moment))
        for day, kind, total in connection.execute(statement.group_by(of.happened_on, of.kind)):
            sums[day, kind] += total
    return [
        DaySum(date.fromisoformat(day), of, Money(total))
        for (day, of), total in sorted(sums.items())
    ]


def _of_payments(
    connection: Connection, asked: Asked, name: str, moment: Moment
) -> Iterator[Counted]:
    """Count the payments of each value, by what is summed up of payments that are alike."""
    if name in HAPPENED:
        yield from _happened(connection, asked, name, moment)
        return
    column, values = PAYMENTS[name]
    by = () if column is None else (column,)
    known = values(connection)
    for each in payment_totals(connection, asked, moment, by=by):
        for value in known(each.shared[0] if by else each.status):
            yield value, each.count, each.total_fen
    if column == "origins":
        yield from _drawn_again(connection, asked, known, name, moment)


def _happened(connection: Connection, asked: Asked, name: str, moment: Moment) -> Iterator[Counted]:
    """Count the payments by what once happened to them."""
    of = movements.c
    value = of.reason if name == "reason" else of.kind
    kinds = [Kind.RETURN] if name == "reason" else list(EVER.values())
    happened = (
        select(of.disbursement_id, value.label("value"))
        .where(of.kind.in_([kind.value for kind in kinds]), moment.covers(movements))
        .where(stands(moment))
        .distinct()
        .subquery("happened")
    )
    for question in asked.payments(connection, moment):
        statement = (
            select(happened.c.value, func.count(), func.sum(disbursements.c.amount_fen))
            .select_from(happened)
            .join(disbursements, disbursements.c.disbursement_id == happened.c.disbursement_id)
            .join(states, states.c.position == last_state(moment))
            .where(moment.covers(disbursements), *question.conditions())
            .group_by(happened.c.value)
        )
        for row in connection.execute(statement):
            yield row[0], row[1], row[2]


def _drawn_again(
    connection: Connection, asked: Asked, known: Values, name: str, moment: Moment
) -> Iterator[Counted]:
    """Count payments that were made again out of money of a value that they had not at first."""
    for question in asked.payments(connection, moment):
        statement = (
            drawn_again(
                moment,
                disbursements.c.disbursement_id,
                disbursements.c.amount_fen,
                disbursements.c.origins,
                origins.c[name],
            )
            .join(states, states.c.position == last_state(moment))
            .where(moment.covers(disbursements), *question.conditions())
            .distinct()
        )
        for _, amount, first, value in connection.execute(statement):
            if value not in known(first):
                yield value, 1, amount


def _beside(connection: Connection, asked: Asked, name: str, moment: Moment) -> Iterator[Counted]:
    of = movements.c
    values: list[Group]
    if name == "organisation":
        values = [(of.organisation_id, None, None), (of.other_id, None, None)]
    else:
        values = [BESIDE[name](moment)]
    for value, table, belongs in values:
        statement = joined(value, func.count(), func.sum(of.amount_fen))
        if table is not None and belongs is not None:
            statement = statement.join(table, belongs)
        statement = statement.where(*asked.conditions(moment), value.is_not(None))
        for row in connection.execute(statement.group_by(value)):
            yield row[0], row[1], row[2]


def _of_origins(value: ColumnElement[Any]) -> Callable[[Moment], Group]:
    """Say of what appropriations a movement beside payments was: received, passed on, or drawn."""

    def group(moment: Moment) -> Group:
        received = select(movements.c.position, value.label("value")).join(
            lots, lots.c.lot_id == movements.c.lot_id
        )
        passed_on = (
            select(movements.c.position, value.label("value"))
            .join(lines, lines.c.position == movements.c.position)
            .join(lots, lots.c.lot_id == lines.c.origin_id)
            .where(movements.c.kind.in_(OF_PIECES))
        )
        of_payment = (
            select(movements.c.position, value.label("value"))
            .join(lines, lines.c.disbursement_id == movements.c.disbursement_id)
            .join(lots, lots.c.lot_id == lines.c.origin_id)
            .where(lines.c.to_account == Account.TRANSIT.value, moment.covers(lines))
            .where(lines.c.from_account == Account.FUND.value)
        )
        found = [passed_on, of_payment]
        if value is lots.c.document:
            found.append(select(movements.c.position, movements.c.document.label("value")))
        came = received.union(*found).subquery("came")
        return came.c.value, came, came.c.position == movements.c.position

    return group


def _plain(value: ColumnElement[Any]) -> Callable[[Moment], Group]:
    return lambda _: (value, None, None)


def _campaign(_: Moment) -> Group:
    belongs = campaigns.c.campaign_id == disbursements.c.campaign_id
    return campaigns.c.code, campaigns, belongs


def _earmark_of(account: ColumnElement[Any]) -> Callable[[Moment], Group]:
    return lambda _: (funds.c.earmark, funds, funds.c.fund_id == account)


_BATCH: Group = (batches.c.code, batches, batches.c.batch_id == disbursements.c.batch_id)

HAPPENED = ("reason", "ever")


def _itself(_: Connection) -> Values:
    return lambda value: [value]


def _looked_up(
    key: ColumnElement[Any], value: ColumnElement[Any]
) -> Callable[[Connection], Values]:
    """Say what stands for an id in a table; of handlers of a batch, there are several."""

    def known(connection: Connection) -> Values:
        found: dict[bytes, list[Any]] = defaultdict(list)
        for id_, each in connection.execute(select(key, value)):
            found[id_].append(each)
        return lambda id_: found[id_]

    return known


def _of_lots(value: ColumnElement[Any]) -> Callable[[Connection], Values]:
    """Say of what money with these origins is."""

    def known(connection: Connection) -> Values:
        found = {
            uuid_of(id_): each for id_, each in connection.execute(select(lots.c.lot_id, value))
        }
        return lambda text: {found[origin] for origin in origins_of(text)}

    return known


PAYMENTS: Mapping[str, tuple[str | None, Callable[[Connection], Values]]] = {
    "status": (None, _itself),
    "organisation": ("organisation_id", _itself),
    "campaign": ("campaign_id", _looked_up(campaigns.c.campaign_id, campaigns.c.code)),
    "batch": ("batch_id", _looked_up(batches.c.batch_id, batches.c.code)),
    "category": ("category", _itself),
    "channel": ("channel", _itself),
    "source": ("origins", _of_lots(lots.c.source)),
    "vintage": ("origins", _of_lots(lots.c.vintage)),
    "document": ("origins", _of_lots(lots.c.document)),
    "earmark": ("fund_id", _looked_up(funds.c.fund_id, funds.c.earmark)),
    "officer": ("batch_id", _looked_up(handlers.c.batch_id, handlers.c.officer_id)),
}
BESIDE: Mapping[str, Callable[[Moment], Group]] = {
    "campaign": _campaign,
    "batch": lambda _: _BATCH,
    "category": _plain(disbursements.c.category),
    "channel": _plain(disbursements.c.channel),
    "source": _of_origins(lots.c.source),
    "vintage": _of_origins(lots.c.vintage),
    "document": _of_origins(lots.c.document),
    "earmark": _earmark_of(movements.c.fund_id),
    "officer": _plain(movements.c.officer_id),
    "reason": _plain(movements.c.reason),
}
NAMES = (*PAYMENTS, *HAPPENED)
"""The facets there are."""
