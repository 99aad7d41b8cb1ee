"""What several ledgers come to together, from the packs that each of them published.

Nothing is believed that a pack does not prove, and a ledger of which nothing could be proved is
named and left out of the sums. Money that one of them sent another is told apart: each counts only
what came to it from outside, so nothing is counted twice.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

from ledger.domain.events import committing_topics
from ledger.errors import LedgerError
from ledger.evidence.cosignature import CosignatureKey, require_quorum
from ledger.evidence.pack_check import CheckedPack, check_pack
from ledger.evidence.verify import Rules
from ledger.evidence.vouching import FirstKey
from ledger.packs.city_figures import (
    Came,
    Figures,
    Piece,
    PieceHere,
    Reached,
    Sent,
    SourceFigures,
    Surplus,
    Unopened,
    city_figures,
)
from ledger.packs.city_money import Place
from ledger.packs.contents import LEDGER
from ledger.packs.file import read_pack

UNSOUND = (KeyError, TypeError, ValueError, IndexError, AttributeError)
"""What asking events meets that a city signed past its own rules."""

ON_ITS_WAY_DAYS = 30
"""How long a remittance may be on its way before it is told as amiss."""

TFound = TypeVar("TFound")


@dataclass(frozen=True, slots=True)
class City:
    """A ledger that is to be counted: founding key and log name are known from elsewhere."""

    name: str
    key_id: str
    origin: str
    file: Path


class State(StrEnum):
    """Whether a city is counted, and if not, why.

    `contradicted` is a log of which the province's own witness holds proof that it has two
    histories: whichever of them a pack shows, there is another.
    """

    COUNTED = "counted"
    MISSING = "missing"
    BROKEN = "broken"
    UNWITNESSED = "unwitnessed"
    STALE = "stale"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of one city; `figures` where it is counted, `cause` where it is not.

    `published_at` is the city's own word, `cosigned_at` that of the province's witness. `attested`
    counts the pack's entries by who answers for them, and `first_keys` are those from which the
    officers' own descend: where a pack holds, whether or not its city is counted.
    """

    city: City
    state: State
    cause: str = ""
    size: int | None = None
    root: str = ""
    published_at: str = ""
    cosigned_at: str = ""
    figures: Figures | None = None
    attested: Mapping[str, int] = field(default_factory=dict)
    first_keys: Sequence[FirstKey] = ()

    @property
    def shown_on(self) -> date:
        """The day as of which its pack shows it, by the witness's clock where one cosigned."""
        return datetime.fromisoformat(self.cosigned_at or self.published_at).date()


class Meeting(StrEnum):
    """What both sides say of a remittance between cities of the province.

    `sender_older`: it was received, on the proof of an entry that its sender's pack does not reach.
    """

    AGREED = "agreed"
    ON_ITS_WAY = "on_its_way"
    SENDER_OLDER = "sender_older"
    DIFFERS = "differs"
    UNEXPLAINED = "unexplained"
    OTHER_NOT_COUNTED = "other_not_counted"
    OUTSIDE = "outside"


CONTRADICTIONS = (Meeting.DIFFERS, Meeting.UNEXPLAINED)


@dataclass(frozen=True, slots=True)
class Between:
    """A remittance: from which city to which (None: a ledger of none), and what is said of it.

    `sent_on` and `received_on` are the days that its sides name, empty where that side does not
    count. `is_late` where the one side of which it is known has waited too long for the other.
    """

    remittance_id: str
    giver: str | None
    taker: str | None
    amount_fen: int
    meeting: Meeting
    sent_on: str = ""
    received_on: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Consolidation:
    """All cities and the remittances between them.

    `surplus` is that of all together, each fen of it once. `twice` stood in the opening surplus of
    more than one of them, by its source: of who sent it, or had sent it to them, and of who
    received it. `older` is in the hands of a sender, whose pack is older, and of its receiver, by
    its source. `unopened` was not brought forward, by city.
    """

    year: int
    standings: Sequence[Standing]
    between: Sequence[Between]
    surplus: Surplus
    twice: Mapping[str, int]
    older: Mapping[str, int]
    unopened: Mapping[str, Sequence[Unopened]]

    @property
    def twice_fen(self) -> int:
        return sum(self.twice.values())

    @property
    def counted(self) -> list[Figures]:
        return [each.figures for each in self.standings if each.figures is not None]

    @property
    def in_hand_fen(self) -> int:
        """What is in hand in all together: what two hold by packs of different ages, once."""
        return sum(each.in_hand_fen for each in self.counted) - sum(self.older.values())

    @property
    def sources(self) -> dict[str, SourceFigures]:
        """The figures of each source in all cities together; what two have counts once."""
        found: dict[str, SourceFigures] = defaultdict(SourceFigures)
        for each in self.counted:
            for source, of in each.sources.items():
                found[source].add(of)
        for source, fen in self.twice.items():
            found[source].opening_fen -= fen
        for source, fen in self.older.items():
            found[source].sent_fen += fen
        return dict(sorted(found.items()))

    @property
    def is_opened(self) -> bool:
        """Say whether anybody opened the year: of one that nobody did, no figure says anything."""
        return any(each.is_opened for each in self.counted)

    @property
    def is_whole(self) -> bool:
        """Say whether every city counts and opened the year, and no two contradict each other."""
        return (
            all(each.figures is not None for each in self.standings)
            and self.is_opened
            and not any(self.unopened.values())
            and not any(each.meeting in CONTRADICTIONS or each.is_late for each in self.between)
        )


