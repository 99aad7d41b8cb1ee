"""Figures that anyone computes again from the events themselves, to the fen.

A formula has a name with a version, and asks for events by subject. Whoever hands them to it has
proved that they are all there are: a formula never sees part of a stream.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, Protocol

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import Json

FUND_BALANCE = "fund.balance/1"
SURPLUS_1 = "surplus/1"
SURPLUS_2 = "surplus/2"
SURPLUS = "surplus/3"
PAYMENT = "payment/1"
BATCH = "batch/1"

WHOLE_BP = 10_000


class FormulaUnknown(LedgerError):
    """A figure names a formula that is not known here."""

    code = "figure.formula_unknown"
    kind = Kind.INVALID

    def __init__(self, formula: str) -> None:
        super().__init__(f"no formula is called {formula}; known are {', '.join(FORMULAS)}")


class FigureImpossible(LedgerError):
    """The events cannot be added up: they are not those of such a subject."""

    code = "figure.impossible"
    kind = Kind.BROKEN

    def __init__(self, formula: str, subject: str) -> None:
        super().__init__(f"{formula} of {subject}: the events do not add up to such a figure")


class Seen(NamedTuple):
    """An event that was verified: where it stands, and its payload."""

    position: int
    payload: Mapping[str, Json]

    @property
    def type(self) -> str:
        return str(self.payload["type"])

    @property
    def data(self) -> Mapping[str, Json]:
        data: Mapping[str, Json] = self.payload["data"]
        return data


class Events(Protocol):
    """Hands out events that are proved to be all there are, in the order of the log."""

    def stream(self, subject: str) -> Sequence[Seen]:
        """Return the events of a stream."""

    def concerning(self, subject: str, topic: str | None = None) -> Sequence[Seen]:
        """Return the events that concern a subject; with a type, those of its register."""


def figure(formula: str, subject: str, arguments: Mapping[str, Json], events: Events) -> Json:
    """Compute a figure.

    Args:
        formula: Its name and version, e.g. `fund.balance/1`.
        subject: The id of what it is a figure of.
        arguments: What else the formula asks for, e.g. the fiscal year.
        events: All that concern it.

    Returns:
        An object of whole numbers (fen, basis points), texts and nulls.

    Raises:
        FormulaUnknown: As it says.
        FigureImpossible: The events are not those of such a subject.

    Source: FORMAT.md, "Figures".
    """
    compute = FORMULAS.get(formula)
    if compute is None:
        raise FormulaUnknown(formula)
    try:
        return compute(subject, arguments, events)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise FigureImpossible(formula, subject) from None


def _fund_balance(subject: str, _: Mapping[str, Json], events: Events) -> Json:
    """Money in hand in a fund account: what came in less what went out, by vintage."""
    by_vintage: dict[int, int] = defaultdict(int)
    received = 0
    for event in events.stream(subject):
        data = event.data
        match event.type:
            case "fund.received":
                by_vintage[data["vintage"]] += data["amount_fen"]
                received += data["amount_fen"]
            case "fund.receipt_corrected":
                by_vintage[data["vintage"]] += data["difference_fen"]
                received += data["difference_fen"]
            case "fund.allocation_received" | "fund.remittance_received":
                for lot in data["lots"]:
                    by_vintage[lot["vintage"]] += lot["amount_fen"]
            case "fund.allocated" | "fund.drawn" | "fund.remitted":
                for part in data["parts"]:
                    by_vintage[part["vintage"]] -= part["amount_fen"]
            case "fund.restored" | "fund.remittance_taken_back":
                for part in data["parts"]:
                    by_vintage[part["vintage"]] += part["amount_fen"]
    return {
        "by_vintage": {str(year): by_vintage[year] for year in sorted(by_vintage)},
        "in_hand_fen": sum(by_vintage.values()),
        "received_from_outside_fen": received,
    }


TRANSIT, PAID, BACK = "transit", "paid", "back"

BROUGHT_FORWARD = "fiscal_year.surplus_brought_forward"

_WHERE = {
    "in_transit": TRANSIT,
    "settled": PAID,
    "signed": PAID,
    "returned": BACK,
    "withdrawn": BACK,
}


class FollowedLot(NamedTuple):
    """A lot of an opening surplus, or what it was passed on as; amounts in fen.

    `opening_fen` is what of it counts as opening surplus, which of one that was passed on stands
    where it came from. `since` is the position from which on it is followed.
    """

    lot_id: str
    since: int
    opening_fen: int
    consumed_fen: int
    in_transit_fen: int


def followed_lots(begun: Iterable[Seen], events: Events) -> list[FollowedLot]:
    """Follow opening surplus wherever it went, each fen of it once.

    Money passed down is not consumed. What was on its way when the year was opened had not reached
    anybody: it is part of the opening. So is what had reached people before and comes back, and
    what a receipt is corrected by.

    Args:
        begun: Events that bring lots forward into one year.
        events: All that concern these lots, and what they were passed on as.

    Source: FORMAT.md, `surplus/3`.
    """
    since: dict[str, int] = {}
    brought: dict[str, int] = defaultdict(int)
    for event in begun:
        since.setdefault(event.data["lot_id"], event.position)
        brought[event.data["lot_id"]] += event.data["amount_fen"]
    found: dict[str, FollowedLot] = {}
    for root, position in sorted(since.items(), key=itemgetter(1)):
        waiting = [] if root in found else [root]
        while waiting:
            lot = waiting.pop()
            amount = brought[root] if lot == root else 0
            concerning = events.concerning(lot)
            found[lot] = followed_lot(lot, position, amount, concerning)
            for event in concerning:
                if event.position > position:
                    waiting += (each for each in _children(event, lot) if each not in found)
    return list(found.values())


def followed_lot(lot: str, since: int, amount: int, concerning: Sequence[Seen]) -> FollowedLot:
    """Follow one lot, from a position on.

    Args:
        lot: Which.
        since: The position; what payments had of the lot by then tells what was under way.
        amount: What of it was in hand at that position and counts as opening surplus, in fen.
        concerning: All events that concern it.
    """
    before = {TRANSIT: 0, PAID: 0, BACK: 0}
    held = {TRANSIT: 0, PAID: 0, BACK: 0}
    paid: dict[Json, int] = defaultdict(int)
    corrected = 0
    for event in concerning:
        if event.position <= since:
            _move(before, event, lot)
            continue
        already = held[PAID]
        _move(held, event, lot)
        paid[event.payload["stream"]] += held[PAID] - already
        if event.type == "fund.receipt_corrected":
            corrected += event.data["difference_fen"]
    under_way = before[TRANSIT] + before[BACK]
    came_back = sum(max(0, -fen) for fen in paid.values())
    return FollowedLot(
        lot,
        since,
        amount + under_way + corrected + came_back,
        held[PAID] + came_back,
        under_way + held[TRANSIT] + held[BACK],
    )


def _surplus(subject: str, arguments: Mapping[str, Json], events: Events) -> Json:
    """The opening surplus of an organisation's own accounts, and how much of it reached people."""
    return _surplus_asked(subject, arguments["year"], events, ASKED)


