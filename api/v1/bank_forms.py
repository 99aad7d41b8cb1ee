"""What is sent in about bank accounts: registered, kept, matched, set aside."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.v1.forms import Code, DatedForm, Form, Maybe, Text
from ledger.domain.values import MONEY_MAX

AccountNumber = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z -]+$")
]
Version = Annotated[int, Field(ge=1, lt=2**53)]
LineNumber = Annotated[int, Field(ge=1, le=10_000_000)]
CHOSEN_MAX = 2_000


class AccountForm(DatedForm):
    """A bank account, from which day on it is reconciled, and what the bank says it held then."""

    organisation_code: Code
    name: Text = Field(examples=["送温暖资金专户"])
    number: AccountNumber = Field(examples=["6000 0000 0000 0001"])
    bank_name: Maybe = Field(default="", examples=["徽商银行"])
    bank_format: Code = Field(examples=["camt-053"])
    begins_on: date
    opening_fen: int = Field(ge=-MONEY_MAX, le=MONEY_MAX)


class KeepingForm(DatedForm):
    organisation_code: Code
    earmark: Text = Field(examples=["送温暖"])


class LineForm(Form):
    statement_id: UUID
    line: LineNumber


class ItemForm(Form):
    """A movement of the books: the stream and the version of the event that it is."""

    source_id: UUID
    version: Version


class MatchForm(DatedForm):
    """Lines and items that are the same money: all at once, or none."""

    lines: list[LineForm] = Field(default=[], max_length=CHOSEN_MAX)
    items: list[ItemForm] = Field(default=[], max_length=CHOSEN_MAX)
    reason: Maybe = ""


class ComingBackForm(Form):
    disbursement_id: UUID
    reason: Literal["RETURNED", "NAME_MISMATCH", "ACCT_INVALID", "ACCT_CLOSED", "OTHER"] = (
        "RETURNED"
    )
