"""What is answered to an act: what came of it, where its events stand, and the receipt."""

import logging
from base64 import b64encode
from typing import Generic, TypeVar
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from api.v1.models import Answer, Id, Position
from ledger.domain.aggregate import Root
from ledger.errors import Kind, LedgerError
from ledger.store.application import Answer as Stored
from ledger.store.application import Ledger

T = TypeVar("T", bound=BaseModel)

log = logging.getLogger("nuanzhang")


class Receipt(Answer):
    """Proof that the last event of the act is in the log, under a checkpoint that covers all."""

    position: Position
    leaf_hash: str = Field(description="Base64.")
    inclusion_path: list[str] = Field(description="Base64 each, lowest first (RFC 9162, 2.1.3).")
    checkpoint: str = Field(description="C2SP signed note.")


class Written(Answer, Generic[T]):
    """`first_position` to `last_position` are the act's events; null where it left none.

    `replayed`: the same was asked before under this idempotency key, and this was answered.
    `receipt` is null where the act stands and its proof could not be read just then: it is shown
    later at the address that the `Link` header names, `/v1/log/entries/{last_position}`.
    """

    result: T
    first_position: int | None
    last_position: int | None
    replayed: bool
    dry_run: bool
    receipt: Receipt | None


class Nothing(Answer):
    """There is nothing more to say."""


class NamedOrganisation(Answer):
    organisation_id: Id


class NamedOfficer(Answer):
    officer_id: Id


class NamedKey(Answer):
    key_id: str


class NamedPolicy(Answer):
    policy_id: Id


class NamedCampaign(Answer):
    campaign_id: Id


class NamedLot(Answer):
    fund_id: Id
    lot_id: Id


class NamedAllocation(Answer):
    allocation_id: Id


class OpeningSurplus(Answer):
    """What was in hand and is brought forward; what is on its way to people comes on top of it."""

    opening_surplus_fen: int


class RefusedRow(Answer):
    """A row that does not stand, and the first rule that it breaks."""

    number: int | None = None
    line: int
    code: str = Field(examples=["id.invalid"])
    field: str | None = None


class DraftedBatch(Answer):
    batch_id: Id
    accepted: int
    refused: list[RefusedRow]


class MadePackage(Answer):
    """A package for an inspector. `agrees`: all its control totals are those of the ledger."""

    organisation_id: Id
    organisation_code: str
    year: int
    sha256: str
    files: int
    payments: int
    people: int
    agrees: bool


class WithdrawnRow(Answer):
    number: int
    code: str


class ApprovedBatch(Answer):
    paid: int
    total_fen: int
    withdrawn: list[WithdrawnRow]


class TakenStatement(Answer):
    """What came of a return file; `earlier` are lines about attempts before a payment's last.

    By `paid_twice` of them the bank takes back that these had failed, after they were paid again to
    another account: finding J5. `outdated` lines did not know what the bank has said since.
    """

    statement_id: Id
    settled: int
    returned: int
    unresolved: int
    earlier: int = 0
    paid_twice: int = 0
    outdated: int = 0


class TakenReturn(TakenStatement):
    """What came of a return file that was taken in as a job, or only tried."""

    batch_id: Id
    import_id: Id


class CertifiedSheet(Answer):
    signed: int
    refused: list[RefusedRow]


class DiscardedSignature(Answer):
    """What waited on the row counts for nothing: it is signed anew, or withdrawn."""

    number: int


class TakenSignature(Answer):
    """The signature is kept, and counts once its witness certifies it."""

    number: int
    image_sha256: str


class TakenScan(Answer):
    """`rows` counts what was seen: `signed`, `doubtful`, `empty`, `repeated`, `other_batch`, …."""

    file_sha256: str
    rows: dict[str, int]


class TakenList(Answer):
    """`taken` people or cards are on the list now; of rows at fault the first thousand are told."""

    list_id: Id
    edition: int
    taken: int
    refused_count: int
    refused: list[RefusedRow]


