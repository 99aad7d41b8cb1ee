"""What a bank line and an item of the books may agree on, and which rules match by themselves.

Equal amounts on one day are normal here: most recipients of a class get the same. So amount and day
alone are never a match, only a candidate that a person looks at.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

from ledger.domain.bank_match import Rule
from ledger.domain.bank_statement import Line
from ledger.domain.book_item import ItemKind, Movement
from ledger.errors import Kind, LedgerError

BY_REFERENCE = Rule("reference", 1)
"""All lines name the very batch, payment or document that all the items are of."""

WITHIN = Rule("within_account", 1)
"""An allocation between two fund accounts in the same bank account: no bank sees it."""

NEAR = timedelta(days=15)
"""A bank books what was approved within so many days; further apart, the day says nothing."""


class Fact(StrEnum):
    REFERENCE = "reference"
    ACCOUNT = "account"
    NAME = "name"
    AMOUNT = "amount"
    DAY = "day"


WEIGHTS: Mapping[Fact, int] = {
    Fact.REFERENCE: 50,
    Fact.ACCOUNT: 20,
    Fact.NAME: 10,
    Fact.AMOUNT: 15,
    Fact.DAY: 5,
}
"""Of a hundred. Amount and day together stay below every candidate that names somebody."""


class RuleDoesNotHold(LedgerError):
    """A rule matches what it says, and nothing else."""

    code = "match.rule_does_not_hold"
    kind = Kind.INVALID

    def __init__(self, rule: Rule) -> None:
        super().__init__(f"rule {rule.name}/{rule.version} does not hold for what is chosen")


def score(facts: Collection[Fact]) -> int:
    return sum(WEIGHTS[fact] for fact in facts)


def rests_on_amount_alone(facts: Collection[Fact]) -> bool:
    """Say whether nothing but amount and day agrees: for a person to decide."""
    return not set(facts) - {Fact.AMOUNT, Fact.DAY}


def payment_reference(batch_code: str, number: int) -> str:
    """Return what a payment is called at the bank: its batch, and its row there."""
    return f"{batch_code}-{number:06d}"


FILE_MARK = "-F"
"""Before the number of a batch's further file, where a bank is told what the file is."""


def file_reference(batch_code: str, file_number: int) -> str:
    """Return what a file of a batch is called at the bank: no two files are called the same."""
    return batch_code if file_number == 1 else f"{batch_code}{FILE_MARK}{file_number}"


def is_file_of(reference: str | None, batch_code: str | None) -> bool:
    """Say whether something is called what a further file of a batch is."""
    return batch_code is not None and of_first_file(reference) == batch_code


def of_first_file(reference: str | None) -> str | None:
    """Return what the first file of a batch is called, of which a reference names a further one."""
    head, mark, number = (reference or "").rpartition(FILE_MARK)
    return head if mark and number.isdecimal() else None


def names_batch(line: Line, batch_code: str) -> bool:
    """Say whether a line is about a batch, a further file of it, or one payment of it."""
    named = (line.batch_code, line.end_to_end_id)
    head, _, number = (line.end_to_end_id or "").rpartition("-")
    return (
        batch_code in named
        or (head == batch_code and number.isdecimal())
        or any(is_file_of(each, batch_code) for each in named)
    )


def same_reference(line: Line, item: Movement) -> bool:
    """Say whether a line names what an item is of: its document, its payment, or its batch.

    A line that names one payment is about no other payment's return or reissue. What was withdrawn
    no line ever names: it makes the payout of its batch smaller.
    """
    if item.batch_code is None:
        return item.document is not None and line.document == item.document
    if not names_batch(line, item.batch_code):
        return False
    one = line.end_to_end_id if line.end_to_end_id != item.batch_code else None
    if is_file_of(one, item.batch_code):
        one = None
    if item.number is None or one is None or item.kind is ItemKind.WITHDRAWAL:
        return True
    return one == payment_reference(item.batch_code, item.number)


def plain_facts(line: Line, item: Movement) -> set[Fact]:
    """Return what agrees without opening anything that is sealed."""
    facts = set()
    if same_reference(line, item):
        facts.add(Fact.REFERENCE)
    if line.amount == item.amount:
        facts.add(Fact.AMOUNT)
    if abs(line.booked_on - item.booked_on) <= NEAR:
        facts.add(Fact.DAY)
    return facts


def require_rule(rule: Rule, lines: Sequence[Line], items: Sequence[Movement]) -> None:
    """Check that a rule holds for what it is said to match.

    Raises:
        RuleDoesNotHold: It does not, or there is no such rule.
    """
    holds = HOLDS.get(rule)
    if holds is None or not holds(lines, items):
        raise RuleDoesNotHold(rule)


def _by_reference(lines: Sequence[Line], items: Sequence[Movement]) -> bool:
    """Each line names what some item is of, each item is named by some line, all of one matter."""
    matters = {item.batch_code or item.document for item in items}
    return (
        bool(lines)
        and len(matters) == 1
        and None not in matters
        and all(any(same_reference(line, item) for item in items) for line in lines)
        and all(any(same_reference(line, item) for line in lines) for item in items)
    )


def _within(lines: Sequence[Line], items: Sequence[Movement]) -> bool:
    kinds = sorted(item.kind for item in items)
    return (
        not lines
        and kinds == sorted((ItemKind.ALLOCATION_OUT, ItemKind.ALLOCATION_IN))
        and len({item.allocation_id for item in items}) == 1
    )


HOLDS = {BY_REFERENCE: _by_reference, WITHIN: _within}
