"""How a figure is asked for: as of a date, as known at a position, of which page."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, true

POSITIONS_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Moment:
    """`as_of`: what had happened by that day. `at`: what had been recorded by that position."""

    as_of: date | None = None
    at: int | None = None

    @property
    def known_end(self) -> int:
        """The first position that was not known."""
        return POSITIONS_MAX if self.at is None else self.at + 1

    @property
    def last_day(self) -> str:
        """The last day that had come; no day lies after it where none was asked for."""
        return date.max.isoformat() if self.as_of is None else self.as_of.isoformat()

    def covers(self, table: FromClause) -> ColumnElement[bool]:
        """Return the condition on a table with columns `happened_on` and `position`."""
        known = true() if self.at is None else table.c.position <= self.at
        return and_(self.by_day(table), known)

    def by_day(self, table: FromClause) -> ColumnElement[bool]:
        """Return the condition on a table with a column `happened_on` alone."""
        return true() if self.as_of is None else table.c.happened_on <= self.as_of.isoformat()


NOW = Moment()

PAGE_ROWS_MAX = 1000


IDS_KEPT = 16_384


@lru_cache(maxsize=IDS_KEPT)
def uuid_of(raw: bytes) -> UUID:
    """Return the id that a column holds; those of unions come by the hundred with each page."""
    return UUID(bytes=raw)


def optional_uuid(raw: bytes | None) -> UUID | None:
    return None if raw is None else uuid_of(raw)
