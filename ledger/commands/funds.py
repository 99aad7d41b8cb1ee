"""Money in from outside, passed down the tree, and receipts put right."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.commands.duties import acting_officer, require_post, require_role
from ledger.commands.lineage import lineage
from ledger.commands.opening_surplus import left_out
from ledger.commands.refusals import recorded
from ledger.commands.signed_acts import perform_signed
from ledger.domain.fiscal_year import FiscalYear, YearImplausible, fiscal_year_id
from ledger.domain.fund import FundAccount, FundInsufficient, fund_id
from ledger.domain.officer import Role
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.policy import Policy, SurplusTargets, policy_id
from ledger.domain.values import Money, is_fiscal_year, stable_id
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work

CASHIERS = frozenset({Role.CASHIER, Role.ACCOUNTANT})
"""Who takes money in, pays it out and answers for what the bank says."""

CORRECTORS = frozenset({Role.ACCOUNTANT, Role.APPROVER})
"""Who puts right what a cashier entered: not the cashier."""


class CorrectedByOneself(LedgerError):
    """Whoever recorded what moved money does not put it right (不相容岗位分离).

    Source: 行政事业单位内部控制规范(试行) (财会〔2012〕21号).
    """

    code = "correction.same_person"
    kind = Kind.FORBIDDEN

    def __init__(self, stream_id: UUID, version: int, actor: str) -> None:
        super().__init__(f"officer {actor} recorded version {version} of {stream_id}")


class NotBelow(LedgerError):
    """Money is passed down the tree, not up or across."""

    code = "allocation.not_below"
    kind = Kind.INVALID

    def __init__(self, giver: UUID, taker: UUID) -> None:
        super().__init__(f"organisation {taker} does not stand below {giver}")


@dataclass(frozen=True, slots=True)
class FundReceipt:
    """Money from outside; with `carried_into` it is that fiscal year's opening surplus."""

    organisation_code: str
    earmark: str
    source: str
    document: str
    vintage: int
    amount_fen: int
    carried_into: int | None = None
    policy_code: str | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    from_code: str
    to_code: str
    earmark: str
    document: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class ReceiptCorrection:
    """What a receipt was entered too low by (negative: too high), and why."""

    organisation_code: str
    earmark: str
    lot_id: UUID
    corrects_version: int
    difference_fen: int
    reason: str


def receive_funds(ledger: Ledger, act: CommandAct, order: FundReceipt) -> Answer:
    """Take in money from outside as a lot of its own.

    Raises:
        NotOnRecord: The organisation is not registered.
        YearImplausible, AmountNotPositive, YearClosed, VintageNotEarlier: As they say.
    """

    def decide(work: Work) -> None:
        for told in (order.vintage, act.happened_on.year):
            if not is_fiscal_year(told):
                raise YearImplausible(told)
        organisation = work.get(Organisation, organisation_id(order.organisation_code))
        require_post(work, act, CASHIERS, organisation.id)
        fund = account_for(work, act, organisation.id, order.earmark)
        amount = Money(order.amount_fen)
        lot_id = fund.receive(
            act,
            source=order.source,
            document=order.document,
            vintage=order.vintage,
            carried_into=order.carried_into,
            amount=amount,
        )
        work.save(fund)
        if order.carried_into is not None:
            year = _fiscal_year(work, act, organisation.id, order.carried_into, order.policy_code)
            year.bring_forward(
                act,
                fund_id=fund.id,
                lot_id=lot_id,
                origin_id=lot_id,
                vintage=order.vintage,
                amount=amount,
            )
            work.save(year)
        work.result.update(fund_id=str(fund.id), lot_id=str(lot_id))

    return ledger.perform(act, "fund.receive", order, decide)


def allocate(ledger: Ledger, act: CommandAct, order: Allocation) -> Answer:
    """Pass money down; signed by the giver's approver. Too little money is put on record.

    Raises:
        NotBelow: The receiver does not stand below the giver on that day.
        OfficerRequired, RoleMissing: It is not for this actor to do.
        OfficerSignatureMissing: The officer did not sign.
    """
    giver = fund_id(organisation_id(order.from_code), order.earmark)
    return perform_signed(ledger, act, "fund.allocate", order, giver, _allocate(act, order))


def prepare_allocation(ledger: Ledger, act: CommandAct, order: Allocation) -> bytes:
    """Return the payload that the officer is to sign."""
    return ledger.prepare(act, _allocate(act, order))[0]


def acknowledge_allocation(ledger: Ledger, act: CommandAct, fund: UUID, allocation: UUID) -> Answer:
    """Say for the receiving account that money which was passed down has arrived.

    Raises:
        NotOnRecord: No such account.
        NothingToAcknowledge: No such allocation came there, or it was acknowledged before.
        OfficerRequired, RoleMissing: It is for a cashier or accountant of the receiver.
    """

    def decide(work: Work) -> None:
        account = work.get(FundAccount, fund)
        require_post(work, act, CASHIERS, account.organisation_id)
        account.acknowledge(act, allocation_id=allocation, acknowledged_by=acting_officer(act))
        work.save(account)

    return ledger.perform(act, "fund.acknowledge", (fund, allocation), decide)