def consolidate(
    cities: Sequence[City],
    year: int,
    witness: Sequence[CosignatureKey],
    seen: Mapping[str, int],
    contradicted: Collection[str] = (),
    on_its_way_days: int = ON_ITS_WAY_DAYS,
) -> Consolidation:
    """Check each city's pack, and put their figures together.

    Args:
        cities: All that are to be counted; none is left out unnamed.
        year: Fiscal year of the opening surplus.
        witness: Keys of the province's own witness; one of them has to have cosigned. None: nobody
            says that a city shows others the same history.
        seen: How many entries that witness has seen of each log, by its name.
        contradicted: Logs of which it holds proof that they signed two histories.
        on_its_way_days: How many days a remittance may wait for its other side.
    """
    standings = []
    for city in cities:
        standing, figures = prove(
            city,
            witness,
            seen.get(city.origin, 0),
            lambda checked: city_figures(checked, year),
            is_contradicted=city.origin in contradicted,
        )
        standings.append(replace(standing, figures=figures))
    between = list(_between(standings, on_its_way_days))
    return _together(year, standings, between)


def prove(
    city: City,
    witness: Sequence[CosignatureKey],
    seen_size: int,
    compute: Callable[[CheckedPack], TFound],
    *,
    is_contradicted: bool = False,
) -> tuple[Standing, TFound | None]:
    """Check a city's pack, and compute something from it; None where the city does not count.

    Args:
        city: Whose pack.
        witness, seen_size: As `consolidate` has them.
        compute: Asks the pack's events; what it refuses is the city's fault.
        is_contradicted: Whether the own witness holds proof that its log has two histories.
    """
    if is_contradicted:
        told = "its log signed two histories, of which this province's witness holds the proof"
        return Standing(city, State.CONTRADICTED, told), None
    try:
        data = city.file.read_bytes()
    except OSError as cause:
        return Standing(city, State.MISSING, cause.strerror or "it cannot be read"), None
    try:
        read = read_pack(data)
        if read.pack.kind != LEDGER:
            told = f"a pack of a {read.pack.kind}, not of the ledger"
            return Standing(city, State.BROKEN, told), None
        rules = Rules(city.origin, committing_topics(), city.key_id)
        *_, checked = check_pack(read.pack, rules)
        assert isinstance(checked, CheckedPack)  # noqa: S101 - the last that is yielded
        found = compute(checked)
        size, root = checked.checkpoint.size, checked.checkpoint.root.hex()
        announced = str(checked.seen(size - 1).payload["recorded_at"])
        datetime.fromisoformat(announced)
    except (LedgerError, *UNSOUND) as cause:
        told = str(cause)
        if not isinstance(cause, LedgerError):
            told = f"its events say what no rule lets through ({type(cause).__name__})"
        return Standing(city, State.BROKEN, told), None
    standing = _held_against(
        Standing(
            city,
            State.COUNTED,
            "",
            size,
            root,
            announced,
            attested=checked.attested,
            first_keys=checked.vouched.first,
        ),
        read.pack.checkpoint,
        witness,
        seen_size,
    )
    return standing, found if standing.state is State.COUNTED else None


def _held_against(
    standing: Standing, checkpoint: str, witness: Sequence[CosignatureKey], seen_size: int
) -> Standing:
    """Hold a pack that holds in itself against what the province's own witness says."""
    if witness:
        try:
            times = require_quorum(checkpoint, witness, 1)
        except LedgerError as cause:
            return replace(standing, state=State.UNWITNESSED, cause=str(cause))
        when = datetime.fromtimestamp(min(times.values()), UTC).isoformat()
        standing = replace(standing, cosigned_at=when)
    if standing.size is not None and standing.size < seen_size:
        told = f"its pack is of {standing.size} entries, the witness has cosigned {seen_size}"
        return replace(standing, state=State.STALE, cause=told)
    return standing


