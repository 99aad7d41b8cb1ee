"""Rules about lists and who acts on them: rows and attempts stopped, one list paid twice."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, func, select

from ledger.domain.disbursement import NOT_PAID
from projections.asked import optional_uuid, uuid_of
from projections.attempts import attempts
from projections.batches import batches, rows_listed, steps
from projections.cases import cases
from projections.disbursements import Disbursement, Question, every_disbursement
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.journal import funds
from projections.notices import notices
from projections.payment_states import disbursements

ROW_RULES: Mapping[str, str] = {
    "archive.not_on_file": "A1",
    "archive.closed": "A2",
    "model_worker.income_above_line": "A7",
    "amount.below_minimum": "B1",
    "amount.above_maximum": "B2",
    "channel.card_required": "C1",
    "field.missing": "D4",
    "id.invalid": "D4",
    "id.not_text": "D4",
    "card.not_text": "D4",
    "person.duplicate_in_campaign": "E1",
    "category.not_in_policy": "F1",
    "earmark.not_for_category": "F1",
    "amount.invalid": "J1",
}
"""The rule that a refused row broke, by the code of its refusal."""

UPHELD = "notice.objection_upheld"
"""A row that fell by an objection broke no rule of lists."""

PART_FEN = 10**6

WITNESSED = "drafted_and_witnessed"

ATTEMPT_RULES: Mapping[str, str] = {
    "duty.same_person": "H1",
    "case.same_person": "H1",
    "notice.same_person": "H1",
    "duty.role_missing": "H2",
    "fund.insufficient": "F2",
    "fund.sources_insufficient": "F1",
    "signature.not_own": "D1",
    "signature.before_approval": "H4",
    "signature.reused": "D2",
}


def rows_refused(asked: Asked) -> Iterator[Finding]:
    """A to F: rows of lists that a rule stopped; nothing was paid, and they are on record."""
    statement = (
        select(
            batches.c.organisation_id,
            batches.c.campaign_id,
            batches.c.batch_id,
            rows_listed.c.code,
            func.min(rows_listed.c.happened_on),
            func.count(),
            # In two parts: nobody said that refused amounts come to what the database can hold.
            func.sum(rows_listed.c.amount_fen // PART_FEN),
            func.sum(rows_listed.c.amount_fen % PART_FEN),
        )
        .join(batches, batches.c.batch_id == rows_listed.c.batch_id)
        .where(rows_listed.c.code.is_not(None), asked.moment.covers(rows_listed))
        .where(rows_listed.c.code != UPHELD)
        .group_by(batches.c.batch_id, rows_listed.c.code)
    )
    for row in asked.connection.execute(statement):
        yield Finding(
            ROW_RULES.get(row[3], "D4"),
            Severity.INFORMATION,
            uuid_of(row[0]),
            row[4],
            row[5],
            None if row[6] is None else row[6] * PART_FEN + row[7],
            detail=row[3],
            campaign_id=uuid_of(row[1]),
            batch_id=uuid_of(row[2]),
        )


def attempts_refused(asked: Asked) -> Iterator[Finding]:
    """H1, H2, H4, F1, F2, D1, D2: somebody tried what they may not; it was stopped and recorded."""
    statement = (
        select(steps, batches.c.organisation_id, batches.c.campaign_id)
        .join(batches, batches.c.batch_id == steps.c.batch_id)
        .where(steps.c.step == "refused", asked.moment.covers(steps))
        .where(steps.c.code.in_(ATTEMPT_RULES))
    )
    # An attempt stands under what it was about: a batch, a payment, an account, or a case.
    subject = attempts.c.subject_id
    apart = (
        select(
            attempts.c.code,
            attempts.c.happened_on,
            attempts.c.position,
            func.coalesce(batches.c.batch_id, disbursements.c.batch_id).label("batch_id"),
            func.coalesce(
                batches.c.organisation_id,
                disbursements.c.organisation_id,
                funds.c.organisation_id,
                cases.c.organisation_id,
                notices.c.organisation_id,
            ).label("organisation_id"),
            func.coalesce(batches.c.campaign_id, disbursements.c.campaign_id).label("campaign_id"),
        )
        .outerjoin(batches, batches.c.batch_id == subject)
        .outerjoin(disbursements, disbursements.c.disbursement_id == subject)
        .outerjoin(funds, funds.c.fund_id == subject)
        .outerjoin(cases, cases.c.case_id == subject)
        .outerjoin(notices, notices.c.notice_id == subject)
    )
    apart = apart.where(asked.moment.covers(attempts), attempts.c.code.in_(ATTEMPT_RULES))
    for row in (*asked.connection.execute(statement), *asked.connection.execute(apart)):
        yield Finding(
            ATTEMPT_RULES[row.code],
            Severity.WARNING,
            optional_uuid(row.organisation_id),
            row.happened_on,
            1,
            detail=row.code,
            campaign_id=optional_uuid(row.campaign_id),
            batch_id=optional_uuid(row.batch_id),
            position=row.position,
        )


def drafters_as_witnesses(asked: Asked) -> Iterator[Finding]:
    """H1: who drafted a list certified that it was signed for, so nobody else saw its people.

    It is told and not refused: at a small union nobody else may have been there.
    """
    statement = (
        select(steps, batches.c.organisation_id, batches.c.campaign_id)
        .join(batches, batches.c.batch_id == steps.c.batch_id)
        .where(steps.c.step == "certified", steps.c.officer_id == batches.c.drafted_by)
        .where(asked.moment.covers(steps))
        .order_by(steps.c.position)
    )
    for row in asked.connection.execute(statement):
        yield Finding(
            "H1",
            Severity.INFORMATION,
            uuid_of(row.organisation_id),
            row.happened_on,
            row.row_count,
            row.total_fen,
            detail=WITNESSED,
            campaign_id=uuid_of(row.campaign_id),
            batch_id=uuid_of(row.batch_id),
            position=row.position,
        )


def paid_twice_from_one_file(asked: Asked) -> Iterator[Finding]:
    """E4: people were paid of a list, and had been paid of an earlier list of the same file.

    Rows that were refused the first time, or came back, may be listed again from their file.
    """
    earlier: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in asked.connection.execute(_approved(asked)):
        before = earlier[row.roster_sha256]
        # In one campaign nobody is paid twice, whatever file it is from.
        others = [each.batch_id for each in before if each.campaign_id != row.campaign_id]
        if others:
            paid = {each.person_id for batch in others for each in _standing_of(asked, batch)}
            twice = [each for each in _standing_of(asked, row.batch_id) if each.person_id in paid]
            if twice:
                total = sum(each.amount_fen for each in twice)
                ids = tuple(each.disbursement_id for each in twice)
                yield replace(_of_file(row, len(twice), total), payment_ids=ids)
        before.append(row)


def listed_twice_from_one_file(asked: Asked) -> Iterator[Finding]:
    """E4 as it was: all that a list held whose file had been a list before, whoever was paid."""
    seen: set[str] = set()
    for row in asked.connection.execute(_approved(asked)):
        if row.roster_sha256 in seen:
            yield _of_file(row, row.listed_count, row.listed_total_fen)
        seen.add(row.roster_sha256)


def _approved(asked: Asked) -> Select[Any]:
    return (
        select(batches)
        .join(steps, (steps.c.batch_id == batches.c.batch_id) & (steps.c.step == "approved"))
        .where(asked.moment.covers(steps))
        .order_by(steps.c.position)
    )


def _standing_of(asked: Asked, batch: bytes) -> Iterator[Disbursement]:
    question = Question(batch_id=uuid_of(batch))
    for each in every_disbursement(asked.connection, question, asked.moment):
        if each.status not in NOT_PAID:
            yield each


def _of_file(row: Row[Any], count: int, amount_fen: int) -> Finding:
    return Finding(
        "E4",
        Severity.ERROR,
        uuid_of(row.organisation_id),
        row.happened_on,
        count,
        amount_fen,
        campaign_id=uuid_of(row.campaign_id),
        batch_id=uuid_of(row.batch_id),
    )
