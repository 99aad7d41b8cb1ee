"""Signatures given under a witness's eyes: taken down one by one, then certified by the witness."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from hashlib import sha256
from uuid import UUID

from ledger.commands.disbursements import (
    WITNESSES,
    NothingSigned,
    SignedRowUnknown,
    ToCertify,
    certify,
    payment_of_row,
    require_signed_in_time,
    witnessed_batch,
)
from ledger.commands.duties import NotOwnAct, acting_officer, recording_day
from ledger.commands.likeness import compare, traits_of_strokes
from ledger.commands.lineage import lineage
from ledger.commands.refusals import recorded
from ledger.commands.sealing import PAYEE, SIGNATURE, seal, unseal
from ledger.commands.signed_acts import perform_signed
from ledger.commands.unnamed import perform_unnamed, require_unnamed
from ledger.domain.batch import Batch, batch_id
from ledger.domain.disbursement import (
    Captured,
    Disbursement,
    Manner,
    SignedForByAnother,
    Status,
    disbursement_id,
)
from ledger.domain.export import Export
from ledger.domain.officer import Officer
from ledger.domain.signature import SignatureClaim, SignatureReused, signature_id
from ledger.domain.strokes import Point, from_text, require_signature, to_svg, to_text
from ledger.domain.values import Money, stable_id
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, NotOnRecord, Work
from ledger.vault.keys import PersonErased
from ledger.vault.masking import mask_id, mask_name


class SigningNotBegun(LedgerError):
    """Names are shown in clear to the officer who began the signing that day, and to no other."""

    code = "signature.not_begun"
    kind = Kind.FORBIDDEN

    def __init__(self, batch: UUID) -> None:
        super().__init__(f"begin the signing of batch {batch} first: names are shown in clear")


@dataclass(frozen=True, slots=True)
class DrawnSignature:
    """What one person drew on a screen.

    `own_hand` is the signer's word that they are the recipient and sign themselves; `signer_name`
    is the name that the screen showed them. `device` tells devices apart, and says nothing else.
    `witness_id` is the officer under whose eyes they did, who may send it later.
    """

    batch_code: str
    number: int
    signer_name: str = field(repr=False)
    own_hand: bool
    strokes: Sequence[Sequence[tuple[int, int, int, int]]] = field(repr=False)
    witness_id: UUID
    device: str
    started_at: str
    ended_at: str


@dataclass(frozen=True, slots=True)
class Certification:
    """Rows of a batch that were signed for under the acting officer's eyes."""

    batch_code: str
    numbers: Sequence[int]


@dataclass(frozen=True, slots=True)
class Discarding:
    """What waits on a row to be certified is no signature, and why."""

    batch_code: str
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class SigningRow:
    """A row as its signer sees it; `name` is None for somebody erased or restricted.

    `stopped`: an upheld objection stopped its payment, so nobody is to sign for it.
    """

    number: int
    disbursement_id: UUID
    name: str | None = field(repr=False)
    shown_name: str
    shown_id: str
    amount: Money
    status: str
    captured: Captured | None
    stopped: bool


def begin_signing(
    ledger: Ledger, act: CommandAct, batch_code: str, reason: str, made_for: str
) -> Answer:
    """Have the names of a sheet shown in clear to the acting officer, for the day: on record.

    Raises:
        WrongStage, WrongChannel, RoleMissing, OfficerRequired: As they say.
    """

    def decide(work: Work) -> None:
        batch = witnessed_batch(work, act, batch_code)
        require_unnamed(ledger, batch.people, reason, made_for)
        id_ = signing_id(batch.id, acting_officer(act), act.happened_on)
        if work.find(Export, id_) is None:
            work.save(
                Export.hand_over(
                    act,
                    id_,
                    kind="signing_screen",
                    subject_id=batch.id,
                    people=len(batch.rows),
                    file_sha256=batch.list_sha256,
                    reason=reason,
                    made_for=made_for,
                )
            )

    request, subject = (batch_code, reason, made_for), batch_id(batch_code)
    return perform_unnamed(ledger, act, "signing.begin", request, subject, decide)


def signing_rows(ledger: Ledger, batch: UUID, officer: UUID, day: date) -> list[SigningRow]:
    """Return the rows of a sheet with the names of those who are to sign.

    Raises:
        SigningNotBegun: This officer has not put on record, that day, that they look at them.
    """
    if ledger.load(Export, signing_id(batch, officer, day)) is None:
        raise SigningNotBegun(batch)
    found = _sheet(ledger, batch)
    return [
        _row(ledger, listed.number, _payment(ledger, found, listed.number))
        for listed in sorted(found.rows.values(), key=lambda row: row.number)
    ]


def masked_rows(ledger: Ledger, batch: UUID) -> list[SigningRow]:
    """Return the rows of a sheet as anybody sees them: with names and numbers masked."""
    found = _sheet(ledger, batch)
    return [
        replace(_row(ledger, number, _payment(ledger, found, number)), name=None)
        for number in sorted(found.rows)
    ]


