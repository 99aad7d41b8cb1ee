"""Public notices: put up, objected to, answered, closed or taken down."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from ledger.commands.bank_files import may_be_sent
from ledger.commands.batches import HANDLERS
from ledger.commands.duties import acting_officer, require_post
from ledger.commands.filings import CHECKERS
from ledger.commands.refusals import may, refuse
from ledger.commands.sealing import (
    OBJECTION,
    OBJECTION_ANSWER,
    PAYEE,
    masked_in_public,
    seal,
    unseal,
)
from ledger.commands.unnamed import perform_unnamed, require_unnamed
from ledger.domain.aggregate import OPERATOR
from ledger.domain.batch import Batch, Stage
from ledger.domain.disbursement import NOT_PAID, Disbursement, Status, disbursement_id
from ledger.domain.notice import (
    Listed,
    Notice,
    NoticeRunning,
    Objection,
    Period,
    SamePersonAnswers,
    notice_id,
    require_sayable,
)
from ledger.domain.officer import OBSERVERS
from ledger.domain.recipient import Recipient
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, NotOnRecord, Work
from ledger.vault.keys import PersonErased

ENDERS = HANDLERS | CHECKERS
"""Who closes a notice or takes it down."""

MAY_READ = CHECKERS | OBSERVERS
"""Who reads an objection in clear: those who answer it, and those who look into everything."""

UPHELD = "notice.objection_upheld"
"""Says in a batch why a row fell."""


class Stopped(StrEnum):
    """What an upheld objection does to a payment: it stops, or it went to the bank or arrived."""

    STOPPED = "stopped"
    SENT = "sent"
    PAID = "paid"
    NOT_PAID = "not_paid"


class RowUnknown(LedgerError):
    """The list that is shown has no such row."""

    code = "notice.row_unknown"
    kind = Kind.INVALID

    def __init__(self, notice: UUID, number: int) -> None:
        super().__init__(f"the list of notice {notice} has no row {number}")


class RowNotSaid(LedgerError):
    """Who upholds an objection says which row falls, or that it is about none."""

    code = "notice.row_not_said"
    kind = Kind.INVALID

    def __init__(self, notice: UUID, number: int) -> None:
        super().__init__(f"objection {number} to notice {notice} named no row: which one falls?")


@dataclass(frozen=True, slots=True)
class Opening:
    """A list put up: where it hangs, for how long, and where else objections are taken."""

    batch_id: UUID
    period: Period
    place: str
    contact: str


@dataclass(frozen=True, slots=True)
class Raising:
    """An objection, as it is written. Without a name it is anonymous."""

    notice_id: UUID
    row_number: int | None
    text: str = field(repr=False)
    name: str = field(repr=False, default="")
    contact: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Answering:
    """What is answered to an objection; of an upheld one, which row falls (its own unless said).

    `no_row`: it is about no row of the list.
    """

    notice_id: UUID
    number: int
    upheld: bool
    reason: str = field(repr=False)
    row_number: int | None = None
    no_row: bool = False


def open_notice(ledger: Ledger, act: CommandAct, order: Opening) -> Answer:
    """Put the list of a batch up, as it stands.

    What hung on paper may be recorded later (H4 tells of it), and never before its list was drawn.

    Raises:
        NotOnRecord, NothingToShow, PutUpTooEarly, PeriodWrong, ShownTooLong: As they say.
        NoticeRunning: The batch has a notice that has not ended.
    """

    def decide(work: Work) -> None:
        batch = work.get(Batch, order.batch_id)
        if not may(work, act, "notice.open", batch.organisation_id, HANDLERS, batch.id):
            return
        number = 1
        while (earlier := work.find(Notice, notice_id(batch.id, number))) is not None:
            if not earlier.ended:
                raise NoticeRunning(earlier.id)
            number += 1
        listed = Listed(
            batch.id,
            batch.organisation_id,
            batch.campaign_id,
            batch.drafted_on,
            batch.list_sha256,
            len(batch.rows),
            batch.total,
        )
        notice = Notice.open(
            act,
            listed,
            order.period,
            number=number,
            place=order.place,
            contact=order.contact,
            opened_by=acting_officer(act),
        )
        work.save(notice)
        work.result["notice_id"] = str(notice.id)

    return ledger.perform(act, "notice.open", order, decide)


def raise_objection(ledger: Ledger, act: CommandAct, order: Raising) -> Answer:
    """Take an objection in: from anybody, or from an officer to whom it was told.

    What an officer was told in time is entered later, under its day, however many wait. What was
    written is sealed under a key of its own, which may be erased as a person's is.

    Raises:
        NotOnRecord, ObjectionEmpty, ObjectionTooLong, RowUnknown: As they say.
        NotRunning, ObjectionsTooMany: The notice takes none.
    """

    def decide(work: Work) -> None:
        require_sayable(order.text, order.name, order.contact)
        notice = work.get(Notice, order.notice_id)
        officer = None if act.actor == OPERATOR else acting_officer(act)
        if officer is not None and not may(
            work, act, "notice.object", notice.organisation_id, ENDERS, notice.id
        ):
            return
        notice.require_objectable(act.happened_on, officer)
        if order.row_number is not None:
            batch = work.get(Batch, notice.batch_id)
            if order.row_number not in batch.rows:
                raise RowUnknown(notice.id, order.row_number)
        number = notice.next_number
        subject = work.ledger.vault.subject_id("objection", f"{notice.id}:{number}")
        fields = {"name": order.name.strip(), "contact": order.contact.strip(), "text": order.text}
        notice.raise_objection(
            act,
            row_number=order.row_number,
            anonymous=not fields["name"],
            entered_by=officer,
            subject_id=subject,
            details=seal(work, subject, OBJECTION, fields),
        )
        # So that two officers may restrict or erase what is sealed of them, as of anybody.
        objector = Recipient.register(
            act, subject, id_index="", organisation_id=notice.organisation_id
        )
        work.save(notice, objector)
        work.result["number"] = number

    request = (order.notice_id, order.row_number, order.text, order.name, order.contact)
    return ledger.perform(act, "notice.object", request, decide)


def read_objection(
    ledger: Ledger, act: CommandAct, notice: UUID, number: int, reason: str
) -> dict[str, str]:
    """Return what an objector wrote, in clear, with the answer if there is one; it is an event.

    Raises:
        NotOnRecord, ObjectionUnknown, RoleMissing: As they say.
        SamePersonAnswers: It is against one's own list; that one tried is put on record.
        PersonalDataInText: The reason names somebody by a number.
        PersonErased: There is nothing to read any more.
    """
    found = ledger.load(Notice, notice)
    if found is None:
        raise NotOnRecord("notice", notice)
    objection = found.objection(number)
    refused: list[SamePersonAnswers] = []

    def decide(work: Work) -> None:
        current = work.get(Notice, notice)
        require_post(work, act, MAY_READ, current.organisation_id)
        batch = work.get(Batch, current.batch_id)
        require_unnamed(ledger, batch.people, reason)
        officer, drafter = acting_officer(act), batch.officers[0]
        refused.clear()
        try:
            current.require_another(officer, drafter)
        except SamePersonAnswers as refusal:
            refuse(work, act, "notice.read_objection", refusal, notice)
            refused.append(refusal)
            return
        current.read_objection(act, number=number, read_by=officer, reason=reason)
        work.save(current)

    # First the event, then the answer; each time that it is read is another.
    anew = replace(act, idempotency_key=None)
    clear = unseal(ledger, objection.subject_id, OBJECTION, objection.details)
    request = (notice, number, reason)
    perform_unnamed(ledger, anew, "notice.read_objection", request, notice, decide)
    if refused:
        raise refused[0]
    if objection.answer is not None and objection.answered_as is not None:
        answered = unseal(ledger, objection.answered_as, OBJECTION_ANSWER, objection.answer)
        clear |= {"answer": answered["reason"]}
    return clear


def answer_objection(ledger: Ledger, act: CommandAct, order: Answering) -> Answer:
    """Uphold an objection or dismiss it; the row of an upheld one falls in the same moment.

    Where the batch was approved already the row stays, and its payment stops until it is withdrawn:
    who has not signed for it does not, and no file for the bank holds it. So does what the person
    is paid by another list of the campaign, where the row fell. The result says what becomes of the
    `payment`: a `Stopped`, or None where there is none. Whoever drew up or put up the list is
    refused, and that is put on record.

    Raises:
        NotOnRecord, ObjectionUnknown, AnsweredAlready, RowUnknown: As they say.
        RowNotSaid: Neither the answer nor the objection names a row.
        ObjectionEmpty, ObjectionTooLong: The reason says nothing, or too much.
    """

    def decide(work: Work) -> None:
        require_sayable(order.reason)
        notice = work.get(Notice, order.notice_id)
        objection = notice.unanswered(order.number)
        batch = work.get(Batch, notice.batch_id)
        officer = acting_officer(act)
        if not may(work, act, "notice.answer", notice.organisation_id, CHECKERS, notice.id):
            return
        try:
            notice.require_another(officer, batch.officers[0])
        except SamePersonAnswers as refusal:
            refuse(work, act, "notice.answer", refusal, notice.id)
            return
        row, falls, stopped = None, False, None
        if order.upheld and not order.no_row:
            row = _row_of(order, objection)
            person = _person_of(notice, batch, row, objection)
            falls = _let_fall(work, act, batch, row)
            paid_as = disbursement_id(batch.campaign_id, person)
            stopped = _stop(work, act, notice, paid_as, order.number)
        subject, answer = _answer(work, notice, objection, order.reason)
        notice.answer_objection(
            act,
            number=order.number,
            upheld=order.upheld,
            row_number=row,
            row_withdrawn=falls,
            answered_by=officer,
            subject_id=subject,
            answer=answer,
        )
        work.save(notice)
        work.result.update(row_number=row, row_withdrawn=falls, payment=stopped)

    request = (order.notice_id, order.number, order.upheld, order.reason, order.row_number)
    if order.no_row:
        return ledger.perform(act, "notice.answer", (*request, "no_row"), decide)
    return ledger.perform(act, "notice.answer", request, decide)


def close_notice(ledger: Ledger, act: CommandAct, notice: UUID) -> Answer:
    """End a notice whose period is over and whose objections are all answered.

    Raises:
        NotOnRecord, NoticeEnded, PeriodRuns, ObjectionsOpen: As they say.
    """

    def decide(work: Work) -> None:
        closing = work.get(Notice, notice)
        if may(work, act, "notice.close", closing.organisation_id, ENDERS, notice):
            closing.close(act, closed_by=acting_officer(act))
            work.save(closing)

    return ledger.perform(act, "notice.close", notice, decide)


def withdraw_notice(ledger: Ledger, act: CommandAct, notice: UUID, reason: str) -> Answer:
    """Take a notice down before its time: the list was wrong, or is to be put up anew.

    Over open objections whoever drew up or put up the list is refused, and that is put on record.

    Raises:
        NotOnRecord, NoticeEnded: As they say.
    """

    def decide(work: Work) -> None:
        ending = work.get(Notice, notice)
        if not may(work, act, "notice.withdraw", ending.organisation_id, ENDERS, notice):
            return
        batch = work.get(Batch, ending.batch_id)
        require_unnamed(ledger, batch.people, reason)
        officer, drafter = acting_officer(act), batch.officers[0]
        try:
            ending.withdraw(act, withdrawn_by=officer, drafted_by=drafter, reason=reason)
        except SamePersonAnswers as refusal:
            refuse(work, act, "notice.withdraw", refusal, notice)
            return
        work.save(ending)

    return perform_unnamed(ledger, act, "notice.withdraw", (notice, reason), notice, decide)


def standing_count(ledger: Ledger, batch: UUID) -> int:
    """Return how many rows of a batch stand now."""
    found = ledger.load(Batch, batch)
    return len(found.rows) if found else 0


@dataclass(frozen=True, slots=True)
class PublicRow:
    """A row as a public notice shows it; who is erased or restricted is not shown at all."""

    number: int
    name: str | None
    id_number: str | None
    category: str
    amount: Money


def public_rows(ledger: Ledger, batch: UUID, start: int = 0, limit: int = 100) -> list[PublicRow]:
    """Return standing rows of a batch, in the order of the list, masked for everybody.

    Args:
        ledger: The log and the vault.
        batch: The batch whose list is shown.
        start: How many rows to leave out; each that is shown is opened and masked.
        limit: How many to show.
    """
    found = ledger.load(Batch, batch)
    rows = sorted(found.rows.values(), key=lambda row: row.number) if found else []
    shown = []
    for row in rows[start : start + limit]:
        try:
            payee = masked_in_public(unseal(ledger, row.person_id, PAYEE, row.payee))
        except PersonErased:  # or restricted
            payee = {}
        name, number = payee.get("name"), payee.get("id_number")
        shown.append(PublicRow(row.number, name, number, row.category, row.amount))
    return shown


def _row_of(order: Answering, objection: Objection) -> int:
    """Return which row an upheld objection is about.

    Raises:
        RowNotSaid: As it says.
    """
    row = objection.row_number if order.row_number is None else order.row_number
    if row is None:
        raise RowNotSaid(order.notice_id, order.number)
    return row


def _person_of(notice: Notice, batch: Batch, row: int, objection: Objection) -> UUID:
    """Return whom a row names; of one that fell, where the objection is about it.

    Raises:
        RowUnknown: No such row stands.
    """
    if row in batch.rows:
        return batch.rows[row].person_id
    if row == objection.row_number and row in batch.fallen:
        return batch.fallen[row]
    raise RowUnknown(notice.id, row)


def _let_fall(work: Work, act: CommandAct, batch: Batch, row: int) -> bool:
    """Withdraw a row that nobody has approved yet; say whether it stands no more."""
    if row not in batch.rows:
        return True  # it fell meanwhile, for another reason
    if batch.stage not in (Stage.DRAFTED, Stage.REVIEWED):
        return False
    batch.withdraw_row(act, number=row, refusal_code=UPHELD)
    work.save(batch)
    return True


def payment_of(ledger: Ledger, batch: UUID, row: int) -> Disbursement | None:
    """Return the payment to the person of a row; of one that fell, by another list, if any."""
    found = ledger.load(Batch, batch)
    if found is None:
        return None
    standing = found.rows.get(row)
    person = found.fallen.get(row) if standing is None else standing.person_id
    if person is None:
        return None
    return ledger.load(Disbursement, disbursement_id(found.campaign_id, person))


def stopped_as(payment: Disbursement, *, sent: bool) -> Stopped:
    """Say what becomes of a payment by an objection that is upheld."""
    if payment.status in NOT_PAID:
        return Stopped.NOT_PAID
    if payment.status is not Status.IN_TRANSIT or payment.captured is not None:
        return Stopped.PAID
    return Stopped.SENT if sent else Stopped.STOPPED


def _stop(
    work: Work, act: CommandAct, notice: Notice, paid_as: UUID, number: int
) -> Stopped | None:
    """Have a payment stop, by whichever list it is; say how far it was, or None: there is none."""
    payment = work.find(Disbursement, paid_as)
    if payment is None:
        return None
    batch = work.get(Batch, payment.batch_id)
    stopped = stopped_as(payment, sent=payment.unknown or may_be_sent(work, batch, payment))
    # What was answered before the payment's last day stops it from that day on. What came back is
    # stopped too: that it did may be taken back.
    day = max(act.happened_on, payment.last_on)
    payment.uphold_objection(replace(act, happened_on=day), notice_id=notice.id, number=number)
    work.save(payment)
    return stopped


def _answer(work: Work, notice: Notice, objection: Objection, reason: str) -> tuple[UUID, Sealed]:
    """Seal the reason with the objection; where that was erased, apart from it."""
    fields = {"reason": reason.strip()}
    try:
        return objection.subject_id, seal(work, objection.subject_id, OBJECTION_ANSWER, fields)
    except PersonErased:  # or restricted
        name = f"{notice.id}:{objection.number}"
        subject = work.ledger.vault.subject_id("objection answer", name)
        return subject, seal(work, subject, OBJECTION_ANSWER, fields)
