"""What a city holds, received, paid and sent, computed anew from the events that its pack shows.

Its opening surplus and what became of that, money by its source, holdings by union and purpose, and
what it needs in order to be put together with others: what each remittance was made of, and what
became here of money that other ledgers sent.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.evidence.canonical import base64_text
from ledger.evidence.figures import (
    BROUGHT_FORWARD,
    FUND_BALANCE,
    WHOLE_BP,
    FollowedLot,
    Seen,
    figure,
    followed_lot,
    followed_lots,
)
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.pack import PackBroken
from ledger.evidence.pack_check import CheckedPack
from ledger.evidence.verifiable_map import THE_LOG
from ledger.packs import city_money as told
from ledger.packs.city_money import CityLot, Place, city_lots, fund_streams, happened_on, read


@dataclass(frozen=True, slots=True)
class Holding:
    """What an organisation holds for a purpose, of one vintage, in fen."""

    code: str
    name: str
    earmark: str
    vintage: int
    in_hand_fen: int


@dataclass(frozen=True, slots=True)
class Unopened:
    """Money of an earlier year that was not brought forward into this one (未结转), in fen.

    It was held at the year's end, or payments took it in the year. `place` where it was sent here:
    what of it stood in its sender's opening was brought forward there.
    """

    code: str
    name: str
    earmark: str
    vintage: int
    amount_fen: int
    place: Place | None


@dataclass(frozen=True, slots=True)
class Surplus:
    """Opening surplus and what became of it, in fen; `remitted_fen` went to other ledgers."""

    opening_fen: int
    consumed_fen: int
    in_transit_fen: int
    remitted_fen: int

    @property
    def in_hand_fen(self) -> int:
        return self.opening_fen - self.consumed_fen - self.in_transit_fen - self.remitted_fen

    @property
    def consumed_bp_floor(self) -> int | None:
        """How much of it reached people, in basis points; None where there was none."""
        return self.consumed_fen * WHOLE_BP // self.opening_fen if self.opening_fen else None


class Piece(NamedTuple):
    """What was sent of one lot, in fen; `old_fen` of it had stood in the sender's opening.

    What was sent away before the year was opened, or is of other lots, did not. `came_as` is what
    the lot had come to the sender as, where another ledger had sent it there.
    """

    fen: int
    old_fen: int
    source: str
    came_as: Place | None
    vintage: int


class PieceHere(NamedTuple):
    """A piece as its receiver has it, in fen."""

    fen: int
    source: str
    vintage: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A remittance as its sender has it: its entry, the day, and what it took of each lot."""

    key_id: str
    amount_fen: int
    sent_on: str
    position: int
    leaf_hash: str
    pieces: Mapping[str, Piece]


@dataclass(frozen=True, slots=True)
class Came:
    """A remittance as its receiver has it; position and leaf hash are of its sender's entry.

    `old` is what of each piece stood in the opening here, wherever it had been passed on to.
    """

    key_id: str
    amount_fen: int
    received_on: str
    position: int
    leaf_hash: str
    pieces: Mapping[str, PieceHere]
    old: Mapping[str, int]


class KnownLot(NamedTuple):
    """A lot of a city: whether it is followed as opening surplus, and what it had been sent as."""

    vintage: int
    source: str
    is_old: bool
    came_as: Place | None


class Reached(NamedTuple):
    """What payments had of a piece before, or without, its being followed as opening surplus here.

    In fen: what reached people, and what is on its way to them.
    """

    paid_fen: int
    in_transit_fen: int


@dataclass(frozen=True, slots=True)
class Trail:
    """Where money can be found again: lots by id (without hyphens), pieces by their place."""

    lots: Mapping[str, KnownLot]
    reached: Mapping[Place, Reached]


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
    """A city's figures at the checkpoint of its pack, in fen.

    `is_opened` says whether any of its unions opened the year.
    """

    surplus: Surplus
    trail: Trail
    is_opened: bool
    received_fen: int = 0
    holdings: list[Holding] = field(default_factory=list)
    sources: Mapping[str, SourceFigures] = field(default_factory=dict)
    unopened: Sequence[Unopened] = ()
    sent: Mapping[str, Sent] = field(default_factory=dict)
    came: Mapping[str, Came] = field(default_factory=dict)

    @property
    def in_hand_fen(self) -> int:
        return sum(each.in_hand_fen for each in self.holdings)


class _Account(NamedTuple):
    code: str
    name: str
    earmark: str


