"""What jobs do: draft a batch from a roster, enter an archive; the commands are those of `/v1`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Self, TypeVar
from uuid import UUID

import msgspec

from api.background.acts import act_of, plain
from api.background.jobs import Job
from api.background.returns import return_handlers
from api.background.worker import Handler, Report
from api.clock import Clock
from api.trials import Trials
from api.uploads import refused_rows
from ledger.commands.batches import Draft, draft_batch
from ledger.commands.recipients import enter_archive
from ledger.domain.policy import Channel
from ledger.files.archive import read_archive
from ledger.files.columns import Layout
from ledger.files.roster import Roster, read_roster
from ledger.store.application import Ledger
from projections.exports.delimited import Encoding

ROSTER, ARCHIVE = "roster", "archive"
INSPECTION = "inspection"
ROSTER_TRIAL, ARCHIVE_TRIAL = "roster_trial", "archive_trial"
"""The same work as a dry run, which is what a clerk looks at before committing it."""

T = TypeVar("T")


class RosterWork(msgspec.Struct, frozen=True, kw_only=True):
    """A batch to be drafted from an uploaded roster."""

    code: str
    campaign_code: str
    organisation_code: str
    earmark: str
    channel: Channel
    bank_format: str | None
    drafted_by: str
    filename: str
    content: bytes
    dry_run: bool
    layout: Layout | None = None


class ArchiveWork(msgspec.Struct, frozen=True, kw_only=True):
    """An archive to be entered from an uploaded workbook."""

    filename: str
    content: bytes
    dry_run: bool
    layout: Layout | None = None


class InspectionWork(msgspec.Struct, frozen=True, kw_only=True):
    """A package to be made for an inspector, in clear for whom and why, or masked."""

    organisation_id: UUID
    organisation_code: str
    year: int
    encoding: Encoding
    opened: bool
    reason: str
    made_for: str


def packed(work: msgspec.Struct) -> bytes:
    return msgspec.msgpack.encode(work)


def handlers(ledger: Ledger, clock: Clock, trials: Trials) -> dict[str, Handler]:
    """Return who does which kind of job."""
    drafting, entering = _drafting(ledger, clock, trials), _entering(ledger, clock, trials)
    return {
        ROSTER: drafting,
        ROSTER_TRIAL: drafting,
        ARCHIVE: entering,
        ARCHIVE_TRIAL: entering,
        **return_handlers(ledger, clock),
    }


class Counted(tuple[T, ...]):  # noqa: SLOT001 - a tuple that carries one thing more
    """Rows that tell a report how far one is in going through them."""

    STEP = 200

    report: Report

    @classmethod
    def of(cls, rows: Iterable[T], report: Report) -> Self:
        counted = cls(rows)
        counted.report = report
        return counted

    def __iter__(self) -> Iterator[T]:
        for index, row in enumerate(super().__iter__()):
            if index % self.STEP == 0:
                self.report.progress(index, len(self))
            yield row


def _drafting(
    ledger: Ledger, clock: Clock, trials: Trials
) -> Callable[[Job, bytes, Report], dict[str, Any]]:
    def draft(job: Job, request: bytes, report: Report) -> dict[str, Any]:
        asked = msgspec.msgpack.decode(request, type=RosterWork)
        roster = read_roster(asked.filename, asked.content, asked.layout)
        order = Draft(
            code=asked.code,
            campaign_code=asked.campaign_code,
            organisation_code=asked.organisation_code,
            earmark=asked.earmark,
            channel=asked.channel,
            bank_format=asked.bank_format,
            drafted_by=asked.drafted_by,
            roster=replace(roster, rows=Counted.of(roster.rows, report)),
        )
        act = act_of(job, clock, dry_run=asked.dry_run)
        answer = draft_batch(ledger, act, order)
        if asked.dry_run:
            trials.roster(job.officer_id, roster.rows, answer.result["refused"])
        answer.result.update(_sums(roster, answer.result["refused"]))
        return plain(answer)

    return draft


def _entering(
    ledger: Ledger, clock: Clock, trials: Trials
) -> Callable[[Job, bytes, Report], dict[str, Any]]:
    def enter(job: Job, request: bytes, report: Report) -> dict[str, Any]:
        asked = msgspec.msgpack.decode(request, type=ArchiveWork)
        archive = read_archive(asked.filename, asked.content, asked.layout)
        act = act_of(job, clock, dry_run=asked.dry_run)
        answer = enter_archive(ledger, act, Counted.of(archive.rows, report))
        if asked.dry_run:
            trials.archive(job.officer_id, archive.rows, answer.result["refused"])
        answer.result["refused"] += refused_rows(archive.faults)
        return plain(answer)

    return enter


def _sums(roster: Roster, refused: list[dict[str, Any]]) -> dict[str, int]:
    """Return what the rows come to, those that stand and those that do not."""
    numbers = {row["number"] for row in refused}
    lost = sum(row.amount_fen or 0 for row in roster.rows if row.number in numbers)
    return {"accepted_total_fen": roster.total_fen - lost, "refused_total_fen": lost}
