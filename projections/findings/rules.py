"""All rules, what each looks at, and their evaluation: they are doubts (疑点) until confirmed.

Each rule is a function over one state of the read model. It is asked again when something that
it looks at has changed.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ScalarSelect, Table, func, select

from ledger.domain.policy import LimitName
from projections.arrived_before import arrived_before
from projections.asked import Moment
from projections.attempts import attempts
from projections.bank_books import decisions as bank_decisions
from projections.bank_books import files as bank_files
from projections.bank_books import kept_funds
from projections.bank_books import spans as bank_spans
from projections.bank_books import withdrawn as bank_withdrawn
from projections.batches import batches, campaigns, rows_listed, statements, steps
from projections.deadlines import filings
from projections.findings import (
    above,
    adoptions,
    amounts,
    archive,
    banking,
    cards,
    decisions,
    integrity,
    listed,
    lists,
    money,
    notices,
    outside,
    papers,
    payments,
    people,
    purposes,
    sheets,
    signatures,
    witnessing,
)
from projections.findings.asked import Asked
from projections.findings.borne import as_borne, borne
from projections.findings.finding import Finding
from projections.findings.found import Found, Part
from projections.findings.limits import LIMITS_OF
from projections.journal import lines, openings, targets
from projections.keys import steps as key_steps
from projections.likeness import paces, pairs, voids
from projections.listed_people import retired_rows, row_phones, rows_not_on_file
from projections.movements import Kind, movements
from projections.notices import notices as put_up
from projections.notices import steps as notice_steps
from projections.organisations import parents
from projections.outside_lists import editions, ends, entries
from projections.payment_cards import reissue_cards
from projections.payment_states import disbursements, states
from projections.person_files import person_files
from projections.policies import adoptions as adopted
from projections.remittances import answers as answered
from projections.remittances import remittances as sent
from projections.signatures import discards, scans
from projections.signatures import signatures as captured
from projections.view import reading
from projections.witness_refusals import witness_refusals

Last = ScalarSelect[int]
"""Where the last row stands that a rule reads."""


def _last(table: Table, *kinds: Kind) -> Last:
    found = select(func.max(table.c.position))
    if kinds:
        found = found.where(table.c.kind.in_([kind.value for kind in kinds]))
    return found.scalar_subquery()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and all that it looks at: what is asked, by name, and tables of the read model.

    `tells` returns what changes with what the rule finds, where the last row of a table would say
    so far too often. `limits` are those of the policy that it looks at: whatever else is borne, it
    finds the same. `by_item`: it judges each thing by the limits there and then, before it puts
    them together.
    """

    find: Callable[[Asked], Iterable[Finding]]
    looks_at: tuple[str, ...] = ()
    reads: tuple[Last, ...] = ()
    tells: Callable[[Asked], Hashable] | None = None
    limits: tuple[LimitName, ...] = ()
    by_item: bool = False

    def borne(self, asked: Asked) -> Hashable:
        """Return its limits as they are: wherever and whenever one of them is another, each."""
        spans = [
            (each.places, each.since, each.until, borne(self.limits, each.patience))
            for each in asked.spans
        ]
        today = borne(self.limits, asked.patience)
        return today if all(each[-1] == today for each in spans) else (today, *spans)

    def found(self, asked: Asked) -> Part:
        """Return what it finds: each finding by the limits that count at its place on its day."""
        return Part(self.find(asked) if self.by_item else as_borne(self.find, self.limits, asked))


def findings(asked: Asked) -> list[Finding]:
    """Return all findings: the gravest first, and of these the oldest."""
    return Evaluated().found(asked).findings


