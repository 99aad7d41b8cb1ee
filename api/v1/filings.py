"""Filings: what organisations hand in by a day, and who has not."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.acting import TheActing
from api.callers import HAND_IN, READ, REVIEW_OR_APPROVE, TheReach
from api.dependencies import TheLedger, TheMoment, TheReadModel
from api.edge.one_thread import InOneThread
from api.known import deadlines_of
from api.problems import RESPONSES
from api.v1 import forms
from api.v1.models import Answer, Day, Id, Position
from api.v1.written import NamedFiling, Nothing, Written, written
from ledger.commands.filings import HandingIn, hand_in, send_back
from ledger.domain.filing import WORDS_CHARACTERS_MAX
from ledger.store.application import NotOnRecord
from projections.batches import campaign_list
from projections.deadlines import Missing as NotHandedIn
from projections.deadlines import filing_list, missing
from projections.organisations import tree_on
from projections.papers_owed import owing

router = APIRouter(
    route_class=InOneThread, prefix="/filings", tags=["filings"], responses=RESPONSES
)


class FilingForm(forms.DatedForm):
    campaign_code: forms.Code
    organisation_code: forms.Code
    name: forms.Text
    document_sha256: forms.Sha256
    words: str = Field(
        "",
        max_length=WORDS_CHARACTERS_MAX,
        description="The office's own in its report; kept in clear, so they name nobody by number.",
    )


class FilingView(Answer):
    """`days_late` is 0 when it came in time; `sent_back` says why, where it was."""

    filing_id: Id
    campaign_id: UUID | None
    organisation_id: Id
    name: str
    due_on: Day
    handed_in_on: Day
    days_late: int
    document_sha256: str
    officer_id: Id
    sent_back: str | None
    position: Position
    words: str | None = Field(description="The office's own in its report, where it wrote any.")


class Missing(Answer):
    """What an organisation has not handed in, or has not again; late from `due_on` on."""

    organisation_id: Id
    name: str
    due_on: Day
    days_late: int


class Filings(Answer):
    items: list[FilingView]
    missing: list[Missing]


@router.get("", dependencies=[READ])
def list_filings(
    campaign_id: Annotated[UUID, Query(description="Id of the campaign.")],
    model: TheReadModel,
    moment: TheMoment,
    reach: TheReach,
    the_ledger: TheLedger,
    organisation_id: UUID | None = None,
) -> Filings:
    """List what was handed in for a campaign, how late, and what is missing from whom."""
    campaign = next(
        (each for each in campaign_list(model) if each.campaign_id == campaign_id), None
    )
    if campaign is None or campaign.position >= moment.known_end:
        raise NotOnRecord("campaign", campaign_id)
    day = moment.as_of or reach.day
    ids = reach.within(organisation_id)
    found = filing_list(model, moment, organisation_ids=ids, campaign_id=campaign_id)
    tree = tree_on(model, moment.as_of, moment.at)
    part = None if campaign.organisation_id is None else tree.subtree(campaign.organisation_id)
    owed: list[NotHandedIn] = []
    for deadline in deadlines_of(model, the_ledger, campaign, moment, day):
        asked = owing(model, campaign_id, deadline, part, moment)
        owed += missing(found, [deadline], [id_ for id_ in ids if id_ in asked], day)
    return Filings(
        items=[FilingView.model_validate(each) for each in found],
        missing=[Missing.model_validate(each) for each in owed],
    )


@router.post("", status_code=201, dependencies=[HAND_IN])
def create_filing(
    form: FilingForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[NamedFiling]:
    """Hand in a document, by its hash. A late one is taken, and seen to be late."""
    order = HandingIn(
        form.campaign_code, form.organisation_code, form.name, form.document_sha256, form.words
    )
    answer = hand_in(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, NamedFiling)


@router.post("/{filing_id}/sendings-back", status_code=201, dependencies=[REVIEW_OR_APPROVE])
def send_filing_back(
    filing_id: UUID,
    form: forms.Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Send a filing back from above, for another."""
    act = acting.act(form.happened_on, stream=filing_id)
    return written(
        the_ledger, response, send_back(the_ledger, act, filing_id, form.reason), Nothing
    )
