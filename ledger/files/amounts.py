"""Amounts and dates as cells hold them."""

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

_PLAIN = re.compile(r"-?\d{1,13}(\.\d{1,8})?")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?( 00:00:00)?")

Cell = str | int | float | bool | date | datetime | None
"""What a spreadsheet cell can hold, as the reader hands it over."""


def fen(cell: object) -> int | None:
    """Read yuan as whole fen; None when it is no such amount.

    `1,234.50`, `￥600` and full-width digits are harmless spellings; a third decimal that is not
    zero is not, since nobody may round another's money.
    """
    if isinstance(cell, bool) or cell is None:
        return None
    text = unicodedata.normalize("NFKC", str(cell)).strip().replace(",", "")
    text = text.removeprefix("¥").removesuffix("元").strip()
    if isinstance(cell, float):
        text = f"{Decimal(repr(cell)):f}" if cell == cell and abs(cell) < 1e13 else ""  # noqa: PLR0124, PLR2004 - not a number is not itself
    if not _PLAIN.fullmatch(text):
        return None
    try:
        hundredths = Decimal(text) * 100
    except InvalidOperation:
        return None
    return int(hundredths) if hundredths == int(hundredths) else None


def day(cell: object) -> date | None:
    """Read a day: `2017-01-08`, `2017/1/8`, `2017年1月8日`, or a true date cell; else None."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", str(cell)).strip())
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def whole_number(cell: object) -> int | None:
    """Read a whole number of at most nine digits, such as 序号 or 年度; else None."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, float):
        cell = int(cell) if cell.is_integer() else "no"
    text = unicodedata.normalize("NFKC", str(cell)).strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
