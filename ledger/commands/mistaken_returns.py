"""A payment that a bank line was taken to bring back, and did not: the return is taken back."""

from dataclasses import replace

from ledger.commands.attempts import was_told_by_file
from ledger.commands.bank_matching import (
    Matching,
    hold_together,
    release,
)
from ledger.commands.policies import paying_rule
from ledger.domain.bank_account import BankAccount
from ledger.domain.bank_match import BankMatch
from ledger.domain.bank_statement import BankStatement
from ledger.domain.batch import Batch
from ledger.domain.book_item import BookItem, ItemKind, book_item_id
from ledger.domain.book_movements import movement_of
from ledger.domain.disbursement import Disbursement, NothingToCorrect, Status
from ledger.domain.fund import FundAccount
from ledger.domain.values import Money
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, Work


def returned_by_line(ledger: Ledger, payment: Disbursement) -> Disbursement.Returned | None:
    """Return what a line of a statement was taken for, where that is what a payment stands by."""
    if payment.status is not Status.RETURNED:
        return None
    version, _ = payment.outcomes[-1]
    returned = ledger.event(payment.id, version)
    assert isinstance(returned, Disbursement.Returned)  # noqa: S101 - nothing else leads there
    return None if was_told_by_file(ledger, returned) else returned


def take_return_back(
    work: Work, act: CommandAct, payment: Disbursement, version: int, reason: str
) -> None:
    """Take back a return by a line of a statement: the line is open, and the money out again.

    The return and what takes it back are matched with one another, so that the books hold what the
    bank has. What a return file told is the bank's word, and only the bank takes that back.

    Raises:
        NothingToCorrect: That version is not the payment's last outcome, or no such return.
        FundInsufficient, SourcesInsufficient: The money was used for something else meanwhile.
    """
    returned = returned_by_line(work.ledger, payment)
    if returned is None or returned.originator_version != version:
        raise NothingToCorrect(payment.id, version)
    fund = work.get(FundAccount, payment.fund_id)
    rule = paying_rule(work, payment, act.happened_on)
    parts = fund.draw_again(
        act,
        disbursement_id=payment.id,
        batch_id=payment.batch_id,
        parts=payment.parts,
        sources=() if rule is None else rule.paid_from,
    )
    payment.return_never_was(act, corrects_version=version, parts=parts, reason=reason)
    work.save(fund, payment)
    item = work.get(BookItem, book_item_id(payment.id, version))
    if item.match_id is not None:
        release(work, act, work.get(BankMatch, item.match_id), reason)
    statement = work.get(BankStatement, returned.statement_id)
    account, batch = work.get(BankAccount, statement.account_id), work.get(Batch, payment.batch_id)
    back = movement_of(returned, batch, payment.number)
    assert back is not None  # noqa: S101 - every return moves money
    out = replace(
        back,
        kind=ItemKind.RETURN_UNDONE,
        source_version=payment.version,
        amount=Money(-back.amount),
        booked_on=act.happened_on,
    )
    hold_together(work, act, account, [], [back, out], Matching(account.id, (), (), reason))
