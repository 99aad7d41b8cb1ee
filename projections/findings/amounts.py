"""Rules about how much people get: amounts that stand alone, and one amount for everybody."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Label, Select, func, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from ledger.domain.values import WHOLE_BP
from projections.amount_counts import ALIKE, amount_counts
from projections.asked import uuid_of
from projections.blocks import FOLDED, blocks_at
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.payment_states import disbursements

SEVERAL = 2
"""Classes, of which one amount for all says something."""


class _Place(NamedTuple):
    organisation_id: bytes
    campaign_id: bytes


def unlike_the_class(asked: Asked) -> Iterator[Finding]:
    """B4: an amount that hardly anybody else of the class got in the campaign.

    Several steps within a class are usual (by how hard it is hit), so unlike amounts are no doubt
    by themselves: those are that nearly nobody got. Each is a doubt of its own, but where a union
    has very many of them in a class: they are told as one.
    """
    counted = _counted(asked)
    of_class: Counter[tuple[bytes, str]] = Counter()
    of_amount: Counter[tuple[bytes, str, int]] = Counter()
    for (place, category, amount), (number, *_) in counted.items():
        of_class[place.campaign_id, category] += number
        of_amount[place.campaign_id, category, amount] += number
    odd: dict[tuple[_Place, str], list[tuple[int, int, str, int]]] = defaultdict(list)
    for (place, category, amount), (number, since, position) in counted.items():
        every = of_class[place.campaign_id, category]
        alike = of_amount[place.campaign_id, category, amount]
        if every >= asked.patience.many and alike * WHOLE_BP < every * asked.patience.odd_share_bp:
            odd[place, category].append((amount, number, since, position))
    for (place, category), amounts in odd.items():
        told: list[tuple[int, int, str, int | None]] = [
            (number, number * amount, since, position)
            for amount, number, since, position in amounts
        ]
        if len(told) > asked.patience.odd_amounts:
            counts, totals, days, _ = zip(*told, strict=True)
            told = [(sum(counts), sum(totals), min(days), None)]
        for count, total, since, stands in told:
            yield Finding(
                "B4",
                Severity.WARNING,
                uuid_of(place.organisation_id),
                since,
                count,
                total,
                detail=category,
                campaign_id=uuid_of(place.campaign_id),
                position=stands,
            )


def shared_out_evenly(asked: Asked) -> Iterator[Finding]:
    """B5: nearly everybody got one amount, whatever their class (平均摊派、撒胡椒面)."""
    by_place: dict[_Place, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    since: dict[_Place, str] = {}
    for (place, category, amount), (number, day, _) in _counted(asked).items():
        by_place[place][amount][category] += number
        since[place] = min(since.get(place, day), day)
    for place, amounts in by_place.items():
        every = sum(classes.total() for classes in amounts.values())
        if every < asked.patience.many:
            continue
        amount, classes = max(amounts.items(), key=lambda each: each[1].total())
        number = classes.total()
        if len(classes) >= SEVERAL and number * WHOLE_BP >= every * asked.patience.even_share_bp:
            yield Finding(
                "B5",
                Severity.INFORMATION,
                uuid_of(place.organisation_id),
                since[place],
                number,
                number * amount,
                campaign_id=uuid_of(place.campaign_id),
            )


_Counted = Mapping[tuple[_Place, str, int], tuple[int, str, int]]
"""How many, since which day, and where the first stands, by place, class and amount."""


def _counted(asked: Asked) -> _Counted:
    blocks = blocks_at(asked.connection, asked.moment)
    whole, since = amount_counts, disbursements
    folded = _counting(
        whole.c, func.sum(whole.c.count), whole.c.block < blocks.whole, asked.moment.by_day(whole)
    )
    opened = _counting(
        since.c, func.count(), since.c.position >= blocks.end, asked.moment.covers(since)
    )
    key = (blocks, asked.moment, "amounts")
    found = dict(FOLDED.made(key, lambda: _by_kind(asked.connection.execute(folded))))
    for kind, (number, day, position) in _by_kind(asked.connection.execute(opened)).items():
        before, began, stands = found.get(kind, (0, day, position))
        found[kind] = before + number, min(began, day), min(stands, position)
    return found


def _counting(
    of: ReadOnlyColumnCollection[str, Any], number: ColumnElement[int], *where: ColumnElement[bool]
) -> Select[Any]:
    alike = [of[name] for name in ALIKE if name != "happened_on"]
    first: Label[str] = func.min(of.happened_on).label("since")
    return select(*alike, number, first, func.min(of.position)).where(*where).group_by(*alike)


def _by_kind(rows: Iterable[Any]) -> _Counted:
    return {
        (_Place(organisation, campaign), category, amount): (number, day, position)
        for organisation, campaign, category, amount, number, day, position in rows
    }
