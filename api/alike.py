"""Signatures that look alike, as one reader may see them: sides beyond their reach stay unnamed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from api.callers import Reach
from api.payees import payees_of
from api.v1.models import Payee
from ledger.store.application import Ledger, NotOnRecord
from projections.signature_clusters import Pair, Side, pairs_of


@dataclass(frozen=True, slots=True)
class SeenSide:
    """A signature that may be looked at, and what may be shown of whose it is."""

    side: Side
    payee: Payee


@dataclass(frozen=True, slots=True)
class SeenPair:
    """A pair; a side that is None lies beyond the reader's reach."""

    pair: Pair
    one: SeenSide | None
    other: SeenSide | None

    @property
    def sides(self) -> tuple[SeenSide | None, SeenSide | None]:
        return self.one, self.other


def pairs_seen(model: Connection, ledger: Ledger, reach: Reach, cluster: int) -> list[SeenPair]:
    """Return a cluster's pairs.

    Raises:
        NotOnRecord: There is none within reach.
    """
    found = pairs_of(model, cluster, sorted(reach.ids))
    if not found:
        raise NotOnRecord("signature cluster", UUID(int=cluster))

    sides = (side for each in found for side in (each.one, each.other))
    within = [side.disbursement_id for side in sides if side.organisation_id in reach.ids]
    payees = payees_of(ledger, within)

    def seen(side: Side) -> SeenSide | None:
        payee = payees.get(side.disbursement_id)
        return None if payee is None else SeenSide(side, payee)

    return [SeenPair(each, seen(each.one), seen(each.other)) for each in found]


def shown_of(pairs: Sequence[SeenPair]) -> list[tuple[UUID, str]]:
    """Return the signatures of pairs that may be looked at, each once."""
    sides = [each for pair in pairs for each in pair.sides if each is not None]
    return list(dict.fromkeys((each.side.disbursement_id, each.side.sha256) for each in sides))
