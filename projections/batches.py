"""Batches, their rows, the payments they became, and what banks and people said to them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, Row, RowMapping, Table, case, column, func, select

from ledger.domain.aggregate import OPERATOR, Event
from ledger.domain.batch import Batch as Root
from ledger.domain.campaign import Campaign as CampaignRoot
from ledger.domain.statement import Statement
from ledger.domain.values import Money
from projections.asked import NOW, PAGE_ROWS_MAX, Moment, optional_uuid, uuid_of
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    key,
    metadata,
    number_column,
    text_column,
)

campaigns = Table(
    "campaigns",
    metadata,
    id_column("campaign_id"),
    text_column("code"),
    text_column("name"),
    text_column("starts_on"),
    text_column("ends_on"),
    number_column("fiscal_year"),
    id_column("policy_id"),
    id_column("organisation_id", nullable=True),
    number_column("position"),
    key("campaign_id"),
)

batches = Table(
    "batches",
    metadata,
    id_column("batch_id"),
    text_column("code"),
    id_column("campaign_id"),
    id_column("organisation_id"),
    text_column("earmark"),
    text_column("channel"),
    text_column("bank_format", nullable=True),
    number_column("listed_count"),
    number_column("listed_total_fen"),
    text_column("roster_sha256"),
    id_column("drafted_by"),
    text_column("happened_on"),
    number_column("position"),
    Index("batches_in_order", "position"),
    key("batch_id"),
)

steps = Table(
    "batch_steps",
    metadata,
    number_column("position", primary_key=True),
    id_column("batch_id"),
    text_column("step"),
    text_column("happened_on"),
    id_column("officer_id", nullable=True),
    text_column("code", nullable=True),
    number_column("row_count", nullable=True),
    number_column("total_fen", nullable=True),
    text_column("file_sha256", nullable=True),
    text_column("numbers", nullable=True),
    text_column("without", nullable=True),
    text_column("reason", nullable=True),
    number_column("version"),
    Index("steps_by_batch", "batch_id", "position"),
)

rows_listed = Table(
    "batch_rows",
    metadata,
    number_column("position", primary_key=True),
    id_column("batch_id"),
    number_column("number"),
    number_column("line", nullable=True),
    text_column("code", nullable=True),
    text_column("field", nullable=True),
    text_column("category", nullable=True),
    number_column("amount_fen", nullable=True),
    text_column("happened_on"),
    Index("rows_by_batch", "batch_id", "number", "code", "line", "amount_fen"),
    Index("rows_refused", "batch_id", "code", sqlite_where=column("code").is_not(None)),
)

statements = Table(
    "statements",
    metadata,
    id_column("statement_id"),
    id_column("batch_id"),
    text_column("bank_format"),
    text_column("file_sha256"),
    number_column("line_count"),
    number_column("settled_count"),
    number_column("settled_total_fen"),
    number_column("returned_count"),
    number_column("returned_total_fen"),
    number_column("unresolved_count"),
    text_column("happened_on"),
    number_column("position"),
    Index("statements_by_batch", "batch_id", "position"),
    key("statement_id"),
)


class Batches(Projection):
    tables: ClassVar = (
        campaigns,
        batches,
        steps,
        rows_listed,
        statements,
    )

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            CampaignRoot.Opened: _campaign_opened,
            Root.Drafted: _drafted,
            Root.RowAccepted: _row_accepted,
            Root.RowRefused: _row_refused,
            Root.RowWithdrawn: _row_withdrawn,
            Root.Reviewed: _reviewed,
            Root.Approved: _approved,
            Root.Refused: _refused,
            Root.Exported: _exported,
            Root.FileCancelled: _file_cancelled,
            Root.Closed: _closed,
            Root.SheetCertified: _certified,
            Statement.Received: _statement_received,
        }


def campaign_exists(connection: Connection, campaign_id: UUID) -> bool:
    statement = select(campaigns.c.code).where(campaigns.c.campaign_id == campaign_id.bytes)
    return connection.execute(statement).one_or_none() is not None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a batch. `code` says why a refusal refused.

    `file_sha256` is of the bank's file that was written or cancelled, or of the sheet that was
    certified. A file that was written holds the rows `numbers`, or all `without` some; of one that
    was cancelled `numbers` are the versions of the batch at which it was written.
    """

    step: str
    happened_on: str
    officer_id: UUID | None
    code: str | None
    count: int | None
    total_fen: int | None
    file_sha256: str | None
    numbers: tuple[int, ...] | None
    without: tuple[int, ...] | None
    reason: str | None
    version: int
    position: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch; its `state` is drafted, reviewed, approved, closed, or refused (for now)."""

    batch_id: UUID
    code: str
    campaign_id: UUID
    organisation_id: UUID
    earmark: str
    channel: str
    bank_format: str | None
    listed_count: int
    listed_total_fen: Money
    roster_sha256: str
    drafted_by: UUID
    happened_on: str
    position: int
    steps: tuple[Step, ...]
    accepted_count: int
    accepted_total_fen: Money
    refused_count: int

    @property
    def state(self) -> str:
        state = "drafted"
        for step in self.steps:
            if step.step in ("reviewed", "approved", "closed") or (
                step.step == "refused" and state not in ("approved", "closed")
            ):
                state = step.step
        return state

    @property
    def bank_files(self) -> list[Step]:
        """Return the files that were written for the bank and count: none that is cancelled."""
        found: list[Step] = []
        for step in self.steps:
            if step.step == "exported":
                found.append(step)
            elif step.step == "file_cancelled":
                found = [each for each in found if each.version not in (step.numbers or ())]
        return found


@dataclass(frozen=True, slots=True)
class Campaign:
    campaign_id: UUID
    code: str
    name: str
    starts_on: str
    ends_on: str
    fiscal_year: int
    policy_id: UUID
    organisation_id: UUID | None
    position: int


def campaign_list(
    connection: Connection, *, after: int = -1, limit: int | None = None
) -> list[Campaign]:
    """Return campaigns in the order in which they were opened."""
    statement = (
        select(campaigns)
        .where(campaigns.c.position > after)
        .order_by(campaigns.c.position)
        .limit(limit)
    )
    return [
        Campaign(
            uuid_of(row.campaign_id),
            row.code,
            row.name,
            row.starts_on,
            row.ends_on,
            row.fiscal_year,
            uuid_of(row.policy_id),
            optional_uuid(row.organisation_id),
            row.position,
        )
        for row in connection.execute(statement)
    ]


def batch_list(
    connection: Connection,
    *,
    organisation_ids: list[UUID] | None = None,
    batch_id: UUID | None = None,
    listed_total_fen: int | None = None,
    since: str | None = None,
    until: str | None = None,
    moment: Moment = NOW,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
) -> list[Batch]:
    """Return batches as they stood at a moment, in the order in which they were drafted."""
    statement = (
        select(batches)
        .where(batches.c.position > after, moment.covers(batches))
        .order_by(batches.c.position)
        .limit(limit)
    )
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(batches.c.organisation_id.in_(ids))
    if batch_id is not None:
        statement = statement.where(batches.c.batch_id == batch_id.bytes)
    if listed_total_fen is not None:
        statement = statement.where(batches.c.listed_total_fen == listed_total_fen)
    if since is not None:
        statement = statement.where(batches.c.happened_on >= since)
    if until is not None:
        statement = statement.where(batches.c.happened_on <= until)
    found = connection.execute(statement).all()
    ids = [row.batch_id for row in found]
    taken, counted = _steps_of(connection, ids, moment), _counts_of(connection, ids, moment)
    return [
        _batch(row._mapping, taken[row.batch_id], counted.get(row.batch_id, NO_ROWS))  # noqa: SLF001 - SQLAlchemy's name
        for row in found
    ]


def batch_places(
    connection: Connection, batch_ids: Collection[UUID]
) -> dict[UUID, tuple[str, UUID]]:
    """Return the code of each batch and the organisation that it is of."""
    statement = select(batches.c.batch_id, batches.c.code, batches.c.organisation_id).where(
        batches.c.batch_id.in_([each.bytes for each in batch_ids])
    )
    return {uuid_of(row[0]): (row[1], uuid_of(row[2])) for row in connection.execute(statement)}


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """A row as it was listed: standing where `code` is None."""

    number: int
    line: int | None
    code: str | None
    field: str | None
    category: str | None
    amount_fen: int | None
    position: int


def rows_of(connection: Connection, batch_id: UUID) -> list[RowVerdict]:
    """Return the last word on each row of a batch, in the order of the roster."""
    found = connection.execute(
        select(rows_listed)
        .where(rows_listed.c.batch_id == batch_id.bytes)
        .order_by(rows_listed.c.number, rows_listed.c.position)
    )
    last = {row.number: row for row in found}
    return [_verdict(row) for row in last.values()]


def _verdict(row: Row[Any]) -> RowVerdict:
    return RowVerdict(
        row.number,
        row.line,
        row.code,
        row.field,
        row.category,
        row.amount_fen,
        row.position,
    )


def refused_rows_of(
    connection: Connection, batch_id: UUID, *, after: int = -1, limit: int = PAGE_ROWS_MAX
) -> list[RowVerdict]:
    """Return rows of a batch that do not stand, in the order in which they were refused."""
    statement = (
        select(rows_listed)
        .where(rows_listed.c.batch_id == batch_id.bytes, rows_listed.c.code.is_not(None))
        .where(rows_listed.c.position > after)
        .order_by(rows_listed.c.position)
        .limit(limit)
    )
    return [_verdict(row) for row in connection.execute(statement)]


@dataclass(frozen=True, slots=True)
class BankStatement:
    """What a bank answered about a batch, by the file that it came in."""

    batch_id: UUID
    bank_format: str
    file_sha256: str
    line_count: int
    settled_count: int
    settled_total_fen: Money
    returned_count: int
    returned_total_fen: Money
    unresolved_count: int
    happened_on: str
    position: int


def statements_of(connection: Connection, batch_id: UUID) -> list[BankStatement]:
    """Return what the bank answered about a batch, in the order in which it was taken in."""
    statement = (
        select(statements)
        .where(statements.c.batch_id == batch_id.bytes)
        .order_by(statements.c.position)
    )
    return [_statement(row) for row in connection.execute(statement)]


def statements_on(
    connection: Connection, organisation_ids: Collection[UUID], day: str, limit: int
) -> list[BankStatement]:
    """Return what banks answered on a day about batches of some organisations."""
    statement = (
        select(statements)
        .join(batches, batches.c.batch_id == statements.c.batch_id)
        .where(batches.c.organisation_id.in_([each.bytes for each in organisation_ids]))
        .where(statements.c.happened_on == day)
        .order_by(statements.c.position)
        .limit(limit)
    )
    return [_statement(row) for row in connection.execute(statement)]


def _statement(row: Row[Any]) -> BankStatement:
    return BankStatement(
        uuid_of(row.batch_id),
        row.bank_format,
        row.file_sha256,
        row.line_count,
        row.settled_count,
        Money(row.settled_total_fen),
        row.returned_count,
        Money(row.returned_total_fen),
        row.unresolved_count,
        row.happened_on,
        row.position,
    )


def refused_rows(
    connection: Connection, campaign_id: UUID, moment: Moment = NOW
) -> list[tuple[str, int, str]]:
    """Return batch code, row number and refusal code, in the order in which they were refused."""
    statement = (
        select(batches.c.code, rows_listed.c.number, rows_listed.c.code)
        .join(batches, batches.c.batch_id == rows_listed.c.batch_id)
        .where(batches.c.campaign_id == campaign_id.bytes, rows_listed.c.code.is_not(None))
        .where(moment.covers(rows_listed))
        .order_by(rows_listed.c.position)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(statement)]


def refused_batches(
    connection: Connection, campaign_id: UUID, moment: Moment = NOW
) -> list[tuple[str, str]]:
    """Return code and reason of batches that were refused and not approved since."""
    statement = (
        select(batches.c.code, batches.c.batch_id, steps.c.step, steps.c.code.label("reason"))
        .join(batches, batches.c.batch_id == steps.c.batch_id)
        .where(batches.c.campaign_id == campaign_id.bytes)
        .where(steps.c.step.in_(("refused", "approved")), moment.covers(steps))
        .order_by(steps.c.position)
    )
    refused: dict[str, str] = {}
    for row in connection.execute(statement):
        if row.step == "approved":
            refused.pop(row.code, None)
        else:
            refused[row.code] = row.reason
    return list(refused.items())


@dataclass(frozen=True, slots=True)
class _Counts:
    """A batch's rows, counted: a row that was withdrawn was accepted before."""

    accepted: int = 0
    accepted_fen: int = 0
    refused: int = 0
    withdrawn: int = 0
    withdrawn_fen: int = 0


