"""What the interface answers with. Amounts are whole fen (`amount_fen`), days are ISO dates."""

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Fen = Annotated[int, Field(description="Whole fen (1/100 yuan).", examples=[80000])]
Day = Annotated[str, Field(description="Day it happened.", examples=["2017-01-20"])]
Position = Annotated[int, Field(description="Place in the log, from 0.", examples=[4096])]
Id = Annotated[UUID, Field(examples=["6d1f6b8e-2f0e-5f0e-9a55-6e75616e7a68"])]


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


T = TypeVar("T")


class Listed(Answer, Generic[T]):
    """A page. `next` leads to the next one; all pages are of the log up to `at`."""

    items: list[T]
    next: str | None = Field(description="Cursor of the next page; null on the last.")
    at: Position


class Organisation(Answer):
    organisation_id: Id
    code: str = Field(examples=["X01"])
    name: str = Field(examples=["示范一区总工会"])
    kind: str = Field(examples=["县区"])
    parent_id: UUID | None


class FundAccount(Answer):
    fund_id: Id
    organisation_id: Id
    earmark: str = Field(examples=["送温暖"])


class Lot(Answer):
    """Money that came in by one appropriation, and what is left of it in this account."""

    lot_id: Id
    origin_id: Id
    parent_id: UUID | None
    vintage: int = Field(description="Fiscal year of origin.", examples=[2015])
    source: str = Field(examples=["社会捐赠"])
    document: str = Field(examples=["结转〔2015〕1号"])
    received_on: Day
    received_fen: Fen
    in_hand_fen: Fen


class Balance(Answer):
    organisation_id: Id
    fund_id: Id
    earmark: str = Field(examples=["送温暖"])
    vintage: int = Field(examples=[2017])
    in_hand_fen: Fen
    in_transit_fen: Fen
    paid_fen: Fen
    remitted_fen: Fen = Field(description="On its way to another ledger, not acknowledged yet.")


class Balances(Answer):
    """`trial_balance_fen` says what each kind of account holds.

    `elsewhere` is what was passed on to organisations that are not asked about (negative: came
    from them); over all organisations it is zero.
    """

    items: list[Balance]
    trial_balance_fen: dict[str, int]
    as_of: str | None
    at: Position


class Surplus(Answer):
    """A fiscal year's surplus over an organisation (own) or its subtree (consolidated).

    The opening is what was in hand, or on its way to people, when the year was opened. The ratio is
    of these lots, wherever they went; it is null where there was nothing.
    """

    organisation_id: Id
    scope: str = Field(examples=["subtree"])
    year: int = Field(examples=[2017])
    opening_fen: Fen
    paid_fen: Fen
    in_hand_fen: Fen
    in_transit_fen: Fen
    consumed_fen: Fen
    consumed_in_transit_fen: Fen
    unconsumed_fen: Fen
    ratio_basis_points: int | None = Field(description="Rounded down.", examples=[3006])
    first_year_minimum_bp: int | None = Field(examples=[5000])
    all_within_years: int | None = Field(examples=[2])
    as_of: str | None
    at: Position


class BatchStep(Answer):
    step: str = Field(examples=["approved"])
    happened_on: Day
    officer_id: UUID | None
    code: str | None = Field(description="Why a refusal refused.")
    count: int | None
    total_fen: int | None
    file_sha256: str | None = Field(
        description="Of the bank's file that was written or cancelled, or of the certified sheet."
    )
    reason: str | None = Field(description="Why the bank's file was cancelled.")
    position: Position


class Batch(Answer):
    batch_id: Id
    code: str = Field(examples=["SWN20170001"])
    state: str = Field(examples=["approved"])
    campaign_id: Id
    organisation_id: Id
    earmark: str = Field(examples=["送温暖"])
    channel: str = Field(examples=["银行卡"])
    bank_format: str | None = Field(examples=["unionpay-df"])
    listed_count: int
    listed_total_fen: Fen
    accepted_count: int
    accepted_total_fen: Fen
    refused_count: int
    drafted_by: Id
    happened_on: Day
    position: Position
    steps: list[BatchStep]


class BatchRow(Answer):
    """A row as listed; it stands where `code` is null."""

    number: int
    line: int | None
    code: str | None = Field(examples=["id.invalid"])
    field: str | None
    category: str | None
    amount_fen: int | None
    position: Position


class BatchWithRows(Batch):
    rows: list[BatchRow]


class Payee(Answer):
    """Whom a payment is for, masked. Of a restricted or erased person nothing is shown."""

    state: str = Field(description="kept, restricted or erased.", examples=["kept"])
    name: str | None = Field(default=None, examples=["张*三"])
    id_number: str | None = Field(default=None, examples=["3401**********001X"])
    phone: str | None = Field(default=None, examples=["138****1234"])
    card_number: str | None = Field(default=None, examples=["**** 1234"])


class Disbursement(Answer):
    """A payment; whom it is for is shown masked."""

    payee: Payee

    disbursement_id: Id
    campaign_id: Id
    batch_id: Id
    batch_code: str = Field(examples=["SWN20170001"])
    number: int = Field(description="Row of the roster.")
    organisation_id: Id
    fund_id: Id
    person_id: Id
    category: str = Field(examples=["建档困难职工"])
    channel: str = Field(examples=["银行卡"])
    amount_fen: Fen
    happened_on: Day
    status: str = Field(examples=["settled"])
    status_since: Day
    reason: str | None = Field(description="Why it came back.", examples=["ACCT_CLOSED"])
    position: Position


