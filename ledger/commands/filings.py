"""Handing in what a policy asks for by a day, and sending it back from above."""

from dataclasses import dataclass
from uuid import UUID

from ledger.commands.duties import acting_officer, require_post
from ledger.commands.lineage import lineage
from ledger.domain.campaign import Campaign, campaign_id
from ledger.domain.filing import DeadlineUnknown, Filing, filing_id
from ledger.domain.officer import BUSINESS, Role, RoleMissing
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.policy import Policy
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work

CHECKERS = frozenset({Role.REVIEWER, Role.APPROVER})
"""Who at an organisation above may send a filing back."""


@dataclass(frozen=True, slots=True)
class HandingIn:
    """A document that a deadline of the campaign's policy asks for, by its hash.

    `words` are the office's own in it, where it is a report; `paper` is where its figures stand.
    """

    campaign_code: str
    organisation_code: str
    name: str
    document_sha256: str
    words: str = ""
    paper: str = ""


def hand_in(ledger: Ledger, act: CommandAct, order: HandingIn) -> Answer:
    """Hand in a document; a late one is taken, and seen to be late.

    Raises:
        NotOnRecord: No such campaign or organisation.
        CampaignOfAnother: The organisation has no part in the campaign.
        DeadlineUnknown: The policy in force on the day asks for nothing of this name.
        HandedInAlready: It was, and was not sent back.
        WordsTooLong, PersonalDataInWords: As they say.
    """

    def decide(work: Work) -> None:
        organisation = work.get(Organisation, organisation_id(order.organisation_code))
        require_post(work, act, BUSINESS, organisation.id)
        campaign = work.get(Campaign, campaign_id(order.campaign_code))
        campaign.require_of(lineage(work, organisation.id, act.happened_on))
        terms = work.get(Policy, campaign.policy_id).in_force_on(act.happened_on)
        due = [each.due_on for each in terms.deadlines if each.name == order.name]
        if not due:
            raise DeadlineUnknown(campaign.id, len(terms.deadlines))
        id_ = filing_id(campaign.id, organisation.id, order.name)
        filing = work.find(Filing, id_)
        officer = acting_officer(act)
        if filing is None:
            filing = Filing.begin_with(
                act,
                campaign_id=campaign.id,
                organisation_id=organisation.id,
                name=order.name,
                due_on=due[0],
                document_sha256=order.document_sha256,
                handed_in_by=officer,
            )
        else:
            filing.hand_in_again(
                act,
                campaign_id=campaign.id,
                name=order.name,
                due_on=due[0],
                document_sha256=order.document_sha256,
                handed_in_by=officer,
            )
        if order.words.strip():
            filing.narrate(act, words=order.words, paper=order.paper, written_by=officer)
        work.save(filing)
        work.result["filing_id"] = str(id_)

    return ledger.perform(act, "filing.hand_in", order, decide)


def send_back(ledger: Ledger, act: CommandAct, filing: UUID, reason: str) -> Answer:
    """Send a filing back for another; an organisation above does, not the one that handed it in.

    Raises:
        NotOnRecord, NotHandedIn: As they say.
        RoleMissing: The actor holds no post above that checks.
    """

    def decide(work: Work) -> None:
        found = work.get(Filing, filing)
        organisation = work.get(Organisation, found.organisation_id)
        parent = organisation.parent_on(act.happened_on)
        officer = acting_officer(act)
        if parent is None:
            raise RoleMissing(officer, "|".join(CHECKERS), organisation.id, act.happened_on)
        require_post(work, act, CHECKERS, parent)
        found.send_back(act, sent_back_by=officer, reason=reason)
        work.save(found)

    return ledger.perform(act, "filing.send_back", (filing, reason), decide)