def correct_receipt(ledger: Ledger, act: CommandAct, order: ReceiptCorrection) -> Answer:
    """Put right a receipt that was entered wrongly, by adding the difference.

    Raises:
        LotUnknown, NoSuchReceipt: The account holds no such receipt, or it is another's money.
        NothingToAdd, CorrectedBeforeReceipt, AmountTooLarge: As they say.
        FundInsufficient: More is to be taken off than is left of it, or was there on that day.
        CorrectedByOneself: Whoever entered it would put it right.
    """

    def decide(work: Work) -> None:
        fund = work.get(
            FundAccount, fund_id(organisation_id(order.organisation_code), order.earmark)
        )
        require_post(work, act, CORRECTORS, fund.organisation_id)
        fund.correct_receipt(
            act,
            lot_id=order.lot_id,
            corrects_version=order.corrects_version,
            difference=Money(order.difference_fen),
            reason=order.reason,
        )
        require_other_hand(work, act, fund.id, order.corrects_version)
        work.save(fund)

    return ledger.perform(act, "fund.correct_receipt", order, decide)


def open_fiscal_year(
    ledger: Ledger, act: CommandAct, organisation_code: str, earmark: str, year: int, policy: str
) -> Answer:
    """Bring forward what is left in an account of earlier vintages as opening surplus.

    What of them is on its way to people is opening surplus too: figures take it from the payments.
    Of a lot that was brought forward when something of it came back from another ledger, what was
    not counted then is now.
    A year that was opened without a policy, so that it asks nothing, is asked by this one now.

    Raises:
        NotOnRecord: The organisation, its account or the policy is not registered.
        YearImplausible, YearClosed: As they say.
    """

    def decide(work: Work) -> None:
        organisation = work.get(Organisation, organisation_id(organisation_code))
        require_post(work, act, CORRECTORS, organisation.id)
        fund = work.get(FundAccount, fund_id(organisation.id, earmark))
        opened = _fiscal_year(work, act, organisation.id, year, policy)
        amounts = {
            lot: lot.remaining for lot in fund.old_lots(year) if lot.lot_id not in opened.lots
        }
        for lot in fund.lots.values():
            if lot.came_back and lot.lot_id in opened.lots:
                rest = left_out(work.ledger, opened.id, fund, lot.lot_id)
                if rest > 0:
                    amounts[lot] = rest
        for lot in sorted(amounts):
            opened.bring_forward(
                act,
                fund_id=fund.id,
                lot_id=lot.lot_id,
                origin_id=lot.origin_id,
                vintage=lot.vintage,
                amount=amounts[lot],
            )
        work.save(opened)
        work.result["opening_surplus_fen"] = opened.surplus

    request = (organisation_code, earmark, year, policy)
    return ledger.perform(act, "fiscal_year.open", request, decide)


def close_fiscal_year(ledger: Ledger, act: CommandAct, organisation_code: str, year: int) -> Answer:
    """Close a fiscal year: it takes no further opening surplus.

    Raises:
        NotOnRecord: The year was not opened.
        YearClosed: It was closed before.
    """

    def decide(work: Work) -> None:
        organisation = work.get(Organisation, organisation_id(organisation_code))
        require_post(work, act, CORRECTORS, organisation.id)
        closing = work.get(FiscalYear, fiscal_year_id(organisation.id, year))
        closing.close(act)
        work.save(closing)

    return ledger.perform(act, "fiscal_year.close", (organisation_code, year), decide)


def _allocate(act: CommandAct, order: Allocation) -> Decide:
    def decide(work: Work) -> None:
        giver_id, taker_id = organisation_id(order.from_code), organisation_id(order.to_code)
        if giver_id not in lineage(work, taker_id, act.happened_on)[1:]:
            raise NotBelow(giver_id, taker_id)
        require_role(work, acting_officer(act), Role.APPROVER, giver_id, act.happened_on)
        require_post(work, act, {Role.APPROVER}, giver_id)
        giver = account_for(work, act, giver_id, order.earmark)
        taker = account_for(work, act, taker_id, order.earmark)
        allocation_id = stable_id("allocation", giver.id, giver.version + 1)
        try:
            giver.allocate(
                act,
                allocation_id=allocation_id,
                to=taker,
                document=order.document,
                amount=Money(order.amount_fen),
            )
        except FundInsufficient as refusal:
            work.save(recorded(act, "fund.allocate", refusal, giver.id))
            work.refuse(refusal)
            return
        work.save(giver, taker)
        work.result["allocation_id"] = str(allocation_id)

    return decide


def require_other_hand(work: Work, act: CommandAct, stream_id: UUID, version: int) -> None:
    """Check that who is signed in did not record themselves what they put right.

    Raises:
        CorrectedByOneself: They did.
    """
    if act.signed_in and work.ledger.event(stream_id, version).actor == act.actor:
        raise CorrectedByOneself(stream_id, version, act.actor)


def account_for(work: Work, act: CommandAct, organisation: UUID, earmark: str) -> FundAccount:
    """Return the organisation's account for the earmark, opened when there is none."""
    id_ = fund_id(organisation, earmark)
    return work.find(FundAccount, id_) or FundAccount.open(act, id_, organisation, earmark)


def _fiscal_year(
    work: Work, act: CommandAct, organisation: UUID, year: int, policy_code: str | None
) -> FiscalYear:
    targets = SurplusTargets(first_year_minimum=None, all_within=None)
    if policy_code is not None:
        targets = _targets_on(work.get(Policy, policy_id(policy_code)), act.happened_on)
    found = work.find(FiscalYear, fiscal_year_id(organisation, year))
    if found is None:
        return FiscalYear.open(act, organisation_id=organisation, year=year, targets=targets)
    found.set_targets(act, targets)
    return found


def _targets_on(policy: Policy, day: date) -> SurplusTargets:
    """Return what the reading asks that counts on a day; before any does, the first that will.

    Money may come in before the rules do that it is to be used by.
    """
    first = min(each.effective_from for each in policy.adoptions)
    return policy.in_force_on(max(day, first)).surplus
