"""Bank return files: matched line by line to what was instructed, or refused as a whole."""

from dataclasses import dataclass, field
from uuid import UUID

from ledger.commands.duties import require_post
from ledger.commands.funds import CASHIERS
from ledger.commands.sealing import PAYEE, unseal
from ledger.domain.batch import Batch, Row, batch_id
from ledger.domain.disbursement import Disbursement, Status, disbursement_id
from ledger.domain.fund import FundAccount
from ledger.domain.policy import Channel
from ledger.domain.statement import Statement, statement_id
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from ledger.files.bank import BankReturn, Lists, Outcome, ReturnLine
from ledger.files.faults import refuse
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work
from ledger.vault.keys import PersonErased


class StatementKnown(LedgerError):
    """This very file was taken in before."""

    code = "statement.known"
    kind = Kind.CONFLICT

    def __init__(self, batch: UUID, file_sha256: str) -> None:
        super().__init__(f"file {file_sha256[:16]} for batch {batch} was taken in before")


@dataclass(frozen=True, slots=True)
class ReturnFile:
    """What the bank sent back for a batch; `name` is for messages only."""

    batch_code: str
    name: str
    content: BankReturn = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Payment:
    """A payment of the batch; account and name are None when its recipient has been erased."""

    row: Row
    payment: Disbursement
    account: str | None = field(repr=False)
    name: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Match:
    payment: _Payment
    line: ReturnLine | None
    outcome: Outcome


def receive_statement(ledger: Ledger, act: CommandAct, order: ReturnFile) -> Answer:
    """Take in a return file: each payment settles, comes back to its lots, or stays in transit.

    The result counts `settled`, `returned` and `unresolved`.

    Raises:
        FileRefused: The file is of another batch, holds a line that was not instructed, leaves out
            one that was, or its control totals disagree; nothing is written then.
        StatementKnown: It was taken in before.
        WrongStage, WrongChannel: Not an approved card batch.
    """
    content = order.content

    def decide(work: Work) -> None:
        batch = work.get(Batch, batch_id(order.batch_code))
        require_post(work, act, CASHIERS, batch.organisation_id)
        batch.require_answerable(Channel.BANK_CARD)
        if work.find(Statement, statement_id(batch.id, content.sha256)):
            raise StatementKnown(batch.id, content.sha256)
        if content.batch_code not in (None, batch.code):
            raise refuse(order.name, "bank_file.other_batch")
        if content.bank_format != batch.bank_format:
            raise refuse(order.name, "bank_file.other_format")
        matches = _match(order.name, content, _payments(work, batch))
        statement = _statement(act, batch, content, matches)
        for match in matches:
            _decide_line(work, act, batch, statement, match)
        work.save(statement)
        work.result.update(
            statement_id=str(statement.id),
            **{
                word: sum(match.outcome is outcome for match in matches)
                for word, outcome in (
                    ("settled", Outcome.SETTLED),
                    ("returned", Outcome.FAILED),
                    ("unresolved", Outcome.PENDING),
                )
            },
        )

    request = (order.batch_code, content.bank_format, content.sha256)
    return ledger.perform(act, "statement.receive", request, decide)


def _payments(work: Work, batch: Batch) -> dict[int, _Payment]:
    payments = {}
    for row in batch.rows.values():
        payment = work.get(Disbursement, disbursement_id(batch.campaign_id, row.person_id))
        try:
            payee = unseal(work.ledger, row.person_id, PAYEE, payment.payee)
        except PersonErased:
            payments[row.number] = _Payment(row, payment, None, None)
        else:
            account, name = payee.get("card_number", ""), payee.get("name", "")
            payments[row.number] = _Payment(row, payment, account, name)
    return payments


