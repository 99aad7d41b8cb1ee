"""A city's money lot by lot, as its events have it, and that they agree with one another.

A pack proves that no event is left out, and not that they say what can be: whoever holds a ledger's
own key alone may sign that money came which nobody sent. So every sum that the events tell twice is
held against its other side before anything is added up.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, NoReturn, TypeVar

import msgspec

from ledger.evidence.figures import Seen
from ledger.evidence.pack import PackBroken
from ledger.evidence.pack_check import CheckedPack
from ledger.evidence.verifiable_map import THE_LOG

TRead = TypeVar("TRead")

Fen = Annotated[int, msgspec.Meta(gt=0)]
Place = tuple[str, str]
"""Of a piece of money that was sent: its remittance, and the lot that its sender sent it from."""


# What is asked of events, whatever else they say: a newer program may have added to them.


class Part(msgspec.Struct, gc=False):
    lot_id: str
    origin_id: str
    vintage: int
    amount_fen: Fen


class PartWithSource(Part, gc=False):
    source: str


class LotPassedOn(PartWithSource, gc=False):
    parent_id: str


class LotSentHere(PartWithSource, gc=False):
    sent_as: str


class FundReceived(msgspec.Struct):
    lot_id: str
    vintage: int
    source: str
    amount_fen: Fen


class ReceiptCorrected(msgspec.Struct):
    lot_id: str
    difference_fen: int


class Allocated(msgspec.Struct):
    allocation_id: str
    to_fund_id: str
    amount_fen: Fen
    parts: list[Part]


class AllocationReceived(msgspec.Struct):
    allocation_id: str
    from_fund_id: str
    amount_fen: Fen
    lots: list[LotPassedOn]


class Remitted(msgspec.Struct):
    remittance_id: str
    amount_fen: Fen
    parts: list[Part]


class RemittanceReceived(msgspec.Struct):
    remittance_id: str
    amount_fen: Fen
    lots: list[LotSentHere]


class Drawn(msgspec.Struct):
    disbursement_id: str
    amount_fen: Fen
    parts: list[Part]


class EntryThere(msgspec.Struct):
    key_id: str
    position: int
    leaf_hash: str
    checkpoint_size: int


class Sent(msgspec.Struct):
    fund_id: str
    to_key_id: str
    amount_fen: Fen
    parts: list[PartWithSource]


class Came(msgspec.Struct):
    fund_id: str
    amount_fen: Fen
    sent: EntryThere


class Registered(msgspec.Struct):
    code: str
    name: str


class FundOpened(msgspec.Struct):
    organisation_id: str
    earmark: str


class YearOpened(msgspec.Struct):
    organisation_id: str
    year: int


class BroughtForward(msgspec.Struct):
    organisation_id: str
    year: int
    fund_id: str
    lot_id: str
    vintage: int
    amount_fen: Annotated[int, msgspec.Meta(ge=0)]


@dataclass(slots=True)
class CityLot:
    """A lot of one account; `parent_id` where it was passed on to it, `place` where it was sent.

    `moved_fen` is what came into it less what left it, and `drawn_fen` what payments took less what
    they gave back, by the year in which it happened; `moves` are what moved, by position.
    """

    lot_id: str
    fund_id: str
    origin_id: str
    vintage: int
    source: str
    parent_id: str | None = None
    place: Place | None = None
    corrigible: bool = False
    in_hand_fen: int = 0
    moved_fen: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    drawn_fen: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    moves: list[tuple[int, int]] = field(default_factory=list)

    def held_at(self, position: int) -> int:
        """Return what was in hand of it when the log had come to a position."""
        return sum(fen for at, fen in self.moves if at < position)

    def held_in(self, year: int) -> int:
        """Return what payments took of it in a year, and what was left of it at the end."""
        left = sum(fen for each, fen in self.moved_fen.items() if each <= year)
        return max(left, 0) + max(self.drawn_fen.get(year, 0), 0)


def read(event: Seen, kind: type[TRead]) -> TRead:
    """Return what an event says, in the types that it must have.

    Raises:
        PackBroken: It says something else.
    """
    try:
        return msgspec.convert(event.data, kind)
    except msgspec.ValidationError as cause:
        raise PackBroken(
            f"the event at position {event.position} ({event.type}) says what none of its kind"
            f" can: {cause}"
        ) from None


def happened_on(event: Seen) -> date:
    """Return the day that an event is of.

    Raises:
        PackBroken: It names none.
    """
    try:
        return date.fromisoformat(event.payload["happened_on"])
    except (KeyError, TypeError, ValueError):
        raise PackBroken(f"the event at position {event.position} names no day") from None


def fund_streams(checked: CheckedPack) -> Iterator[tuple[str, Sequence[Seen]]]:
    """Yield each fund account with all its events; a pack of a whole ledger leaves none out."""
    for opened in checked.concerning(THE_LOG, "fund.opened"):
        fund = str(opened.payload["stream"])
        yield fund, checked.stream(fund)


def city_lots(checked: CheckedPack) -> Mapping[str, CityLot]:
    """Return every lot of every account, by its id.

    Raises:
        PackBroken: Events say what cannot be, or do not agree with one another.
    """
    book = _Book()
    for fund, events in fund_streams(checked):
        for event in events:
            book.enter(fund, event)
    book.hold_allocations()
    book.hold_sent(checked.concerning(THE_LOG, "remittance.sent"))
    book.hold_came(checked.concerning(THE_LOG, "remittance.received"))
    for event in checked.concerning(THE_LOG, "fiscal_year.surplus_brought_forward"):
        book.hold_brought_forward(event)
    return book.lots


def _broken(what: str) -> NoReturn:
    raise PackBroken(f"its events do not agree: {what}")


def _require_sum(event: Seen, amount: int, parts: Iterable[Part]) -> None:
    lots = [(part.lot_id, part.amount_fen) for part in parts]
    if sum(fen for _, fen in lots) != amount or len({lot for lot, _ in lots}) != len(lots):
        _broken(f"the pieces at position {event.position} ({event.type}) are not of {amount} fen")


class _Book:
    """What all accounts have done, entered event by event."""

    def __init__(self) -> None:
        self.lots: dict[str, CityLot] = {}
        self._allocated: dict[str, tuple[str, Seen, Allocated]] = {}
        self._allocated_here: dict[str, tuple[str, Seen, AllocationReceived]] = {}
        self._remitted: dict[str, tuple[str, Remitted]] = {}
        self._taken_back: set[str] = set()
        self._remitted_here: dict[str, tuple[str, RemittanceReceived]] = {}
        self._drawn: dict[tuple[str, str], int] = defaultdict(int)
        self._forward: dict[tuple[int, str], int] = {}

    def enter(self, fund: str, event: Seen) -> None:
        match event.type:
            case "fund.received":
                received = read(event, FundReceived)
                part = PartWithSource(
                    received.lot_id,
                    received.lot_id,
                    received.vintage,
                    received.amount_fen,
                    received.source,
                )
                self._begin(fund, event, part).corrigible = True
            case "fund.receipt_corrected":
                corrected = read(event, ReceiptCorrected)
                lot = self._lot(fund, event, corrected.lot_id)
                if not lot.corrigible:
                    _broken(f"lot {lot.lot_id} has no receipt that could be corrected")
                self._move(lot, event, corrected.difference_fen)
            case "fund.allocated":
                self._allocate(fund, event, read(event, Allocated))
            case "fund.allocation_received":
                self._take_allocation(fund, event, read(event, AllocationReceived))
            case "fund.remitted":
                self._remit(fund, event, read(event, Remitted))
            case "fund.remittance_taken_back":
                self._take_back(fund, event, read(event, Remitted))
            case "fund.remittance_received":
                self._take_remittance(fund, event, read(event, RemittanceReceived))
            case "fund.drawn" | "fund.restored":
                self._pay(fund, event, read(event, Drawn))

    def hold_allocations(self) -> None:
        """Check that what was passed on within the city came, and the other way round."""
        for id_ in self._allocated.keys() ^ self._allocated_here.keys():
            missing = "received" if id_ in self._allocated else "passed on"
            _broken(f"allocation {id_} was not {missing}")
        for id_, (giver, given, passed_on) in self._allocated.items():
            taker, taken, received = self._allocated_here[id_]
            # Were the order not looked at, two accounts might each have a sum of the other.
            agreed = (giver, passed_on.to_fund_id) == (received.from_fund_id, taker)
            if not agreed or given.position >= taken.position:
                _broken(f"allocation {id_} is between other accounts, or came before it went")
            gave = self._pieces(passed_on.parts)
            got = sorted(
                (lot.parent_id, lot.origin_id, lot.vintage, lot.amount_fen, lot.source)
                for lot in received.lots
            )
            if gave != got:
                _broken(f"allocation {id_} came as other money than was passed on")

    def hold_sent(self, sent: Iterable[Seen]) -> None:
        """Check that what was sent to other ledgers left the accounts, and nothing else."""
        told = {str(each.payload["stream"]): read(each, Sent) for each in sent}
        for id_ in told.keys() ^ self._remitted.keys():
            _broken(f"remittance {id_} is sent or has left an account, and not both")
        for id_, (fund, remitted) in self._remitted.items():
            of = told[id_]
            left = self._pieces(remitted.parts)
            named = sorted(
                (p.lot_id, p.origin_id, p.vintage, p.amount_fen, p.source) for p in of.parts
            )
            if (fund, remitted.amount_fen, left) != (of.fund_id, of.amount_fen, named):
                _broken(f"remittance {id_} is sent as other money than has left the account")

    def _pieces(self, parts: Iterable[Part]) -> list[tuple[str, str, int, int, str]]:
        """Return what left an account, as it can be held against what is said of it elsewhere."""
        return sorted(
            (p.lot_id, p.origin_id, p.vintage, p.amount_fen, self.lots[p.lot_id].source)
            for p in parts
        )

    def hold_came(self, came: Iterable[Seen]) -> None:
        """Check that what is said to have come from other ledgers is what the accounts took in."""
        told = {str(each.payload["stream"]): read(each, Came) for each in came}
        for id_ in told.keys() ^ self._remitted_here.keys():
            _broken(f"remittance {id_} is received or came into an account, and not both")
        for id_, (fund, received) in self._remitted_here.items():
            of = told[id_]
            if (fund, received.amount_fen) != (of.fund_id, of.amount_fen):
                _broken(
                    f"remittance {id_} is received with {of.amount_fen} fen, and"
                    f" {received.amount_fen} came into the account"
                )
            if not 0 <= of.sent.position < of.sent.checkpoint_size:
                _broken(f"remittance {id_} was proved under a checkpoint that does not hold it")

    def hold_brought_forward(self, event: Seen) -> None:
        """Check that opening surplus is of a lot that the account has."""
        forward = read(event, BroughtForward)
        lot = self._lot(forward.fund_id, event, forward.lot_id)
        if lot.vintage != forward.vintage or forward.vintage >= forward.year:
            _broken(f"lot {lot.lot_id} of {lot.vintage} is brought forward as of another year")
        # What an opening left out is brought forward later: it stood in the lot when it was opened.
        first = self._forward.setdefault((forward.year, lot.lot_id), event.position)
        if forward.amount_fen > max(lot.held_at(first), lot.held_at(event.position)):
            _broken(f"lot {lot.lot_id} is brought forward with more than was in hand of it")

    def _allocate(self, fund: str, event: Seen, passed_on: Allocated) -> None:
        _require_sum(event, passed_on.amount_fen, passed_on.parts)
        if passed_on.allocation_id in self._allocated:
            _broken(f"allocation {passed_on.allocation_id} is passed on twice")
        self._allocated[passed_on.allocation_id] = fund, event, passed_on
        self._move_parts(fund, event, passed_on.parts, -1)

    def _take_allocation(self, fund: str, event: Seen, received: AllocationReceived) -> None:
        _require_sum(event, received.amount_fen, received.lots)
        if received.allocation_id in self._allocated_here:
            _broken(f"allocation {received.allocation_id} is received twice")
        self._allocated_here[received.allocation_id] = fund, event, received
        for each in received.lots:
            self._begin(fund, event, each).parent_id = each.parent_id

    def _remit(self, fund: str, event: Seen, remitted: Remitted) -> None:
        _require_sum(event, remitted.amount_fen, remitted.parts)
        if remitted.remittance_id in self._remitted:
            _broken(f"remittance {remitted.remittance_id} left an account twice")
        self._remitted[remitted.remittance_id] = fund, remitted
        self._move_parts(fund, event, remitted.parts, -1)

    def _take_back(self, fund: str, event: Seen, back: Remitted) -> None:
        gone = self._remitted.get(back.remittance_id)
        if gone != (fund, back) or back.remittance_id in self._taken_back:
            _broken(f"remittance {back.remittance_id} came back twice, or as it was not sent")
        self._taken_back.add(back.remittance_id)
        self._move_parts(fund, event, back.parts, 1)

    def _take_remittance(self, fund: str, event: Seen, received: RemittanceReceived) -> None:
        _require_sum(event, received.amount_fen, received.lots)
        if received.remittance_id in self._remitted_here:
            _broken(f"remittance {received.remittance_id} came in twice")
        self._remitted_here[received.remittance_id] = fund, received
        if len({each.sent_as for each in received.lots}) != len(received.lots):
            _broken(f"remittance {received.remittance_id} came in twice of one lot")
        for each in received.lots:
            self._begin(fund, event, each).place = received.remittance_id, each.sent_as

    def _pay(self, fund: str, event: Seen, moved: Drawn) -> None:
        _require_sum(event, moved.amount_fen, moved.parts)
        sign = 1 if event.type == "fund.drawn" else -1
        for part in moved.parts:
            drawn = self._drawn[moved.disbursement_id, part.lot_id] + sign * part.amount_fen
            if drawn < 0:
                _broken(f"payment {moved.disbursement_id} gave back more than it took")
            self._drawn[moved.disbursement_id, part.lot_id] = drawn
            year = happened_on(event).year
            self._lot(fund, event, part.lot_id).drawn_fen[year] += sign * part.amount_fen
        self._move_parts(fund, event, moved.parts, -sign)

    def _begin(self, fund: str, event: Seen, part: PartWithSource) -> CityLot:
        if part.lot_id in self.lots:
            _broken(f"lot {part.lot_id} came twice")
        lot = CityLot(part.lot_id, fund, part.origin_id, part.vintage, part.source)
        self.lots[lot.lot_id] = lot
        self._move(lot, event, part.amount_fen)
        return lot

    def _lot(self, fund: str, event: Seen, lot_id: str) -> CityLot:
        lot = self.lots.get(lot_id)
        if lot is None or lot.fund_id != fund:
            _broken(f"position {event.position} ({event.type}) is of lot {lot_id}, not held there")
        return lot

    def _move_parts(self, fund: str, event: Seen, parts: Iterable[Part], sign: int) -> None:
        for part in parts:
            lot = self._lot(fund, event, part.lot_id)
            if (lot.origin_id, lot.vintage) != (part.origin_id, part.vintage):
                _broken(
                    f"lot {lot.lot_id} of {lot.vintage} moves as another at position"
                    f" {event.position} ({event.type})"
                )
            self._move(lot, event, sign * part.amount_fen)

    def _move(self, lot: CityLot, event: Seen, fen: int) -> None:
        lot.in_hand_fen += fen
        lot.moves.append((event.position, fen))
        lot.moved_fen[happened_on(event).year] += fen
        if lot.in_hand_fen < 0:
            _broken(
                f"lot {lot.lot_id} holds {lot.in_hand_fen} fen after position"
                f" {event.position} ({event.type})"
            )
