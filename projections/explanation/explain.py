"""One payment explained: the policy that counted, who acted, and what every rule says of it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from projections.explanation.asked import Asked, Reading
from projections.explanation.checked import Checked, Fact, Outcome, Scope
from projections.explanation.delivery import delivery
from projections.explanation.duties import Act, acts, duties, one_file_once, shown_in_public
from projections.explanation.entitlement import changed_by, entitlement, listing
from projections.explanation.listed import by_row
from projections.explanation.outside import by_lists
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.finding import Finding

OF_THE_LEDGER = "L"
"""What rules over the ledger as a whole begin with."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is to be said of a payment.

    `later` is the reading of the policy that counts for that day by now, where it is another one;
    `changed` are the rules that it would answer otherwise.
    """

    reading: Reading | None
    later: Reading | None
    changed: tuple[str, ...]
    acts: tuple[Act, ...]
    checked: tuple[Checked, ...]


def explain(asked: Asked) -> Explanation:
    """Ask every rule of a payment: of itself where it can be, else of its list or its union."""
    own = [
        *entitlement(asked, asked.reading),
        *listing(asked),
        *duties(asked),
        one_file_once(asked),
        shown_in_public(asked),
        *delivery(asked),
        *by_lists(asked),
        *by_row(asked),
    ]
    answered = {each.rule for each in own}
    every = [*own, *_around(asked, answered)]
    return Explanation(
        asked.reading,
        asked.later_reading,
        tuple(changed_by(asked)),
        tuple(acts(asked)),
        tuple(sorted(every, key=lambda each: each.rule)),
    )


def _around(asked: Asked, answered: set[str]) -> Iterator[Checked]:
    """Ask the rules that look at more than one payment what they found where this one stands."""
    bearing: dict[str, list[Finding]] = defaultdict(list)
    for each in asked.findings:
        if bears(asked, each):
            bearing[each.rule].append(each)
    for rule in RULES_KNOWN:
        if rule in answered or (rule.startswith(OF_THE_LEDGER) and not asked.sees_whole):
            continue
        found = bearing[rule]
        scope = Scope.ORGANISATION
        if any(each.batch_id is not None for each in found):
            scope = Scope.BATCH
        if not found:
            yield Checked(rule, Outcome.HELD, scope=scope)
            continue
        facts = [Fact("found_count", sum(each.count for each in found))]
        amounts = [each.amount_fen for each in found if each.amount_fen is not None]
        facts += [Fact("found_fen", sum(amounts))] if amounts else []
        yield Checked(rule, Outcome.BROKEN, tuple(facts), scope=scope)


def bears(asked: Asked, found: Finding) -> bool:
    """Say whether it is of the payment's list, or of its union and of no other campaign."""
    if found.batch_id is not None:
        return found.batch_id == asked.batch.batch_id
    here = found.organisation_id in (None, asked.payment.organisation_id)
    return here and found.campaign_id in (None, asked.payment.campaign_id)
