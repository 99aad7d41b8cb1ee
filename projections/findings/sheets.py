"""D3 and D2 of sheets on paper: what stands signed on a scan, held against the ledger's rows."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, exists, func, not_, or_, select

from ledger.domain.disbursement import Manner, PaymentObjected, Status
from ledger.domain.policy import Channel
from projections.asked import uuid_of
from projections.attempts import attempts
from projections.batches import batches, rows_listed
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.growing import Growing, among
from projections.movements import Kind, movements
from projections.payment_states import disbursements, states
from projections.signatures import discards, scan_rows, scans, signatures

SHEET_TOTAL = "sheet_total"
REUSED = "signature.reused"
"""The refusal that a drawn signature would have met."""

SEEN_SIGNED = "signed"
"""What a scan shows in a row's box that looks like a signature."""
GONE = ("unknown", "withdrawn", "objected")
"""As what a row is seen that is signed on paper and not to be paid any more."""
DATED_BEFORE = "dated_before"
"""As what a row is seen that is signed on a day before its payment's last step."""
TAKEN_BACK = [Status.SIGNED.value, Status.IN_TRANSIT.value, Status.WITHDRAWN.value]
"""What a payment was, one after the other, whose signature was taken back and its money too."""

_Row = tuple[bytes, int]
"""A batch, and the number of its row."""
_More = tuple[str, int, int, int]
"""Since when, where, how many rows and how much of them the sheet has more than the ledger."""


def sheets_against_ledger(asked: Asked) -> Iterator[Finding]:
    """D3: the sheet comes to more than the ledger says was signed for.

    Rows with a signature on the scan that nobody certified within the days that an answer may
    take; rows that were withdrawn, or stopped by an objection, and signed for all the same, on
    paper or on a screen, also where the payment was made again before the scan came; and rows whose
    signature was taken back or discarded, and whose payment was then withdrawn.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, 四(五): the sheets agree with the list.
    """
    yield from _against_ledger(asked, _stopped_on_a_screen(asked) | _withdrawn(asked))


def withdrawn_against_ledger(asked: Asked) -> Iterator[Finding]:
    """D3 in version 4: who signed on a screen for what an objection stopped was not looked at."""
    yield from _against_ledger(asked, _withdrawn(asked))


def _withdrawn(asked: Asked) -> dict[_Row, _More]:
    undone = _discarded(asked) | _taken_back(asked)
    again = _for_an_earlier_attempt(asked)
    return again | undone | _on_paper(asked) | _on_a_screen(asked)


def paper_against_ledger(asked: Asked) -> Iterator[Finding]:
    """D3 up to version 3: neither screens, nor what was undone, nor earlier attempts counted."""
    yield from _against_ledger(asked, _on_paper(asked))


def _against_ledger(asked: Asked, withdrawn: Mapping[_Row, _More]) -> Iterator[Finding]:
    more: dict[bytes, list[_More]] = defaultdict(list)
    waiting = {
        each.batch_id
        for each in asked.open
        if each.status == Status.IN_TRANSIT and each.channel == Channel.SIGNATURE_SHEET
    }
    for batch_id in sorted(waiting & _scanned(asked)):
        found = _uncertified(asked, batch_id)
        if found:
            more[batch_id.bytes].append(found)
    for (batch, _), difference in withdrawn.items():
        more[batch].append(difference)
    for batch, differences in sorted(more.items()):
        place = _place(asked.connection, batch)
        yield Finding(
            "D3",
            Severity.WARNING,
            place[0],
            min(each[0] for each in differences),
            sum(each[2] for each in differences),
            sum(each[3] for each in differences),
            detail=SHEET_TOTAL,
            campaign_id=place[1],
            batch_id=uuid_of(batch),
            position=min(each[1] for each in differences),
        )


def one_picture_on_two_rows(asked: Asked) -> Iterator[Finding]:
    """D2: the very same picture stood in a box before; the row was not taken."""
    statement = (
        select(
            scans.c.batch_id,
            func.min(scans.c.happened_on).label("since"),
            func.min(scans.c.position).label("position"),
            func.count().label("number"),
        )
        .join(scan_rows, scan_rows.c.position == scans.c.position)
        .where(scan_rows.c.seen == "reused", asked.moment.covers(scans))
        .group_by(scans.c.batch_id)
        .order_by(func.min(scans.c.position))
    )
    for row in asked.connection.execute(statement):
        organisation_id, campaign_id = _place(asked.connection, row.batch_id)
        yield Finding(
            "D2",
            Severity.WARNING,
            organisation_id,
            row.since,
            row.number,
            detail=REUSED,
            campaign_id=campaign_id,
            batch_id=uuid_of(row.batch_id),
            position=row.position,
        )


def _scanned(asked: Asked) -> set[UUID]:
    of = select(scans.c.batch_id).where(asked.moment.covers(scans)).distinct()
    return {uuid_of(raw) for raw in asked.connection.execute(of).scalars()}


