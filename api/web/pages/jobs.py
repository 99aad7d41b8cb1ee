"""Long work: how far it is, what came of it, and what can be done when it failed."""

from uuid import UUID

from fastapi import APIRouter, Response

from api.background.jobs import Job, State
from api.background.returns import RETURN, RETURN_TRIAL
from api.background.running import TheBackground
from api.background.work import ARCHIVE, ARCHIVE_TRIAL, INSPECTION, ROSTER, ROSTER_TRIAL
from api.callers import SIGNED_IN, TheCaller
from api.dependencies import TheReadModel, TheServed
from api.web.asked import Number, Word
from api.web.faulty_cells import FIELDS, marks_of
from api.web.language import N_
from api.web.posted import FormKey
from api.web.screen import TheScreen
from api.within import job_within, own_job, sees_all_jobs
from projections.organisations import staff_numbers

router = APIRouter(include_in_schema=False)

JOBS_SHOWN = 50
MARKS_SHOWN = 100
KINDS = {
    ROSTER: N_("编制批次"),
    ROSTER_TRIAL: N_("试算名册"),
    ARCHIVE: N_("导入档案"),
    ARCHIVE_TRIAL: N_("试算档案"),
    INSPECTION: N_("制作检查资料包"),
    RETURN: N_("登记银行回盘"),
    RETURN_TRIAL: N_("试算银行回盘"),
}
MADE = {
    ROSTER: N_("批次已编制。"),
    RETURN: N_("银行回盘已登记。"),
    RETURN_TRIAL: None,
}
"""What is said to whoever followed a job to what it made."""


@router.get("/jobs", dependencies=[SIGNED_IN])
def show_jobs(
    screen: TheScreen,
    caller: TheCaller,
    found: TheServed,
    model: TheReadModel,
    working: TheBackground,
    before: Number = None,
) -> Response:
    """List the officer's jobs, the newest first; a system administrator sees everybody's."""
    everybodys = sees_all_jobs(caller)
    whose = None if everybodys else caller.officer_id
    listed = working.jobs.list_of(whose, before=before, limit=JOBS_SHOWN + 1)
    shown = listed[:JOBS_SHOWN]
    uploads = working.imports.of_officer(caller.officer_id, found.clock.now_s())
    return screen.show(
        "jobs/list.html",
        jobs=shown,
        kinds=KINDS,
        uploads={job_id: each for each in uploads for job_id in (each.trial, each.commit)},
        staff=staff_numbers(model) if everybodys else {},
        everybodys=everybodys,
        under_way=any(_under_way(job) for job in shown),
        next=shown[-1].number if len(listed) > JOBS_SHOWN else None,
    )


@router.get("/jobs/{job_id}", dependencies=[SIGNED_IN])
def show_job(
    job_id: UUID,
    screen: TheScreen,
    caller: TheCaller,
    found: TheServed,
    model: TheReadModel,
    working: TheBackground,
    follow: Word = None,
) -> Response:
    """Show how far a job is; with `follow`, go on to what it made when it is done."""
    job = job_within(working.jobs, caller, job_id)
    made = _made(job)
    if follow is not None and made is not None and job.state is State.DONE:
        answer = screen.go(made, MADE[job.kind])
        if "hx-request" in screen.request.headers:
            # A part of a page was asked for: the whole goes there, not the part.
            answer.status_code = 200
            answer.headers["HX-Redirect"] = answer.headers["location"]
        return answer
    upload = working.imports.of_job(job.job_id, caller.officer_id, found.clock.now_s())
    layout = None if upload is None else upload.layout
    marks = marks_of(job, layout, screen.language) if job.kind in FIELDS else []
    return screen.show(
        "jobs/job.html",
        job=job,
        kinds=KINDS,
        own=job.officer_id == caller.officer_id,
        officer=staff_numbers(model).get(job.officer_id),
        under_way=_under_way(job),
        made=made,
        upload=upload,
        result=(job.result or {}).get("result", {}),
        marks=marks[:MARKS_SHOWN],
        marks_count=len(marks),
    )


@router.post("/jobs/{job_id}/cancellation", dependencies=[SIGNED_IN])
def cancel_job(
    job_id: UUID,
    screen: TheScreen,
    caller: TheCaller,
    found: TheServed,
    working: TheBackground,
    key: FormKey,
) -> Response:
    """Cancel what waits; what runs leaves off at its next row, unless it is done by then."""
    del key  # cancelling twice is cancelling once
    job_within(working.jobs, caller, job_id)
    working.jobs.cancel(str(job_id), found.clock.now_s())
    return screen.go(f"/jobs/{job_id}", N_("已要求取消。"))


@router.post("/jobs/{job_id}/retry", dependencies=[SIGNED_IN])
def retry_job(
    job_id: UUID,
    screen: TheScreen,
    caller: TheCaller,
    working: TheBackground,
    key: FormKey,
) -> Response:
    """Try a failed job again; whoever handed it in may, for a day."""
    del key  # what was put in line again is not put there twice
    own_job(working.jobs, caller, job_id)
    working.jobs.retry(str(job_id))
    return screen.go(f"/jobs/{job_id}?follow=yes", N_("已重新排队。"))


def _under_way(job: Job) -> bool:
    return job.state in (State.WAITING, State.RUNNING)


def _made(job: Job) -> str | None:
    """Return where to look at what a job made."""
    if job.kind not in MADE or job.result is None:
        return None
    result = job.result["result"]
    if job.kind == RETURN_TRIAL:
        return f"/batches/{result['batch_id']}/returns/{result['import_id']}"
    return None if job.result.get("dry_run") else f"/batches/{result['batch_id']}"
