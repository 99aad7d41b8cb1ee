"""Whose an officer's key is: administrators sign for it; else it is the operator's word alone.

Whoever has the ledger's own key can register another key for any officer, and sign with it. What
they cannot make is the signature of an administrator, whose own key descends from those of the
first administrators. Those few keys are to be compared with the people themselves.

Source: FORMAT.md, "Whose an officer's key is".
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from ledger.evidence.canonical import parse_canonical
from ledger.evidence.envelope import Envelope
from ledger.evidence.keys import OWN_CUSTODY, KeyHistory
from ledger.evidence.tree_heads import names_tree_head, tree_head_of
from ledger.evidence.verify import EntryBroken, Stored, read_entry

ADMINISTRATION = "ec740a29-0b95-51bb-b260-0f57eecfd86b"
"""The stream that says who was made the first of each of the three administrators."""

BEGUN = "administration.begun"
GRANTED = "officer.role_granted"
ENDED = "officer.role_ended"
REGISTERED = "officer.key_registered"
VOUCHING_TOPICS = (BEGUN, GRANTED, ENDED, REGISTERED)
"""The types of event from which it follows who may vouch, and for which keys somebody has."""

VOUCHED_FOR = (GRANTED, REGISTERED)
"""Those of them by which an administrator answers for another officer."""

SYSTEM, SECURITY = "系统管理", "安全管理"
VOUCHING_ROLES = (SECURITY, SYSTEM)
"""Who confirms keys; a security administrator alone gives these posts."""

FOREVER = "9999-99-99"
AHEAD_OF_UTC = timedelta(hours=8)


RELIABLE = "reliable_signature"
UNVOUCHED = "unvouched_signature"
KEYRING = "operator_keyring"
SERVICE_ALONE = "service"


def attestation(keys: Iterable[tuple[str, str | None]], vouched: Collection[str]) -> str:
    """Say who answers for an event, by who holds the keys that signed it.

    A signature by a key that the officer alone holds is a reliable electronic signature, if anybody
    but the operator says that it is theirs; one out of the operator's keyring shows diligence; the
    service's alone says who the service thinks it was.

    Args:
        keys: Id of each key that signed, and who holds its private half: empty or None where it is
            the ledger's own.
        vouched: Ids of the keys for which there is more than the operator's word.

    Returns:
        RELIABLE, UNVOUCHED, KEYRING or SERVICE_ALONE.

    Source: 电子签名法 (2019), art. 13.
    """
    held = {
        custody if custody != OWN_CUSTODY else RELIABLE if key_id in vouched else UNVOUCHED
        for key_id, custody in keys
        if custody
    }
    for each in (RELIABLE, UNVOUCHED):
        if each in held:
            return each
    return KEYRING if held else SERVICE_ALONE


def attested_as(envelope: Envelope, keys: KeyHistory, vouched: Collection[str]) -> str:
    """Say who answers for an event by its envelope, whose signatures were verified."""
    records = (keys.records.get(each.keyid) for each in envelope.signatures)
    signed = ((each.public_key.key_id, each.custody) for each in records if each)
    return attestation(signed, vouched)


def held_size(position: int, envelope: Envelope, keys: KeyHistory, vouched: Collection[str]) -> int:
    """Return how many entries of the log an officer signed upon, by a key that was theirs alone.

    Nobody who lacks that key has written these entries anew since. 0 where no such key signed, or
    the event names no tree head.

    Args:
        position: Where the event stands.
        envelope: Its envelope, verified, and its tree head compared with the tree.
        keys: All keys of the log.
        vouched: Ids of the keys for which there is more than the operator's word.
    """
    if not names_tree_head(envelope.payload):
        return 0
    for each in envelope.signatures[1:]:
        lost_from = keys.lost_from(each.keyid)
        if each.keyid in vouched and (lost_from is None or position < lost_from):
            head = tree_head_of(parse_canonical(envelope.payload)["data"])
            return 0 if head is None else head.size
    return 0


class FirstKey(NamedTuple):
    """The first key of one of the first administrators: on the operator's word, by its nature."""

    key_id: str
    officer: str
    role: str
    position: int


@dataclass(frozen=True, slots=True)
class Vouched:
    """The keys that are their officers' own on more than the operator's word.

    `first` are those that all others descend from; `key_ids` are all, those among them.
    """

    first: tuple[FirstKey, ...] = ()
    key_ids: frozenset[str] = frozenset()


class _Said(NamedTuple):
    """What an event of these types says, and under which keys its actor signed it.

    `recorded_on` is the day it was in China when it was recorded; both days are the ledger's word.
    """

    topic: str
    position: int
    stream: str
    actor: str
    day: str
    recorded_on: str
    data: Mapping[str, object]
    signers: tuple[str, ...]


@dataclass(slots=True)
class _Post:
    """A post from a day until before another.

    `ended_at` is where its end was recorded, if it had come by then: nothing later counts, however
    it is dated.
    """

    role: str
    organisation: object
    since: str
    until: str
    ended_at: int | None = None

    def covers(self, said: _Said) -> bool:
        days = (said.day, said.recorded_on)
        return all(self.since <= day < self.until for day in days) and (
            self.ended_at is None or said.position < self.ended_at
        )


