"""Rules about people over all unions: in two files, over the year's cap, paid again elsewhere."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, distinct, exists, func, select

from ledger.domain.disbursement import NOT_PAID
from ledger.domain.policy import LimitName
from projections.asked import uuid_of
from projections.disbursements import last_state
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.growing import Growing, among
from projections.findings.sent import Sent, as_instructed, as_sent_last
from projections.movements import Kind, movements
from projections.payment_states import disbursements, states
from projections.person_files import CLOSED, OPENED, person_files

YEAR = len("2017")
LIMITS_KEPT = 8
"""Of so many values of a limit it is kept whom a rule has to look at."""


def in_several_files(asked: Asked) -> Iterator[Finding]:
    """A9: one person in more than one live file of the archive.

    Source: 一户一档: 困难职工档案管理.
    """
    statement = select(person_files).where(asked.moment.covers(person_files))
    found: dict[bytes, dict[str, Row[Any]]] = defaultdict(dict)
    rows = among(asked.connection, TWICE_ON_FILE.keys(asked.connection), _FILED_OF, statement)
    for row in sorted(rows, key=lambda row: row.position):
        if row.step == OPENED:
            found[row.person_id][row.file_number] = row
        elif row.happened_on <= asked.day.isoformat():
            found[row.person_id].pop(row.file_number, None)
    today = asked.day.isoformat()
    for person, files in found.items():
        live = [file for file in files.values() if file.happened_on <= today]
        if len(live) > 1:
            since = sorted(file.happened_on for file in live)[1]
            for place in sorted({file.organisation_id for file in live}):
                yield Finding(
                    "A9",
                    Severity.ERROR,
                    uuid_of(place),
                    since,
                    len(live),
                    position=max(file.position for file in live if file.organisation_id == place),
                    person_id=uuid_of(person),
                )


def over_the_yearly_maximum(asked: Asked) -> Iterator[Finding]:
    """B3: what one person got in a calendar year, from all unions, is more than the cap.

    What came back and was paid again counts in the year in which it was paid again.

    Source: 送温暖资金使用管理: 原则上每人每年不超过; the value is the policy's.
    """
    yield from _over(asked, _sent_last)


def over_it_as_instructed(asked: Asked) -> Iterator[Finding]:
    """B3 as it was: what was paid again counted in the year in which it was instructed first."""
    yield from _over(asked, _instructed)


def paid_again_soon(asked: Asked) -> Iterator[Finding]:
    """E2: paid again within some days: in the same category, by another union or of other money.

    One union that pays somebody in two categories, out of the same money, helps in two needs. Of
    what came back and was paid again, the day and the money of the last time count.
    """
    yield from _near(asked, _sent_last, _elsewhere_or_alike)


def paid_again_elsewhere(asked: Asked) -> Iterator[Finding]:
    """E2 as it was: of one union and the same money nothing was found."""
    yield from _near(asked, _sent_last, _elsewhere)


def paid_elsewhere_as_instructed(asked: Asked) -> Iterator[Finding]:
    """E2 as it was: the day and the money of the first time counted."""
    yield from _near(asked, _instructed, _elsewhere)


_Seen = Callable[[Asked, Sequence[Row[Any]]], list[Sent]]
"""Says on which day, and out of which money, payments were made."""

_Doubted = Callable[[Sent, Sent], bool]
"""Says whether two payments to one person are doubtful, if they are near each other."""


def _elsewhere(one: Sent, other: Sent) -> bool:
    return one.organisation_id != other.organisation_id or one.origins != other.origins


def _elsewhere_or_alike(one: Sent, other: Sent) -> bool:
    return one.category == other.category or _elsewhere(one, other)


def _sent_last(asked: Asked, payments: Sequence[Row[Any]]) -> list[Sent]:
    return as_sent_last(asked.connection, payments, asked.moment)


def _instructed(_: Asked, payments: Sequence[Row[Any]]) -> list[Sent]:
    return as_instructed(payments)


def _over(asked: Asked, seen: _Seen) -> Iterator[Finding]:
    lowest = min(asked.values(LimitName.YEARLY_MAXIMUM_FEN))
    people = _well_paid(lowest).keys(asked.connection)
    by_year: dict[tuple[bytes, int], list[Sent]] = defaultdict(list)
    for sent in seen(asked, _payments(asked, people)):
        by_year[sent.person_id, int(sent.happened_on[:YEAR])].append(sent)
    for (person, year), paid in by_year.items():
        total = sum(sent.amount_fen for sent in paid)
        last = max(sent.happened_on for sent in paid)
        for place in dict.fromkeys(sent.organisation_id for sent in paid):
            if total > asked.borne_at(uuid_of(place), last).yearly_maximum_fen:
                yield _told_at(place, asked, "B3", Severity.ERROR, person, paid, total, year=year)


def _near(asked: Asked, seen: _Seen, doubted: _Doubted) -> Iterator[Finding]:
    people = _paid_again(max(asked.values(LimitName.AGAIN_DAYS))).keys(asked.connection)
    of_person: dict[bytes, list[Sent]] = defaultdict(list)
    for sent in seen(asked, _payments(asked, people)):
        of_person[sent.person_id].append(sent)
    for person, paid in of_person.items():
        for place in dict.fromkeys(sent.organisation_id for sent in paid):
            near = _again_as_borne_at(place, asked, paid, doubted)
            if any(sent.organisation_id == place for sent in near):
                total = sum(sent.amount_fen for sent in near)
                yield _told_at(place, asked, "E2", Severity.WARNING, person, near, total)


def _again_as_borne_at(
    place: bytes, asked: Asked, paid: Sequence[Sent], doubted: _Doubted
) -> list[Sent]:
    """Return what was paid again within the days that a place is allowed on the later day."""

    def again(one: Sent, other: Sent) -> bool:
        later = max(one.happened_on, other.happened_on)
        allowed = asked.borne_at(uuid_of(place), later).again_days
        return _days(one.happened_on, other.happened_on) <= allowed

    return [
        sent
        for sent in paid
        if any(
            one.position != sent.position and doubted(one, sent) and again(one, sent)
            for one in paid
        )
    ]


def told_together(
    rule: str,
    severity: Severity,
    place: tuple[bytes, bytes],
    payments: Iterable[Row[Any]],
    *,
    detail: str | None = None,
) -> Finding:
    """Tell of payments of one organisation and campaign (`place`), however many come later."""
    rows = sorted(payments, key=lambda row: row.position)
    organisation, campaign = place
    return Finding(
        rule,
        severity,
        uuid_of(organisation),
        min(row.happened_on for row in rows),
        len(rows),
        sum(row.amount_fen for row in rows),
        detail=detail,
        campaign_id=uuid_of(campaign),
        payment_ids=payment_ids(rows),
    )


def _told_at(
    place: bytes,
    asked: Asked,
    rule: str,
    severity: Severity,
    person: bytes,
    paid: Sequence[Sent],
    total: int,
    *,
    year: int | None = None,
) -> Finding:
    """Tell a union that paid: it sees its own payments, and what they come to with others'.

    What it is known by is the first payment there, sent back or not: no later one comes before it.
    """
    rows = [row for row in paid if row.organisation_id == place]
    return Finding(
        rule,
        severity,
        uuid_of(place),
        max(row.happened_on for row in paid),
        len(paid),
        total,
        year=year,
        position=_first_paid(asked, person, place, year),
        person_id=uuid_of(person),
        payment_ids=payment_ids(rows),
        stood_at=tuple(row.position for row in rows),
    )


def _first_paid(asked: Asked, person: bytes, place: bytes, year: int | None) -> int:
    """Return where an organisation first paid a person, of a year or at all.

    What was paid again in a year stands where it was paid again: all of that year came before.
    """
    of = disbursements.c
    theirs = (of.person_id == person, of.organisation_id == place)
    first = select(func.min(of.position)).where(*theirs)
    if year is None:
        return int(asked.connection.execute(first).scalar_one())
    again = (
        select(func.min(movements.c.position))
        .join(disbursements, of.disbursement_id == movements.c.disbursement_id)
        .where(*theirs, WAS_REISSUED)
    )
    found: list[int | None] = [
        asked.connection.execute(each.where(func.substr(day, 1, YEAR) == str(year))).scalar_one()
        for each, day in ((first, of.happened_on), (again, movements.c.happened_on))
    ]
    return min(each for each in found if each is not None)


def payment_ids(rows: Iterable[Row[Any] | Sent]) -> tuple[UUID, ...]:
    return tuple(uuid_of(row.disbursement_id) for row in rows)


def _payments(asked: Asked, people: Sequence[bytes]) -> list[Row[Any]]:
    """Return payments to these people that stand: nothing of them was sent back."""
    statement = standing(asked)
    rows = among(asked.connection, people, disbursements.c.person_id, statement)
    return sorted(rows, key=lambda row: row.position)


def standing(asked: Asked) -> Select[Any]:
    return (
        select(disbursements)
        .select_from(disbursements)
        .join(states, states.c.position == last_state(asked.moment))
        .where(asked.moment.covers(disbursements), states.c.status.not_in(sorted(NOT_PAID)))
    )


def _days(one: str, other: str) -> int:
    return abs((date.fromisoformat(one) - date.fromisoformat(other)).days)


# Whom each rule has to look at: found once, and then in what was recorded since.


def _filed_twice(start: int) -> Sequence[Select[Any]]:
    of = person_files.c
    statement = (
        select(of.person_id)
        .where(of.step == OPENED)
        .group_by(of.person_id)
        .having(func.count(distinct(of.file_number)) > 1)
    )
    if start:
        new = select(of.person_id).where(of.position >= start, of.step != CLOSED)
        statement = statement.where(of.person_id.in_(new))
    return (statement,)


def some_again(start: int) -> Select[Any]:
    """Select people with more than one payment, one of them recorded since."""
    of = disbursements.c
    statement = select(of.person_id).group_by(of.person_id).having(func.count() > 1)
    if start:
        new = select(of.person_id).where(of.position >= start)
        statement = statement.where(of.person_id.in_(new))
    return statement


WAS_REISSUED = func.trim(movements.c.kind) == Kind.REISSUE.value
"""Not to be looked for by the kind, of which there are many: a person's payments are few."""


