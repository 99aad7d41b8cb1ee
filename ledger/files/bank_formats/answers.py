"""A return file's cells become lines with outcomes; its control figures are held against them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import NamedTuple

from ledger.domain.matching_rules import is_file_of
from ledger.files.amounts import fen, whole_number
from ledger.files.bank import BankReturn, Lists, Outcome, ReturnLine
from ledger.files.bank_formats.template import Field, In, Status, Template, Total, Unit, Words
from ledger.files.faults import FileRefused, refuse
from ledger.files.reasons import (
    OTHER,
    RETURNED,
    UNKNOWN,
    Reason,
    canonical_reason,
    reason_of,
    says_failed,
)
from ledger.files.text import number_text, person_name

_FEN = re.compile(r"[0-9]{1,15}")
_COURSE = (Outcome.PENDING, Outcome.SETTLED, Outcome.FAILED)
_COUNTS = (Total.COUNT, Total.SETTLED_COUNT, Total.FAILED_COUNT)


class Record(NamedTuple):
    """What a file says of one payment, by what its cells are; `line` is where."""

    line: int
    cells: Mapping[Field, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """A file taken apart: what it says of payments, and what it says they add up to."""

    records: Sequence[Record] = field(repr=False)
    totals: Mapping[Total, int]
    batch_code: str | None = None
    totals_line: int | None = None


def amount_of(cell: object, unit: Unit) -> int | None:
    """Read an amount as whole fen; None when it is no amount above zero."""
    if unit is Unit.FEN:
        text = str(cell)
        amount = int(text) if _FEN.fullmatch(text) else None
    else:
        amount = fen(cell)
    return amount if amount is not None and amount > 0 else None


def total_of(name: str, word: Total, cell: object, unit: Unit, line: int | None) -> int:
    """Read a control figure; that nothing failed, or that nobody was paid, may be said by zero.

    Raises:
        FileRefused: `bank_file.line_invalid`.
    """
    if word in _COUNTS:
        found = whole_number(str(cell).removesuffix("笔").strip())
    elif unit is Unit.FEN:
        found = int(str(cell)) if _FEN.fullmatch(str(cell)) else None
    else:
        found = fen(cell)
    if found is None or found < 0:
        raise refuse(name, "bank_file.line_invalid", row=line)
    return found


def bank_return(
    template: Template,
    layout: In,
    name: str,
    answer: Answer,
    digest: str,
    batch_code: str | None = None,
) -> BankReturn:
    """Say what a file means for each payment.

    Where it speaks of other business too, that of the batch it is taken in for is read, and of what
    it says of one payment over time, the last word.

    Raises:
        FileRefused: A line cannot be read, stands twice or is of another batch than the others, or
            the control figures disagree.
    """
    meaning = _Meaning(template, layout, name, batch_code)
    lines = tuple(meaning.line(record) for record in answer.records if meaning.is_ours(record))
    if meaning.passed_over and not lines:
        raise refuse(name, "bank_file.other_batch")
    if layout.skip_others:
        lines = _last_words(lines)
    codes = meaning.batches or {answer.batch_code}
    head = answer.batch_code
    if len(codes) > 1 or not (head is None or head in codes or is_file_of(head, *codes)):
        raise refuse(name, "bank_file.other_batch")
    keys = {_whose(line) for line in lines}
    if len(keys) != len(lines):
        raise refuse(name, "bank_file.duplicate_line")
    _check_totals(name, layout.lists, lines, answer)
    vouched = layout.lists is Lists.FAILURES
    return BankReturn(
        bank_format=template.name,
        batch_code=next(iter(codes)),
        lists=layout.lists,
        lines=lines,
        settled_count=answer.totals[Total.SETTLED_COUNT] if vouched else None,
        settled_fen=answer.totals[Total.SETTLED_TOTAL] if vouched else None,
        sha256=digest,
    )


class _Meaning:
    """How one layout's cells are to be understood."""

    def __init__(self, template: Template, layout: In, name: str, batch_code: str | None) -> None:
        self._batch_code = batch_code
        self._template = template
        self._layout = layout
        self._name = name
        self._reference = re.compile(layout.reference)
        self._reasons = {
            code: reason_of(reason) for reason, codes in template.codes.items() for code in codes
        }
        self.batches: set[str | None] = set()
        self.passed_over: set[str] = set()

    def is_ours(self, record: Record) -> bool:
        if not self._layout.skip_others:
            return True
        found = self._reference.fullmatch(str(record.cells.get(Field.REFERENCE, "")))
        batch = found.groupdict().get("batch") if found else None
        if batch is not None and self._batch_code not in (None, batch):
            self.passed_over.add(batch)
            return False
        return found is not None

    def line(self, record: Record) -> ReturnLine:
        cells, at = record.cells, record.line
        amount = None
        if Field.AMOUNT in cells:
            amount = amount_of(cells[Field.AMOUNT], self._layout.amount)
            if amount is None:
                raise self._invalid(at)
        account = _text(cells, Field.ACCOUNT)
        name = _text(cells, Field.NAME)
        code = _text(cells, Field.CODE)
        number = self._number(record)
        if number is None and account is None:
            raise self._invalid(at)
        outcome, reason = self._outcome(record, code)
        return ReturnLine(
            line=at,
            number=number,
            account=number_text(account) if account is not None else None,
            name=person_name(name) if name is not None else None,
            amount_fen=amount,
            outcome=outcome,
            reason=reason.code if reason else None,
            raw_code=code or None,
        )

    def _number(self, record: Record) -> int | None:
        cells = record.cells
        if Field.REFERENCE in cells:
            found = self._reference.fullmatch(str(cells[Field.REFERENCE]))
            if found is None:
                raise self._invalid(record.line)
            self.batches |= {found.groupdict().get("batch")} - {None}
            return int(found["number"])
        if Field.NUMBER not in cells:
            return None
        number = whole_number(str(cells[Field.NUMBER]))
        if not number:
            raise self._invalid(record.line)
        return number

    def _outcome(self, record: Record, code: str | None) -> tuple[Outcome, Reason | None]:
        message = _text(record.cells, Field.MESSAGE) or ""
        status = self._layout.status
        if self._layout.all_settled:
            return Outcome.SETTLED, None
        if status is None:
            return _failure(self._reason(code, message))
        word = (code if status.of_code else _text(record.cells, Field.STATUS)) or ""
        if status.ends_at:
            word, _, behind = word.replace("：", ":").partition(status.ends_at)
            word, message = word.strip(), message or behind.strip()
        return self._said(record.line, status, word, code, message)

    def _said(
        self, at: int, status: Status, word: str, code: str | None, message: str
    ) -> tuple[Outcome, Reason | None]:
        if _fits(word, status.returned):
            reason = self._reason(code, message)
            # A duplicate that came back says nothing of the first, which may have arrived.
            return _failure(RETURNED if reason in (OTHER, UNKNOWN) else reason)
        if _fits(word, status.settled):
            return Outcome.SETTLED, None
        if _fits(word, status.accepted) and self._template.accepted_is_final:
            return Outcome.SETTLED, None
        if _fits(word, status.failed):
            # The bank says that it failed; that it does not say why leaves no doubt of that.
            return _failure(self._reason(code, message) if code or message else OTHER)
        if _fits(word, (*status.accepted, *status.pending)):
            return Outcome.PENDING, UNKNOWN
        if status.other == "refuse":
            raise self._invalid(at)
        told = message or ("" if status.of_code else word)
        reason = self._reason(code, told)
        # What nobody taught this program may mean anything: paid again, it might be paid twice.
        return _failure(UNKNOWN if reason == OTHER and not says_failed(told) else reason)

    def _reason(self, code: str | None, message: str) -> Reason:
        return self._reasons.get(code or "") or canonical_reason(code, message)

    def _invalid(self, line: int) -> FileRefused:
        return refuse(self._name, "bank_file.line_invalid", row=line)


