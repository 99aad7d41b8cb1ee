"""Batches: drafted from a roster, reviewed, approved, written out, answered for, closed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile
from fastapi import Path as PathParameter

from api.acting import Prepared, Signed, TheActing, prepared
from api.bank_files import bank_file_answer, return_uploaded
from api.callers import APPROVE, CASH, END, HANDLE, READ, REVIEW, WITNESS, TheReach
from api.dependencies import TheLedger, ThePage, TheReadModel, TheServed
from api.edge.one_thread import InOneThread
from api.histories import history_of
from api.problems import RESPONSES
from api.uploads import filename_of, require_short, whole
from api.v1 import forms, models
from api.v1.written import (
    ApprovedBatch,
    CertifiedSheet,
    DraftedBatch,
    Nothing,
    TakenStatement,
    Written,
    tag,
    written,
)
from api.within import batch_within
from ledger.commands.bank_files import (
    BankFileOrder,
    FileCancelling,
    SpellingAgreement,
    agree_spelling,
    cancel_bank_file,
    export_batch,
)
from ledger.commands.batches import (
    Draft,
    Step,
    approve_batch,
    close_batch,
    draft_batch,
    prepare_approval,
    review_batch,
)
from ledger.commands.disbursements import SignedSheet, prepare_certification, record_signatures
from ledger.commands.statements import receive_statement
from ledger.domain.batch import Batch
from ledger.domain.policy import Channel
from ledger.files.roster import read_roster
from ledger.files.signatures import SignatureRow
from ledger.files.text import person_name
from ledger.store.application import Ledger, NotOnRecord
from projections.batches import batch_list, rows_of

router = APIRouter(
    route_class=InOneThread, prefix="/batches", tags=["batches"], responses=RESPONSES
)

BINARY = {"type": "string", "format": "binary"}
BatchId = Annotated[UUID, PathParameter(description="Id of the batch.")]


class SignedApproval(forms.Form):
    signed: Signed


class SignedSheetForm(forms.Form):
    sheet: forms.SheetForm
    signed: Signed


@router.get("", dependencies=[READ])
def list_batches(
    model: TheReadModel, page: ThePage, reach: TheReach, organisation_id: UUID | None = None
) -> models.Listed[models.Batch]:
    """List batches in the order in which they were drafted."""
    found = batch_list(
        model,
        organisation_ids=reach.within(organisation_id),
        after=page.after,
        limit=page.limit + 1,
    )
    shown, further = page.cut(found)
    return models.Listed(
        items=[models.Batch.model_validate(each) for each in shown],
        next=further,
        at=page.at,
    )


@router.post("", status_code=201, dependencies=[HANDLE])
def create_batch(
    acting: TheActing,
    found: TheServed,
    response: Response,
    code: Annotated[forms.Code, Form(examples=["SWN20260001"])],
    campaign_code: Annotated[forms.Code, Form(examples=["2026-lianjie"])],
    organisation_code: Annotated[forms.Code, Form(examples=["X01"])],
    earmark: Annotated[forms.Text, Form(examples=["送温暖"])],
    channel: Annotated[Channel, Form()],
    roster: Annotated[UploadFile, File(description="XLSX, or CSV in UTF-8 or GB18030.")],
    bank_format: Annotated[forms.Code | None, Form(examples=["unionpay-df"])] = None,
    *,
    dry_run: Annotated[bool, Form(description="Judge every row, and write nothing.")] = False,
) -> Written[DraftedBatch]:
    """Draft a batch from a roster; each row stands, or is refused with the first rule it breaks."""
    listed = read_roster(filename_of(roster), whole(roster))
    require_short(len(listed.rows))
    order = Draft(
        code=code,
        campaign_code=campaign_code,
        organisation_code=organisation_code,
        earmark=earmark,
        channel=channel,
        bank_format=bank_format,
        drafted_by=acting.caller.staff_number,
        roster=listed,
    )
    answer = draft_batch(found.ledger, acting.act(dry_run=dry_run), order)
    if dry_run:
        found.trials.roster(acting.caller.officer_id, listed.rows, answer.result["refused"])
    return written(found.ledger, response, answer, DraftedBatch)


@router.get("/{batch_id}", dependencies=[READ])
def show_batch(
    batch_id: BatchId,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> models.BatchWithRows:
    """Show a batch with its rows: those that stand, and those refused with the rule."""
    batch = models.Batch.model_validate(batch_within(model, reach, batch_id))
    tag(the_ledger, response, Batch, batch_id)
    rows = [models.BatchRow.model_validate(row) for row in rows_of(model, batch_id)]
    return models.BatchWithRows(**batch.model_dump(), rows=rows)


@router.post("/{batch_id}/review", status_code=201, dependencies=[REVIEW])
def review(
    batch_id: BatchId,
    form: forms.DatedForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Review a drafted batch; its drafter is refused, and that is put on record."""
    step = Step(_batch(the_ledger, batch_id).code, acting.caller.staff_number)
    act = acting.act(form.happened_on, stream=batch_id)
    return written(the_ledger, response, review_batch(the_ledger, act, step), Nothing)


@router.post("/{batch_id}/approval/preparation", dependencies=[APPROVE])
def prepare_batch_approval(batch_id: BatchId, acting: TheActing, the_ledger: TheLedger) -> Prepared:
    """Prepare the approval: what the approver is to sign. Nothing is written."""
    step = Step(_batch(the_ledger, batch_id).code, acting.caller.staff_number)
    return prepared(prepare_approval(the_ledger, acting.act(stream=batch_id), step))


