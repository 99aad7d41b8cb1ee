"""Bank accounts and their statements for stories: made from days, amounts and references."""

from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

from ledger.commands import bank_accounts, bank_matching, bank_statements
from ledger.commands.bank_matching import ComingBack, ItemChosen, LineChosen, Matching
from ledger.domain.bank_match import Rule
from ledger.files.account_statement import AccountStatement, StatementEntry
from ledger.store.application import Answer
from projections.bank_accounts import Standing, account_list, standings
from projections.bank_lines import ItemView, LineView, open_items, open_lines
from projections.bank_proposals import proposals
from projections.runner import catch_up
from tests.world import EARMARK, Person, World

NUMBER = "1340 0017 0501 00001"
BEGINS = date(2017, 1, 1)
LATER = date(2017, 2, 10)


def entry(day: date, amount: int, **facts: Any) -> StatementEntry:
    """Make one booking; its line and hash are given when it is put into a statement."""
    plain: dict[str, Any] = {
        "line": 0,
        "line_sha256": "",
        "booked_on": day,
        "value_on": day,
        "amount_fen": amount,
        "counterparty_account": None,
        "counterparty_name": None,
        "end_to_end_id": None,
        "reference": None,
        "batch_code": None,
        "count": 1,
        "text": None,
        "returned": False,
    }
    return StatementEntry(**{**plain, **facts})


def statement(
    first: date, last: date, opening: int, *entries: StatementEntry, **facts: Any
) -> AccountStatement:
    """Make a statement of some days that adds up; equal bookings of a day have equal hashes."""
    lines = tuple(
        replace(each, line=number, line_sha256=sha256(repr(_said(each)).encode()).hexdigest())
        for number, each in enumerate(sorted(entries, key=lambda each: each.booked_on), 1)
    )
    said = (first, last, opening, [each.line_sha256 for each in lines])
    plain: dict[str, Any] = {
        "bank_format": "camt-053",
        "account_number": NUMBER,
        "currency": "CNY",
        "number": "1",
        "opened_on": first,
        "closed_on": last,
        "opening_fen": opening,
        "closing_fen": opening + sum(each.amount_fen for each in entries),
        "entries": lines,
        "sha256": sha256(repr(said).encode()).hexdigest(),
    }
    return AccountStatement(**{**plain, **facts})


def _said(each: StatementEntry) -> tuple[object, ...]:
    return (
        each.booked_on,
        each.amount_fen,
        each.counterparty_account,
        each.end_to_end_id,
        each.reference,
        each.batch_code,
        each.text,
    )


@dataclass
class Bank:
    """A bank account of a union, and what officers do with it."""

    world: World
    code: str = "X01"
    number: str = NUMBER
    account_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        order = bank_accounts.AccountRegistration(
            self.code, "送温暖专户", self.number, "徽商银行", "camt-053", BEGINS, 0
        )
        answer = bank_accounts.register_bank_account(
            self.world.ledger, self.world.act(f"A-{self.code}"), order
        )
        self.account_id = UUID(answer.result["account_id"])

    def keep(self, code: str = "X01") -> Answer:
        order = bank_accounts.Keeping(self.account_id, code, EARMARK)
        act = self.world.act(f"A-{self.code}")
        return bank_accounts.keep_fund(self.world.ledger, act, order)

    def take(self, content: AccountStatement, day: date = LATER) -> Answer:
        order = bank_statements.StatementFile(self.account_id, "statement.xml", content)
        act = self.world.act(f"H-{self.code}", day)
        return bank_statements.take_bank_statement(self.world.ledger, act, order)

    def match(
        self,
        lines: list[LineView],
        items: list[ItemView],
        rule: Rule | None = None,
        staff: str = "H-X01",
    ) -> Answer:
        order = Matching(
            self.account_id,
            tuple(LineChosen(each.statement_id, each.line) for each in lines),
            tuple(ItemChosen(each.source_id, each.version) for each in items),
            rule=rule,
        )
        return bank_matching.match(self.world.ledger, self.world.act(staff, LATER), order)

    def come_back(
        self, line: LineView, person: Person, staff: str = "H-X01", reason: str = "RETURNED"
    ) -> Answer:
        """Take a person's payment back by the line that brought its money."""
        chosen = LineChosen(line.statement_id, line.line)
        order = ComingBack(chosen, self.world.payment_id(person), reason)
        act = self.world.act(staff, LATER)
        return bank_matching.come_back(self.world.ledger, act, order)

    def apply_rules(self) -> int:
        with catch_up(self.world.ledger, self.world.home.read_models).asking() as model:
            found = proposals(model, self.account_id, BEGINS.isoformat())
        for each in found:
            self.match(list(each.lines), list(each.items), each.rule)
        return len(found)

    @property
    def lines(self) -> list[LineView]:
        with catch_up(self.world.ledger, self.world.home.read_models).asking() as model:
            return open_lines(model, self.account_id)

    @property
    def items(self) -> list[ItemView]:
        with catch_up(self.world.ledger, self.world.home.read_models).asking() as model:
            return open_items(model, self.account_id, BEGINS.isoformat())

    @property
    def standing(self) -> Standing:
        with catch_up(self.world.ledger, self.world.home.read_models).asking() as model:
            [found] = standings(model, account_list(model, account_id=self.account_id))
            return found
