"""Adopting policies, and opening campaigns under them."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.commands.duties import require_approver, require_post_anywhere
from ledger.commands.signed_acts import perform_signed
from ledger.domain.campaign import Campaign, campaign_id
from ledger.domain.officer import Role
from ledger.domain.policy import Policy, PolicyTerms, policy_id
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger, Work

APPROVERS = frozenset({Role.APPROVER})


class CampaignKnown(LedgerError):
    """The campaign is open already."""

    code = "campaign.known"
    kind = Kind.CONFLICT

    def __init__(self, code: str) -> None:
        super().__init__(f"campaign {code} is open already")


@dataclass(frozen=True, slots=True)
class CampaignOpening:
    code: str
    name: str
    starts_on: date
    ends_on: date
    fiscal_year: int
    policy_code: str


def adopt_policy(ledger: Ledger, act: CommandAct, terms: PolicyTerms) -> Answer:
    """Adopt a policy, or a corrected reading of one; signed by an approver's own key.

    Raises:
        OfficerRequired, RoleMissing: The actor approves nowhere.
        OfficerSignatureMissing: Nobody signs.
        RuleTwice: Two rules for one category, or two deadlines for one filing.
    """
    return perform_signed(
        ledger, act, "policy.adopt", terms, policy_id(terms.code), _adopt(act, terms)
    )


def prepare_adoption(ledger: Ledger, act: CommandAct, terms: PolicyTerms) -> bytes:
    """Return the payload that the officer is to sign."""
    return ledger.prepare(act, _adopt(act, terms))[0]


def open_campaign(ledger: Ledger, act: CommandAct, order: CampaignOpening) -> Answer:
    """Open a campaign under a policy that was adopted.

    Raises:
        CampaignKnown: It is open already.
        NotOnRecord: The policy was not adopted.
    """

    def decide(work: Work) -> None:
        require_post_anywhere(work, act, APPROVERS)
        if work.find(Campaign, campaign_id(order.code)):
            raise CampaignKnown(order.code)
        policy = work.get(Policy, policy_id(order.policy_code))
        work.save(
            Campaign.open(
                act,
                code=order.code,
                name=order.name,
                starts_on=order.starts_on,
                ends_on=order.ends_on,
                fiscal_year=order.fiscal_year,
                policy_id=policy.id,
            )
        )
        work.result["campaign_id"] = str(campaign_id(order.code))

    return ledger.perform(act, "campaign.open", order, decide)


def close_campaign(ledger: Ledger, act: CommandAct, campaign: UUID, reason: str) -> Answer:
    """Close a campaign: no list is drafted, reviewed or approved for it any more.

    Raises:
        NotOnRecord, CampaignClosed, RoleMissing: As they say.
    """

    def decide(work: Work) -> None:
        require_post_anywhere(work, act, APPROVERS)
        closing = work.get(Campaign, campaign)
        closing.close(act, reason=reason)
        work.save(closing)

    return ledger.perform(act, "campaign.close", (campaign, reason), decide)


def _adopt(act: CommandAct, terms: PolicyTerms) -> Decide:
    def decide(work: Work) -> None:
        require_approver(work, act)
        terms.require_each_once()
        policy = work.find(Policy, policy_id(terms.code))
        if policy is None:
            policy = Policy.adopt(act, terms)
        else:
            policy.adopt_again(act, terms)
        work.save(policy)
        work.result["policy_id"] = str(policy.id)

    return decide
