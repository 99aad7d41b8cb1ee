"""Balances, at any moment, and the trial balance that shows nothing is missing."""

from uuid import UUID

from fastapi import APIRouter

from api.dependencies import TheMoment, ThePage, TheReadModel
from api.problems import RESPONSES
from api.v1 import models
from projections.balances import balances, trial_balance

router = APIRouter(prefix="/balances", tags=["balances"], responses=RESPONSES)


@router.get("")
def list_balances(
    model: TheReadModel,
    moment: TheMoment,
    page: ThePage,
    organisation_id: UUID | None = None,
    earmark: str | None = None,
) -> models.Balances:
    """List what each fund account holds, by vintage; pairs once held stay, at zero."""
    organisations = None if organisation_id is None else [organisation_id]
    found = balances(model, moment, organisation_ids=organisations, earmark=earmark)
    return models.Balances(
        items=[models.Balance.model_validate(each) for each in found],
        trial_balance_fen={
            account.value: amount for account, amount in trial_balance(model, moment).items()
        },
        as_of=moment.as_of.isoformat() if moment.as_of else None,
        at=page.at if moment.at is None else moment.at,
    )
