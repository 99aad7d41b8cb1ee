"""Jobs: work that takes longer than anybody waits, done once, whoever crashes meanwhile."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from api.background.sealing import Seal
from api.background.store import BackgroundStore
from ledger.errors import Kind, LedgerError

LEASE_S = 60
ATTEMPTS_MAX = 3
RETRY_WITHIN_S = 24 * 3600
"""How long a failed job keeps its request, so that it can be tried again."""
PUT_OFF_WITHIN_S = 24 * 3600
"""How long a job is put off again and again for what it rests on, before it has failed."""
KEPT_S = 30 * 24 * 3600
OVER = f"({{0}} <= ?1 OR {{0}} > ?1 + {LEASE_S})"
"""Whether a moment has passed. One further ahead than any is set was set before our clock was set
back, and nobody waits until that comes again."""


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobUnknown(LedgerError):
    """There is no such job, or it is somebody else's."""

    code = "job.unknown"
    kind = Kind.ABSENT

    def __init__(self, job_id: str) -> None:
        super().__init__(f"no job {job_id}")


class JobKeyReused(LedgerError):
    """The idempotency key was used before, for another job."""

    code = "job.key_reused"
    kind = Kind.CONFLICT

    def __init__(self, job_id: str) -> None:
        super().__init__(f"the idempotency key belongs to job {job_id}, which asks for other work")


class JobEnded(LedgerError):
    """What has ended cannot be cancelled."""

    code = "job.ended"
    kind = Kind.CONFLICT

    def __init__(self, job_id: str, state: State) -> None:
        super().__init__(f"job {job_id} is {state}")


class JobNotRetried(LedgerError):
    """Only what failed within the day is tried again: its request is deleted then."""

    code = "job.not_retried"
    kind = Kind.CONFLICT

    def __init__(self, job_id: str, state: State) -> None:
        super().__init__(f"job {job_id} is {state}, or what it asked for is deleted; submit anew")


class JobGaveUp(LedgerError):
    """Whoever worked on it stopped in the middle, as often as it was tried."""

    code = "job.gave_up"
    kind = Kind.BROKEN

    def __init__(self, job_id: str, attempts: int) -> None:
        super().__init__(f"job {job_id} was begun {attempts} times and never ended")


class JobCancelled(Exception):
    """Tells a handler to leave off: somebody cancelled its job."""


class JobLost(Exception):
    """Tells a handler to leave off: its lease ran out, and another may work on the job."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is known of a job; its request stands apart.

    `claims` counts how often it was taken up, ever; whoever holds an older claim changes nothing.
    `done` of `total` is in units of the kind's own. Times are seconds since 1970.
    """

    number: int
    job_id: str
    kind: str
    officer_id: UUID
    state: State
    done: int
    total: int
    attempts: int
    claims: int
    lease_until_s: int | None
    cancel_asked: bool
    result: dict[str, Any] | None
    refusal_code: str | None
    refusal_detail: str | None
    faults: list[dict[str, Any]]
    created_at_s: int
    finished_at_s: int | None