def waiting_rows(ledger: Ledger, batch: UUID, officer: UUID) -> tuple[list[SigningRow], int]:
    """Return rows that wait for this officer's certification, masked, and how many for others'."""
    waiting = [
        row
        for row in masked_rows(ledger, batch)
        if row.status == Status.IN_TRANSIT and row.captured is not None
    ]
    mine = [row for row in waiting if row.captured and row.captured.witness_id == officer]
    return mine, len(waiting) - len(mine)


def capture_signature(ledger: Ledger, act: CommandAct, order: DrawnSignature) -> Answer:
    """Take down what a person drew: judged here, drawn anew, and sealed under their own key.

    It waits for its witness, the acting officer, to certify it. The result names `number` and
    `image_sha256`. That somebody signs for another, or with a signature that stands for another
    payment, is refused and put on record. So is a signature for what was withdrawn since it was
    given, perhaps without a connection, or stopped by an objection before it was: it is kept all
    the same, as its giver may have the money.

    Raises:
        SignatureEmpty, SignatureTooLong, StrokesUnreadable: What was drawn is none, or too much.
        SignedRowUnknown, NotInTransit, PersonErased: There is nothing to sign for.
        SignedTooEarly, SignedAhead: By the device's clock it was given before the approval, or has
            not been given yet.
        NotOwnAct: It was given under another officer's eyes.
        AnotherWitness: One waits that was given under another officer's eyes.
        WrongStage, WrongChannel, RoleMissing, OfficerRequired: As they say.
    """
    strokes = [[Point(*point) for point in stroke] for stroke in order.strokes]

    def decide(work: Work) -> None:
        batch = witnessed_batch(work, act, order.batch_code)
        if acting_officer(act) != order.witness_id:
            raise NotOwnAct(act.actor, order.witness_id)
        payment = payment_of_row(work, batch, order.number)
        require_signature(strokes)
        payee = unseal(ledger, payment.person_id, PAYEE, payment.payee)
        text, image = to_text(strokes), to_svg(strokes)
        digest = sha256(image.encode()).hexdigest()
        late = payment.stopped_by(order.ended_at)
        if payment.status is Status.IN_TRANSIT:
            for moment in (order.started_at, order.ended_at):
                require_signed_in_time(act, payment, moment)
        try:
            payment.capture_signature(
                act,
                own_name=order.own_hand and payee.get("name") == order.signer_name,
                manner=Manner.DRAWN,
                drawing=seal(work, payment.person_id, SIGNATURE, {"strokes": text, "image": image}),
                image_sha256=digest,
                strokes_sha256=sha256(text.encode()).hexdigest(),
                sheet_sha256=None,
                device=order.device,
                started_at=order.started_at,
                ended_at=order.ended_at,
                witness_id=order.witness_id,
                late=late is not None,
            )
            claim = claim_signature(work, act, digest, payment.id)
        except (SignatureReused, SignedForByAnother) as refusal:
            # Neither was saved; only that it was tried is.
            work.save(recorded(act, "signature.capture", refusal, payment.id))
            work.refuse(refusal)
            return
        work.save(payment)
        compare(work, act, claim, payment.person_id, traits_of_strokes(strokes))
        if late is not None:
            work.save(recorded(act, "signature.capture", late, payment.id))
            work.refuse(late)
            return
        work.result.update(number=order.number, image_sha256=digest)

    return ledger.perform(act, "signature.capture", order, decide)


def claim_signature(
    work: Work, act: CommandAct, image_sha256: str, payment: UUID
) -> SignatureClaim:
    """Have a picture stand for one payment for good; return its claim.

    Raises:
        SignatureReused: It stands for another.
    """
    claimed = work.find(SignatureClaim, signature_id(image_sha256))
    if claimed is None:
        claimed = SignatureClaim.claim(act, image_sha256=image_sha256, disbursement_id=payment)
        work.save(claimed)
    else:
        claimed.require_of(payment)
    return claimed


def certify_captured(ledger: Ledger, act: CommandAct, order: Certification) -> Answer:
    """Certify rows whose signatures the acting officer saw given; they are paid with that.

    The result counts `signed` and lists `refused` as `{number, line, code}`, each put on record.

    Raises:
        NothingSigned: None of them stands.
        WrongStage, WrongChannel, RoleMissing, OfficerRequired: As they say.
        OfficerSignatureMissing: The witness did not sign.
    """
    batch = batch_id(order.batch_code)
    return perform_signed(ledger, act, "signature.certify", order, batch, _certify(act, order))


def prepare_captured(ledger: Ledger, act: CommandAct, order: Certification) -> bytes:
    """Return the payload that the witness is to sign.

    Raises:
        NothingSigned: None of the rows stands.
    """
    payloads = ledger.prepare(act, _certify(act, order))
    if not payloads:
        raise NothingSigned(batch_id(order.batch_code))
    return payloads[0]


