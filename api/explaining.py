"""A payment explained: what the rules are asked about is brought together here."""

from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from api.callers import Reach
from api.doubted import subjects_of
from api.known import Kept, deadlines_of
from api.within import payment_within
from ledger.commands.outside_lists import day_of
from ledger.domain.case import case_id
from ledger.domain.policy import Policy
from ledger.store.application import Ledger
from projections.asked import NOW
from projections.batches import batch_list, campaign_list
from projections.cases import Asked as Wanted
from projections.cases import CaseView, case_list
from projections.explanation.asked import Asked, Reading, officer_of
from projections.explanation.explain import bears
from projections.histories import positions_of
from projections.notices import notice_list
from projections.officers import tenures
from projections.policies import readings_of


def asked_about(
    model: Connection, ledger: Ledger, reach: Reach, kept: Kept, disbursement_id: UUID
) -> Asked:
    """Bring together what the rules look at for one payment, as far as the caller sees.

    Raises:
        NotOnRecord: There is no such payment.
        OutsideReach: It is not within reach.
    """
    payment = payment_within(model, reach, disbursement_id)
    batch = batch_list(model, batch_id=payment.batch_id)[0]
    campaign = next(
        each for each in campaign_list(model) if each.campaign_id == payment.campaign_id
    )
    known = kept.known(model, ledger, NOW, reach.day)
    whole = reach.ids >= known.tree.by_id.keys()
    # Of a million payments there are too many findings to go through for each of them.
    places = {payment.organisation_id, batch.organisation_id} & reach.ids
    found = [each for place in places for each in known.found.at(place)]
    found += known.found.at(None) if whole else ()
    policy = ledger.load(Policy, campaign.policy_id)
    events = [
        each
        for position in positions_of(model, disbursement_id)
        for each in ledger.read(position, 1)
        if each.event.originator_id == disbursement_id
    ]
    notices = notice_list(model, batch_id=batch.batch_id)
    officers = {batch.drafted_by, *(each.officer_id for each in batch.steps)}
    for notice in notices:
        officers |= {notice.opened_by, notice.ended_by}
    officers |= {officer_of(event) for _, event in events}
    adopted = () if policy is None else policy.adoptions
    positions = readings_of(model, campaign.policy_id)
    return Asked(
        model,
        reach.day,
        payment,
        batch,
        campaign,
        [
            Reading(adoption, number, position)
            for number, (adoption, position) in enumerate(zip(adopted, positions, strict=False), 1)
        ],
        events,
        notices,
        tenures(model, [each for each in officers if each is not None]),
        known.tree,
        found,
        whole,
        patience=known.limits_at(payment.organisation_id, payment.status_since).patience,
        day_of=partial(day_of, ledger),
        deadlines=deadlines_of(model, ledger, campaign, NOW, reach.day),
        borne_on=lambda day: known.limits_at(payment.organisation_id, day.isoformat()).patience,
    )


def cases_about(asked: Asked, reach: Reach) -> list[CaseView]:
    """Return the cases of what bears on a payment: of findings that stand, and of its own list."""
    found = [each for each in asked.findings if bears(asked, each)]
    ids = {case_id(subject) for each in found for subject in subjects_of(each)}
    of_findings = case_list(asked.connection, Wanted(case_ids=ids)) if ids else []
    batch = asked.batch
    wanted = Wanted([batch.organisation_id], batch_id=batch.batch_id)
    of_list = [each for each in case_list(asked.connection, wanted) if each.case_id not in ids]
    seen = (each for each in (*of_findings, *of_list) if each.organisation_id in reach.ids)
    return sorted(seen, key=lambda each: each.position)