def _between(standings: Sequence[Standing], on_its_way_days: int) -> Iterator[Between]:
    """Hold what givers say against what takers say, remittance by remittance."""
    by_key = {each.city.key_id: each for each in standings}
    for giver, figures in _counted(standings):
        for id_, sent in figures.sent.items():
            taker = by_key.get(sent.key_id)
            found = _sent_to(id_, sent, giver, taker)
            late = (
                found.meeting is Meeting.ON_ITS_WAY
                and taker is not None
                and _days_until(taker, sent.sent_on) > on_its_way_days
            )
            yield replace(found, is_late=late)
    for taker, figures in _counted(standings):
        for id_, came in figures.came.items():
            of = _came_from(id_, came, taker, by_key.get(came.key_id))
            if of is not None:
                late = (
                    of.meeting is Meeting.SENDER_OLDER
                    and _days_until(taker, came.received_on) > on_its_way_days
                )
                yield replace(of, is_late=late)


def _sent_to(id_: str, sent: Sent, giver: Standing, taker: Standing | None) -> Between:
    """Say of a remittance that its sender has what its receiver says."""
    name, amount = giver.city.name, sent.amount_fen
    if taker is None:
        return Between(id_, name, None, amount, Meeting.OUTSIDE, sent.sent_on)
    to = taker.city.name
    if taker.figures is None:
        return Between(id_, name, to, amount, Meeting.OTHER_NOT_COUNTED, sent.sent_on)
    came = taker.figures.came.get(id_)
    if came is None:
        return Between(id_, name, to, amount, Meeting.ON_ITS_WAY, sent.sent_on)
    agreed = _agree(giver.city.key_id, sent, came)
    meeting = Meeting.AGREED if agreed else Meeting.DIFFERS
    return Between(id_, name, to, amount, meeting, sent.sent_on, came.received_on)


def _came_from(id_: str, came: Came, taker: Standing, giver: Standing | None) -> Between | None:
    """Say of a remittance that its receiver has what its sender says; None: it said so itself."""
    name, amount, on = taker.city.name, came.amount_fen, came.received_on
    if giver is None:
        return Between(id_, None, name, amount, Meeting.OUTSIDE, "", on)
    meeting = Meeting.UNEXPLAINED
    if giver.figures is None:
        meeting = Meeting.OTHER_NOT_COUNTED
    elif (there := giver.figures.sent.get(id_)) is None:
        if _lies_past(came, giver, giver.figures):
            meeting = Meeting.SENDER_OLDER
    elif there.key_id == taker.city.key_id:
        return None
    return Between(id_, giver.city.name, name, amount, meeting, "", on)


def _days_until(standing: Standing, since: str) -> int:
    return (standing.shown_on - date.fromisoformat(since)).days


def _agree(giver_key_id: str, sent: Sent, came: Came) -> bool:
    """Say whether a receiver took in, on its sender's very entry, what that sent: to the piece."""
    pieces = {
        lot: PieceHere(each.fen, each.source, each.vintage) for lot, each in sent.pieces.items()
    }
    return (giver_key_id, sent.position, sent.leaf_hash, sent.amount_fen, pieces) == (
        came.key_id,
        came.position,
        came.leaf_hash,
        came.amount_fen,
        came.pieces,
    )


def _lies_past(came: Came, giver: Standing, figures: Figures) -> bool:
    """Say whether a sender's pack cannot tell of a remittance yet, and tells nothing against it."""
    if giver.size is None or came.position < giver.size:
        return False
    known = ((figures.trail.lots.get(lot), piece) for lot, piece in came.pieces.items())
    return all(
        lot is None or (lot.source, lot.vintage) == (piece.source, piece.vintage)
        for lot, piece in known
    )


