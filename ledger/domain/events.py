"""All events there are. Whoever reads or verifies a log asks here, so that no kind is missing."""

from ledger.domain import (
    administration,
    bank_account,
    bank_match,
    bank_statement,
    batch,
    book_item,
    campaign,
    case,
    disbursement,
    export,
    filing,
    fiscal_year,
    fund,
    key,
    known_ledger,
    log,
    notice,
    officer,
    organisation,
    outside_list,
    policy,
    publication,
    recipient,
    reconciliation,
    refusal,
    remittance,
    sample,
    service_key,
    signature,
    statement,
    tag_list,
    witness,
)
from ledger.domain.aggregate import EVENT_CLASSES, Event

AGGREGATES = (
    administration.Administration,
    bank_account.BankAccount,
    bank_match.BankMatch,
    bank_statement.BankStatement,
    batch.Batch,
    book_item.BookItem,
    campaign.Campaign,
    case.Case,
    disbursement.Disbursement,
    export.Export,
    filing.Filing,
    fiscal_year.FiscalYear,
    fund.FundAccount,
    key.KeyClaim,
    known_ledger.KnownLedger,
    log.LogItself,
    notice.Notice,
    officer.Officer,
    organisation.Organisation,
    outside_list.OutsideList,
    policy.Policy,
    publication.Publication,
    recipient.Recipient,
    reconciliation.Reconciliation,
    refusal.Refusal,
    remittance.Remittance,
    sample.Sample,
    service_key.ServiceKey,
    signature.SignatureClaim,
    statement.Statement,
    tag_list.TagLists,
    witness.Witnesses,
)


def event_class(topic: str) -> type[Event]:
    """Return the class of the events that are stored under a topic.

    Raises:
        KeyError: No event is stored under it.
    """
    return EVENT_CLASSES[topic]


def committing_topics() -> frozenset[str]:
    """Return the topics that are stored only with an officer's own signature."""
    return frozenset(topic for topic, event in EVENT_CLASSES.items() if event.COMMITS)


def vouching_topics() -> frozenset[str]:
    """Return the topics that an administrator signs who answers for another officer."""
    return frozenset(topic for topic, event in EVENT_CLASSES.items() if event.VOUCHES)
