"""Fund accounts: an organisation's money for one earmark, in lots."""

from uuid import UUID

from fastapi import APIRouter

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheMoment, ThePage, TheReadModel
from api.histories import history_of
from api.problems import RESPONSES
from api.v1 import models
from ledger.store.application import NotOnRecord
from projections.balances import fund_accounts, lots_of

router = APIRouter(prefix="/fund-accounts", tags=["fund accounts"], responses=RESPONSES)


@router.get("", dependencies=[READ])
def list_fund_accounts(
    model: TheReadModel, page: ThePage, reach: TheReach, organisation_id: UUID | None = None
) -> models.Listed[models.FundAccount]:
    """List fund accounts in the order in which they were opened."""
    listed = fund_accounts(model, organisation_ids=reach.within(organisation_id))
    start = page.after + 1
    shown = listed[start : start + page.limit]
    last = start + len(shown) - 1
    return models.Listed(
        items=[models.FundAccount.model_validate(each) for each in shown],
        next=page.cursor(last if last + 1 < len(listed) else None),
        at=page.at,
    )


@router.get("/{fund_id}", dependencies=[READ])
def show_fund_account(fund_id: UUID, model: TheReadModel, reach: TheReach) -> models.FundAccount:
    """Show whose account it is and for what."""
    found = fund_accounts(model, fund_id=fund_id)
    if not found:
        raise NotOnRecord("fund account", fund_id)
    reach.require(found[0].organisation_id)
    return models.FundAccount.model_validate(found[0])


@router.get("/{fund_id}/lots", dependencies=[READ])
def list_lots(
    fund_id: UUID, model: TheReadModel, moment: TheMoment, reach: TheReach
) -> list[models.Lot]:
    """List the account's lots in the order in which they are drawn: oldest vintage first."""
    show_fund_account(fund_id, model, reach)
    return [models.Lot.model_validate(each) for each in lots_of(model, fund_id, moment)]


@router.get("/{fund_id}/history", dependencies=[READ])
def show_history(
    fund_id: UUID,
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    *,
    envelopes: bool = False,
) -> models.History:
    """Show every event that concerns the account, with signatures and proofs."""
    show_fund_account(fund_id, model, reach)
    return history_of(the_ledger, model, fund_id, page, envelopes=envelopes)
