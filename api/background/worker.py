"""Works through the jobs, one after the other, in a thread of its own."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from api.background.jobs import LEASE_S, Job, JobCancelled, JobLost, Jobs
from api.problems import faults_of
from ledger.database import DISK_REFUSALS
from ledger.errors import Kind, LedgerError
from ledger.store.application import TooBusy

POLL_S = 1.0
"""How soon a lease that ran out, or a job of another process, is seen."""
RENEW_S = LEASE_S / 4
PURGE_S = 10 * 60
PUT_OFF_S = 5
"""How long a job waits for what does not say when to ask again."""

log = logging.getLogger("nuanzhang.jobs")


class Interrupted(Exception):
    """Tells a handler to leave off: the process stops, and the job is taken up when it is back."""


class Report:
    """How a handler says how far it is; it is told there to leave off."""

    def __init__(
        self, jobs: Jobs, job: Job, now_s: Callable[[], int], stopping: threading.Event
    ) -> None:
        self._jobs = jobs
        self._job = job
        self._now_s = now_s
        self._stopping = stopping

    def progress(self, done: int, total: int) -> None:
        """Say that a step is done.

        Raises:
            JobCancelled, JobLost, Interrupted: Nothing more is to be done.
        """
        if self._stopping.is_set():
            raise Interrupted
        self._jobs.progress(self._job, done, total, self._now_s())


Handler = Callable[[Job, bytes, Report], dict[str, Any]]
"""Does a job with its request, and returns the result."""


class Worker:
    """Takes up jobs until it is stopped.

    Two threads: one works, the other holds the lease meanwhile, so that a long step is not taken
    for a crash. When the process is killed both are gone, and the lease runs out.
    """

    def __init__(
        self,
        jobs: Jobs,
        handlers: Mapping[str, Handler],
        now_s: Callable[[], int],
        renew_s: float = RENEW_S,
        also_purge: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._jobs = jobs
        self._handlers = handlers
        self._now_s = now_s
        self._renew_s = renew_s
        self._also_purge = also_purge
        self._stopping = threading.Event()
        self._hands = ThreadPoolExecutor(1, "job")
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._purged_s = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Let the step under way end, and put its job back; return whether it did in time."""
        self._stopping.set()
        self._jobs.added.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        ended = not self._thread.is_alive()
        self._hands.shutdown(wait=ended, cancel_futures=True)
        return ended

    def work_once(self) -> bool:
        """Do one job; return whether there was one."""
        job = self._jobs.claim(self._now_s())
        if job is None:
            return False
        work = self._hands.submit(self._do, job)
        while not wait([work], self._renew_s).done:
            try:
                self._jobs.renew(job, self._now_s())
            except JobLost:
                log.warning("job %s was taken up by another worker", job.job_id)
        self._end(job, work)
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._jobs.added.clear()
            try:
                if self.work_once():
                    continue
                self._purge()
            except (sqlite3.Error, OSError, *DISK_REFUSALS) as error:
                # A full disk must not end the thread: the lease runs out, the job is done again.
                # The type alone, and no traceback: either may quote data.
                log.error("jobs: unexpected %s", type(error).__name__)  # noqa: TRY400 - as said
            if not self._stopping.is_set():
                self._jobs.added.wait(POLL_S)

    def _do(self, job: Job) -> dict[str, Any]:
        report = Report(self._jobs, job, self._now_s, self._stopping)
        return self._handlers[job.kind](job, self._jobs.request_of(job), report)

    def _end(self, job: Job, work: Future[dict[str, Any]]) -> None:
        """Write down how a job ended, whatever became of it: a bug in one is not the end of all."""
        error, now_s = work.exception(), self._now_s()
        if error is None:
            self._jobs.finish(job, work.result(), now_s)
        elif isinstance(error, JobCancelled):
            self._jobs.end_cancelled(job, now_s)
        elif isinstance(error, Interrupted):
            self._jobs.release(job)
        elif isinstance(error, JobLost):
            log.warning("job %s was given up to another worker", job.job_id)
        elif isinstance(error, LedgerError) and _passes(error) and self._put_off(job, error, now_s):
            log.warning("job %s is put off: %s", job.job_id, error.code)
        elif isinstance(error, LedgerError):
            self._jobs.fail(job, error.code, str(error), now_s, faults_of(error))
        else:
            # The type alone: a message may quote data.
            log.error(
                "job %s of kind %s: unexpected %s", job.job_id, job.kind, type(error).__name__
            )
            self._jobs.fail(job, "server.failed", "the server met an error of its own", now_s)

    def _put_off(self, job: Job, refusal: LedgerError, now_s: int) -> bool:
        return self._jobs.put_off(job, getattr(refusal, "retry_after_s", PUT_OFF_S), now_s)

    def _purge(self) -> None:
        now_s = self._now_s()
        if now_s - self._purged_s >= PURGE_S:
            self._jobs.purge(now_s)
            self._also_purge(now_s)
            self._purged_s = now_s


def _passes(refusal: LedgerError) -> bool:
    """Say whether a refusal is about the moment alone, and the same job may go well later."""
    return refusal.kind is Kind.UNREACHABLE or isinstance(refusal, TooBusy)
