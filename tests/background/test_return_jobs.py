"""A long return file as a job: whole in the end, or not begun, whoever cancels or stops it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.background.jobs import JobCancelled, Jobs
from api.background.returns import RETURN, RETURN_TRIAL, ReturnWork
from api.background.work import handlers, packed
from api.background.worker import Interrupted, Report, Worker
from api.clock import Clock
from ledger.commands import statements
from ledger.domain.batch import batch_id
from ledger.domain.disbursement import Status
from ledger.domain.officer import Role, officer_id
from tests.background.standing import Hands, jobs_at, trials
from tests.world import DAY, RECORDED_AT, Person, World, roster_row

CLOCK = Clock(lambda: RECORDED_AT, lambda: 0, lambda: DAY)
HANDS = Hands()
PEOPLE = [Person(number) for number in range(1, 7)]
CASHIER = "K-X01"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(statements, "PIECE", 2)
    monkeypatch.setattr(statements, "STEP", 1)
    found = World.at(tmp_path).settle_in()
    found.appoint(CASHIER, "X01", Role.CASHIER)
    found.receive("X01", 1_000_000)
    found.file(*PEOPLE)
    found.pay("B1", *(roster_row(at, each, 60_000) for at, each in enumerate(PEOPLE, 1)))
    yield found
    found.ledger.close()


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return jobs_at(tmp_path)


def return_file(code: str, *people: Person) -> bytes:
    titles = "orderId|currencyCode|txnAmt|accType|accNo|customerNm|respCode|respMsg"
    lines = [
        f"{code}-{at:06d}|156|60000|01|{each.card}|{each.name}|00|成功"
        for at, each in enumerate(people, 1)
    ]
    head = f"5.0.0|{60_000 * len(people)}|{len(people)}||"
    return "\n".join([head, titles, *lines, ""]).encode()


def submit(jobs: Jobs, *people: Person, kind: str = RETURN) -> str:
    work = ReturnWork(
        batch_id=batch_id("B1"),
        batch_code="B1",
        bank_format="unionpay-df",
        import_id="i",
        filename="return.txt",
        content=return_file("B1", *people),
        dry_run=kind == RETURN_TRIAL,
    )
    return jobs.submit(kind, officer_id(CASHIER), None, packed(work), HANDS()).job_id


def settled(world: World) -> int:
    return sum(world.payment(each).status is Status.SETTLED for each in PEOPLE)


def work_until(world: World, jobs: Jobs, act: Callable[[int], None]) -> None:
    """Do the oldest job, and `act` before each step."""
    worker, job = Worker(jobs, {}, HANDS), jobs.claim(HANDS())
    assert job is not None

    class Watched(Report):
        def progress(self, done: int, total: int) -> None:
            act(done)
            super().progress(done, total)

    report = Watched(jobs, job, HANDS, worker._stopping)
    handlers(world.ledger, CLOCK, trials(world, CLOCK))[job.kind](job, jobs.request_of(job), report)


def test_a_trial_writes_nothing_and_says_what_would_come_of_it(world: World, jobs: Jobs) -> None:
    job_id, size = submit(jobs, *PEOPLE, kind=RETURN_TRIAL), world.ledger.size()

    assert Worker(jobs, handlers(world.ledger, CLOCK, trials(world, CLOCK)), HANDS).work_once()

    result = jobs.find(job_id).result
    assert result is not None
    assert (result["result"]["settled"], result["result"]["import_id"]) == (6, "i")
    assert world.ledger.size() == size


def test_what_is_wrong_with_a_file_is_told_at_its_job(world: World, jobs: Jobs) -> None:
    job_id, size = submit(jobs, *PEOPLE[:5], kind=RETURN_TRIAL), world.ledger.size()

    assert Worker(jobs, handlers(world.ledger, CLOCK, trials(world, CLOCK)), HANDS).work_once()

    failed = jobs.find(job_id)
    assert failed.refusal_code == "bank_file.incomplete"
    assert failed.faults
    assert world.ledger.size() == size


def test_a_file_that_is_cancelled_while_it_is_matched_leaves_nothing(
    world: World, jobs: Jobs
) -> None:
    job_id, size = submit(jobs, *PEOPLE), world.ledger.size()

    with pytest.raises(JobCancelled):
        work_until(world, jobs, lambda at: cancel_at(jobs, job_id, at, 3))

    assert world.ledger.size() == size


def test_a_file_that_is_cancelled_while_it_is_stored_is_stored_whole(
    world: World, jobs: Jobs
) -> None:
    job_id = submit(jobs, *PEOPLE)

    work_until(world, jobs, lambda at: cancel_at(jobs, job_id, at, 9))

    assert settled(world) == 6
    world.check_log()


def test_a_file_that_a_stop_cut_off_is_taken_up_and_cancelled_no_more(
    world: World, jobs: Jobs
) -> None:
    job_id = submit(jobs, *PEOPLE)

    def stop(at: int) -> None:
        if at == 9:
            raise Interrupted

    with pytest.raises(Interrupted):
        work_until(world, jobs, stop)
    assert settled(world) == 2
    jobs.release(jobs.find(job_id))
    work_until(world, jobs, lambda at: cancel_at(jobs, job_id, at, 1))

    assert settled(world) == 6
    assert world.types().count("statement.received") == 1
    world.check_log()


def cancel_at(jobs: Jobs, job_id: str, at: int, step: int) -> None:
    if at == step:
        jobs.cancel(job_id, HANDS())
