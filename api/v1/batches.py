"""Batches: bank card lists and signature sheets, with their rows and what became of them."""

from uuid import UUID

from fastapi import APIRouter

from api.dependencies import TheLedger, ThePage, TheReadModel
from api.histories import history_of
from api.problems import RESPONSES
from api.v1 import models
from ledger.store.application import NotOnRecord
from projections.batches import batch_list, rows_of

router = APIRouter(prefix="/batches", tags=["batches"], responses=RESPONSES)


@router.get("")
def list_batches(
    model: TheReadModel, page: ThePage, organisation_id: UUID | None = None
) -> models.Listed[models.Batch]:
    """List batches in the order in which they were drafted."""
    organisations = None if organisation_id is None else [organisation_id]
    found = batch_list(
        model, organisation_ids=organisations, after=page.after, limit=page.limit + 1
    )
    found = [each for each in found if each.position <= page.at]
    shown = found[: page.limit]
    return models.Listed(
        items=[models.Batch.model_validate(each) for each in shown],
        next=page.cursor(shown[-1].position if len(found) > page.limit else None),
        at=page.at,
    )


@router.get("/{batch_id}")
def show_batch(batch_id: UUID, model: TheReadModel) -> models.BatchWithRows:
    """Show a batch with its rows: those that stand, and those refused with the rule."""
    found = batch_list(model, batch_id=batch_id)
    if not found:
        raise NotOnRecord("batch", batch_id)
    batch = models.Batch.model_validate(found[0])
    rows = [models.BatchRow.model_validate(row) for row in rows_of(model, batch_id)]
    return models.BatchWithRows(**batch.model_dump(), rows=rows)


@router.get("/{batch_id}/history")
def show_history(
    batch_id: UUID,
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    *,
    envelopes: bool = False,
) -> models.History:
    """Show every event that concerns the batch, with signatures and proofs."""
    return history_of(the_ledger, model, batch_id, page, envelopes=envelopes)
