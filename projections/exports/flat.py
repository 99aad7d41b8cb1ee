"""Flat tables that leave together: named for programs, titled for people, each field explained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from projections.exports.table import Column, Kind, Row


@dataclass(frozen=True, slots=True)
class Field:
    """A column: what a program calls it, what people call it, and what it means."""

    name: str
    title: str
    kind: Kind = Kind.TEXT
    width: int = 12
    meaning: str = ""

    @property
    def column(self) -> Column:
        return Column(
            f"{self.title}(元)" if self.kind is Kind.MONEY else self.title, self.kind, self.width
        )


@dataclass(frozen=True, slots=True)
class Flat:
    """A table. `rows` are read once, in order, and hold a cell for each field."""

    name: str
    title: str
    meaning: str
    fields: Sequence[Field]
    rows: Iterable[Row]

    @property
    def columns(self) -> list[Column]:
        return [each.column for each in self.fields]

    @property
    def money(self) -> list[Field]:
        """The fields that can be added up to a control total."""
        return [each for each in self.fields if each.kind is Kind.MONEY]