def _uncertified(asked: Asked, batch_id: UUID) -> _More | None:
    """Return since when, where, how many and how much of a batch's scanned rows is in transit."""
    discarded = exists(
        select(discards.c.position)
        .where(discards.c.disbursement_id == signatures.c.disbursement_id)
        .where(discards.c.position > signatures.c.position, asked.moment.covers(discards))
    )
    captured = (
        select(signatures.c.disbursement_id, func.min(signatures.c.happened_on).label("since"))
        .add_columns(func.min(signatures.c.position).label("position"))
        .where(signatures.c.batch_id == batch_id.bytes, asked.moment.covers(signatures))
        .where(signatures.c.manner == Manner.SCANNED.value, not_(discarded))
        .where(signatures.c.happened_on <= asked.past(asked.patience.answer_days))
        .group_by(signatures.c.disbursement_id)
        .subquery("captured")
    )
    last = (
        select(func.max(states.c.position))
        .where(states.c.disbursement_id == captured.c.disbursement_id, asked.moment.covers(states))
        .correlate(captured)
        .scalar_subquery()
    )
    statement = (
        select(
            func.min(captured.c.since),
            func.min(captured.c.position),
            func.count(),
            func.sum(disbursements.c.amount_fen),
        )
        .select_from(captured)
        .join(disbursements, disbursements.c.disbursement_id == captured.c.disbursement_id)
        .join(states, states.c.position == last)
        .where(states.c.status == Status.IN_TRANSIT.value)
    )
    since, position, number, amount = asked.connection.execute(statement).one()
    return (since, position, number, amount) if number else None


def _on_paper(asked: Asked) -> dict[_Row, _More]:
    """Return what was signed for on paper of rows that are not to be paid any more, row by row."""
    statement = (
        select(
            scans.c.batch_id,
            scan_rows.c.number,
            scans.c.happened_on,
            scans.c.position,
            func.coalesce(rows_listed.c.amount_fen, 0),
        )
        .join(scan_rows, scan_rows.c.position == scans.c.position)
        .outerjoin(
            rows_listed,
            (rows_listed.c.batch_id == scans.c.batch_id)
            & (rows_listed.c.number == scan_rows.c.number)
            & rows_listed.c.code.is_(None),
        )
        .where(scan_rows.c.seen.in_(GONE), asked.moment.covers(scans))
    )
    found = ON_PAPER.keys(asked.connection)
    # Laid on the glass twice, a row is still one.
    return _row_by_row(among(asked.connection, found, scans.c.position, statement))


def _for_an_earlier_attempt(asked: Asked) -> dict[_Row, _More]:
    """Return what was signed for on paper before its payment was made again, row by row.

    Had the scan come before that, the row would have been seen as withdrawn. What is dated before
    the last step of a payment for another reason is for the witness to date anew.
    """
    statement = (
        select(
            scans.c.batch_id,
            scan_rows.c.number,
            scans.c.happened_on,
            scans.c.position,
            disbursements.c.amount_fen,
        )
        .join(scan_rows, scan_rows.c.position == scans.c.position)
        .join(batches, batches.c.batch_id == scans.c.batch_id)
        .join(movements, movements.c.organisation_id == batches.c.organisation_id)
        .join(
            disbursements,
            (disbursements.c.disbursement_id == movements.c.disbursement_id)
            & (disbursements.c.batch_id == scans.c.batch_id)
            & (disbursements.c.number == scan_rows.c.number),
        )
        .where(scan_rows.c.seen == DATED_BEFORE, asked.moment.covers(scans))
        .where(movements.c.kind == Kind.REISSUE.value, asked.moment.covers(movements))
        .where(movements.c.position < scans.c.position)
        .where(movements.c.happened_on >= scans.c.happened_on)
    )
    found = DATED_BACK.keys(asked.connection)
    return _row_by_row(among(asked.connection, found, scans.c.position, statement))


def _on_a_screen(asked: Asked) -> dict[_Row, _More]:
    """Return what was signed for on a screen and stood withdrawn when that arrived, row by row."""
    statement = (
        select(
            signatures.c.batch_id,
            signatures.c.number,
            signatures.c.happened_on,
            signatures.c.position,
            disbursements.c.amount_fen,
        )
        .join(disbursements, disbursements.c.disbursement_id == signatures.c.disbursement_id)
        .where(asked.moment.covers(signatures))
    )
    late = TOO_LATE.keys(asked.connection)
    return _row_by_row(among(asked.connection, late, signatures.c.position, statement))


def _row_by_row(found: Iterator[Any]) -> dict[_Row, _More]:
    """Put together what is of one row: the first of it, and the most."""
    rows: dict[_Row, _More] = {}
    for batch, number, since, position, amount in found:
        before = rows.get((batch, number), (since, position, 1, amount))
        rows[batch, number] = (
            min(before[0], since),
            min(before[1], position),
            1,
            max(before[3], amount),
        )
    return rows


def _stopped_on_a_screen(asked: Asked) -> dict[_Row, _More]:
    """Return what was signed for on a screen after an objection had stopped it, row by row."""
    statement = (
        select(
            disbursements.c.batch_id,
            disbursements.c.number,
            func.min(attempts.c.happened_on),
            func.min(attempts.c.position),
            func.max(disbursements.c.amount_fen),
        )
        .join(disbursements, disbursements.c.disbursement_id == attempts.c.subject_id)
        .where(attempts.c.tried == "signature.capture", attempts.c.code == PaymentObjected.code)
        .where(asked.moment.covers(attempts))
        .group_by(disbursements.c.batch_id, disbursements.c.number)
    )
    return {
        (row[0], row[1]): (row[2], row[3], 1, row[4]) for row in asked.connection.execute(statement)
    }


