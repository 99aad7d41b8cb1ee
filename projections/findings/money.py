"""Rules about money that unions hold: old, kept back, idle, spent in a rush, recorded late."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, case, func, select

from ledger.domain.values import WHOLE_BP
from projections.asked import Moment, uuid_of
from projections.blocks import FOLDED, blocks_at
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.followed_lots import (
    FollowedLot,
    Target,
    consumption,
    followed_lots,
    opened_on,
    surplus_targets,
    years_opened,
)
from projections.journal import Account, lines, lots
from projections.journal_sums import Routes, routes, sums
from projections.movements import Kind, movements
from projections.remittances import RemittanceView, waiting

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


def lines_missed(asked: Asked) -> Iterator[Finding]:
    """G1: a year's end came, and of old money less had been used by then than was asked.

    That of the first year, and of years before the one that is followed also that of the last;
    what became of the money later does not change it.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
    """
    for year in years_opened(asked.connection, asked.day.year - 1):
        targets = surplus_targets(asked.connection, year)
        ends = {year}
        if year != asked.year:
            ends |= {year + (each.all_within_years or 1) - 1 for each in targets.values()}
        for end in sorted(ends):
            yield from _missed(asked, year, date(end, 12, 31), targets)


def _missed(
    asked: Asked, year: int, due_on: date, targets: Mapping[UUID, Target]
) -> Iterator[Finding]:
    """Tell who was short of the line that is due on the last day of a year, if it has passed."""
    if due_on >= asked.day:
        return
    by_owner: dict[UUID, list[FollowedLot]] = defaultdict(list)
    for each in followed_lots(asked.connection, year, Moment(due_on, asked.moment.at)):
        by_owner[each.owner_id].append(each)
    for owner, followed in by_owner.items():
        target = targets.get(owner)
        if target is None:
            continue
        pace = target.pace(year, consumption(followed), due_on, due_on)
        short = pace.remaining_fen - pace.may_remain_fen
        is_first = due_on.year == year and (target.all_within_years or 1) > 1
        if short > 0 and pace.due_on == due_on and (is_first or year != asked.year):
            yield Finding(
                "G1",
                Severity.ERROR,
                owner,
                due_on.isoformat(),
                1,
                short,
                detail="missed_first_year" if is_first else "missed",
                year=year,
            )


def kept_back(asked: Asked) -> Iterator[Finding]:
    """F3: money from above that was neither passed on nor paid out within the days allowed.

    Source: 送温暖资金使用管理办法: 不得截留.
    """
    late = asked.past(asked.patience.passing_on_days)
    blocks = blocks_at(asked.connection, asked.moment)
    kept = (blocks, asked.moment, "kept back", late)
    folded = _from_above(sums, late, asked.moment.by_day(sums), sums.c.block < blocks.whole)
    since = _from_above(lines, late, asked.moment.covers(lines), lines.c.position >= blocks.end)
    left: Counter[tuple[bytes, str, bytes]] = Counter()
    for *lot, amount in (
        *FOLDED.rows(asked.connection, kept, folded),
        *asked.connection.execute(since),
    ):
        left[lot[0], lot[1], lot[2]] += amount
    by_place: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    for (place, day, _), amount in left.items():
        if amount > 0:
            by_place[place].append((day, amount))
    for place, held in by_place.items():
        yield Finding(
            "F3",
            Severity.WARNING,
            uuid_of(place),
            min(day for day, _ in held),
            len(held),
            sum(amount for _, amount in held),
        )


def _from_above(table: Table, late: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Sum up what old lots from above hold by these rows, lot by lot where that is not nothing."""
    fund = Account.FUND.value
    held = func.sum(
        case((table.c.to_account == fund, table.c.amount_fen), else_=0)
        - case((table.c.from_account == fund, table.c.amount_fen), else_=0)
    )
    lot = (lots.c.organisation_id, lots.c.happened_on, lots.c.lot_id)
    return (
        select(*lot, held)
        .join(table, table.c.lot_id == lots.c.lot_id)
        .where(lots.c.parent_id.is_not(None), lots.c.happened_on <= late, *conditions)
        .group_by(*lot)
        .having(held != 0)
    )


def last_year_known(asked: Asked) -> Hashable:
    """Return what changes when the log says something more of the years that are over."""
    blocks = blocks_at(asked.connection, asked.moment)
    said = select(func.count()).where(
        lines.c.position >= blocks.end,
        asked.moment.covers(lines),
        lines.c.happened_on <= date(asked.day.year - 1, 12, 31).isoformat(),
    )
    return blocks, asked.connection.execute(said).scalar_one()


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


def unacknowledged(asked: Asked) -> Iterator[Finding]:
    """F9: money sent to another ledger, which has not proved in the days allowed what became of it.

    It took it in, or refused it, so that it is taken back; until then it stays on its way.
    """
    late: dict[UUID, list[RemittanceView]] = defaultdict(list)
    for each in waiting(asked.connection, asked.moment, asked.past(asked.patience.bank_days)):
        late[each.organisation_id].append(each)
    for place, found in late.items():
        yield Finding(
            "F9",
            Severity.WARNING,
            place,
            min(each.happened_on for each in found),
            len(found),
            sum(each.amount_fen for each in found),
        )


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

    @cache
    def in_time(day: str) -> str:
        return (date.fromisoformat(day) + tolerated).isoformat()

    late: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    for place, day, recorded, amount in asked.connection.execute(statement):
        if recorded[:DAY] > in_time(day):
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