def vouched_keys(entries: Iterable[Stored], keys: KeyHistory) -> Vouched:
    """Return for which officers' keys an administrator has signed.

    Args:
        entries: All of VOUCHING_TOPICS, in the order of the log; their signatures are believed, and
            `verify_entry` says whether to. Where some are missing, fewer keys are vouched for.
        keys: All keys of the log.
    """
    said = [each for entry in entries if (each := _said(entry)) is not None]
    run = _Vouching(_first_administrators(said), keys)
    for each in said:
        run.follow(each)
    return Vouched(tuple(run.first), frozenset(run.key_ids))


class _Vouching:
    def __init__(self, begun: Mapping[str, tuple[str, int]], keys: KeyHistory) -> None:
        self._begun = begun
        self._roles = {officer: role for role, (officer, _) in begun.items()}
        self._keys = keys
        self._posts: dict[str, list[_Post]] = {}
        self.first: list[FirstKey] = []
        self.key_ids: set[str] = set()

    def follow(self, said: _Said) -> None:
        if said.topic == GRANTED:
            self._grant(said)
        elif said.topic == ENDED:
            self._end(said)
        elif said.topic == REGISTERED:
            self._register(said)

    def _grant(self, said: _Said) -> None:
        role, until = said.data.get("role"), said.data.get("until")
        if not (isinstance(role, str) and role in VOUCHING_ROLES):
            return
        officer, position = self._begun.get(role, ("", -1))
        begins = said.stream == officer and said.position <= position
        if begins or self._is_signed(said, (SECURITY,)):
            last = until if isinstance(until, str) else FOREVER
            post = _Post(role, said.data.get("organisation_id"), said.day, last)
            self._posts.setdefault(said.stream, []).append(post)

    def _end(self, said: _Said) -> None:
        place = (said.data.get("role"), said.data.get("organisation_id"))
        for post in self._posts.get(said.stream, ()):
            if (post.role, post.organisation) == place and post.since <= said.day < post.until:
                post.until = said.day
                if said.day <= said.recorded_on:
                    post.ended_at = said.position

    def _register(self, said: _Said) -> None:
        """Take in a key, if it is the very registration by which the log knows it."""
        key_id = said.data.get("key_id")
        record = self._keys.records.get(key_id) if isinstance(key_id, str) else None
        if record is None or record.custody != OWN_CUSTODY:
            return
        if (record.owner, record.valid_from) != (said.stream, said.position):
            return
        key_id = record.public_key.key_id
        role = self._roles.pop(said.stream, None)
        if role is not None:
            self.first.append(FirstKey(key_id, said.stream, role, said.position))
        if role is not None or self._is_signed(said, VOUCHING_ROLES):
            self.key_ids.add(key_id)

    def _is_signed(self, said: _Said, roles: tuple[str, ...]) -> bool:
        """Say whether somebody in such a post signed it, with a key of their own, for another."""
        if said.actor == said.stream:
            return False
        held = any(
            post.role in roles and post.covers(said) for post in self._posts.get(said.actor, ())
        )
        return held and any(self._is_own(key_id, said) for key_id in said.signers)

    def _is_own(self, key_id: str, said: _Said) -> bool:
        """Say whether a key is the actor's own; one that somebody else had by then is nobody's.

        Whoever reaffirmed the entry since: keys that the thief had vouched for could have.
        """
        if key_id not in self.key_ids or self._keys.records[key_id].owner != said.actor:
            return False
        lost_from = self._keys.lost_from(key_id)
        return lost_from is None or said.position < lost_from


def _first_administrators(said: Iterable[_Said]) -> dict[str, tuple[str, int]]:
    """Return who was made the first of each kind that vouches; a second first one is none."""
    begun: dict[str, tuple[str, int]] = {}
    for each in said:
        if each.topic == BEGUN and each.stream == ADMINISTRATION:
            role, officer = each.data.get("role"), each.data.get("officer_id")
            if isinstance(role, str) and role in VOUCHING_ROLES and isinstance(officer, str):
                begun.setdefault(role, (officer, each.position))
    return begun


def _said(entry: Stored) -> _Said | None:
    """Read an event; one that cannot be read vouches for nothing."""
    try:
        envelope, payload = read_entry(entry)
        recorded_on = _day_in_china(str(payload["recorded_at"]))
    except (EntryBroken, ValueError):
        return None
    data, stream, actor = payload["data"], payload["stream"], payload["actor"]
    if not (isinstance(data, dict) and isinstance(stream, str) and isinstance(actor, str)):
        return None
    signers = tuple(each.keyid for each in envelope.signatures[1:])
    day = str(payload["happened_on"])
    return _Said(entry.topic, entry.position, stream, actor, day, recorded_on, data, signers)


def _day_in_china(recorded_at: str) -> str:
    try:
        return (datetime.fromisoformat(recorded_at) + AHEAD_OF_UTC).date().isoformat()
    except OverflowError:
        return FOREVER
