"""Canonical JSON: agreement with a second implementation, and the tricks it must refuse."""

import json
import struct
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.canonical import INTEGER_MAX, NotCanonical, canonical_json, parse_canonical

whole_numbers = st.integers(-INTEGER_MAX, INTEGER_MAX)
texts = st.text(st.characters(exclude_categories=["Cs"]))
surrogate_order = st.text(st.sampled_from("aé\uffee\U0001f602\ue000"), max_size=4)


def values_of(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = texts | surrogate_order
    return st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=12
    )


event_values = values_of(st.none() | st.booleans() | whole_numbers | texts)
any_values = values_of(
    st.none() | st.booleans() | whole_numbers | texts | st.floats(allow_nan=False).filter(abs)
)


@given(any_values)
def test_every_value_is_written_as_another_implementation_writes_it(value: Any) -> None:
    if "inf" not in repr(value):
        assert canonical_json(value) == rfc8785.dumps(value)


@given(st.binary(min_size=8, max_size=8))
def test_every_float_is_written_as_another_implementation_writes_it(bits: bytes) -> None:
    (number,) = struct.unpack(">d", bits)

    try:
        expected = rfc8785.dumps(number)
    except rfc8785.FloatDomainError:
        with pytest.raises(NotCanonical):
            canonical_json(number)
        return

    assert canonical_json(number) == expected


@pytest.mark.parametrize(
    ("bits", "written"),
    [
        # RFC 8785, appendix B.
        (0x0000000000000000, b"0"),
        (0x8000000000000000, b"0"),
        (0x0000000000000001, b"5e-324"),
        (0x8000000000000001, b"-5e-324"),
        (0x7FEFFFFFFFFFFFFF, b"1.7976931348623157e+308"),
        (0x4340000000000000, b"9007199254740992"),
        (0xC340000000000000, b"-9007199254740992"),
        (0x4430000000000000, b"295147905179352830000"),
        (0x44B52D02C7E14AF5, b"9.999999999999997e+22"),
        (0x44B52D02C7E14AF6, b"1e+23"),
        (0x444B1AE4D6E2EF50, b"1e+21"),
        (0x444B1AE4D6E2EF4F, b"999999999999999900000"),
        (0x3EB0C6F7A0B5ED8D, b"0.000001"),
        (0x3EB0C6F7A0B5ED8C, b"9.999999999999997e-7"),
        (0x41B3DE4355555553, b"333333333.3333332"),
        (0xBECBF647612F3696, b"-0.0000033333333333333333"),
    ],
)
def test_the_numbers_of_the_standard_are_written_as_it_has_them(bits: int, written: bytes) -> None:
    (number,) = struct.unpack(">d", bits.to_bytes(8))

    assert canonical_json(number) == written


@given(event_values)
def test_what_was_written_reads_back_and_holds_the_same(value: Any) -> None:
    assert parse_canonical(canonical_json(value)) == value


@given(event_values)
def test_any_other_way_of_writing_is_refused(value: Any) -> None:
    canonical = canonical_json(value)

    for written in (
        json.dumps(value).encode(),
        json.dumps(value, ensure_ascii=False).encode(),
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
        b" " + canonical,
        canonical + b"\n",
    ):
        if written != canonical:
            with pytest.raises(NotCanonical):
                parse_canonical(written)


@given(st.binary(max_size=60))
def test_random_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        value = parse_canonical(data)
    except NotCanonical:
        return
    assert canonical_json(value) == data


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        rb'{"a":1,"\u0061":2}',
    ],
)
def test_a_key_that_stands_twice_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_canonical(data)


@pytest.mark.parametrize(
    "data",
    [
        rb'"\u0061"',
        rb'"\/"',
        rb'"\u000a"',
        rb'"\u001F"',
        rb'"\u20ac"',
        rb'"\ud83d\ude02"',
        rb'{"\ud83d\ude02":1,"\ufb33":2}',
        rb'"\u007f"',
        b'"\n"',
        b"'a'",
    ],
)
def test_an_escape_that_was_not_needed_or_not_made_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_canonical(data)


@pytest.mark.parametrize(
    "data", [rb'"\ud800"', rb'"\udc00\ud800"', rb'{"\ud800":1}', b'"\xed\xa0\x80"', b'"\xff"']
)
def test_a_lone_surrogate_or_broken_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_canonical(data)


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["a\udc00"]])
def test_a_lone_surrogate_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)


@pytest.mark.parametrize(
    "data",
    [
        b"9007199254740992",
        b"-9007199254740992",
        b"[1,62999000000000000000]",
        b'{"amount_fen":' + b"9" * 5000 + b"}",
        b"-0",
        b"01",
        b"+1",
        b"1.0",
        b"1e3",
        b"0.5",
        b"NaN",
        b"Infinity",
        b"-Infinity",
    ],
)
def test_a_number_that_is_not_a_small_whole_one_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_canonical(data)


@pytest.mark.parametrize(
    "data",
    [
        b"[9007199254740991,-9007199254740991]",
        b'"9007199254740992"',
        b'["6299900000000000000",7]',
    ],
)
def test_the_largest_numbers_and_long_digits_in_text_are_taken(data: bytes) -> None:
    assert canonical_json(parse_canonical(data)) == data


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, -(2**53), {1: 2}, {None: 1}, b"bytes", {1, 2}, object()],
)
def test_what_json_cannot_say_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)


def test_bottomless_nesting_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(NotCanonical):
        canonical_json(deep)
    with pytest.raises(NotCanonical):
        parse_canonical(b"[" * 100_000 + b"]" * 100_000)


@given(st.integers(1, 3000))
def test_nesting_is_read_or_refused_and_nothing_else(depth: int) -> None:
    data = b"[" * depth + b"]" * depth

    try:
        value = parse_canonical(data)
    except NotCanonical:
        return
    for _ in range(depth - 1):
        [value] = value
    assert value == []


def test_a_refusal_does_not_show_the_digits_it_refuses() -> None:
    with pytest.raises(NotCanonical) as caught:
        parse_canonical(b'{"card":6299900000000000001}')

    assert "62999" not in str(caught.value)