@dataclass(slots=True)
class _Met:
    """Pieces of money between cities, and what became of each where it came."""

    pieces: dict[Place, Piece] = field(default_factory=dict)
    opened: dict[Place, int] = field(default_factory=dict)
    reached: dict[Place, Reached] = field(default_factory=dict)
    older: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def _together(
    year: int, standings: Sequence[Standing], between: Sequence[Between]
) -> Consolidation:
    """Put figures together: money neither doubles by being sent on, nor is lost from sight by it.

    What stood in one opening and was sent to where it stands in none is consumed when it reaches
    people there.
    """
    met = _met(standings, between)
    before, left = stood_before(met.pieces, met.opened)
    twice: dict[str, int] = defaultdict(int)
    consumed = in_transit = remitted = 0
    for place, fen in before.items():
        if place not in met.reached:
            remitted += fen
            continue
        twice[met.pieces[place].source] += min(fen, met.opened[place])
        paid = min(met.reached[place].paid_fen, left[place])
        consumed += paid
        in_transit += min(met.reached[place].in_transit_fen, left[place] - paid)
    cities = [figures.surplus for _, figures in _counted(standings)]
    surplus = Surplus(
        sum(each.opening_fen for each in cities) - sum(twice.values()),
        sum(each.consumed_fen for each in cities) + consumed,
        sum(each.in_transit_fen for each in cities) + in_transit,
        remitted,
    )
    unopened = {
        standing.city.name: list(_unopened(figures.unopened, left))
        for standing, figures in _counted(standings)
    }
    return Consolidation(year, standings, between, surplus, dict(twice), dict(met.older), unopened)


def _met(standings: Sequence[Standing], between: Sequence[Between]) -> _Met:
    """Gather what was sent between cities, and of what came, what became of it."""
    of = {standing.city.name: figures for standing, figures in _counted(standings)}
    met = _Met()
    for each in between:
        giver = of.get(each.giver) if each.giver is not None else None
        taker = of.get(each.taker) if each.taker is not None else None
        if giver is None or each.meeting is Meeting.UNEXPLAINED:
            continue
        id_ = each.remittance_id
        came = taker.came.get(id_) if taker is not None else None
        is_older = each.meeting is Meeting.SENDER_OLDER
        pieces = _sent_since(came, giver) if is_older and came else giver.sent[id_].pieces
        for lot, piece in pieces.items():
            place = id_, lot
            met.pieces[place] = piece
            met.older[piece.source] += piece.fen if is_older else 0
            met.opened[place] = 0 if came is None else came.old.get(lot, 0)
            if taker is not None and came is not None:
                met.reached[place] = taker.trail.reached.get(place, Reached(0, 0))
    return met


def _sent_since(came: Came, giver: Figures) -> Mapping[str, Piece]:
    """Return pieces as their sender would have them, whose pack is older than their sending."""
    found = {}
    for lot, piece in came.pieces.items():
        known = giver.trail.lots.get(lot)
        is_old = known is not None and known.is_old
        came_as = None if known is None else known.came_as
        found[lot] = Piece(
            piece.fen, piece.fen if is_old else 0, piece.source, came_as, piece.vintage
        )
    return found


def _unopened(told: Sequence[Unopened], left: Mapping[Place, int]) -> Iterator[Unopened]:
    """Leave out what stands in the opening of the city that sent it."""
    covered = dict(left)
    for each in told:
        there = 0
        if each.place is not None:
            there = min(covered.get(each.place, 0), each.amount_fen)
            covered[each.place] = covered.get(each.place, 0) - there
        if each.amount_fen > there:
            yield replace(each, amount_fen=each.amount_fen - there)


class Stood(NamedTuple):
    """Of each piece: what had stood in an opening before it was sent, and what is left of that.

    Left is what neither stood in the opening where it came, nor was sent on from there.
    """

    before: Mapping[Place, int]
    left: Mapping[Place, int]


def stood_before(pieces: Mapping[Place, Piece], opened: Mapping[Place, int]) -> Stood:
    """Say of each piece what had stood in the opening of any city before it was sent.

    What had stood in an opening before and did not in that of the city that it went through still
    has where that city sent it next.
    """
    stood: dict[Place, int] = {}
    going_on: dict[Place, int] = {}  # what did not stand where it came, of what had stood before
    for place in pieces:
        path: dict[Place, Piece] = {}
        at: Place | None = place
        # Cities that forge what they sent each other may sign that each had it of the other.
        while at is not None and at in pieces and at not in stood and at not in path:
            path[at] = pieces[at]
            at = path[at].came_as
        for each, piece in reversed(path.items()):
            rest, came_as = piece.fen - piece.old_fen, piece.came_as
            taken = min(rest, going_on.get(came_as, 0)) if came_as is not None else 0
            if came_as is not None and taken:
                going_on[came_as] -= taken
            stood[each] = piece.old_fen + taken
            going_on[each] = max(stood[each] - opened[each], 0)
    return Stood(stood, going_on)


def _counted(standings: Sequence[Standing]) -> Iterator[tuple[Standing, Figures]]:
    return ((each, each.figures) for each in standings if each.figures is not None)
