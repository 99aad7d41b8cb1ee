"""What jobs do: once, whoever crashes, and not at all when they are cancelled in the middle."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.background.jobs import LEASE_S, JobCancelled, Jobs
from api.background.work import ROSTER, RosterWork, handlers, packed
from api.background.worker import Report, Worker
from api.clock import Clock
from ledger.domain.batch import Batch, batch_id
from ledger.domain.officer import officer_id
from ledger.domain.policy import Channel
from tests.api.test_campaign_over_http import roster_csv
from tests.background.standing import Hands, jobs_at, trials
from tests.world import CAMPAIGN, DAY, EARMARK, RECORDED_AT, Person, World

CLOCK = Clock(lambda: RECORDED_AT, lambda: 0, lambda: DAY)
HANDS = Hands()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World.at(tmp_path).settle_in()
    found.file(Person(1), Person(2))
    yield found
    found.ledger.close()


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return jobs_at(tmp_path)


def submit(jobs: Jobs, *people: Person) -> str:
    work = RosterWork(
        code="B1",
        campaign_code=CAMPAIGN,
        organisation_code="X01",
        earmark=EARMARK,
        channel=Channel.BANK_CARD,
        bank_format="unionpay-df",
        drafted_by="H-X01",
        filename="r.csv",
        content=roster_csv(*people),
        dry_run=False,
    )
    return jobs.submit(ROSTER, officer_id("H-X01"), None, packed(work), HANDS()).job_id


def test_work_that_was_done_before_a_crash_is_not_done_again(world: World, jobs: Jobs) -> None:
    """The process dies after the ledger's commit, before the job is written down as done."""
    job_id = submit(jobs, Person(1), Person(2))
    first = Worker(jobs, handlers(world.ledger, CLOCK, trials(world, CLOCK)), HANDS)
    job = jobs.claim(HANDS())
    assert job is not None
    committed = first._do(job)
    size = world.ledger.size()

    later = Hands(HANDS() + LEASE_S)
    again = Worker(jobs, handlers(world.ledger, CLOCK, trials(world, CLOCK)), later)
    assert again.work_once()

    ended = jobs.find(job_id)
    assert ended.result == committed | {"replayed": True}
    assert ended.attempts == 2
    assert world.ledger.size() == size
    world.check_log()


def test_a_draft_says_how_far_it_is_and_leaves_nothing_when_it_is_cancelled(
    world: World, jobs: Jobs
) -> None:
    people = [Person(serial) for serial in range(1, 450)]
    job_id = submit(jobs, *people)
    size = world.ledger.size()
    job = jobs.claim(HANDS())
    assert job is not None
    seen: list[tuple[int, int]] = []

    class Watched(Report):
        def progress(self, done: int, total: int) -> None:
            super().progress(done, total)
            seen.append((done, total))
            if done == 200:
                jobs.cancel(job_id, HANDS())

    worker = Worker(jobs, handlers(world.ledger, CLOCK, trials(world, CLOCK)), HANDS)
    report = Watched(jobs, job, HANDS, worker._stopping)
    with pytest.raises(JobCancelled):
        handlers(world.ledger, CLOCK, trials(world, CLOCK))[ROSTER](
            job, jobs.request_of(job), report
        )

    assert seen == [(0, 449), (200, 449)]
    assert world.ledger.size() == size
    assert world.ledger.load(Batch, batch_id("B1")) is None
    world.draft("B2")
    world.check_log()
