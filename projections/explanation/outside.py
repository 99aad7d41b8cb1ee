"""What lists of other authorities say of one payment, and which list it was that was looked at."""

from collections.abc import Iterator

from ledger.domain.policy import Channel
from projections.explanation.asked import Asked
from projections.explanation.checked import Checked, Fact, Outcome
from projections.findings.archive import is_in_need, is_of_household
from projections.findings.aside import LISTS_OF
from projections.findings.outside import Hit, hits
from projections.outside_lists import ListView, held_lists

OF_PEOPLE_IN_NEED = ("A4", "A5")


def by_lists(asked: Asked) -> Iterator[Checked]:
    """A3, A4, A5, A8, C4, E3: whether the person or the card stands on a list that is held."""
    line = set(asked.tree.line(asked.payment.organisation_id))
    held = [each for each in held_lists(asked.connection) if each.organisation_id in line]
    for rule, kinds in LISTS_OF.items():
        wanted = [each for each in held if each.kind in kinds]
        if (rule in OF_PEOPLE_IN_NEED and not in_need(asked)) or (
            rule == "E3" and not _of_household(asked)
        ):
            yield Checked(rule, Outcome.NOT_ASKED, (Fact("category", asked.payment.category),))
        elif rule == "C4" and asked.payment.channel != Channel.BANK_CARD:
            yield Checked(rule, Outcome.NOT_ASKED, (Fact("channel", asked.payment.channel),))
        elif not wanted:
            yield Checked(rule, Outcome.NO_DATA)
        else:
            yield _said(rule, wanted, hits_on(asked, rule))


def in_need(asked: Asked) -> bool:
    """Say whether it was for somebody in need, as A4 to A6 ask it of all payments."""
    return is_in_need(asked.payment.category, requires_file=_requires_file(asked))


def _of_household(asked: Asked) -> bool:
    """Say whether it was paid for a household, as E3 asks it of all payments."""
    return is_of_household(asked.payment.category, requires_file=_requires_file(asked))


def _requires_file(asked: Asked) -> bool:
    return asked.category is not None and asked.category.archive_required


def hits_on(asked: Asked, rule: str) -> list[Hit]:
    """Return what lists say of the payment itself, by a rule that looks at them."""
    return [
        each
        for each in hits(rule, asked.every, asked.payment.person_id.bytes)
        if each.row.disbursement_id == asked.payment.disbursement_id.bytes
    ]


def _said(rule: str, wanted: list[ListView], found: list[Hit]) -> Checked:
    lists = list(dict.fromkeys(each.held for each in found)) or wanted
    facts = tuple(fact for each in lists for fact in _facts(each))
    outcome = Outcome.BROKEN if found else Outcome.HELD
    return Checked(rule, outcome, facts, position=lists[0].position)


def _facts(held: ListView) -> Iterator[Fact]:
    yield Fact("list_kind", held.kind.value)
    yield Fact("list_source", held.source)
    yield Fact("list_dated_on", held.listed_on)
