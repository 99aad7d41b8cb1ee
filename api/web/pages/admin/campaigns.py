"""Campaigns: rounds of visits under a policy, opened and closed by approvers."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import APPROVE, SIGNED_IN
from api.dependencies import ThePage, TheReadModel, TheServed
from api.v1 import forms
from api.web.given import Given, TheFields, formed
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from ledger.commands.policies import APPROVERS, CampaignOpening, close_campaign, open_campaign
from ledger.domain.campaign import Campaign as Root
from ledger.errors import LedgerError
from ledger.store.application import Ledger
from projections.asked import PAGE_ROWS_MAX
from projections.batches import Campaign, campaign_list
from projections.organisations import tree_on
from projections.policies import adoption_list

router = APIRouter(include_in_schema=False)

PAGE = "admin/campaigns.html"


@dataclass(frozen=True, slots=True)
class Row:
    campaign: Campaign
    closed: bool


@router.get("/admin/campaigns", dependencies=[SIGNED_IN])
def show_campaigns(
    screen: TheScreen, model: TheReadModel, found: TheServed, page: ThePage
) -> Response:
    """List campaigns in the order in which they were opened."""
    campaigns = campaign_list(model, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(campaigns)
    return screen.show(
        PAGE, code=None, given=Given(), next=further, **_listed(screen, model, found.ledger, shown)
    )


@router.post("/admin/campaigns", dependencies=[APPROVE])
def open_one(
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """Open a campaign under a policy that was adopted."""
    try:
        form = formed(forms.CampaignForm, given, screen.language)
        order = CampaignOpening(
            form.code, form.name, form.starts_on, form.ends_on, form.fiscal_year, form.policy_code
        )
        act = acting.act(form.happened_on)
        open_campaign(found.ledger, act, order, form.organisation_code)
    except LedgerError as refusal:
        return _again(screen, refusal, model, found.ledger, given)
    return screen.go("/admin/campaigns", N_("活动已开立。"))


@router.post("/admin/campaigns/{campaign_id}/closing", dependencies=[APPROVE])
def close(
    campaign_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    given: TheFields,
    model: TheReadModel,
    found: TheServed,
) -> Response:
    """Close a campaign: no list is drafted, reviewed or approved for it any more."""
    try:
        form = formed(forms.Reasoned, given, screen.language)
        close_campaign(found.ledger, acting.act(form.happened_on), campaign_id, form.reason)
    except LedgerError as refusal:
        return _again(screen, refusal, model, found.ledger, Given())
    return screen.go("/admin/campaigns", N_("活动已结束。"))


def _again(
    screen: Screen, refusal: LedgerError, model: Connection, ledger: Ledger, given: Given
) -> Response:
    listed = _listed(screen, model, ledger, campaign_list(model))
    return show_above(screen, refusal, PAGE, given=given, next=None, **listed)


def _listed(
    screen: Screen, model: Connection, ledger: Ledger, campaigns: list[Campaign]
) -> dict[str, Any]:
    rows = []
    for each in campaigns:
        loaded = ledger.load(Root, each.campaign_id)
        rows.append(Row(each, loaded is not None and loaded.closed))
    policies = {each.policy_id: each for each in adoption_list(model, limit=PAGE_ROWS_MAX)}
    return {
        "rows": rows,
        "policies": policies,
        "organisations": tree_on(model).by_id,
        "may": screen.caller is not None and screen.caller.holds_any(APPROVERS),
        "today": screen.today,
    }
