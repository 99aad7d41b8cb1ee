"""Old money by organisation and vintage, against the lines that the policy draws."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from api.known import Known
from projections.followed_lots import Consumption, FollowedLot, Pace, Target, consumption
from projections.organisations import Organisation


@dataclass(frozen=True, slots=True)
class OldMoney:
    """What became of an organisation's opening surplus, alone or with all below it.

    `vintages` are what it came from, the oldest first.
    """

    organisation: Organisation
    alone: bool
    of: Consumption
    pace: Pace
    vintages: list[tuple[int, Consumption]]


def old_money_of(
    known: Known, organisation: Organisation, *, alone: bool, year: int
) -> OldMoney | None:
    """Return how old money of one organisation goes down; None where there was none."""
    ids = [organisation.organisation_id]
    if not alone:
        ids = known.tree.subtree(organisation.organisation_id)
    followed = followed_of(known, ids)
    of = consumption(followed)
    began = min((known.opened_on[id_] for id_ in ids if id_ in known.opened_on), default=None)
    targets = [known.targets[id_] for id_ in ids if id_ in known.targets]
    if not of.opening_fen or began is None or not targets:
        return None
    target = next((each for each in targets if not each.asks_nothing), targets[0])
    pace = target.pace(year, of, date.fromisoformat(began), known.day)
    return OldMoney(organisation, alone, of, pace, list(_vintages(followed)))


def followed_of(known: Known, ids: Iterable[UUID]) -> list[FollowedLot]:
    """Return the lots of these organisations' opening surplus."""
    return [each for id_ in ids for each in known.by_owner.get(id_, ())]


def pace_of(
    target: Target, year: int, of: Consumption, began: str | None, day: date
) -> Pace | None:
    """Return how old money stands; None where there is none of it."""
    if not of.opening_fen or began is None:
        return None
    return target.pace(year, of, date.fromisoformat(began), day)


def _vintages(followed: list[FollowedLot]) -> Iterator[tuple[int, Consumption]]:
    for vintage in sorted({each.vintage for each in followed}):
        yield vintage, consumption(each for each in followed if each.vintage == vintage)
