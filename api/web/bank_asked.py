"""What the pages of bank accounts are asked in their addresses and forms."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated
from uuid import UUID

from fastapi import Form

from ledger.domain.values import MONEY_MAX
from ledger.errors import Kind, LedgerError
from projections.bank_lines import After, LineView

CHOSEN_MAX = 2_000
PLACE = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9]{1,9}$"

Places = Annotated[list[Annotated[str, Form(pattern=PLACE)]], Form(max_length=CHOSEN_MAX)]
InHand = Annotated[str, Form(pattern=PLACE)]
Reason = Annotated[str, Form(min_length=1, max_length=200)]


class AmountUnreadable(LedgerError):
    """An amount is yuan with two decimals at most."""

    code = "amount.unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("an amount is written in yuan, with two decimals at most")


class DayUnreadable(LedgerError):
    """A day is written YYYY-MM-DD."""

    code = "day.unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("a day is written YYYY-MM-DD")


class PlaceUnreadable(LedgerError):
    """The address names no line of a page."""

    code = "bank_line.place_unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("the address names no bank line; begin at the account's page")


def fen_of(text: str) -> int:
    """Read yuan as people write them into fen.

    Raises:
        AmountUnreadable: It is no amount in yuan with two decimals at most.
    """
    plain = text.translate({ord(each): None for each in ",，¥￥ "})
    try:
        fen = Decimal(plain) * 100
        whole = int(fen)
    except (InvalidOperation, ValueError, OverflowError):
        raise AmountUnreadable from None
    if whole != fen or abs(whole) > MONEY_MAX:
        raise AmountUnreadable
    return whole


def day_of(text: str) -> date:
    """Read a day.

    Raises:
        DayUnreadable: It is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DayUnreadable from None


def place_of(line: LineView) -> str:
    """Return what forms and addresses call a line: its statement, its place there."""
    return f"{line.statement_id}.{line.line}"


def read_place(text: str) -> tuple[UUID, int]:
    """Read what `place_of` wrote, or the same of an item: stream and version.

    Raises:
        PlaceUnreadable: It is neither.
    """
    id_, _, number = text.partition(".")
    try:
        return UUID(id_), int(number)
    except ValueError:
        raise PlaceUnreadable from None


def read_after(text: str | None) -> After | None:
    """Read where a page goes on.

    Raises:
        PlaceUnreadable: It is no place.
    """
    if not text:
        return None
    day, _, position = text.partition(".")
    try:
        return After(day_of(day).isoformat(), int(position))
    except (ValueError, DayUnreadable):
        raise PlaceUnreadable from None


def write_after(line: LineView) -> str:
    return f"{line.booked_on}.{line.position}"


def sought(q: str | None) -> tuple[int | None, str | None]:
    """Take what is sought for an amount, or else for the beginning of a reference."""
    if not q:
        return None, None
    try:
        return abs(fen_of(q)), None
    except AmountUnreadable:
        return None, q.strip()
