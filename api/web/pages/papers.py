"""Paper sheets: printed with codes, signed by hand, scanned, and matched row by row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile
from sqlalchemy import Connection

from api.callers import WITNESS, Caller, TheCaller, TheReach
from api.dependencies import TheLedger, TheReadModel, TheServed
from api.file_answer import PDF, file_answer
from api.sheets import codes_key
from api.uploads import whole
from api.web.formats import capital
from api.web.given import Given
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.refused import show_above
from api.web.screen import TheScreen
from api.within import batch_within
from ledger.commands.sheets import ScanOrder, SheetOrder, print_sheet, take_scan
from ledger.commands.signatures import SigningRow, masked_rows
from ledger.domain.disbursement import Status
from ledger.errors import LedgerError
from ledger.files.scans import Ink, read_scan
from ledger.store.application import Ledger
from projections.batches import Batch, campaign_list
from projections.organisations import staff_numbers
from projections.signatures import SheetScan, scans_of

router = APIRouter(include_in_schema=False)

PAGE = "signing/scans.html"
TAKEN = (Ink.SIGNED, Ink.DOUBTFUL)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a scan showed of a row, or of a page where `row` is None; `shown`: its box still is."""

    page: int
    number: int
    seen: str
    row: SigningRow | None
    shown: bool


@router.get("/batches/{batch_id}/scans", dependencies=[WITNESS])
def show_scans(
    batch_id: UUID,
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    the_ledger: TheLedger,
) -> Response:
    """Show how to print a sheet, where to hand in its scans, and what was seen on each."""
    batch = batch_within(model, reach, batch_id)
    return screen.show(PAGE, code=None, given=Given(), **_shown(model, the_ledger, batch, caller))


@router.post("/batches/{batch_id}/sheet.pdf", dependencies=[WITNESS])
def print_paper(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    reason: Annotated[str, Form(min_length=1, max_length=200)],
    made_for: Annotated[str, Form(min_length=1, max_length=200)],
) -> Response:
    """Hand out the sheet to print, with people in clear; that it was handed out is an event."""
    batch = batch_within(model, reach, batch_id)
    campaigns = {each.campaign_id: each.name for each in campaign_list(model)}
    title = f"{campaigns.get(batch.campaign_id, '')}{batch.earmark}签字表"
    order = SheetOrder(batch.code, title, reason, made_for)
    try:
        file = print_sheet(found.ledger, acting.act(), order, codes_key(found.home), capital)
    except LedgerError as refusal:
        given = Given(reason=reason, made_for=made_for)
        shown = _shown(model, found.ledger, batch, caller)
        return show_above(screen, refusal, PAGE, given=given, **shown)
    return file_answer(file.content, PDF, f"{batch.code}-签字表.pdf")


@router.post("/batches/{batch_id}/scans", dependencies=[WITNESS])
def hand_in_scan(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    caller: TheCaller,
    file: Annotated[UploadFile, File()],
    signed_on: Annotated[date, Form()],
) -> Response:
    """Take in a scan; each row with ink in its box waits to be looked at and certified."""
    batch = batch_within(model, reach, batch_id)
    try:
        scan = read_scan(whole(file), codes_key(found.home))
        take_scan(found.ledger, acting.act(signed_on), ScanOrder(batch.code, scan))
    except LedgerError as refusal:
        given = Given(signed_on=signed_on.isoformat())
        shown = _shown(model, found.ledger, batch, caller)
        return show_above(screen, refusal, PAGE, given=given, **shown)
    return screen.go(f"/batches/{batch_id}/scans", N_("扫描件已读取，请逐行核对。"))


def _shown(model: Connection, ledger: Ledger, batch: Batch, caller: Caller) -> dict[str, Any]:
    rows = masked_rows(ledger, batch.batch_id)
    scans = scans_of(model, batch.batch_id)
    return {
        "batch": batch,
        "staff": staff_numbers(model),
        "scans": [
            (scan, Counter(row.seen for row in scan.rows), seen_on(scan, rows, caller))
            for scan in reversed(scans)
        ],
        "missing": missing(rows, scans),
        "today": caller.day,
    }


def seen_on(scan: SheetScan, rows: Sequence[SigningRow], caller: Caller) -> list[Seen]:
    """Return what a scan showed, with the rows as they stand now."""
    of = {row.number: row for row in rows}
    return [
        Seen(
            each.page,
            each.number,
            each.seen,
            row,
            row is not None and each.seen in TAKEN and _mine(row, scan, caller),
        )
        for each in scan.rows
        for row in [of.get(each.number)]
    ]


def missing(rows: Sequence[SigningRow], scans: Sequence[SheetScan]) -> list[int]:
    """Return rows that wait for a signature and stand on no scan."""
    seen = {each.number for scan in scans for each in scan.rows}
    waiting = (row for row in rows if row.status == Status.IN_TRANSIT and row.captured is None)
    return [row.number for row in waiting if not row.stopped and row.number not in seen]


def _mine(row: SigningRow, scan: SheetScan, caller: Caller) -> bool:
    """Say whether the box is still shown: to the witness alone, until they have certified it."""
    return (
        row.status == Status.IN_TRANSIT
        and row.captured is not None
        and row.captured.sheet_sha256 == scan.file_sha256
        and row.captured.witness_id == caller.officer_id
    )