class NamedRemittance(Answer):
    remittance_id: Id


class ArrivedRemittance(Answer):
    remittance_id: Id
    fund_id: Id


class EnteredArchive(Answer):
    """`new`, `changed` (closed now) and `same` add up to `entered`; null in older answers."""

    entered: int
    new: int | None = None
    changed: int | None = None
    same: int | None = None
    refused: list[RefusedRow]


class NamedFiling(Answer):
    filing_id: Id


class NamedCase(Answer):
    case_id: Id


class NamedSample(Answer):
    sample_id: Id


class DrawnSample(Answer):
    drawn: int = Field(description="How many payments were drawn.")


class NamedNotice(Answer):
    notice_id: Id


class NumberedObjection(Answer):
    number: int


class AnsweredObjection(Answer):
    """`row_withdrawn` is false where the batch was approved before.

    `payment` is what became of the row's payment; where the row fell, of the same person's by
    another list of the campaign; null where there is none.

    `stopped`: nobody is paid it any more; `sent`: the bank may have it; `paid`: it arrived;
    `not_paid`: it came back or was withdrawn before.
    """

    row_number: int | None
    row_withdrawn: bool
    payment: str | None = None


class RecordedRefusal(LedgerError):
    """The act was refused by a rule, and that it was tried is on record."""

    code = "act.refused"
    kind = Kind.FORBIDDEN

    def __init__(self, answer: Stored, kind: Kind) -> None:
        super().__init__(answer.refusal_detail or "")
        self.code = answer.refusal_code or self.code
        self.kind = kind
        self.position = answer.last_position
        self.replayed = answer.replayed


def written(ledger: Ledger, response: Response, answer: Stored, result: type[T]) -> Written[T]:
    """Say what came of an act.

    Raises:
        RecordedRefusal: It was refused, and the attempt put on record.
    """
    require_stood(answer)
    if answer.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    last = None if answer.dry_run else answer.last_position
    return Written(
        result=result.model_validate(answer.result),
        first_position=None if last is None else answer.first_position,
        last_position=last,
        replayed=answer.replayed,
        dry_run=answer.dry_run,
        receipt=None if last is None else _receipt_or_where(ledger, response, last),
    )


def _receipt_or_where(ledger: Ledger, response: Response, position: int) -> Receipt | None:
    """Return the receipt of what was written; where it cannot be read, say where it will be.

    What was written stands, whatever becomes of this: a refusal now would deny it.
    """
    try:
        return receipt_of(ledger, position)
    except LedgerError as refusal:
        log.warning("the receipt of entry %s cannot be read: %s", position, refusal.code)
        response.headers["Link"] = f'</v1/log/entries/{position}>; rel="describedby"'
        return None


def require_stood(answer: Stored) -> None:
    """Check that an act was not refused.

    Raises:
        RecordedRefusal: It was, and the attempt put on record.
    """
    if answer.refusal_code is not None:
        raise RecordedRefusal(answer, kind_of(answer.refusal_code))


def receipt_of(ledger: Ledger, position: int) -> Receipt:
    receipt = ledger.receipt(position)
    return Receipt(
        position=position,
        leaf_hash=b64encode(receipt.leaf).decode(),
        inclusion_path=[b64encode(each).decode() for each in receipt.path],
        checkpoint=receipt.checkpoint,
    )


def tag(ledger: Ledger, response: Response, cls: type[Root], id_: UUID) -> None:
    """Say which version of a stream is shown, so that a change can ask for it."""
    found = ledger.load(cls, id_)
    if found is not None:
        response.headers["ETag"] = f'"{found.version}"'


def kind_of(code: str) -> Kind:
    """Return what sort of no a code is."""
    waiting: list[type[LedgerError]] = [LedgerError]
    while waiting:
        for refusal in waiting.pop().__subclasses__():
            if refusal.code == code:
                return refusal.kind
            waiting.append(refusal)
    return Kind.CONFLICT
