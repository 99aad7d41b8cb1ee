"""Facets: by what a question can be narrowed, each value with what it would leave.

They look at every movement of the question, so they are asked when somebody opens one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, func, select

from ledger.domain.values import Money
from projections.asked import NOW, Moment
from projections.batches import batches, campaigns
from projections.disbursements import last_state
from projections.journal import Account, funds, lines, lots
from projections.movements import Kind, movements
from projections.payment_states import disbursements, states
from projections.turnover import EVER, Asked, handlers, joined

Group = tuple[ColumnElement[Any], FromClause | None, ColumnElement[bool] | None]
"""What is told apart, the table in which it stands, and how its rows belong to the movement."""


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
    found: dict[Any, Facet] = {}
    if Kind.PAYMENT in asked.kinds:
        for each in _read(connection, _of_payments(asked, name, moment)):
            found[each.value] = each
    if asked.kinds - {Kind.PAYMENT}:
        for statement in _beside(asked, name, moment):
            for each in _read(connection, statement):
                before = found.get(each.value, Facet(each.value, 0, Money(0)))
                total = Money(before.total_fen + each.total_fen)
                found[each.value] = Facet(each.value, before.count + each.count, total)
    return sorted(found.values(), key=lambda each: (-each.count, str(each.value)))


@dataclass(frozen=True, slots=True)
class DaySum:
    """What moved on one day: payments by where they stand, others by kind."""

    day: date
    of: str
    total_fen: Money


def day_sums(connection: Connection, asked: Asked, moment: Moment = NOW) -> list[DaySum]:
    """Return what moved day by day."""
    found: list[DaySum] = []
    if Kind.PAYMENT in asked.kinds:
        day = disbursements.c.happened_on
        statement = _with_state(asked, moment, day, states.c.status)
        found += _days(connection, statement.group_by(day, states.c.status))
    if asked.kinds - {Kind.PAYMENT}:
        of = movements.c
        columns = (of.happened_on, of.kind, func.count(), func.sum(of.amount_fen))
        statement = joined(*columns).where(*asked.conditions(moment))
        found += _days(connection, statement.group_by(of.happened_on, of.kind))
    return sorted(found, key=lambda each: (each.day, each.of))


def _days(connection: Connection, statement: Select[Any]) -> list[DaySum]:
    return [
        DaySum(date.fromisoformat(day), of, Money(total))
        for day, of, _, total in connection.execute(statement)
    ]


def _read(connection: Connection, statement: Select[Any]) -> list[Facet]:
    return [Facet(row[0], row[1], Money(row[2])) for row in connection.execute(statement)]


def _with_state(asked: Asked, moment: Moment, *columns: ColumnElement[Any]) -> Select[Any]:
    question = asked.payments(moment)
    return (
        select(*columns, func.count(), func.sum(disbursements.c.amount_fen))
        .select_from(disbursements)
        .join(states, states.c.position == last_state(moment))
        .where(moment.covers(disbursements), *question.conditions())
    )


def _of_payments(asked: Asked, name: str, moment: Moment) -> Any:
    of = disbursements.c
    value, table, belongs = PAYMENTS[name](moment)
    statement: Any
    if name == "status" or asked.plain.status is not None:
        statement = _with_state(asked, moment, value)
    else:
        question = asked.payments(moment)
        statement = (
            select(value, func.count(), func.sum(of.amount_fen))
            .select_from(disbursements)
            .where(moment.covers(disbursements), *question.conditions())
        )
    if table is not None and belongs is not None:
        statement = statement.join(table, belongs)
    return statement.group_by(value)


def _beside(asked: Asked, name: str, moment: Moment) -> list[Select[Any]]:
    of = movements.c
    values: list[Group]
    if name == "organisation":
        values = [(of.organisation_id, None, None), (of.other_id, None, None)]
    else:
        values = [BESIDE[name](moment)]
    statements = []
    for value, table, belongs in values:
        statement = joined(value, func.count(), func.sum(of.amount_fen))
        if table is not None and belongs is not None:
            statement = statement.join(table, belongs)
        statement = statement.where(*asked.conditions(moment), value.is_not(None))
        statements.append(statement.group_by(value))
    return statements


def _drawn(moment: Moment, value: ColumnElement[Any]) -> FromClause:
    """Return each payment with what is asked of the appropriations that it was drawn from."""
    return (
        select(lines.c.disbursement_id, value.label("value"))
        .join(lots, lots.c.lot_id == lines.c.origin_id)
        .where(lines.c.to_account == Account.TRANSIT.value)
        .where(lines.c.from_account == Account.FUND.value, moment.covers(lines))
        .distinct()
        .subquery("drawn")
    )


def _of_draws(value: ColumnElement[Any]) -> Callable[[Moment], Group]:
    def group(moment: Moment) -> Group:
        drawn = _drawn(moment, value)
        return drawn.c.value, drawn, drawn.c.disbursement_id == disbursements.c.disbursement_id

    return group


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
            .where(movements.c.kind == Kind.ALLOCATION.value)
        )
        drawn = _drawn(moment, value)
        of_payment = select(movements.c.position, drawn.c.value).join(
            drawn, drawn.c.disbursement_id == movements.c.disbursement_id
        )
        found = [passed_on, of_payment]
        if value is lots.c.document:
            found.append(select(movements.c.position, movements.c.document.label("value")))
        came = received.union(*found).subquery("came")
        return came.c.value, came, came.c.position == movements.c.position

    return group


def _ever(moment: Moment) -> Group:
    of = movements.c
    kinds = sorted(kind.value for kind in EVER.values())
    happened = (
        select(of.disbursement_id, of.kind.label("value"))
        .where(of.kind.in_(kinds), moment.covers(movements))
        .distinct()
        .subquery("happened")
    )
    belongs = happened.c.disbursement_id == disbursements.c.disbursement_id
    return happened.c.value, happened, belongs


def _reason(moment: Moment) -> Group:
    of = movements.c
    came_back = (
        select(of.disbursement_id, of.reason.label("value"))
        .where(of.kind == Kind.RETURN.value, moment.covers(movements))
        .distinct()
        .subquery("came_back")
    )
    belongs = came_back.c.disbursement_id == disbursements.c.disbursement_id
    return came_back.c.value, came_back, belongs


def _plain(value: ColumnElement[Any]) -> Callable[[Moment], Group]:
    return lambda _: (value, None, None)


def _campaign(_: Moment) -> Group:
    belongs = campaigns.c.campaign_id == disbursements.c.campaign_id
    return campaigns.c.code, campaigns, belongs


def _earmark_of(account: ColumnElement[Any]) -> Callable[[Moment], Group]:
    return lambda _: (funds.c.earmark, funds, funds.c.fund_id == account)


_BATCH: Group = (batches.c.code, batches, batches.c.batch_id == disbursements.c.batch_id)

PAYMENTS: Mapping[str, Callable[[Moment], Group]] = {
    "status": _plain(states.c.status),
    "organisation": _plain(disbursements.c.organisation_id),
    "campaign": _campaign,
    "batch": lambda _: _BATCH,
    "category": _plain(disbursements.c.category),
    "channel": _plain(disbursements.c.channel),
    "source": _of_draws(lots.c.source),
    "vintage": _of_draws(lots.c.vintage),
    "document": _of_draws(lots.c.document),
    "earmark": _earmark_of(disbursements.c.fund_id),
    "officer": lambda _: (
        handlers.c.officer_id,
        handlers,
        handlers.c.batch_id == disbursements.c.batch_id,
    ),
    "reason": _reason,
    "ever": _ever,
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
NAMES = tuple(PAYMENTS)
"""The facets there are."""
