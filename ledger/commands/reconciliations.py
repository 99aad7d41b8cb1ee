"""Bank reconciliation statements: prepared by who matches, reviewed by another."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.commands.bank_matching import account_to_match
from ledger.commands.duties import require_post
from ledger.domain.bank_account import BankAccount
from ledger.domain.officer import Role
from ledger.domain.reconciliation import (
    Figures,
    NotPrepared,
    Reconciliation,
    reconciliation_id,
)
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work

BALANCE_REVIEWERS = frozenset({Role.REVIEWER, Role.APPROVER})


class FiguresMoved(LedgerError):
    """What is reviewed is what was prepared: since then something has changed."""

    code = "reconciliation.figures_moved"
    kind = Kind.CONFLICT

    def __init__(self, id_: UUID) -> None:
        super().__init__(f"the figures of {id_} are not those that were prepared; prepare it anew")


@dataclass(frozen=True, slots=True)
class Balancing:
    """The figures of an account at the end of a day, as the read model has them."""

    account_id: UUID
    as_of: date
    figures: Figures


def prepare_reconciliation(ledger: Ledger, act: CommandAct, order: Balancing) -> Answer:
    """Prepare a statement, or the same one anew.

    Raises:
        FeetDiffer: Its columns do not end alike.
        MatchedByCashier, RoleMissing, NotOnRecord: As they say.
    """

    def decide(work: Work) -> None:
        account = account_to_match(work, act, order.account_id)
        id_ = reconciliation_id(account.id, order.as_of)
        found = work.find(Reconciliation, id_)
        size = ledger.size()
        if found is None:
            found = Reconciliation.prepare(
                act,
                account_id=account.id,
                organisation_id=account.organisation_id,
                as_of=order.as_of,
                log_size=size,
                figures=order.figures,
            )
        else:
            found.prepare_anew(act, log_size=size, figures=order.figures)
        work.save(found)
        work.result["reconciliation_id"] = str(id_)

    return ledger.perform(act, "reconciliation.prepare", order, decide)


def review_reconciliation(ledger: Ledger, act: CommandAct, order: Balancing) -> Answer:
    """Review a statement that another prepared, with the figures as they are now.

    Raises:
        NotPrepared, PreparedBySame, FiguresMoved, RoleMissing, NotOnRecord: As they say.
    """

    def decide(work: Work) -> None:
        account = work.get(BankAccount, order.account_id)
        require_post(work, act, BALANCE_REVIEWERS, account.organisation_id)
        id_ = reconciliation_id(account.id, order.as_of)
        found = work.find(Reconciliation, id_)
        if found is None:
            raise NotPrepared(id_)
        if found.figures != order.figures:
            raise FiguresMoved(id_)
        found.review(act)
        work.save(found)

    return ledger.perform(act, "reconciliation.review", order, decide)