def _whose(line: ReturnLine) -> object:
    """Return what tells which payment a line is about."""
    return line.number or (line.account, line.name, line.amount_fen)


def _last_words(lines: Sequence[ReturnLine]) -> tuple[ReturnLine, ...]:
    """Return the last line of each payment: announced, then booked, then sent back.

    In any other order nobody can say which holds: both stay, and stand twice.
    """
    said: dict[object, list[ReturnLine]] = defaultdict(list)
    for line in lines:
        said[_whose(line)].append(line)
    return tuple(line for each in said.values() for line in (each[-1:] if _goes_on(each) else each))


def _goes_on(lines: Sequence[ReturnLine]) -> bool:
    """Say whether each word goes on from the one before; only an announcement comes twice."""
    steps = [_COURSE.index(each.outcome) for each in lines]
    return all(before < after or before == after == 0 for before, after in pairwise(steps))


def _check_totals(name: str, lists: Lists, lines: Sequence[ReturnLine], answer: Answer) -> None:
    def sums(chosen: Iterable[ReturnLine]) -> tuple[int, int]:
        amounts = [line.amount_fen or 0 for line in chosen]
        return len(amounts), sum(amounts)

    count, total = sums(lines)
    paid = sums(line for line in lines if line.outcome is Outcome.SETTLED)
    failed = sums(line for line in lines if line.outcome is Outcome.FAILED)
    stated = answer.totals
    if lists is Lists.FAILURES:
        # All that are listed are failures to the bank, also those of which it is not sure.
        paid = stated[Total.SETTLED_COUNT], stated[Total.SETTLED_TOTAL]
        failed = count, total
        count, total = count + paid[0], total + paid[1]
    listed = {
        Total.COUNT: count,
        Total.TOTAL: total,
        Total.SETTLED_COUNT: paid[0],
        Total.SETTLED_TOTAL: paid[1],
        Total.FAILED_COUNT: failed[0],
        Total.FAILED_TOTAL: failed[1],
    }
    for word, figure in stated.items():
        if listed[word] != figure:
            detail = f"{word} {figure} stated, {listed[word]} listed"
            code = "bank_file.control_total"
            raise refuse(name, code, row=answer.totals_line, detail=detail)


def _failure(reason: Reason) -> tuple[Outcome, Reason]:
    return (Outcome.PENDING if reason.pending else Outcome.FAILED), reason


def _text(cells: Mapping[Field, object], which: Field) -> str | None:
    return str(cells[which]).strip() if which in cells else None


def _fits(word: str, patterns: Words) -> bool:
    return any(fnmatchcase(word, pattern) for pattern in patterns)
