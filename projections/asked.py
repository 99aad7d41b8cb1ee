"""How a figure is asked for: as of a date, as known at a position, of which page."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, true


@dataclass(frozen=True, slots=True)
class Moment:
    """`as_of`: what had happened by that day. `at`: what had been recorded by that position."""

    as_of: date | None = None
    at: int | None = None

    def covers(self, table: FromClause) -> ColumnElement[bool]:
        """Return the condition on a table with columns `happened_on` and `position`."""
        conditions: list[ColumnElement[bool]] = [true()]
        if self.as_of is not None:
            conditions.append(table.c.happened_on <= self.as_of.isoformat())
        if self.at is not None:
            conditions.append(table.c.position <= self.at)
        return and_(*conditions)


NOW = Moment()

PAGE_ROWS_MAX = 1000


def uuid_of(raw: bytes) -> UUID:
    return UUID(bytes=raw)


def optional_uuid(raw: bytes | None) -> UUID | None:
    return None if raw is None else UUID(bytes=raw)
