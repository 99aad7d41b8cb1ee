"""Amounts and dates as cells hold them."""

import math
import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal

YUAN_MAX = 10**13
WHOLE_MAX = 10**9
_PLAIN = re.compile(r"-?([0-9]{1,13}|[0-9]{1,3}(,[0-9]{3}){1,4})(\.[0-9]{1,8})?")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?( 0?0:00(:00)?)?")
_MOMENT = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?")


def fen(cell: object, unit_yuan: int = 1) -> int | None:
    """Read yuan as whole fen; None when it is no such amount.

    `1,234.50`, `￥600` and full-width digits are harmless spellings; a third decimal that is not
    zero is not, since nobody may round another's money. A comma stands before three digits or it
    makes no amount. Of a float cell the 15 digits count that a spreadsheet shows and keeps: the
    rest is what adding binary fractions leaves behind.

    Args:
        cell: Yuan, as the reader hands the cell over.
        unit_yuan: How many yuan one stands for: 10,000 in a list that is kept in 万元. A cell that
            says 元 itself is then no amount.
    """
    if isinstance(cell, bool) or cell is None:
        return None
    if isinstance(cell, int) and 0 <= cell * unit_yuan < YUAN_MAX:
        return cell * unit_yuan * 100
    if isinstance(cell, float):
        text = f"{Decimal(f'{cell:.15g}'):f}" if math.isfinite(cell) else ""
    else:
        text = unicodedata.normalize("NFKC", str(cell)).strip()
        text = text.removeprefix("¥")
        text = (text.removesuffix("元") if unit_yuan == 1 else text).strip()
    if not _PLAIN.fullmatch(text):
        return None
    hundredths = Decimal(text.replace(",", "")) * 100 * unit_yuan
    if abs(hundredths) >= YUAN_MAX * 100 or hundredths != int(hundredths):
        return None
    return int(hundredths)


def yuan(amount_fen: int) -> str:
    """Write fen as yuan with two decimals, as files and people have them: `1234.50`."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def day(cell: object) -> date | None:
    """Read a day: `2017-01-08`, `2017/1/8`, `2017年1月8日`, or a true date cell; else None.

    Midnight may stand behind it, as spreadsheets write days to CSV. A number of days, which is what
    a cell without a format shows, is no date: two kinds of workbooks count from days four years
    apart.
    """
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    match = _DATE.fullmatch(_plain(cell))
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def moment(cell: str) -> datetime | None:
    """Read a day and time: ISO 8601, or `2017/1/20 9:05` as spreadsheets write it; else None."""
    match = _MOMENT.fullmatch(_plain(cell))
    if match is not None:
        year, month, of_month, hour, minute, second = match.groups("00")
        cell = f"{year}-{month:0>2}-{of_month:0>2}T{hour:0>2}:{minute}:{second}"
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None


def _plain(cell: object) -> str:
    """Write a cell in ASCII digits, with one space between words and none beside 年 and 月."""
    text = " ".join(unicodedata.normalize("NFKC", str(cell)).split())
    return re.sub(r" ?([年月/.-]) ?| (?=日)", r"\1", text)


def whole_number(cell: object) -> int | None:
    """Read a whole number of at most nine digits, such as 序号 or 年度; else None."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int) and 0 <= cell < WHOLE_MAX:
        return cell
    if isinstance(cell, float):
        cell = int(cell) if cell.is_integer() else "no"
    text = unicodedata.normalize("NFKC", str(cell)).strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
