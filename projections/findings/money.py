"""Rules about money that unions hold: old, kept back, idle, spent in a rush, recorded late."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, case, func, select

from ledger.domain.policy import LimitName
from ledger.domain.values import WHOLE_BP
from projections.asked import Moment, uuid_of
from projections.batches import batches, campaign_list
from projections.blocks import FOLDED, blocks_at
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.late_arrivals import arrived
from projections.findings.taken_back import taken_back_since
from projections.followed_lots import (
    FollowedLot,
    Target,
    consumption,
    followed_lots,
    lots_on_a_clock,
    opened_on,
    surplus_targets,
    years_opened,
)
from projections.journal import Account, lines, lots
from projections.journal_sums import Among, Routes, routes, sums
from projections.movements import Kind, movements
from projections.organisations import tree_on
from projections.remittances import RemittanceView, waiting

DAY = len("2017-01-20")
LONDON, CHINA_ENDS = "T24", "T16"
"""When a day of the year is over, as the log's moments write it: London's, and China's."""

Targets = Mapping[UUID, Target]
"""What was asked of each organisation's old money."""


def surplus_not_used(asked: Asked) -> Iterator[Finding]:
    """G1: old money that was not used up in time, or will not be if it goes on as it does.

    Where a year was opened without a policy nothing is asked of it, and that is told.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
    """
    if asked.year is None:
        return
    targets = surplus_targets(asked.connection, asked.year, asked.moment)
    yield from behind(asked, asked.year, targets)
    began = opened_on(asked.connection, asked.year, asked.moment)
    for owner, followed in _by_owner(asked.followed).items():
        left = consumption(followed).remaining_fen
        if left > 0 and owner in targets and targets[owner].asks_nothing:
            yield Finding(
                "G1",
                Severity.INFORMATION,
                owner,
                began[owner],
                1,
                left,
                detail="nothing_asked",
                year=asked.year,
            )