NO_ROWS = _Counts()


def _batch(row: RowMapping, taken: Sequence[Step], counts: _Counts) -> Batch:
    facts = {str(name): value for name, value in row.items()}
    for name in ("batch_id", "campaign_id", "organisation_id", "drafted_by"):
        facts[name] = UUID(bytes=facts[name])
    return Batch(
        **facts,
        steps=tuple(taken),
        accepted_count=counts.accepted - counts.withdrawn,
        accepted_total_fen=Money(counts.accepted_fen - counts.withdrawn_fen),
        refused_count=counts.refused,
    )


def _steps_of(
    connection: Connection, batch_ids: list[bytes], moment: Moment
) -> dict[bytes, list[Step]]:
    taken: dict[bytes, list[Step]] = defaultdict(list)
    statement = (
        select(steps)
        .where(steps.c.batch_id.in_(batch_ids), moment.covers(steps))
        .order_by(steps.c.position)
    )
    for step in connection.execute(statement):
        taken[step.batch_id].append(
            Step(
                step.step,
                step.happened_on,
                None if step.officer_id is None else uuid_of(step.officer_id),
                step.code,
                step.row_count,
                step.total_fen,
                step.file_sha256,
                _told(step.numbers),
                _told(step.without),
                step.reason,
                step.version,
                step.position,
            )
        )
    return taken


