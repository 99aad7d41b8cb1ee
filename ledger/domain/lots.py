"""Pieces of lots, as events name them: which lot, whose money it first was, of which year."""

from uuid import UUID

import msgspec

from ledger.domain.values import Money


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A piece of one lot; `origin_id` is the lot that first came in from outside."""

    lot_id: UUID
    origin_id: UUID
    vintage: int
    amount_fen: Money


class LotIn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A lot made in this account from a piece of another account's lot."""

    lot_id: UUID
    parent_id: UUID
    origin_id: UUID
    vintage: int
    source: str
    document: str
    amount_fen: Money
