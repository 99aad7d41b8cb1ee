"""Rules about money that unions hold: old, kept back, idle, spent in a rush, recorded late."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select

from ledger.domain.values import WHOLE_BP
from projections.asked import Moment, uuid_of
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.followed_lots import FollowedLot, consumption, opened_on, surplus_targets
from projections.journal import Account, lots
from projections.journal_sums import Routes, routes
from projections.movements import Kind, movements

DAY = len("2017-01-20")


def surplus_not_used(asked: Asked) -> Iterator[Finding]:
    """G1: old money that was not used up in time, or will not be if it goes on as it does.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
    """
    if asked.year is None:
        return
    year = asked.year
    targets = surplus_targets(asked.connection, year)
    began = opened_on(asked.connection, year, asked.moment)
    by_owner: dict[UUID, list[FollowedLot]] = defaultdict(list)
    for each in asked.followed:
        by_owner[each.owner_id].append(each)
    for owner, followed in by_owner.items():
        target = targets.get(owner)
        if target is None:
            continue
        of = consumption(followed)
        pace = target.pace(year, of, date.fromisoformat(began[owner]), asked.day)
        if pace.shortfall_fen:
            missed = asked.day > pace.due_on
            yield Finding(
                "G1",
                Severity.ERROR if missed else Severity.WARNING,
                owner,
                (pace.due_on if missed else asked.day).isoformat(),
                1,
                pace.shortfall_fen,
                detail="missed" if missed else "forecast",
                year=year,
            )


def kept_back(asked: Asked) -> Iterator[Finding]:
    """F3: money from above that was neither passed on nor paid out within the days allowed.

    Source: 送温暖资金使用管理办法: 不得截留.
    """
    late = asked.past(asked.patience.passing_on_days)
    statement = (
        select(lots.c.lot_id, lots.c.organisation_id, lots.c.happened_on)
        .where(lots.c.parent_id.is_not(None), lots.c.happened_on <= late)
        .where(asked.moment.covers(lots))
    )
    old = asked.connection.execute(statement).all()
    held = routes(asked.connection, asked.moment, by=("lot_id",)) if old else {}
    by_place: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    for row in old:
        left = held[row.lot_id,].net(Account.FUND) if (row.lot_id,) in held else 0
        if left > 0:
            by_place[row.organisation_id].append((row.happened_on, left))
    for place, kept in by_place.items():
        yield Finding(
            "F3",
            Severity.WARNING,
            uuid_of(place),
            min(day for day, _ in kept),
            len(kept),
            sum(left for _, left in kept),
        )


def spent_in_a_rush(asked: Asked) -> Iterator[Finding]:
    """G3: much of what reached people in the last whole year did so in its last days."""
    year = asked.day.year - 1
    last = date(year, 12, 31)
    spent = _reached(asked, date(year - 1, 12, 31), last)
    rushed = _reached(asked, last - timedelta(days=asked.patience.rush_days), last)
    for place, amount in rushed.items():
        if amount * WHOLE_BP > spent[place] * asked.patience.rush_share_bp:
            yield Finding(
                "G3", Severity.WARNING, uuid_of(place), last.isoformat(), 1, amount, year=year
            )


def idle(asked: Asked) -> Iterator[Finding]:
    """G4: at the end of the last whole year much of what had come in it was still in hand."""
    year = asked.day.year - 1
    last = date(year, 12, 31)
    then = routes(asked.connection, Moment(last, asked.moment.at), by=("organisation_id",))
    before = routes(
        asked.connection, Moment(date(year - 1, 12, 31), asked.moment.at), by=("organisation_id",)
    )
    for (place,), of in then.items():
        came = _came(of) - (_came(before[place,]) if (place,) in before else 0)
        left = of.net(Account.FUND)
        if left > 0 and left * WHOLE_BP > came * asked.patience.idle_share_bp:
            yield Finding(
                "G4", Severity.WARNING, uuid_of(place), last.isoformat(), 1, left, year=year
            )


def _came(of: Routes) -> int:
    """Return what came in, from outside and from above."""
    return of.between(Account.SOURCE, Account.FUND) + of.between(Account.TRANSFER, Account.FUND)


def _reached(asked: Asked, after: date, until: date) -> dict[bytes, int]:
    """Return what reached people after one day and until another, by organisation."""

    def by(day: date) -> dict[bytes, int]:
        found = routes(asked.connection, Moment(day, asked.moment.at), by=("organisation_id",))
        return {place: of.net(Account.RECIPIENT) for (place,), of in found.items()}

    earlier = by(after)
    return {place: amount - earlier.get(place, 0) for place, amount in by(until).items()}


def recorded_late(asked: Asked) -> Iterator[Finding]:
    """H4: receipts and allocations recorded long after the day on which they are said to be.

    What happened before the ledger was begun could not be recorded in time.
    """
    kinds = (Kind.RECEIPT.value, Kind.ALLOCATION.value)
    of = movements.c
    statement = select(of.organisation_id, of.happened_on, of.recorded_at, of.amount_fen).where(
        of.kind.in_(kinds), asked.moment.covers(movements)
    )
    began = asked.connection.execute(select(func.min(of.recorded_at))).scalar_one() or ""
    statement = statement.where(of.happened_on >= began[:DAY])
    tolerated = timedelta(days=asked.patience.recording_days)
    late: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    for place, day, recorded, amount in asked.connection.execute(statement):
        if date.fromisoformat(recorded[:DAY]) - date.fromisoformat(day) > tolerated:
            late[place].append((day, amount))
    for place, found in late.items():
        yield Finding(
            "H4",
            Severity.INFORMATION,
            uuid_of(place),
            min(day for day, _ in found),
            len(found),
            sum(amount for _, amount in found),
        )
