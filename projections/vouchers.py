"""The journal as accountants keep it: a chart of accounts, balances by month, vouchers.

An event that moves money is a voucher; its number is its position in the log, so that none can be
put between two others, and none taken out. What leaves an account is its credit, what arrives its
debit. Nothing is closed at a year's end: income and expense go on adding up.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, islice
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, select

from projections.asked import NOW, Moment, uuid_of
from projections.journal import Account, funds, lines, lots
from projections.journal_sums import moved

ROWS_AT_ONCE = 2_000
MONTHS = 12
INCOME = "401"


@dataclass(frozen=True, slots=True)
class ChartAccount:
    """An account by its code. `debit` is where its balance stands."""

    code: str
    name: str
    kind: str
    parent: str | None
    debit: bool

    @property
    def level(self) -> int:
        return 1 if self.parent is None else 2


OWN: Mapping[str, ChartAccount] = {
    Account.FUND: ChartAccount("101", "在手资金", "资产", None, debit=True),
    Account.TRANSIT: ChartAccount("102", "在途资金", "资产", None, debit=True),
    Account.RETURNED: ChartAccount("103", "退回待入账资金", "资产", None, debit=True),
    Account.REMITTED: ChartAccount("104", "跨账本在途资金", "资产", None, debit=True),
    Account.TRANSFER: ChartAccount("301", "上下级拨付往来", "净资产", None, debit=False),
    Account.LEDGERS: ChartAccount("302", "跨账本拨付往来", "净资产", None, debit=True),
    Account.SOURCE: ChartAccount(INCOME, "资金收入", "收入", None, debit=False),
    Account.RECIPIENT: ChartAccount("501", "帮扶慰问支出", "支出", None, debit=True),
}


class Chart:
    """All accounts: one for each place where money can be, and one for each kind of source."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = {
            source: ChartAccount(f"{INCOME}{number:02d}", source, "收入", INCOME, debit=False)
            for number, source in enumerate(sources, 1)
        }
        accounts = [*OWN.values(), *self._sources.values()]
        self.accounts = sorted(accounts, key=lambda each: each.code)

    def of(self, account: str, source: str) -> ChartAccount:
        """Return the account of a line of the journal, whose money came from a kind of source."""
        return self._sources[source] if account == Account.SOURCE else OWN[account]


def chart_of(connection: Connection) -> Chart:
    """Return the chart of a ledger; sources are numbered in the order in which they first gave."""
    first = func.min(lots.c.position)
    statement = select(lots.c.source).group_by(lots.c.source).order_by(first)
    return Chart(list(connection.execute(statement).scalars()))


class Of(NamedTuple):
    """Whose money: account, organisation, purpose and vintage."""

    account: ChartAccount
    organisation_id: UUID
    earmark: str
    vintage: int


@dataclass(frozen=True, slots=True)
class MonthBalance:
    """What an account held as a month began and ended, and what moved; debit counts as positive."""

    of: Of
    month: int
    opening_fen: int
    debit_fen: int
    credit_fen: int

    @property
    def closing_fen(self) -> int:
        return self.opening_fen + self.debit_fen - self.credit_fen


def month_balances(
    connection: Connection,
    chart: Chart,
    organisation_ids: Collection[UUID],
    year: int,
    moment: Moment = NOW,
) -> Iterator[MonthBalance]:
    """Return each account's balances of a year, for the months that have any or saw money move."""
    debits, credits_ = _moved_by_month(connection, chart, organisation_ids, moment)
    before, last = f"{year:04d}-01", _last_month(year, moment)
    for of in sorted({*debits, *credits_}, key=_order):
        into, out = debits[of], credits_[of]
        held = sum(fen for month, fen in into.items() if month < before)
        held -= sum(fen for month, fen in out.items() if month < before)
        for number in range(1, last + 1):
            month = f"{year:04d}-{number:02d}"
            found = MonthBalance(of, number, held, into.get(month, 0), out.get(month, 0))
            held = found.closing_fen
            if found.opening_fen or found.debit_fen or found.credit_fen:
                yield found


