"""What several ledgers come to together, from the packs that each of them published.

Nothing is believed that a pack does not prove, and a ledger of which nothing could be proved is
named and left out of the sums. Money that one of them sent another is told apart: each counts only
what came to it from outside, so nothing is counted twice.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

from ledger.domain.events import committing_topics
from ledger.errors import LedgerError
from ledger.evidence.cosignature import CosignatureKey
from ledger.evidence.figures import (
    BROUGHT_FORWARD,
    FUND_BALANCE,
    FollowedLot,
    Seen,
    figure,
    followed_lots,
)
from ledger.evidence.pack_check import CheckedPack, check_pack
from ledger.evidence.verifiable_map import THE_LOG
from ledger.evidence.verify import Rules
from ledger.packs.contents import LEDGER
from ledger.packs.file import read_pack
from ledger.packs.known import check_witnesses

UNSOUND = (KeyError, TypeError, ValueError, IndexError, AttributeError)
"""What asking events meets that a city signed past its own rules."""

TFound = TypeVar("TFound")


@dataclass(frozen=True, slots=True)
class City:
    """A ledger that is to be counted: founding key and log name are known from elsewhere."""

    name: str
    key_id: str
    origin: str
    file: Path


class State(StrEnum):
    """Whether a city is counted, and if not, why."""

    COUNTED = "counted"
    MISSING = "missing"
    BROKEN = "broken"
    UNWITNESSED = "unwitnessed"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Holding:
    """What an organisation holds for a purpose, of one vintage, in fen."""

    code: str
    name: str
    earmark: str
    vintage: int
    in_hand_fen: int


Place = tuple[str, str]
"""Of a piece of money that was sent: its remittance, and the lot that its sender sent it from."""


class Piece(NamedTuple):
    """What was sent of one lot, in fen; `old_fen` of it had stood in the sender's opening.

    What was sent away before the year was opened, or is of other lots, did not. `came_as` is what
    the lot had come to the sender as, where another ledger had sent it there.
    """

    fen: int
    old_fen: int
    source: str
    came_as: Place | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A remittance as its sender has it: what it took of each lot."""

    key_id: str
    amount_fen: int
    pieces: Mapping[str, Piece]


@dataclass(frozen=True, slots=True)
class Came:
    """A remittance as its receiver has it; `old` is what of each lot stood in the opening here.

    Wherever it had been passed on to by then.
    """

    key_id: str
    amount_fen: int
    old: Mapping[str, int]


@dataclass(slots=True)
class SourceFigures:
    """What became of the money of one source (财政, 上级工会, 自筹, 捐款 …), in fen.

    `paid_fen` is what payments took, those on their way to people included. Of each source
    received + came - sent - paid is in hand.
    """

    received_fen: int = 0
    came_fen: int = 0
    sent_fen: int = 0
    paid_fen: int = 0
    opening_fen: int = 0

    @property
    def in_hand_fen(self) -> int:
        return self.received_fen + self.came_fen - self.sent_fen - self.paid_fen

    def add(self, other: "SourceFigures") -> None:
        self.received_fen += other.received_fen
        self.came_fen += other.came_fen
        self.sent_fen += other.sent_fen
        self.paid_fen += other.paid_fen
        self.opening_fen += other.opening_fen