def city_figures(checked: CheckedPack, year: int) -> Figures:
    """Compute a city's figures from events of which none is left out.

    Raises:
        PackBroken: They say what cannot be, or do not agree with one another.
    """
    lots = city_lots(checked)
    accounts = _accounts(checked)
    begun = [each for each in checked.concerning(THE_LOG, BROUGHT_FORWARD) if _is_of(each, year)]
    # Over the whole city, so that what one union passed on to another counts once.
    followed = {each.lot_id: each for each in followed_lots(begun, checked)}
    _require_drawn(followed.values())
    sent = dict(_sent(checked, lots, followed))
    surplus = Surplus(
        sum(each.opening_fen for each in followed.values()),
        sum(each.consumed_fen for each in followed.values()),
        sum(each.in_transit_fen for each in followed.values()),
        sum(piece.old_fen for each in sent.values() for piece in each.pieces.values()),
    )
    years = [read(e, told.YearOpened) for e in checked.concerning(THE_LOG, "fiscal_year.opened")]
    found = Figures(
        surplus,
        _trail(checked, lots, followed, year),
        any(each.year == year for each in years),
        sources=_sources(checked, lots, followed.values()),
        unopened=list(_unopened(lots, followed, begun, accounts, year)),
        sent=sent,
        came=dict(_came(checked, lots, followed)),
    )
    for fund, account in accounts.items():
        value = figure(FUND_BALANCE, fund, {}, checked)
        found.received_fen += value["received_from_outside_fen"]
        found.holdings += [
            Holding(*account, int(vintage), fen) for vintage, fen in value["by_vintage"].items()
        ]
    by_source = sum(each.in_hand_fen for each in found.sources.values())
    if by_source != found.in_hand_fen:
        raise PackBroken(
            f"its events do not agree: {by_source} fen are in hand by source, and"
            f" {found.in_hand_fen} by account"
        )
    return found


def _is_of(brought_forward: Seen, year: int) -> bool:
    return read(brought_forward, told.BroughtForward).year == year


def _accounts(checked: CheckedPack) -> dict[str, _Account]:
    unions = {
        str(each.payload["stream"]): read(each, told.Registered)
        for each in checked.concerning(THE_LOG, "organisation.registered")
    }
    found = {}
    for each in checked.concerning(THE_LOG, "fund.opened"):
        opened = read(each, told.FundOpened)
        union = unions[opened.organisation_id]
        found[str(each.payload["stream"])] = _Account(union.code, union.name, opened.earmark)
    return found


def _require_drawn(followed: Iterable[FollowedLot]) -> None:
    for each in followed:
        if min(each.consumed_fen, each.in_transit_fen) < 0:
            raise PackBroken(
                f"its events do not agree: payments of lot {each.lot_id} paid what none drew"
            )


def _sent_here_as(lots: Mapping[str, CityLot], lot: CityLot) -> Place | None:
    """Return as what another ledger sent what a lot is a piece of; None where none did."""
    while lot.parent_id is not None:
        lot = lots[lot.parent_id]
    return lot.place


def _sent(
    checked: CheckedPack, lots: Mapping[str, CityLot], followed: Mapping[str, FollowedLot]
) -> Iterator[tuple[str, Sent]]:
    """Yield what was sent to other ledgers and did not come back."""
    back = set(_taken_back(checked))
    for event in checked.concerning(THE_LOG, "remittance.sent"):
        id_, sent = str(event.payload["stream"]), read(event, told.Sent)
        if id_ in back:
            continue
        pieces = {}
        for part in sent.parts:
            of = followed.get(part.lot_id)
            pieces[_plain(part.lot_id)] = Piece(
                part.amount_fen,
                part.amount_fen if of is not None and event.position > of.since else 0,
                part.source,
                _sent_here_as(lots, lots[part.lot_id]),
                part.vintage,
            )
        yield (
            id_,
            Sent(
                sent.to_key_id,
                sent.amount_fen,
                happened_on(event).isoformat(),
                event.position,
                base64_text(leaf_hash(checked.pack.entries[event.position])),
                pieces,
            ),
        )


def _taken_back(checked: CheckedPack) -> Iterator[str]:
    """Yield what was refused and is in its sender's account again."""
    for _, events in fund_streams(checked):
        for event in events:
            if event.type == "fund.remittance_taken_back":
                yield event.data["remittance_id"]


def _came(
    checked: CheckedPack, lots: Mapping[str, CityLot], followed: Mapping[str, FollowedLot]
) -> Iterator[tuple[str, Came]]:
    opened: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in followed.values():
        place = _sent_here_as(lots, lots[each.lot_id])
        if place is not None and each.opening_fen:
            remittance, lot_there = place
            opened[remittance][lot_there] += each.opening_fen
    taken = {
        str(event.data["remittance_id"]): read(event, told.RemittanceReceived).lots
        for _, events in fund_streams(checked)
        for event in events
        if event.type == "fund.remittance_received"
    }
    for event in checked.concerning(THE_LOG, "remittance.received"):
        id_, came = str(event.payload["stream"]), read(event, told.Came)
        yield (
            id_,
            Came(
                came.sent.key_id,
                came.amount_fen,
                happened_on(event).isoformat(),
                came.sent.position,
                came.sent.leaf_hash,
                {
                    lot.sent_as: PieceHere(lot.amount_fen, lot.source, lot.vintage)
                    for lot in taken[id_]
                },
                dict(opened[id_]),
            ),
        )


