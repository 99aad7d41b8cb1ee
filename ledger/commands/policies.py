"""Adopting policies, and opening campaigns under them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.commands.duties import (
    acting_officer,
    require_approver,
    require_held_over,
    require_post,
)
from ledger.commands.lineage import lineage
from ledger.commands.signed_acts import perform_signed
from ledger.domain.batch import Batch
from ledger.domain.campaign import Campaign, campaign_id
from ledger.domain.disbursement import Disbursement
from ledger.domain.officer import Officer, Role
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.policy import CategoryRule, Policy, PolicyTerms, policy_id
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work

APPROVERS = frozenset({Role.APPROVER})
FIRST_VERSION = 1
"""Of a payment: that it was instructed, as its batch was approved; of a batch: its draft."""


class CampaignKnown(LedgerError):
    """The campaign is open already."""

    code = "campaign.known"
    kind = Kind.CONFLICT

    def __init__(self, code: str) -> None:
        super().__init__(f"campaign {code} is open already")


class PolicyOfAnother(LedgerError):
    """A policy stays that of the union which adopted it first; another adopts one of its own."""

    code = "policy.of_another_union"
    kind = Kind.CONFLICT

    def __init__(self, code: str, adopted_by: UUID | None, named: UUID) -> None:
        super().__init__(f"policy {code} is of {adopted_by or 'the top of the tree'}, not {named}")


class PolicyElsewhere(LedgerError):
    """A campaign is held under a policy of the union that opens it, or of one above."""

    code = "campaign.policy_elsewhere"
    kind = Kind.INVALID

    def __init__(self, code: str, adopted_by: UUID, place: UUID) -> None:
        super().__init__(f"policy {code} is of {adopted_by} and those below, not of {place}")


@dataclass(frozen=True, slots=True)
class CampaignOpening:
    code: str
    name: str
    starts_on: date
    ends_on: date
    fiscal_year: int
    policy_code: str


def adopt_policy(
    ledger: Ledger, act: CommandAct, terms: PolicyTerms, organisation_code: str | None = None
) -> Answer:
    """Adopt a policy, or a corrected reading of one; signed by an approver's own key.

    It is for the union that is named and those below it: unless named for the highest at which the
    actor approves, and a corrected reading for whom the first one was for.

    Raises:
        OfficerRequired, RoleMissing: The actor approves neither there nor above.
        PolicyOfAnother: It was adopted for another union.
        OfficerSignatureMissing: Nobody signs.
        RuleTwice: Two rules for one category, or two deadlines for one filing.
    """
    return perform_signed(
        ledger,
        act,
        "policy.adopt",
        terms if organisation_code is None else (terms, organisation_code),
        policy_id(terms.code),
        _adopt(act, terms, organisation_code),
    )


def prepare_adoption(
    ledger: Ledger, act: CommandAct, terms: PolicyTerms, organisation_code: str | None = None
) -> bytes:
    """Return the payload that the officer is to sign."""
    return ledger.prepare(act, _adopt(act, terms, organisation_code))[0]


def paid_from(work: Work, campaign: Campaign, day: date) -> Mapping[str, tuple[str, ...]]:
    """Return the sources that may pay each category, by the policy in force; none named: any.

    Raises:
        PolicyNotInForce: None is.
    """
    policy = work.get(Policy, campaign.policy_id).in_force_on(day)
    return {rule.name: rule.paid_from for rule in policy.categories}


def paying_rule(work: Work, payment: Disbursement, day: date) -> CategoryRule | None:
    """Return by which rule a payment is made again on a day.

    Where the policy of that day knows the category no more, it is paid by what it was approved by:
    a category that is renamed is still paid of its own money. None: neither names it.

    Raises:
        PolicyNotInForce: No policy is in force on that day.
    """
    policy = work.get(Policy, work.get(Campaign, payment.campaign_id).policy_id)
    rule = policy.in_force_on(day).rule_for(payment.category)
    if rule is not None:
        return rule
    counted = _in_force_at_first(work, policy, payment.id)
    return None if counted is None else counted.rule_for(payment.category)


def asked_since_drafted(
    work: Work, campaign: Campaign, batch: Batch, day: date
) -> Mapping[str, tuple[str, ...]]:
    """Return the fields that a policy requires on a day and did not as a list was drafted.

    By category, of the list's; one of which nothing more is required is left out.

    Raises:
        PolicyNotInForce: No policy is in force on that day.
    """
    policy = work.get(Policy, campaign.policy_id)
    listed = {row.category for row in batch.rows.values()}
    now = [rule for rule in policy.in_force_on(day).categories if rule.name in listed]
    # Where no reading ever required less, no reading has to be looked for.
    if not any(_not_in(each, rule) for rule in now for each in policy.adoptions):
        return {}
    then = _in_force_at_first(work, policy, batch.id)
    found = {rule.name: () if then is None else _not_in(then, rule) for rule in now}
    return {name: fields for name, fields in found.items() if fields}


def _not_in(adopted: Policy.Adopted, rule: CategoryRule) -> tuple[str, ...]:
    """Return the fields that a category requires and a reading that knows it does not."""
    before = adopted.rule_for(rule.name)
    if before is None:
        return ()
    return tuple(each for each in rule.required_fields if each not in before.required_fields)


def _in_force_at_first(work: Work, policy: Policy, stream: UUID) -> Policy.Adopted | None:
    """Return the reading in force, of those known, as a stream's first event happened."""
    log, first = work.ledger.log, work.ledger.event(stream, FIRST_VERSION)
    first_at = dict(log.select_stream_positions(stream))[FIRST_VERSION]
    adopted = log.select_stream_positions(policy.id)
    known = max((version for version, at in adopted if at < first_at), default=0)
    return policy.counting(first.happened_on, known)


