"""Signatures: drawn one by one or scanned from paper, and certified by their witness."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Path, Response, UploadFile

from api.acting import Prepared, Signed, TheActing, prepared
from api.callers import READ, WITNESS, TheReach
from api.dependencies import TheLedger, TheReadModel, TheServed
from api.edge.one_thread import InOneThread
from api.problems import RESPONSES
from api.sheets import codes_key
from api.uploads import whole
from api.v1 import forms, models
from api.v1.written import (
    CertifiedSheet,
    DiscardedSignature,
    TakenScan,
    TakenSignature,
    Written,
    written,
)
from api.within import batch_within
from ledger.commands.sheets import ScanOrder, take_scan
from ledger.commands.signatures import (
    Certification,
    Discarding,
    DrawnSignature,
    capture_signature,
    certify_captured,
    discard_signature,
    prepare_captured,
)
from ledger.domain.batch import Batch
from ledger.files.scans import read_scan
from ledger.store.application import Ledger, NotOnRecord
from projections.signatures import signatures_of

router = APIRouter(
    route_class=InOneThread, prefix="/batches", tags=["signatures"], responses=RESPONSES
)

BatchId = Annotated[UUID, Path(description="Id of the batch.")]


class SignedCertification(forms.Form):
    certification: forms.CertificationForm
    signed: Signed


@router.get("/{batch_id}/signatures", dependencies=[READ])
def list_signatures(
    batch_id: BatchId, the_ledger: TheLedger, model: TheReadModel, reach: TheReach
) -> models.Signatures:
    """List the signatures that were taken down on a sheet; not what they look like."""
    batch_within(model, reach, batch_id)
    found = [models.Signature.model_validate(each) for each in signatures_of(model, batch_id)]
    return models.Signatures(items=found, at=the_ledger.size() - 1)


@router.post("/{batch_id}/signatures", status_code=201, dependencies=[WITNESS])
def take_signature(
    batch_id: BatchId,
    form: forms.DrawnSignatureForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[TakenSignature]:
    """Take down a signature that was drawn on a screen; an empty or dot-like one is refused."""
    order = DrawnSignature(
        batch_code=_code(the_ledger, batch_id),
        number=form.number,
        signer_name=form.signer_name,
        own_hand=form.own_hand,
        strokes=[[(x, y, ms, pressure) for x, y, ms, pressure in each] for each in form.strokes],
        witness_id=form.witness_id,
        device=form.device,
        started_at=form.started_at.isoformat(),
        ended_at=form.ended_at.isoformat(),
    )
    answer = capture_signature(the_ledger, acting.act(stream=batch_id), order)
    return written(the_ledger, response, answer, TakenSignature)


@router.post("/{batch_id}/signatures/certification/preparation", dependencies=[WITNESS])
def prepare_signature_certification(
    batch_id: BatchId, form: forms.CertificationForm, acting: TheActing, the_ledger: TheLedger
) -> Prepared:
    """Prepare the certification of signatures that the caller saw given: what they are to sign."""
    order = Certification(_code(the_ledger, batch_id), form.numbers)
    return prepared(prepare_captured(the_ledger, acting.act(stream=batch_id), order))


@router.post("/{batch_id}/signatures/certification", status_code=201, dependencies=[WITNESS])
def certify_signatures(
    batch_id: BatchId,
    form: SignedCertification,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[CertifiedSheet]:
    """Certify signatures with one's own; the payments are signed for with that."""
    order = Certification(_code(the_ledger, batch_id), form.certification.numbers)
    act = acting.signed(form.signed, stream=batch_id)
    answer = certify_captured(the_ledger, act, order)
    return written(the_ledger, response, answer, CertifiedSheet)


@router.post("/{batch_id}/signatures/{number}/discards", status_code=201, dependencies=[WITNESS])
def discard_taken_signature(
    batch_id: BatchId,
    number: int,
    form: forms.Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[DiscardedSignature]:
    """Say that what waits on a row is no signature; its witness does, or another once they left."""
    order = Discarding(_code(the_ledger, batch_id), number, form.reason)
    act = acting.act(form.happened_on, stream=batch_id)
    answer = discard_signature(the_ledger, act, order)
    return written(the_ledger, response, answer, DiscardedSignature)


@router.post("/{batch_id}/scans", status_code=201, dependencies=[WITNESS])
def take_sheet_scan(
    batch_id: BatchId,
    acting: TheActing,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
    file: Annotated[UploadFile, File(description="Signed pages: a PDF, or one PNG or JPEG.")],
    signed_on: Annotated[date, Form(description="The day on which they were signed.")],
) -> Written[TakenScan]:
    """Take in a scan of a printed sheet; rows with ink in their box wait to be certified."""
    batch = batch_within(model, reach, batch_id)  # before a stranger's file is looked at
    order = ScanOrder(batch.code, read_scan(whole(file), codes_key(found.home)))
    answer = take_scan(found.ledger, acting.act(signed_on, stream=batch_id), order)
    return written(found.ledger, response, answer, TakenScan)


def _code(ledger: Ledger, batch_id: UUID) -> str:
    batch = ledger.load(Batch, batch_id)
    if batch is None:
        raise NotOnRecord("batch", batch_id)
    return batch.code