def _counts_of(
    connection: Connection, batch_ids: list[bytes], moment: Moment
) -> dict[bytes, _Counts]:
    of = rows_listed.c
    stands, gone = of.code.is_(None), of.code.is_not(None) & of.line.is_(None)
    statement = (
        select(
            of.batch_id,
            func.sum(case((stands, 1), else_=0)),
            func.sum(case((stands, of.amount_fen), else_=0)),
            func.sum(case((of.code.is_not(None), 1), else_=0)),
            func.sum(case((gone, 1), else_=0)),
            func.sum(case((gone, of.amount_fen), else_=0)),
        )
        .where(of.batch_id.in_(batch_ids), moment.covers(rows_listed))
        .group_by(of.batch_id)
    )
    return {row[0]: _Counts(*row[1:]) for row in connection.execute(statement)}


# What the events leave.


def _campaign_opened(event: CampaignRoot.Opened, position: int, rows: Rows) -> None:
    rows["campaigns"].append(
        (
            event.originator_id.bytes,
            event.code,
            event.name,
            event.starts_on.isoformat(),
            event.ends_on.isoformat(),
            event.fiscal_year,
            event.policy_id.bytes,
            None if event.organisation_id is None else event.organisation_id.bytes,
            position,
        )
    )


def _drafted(event: Root.Drafted, position: int, rows: Rows) -> None:
    rows["batches"].append(
        (
            event.originator_id.bytes,
            event.code,
            event.campaign_id.bytes,
            event.organisation_id.bytes,
            event.earmark,
            event.channel.value,
            event.bank_format,
            event.listed_count,
            event.listed_total_fen,
            event.roster_sha256,
            event.drafted_by.bytes,
            event.happened_on.isoformat(),
            position,
        )
    )


