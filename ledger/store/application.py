"""The ledger: loads aggregates, lets a command decide, saves all that it decided at once."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import (
    EventStore,
    Mapper,
    RecordConflictError,
    StoredEvent,
)
from eventsourcing.utils import Environment, EnvType

from ledger.domain.aggregate import Event, Root
from ledger.domain.service_key import ServiceKey, service_key_id
from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.envelope import PAYLOAD_TYPE, Signature, decode, encode, pae
from ledger.evidence.merkle import EMPTY_ROOT, inclusion_path
from ledger.evidence.note import split_note
from ledger.evidence.proofs import Receipt
from ledger.evidence.tlog_tiles import ENTRY_BYTES_MAX
from ledger.evidence.tree_heads import TreeHead
from ledger.postgresql import DatabaseUnreachable
from ledger.store.act import CommandAct
from ledger.store.collector import without_collector
from ledger.store.feed import Recorded, Stored, StoredFeed, recorded
from ledger.store.group import EVENTS_MAX, Asked, Group, Queue
from ledger.store.mapper import EnvelopeMapper, event_of
from ledger.store.recorder import LogMoved, LogRecorder, StoredAnswer
from ledger.store.signing import (
    OfficerSignatureMissing,
    PreparedDiffers,
    ServiceSigner,
    officer_signature,
)
from ledger.store.spool import Spool
from ledger.store.stored_log import StoredLog
from ledger.vault.keys import KeyMadeElsewhere
from ledger.vault.vault import Vault

AGGREGATES_KEPT = 5_000
FOLLOWED_EVENTS_MAX = 2_000
"""How much others may have written for what is kept to be brought up to date, not forgotten."""
CONCLUSIONS_KEPT = 16
REPLAYED_AT_ONCE = 1_000
STREAMS_AT_ONCE = 500
TRIES_MAX = 100
TURNS = 16
"""Where another process was quicker, so many times in a row the others are kept from writing before
anything is decided: else each decides what the other makes worthless. It ends when none writes."""
TRIES_FREE = 2
"""So often a decision may come late before the others are kept from writing meanwhile."""

TRoot = TypeVar("TRoot", bound=Root)
TFound = TypeVar("TFound")


class NotOnRecord(LedgerError):
    """Nothing stands in the ledger under this id."""

    code = "ledger.not_on_record"
    kind = Kind.ABSENT

    def __init__(self, noun: str, id_: UUID) -> None:
        super().__init__(f"no {noun} with id {id_}")


class NoSuchPosition(LedgerError):
    """The log is shorter."""

    code = "log.no_such_position"
    kind = Kind.ABSENT

    def __init__(self, position: int) -> None:
        super().__init__(f"the log has no event at position {position}")


class IdempotencyKeyReused(LedgerError):
    """The key was used before, for something else."""

    code = "idempotency.key_reused"
    kind = Kind.CONFLICT

    def __init__(self, key: str) -> None:
        super().__init__(f"idempotency key {key} belongs to another request")


class VersionMoved(LedgerError):
    """Somebody else changed it since it was looked at."""

    code = "ledger.version_moved"
    kind = Kind.STALE

    def __init__(self, id_: UUID, expected: int, got: int) -> None:
        super().__init__(f"{id_} was expected at version {expected}, it is at {got}")


class EventTooLarge(LedgerError):
    """An entry of the log is at most 65,535 bytes long, so that it can be published."""

    code = "event.too_large"
    kind = Kind.INVALID

    def __init__(self, topic: str, size: int) -> None:
        super().__init__(
            f"{topic} would take {size} bytes, {ENTRY_BYTES_MAX} at most; split what it says"
        )


class TooBusy(LedgerError):
    """Others kept writing in between; nothing was written."""

    code = "store.too_busy"
    kind = Kind.CONFLICT

    def __init__(self, tries: int) -> None:
        super().__init__(f"the log moved {tries} times while this was being decided")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command.

    `first_position` to `last_position` are where its events stand (None: it left none). A refusal
    that had to be recorded is an answer too: `refusal_code` and `refusal_detail` say which.
    """

    result: dict[str, Any] = {}
    refusal_code: str | None = None
    refusal_detail: str | None = None
    first_position: int | None = None
    last_position: int | None = None
    replayed: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Work:
    """One command's unit of work: what it loaded, and what it wants saved together."""

    ledger: "Ledger"
    act: CommandAct
    touched: dict[UUID, Root] = field(default_factory=dict)
    saving: dict[UUID, Root] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    refusal: LedgerError | None = None
    tries: bool = False
    """Whether nothing of it is to last: long aggregates are tried on a twin of theirs."""

    def find(self, cls: type[TRoot], id_: UUID) -> TRoot | None:
        """Return the aggregate, or None when its stream is empty."""
        found = self.touched.get(id_)
        if found is None:
            found = self.ledger.kept(cls, id_)
            if self.tries and found is not None:
                found = found.twin()
        if found is not None:
            self.touched[id_] = found
        return cast("TRoot | None", found)

    def find_all(self, cls: type[TRoot], ids: Sequence[UUID]) -> dict[UUID, TRoot]:
        """Return aggregates that have few events each, read at once; who has none is left out."""
        self.ledger.keep_all(ids)
        found = ((id_, self.find(cls, id_)) for id_ in ids)
        return {id_: each for id_, each in found if each is not None}

    def glance_all(self, cls: type[TRoot], ids: Sequence[UUID]) -> dict[UUID, TRoot]:
        """Return what `find_all` does, to look at alone: none of it is kept."""
        if self.touched.keys().isdisjoint(ids):
            return self.ledger.glanced(cls, ids)
        found = {id_: self.touched[id_] for id_ in ids if id_ in self.touched}
        rest = [id_ for id_ in ids if id_ not in found]
        return cast("dict[UUID, TRoot]", found | self.ledger.glanced(cls, rest))

    def get(self, cls: type[TRoot], id_: UUID) -> TRoot:
        """Return the aggregate.

        Raises:
            NotOnRecord: Its stream is empty.
        """
        found = self.find(cls, id_)
        if found is None:
            raise NotOnRecord(cls.TOPIC, id_)
        return found

    def conclude(
        self,
        name: Hashable,
        concerns: Callable[[UUID, str], bool],
        find: Callable[[], TFound],
    ) -> TFound:
        """Return what `find` finds on the log as it is, or found before where that still holds.

        What is prepared for a signature and then signed is found twice in a row.

        Args:
            name: What is found, and about what.
            concerns: Says whether an event, by its stream and topic, could change it.
            find: Looks at the log, at little enough to be kept.
        """
        if any(each.pending for each in self.touched.values()):
            return find()  # what is decided together sees what is not in the log yet
        return self.ledger.concluded(name, concerns, find)

    def save(self, *aggregates: Root) -> None:
        """Have what the aggregates decided stored when the command ends well."""
        for aggregate in aggregates:
            self.touched[aggregate.id] = self.saving[aggregate.id] = aggregate

    def pending(self) -> list[Event]:
        """Return the events that are to be stored, aggregate by aggregate."""
        return [event for aggregate in self.saving.values() for event in aggregate.pending]

    def refuse(self, refusal: LedgerError) -> None:
        """End in a refusal that is itself put on record by what was saved."""
        self.refusal = refusal


