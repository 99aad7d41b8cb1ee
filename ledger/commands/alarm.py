"""What to tell people when a log does not hold: what broke, what is touched, what to do now.

The log is known to be damaged, so everything here is read leniently and nothing is trusted: it is
only to show whom to call. Ids and public names stand in it, never personal data.
"""

import sqlite3
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ledger.commands.log_ranges import UNREADABLE
from ledger.commands.verification import Verdict
from ledger.evidence.verify import EntryBroken
from ledger.postgresql import Database
from ledger.store.stored_log import connect

NOUNS: Mapping[str, str] = {
    "fund_id": "fund",
    "from_fund_id": "fund",
    "to_fund_id": "fund",
    "organisation_id": "organisation",
    "from_organisation_id": "organisation",
    "to_organisation_id": "organisation",
    "batch_id": "batch",
    "disbursement_id": "payment",
    "person_id": "person",
    "subject_id": "person",
}
STREAMS: Mapping[str, str] = {
    "fund": "fund",
    "organisation": "organisation",
    "batch": "batch",
    "disbursement": "payment",
    "recipient": "person",
    "fiscal_year": "fiscal_year",
}

EVENTS_READ_MAX = 2_000_000


@dataclass(frozen=True, slots=True)
class Touched:
    """Ids by what they are of: `fund`, `organisation`, `batch`, `payment`, `person`."""

    ids: dict[str, set[str]] = field(default_factory=dict)

    def add(self, noun: str, id_: object) -> None:
        if isinstance(id_, str) and id_:
            self.ids.setdefault(noun, set()).add(id_)

    def of(self, noun: str) -> list[str]:
        return sorted(self.ids.get(noun, ()))


@dataclass(frozen=True, slots=True)
class Witness:
    """Who cosigned a checkpoint of this many entries, and when (seconds since 1970)."""

    name: str
    size: int
    time_s: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """A broken log, told to people.

    `surely` is what the broken entry itself names, `in_doubt` what any entry from the last good
    checkpoint on names: balances, surplus ratios, batches, payments and people rest on those.
    """

    code: str
    detail: str
    position: int | None
    stream: str | None
    version: int | None
    field: str | None
    event_type: str | None
    recorded_at: str | None
    last_good_size: int
    last_good_at: str | None
    events: int
    witnesses: tuple[Witness, ...]
    surely: Touched
    in_doubt: Touched
    names: Mapping[str, str]

    def name(self, id_: str) -> str:
        """Return what an id is called, where the log before the damage says so."""
        return self.names.get(id_, id_)


def raise_alarm(verdict: Verdict, events: Path | Database, anchors: Path) -> Alarm:
    """Find out what to tell.

    Args:
        verdict: Of a log that does not hold.
        events: The log's database, as it was verified.
        anchors: Cosignatures that were collected; need not exist.
    """
    broken = verdict.broken
    assert broken is not None  # noqa: S101 - that is what an alarm is for
    told = broken.arguments if isinstance(broken, EntryBroken) else None
    surely, in_doubt = Touched(), Touched()
    names: dict[str, str] = {}
    at: dict[int, str] = {}
    kind: str | None = None
    for position, topic, payload in _read(events):
        moment = payload.get("recorded_at")
        if position in (verdict.last_good_size - 1, verdict.position) and isinstance(moment, str):
            at[position] = moment
        if position < verdict.last_good_size:
            _learn_names(names, topic, payload)
            continue
        _touch(in_doubt, topic, payload)
        if position == verdict.position:
            kind = topic
            _touch(surely, topic, payload)
    return Alarm(
        code=broken.code,
        detail=str(broken),
        position=verdict.position,
        stream=None if told is None else str(told[1]),
        version=None if told is None else told[2],
        field=None if told is None else told[3],
        event_type=kind,
        recorded_at=None if verdict.position is None else at.get(verdict.position),
        last_good_size=verdict.last_good_size,
        last_good_at=at.get(verdict.last_good_size - 1),
        events=verdict.events,
        witnesses=_witnesses(anchors, verdict.last_good_size),
        surely=surely,
        in_doubt=in_doubt,
        names=names,
    )


def _read(path: Path | Database) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield position, type and payload of whatever can still be read."""
    try:
        with closing(connect(path)) as connection:
            rows = connection.execute(
                "SELECT position, topic, state FROM log_events ORDER BY position LIMIT ?",
                (EVENTS_READ_MAX,),
            )
            for position, topic, state in rows:
                if type(position) is int:
                    yield position, str(topic), _payload(state)
    except (*UNREADABLE, OverflowError, UnicodeDecodeError):
        return


def _payload(state: object) -> dict[str, Any]:
    try:
        if not isinstance(state, bytes | str):
            return {}
        envelope = msgspec.json.decode(state)
        payload = msgspec.json.decode(b64decode(envelope["payload"]))
    except (ValueError, TypeError, KeyError, UnicodeDecodeError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _touch(touched: Touched, topic: str, payload: dict[str, Any]) -> None:
    noun = STREAMS.get(topic.partition(".")[0])
    if noun is not None:
        touched.add(noun, payload.get("stream"))
    data = payload.get("data")
    if isinstance(data, dict):
        for name, value in data.items():
            if name in NOUNS and not (name == "subject_id" and topic.startswith("officer.")):
                touched.add(NOUNS[name], value)


def _learn_names(names: dict[str, str], topic: str, payload: dict[str, Any]) -> None:
    data, stream = payload.get("data"), payload.get("stream")
    if not isinstance(data, dict) or not isinstance(stream, str):
        return
    if topic == "organisation.registered":
        names[stream] = f"{data.get('code')} {data.get('name')}"
    elif topic == "fund.opened":
        union = str(data.get("organisation_id"))
        names[stream] = f"{names.get(union, union)} · {data.get('earmark')}"
    elif topic == "batch.drafted":
        names[stream] = str(data.get("code"))


def _witnesses(path: Path, size: int) -> tuple[Witness, ...]:
    """Return the last cosignature of each witness up to a size."""
    if not path.exists():
        return ()
    try:
        with closing(connect(path)) as connection:
            rows = connection.execute(
                "SELECT name, max(size), time_s FROM cosignatures WHERE size <= ?"
                " GROUP BY name ORDER BY name",
                (size,),
            ).fetchall()
    except sqlite3.DatabaseError:
        return ()
    return tuple(Witness(*row) for row in rows)


def count_of(touched: Touched) -> Sequence[tuple[str, int]]:
    """Return how many of each are touched, most general first."""
    order = ("organisation", "fiscal_year", "fund", "batch", "payment", "person")
    return [(noun, len(touched.ids[noun])) for noun in order if noun in touched.ids]
