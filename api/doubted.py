"""Findings as cases take them up: what a finding is about, and how much of it stands now."""

from urllib.parse import urlencode
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection

from api.callers import Reach
from ledger.commands.cases import NOTHING
from ledger.domain.case import Case, Extent, Subject, case_id
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from ledger.store.application import Ledger, NotOnRecord
from projections.asked import Moment
from projections.cases import Asked, CaseView, case_list
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


def subjects_of(finding: Finding) -> list[Subject]:
    """Return what a finding is about, and what it was known by before: a case of these is its."""
    subject = subject_of(finding)
    before = (replace(subject, position=each) for each in finding.stood_at)
    return [subject, *(each for each in before if each != subject)]


def case_subject(ledger: Ledger, finding: Finding) -> Subject:
    """Return what the case of a finding is known by, if it has one; else what it will be."""
    every = subjects_of(finding)
    return next((each for each in every if ledger.load(Case, case_id(each)) is not None), every[0])


def told_of(subject: Subject) -> dict[str, object]:
    """Return what tells a subject, by name, as an address or a form carries it."""
    told = {name: getattr(subject, name) for name in subject.__struct_fields__}
    return {name: value for name, value in told.items() if value is not None}


def opening_address(finding: Finding) -> str:
    """Return the page on which a finding is taken up."""
    return f"/cases/new?{urlencode(told_of(subject_of(finding)))}"


def extent_of(finding: Finding) -> Extent:
    amount = None if finding.amount_fen is None else Money(finding.amount_fen)
    return Extent(count=finding.count, amount_fen=amount, since=finding.since)


def standing_of(found: list[Finding], case: UUID) -> Extent:
    """Return what a case's rule finds now; a count of 0 where it finds nothing."""
    for each in found:
        if case in map(case_id, subjects_of(each)):
            return extent_of(each)
    return NOTHING


def taken_up(found: list[Finding], subject: Subject) -> Finding:
    """Return the finding that is about a subject.

    Raises:
        NoSuchFinding: There is none.
    """
    for each in found:
        if subject in subjects_of(each):
            return each
    raise NoSuchFinding(subject.rule)


def answerable(tree: Tree, subject: Subject) -> UUID:
    """Return the organisation that answers: of the ledger as a whole, the one above all others."""
    if subject.organisation_id is not None:
        return subject.organisation_id
    tops = (each for each in tree.by_id.values() if each.parent_id is None)
    return min(tops, key=lambda each: each.code).organisation_id


def case_within(model: Connection, reach: Reach, case: UUID, moment: Moment) -> CaseView:
    """Return a case with all its steps.

    Raises:
        NotOnRecord: There is none.
        OutsideReach: Its organisation is outside the caller's reach.
    """
    found = case_list(model, Asked(case_ids=[case]), moment)
    if not found:
        raise NotOnRecord("case", case)
    reach.require(found[0].organisation_id)
    return found[0]
