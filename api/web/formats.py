"""Amounts, dates and shares as people write them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Literal, Self

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from babel.units import format_unit

from ledger.domain.values import CHINA, BasisPoints

NONE = "—"
"""Stands where there is no figure; never 0 or 100 %."""

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "兆")
FEN_PER_YUAN = 100
GROUP = 10_000
MINUTE_MS = 60 * 1000


class Counted(str):
    """A number as people write it, which still knows what it counts."""

    __slots__ = ("number",)
    number: int

    def __new__(cls, written: str, number: int) -> Self:
        made = super().__new__(cls, written)
        made.number = number
        return made


def yuan(fen: int | None) -> str:
    """Write an amount in fen as ¥1,234.00."""
    if fen is None:
        return NONE
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{sign}¥{whole:,}.{rest:02d}"


def capital(fen: int) -> str:
    """Write an amount in fen in capitals, as vouchers carry it: 壹仟贰佰叁拾肆元整.

    Source: 支付结算办法 (银发〔1997〕393号), 附一 正确填写票据和结算凭证的基本规定.
    """
    if fen < 0:
        return f"负{capital(-fen)}"
    whole, rest = divmod(fen, FEN_PER_YUAN)
    jiao, cents = divmod(rest, 10)
    text = f"{_whole(whole)}元" if whole else ""
    if not rest:
        return f"{text or '零元'}整"
    if jiao:
        text += f"{DIGITS[jiao]}角"
    elif whole:
        text += "零"
    return text + (f"{DIGITS[cents]}分" if cents else "整")


def percent(points: BasisPoints | int | None) -> str:
    """Write basis points as a percentage with two decimals."""
    return NONE if points is None else f"{Decimal(points) / 100:.2f}%"


def count(number: int, locale: str) -> Counted:
    """Write a number; sentences that count take their form by it."""
    return Counted(format_decimal(number, locale=locale_of(locale)), number)


def day(value: date | str | None, locale: str) -> str:
    """Write a day, or the day that ISO 8601 text names, of a moment that on China's calendar."""
    if value is None:
        return NONE
    on = china_day(value) if isinstance(value, str) else value
    return str(format_date(on, "medium", locale=locale_of(locale)))


def china_day(value: str) -> date:
    """Return the day of ISO 8601 text: its own, or that on which the moment was in China."""
    if "T" not in value:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value).astimezone(CHINA).date()


def moment(value: str | int | None, locale: str) -> str:
    """Write a moment on China's clocks: ISO 8601 text, or seconds since 1970."""
    if value is None:
        return NONE
    when = (
        datetime.fromtimestamp(value, UTC)
        if isinstance(value, int)
        else datetime.fromisoformat(value)
    )
    return str(format_datetime(when, "medium", tzinfo=CHINA, locale=locale_of(locale)))


def seconds(took_ms: int, locale: str) -> str:
    """Write how long something took: 0.4 seconds, 2 minutes."""
    longer = took_ms >= MINUTE_MS
    number, unit = (took_ms / MINUTE_MS, "minute") if longer else (took_ms / 1000, "second")
    # In Chinese, Babel knows the unit's short form alone.
    length: Literal["short", "narrow"] = "short" if locale.startswith("zh") else "narrow"
    return str(format_unit(round(number, 1), f"duration-{unit}", length, locale=locale_of(locale)))


@cache
def locale_of(name: str) -> Locale:
    """Return what Babel knows of a locale, which it looks for on disk each time it is asked."""
    return Locale.parse(name)


def _whole(number: int) -> str:
    """Write whole yuan: groups of four digits, and one 零 for each run of noughts inside."""
    text, gap = "", False
    for at in range(len(GROUPS) - 1, -1, -1):
        group = number // GROUP**at % GROUP
        if not group:
            gap = gap or bool(text)
            continue
        if text and (gap or group < GROUP // 10):
            text += "零"
        text += _group(group) + GROUPS[at]
        gap = False
    return text


def _group(group: int) -> str:
    text, gap = "", False
    for at in range(len(PLACES) - 1, -1, -1):
        digit = group // 10**at % 10
        if not digit:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + DIGITS[digit] + PLACES[at]
        gap = False
    return text