class Evaluated:
    """Keeps what each rule found last: it is asked again when something it looks at has changed.

    Not to be shared by threads.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Moment, dict[Rule, tuple[tuple[object, ...], Part]]]
        self._kept = OrderedDict()

    def found(self, asked: Asked) -> Found:
        """Return what all rules find of a state."""
        kept = self._kept.setdefault(asked.moment, {})
        self._kept.move_to_end(asked.moment)
        while len(self._kept) > MOMENTS_KEPT:
            self._kept.popitem(last=False)
        model, *last = asked.connection.execute(_LAST_ROWS).one()
        last_of = dict(zip(_READ, last, strict=True))
        told = {each: each(asked) for each in _TELLING}
        for rule in RULES:
            looked_at = (
                model,
                asked.day,
                rule.borne(asked),
                *(getattr(asked, name) for name in rule.looks_at),
                *(last_of[table] for table in rule.reads),
                told[rule.tells] if rule.tells else None,
            )
            if rule not in kept or kept[rule][0] != looked_at:
                kept[rule] = looked_at, rule.found(asked)
        return Found([kept[rule][1] for rule in RULES])


def supposed(asked: Asked, found: Found, stood: Asked) -> Found:
    """Return what all rules find with other limits than those that `found` stood on.

    Rules that look at none of the limits that differ found what they find.
    """
    parts = zip(RULES, found.parts, strict=True)
    return Found(
        [
            part if rule.borne(asked) == rule.borne(stood) else rule.found(asked)
            for rule, part in parts
        ]
    )


_BATCHES, _STEPS, _FILINGS = _last(batches), _last(steps), _last(filings)
_PAYMENTS, _STATES, _FILES = _last(disbursements), _last(states), _last(person_files)
_BANK = (_last(bank_files), _last(bank_withdrawn), _last(bank_decisions), _last(kept_funds))
_ON_FILE = (_PAYMENTS, _FILES, _last(adopted))
_LISTS = (_last(editions), _last(ends), _last(entries), _last(parents))
"""Whose list it is, and over whom they stand by now."""
_NOTICES, _LINES = _last(put_up), _last(lines)
_RETURNS = _last(movements, Kind.RETURN, Kind.CORRECTION)
"""And what takes a return back."""

RULES: Sequence[Rule] = (
    Rule(payments.returned_and_not_paid_again, ("open",), limits=LIMITS_OF["G5"], by_item=True),
    Rule(
        payments.made_good_late,
        (),
        (_RETURNS, _last(movements, Kind.REISSUE, Kind.WITHDRAWAL)),
        limits=LIMITS_OF["G5"],
        by_item=True,
    ),
    Rule(payments.reached_late, (), (_STATES, _last(campaigns))),
    Rule(payments.signed_late, ("deadlines",), (_STATES,)),
    Rule(payments.unsigned_after_deadline, ("open", "deadlines")),
    Rule(
        payments.unanswered, ("open",), (_last(statements),), limits=LIMITS_OF["J4"], by_item=True
    ),
    Rule(
        payments.not_proved, ("open",), (_last(statements),), limits=LIMITS_OF["F5"], by_item=True
    ),
    Rule(payments.not_paid_by_the_end, ("open",), (_last(campaigns),)),
    Rule(payments.in_anothers_name, (), (_RETURNS,)),
    Rule(payments.sent_back_after_success, (), (_RETURNS,)),
    Rule(payments.arrived_at_the_account_before, (), (_last(arrived_before),)),
    Rule(money.surplus_not_used, ("year", "followed"), (_last(targets), _last(openings))),
    Rule(
        money.lines_missed,
        ("year",),
        (_last(targets), _last(openings), _last(movements, Kind.CORRECTION)),
        tells=money.last_year_known,
    ),
    Rule(money.on_no_clock, (), (_LINES, _last(openings)), limits=LIMITS_OF["G1"], by_item=True),
    Rule(money.kept_back, (), (_LINES,), limits=LIMITS_OF["F3"], by_item=True),
    Rule(
        money.spent_in_a_rush,
        ("reach",),
        (_last(campaigns),),
        tells=money.last_year_known,
        limits=LIMITS_OF["G3"],
        by_item=True,
    ),
    Rule(
        money.idle,
        ("reach",),
        (_last(campaigns),),
        tells=money.last_year_known,
        limits=LIMITS_OF["G4"],
        by_item=True,
    ),
    Rule(
        money.recorded_late,
        (),
        (_last(movements, Kind.RECEIPT, Kind.ALLOCATION),),
        limits=LIMITS_OF["H4"],
        by_item=True,
    ),
    Rule(
        papers.recorded_late,
        (),
        (_last(filings), _last(movements, Kind.RECEIPT, Kind.ALLOCATION)),
        limits=LIMITS_OF["H4"],
        by_item=True,
    ),
    Rule(
        money.unacknowledged,
        (),
        (_last(sent), _last(answered)),
        limits=LIMITS_OF["F9"],
        by_item=True,
    ),
    Rule(
        papers.filings_late,
        ("deadlines", "organisation_ids", "reach"),
        (_FILINGS, _BATCHES, _STEPS, _last(parents)),
    ),
    Rule(papers.one_document_for_two, (), (_FILINGS,)),
    Rule(lists.attempts_refused, (), (_BATCHES, _STEPS, _last(attempts))),
    Rule(lists.drafters_as_witnesses, (), (_BATCHES, _STEPS)),
    Rule(lists.rows_refused, (), (_BATCHES, _last(rows_listed))),
    Rule(archive.paid_without_file, (), (*_ON_FILE, _STATES)),
    Rule(purposes.paid_of_other_money, (), (_PAYMENTS, _LINES, _STATES, _last(adopted))),
    Rule(archive.filed_after_refusal, (), (*_ON_FILE, _STATES, _last(rows_not_on_file))),
    Rule(archive.paid_beside_file, (), (*_ON_FILE, _STATES)),
    Rule(lists.paid_twice_from_one_file, (), (_STEPS, _PAYMENTS, _STATES)),
    Rule(
        notices.not_shown_in_public,
        (),
        (_STEPS, _NOTICES, _last(notice_steps)),
        limits=LIMITS_OF["K1"],
        by_item=True,
    ),
    Rule(notices.recorded_late, (), (_NOTICES,), tells=money.began_on),
    Rule(signatures.signatures_alike, (), (_last(pairs), _last(voids))),
    Rule(signatures.signed_in_no_time, (), (_last(paces),), limits=LIMITS_OF["D2"]),
    Rule(
        sheets.sheets_against_ledger,
        ("open",),
        (_STATES, _last(scans), _last(captured), _last(discards), _last(attempts)),
        limits=LIMITS_OF["D3"],
    ),
    Rule(sheets.one_picture_on_two_rows, (), (_last(scans),)),
    Rule(witnessing.witnesses_refused, (), (_last(witness_refusals),)),
    Rule(people.in_several_files, (), (_FILES,)),
    Rule(
        people.over_the_yearly_maximum,
        (),
        (_PAYMENTS, _STATES),
        limits=LIMITS_OF["B3"],
        by_item=True,
    ),
    Rule(people.paid_again_soon, (), (_PAYMENTS, _STATES), limits=LIMITS_OF["E2"], by_item=True),
    Rule(cards.one_for_several, (), (_PAYMENTS, _STATES)),
    Rule(
        cards.changed_lately, (), (_PAYMENTS, _FILES, _last(reissue_cards)), limits=LIMITS_OF["C5"]
    ),
    Rule(
        listed.one_phone_for_many,
        (),
        (_last(row_phones), _PAYMENTS, _STATES),
        limits=LIMITS_OF["D6"],
    ),
    Rule(outside.under_phones_of_staff, (), (*_LISTS, _last(row_phones), _PAYMENTS, _STATES)),
    Rule(listed.retired, (), (_last(retired_rows), _PAYMENTS, _STATES, _last(adopted))),
    Rule(outside.after_death, (), (*_LISTS, _PAYMENTS, _STATES)),
    Rule(outside.public_servants, (), (*_LISTS, _PAYMENTS, _STATES, _last(adopted))),
    Rule(outside.property_owners, (), (*_LISTS, _PAYMENTS, _STATES, _last(adopted))),
    Rule(outside.relatives_of_officers, (), (*_LISTS, _PAYMENTS, _STATES)),
    Rule(outside.accounts_of_staff, (), (*_LISTS, _PAYMENTS, _STATES, _last(reissue_cards))),
    Rule(outside.one_household_twice, (), (*_LISTS, _PAYMENTS, _STATES, _last(adopted))),
    Rule(amounts.unlike_the_class, (), (_PAYMENTS,), limits=LIMITS_OF["B4"]),
    Rule(amounts.shared_out_evenly, (), (_PAYMENTS,), limits=LIMITS_OF["B5"]),
    Rule(banking.nobodys_money_out, (), _BANK, limits=LIMITS_OF["F4"], by_item=True),
    Rule(
        banking.never_paid_by_the_bank,
        (),
        (*_BANK, _last(bank_spans), _STEPS, _last(statements)),
        limits=LIMITS_OF["F6"],
        by_item=True,
    ),
    Rule(decisions.outside_the_campaign, (), (_STEPS, _last(campaigns))),
    Rule(decisions.without_minutes, (), (_STEPS, _FILINGS), limits=LIMITS_OF["H3"]),
    Rule(adoptions.policies_loosened, ("rereadings",)),
    Rule(adoptions.policies_backwards, ("rereadings",), (_STEPS,)),
    Rule(above.looser_than_above, ("beyond",)),
    Rule(notices.over_an_objection, (), (_STEPS, _last(notice_steps))),
    Rule(notices.paid_all_the_same, (), (_PAYMENTS, _STATES, _last(notice_steps))),
    Rule(integrity.broken, ("verified",)),
    Rule(integrity.in_other_hands, ("verified",), (_last(key_steps),)),
)

MOMENTS_KEPT = 16
_TELLING = {rule.tells for rule in RULES if rule.tells}
_READ = tuple(dict.fromkeys(last for rule in RULES for last in rule.reads))
_LAST_ROWS = select(reading.c.model, *_READ)
