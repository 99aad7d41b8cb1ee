"""Rules over lists of other authorities: paid to the dead, to public servants, to relatives, ….

Lists hold blind indexes: a payment is looked up by the id of its person, or by its card's. A list
counts for the organisation that brought it and for all below.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Row, Select, select

from ledger.domain.outside_list import ListKind
from ledger.domain.policy import Channel
from projections.asked import uuid_of
from projections.batches import batches
from projections.batches import steps as batch_steps
from projections.findings.archive import Categories
from projections.findings.aside import LISTS_BESIDE, LISTS_OF, PROPERTY
from projections.findings.asked import Asked
from projections.findings.cards import paid_to
from projections.findings.finding import Finding, Severity
from projections.findings.growing import Growing, among
from projections.findings.listed import named_hardship, paid_under
from projections.findings.people import standing, told_together
from projections.findings.sent import reached_on, sent_again_on
from projections.listed_people import row_phones
from projections.organisations import Tree, tree_on
from projections.outside_lists import ListView, entries, held_lists
from projections.payment_cards import payment_cards, reissue_cards
from projections.payment_states import disbursements


@dataclass(frozen=True, slots=True)
class Hit:
    """A payment whose person or card stands on a list, and what stands there beside it."""

    held: ListView
    row: Row[Any]
    subject: bytes
    note: bytes


def after_death(asked: Asked) -> Iterator[Finding]:
    """A3: paid to somebody who was dead by then, or signed for by nobody who was alive.

    Of what came back and was paid again, the last day counts. The bank's answer to what was sent
    in time may come after a death.

    Source: 审计发现: 死亡后继续领取; 死亡即退档.
    """
    yield from _found("A3", Severity.ERROR, hits("A3", asked))


def dead_when_instructed(asked: Asked) -> Iterator[Finding]:
    """A3 as it was: the first day of a payment was held against the day of death, and no other."""
    late = (each for each in hits("A3", asked) if each.row.happened_on > died_on(asked, each))
    yield from _found("A3", Severity.ERROR, late)


def public_servants(asked: Asked) -> Iterator[Finding]:
    """A4: a class of people in need, and somebody who is on a public payroll."""
    yield from _found("A4", Severity.WARNING, hits("A4", asked))


def public_servants_as_named(asked: Asked) -> Iterator[Finding]:
    """A4 as it was: people in need were known by one word in the name of their class."""
    yield from _found("A4", Severity.WARNING, hits("A4", asked, by=_in_hardship))


def property_owners(asked: Asked) -> Iterator[Finding]:
    """A5: a class of people in need, and a house, a car or a business in their household."""
    yield from _found("A5", Severity.WARNING, hits("A5", asked))


def property_owners_as_named(asked: Asked) -> Iterator[Finding]:
    """A5 as it was: people in need were known by one word in the name of their class."""
    yield from _found("A5", Severity.WARNING, hits("A5", asked, by=_owning_in_hardship))


def relatives_of_officers(asked: Asked) -> Iterator[Finding]:
    """A8: paid to somebody whom an officer who drafted, reviewed or approved it is related to."""
    yield from _found("A8", Severity.WARNING, hits("A8", asked))


def accounts_of_staff(asked: Asked) -> Iterator[Finding]:
    """C4: the money went to an account of somebody who works for the union."""
    yield from _found("C4", Severity.ERROR, hits("C4", asked))


def under_phones_of_staff(asked: Asked) -> Iterator[Finding]:
    """D6: paid to somebody who was listed under the telephone of an officer."""
    yield from _found("D6", Severity.WARNING, hits("D6", asked))


def one_household_twice(asked: Asked) -> Iterator[Finding]:
    """E3: two members of one household were paid in one campaign, each as a household.

    Two who each kept a post on the holidays were each paid for that, and are no doubt.
    """
    yield from _found("E3", Severity.WARNING, hits("E3", asked))


def one_household_as_named(asked: Asked) -> Iterator[Finding]:
    """E3 as it was: people in need were known by one word in the name of their class."""
    yield from _found("E3", Severity.WARNING, hits("E3", asked, by=_one_household_as_named))


def one_household_in_any_class(asked: Asked) -> Iterator[Finding]:
    """E3 as it was: whatever the members of a household were paid for."""
    yield from _found("E3", Severity.WARNING, hits("E3", asked, by=_one_household_at_all))


def hits(
    rule: str, asked: Asked, only: bytes | None = None, by: "_Asking | None" = None
) -> list[Hit]:
    """Return the payments that a rule doubts; `only`: those of one person. `by`: as it once was."""
    wanted = LISTS_OF[rule] if rule in LISTS_OF else LISTS_BESIDE[rule]
    held = held_lists(asked.connection, asked.moment)
    if not any(each.kind in wanted for each in held):
        return []
    beside = (ListKind.HOUSEHOLDS,) if rule == "A5" else ()
    held = [each for each in held if each.kind in (*wanted, *beside)]
    places = _Places(asked)
    return [
        each
        for each in (by or _ASKING[rule])(asked, held, only)
        if places.counts(each.held, each.row.organisation_id)
    ]


class _Places:
    """Whether a list counts for an organisation: it is of it, or of one above."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._tree: Tree | None = None
        self._lines: dict[bytes, frozenset[UUID]] = {}

    def counts(self, held: ListView, organisation: bytes) -> bool:
        if organisation not in self._lines:
            if self._tree is None:
                moment = self._asked.moment
                self._tree = tree_on(self._asked.connection, moment.as_of, moment.at)
            line = self._tree.line(uuid_of(organisation))
            self._lines[organisation] = frozenset(line)
        return held.organisation_id in self._lines[organisation]