Decide = Callable[[Work], None]


class Ledger(Application[UUID]):
    """The library's application over our mapper and recorder.

    Decisions are taken one at a time: SQLite has one writer anyhow, and optimistic retries alone
    collapse on a fund account that many draw from. Those that wait are decided by one thread for
    all of them, one after the other, and stored in one transaction; nobody is answered before it
    is on the disk. What another process wrote meanwhile is seen inside that transaction, and the
    decisions are then taken again.
    """

    name = "nuanzhang"

    def __init__(
        self, *, origin: str, recorder: LogRecorder, signer: ServiceSigner, vault: Vault
    ) -> None:
        self.origin = origin
        self.vault = vault
        self._signer = signer
        self._key_stream = service_key_id(signer.public_key.key_id)
        self._log = recorder
        self._deciding = threading.RLock()
        self._kept: OrderedDict[UUID, Root] = OrderedDict()
        self._joint: Work | None = None  # what several commands of one act are deciding together
        self._kept_size = 0  # of the log that the kept aggregates were read from
        self._queue = Queue[Answer, Decide]()
        self._group = Group[Answer, Decide](0)
        self._known: dict[str, StoredAnswer] = {}  # answers to those who are decided together
        self._decider: int | None = None  # the thread that decides for all
        self._concluded: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()  # on a log of size
        self._crowded = 0  # how many times more the log is ours alone while we decide
        self._one_by_one = False  # whether each is tried alone, since together it did not go
        super().__init__()
        self._kept_size = self._log.size()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Take no settings from the process environment: `api/bootstrap.py` alone reads it."""
        return Environment(name, env or {})

    def construct_mapper(self) -> Mapper[UUID]:
        self._mapper = EnvelopeMapper(self.origin, self._signatures)
        return self._mapper

    def construct_recorder(self) -> LogRecorder:
        return self._log

    def construct_event_store(self) -> EventStore[UUID]:
        return EventStore(self.mapper, self._log)

    # Commands.

    def perform(self, act: CommandAct, name: str, request: object, decide: Decide) -> Answer:
        """Let `decide` take one decision and store what it saved, in one transaction.

        Args:
            act: Who and when, under which idempotency key, and whether only to try.
            name: What is asked, e.g. `fund.allocate`.
            request: What was asked for; the same key with another request is refused.
            decide: Loads aggregates through the work it is given, asks them, saves them there.

        Raises:
            LedgerError: Whatever `decide` refuses; nothing is written then.
            IdempotencyKeyReused: The key belongs to another request.
            VersionMoved: The stream that `act` expects at a version has another.
            TooBusy: Other processes kept writing in between.
        """
        asked = (request, act.happened_on) if act.dated else request
        fingerprint = self._fingerprint(name, asked) if act.idempotency_key else ""
        asked_for = Asked[Answer, Decide](act, fingerprint, decide)
        if self._decides():
            if self._joint is not None:
                return _join(self._joint, act, decide)
            self._settle()
            self._decide_all([asked_for])
            return asked_for.outcome()
        self._queue.enter(asked_for)
        asked_for.wait()
        while not asked_for.ended:
            self._lead(asked_for)
        return asked_for.outcome()

    def _lead(self, own: Asked[Answer, Decide]) -> None:
        """Decide for all that wait; then another does, so that nobody works for others for ever."""
        taken: list[Asked[Answer, Decide]] = []
        try:
            with self._deciding:
                taken = self._queue.take()
                self._decider = threading.get_ident()
                self._known = {}
                try:
                    # A list of 100,000 people makes a million things; each is looked through often.
                    with without_collector():
                        self._decide_all(taken)
                finally:
                    self._decider = None
        finally:
            self._queue.leave(taken, own)

    def _decide_all(self, taken: Sequence[Asked[Answer, Decide]]) -> None:
        """Decide commands one after the other, and store what they decided together.

        Where it cannot be stored, each is tried alone: what is wrong with one is not to fail
        the others.
        """
        self._one_by_one = False
        waiting = list(taken)
        while waiting:
            turn = self._crowded > 0 or any(each.tries >= TRIES_FREE for each in waiting)
            try:
                with self._log.turn() if turn else nullcontext():
                    if turn:
                        # To where the log stands still now.
                        self._crowded = TURNS if self._follow() else max(self._crowded - 1, 0)
                    trying = waiting[:1] if self._one_by_one else waiting
                    keys = [each.act.idempotency_key for each in trying]
                    self._known |= self._log.select_answers([key for key in keys if key])
                    for each in trying:
                        each.tries += 1
                        self._try(each)
                    self._store()
            except LedgerError as cause:  # the database is not to be had
                self._forget()
                for each in waiting:
                    if not each.ended:
                        each.end(cause)
            waiting = [each for each in taken if not each.ended]
            for each in waiting:
                if each.tries >= TRIES_MAX:
                    each.end(TooBusy(each.tries))
            waiting = [each for each in waiting if not each.ended]

    def _try(self, asked: Asked[Answer, Decide]) -> None:
        """Decide once; what comes of it counts when it is stored, with what was decided before.

        That a version or a key is taken may also be our own doing: where the database broke off
        after a commit, what was stored then is answered when the key is looked up.
        """
        act = asked.act
        refusal: LedgerError | None = None
        work = Work(self, act)
        try:
            if act.idempotency_key in self._group.answers:
                self._settle()
            known = self._known.get(act.idempotency_key or "")
            if known is not None:
                asked.end(_replayed(known, asked.fingerprint))
                return
            self._require_expected(act)
            self._require_key()
            asked.decide(work)
            if not act.dry_run and (work.pending() or act.idempotency_key):
                self._accept(work, asked)
                return
        except (RecordConflictError, KeyMadeElsewhere):
            self._abandon(work)
            if not self._group.members:
                self._follow()
            return
        except DatabaseUnreachable as cause:
            # Whether it was stored is not known, so without a key it is not to be tried again.
            self._abandon(work)
            asked.end(cause)
            return
        except LedgerError as cause:
            refusal = cause
        except BaseException as cause:  # noqa: BLE001 - raised where it was asked
            self._abandon(work)
            asked.end(cause)
            return
        # It counts when it was decided on a log that came to be, and is as it was.
        if self._abandon(work):
            self._group_now().members.append((asked, refusal or _answer(work, ())))

    def _store(self) -> bool:
        """Store what was decided together, and let the outcomes count; say whether it went well.

        Nobody is answered before this: a crash leaves all of it, or none, and then nobody knows.
        """
        group = self._group
        if not group.members:
            return True
        try:
            if group.stored or group.answers:
                answers = list(group.answers.values())
                self._log.insert_events(group.stored, expected_size=group.first, answers=answers)
            elif self._log.size() != group.first:
                raise LogMoved("others wrote since this was decided")  # noqa: TRY301
        except LogMoved:
            self._crowded = TURNS
            self._forget()
            self._follow()
            return False
        except BaseException as cause:
            self._forget()
            self.vault.discard_new()
            conflict = isinstance(cause, RecordConflictError | KeyMadeElsewhere)
            if not conflict and (isinstance(cause, LedgerError) or len(group.members) == 1):
                # Whether it was stored may not be known, so it is not to be tried again.
                for asked, _ in group.members:
                    asked.end(cause)
                return False
            if not isinstance(cause, Exception):
                raise
            self._one_by_one = True
            self._follow()
            return False
        self._group = Group(self._kept_size)
        self._known |= group.answers
        for asked, outcome in group.members:
            asked.end(outcome)
        return True

    def answered(self, act: CommandAct, name: str, request: object) -> Answer | None:
        """Return what was answered to this request under its key; None where it is new.

        Raises:
            IdempotencyKeyReused: The key belongs to another request.
        """
        if act.idempotency_key is None:
            return None
        known = self._log.select_answer(act.idempotency_key)
        if known is None:
            return None
        asked = (request, act.happened_on) if act.dated else request
        return _replayed(known, self._fingerprint(name, asked))

    def together(
        self, act: CommandAct, name: str, request: object, take: Callable[[], dict[str, Any]]
    ) -> Answer:
        """Let several commands decide as one: all that they decided is stored, or none of it.

        Args:
            act: Who, when and under which key the whole is asked.
            name: What is asked.
            request: What was asked for, whole.
            take: Calls the commands, in order, and returns what is to be answered. It may be called
                again, when others wrote meanwhile.

        Raises:
            LedgerError: What the first of them refused, recorded or not; nothing is written then.
        """

        def decide(work: Work) -> None:
            self._joint = work
            try:
                work.result.update(take())
            finally:
                self._joint = None

        return self.perform(act, name, request, decide)

    def prepare(self, act: CommandAct, decide: Decide) -> list[bytes]:
        """Return the payloads that the officer would sign, storing nothing (a dry run).

        Raises:
            LedgerError: Whatever the command would refuse, recorded or not.
        """
        with self._deciding:
            self._follow()
            work = Work(self, act, tries=True)
            try:
                self._require_expected(act)
                decide(work)
                if work.refusal is not None:
                    raise work.refusal
                signed = [event for event in work.pending() if _is_signed(event, act)]
                upon = self._tree_head()
                return [self._mapper.payload(event, upon) for event in signed]
            finally:
                self._abandon(work)

    def load(self, cls: type[TRoot], id_: UUID) -> TRoot | None:
        """Return an aggregate as the log has it now, to look at; only a command may change it."""
        with self._deciding:
            if not self._decides():
                self._follow()
            return self.kept(cls, id_)

    def version_at_hand(self, id_: UUID) -> int | None:
        """Return the version of an aggregate that is kept, without waiting for who decides.

        What this process writes counts at once, even before it is stored; what others wrote when
        it is next looked for. None: it has to be loaded.
        """
        found = self._kept.get(id_)
        return None if found is None else found.version

    def kept(self, cls: type[TRoot], id_: UUID) -> TRoot | None:
        """Return an aggregate for a command, which finds out itself if the log has moved on."""
        kept = self._kept.get(id_)
        if kept is not None:
            self._kept.move_to_end(id_)
        elif id_ in self._group.changed:
            kept = self._group.changed[id_]
        else:
            kept = self._replayed(id_)
            if kept is None:
                return None
            self._keep(kept)
        if not isinstance(kept, cls):
            raise NotOnRecord(cls.TOPIC, id_)
        return kept

    def glance(self, cls: type[TRoot], id_: UUID) -> TRoot | None:
        """Return an aggregate as `load` does, without keeping it: for those who go through many."""
        with self._deciding:
            if not self._decides():
                self._follow()
            found = self._at_hand(id_) or self._replayed(id_)
        if found is not None and not isinstance(found, cls):
            raise NotOnRecord(cls.TOPIC, id_)
        return found

    def glance_all(self, cls: type[TRoot], ids: Sequence[UUID]) -> dict[UUID, TRoot]:
        """Return what `glance` does for many streams of few events; who has none is left out."""
        with self._deciding:
            if not self._decides():
                self._follow()
            return self.glanced(cls, ids)

    def glanced(self, cls: type[TRoot], ids: Sequence[UUID]) -> dict[UUID, TRoot]:
        """Return what `glance_all` does for a command, which finds out itself if the log moved."""
        found = self._all_at_hand(ids)
        found |= self._replayed_all([id_ for id_ in ids if id_ not in found] if found else ids)
        for id_, each in found.items():
            if not isinstance(each, cls):
                raise NotOnRecord(cls.TOPIC, id_)
        return cast("dict[UUID, TRoot]", found)

    def concluded(
        self,
        name: Hashable,
        concerns: Callable[[UUID, str], bool],
        find: Callable[[], TFound],
    ) -> TFound:
        """Return what `Work.conclude` does."""
        self._settle()
        then, found = self._concluded.pop(name, (0, None))
        # What is kept is as of this size, though the log may be longer: the decision fails then.
        now = self._kept_size
        if not 0 < then <= now <= then + FOLLOWED_EVENTS_MAX or any(
            concerns(stream, topic) for _, stream, _, topic in self._log.select_heads(then, now)
        ):
            found = find()
        self._concluded[name] = now, found
        while len(self._concluded) > CONCLUSIONS_KEPT:
            self._concluded.popitem(last=False)
        return cast("TFound", found)

    def keep_all(self, ids: Sequence[UUID]) -> None:
        """Have aggregates at hand that a command is about to ask for one by one."""
        found = self._all_at_hand(ids)
        for each in self._replayed_all([id_ for id_ in ids if id_ not in found]).values():
            self._keep(each)

    def _at_hand(self, id_: UUID) -> Root | None:
        """Return an aggregate that need not be replayed; what is not stored yet cannot be."""
        return self._group.changed.get(id_) or self._kept.get(id_)

    def _all_at_hand(self, ids: Sequence[UUID]) -> dict[UUID, Root]:
        """Return what `_at_hand` does for each of many; the others are left out."""
        asked = set(ids)
        places = (self._kept, self._group.changed)
        return {id_: place[id_] for place in places for id_ in asked & place.keys()}

    def _replayed_all(self, ids: Sequence[UUID]) -> dict[UUID, Root]:
        """Replay many short streams: some hundred a query, since each query has its price."""
        found: dict[UUID, Root] = {}
        for at in range(0, len(ids), STREAMS_AT_ONCE):
            for stream, topic, state in self._log.select_streams(ids[at : at + STREAMS_AT_ONCE]):
                found[stream] = event_of(topic, state).mutate(found.get(stream))
        return found

    def _replayed(self, id_: UUID) -> Root | None:
        """Replay a stream, a stretch at a time: a long one takes more memory than it comes to.

        The library's repository asks of each event what protocol it keeps, which takes as long.
        """
        found: Root | None = None
        while True:
            before = found.version if found is not None else 0
            for event in self._events.get(id_, gt=before or None, limit=REPLAYED_AT_ONCE):
                found = cast("Event", event).mutate(found)
            if found is None or found.version < before + REPLAYED_AT_ONCE:
                return found

    # Reading.

    @property
    def events(self) -> EventStore[UUID]:
        """What the library reads streams through."""
        self._settle()
        return self._events

    @events.setter
    def events(self, store: EventStore[UUID]) -> None:
        self._events = store

    def read(self, start: int, limit: int) -> Sequence[Recorded]:
        return recorded(self.stored(start, limit))

    def read_at(self, positions: Collection[int]) -> Sequence[Recorded]:
        """Return the events at some positions, in the order of the log."""
        self._settle()
        return recorded(self._log.select_states_at(positions))

    def stored(self, start: int, limit: int) -> Stored:
        self._settle()
        return self._log.select_states(start, limit)

    def elsewhere(self) -> Callable[[], StoredFeed]:
        self._settle()
        return partial(StoredLog, self._log.place)

    def event(self, stream: UUID, version: int) -> Event:
        """Return one event of a stream.

        Raises:
            NotOnRecord: The stream has no such version.
        """
        found = self.events.get(stream, gt=version - 1, lte=version)
        for event in found:
            return cast("Event", event)
        raise NotOnRecord("event", stream)

    def size(self) -> int:
        self._settle()
        return self._log.size()

    @property
    def log(self) -> LogRecorder:  # type: ignore[override]
        """The recorder, for those who prove: envelopes, tiles and checkpoints as stored."""
        self._settle()
        return self._log

    @property
    def signer(self) -> ServiceSigner:
        """The ledger's own key, for what leaves the house with its signature."""
        return self._signer

    def founding_key_id(self) -> str:
        """Return the id of the key that the founding event registers.

        Raises:
            NoSuchPosition: The log is empty.
        """
        rows = self._log.select_states(0, 1)
        if not rows:
            raise NoSuchPosition(0)
        return decode(rows[0][2]).signatures[0].keyid

    def require_position(self, position: int) -> None:
        """Check that the log holds an event at `position`.

        Raises:
            NoSuchPosition: It is shorter.
        """
        if position >= self.size():
            raise NoSuchPosition(position)

    def receipt(self, position: int) -> Receipt:
        """Return the proof that the event at `position` is in the log, under the last checkpoint.

        Raises:
            NoSuchPosition: The log is shorter.
        """
        self._settle()
        # What a checkpoint covers never changes, so these reads need no one state of the database,
        # and each of them waits for a database that is away.
        found = self._log.checkpoint_over(position) if position >= 0 else None
        if found is None:
            raise NoSuchPosition(position)
        size, note = found
        path = inclusion_path(position, size, self._log.subtree_hash)
        return Receipt(position, self._log.subtree_hash(0, position), tuple(path), note)

    def close(self) -> None:
        self._log.close()
        self.vault.close()
        self._signer.close()
        super().close()

    # How a decision is stored.

    def _accept(self, work: Work, asked: Asked[Answer, Decide]) -> None:
        """Add what was decided to what is stored next; those after it decide on top of it."""
        events, size = work.pending(), self._kept_size
        answer = _answer(work, range(size, size + len(events)))
        signed = self._signed(events, work.act)
        # First the keys of the people named in the events, then the events: a crash in between
        # leaves a key that nothing uses, never an event that nobody can read.
        if len(events) < EVENTS_MAX:
            stored = [*self._group.stored, *signed]
            self.vault.flush()
            strayed = self._add(work, asked, answer, stored)
            closes = any(event.CLOSES for event in events)
            if strayed or closes or len(stored) >= EVENTS_MAX:
                self._store()
        else:
            self._settle()  # many are a transaction by themselves
            with ThreadPoolExecutor(1, thread_name_prefix="keys") as beside:
                flushed = beside.submit(self.vault.flush)
                # They are signed while they are stored; the last of them waits for the keys.
                kept = chain(signed, _awaited(flushed))
                spool = Spool(self.vault.folder, kept, len(events))
                strayed = self._add(work, asked, answer, spool)
                self._store()
        for id_ in strayed:  # decided on, but not saved: it never happened
            self._kept.pop(id_, None)

    def _add(
        self,
        work: Work,
        asked: Asked[Answer, Decide],
        answer: Answer,
        stored: Sequence[StoredEvent],
    ) -> list[UUID]:
        """Have what a command decided stored with the group, as `stored` from here on.

        Returns what was decided on and not saved.
        """
        group = self._group_now()
        if work.act.idempotency_key:
            group.answers[work.act.idempotency_key] = StoredAnswer(
                work.act.idempotency_key, asked.fingerprint, msgspec.json.encode(answer)
            )
        group.members.append((asked, answer))
        group.stored = stored
        group.changed.update(work.saving)
        group.touched.update(work.touched)
        for aggregate in work.saving.values():
            aggregate.collect_events()
            self._keep(aggregate)
        self._kept_size = group.first + len(stored)
        return [id_ for id_, aggregate in work.touched.items() if aggregate.pending]

    def _group_now(self) -> Group[Answer, Decide]:
        if not self._group.members:
            self._group.first = self._kept_size
        return self._group

    def _decides(self) -> bool:
        """Say whether this thread is deciding, for itself and for others."""
        return self._decider == threading.get_ident()

    def _settle(self) -> None:
        """Store what others decided, before a decision looks into the log itself.

        Raises:
            LogMoved: It could not be stored, so that the decision was taken on what never was.
        """
        if self._group.members and self._decides() and not self._store():
            raise LogMoved("what was decided before could not be stored")

    def _signed(self, events: Sequence[Event], act: CommandAct) -> Iterator[StoredEvent]:
        """Make the envelopes: the service signs each event, the officer what commits or vouches."""
        key_id = self._signer.public_key.key_id
        signing = deque[tuple[bytes, bytes]]()
        signs = any(_is_signed(event, act) for event in events)
        upon = self._signed_upon(act) if signs else None

        def messages() -> Iterator[bytes]:
            for event in events:
                payload = self._mapper.payload(event, upon if _is_signed(event, act) else None)
                signing.append((payload, pae(PAYLOAD_TYPE, payload)))
                yield signing[-1][1]

        for event, signed in zip(events, self._signer.sign_all(messages()), strict=True):
            payload, message = signing.popleft()
            signatures = [Signature(key_id, signed)]
            if _is_signed(event, act):
                signatures.append(officer_signature(self, act, event, payload, message))
            envelope = encode(payload, signatures)
            if len(envelope) > ENTRY_BYTES_MAX:
                raise EventTooLarge(event.TOPIC, len(envelope))
            yield StoredEvent(event.originator_id, event.originator_version, event.TOPIC, envelope)

    def _signed_upon(self, act: CommandAct) -> TreeHead:
        """Return the log as the officer was shown it, which must be this one.

        Raises:
            PreparedDiffers: They were shown another; or none, before an officer signed upon any.
        """
        upon = None if act.signer is None else act.signer.signed_upon
        if upon is None:
            return self._tree_head()
        found = self._log.select_checkpoint(upon.size)
        if found is None or _committed(found[1]) != upon:
            raise PreparedDiffers(act.actor)
        return upon

    def _tree_head(self) -> TreeHead:
        """Return what the last checkpoint commits to; what is decided beside it comes later."""
        found = self._log.select_checkpoint()
        return TreeHead(0, EMPTY_ROOT) if found is None else _committed(found[1])

    def _signatures(self, event: Event, payload: bytes) -> list[Signature]:
        """Sign one event as the library's mapper asks for it: without an officer."""
        message = pae(PAYLOAD_TYPE, payload)
        signatures = [Signature(self._signer.public_key.key_id, self._signer.sign(message))]
        if event.COMMITS:
            raise OfficerSignatureMissing(event.TOPIC, event.actor)
        return signatures

    def _require_key(self) -> None:
        """Check that the key which signs here may do so still: it may have been retired beside us.

        What it signs from there on would break the log for good. Whoever retires it while this is
        being decided moves the log, so that it is decided again.
        """
        key = self.kept(ServiceKey, self._key_stream)
        if key is not None:  # the founding event is the one that registers it
            key.require_in_force()

    def _require_expected(self, act: CommandAct) -> None:
        if act.expected is None:
            return
        id_, version = act.expected
        found = self.kept(Root, id_)
        if found is None or found.version != version:
            raise VersionMoved(id_, version, found.version if found else 0)

    def _fingerprint(self, name: str, request: object) -> str:
        """Keyed, since a request may hold little else than an ID number that could be guessed."""
        asked = msgspec.json.encode({"name": name, "request": request}, order="deterministic")
        return self.vault.index("request", asked.decode())

    def _follow(self) -> bool:
        """Bring what is kept up to date if another process has written; say whether one has."""
        size = self._log.size()
        if size == self._kept_size:
            return False
        if 0 < size - self._kept_size <= FOLLOWED_EVENTS_MAX:
            moved = self._log.select_heads(self._kept_size, size)
            for stream in {stream for _, stream, _, _ in moved}:
                kept = self._kept.pop(stream, None)
                if kept is not None:
                    for event in self._events.get(stream, gt=kept.version):
                        kept = cast("Event", event).mutate(kept)
                    self._kept[stream] = kept
        else:
            self._kept.clear()
        self._kept_size = size
        return True

    def _keep(self, aggregate: Root) -> None:
        self._kept[aggregate.id] = aggregate
        self._kept.move_to_end(aggregate.id)
        while len(self._kept) > AGGREGATES_KEPT:
            self._kept.popitem(last=False)

    def _abandon(self, work: Work) -> bool:
        """Forget what was changed in memory, since none of it is stored.

        What others changed before is stored first, to be read again; False where it cannot be.
        """
        self.vault.discard_new()
        well = self._group.changed.keys().isdisjoint(work.touched) or self._store()
        for id_, aggregate in work.touched.items():
            if self._kept.get(id_) is aggregate:
                del self._kept[id_]
        return well

    def _forget(self) -> None:
        """Forget all that was decided together, since none of it was stored."""
        group, self._group = self._group, Group(0)
        if not group.members:
            return
        for id_ in group.touched:
            self._kept.pop(id_, None)
        self._kept_size = group.first


