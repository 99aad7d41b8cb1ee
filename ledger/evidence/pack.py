"""Evidence packs: what an inspector carries away, and checks without us.

A pack holds entries of the log under one published checkpoint, the tree hashes that lead them
there, proofs of the map that they are all there are, figures that follow from them, and what opens
the personal data sealed in them, as far as the reader is entitled to it.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import Json, base64_text
from ledger.evidence.merkle import HASH_BYTES
from ledger.evidence.verifiable_map import MapProof

FORMAT = "nuanzhang pack 1"
ENTRIES_MAX = 5_000_000

ALL, STREAM = "all", "stream"


class PackBroken(LedgerError):
    """The pack cannot be read, or something in it does not hold."""

    code = "pack.broken"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"pack: {cause}")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Listing:
    """Says that the events at these positions are all that a subject has.

    `of` is `all` for every event that concerns it (with `topic`, every one of its register), or
    `stream` for the events of its own stream.
    """

    subject: str
    topic: str | None
    of: str
    positions: tuple[int, ...]
    proof: MapProof

    def to_json(self) -> dict[str, Json]:
        return {
            "subject": self.subject,
            "topic": self.topic,
            "of": self.of,
            "positions": list(self.positions),
            "proof": self.proof.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, what it is a figure of, and the formula that gives it."""

    formula: str
    subject: str
    arguments: Mapping[str, Json]
    value: Json

    def to_json(self) -> dict[str, Json]:
        return {
            "formula": self.formula,
            "subject": self.subject,
            "arguments": dict(self.arguments),
            "value": self.value,
        }


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens what a member of an event's data holds sealed: the fields, and the salt with them."""

    position: int
    member: str
    fields: Mapping[str, str]
    salt: str

    def to_json(self) -> dict[str, Json]:
        return {
            "position": self.position,
            "member": self.member,
            "fields": dict(self.fields),
            "salt": self.salt,
        }


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as it is read; `ledger/evidence/pack_check.py` says whether it holds."""

    origin: str
    kind: str
    subject: str
    title: str
    checkpoint: str
    entries: Mapping[int, bytes]
    nodes: Mapping[tuple[int, int], bytes]
    listings: tuple[Listing, ...]
    figures: tuple[Figure, ...]
    openings: tuple[Opening, ...] = ()
    masked: tuple[Mapping[str, Json], ...] = ()
    """What the ledger shows of sealed data in masked form; nothing proves it."""
    timestamps: tuple[bytes, ...] = field(default=())
    """RFC 3161 tokens over the checkpoint's text."""

    def to_json(self) -> dict[str, Json]:
        """Return what `pack.json` says."""
        return {
            "format": FORMAT,
            "origin": self.origin,
            "kind": self.kind,
            "subject": self.subject,
            "title": self.title,
            "checkpoint": self.checkpoint,
            "entries": [
                {"position": position, "envelope": self.entries[position].decode()}
                for position in sorted(self.entries)
            ],
            "nodes": [
                [level, index, base64_text(self.nodes[level, index])]
                for level, index in sorted(self.nodes)
            ],
            "listings": [each.to_json() for each in self.listings],
            "figures": [each.to_json() for each in self.figures],
            "openings": [each.to_json() for each in self.openings],
            "masked": [dict(each) for each in self.masked],
            "timestamps": [base64_text(each) for each in self.timestamps],
        }

    @classmethod
    def from_json(cls, members: Json) -> "Pack":
        """Read what `to_json` wrote.

        Raises:
            PackBroken: Something is missing, of another kind, or cannot be read.
        """
        try:
            if members["format"] != FORMAT:
                raise PackBroken("of another format")
            pack = cls(
                origin=_is(str, members["origin"]),
                kind=_is(str, members["kind"]),
                subject=_is(str, members["subject"]),
                title=_is(str, members["title"]),
                checkpoint=_is(str, members["checkpoint"]),
                entries=_once(
                    (_number(each["position"]), _is(str, each["envelope"]).encode())
                    for each in members["entries"]
                ),
                nodes=_once(
                    ((_number(level), _number(index)), _hash(node))
                    for level, index, node in members["nodes"]
                ),
                listings=tuple(map(_listing, members["listings"])),
                figures=tuple(map(_figure, members["figures"])),
                openings=tuple(map(_opening, members["openings"])),
                masked=tuple(map(_masked, members["masked"])),
                timestamps=tuple(b64decode(each, validate=True) for each in members["timestamps"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            raise PackBroken("it cannot be read") from None
        if len(pack.entries) > ENTRIES_MAX or pack.to_json() != members:
            # Written again to compare: what is ignored by one reader might be believed by another.
            raise PackBroken("not written in its one form")
        return pack


def _listing(members: Json) -> Listing:
    topic, of = members["topic"], members["of"]
    if (topic is not None and not isinstance(topic, str)) or of not in (ALL, STREAM):
        raise ValueError
    if topic is not None and of == STREAM:
        raise ValueError
    return Listing(
        _is(str, members["subject"]),
        topic,
        of,
        tuple(map(_number, members["positions"])),
        MapProof.from_json(members["proof"]),
    )


def _figure(members: Json) -> Figure:
    return Figure(
        _is(str, members["formula"]),
        _is(str, members["subject"]),
        _is(dict, members["arguments"]),
        members["value"],
    )


def _opening(members: Json) -> Opening:
    return Opening(
        _number(members["position"]),
        _is(str, members["member"]),
        _fields(members["fields"]),
        _is(str, members["salt"]),
    )


def _masked(members: Json) -> Mapping[str, Json]:
    # Unproved, but whoever makes the readable page from it relies on its form.
    return {
        "position": _number(members["position"]),
        "member": _is(str, members["member"]),
        "fields": _fields(members["fields"]),
    }


def _fields(members: Json) -> Mapping[str, str]:
    fields: Mapping[str, str] = _is(dict, members)
    if not all(isinstance(each, str) for pair in fields.items() for each in pair):
        raise ValueError
    return fields


def _is(kind: type[Any], value: Json) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _number(value: Json) -> int:
    # True is no number here, though Python would have it so.
    if type(value) is not int or value < 0:
        raise TypeError
    return value


def _hash(text: Json) -> bytes:
    raw = b64decode(text, validate=True)
    if len(raw) != HASH_BYTES:
        raise ValueError
    return raw


def _once(pairs: Any) -> dict[Any, bytes]:
    """Make a mapping, and refuse a key that stands twice."""
    found: dict[Any, bytes] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError
        found[key] = value
    return found