def discard_signature(ledger: Ledger, act: CommandAct, order: Discarding) -> Answer:
    """Say of what waits on a row that it is no signature: it is awaited still, or withdrawn.

    Its witness does. Where they hold no post any more in which they could certify it, any witness
    of the sheet does, as it would wait for good.

    Raises:
        SignedRowUnknown, NotInTransit, NotCaptured, AnotherWitness, PersonalDataInText,
            PersonNamedInText: As they say.
        WrongStage, WrongChannel, RoleMissing, OfficerRequired: As they say.
    """

    def decide(work: Work) -> None:
        batch = witnessed_batch(work, act, order.batch_code)
        payment = payment_of_row(work, batch, order.number)
        payment.discard_signature(
            act,
            discarded_by=acting_officer(act),
            witness_left=_witness_left(work, act, batch, payment.captured),
            reason=order.reason,
        )
        require_unnamed(ledger, {payment.person_id}, order.reason)
        work.save(payment)
        work.result.update(number=order.number)

    of = batch_id(order.batch_code)
    return perform_unnamed(ledger, act, "signature.discard", order, of, decide)


def signature_image(ledger: Ledger, batch: UUID, number: int, officer: UUID) -> tuple[str, str]:
    """Return the picture of a signature, to the witness who saw it given: its manner and itself.

    Raises:
        NotOnRecord, SignedRowUnknown, NotCaptured, AnotherWitness, NotInTransit: There is none that
            waits for them.
        PersonErased: It is gone with the person's key.
    """
    payment = _payment(ledger, _sheet(ledger, batch), number)
    captured = payment.require_captured_by(officer)
    return captured.manner, unseal(ledger, payment.person_id, SIGNATURE, captured.drawing)["image"]


def strokes_of(ledger: Ledger, payment: Disbursement) -> list[list[Point]]:
    """Return the strokes of a payment's drawn signature, for those who compare hands.

    Raises:
        PersonErased: They are gone with the person's key.
    """
    if payment.captured is None or payment.captured.manner != Manner.DRAWN:
        return []
    opened = unseal(ledger, payment.person_id, SIGNATURE, payment.captured.drawing)
    return from_text(opened["strokes"])


def signing_id(batch: UUID, officer: UUID, day: date) -> UUID:
    return stable_id("signing", batch, officer, day)


def _certify(act: CommandAct, order: Certification) -> Decide:
    def decide(work: Work) -> None:
        batch = witnessed_batch(work, act, order.batch_code)
        numbers = sorted(set(order.numbers))
        sheet = _sheet_sha256(work, batch, numbers)
        rows = [
            ToCertify(number, line, partial(_sign, work, act, batch, number, sheet))
            for line, number in enumerate(numbers, 1)
        ]
        certify(work, act, batch, sheet, rows)

    return decide


def _sign(work: Work, act: CommandAct, batch: Batch, number: int, sheet: str) -> Disbursement:
    payment = payment_of_row(work, batch, number)
    witness = acting_officer(act)
    captured = payment.require_captured_by(witness)
    require_signed_in_time(act, payment, captured.ended_at)
    # Of somebody who was erased meanwhile nobody can show the signature any more.
    unseal(work.ledger, payment.person_id, SIGNATURE, captured.drawing)
    payment.sign(
        act,
        own_name=True,  # as was asked when it was given
        signed_at=captured.ended_at,
        image_sha256=captured.image_sha256,
        sheet_sha256=sheet,
        witness_id=witness,
    )
    return payment


def _witness_left(work: Work, act: CommandAct, batch: Batch, captured: Captured | None) -> bool:
    if captured is None:
        return False
    witness = work.get(Officer, captured.witness_id)
    day = recording_day(act)
    places = set(lineage(work, batch.organisation_id, day))
    return not any(witness.holds(role, places, day) for role in WITNESSES)


def _sheet_sha256(work: Work, batch: Batch, numbers: Sequence[int]) -> str:
    """Return what stands for the sheet: the scan that all rows are on, or a hash over the rows."""
    lines, sheets = [], set()
    for number in numbers:
        listed = batch.rows.get(number)
        payment = listed and work.find(
            Disbursement, disbursement_id(batch.campaign_id, listed.person_id)
        )
        if payment and payment.captured:
            sheets.add(payment.captured.sheet_sha256)
            lines.append(f"{number} {payment.captured.image_sha256}\n")
    one = sheets.pop() if len(sheets) == 1 else None
    return one or sha256("".join(lines).encode()).hexdigest()


def _sheet(ledger: Ledger, batch: UUID) -> Batch:
    found = ledger.load(Batch, batch)
    if found is None:
        raise NotOnRecord("batch", batch)
    return found


def _payment(ledger: Ledger, batch: Batch, number: int) -> Disbursement:
    listed = batch.rows.get(number)
    if listed is None:
        raise SignedRowUnknown(batch.id, number)
    id_ = disbursement_id(batch.campaign_id, listed.person_id)
    payment = ledger.load(Disbursement, id_)
    if payment is None:
        raise NotOnRecord("disbursement", id_)
    return payment


def _row(ledger: Ledger, number: int, payment: Disbursement) -> SigningRow:
    try:
        payee = unseal(ledger, payment.person_id, PAYEE, payment.payee)
    except PersonErased:
        payee = {}
    return SigningRow(
        number,
        payment.id,
        payee.get("name"),
        mask_name(payee.get("name", "")),
        mask_id(payee.get("id_number", "")),
        payment.amount,
        payment.status,
        payment.captured,
        payment.is_stopped,
    )
