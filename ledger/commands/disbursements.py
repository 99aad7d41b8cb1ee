"""Signatures on sheets, payments issued again, and outcomes put right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from ledger.commands.bank_files import may_be_sent
from ledger.commands.duties import acting_officer, require_post
from ledger.commands.funds import CORRECTORS, require_other_hand
from ledger.commands.misspelt_names import put_right
from ledger.commands.mistaken_returns import take_return_back
from ledger.commands.policies import paying_rule
from ledger.commands.refusals import recorded
from ledger.commands.sealing import PAYEE, card_index, seal, unseal
from ledger.commands.sent_files import Sent
from ledger.commands.signed_acts import perform_signed
from ledger.commands.unnamed import perform_unnamed, require_unnamed
from ledger.domain.aggregate import OPERATOR
from ledger.domain.batch import Batch, SamePerson, batch_id
from ledger.domain.disbursement import (
    AlreadySent,
    AnotherWitness,
    Disbursement,
    NotCaptured,
    NotInTransit,
    SignedAhead,
    SignedForByAnother,
    SignedTooEarly,
    Status,
    disbursement_id,
)
from ledger.domain.fund import FundAccount
from ledger.domain.officer import Officer, Role
from ledger.domain.policy import Channel
from ledger.domain.values import day_in_china, read_moment
from ledger.errors import Kind, LedgerError
from ledger.files.signatures import SignatureRow
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work
from ledger.vault.keys import PersonErased

WITNESSES = frozenset({Role.HANDLER, Role.REVIEWER, Role.CASHIER})
"""Under whose eyes people sign."""


class SignedRowUnknown(LedgerError):
    """The sheet carries a signature for a row that was not approved."""

    code = "signature.row_unknown"
    kind = Kind.INVALID

    def __init__(self, batch: UUID, number: int) -> None:
        super().__init__(f"row {number} of batch {batch} was not approved for payment")


class NothingSigned(LedgerError):
    """No signature on the sheet stands."""

    code = "signature.none_stands"
    kind = Kind.INVALID

    def __init__(self, batch: UUID) -> None:
        super().__init__(f"none of the signatures for batch {batch} stands")


STOPPED = (
    SignedRowUnknown,
    SignedForByAnother,
    SignedTooEarly,
    SignedAhead,
    NotInTransit,
    NotCaptured,
    AnotherWitness,
    PersonErased,
)
"""What stops one row of a sheet and not the others."""


@dataclass(frozen=True, slots=True)
class ToCertify:
    """A row that is to be certified, and what signs its payment."""

    number: int
    line: int
    sign: Callable[[], Disbursement]


@dataclass(frozen=True, slots=True)
class SignedSheet:
    """Signatures given under one witness's eyes, who certifies them with their own key."""

    batch_code: str
    sheet_sha256: str
    rows: Sequence[SignatureRow]


@dataclass(frozen=True, slots=True)
class Reissue:
    """Pay again what came back, to another card, or at another bank, where one is given.

    `name`: how the recipient's name is spelt, where the roster has it wrong.
    """

    disbursement_id: UUID
    reason: str
    card_number: str = field(default="", repr=False)
    bank_name: str = field(default="", repr=False)
    name: str = field(default="", repr=False)


def record_signatures(ledger: Ledger, act: CommandAct, order: SignedSheet) -> Answer:
    """Record who signed for their money; the acting officer certifies it.

    The result counts `signed` and lists `refused` as `{number, line, code}`: signatures by another
    than the recipient, twice, for a row that was not approved, from before its approval or from a
    time to come, or of somebody erased meanwhile, whose name cannot be compared any more. Each of
    them is put on record.

    Raises:
        WrongStage, WrongChannel: Not an approved signature sheet.
        OfficerRequired: Nobody can answer for it.
        OfficerSignatureMissing: The witness did not sign.
    """
    request = (order.batch_code, order.sheet_sha256, [row.number for row in order.rows])
    batch = batch_id(order.batch_code)
    return perform_signed(ledger, act, "sheet.certify", request, batch, _record(act, order))


def prepare_certification(ledger: Ledger, act: CommandAct, order: SignedSheet) -> bytes:
    """Return the payload that the witness is to sign."""
    payloads = ledger.prepare(act, _record(act, order))
    if not payloads:
        raise NothingSigned(batch_id(order.batch_code))
    return payloads[0]


