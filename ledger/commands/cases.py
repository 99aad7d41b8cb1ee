"""Cases: findings taken up, looked into, put right and closed; and the money that comes back."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.commands.filings import CHECKERS
from ledger.commands.funds import CASHIERS
from ledger.commands.lineage import lineage
from ledger.commands.opening_surplus import bring_new_forward
from ledger.commands.refusals import may, refuse
from ledger.commands.signed_acts import perform_signed
from ledger.commands.unnamed import names_on_record, perform_unnamed, require_unnamed
from ledger.domain.batch import Batch
from ledger.domain.case import (
    Case,
    CaseOpened,
    Extent,
    NotOwner,
    RecoveryOpen,
    SamePersonCloses,
    Subject,
    case_id,
)
from ledger.domain.fiscal_year import YearImplausible
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.officer import BUSINESS, OBSERVERS, Officer, Role, officer_id
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.values import Money, is_fiscal_year
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work

CLOSERS = OBSERVERS | CHECKERS
"""Who looks whether it was put right: who watches, or who checks; never who put it right."""

WRITERS_OFF = frozenset({Role.APPROVER})

NOTHING = Extent(count=0, amount_fen=None, since=None)
"""What a rule found that finds it no more."""

RECOVERED = "追回款项"
"""The source of money that came back."""


class OwnerNotThere(LedgerError):
    """A case is given to somebody who has a post at its organisation, or above it."""

    code = "case.owner_not_there"
    kind = Kind.INVALID

    def __init__(self, officer: UUID, organisation: UUID) -> None:
        super().__init__(f"officer {officer} has no such post at {organisation} or above it")


class RecoveredElsewhere(LedgerError):
    """Money comes back to the organisation of the case, or to one above it."""

    code = "case.recovered_elsewhere"
    kind = Kind.INVALID

    def __init__(self, case: UUID, organisation: UUID) -> None:
        super().__init__(f"{organisation} is not the organisation of case {case}, nor above it")


@dataclass(frozen=True, slots=True)
class Charge:
    """Whom something is asked of, and by when."""

    staff_number: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Opening:
    """A finding taken up, as it stands; with `charge` it is looked into at once."""

    organisation_id: UUID
    subject: Subject
    severity: str
    extent: Extent
    note: str = ""
    charge: Charge | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What is to be put right; `recover_fen` is all that is to come back, 0 if nothing is."""

    case_id: UUID
    measures: str
    charge: Charge
    recover_fen: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, and the SHA-256 of each document that shows it."""

    case_id: UUID
    report: str
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recovery:
    """Money that came back, as it is taken into a fund account."""

    case_id: UUID
    organisation_code: str
    earmark: str
    document: str
    vintage: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class WritingOff:
    case_id: UUID
    amount_fen: int
    ground: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ground; `standing` is what the rule finds at that moment."""

    case_id: UUID
    ground: str
    standing: Extent = NOTHING


def open_case(ledger: Ledger, act: CommandAct, order: Opening) -> Answer:
    """Take a finding up.

    Raises:
        NotOnRecord, OwnerNotThere, DueDayPassed, TextEmpty, PersonalDataInText: As they say.
        CaseOpened: It has a case.
    """

    def decide(work: Work) -> None:
        organisation = work.get(Organisation, order.organisation_id)
        id_ = case_id(order.subject)
        if not may(work, act, "case.open", organisation.id, OBSERVERS, id_):
            return
        require_unnamed(ledger, _people_of(work, order.subject), order.note)
        if work.find(Case, id_) is not None:
            raise CaseOpened(id_)
        case = Case.open(
            act,
            organisation_id=organisation.id,
            subject=order.subject,
            severity=order.severity,
            extent=order.extent,
            note=order.note,
        )
        if order.charge is not None:
            owner = _owner(work, act, case, order.charge, BUSINESS | OBSERVERS)
            case.assign(act, owner_id=owner, due_on=order.charge.due_on)
        work.save(case)
        work.result["case_id"] = str(id_)

    # What the rule finds may move before a repetition comes: it asks for the same case.
    request = (order.subject, order.note, order.charge)
    subject = case_id(order.subject)
    return perform_unnamed(ledger, act, "case.open", request, subject, decide)


