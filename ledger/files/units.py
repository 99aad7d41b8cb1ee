"""In which unit a list has its amounts: in yuan, unless it says another above or in a title."""

import re
from collections.abc import Iterator, Mapping, Sequence

from ledger.files.columns import Lines
from ledger.files.faults import Fault, FileRefused
from ledger.files.text import heading

UNITS: Mapping[str, int] = {"元": 1, "百元": 100, "千元": 1_000, "万元": 10_000, "亿元": 10**8}
"""Yuan to one of each."""

_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_SAID = re.compile(rf"单位[:(]*(?:人民币)?[:(]*({_UNIT})(?![\u4e00-\u9fff])")
_IN_BRACKETS = re.compile(rf"\((?:人民币)?({_UNIT})\)")


def unit_of(name: str, lines: Lines, at: int, column: int | None, field: str) -> int:
    """Return how many yuan one stands for in a column of amounts.

    Args:
        name: What messages call the file.
        lines: Its rows.
        at: Where in them the header stands.
        column: Which of its columns holds the amounts, from 0; None: none.
        field: What messages call that column.

    Raises:
        FileRefused: `amount.unit_contradicts`, where one place says another unit than the other.
    """
    said: dict[str, int] = {}
    for line, text in _texts(lines[:at]):
        for unit in _SAID.findall(text):
            said.setdefault(unit, line)
    for line, text in _titles(lines[: at + 1], column):
        for unit in (*_SAID.findall(text), *_IN_BRACKETS.findall(text)):
            said.setdefault(unit, line)
    if len(said) > 1:
        where = ", ".join(f"{unit} (row {line})" for unit, line in said.items())
        raise FileRefused(Fault(name, line, field, "amount.unit_contradicts", where))
    return UNITS[next(iter(said), "元")]


def _texts(lines: Lines) -> Iterator[tuple[int, str]]:
    """Yield what stands above a header; a unit may be kept apart from its word, cell by cell."""
    for line, cells in lines:
        texts: Sequence[str] = [heading(cell) for cell in cells if isinstance(cell, str)]
        yield line, " ".join(texts)
        yield line, "".join(texts)


def _titles(lines: Lines, column: int | None) -> Iterator[tuple[int, str]]:
    """Yield what titles the amounts: in their column, or alone in its line the list's own title.

    A title begins its line. What stands in brackets elsewhere may be another column's unit, unless
    it says nothing else.
    """
    for line, cells in lines:
        texts = [(at, heading(each)) for at, each in enumerate(cells) if isinstance(each, str)]
        filled = [(at, text) for at, text in texts if text]
        for at, text in filled:
            of_list = len(filled) == 1 and (at == 0 or _IN_BRACKETS.fullmatch(text))
            if column is not None and (at == column or of_list):
                yield line, text
