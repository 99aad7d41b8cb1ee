"""Policies and campaigns: the rules from a day on, and the rounds of visits under them."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response

from api.acting import Prepared, Signed, TheActing, prepared
from api.callers import APPROVE, SIGNED_IN
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.edge.one_thread import InOneThread
from api.policy_terms import form_of, terms_of
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.models import Answer, Id, Position
from api.v1.written import NamedCampaign, NamedPolicy, Nothing, Written, tag, written
from ledger.commands.policies import (
    CampaignOpening,
    adopt_policy,
    close_campaign,
    open_campaign,
    prepare_adoption,
)
from ledger.domain.campaign import Campaign
from ledger.domain.policy import Policy
from ledger.store.application import NotOnRecord
from projections.batches import campaign_list
from projections.policies import adoption_list

router = APIRouter(route_class=InOneThread, tags=["policies and campaigns"], responses=RESPONSES)


class AdoptionForm(forms.Form):
    policy: forms.PolicyForm
    signed: Signed


class Adoption(Answer):
    policy_id: Id
    code: str
    title: str
    effective_from: date
    happened_on: date
    organisation_id: Id | None
    position: Position


class AdoptedPolicy(Answer):
    """A policy with all its adoptions, oldest first; the last that is effective counts.

    It is for `organisation_id` and those below it; where that is null, for all.
    """

    policy_id: Id
    code: str
    organisation_id: Id | None
    adoptions: list[forms.PolicyForm]


class CampaignView(Answer):
    campaign_id: Id
    code: str
    name: str
    starts_on: date
    ends_on: date
    fiscal_year: int
    policy_id: Id
    organisation_id: Id | None
    closed: bool
    position: Position


@router.get("/policies", dependencies=[SIGNED_IN])
def list_policies(model: TheReadModel, page: ThePage) -> models.Listed[Adoption]:
    """List adoptions of policies in the order of the log; a corrected reading is one more."""
    found = adoption_list(model, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found)
    return models.Listed(
        items=[Adoption.model_validate(each) for each in shown],
        next=further,
        at=page.at,
    )


@router.get("/policies/{policy_id}", dependencies=[SIGNED_IN])
def show_policy(policy_id: UUID, the_ledger: TheLedger, response: Response) -> AdoptedPolicy:
    """Show a policy's rules, each with its source and how sure they are."""
    policy = the_ledger.load(Policy, policy_id)
    if policy is None:
        raise NotOnRecord("policy", policy_id)
    tag(the_ledger, response, Policy, policy_id)
    return AdoptedPolicy(
        policy_id=policy_id,
        code=policy.code,
        organisation_id=policy.organisation_id,
        adoptions=[form_of(each) for each in policy.adoptions],
    )


@router.post("/policies/preparations", dependencies=[APPROVE])
def prepare_policy(form: forms.PolicyForm, acting: TheActing, the_ledger: TheLedger) -> Prepared:
    """Prepare the adoption of a policy: what the approver is to sign. Nothing is written."""
    terms = terms_of(form)
    return prepared(prepare_adoption(the_ledger, acting.act(), terms, form.organisation_code))


@router.post("/policies", status_code=201, dependencies=[APPROVE])
def create_policy(
    form: AdoptionForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[NamedPolicy]:
    """Adopt a policy that was prepared and signed."""
    act, terms = acting.signed(form.signed), terms_of(form.policy)
    answer = adopt_policy(the_ledger, act, terms, form.policy.organisation_code)
    return written(the_ledger, response, answer, NamedPolicy)


@router.get("/campaigns", dependencies=[SIGNED_IN])
def list_campaigns(
    model: TheReadModel, page: ThePage, the_ledger: TheLedger
) -> models.Listed[CampaignView]:
    """List campaigns in the order in which they were opened."""
    found = campaign_list(model, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found)
    items = []
    for each in shown:
        campaign = the_ledger.load(Campaign, each.campaign_id)
        closed = campaign is not None and campaign.closed
        items.append(CampaignView(closed=closed, **{n: getattr(each, n) for n in each.__slots__}))
    return models.Listed(
        items=items,
        next=further,
        at=page.at,
    )


@router.post("/campaigns", status_code=201, dependencies=[APPROVE])
def create_campaign(
    form: forms.CampaignForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[NamedCampaign]:
    """Open a campaign under a policy that was adopted."""
    order = CampaignOpening(
        form.code, form.name, form.starts_on, form.ends_on, form.fiscal_year, form.policy_code
    )
    act = acting.act(form.happened_on)
    answer = open_campaign(the_ledger, act, order, form.organisation_code)
    return written(the_ledger, response, answer, NamedCampaign)


@router.post("/campaigns/{campaign_id}/closing", status_code=201, dependencies=[APPROVE])
def end_campaign(
    campaign_id: UUID,
    form: forms.Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Close a campaign: no list is drafted, reviewed or approved for it any more."""
    act = acting.act(form.happened_on, stream=campaign_id)
    answer = close_campaign(the_ledger, act, campaign_id, form.reason)
    return written(the_ledger, response, answer, Nothing)