def _found(rule: str, severity: Severity, found: Iterable[Hit]) -> Iterator[Finding]:
    """Tell each union and campaign once for each kind of list: a further payment adds to it."""
    by_place: dict[tuple[bytes, bytes, str], dict[bytes, Row[Any]]] = defaultdict(dict)
    for each in found:
        place = (each.row.organisation_id, each.row.campaign_id, each.held.kind.value)
        by_place[place][each.row.disbursement_id] = each.row
    for (organisation, campaign, kind), payments in by_place.items():
        at = (organisation, campaign)
        yield told_together(rule, severity, at, payments.values(), detail=kind)


# What each rule asks of a payment to somebody who is listed.


def _listed(asked: Asked, held: Sequence[ListView], only: bytes | None) -> Iterator[Hit]:
    """Yield payments to people who are on lists, each with what stands there."""
    kinds = tuple(dict.fromkeys(each.kind for each in held))
    people = [only] if only is not None else _paid_and_listed(kinds).keys(asked.connection)
    on: dict[bytes, list[tuple[ListView, bytes]]] = defaultdict(list)
    of = {each.edition_id.bytes: each for each in held}
    statement = select(entries).where(entries.c.kind.in_([each.value for each in kinds]))
    for row in among(asked.connection, people, entries.c.subject, statement):
        if row.edition_id in of:
            on[row.subject].append((of[row.edition_id], row.note))
    paid = among(asked.connection, list(on), disbursements.c.person_id, standing(asked))
    for row in paid:
        for view, note in on[row.person_id]:
            yield Hit(view, row, row.person_id, note)


def _dead(asked: Asked, held: Sequence[ListView], only: bytes | None) -> Iterator[Hit]:
    found = list(_listed(asked, held, only))
    ids = list(dict.fromkeys(each.row.disbursement_id for each in found))
    again = sent_again_on(asked.connection, ids, asked.moment)
    reached = reached_on(asked.connection, ids, asked.moment)
    for each in found:
        id_, died = each.row.disbursement_id, died_on(asked, each)
        signed = each.row.channel == Channel.SIGNATURE_SHEET and reached.get(id_, "") > died
        if signed or again.get(id_, each.row.happened_on) > died:
            yield each


def died_on(asked: Asked, hit: Hit) -> str:
    """Return the day of death; where nobody can uncover it, the day of the list."""
    if asked.day_of is None:
        return hit.held.listed_on
    return asked.day_of(hit.held.file_sha256, hit.subject, hit.note).isoformat()


_Counts = Callable[[Row[Any]], bool]
"""Says whether a rule looks at a payment."""


def _in_need(asked: Asked, held: Sequence[ListView], only: bytes | None) -> Iterator[Hit]:
    yield from _listed_among(asked, held, only, Categories(asked).in_need)


def _in_hardship(asked: Asked, held: Sequence[ListView], only: bytes | None) -> Iterator[Hit]:
    yield from _listed_among(asked, held, only, named_hardship)


def _listed_among(
    asked: Asked, held: Sequence[ListView], only: bytes | None, counts: _Counts
) -> Iterator[Hit]:
    yield from (each for each in _listed(asked, held, only) if counts(each.row))


def _owning(asked: Asked, held: Sequence[ListView], only: bytes | None) -> Iterator[Hit]:
    yield from _owning_among(asked, held, only, Categories(asked).in_need)


def _owning_in_hardship(
    asked: Asked, held: Sequence[ListView], only: bytes | None
) -> Iterator[Hit]:
    yield from _owning_among(asked, held, only, named_hardship)