def _taken_back(asked: Asked) -> dict[_Row, _More]:
    """Return what was certified, taken back and then withdrawn, row by row."""
    covered = select(states).where(asked.moment.covers(states)).order_by(states.c.position)
    ids = UNDONE.keys(asked.connection)
    was: dict[bytes, list[str]] = defaultdict(list)
    found: dict[bytes, Any] = {}
    for row in among(asked.connection, ids, states.c.disbursement_id, covered):
        before = was[row.disbursement_id]
        before.append(row.status)
        if before[-3:] == TAKEN_BACK:
            found.setdefault(row.disbursement_id, row)
    of = select(disbursements)
    return {
        (row.batch_id, row.number): (since.happened_on, since.position, 1, row.amount_fen)
        for row in among(asked.connection, sorted(found), disbursements.c.disbursement_id, of)
        for since in [found[row.disbursement_id]]
    }


def _discarded(asked: Asked) -> dict[_Row, _More]:
    """Return what its witness said was no signature and was then withdrawn, row by row.

    What was drawn passed for one, and so did what a scan shows as `signed`. A line through the box
    of somebody who did not come is seen as doubtful: to discard that and withdraw is as it should
    be.
    """
    passed_for_one = exists().where(
        scans.c.batch_id == signatures.c.batch_id,
        scans.c.file_sha256 == signatures.c.sheet_sha256,
        scan_rows.c.position == scans.c.position,
        scan_rows.c.number == signatures.c.number,
        scan_rows.c.seen == SEEN_SIGNED,
    )
    statement = (
        select(
            disbursements.c.batch_id,
            disbursements.c.number,
            states.c.happened_on,
            states.c.position,
            disbursements.c.amount_fen,
        )
        .join(
            signatures,
            (signatures.c.batch_id == disbursements.c.batch_id)
            & (signatures.c.disbursement_id == disbursements.c.disbursement_id),
        )
        .join(discards, discards.c.disbursement_id == disbursements.c.disbursement_id)
        .join(states, states.c.disbursement_id == disbursements.c.disbursement_id)
        .where(discards.c.position > signatures.c.position, asked.moment.covers(discards))
        .where(states.c.position > discards.c.position, asked.moment.covers(states))
        .where(states.c.status == Status.WITHDRAWN.value, asked.moment.covers(signatures))
        .where(or_(signatures.c.manner == Manner.DRAWN.value, passed_for_one))
    )
    ids = UNDONE.keys(asked.connection)
    return _row_by_row(among(asked.connection, ids, disbursements.c.disbursement_id, statement))


def _place(connection: Connection, batch: bytes) -> tuple[UUID, UUID]:
    row = connection.execute(
        select(batches.c.organisation_id, batches.c.campaign_id).where(batches.c.batch_id == batch)
    ).one()
    return uuid_of(row.organisation_id), uuid_of(row.campaign_id)


# What there is to look at: found once, and then in what was recorded since.


def _of_withdrawn(start: int) -> Sequence[Select[Any]]:
    """Select the payments withdrawn since whose signature was certified or discarded before."""
    certified = exists().where(
        states.c.disbursement_id == movements.c.disbursement_id,
        states.c.position < movements.c.position,
        states.c.status == Status.SIGNED.value,
    )
    discarded = exists().where(
        discards.c.disbursement_id == movements.c.disbursement_id,
        discards.c.position < movements.c.position,
    )
    return [
        select(movements.c.disbursement_id).where(
            movements.c.kind == Kind.WITHDRAWAL.value,
            movements.c.position >= start,
            or_(certified, discarded),
        )
    ]


def _too_late(start: int) -> Sequence[Select[Any]]:
    """Select where what was drawn arrived since for a payment that stood withdrawn by then."""
    stood = (
        select(states.c.status)
        .where(states.c.disbursement_id == signatures.c.disbursement_id)
        .where(states.c.position < signatures.c.position)
        .order_by(states.c.position.desc())
        .limit(1)
        .correlate(signatures)
        .scalar_subquery()
    )
    return [
        select(signatures.c.position)
        .where(signatures.c.position >= start, signatures.c.manner == Manner.DRAWN.value)
        .where(stood == Status.WITHDRAWN.value)
    ]


def _scans(start: int, *seen: str) -> Sequence[Select[Any]]:
    """Select the scans taken in since of which a row was seen as one of these."""
    return [
        select(scan_rows.c.position)
        .distinct()
        .where(scan_rows.c.position >= start, scan_rows.c.seen.in_(seen))
    ]


UNDONE = Growing(_of_withdrawn)
TOO_LATE = Growing(_too_late)
ON_PAPER = Growing(lambda start: _scans(start, *GONE))
DATED_BACK = Growing(lambda start: _scans(start, DATED_BEFORE))
