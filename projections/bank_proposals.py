"""What rules would match by themselves among what is open: by exact reference, never by amount."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from ledger.domain.bank_match import Rule
from ledger.domain.book_item import ItemKind
from ledger.domain.matching_rules import (
    BY_REFERENCE,
    WITHIN,
    of_first_file,
    payment_reference,
    same_reference,
)
from projections.bank_lines import ItemView, LineView, open_items, open_lines


@dataclass(frozen=True, slots=True)
class Proposal:
    """Lines and items that come to the same, and the rule that says they are the same."""

    rule: Rule
    lines: tuple[LineView, ...]
    items: tuple[ItemView, ...]


def proposals(connection: Connection, account_id: UUID, begins_on: str) -> list[Proposal]:
    """Return what the rules would match of what is open on an account."""
    items = open_items(connection, account_id, begins_on)
    lines = open_lines(connection, account_id)
    return [*within_account(items), *by_reference(lines, items)]


def within_account(items: Iterable[ItemView]) -> Iterator[Proposal]:
    """Pair allocations whose both ends are kept in this account."""
    ends: dict[UUID, list[ItemView]] = defaultdict(list)
    for item in items:
        if item.allocation_id is not None:
            ends[item.allocation_id].append(item)
    for pair in ends.values():
        if len(pair) == 2 and not sum(item.amount_fen for item in pair):  # noqa: PLR2004 - a pair
            yield Proposal(WITHIN, (), tuple(pair))


def by_reference(lines: Iterable[LineView], items: Iterable[ItemView]) -> Iterator[Proposal]:
    """Match what names the same batch, payment or document and comes to the same sum."""
    of: dict[str, list[ItemView]] = defaultdict(list)
    for item in items:
        matter = item.batch_code or item.document
        if matter is not None:
            of[matter].append(item)
    told: dict[str, list[LineView]] = defaultdict(list)
    for line in lines:
        head = (line.end_to_end_id or "").rpartition("-")[0]
        further = (of_first_file(line.batch_code), of_first_file(line.end_to_end_id))
        for named in (line.batch_code, line.end_to_end_id, head, line.document, *further):
            if named and named in of:
                told[named].append(line)
                break
    for matter, its_lines in told.items():
        yield from _Matter(its_lines, of[matter]).proposals()


class _Matter:
    """The open lines and items of one batch or document, fewer with each proposal."""

    def __init__(self, lines: Sequence[LineView], items: Sequence[ItemView]) -> None:
        self._lines = list(lines)
        self._items = list(items)

    def proposals(self) -> Iterator[Proposal]:
        yield from self._payments()
        payouts = self._of(ItemKind.PAYOUT)
        sent = [*payouts, *self._of(ItemKind.WITHDRAWAL)]
        returns = self._of(ItemKind.RETURN)
        yield from self._singles(payouts)
        yield from self._whole(self._debits(), payouts)
        yield from self._singles(sent, together=True)
        yield from self._whole(self._debits(), sent)
        for group in ([*payouts, *returns], [*sent, *returns]):
            yield from self._singles(group, together=True)
            yield from self._whole(self._lines, group)
        for kind in ItemKind:
            if kind not in (ItemKind.PAYOUT, ItemKind.WITHDRAWAL):
                yield from self._by_day(self._of(kind))
        yield from self._whole(self._credits(), self._of(ItemKind.RETURN))
        yield from self._whole(self._debits(), self._of(ItemKind.REISSUE))
        yield from self._singles(self._items)
        yield from self._whole(self._lines, self._items)

    def _payments(self) -> Iterator[Proposal]:
        """Match lines that name one payment with what came back or was paid again of it."""
        named: dict[tuple[str, int], list[ItemView]] = defaultdict(list)
        for item in self._items:
            if item.kind == ItemKind.WITHDRAWAL:
                continue
            if item.number is not None and item.batch_code is not None:
                reference = payment_reference(item.batch_code, item.number)
                named[reference, item.amount_fen].append(item)
        for line in list(self._lines):
            waiting = named.get((line.end_to_end_id or "", line.amount_fen))
            if waiting:
                yield from self._take([line], [waiting.pop(0)])

    def _singles(self, items: Sequence[ItemView], *, together: bool = False) -> Iterator[Proposal]:
        """Match one line with each item, or with all of them; the earliest line of several."""
        for group in [items] if together else [[item] for item in items]:
            total = sum(item.amount_fen for item in group)
            line = next((each for each in self._lines if each.amount_fen == total), None)
            if line is not None:
                yield from self._take([line], group)

    def _by_day(self, items: Sequence[ItemView]) -> Iterator[Proposal]:
        """Match one line with all that the books have of a kind on one day."""
        days: dict[str, list[ItemView]] = defaultdict(list)
        for item in items:
            days[item.booked_on].append(item)
        for group in days.values():
            yield from self._singles(group, together=True)

    def _whole(self, lines: Sequence[LineView], items: Sequence[ItemView]) -> Iterator[Proposal]:
        yield from self._take(list(lines), list(items))

    def _take(self, lines: Sequence[LineView], items: Sequence[ItemView]) -> Iterator[Proposal]:
        """Propose what comes to the same and is still there, and take it out."""
        taken = _places(lines) | _places(items)
        there = taken <= _places(self._lines) | _places(self._items)
        same = sum(line.amount_fen for line in lines) == sum(item.amount_fen for item in items)
        if not (lines and items and there and same and _named(lines, items)):
            return
        self._lines = [line for line in self._lines if line.position not in taken]
        self._items = [item for item in self._items if item.position not in taken]
        yield Proposal(BY_REFERENCE, tuple(lines), tuple(items))

    def _of(self, kind: ItemKind) -> list[ItemView]:
        return [item for item in self._items if item.kind == kind]

    def _debits(self) -> list[LineView]:
        return [line for line in self._lines if line.amount_fen < 0]

    def _credits(self) -> list[LineView]:
        return [line for line in self._lines if line.amount_fen > 0]


def _places(views: Sequence[LineView] | Sequence[ItemView]) -> set[int]:
    return {each.position for each in views}


def _named(lines: Sequence[LineView], items: Sequence[ItemView]) -> bool:
    """Say whether each line names what some item is of, and each item is named by some line."""
    said, facts = [line.facts for line in lines], [item.facts for item in items]
    return all(any(same_reference(line, item) for item in facts) for line in said) and all(
        any(same_reference(line, item) for line in said) for item in facts
    )
