"""Bank accounts as pages and programs are shown them: masked, with candidates and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from api.acting import Acting
from api.callers import Reach
from ledger.commands.bank_facts import people_named, personal_facts
from ledger.commands.bank_matching import ItemChosen, LineChosen, Matching, match
from ledger.domain.matching_rules import (
    Fact,
    plain_facts,
    rests_on_amount_alone,
    score,
)
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, NotOnRecord
from projections.bank_accounts import Account, account_list
from projections.bank_balance import Balance, balance_at
from projections.bank_lines import ItemView, LineView, candidates, could_come_back, line_of
from projections.bank_proposals import Proposal, proposals

CANDIDATES_MAX = 20
APPLIED_AT_ONCE = 100
"""Matches that are stored in one transaction: others need not wait long."""


@dataclass(frozen=True, slots=True)
class Found:
    """An item that a line may be, with what agrees; `score` is of a hundred."""

    item: ItemView
    facts: tuple[Fact, ...]
    score: int
    amount_alone: bool


@dataclass(frozen=True, slots=True)
class Returnable:
    """A payment whose money a line may be bringing back (退票), with what agrees."""

    disbursement_id: UUID
    batch_code: str
    number: int
    amount_fen: int
    status: str
    facts: tuple[Fact, ...]
    score: int


class NotCovered(LedgerError):
    """What the bank held on a day is known where its statements go on unbroken up to it."""

    code = "reconciliation.not_covered"
    kind = Kind.INVALID

    def __init__(self, account_id: UUID, day: date) -> None:
        super().__init__(f"no unbroken run of statements of {account_id} reaches {day}")


def account_within(model: Connection, reach: Reach, account_id: UUID) -> Account:
    """Return a bank account.

    Raises:
        NotOnRecord: There is none.
        OutsideReach: Its organisation is not within reach.
    """
    found = account_list(model, account_id=account_id)
    if not found:
        raise NotOnRecord("bank account", account_id)
    reach.require(found[0].organisation_id)
    return found[0]


def balance_within(model: Connection, account: Account, day: date) -> Balance:
    """Return an account's reconciliation statement.

    Raises:
        NotCovered: No unbroken run of statements says what the bank held on that day.
    """
    found = balance_at(model, account, day)
    if found is None:
        raise NotCovered(account.account_id, day)
    return found


def line_within(
    model: Connection, reach: Reach, statement_id: UUID, line: int
) -> tuple[Account, LineView]:
    """Return a bank line with its account.

    Raises:
        NotOnRecord: There is no such line.
        OutsideReach: Its organisation is not within reach.
    """
    found = line_of(model, statement_id, line)
    if found is None:
        raise NotOnRecord("bank line", statement_id)
    return account_within(model, reach, found.account_id), found


def found_for(ledger: Ledger, model: Connection, account: Account, line: LineView) -> list[Found]:
    """Return what an open line may be, what names the most first."""
    seen = candidates(model, line, account.begins_on, limit=CANDIDATES_MAX)
    found = []
    for item in seen:
        facts = plain_facts(line.facts, item.facts)
        facts |= personal_facts(ledger, line.position, item.disbursement_id)
        ordered = tuple(each for each in Fact if each in facts)
        found.append(Found(item, ordered, score(ordered), rests_on_amount_alone(ordered)))
    return sorted(found, key=lambda each: (-each.score, each.item.booked_on, each.item.position))


def returnables_for(
    ledger: Ledger, model: Connection, account: Account, line: LineView
) -> list[Returnable]:
    """Return payments that a line that brings money in may be sending back."""
    if line.amount_fen <= 0:
        return []
    people = people_named(ledger, line.position)
    found = []
    for each in could_come_back(model, account.account_id, line, people, limit=CANDIDATES_MAX):
        facts = {Fact.AMOUNT} | personal_facts(ledger, line.position, each.disbursement_id)
        if line.end_to_end_id == each.reference:
            facts.add(Fact.REFERENCE)
        ordered = tuple(fact for fact in Fact if fact in facts)
        found.append(
            Returnable(
                each.disbursement_id,
                each.batch_code,
                each.number,
                each.amount_fen,
                each.status,
                ordered,
                score(ordered),
            )
        )
    return sorted(found, key=lambda each: (-each.score, each.batch_code, each.number))


def apply_rules(ledger: Ledger, acting: Acting, model: Connection, account: Account) -> int:
    """Match what the rules say is the same, for an officer; return how many matches that made."""
    return apply_found(ledger, acting.bare(), model, account)


def apply_found(ledger: Ledger, act: CommandAct, model: Connection, account: Account) -> int:
    """Match what the rules say is the same; return how many matches that made.

    In pieces, each stored whole: what one piece matched stands when a later one is refused.
    """
    found = proposals(model, account.account_id, account.begins_on)
    for start in range(0, len(found), APPLIED_AT_ONCE):
        _apply(ledger, act, account, found[start : start + APPLIED_AT_ONCE])
    return len(found)


def chosen_lines(lines: Sequence[LineView]) -> tuple[LineChosen, ...]:
    return tuple(LineChosen(each.statement_id, each.line) for each in lines)


def chosen_items(items: Sequence[ItemView]) -> tuple[ItemChosen, ...]:
    return tuple(ItemChosen(each.source_id, each.version) for each in items)


def _apply(ledger: Ledger, act: CommandAct, account: Account, found: Sequence[Proposal]) -> None:
    def take() -> dict[str, int]:
        for each in found:
            order = Matching(
                account.account_id,
                chosen_lines(each.lines),
                chosen_items(each.items),
                rule=each.rule,
            )
            match(ledger, act, order)
        return {"matched": len(found)}

    ledger.together(act, "bank_match.apply_rules", account.account_id, take)