def reissue_payment(ledger: Ledger, act: CommandAct, order: Reissue) -> Answer:
    """Draw the money again and send it again.

    Where a return file said meanwhile that it reached an earlier account after all, it is made
    again to that account and settles by that word: what came back from the other is paid to nobody.

    Raises:
        NotReturned: It did not come back.
        HasArrived: The bank says that it arrived at an earlier account, and this is another.
        SamePerson: Who withdrew it would have it paid to another card, or at another bank.
        NameNotDoubted, NameAndCard, NameOfAnother: The name stays as it is.
        FundInsufficient: The account holds less by now, or held less on that day.
        SourcesInsufficient: It holds less of the sources that may pay for it.
        EarmarkNotForCategory: By the policy of that day the account pays nobody of its category.
    """

    def decide(work: Work) -> None:
        payment = work.get(Disbursement, order.disbursement_id)
        require_post(work, act, {Role.APPROVER}, payment.organisation_id)
        payment.require_returned()
        require_unnamed(ledger, {payment.person_id}, order.reason)
        changes = {"card_number": order.card_number, "bank_name": order.bank_name}
        given = {name: value for name, value in changes.items() if value}
        if given and act.actor == payment.withdrawn_by and act.actor != OPERATOR:
            # Nobody sends elsewhere, alone, what was approved and never came back.
            raise SamePerson(payment.batch_id, acting_officer(act))
        ground = None
        if order.name:
            name, ground = put_right(work, payment, order.name, given)
            given["name"] = name
        fund = work.get(FundAccount, payment.fund_id)
        rule = paying_rule(work, payment, act.happened_on)
        if rule is not None:
            rule.require_earmark(fund.earmark)
        parts = fund.draw(
            act,
            disbursement_id=payment.id,
            batch_id=payment.batch_id,
            amount=payment.amount,
            sources=() if rule is None else rule.paid_from,
        )
        payee = unseal(ledger, payment.person_id, PAYEE, payment.payee) | given
        payment.reissue(
            act,
            parts=parts,
            payee=seal(work, payment.person_id, PAYEE, payee),
            card_index=card_index(ledger, payee.get("card_number", "")),
            reason=order.reason,
            name_put_right=ground,
        )
        work.save(fund, payment)

    subject = order.disbursement_id
    return perform_unnamed(ledger, act, "disbursement.reissue", order, subject, decide)


def withdraw_payment(ledger: Ledger, act: CommandAct, disbursement: UUID, reason: str) -> Answer:
    """Put the money of a payment that will not be paid out back into its lots (撤销付款).

    Either no file for the bank held it since it was instructed, or nobody signed for it. Where this
    program writes no file for its bank and the bank said nothing yet, whoever withdraws it answers
    for that. It may be paid again later, as what came back may.

    Raises:
        NotInTransit: It arrived, or came back before.
        AlreadySent: The bank may have been sent it: the bank's answer decides.
        SignatureWaits: Its recipient signed for it.
        SignatureUndone: A second person withdraws what was signed for, and is not any more.
    """

    def decide(work: Work) -> None:
        payment = work.get(Disbursement, disbursement)
        require_post(work, act, {Role.APPROVER}, payment.organisation_id)
        require_unnamed(ledger, {payment.person_id}, reason)
        batch = work.get(Batch, payment.batch_id)
        listed_by = {str(officer) for officer in batch.officers}
        in_doubt = Sent(ledger, batch).is_in_doubt(payment)
        parts = payment.withdraw(act, reason=reason, listed_by=listed_by, in_doubt=in_doubt)
        if may_be_sent(work, batch, payment):
            raise AlreadySent(payment.id)
        fund = work.get(FundAccount, payment.fund_id)
        fund.restore(act, disbursement_id=payment.id, parts=parts)
        work.save(payment, fund)

    request = (disbursement, reason)
    return perform_unnamed(ledger, act, "disbursement.withdraw", request, disbursement, decide)


