"""The worker: what becomes of a job, however its handler ends, and whoever kills the process."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.background.jobs import LEASE_S, PUT_OFF_WITHIN_S, Job, Jobs, State
from api.background.worker import PUT_OFF_S, Handler, Report, Worker
from ledger.database import DiskFull
from ledger.errors import LedgerError
from ledger.files.faults import refuse
from ledger.postgresql import DatabaseUnreachable
from ledger.store.application import NotOnRecord, TooBusy
from tests.background.standing import OFFICER, Hands, jobs_at

ROOT = Path(__file__).parents[2]
SECRET = "张某某 110101199001011234"


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return jobs_at(tmp_path)


def worked(jobs: Jobs, handler: Handler, now_s: Hands | None = None) -> Job:
    """Submit a job, have it done by a handler, and return it as it ended."""
    hands = now_s or Hands()
    job = jobs.submit("kind", OFFICER, None, b"request", hands())
    worker = Worker(jobs, {"kind": handler}, hands)
    assert worker.work_once()
    worker.stop(1)
    return jobs.find(job.job_id)


def until(jobs: Jobs, job: Job, state: State) -> Job:
    end = time.monotonic() + 20
    while jobs.find(job.job_id).state is not state:
        assert time.monotonic() < end, jobs.find(job.job_id)
        time.sleep(0.02)
    return jobs.find(job.job_id)


def test_a_result_is_kept(jobs: Jobs) -> None:
    def handler(_: Job, request: bytes, report: Report) -> dict[str, Any]:
        report.progress(1, 1)
        return {"got": request.decode()}

    job = worked(jobs, handler)

    assert (job.state, job.result, job.done) == (State.DONE, {"got": "request"}, 1)


def test_a_refusal_ends_a_job_with_its_code_and_its_faults(jobs: Jobs) -> None:
    def refused(*_: object) -> dict[str, Any]:
        raise refuse("r.csv", "value.unknown", row=3, column="类别")

    job = worked(jobs, refused)

    assert (job.state, job.refusal_code) == (State.FAILED, "value.unknown")
    [fault] = job.faults
    assert (fault["row"], fault["column"], fault["code"]) == (3, "类别", "value.unknown")


@pytest.mark.parametrize("passing", [DatabaseUnreachable(), DiskFull(), TooBusy(9)])
def test_what_it_rests_on_being_away_puts_a_job_off(jobs: Jobs, passing: LedgerError) -> None:
    hands, away = Hands(), [passing]

    def handler(*_: object) -> dict[str, Any]:
        if away:
            raise away.pop()
        return {"done": "later"}

    job = worked(jobs, handler, hands)

    assert (job.state, job.attempts, job.refusal_code) == (State.WAITING, 0, None)
    worker = Worker(jobs, {"kind": handler}, hands)
    assert not worker.work_once(), "it is not asked again at once"
    hands.now_s += getattr(passing, "retry_after_s", PUT_OFF_S)
    assert worker.work_once()
    assert jobs.find(job.job_id).result == {"done": "later"}
    worker.stop(1)


def test_what_is_away_for_a_day_ends_a_job(jobs: Jobs) -> None:
    hands = Hands()

    def away(*_: object) -> dict[str, Any]:
        raise DatabaseUnreachable

    job = worked(jobs, away, hands)
    hands.now_s += PUT_OFF_WITHIN_S
    worker = Worker(jobs, {"kind": away}, hands)
    assert worker.work_once()
    worker.stop(1)

    ended = jobs.find(job.job_id)
    assert (ended.state, ended.refusal_code) == (State.FAILED, "database.unreachable")


def test_a_bug_ends_its_job_alone_and_nothing_quotes_data(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> dict[str, Any]:
        raise RuntimeError(SECRET)

    with caplog.at_level(logging.DEBUG):
        job = worked(jobs, broken)

    assert (job.state, job.refusal_code) == (State.FAILED, "server.failed")
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in str(job)


def test_a_kind_that_nobody_knows_fails(jobs: Jobs) -> None:
    jobs.submit("unheard of", OFFICER, None, b"", 0)
    worker = Worker(jobs, {}, Hands())

    assert worker.work_once()

    assert jobs.list_of(OFFICER)[0].refusal_code == "server.failed"


def test_cancelling_reaches_the_handler(jobs: Jobs) -> None:
    def cancelled(job: Job, _: bytes, report: Report) -> dict[str, Any]:
        report.progress(1, 3)
        jobs.cancel(job.job_id, 0)
        report.progress(2, 3)
        return {"went": "on"}

    job = worked(jobs, cancelled)

    assert (job.state, job.result, job.done) == (State.CANCELLED, None, 2)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_worker_sees_what_is_added_and_stops_between_two_steps(
    jobs: Jobs, gate: threading.Event
) -> None:
    begun = threading.Event()

    def stepping(_: Job, _request: bytes, report: Report) -> dict[str, Any]:
        begun.set()
        gate.wait(20)
        report.progress(1, 2)
        return {}

    worker = Worker(jobs, {"kind": stepping}, Hands())
    worker.start()
    job = jobs.submit("kind", OFFICER, None, b"", 0)
    assert begun.wait(5)

    assert not worker.stop(0.1), "the step is still under way"
    gate.set()
    assert worker.stop(10)

    put_back = jobs.find(job.job_id)
    assert (put_back.state, put_back.attempts) == (State.WAITING, 0)
    next_one = Worker(jobs, {"kind": lambda *_: {"done": "later"}}, Hands())
    next_one.start()
    assert until(jobs, job, State.DONE).result == {"done": "later"}
    assert next_one.stop(10)


def test_a_step_that_was_let_end_is_kept(jobs: Jobs, gate: threading.Event) -> None:
    begun = threading.Event()

    def one_step(*_: object) -> dict[str, Any]:
        begun.set()
        gate.wait(20)
        return {"written": True}

    worker = Worker(jobs, {"kind": one_step}, Hands())
    worker.start()
    job = jobs.submit("kind", OFFICER, None, b"", 0)
    assert begun.wait(5)
    threading.Timer(0.2, gate.set).start()

    assert worker.stop(10)

    assert jobs.find(job.job_id).result == {"written": True}


def test_a_killed_process_leaves_a_job_that_is_taken_up_again(jobs: Jobs, tmp_path: Path) -> None:
    job = jobs.submit("lasting", OFFICER, None, b"whole request", int(time.time()))
    with subprocess.Popen(
        [sys.executable, "-m", "tests.background.lasting_job", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{job.job_id} whole request\n"
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    killed = jobs.find(job.job_id)
    assert (killed.state, killed.attempts, killed.done) == (State.RUNNING, 1, 1)
    assert killed.lease_until_s is not None
    hands = Hands(killed.lease_until_s - 1)
    worker = Worker(jobs, {"lasting": lambda _job, request, _: {"got": request.decode()}}, hands)

    assert not worker.work_once(), "the lease still runs"
    hands.now_s += 1
    assert worker.work_once()

    done = jobs.find(job.job_id)
    assert (done.state, done.attempts) == (State.DONE, 2)
    assert done.result == {"got": "whole request"}


def test_a_long_step_is_not_taken_for_a_crash(jobs: Jobs, gate: threading.Event) -> None:
    hands = Hands()
    begun = threading.Event()

    def long(*_: object) -> dict[str, Any]:
        begun.set()
        gate.wait(20)
        return {}

    worker = Worker(jobs, {"kind": long}, hands, renew_s=0.02)
    worker.start()
    job = jobs.submit("kind", OFFICER, None, b"", hands())
    assert begun.wait(5)
    hands.now_s += LEASE_S - 1
    end = time.monotonic() + 10
    while (jobs.find(job.job_id).lease_until_s or 0) < hands() + LEASE_S:
        assert time.monotonic() < end
        time.sleep(0.02)
    hands.now_s += 2

    assert jobs.claim(hands()) is None

    gate.set()
    assert worker.stop(10)
    assert jobs.find(job.job_id).state is State.DONE


def test_a_refusal_by_the_ledger_is_told_as_it_is(jobs: Jobs) -> None:
    def absent(*_: object) -> dict[str, Any]:
        raise NotOnRecord("organisation", OFFICER)

    assert worked(jobs, absent).refusal_detail == f"no organisation with id {OFFICER}"
