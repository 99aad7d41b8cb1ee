"""Findings as cases take them up: what a finding is about, and how much of it stands now."""

from uuid import UUID

from ledger.commands.cases import NOTHING
from ledger.domain.case import Extent, Subject, case_id
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from projections.findings.finding import Finding
from projections.organisations import Tree


class NoSuchFinding(LedgerError):
    """A case is opened for something that a rule finds now."""

    code = "case.no_such_finding"
    kind = Kind.ABSENT

    def __init__(self, rule: str) -> None:
        super().__init__(f"rule {rule} finds nothing of this kind there now")


def subject_of(finding: Finding) -> Subject:
    return Subject(
        rule=finding.rule,
        organisation_id=finding.organisation_id,
        campaign_id=finding.campaign_id,
        batch_id=finding.batch_id,
        detail=finding.detail,
        year=finding.year,
        position=finding.position,
    )


def extent_of(finding: Finding) -> Extent:
    amount = None if finding.amount_fen is None else Money(finding.amount_fen)
    return Extent(count=finding.count, amount_fen=amount, since=finding.since)


def standing_of(found: list[Finding], case: UUID) -> Extent:
    """Return what a case's rule finds now; a count of 0 where it finds nothing."""
    for each in found:
        if case_id(subject_of(each)) == case:
            return extent_of(each)
    return NOTHING


def taken_up(found: list[Finding], subject: Subject) -> Finding:
    """Return the finding that is about a subject.

    Raises:
        NoSuchFinding: There is none.
    """
    for each in found:
        if subject_of(each) == subject:
            return each
    raise NoSuchFinding(subject.rule)


def answerable(tree: Tree, subject: Subject) -> UUID:
    """Return the organisation that answers: of the ledger as a whole, the one above all others."""
    if subject.organisation_id is not None:
        return subject.organisation_id
    tops = (each for each in tree.by_id.values() if each.parent_id is None)
    return min(tops, key=lambda each: each.code).organisation_id
