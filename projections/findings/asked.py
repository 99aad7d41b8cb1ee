"""What findings are asked about: one state of the read model, and what else rules look at."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection, select

from ledger.domain.policy import Deadline, LimitName
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
    are too many. Of one telephone, how many people may have it (`people_a_phone`); for how many
    natural days after the first a public notice hangs at least (`notice_days`); and at which age
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
    notice_days: int = 5
    retirement_men_years: int | None = None
    retirement_women_years: int | None = None


@dataclass(frozen=True, slots=True)
class Reread:
    """An adoption that follows another, or bears more: `loosened` names what it bears more of.

    Each is the kind of what was loosened and its name, as `limit again_days`. `organisation_id`
    None: of a policy from before adoptions said whose they are.
    """

    policy_id: UUID
    code: str
    number: int
    position: int
    organisation_id: UUID | None
    happened_on: date
    effective_from: date
    loosened: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beyond:
    """What an adoption of a lower union allows and a policy above (`above`, its code) does not.

    `allowed` is its kind and its name, as `maximum 一线职工`; `since` the day on which both were
    adopted. `over`: the lists that were judged by it were so before that day.
    """

    code: str
    number: int
    position: int
    organisation_id: UUID
    since: date
    above: str
    allowed: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """How much is borne at some organisations, from a day on and up to before another.

    `places` None: wherever no span before it says otherwise. The first has no beginning, the last
    no end: `since` is empty then, `until` None.
    """

    places: frozenset[UUID] | None
    since: str
    until: str | None
    patience: Patience

    def covers(self, place: UUID | None, day: str) -> bool:
        """Say whether what happened there on a day is judged by it, unless by one before it."""
        here = self.places is None or place in self.places
        return here and self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True)
class Asked:
    """One state of the read model, and what rules look at beside it.

    `open` are the payments that have not reached anybody, `followed` the opening surplus of
    `year`, `deadlines` what each campaign's policy asks for, `organisation_ids` who there is.
    `day_of` uncovers a day that a list of others holds veiled: of which file, whose, and the note.
    `patience` is what is borne today at the top, `spans` what is borne where and since when: none,
    where it is the same everywhere and always. `reach` are the organisations of a campaign that not
    all take part in, `rereadings` the adoptions that changed what had counted before, `beyond` what
    policies of lower unions allow that those above do not.
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
    spans: tuple[Span, ...] = ()
    reach: Mapping[UUID, Collection[UUID]] = field(default_factory=dict)
    rereadings: tuple[Reread, ...] = ()
    beyond: tuple[Beyond, ...] = ()

    @cached_property
    def answered(self) -> set[UUID]:
        """The batches of which a bank return was taken in."""
        of = statements.c.batch_id
        found = select(of).where(self.moment.covers(statements)).distinct()
        return {uuid_of(raw) for raw in self.connection.execute(found).scalars()}

    def borne_at(self, place: UUID | None, day: str) -> Patience:
        """Return how much is borne of what happened at a place on a day."""
        if place not in self._spans_at:
            here = [each for each in self.spans if each.places is None or place in each.places]
            self._spans_at[place] = here
        for each in self._spans_at[place]:
            if each.covers(place, day):
                return each.patience
        return self.patience

    @cached_property
    def _spans_at(self) -> dict[UUID | None, list[Span]]:
        return {}

    def values(self, name: LimitName) -> set[int]:
        """Return all values of a limit that count anywhere, or once did."""
        borne = [each.patience for each in self.spans] or [self.patience]
        return {getattr(each, name.value) for each in borne}

    def taking_part(self, campaign_id: UUID, among: Collection[UUID]) -> list[UUID]:
        """Return who of these takes part in a campaign, in the order of the register."""
        part = self.reach.get(campaign_id)
        return [
            each
            for each in self.organisation_ids
            if each in among and (part is None or each in part)
        ]

    def past(self, days: int) -> str:
        """Return the last day that is so many days ago."""
        return (self.day - timedelta(days=days)).isoformat()
