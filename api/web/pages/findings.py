"""Findings: what looks wrong within reach, by rule, and the list behind each."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.web.asked import Number, TheMomentOnPage, Word
from api.web.behind import Behind
from api.web.known import Known, TheKept, counts, within
from api.web.screen import TheScreen
from api.within import organisation_within
from projections.asked import Moment
from projections.batches import campaign_list
from projections.findings import Finding
from projections.organisations import Organisation

router = APIRouter(include_in_schema=False)

PAGE_ROWS = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A finding as it is shown: where, and what it rests on."""

    finding: Finding
    organisation: Organisation | None
    campaign: str | None
    behind: str


@router.get("/findings", dependencies=[READ])
def show_findings(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    the_ledger: TheLedger,
    kept: TheKept,
    organisation: Word = None,
    alone: Word = None,
    severity: Word = None,
    rule: Word = None,
    page: Number = None,
) -> Response:
    """List findings: the gravest first, and of these the oldest."""
    known = kept.known(model, the_ledger, moment, screen.today)
    chosen, ids = None, None
    if organisation is not None:
        chosen = organisation_within(known.tree, reach, organisation)
        ids = known.tree.subtree(chosen.organisation_id)
        ids = [chosen.organisation_id] if alone else ids
    seen = within(known, reach, ids)
    found = [
        each
        for each in seen
        if severity in (None, each.severity.value) and rule in (None, each.rule)
    ]
    at = max(page or 1, 1)
    shown = found[(at - 1) * PAGE_ROWS : at * PAGE_ROWS]
    campaigns = {each.campaign_id: each.code for each in campaign_list(model)}
    return screen.show(
        "findings.html",
        rows=[row_of(known, each, moment, campaigns) for each in shown],
        found=len(found),
        counts=counts(seen),
        rules=sorted({each.rule for each in seen}),
        choices=known.tree.among(reach.ids),
        organisation=chosen,
        alone=bool(alone),
        severity=severity,
        rule=rule,
        page=at,
        pages=-(-len(found) // PAGE_ROWS),
        moment=moment,
    )


def row_of(known: Known, finding: Finding, moment: Moment, campaigns: dict[UUID, str]) -> Row:
    id_ = finding.organisation_id
    place = None if id_ is None else known.tree.by_id[id_]
    campaign = None if finding.campaign_id is None else campaigns.get(finding.campaign_id)
    lists = Behind(None if place is None else place.code, alone=True, moment=moment)
    return Row(finding, place, campaign, lists.of_finding(finding, campaign))
