"""Rules about cards: one for several people, another one than was known before."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, Select, exists, func, select

from ledger.domain.disbursement import NOT_PAID
from projections.asked import uuid_of
from projections.disbursements import last_state
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.growing import Growing, among
from projections.findings.people import payment_ids, some_again
from projections.payment_cards import payment_cards, reissue_cards
from projections.payment_states import disbursements, states
from projections.person_files import OPENED, person_files


def one_for_several(asked: Asked) -> Iterator[Finding]:
    """C3: money for more than one person went to one account."""
    paid = paid_to(asked, SHARED.keys(asked.connection))
    for card, payments in paid.items():
        people = {row.person_id for row in payments.values()}
        if len(people) < 2:  # noqa: PLR2004 - one person's card
            continue
        since = max(row.happened_on for row in payments.values())
        total = sum(row.amount_fen for row in payments.values())
        by_place: dict[bytes, list[Row[Any]]] = defaultdict(list)
        for row in sorted(payments.values(), key=lambda row: row.position):
            by_place[row.organisation_id].append(row)
        for place, rows in by_place.items():
            yield Finding(
                "C3",
                Severity.ERROR,
                uuid_of(place),
                since,
                len(people),
                total,
                position=_first_sent(asked, card, place),
                payment_ids=payment_ids(rows),
                stood_at=tuple(row.position for row in rows),
            )


def _first_sent(asked: Asked, card: bytes, place: bytes) -> int:
    """Return where an organisation first sent money to a card: nothing later comes before it."""
    first = (
        select(func.min(payment_cards.c.position))
        .join(disbursements, disbursements.c.position == payment_cards.c.position)
        .where(payment_cards.c.card == card, disbursements.c.organisation_id == place)
    )
    again = (
        select(func.min(reissue_cards.c.position))
        .join(disbursements, disbursements.c.disbursement_id == reissue_cards.c.disbursement_id)
        .where(reissue_cards.c.card == card, disbursements.c.organisation_id == place)
    )
    sent: list[int | None] = [
        asked.connection.execute(each).scalar_one() for each in (first, again)
    ]
    return min(each for each in sent if each is not None)


def changed_lately(asked: Asked) -> Iterator[Finding]:
    """C5: paid to another card than was known some days before, or again to another one."""
    people = WITH_ANOTHER.keys(asked.connection)
    known = _known(asked, people)
    found: dict[tuple[bytes, bytes], dict[bytes, Row[Any]]] = defaultdict(dict)
    statement = _first().where(asked.moment.covers(disbursements))
    for row in among(asked.connection, people, disbursements.c.person_id, statement):
        before = _days_before(row.happened_on, asked.patience.card_days)
        cards = {card for card, day in known[row.person_id] if day <= before}
        if cards and row.card not in cards:
            found[row.organisation_id, row.campaign_id][row.disbursement_id] = row
    changed = _again().where(
        reissue_cards.c.card != payment_cards.c.card, asked.moment.covers(reissue_cards)
    )
    for row in asked.connection.execute(changed):
        found[row.organisation_id, row.campaign_id][row.disbursement_id] = row
    for (place, campaign), payments in found.items():
        rows = sorted(payments.values(), key=lambda row: row.position)
        yield Finding(
            "C5",
            Severity.WARNING,
            uuid_of(place),
            min(row.happened_on for row in rows),
            len(rows),
            sum(row.amount_fen for row in rows),
            campaign_id=uuid_of(campaign),
            position=rows[0].position,
            payment_ids=payment_ids(rows),
        )


def paid_to(asked: Asked, cards: Sequence[bytes]) -> dict[bytes, dict[bytes, Row[Any]]]:
    """Return the payments that went to each of these cards and stand, by their ids."""
    paid: dict[bytes, dict[bytes, Row[Any]]] = defaultdict(dict)
    # What was sent back did not go there; paid again, it went to the card of that time.
    later = reissue_cards.alias("later")
    gone = exists().where(
        later.c.disbursement_id == disbursements.c.disbursement_id, asked.moment.covers(later)
    )
    newer = reissue_cards.alias("newer")
    outdone = exists().where(
        newer.c.disbursement_id == reissue_cards.c.disbursement_id,
        newer.c.position > reissue_cards.c.position,
        asked.moment.covers(newer),
    )
    first = _first().where(~gone)
    again = _again().where(asked.moment.covers(reissue_cards), ~outdone)
    for statement, column in ((first, payment_cards.c.card), (again, reissue_cards.c.card)):
        stands = (
            statement.join(states, states.c.position == last_state(asked.moment))
            .where(asked.moment.covers(disbursements))
            .where(states.c.status.not_in(sorted(NOT_PAID)))
        )
        for row in among(asked.connection, cards, column, stands):
            paid[row.card][row.disbursement_id] = row
    return paid


def _first() -> Select[Any]:
    """Select payments with the card that each was instructed to."""
    return select(disbursements, payment_cards.c.card).join(
        payment_cards, payment_cards.c.position == disbursements.c.position
    )


def _again() -> Select[Any]:
    """Select payments with the card that each was paid to again."""
    return (
        select(disbursements, reissue_cards.c.card)
        .join(reissue_cards, reissue_cards.c.disbursement_id == disbursements.c.disbursement_id)
        .join(payment_cards, payment_cards.c.position == disbursements.c.position)
    )


def _known(asked: Asked, people: Sequence[bytes]) -> dict[bytes, list[tuple[bytes, str]]]:
    """Return the cards of people, each with the day from which it is known."""
    filed = select(person_files).where(
        person_files.c.step == OPENED,
        person_files.c.card.is_not(None),
        asked.moment.covers(person_files),
    )
    paid = _first().where(asked.moment.covers(disbursements))
    again = (
        select(disbursements.c.person_id, reissue_cards.c.card, reissue_cards.c.happened_on)
        .join(reissue_cards, reissue_cards.c.disbursement_id == disbursements.c.disbursement_id)
        .where(asked.moment.covers(reissue_cards))
    )
    known: dict[bytes, list[tuple[bytes, str]]] = defaultdict(list)
    for statement, column in (
        (filed, person_files.c.person_id),
        (paid, disbursements.c.person_id),
        (again, disbursements.c.person_id),
    ):
        for row in among(asked.connection, people, column, statement):
            known[row.person_id].append((row.card, row.happened_on))
    return known


def _days_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


# What each rule has to look at: found once, and then in what was recorded since.


def _shared(start: int) -> Sequence[Select[Any]]:
    """Select the cards that several people were paid to, by what was recorded since."""
    first, again = payment_cards.c, reissue_cards.c
    among_first = (
        select(first.card)
        .group_by(first.card)
        .having(func.min(first.person_id) != func.max(first.person_id))
    )
    if start:
        new = select(first.card).where(first.position >= start)
        among_first = among_first.where(first.card.in_(new))
    # There are few of these: each is looked up among all others, until one differs.
    person, another = disbursements.alias("person"), disbursements.alias("another")
    other = reissue_cards.alias("other")
    paid_again = (
        select(again.card)
        .distinct()
        .join(person, person.c.disbursement_id == again.disbursement_id)
    )
    differs = (first.card == again.card, first.person_id != person.c.person_id)
    between = paid_again.where(exists().where(*differs))
    among_again = paid_again.where(
        exists()
        .where(other.c.card == again.card, other.c.disbursement_id == another.c.disbursement_id)
        .where(another.c.person_id != person.c.person_id)
    )
    if not start:
        return among_first, between, among_again
    return (
        among_first,
        between.where(again.position >= start),
        paid_again.where(exists().where(*differs, first.position >= start)),
        among_again.where(again.position >= start),
    )


def _another(start: int) -> Sequence[Select[Any]]:
    """Select people paid since to another card than stands in a file of theirs, or than before."""
    first = payment_cards.c
    filed = (
        select(first.person_id)
        .join(person_files, person_files.c.person_id == first.person_id)
        .where(person_files.c.step == OPENED, person_files.c.card != first.card)
    )
    of = disbursements.c
    before = (
        select(of.person_id)
        .join(payment_cards, first.position == of.position)
        .where(of.person_id.in_(some_again(start)))
        .group_by(of.person_id)
        .having(func.min(first.card) != func.max(first.card))
    )
    if not start:
        return filed, before
    # A file may be taken in later than it was opened, and than its person was paid.
    since = filed.where(first.position >= start), filed.where(person_files.c.position >= start)
    return *since, before


SHARED = Growing(_shared)
WITH_ANOTHER = Growing(_another)
