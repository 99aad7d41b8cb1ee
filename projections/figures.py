"""An organisation's money in figures: what came, what went on, what reached people."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause, case, func, select

from ledger.domain.values import Money
from projections.asked import NOW, Moment, uuid_of
from projections.balances import net
from projections.journal import Account
from projections.journal_sums import moved

NOTHING = Money(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """In fen. `in_hand` = `received` + `came_down` − `passed_on` − `paid` − `in_transit`.

    `received_fen` came from outside, `came_down_fen` from organisations above; `returned_fen` is
    what the bank ever sent back, also where it was paid again since.
    """

    received_fen: Money = NOTHING
    came_down_fen: Money = NOTHING
    passed_on_fen: Money = NOTHING
    paid_fen: Money = NOTHING
    returned_fen: Money = NOTHING
    in_transit_fen: Money = NOTHING
    in_hand_fen: Money = NOTHING

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            *(Money(getattr(self, f.name) + getattr(other, f.name)) for f in fields(self))
        )


def figures(
    connection: Connection, organisation_ids: Collection[UUID], moment: Moment = NOW
) -> dict[UUID, Figures]:
    """Return the figures of each organisation that has any, of its own accounts alone."""
    of = moved(connection, moment)
    statement = (
        select(
            of.c.organisation_id,
            _passed(of, Account.SOURCE, Account.FUND),
            _passed(of, Account.TRANSFER, Account.FUND),
            _passed(of, Account.FUND, Account.TRANSFER),
            net(Account.RECIPIENT, of),
            func.sum(case((of.c.to_account == Account.RETURNED.value, of.c.amount_fen), else_=0)),
            net(Account.TRANSIT, of) + net(Account.RETURNED, of),
            net(Account.FUND, of),
        )
        .where(of.c.organisation_id.in_([each.bytes for each in organisation_ids]))
        .group_by(of.c.organisation_id)
    )
    return {uuid_of(row[0]): Figures(*map(Money, row[1:])) for row in connection.execute(statement)}


def total(of: Collection[Figures]) -> Figures:
    """Add figures up. What came down within them was passed on within them."""
    summed = Figures()
    for each in of:
        summed += each
    return summed


def _passed(of: FromClause, source: Account, target: Account) -> ColumnElement[int]:
    route = (of.c.from_account == source.value) & (of.c.to_account == target.value)
    return func.sum(case((route, of.c.amount_fen), else_=0))
