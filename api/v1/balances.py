"""Balances, at any moment, and the trial balance that shows nothing is missing."""

from uuid import UUID

from fastapi import APIRouter

from api.callers import READ, TheReach
from api.dependencies import TheMoment, ThePage, TheReadModel
from api.problems import RESPONSES
from api.v1 import models
from projections.balances import balances, trial_balance

router = APIRouter(prefix="/balances", tags=["balances"], responses=RESPONSES)


@router.get("", dependencies=[READ])
def list_balances(
    model: TheReadModel,
    moment: TheMoment,
    page: ThePage,
    reach: TheReach,
    organisation_id: UUID | None = None,
    earmark: str | None = None,
) -> models.Balances:
    """List what each fund account holds, by vintage; pairs once held stay, at zero."""
    organisations = reach.within(organisation_id)
    found = balances(model, moment, organisation_ids=organisations, earmark=earmark)
    trial = trial_balance(model, moment, organisation_ids=organisations)
    held = {account.value: int(amount) for account, amount in trial.items()}
    held["elsewhere"] = -sum(held.values())
    return models.Balances(
        items=[models.Balance.model_validate(each) for each in found],
        trial_balance_fen=held,
        as_of=moment.as_of.isoformat() if moment.as_of else None,
        at=page.at if moment.at is None else moment.at,
    )
