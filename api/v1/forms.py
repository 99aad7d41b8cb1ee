"""What is sent in: forms that take nothing that they do not ask for."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ledger.domain.officer import Role
from ledger.domain.policy import Channel, LimitName
from ledger.domain.values import MONEY_MAX
from ledger.evidence.keys import Algorithm
from projections.exports.delimited import Encoding

Text = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$"
    ),
]
"""A line of text that says something: no control characters, not blanks alone."""

Code = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*$")
]
Maybe = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Phone = Annotated[str, StringConstraints(max_length=20, pattern=r"^[0-9+-]*$")]
Card = Annotated[str, StringConstraints(max_length=32, pattern=r"^[0-9]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Field(examples=["ef" * 32])]
Moment = Annotated[
    str,
    StringConstraints(max_length=40, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+.*$"),
    Field(examples=["2026-01-20T10:30:00+08:00"]),
]
PersonalField = Literal["name", "id_number", "phone", "reason", "bank_name", "card_number"]
PackKind = Literal["fund", "batch", "payment", "person", "organisation", "remittance"]
RemittanceState = Literal["on_its_way", "acknowledged", "taken_back", "received", "refused"]
KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$"), Field(examples=["ab" * 16])]
Fen = Annotated[int, Field(ge=1, le=MONEY_MAX, description="Whole fen (1/100 yuan).")]
Year = Annotated[int, Field(ge=1950, le=2200, examples=[2026])]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class DatedForm(Form):
    happened_on: date | None = Field(
        default=None, description="Day it happened: today unless given, never a day to come."
    )


class Reasoned(DatedForm):
    reason: Text = Field(examples=["区划调整"])


class OrganisationForm(DatedForm):
    code: Code = Field(examples=["X01"])
    name: Text = Field(examples=["示范一区总工会"])
    kind: Text = Field(examples=["县区"])
    parent_code: Code | None = Field(default=None, examples=["C01"])


class MoveForm(Reasoned):
    parent_code: Code | None = Field(examples=["C01"])


class OfficerForm(DatedForm):
    staff_number: Code = Field(examples=["S0100"])
    name: Text = Field(examples=["张三"])


class PostForm(DatedForm):
    organisation_id: UUID
    role: Role = Field(examples=["经办"])
    until: date | None = Field(default=None, description="First day on which it is held no more.")


class PostEndForm(DatedForm):
    organisation_id: UUID
    role: Role = Field(examples=["经办"])


class KeyForm(Form):
    """A public key, and a signature by its private half over `proof_message`."""

    algorithm: Algorithm = Field(examples=["ed25519"])
    public_key: str = Field(description="Base64 of the raw key.", max_length=6000)
    proof: str = Field(
        description="Base64 of the signature over the bytes that `/key-proofs` answered.",
        max_length=10_000,
    )


class KeyEndForm(Reasoned):
    compromised_from: int | None = Field(
        default=None, ge=0, lt=2**53, description="Position from which somebody else had it."
    )


class AmountTerms(Form):
    amount_fen: Fen
    source: Text = Field(examples=["皖工办发〔2016〕48号"])
    confidence: Text = Field(examples=["certain"])


class CategoryForm(Form):
    """What a group of recipients may get, and how; with the source of the rule."""

    name: Text = Field(examples=["建档困难职工"])
    channel: Channel
    archive_required: bool
    required_fields: list[Text] = Field(default=[], max_length=20)
    source: Text
    confidence: Text = Field(examples=["certain"])
    minimum: AmountTerms | None = None
    maximum: AmountTerms | None = None
    monthly_income_below: AmountTerms | None = None
    paid_from: list[Text] = Field(
        default=[], max_length=20, description="Sources whose money may pay it; none: any may."
    )
    earmarks: list[Text] = Field(
        default=[], max_length=20, description="Uses of accounts that may pay it; none: any may."
    )


class RatioTerms(Form):
    basis_points: int = Field(ge=0, le=10_000)
    source: Text
    confidence: Text


class YearsTerms(Form):
    years: int = Field(ge=1, le=100)
    source: Text
    confidence: Text


class DeadlineForm(Form):
    name: Text = Field(examples=["签字表"])
    due_on: date
    source: Text
    confidence: Text


class LimitForm(Form):
    """How much is borne before it is a doubt; in fen, days, basis points or a count, as it says."""

    name: LimitName = Field(examples=["again_days"])
    value: int = Field(ge=0, le=10**15, examples=[60])
    source: Text
    confidence: Text = Field(examples=["stated"])


class PolicyForm(Form):
    """The rules from a day on; adopting one of the same code again is a corrected reading."""

    code: Code = Field(examples=["hefei-2026"])
    title: Text
    effective_from: date
    organisation_code: Code | None = Field(
        default=None,
        description="For which union, and those below it; unless said, where its approver is.",
        examples=["C01"],
    )
    categories: list[CategoryForm] = Field(min_length=1, max_length=50)
    first_year_minimum: RatioTerms | None = None
    all_within: YearsTerms | None = None
    deadlines: list[DeadlineForm] = Field(default=[], max_length=50)
    limits: list[LimitForm] = Field(default=[], max_length=50)


class CampaignForm(DatedForm):
    code: Code = Field(examples=["2026-lianjie"])
    name: Text
    starts_on: date
    ends_on: date
    fiscal_year: Year
    policy_code: Code
    organisation_code: Code | None = Field(
        default=None,
        description="Of which union, and those below it; unless said, where its approver is.",
        examples=["C01"],
    )


class ReceiptForm(DatedForm):
    """Money from outside. With `carried_into` it is that fiscal year's opening surplus."""

    organisation_code: Code
    earmark: Text = Field(examples=["送温暖"])
    source: Text = Field(examples=["地方财政"])
    document: Text = Field(examples=["拨〔2026〕1号"])
    vintage: Year
    amount_fen: Fen
    carried_into: Year | None = None
    policy_code: Code | None = None