def _trail(
    checked: CheckedPack,
    lots: Mapping[str, CityLot],
    followed: Mapping[str, FollowedLot],
    year: int,
) -> Trail:
    known: dict[str, KnownLot] = {}
    paid: dict[Place, int] = defaultdict(int)
    in_transit: dict[Place, int] = defaultdict(int)
    for lot in lots.values():
        place = _sent_here_as(lots, lot)
        is_old = lot.lot_id in followed
        known[_plain(lot.lot_id)] = KnownLot(lot.vintage, lot.source, is_old, place)
        if place is not None and lot.vintage < year:
            reached = _reached(checked, lot, followed.get(lot.lot_id))
            paid[place] += reached.paid_fen
            in_transit[place] += reached.in_transit_fen
    return Trail(known, {each: Reached(paid[each], in_transit[each]) for each in paid})


def _reached(checked: CheckedPack, lot: CityLot, followed: FollowedLot | None) -> Reached:
    """Say what payments had of a lot up to where it is followed, or altogether where it is not."""
    try:
        concerning = checked.concerning(lot.lot_id)
    except PackBroken:
        # Packs did not always show it: then nothing proves that it reached anybody.
        return Reached(0, sum(lot.drawn_fen.values()))
    if followed is None:
        found = followed_lot(lot.lot_id, -1, 0, concerning)
        _require_drawn((found,))
        return Reached(found.consumed_fen, found.in_transit_fen)
    # What was on its way when it was brought forward is part of the opening that it is followed as.
    before = [each for each in concerning if each.position <= followed.since]
    return Reached(followed_lot(lot.lot_id, -1, 0, before).consumed_fen, 0)


def _unopened(
    lots: Mapping[str, CityLot],
    followed: Mapping[str, FollowedLot],
    begun: Sequence[Seen],
    accounts: Mapping[str, _Account],
    year: int,
) -> Iterator[Unopened]:
    """Yield what was not brought forward at all, and what of a lot was left out when it was."""
    left_out: dict[str, int] = {}
    for each in begun:
        lot_id = each.data["lot_id"]
        held = lots[lot_id].held_at(each.position)
        left_out.setdefault(lot_id, held - each.data["amount_fen"])
    sums: dict[tuple[str, int, Place | None], int] = defaultdict(int)
    for lot in lots.values():
        if lot.vintage < year:
            missing = left_out.get(lot.lot_id, 0)
            missing = missing if lot.lot_id in followed else lot.held_in(year)
            sums[lot.fund_id, lot.vintage, _sent_here_as(lots, lot)] += missing
    for (fund, vintage, place), fen in sums.items():
        if fen:
            yield Unopened(*accounts[fund], vintage, fen, place)


def _sources(
    checked: CheckedPack, lots: Mapping[str, CityLot], followed: Iterable[FollowedLot]
) -> dict[str, SourceFigures]:
    """Add up money by where it came from first: each lot keeps its source wherever it goes."""
    found: dict[str, SourceFigures] = defaultdict(SourceFigures)
    for each in followed:
        found[lots[each.lot_id].source].opening_fen += each.opening_fen
    for _, events in fund_streams(checked):
        for event in events:
            _add_moved(found, lots, event)
    return dict(sorted(found.items()))


def _add_moved(found: dict[str, SourceFigures], lots: Mapping[str, CityLot], event: Seen) -> None:
    """Add what an event on an account moved; money passed on within the city stays where it is."""
    data = event.data
    if event.type == "fund.received":
        found[data["source"]].received_fen += data["amount_fen"]
    elif event.type == "fund.receipt_corrected":
        found[lots[data["lot_id"]].source].received_fen += data["difference_fen"]
    elif event.type == "fund.remittance_received":
        for lot in data["lots"]:
            found[lot["source"]].came_fen += lot["amount_fen"]
    elif event.type in ("fund.remitted", "fund.remittance_taken_back"):
        sign = 1 if event.type == "fund.remitted" else -1
        for part in data["parts"]:
            found[lots[part["lot_id"]].source].sent_fen += sign * part["amount_fen"]
    elif event.type in ("fund.drawn", "fund.restored"):
        sign = 1 if event.type == "fund.drawn" else -1
        for part in data["parts"]:
            found[lots[part["lot_id"]].source].paid_fen += sign * part["amount_fen"]


def _plain(lot_id: str) -> str:
    """Write the id of a lot as other ledgers have it."""
    return lot_id.replace("-", "")
