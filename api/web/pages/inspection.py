"""Packages for inspectors: asked for here, made as a job, taken away for a day."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from sqlalchemy import Connection

from api.background.jobs import Job, State
from api.background.running import Background, TheBackground
from api.background.work import INSPECTION, InspectionWork, packed
from api.callers import READ, Caller, Reach, TheCaller, TheReach
from api.dependencies import TheReadModel, TheServed
from api.package_file import package_file
from api.web.given import Given
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from api.within import own_job
from ledger.commands.exports import ReasonMissing
from ledger.domain.organisation import organisation_id
from ledger.errors import LedgerError
from projections.exports.delimited import Encoding
from projections.organisations import tree_on
from projections.surplus import years

router = APIRouter(include_in_schema=False)

PAGE = "reports/inspection.html"
JOBS_LOOKED_AT = 200
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was asked for; `size` is what there is to take away, None where nothing is."""

    job: Job
    size: int | None


@router.get("/reports/inspection", dependencies=[READ])
def show_inspection(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    working: TheBackground,
) -> Response:
    """Show what can be asked for, and what was."""
    shown = _shown(screen, model, reach, caller, working)
    return screen.show(PAGE, code=None, given=Given(), **shown)


@router.post("/reports/inspection", dependencies=[READ])
def ask_for_package(
    screen: TheScreen,
    acting: TheActingOnPage,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    working: TheBackground,
    organisation: Annotated[str, Form(max_length=64)],
    year: Annotated[int, Form(ge=1950, le=2200)],
    encoding: Annotated[Encoding, Form()] = Encoding.UTF_8,
    opened: Annotated[str, Form(max_length=8)] = "",
    reason: Annotated[str, Form(max_length=200)] = "",
    made_for: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Put it in line; with people in clear, for whom and why is said here."""
    union = organisation_id(organisation)
    reach.require(union)
    work = InspectionWork(
        organisation_id=union,
        organisation_code=organisation,
        year=year,
        encoding=encoding,
        opened=bool(opened),
        reason=reason.strip(),
        made_for=made_for.strip(),
    )
    try:
        # Said at once, not by a job that failed: the same is asked again before anything is shown.
        if work.opened and not (work.reason and work.made_for):
            raise ReasonMissing
        job = working.jobs.submit(
            INSPECTION, caller.officer_id, acting.key, packed(work), found.clock.now_s()
        )
    except LedgerError as refusal:
        given = Given(
            organisation=organisation,
            year=str(year),
            encoding=encoding.value,
            opened=opened,
            reason=reason,
            made_for=made_for,
        )
        shown = _shown(screen, model, reach, caller, working)
        return show_above(screen, refusal, PAGE, given=given, **shown)
    return screen.go(f"/reports/inspection#{job.job_id}", N_("已排队制作，完成后在本页下载。"))


@router.get("/reports/inspection/{job_id}.zip", dependencies=[READ])
def take_package(job_id: UUID, caller: TheCaller, working: TheBackground) -> Response:
    """Hand over what was made, to whoever had it made."""
    own_job(working.jobs, caller, job_id)
    return package_file(working.packages, str(job_id))


def _shown(
    screen: Screen, model: Connection, reach: Reach, caller: Caller, working: Background
) -> dict[str, Any]:
    listed = working.jobs.list_of(caller.officer_id, limit=JOBS_LOOKED_AT)
    packages = [
        Package(job, working.packages.size(job.job_id)) for job in listed if job.kind == INSPECTION
    ][:SHOWN]
    this_year = screen.today.year
    known = years(model, reach.ids)
    return {
        "choices": tree_on(model, caller.day).among(reach.ids),
        "years": sorted({*known, this_year}, reverse=True),
        "packages": packages,
        "under_way": any(each.job.state in (State.WAITING, State.RUNNING) for each in packages),
        "encodings": [(Encoding.UTF_8, "UTF-8"), (Encoding.GB18030, "GB18030")],
    }