def _reissued(start: int) -> Select[Any]:
    """Select people of whom a payment was made again since."""
    return (
        select(disbursements.c.person_id)
        .join(movements, movements.c.disbursement_id == disbursements.c.disbursement_id)
        .where(movements.c.kind == Kind.REISSUE.value, movements.c.position >= start)
    )


def _reissued_once(start: int) -> Select[Any]:
    """Select people who were paid since, and of whom a payment was ever made again."""
    of = disbursements.c
    new = select(of.person_id).where(of.position >= start)
    again = exists().where(movements.c.disbursement_id == of.disbursement_id, WAS_REISSUED)
    return select(of.person_id).where(of.person_id.in_(new), again)


@lru_cache(maxsize=LIMITS_KEPT)
def _well_paid(more_than_fen: int) -> Growing:
    def asking(start: int) -> Sequence[Select[Any]]:
        of = disbursements.c
        year = func.substr(of.happened_on, 1, YEAR)
        much = func.sum(of.amount_fen) > more_than_fen
        statement = select(of.person_id).group_by(of.person_id, year).having(much)
        # What was paid again may count in another year: in all years together, then.
        again = select(of.person_id).group_by(of.person_id).having(much)
        if not start:
            return statement, again.where(of.person_id.in_(_reissued(start)))
        new = select(of.person_id).where(of.position >= start)
        return (
            statement.where(of.person_id.in_(new)),
            again.where(of.person_id.in_(_reissued(start))),
            again.where(of.person_id.in_(_reissued_once(start))),
        )

    return Growing(asking)


@lru_cache(maxsize=LIMITS_KEPT)
def _paid_again(within_days: int) -> Growing:
    def asking(start: int) -> Sequence[Select[Any]]:
        one, other = disbursements.alias("one"), disbursements.alias("other")
        apart = func.julianday(other.c.happened_on) - func.julianday(one.c.happened_on)
        statement = (
            select(one.c.person_id)
            .distinct()
            .select_from(one)
            .join(other, other.c.person_id == one.c.person_id)
            .where(one.c.position < other.c.position, apart.between(-within_days, within_days))
            .where(
                (one.c.organisation_id != other.c.organisation_id)
                | (one.c.origins != other.c.origins)
                | (one.c.category == other.c.category)
            )
            .where(one.c.person_id.in_(some_again(start)))
        )
        # What was paid again may be near what it was far from, and of other money.
        person = disbursements.c.person_id
        again = some_again(0).where(person.in_(_reissued(start)))
        if not start:
            return statement, again
        return (
            statement.where(other.c.position >= start),
            again,
            some_again(start).where(person.in_(_reissued_once(start))),
        )

    return Growing(asking)


TWICE_ON_FILE = Growing(_filed_twice)
_FILED_OF = person_files.c.person_id
