"""Money in whole fen, basis points, fiscal years, and the ids that natural keys give."""

from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from hashlib import sha1
from typing import NewType, cast
from uuid import UUID

import msgspec

from ledger.errors import Kind, LedgerError

Money = NewType("Money", int)
"""Whole fen (分). Never a float: 0.1 yuan has no exact binary form."""

BasisPoints = NewType("BasisPoints", int)
"""Hundredths of a percent; 10,000 is the whole."""

MONEY_MAX = Money(10**15)
"""Ten trillion yuan: sums of such amounts stay far below 2^53, where JSON numbers lose digits."""

WHOLE_BP = 10_000

CHINA = timezone(timedelta(hours=8))

# Ids of things with a natural key follow from the key, so that the same organisation, batch or
# officer entered twice meets its own stream instead of opening a second one.
_NAMESPACE = UUID("7f1d0f0e-3c5c-5d0b-9a55-6e75616e7a68")
_NAMED = sha1(_NAMESPACE.bytes, usedforsecurity=False)


class AmountNotPositive(LedgerError):
    """Money moves in amounts above zero."""

    code = "amount.not_positive"
    kind = Kind.INVALID

    def __init__(self, amount: Money) -> None:
        super().__init__(f"amount {yuan_text(amount)} yuan is not above zero")


class AmountTooLarge(LedgerError):
    """No city's relief money comes near the largest whole number that every JSON reader keeps."""

    code = "amount.too_large"
    kind = Kind.INVALID

    def __init__(self, amount: Money) -> None:
        super().__init__(f"amount {yuan_text(amount)} yuan is more than {yuan_text(MONEY_MAX)}")


def require_positive(amount: Money) -> None:
    """Check that an amount can move.

    Args:
        amount: Fen.

    Raises:
        AmountNotPositive: It is zero or less.
        AmountTooLarge: It is more than MONEY_MAX.
    """
    if amount <= 0:
        raise AmountNotPositive(amount)
    require_writable(amount)


def require_writable(amount: Money) -> None:
    """Check that an amount or a sum can stand in an event: beyond 2^53 it is no canonical JSON.

    Args:
        amount: Fen; may be negative.

    Raises:
        AmountTooLarge: It is further from zero than MONEY_MAX.
    """
    if abs(amount) > MONEY_MAX:
        raise AmountTooLarge(amount)


def stable_id(kind: str, *key: object) -> UUID:
    """Return the id of the `kind` of thing that `key` names; the same words give the same id.

    Source: RFC 9562, section 5.5 (version 5).
    """
    digest = _NAMED.copy()
    digest.update("\x1f".join((kind, *map(_word, key))).encode())
    return UUID(bytes=digest.digest()[:16], version=5)


def _word(part: object) -> str:
    """Write a part of a key; ids, asked for by the hundred thousand, four times as fast as str."""
    return cast("str", msgspec.to_builtins(part)) if isinstance(part, UUID) else str(part)


def floor_basis_points(ratio: Fraction) -> BasisPoints:
    """Round an exact ratio to basis points, always down: a target is not met by rounding."""
    return BasisPoints(ratio.numerator * WHOLE_BP // ratio.denominator)


def yuan_text(amount: Money) -> str:
    """Write fen as yuan with two decimals, e.g. 123456 fen as `1234.56`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def is_fiscal_year(year: int) -> bool:
    """Unions keep calendar years; a vintage outside living memory is a typing mistake."""
    return date.min.year < 1949 <= year <= 2200  # noqa: PLR2004 - bounds are explained above


def read_moment(text: str) -> datetime:
    """Read a moment as ISO 8601 text; a day, or a time without a zone, is China's."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def day_in_china(text: str) -> date:
    """Return the day that it was in China at a moment, as `read_moment` reads it."""
    return read_moment(text).astimezone(CHINA).date()