def behind(asked: Asked, year: int, targets: Targets) -> Iterator[Finding]:
    """Tell whose old money is behind what is asked of it, or was when the last line came."""
    began = opened_on(asked.connection, year, asked.moment)
    for owner, followed in _by_owner(asked.followed).items():
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

    That of the first year, and of years before the one that is followed also that of the last.
    What became of the money later does not change it; but what had been recorded by mistake as
    having reached people, and was taken back since, had not.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
    """
    for year in years_opened(asked.connection, asked.day.year - 1):
        targets = surplus_targets(asked.connection, year, asked.moment)
        yield from missed(asked, year, targets, settled_at)


def missed(
    asked: Asked,
    year: int,
    targets: Targets,
    stood: Callable[[Asked, int, date], list[FollowedLot]],
) -> Iterator[Finding]:
    """Tell who was short of a line of a fiscal year that has passed.

    Args:
        asked: Of what state.
        year: The fiscal year.
        targets: What was asked of each organisation.
        stood: Returns how old money of a year stood when a line came.
    """
    ends = {date(year, 12, 31)}
    if year != asked.year:
        ends |= {last for each in targets.values() if (last := each.last_line(year))}
    for due_on in sorted(ends):
        if due_on >= asked.day:
            continue
        for owner, followed in _by_owner(stood(asked, year, due_on)).items():
            target = targets.get(owner)
            if target is None:
                continue
            pace = target.pace(year, consumption(followed), due_on, due_on)
            short = pace.remaining_fen - pace.may_remain_fen
            is_first = due_on.year == year and target.last_line(year) != due_on
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


def recorded_at(asked: Asked, year: int, day: date) -> list[FollowedLot]:
    """Return how old money stood on a day, by all that was dated up to it."""
    return followed_lots(asked.connection, year, Moment(day, asked.moment.at))


def settled_at(asked: Asked, year: int, day: date) -> list[FollowedLot]:
    """Return how old money stood on a day, without what was later taken back as a mistake."""
    followed = recorded_at(asked, year, day)
    undone = taken_back_since(asked.connection, followed, day, asked.moment)
    return [
        replace(each, consumed_fen=each.consumed_fen - undone[each.lot_id, each.since])
        for each in followed
    ]


def on_no_clock(asked: Asked) -> Iterator[Finding]:
    """G1: money of an earlier vintage is held, and no fiscal year was opened with it.

    In the year of the day, and at the end of the one before it; nobody asks that it be used, until
    it is brought forward. Within the days in which things are to be recorded it is not told.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
    """
    year, at = asked.day.year, asked.moment.at
    last = date(year - 1, 12, 31)
    yield from _on_no_clock(asked, year - 1, last, Moment(last, at))
    yield from _on_no_clock(asked, year, asked.day, asked.moment)


def _on_no_clock(asked: Asked, year: int, day: date, moment: Moment) -> Iterator[Finding]:
    of = lots.c
    since = {
        lot_id: max(came, date(year, 1, 1).isoformat())
        for lot_id, came in asked.connection.execute(
            select(of.lot_id, of.happened_on).where(of.vintage < year, moment.covers(lots))
        )
    }
    least = min(asked.values(LimitName.RECORDING_DAYS))
    if not any(came < _before(day, least) for came in since.values()):
        return
    opened = lots_on_a_clock(asked.connection, year, asked.moment)
    by = ("organisation_id", "lot_id")
    found: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    for (place, lot_id), went in routes(asked.connection, moment, by, Among(before=year)).items():
        held = went.net(Account.FUND)
        came = since.get(lot_id)  # None: only a correction of it is dated before it came
        if came is None or held <= 0 or lot_id in opened:
            continue
        if came < _before(day, asked.borne_at(uuid_of(place), came).recording_days):
            found[place].append((came, held))
    for place, held_lots in found.items():
        yield _put_together("G1", Severity.WARNING, place, held_lots, "not_opened", year)


def _put_together(
    rule: str,
    severity: Severity,
    place: bytes,
    found: Sequence[tuple[str, int]],
    detail: str | None = None,
    year: int | None = None,
) -> Finding:
    """Tell of days and amounts at one organisation together, since the first of them."""
    return Finding(
        rule,
        severity,
        uuid_of(place),
        min(day for day, _ in found),
        len(found),
        sum(amount for _, amount in found),
        detail=detail,
        year=year,
    )


def _before(day: date, days: int) -> str:
    return (day - timedelta(days=days)).isoformat()


def _by_owner(every: Iterable[FollowedLot]) -> dict[UUID, list[FollowedLot]]:
    found: dict[UUID, list[FollowedLot]] = defaultdict(list)
    for each in every:
        found[each.owner_id].append(each)
    return found


def kept_back(asked: Asked) -> Iterator[Finding]:
    """F3: money from above that was neither passed on nor paid out within the days allowed.

    Source: 送温暖资金使用管理办法: 不得截留.
    """
    late = asked.past(min(asked.values(LimitName.PASSING_ON_DAYS)))
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
        if amount <= 0:
            continue
        if day <= asked.past(asked.borne_at(uuid_of(place), day).passing_on_days):
            by_place[place].append((day, amount))
    for place, held in by_place.items():
        yield _put_together("F3", Severity.WARNING, place, held)


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
    """Return what changes when the log says something more of the years that are over.

    And of campaigns that span a New Year, until they end: what was in hand then was for them, with
    those who take part.
    """
    blocks = blocks_at(asked.connection, asked.moment)
    year = asked.day.year - 1
    spanning = _spanning(asked, year)
    last = max([date(year, 12, 31).isoformat(), *spanning.values()])
    said = select(func.count()).where(
        lines.c.position >= blocks.end,
        asked.moment.covers(lines),
        lines.c.happened_on <= last,
    )
    known = asked.connection.execute(said).scalar_one()
    return blocks, last, known, frozenset(_seasons_end(asked, spanning).items())


def spent_in_a_rush(asked: Asked) -> Iterator[Finding]:
    """G3: much of what reached people in the last whole year did so in its last days.

    Without what campaigns paid that go on after New Year: 两节 begin in December.
    """
    year = asked.day.year - 1
    last = date(year, 12, 31)
    seasons = _spanning(asked, year)
    yield from _rushed(asked, last, lambda after: _without(seasons, asked, after, last))


def every_rush(asked: Asked) -> Iterator[Finding]:
    """G3, version 1: what was paid in the last days counted, of whatever campaign."""
    year = asked.day.year - 1
    last = date(year, 12, 31)
    yield from _rushed(asked, last, lambda after: _reached(asked, after, last))


def _rushed(
    asked: Asked, last: date, paid: Callable[[date], Mapping[bytes, int]]
) -> Iterator[Finding]:
    """Tell of whom `paid` after the days before the last ones of a year was much of that of all."""
    spent = paid(date(last.year - 1, 12, 31))
    for days in sorted(asked.values(LimitName.RUSH_DAYS)):
        for place, amount in paid(last - timedelta(days=days)).items():
            borne = asked.borne_at(uuid_of(place), last.isoformat())
            if borne.rush_days != days or amount * WHOLE_BP <= spent[place] * borne.rush_share_bp:
                continue
            yield Finding(
                "G3", Severity.WARNING, uuid_of(place), last.isoformat(), 1, amount, year=last.year
            )


def _without(
    campaigns: Collection[UUID], asked: Asked, after: date, until: date
) -> dict[bytes, int]:
    """Return what reached people between days by other campaigns than these."""
    theirs = _paid_in(asked, campaigns, after, until)
    found = _reached(asked, after, until)
    return {place: amount - theirs[place] for place, amount in found.items()}


def idle(asked: Asked) -> Iterator[Finding]:
    """G4: at the end of the last whole year much of what had come in it was still in hand.

    Of who takes part in a campaign that goes on after New Year: what of that is still there when it
    has ended.
    """
    year = asked.day.year - 1
    yield from _idle(asked, year, _seasons_end(asked, _spanning(asked, year)))


def idle_at_new_year(asked: Asked) -> Iterator[Finding]:
    """G4, version 1: what was in hand at the year's end counted, whatever it was for."""
    yield from _idle(asked, asked.day.year - 1, {})