class ReceiptCorrectionForm(Reasoned):
    organisation_code: Code
    earmark: Text
    corrects_version: int = Field(ge=1, lt=2**53)
    difference_fen: int = Field(
        ge=-MONEY_MAX,
        le=MONEY_MAX,
        description="What it was too low by; negative: too high.",
    )


class AllocationForm(Form):
    from_code: Code
    to_code: Code
    earmark: Text = Field(examples=["送温暖"])
    document: Text
    amount_fen: Fen


class RemittanceForm(Form):
    """Money for an organisation of another ledger, which is named by its founding key id."""

    from_code: Code
    earmark: Text = Field(examples=["送温暖"])
    to_key_id: KeyId
    to_code: Code
    document: Text
    amount_fen: Fen


class KnownLedgerForm(Form):
    """Another ledger: founding key id and log name come from its owners, not from its server."""

    key_id: KeyId
    origin: Text = Field(examples=["zhang.example.org/log"])
    name: Text = Field(examples=["邻市总工会"])
    address: str = Field("", max_length=300, description="Where it is served, or nothing.")


class ArchiveFileForm(DatedForm):
    """A file of the archive (一户一档). Personal data is sealed before it is stored."""

    file_number: Text
    organisation_code: Code
    category: Text = Field(examples=["建档困难职工"])
    opened_on: date
    closed_on: date | None = None
    name: Text
    id_number: Annotated[str, StringConstraints(pattern=r"^[0-9]{17}[0-9X]$")]
    phone: Phone = ""
    reason: Maybe = ""
    bank_name: Maybe = ""
    card_number: Card = ""
    monthly_income_fen: int | None = Field(default=None, ge=0, le=MONEY_MAX)


class FiscalYearForm(DatedForm):
    organisation_code: Code
    earmark: Text
    year: Year
    policy_code: Code


