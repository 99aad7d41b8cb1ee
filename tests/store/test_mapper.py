"""Events to envelopes and back: the fast way writes what the plain way writes."""

from datetime import date
from enum import Enum
from typing import Any, get_type_hints
from uuid import UUID

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.aggregate import EVENT_CLASSES, METADATA_FIELDS, Event
from ledger.domain.refusal import Refusal
from ledger.evidence.canonical import canonical_json, parse_canonical
from ledger.evidence.envelope import decode, encode
from ledger.evidence.tree_heads import TREE_HEAD, TreeHead
from ledger.store.mapper import EnvelopeMapper, EventUnreadable, event_of

text = st.text(st.characters(codec="utf-8"), max_size=30)
UPON = TreeHead(7, bytes(range(32)))
MAPPER = EnvelopeMapper("log.example/一", lambda _event, _payload: [])


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    known: dict[Any, st.SearchStrategy[Any]] = {
        str: text,
        int: st.integers(-(2**53) + 1, 2**53 - 1),
        bool: st.booleans(),
        UUID: st.uuids(),
        date: st.dates(date(1950, 1, 1), date(2200, 1, 1)),
        type(None): st.none(),
    }
    if hint in known:
        return known[hint]
    if hasattr(hint, "__supertype__"):
        return values_of(hint.__supertype__)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = get_type_hints(hint)
        return st.builds(hint, **{name: values_of(hints[name]) for name in hint.__struct_fields__})
    arguments = hint.__args__
    if getattr(hint, "__origin__", None) is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    return st.one_of(*map(values_of, arguments))


def plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def events_of(cls: type[Event]) -> st.SearchStrategy[Event]:
    hints = get_type_hints(cls)
    facts = {n: values_of(hints[n]) for n in cls.__struct_fields__ if n not in METADATA_FIELDS}
    return st.builds(
        cls,
        originator_id=st.uuids(),
        originator_version=st.integers(1, 10**6),
        happened_on=values_of(date),
        recorded_at=st.just("2017-01-08T01:02:03.456Z"),
        actor=text,
        **facts,
    )


@pytest.mark.parametrize("topic", sorted(EVENT_CLASSES))
def test_every_event_is_written_canonically_and_read_back_whole(topic: str) -> None:
    cls = EVENT_CLASSES[topic]

    @given(events_of(cls), st.none() | st.just(UPON))
    def holds(event: Event, upon: TreeHead | None) -> None:
        payload = MAPPER.payload(event, upon)

        expected = {
            "actor": event.actor,
            "data": {
                name: plain(getattr(event, name))
                for name in cls.__struct_fields__
                if name not in METADATA_FIELDS
            }
            | ({} if upon is None else {"tree_head": upon.to_json()}),
            "happened_on": event.happened_on.isoformat(),
            "origin": "log.example/一",
            "recorded_at": event.recorded_at,
            "schema": cls.SCHEMA,
            "stream": str(event.originator_id),
            "type": topic,
            "version": event.originator_version,
        }
        assert payload == canonical_json(expected)
        assert parse_canonical(payload) == expected
        assert event_of(topic, encode(payload, [])) == event

    holds()


def test_no_event_has_a_fact_under_the_name_of_the_tree_head() -> None:
    assert not [cls for cls in EVENT_CLASSES.values() if TREE_HEAD in cls.__struct_fields__]


def test_the_library_finds_its_way_through_our_mapper() -> None:
    event = EVENT_CLASSES["refusal.recorded"]
    assert event is Refusal.Recorded
    stored = StoredEvent(UUID(int=1), 1, "refusal.recorded", b"{}")

    with pytest.raises(EventUnreadable):
        MAPPER.to_domain_event(stored)


@pytest.mark.parametrize("state", [b"", b"{}", b'{"payload":"e30="}', b"\xff", b"[]"])
def test_what_is_no_event_is_refused_with_a_code(state: bytes) -> None:
    with pytest.raises(EventUnreadable):
        event_of("fund.drawn", state)


def test_an_envelope_is_taken_apart_by_the_proof_code() -> None:
    assert decode(encode(b"{}", [])).payload == b"{}"