class Signature(Answer):
    """A signature that was taken down; the times are the device's, `recorded_at` is the service's.

    It is certified where the payment's status is `signed`. Of several the last one counts.
    """

    number: int
    disbursement_id: Id
    manner: str = Field(examples=["drawn"])
    image_sha256: str
    sheet_sha256: str | None
    device: str
    started_at: str
    ended_at: str
    recorded_at: str
    witness_id: Id
    position: Position


class Signatures(Answer):
    items: list[Signature]
    at: Position


class LotStep(Answer):
    lot_id: Id
    fund_id: Id
    organisation_id: Id
    parent_id: UUID | None
    origin_id: Id
    vintage: int
    source: str
    document: str
    amount_fen: Fen
    happened_on: Day
    position: Position


class Crossing(Answer):
    """How a lot came from another ledger, which is named by its founding key id.

    `sent_as` is the lot's id there, without hyphens. The entry there is named by its position and
    leaf hash, with the published checkpoint under which it was proved here; hashes are base64.
    That ledger's file of the remittance shows that very entry; `/v1/remittances/{id}/proof` is
    this ledger's.
    """

    remittance_id: Id
    key_id: str
    ledger_name: str
    organisation_code: str
    document: str
    sent_as: str
    position: int
    leaf_hash: str
    checkpoint_size: int
    checkpoint_root: str


def crossing_of(found: object | None) -> Crossing | None:
    return None if found is None else Crossing.model_validate(found)


class Strand(Answer):
    """Part of a payment, and the lots it came through: the paying account's first.

    `crossing` says how the last of them came from another ledger, if it did.
    """

    amount_fen: Fen
    drawn_at: Position
    steps: list[LotStep]
    crossing: Crossing | None


class TraceBack(Answer):
    disbursement_id: Id
    amount_fen: Fen
    strands: list[Strand]


class Place(Answer):
    organisation_id: Id
    came_in_fen: Fen
    passed_on_fen: Fen
    in_hand_fen: Fen
    in_transit_fen: Fen
    paid_fen: Fen
    remitted_fen: Fen


class PaidFrom(Answer):
    disbursement_id: Id
    organisation_id: Id
    first_position: Position
    in_transit_fen: Fen
    paid_fen: Fen


class TraceForward(Answer):
    """What became of an appropriation.

    In hand, in transit, paid and remitted (to other ledgers) add up to what came in. `crossing`
    says how it came from another ledger, if it did.
    """

    origin: LotStep
    crossing: Crossing | None
    received_fen: Fen
    in_hand_fen: Fen
    in_transit_fen: Fen
    paid_fen: Fen
    remitted_fen: Fen
    lots: list[LotStep]
    places: list[Place]
    payments: list[PaidFrom]
    next: str | None
    at: Position


class SignatureView(Answer):
    """Who signed: the ledger service, or an officer; `custody` says who holds the key."""

    key_id: str
    owner: str = Field(examples=["service"])
    staff_number: str | None
    custody: str | None = Field(examples=["operator_keyring"])
    vouched: bool | None = Field(
        description="Whether an administrator signed that the key is this officer's."
    )
    signature: str = Field(description="Base64.")


class HistoryEvent(Answer):
    """One event: what happened, by whom, under which signatures, and the proof that it is there."""

    position: Position
    type: str = Field(examples=["disbursement.settled"])
    stream: Id
    version: int
    happened_on: Day
    recorded_at: str
    actor: str
    staff_number: str | None
    data: dict[str, Any]
    signatures: list[SignatureView]
    attestation: str = Field(
        description="Who answers for it: reliable_signature (the officer's own key),"
        " unvouched_signature (theirs on the operator's word alone), operator_keyring, or service"
        " (电子签名法 art. 13).",
        examples=["reliable_signature"],
    )
    leaf_hash: str
    inclusion_path: list[str]
    envelope: str | None = Field(description="The signed bytes, on request.")


class History(Answer):
    """A page of a history. Every proof in it holds for `checkpoint`, a C2SP signed note."""

    subject_id: Id
    items: list[HistoryEvent]
    next: str | None
    at: Position
    checkpoint: str


class Entry(Answer):
    """A log entry as stored, with its receipt."""

    position: Position
    envelope: str
    leaf_hash: str
    inclusion_path: list[str]
    checkpoint: str


class LogHead(Answer):
    """The log's name, its verifier key in the form of C2SP signed notes, its last checkpoint."""

    origin: str
    size: int
    vkey: str
    checkpoint: str


class Publication(BaseModel):
    """A checkpoint that was carried out to others; its last entry announces the map's root."""

    size: int
    checkpoint: str
    map_root: str
    published_at: str


class SubjectProof(BaseModel):
    """What the map says of a subject under a published checkpoint, and the proof of it."""

    subject: UUID
    topic: str | None
    checkpoint: str
    map_position: int
    map_root: str
    proof: dict[str, Any]
    count: int
    positions: list[int]
