"""An organisation's money in figures: what came, what went on, what reached people."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from operator import attrgetter
from uuid import UUID

from sqlalchemy import Connection

from ledger.domain.values import Money
from projections.asked import NOW, Moment, uuid_of
from projections.journal import Account
from projections.journal_sums import of_organisations, routes
from projections.movements import withdrawals

NOTHING = Money(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """In fen, and what came is what went or is in hand.

    `received` + `came_down` = `passed_on` + `remitted` + `paid` + `in_transit` + `in_hand`.

    `remitted_fen` went to other ledgers and was not taken back; of that, `unacknowledged_fen` is
    still on its way.
    `received_fen` came from outside, `came_down_fen` from organisations above; `returned_fen` is
    what the bank ever sent back, also where it was paid again since.
    """

    received_fen: Money = NOTHING
    came_down_fen: Money = NOTHING
    passed_on_fen: Money = NOTHING
    paid_fen: Money = NOTHING
    returned_fen: Money = NOTHING
    in_transit_fen: Money = NOTHING
    in_hand_fen: Money = NOTHING
    remitted_fen: Money = NOTHING
    unacknowledged_fen: Money = NOTHING

    def __add__(self, other: "Figures") -> "Figures":
        return total((self, other))


def figures(
    connection: Connection, organisation_ids: Collection[UUID], moment: Moment = NOW
) -> dict[UUID, Figures]:
    """Return the figures of each organisation that has any, of its own accounts alone."""
    by, among = ("organisation_id",), of_organisations(organisation_ids)
    found = routes(connection, moment, by, among)
    never_left = withdrawals(connection, [each.bytes for each in organisation_ids], moment)
    return {
        uuid_of(organisation): Figures(
            of.between(Account.SOURCE, Account.FUND),
            of.between(Account.TRANSFER, Account.FUND),
            of.between(Account.FUND, Account.TRANSFER),
            of.net(Account.RECIPIENT),
            Money(of.into(Account.RETURNED) - never_left.get(organisation, 0)),
            of.net(Account.TRANSIT, Account.RETURNED),
            of.net(Account.FUND),
            Money(of.net(Account.REMITTED, Account.LEDGERS)),
            of.net(Account.REMITTED),
        )
        for (organisation,), of in found.items()
    }


def total(of: Collection[Figures]) -> Figures:
    """Add figures up. What came down within them was passed on within them."""
    return Figures(
        *(Money(sum(amounts)) for amounts in zip(*map(_AMOUNTS, of), strict=True) if amounts)
    )


_AMOUNTS = attrgetter(*(each.name for each in fields(Figures)))
