"""Jobs: long work that is handed in, and asked about until it is done."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse
from pydantic import Field

from api.acting import Acting, TheActing
from api.background.jobs import State
from api.background.running import Background, TheBackground
from api.background.work import (
    ARCHIVE,
    INSPECTION,
    ROSTER,
    ArchiveWork,
    InspectionWork,
    RosterWork,
    packed,
)
from api.callers import HANDLE, READ, SIGNED_IN, TheCaller, TheReach
from api.dependencies import Served, TheServed
from api.edge.one_thread import InOneThread
from api.package_file import package_file
from api.problems import RESPONSES
from api.uploads import filename_of, whole
from api.v1 import forms
from api.v1.models import Answer, Id
from api.v1.written import DraftedBatch, EnteredArchive, MadePackage, TakenReturn
from api.within import job_within, own_job, sees_all_jobs
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel

router = APIRouter(route_class=InOneThread, prefix="/jobs", tags=["jobs"], responses=RESPONSES)

JobId = Annotated[UUID, PathParameter(description="Id of the job.")]

ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "The job is in line; ask for it at `Location`.",
        "headers": {"Location": {"schema": {"type": "string"}}},
    }
}


class JobResult(Answer):
    """What came of the work, as the same request without a job would have answered."""

    result: DraftedBatch | EnteredArchive | MadePackage | TakenReturn
    first_position: int | None
    last_position: int | None
    replayed: bool
    dry_run: bool


class JobShown(Answer):
    """A job that failed says why, as a problem would. `done` of `total` counts rows, or files.

    `attempts` counts how often it was begun: a crash in the middle does not end it.
    """

    job_id: Id
    kind: str = Field(examples=[ROSTER])
    officer_id: Id
    state: State
    done: int
    total: int
    attempts: int
    cancel_asked: bool
    result: JobResult | None
    refusal_code: str | None = Field(examples=["batch.known"])
    refusal_detail: str | None
    faults: list[dict[str, Any]]
    created_at_s: int
    finished_at_s: int | None


class JobList(Answer):
    """The newest first. `next`: ask for those `before` it."""

    items: list[JobShown]
    next: int | None


@router.get("", dependencies=[SIGNED_IN])
def list_jobs(
    caller: TheCaller,
    working: TheBackground,
    before: Annotated[int | None, Query(ge=0, lt=2**53, description="`next` of the page.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> JobList:
    """List the caller's jobs; a system administrator sees everybody's."""
    whose = None if sees_all_jobs(caller) else caller.officer_id
    found = working.jobs.list_of(whose, before=before, limit=limit + 1)
    shown = found[:limit]
    return JobList(
        items=[JobShown.model_validate(each) for each in shown],
        next=shown[-1].number if len(found) > limit else None,
    )


@router.get("/{job_id:uuid}", dependencies=[SIGNED_IN])
def show_job(job_id: JobId, caller: TheCaller, working: TheBackground) -> JobShown:
    """Show how far a job is, or how it ended."""
    return JobShown.model_validate(job_within(working.jobs, caller, job_id))


@router.post("/roster", status_code=202, dependencies=[HANDLE], responses=ACCEPTED)
def submit_roster(
    acting: TheActing,
    found: TheServed,
    working: TheBackground,
    reach: TheReach,
    response: Response,
    code: Annotated[forms.Code, Form(examples=["SWN20260001"])],
    campaign_code: Annotated[forms.Code, Form(examples=["2026-lianjie"])],
    organisation_code: Annotated[forms.Code, Form(examples=["X01"])],
    earmark: Annotated[forms.Text, Form(examples=["送温暖"])],
    channel: Annotated[Channel, Form()],
    roster: Annotated[UploadFile, File(description="XLSX, or CSV in UTF-8 or GB18030.")],
    bank_format: Annotated[forms.Code | None, Form(examples=["unionpay-df"])] = None,
    *,
    dry_run: Annotated[bool, Form(description="Judge every row, and write nothing.")] = False,
) -> JobShown:
    """Hand in a long roster: as `POST /v1/batches`, without waiting for what comes of it."""
    reach.require(organisation_id(organisation_code))
    work = RosterWork(
        code=code,
        campaign_code=campaign_code,
        organisation_code=organisation_code,
        earmark=earmark,
        channel=channel,
        bank_format=bank_format,
        drafted_by=acting.caller.staff_number,
        filename=filename_of(roster),
        content=whole(roster),
        dry_run=dry_run,
    )
    return _submitted(working, found, acting, response, ROSTER, work)


@router.post("/archive", status_code=202, dependencies=[HANDLE], responses=ACCEPTED)
def submit_archive(
    acting: TheActing,
    found: TheServed,
    working: TheBackground,
    response: Response,
    workbook: Annotated[UploadFile, File(description="The archive as XLSX or CSV.")],
    *,
    dry_run: Annotated[bool, Form(description="Judge every row, and write nothing.")] = False,
) -> JobShown:
    """Hand in a whole archive: as `POST /v1/archive/workbooks`, without waiting."""
    work = ArchiveWork(filename=filename_of(workbook), content=whole(workbook), dry_run=dry_run)
    return _submitted(working, found, acting, response, ARCHIVE, work)


@router.post("/inspection", status_code=202, dependencies=[READ], responses=ACCEPTED)
def submit_inspection(
    form: forms.InspectionForm,
    acting: TheActing,
    found: TheServed,
    working: TheBackground,
    reach: TheReach,
    response: Response,
) -> JobShown:
    """Have an inspector's package made: tables in all forms, control totals, hashes, proofs.

    People stand in it masked; with `opened`, in clear, which is on record before anybody has it.
    """
    union = organisation_id(form.organisation_code)
    reach.require(union)
    work = InspectionWork(
        organisation_id=union,
        organisation_code=form.organisation_code,
        year=form.year,
        encoding=form.encoding,
        opened=form.opened,
        reason=form.reason,
        made_for=form.made_for,
    )
    return _submitted(working, found, acting, response, INSPECTION, work)


@router.get(
    "/{job_id:uuid}/package",
    dependencies=[READ],
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "The package, a ZIP."}},
)
def show_package(job_id: JobId, caller: TheCaller, working: TheBackground) -> Response:
    """Hand over what a job made, to whoever had it made; it is kept for a day."""
    own_job(working.jobs, caller, job_id)
    return package_file(working.packages, str(job_id))


@router.post("/{job_id:uuid}/cancellation", dependencies=[SIGNED_IN])
def cancel_job(
    job_id: JobId, caller: TheCaller, found: TheServed, working: TheBackground
) -> JobShown:
    """Cancel what waits; what runs leaves off at its next row, unless it is done by then."""
    job_within(working.jobs, caller, job_id)
    return JobShown.model_validate(working.jobs.cancel(str(job_id), found.clock.now_s()))


@router.post("/{job_id:uuid}/retry", dependencies=[SIGNED_IN])
def retry_job(job_id: JobId, caller: TheCaller, working: TheBackground) -> JobShown:
    """Try a job again that failed within the day; whoever handed it in may."""
    own_job(working.jobs, caller, job_id)
    return JobShown.model_validate(working.jobs.retry(str(job_id)))


def _submitted(
    working: Background,
    found: Served,
    acting: Acting,
    response: Response,
    kind: str,
    work: RosterWork | ArchiveWork | InspectionWork,
) -> JobShown:
    job = working.jobs.submit(
        kind, acting.caller.officer_id, acting.key, packed(work), found.clock.now_s()
    )
    response.headers["Location"] = f"/v1/jobs/{job.job_id}"
    return JobShown.model_validate(job)