@dataclass(slots=True)
class Figures:
    """A city's figures at the checkpoint of its pack, in fen."""

    received_fen: int = 0
    opening_fen: int = 0
    consumed_fen: int = 0
    surplus_in_transit_fen: int = 0
    holdings: list[Holding] = field(default_factory=list)
    sources: dict[str, SourceFigures] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)
    came: dict[str, Came] = field(default_factory=dict)

    @property
    def in_hand_fen(self) -> int:
        return sum(each.in_hand_fen for each in self.holdings)


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of one city; `figures` where it is counted, `cause` where it is not."""

    city: City
    state: State
    cause: str = ""
    size: int | None = None
    root: str = ""
    published_at: str = ""
    figures: Figures | None = None


class Meeting(StrEnum):
    """What both sides say of a remittance between cities of the province."""

    AGREED = "agreed"
    ON_ITS_WAY = "on_its_way"
    DIFFERS = "differs"
    UNEXPLAINED = "unexplained"
    OTHER_NOT_COUNTED = "other_not_counted"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Between:
    """A remittance: from which city to which (None: a ledger of none), and what is said of it."""

    remittance_id: str
    giver: str | None
    taker: str | None
    amount_fen: int
    meeting: Meeting


@dataclass(frozen=True, slots=True)
class Consolidation:
    """All cities and the remittances between them.

    `twice` stood in the opening surplus of more than one of them, by its source: of who sent it, or
    had sent it to them, and of who received it.
    """

    year: int
    standings: Sequence[Standing]
    between: Sequence[Between]
    twice: Mapping[str, int]

    @property
    def twice_fen(self) -> int:
        return sum(self.twice.values())

    @property
    def counted(self) -> list[Figures]:
        return [each.figures for each in self.standings if each.figures is not None]

    @property
    def opening_fen(self) -> int:
        """The opening surplus of all together, each fen of it once."""
        return sum(each.opening_fen for each in self.counted) - self.twice_fen

    @property
    def sources(self) -> dict[str, SourceFigures]:
        """The figures of each source in all cities together; opening surplus counts once."""
        found: dict[str, SourceFigures] = defaultdict(SourceFigures)
        for each in self.counted:
            for source, of in each.sources.items():
                found[source].add(of)
        for source, fen in self.twice.items():
            found[source].opening_fen -= fen
        return dict(sorted(found.items()))

    @property
    def is_whole(self) -> bool:
        """Say whether every city is counted and no two contradict each other."""
        bad = (Meeting.DIFFERS, Meeting.UNEXPLAINED)
        return all(each.figures is not None for each in self.standings) and not any(
            each.meeting in bad for each in self.between
        )


def consolidate(
    cities: Sequence[City],
    year: int,
    witness: Sequence[CosignatureKey],
    seen: Mapping[str, int],
) -> Consolidation:
    """Check each city's pack, and put their figures together.

    Args:
        cities: All that are to be counted; none is left out unnamed.
        year: Fiscal year of the opening surplus.
        witness: Keys of the province's own witness; one of them has to have cosigned. None: nobody
            says that a city shows others the same history.
        seen: How many entries that witness has seen of each log, by its name.
    """
    standings = [_standing(each, year, witness, seen.get(each.origin, 0)) for each in cities]
    between = list(_between(standings))
    return Consolidation(year, standings, between, _twice(standings, between))


def prove(
    city: City,
    witness: Sequence[CosignatureKey],
    seen_size: int,
    compute: Callable[[CheckedPack], TFound],
) -> tuple[Standing, TFound | None]:
    """Check a city's pack, and compute something from it; None where the city does not count.

    Args:
        city: Whose pack.
        witness, seen_size: As `consolidate` has them.
        compute: Asks the pack's events; what it refuses is the city's fault.
    """
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
    except (LedgerError, *UNSOUND) as cause:
        told = str(cause)
        if not isinstance(cause, LedgerError):
            told = f"its events say what no rule lets through ({type(cause).__name__})"
        return Standing(city, State.BROKEN, told), None
    size, root = checked.checkpoint.size, checked.checkpoint.root.hex()
    announced = str(checked.seen(size - 1).payload["recorded_at"])
    try:
        list(check_witnesses(read, witness, 1 if witness else 0))
    except LedgerError as cause:
        return Standing(city, State.UNWITNESSED, str(cause), size, root, announced), None
    if size < seen_size:
        told = f"its pack is of {size} entries, the witness has cosigned {seen_size}"
        return Standing(city, State.STALE, told, size, root, announced), None
    return Standing(city, State.COUNTED, "", size, root, announced), found


def _standing(city: City, year: int, witness: Sequence[CosignatureKey], seen_size: int) -> Standing:
    standing, found = prove(city, witness, seen_size, lambda checked: _figures(checked, year))
    return replace(standing, figures=found)


def _figures(checked: CheckedPack, year: int) -> Figures:
    """Compute a city's figures from events of which none is left out."""
    streams = [events for _, events in fund_streams(checked)]
    begun = checked.concerning(THE_LOG, BROUGHT_FORWARD)
    # Over the whole city, so that what one union passed on to another counts once.
    followed = followed_lots((each for each in begun if each.data["year"] == year), checked)
    found = Figures(sources=_sources(streams, followed))
    found.opening_fen = sum(each.opening_fen for each in followed)
    found.consumed_fen = sum(each.consumed_fen for each in followed)
    found.surplus_in_transit_fen = sum(each.in_transit_fen for each in followed)
    unions = {
        str(each.payload["stream"]): (str(each.data["code"]), str(each.data["name"]))
        for each in checked.concerning(THE_LOG, "organisation.registered")
    }
    for opened in checked.concerning(THE_LOG, "fund.opened"):
        fund = str(opened.payload["stream"])
        value = figure(FUND_BALANCE, fund, {}, checked)
        found.received_fen += value["received_from_outside_fen"]
        code, name = unions[opened.data["organisation_id"]]
        for vintage, fen in value["by_vintage"].items():
            held = Holding(code, name, opened.data["earmark"], int(vintage), fen)
            found.holdings.append(held)
    since = {each.lot_id: each.since for each in followed}
    parents = _parents(streams)
    opened_of = _opened_of(parents, followed)
    came_as = _came_as(streams)
    back = set(_taken_back(checked))
    for sent in checked.concerning(THE_LOG, "remittance.sent"):
        if (sent.data["fund_id"], sent.payload["stream"]) in back:
            continue
        pieces = {
            part["lot_id"].replace("-", ""): Piece(
                part["amount_fen"],
                part["amount_fen"]
                if sent.position > since.get(part["lot_id"], sent.position)
                else 0,
                part["source"],
                came_as.get(_above(parents, part["lot_id"])[-1]),
            )
            for part in sent.data["parts"]
        }
        gone = Sent(sent.data["to_key_id"], sent.data["amount_fen"], pieces)
        found.sent[str(sent.payload["stream"])] = gone
    for came in checked.concerning(THE_LOG, "remittance.received"):
        id_ = str(came.payload["stream"])
        lots = {
            lot["sent_as"]: opened_of[lot["lot_id"]]
            for event in checked.stream(came.data["fund_id"])
            if event.type == "fund.remittance_received" and event.data["remittance_id"] == id_
            for lot in event.data["lots"]
            if opened_of[lot["lot_id"]]
        }
        arrived = Came(came.data["sent"]["key_id"], came.data["amount_fen"], lots)
        found.came[id_] = arrived
    return found