def _match(name: str, content: BankReturn, payments: dict[int, _Payment]) -> list[_Match]:
    """Say what the file decides of each payment, in the order of the roster."""
    lines = _lines_by_number(name, content, payments)
    unanswered = [
        each
        for number, each in payments.items()
        if number not in lines and each.payment.status is Status.IN_TRANSIT
    ]
    if content.lists is Lists.ALL and unanswered:
        raise refuse(name, "bank_file.incomplete")
    if content.lists is Lists.FAILURES and (
        content.settled_count != len(unanswered)
        or content.settled_fen != sum(each.row.amount for each in unanswered)
    ):
        raise refuse(name, "bank_file.control_total")
    matches = [_Match(payments[number], line, line.outcome) for number, line in lines.items()]
    if content.lists is Lists.FAILURES:
        matches += [_Match(each, None, Outcome.SETTLED) for each in unanswered]
    return sorted(filter(_says_something_new, matches), key=lambda match: match.payment.row.number)


def _lines_by_number(
    name: str, content: BankReturn, payments: dict[int, _Payment]
) -> dict[int, ReturnLine]:
    """Find the one payment that each line is about: by number, or else by account."""
    of_account: dict[str | None, list[_Payment]] = {}
    for each in payments.values():
        of_account.setdefault(each.account, []).append(each)
    lines: dict[int, ReturnLine] = {}
    for line in content.lines:
        if line.number is not None:
            near = [payments[line.number]] if line.number in payments else []
        else:
            near = of_account.get(line.account, [])
        found = [each for each in near if _same(line, each)]
        if len(found) != 1:
            raise refuse(name, "bank_file.unknown_line", row=line.line)
        lines[found[0].row.number] = line
    return lines


def _same(line: ReturnLine, payment: _Payment) -> bool:
    """Say whether a line is about a payment: all that it carries must agree, and enough of it.

    Of an erased recipient, number and amount must do.
    """
    if line.amount_fen not in (None, payment.row.amount):
        return False
    if payment.account is None:
        return (line.number, line.amount_fen) == (payment.row.number, payment.row.amount)
    return line.account in (None, payment.account) and line.name in (None, payment.name)


def _says_something_new(match: _Match) -> bool:
    """A later file may repeat a success, or bring back what had settled (退票)."""
    status = match.payment.payment.status
    return status is Status.IN_TRANSIT or (
        status is Status.SETTLED and match.outcome is Outcome.FAILED
    )


def _statement(
    act: CommandAct, batch: Batch, content: BankReturn, matches: list[_Match]
) -> Statement:
    def of(outcome: Outcome) -> list[Money]:
        return [match.payment.row.amount for match in matches if match.outcome is outcome]

    return Statement.receive(
        act,
        batch_id=batch.id,
        bank_format=content.bank_format,
        file_sha256=content.sha256,
        line_count=len(content.lines),
        settled_count=len(of(Outcome.SETTLED)),
        settled_total=Money(sum(of(Outcome.SETTLED))),
        returned_count=len(of(Outcome.FAILED)),
        returned_total=Money(sum(of(Outcome.FAILED))),
        unresolved_count=len(of(Outcome.PENDING)),
    )


def _decide_line(
    work: Work, act: CommandAct, batch: Batch, statement: Statement, match: _Match
) -> None:
    payment, line = match.payment.payment, match.line
    reason = (line.reason if line else None) or ""
    raw_code = line.raw_code if line else None
    statement.match_line(
        act,
        batch_id=batch.id,
        number=match.payment.row.number,
        line=line.line if line else None,
        disbursement_id=payment.id,
        outcome=match.outcome.value,
        reason=reason or None,
        raw_code=raw_code,
        amount=match.payment.row.amount,
    )
    if match.outcome is Outcome.SETTLED:
        payment.settle(act, statement_id=statement.id)
    elif match.outcome is Outcome.PENDING:
        payment.leave_unresolved(act, statement_id=statement.id, reason=reason, raw_code=raw_code)
    else:
        parts = payment.return_(act, statement_id=statement.id, reason=reason, raw_code=raw_code)
        fund = work.get(FundAccount, payment.fund_id)
        fund.restore(act, disbursement_id=payment.id, parts=parts)
        work.save(fund)
    work.save(payment)
