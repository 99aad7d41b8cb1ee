"""Account statements of a bank: checked against themselves and the chain, taken in line by line."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from ledger.commands.bank_accounts import account_subject, number_index
from ledger.commands.duties import recording_day, require_post
from ledger.commands.funds import CASHIERS, require_other_hand
from ledger.commands.sealing import BANK_LINE, card_index, seal
from ledger.domain.bank_account import ONE_DAY, BankAccount, BankAccountClosed, Span
from ledger.domain.bank_statement import BankStatement, Line, bank_statement_id
from ledger.domain.officer import Role
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from ledger.files.account_statement import AccountStatement, StatementEntry
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, NotOnRecord, Work
from ledger.vault.keys import PersonErased, PersonRestricted

WITHDRAWERS = frozenset({Role.APPROVER})
"""Who says that a statement was taken in by mistake: it takes lines away that nobody explained."""

CURRENCY = "CNY"
DOCUMENT = re.compile(r"[\u4e00-\u9fff]{1,12}〔[0-9]{4}〕[0-9]{1,5}号")
"""An official document's number (发文字号): whose, of which year, which. It names no person."""

PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,63}")
LONG_NUMBER = re.compile(r"[0-9]{15}")
"""Account, card and ID numbers are this long; a reference that holds one is sealed."""


class BankStatementKnown(LedgerError):
    """Nothing in this file is new: it, or all that it says, was taken in before."""

    code = "bank_statement.known"
    kind = Kind.CONFLICT

    def __init__(self, file_sha256: str) -> None:
        super().__init__(f"all that file {file_sha256[:16]} says was taken in before")


class OtherBankAccount(LedgerError):
    """The statement is of another account than it was handed in for."""

    code = "bank_statement.other_account"
    kind = Kind.INVALID

    def __init__(self, account_id: UUID) -> None:
        super().__init__(f"the statement names another account number than account {account_id}")


class OtherCurrency(LedgerError):
    """Relief money is in yuan."""

    code = "bank_statement.other_currency"
    kind = Kind.INVALID

    def __init__(self, currency: str) -> None:
        super().__init__(f"the statement is in {currency}, not in {CURRENCY}")


class DoesNotAddUp(LedgerError):
    """Opening balance and all lines come to the closing balance."""

    code = "bank_statement.does_not_add_up"
    kind = Kind.INVALID

    def __init__(self, expected: int, got: int) -> None:
        super().__init__(f"opening and lines come to {expected} fen, the statement says {got}")


class LineOutside(LedgerError):
    """A statement's lines were booked in the days that it covers, each once in the file."""

    code = "bank_statement.line_outside"
    kind = Kind.INVALID

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is repeated, or booked on a day outside of the statement")


class DayNotCome(LedgerError):
    """A statement ends before today: what the bank books later on would say otherwise."""

    code = "bank_statement.day_not_come"
    kind = Kind.INVALID

    def __init__(self, day: date) -> None:
        super().__init__(f"the statement covers {day}, which is not over yet")


class StatementBetween(LedgerError):
    """Days before its own are stated of a file only right behind the statement before it.

    They are days of which the bank sent none. By its numbers, or by days that are missing further
    back, it sent one, or may have.
    """

    code = "bank_statement.one_between"
    kind = Kind.INVALID

    def __init__(self, day: date) -> None:
        super().__init__(f"the bank may have sent a statement of days from {day} on: take it in")