def _row_accepted(event: Root.RowAccepted, position: int, rows: Rows) -> None:
    _row(event, position, rows, event.line, None, None, event.category)


def _row_refused(event: Root.RowRefused, position: int, rows: Rows) -> None:
    _row(event, position, rows, event.line, event.refusal_code, event.field, event.category)


def _row_withdrawn(event: Root.RowWithdrawn, position: int, rows: Rows) -> None:
    _row(event, position, rows, None, event.refusal_code, None, None)


def _row(
    event: Root.RowAccepted | Root.RowRefused | Root.RowWithdrawn,
    position: int,
    rows: Rows,
    line: int | None,
    code: str | None,
    field: str | None,
    category: str | None,
) -> None:
    rows["batch_rows"].append(
        (
            position,
            event.originator_id.bytes,
            event.number,
            line,
            code,
            field,
            category,
            event.amount_fen,
            event.happened_on.isoformat(),
        )
    )


def _reviewed(event: Root.Reviewed, position: int, rows: Rows) -> None:
    _step(
        event,
        position,
        rows,
        "reviewed",
        event.reviewed_by,
        None,
        event.accepted_count,
        event.accepted_total_fen,
    )


def _approved(event: Root.Approved, position: int, rows: Rows) -> None:
    _step(
        event,
        position,
        rows,
        "approved",
        event.approved_by,
        None,
        event.accepted_count,
        event.accepted_total_fen,
    )


