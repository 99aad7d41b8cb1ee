"""How a job acts in the ledger: as whoever submitted it, and once."""

from typing import Any

import msgspec

from api.background.jobs import Job
from api.clock import Clock
from ledger.store.act import CommandAct


def act_of(job: Job, clock: Clock, *, dry_run: bool) -> CommandAct:
    """Return the act of whoever submitted the job, at the moment when it is done.

    Its key is the job's: work that was done before a crash, and not yet ended as a job, is answered
    as it was then when the job is taken up again, and done no second time.
    """
    return CommandAct(
        str(job.officer_id),
        clock.today(),
        clock.now(),
        f"job {job.job_id}",
        dry_run=dry_run,
        signed_in=True,
    )


def plain(answer: object) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(answer)
    return found