class SaysOtherwise(LedgerError):
    """A day has the same lines in every statement of it."""

    code = "bank_statement.says_otherwise"
    kind = Kind.CONFLICT

    def __init__(self, day: date, known: int, got: int) -> None:
        super().__init__(
            f"of {day} another statement has {known} lines on record, this one has {got};"
            " they are not the same lines"
        )


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A statement as a bank sent it for an account; `name` is for messages only."""

    account_id: UUID
    name: str
    content: AccountStatement = field(repr=False)


def take_bank_statement(ledger: Ledger, act: CommandAct, order: StatementFile) -> Answer:
    """Take in a statement: each of its lines that is new is open until it is matched or set aside.

    Days that are covered already have to hold the very same lines, known by their hashes; these are
    counted as `known` and not taken twice. A file that is here already may come again with more
    days stated than were known of it. What it says of days after the account was closed is left
    out if nothing was booked then. The result says `statement_id`, `taken` and `known`.

    Raises:
        BankStatementKnown: Nothing is new.
        OtherBankAccount, OtherCurrency, DoesNotAddUp, LineOutside: The file is wrong in itself.
        DayNotCome: It comes too early.
        StatementBetween: Days before its own are stated, and another statement may be of these.
        SaysOtherwise, ChainBroken, BeforeBeginning, BankAccountClosed: It does not fit what is
            there; nothing is written.
    """
    content = order.content

    def decide(work: Work) -> None:
        account = work.get(BankAccount, order.account_id)
        require_post(work, act, CASHIERS, account.organisation_id)
        if number_index(ledger, content.account_number) != account.number_index:
            raise OtherBankAccount(account.id)
        _require_sound(content)
        if content.closed_on >= recording_day(act):
            raise DayNotCome(content.closed_on)
        again = _times_withdrawn(account, content.sha256)
        statement = work.find(BankStatement, bank_statement_id(account.id, content.sha256, again))
        indexes = {
            entry.line: ledger.vault.index("bank line", f"{entry.booked_on} {entry.line_sha256}")
            for entry in content.entries
        }
        _require_none_between(work, account, content)
        spans = _new_spans(account, content)
        covered = _covered_lines(work, account, content)
        _require_same(content, covered, spans, indexes)
        new = [
            entry
            for entry in content.entries
            if any(span.opened_on <= entry.booked_on <= span.closed_on for span in spans)
        ]
        if not spans or (new and statement is not None):
            raise BankStatementKnown(content.sha256)
        if statement is None:
            known = len(content.entries) - len(new)
            statement = _received(act, account, content, known_count=known, again=again)
        for span in spans:
            account.take(act, statement_id=statement.id, span=span, days_stated=content.days_stated)
        for entry in new:
            _take(work, act, account, statement, entry, indexes[entry.line])
        work.save(account, statement)
        work.result.update(
            statement_id=str(statement.id),
            taken=len(new),
            known=len(content.entries) - len(new),
        )

    request: tuple[object, ...] = (order.account_id, content.bank_format, content.sha256)
    if content.days_stated:
        request += (content.opened_on, content.closed_on)
    return ledger.perform(act, "bank_statement.take", request, decide)


def withdraw_bank_statement(
    ledger: Ledger, act: CommandAct, account_id: UUID, statement_id: UUID, reason: str
) -> Answer:
    """Take back that a statement was taken in (撤回): of another account, or misread.

    Its lines are gone, and its days are covered no more, until a statement of them is taken in: the
    same file, too. What was matched from it is undone before.

    Raises:
        NotOnRecord: The account has no such statement.
        StatementWithdrawn, StatementMatched: As they say.
        CorrectedByOneself: Whoever took it in would withdraw it.
        RoleMissing: Not for this officer to do.
    """

    def decide(work: Work) -> None:
        account = work.get(BankAccount, account_id)
        statement = work.get(BankStatement, statement_id)
        if statement.account_id != account.id:
            raise NotOnRecord("bank statement", statement_id)
        require_post(work, act, WITHDRAWERS, account.organisation_id)
        require_other_hand(work, act, statement.id, 1)
        statement.withdraw(act, reason=reason)
        account.withdraw(act, statement_id=statement.id)
        work.save(statement, account)

    request = (account_id, statement_id, reason)
    return ledger.perform(act, "bank_statement.withdraw", request, decide)


def _times_withdrawn(account: BankAccount, file_sha256: str) -> int:
    """Return how often a file was taken in and withdrawn."""
    times = 0
    while bank_statement_id(account.id, file_sha256, times) in account.withdrawn:
        times += 1
    return times


def _received(
    act: CommandAct,
    account: BankAccount,
    content: AccountStatement,
    *,
    known_count: int,
    again: int,
) -> BankStatement:
    return BankStatement.receive(
        act,
        account_id=account.id,
        organisation_id=account.organisation_id,
        bank_format=content.bank_format,
        number=_plain(content.number),
        file_sha256=content.sha256,
        opened_on=content.opened_on,
        closed_on=content.closed_on,
        opening=Money(content.opening_fen),
        closing=Money(content.closing_fen),
        line_count=len(content.entries),
        known_count=known_count,
        again=again,
    )


def _require_sound(content: AccountStatement) -> None:
    if content.currency != CURRENCY:
        raise OtherCurrency(content.currency)
    seen: set[int] = set()
    for entry in content.entries:
        inside = content.opened_on <= entry.booked_on <= content.closed_on
        if not inside or entry.line in seen:
            raise LineOutside(entry.line)
        seen.add(entry.line)
    total = content.opening_fen + sum(entry.amount_fen for entry in content.entries)
    if total != content.closing_fen:
        raise DoesNotAddUp(total, content.closing_fen)


def _require_none_between(work: Work, account: BankAccount, content: AccountStatement) -> None:
    """Check that days that are stated before the file's own are days of which the bank sent none.

    Its balance has to be that of the statement before, which `BankAccount.require_span` checks.

    Raises:
        StatementBetween: They are not, or need not be.
    """
    if content.own_first is None:
        return
    last = content.own_first - ONE_DAY
    for first, until in account.uncovered(content.opened_on, last):
        before = account.ending_on(first - ONE_DAY)
        number = None if before is None else work.get(BankStatement, before).number
        adjoins = until == last and (before is not None or first == account.begins_on)
        if not adjoins or not _may_be_next(number, content.number):
            raise StatementBetween(first)


def _may_be_next(before: str | None, number: str | None) -> bool:
    """Say whether the bank's numbers leave room for no statement between two: 7 and 8, 7 and 1."""
    if not (number and number.isascii() and number.isdecimal()):
        return True
    if not (before and before.isascii() and before.isdecimal()):
        return True
    return int(number) in (1, int(before) + 1)