def assign_case(ledger: Ledger, act: CommandAct, case: UUID, charge: Charge) -> Answer:
    """Have an officer look into it (核实), or another one instead."""

    def decide(work: Work, found: Case) -> None:
        owner = _owner(work, act, found, charge, BUSINESS | OBSERVERS)
        found.assign(act, owner_id=owner, due_on=charge.due_on)

    return _perform(ledger, act, "assign", case, charge, OBSERVERS, decide)


def dismiss_case(ledger: Ledger, act: CommandAct, order: Verdict) -> Answer:
    """Say that it is no problem, and why."""

    def decide(_: Work, found: Case) -> None:
        found.dismiss(act, ground=order.ground, standing=order.standing)

    return _perform(
        ledger, act, "dismiss", order.case_id, order.ground, OBSERVERS, decide, (order.ground,)
    )


def confirm_case(ledger: Ledger, act: CommandAct, case: UUID, ground: str) -> Answer:
    """Say that it is a problem (问题), and why."""

    def decide(_: Work, found: Case) -> None:
        found.confirm(act, ground=ground)

    return _perform(ledger, act, "confirm", case, ground, OBSERVERS, decide, (ground,))


def demand_rectification(ledger: Ledger, act: CommandAct, order: Demand) -> Answer:
    """Ask an officer of the organisation, or above it, to put it right (整改) by a day."""

    def decide(work: Work, found: Case) -> None:
        found.demand(
            act,
            measures=order.measures,
            owner_id=_owner(work, act, found, order.charge, BUSINESS),
            due_on=order.charge.due_on,
            recover=Money(order.recover_fen),
        )

    return _perform(
        ledger, act, "demand", order.case_id, order, OBSERVERS, decide, (order.measures,)
    )


def report_rectified(ledger: Ledger, act: CommandAct, order: Report) -> Answer:
    """Say what was done; whoever was not asked is refused, and that is put on record."""

    def decide(_: Work, found: Case) -> None:
        found.rectify(act, report=order.report, documents=order.documents)

    return _perform(ledger, act, "rectify", order.case_id, order, BUSINESS, decide, (order.report,))


def recover(ledger: Ledger, act: CommandAct, order: Recovery) -> Answer:
    """Take in money that came back (追回), as a lot of its own that is linked with the case.

    Of an earlier vintage it is opening surplus again, of every later year that is open.

    Raises:
        NotOnRecord, YearImplausible, AmountNotPositive, MoreThanDemanded: As they say.
        RecoveredElsewhere: It came to another organisation than that of the case, or above it.
    """

    def decide(work: Work) -> None:
        case = work.get(Case, order.case_id)
        organisation = work.get(Organisation, organisation_id(order.organisation_code))
        if not may(work, act, "case.recover", organisation.id, CASHIERS, case.id):
            return
        if organisation.id not in lineage(work, case.organisation_id, act.happened_on):
            raise RecoveredElsewhere(case.id, organisation.id)
        if not is_fiscal_year(order.vintage):
            raise YearImplausible(order.vintage)
        fund = work.get(FundAccount, fund_id(organisation.id, order.earmark))
        amount = Money(order.amount_fen)
        lot = fund.receive(
            act,
            source=RECOVERED,
            document=order.document,
            vintage=order.vintage,
            carried_into=None,
            amount=amount,
        )
        case.recover(act, fund_id=fund.id, lot_id=lot, document=order.document, amount=amount)
        work.save(fund, case)
        bring_new_forward(work, act, fund, lot)
        work.result.update(fund_id=str(fund.id), lot_id=str(lot))

    return ledger.perform(act, "case.recover", order, decide)