def _parents(streams: Iterable[Sequence[Seen]]) -> Mapping[str, str]:
    """Return what each lot that was passed on within the city was a piece of."""
    return {
        lot["lot_id"]: lot["parent_id"]
        for stream in streams
        for event in stream
        if event.type == "fund.allocation_received"
        for lot in event.data["lots"]
    }


def _above(parents: Mapping[str, str], lot: str) -> list[str]:
    """Return a lot, what it was a piece of, and so on up to what came from outside the city."""
    above = {lot: None}
    while (parent := parents.get(lot)) is not None and parent not in above:
        above[parent] = None  # a city may sign that a lot is its own parent
        lot = parent
    return list(above)


def _opened_of(parents: Mapping[str, str], followed: Iterable[FollowedLot]) -> Mapping[str, int]:
    """Return what of each lot stood in the opening, there or as what it was passed on as."""
    found: dict[str, int] = defaultdict(int)
    for each in followed:
        for lot in _above(parents, each.lot_id):
            found[lot] += each.opening_fen
    return found


def _came_as(streams: Iterable[Sequence[Seen]]) -> Mapping[str, Place]:
    """Return what each lot that another ledger sent had been sent as."""
    return {
        lot["lot_id"]: (event.data["remittance_id"], lot["sent_as"])
        for stream in streams
        for event in stream
        if event.type == "fund.remittance_received"
        for lot in event.data["lots"]
    }


def _sources(
    streams: Iterable[Sequence[Seen]], followed: Iterable[FollowedLot]
) -> dict[str, SourceFigures]:
    """Add up money by where it came from first: each lot keeps its source wherever it goes."""
    found: dict[str, SourceFigures] = defaultdict(SourceFigures)
    source_of: dict[str, str] = {}
    for event in (each for stream in streams for each in stream):
        if event.type == "fund.received":
            source_of[event.data["lot_id"]] = event.data["source"]
        elif event.type in ("fund.allocation_received", "fund.remittance_received"):
            source_of |= {lot["lot_id"]: lot["source"] for lot in event.data["lots"]}
    for each in followed:
        found[source_of[each.lot_id]].opening_fen += each.opening_fen
    for event in (each for stream in streams for each in stream):
        _add_moved(found, source_of, event)
    return dict(sorted(found.items()))