def open_campaign(
    ledger: Ledger, act: CommandAct, order: CampaignOpening, organisation_code: str | None = None
) -> Answer:
    """Open a campaign under a policy that was adopted.

    It is for the union that is named and those below it: unless named for the highest at which the
    actor approves, or, of a past campaign, for all whose policy it is.

    Raises:
        CampaignKnown: It is open already.
        NotOnRecord: The policy was not adopted, or there is no such union.
        PolicyElsewhere: The policy is of another union.
        RoleMissing: The actor approves neither there nor above.
    """

    def decide(work: Work) -> None:
        if work.find(Campaign, campaign_id(order.code)):
            raise CampaignKnown(order.code)
        policy = work.get(Policy, policy_id(order.policy_code))
        place = policy.organisation_id
        if organisation_code is not None:
            place = work.get(Organisation, organisation_id(organisation_code)).id
        elif act.signed_in:
            place = _highest(work, act)
        if place is not None:
            require_post(work, act, APPROVERS, place)
            line = lineage(work, place, act.happened_on)
            if policy.organisation_id and policy.organisation_id not in line:
                raise PolicyElsewhere(policy.code, policy.organisation_id, place)
        work.save(
            Campaign.open(
                act,
                code=order.code,
                name=order.name,
                starts_on=order.starts_on,
                ends_on=order.ends_on,
                fiscal_year=order.fiscal_year,
                policy_id=policy.id,
                organisation_id=place,
            )
        )
        work.result["campaign_id"] = str(campaign_id(order.code))

    request = order if organisation_code is None else (order, organisation_code)
    return ledger.perform(act, "campaign.open", request, decide)


def close_campaign(ledger: Ledger, act: CommandAct, campaign: UUID, reason: str) -> Answer:
    """Close a campaign: no list is drafted, reviewed or approved for it any more.

    Raises:
        NotOnRecord, CampaignClosed, RoleMissing: As they say.
    """

    def decide(work: Work) -> None:
        closing = work.get(Campaign, campaign)
        if act.signed_in:
            require_post(work, act, APPROVERS, closing.organisation_id or _top(work, act))
        closing.close(act, reason=reason)
        work.save(closing)

    return ledger.perform(act, "campaign.close", (campaign, reason), decide)


def _adopt(act: CommandAct, terms: PolicyTerms, organisation_code: str | None) -> Decide:
    def decide(work: Work) -> None:
        require_approver(work, act)
        terms.require_each_once()
        named = None if organisation_code is None else organisation_id(organisation_code)
        policy = work.find(Policy, policy_id(terms.code))
        if policy is None:
            place = _highest(work, act) if named is None else work.get(Organisation, named).id
            policy = Policy.adopt(act, terms, place)
        else:
            place = policy.organisation_id or _top(work, act)
            if named not in (None, place):
                raise PolicyOfAnother(policy.code, policy.organisation_id, named)
            policy.adopt_again(act, terms)
        require_held_over(work, act, APPROVERS, [place])
        work.save(policy)
        work.result["policy_id"] = str(policy.id)

    return decide


def _highest(work: Work, act: CommandAct) -> UUID:
    """Return where the actor approves; of several organisations the one nearest to the top."""
    require_approver(work, act)
    places = {
        each.organisation_id
        for each in work.get(Officer, acting_officer(act)).tenures
        if each.role == Role.APPROVER and each.covers(act.happened_on)
    }
    return min(sorted(places), key=lambda place: len(lineage(work, place, act.happened_on)))


def _top(work: Work, act: CommandAct) -> UUID:
    """Return the top of the tree: whose policies are that stand from before they said whose."""
    return lineage(work, _highest(work, act), act.happened_on)[-1]
