"""Jobs: in line, taken up, held, ended; and what is true when somebody crashes."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from api.background.jobs import (
    ATTEMPTS_MAX,
    KEPT_S,
    LEASE_S,
    PUT_OFF_WITHIN_S,
    RETRY_WITHIN_S,
    Job,
    JobCancelled,
    JobEnded,
    JobKeyReused,
    JobLost,
    JobNotRetried,
    Jobs,
    JobUnknown,
    State,
)
from api.background.sealing import Seal, SealBroken
from api.background.store import BackgroundStore
from ledger.store.home import Home
from tests.background.standing import KEY, OFFICER, OTHER, jobs_at

NOW = 1_700_000_000
NAME = "张某某".encode()


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return jobs_at(tmp_path)


def claimed(jobs: Jobs, now_s: int = NOW) -> Job:
    job = jobs.claim(now_s)
    assert job is not None
    return job


def test_jobs_are_taken_up_in_order_and_once(jobs: Jobs) -> None:
    first = jobs.submit("roster", OFFICER, None, b"one", NOW)
    second = jobs.submit("roster", OTHER, None, b"two", NOW)

    assert claimed(jobs).job_id == first.job_id
    assert claimed(jobs).job_id == second.job_id
    assert jobs.claim(NOW) is None


def test_what_was_asked_for_comes_back_and_is_deleted_when_the_job_ends(
    jobs: Jobs, tmp_path: Path
) -> None:
    jobs.submit("roster", OFFICER, None, NAME, NOW)
    job = claimed(jobs)
    assert jobs.request_of(job) == NAME

    jobs.progress(job, 3, 9, NOW)
    assert (jobs.find(job.job_id).done, jobs.find(job.job_id).total) == (3, 9)
    assert jobs.finish(job, {"accepted": 9}, NOW + 5)

    ended = jobs.find(job.job_id)
    assert (ended.state, ended.result, ended.finished_at_s) == (
        State.DONE,
        {"accepted": 9},
        NOW + 5,
    )
    with pytest.raises(JobUnknown):
        jobs.request_of(ended)
    assert (tmp_path / "jobs.sqlite").stat().st_mode & 0o777 == 0o600


def test_no_file_holds_what_was_uploaded_in_clear(jobs: Jobs, tmp_path: Path) -> None:
    jobs.submit("roster", OFFICER, None, NAME * 100, NOW)

    files = list(tmp_path.glob("jobs.sqlite*"))
    assert files
    for path in files:
        assert NAME not in path.read_bytes(), path


def test_another_ledgers_key_opens_nothing(jobs: Jobs, tmp_path: Path) -> None:
    jobs.submit("roster", OFFICER, None, NAME, NOW)
    other = Jobs(BackgroundStore(tmp_path / "jobs.sqlite"), Seal(bytes(32)))

    with pytest.raises(SealBroken):
        other.request_of(claimed(other))


def test_a_seal_holds_under_its_own_name_alone() -> None:
    seal = Seal(KEY)
    sealed = seal.seal(NAME, "one")

    assert seal.open(sealed, "one") == NAME
    other_end = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for broken, name in ((sealed, "two"), (other_end, "one"), (b"", "one")):
        with pytest.raises(SealBroken):
            seal.open(broken, name)


def test_a_repetition_under_the_same_key_is_the_same_job(jobs: Jobs) -> None:
    job = jobs.submit("roster", OFFICER, "k1", b"one", NOW)

    assert jobs.submit("roster", OFFICER, "k1", b"one", NOW + 9) == job
    assert jobs.submit("roster", OTHER, "k1", b"one", NOW).job_id != job.job_id
    with pytest.raises(JobKeyReused):
        jobs.submit("roster", OFFICER, "k1", b"other", NOW)
    with pytest.raises(JobKeyReused):
        jobs.submit("archive", OFFICER, "k1", b"one", NOW)


def test_a_worker_that_is_not_heard_of_loses_the_job(jobs: Jobs) -> None:
    jobs.submit("roster", OFFICER, None, b"one", NOW)
    lost = claimed(jobs)
    jobs.progress(lost, 1, 2, NOW + 30)
    assert jobs.claim(NOW + LEASE_S) is None, "progress holds it for another while"

    again = claimed(jobs, NOW + 30 + LEASE_S)

    assert (again.job_id, again.attempts, again.done) == (lost.job_id, 2, 0)
    with pytest.raises(JobLost):
        jobs.progress(lost, 2, 2, NOW)
    with pytest.raises(JobLost):
        jobs.renew(lost, NOW)
    assert not jobs.finish(lost, {"by": "the lost one"}, NOW)
    assert not jobs.fail(lost, "x.y", "the lost one", NOW)
    assert jobs.finish(again, {"by": "the second"}, NOW + 99)
    assert jobs.find(lost.job_id).result == {"by": "the second"}


def test_what_never_ends_is_given_up(jobs: Jobs) -> None:
    job = jobs.submit("roster", OFFICER, None, b"one", NOW)
    for number in range(ATTEMPTS_MAX):
        assert claimed(jobs, NOW + number * LEASE_S).attempts == number + 1

    assert jobs.claim(NOW + ATTEMPTS_MAX * LEASE_S) is None

    ended = jobs.find(job.job_id)
    assert (ended.state, ended.refusal_code) == (State.FAILED, "job.gave_up")
    assert jobs.retry(job.job_id).state is State.WAITING
    assert claimed(jobs).attempts == 1


def test_whoever_leads_next_takes_up_at_once_what_was_running(jobs: Jobs) -> None:
    job = jobs.submit("roster", OFFICER, None, b"one", NOW)
    for number in range(ATTEMPTS_MAX):
        assert claimed(jobs, NOW + number).attempts == number + 1
        jobs.let_go()

    assert jobs.claim(NOW + ATTEMPTS_MAX) is None
    assert jobs.find(job.job_id).refusal_code == "job.gave_up"


def test_a_clock_that_was_set_back_holds_up_no_job(jobs: Jobs) -> None:
    jobs.submit("roster", OFFICER, None, b"one", NOW)
    lost = claimed(jobs)

    again = claimed(jobs, NOW - 3600)

    assert (again.job_id, again.attempts) == (lost.job_id, 2)
    assert jobs.put_off(again, 5, NOW - 3600)
    assert claimed(jobs, NOW - 2 * 3600).job_id == lost.job_id


def test_what_is_put_off_waits_and_counts_as_no_attempt_for_a_day(jobs: Jobs) -> None:
    job = jobs.submit("roster", OFFICER, None, b"one", NOW)
    assert jobs.put_off(claimed(jobs), 5, NOW)
    assert jobs.claim(NOW + 4) is None
    assert jobs.find(job.job_id).attempts == 0

    late = claimed(jobs, NOW + PUT_OFF_WITHIN_S)
    assert late.attempts == 1
    assert not jobs.put_off(late, 5, NOW + PUT_OFF_WITHIN_S)

    jobs.fail(late, "database.unreachable", "away", NOW + PUT_OFF_WITHIN_S)
    jobs.retry(job.job_id)
    again = claimed(jobs, NOW + PUT_OFF_WITHIN_S)
    assert jobs.put_off(again, 5, NOW + PUT_OFF_WITHIN_S), "who tries it again has another day"


def test_a_file_of_an_earlier_version_is_gone_on_with(tmp_path: Path) -> None:
    jobs = jobs_at(tmp_path)
    job = jobs.submit("roster", OFFICER, None, b"one", NOW)
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as connection:
        for column in ("not_before_s", "put_off_since_s"):
            connection.execute(f"ALTER TABLE jobs DROP COLUMN {column}")

    again = jobs_at(tmp_path)

    assert again.put_off(claimed(again), 5, NOW)
    assert claimed(again, NOW + 5).job_id == job.job_id


def test_what_waits_is_cancelled_at_once_and_what_runs_at_its_next_step(jobs: Jobs) -> None:
    waiting = jobs.submit("roster", OFFICER, None, b"one", NOW)
    assert jobs.cancel(waiting.job_id, NOW).state is State.CANCELLED
    assert jobs.claim(NOW) is None

    jobs.submit("roster", OFFICER, None, b"two", NOW)
    running = claimed(jobs)
    jobs.progress(running, 1, 3, NOW)
    assert jobs.cancel(running.job_id, NOW).cancel_asked
    with pytest.raises(JobCancelled):
        jobs.progress(running, 2, 3, NOW)
    assert jobs.end_cancelled(running, NOW)
    with pytest.raises(JobEnded):
        jobs.cancel(running.job_id, NOW)
    with pytest.raises(JobNotRetried):
        jobs.retry(running.job_id)


def test_what_is_done_before_it_hears_of_it_is_done(jobs: Jobs) -> None:
    jobs.submit("roster", OFFICER, None, b"two", NOW)
    running = claimed(jobs)
    jobs.cancel(running.job_id, NOW)

    assert jobs.finish(running, {}, NOW)

    assert jobs.find(running.job_id).state is State.DONE


def test_what_was_cancelled_and_then_crashed_is_not_taken_up_again(jobs: Jobs) -> None:
    jobs.submit("roster", OFFICER, None, b"two", NOW)
    job = claimed(jobs)
    jobs.cancel(job.job_id, NOW)

    assert jobs.claim(NOW + LEASE_S) is None

    assert jobs.find(job.job_id).state is State.CANCELLED


def test_a_failed_job_says_why_and_is_tried_again_within_the_day(jobs: Jobs) -> None:
    jobs.submit("roster", OFFICER, None, b"one", NOW)
    job = claimed(jobs)
    assert jobs.fail(job, "batch.known", "batch B1 was drafted already", NOW, [{"row": 1}])
    failed = jobs.find(job.job_id)
    assert (failed.refusal_code, failed.faults) == ("batch.known", [{"row": 1}])

    jobs.purge(NOW + RETRY_WITHIN_S - 1)
    assert jobs.retry(job.job_id).refusal_code is None
    assert jobs.request_of(claimed(jobs)) == b"one"


def test_requests_and_ended_jobs_are_deleted_after_their_time(jobs: Jobs) -> None:
    jobs.submit("roster", OFFICER, None, b"one", NOW)
    waiting = jobs.submit("roster", OFFICER, None, b"two", NOW)
    job = claimed(jobs)
    jobs.fail(job, "batch.known", "known", NOW)

    jobs.purge(NOW + RETRY_WITHIN_S)
    with pytest.raises(JobNotRetried):
        jobs.retry(job.job_id)
    jobs.purge(NOW + KEPT_S)
    with pytest.raises(JobUnknown):
        jobs.find(job.job_id)
    assert jobs.find(waiting.job_id).state is State.WAITING, "nothing that waits is lost"


def test_jobs_are_listed_by_officer_the_newest_first(jobs: Jobs) -> None:
    mine = [jobs.submit("roster", OFFICER, None, bytes([n]), NOW).job_id for n in range(3)]
    jobs.submit("roster", OTHER, None, b"x", NOW)

    assert [job.job_id for job in jobs.list_of(OFFICER)] == mine[::-1]
    assert len(jobs.list_of(None)) == 4
    second = jobs.list_of(OFFICER, limit=1, before=jobs.list_of(OFFICER)[0].number)
    assert [job.job_id for job in second] == [mine[1]]


def test_many_workers_take_up_each_job_once(tmp_path: Path) -> None:
    jobs = jobs_at(tmp_path)
    for number in range(20):
        jobs.submit("roster", OFFICER, None, bytes([number]), NOW)
    taken: list[str] = []

    def work() -> None:
        own = jobs_at(tmp_path)
        while (job := own.claim(NOW)) is not None:
            taken.append(job.job_id)
            own.finish(job, {}, NOW)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 20


def test_keys_for_other_purposes_are_others_and_last(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    home.create()

    key = home.derived_key("background")

    assert key == Home(tmp_path / "data").derived_key("background")
    assert (
        len({key, home.derived_key("else"), bytes.fromhex((home.keys / "master.key").read_text())})
        == 3
    )