def _add_moved(found: dict[str, SourceFigures], source_of: Mapping[str, str], event: Seen) -> None:
    """Add what an event on an account moved; money passed on within the city stays where it is."""
    data = event.data
    if event.type == "fund.received":
        found[data["source"]].received_fen += data["amount_fen"]
    elif event.type == "fund.receipt_corrected":
        found[source_of[data["lot_id"]]].received_fen += data["difference_fen"]
    elif event.type == "fund.remittance_received":
        for lot in data["lots"]:
            found[lot["source"]].came_fen += lot["amount_fen"]
    elif event.type in ("fund.remitted", "fund.remittance_taken_back"):
        sign = 1 if event.type == "fund.remitted" else -1
        for part in data["parts"]:
            found[source_of[part["lot_id"]]].sent_fen += sign * part["amount_fen"]
    elif event.type in ("fund.drawn", "fund.restored"):
        sign = 1 if event.type == "fund.drawn" else -1
        for part in data["parts"]:
            found[source_of[part["lot_id"]]].paid_fen += sign * part["amount_fen"]


def fund_streams(checked: CheckedPack) -> Iterator[tuple[str, Sequence[Seen]]]:
    """Yield each fund account with all its events; a pack of a whole ledger leaves none out."""
    for opened in checked.concerning(THE_LOG, "fund.opened"):
        fund = str(opened.payload["stream"])
        yield fund, checked.stream(fund)


def _taken_back(checked: CheckedPack) -> Iterator[tuple[str, str]]:
    """Yield what was refused and is in its sender's account again: account and remittance."""
    for fund, events in fund_streams(checked):
        for event in events:
            if event.type == "fund.remittance_taken_back":
                yield fund, event.data["remittance_id"]


def _between(standings: Sequence[Standing]) -> Iterator[Between]:
    """Hold what givers say against what takers say, remittance by remittance."""
    by_key = {each.city.key_id: each for each in standings}
    for giver, figures in _counted(standings):
        for id_, sent in figures.sent.items():
            taker = by_key.get(sent.key_id)
            meeting = _met(sent.amount_fen, taker, id_, from_giver=True)
            name = None if taker is None else taker.city.name
            yield Between(id_, giver.city.name, name, sent.amount_fen, meeting)
    for taker, figures in _counted(standings):
        for id_, came in figures.came.items():
            other = by_key.get(came.key_id)
            if other is not None and other.figures is not None and id_ in other.figures.sent:
                continue
            meeting = _met(came.amount_fen, other, id_, from_giver=False)
            name = None if other is None else other.city.name
            yield Between(id_, name, taker.city.name, came.amount_fen, meeting)


def _met(amount: int, other: Standing | None, id_: str, *, from_giver: bool) -> Meeting:
    if other is None:
        return Meeting.OUTSIDE
    if other.figures is None:
        return Meeting.OTHER_NOT_COUNTED
    if not from_giver:
        return Meeting.UNEXPLAINED
    came = other.figures.came.get(id_)
    if came is None:
        return Meeting.ON_ITS_WAY
    return Meeting.AGREED if came.amount_fen == amount else Meeting.DIFFERS


def _twice(standings: Sequence[Standing], between: Iterable[Between]) -> dict[str, int]:
    """Return what stood in the opening of several cities: money does not double by being sent on.

    What had stood in an opening before and did not in that of the city that it went through still
    has where that city sent it next.
    """
    of = {standing.city.name: figures for standing, figures in _counted(standings)}
    pieces: dict[Place, Piece] = {}
    opened: dict[Place, int] = {}
    for each in between:
        if each.giver in of and each.taker in of:
            sent = of[each.giver].sent.get(each.remittance_id)
            came = of[each.taker].came.get(each.remittance_id)
            if sent is not None and came is not None:
                for lot, piece in sent.pieces.items():
                    pieces[each.remittance_id, lot] = piece
                    opened[each.remittance_id, lot] = came.old.get(lot, 0)
    twice: dict[str, int] = defaultdict(int)
    for place, fen in stood_before(pieces, opened).items():
        twice[pieces[place].source] += min(fen, opened[place])
    return dict(twice)


def stood_before(pieces: Mapping[Place, Piece], opened: Mapping[Place, int]) -> dict[Place, int]:
    """Return what of each piece had stood in the opening of any city before it was sent."""
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
    return stood


def _counted(standings: Sequence[Standing]) -> Iterator[tuple[Standing, Figures]]:
    return ((each, each.figures) for each in standings if each.figures is not None)
