"""What findings are asked about: one state of the read model, and what else rules look at."""

from collections.abc import Callable, Mapping, Sequence
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
class Verification:
    """How the log was last verified: `code` where it does not hold, and keys that proved nothing.

    `doubts` are a key's id, and from which position up to before which it was in other hands.
    """

    day: str
    code: str | None = None
    detail: str = ""
    position: int | None = None
    doubts: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is borne before it is a doubt.

    Days, counts, fen, and shares in basis points: of what a union spent in a year, what it may have
    spent in the last `rush_days` of it; of what it received in a year, what it may hold at the end;
    of the payments of a class in a campaign, how few may share an amount (`odd_share_bp`, where
    there are `many` of them at all; more than `odd_amounts` of these are told as one); of a union's
    payments in one, how many may be of one amount whatever the class (`even_share_bp`).
    `minutes_above_fen` None: no list needs minutes. Of signatures on one device, how many people's
    are too many. Of one telephone, how many people may have it (`people_a_phone`); and at which age
    people retire, in years: None, unless a policy says so. Lists are judged by these when they are
    drafted.
    """

    reissue_days: int = 10
    answer_days: int = 7
    passing_on_days: int = 60
    recording_days: int = 30
    rush_days: int = 15
    rush_share_bp: int = 4_000
    idle_share_bp: int = 5_000
    yearly_maximum_fen: int = 600_000
    again_days: int = 60
    card_days: int = 15
    bank_days: int = 10
    many: int = 20
    odd_share_bp: int = 300
    odd_amounts: int = 10
    even_share_bp: int = 9_000
    minutes_above_fen: int | None = None
    signatures_a_minute: int = 20
    signatures_in_a_row: int = 10
    signatures_at_night: int = 3
    people_a_phone: int = 3
    retirement_men_years: int | None = None
    retirement_women_years: int | None = None


@dataclass(frozen=True)
class Asked:
    """One state of the read model, and what rules look at beside it.

    `open` are the payments that have not reached anybody, `followed` the opening surplus of
    `year`, `deadlines` what each campaign's policy asks for, `organisation_ids` who there is.
    `day_of` uncovers a day that a list of others holds veiled: of which file, whose, and the note.
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
    verified: Verification | None = None
    day_of: Callable[[str, bytes, bytes], date] | None = None

    @cached_property
    def answered(self) -> set[UUID]:
        """The batches of which a bank return was taken in."""
        of = statements.c.batch_id
        found = select(of).where(self.moment.covers(statements)).distinct()
        return {uuid_of(raw) for raw in self.connection.execute(found).scalars()}

    def past(self, days: int) -> str:
        """Return the last day that is so many days ago."""
        return (self.day - timedelta(days=days)).isoformat()