def _idle(asked: Asked, year: int, still: Mapping[bytes, str]) -> Iterator[Finding]:
    """Tell what was idle at a year's end, less what was used of it `still` until a later day."""
    last = date(year, 12, 31)
    then = routes(asked.connection, Moment(last, asked.moment.at), by=("organisation_id",))
    before = routes(
        asked.connection, Moment(date(year - 1, 12, 31), asked.moment.at), by=("organisation_id",)
    )
    today = asked.day.isoformat()
    used_by = {
        end: _used(asked, last, date.fromisoformat(end))
        for end in set(still.values())
        if end < today
    }
    for (place,), of in then.items():
        end = still.get(place)
        if end is not None and end >= today:
            continue
        came = _came(of) - (_came(before[place,]) if (place,) in before else 0)
        left = of.net(Account.FUND) - (0 if end is None else used_by[end][place])
        borne = asked.borne_at(uuid_of(place), last.isoformat())
        if left > 0 and left * WHOLE_BP > came * borne.idle_share_bp:
            yield Finding(
                "G4", Severity.WARNING, uuid_of(place), last.isoformat(), 1, left, year=year
            )


def _used(asked: Asked, then: date, until: date) -> Counter[bytes]:
    """Return what organisations held on a day and had paid or passed on by a later one."""
    by = ("organisation_id", "lot_id")
    held = routes(asked.connection, Moment(then, asked.moment.at), by)
    later = routes(asked.connection, Moment(until, asked.moment.at), by)
    used: Counter[bytes] = Counter()
    for lot, of in held.items():
        gone = of.net(Account.FUND) - later[lot].net(Account.FUND)
        used[lot[0]] += max(0, gone)
    return used