def _owning_among(
    asked: Asked, held: Sequence[ListView], only: bytes | None, counts: _Counts
) -> Iterator[Hit]:
    own = [each for each in held if each.kind in PROPERTY]
    yield from _listed_among(asked, own, only, counts)
    owned = {each.edition_id.bytes: each for each in own}
    households = [each.edition_id.bytes for each in held if each.kind is ListKind.HOUSEHOLDS]
    people = [only] if only is not None else _with_owners().keys(asked.connection)
    mine, theirs, owner = _MINE, _THEIRS, _OWNER
    statement = _beside_owners(mine.c.subject, owner.c.edition_id, theirs.c.note).where(
        owner.c.edition_id.in_(list(owned)), theirs.c.edition_id.in_(households)
    )
    of_owner: dict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    for row in among(asked.connection, people, mine.c.subject, statement):
        of_owner[row.subject].append((row.edition_id, row.note))
    paid = among(asked.connection, list(of_owner), disbursements.c.person_id, standing(asked))
    for row in paid:
        if counts(row):
            for edition, note in of_owner[row.person_id]:
                yield Hit(owned[edition], row, row.person_id, note)


def _related(asked: Asked, held: Sequence[ListView], only: bytes | None) -> Iterator[Hit]:
    found = list(_listed(asked, held, only))
    handled = _officers_of(asked, {each.row.batch_id for each in found})
    for each in found:
        if each.note in handled[each.row.batch_id]:
            yield each


def _to_staff(asked: Asked, held: Sequence[ListView], only: bytes | None) -> Iterator[Hit]:
    on = _by_number(asked, held, ListKind.STAFF_ACCOUNTS)
    for card, payments in paid_to(asked, list(on)).items():
        yield from _hit(on[card], card, payments.values(), only)


def _under_staff(asked: Asked, held: Sequence[ListView], only: bytes | None) -> Iterator[Hit]:
    """Yield payments to people who were listed under the telephone of somebody who works there."""
    on = _by_number(asked, held, ListKind.STAFF_PHONES)
    for phone, payments in paid_under(asked, list(on)).items():
        yield from _hit(on[phone], phone, payments, only)


_Beside = list[tuple[ListView, bytes]]
"""The lists that a number stands on, and what stands beside it in each."""


def _by_number(asked: Asked, held: Sequence[ListView], kind: ListKind) -> Mapping[bytes, _Beside]:
    """Return the numbers of staff that payments have too."""
    of = {each.edition_id.bytes: each for each in held}
    on: dict[bytes, _Beside] = defaultdict(list)
    statement = select(entries).where(entries.c.kind == kind.value)
    numbers = _numbers_listed(kind).keys(asked.connection)
    for row in among(asked.connection, numbers, entries.c.subject, statement):
        if row.edition_id in of:
            on[row.subject].append((of[row.edition_id], row.note))
    return on


def _hit(
    beside: _Beside, number: bytes, payments: Iterable[Row[Any]], only: bytes | None
) -> Iterator[Hit]:
    for row in payments:
        if only in (None, row.person_id):
            yield from (Hit(view, row, number, note) for view, note in beside)


def _one_household(asked: Asked, held: Sequence[ListView], only: bytes | None) -> Iterator[Hit]:
    yield from _together(asked, held, only, Categories(asked).of_household)


def _one_household_as_named(
    asked: Asked, held: Sequence[ListView], only: bytes | None
) -> Iterator[Hit]:
    yield from _together(asked, held, only, Categories(asked).of_household_as_named)


def _one_household_at_all(
    asked: Asked, held: Sequence[ListView], only: bytes | None
) -> Iterator[Hit]:
    yield from _together(asked, held, only, lambda _: True)


def _together(
    asked: Asked,
    held: Sequence[ListView],
    only: bytes | None,
    counts: _Counts,
) -> Iterator[Hit]:
    """Yield payments that count to several members of one household in one campaign."""
    of = {each.edition_id.bytes: each for each in held}
    members = _members(asked, of, only)
    people = list(dict.fromkeys(each for several in members.values() for each in several))
    paid: dict[bytes, list[Row[Any]]] = defaultdict(list)
    for row in among(asked.connection, people, disbursements.c.person_id, standing(asked)):
        if counts(row):
            paid[row.person_id].append(row)
    for (edition, note), several in members.items():
        by_campaign: dict[bytes, list[Row[Any]]] = defaultdict(list)
        for row in (row for person in several for row in paid[person]):
            by_campaign[row.campaign_id].append(row)
        for rows in by_campaign.values():
            if len({row.person_id for row in rows}) > 1:
                yield from (Hit(of[edition], row, row.person_id, note) for row in rows)


def _members(
    asked: Asked, of: Mapping[bytes, ListView], only: bytes | None
) -> dict[tuple[bytes, bytes], set[bytes]]:
    """Return who is of each household of which several were paid, by edition and household."""
    notes = _households_paid().keys(asked.connection)
    members: dict[tuple[bytes, bytes], set[bytes]] = defaultdict(set)
    statement = select(entries).where(entries.c.kind == ListKind.HOUSEHOLDS.value)
    for row in among(asked.connection, notes, entries.c.note, statement):
        if row.edition_id in of:
            members[row.edition_id, row.note].add(row.subject)
    if only is None:
        return members
    return {key: people for key, people in members.items() if only in people}


