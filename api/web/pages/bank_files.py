"""The bank's payment file: what it asks of the payer, and the names that the bank cannot write."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from sqlalchemy import Connection

from api.background.running import TheBackground
from api.bank_files import bank_file_answer
from api.bank_formats import bank_formats
from api.callers import APPROVE, CASH, READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.payees import payees_of
from api.v1.forms import FileCancellationForm
from api.v1.models import Payee
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from api.within import batch_within
from ledger.commands.bank_files import (
    BankFileOrder,
    FileCancelling,
    SpellingAgreement,
    agree_spelling,
    cancel_bank_file,
    export_batch,
)
from ledger.domain.batch import Batch as Root
from ledger.domain.batch import SpellingOfAnother
from ledger.domain.disbursement import Disbursement as Payment
from ledger.domain.disbursement import disbursement_id
from ledger.errors import LedgerError
from ledger.files.banks import FORMATS
from ledger.files.faults import FileRefused
from ledger.store.application import Ledger
from projections.batches import Batch
from projections.objections import people_objected_to, rows_objected_to

router = APIRouter(include_in_schema=False)

CANCELLATION = "batches/cancellation.html"

Words = Annotated[list[Annotated[str, Form(max_length=200)]], Form(max_length=20)]


@dataclass(frozen=True, slots=True)
class OddName:
    """A row whose name the bank cannot write, and whether a spelling was agreed on."""

    number: int
    payee: Payee
    agreed: bool


@router.get("/bank/formats", dependencies=[READ])
def show_formats(screen: TheScreen) -> Response:
    """List the formats of banks: directions, charset, unit, what their statuses mean."""
    return screen.show("bank/formats.html", formats=bank_formats())


@router.get("/batches/{batch_id}/bank-file", dependencies=[CASH])
def ask_bank_file(
    batch_id: UUID,
    screen: TheScreen,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    working: TheBackground,
) -> Response:
    """Ask for what the bank's format wants to know, and show the names that it cannot write."""
    batch = batch_within(model, reach, batch_id)
    known = working.payers.remembered(batch.organisation_id, batch.bank_format or "")
    return screen.show(
        "batches/bank_file.html", code=None, **_asked(the_ledger, model, batch, known)
    )


@router.post("/batches/{batch_id}/bank-file", dependencies=[CASH])
def write_bank_file(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    reason: Annotated[str, Form(max_length=500)],
    made_for: Annotated[str, Form(max_length=200)],
    working: TheBackground,
    word: Words = [],  # noqa: B006 - FastAPI copies it
    fact: Words = [],  # noqa: B006
) -> Response:
    """Hand out the bank's payment file; that it was handed out is an event."""
    batch = batch_within(model, reach, batch_id)
    payer = dict(zip(word, fact, strict=False))
    order = BankFileOrder(batch.code, reason, made_for, payer)
    try:
        file = export_batch(the_ledger, acting.act(), order)
    except FileRefused as refusal:
        typed = {**payer, "reason": reason, "made_for": made_for}
        shown = _asked(the_ledger, model, batch, typed)
        return show_above(screen, refusal, "batches/bank_file.html", **shown)
    if payer:
        working.payers.remember(batch.organisation_id, batch.bank_format or "", payer)
    return bank_file_answer(file)


@router.get("/batches/{batch_id}/bank-file/cancellation", dependencies=[APPROVE])
def ask_cancellation(
    batch_id: UUID, screen: TheScreen, model: TheReadModel, reach: TheReach
) -> Response:
    """Ask which file the bank did not carry out, and how that is known."""
    batch = batch_within(model, reach, batch_id)
    return screen.show(CANCELLATION, code=None, **_files(batch, Given()))


@router.post("/batches/{batch_id}/bank-file/cancellation", dependencies=[APPROVE])
def cancel_file(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
) -> Response:
    """Say that the bank did not carry out a file: what it held was not sent."""
    batch = batch_within(model, reach, batch_id)
    try:
        form = formed(FileCancellationForm, given, screen.language)
        order = FileCancelling(batch.code, form.file_sha256, form.reason)
        cancel_bank_file(the_ledger, acting.act(form.happened_on), order)
    except LedgerError as refusal:
        return show_above(screen, refusal, CANCELLATION, **_files(batch, given))
    return screen.go(f"/batches/{batch_id}", N_("银行文件已作废，其中的付款视为未发出。"))


@router.post("/batches/{batch_id}/spellings", dependencies=[CASH])
def agree_on_spelling(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    number: Annotated[int, Form(ge=1, le=1_000_000)],
    spelling: Annotated[str, Form(max_length=200)],
    ground: Annotated[str, Form(min_length=1, max_length=200)],
) -> Response:
    """Say how the bank's file spells a name that the bank cannot write."""
    batch = batch_within(model, reach, batch_id)
    order = SpellingAgreement(batch.code, number, spelling, ground)
    try:
        agree_spelling(the_ledger, acting.act(), order)
    except SpellingOfAnother as refusal:
        shown = _asked(the_ledger, model, batch, {})
        return show_above(screen, refusal, "batches/bank_file.html", **shown)
    return screen.go(f"/batches/{batch_id}/bank-file", N_("写法已登记。"))


def _asked(
    ledger: Ledger, model: Connection, batch: Batch, typed: dict[str, str]
) -> dict[str, Any]:
    template = FORMATS.get(batch.bank_format or "")
    root = ledger.load(Root, batch.batch_id)
    return {
        "batch": batch,
        "bank_format": template,
        "asks": template.out.asks if template and template.out else (),
        "typed": typed,
        "odd": [] if root is None else _odd_names(ledger, root),
        "left_out": [] if root is None else sorted(root.left_out),
        "stopped": [] if root is None else _stopped(ledger, model, root),
    }


def _stopped(ledger: Ledger, model: Connection, root: Root) -> list[int]:
    """Return the rows whose payments an upheld objection stopped."""
    people = people_objected_to(model, root.campaign_id)
    people |= {
        root.rows[number].person_id
        for number in rows_objected_to(model, root.id)
        if number in root.rows
    }
    found = (ledger.load(Payment, disbursement_id(root.campaign_id, each)) for each in people)
    return sorted(
        each.number for each in found if each and each.batch_id == root.id and each.is_stopped
    )


def _files(batch: Batch, given: Given) -> dict[str, Any]:
    last = {each.file_sha256: each for each in batch.bank_files}
    return {"batch": batch, "files": list(last.values()), "given": given}


def _odd_names(ledger: Ledger, root: Root) -> list[OddName]:
    payments = {
        number: disbursement_id(root.campaign_id, root.rows[number].person_id)
        for number in sorted({*root.unwritable, *root.spellings})
    }
    payees = payees_of(ledger, payments.values())
    return [
        OddName(number, payees[payment], number not in root.unwritable)
        for number, payment in payments.items()
    ]