def write_off(ledger: Ledger, act: CommandAct, order: WritingOff) -> Answer:
    """Give up money that was to come back; an approver signs for it.

    Raises:
        SamePersonCloses: The rectification was theirs. It is put on record, as is a missing post.
        KeyUnknown, OfficerSignatureMissing: Their signature does not count.
        AmountNotPositive, MoreThanDemanded, TextEmpty, PersonalDataInText: As they say.
    """
    # Not where it is prepared, which leaves nothing on record.
    decide, case = _writing_off(act, order, (order.ground,)), order.case_id
    with names_on_record(ledger, act, "case.write_off", case):
        return perform_signed(ledger, act, "case.write_off", order, case, decide)


def prepare_write_off(ledger: Ledger, act: CommandAct, order: WritingOff) -> bytes:
    """Return the payload that the approver is to sign."""
    return ledger.prepare(act, _writing_off(act, order))[0]


def close_case(ledger: Ledger, act: CommandAct, order: Verdict) -> Answer:
    """Close a case that was put right (销号); not by whoever put it right, nor with money open.

    Either attempt is put on record.
    """

    def decide(_: Work, found: Case) -> None:
        found.close(act, ground=order.ground, standing=order.standing)

    return _perform(
        ledger, act, "close", order.case_id, order.ground, CLOSERS, decide, (order.ground,)
    )


def reopen_case(ledger: Ledger, act: CommandAct, order: Verdict) -> Answer:
    """Take a case up again that came again."""

    def decide(_: Work, found: Case) -> None:
        found.reopen(act, ground=order.ground, standing=order.standing)

    return _perform(
        ledger, act, "reopen", order.case_id, order.ground, OBSERVERS, decide, (order.ground,)
    )


# How each act is taken.


def _perform(
    ledger: Ledger,
    act: CommandAct,
    tried: str,
    case: UUID,
    request: object,
    roles: Collection[Role],
    decide: Callable[[Work, Case], None],
    texts: Collection[str] = (),
) -> Answer:
    """Take one step of a case; an attempt that is against the duties is put on record.

    Raises:
        NotOnRecord: No such case.
        LedgerError: What the case refuses.
    """
    whole = _taking(act, tried, case, roles, decide, texts)
    return perform_unnamed(ledger, act, f"case.{tried}", (case, request), case, whole)


def _taking(
    act: CommandAct,
    tried: str,
    case: UUID,
    roles: Collection[Role],
    decide: Callable[[Work, Case], None],
    texts: Collection[str] = (),
) -> Decide:
    def whole(work: Work) -> None:
        found = work.get(Case, case)
        if not may(work, act, f"case.{tried}", found.organisation_id, roles, case):
            return
        require_unnamed(work.ledger, _people_of(work, found.subject), *texts)
        try:
            decide(work, found)
        except (NotOwner, SamePersonCloses, RecoveryOpen) as refusal:
            refuse(work, act, f"case.{tried}", refusal, case)
            return
        work.save(found)

    return whole


def _writing_off(act: CommandAct, order: WritingOff, texts: Collection[str] = ()) -> Decide:
    def decide(_: Work, found: Case) -> None:
        found.write_off(act, amount=Money(order.amount_fen), ground=order.ground)

    return _taking(act, "write_off", order.case_id, WRITERS_OFF, decide, texts)


def _people_of(work: Work, subject: Subject) -> Collection[UUID]:
    """Return whom a finding is about, as far as it names their list."""
    batch = None if subject.batch_id is None else work.find(Batch, subject.batch_id)
    return () if batch is None else batch.people


def _owner(
    work: Work, act: CommandAct, case: Case, charge: Charge, roles: Collection[Role]
) -> UUID:
    """Return the id of whom a case is given to.

    Raises:
        NotOnRecord: No such officer.
        OwnerNotThere: They hold none of the posts on the day.
    """
    officer = work.get(Officer, officer_id(charge.staff_number))
    line = set(lineage(work, case.organisation_id, act.happened_on))
    if not any(officer.holds(role, line, act.happened_on) for role in roles):
        raise OwnerNotThere(officer.id, case.organisation_id)
    return officer.id