def _join(joint: Work, act: CommandAct, decide: Decide) -> Answer:
    """Let a command decide over what those before it decided, without storing anything yet."""
    work = Work(joint.ledger, act, joint.touched, joint.saving)
    decide(work)
    if work.refusal is not None:
        raise work.refusal
    return _answer(work, ())


def _replayed(known: StoredAnswer, fingerprint: str) -> Answer:
    """Return what was answered before under a key, if the same was asked.

    Raises:
        IdempotencyKeyReused: The key belongs to another request.
    """
    if known.request_fingerprint != fingerprint:
        raise IdempotencyKeyReused(known.idempotency_key)
    answer = msgspec.json.decode(known.answer, type=Answer)
    return msgspec.structs.replace(answer, replayed=True)


def _awaited(done: Future[None]) -> Iterator[StoredEvent]:
    """Wait until something is done, and yield nothing."""
    done.result()
    yield from ()


def _committed(note: str) -> TreeHead:
    checkpoint = Checkpoint.from_body(split_note(note)[0])
    return TreeHead(checkpoint.size, checkpoint.root)


def _is_signed(event: Event, act: CommandAct) -> bool:
    """Say whether an officer has to sign the event: as vouching, only whoever is signed in."""
    return event.COMMITS or (event.VOUCHES and act.signed_in)


def _answer(work: Work, positions: Sequence[int]) -> Answer:
    return Answer(
        result=work.result,
        refusal_code=work.refusal.code if work.refusal else None,
        refusal_detail=str(work.refusal) if work.refusal else None,
        first_position=positions[0] if positions else None,
        last_position=positions[-1] if positions else None,
        dry_run=work.act.dry_run,
    )
