"""The verifiable map: one answer for each key under a root, and no event of a subject left out."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.canonical import canonical_json as canonical
from ledger.evidence.map_growth import MapGrowth, stream_of
from ledger.evidence.map_pages import PagedMap
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.verifiable_map import (
    EMPTY,
    THE_LOG,
    EventsLeftOut,
    Head,
    MapProof,
    MapProofBroken,
    map_root,
    subject_key,
    subjects_of,
    verify_all_events,
    verify_head,
)

heads = st.builds(
    Head,
    st.integers(0, 2**40),
    st.integers(0, 2**40),
    st.integers(0, 2**40),
    st.binary(min_size=32, max_size=32),
)
# Keys that agree in many bits make deep maps; keys by a hash, shallow and wide ones.
close = st.integers(0, 1 << 12).map(lambda number: bytes(28) + number.to_bytes(4))
spread = st.integers(0, 1 << 12).map(lambda number: sha256(number.to_bytes(4)).digest())
keys = st.one_of(close, spread)
maps = st.dictionaries(keys, heads, max_size=60)


def a_map(entries: dict[bytes, Head], *more: dict[bytes, Head]) -> PagedMap:
    built = PagedMap(lambda _: None)
    for changes in (entries, *more):
        built.update(changes)
    return built


@given(maps, maps)
def test_a_map_that_grew_has_the_root_of_one_made_at_once(
    first: dict[bytes, Head], second: dict[bytes, Head]
) -> None:
    assert a_map(first, second).root() == map_root((first | second).items())


@given(maps, keys)
def test_every_key_is_proved_present_or_absent(entries: dict[bytes, Head], key: bytes) -> None:
    built = a_map(entries)

    for each in (*entries, key):
        proof = MapProof.from_json(json.loads(json.dumps(built.prove(each).to_json())))
        assert verify_head(built.root(), each, proof) == entries.get(each) == built.head(each)


def test_pages_part_and_still_prove() -> None:
    entries = {sha256(b"%d" % n).digest(): Head(1, n, 2) for n in range(70_000)}
    stored: dict[bytes, bytes] = {}
    first = PagedMap(stored.get)
    first.update(dict(list(entries.items())[:300]))
    stored |= first.written
    built = PagedMap(stored.get)

    built.update(entries)

    assert built.root() == map_root(entries.items())
    for number in range(69_000, 71_000, 7):
        key = sha256(b"%d" % number).digest()
        assert verify_head(built.root(), key, built.prove(key)) == entries.get(key)


@given(maps.filter(lambda entries: len(entries) > 1), st.data())
def test_an_altered_proof_proves_nothing(entries: dict[bytes, Head], data: st.DataObject) -> None:
    built = a_map(entries)
    key = data.draw(st.sampled_from(sorted(entries)))
    proof = built.prove(key)
    head = entries[key]
    other = data.draw(heads.filter(lambda each: each != head))
    wrong = data.draw(
        st.sampled_from(
            [
                MapProof(other, None, proof.siblings),
                MapProof(None, None, proof.siblings),
                MapProof(None, (key, head), proof.siblings),
                MapProof(head, None, proof.siblings[:-1]),
                MapProof(head, None, (*proof.siblings, EMPTY)),
                MapProof(head, None, (*proof.siblings[:-1], b"\x01" * 32)),
                MapProof(head, (key, head), proof.siblings),
            ]
        )
    )

    with pytest.raises(MapProofBroken):
        verify_head(built.root(), key, wrong)


def test_a_present_key_cannot_be_shown_absent_by_another_leaf() -> None:
    one, other = subject_key("one"), subject_key("other")
    entries = {one: Head(1, 0, 1), other: Head(1, 1, 1)}
    built = a_map(entries)
    elsewhere = built.prove(other)

    with pytest.raises(MapProofBroken):
        verify_head(built.root(), one, MapProof(None, (other, entries[other]), elsewhere.siblings))


def test_a_node_is_not_taken_for_a_leaf() -> None:
    entries = {subject_key(str(n)): Head(1, n, 1) for n in range(2)}
    built = a_map(entries)

    # One sibling less, with the node above passed off as what stands there.
    proof = built.prove(subject_key("0"))
    with pytest.raises(MapProofBroken):
        verify_head(built.root(), subject_key("0"), MapProof(None, None, proof.siblings[:-1]))


@pytest.mark.parametrize(
    "members",
    [
        None,
        {},
        {"head": None, "other": None},
        {"head": "AA==", "other": None, "siblings": []},
        {"head": "*", "other": None, "siblings": []},
        {"head": None, "other": {"key": "AA=="}, "siblings": []},
        {"head": None, "other": None, "siblings": [1]},
        {"head": None, "other": None, "siblings": 5},
    ],
)
def test_what_is_no_proof_is_refused(members: Any) -> None:
    with pytest.raises(MapProofBroken):
        MapProof.from_json(members)


ID = "0a000000-0000-0000-0000-00000000000%d"
texts = st.one_of(
    st.text(max_size=5),
    st.sampled_from([ID % 1, ID % 2, ID % 3, (ID % 4).upper(), f'":"{ID % 5}"', f'["{ID % 6}"']),
)
values = st.recursive(
    st.one_of(texts, st.integers(-5, 5), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=12,
)


def walked(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value} if value in {ID % n for n in range(10)} else set()
    if isinstance(value, list):
        return set().union(*map(walked, value))
    if isinstance(value, dict):
        return set().union(*map(walked, value.values()))
    return set()


@given(st.dictionaries(texts, values, max_size=4))
def test_subjects_are_found_as_a_json_reader_finds_them(data: dict[str, Any]) -> None:
    found = subjects_of(canonical({"data": data, "stream": ID % 9, "type": "t", "version": 1}))

    assert {each.decode() for each in found} == walked(data) | {ID % 9}


def payload(stream: str, version: int, topic: str, data: dict[str, Any]) -> bytes:
    members = {"actor": "operator", "data": data, "stream": stream, "type": topic}
    return canonical({**members, "version": version})


def grown(*events: tuple[str, int, str, dict[str, Any]]) -> tuple[dict[bytes, Head], list[bytes]]:
    growth = MapGrowth(lambda _: None)
    envelopes = []
    for position, (stream, version, topic, data) in enumerate(events):
        envelopes.append(payload(stream, version, topic, data))
        growth.add(position, topic, version, envelopes[-1], leaf_hash(envelopes[-1]))
    return growth.heads(), envelopes


FUND, PERSON, UNION = ID % 1, ID % 2, ID % 3
EVENTS: tuple[tuple[str, int, str, dict[str, Any]], ...] = (
    (FUND, 1, "fund.opened", {"organisation_id": UNION}),
    (FUND, 2, "fund.drawn", {"person_id": PERSON, "parts": [{"lot_id": FUND}]}),
    (PERSON, 1, "recipient.entered", {}),
    (FUND, 3, "fund.drawn", {"person_id": PERSON, "to": [PERSON, PERSON]}),
)


def test_a_head_counts_each_event_once_and_follows_its_own_stream() -> None:
    heads, envelopes = grown(*EVENTS)

    fund, person = heads[subject_key(FUND)], heads[subject_key(PERSON)]
    assert (fund.version, fund.position, fund.count) == (3, 3, 3)
    assert (person.version, person.position, person.count) == (1, 2, 3)
    assert heads[subject_key(UNION)].version == 0
    assert heads[subject_key(UNION, "fund.opened")].count == 1
    assert heads[subject_key(THE_LOG, "fund.opened")].count == 1
    assert subject_key(THE_LOG, "fund.drawn") not in heads
    assert stream_of(envelopes[2]) == PERSON.encode()


def test_all_events_of_a_subject_are_shown_to_be_all() -> None:
    heads, envelopes = grown(*EVENTS)
    of_person = [(n, envelopes[n]) for n in (1, 2, 3)]

    verify_all_events(PERSON, heads[subject_key(PERSON)], of_person)
    verify_all_events(ID % 8, None, [])


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param((1, 2), id="omitted last event"),
        pytest.param((2, 3), id="omitted first event"),
        pytest.param((1, 3), id="omitted event between"),
        pytest.param((0, 1, 2, 3), id="an event of another subject added"),
        pytest.param((1, 3, 2), id="out of order"),
        pytest.param((1, 2, 3, 3), id="one of them twice"),
        pytest.param((), id="none of them"),
    ],
)
def test_events_left_out_are_noticed(shown: tuple[int, ...]) -> None:
    heads, envelopes = grown(*EVENTS)

    with pytest.raises(EventsLeftOut):
        verify_all_events(PERSON, heads[subject_key(PERSON)], [(n, envelopes[n]) for n in shown])


def test_an_event_moved_to_another_position_is_noticed() -> None:
    heads, envelopes = grown(*EVENTS)

    with pytest.raises(EventsLeftOut):
        verify_all_events(UNION, heads[subject_key(UNION)], [(1, envelopes[0])])
