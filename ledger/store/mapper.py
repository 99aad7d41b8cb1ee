"""Events to envelopes and back; the payload's bytes are made here once and never again."""

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any, cast, get_type_hints
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from msgspec.structs import asdict

from ledger.domain.aggregate import METADATA_FIELDS, Event
from ledger.domain.events import event_class
from ledger.errors import Kind, LedgerError
from ledger.evidence.envelope import Signature, encode
from ledger.evidence.tree_heads import TREE_HEAD, TreeHead


class EventUnreadable(LedgerError):
    """A stored event is not of a form that this version of the program knows."""

    code = "store.event_unreadable"
    kind = Kind.BROKEN

    def __init__(self, stream: object, version: int, topic: str, cause: str) -> None:
        super().__init__(f"event {version} of stream {stream} ({topic}) cannot be read: {cause}")


class EnvelopeMapper(Mapper[UUID]):
    """The library's mapper, with the signed envelope as the stored state."""

    def __init__(self, origin: str, sign: Callable[[Event, bytes], list[Signature]]) -> None:
        """Make a mapper.

        Args:
            origin: Name of the log, as it stands in every payload and checkpoint.
            sign: Returns the signatures over an event's payload, the service's first.
        """
        super().__init__(JSONTranscoder())  # asked by nobody: payloads are canonical JSON
        self._sign = sign
        self._origin = _quoted(origin)

    def payload(self, event: Event, upon: TreeHead | None = None) -> bytes:
        """Write the event as canonical JSON (RFC 8785): the very bytes that are signed.

        Members stand in the order of their names; `tests/store/test_mapper.py` compares this fast
        way of writing with the plain one in `ledger.evidence.canonical`.

        Args:
            event: What happened.
            upon: The log as the officer who signs it was shown it; None where none signs.
        """
        cls = type(event)
        facts = {name: getattr(event, name) for name in _fact_names(cls)}
        if upon is not None:
            facts[TREE_HEAD] = upon.to_json()
        return b"".join(
            (
                b'{"actor":',
                _quoted(event.actor),
                b',"data":',
                _ENCODER.encode(facts),
                b',"happened_on":"',
                event.happened_on.isoformat().encode(),
                b'","origin":',
                self._origin,
                b',"recorded_at":',
                _quoted(event.recorded_at),
                _TAIL
                % (
                    cls.SCHEMA,
                    _ENCODER.encode(event.originator_id),
                    cls.TOPIC.encode(),
                    event.originator_version,
                ),
            )
        )

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        event = cast("Event", domain_event)
        payload = self.payload(event)
        return StoredEvent(
            originator_id=event.originator_id,
            originator_version=event.originator_version,
            topic=event.TOPIC,
            state=encode(payload, self._sign(event, payload)),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        return cast("DomainEventProtocol[UUID]", event_of(stored_event.topic, stored_event.state))


def event_of(topic: str, state: bytes) -> Event:
    """Read an event out of its envelope, without checking signatures.

    Raises:
        EventUnreadable: The bytes are no envelope of an event that this program knows.
    """
    try:
        decoder, cls = _reader(topic)
        payload = decoder.decode(_ENVELOPE.decode(state).payload)
    except (KeyError, msgspec.MsgspecError) as cause:
        raise EventUnreadable("?", 0, topic, str(cause)) from None
    if payload.schema != cls.SCHEMA:
        raise EventUnreadable(payload.stream, payload.version, topic, f"schema {payload.schema}")
    facts = asdict(payload.data)
    del facts[TREE_HEAD]  # it is about the signature: nothing is decided by it
    return cls(
        originator_id=payload.stream,
        originator_version=payload.version,
        happened_on=payload.happened_on,
        recorded_at=payload.recorded_at,
        actor=payload.actor,
        **facts,
    )


class _Envelope(msgspec.Struct, gc=False):
    payload: bytes  # msgspec undoes the base64


class _Payload(msgspec.Struct, gc=False):
    actor: str
    data: Any
    happened_on: date
    recorded_at: str
    schema: int
    stream: UUID
    version: int


_ENCODER = msgspec.json.Encoder(order="sorted")
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_TAIL = b',"schema":%d,"stream":%b,"type":"%b","version":%d}'


@cache
def _fact_names(cls: type[Event]) -> tuple[str, ...]:
    return tuple(sorted(set(cls.__struct_fields__) - METADATA_FIELDS))


@cache
def _reader(topic: str) -> tuple[msgspec.json.Decoder[Any], type[Event]]:
    cls = event_class(topic)
    names = _fact_names(cls)
    hints = get_type_hints(cls)
    # A field with a default came after events of this form: those that lack it are read by it.
    defaults = {each.name: each.default for each in msgspec.structs.fields(cls)}
    told = [
        (name, hints[name])
        if defaults[name] is msgspec.NODEFAULT
        else (name, hints[name], defaults[name])
        for name in names
    ]
    told.append((TREE_HEAD, dict[str, Any] | None, None))
    data = msgspec.defstruct("Data", told, kw_only=True, forbid_unknown_fields=True, gc=False)
    payload = msgspec.defstruct("Payload", [("data", data)], bases=(_Payload,), gc=False)
    return msgspec.json.Decoder(payload), cls


def _quoted(text: str) -> bytes:
    return _ENCODER.encode(text)
