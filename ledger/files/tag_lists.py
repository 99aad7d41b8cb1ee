"""A list of tags as a file: what a city says of its payments in a period, before it is sealed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import NamedTuple

import msgspec

from ledger.errors import Kind, LedgerError

FORMAT = "nuanzhang tag list 1"
TAG_DIGITS, SALT_DIGITS = 64, 64
BYTES_MAX = 500_000_000


class TagListUnreadable(LedgerError):
    """What the seal held is no list of tags."""

    code = "tag_list.unreadable"
    kind = Kind.INVALID

    def __init__(self, cause: str) -> None:
        super().__init__(f"this is no list of tags: {cause}")


class TagRow(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One payment: its id in its own ledger, whose it is (no tag: not to be told), what and when.

    `paid_on` is the day on which its money was first drawn.
    """

    payment_id: str
    tag: str
    amount_fen: int
    paid_on: date
    campaign: str
    category: str


class TagList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All payments of a period, sorted by their ids; the salt keeps its hash from being guessed."""

    format: str
    origin: str
    key_name: str
    since: date
    until: date
    salt: str
    rows: tuple[TagRow, ...]

    def content(self) -> bytes:
        return msgspec.json.encode(self)


@dataclass(frozen=True, slots=True)
class ReadList:
    """A list as it was read, and the SHA-256 of its bytes, which its ledger's log holds."""

    listed: TagList
    sha256: str


class Draw(NamedTuple):
    """Money that moved for a payment: drawn, or restored (less than nothing), in fen."""

    payment_id: str
    amount_fen: int
    on: date


class Drawn(NamedTuple):
    """What stands drawn for a payment, in fen, and on which day it was first drawn."""

    amount_fen: int
    first_on: date


def read_tag_list(content: bytes) -> ReadList:
    """Read what `TagList.content` wrote.

    Raises:
        TagListUnreadable: It is something else, or written in another way.
    """
    try:
        listed = msgspec.json.decode(content, type=TagList)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise TagListUnreadable("it cannot be read") from None
    ids = [row.payment_id for row in listed.rows]
    if listed.format != FORMAT:
        raise TagListUnreadable("it is of another format")
    if ids != sorted(set(ids)):
        raise TagListUnreadable("a payment stands in it twice, or out of order")
    if any(len(row.tag) not in (0, TAG_DIGITS) or row.amount_fen <= 0 for row in listed.rows):
        raise TagListUnreadable("a row of it cannot be")
    return ReadList(listed, sha256(content).hexdigest())


def standing(draws: Iterable[Draw], since: date, until: date) -> dict[str, Drawn]:
    """Return what stands drawn for each payment that was first drawn in a period.

    What came back whole is left out: nobody has it.
    """
    found: dict[str, Drawn] = {}
    for payment_id, amount_fen, on in draws:
        before = found.get(payment_id)
        first_on = on if before is None else min(before.first_on, on)
        found[payment_id] = Drawn((before.amount_fen if before else 0) + amount_fen, first_on)
    return {
        payment_id: drawn
        for payment_id, drawn in found.items()
        if drawn.amount_fen > 0 and since <= drawn.first_on <= until
    }
