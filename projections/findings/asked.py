"""What findings are asked about: one state of the read model, and what else rules look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection, select

from ledger.domain.policy import Deadline
from projections.asked import NOW, Moment, uuid_of
from projections.batches import statements
from projections.followed_lots import FollowedLot
from projections.open_payments import Open


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is borne before it is a doubt; the policy will say so one day.

    Days, and shares in basis points: of what a union spent in a year, what it may have spent in
    the last `rush_days` of it; of what it received in a year, what it may hold at the end. Of
    signatures on one device, how many people's are too many.
    """

    reissue_days: int = 10
    answer_days: int = 7
    passing_on_days: int = 60
    recording_days: int = 30
    rush_days: int = 15
    rush_share_bp: int = 4_000
    idle_share_bp: int = 5_000
    signatures_a_minute: int = 20
    signatures_in_a_row: int = 10
    signatures_at_night: int = 3


@dataclass(frozen=True)
class Asked:
    """One state of the read model, and what rules look at beside it.

    `open` are the payments that have not reached anybody, `followed` the opening surplus of
    `year`, `deadlines` what each campaign's policy asks for, `organisation_ids` who there is.
    """

    connection: Connection
    day: date
    open: Sequence[Open]
    followed: Sequence[FollowedLot] = ()
    year: int | None = None
    deadlines: Mapping[UUID, Sequence[Deadline]] = field(default_factory=dict)
    organisation_ids: Sequence[UUID] = ()
    moment: Moment = NOW
    patience: Patience = Patience()

    @cached_property
    def answered(self) -> set[UUID]:
        """The batches of which a bank return was taken in."""
        of = statements.c.batch_id
        found = select(of).where(self.moment.covers(statements)).distinct()
        return {uuid_of(raw) for raw in self.connection.execute(found).scalars()}

    def past(self, days: int) -> str:
        """Return the last day that is so many days ago."""
        return (self.day - timedelta(days=days)).isoformat()
