"""What is handed in about a case."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.acting import Signed
from api.v1 import forms
from ledger.domain.case import DOCUMENTS_MAX, TEXT_CHARACTERS_MAX
from ledger.domain.values import MONEY_MAX

Paragraph = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=TEXT_CHARACTERS_MAX, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$"
    ),
    Field(description="Kept in clear for good: nobody's name or number."),
]


class ChargeForm(forms.Form):
    """Whom something is asked of, and by when."""

    staff_number: forms.Code = Field(examples=["S0005"])
    due_on: date


class CaseForm(forms.Form):
    """A finding, by the same fields as `/v1/findings` lists it with."""

    rule: forms.Code = Field(examples=["G5"])
    organisation_id: UUID | None
    campaign_id: UUID | None = None
    batch_id: UUID | None = None
    detail: forms.Text | None = None
    year: int | None = None
    position: int | None = None
    note: Annotated[str, StringConstraints(max_length=TEXT_CHARACTERS_MAX)] = ""
    charge: ChargeForm | None = None


class GroundForm(forms.Form):
    ground: Paragraph = Field(examples=["经核对银行回单，已于次日重发"])


class DemandForm(ChargeForm):
    measures: Paragraph
    recover_fen: int = Field(
        default=0, ge=0, le=MONEY_MAX, description="All that is to come back, in whole fen."
    )


class ReportForm(forms.Form):
    report: Paragraph
    documents: list[forms.Sha256] = Field(default=[], max_length=DOCUMENTS_MAX)


class RecoveryForm(forms.DatedForm):
    """Money that came back, taken into the fund account of an organisation for an earmark."""

    organisation_code: forms.Code
    earmark: forms.Text = Field(examples=["送温暖"])
    document: forms.Text
    vintage: forms.Year
    amount_fen: forms.Fen


class WriteOffForm(GroundForm):
    amount_fen: forms.Fen


class SignedWriteOff(forms.Form):
    write_off: WriteOffForm
    signed: Signed
