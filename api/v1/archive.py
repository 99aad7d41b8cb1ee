"""The archive of recipients: files entered, from a workbook or one by one, and closed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Path, Response, UploadFile
from fastapi import Form as FormField

from api.acting import TheActing
from api.callers import HANDLE
from api.dependencies import TheLedger, TheServed
from api.edge.one_thread import InOneThread
from api.orders import archive_row
from api.problems import RESPONSES
from api.uploads import filename_of, refused_rows, whole
from api.v1 import forms
from api.v1.written import EnteredArchive, Nothing, Written, written
from ledger.commands.recipients import close_file, enter_archive
from ledger.files.archive import read_archive

router = APIRouter(
    route_class=InOneThread, prefix="/archive", tags=["archive"], responses=RESPONSES
)

FileNumber = Annotated[
    str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$", examples=["DA0001"])
]


@router.post("/files", status_code=201, dependencies=[HANDLE])
def create_file(
    form: forms.ArchiveFileForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[EnteredArchive]:
    """Open a file for a person (一户一档), or close one that is open; see `refused`."""
    answer = enter_archive(the_ledger, acting.act(form.happened_on), [archive_row(form)])
    return written(the_ledger, response, answer, EnteredArchive)


@router.post("/workbooks", status_code=201, dependencies=[HANDLE])
def take_workbook(
    acting: TheActing,
    found: TheServed,
    response: Response,
    workbook: Annotated[UploadFile, File(description="The archive as XLSX or CSV.")],
    *,
    dry_run: Annotated[bool, FormField(description="Judge every row, and write nothing.")] = False,
) -> Written[EnteredArchive]:
    """Enter a whole archive; rows that do not stand are listed, the others are stored."""
    archive = read_archive(filename_of(workbook), whole(workbook))
    answer = enter_archive(found.ledger, acting.act(dry_run=dry_run), archive.rows)
    if dry_run:
        found.trials.archive(acting.caller.officer_id, archive.rows, answer.result["refused"])
    answer.result["refused"] += refused_rows(archive.faults)
    return written(found.ledger, response, answer, EnteredArchive)


@router.post(
    "/people/{person_id}/files/{file_number}/closing", status_code=201, dependencies=[HANDLE]
)
def end_file(
    person_id: UUID,
    file_number: FileNumber,
    form: forms.Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Close a file on the day (脱困, 退休, 调离, 死亡)."""
    act = acting.act(form.happened_on, stream=person_id)
    answer = close_file(the_ledger, act, person_id, file_number, form.reason)
    return written(the_ledger, response, answer, Nothing)
