"""Takes up a job that does not end and says so: a process of its own, to be killed."""

import sys
import threading
import time
from pathlib import Path
from typing import Any

from api.background.jobs import Job
from api.background.worker import Report, Worker
from tests.background.standing import jobs_at


def main(folder: Path) -> None:
    def last(job: Job, request: bytes, report: Report) -> dict[str, Any]:
        report.progress(1, 2)
        sys.stdout.write(f"{job.job_id} {request.decode()}\n")
        sys.stdout.flush()
        threading.Event().wait()
        return {}

    Worker(jobs_at(folder), {"lasting": last}, lambda: int(time.time())).work_once()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