class FiscalYearEndForm(DatedForm):
    organisation_code: Code
    year: Year


class SignatureForm(Form):
    """A recipient's signature: the row, the name that was signed, when, and the image's hash."""

    number: int = Field(ge=1, le=1_000_000)
    signer_name: Text
    signed_at: Moment
    image_sha256: Sha256


class SheetForm(Form):
    sheet_sha256: Sha256 = Field(description="SHA-256 of the sheet, as it was scanned.")
    rows: list[SignatureForm] = Field(min_length=1, max_length=1000)


PointForm = Annotated[list[int], Field(min_length=4, max_length=4)]


class DrawnSignatureForm(Form):
    """What one person drew, as points `[x, y, milliseconds, pressure]`, stroke by stroke.

    x and y are in thousandths of the box's width, pressure goes to 255. `own_hand`: the signer says
    that they are the recipient and sign themselves. `device` tells devices apart, nothing else.
    `witness_id` is under whose eyes it was given: who sends it later has to be the same officer.
    """

    number: int = Field(ge=1, le=1_000_000)
    signer_name: Text
    own_hand: bool
    strokes: list[Annotated[list[PointForm], Field(max_length=4000)]] = Field(
        max_length=400, examples=[[[120, 200, 0, 128], [180, 210, 16, 140]]]
    )
    witness_id: UUID
    device: Code = Field(examples=["5f0c2d6e"])
    started_at: AwareDatetime
    ended_at: AwareDatetime


class CertificationForm(Form):
    """Rows that were signed for under the witness's eyes."""

    numbers: list[Annotated[int, Field(ge=1, le=1_000_000)]] = Field(min_length=1, max_length=1000)


class BankFileForm(Form):
    """Why the payment file is wanted, and who gets it: it shows people in clear."""

    reason: Text = Field(examples=["代发"])
    made_for: Text = Field(examples=["徽商银行"])
    payer: dict[Code, Text] = Field(
        default={}, max_length=20, description="What the bank's format asks: `/v1/bank-formats`."
    )


class FileCancellationForm(Reasoned):
    """Which file the bank did not carry out, and how that is known."""

    file_sha256: Sha256


class SpellingForm(Form):
    """How the bank's file is to spell a name that the bank cannot write."""

    number: int = Field(ge=1, le=1_000_000, description="The row.")
    spelling: Text = Field(examples=["张YAN"])
    ground: Text = Field(examples=["徽商银行书面同意以拼音代替"])


class UnmaskForm(Form):
    fields: list[PersonalField] = Field(min_length=1, max_length=6)
    reason: Text = Field(examples=["核对退回的发放"])


class CorrectionForm(Reasoned):
    corrects_version: int = Field(ge=1, lt=2**53)


class ReissueForm(Reasoned):
    """Where to, if not to the same card at the same bank; the card is the recipient's own.

    `name`: how it is spelt, where the bank sent the money back for a name that the roster has
    wrong. It is one on file for the person's ID number, or the wrong one with a slip put right.
    """

    card_number: Card = ""
    bank_name: Maybe = Field(default="", description="The bank and branch that keep the card.")
    name: Maybe = ""


class InspectionForm(Form):
    """Of which organisation with all below it, which year; with `opened`, people in clear."""

    organisation_code: Code = Field(examples=["C01"])
    year: Year
    encoding: Encoding = Field(default=Encoding.UTF_8, description="Of CSV and XML.")
    opened: bool = False
    reason: Maybe = ""
    made_for: Maybe = ""


class PackForm(Form):
    """Which pack; with `opened`, people in clear, for whom and why.

    `since` is a checkpoint (a signed note) that somebody kept: the pack shows that its log goes on
    from there.
    """

    kind: PackKind
    subject: UUID
    opened: bool = False
    reason: Maybe = ""
    made_for: Maybe = ""
    since: str | None = Field(default=None, max_length=100_000)
