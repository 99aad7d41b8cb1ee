"""Flat tables as one SQLite file, for those who ask questions of their own.

Each table stands in it twice: under names for programs, with amounts in whole fen, and as a view
under the titles that people know. The other forms of a package are written from this file, so that
they hold the same rows, and a query that takes long is asked once.
"""

import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from projections.exports.flat import Flat
from projections.exports.table import Kind, Row

ROWS_AT_ONCE = 2_000
TYPES = {Kind.MONEY: "INTEGER", Kind.COUNT: "INTEGER", Kind.DAY: "TEXT", Kind.TEXT: "TEXT"}


class Database:
    """A file that is filled table by table, and then read. A crash leaves one to be thrown away."""

    def __init__(self, path: Path) -> None:
        self._sql = sqlite3.connect(path, isolation_level=None)
        self._sql.execute("PRAGMA journal_mode = OFF")
        self._sql.execute("PRAGMA synchronous = OFF")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sql.close()

    def add(self, flat: Flat) -> None:
        """Write a table, some thousand rows at a time, and the view that people read it by."""
        columns = ", ".join(f'"{each.name}" {TYPES[each.kind]}' for each in flat.fields)
        self._sql.execute(f'CREATE TABLE "{flat.name}" ({columns})')
        marks = ", ".join("?" * len(flat.fields))
        rows = iter(flat.rows)
        self._sql.execute("BEGIN")
        while run := list(islice(rows, ROWS_AT_ONCE)):
            self._sql.executemany(f'INSERT INTO "{flat.name}" VALUES ({marks})', run)  # noqa: S608 - names of ours
        self._sql.execute("COMMIT")
        titled = ", ".join(
            f'"{each.name}" AS "{each.title}{"(分)" if each.kind is Kind.MONEY else ""}"'
            for each in flat.fields
        )
        self._sql.execute(f'CREATE VIEW "{flat.title}" AS SELECT {titled} FROM "{flat.name}"')  # noqa: S608 - names of ours

    def index(self, flat: Flat, *names: str) -> None:
        of = ", ".join(f'"{name}"' for name in names)
        self._sql.execute(f'CREATE INDEX "{flat.name}_{"_".join(names)}" ON "{flat.name}" ({of})')

    def rows(self, flat: Flat) -> Iterator[Row]:
        """Return the rows of a table as they were added."""
        return iter(self._sql.execute(f'SELECT * FROM "{flat.name}" ORDER BY rowid'))  # noqa: S608 - a name of ours

    def count(self, flat: Flat) -> int:
        return int(self.one(f'SELECT count(*) FROM "{flat.name}"'))  # noqa: S608 - a name of ours

    def sums(self, flat: Flat) -> dict[str, int]:
        """Return what each column of amounts comes to, in fen."""
        return {
            each.name: int(self.one(f'SELECT coalesce(sum("{each.name}"), 0) FROM "{flat.name}"'))  # noqa: S608 - names of ours
            for each in flat.money
        }

    def one(self, statement: str) -> Any:
        return self._sql.execute(statement).fetchone()[0]

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._sql.execute(statement, values).fetchall()