def _new_spans(account: BankAccount, content: AccountStatement) -> list[Span]:
    """Return the stretches of days that nothing is known of, with the balances around them.

    Raises:
        BankAccountClosed: All of it, or a line, comes after the account was closed.
    """
    spans = []
    ends_on = content.closed_on
    if account.closed_on is not None and ends_on > account.closed_on:
        last_day = max((each.booked_on for each in content.entries), default=content.opened_on)
        if max(last_day, content.opened_on) > account.closed_on:
            raise BankAccountClosed(account.id, account.closed_on)
        ends_on = account.closed_on
    for first, last in account.uncovered(content.opened_on, ends_on):
        before = sum(each.amount_fen for each in content.entries if each.booked_on < first)
        within = sum(each.amount_fen for each in content.entries if first <= each.booked_on <= last)
        opening = content.opening_fen + before
        spans.append(Span(first, last, Money(opening), Money(opening + within)))
    return spans


def _covered_lines(
    work: Work, account: BankAccount, content: AccountStatement
) -> dict[date, Counter[str]]:
    """Return the lines on record of the days that the statement is about."""
    known: dict[date, Counter[str]] = defaultdict(Counter)
    for id_ in account.overlapping(content.opened_on, content.closed_on):
        for line in work.get(BankStatement, id_).lines.values():
            if content.opened_on <= line.booked_on <= content.closed_on:
                known[line.booked_on][line.index] += 1
    return known


def _require_same(
    content: AccountStatement,
    covered: dict[date, Counter[str]],
    spans: Sequence[Span],
    indexes: dict[int, str],
) -> None:
    """Check that on days that are covered already both say the same."""
    said: dict[date, Counter[str]] = defaultdict(Counter)
    for entry in content.entries:
        if not any(span.opened_on <= entry.booked_on <= span.closed_on for span in spans):
            said[entry.booked_on][indexes[entry.line]] += 1
    for day in sorted({*said, *covered}):
        if said[day] != covered.get(day, Counter()):
            raise SaysOtherwise(day, covered.get(day, Counter()).total(), said[day].total())


def _take(
    work: Work,
    act: CommandAct,
    account: BankAccount,
    statement: BankStatement,
    entry: StatementEntry,
    index: str,
) -> None:
    subject, details = _sealed(work, account, entry)
    statement.take_line(
        act,
        Line(
            entry.line,
            index,
            entry.booked_on,
            Money(entry.amount_fen),
            _plain(entry.batch_code),
            _plain(entry.end_to_end_id),
            _document(entry),
            entry.returned,
        ),
        value_on=entry.value_on,
        count=entry.count,
        reference=_plain(entry.reference),
        payer_index=card_index(work.ledger, entry.counterparty_account or ""),
        subject_id=subject,
        details=details,
    )


def _sealed(work: Work, account: BankAccount, entry: StatementEntry) -> tuple[UUID, Sealed]:
    """Seal what the line says of others: for the recipient whose card it names, if there is one.

    So their erasure is the line's, too. Of somebody who was erased, nothing is kept again.
    """
    vault = work.ledger.vault
    said = {
        "name": entry.counterparty_name or "",
        "card_number": entry.counterparty_account or "",
        "text": entry.text or "",
        "reference": entry.reference or "",
        "end_to_end_id": entry.end_to_end_id or "",
        "line_sha256": entry.line_sha256,
    }
    people = (
        vault.noted("card_number", entry.counterparty_account)
        if entry.counterparty_account
        else set()
    )
    everybody = account_subject(work.ledger, account.id)
    if len(people) == 1:
        [person] = people
        try:
            return person, seal(work, person, BANK_LINE, said)
        except (PersonErased, PersonRestricted):
            return everybody, seal(work, everybody, BANK_LINE, {})
    return everybody, seal(work, everybody, BANK_LINE, said)


def _plain(reference: str | None) -> str | None:
    """Return a reference that may stand in clear: a code, with no number of an account in it."""
    if reference is None or not PLAIN.fullmatch(reference) or LONG_NUMBER.search(reference):
        return None
    return reference


def _document(entry: StatementEntry) -> str | None:
    for text in (entry.reference, entry.end_to_end_id, entry.text):
        found = DOCUMENT.search(text or "")
        if found is not None:
            return found.group()
    return None