class Jobs:
    """A queue in a file. `added` is set when there may be something to do."""

    def __init__(self, store: BackgroundStore, seal: Seal) -> None:
        self._store = store
        self._seal = seal
        self.added = threading.Event()

    # What people ask for.

    def submit(
        self, kind: str, officer_id: UUID, key: str | None, request: bytes, now_s: int
    ) -> Job:
        """Put a job in line; a repetition under the same key returns the job that is there.

        Args:
            kind: Names the handler.
            officer_id: Who asks; keys of different officers are different keys.
            key: Idempotency key, if there is one.
            request: What the handler is to be given; it may hold an uploaded file.
            now_s: The moment.

        Raises:
            JobKeyReused: The key belongs to another request.
        """
        job_id = str(uuid4())
        own_key = f"{officer_id} {key}" if key else f"job {job_id}"
        fingerprint = self._seal.fingerprint(kind.encode() + b"\0" + request)
        with self._store.writing() as sql:
            known = self._store.row("SELECT * FROM jobs WHERE key = ?", own_key)
            if known is not None:
                if known["fingerprint"] != fingerprint:
                    raise JobKeyReused(known["job_id"])
                return _job(known)
            sql.execute(
                "INSERT INTO jobs (job_id, key, fingerprint, kind, officer_id, request, state,"
                " created_at_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job_id,
                    own_key,
                    fingerprint,
                    kind,
                    str(officer_id),
                    self._seal.seal(request, job_id),
                    State.WAITING,
                    now_s,
                ),
            )
        self.added.set()
        return self.find(job_id)

    def find(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            JobUnknown: There is none.
        """
        found = self._store.row("SELECT * FROM jobs WHERE job_id = ?", job_id)
        if found is None:
            raise JobUnknown(job_id)
        return _job(found)

    def list_of(
        self, officer_id: UUID | None, *, before: int | None = None, limit: int = 100
    ) -> list[Job]:
        """Return an officer's jobs, or everybody's, the newest first."""
        return [
            _job(row)
            for row in self._store.rows(
                "SELECT * FROM jobs WHERE (?1 IS NULL OR officer_id = ?1)"
                " AND (?2 IS NULL OR number < ?2) ORDER BY number DESC LIMIT ?3",
                None if officer_id is None else str(officer_id),
                before,
                limit,
            )
        ]

    def cancel(self, job_id: str, now_s: int) -> Job:
        """Cancel what waits; have what runs leave off at its next step, unless it is done by then.

        Raises:
            JobUnknown, JobEnded: As they say.
        """
        with self._store.writing() as sql:
            job = self.find(job_id)
            if job.state is State.WAITING:
                _end(sql, job, State.CANCELLED, now_s)
            elif job.state is State.RUNNING:
                sql.execute("UPDATE jobs SET cancel_asked = 1 WHERE job_id = ?", (job_id,))
            else:
                raise JobEnded(job_id, job.state)
        return self.find(job_id)

    def retry(self, job_id: str) -> Job:
        """Put a failed job in line again.

        Raises:
            JobUnknown, JobNotRetried: As they say.
        """
        with self._store.writing() as sql:
            put = sql.execute(
                "UPDATE jobs SET state = ?, attempts = 0, cancel_asked = 0, refusal_code = NULL,"
                " refusal_detail = NULL, faults = NULL, finished_at_s = NULL,"
                " not_before_s = 0, put_off_since_s = NULL"
                " WHERE job_id = ? AND state = ? AND request IS NOT NULL",
                (State.WAITING, job_id, State.FAILED),
            ).rowcount
            job = self.find(job_id)
            if not put:
                raise JobNotRetried(job_id, job.state)
        self.added.set()
        return job

    # What workers ask for.

    def claim(self, now_s: int) -> Job | None:
        """Take up the oldest job that waits, or whose worker was not heard of for LEASE_S.

        The claim is written before the work begins: if we crash in it, the lease runs out, and the
        job is taken up again; after ATTEMPTS_MAX such times it has failed.
        """
        with self._store.writing() as sql:
            self._give_up(sql, now_s)
            found = self._store.row(
                "SELECT job_id FROM jobs WHERE"  # noqa: S608 - a condition of ours
                f" (state = 'waiting' AND {OVER.format('not_before_s')})"
                f" OR (state = 'running' AND {OVER.format('lease_until_s')})"
                " ORDER BY number LIMIT 1",
                now_s,
            )
            if found is None:
                return None
            sql.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1, claims = claims + 1,"
                " done = 0, total = 0, lease_until_s = ? WHERE job_id = ?",
                (now_s + LEASE_S, found["job_id"]),
            )
            return self.find(found["job_id"])

    def request_of(self, job: Job) -> bytes:
        """Return what a job was submitted with.

        Raises:
            SealBroken: It was sealed for another ledger.
            JobUnknown: It is deleted.
        """
        found = self._store.row("SELECT request FROM jobs WHERE job_id = ?", job.job_id)
        if found is None or found["request"] is None:
            raise JobUnknown(job.job_id)
        return self._seal.open(found["request"], job.job_id)

    def progress(self, job: Job, done: int, total: int, now_s: int) -> None:
        """Say how far a claimed job is, and hold on to it for another LEASE_S.

        Raises:
            JobCancelled: Somebody cancelled it.
            JobLost: Another took it up meanwhile.
        """
        self._hold(job, now_s, done, total)
        if self.find(job.job_id).cancel_asked:
            raise JobCancelled

    def renew(self, job: Job, now_s: int) -> None:
        """Hold on to a claimed job for another LEASE_S, while it is between two steps.

        Raises:
            JobLost: Another took it up meanwhile.
        """
        self._hold(job, now_s)

    def finish(self, job: Job, result: dict[str, Any], now_s: int) -> bool:
        """End a claimed job well; return whether the claim still held."""
        with self._store.writing() as sql:
            return _end(sql, job, State.DONE, now_s, result=json.dumps(result))

    def end_cancelled(self, job: Job, now_s: int) -> bool:
        """End a claimed job that left off."""
        with self._store.writing() as sql:
            return _end(sql, job, State.CANCELLED, now_s)

    def fail(
        self,
        job: Job,
        code: str,
        detail: str,
        now_s: int,
        faults: Sequence[dict[str, object]] = (),
    ) -> bool:
        """End a claimed job badly; its request is kept for a day, to be tried again."""
        with self._store.writing() as sql:
            return _fail(sql, job, code, detail, now_s, faults)

    def release(self, job: Job) -> None:
        """Put a claimed job back, as if it had not been taken up: the process stops."""
        with self._store.writing() as sql:
            sql.execute(
                "UPDATE jobs SET state = 'waiting', attempts = attempts - 1"
                " WHERE job_id = ? AND claims = ? AND state = 'running'",
                (job.job_id, job.claims),
            )

    def put_off(self, job: Job, for_s: int, now_s: int) -> bool:
        """Put a claimed job back for a while: what it rests on is away, and nothing wrong with it.

        It counts as no attempt. Returns whether it was; who is put off for PUT_OFF_WITHIN_S is not
        put off again.
        """
        with self._store.writing() as sql:
            return bool(
                sql.execute(
                    "UPDATE jobs SET state = 'waiting', attempts = attempts - 1,"
                    " not_before_s = ?, put_off_since_s = coalesce(put_off_since_s, ?)"
                    " WHERE job_id = ? AND claims = ? AND state = 'running'"
                    " AND NOT cancel_asked AND coalesce(put_off_since_s, ?) > ?",
                    (
                        now_s + min(for_s, LEASE_S),
                        now_s,
                        job.job_id,
                        job.claims,
                        now_s,
                        now_s - PUT_OFF_WITHIN_S,
                    ),
                ).rowcount
            )

    def let_go(self) -> None:
        """Have all that is running taken up again at once: whoever worked on it is no more.

        Only who leads knows that. Each was an attempt, as after any crash.
        """
        with self._store.writing() as sql:
            sql.execute("UPDATE jobs SET lease_until_s = 0 WHERE state = 'running'")

    def purge(self, now_s: int) -> None:
        """Delete requests that are not tried again any more, and jobs that ended long ago."""
        with self._store.writing() as sql:
            sql.execute(
                "UPDATE jobs SET request = NULL WHERE request IS NOT NULL AND finished_at_s <= ?",
                (now_s - RETRY_WITHIN_S,),
            )
            sql.execute("DELETE FROM jobs WHERE finished_at_s <= ?", (now_s - KEPT_S,))

    def _hold(
        self, job: Job, now_s: int, done: int | None = None, total: int | None = None
    ) -> None:
        with self._store.writing() as sql:
            held = sql.execute(
                "UPDATE jobs SET done = coalesce(?, done), total = coalesce(?, total),"
                " lease_until_s = ? WHERE job_id = ? AND claims = ? AND state = 'running'",
                (done, total, now_s + LEASE_S, job.job_id, job.claims),
            ).rowcount
        if not held:
            raise JobLost

    def _give_up(self, sql: sqlite3.Connection, now_s: int) -> None:
        """End what nobody works on any more, and is not to be taken up again."""
        for row in self._store.rows(
            "SELECT * FROM jobs WHERE state = 'running'"  # noqa: S608 - as above
            f" AND {OVER.format('lease_until_s')}"
            " AND (attempts >= ?2 OR cancel_asked)",
            now_s,
            ATTEMPTS_MAX,
        ):
            job = _job(row)
            if job.cancel_asked:
                _end(sql, job, State.CANCELLED, now_s)
            else:
                gave_up = JobGaveUp(job.job_id, job.attempts)
                _fail(sql, job, gave_up.code, str(gave_up), now_s, ())


def _end(
    sql: sqlite3.Connection, job: Job, state: State, now_s: int, *, result: str | None = None
) -> bool:
    return bool(
        sql.execute(
            "UPDATE jobs SET state = ?, result = ?, request = NULL, finished_at_s = ?"
            " WHERE job_id = ? AND claims = ? AND state = ?",
            (state, result, now_s, job.job_id, job.claims, job.state),
        ).rowcount
    )


def _fail(
    sql: sqlite3.Connection,
    job: Job,
    code: str,
    detail: str,
    now_s: int,
    faults: Sequence[dict[str, object]],
) -> bool:
    return bool(
        sql.execute(
            "UPDATE jobs SET state = 'failed', refusal_code = ?, refusal_detail = ?, faults = ?,"
            " finished_at_s = ? WHERE job_id = ? AND claims = ? AND state = 'running'",
            (
                code,
                detail,
                json.dumps(list(faults), ensure_ascii=False),
                now_s,
                job.job_id,
                job.claims,
            ),
        ).rowcount
    )


def _job(row: sqlite3.Row) -> Job:
    return Job(
        row["number"],
        row["job_id"],
        row["kind"],
        UUID(row["officer_id"]),
        State(row["state"]),
        row["done"],
        row["total"],
        row["attempts"],
        row["claims"],
        row["lease_until_s"],
        bool(row["cancel_asked"]),
        None if row["result"] is None else json.loads(row["result"]),
        row["refusal_code"],
        row["refusal_detail"],
        json.loads(row["faults"] or "[]"),
        row["created_at_s"],
        row["finished_at_s"],
    )
