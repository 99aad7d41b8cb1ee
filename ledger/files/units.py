"""In which unit a list has its amounts: in yuan, unless it says another above or in a title."""

import re
from collections.abc import Iterator, Mapping, Sequence

from ledger.files.columns import Lines
from ledger.files.faults import Fault, FileRefused
from ledger.files.text import heading

UNITS: Mapping[str, int] = {"元": 1, "百元": 100, "千元": 1_000, "万元": 10_000, "亿元": 10**8}
"""Yuan to one of each."""

_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_SAID_ABOVE = re.compile(rf"单位:?(?:人民币)?({_UNIT})(?![\u4e00-\u9fff])")
_IN_TITLE = re.compile(rf"\(({_UNIT})\)")


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
        for unit in _SAID_ABOVE.findall(text):
            said.setdefault(unit, line)
    line, titles = lines[at]
    title = titles[column] if column is not None and column < len(titles) else None
    for unit in _IN_TITLE.findall(heading(title)) if isinstance(title, str) else ():
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
