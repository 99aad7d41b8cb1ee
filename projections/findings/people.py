"""Rules about people over all unions: in two files, over the year's cap, paid again elsewhere."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, distinct, func, select

from ledger.domain.disbursement import NOT_PAID
from projections.asked import uuid_of
from projections.disbursements import last_state
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.growing import Growing, among
from projections.payment_states import disbursements, states
from projections.person_files import CLOSED, OPENED, person_files

YEAR = len("2017")


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

    Source: 送温暖资金使用管理: 原则上每人每年不超过; the value is the policy's.
    """
    lowest = asked.patience.yearly_maximum_fen
    people = _well_paid(lowest).keys(asked.connection)
    by_year: dict[tuple[bytes, int], list[Row[Any]]] = defaultdict(list)
    for row in _payments(asked, people):
        by_year[row.person_id, int(row.happened_on[:YEAR])].append(row)
    for (person, year), paid in by_year.items():
        total = sum(row.amount_fen for row in paid)
        if total > lowest:
            yield from _by_place(asked, "B3", Severity.ERROR, person, paid, total, year=year)


def paid_again_elsewhere(asked: Asked) -> Iterator[Finding]:
    """E2: paid again within some days, by another union or out of other money."""
    again = asked.patience.again_days
    people = _paid_again(again).keys(asked.connection)
    of_person: dict[bytes, list[Row[Any]]] = defaultdict(list)
    for row in _payments(asked, people):
        of_person[row.person_id].append(row)
    for person, paid in of_person.items():
        near = [
            row
            for row in paid
            if any(
                one.position != row.position
                and _days(one.happened_on, row.happened_on) <= again
                and (one.organisation_id != row.organisation_id or one.origins != row.origins)
                for one in paid
            )
        ]
        if near:
            total = sum(row.amount_fen for row in near)
            yield from _by_place(asked, "E2", Severity.WARNING, person, near, total)


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


def _by_place(
    asked: Asked,
    rule: str,
    severity: Severity,
    person: bytes,
    paid: Sequence[Row[Any]],
    total: int,
    *,
    year: int | None = None,
) -> Iterator[Finding]:
    """Tell each union that paid: it sees its own payments, and what they come to with others'.

    What it is known by is the first payment there, sent back or not: no later one comes before it.
    """
    by_place: dict[bytes, list[Row[Any]]] = defaultdict(list)
    for row in paid:
        by_place[row.organisation_id].append(row)
    for place, rows in by_place.items():
        yield Finding(
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
    """Return where the first payment of an organisation to a person stands, of a year or at all."""
    of = disbursements.c
    first = select(func.min(of.position)).where(of.person_id == person, of.organisation_id == place)
    if year is not None:
        first = first.where(func.substr(of.happened_on, 1, YEAR) == str(year))
    found: int = asked.connection.execute(first).scalar_one()
    return found


def payment_ids(rows: Iterable[Row[Any]]) -> tuple[UUID, ...]:
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


@cache
def _well_paid(more_than_fen: int) -> Growing:
    def asking(start: int) -> Sequence[Select[Any]]:
        of = disbursements.c
        year = func.substr(of.happened_on, 1, YEAR)
        statement = (
            select(of.person_id)
            .group_by(of.person_id, year)
            .having(func.sum(of.amount_fen) > more_than_fen)
        )
        if start:
            new = select(of.person_id).where(of.position >= start)
            statement = statement.where(of.person_id.in_(new))
        return (statement,)

    return Growing(asking)


@cache
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
            )
            .where(one.c.person_id.in_(some_again(start)))
        )
        if start:
            statement = statement.where(other.c.position >= start)
        return (statement,)

    return Growing(asking)


TWICE_ON_FILE = Growing(_filed_twice)
_FILED_OF = person_files.c.person_id
