"""Public notices: what hangs where and how long, and what was said against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, RowMapping, Select, Table, select

from ledger.domain.aggregate import Event
from ledger.domain.batch import Batch
from ledger.domain.notice import Notice as Root
from ledger.domain.values import Money, day_in_china
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

notices = Table(
    "notices",
    metadata,
    id_column("notice_id"),
    id_column("batch_id"),
    id_column("organisation_id"),
    id_column("campaign_id"),
    number_column("number"),
    text_column("list_sha256"),
    number_column("listed_count"),
    number_column("listed_total_fen"),
    number_column("period_days"),
    text_column("period_unit"),
    text_column("last_day"),
    text_column("shown_until"),
    text_column("source"),
    text_column("confidence"),
    text_column("place"),
    text_column("contact"),
    id_column("opened_by"),
    text_column("happened_on"),
    text_column("recorded_on"),
    number_column("position"),
    Index("notices_in_order", "position"),
    Index("notices_by_batch", "batch_id", "position"),
    key("notice_id"),
)

steps = Table(
    "notice_steps",
    metadata,
    number_column("position", primary_key=True),
    id_column("notice_id"),
    text_column("step"),
    number_column("objection", nullable=True),
    number_column("row_number", nullable=True),
    number_column("row_withdrawn", nullable=True),
    id_column("officer_id", nullable=True),
    text_column("reason", nullable=True),
    text_column("happened_on"),
    Index("notice_steps_by_notice", "notice_id", "position"),
)


withdrawn_rows = Table(
    "withdrawn_rows",
    metadata,
    number_column("position", primary_key=True),
    id_column("batch_id"),
    number_column("number"),
    id_column("person_id"),
    Index("withdrawn_rows_by_batch", "batch_id", "number"),
)
"""Whose rows fell after the list was drafted: by an objection, or on the day of approval."""

DAY = len("2017-01-31")


class Notices(Projection):
    tables: ClassVar = (notices, steps, withdrawn_rows)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Root.Opened: _opened,
            Root.ObjectionRaised: _raised,
            Root.ObjectionRead: _read,
            Root.ObjectionAnswered: _answered,
            Root.Closed: _closed,
            Root.Withdrawn: _withdrawn,
            Batch.RowWithdrawn: _row_withdrawn,
        }


@dataclass(frozen=True, slots=True)
class Objection:
    """An objection by its number; what it says stands sealed in the log. `upheld` None: open."""

    number: int
    row_number: int | None
    raised_on: str
    position: int
    entered_by: UUID | None
    upheld: bool | None
    row_withdrawn: bool
    answered_on: str | None
    answered_by: UUID | None
    answered_at: int | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as it stood at the moment asked for; `ended` is closed or withdrawn, if either."""

    notice_id: UUID
    batch_id: UUID
    organisation_id: UUID
    campaign_id: UUID
    number: int
    list_sha256: str
    listed_count: int
    listed_total_fen: Money
    period_days: int
    period_unit: str
    last_day: str
    shown_until: str
    source: str
    confidence: str
    place: str
    contact: str
    opened_by: UUID
    happened_on: str
    recorded_on: str
    position: int
    objections: tuple[Objection, ...]
    ended: str | None
    ended_on: str | None
    ended_by: UUID | None
    ended_at: int | None
    reason: str | None

    @property
    def open_objections(self) -> int:
        return sum(each.upheld is None for each in self.objections)

    def state(self, day: date) -> str:
        """Say where it stands on a day: running, over (to be closed), closed or withdrawn."""
        if self.ended is not None:
            return self.ended
        return "running" if day.isoformat() <= self.last_day else "over"

    def days_left(self, day: date) -> int:
        """Return how many days it still hangs after this one."""
        return max(0, (date.fromisoformat(self.last_day) - day).days)

    def shows_people(self, day: date) -> bool:
        """Say whether people may be shown on a day: not withdrawn, not longer than was said."""
        return self.ended != "withdrawn" and day.isoformat() <= self.shown_until


def notice_list(
    connection: Connection,
    moment: Moment = NOW,
    *,
    organisation_ids: Sequence[UUID] | None = None,
    batch_id: UUID | None = None,
    notice_id: UUID | None = None,
    after: int = -1,
    limit: int = PAGE_ROWS_MAX,
) -> list[Notice]:
    """Return notices in the order in which they were opened."""
    statement = (
        select(notices)
        .where(notices.c.position > after, moment.covers(notices))
        .order_by(notices.c.position)
        .limit(limit)
    )
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(notices.c.organisation_id.in_(ids))
    if batch_id is not None:
        statement = statement.where(notices.c.batch_id == batch_id.bytes)
    if notice_id is not None:
        statement = statement.where(notices.c.notice_id == notice_id.bytes)
    return _with_steps(connection, moment, connection.execute(statement).mappings().all())


def hanging(
    connection: Connection, day: date, *, after: tuple[date, int] | None, limit: int
) -> list[Notice]:
    """Return notices whose period is not over on a day, those that end first before others.

    `after` is the last day and the position of the last one that was shown.
    """
    statement = (
        select(notices)
        .where(notices.c.last_day >= day.isoformat())
        .where(notices.c.notice_id.not_in(_ended()))
        .order_by(notices.c.last_day, notices.c.position)
        .limit(limit)
    )
    if after is not None:
        last_day, position = after[0].isoformat(), after[1]
        same = (notices.c.last_day == last_day) & (notices.c.position > position)
        statement = statement.where((notices.c.last_day > last_day) | same)
    return _with_steps(connection, NOW, connection.execute(statement).mappings().all())


