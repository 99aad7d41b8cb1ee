"""Control totals: what each table comes to, beside what the ledger's own pages say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.inspection.acts import words
from api.inspection.sources import Sources
from projections.balances import trial_balance
from projections.exports.database import Database
from projections.exports.flat import Field, Flat
from projections.exports.table import Kind
from projections.journal import Account
from projections.movements import Kind as Movement
from projections.surplus import surplus
from projections.turnover import sums
from projections.vouchers import OWN


@dataclass(frozen=True, slots=True)
class Control:
    """Something that the package adds up to one figure, and the ledger to another, or the same."""

    table: str
    item: str
    count: int
    amount_fen: int
    ledger_count: int | None = None
    ledger_fen: int | None = None

    @property
    def agrees(self) -> bool | None:
        """Say whether both say the same; None where the ledger has no figure of its own."""
        if self.ledger_fen is None:
            return None
        same = self.ledger_count in (None, self.count)
        return same and self.ledger_fen == self.amount_fen


def controls(of: Sources, tables: Sequence[Flat], data: Database) -> list[Control]:
    """Return all control totals."""
    return [
        *_payments(of, data),
        *_movements(of, data),
        *_accounts(of, data),
        *_old_money(of, data),
        *_plain(tables, data),
    ]


def control_table(found: Sequence[Control]) -> Flat:
    """Return control totals as a table of the package."""
    return Flat(
        "controls",
        "控制总数",
        "每张表的行数与合计，和账本页面的同一查询并列；没有账本数的只供清点",
        [
            Field("table", "表", width=18),
            Field("item", "项目", width=24),
            Field("count", "行数", Kind.COUNT, 9),
            Field("amount_fen", "合计", Kind.MONEY, 16),
            Field("ledger_count", "账本行数", Kind.COUNT, 9),
            Field("ledger_fen", "账本合计", Kind.MONEY, 16),
            Field("agrees", "核对", width=8, meaning="相符或不符"),
        ],
        [
            (
                each.table,
                each.item,
                each.count,
                each.amount_fen,
                each.ledger_count,
                each.ledger_fen,
                {True: "相符", False: "不符", None: None}[each.agrees],
            )
            for each in found
        ],
    )


def _payments(of: Sources, data: Database) -> Iterator[Control]:
    """Payments by where they stand: what the ledger's page says above its list."""
    found = {
        row[0]: (row[1], row[2])
        for row in data.ask("SELECT status, count(*), sum(amount_fen) FROM payments GROUP BY 1")
    }
    for each in sums(of.model, of.asked, of.moment):
        word = words("payment", each.of)
        count, amount = found.get(word, (0, 0))
        yield Control("发放明细", str(word), count, amount, each.count, each.total_fen)


def _movements(of: Sources, data: Database) -> Iterator[Control]:
    found = {
        row[0]: (row[1], row[2])
        for row in data.ask("SELECT kind, count(*), sum(amount_fen) FROM movements GROUP BY 1")
    }
    for each in sums(of.model, of.others, of.moment):
        if each.kind is not Movement.PAYMENT:
            word = words("movement", each.of)
            count, amount = found.get(word, (0, 0))
            yield Control("其他资金流水", str(word), count, amount, each.count, each.total_fen)


def _accounts(of: Sources, data: Database) -> Iterator[Control]:
    """Closing balances of all accounts, beside the trial balance of the same day."""
    trial = trial_balance(of.model, of.moment, organisation_ids=of.ids)
    for account in Account:
        own = OWN[account]
        [(count, amount)] = data.ask(
            "SELECT count(*), coalesce(sum(closing_fen), 0) FROM month_balances"
            " WHERE account LIKE ? || '%' AND period = ?",
            own.code,
            of.closing.month,
        )
        sign = 1 if own.debit else -1
        yield Control(
            "科目余额及发生额",
            f"{own.name}期末余额",
            count,
            amount,
            None,
            sign * trial[account],
        )


def _old_money(of: Sources, data: Database) -> Iterator[Control]:
    """Old money of all these organisations, each lot once: what the ledger's overview says."""
    [(count, opening, consumed)] = data.ask(
        "SELECT count(*), coalesce(sum(opening_once_fen), 0), coalesce(sum(consumed_once_fen), 0)"
        " FROM surplus"
    )
    told = surplus(of.model, of.ids, of.year, of.moment)
    yield Control("结余消化", "年初结余，各级不重复", count, opening, None, told.opening_fen)
    yield Control("结余消化", "已消化，各级不重复", count, consumed, None, told.consumed_fen)


def _plain(tables: Sequence[Flat], data: Database) -> Iterator[Control]:
    for table in tables:
        count, found = data.count(table), data.sums(table)
        if not found:
            yield Control(table.title, "行数", count, 0)
        for each in table.money:
            yield Control(table.title, each.title, count, found[each.name])
