"""Lists of other authorities as they are handed in: over /v1, on a page, from the command line."""

import re

from fastapi import UploadFile

from api.uploads import filename_of, whole
from ledger.domain.outside_list import ListKind
from ledger.errors import Kind, LedgerError
from ledger.files.columns import COLUMNS_MAX, Layout
from ledger.files.outside_lists import NUMBERS, OutsideFile, fields_of

COLUMN = re.compile(r"[A-Za-z]{1,2}")


class ColumnUnclear(LedgerError):
    """A column is named by its letters, as spreadsheets do."""

    code = "outside_list.column_unclear"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__(
            f"columns are A, B, …, {COLUMNS_MAX} at most, all of them and a header row"
        )


def uploaded(
    file: UploadFile, kind: ListKind, header_row: int | None, number: str, beside: str
) -> OutsideFile:
    """Return an uploaded list; it is read later, row by row.

    Raises:
        UploadTooLarge: It is larger than any list.
        ColumnUnclear: As it says.
    """
    name = filename_of(file)
    return OutsideFile(name, whole(file), kind, layout_of(kind, header_row, number, beside))


def layout_of(kind: ListKind, header_row: int | None, number: str, beside: str) -> Layout | None:
    """Return how to read a list whose titles do not say so; None where nothing is said of it.

    Args:
        kind: What the list is of.
        header_row: The row of the titles, from 1.
        number: Letters of the column with the ID, card or phone numbers.
        beside: Of the column that such a list has beside them, if it has one.

    Raises:
        ColumnUnclear: Some of this is said and some is not, or it is no column.
    """
    if header_row is None and not number and not beside:
        return None
    wanted = fields_of(kind).required
    others = [each for each in wanted if each not in NUMBERS]
    places = {_place(number): next(each for each in wanted if each in NUMBERS)}
    if others:
        places[_place(beside)] = others[0]
    if header_row is None or len(places) < len(wanted):
        raise ColumnUnclear
    return Layout(header_row, tuple(places.get(at) for at in range(max(places) + 1)))


def _place(column: str) -> int:
    if COLUMN.fullmatch(column.strip()) is None:
        raise ColumnUnclear
    place = 0
    for letter in column.strip().upper():
        place = place * 26 + ord(letter) - ord("A") + 1
    if place > COLUMNS_MAX:
        raise ColumnUnclear
    return place - 1
