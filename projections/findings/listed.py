"""Rules about what lists say of people: one telephone for many, and who has retired."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, and_, func, select

from projections.asked import uuid_of
from projections.findings.archive import Categories
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.growing import Growing, among
from projections.findings.people import payment_ids, standing, told_together
from projections.listed_people import retired_rows, row_phones
from projections.payment_states import disbursements

HARDSHIP = "困难"
"""By what alone A4 to A6 once knew a class of people in need."""


def named_hardship(payment: Row[Any]) -> bool:
    return HARDSHIP in payment.category


def one_phone_for_many(asked: Asked) -> Iterator[Finding]:
    """D6: more people than a family were paid under one telephone."""
    for phone, payments in paid_under(asked, SHARED_PHONES.keys(asked.connection)).items():
        people = {row.person_id for row in payments}
        if len(people) <= asked.patience.people_a_phone:
            continue
        by_place: dict[bytes, list[Row[Any]]] = defaultdict(list)
        for row in sorted(payments, key=lambda row: row.position):
            by_place[row.organisation_id].append(row)
        for place, rows in by_place.items():
            yield Finding(
                "D6",
                Severity.WARNING,
                uuid_of(place),
                max(row.happened_on for row in payments),
                len(people),
                sum(row.amount_fen for row in payments),
                position=_first_listed(asked, phone, place),
                payment_ids=payment_ids(rows),
            )


def retired(asked: Asked) -> Iterator[Finding]:
    """A6: a class of people in need, and somebody who had reached the age of retirement.

    Judged when the row was listed, by the policy in force then; where it names no age nobody is.
    """
    yield from _retired_among(asked, Categories(asked).in_need)


def retired_as_named(asked: Asked) -> Iterator[Finding]:
    """A6 as it was: people in need were known by one word in the name of their class."""
    yield from _retired_among(asked, named_hardship)


def _retired_among(asked: Asked, needy: Callable[[Row[Any]], bool]) -> Iterator[Finding]:
    people = RETIRED.keys(asked.connection)
    statement = standing(asked).join(retired_rows, _of_row(retired_rows))
    by_place: dict[tuple[bytes, bytes], list[Row[Any]]] = defaultdict(list)
    found = among(asked.connection, people, disbursements.c.person_id, statement)
    for row in sorted(found, key=lambda row: row.position):
        if needy(row):
            by_place[row.organisation_id, row.campaign_id].append(row)
    for place, rows in by_place.items():
        yield told_together("A6", Severity.WARNING, place, rows)


def paid_under(asked: Asked, phones: Sequence[bytes]) -> dict[bytes, list[Row[Any]]]:
    """Return the payments that stand and were listed under each of these telephones."""
    found: dict[bytes, list[Row[Any]]] = defaultdict(list)
    statement = (
        standing(asked).add_columns(row_phones.c.phone).join(row_phones, _of_row(row_phones))
    )
    for row in among(asked.connection, phones, row_phones.c.phone, statement):
        found[row.phone].append(row)
    return found


def _first_listed(asked: Asked, phone: bytes, place: bytes) -> int:
    """Return where an organisation first listed a telephone: nothing later comes before it."""
    first = (
        select(func.min(row_phones.c.position))
        .join(disbursements, _of_row(row_phones))
        .where(row_phones.c.phone == phone, disbursements.c.organisation_id == place)
    )
    return int(asked.connection.execute(first).scalar_one())


def _of_row(rows: Table) -> ColumnElement[bool]:
    """Say that a payment came of a row."""
    return and_(
        rows.c.person_id == disbursements.c.person_id, rows.c.batch_id == disbursements.c.batch_id
    )


# What each rule has to look at: found once, and then in what was recorded since.


def _shared(start: int) -> Sequence[Select[Any]]:
    """Select telephones of several people, by what was recorded since."""
    of = row_phones.c
    statement = (
        select(of.phone).group_by(of.phone).having(func.min(of.person_id) != func.max(of.person_id))
    )
    if start:
        new = select(of.phone).where(of.position >= start)
        statement = statement.where(of.phone.in_(new))
    return (statement,)


def _retired(start: int) -> Sequence[Select[Any]]:
    of = retired_rows.c
    return (select(of.person_id).distinct().where(of.position >= start),)


SHARED_PHONES = Growing(_shared)
RETIRED = Growing(_retired)