def _refused(event: Root.Refused, position: int, rows: Rows) -> None:
    _step(event, position, rows, "refused", event.tried_by, event.refusal_code, None, None)


def _exported(event: Root.Exported, position: int, rows: Rows) -> None:
    _step(
        event,
        position,
        rows,
        "exported",
        _officer(event.actor),
        None,
        event.line_count,
        event.total_fen,
        event.file_sha256,
        _numbers(event.numbers),
        _numbers(event.without),
    )


def _file_cancelled(event: Root.FileCancelled, position: int, rows: Rows) -> None:
    officer, file = _officer(event.actor), event.file_sha256
    told = _numbers(event.versions)
    _step(event, position, rows, "file_cancelled", officer, None, None, None, file, told, None)


def _closed(event: Root.Closed, position: int, rows: Rows) -> None:
    _step(event, position, rows, "closed", _officer(event.actor), None, None, None)


def _certified(event: Root.SheetCertified, position: int, rows: Rows) -> None:
    _step(
        event,
        position,
        rows,
        "certified",
        event.certified_by,
        None,
        len(event.numbers),
        event.total_fen,
        event.sheet_sha256,
    )


def _step(
    event: Event,
    position: int,
    rows: Rows,
    step: str,
    officer: UUID | None,
    code: str | None,
    count: int | None,
    total: int | None,
    file_sha256: str | None = None,
    numbers: str | None = None,
    without: str | None = None,
) -> None:
    rows["batch_steps"].append(
        (
            position,
            event.originator_id.bytes,
            step,
            event.happened_on.isoformat(),
            None if officer is None else officer.bytes,
            code,
            count,
            total,
            file_sha256,
            numbers,
            without,
            getattr(event, "reason", None),
            event.originator_version,
        )
    )


def _numbers(found: Sequence[int] | None) -> str | None:
    return None if found is None else " ".join(map(str, found))


def _told(text: str | None) -> tuple[int, ...] | None:
    return None if text is None else tuple(map(int, text.split()))


def _officer(actor: str) -> UUID | None:
    return None if actor == OPERATOR else UUID(actor)


def _statement_received(event: Statement.Received, position: int, rows: Rows) -> None:
    rows["statements"].append(
        (
            event.originator_id.bytes,
            event.batch_id.bytes,
            event.bank_format,
            event.file_sha256,
            event.line_count,
            event.settled_count,
            event.settled_total_fen,
            event.returned_count,
            event.returned_total_fen,
            event.unresolved_count,
            event.happened_on.isoformat(),
            position,
        )
    )
