"""Looking for people: by whole values on record, and only so often a day.

What is shown masked is known again by whoever guesses it whole and is told that it was right. So a
search by a whole value is a look at whom it finds, like a reading in clear.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import Connection

from api.access.door import Look
from api.access.journal import AccessJournal, Entry
from api.callers import Caller, Reach, TheCaller, TheReach
from api.dependencies import Served, TheReadModel, TheServed
from api.trials import TRIAL
from ledger.commands.recipients import MAY_UNMASK
from ledger.commands.searching import find_people
from projections.organisations import tree_on
from projections.people import people_known_at

SEARCHES_A_DAY_MAX = 100
"""Of those who may not read in clear: by far more than papers on a desk ask for."""

SEARCHES_A_DAY_MAX_IN_CLEAR = 1_000
"""Of those who may, wherever they see: a day at the counter, and no table of guesses."""

SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Looking:
    """Looks for people on behalf of somebody."""

    found: Served
    model: Connection
    caller: Caller
    reach: Reach
    address: str

    def people(self, known: Mapping[str, str], limit: int) -> dict[UUID, int]:
        """Return the first people within reach of whom all this holds, with their payments there.

        Args:
            known: As `find_people` is told it.
            limit: How many at most.

        Raises:
            NothingAsked: Nothing is known.
            TooManyLooks: They looked by whole values often enough today.
        """
        ids = sorted(find_people(self.found.ledger, known))
        near = people_known_at(self.model, ids, self.reach.ids, limit)
        whole = tuple(kind for kind in known if not kind.endswith(" masked"))
        if whole:
            most = SEARCHES_A_DAY_MAX_IN_CLEAR if self._may_unmask() else SEARCHES_A_DAY_MAX
            self.found.door.look(
                self.caller.officer_id,
                Look(SEARCH, whole, near, len(whole), most),
                day=self.caller.day,
                now_s=self.found.clock.now_s(),
                address=self.address,
            )
        return near

    def _may_unmask(self) -> bool:
        """Say whether they may read in clear everybody whom they could find."""
        tree = tree_on(self.model, self.caller.day)
        places = self.caller.places(MAY_UNMASK)
        return self.reach.ids <= {below for at in places for below in tree.subtree(at)}


LOOKS = (SEARCH, TRIAL)
LOOKS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Watch:
    """Which looks at people somebody is shown, or asks for: by officers, or at people of places.

    `officers` None: by whomever. `since_s` to before `until_s`, in seconds since 1970.
    """

    officers: Collection[UUID] | None
    places: Collection[UUID]
    officer_id: UUID | None = None
    since_s: int | None = None
    until_s: int | None = None


def looks_watched(
    journal: AccessJournal,
    model: Connection,
    asked: Watch,
    *,
    before: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Return looks at people, the last first: by those who are watched, or at whom they are."""
    found: list[Entry] = []
    while len(found) < limit:
        some = journal.latest(
            before=before,
            officer_id=asked.officer_id,
            what=LOOKS,
            since_s=asked.since_s,
            until_s=asked.until_s,
            limit=LOOKS_AT_ONCE,
        )
        people = list({person for each in some for person in each.people})
        near = people_known_at(model, people, asked.places, len(people))
        found += [
            each
            for each in some
            if asked.officers is None
            or each.officer_id in asked.officers
            or not near.keys().isdisjoint(each.people)
        ]
        if len(some) < LOOKS_AT_ONCE:
            break
        before = some[-1].number
    return found[:limit]


def looking(
    request: Request, found: TheServed, model: TheReadModel, caller: TheCaller, reach: TheReach
) -> Looking:
    address = request.client.host if request.client else ""
    return Looking(found, model, caller, reach, address)


TheLooking = Annotated[Looking, Depends(looking)]