def _surplus_2(subject: str, arguments: Mapping[str, Json], events: Events) -> Json:
    """As packs have it that were made before `surplus/3`: no targets were named later."""
    return _surplus_asked(subject, arguments["year"], events, ASKED_FIRST)


def _surplus_asked(subject: str, year: int, events: Events, topics: Sequence[str]) -> Json:
    followed = followed_lots(_brought_forward(subject, year, events), events)
    opening = sum(each.opening_fen for each in followed)
    consumed = sum(each.consumed_fen for each in followed)
    in_transit = sum(each.in_transit_fen for each in followed)
    return _consumption(opening, consumed, in_transit, _targets(subject, year, events, topics))


def _surplus_1(subject: str, arguments: Mapping[str, Json], events: Events) -> Json:
    """As packs have it that were made before `surplus/2`: what was on its way did not count."""
    year = arguments["year"]
    opening = 0
    since: dict[str, int] = {}
    for event in _brought_forward(subject, year, events):
        opening += event.data["amount_fen"]
        since.setdefault(event.data["lot_id"], event.position)
    own = set(since)
    held = {TRANSIT: 0, PAID: 0, BACK: 0}
    waiting = list(since)
    while waiting:
        lot = waiting.pop()
        for event in events.concerning(lot):
            if event.position <= since[lot]:
                continue
            if event.type == "fund.receipt_corrected" and lot in own:
                carried = event.data["carried_into"] == year
                opening += event.data["difference_fen"] if carried else 0
            for child in _children(event, lot):
                if child not in since:
                    since[child] = since[lot]
                    waiting.append(child)
            _move(held, event, lot)
    in_transit = held[TRANSIT] + held[BACK]
    asked = _targets(subject, year, events, ASKED_FIRST)
    return _consumption(opening, held[PAID], in_transit, asked)


def _brought_forward(subject: str, year: Json, events: Events) -> list[Seen]:
    return [
        event
        for event in events.concerning(subject, BROUGHT_FORWARD)
        if event.data["year"] == year and event.data["organisation_id"] == subject
    ]


def _consumption(opening: int, consumed: int, in_transit: int, targets: dict[str, Json]) -> Json:
    return {
        "opening_fen": opening,
        "consumed_fen": consumed,
        "in_transit_fen": in_transit,
        "in_hand_fen": opening - consumed - in_transit,
        "ratio_basis_points_floor": consumed * WHOLE_BP // opening if opening else None,
        **targets,
    }


