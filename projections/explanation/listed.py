"""What the row of a payment said of the person: of retirement age, or under another's telephone."""

from collections.abc import Iterator

from sqlalchemy import Table, select

from ledger.domain.outside_list import ListKind
from ledger.domain.policy import LimitName
from projections.explanation.asked import Asked
from projections.explanation.checked import Checked, Fact, Outcome
from projections.explanation.outside import hits_on, in_need
from projections.findings.listed import paid_under
from projections.listed_people import retired_rows, row_phones


def by_row(asked: Asked) -> Iterator[Checked]:
    """A6, D6: what was judged by the ID number, and who else was listed under the telephone."""
    yield _retired(asked)
    yield _telephone(asked)


def _retired(asked: Asked) -> Checked:
    """Judged when the list was drafted, by the policy of that day."""
    if not in_need(asked):
        return Checked("A6", Outcome.NOT_ASKED, (Fact("category", asked.payment.category),))
    facts = []
    reading = asked.reading_on(asked.batch.happened_on, asked.batch.position)
    said = {} if reading is None else {each.name: each.value for each in reading.adopted.limits}
    for name, limit in (
        ("men_years", LimitName.RETIREMENT_MEN_YEARS),
        ("women_years", LimitName.RETIREMENT_WOMEN_YEARS),
    ):
        if limit in said:
            facts.append(Fact(name, said[limit]))
    if not facts:
        return Checked("A6", Outcome.NOT_ASKED)
    facts.append(Fact("listed_on", asked.batch.happened_on))
    found = _row_of(asked, retired_rows)
    outcome = Outcome.HELD if found is None else Outcome.BROKEN
    return Checked("A6", outcome, tuple(facts), position=found)


def _telephone(asked: Asked) -> Checked:
    of = row_phones.c
    phone = asked.connection.execute(
        select(of.phone).where(of.position == _row_of(asked, row_phones))
    ).scalar_one_or_none()
    if phone is None:
        return Checked("D6", Outcome.NOT_ASKED)
    people = {row.person_id for row in paid_under(asked.every, [phone])[phone]}
    facts = [
        Fact("people_under_phone", len(people)),
        Fact("people_a_phone", asked.patience.people_a_phone),
    ]
    of_staff = hits_on(asked, "D6")
    if of_staff:
        facts += [
            Fact("list_kind", ListKind.STAFF_PHONES.value),
            Fact("list_source", of_staff[0].held.source),
        ]
    broken = bool(of_staff) or len(people) > asked.patience.people_a_phone
    return Checked("D6", Outcome.BROKEN if broken else Outcome.HELD, tuple(facts))


def _row_of(asked: Asked, rows: Table) -> int | None:
    """Return where the payment's row stands among these, if it does."""
    found = select(rows.c.position).where(
        rows.c.person_id == asked.payment.person_id.bytes,
        rows.c.batch_id == asked.payment.batch_id.bytes,
    )
    return asked.connection.execute(found).scalar_one_or_none()
