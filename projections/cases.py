"""Cases: where each stands, whose it is and by when, what came back, and every step of it."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Index, Row, Select, Table, and_, func, select

from ledger.domain.aggregate import Event
from ledger.domain.case import DATED, LIVE, UNOWNED, Case, Extent, Stage, Subject
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

cases = Table(
    "cases",
    metadata,
    id_column("case_id"),
    id_column("organisation_id"),
    text_column("rule"),
    id_column("subject_organisation_id", nullable=True),
    id_column("campaign_id", nullable=True),
    id_column("batch_id", nullable=True),
    text_column("detail", nullable=True),
    number_column("year", nullable=True),
    number_column("finding_position", nullable=True),
    text_column("severity"),
    number_column("count"),
    number_column("amount_fen", nullable=True),
    text_column("since", nullable=True),
    text_column("happened_on"),
    number_column("position"),
    Index("cases_in_order", "position"),
    Index("cases_by_organisation", "organisation_id", "position"),
    key("case_id"),
)

steps = Table(
    "case_steps",
    metadata,
    number_column("position", primary_key=True),
    id_column("case_id"),
    text_column("step"),
    text_column("stage", nullable=True),
    text_column("actor"),
    id_column("owner_id", nullable=True),
    text_column("due_on", nullable=True),
    text_column("text", nullable=True),
    number_column("amount_fen", nullable=True),
    number_column("count", nullable=True),
    id_column("fund_id", nullable=True),
    id_column("lot_id", nullable=True),
    text_column("documents", nullable=True),
    text_column("happened_on"),
    Index("case_steps_by_case", "case_id", "position"),
)
"""`stage` is what a case is at from there on; null where the step leaves it as it was."""


class Cases(Projection):
    tables: ClassVar = (cases, steps)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Case.Opened: _opened,
            Case.Assigned: _assigned,
            Case.Dismissed: _dismissed,
            Case.Confirmed: _confirmed,
            Case.RectificationDemanded: _demanded,
            Case.Rectified: _rectified,
            Case.Recovered: _recovered,
            Case.RecoveryWrittenOff: _written_off,
            Case.Closed: _closed,
            Case.Reopened: _reopened,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """What was done with a case: by whom, on which day, where it stands in the log.

    `amount_fen` is what was to come back in all (demanded), came back or was written off.
    """

    step: str
    officer_id: UUID
    happened_on: str
    position: int
    stage: str | None
    owner_id: UUID | None
    due_on: str | None
    text: str | None
    amount_fen: Money | None
    count: int | None
    fund_id: UUID | None
    lot_id: UUID | None
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as it stood at the moment asked for, with all its steps."""

    case_id: UUID
    organisation_id: UUID
    subject: Subject
    severity: str
    extent: Extent
    happened_on: str
    position: int
    steps: tuple[Step, ...]

    @property
    def last(self) -> Step:
        """The step that brought it to its stage."""
        return next(each for each in reversed(self.steps) if each.stage is not None)

    @property
    def stage(self) -> str:
        return str(self.last.stage)

    @property
    def live(self) -> bool:
        return self.stage in LIVE

    @property
    def owner_id(self) -> UUID | None:
        """Of whom something is asked now."""
        return self.last.owner_id

    @property
    def due_on(self) -> str | None:
        return self.last.due_on

    @property
    def demanded_fen(self) -> Money:
        demanded = [each.amount_fen for each in self.steps if each.step == "demanded"]
        return Money(demanded[-1] or 0) if demanded else Money(0)

    @property
    def recovered_fen(self) -> Money:
        return self._sum("recovered")

    @property
    def written_off_fen(self) -> Money:
        return self._sum("written_off")

    @property
    def open_fen(self) -> Money:
        """What is still to come back."""
        return Money(self.demanded_fen - self.recovered_fen - self.written_off_fen)

    @property
    def rectified_by(self) -> UUID | None:
        """Who put it right, since it was opened or opened again last."""
        for each in reversed(self.steps):
            if each.step in ("opened", "reopened"):
                return None
            if each.step == "rectified":
                return each.officer_id
        return None

    @property
    def settled_count(self) -> int | None:
        """What the rule found when it was closed or dismissed; None while it is not."""
        return None if self.live else self.last.count

    def days_late(self, day: date) -> int:
        """Return by how many days what is asked of somebody is late."""
        if self.due_on is None:
            return 0
        return max(0, (day - date.fromisoformat(self.due_on)).days)

    def _sum(self, step: str) -> Money:
        return Money(sum(each.amount_fen or 0 for each in self.steps if each.step == step))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which cases are asked for. `overdue_on` is the day on which what is asked is late.

    `since` and `until` are the first and the last day on which it was opened.
    """

    organisation_ids: Collection[UUID] | None = None
    case_ids: Collection[UUID] | None = None
    batch_id: UUID | None = None
    campaign_id: UUID | None = None
    since: date | None = None
    until: date | None = None
    rule: str | None = None
    stage: Stage | None = None
    owner_id: UUID | None = None
    live: bool = False
    unowned: bool = False
    overdue_on: date | None = None


def case_list(
    connection: Connection,
    asked: Asked,
    moment: Moment = NOW,
    *,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
) -> list[CaseView]:
    """Return cases in the order in which they were opened."""
    statement = (
        _asking(asked, moment, cases)
        .where(cases.c.position > after)
        .order_by(cases.c.position)
        .limit(limit)
    )
    found = connection.execute(statement).all()
    taken: dict[bytes, list[Step]] = {row.case_id: [] for row in found}
    told = select(steps).where(steps.c.case_id.in_(list(taken)), moment.covers(steps))
    for row in connection.execute(told.order_by(steps.c.position)):
        taken[row.case_id].append(_step_of(row))
    return [_case(row, taken[row.case_id]) for row in found]


def every_case(connection: Connection, asked: Asked, moment: Moment = NOW) -> Iterator[CaseView]:
    """Yield all cases in the order in which they were opened, a page at a time."""
    after = -1
    while found := case_list(connection, asked, moment, after=after):
        yield from found
        after = found[-1].position


@dataclass(frozen=True, slots=True)
class Counted:
    """How many cases are open, of these how many nobody has, and how many are late."""

    live: int
    unowned: int
    overdue: int


def count_cases(
    connection: Connection, organisation_ids: Collection[UUID], day: date, moment: Moment = NOW
) -> Counted:
    def count(**conditions: Any) -> int:
        asked = Asked(organisation_ids, **conditions)
        counted: int = connection.execute(_asking(asked, moment, func.count())).scalar_one()
        return counted

    return Counted(count(live=True), count(unowned=True), count(overdue_on=day))


def _asking(asked: Asked, moment: Moment, *what: Any) -> Select[Any]:
    last = steps.alias("last")
    later = steps.alias("later")
    newest = (
        select(func.max(later.c.position))
        .where(later.c.case_id == cases.c.case_id, later.c.stage.is_not(None))
        .where(moment.covers(later))
        .scalar_subquery()
    )
    statement = (
        select(*what)
        .select_from(cases)
        .join(last, and_(last.c.case_id == cases.c.case_id, last.c.position == newest))
        .where(moment.covers(cases))
    )
    return statement.where(*_conditions(asked, last))


def _conditions(asked: Asked, last: Any) -> list[ColumnElement[bool]]:
    equal: tuple[tuple[ColumnElement[Any], object], ...] = (
        (cases.c.batch_id, None if asked.batch_id is None else asked.batch_id.bytes),
        (cases.c.campaign_id, None if asked.campaign_id is None else asked.campaign_id.bytes),
        (cases.c.rule, asked.rule),
        (last.c.stage, None if asked.stage is None else asked.stage.value),
        (last.c.owner_id, None if asked.owner_id is None else asked.owner_id.bytes),
    )
    found = [column == value for column, value in equal if value is not None]
    if asked.organisation_ids is not None:
        found.append(cases.c.organisation_id.in_([each.bytes for each in asked.organisation_ids]))
    if asked.case_ids is not None:
        found.append(cases.c.case_id.in_([each.bytes for each in asked.case_ids]))
    if asked.since is not None:
        found.append(cases.c.happened_on >= asked.since.isoformat())
    if asked.until is not None:
        found.append(cases.c.happened_on <= asked.until.isoformat())
    if asked.live:
        found.append(last.c.stage.in_([each.value for each in LIVE]))
    if asked.unowned:
        found.append(last.c.stage.in_([each.value for each in UNOWNED]))
    if asked.overdue_on is not None:
        found.append(last.c.stage.in_([each.value for each in DATED]))
        found.append(last.c.due_on < asked.overdue_on.isoformat())
    return found


def _case(row: Row[Any], taken: Sequence[Step]) -> CaseView:
    return CaseView(
        uuid_of(row.case_id),
        uuid_of(row.organisation_id),
        Subject(
            rule=row.rule,
            organisation_id=optional_uuid(row.subject_organisation_id),
            campaign_id=optional_uuid(row.campaign_id),
            batch_id=optional_uuid(row.batch_id),
            detail=row.detail,
            year=row.year,
            position=row.finding_position,
        ),
        row.severity,
        Extent(
            count=row._mapping["count"],  # noqa: SLF001 - a row has a method of this name
            amount_fen=None if row.amount_fen is None else Money(row.amount_fen),
            since=row.since,
        ),
        row.happened_on,
        row.position,
        tuple(taken),
    )


def _step_of(row: Row[Any]) -> Step:
    return Step(
        row.step,
        UUID(row.actor),
        row.happened_on,
        row.position,
        row.stage,
        optional_uuid(row.owner_id),
        row.due_on,
        row.text,
        None if row.amount_fen is None else Money(row.amount_fen),
        row._mapping["count"],  # noqa: SLF001 - a row has a method of this name
        optional_uuid(row.fund_id),
        optional_uuid(row.lot_id),
        tuple(json.loads(row.documents)) if row.documents else (),
    )


# What the events leave.


def _opened(event: Case.Opened, position: int, rows: Rows) -> None:
    about, extent = event.subject, event.extent
    rows["cases"].append(
        (
            event.originator_id.bytes,
            event.organisation_id.bytes,
            about.rule,
            _bytes(about.organisation_id),
            _bytes(about.campaign_id),
            _bytes(about.batch_id),
            about.detail,
            about.year,
            about.position,
            event.severity,
            extent.count,
            extent.amount_fen,
            extent.since,
            event.happened_on.isoformat(),
            position,
        )
    )
    _step(event, position, rows, "opened", Stage.OPENED, text=event.note, count=extent.count)


def _assigned(event: Case.Assigned, position: int, rows: Rows) -> None:
    owed: dict[str, Any] = {"owner": event.owner_id, "due_on": event.due_on}
    _step(event, position, rows, "assigned", Stage.VERIFYING, **owed)


def _dismissed(event: Case.Dismissed, position: int, rows: Rows) -> None:
    told: dict[str, Any] = {"text": event.ground, "count": event.standing.count}
    _step(event, position, rows, "dismissed", Stage.DISMISSED, **told)


def _confirmed(event: Case.Confirmed, position: int, rows: Rows) -> None:
    _step(event, position, rows, "confirmed", Stage.CONFIRMED, text=event.ground)


def _demanded(event: Case.RectificationDemanded, position: int, rows: Rows) -> None:
    _step(
        event,
        position,
        rows,
        "demanded",
        Stage.RECTIFYING,
        owner=event.owner_id,
        due_on=event.due_on,
        text=event.measures,
        amount_fen=event.recover_fen,
    )


def _rectified(event: Case.Rectified, position: int, rows: Rows) -> None:
    told: dict[str, Any] = {"text": event.report, "documents": event.documents}
    _step(event, position, rows, "rectified", Stage.RECTIFIED, **told)


def _recovered(event: Case.Recovered, position: int, rows: Rows) -> None:
    _step(
        event,
        position,
        rows,
        "recovered",
        None,
        text=event.document,
        amount_fen=event.amount_fen,
        fund=event.fund_id,
        lot=event.lot_id,
    )


def _written_off(event: Case.RecoveryWrittenOff, position: int, rows: Rows) -> None:
    told: dict[str, Any] = {"text": event.ground, "amount_fen": event.amount_fen}
    _step(event, position, rows, "written_off", None, **told)


def _closed(event: Case.Closed, position: int, rows: Rows) -> None:
    told: dict[str, Any] = {"text": event.ground, "count": event.standing.count}
    _step(event, position, rows, "closed", Stage.CLOSED, **told)


def _reopened(event: Case.Reopened, position: int, rows: Rows) -> None:
    told: dict[str, Any] = {"text": event.ground, "count": event.standing.count}
    _step(event, position, rows, "reopened", Stage.OPENED, **told)


def _step(
    event: Event,
    position: int,
    rows: Rows,
    step: str,
    stage: Stage | None,
    *,
    owner: UUID | None = None,
    due_on: date | None = None,
    text: str | None = None,
    amount_fen: Money | None = None,
    count: int | None = None,
    fund: UUID | None = None,
    lot: UUID | None = None,
    documents: tuple[str, ...] = (),
) -> None:
    rows["case_steps"].append(
        (
            position,
            event.originator_id.bytes,
            step,
            None if stage is None else stage.value,
            event.actor,
            _bytes(owner),
            None if due_on is None else due_on.isoformat(),
            text or None,
            amount_fen,
            count,
            _bytes(fund),
            _bytes(lot),
            json.dumps(documents) if documents else None,
            event.happened_on.isoformat(),
        )
    )


def _bytes(id_: UUID | None) -> bytes | None:
    return None if id_ is None else id_.bytes
