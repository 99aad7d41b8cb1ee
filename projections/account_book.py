"""The journal as a book of accounts: each movement of money an entry that comes to zero.

Accounts are those that the journal knows, of each organisation's purpose and vintage:

    Income:   organisation : purpose : source : vintage     what came in from outside (来源)
    Assets:   organisation : purpose : Hand : vintage       in hand (在手)
    Assets:   organisation : purpose : Transit : vintage    on its way to people (在途)
    Assets:   organisation : purpose : Returned : vintage   sent back, not yet in hand again (退回)
    Equity:   organisation : purpose : Transfer : vintage   passed down, or come from above (下拨)
    Assets:   organisation : purpose : Remitted : vintage   on its way elsewhere (跨账本在途)
    Equity:   organisation : purpose : Ledgers : vintage    with other ledgers (跨账本)
    Expenses: organisation : purpose : Paid : vintage       with people (已发放)

What a fiscal year opened with stands in two accounts that only ever move together (备查): surplus
brought forward is no movement of money. No person stands in a book, but for ids of payments.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from heapq import merge
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause, func, select, true

from ledger.domain.disbursement import Disbursement
from ledger.domain.fiscal_year import FiscalYear
from ledger.domain.fund import FundAccount
from ledger.domain.remittance import Remittance
from projections.asked import NOW, Moment, uuid_of
from projections.exports.plain_text import Book, Entry, Names, Opened, Posting
from projections.journal import Account, funds, lines, lots, openings
from projections.journal_sums import moved
from projections.organisations import Organisation, Tree

ROWS_AT_ONCE = 2_000
OPENING, CONTRA = "Opening", "Opening-Contra"

ROOTS: Mapping[str, tuple[str, str]] = {
    Account.FUND: ("Assets", "Hand"),
    Account.TRANSIT: ("Assets", "Transit"),
    Account.RETURNED: ("Assets", "Returned"),
    Account.REMITTED: ("Assets", "Remitted"),
    Account.LEDGERS: ("Equity", "Ledgers"),
    Account.TRANSFER: ("Equity", "Transfer"),
    Account.RECIPIENT: ("Expenses", "Paid"),
}

WORDS: Mapping[str, str] = {
    FundAccount.Received.TOPIC: "收到资金",
    FundAccount.ReceiptCorrected.TOPIC: "收款更正",
    FundAccount.Allocated.TOPIC: "下拨",
    FundAccount.AllocationReceived.TOPIC: "收到下拨",
    FundAccount.Remitted.TOPIC: "跨账本拨出",
    FundAccount.RemittanceReceived.TOPIC: "跨账本拨款到账",
    FundAccount.RemittanceTakenBack.TOPIC: "跨账本拨款退回",
    Remittance.Acknowledged.TOPIC: "跨账本拨款回执",
    FundAccount.Drawn.TOPIC: "支取",
    FundAccount.Restored.TOPIC: "退回原资金批次",
    Disbursement.Settled.TOPIC: "银行入账",
    Disbursement.Signed.TOPIC: "本人签收",
    Disbursement.Returned.TOPIC: "银行退回",
    Disbursement.Withdrawn.TOPIC: "撤销付款",
    Disbursement.Corrected.TOPIC: "更正",
    FiscalYear.SurplusBroughtForward.TOPIC: "上年结余转入",
}


class Head(NamedTuple):
    """Where an event stands and what it is, as the log itself says."""

    position: int
    stream: UUID
    version: int
    topic: str


Heads = Callable[[int, int], Iterator[Head]]
"""Returns the heads of the events from one position up to another, which is left out."""


class _Line(NamedTuple):
    """A pair of accounts and what went from the first to the second."""

    position: int
    day: str
    from_account: str
    to_account: str
    lot: bytes
    payment: bytes | None
    amount_fen: int


@dataclass(frozen=True)
class AccountBook:
    """One book, of some organisations at a moment."""

    connection: Connection
    tree: Tree
    organisation_ids: Collection[UUID]
    moment: Moment = NOW

    def book(self, title: str, facts: Sequence[tuple[str, str]], heads: Heads) -> Book:
        """Return the book, whose entries are read from the journal as they are written."""
        return Book(
            title,
            facts,
            [Opened(name, since, self._remarks[name]) for name, since in self._since.items()],
            self._entries(heads),
            self._held,
            self._last_day + timedelta(days=1),
        )

    def _entries(self, heads: Heads) -> Iterator[Entry]:
        by_position = groupby(
            merge(self._lines(), self._openings(), key=lambda each: each.position),
            key=lambda each: each.position,
        )
        run: list[Sequence[_Line]] = []
        for _, together in by_position:
            run.append(list(together))
            if len(run) == ROWS_AT_ONCE:
                yield from _entries_of(run, heads)
                run = []
        yield from _entries_of(run, heads)

    def _lines(self) -> Iterator[_Line]:
        statement = (
            select(lines, lots.c.source)
            .join(lots, lots.c.lot_id == lines.c.origin_id)
            .where(self._of(lines), self.moment.covers(lines))
            .order_by(lines.c.position, lines.c.part)
            .execution_options(yield_per=ROWS_AT_ONCE)
        )
        for row in self.connection.execute(statement):
            place = _Place(row.organisation_id, row.fund_id, row.source, row.vintage)
            yield _Line(
                row.position,
                row.happened_on,
                self._account(row.from_account, place),
                self._account(row.to_account, place),
                row.lot_id,
                row.disbursement_id,
                row.amount_fen,
            )

    def _openings(self) -> Iterator[_Line]:
        for row in self._opened:
            # A receipt that is put right moves money and the opening surplus in one event: both
            # stand in one entry.
            opening, contra = self._memoranda(row.organisation_id, row.year, row.vintage)
            yield _Line(
                row.position, row.happened_on, opening, contra, row.lot_id, None, row.amount_fen
            )

    @cached_property
    def _opened(self) -> Sequence["_Opening"]:
        statement = (
            select(
                openings.c.position,
                openings.c.happened_on,
                openings.c.organisation_id,
                openings.c.year,
                openings.c.vintage,
                openings.c.lot_id,
                openings.c.amount_fen,
            )
            .where(self._of(openings), self.moment.covers(openings), openings.c.amount_fen != 0)
            .order_by(openings.c.position)
        )
        return [_Opening(*row) for row in self.connection.execute(statement)]

    @cached_property
    def _sums(self) -> Sequence["_Sum"]:
        """What went from account to account, of each place: what the balances are read from too."""
        of = moved(self.connection, self.moment)
        alike = (
            of.c.organisation_id,
            of.c.fund_id,
            lots.c.source,
            of.c.vintage,
            of.c.from_account,
            of.c.to_account,
        )
        statement = (
            select(
                *alike,
                func.min(of.c.happened_on),
                func.max(of.c.happened_on),
                func.sum(of.c.amount_fen),
            )
            .join(lots, lots.c.lot_id == of.c.origin_id)
            .where(self._of(of))
            .group_by(*alike)
            .order_by(*alike)
        )
        return [_Sum(_Place(*row[:4]), *row[4:]) for row in self.connection.execute(statement)]

    @cached_property
    def _since(self) -> dict[str, str]:
        """Return each account, and the first day on which money moved in it."""
        found: dict[str, str] = {}

        def note(account: str, day: str) -> None:
            found[account] = min(found.get(account, day), day)

        for each in self._sums:
            note(self._account(each.from_account, each.place), each.first)
            note(self._account(each.to_account, each.place), each.first)
        for row in self._opened:
            for account in self._memoranda(row.organisation_id, row.year, row.vintage):
                note(account, row.happened_on)
        return dict(sorted(found.items()))

    @cached_property
    def _held(self) -> dict[str, int]:
        held: dict[str, int] = defaultdict(int)
        for each in self._sums:
            held[self._account(each.from_account, each.place)] -= each.amount_fen
            held[self._account(each.to_account, each.place)] += each.amount_fen
        for row in self._opened:
            opening, contra = self._memoranda(row.organisation_id, row.year, row.vintage)
            held[opening] -= row.amount_fen
            held[contra] += row.amount_fen
        return dict(sorted(held.items()))

    @cached_property
    def _last_day(self) -> date:
        days = [each.last for each in self._sums] + [each.happened_on for each in self._opened]
        return max(map(date.fromisoformat, days), default=date.min)

    def _of(self, table: FromClause) -> ColumnElement[bool]:
        if len(self.organisation_ids) == len(self.tree.by_id):
            return true()
        return table.c.organisation_id.in_([each.bytes for each in self.organisation_ids])

    # Names of accounts, each made once.

    @cached_property
    def _names(self) -> Names:
        names = Names()
        # Named in one order, so that a thing is called the same in every book of the ledger.
        for union in self.tree.by_id.values():
            self._union(union, names)
        for earmark in sorted(set(self._earmarks.values())):
            names.of(("earmark", earmark), earmark)
        return names

    @cached_property
    def _earmarks(self) -> Mapping[bytes, str]:
        return {row.fund_id: row.earmark for row in self.connection.execute(select(funds))}

    @cached_property
    def _made(self) -> dict[tuple[str, "_Place"], str]:
        return {}

    @cached_property
    def _remarks(self) -> dict[str, Mapping[str, str]]:
        return {}

    def _account(self, account: str, place: "_Place") -> str:
        found = self._made.get((account, place))
        if found is not None:
            return found
        union = self.tree.by_id[uuid_of(place.organisation_id)]
        earmark = self._earmarks[place.fund_id]
        if account == Account.SOURCE:
            root, what = "Income", self._names.of(("source", place.source), place.source)
        else:
            root, what = ROOTS[account]
        purpose = self._names.of(("earmark", earmark), earmark)
        name = f"{root}:{self._union(union)}:{purpose}:{what}:{place.vintage}"
        self._made[account, place] = name
        self._remarks[name] = {
            "code": union.code,
            "union": union.name,
            "earmark": earmark,
            "vintage": str(place.vintage),
        }
        return name

    def _memoranda(self, organisation_id: bytes, year: int, vintage: int) -> tuple[str, str]:
        """Return the accounts that say what a year opened with."""
        union = self.tree.by_id[uuid_of(organisation_id)]
        found = tuple(
            f"Equity:{self._union(union)}:{what}:{year}:{vintage}" for what in (OPENING, CONTRA)
        )
        for name in found:
            self._remarks[name] = {
                "code": union.code,
                "union": union.name,
                "year": str(year),
                "vintage": str(vintage),
            }
        return found[0], found[1]

    def _union(self, union: Organisation, names: Names | None = None) -> str:
        return (names or self._names).of(union.organisation_id, f"{union.code}-{union.name}")


class _Place(NamedTuple):
    """Whose money it is, for what, where it came from and when."""

    organisation_id: bytes
    fund_id: bytes
    source: str
    vintage: int


class _Sum(NamedTuple):
    place: _Place
    from_account: str
    to_account: str
    first: str
    last: str
    amount_fen: int


class _Opening(NamedTuple):
    position: int
    happened_on: str
    organisation_id: bytes
    year: int
    vintage: int
    lot_id: bytes
    amount_fen: int


def _entries_of(run: Sequence[Sequence[_Line]], heads: Heads) -> Iterator[Entry]:
    """Return entries of lines that belong together, with what the log says of each event."""
    if not run:
        return
    head_of = {head.position: head for head in heads(run[0][0].position, run[-1][0].position + 1)}
    for together in run:
        head = head_of[together[0].position]
        yield Entry(
            together[0].day,
            WORDS[head.topic],
            list(_postings(together)),
            _about(head, together[0].payment),
        )


def _postings(together: Iterable[_Line]) -> Iterator[Posting]:
    for line in together:
        lot = {"lot": str(uuid_of(line.lot))}
        yield Posting(line.from_account, -line.amount_fen, lot)
        yield Posting(line.to_account, line.amount_fen, lot)


def _about(head: Head, payment: bytes | None) -> dict[str, str]:
    """Return what leads from an entry back to its event."""
    about = {
        "position": str(head.position),
        "event": head.topic,
        "stream": str(head.stream),
        "version": str(head.version),
    }
    if payment is not None:
        about["payment"] = str(UUID(bytes=payment))
    return about