class Told(NamedTuple):
    """What the log itself says of an event: its stream, what it is, and who acted."""

    position: int
    stream: UUID
    topic: str
    actor: str


Telling = Callable[[int, int], Iterator[Told]]
"""Returns what the log says of the events from one position up to another, which is left out."""


class VoucherLine(NamedTuple):
    """One side of a movement: debit or credit is nothing."""

    told: Told
    number: int
    day: str
    of: Of
    debit_fen: int
    credit_fen: int
    lot_id: UUID
    payment_id: UUID | None


def voucher_lines(
    connection: Connection,
    chart: Chart,
    organisation_ids: Collection[UUID],
    since: date,
    moment: Moment,
    telling: Telling,
) -> Iterator[VoucherLine]:
    """Return the lines of every voucher from a day on, in the order of the log."""
    statement = (
        select(lines, lots.c.source, funds.c.earmark)
        .join(lots, lots.c.lot_id == lines.c.origin_id)
        .join(funds, funds.c.fund_id == lines.c.fund_id)
        .where(lines.c.organisation_id.in_([each.bytes for each in organisation_ids]))
        .where(lines.c.happened_on >= since.isoformat(), moment.covers(lines))
        .order_by(lines.c.position, lines.c.part)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    vouchers = (
        (position, list(rows))
        for position, rows in groupby(connection.execute(statement), key=lambda row: row.position)
    )
    while run := list(islice(vouchers, ROWS_AT_ONCE)):
        wanted = {position for position, _ in run}
        told = {
            each.position: each
            for each in telling(run[0][0], run[-1][0] + 1)
            if each.position in wanted
        }
        for position, rows in run:
            yield from _voucher(chart, told[position], rows)


def _voucher(chart: Chart, told: Told, rows: Sequence[Any]) -> Iterator[VoucherLine]:
    number = 0
    for row in rows:
        payment = None if row.disbursement_id is None else UUID(bytes=row.disbursement_id)
        union, lot = uuid_of(row.organisation_id), uuid_of(row.lot_id)
        sides = ((row.to_account, row.amount_fen, 0), (row.from_account, 0, row.amount_fen))
        for account, debit, credit in sides:
            number += 1
            of = Of(chart.of(account, row.source), union, row.earmark, row.vintage)
            yield VoucherLine(told, number, row.happened_on, of, debit, credit, lot, payment)


ByMonth = Mapping[Of, Mapping[str, int]]


def _moved_by_month(
    connection: Connection, chart: Chart, organisation_ids: Collection[UUID], moment: Moment
) -> tuple[ByMonth, ByMonth]:
    """Return debits and credits of each account, by month; from the sums that balances are of."""
    of = moved(connection, moment)
    month = func.substr(of.c.happened_on, 1, 7)
    alike = (
        of.c.organisation_id,
        funds.c.earmark,
        of.c.vintage,
        lots.c.source,
        of.c.from_account,
        of.c.to_account,
        month,
    )
    statement = (
        select(*alike, func.sum(of.c.amount_fen))
        .join(funds, funds.c.fund_id == of.c.fund_id)
        .join(lots, lots.c.lot_id == of.c.origin_id)
        .where(of.c.organisation_id.in_([each.bytes for each in organisation_ids]))
        .group_by(*alike)
    )
    debits: dict[Of, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    credits_: dict[Of, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for union, earmark, vintage, source, left, came, day, amount in connection.execute(statement):
        place = (uuid_of(union), earmark, vintage)
        debits[Of(chart.of(came, source), *place)][day] += amount
        credits_[Of(chart.of(left, source), *place)][day] += amount
    return debits, credits_


def _last_month(year: int, moment: Moment) -> int:
    if moment.as_of is None or moment.as_of.year > year:
        return MONTHS
    return moment.as_of.month if moment.as_of.year == year else 0


def _order(of: Of) -> tuple[str, bytes, str, int]:
    return of.account.code, of.organisation_id.bytes, of.earmark, of.vintage