def correct_outcome(
    ledger: Ledger, act: CommandAct, disbursement: UUID, corrects_version: int, reason: str
) -> Answer:
    """Take back what was recorded of a payment by mistake, by a further event.

    A settlement, a signature, or that a line of a statement brought its money back: the line is
    open again then, and the money drawn again.

    Raises:
        NothingToCorrect: That version is not the payment's last outcome, or a return file told it.
        CorrectedByOneself: Whoever recorded it would put it right.
        FundInsufficient, SourcesInsufficient: The money was used for something else meanwhile.
    """

    def decide(work: Work) -> None:
        payment = work.get(Disbursement, disbursement)
        require_post(work, act, CORRECTORS, payment.organisation_id)
        require_unnamed(ledger, {payment.person_id}, reason)
        if payment.status is Status.RETURNED:
            take_return_back(work, act, payment, corrects_version, reason)
        else:
            payment.correct(act, corrects_version=corrects_version, reason=reason)
        require_other_hand(work, act, payment.id, corrects_version)
        work.save(payment)

    request = (disbursement, corrects_version, reason)
    return perform_unnamed(ledger, act, "disbursement.correct", request, disbursement, decide)


def certify(
    work: Work, act: CommandAct, batch: Batch, sheet_sha256: str, rows: Sequence[ToCertify]
) -> None:
    """Sign payments for those who signed, and have the batch certify them; to be saved together.

    The result counts `signed` and lists `refused`; each of these is put on record.
    """
    signed: list[int] = []
    refused: list[dict[str, object]] = []
    for row in rows:
        try:
            work.save(row.sign())
            signed.append(row.number)
        except STOPPED as refusal:
            refused.append({"number": row.number, "line": row.line, "code": refusal.code})
            place = (batch.id, row.number, row.line)
            work.save(recorded(act, "disbursement.sign", refusal, batch.id, *place))
    if signed:
        batch.certify_sheet(
            act,
            sheet_sha256=sheet_sha256,
            certified_by=acting_officer(act),
            numbers=tuple(signed),
        )
        work.save(batch)
    work.result.update(signed=len(signed), refused=refused)


def witnessed_batch(work: Work, act: CommandAct, batch_code: str) -> Batch:
    """Return an approved signature sheet, for one who may witness signatures on it.

    Raises:
        WrongStage, WrongChannel, RoleMissing, OfficerRequired: As they say.
    """
    batch = work.get(Batch, batch_id(batch_code))
    batch.require_answerable(Channel.SIGNATURE_SHEET)
    require_post(work, act, WITNESSES, batch.organisation_id)
    work.get(Officer, acting_officer(act))
    return batch


def payment_of_row(work: Work, batch: Batch, number: int) -> Disbursement:
    """Return the payment that a row of the sheet became.

    Raises:
        SignedRowUnknown: The row was not approved.
    """
    listed = batch.rows.get(number)
    if listed is None:
        raise SignedRowUnknown(batch.id, number)
    return work.get(Disbursement, disbursement_id(batch.campaign_id, listed.person_id))


def require_signed_in_time(act: CommandAct, payment: Disbursement, signed_at: str) -> None:
    """Check that it was signed for when the payment had been approved, and not in days to come.

    Raises:
        SignedTooEarly, SignedAhead: As they say.
    """
    if read_moment(signed_at) > read_moment(act.recorded_at):
        raise SignedAhead(payment.id, signed_at, act.recorded_at)
    if day_in_china(signed_at) < payment.instructed_on:
        raise SignedTooEarly(payment.id, signed_at, payment.instructed_on)


def _record(act: CommandAct, order: SignedSheet) -> Decide:
    def decide(work: Work) -> None:
        batch = witnessed_batch(work, act, order.batch_code)
        rows = [
            ToCertify(row.number, row.line, partial(_sign, work, act, batch, order, row))
            for row in order.rows
        ]
        certify(work, act, batch, order.sheet_sha256, rows)

    return decide


def _sign(
    work: Work, act: CommandAct, batch: Batch, order: SignedSheet, row: SignatureRow
) -> Disbursement:
    payment = payment_of_row(work, batch, row.number)
    payee = unseal(work.ledger, payment.person_id, PAYEE, payment.payee)
    own_name = payee.get("name") == row.signer_name
    if own_name and payment.status is Status.IN_TRANSIT:
        require_signed_in_time(act, payment, row.signed_at)
    payment.sign(
        act,
        own_name=own_name,
        signed_at=row.signed_at,
        image_sha256=row.image_sha256,
        sheet_sha256=order.sheet_sha256,
        witness_id=acting_officer(act),
    )
    return payment