def _officers_of(asked: Asked, batch_ids: Iterable[bytes]) -> Mapping[bytes, set[bytes]]:
    """Return who drafted, reviewed and approved each of these lists."""
    found: dict[bytes, set[bytes]] = defaultdict(set)
    ids = sorted(batch_ids)
    drafted = select(batches.c.batch_id, batches.c.drafted_by)
    for row in among(asked.connection, ids, batches.c.batch_id, drafted):
        found[row.batch_id].add(row.drafted_by)
    done = select(batch_steps.c.batch_id, batch_steps.c.officer_id).where(
        batch_steps.c.step.in_(("reviewed", "approved"))
    )
    for row in among(asked.connection, ids, batch_steps.c.batch_id, done):
        found[row.batch_id].add(row.officer_id)
    return found


_Asking = Callable[[Asked, Sequence[ListView], bytes | None], Iterator[Hit]]

_ASKING: Mapping[str, _Asking] = {
    "A3": _dead,
    "A4": _in_need,
    "A5": _owning,
    "A8": _related,
    "C4": _to_staff,
    "D6": _under_staff,
    "E3": _one_household,
}


# Whom each rule has to look at: found once, and then in what was recorded since.


@cache
def _paid_and_listed(kinds: tuple[ListKind, ...]) -> Growing:
    def asking(start: int) -> Sequence[Select[Any]]:
        both = (
            select(entries.c.subject)
            .distinct()
            .join(disbursements, disbursements.c.person_id == entries.c.subject)
            .where(entries.c.kind.in_([each.value for each in kinds]))
        )
        if not start:
            return (both,)
        return (
            both.where(disbursements.c.position >= start),
            both.where(entries.c.position >= start),
        )

    return Growing(asking)


_MINE, _THEIRS, _OWNER = (entries.alias(name) for name in ("mine", "theirs", "owner"))


def _beside_owners(*what: Any) -> Select[Any]:
    """Select people of whose household somebody else stands on a list of owners."""
    mine, theirs, owner = _MINE, _THEIRS, _OWNER
    return (
        select(*what)
        .distinct()
        .select_from(owner)
        .join(theirs, theirs.c.subject == owner.c.subject)
        .join(mine, (mine.c.note == theirs.c.note) & (mine.c.edition_id == theirs.c.edition_id))
        .where(owner.c.kind.in_([each.value for each in PROPERTY]))
        .where(theirs.c.kind == ListKind.HOUSEHOLDS.value)
        .where(mine.c.subject != owner.c.subject)
    )


@cache
def _with_owners() -> Growing:
    def asking(start: int) -> Sequence[Select[Any]]:
        paid = _beside_owners(_MINE.c.subject).join(
            disbursements, disbursements.c.person_id == _MINE.c.subject
        )
        if not start:
            return (paid,)
        new = (disbursements, _MINE, _OWNER)
        return tuple(paid.where(each.c.position >= start) for each in new)

    return Growing(asking)


_NUMBERS_OF: Mapping[ListKind, tuple[Column[bytes], ...]] = {
    ListKind.STAFF_ACCOUNTS: (payment_cards.c.card, reissue_cards.c.card),
    ListKind.STAFF_PHONES: (row_phones.c.phone,),
}


@cache
def _numbers_listed(kind: ListKind) -> Growing:
    def asking(start: int) -> Sequence[Select[Any]]:
        found = []
        for number in _NUMBERS_OF[kind]:
            both = (
                select(entries.c.subject)
                .distinct()
                .join(number.table, number == entries.c.subject)
                .where(entries.c.kind == kind.value)
            )
            if start:
                found += [
                    both.where(number.table.c.position >= start),
                    both.where(entries.c.position >= start),
                ]
            else:
                found.append(both)
        return found

    return Growing(asking)


@cache
def _households_paid() -> Growing:
    """Find households of which more than one was paid in one campaign."""

    def asking(start: int) -> Sequence[Select[Any]]:
        one, other = entries.alias("one"), entries.alias("other")
        first, second = disbursements.alias("first"), disbursements.alias("second")
        both = (
            select(one.c.note)
            .distinct()
            .select_from(one)
            .join(other, (other.c.note == one.c.note) & (other.c.edition_id == one.c.edition_id))
            .join(first, first.c.person_id == one.c.subject)
            .join(second, second.c.person_id == other.c.subject)
            .where(one.c.subject != other.c.subject)
            .where(first.c.campaign_id == second.c.campaign_id)
            .where(one.c.kind == ListKind.HOUSEHOLDS.value)
        )
        if not start:
            return (both,)
        return (both.where(first.c.position >= start), both.where(one.c.position >= start))

    return Growing(asking)