@router.post("/{batch_id}/approval", status_code=201, dependencies=[APPROVE])
def approve(
    batch_id: BatchId,
    form: SignedApproval,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[ApprovedBatch]:
    """Approve a reviewed batch with one's own signature, and instruct its payments."""
    step = Step(_batch(the_ledger, batch_id).code, acting.caller.staff_number)
    act = acting.signed(form.signed, stream=batch_id)
    return written(the_ledger, response, approve_batch(the_ledger, act, step), ApprovedBatch)


@router.post(
    "/{batch_id}/bank-file",
    dependencies=[CASH],
    response_class=Response,
    responses={
        200: {
            "description": "The bank's payment file, in the bank's own encoding.",
            "headers": {
                "Rows-Left-Out": {
                    "description": "Rows whose recipients' data may not be used, if any.",
                    "schema": {"type": "string", "examples": ["3, 17"]},
                },
                "Rows-Stopped": {
                    "description": "Rows whose payments an upheld objection stopped, if any.",
                    "schema": {"type": "string", "examples": ["8"]},
                },
            },
            "content": {"application/octet-stream": {"schema": BINARY}},
        }
    },
)
def write_bank_file(
    batch_id: BatchId, form: forms.BankFileForm, acting: TheActing, the_ledger: TheLedger
) -> Response:
    """Write the payment file of what is in transit; that it was handed over is an event."""
    code = _batch(the_ledger, batch_id).code
    order = BankFileOrder(code, form.reason, form.made_for, form.payer)
    file = export_batch(the_ledger, acting.act(stream=batch_id), order)
    return bank_file_answer(file)


@router.post("/{batch_id}/bank-file/cancellations", status_code=201, dependencies=[APPROVE])
def cancel_file(
    batch_id: BatchId,
    form: forms.FileCancellationForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Say that the bank did not carry out a file (作废): what it held was not sent."""
    code = _batch(the_ledger, batch_id).code
    order = FileCancelling(code, form.file_sha256, form.reason)
    act = acting.act(form.happened_on, stream=batch_id)
    return written(the_ledger, response, cancel_bank_file(the_ledger, act, order), Nothing)


@router.post("/{batch_id}/spellings", status_code=201, dependencies=[CASH])
def agree_on_spelling(
    batch_id: BatchId,
    form: forms.SpellingForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Say how the bank's file spells a name that the bank's charset lacks characters of."""
    code = _batch(the_ledger, batch_id).code
    order = SpellingAgreement(code, form.number, form.spelling, form.ground)
    answer = agree_spelling(the_ledger, acting.act(stream=batch_id), order)
    return written(the_ledger, response, answer, Nothing)


@router.post("/{batch_id}/returns", status_code=201, dependencies=[CASH])
def take_return(
    batch_id: BatchId,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
    file: Annotated[UploadFile, File(description="What the bank sent back, as it came.")],
) -> Written[TakenStatement]:
    """Take in a bank's return file: each payment settles, comes back, or stays in transit."""
    batch = _batch(the_ledger, batch_id)
    order = return_uploaded(batch.code, batch.bank_format, file)
    answer = receive_statement(the_ledger, acting.act(stream=batch_id), order)
    return written(the_ledger, response, answer, TakenStatement)


@router.post("/{batch_id}/sheets/preparations", dependencies=[WITNESS])
def prepare_sheet(
    batch_id: BatchId, form: forms.SheetForm, acting: TheActing, the_ledger: TheLedger
) -> Prepared:
    """Prepare the certification of a signature sheet: what its witness is to sign."""
    order = _sheet(the_ledger, batch_id, form, acting.caller.staff_number)
    return prepared(prepare_certification(the_ledger, acting.act(stream=batch_id), order))


@router.post("/{batch_id}/sheets", status_code=201, dependencies=[WITNESS])
def certify_sheet(
    batch_id: BatchId,
    form: SignedSheetForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[CertifiedSheet]:
    """Record who signed for their money, certified by the witness; nobody signs for another."""
    order = _sheet(the_ledger, batch_id, form.sheet, acting.caller.staff_number)
    act = acting.signed(form.signed, stream=batch_id)
    answer = record_signatures(the_ledger, act, order)
    return written(the_ledger, response, answer, CertifiedSheet)


@router.post("/{batch_id}/closing", status_code=201, dependencies=[END])
def end_batch(
    batch_id: BatchId,
    form: forms.DatedForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Close a batch when every payment of it was answered for."""
    act = acting.act(form.happened_on, stream=batch_id)
    return written(the_ledger, response, close_batch(the_ledger, act, batch_id), Nothing)


@router.get("/{batch_id}/history", dependencies=[READ])
def show_history(
    batch_id: BatchId,
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    *,
    envelopes: bool = False,
) -> models.History:
    """Show every event that concerns the batch, with signatures and proofs."""
    batch_within(model, reach, batch_id)
    return history_of(the_ledger, model, batch_id, page, envelopes=envelopes)


def _batch(ledger: Ledger, batch_id: UUID) -> Batch:
    batch = ledger.load(Batch, batch_id)
    if batch is None:
        raise NotOnRecord("batch", batch_id)
    return batch


def _sheet(ledger: Ledger, batch_id: UUID, form: forms.SheetForm, witness: str) -> SignedSheet:
    rows = [
        SignatureRow(
            line=index + 1,
            number=row.number,
            signer_name=person_name(row.signer_name),
            signed_at=row.signed_at,
            image_sha256=row.image_sha256,
            witness=witness,
        )
        for index, row in enumerate(form.rows)
    ]
    return SignedSheet(_batch(ledger, batch_id).code, form.sheet_sha256, rows)