def taken_down(
    connection: Connection, day: date, *, before: int | None, limit: int
) -> list[Notice]:
    """Return the other notices, the last that was opened first."""
    over = (notices.c.last_day < day.isoformat()) | notices.c.notice_id.in_(_ended())
    statement = select(notices).where(over).order_by(notices.c.position.desc()).limit(limit)
    if before is not None:
        statement = statement.where(notices.c.position < before)
    return _with_steps(connection, NOW, connection.execute(statement).mappings().all())


# How notices and what happened to them are put together.

_ENDINGS = ("closed", "withdrawn")


def _ended() -> Select[tuple[bytes]]:
    return select(steps.c.notice_id).where(steps.c.step.in_(_ENDINGS))


def _with_steps(
    connection: Connection, moment: Moment, found: Sequence[RowMapping]
) -> list[Notice]:
    taken: dict[bytes, list[RowMapping]] = {row["notice_id"]: [] for row in found}
    statement = (
        select(steps)
        .where(steps.c.notice_id.in_(list(taken)), moment.covers(steps))
        .order_by(steps.c.position)
    )
    for step in connection.execute(statement).mappings():
        taken[step["notice_id"]].append(step)
    return [_notice(row, taken[row["notice_id"]]) for row in found]


def _notice(row: RowMapping, taken: Sequence[RowMapping]) -> Notice:
    facts = {str(name): value for name, value in row.items()}
    for name in ("notice_id", "batch_id", "organisation_id", "campaign_id", "opened_by"):
        facts[name] = uuid_of(facts[name])
    answers = {each["objection"]: each for each in taken if each["step"] in _ANSWERS}
    objections = tuple(
        _objection(each, answers.get(each["objection"]))
        for each in taken
        if each["step"] == "raised"
    )
    end = next((each for each in taken if each["step"] in _ENDINGS), None)
    return Notice(
        **facts,
        objections=objections,
        ended=None if end is None else end["step"],
        ended_on=None if end is None else end["happened_on"],
        ended_by=None if end is None else optional_uuid(end["officer_id"]),
        ended_at=None if end is None else end["position"],
        reason=None if end is None else end["reason"],
    )


_ANSWERS = ("upheld", "dismissed")


def _objection(raised: RowMapping, answer: RowMapping | None) -> Objection:
    return Objection(
        number=raised["objection"],
        row_number=raised["row_number"],
        raised_on=raised["happened_on"],
        position=raised["position"],
        entered_by=optional_uuid(raised["officer_id"]),
        upheld=None if answer is None else answer["step"] == "upheld",
        row_withdrawn=bool(answer is not None and answer["row_withdrawn"]),
        answered_on=None if answer is None else answer["happened_on"],
        answered_by=None if answer is None else optional_uuid(answer["officer_id"]),
        answered_at=None if answer is None else answer["position"],
    )


# What the events leave.


def _opened(event: Root.Opened, position: int, rows: Rows) -> None:
    rows["notices"].append(
        (
            event.originator_id.bytes,
            event.batch_id.bytes,
            event.organisation_id.bytes,
            event.campaign_id.bytes,
            event.number,
            event.list_sha256,
            event.listed_count,
            event.listed_total_fen,
            event.period_days,
            event.period_unit,
            event.last_day.isoformat(),
            event.shown_until.isoformat(),
            event.source,
            event.confidence,
            event.place,
            event.contact,
            event.opened_by.bytes,
            event.happened_on.isoformat(),
            day_in_china(event.recorded_at).isoformat(),
            position,
        )
    )


def _raised(event: Root.ObjectionRaised, position: int, rows: Rows) -> None:
    officer = event.entered_by
    _step(event, position, rows, "raised", officer, event.number, event.row_number)


def _read(event: Root.ObjectionRead, position: int, rows: Rows) -> None:
    _step(event, position, rows, "read", event.read_by, event.number, reason=event.reason)


def _answered(event: Root.ObjectionAnswered, position: int, rows: Rows) -> None:
    _step(
        event,
        position,
        rows,
        "upheld" if event.upheld else "dismissed",
        event.answered_by,
        event.number,
        event.row_number,
        withdrawn=event.row_withdrawn,
    )


def _closed(event: Root.Closed, position: int, rows: Rows) -> None:
    _step(event, position, rows, "closed", event.closed_by)


def _withdrawn(event: Root.Withdrawn, position: int, rows: Rows) -> None:
    _step(event, position, rows, "withdrawn", event.withdrawn_by, reason=event.reason)


def _row_withdrawn(event: Batch.RowWithdrawn, position: int, rows: Rows) -> None:
    rows["withdrawn_rows"].append(
        (position, event.originator_id.bytes, event.number, event.person_id.bytes)
    )


def _step(
    event: Event,
    position: int,
    rows: Rows,
    step: str,
    officer: UUID | None,
    objection: int | None = None,
    row_number: int | None = None,
    *,
    withdrawn: bool | None = None,
    reason: str | None = None,
) -> None:
    rows["notice_steps"].append(
        (
            position,
            event.originator_id.bytes,
            step,
            objection,
            row_number,
            None if withdrawn is None else int(withdrawn),
            None if officer is None else officer.bytes,
            reason,
            event.happened_on.isoformat(),
        )
    )
