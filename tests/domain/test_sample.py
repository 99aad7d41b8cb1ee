"""Samples: all but the seed is fixed first, and a sample is drawn once."""

from typing import Any
from uuid import UUID

import pytest

from ledger.domain.sample import (
    SIZE_MAX,
    Condition,
    DrawnAlready,
    Method,
    Sample,
    SizeImpossible,
    StrataUnclear,
    Stratum,
    TooFewForStrata,
    UniverseDiffers,
    UniverseEmpty,
)
from ledger.domain.values import Money
from tests.domain.acting import ACT, memory, only, replayed, settled

UNION, SAMPLE = UUID(int=1), UUID(int=2)
PLAN: dict[str, Any] = {
    "organisation_id": UNION,
    "title": "抽查",
    "algorithm": "nuanzhang sample 1",
    "method": Method.SIMPLE,
    "size": 2,
    "stratum": None,
    "conditions": (Condition("organisation", "X01"),),
    "known_to": 40,
    "universe_count": 10,
    "universe_fen": Money(5_000),
    "universe_sha256": "ab" * 32,
    "strata": 1,
}
DRAW: dict[str, Any] = {
    "checkpoint_size": 50,
    "root": "AAAA",
    "universe_count": 10,
    "universe_sha256": "ab" * 32,
    "drawn_fen": Money(900),
    "drawn": (7, 9),
}


def planned(**changes: Any) -> Sample:
    return Sample.plan(ACT, SAMPLE, **PLAN | changes)


def test_a_plan_says_all_that_decides_but_the_seed() -> None:
    sample = planned(method=Method.STRATIFIED, stratum=Stratum.CATEGORY)

    event = only(sample, Sample.Planned)
    assert (event.method, event.size, event.stratum) == ("stratified", 2, "category")
    assert (event.known_to, event.universe_sha256) == (40, "ab" * 32)
    assert memory(replayed([event])) == memory(sample)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"universe_count": 0}, UniverseEmpty),
        ({"size": 0}, SizeImpossible),
        ({"size": 11}, SizeImpossible),
        ({"size": SIZE_MAX + 1, "universe_count": 10**6}, SizeImpossible),
        ({"stratum": Stratum.BATCH}, StrataUnclear),
        ({"method": Method.STRATIFIED}, StrataUnclear),
        (
            {"method": Method.STRATIFIED, "stratum": Stratum.BATCH, "strata": 3},
            TooFewForStrata,
        ),
    ],
)
def test_a_plan_that_cannot_be_drawn_is_refused(
    changes: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        planned(**changes)


def test_a_sample_is_drawn_once_from_the_payments_of_its_plan() -> None:
    sample = settled(planned())

    with pytest.raises(UniverseDiffers):
        sample.draw(ACT, **DRAW | {"universe_sha256": "cd" * 32})
    sample.draw(ACT, **DRAW)

    event = only(sample, Sample.Drawn)
    assert (event.organisation_id, event.drawn) == (UNION, (7, 9))
    with pytest.raises(DrawnAlready):
        sample.draw(ACT, **DRAW)
