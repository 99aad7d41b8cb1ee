"""Bank formats: which there are, which ways each goes, and what each asks for."""

from fastapi import APIRouter

from api.bank_formats import bank_formats
from api.callers import SIGNED_IN
from api.problems import RESPONSES
from api.v1.models import Answer

router = APIRouter(tags=["batches"], responses=RESPONSES)


class Way(Answer):
    """One kind of file: `out`, `return` or `statement`; `statuses` are the bank's own words."""

    direction: str
    shape: str
    charset: str | None
    unit: str | None
    measure: str | None
    lists: str | None
    totals: list[str]
    statuses: dict[str, list[str]]


class PayerFact(Answer):
    """What a payment file asks of the payer: `payer` of the request gives it under this word."""

    word: str
    zh: str
    en: str
    length_max: int


class BankFormat(Answer):
    name: str
    zh: str
    en: str
    rows_max: int | None
    ways: list[Way]
    asks: list[PayerFact]
    confirm: list[str]


class BankFormats(Answer):
    items: list[BankFormat]


@router.get("/bank-formats", dependencies=[SIGNED_IN])
def list_bank_formats() -> BankFormats:
    """List the formats of banks: direction, charset, unit, control figures, what statuses mean."""
    return BankFormats(items=[BankFormat.model_validate(each) for each in bank_formats()])
