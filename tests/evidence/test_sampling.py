"""Samples: the same for everybody, as likely as they should be, and quickly drawn."""

from collections import Counter
from hashlib import sha256
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.sampling import (
    MONETARY_UNIT,
    SIMPLE,
    STRATIFIED,
    Unit,
    draw,
    line_of,
    quotas,
    seed_of,
    universe_sha256,
)
from tests.evidence.tiny_sampler import drawn as drawn_by_format

SAMPLE = "00000000-0000-0000-0000-000000000007"
METHODS = (SIMPLE, STRATIFIED, MONETARY_UNIT)
DRAWS = 2_000

amounts = st.one_of(st.integers(1, 5), st.integers(1, 10**13))
universes = st.lists(
    st.tuples(amounts, st.sampled_from(["甲", "b", "b c"])), min_size=1, max_size=40
)


def units_of(told: list[tuple[int, str]]) -> list[Unit]:
    return [Unit(7 + 3 * number, fen, name) for number, (fen, name) in enumerate(told)]


def seed(number: int) -> bytes:
    return sha256(number.to_bytes(8, "big")).digest()


@given(universes, st.sampled_from(METHODS), st.data())
def test_whoever_has_the_page_draws_the_same(
    told: list[tuple[int, str]], method: str, data: st.DataObject
) -> None:
    units = units_of(told)
    least = len({unit.stratum for unit in units}) if method == STRATIFIED else 1
    size = data.draw(st.integers(least, len(units)))
    root = data.draw(st.binary(min_size=32, max_size=32))

    drawn = draw(method, size, units, seed_of(SAMPLE, root))

    text = b"".join(map(line_of, units))
    assert drawn == drawn_by_format(method, size, text, SAMPLE, root)
    assert draw(method, size, units, seed_of(SAMPLE, root)) == drawn
    assert drawn == sorted(set(drawn))
    assert set(drawn) <= {unit.position for unit in units}
    assert universe_sha256(units) == sha256(text).hexdigest()
    if method != MONETARY_UNIT:
        assert len(drawn) == size


@given(universes, st.data(), st.binary(min_size=32, max_size=32))
def test_money_takes_every_payment_above_the_interval(
    told: list[tuple[int, str]], data: st.DataObject, root: bytes
) -> None:
    units = units_of(told)
    size = data.draw(st.integers(1, len(units)))
    total = sum(unit.amount_fen for unit in units)

    drawn = set(draw(MONETARY_UNIT, size, units, seed_of(SAMPLE, root)))

    assert {unit.position for unit in units if unit.amount_fen * size >= total} <= drawn
    assert 1 <= len(drawn) <= size


@given(
    st.dictionaries(st.text(max_size=3), st.integers(1, 1_000), min_size=1, max_size=12), st.data()
)
def test_shares_of_strata_sum_up(counts: dict[str, int], data: st.DataObject) -> None:
    size = data.draw(st.integers(len(counts), sum(counts.values())))

    shares = quotas(counts, size)

    assert sum(shares.values()) == size
    assert all(1 <= shares[name] <= counts[name] for name in counts)
    fair = {name: (size - len(counts)) * (count - 1) for name, count in counts.items()}
    left = sum(counts.values()) - len(counts)
    assert all(abs((shares[name] - 1) * left - fair[name]) <= left for name in counts)


def test_shares_are_of_what_is_left_after_one_each() -> None:
    assert quotas({"甲": 90, "乙": 9, "丙": 1}, 10) == {"甲": 7, "乙": 2, "丙": 1}
    assert quotas({"a": 2, "b": 2}, 3) == {"a": 2, "b": 1}


@pytest.mark.parametrize("method", METHODS)
def test_the_smallest_universes(method: str) -> None:
    assert draw(method, 1, [Unit(5, 100)], seed(1)) == [5]
    alike = [Unit(number, 100) for number in range(6)]
    assert draw(method, 6, alike, seed(1)) == list(range(6))
    assert draw(MONETARY_UNIT, 1, [], seed(1)) == []


def chi_square(seen: Counter[int], expected: dict[int, float]) -> float:
    return sum((seen[each] - of) ** 2 / of for each, of in expected.items())


def test_each_payment_is_drawn_as_often_as_another() -> None:
    units = [Unit(number, 1 + number) for number in range(20)]
    seen = Counter(each for n in range(DRAWS) for each in draw(SIMPLE, 5, units, seed(n)))

    # 19 degrees of freedom; beyond 43.8 once in a thousand. Without replacement it is less.
    assert chi_square(seen, dict.fromkeys(range(20), DRAWS * 5 / 20)) < 43.8


def test_money_is_drawn_as_often_as_there_is_of_it() -> None:
    fen = [10, 20, 30, 40, 50, 60, 70, 80, 140]
    units = [Unit(number, each) for number, each in enumerate(fen)]
    seen = Counter(each for n in range(DRAWS) for each in draw(MONETARY_UNIT, 3, units, seed(n)))

    # 500 fen, 3 points: of each the chance is 3 x fen / 500. Beyond 26.1 once in a thousand.
    expected = {number: DRAWS * 3 * each / 500 for number, each in enumerate(fen)}
    assert chi_square(seen, expected) < 26.1


def test_two_samples_under_one_checkpoint_differ() -> None:
    units = [Unit(number, 100) for number in range(1_000)]
    other = "00000000-0000-0000-0000-000000000008"
    root = bytes(32)

    assert draw(SIMPLE, 20, units, seed_of(SAMPLE, root)) != draw(
        SIMPLE, 20, units, seed_of(other, root)
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_hundred_thousand_payments_are_drawn_from_at_once(method: str) -> None:
    units = [Unit(n, 30_000 + n % 7 * 10_000, f"X{n % 40:02d}") for n in range(100_000)]
    began = perf_counter()

    drawn = draw(method, 500, units, seed(1))

    assert perf_counter() - began < 5
    assert 490 < len(drawn) <= 500
