"""Balances: what each fund account holds, by vintage, at any moment; and the trial balance."""

from dataclasses import dataclass
from operator import itemgetter
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause, case, func, select

from ledger.domain.values import Money
from projections.asked import NOW, Moment, uuid_of
from projections.journal import Account, funds, lines, lots
from projections.journal_sums import EVERY, Among, Routes, of_organisations, routes


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds of one vintage. Pairs once held stay, at zero."""

    organisation_id: UUID
    fund_id: UUID
    earmark: str
    vintage: int
    in_hand_fen: Money
    in_transit_fen: Money
    paid_fen: Money
    remitted_fen: Money
    """On its way to another ledger, which has not proved yet that it is there."""


def balances(
    connection: Connection,
    moment: Moment = NOW,
    *,
    organisation_ids: list[UUID] | None = None,
    earmark: str | None = None,
) -> list[Balance]:
    """Return balances per fund account and vintage, ordered by both.

    In transit counts what was sent back by the bank and is not yet back in its lots.
    """
    by = ("organisation_id", "fund_id", "vintage")
    accounts = select(funds.c.fund_id, funds.c.earmark)
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        accounts = accounts.where(funds.c.organisation_id.in_(ids))
    earmark_of = dict(connection.execute(accounts).all())
    found = routes(connection, moment, by, _among(organisation_ids))
    return [
        Balance(
            uuid_of(organisation),
            uuid_of(fund),
            earmark_of[fund],
            vintage,
            of.net(Account.FUND),
            of.net(Account.TRANSIT, Account.RETURNED),
            of.net(Account.RECIPIENT),
            of.net(Account.REMITTED),
        )
        for (organisation, fund, vintage), of in sorted(found.items(), key=itemgetter(0))
        if earmark in (None, earmark_of[fund])
    ]


def trial_balance(
    connection: Connection, moment: Moment = NOW, *, organisation_ids: list[UUID] | None = None
) -> dict[Account, Money]:
    """Return what each account holds; over all organisations the sum of them is zero.

    Over some, what is missing to zero was passed on to others, or came from them.
    """
    found = routes(connection, moment, among=_among(organisation_ids))
    of = found.get((), Routes())
    return {account: of.net(account) for account in Account}


@dataclass(frozen=True, slots=True)
class LotBalance:
    """A lot in an account, what came in with it and what is left of it there."""

    lot_id: UUID
    origin_id: UUID
    parent_id: UUID | None
    vintage: int
    source: str
    document: str
    received_on: str
    received_fen: Money
    in_hand_fen: Money


def lots_of(connection: Connection, fund_id: UUID, moment: Moment = NOW) -> list[LotBalance]:
    """Return an account's lots in the order in which they are drawn."""
    left = routes(
        connection, moment, by=("lot_id",), among=Among(fund_ids=frozenset({fund_id.bytes}))
    )
    statement = (
        select(lots)
        .where(lots.c.fund_id == fund_id.bytes)
        .order_by(lots.c.vintage, lots.c.position, lots.c.lot_id)
    )
    return [
        LotBalance(
            uuid_of(row.lot_id),
            uuid_of(row.origin_id),
            None if row.parent_id is None else uuid_of(row.parent_id),
            row.vintage,
            row.source,
            row.document,
            row.happened_on,
            Money(row.amount_fen),
            left[row.lot_id,].net(Account.FUND),
        )
        for row in connection.execute(statement)
        if (row.lot_id,) in left
    ]


@dataclass(frozen=True, slots=True)
class Fund:
    fund_id: UUID
    organisation_id: UUID
    earmark: str


def fund_accounts(
    connection: Connection,
    *,
    organisation_ids: list[UUID] | None = None,
    fund_id: UUID | None = None,
    earmark: str | None = None,
) -> list[Fund]:
    """Return fund accounts, in the order in which they were opened."""
    statement = select(funds).order_by(funds.c.position)
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(funds.c.organisation_id.in_(ids))
    if fund_id is not None:
        statement = statement.where(funds.c.fund_id == fund_id.bytes)
    if earmark is not None:
        statement = statement.where(funds.c.earmark == earmark)
    return [
        Fund(uuid_of(row.fund_id), uuid_of(row.organisation_id), row.earmark)
        for row in connection.execute(statement).all()
    ]


def earmarks(connection: Connection) -> list[str]:
    """Return the purposes (用途) that accounts were ever opened for."""
    statement = select(funds.c.earmark).distinct().order_by(funds.c.earmark)
    return list(connection.execute(statement).scalars())


def _among(organisation_ids: list[UUID] | None) -> Among:
    return EVERY if organisation_ids is None else of_organisations(organisation_ids)


def net(account: Account, of: FromClause = lines) -> ColumnElement[int]:
    """Return the sum of what came into an account less what left it, by lines or what is moved."""
    inflow = case((of.c.to_account == account.value, of.c.amount_fen), else_=0)
    outflow = case((of.c.from_account == account.value, of.c.amount_fen), else_=0)
    return func.sum(inflow - outflow)
