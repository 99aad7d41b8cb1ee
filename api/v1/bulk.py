"""Many at once: organisations, officers, archive files and appropriations, a line each."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from api.acting import TheActing
from api.bulk import REQUEST, RESPONSE, Bulk, Mode, answer_bulk
from api.callers import CASH, HANDLE, KEEP_SYSTEM
from api.dependencies import TheLedger
from api.edge.one_thread import InOneThread
from api.orders import archive_row, receipt_of
from api.problems import RESPONSES
from api.v1 import forms
from ledger.commands.funds import receive_funds
from ledger.commands.officers import NewOfficer, register_officer
from ledger.commands.organisations import Registration, register_organisation
from ledger.commands.recipients import enter_archive
from ledger.store.act import CommandAct
from ledger.store.application import Answer

router = APIRouter(route_class=InOneThread, tags=["bulk"], responses={**RESPONSES, **RESPONSE})

TheMode = Annotated[Mode, Query(description="What a line that is refused ends.")]


@router.post(
    "/organisations/bulk",
    dependencies=[KEEP_SYSTEM],
    openapi_extra=REQUEST,
    response_class=StreamingResponse,
)
async def create_organisations(
    request: Request, acting: TheActing, the_ledger: TheLedger, mode: TheMode
) -> StreamingResponse:
    """Register many organisations; a parent may stand in an earlier line."""

    def take(form: forms.OrganisationForm, act: CommandAct) -> Answer:
        order = Registration(form.code, form.name, form.kind, form.parent_code)
        return register_organisation(the_ledger, act, order)

    bulk = Bulk("organisations", forms.OrganisationForm, take)
    return await answer_bulk(request, the_ledger, acting, bulk, mode)


@router.post(
    "/officers/bulk",
    dependencies=[KEEP_SYSTEM],
    openapi_extra=REQUEST,
    response_class=StreamingResponse,
)
async def create_officers(
    request: Request, acting: TheActing, the_ledger: TheLedger, mode: TheMode
) -> StreamingResponse:
    """Put many officers on the register."""

    def take(form: forms.OfficerForm, act: CommandAct) -> Answer:
        return register_officer(the_ledger, act, NewOfficer(form.staff_number, form.name))

    bulk = Bulk("officers", forms.OfficerForm, take)
    return await answer_bulk(request, the_ledger, acting, bulk, mode)


@router.post(
    "/archive/files/bulk",
    dependencies=[HANDLE],
    openapi_extra=REQUEST,
    response_class=StreamingResponse,
)
async def create_files(
    request: Request, acting: TheActing, the_ledger: TheLedger, mode: TheMode
) -> StreamingResponse:
    """Open many files of the archive. A file that does not stand is refused in its `result`."""

    def take(form: forms.ArchiveFileForm, act: CommandAct) -> Answer:
        return enter_archive(the_ledger, act, [archive_row(form)])

    bulk = Bulk("archive_files", forms.ArchiveFileForm, take)
    return await answer_bulk(request, the_ledger, acting, bulk, mode)


@router.post(
    "/appropriations/bulk",
    dependencies=[CASH],
    openapi_extra=REQUEST,
    response_class=StreamingResponse,
)
async def create_appropriations(
    request: Request, acting: TheActing, the_ledger: TheLedger, mode: TheMode
) -> StreamingResponse:
    """Take in many amounts from outside, each as a lot of its own."""

    def take(form: forms.ReceiptForm, act: CommandAct) -> Answer:
        return receive_funds(the_ledger, act, receipt_of(form))

    bulk = Bulk("appropriations", forms.ReceiptForm, take)
    return await answer_bulk(request, the_ledger, acting, bulk, mode)