def _children(event: Seen, lot: str) -> list[str]:
    if event.type != "fund.allocation_received":
        return []
    return [each["lot_id"] for each in event.data["lots"] if each["parent_id"] == lot]


def _move(held: dict[str, int], event: Seen, lot: str) -> None:
    """Move the pieces of one lot between where a payment's money can be."""
    source: str | None
    target: str | None
    match event.type:
        case "fund.drawn":
            source, target = None, TRANSIT
        case "fund.restored":
            source, target = BACK, None
        case "disbursement.settled" | "disbursement.signed":
            source, target = TRANSIT, PAID
        case "disbursement.returned":
            source, target = _WHERE[event.data["was"]], BACK
        case "disbursement.withdrawn":
            source, target = TRANSIT, BACK
        case "disbursement.corrected":
            source, target = _WHERE[event.data["was"]], _WHERE[event.data["now"]]
        case _:
            return
    amount = sum(part["amount_fen"] for part in event.data["parts"] if part["lot_id"] == lot)
    if source is not None:
        held[source] -= amount
    if target is not None:
        held[target] += amount


ASKED_FIRST = ("fiscal_year.opened",)
ASKED = (*ASKED_FIRST, "fiscal_year.targets_set")
"""What says what a year asks; the later one counts where the one before asks nothing."""


def _targets(subject: str, year: int, events: Events, topics: Sequence[str]) -> dict[str, Json]:
    said: Json = {"first_year_minimum": None, "all_within": None}
    position: int | None = None
    for topic in topics:
        for event in events.concerning(subject, topic):
            if event.data["year"] == year and event.data["organisation_id"] == subject:
                said, position = event.data["targets"], event.position
                break
        if position is None or any(said.values()):
            break
    minimum, within = said["first_year_minimum"], said["all_within"]
    return {
        "first_year_minimum_bp": minimum["basis_points"] if minimum else None,
        "all_within_years": within["years"] if within else None,
        "targets_position": position,
    }


def _payment(subject: str, _: Mapping[str, Json], events: Events) -> Json:
    """What became of one payment."""
    status, amount, returned = "", 0, 0
    for event in events.stream(subject):
        match event.type:
            case "disbursement.instructed" | "disbursement.reissued":
                status, amount = "in_transit", event.data["amount_fen"]
            case "disbursement.settled" | "disbursement.signed":
                status = event.type.removeprefix("disbursement.")
            case "disbursement.returned":
                status, returned = "returned", returned + 1
            case "disbursement.withdrawn":
                status = "withdrawn"
            case "disbursement.corrected":
                status = event.data["now"]
    if not status:
        raise ValueError
    paid = amount if _WHERE[status] == PAID else 0
    return {"amount_fen": amount, "paid_fen": paid, "status": status, "times_returned": returned}


def _batch(subject: str, _: Mapping[str, Json], events: Events) -> Json:
    """What a batch instructed, and what became of each of its payments."""
    totals = {"settled": 0, "signed": 0, "returned": 0, "in_transit": 0}
    counts = dict.fromkeys(totals, 0)
    payments: dict[str, int] = {}
    for event in events.concerning(subject):
        if event.data.get("batch_id") != subject:
            continue
        if event.type in ("disbursement.instructed", "disbursement.reissued"):
            payments[event.payload["stream"]] = event.data["amount_fen"]
    for stream, amount in payments.items():
        status = _payment(stream, {}, events)["status"]
        counted = "returned" if status == "withdrawn" else status
        totals[counted] += amount
        counts[counted] += 1
    return {
        "payments": len(payments),
        "instructed_fen": sum(payments.values()),
        "paid_fen": totals["settled"] + totals["signed"],
        "paid": counts["settled"] + counts["signed"],
        "returned_fen": totals["returned"],
        "returned": counts["returned"],
        "in_transit_fen": totals["in_transit"],
        "in_transit": counts["in_transit"],
        **_policy_of(subject, events),
    }


def _policy_of(batch: str, events: Events) -> dict[str, Json]:
    """Return which version of which policy a batch was approved under (or, not yet, drafted)."""
    moment, campaign = -1, ""
    for event in events.stream(batch):
        if event.type == "batch.drafted":
            moment, campaign = event.position, event.data["campaign_id"]
        elif event.type == "batch.approved":
            moment = event.position
    opened = events.stream(campaign)[0]
    policy = opened.data["policy_id"]
    versions = [each for each in events.stream(policy) if each.position < moment]
    return {"policy_id": policy, "policy_version": len(versions)}


Formula = Callable[[str, Mapping[str, Json], Events], Json]

FORMULAS: Mapping[str, Formula] = {
    FUND_BALANCE: _fund_balance,
    SURPLUS_1: _surplus_1,
    SURPLUS_2: _surplus_2,
    SURPLUS: _surplus,
    PAYMENT: _payment,
    BATCH: _batch,
}