def _spanning(asked: Asked, year: int) -> dict[UUID, str]:
    """Return the campaigns of the season that go on after a year's end (两节), and until when.

    Begun in its last months and until March, so that no long one has a whole year looked over.
    """
    begin, ends, over = f"{year}-10-01", f"{year}-12-31", f"{year + 1}-03-31"
    return {
        each.campaign_id: each.ends_on
        for each in campaign_list(asked.connection)
        if begin <= each.starts_on <= ends < each.ends_on <= over
        and each.position < asked.moment.known_end
    }


def _seasons_end(asked: Asked, spanning: Mapping[UUID, str]) -> dict[bytes, str]:
    """Return until when campaigns that go on after a year's end do so, by who takes part in one.

    That is who listed people in it, and those above them as far as they have a part in it: what
    they hold they pass down.
    """
    found: dict[bytes, str] = {}
    for campaign_id, end in spanning.items():
        of = batches.c
        listed = select(of.organisation_id).where(
            of.campaign_id == campaign_id.bytes, asked.moment.covers(batches)
        )
        tree = tree_on(asked.connection, date.fromisoformat(end), asked.moment.at)
        part = asked.reach.get(campaign_id)
        for raw in asked.connection.execute(listed.distinct()).scalars():
            for place in tree.line(uuid_of(raw)):
                if part is None or place in part:
                    found[place.bytes] = max(end, found.get(place.bytes, ""))
    return found


def _paid_in(asked: Asked, campaigns: Collection[UUID], after: date, until: date) -> Counter[bytes]:
    """Return what reached people of campaigns after one day and until another, by organisation."""
    found: Counter[bytes] = Counter()
    moment = Moment(until, asked.moment.at)
    came = arrived(asked.connection, moment, dict.fromkeys(campaigns, after.isoformat()))
    for (place, _, _), of in came.items():
        found[place] += of.amount_fen
    return found


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
    least = min(asked.values(LimitName.BANK_DAYS))
    for each in waiting(asked.connection, asked.moment, asked.past(least)):
        allowed = asked.borne_at(each.organisation_id, each.happened_on).bank_days
        if each.happened_on <= asked.past(allowed):
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

    What happened before the ledger was begun could not be recorded in time. Days are China's.
    """
    yield from _recorded_late(asked, CHINA_ENDS)


def recorded_late_in_london(asked: Asked) -> Iterator[Finding]:
    """H4 as it was: it went by London's day, which ends eight hours after China's."""
    yield from _recorded_late(asked, LONDON)


def began_on(asked: Asked, day_ends: str = CHINA_ENDS) -> str:
    """Return the day on which money was first recorded; what happened before could not be."""
    began = asked.connection.execute(select(func.min(movements.c.recorded_at))).scalar_one() or ""
    first = began[:DAY]
    if began >= first + day_ends:
        first = (date.fromisoformat(first) + timedelta(days=1)).isoformat()
    return first


def _recorded_late(asked: Asked, day_ends: str) -> Iterator[Finding]:
    kinds = (Kind.RECEIPT.value, Kind.ALLOCATION.value)
    of = movements.c
    statement = select(of.organisation_id, of.happened_on, of.recorded_at, of.amount_fen).where(
        of.kind.in_(kinds), asked.moment.covers(movements)
    )
    statement = statement.where(of.happened_on >= began_on(asked, day_ends))

    @cache
    def in_time(place: bytes, day: str) -> str:
        tolerated = asked.borne_at(uuid_of(place), day).recording_days
        return (date.fromisoformat(day) + timedelta(days=tolerated)).isoformat() + day_ends

    late: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    for place, day, recorded, amount in asked.connection.execute(statement):
        if recorded >= in_time(place, day):
            late[place].append((day, amount))
    for place, found in late.items():
        yield _put_together("H4", Severity.INFORMATION, place, found)
