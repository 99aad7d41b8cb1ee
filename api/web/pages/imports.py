"""Lists handed in by clerks: uploaded, columns named, tried out, committed as a job."""

from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile
from sqlalchemy import Connection

from api.background.imports import Import, ImportNotTried, facts_of
from api.background.jobs import Job, State
from api.background.running import Background, TheBackground
from api.background.work import (
    ARCHIVE,
    ARCHIVE_TRIAL,
    ROSTER,
    ROSTER_TRIAL,
    ArchiveWork,
    RosterWork,
    packed,
)
from api.callers import HANDLE, Caller, Reach, TheCaller, TheReach
from api.dependencies import TheLedger, TheReadModel, TheServed
from api.file_answer import XLSX, file_answer
from api.uploads import filename_of, whole
from api.v1 import forms
from api.web.asked import Number, Word
from api.web.column_choices import column_choices
from api.web.faulty_cells import FIELDS, marks_of
from api.web.language import N_
from api.web.posted import FormKey, TheActingOnPage
from api.web.refused import show_refusal
from api.web.screen import Screen, TheScreen
from ledger.commands.batches import HANDLERS, Draft, draft_batch
from ledger.commands.exports import HandOut, hand_out
from ledger.domain.batch import batch_id
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel
from ledger.errors import LedgerError
from ledger.files.annotated import Words, write_annotated
from ledger.files.banks import FORMATS
from ledger.files.columns import Layout, chosen, read_lines, require_readable
from ledger.files.faults import FileRefused
from ledger.files.roster import Roster
from projections.balances import fund_accounts
from projections.batches import campaign_list
from projections.organisations import Organisation, tree_on

router = APIRouter(include_in_schema=False)

TRIALS = {ROSTER: ROSTER_TRIAL, ARCHIVE: ARCHIVE_TRIAL}
MARKS_SHOWN = 200
ORDER = ("code", "campaign_code", "organisation_code", "earmark", "channel", "bank_format")
NOTHING_ASKED = dict.fromkeys(ORDER, "")
NOBODY_LISTED = Roster((), 0, "")

Maybe = Annotated[str, Form(max_length=64)]


@router.get("/batches/new", dependencies=[HANDLE])
def ask_roster(
    screen: TheScreen,
    caller: TheCaller,
    model: TheReadModel,
    reach: TheReach,
    found: TheServed,
    working: TheBackground,
    like: UUID | None = None,
) -> Response:
    """Ask for a roster and what it is for; `like` an upload before it, when one is mended."""
    order = NOTHING_ASKED
    if like is not None:
        order = working.imports.find(
            str(like), caller.officer_id, found.clock.now_s(), (ROSTER,)
        ).facts.order
    return screen.show("imports/roster.html", code=None, **_choices(model, caller, reach, order))


@router.post("/batches/new", dependencies=[HANDLE])
def take_roster(
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    reach: TheReach,
    found: TheServed,
    working: TheBackground,
    code: Annotated[forms.Code, Form()],
    campaign_code: Annotated[forms.Code, Form()],
    organisation_code: Annotated[forms.Code, Form()],
    earmark: Annotated[forms.Text, Form()],
    channel: Annotated[Channel, Form()],
    file: Annotated[UploadFile, File()],
    bank_format: Maybe = "",
) -> Response:
    """Take in a roster to be looked at; what speaks against it beforehand is said at once."""
    reach.require(organisation_id(organisation_code))
    order = {
        "code": code,
        "campaign_code": campaign_code,
        "organisation_code": organisation_code,
        "earmark": earmark,
        "channel": channel.value,
        "bank_format": bank_format if channel is Channel.BANK_CARD else "",
    }
    try:
        draft = Draft(
            **_ordered(order), drafted_by=acting.caller.staff_number, roster=NOBODY_LISTED
        )
        draft_batch(found.ledger, acting.act(dry_run=True), draft)
        kept = _kept(working, found.clock.now_s(), acting.caller, ROSTER, order, file)
    except LedgerError as refusal:
        shown = _choices(model, acting.caller, reach, order)
        return show_refusal(screen, refusal, "imports/roster.html", **shown)
    return screen.go(f"/imports/{kept}")


@router.get("/archive/new", dependencies=[HANDLE])
def ask_archive(screen: TheScreen) -> Response:
    """Ask for the archive."""
    return screen.show("imports/archive.html", code=None)


@router.post("/archive/new", dependencies=[HANDLE])
def take_archive(
    screen: TheScreen,
    acting: TheActingOnPage,
    model: TheReadModel,
    found: TheServed,
    working: TheBackground,
    file: Annotated[UploadFile, File()],
) -> Response:
    """Take in an archive to be looked at."""
    own = _places(model, acting.caller)
    order = {"organisation_code": own[0].code if own else ""}
    try:
        kept = _kept(working, found.clock.now_s(), acting.caller, ARCHIVE, order, file)
    except LedgerError as refusal:
        return show_refusal(screen, refusal, "imports/archive.html")
    return screen.go(f"/imports/{kept}")


@router.get("/imports/{import_id}", dependencies=[HANDLE])
def show_import(
    import_id: UUID,
    screen: TheScreen,
    caller: TheCaller,
    found: TheServed,
    working: TheBackground,
    step: Word = None,
    line: Number = None,
) -> Response:
    """Show an upload: its columns first, then what came of trying it."""
    upload = working.imports.find(str(import_id), caller.officer_id, found.clock.now_s(), FIELDS)
    if upload.layout is None or upload.trial is None or step == "columns" or line is not None:
        return _columns(screen, working, upload, line)
    return _tried(screen, upload, upload.layout, working.jobs.find(upload.trial))


@router.post("/imports/{import_id}/columns", dependencies=[HANDLE])
def name_columns(
    import_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    found: TheServed,
    working: TheBackground,
    line: Annotated[int, Form(ge=1, lt=2**31)],
    field: Annotated[list[str], Form(max_length=200)],
) -> Response:
    """Say what each column is taken for, and try the file so: nothing is written."""
    now_s, caller = found.clock.now_s(), acting.caller
    upload = working.imports.find(str(import_id), caller.officer_id, now_s, FIELDS)
    layout = chosen(line, field)
    try:
        require_readable(upload.facts.filename, layout, FIELDS[upload.kind])
    except FileRefused as refusal:
        return _columns(screen, working, upload, line, layout, refusal)
    work = _work(working, upload, layout, caller.staff_number, dry_run=True)
    job = working.jobs.submit(TRIALS[upload.kind], caller.officer_id, acting.key, work, now_s)
    working.imports.lay_out(upload.import_id, layout, job.job_id)
    organisation = upload.facts.order["organisation_code"]
    working.imports.remember(upload.kind, organisation, upload.facts, layout)
    return screen.go(f"/imports/{import_id}")


@router.post("/imports/{import_id}/workbook", dependencies=[HANDLE])
def annotated_workbook(
    import_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    found: TheServed,
    working: TheBackground,
    reason: Annotated[forms.Text, Form()],
    made_for: Annotated[forms.Text, Form()],
) -> Response:
    """Hand out the clerk's own rows with their faults marked; that this was done is an event."""
    upload = working.imports.find(
        str(import_id), acting.caller.officer_id, found.clock.now_s(), FIELDS
    )
    if upload.layout is None or upload.trial is None:
        raise ImportNotTried(upload.import_id)
    job = working.jobs.find(upload.trial)
    lines = read_lines(upload.facts.filename, working.imports.content(upload))
    marks = marks_of(job, upload.layout, screen.language)
    file = write_annotated(lines, marks, _words(screen))
    digest = sha256(file)
    order = upload.facts.order
    place = organisation_id(order["organisation_code"])
    hand_out(
        the_ledger,
        acting.act(),
        HandOut(
            kind=f"annotated.{upload.kind}",
            subject_id=batch_id(order["code"]) if upload.kind == ROSTER else place,
            organisation_id=place,
            people=sum(line > upload.layout.line for line, _ in lines),
            file_sha256=digest.hexdigest(),
            reason=reason,
            made_for=made_for,
        ),
    )
    name = f"{upload.facts.filename.rpartition('.')[0]}-{job.job_id[:8]}.xlsx"
    return file_answer(file, XLSX, name, sha256=digest.digest())


@router.post("/imports/{import_id}/commit", dependencies=[HANDLE])
def commit(
    import_id: UUID,
    screen: TheScreen,
    caller: TheCaller,
    found: TheServed,
    working: TheBackground,
    key: FormKey,
) -> Response:
    """Have the file taken in as it was tried: the same bytes and the same columns, as a job.

    Its key is the upload's, and not the form's: one upload is taken in once.
    """
    del key
    now_s = found.clock.now_s()
    upload = working.imports.find(str(import_id), caller.officer_id, now_s, FIELDS)
    if upload.layout is None:
        raise ImportNotTried(upload.import_id)
    work = partial(_work, working, upload, upload.layout, caller.staff_number, dry_run=False)
    job = working.take_in(upload, work, now_s)
    return screen.go(f"/jobs/{job.job_id}?follow=yes")


def _kept(
    working: Background,
    now_s: int,
    caller: Caller,
    kind: str,
    order: dict[str, str],
    file: UploadFile,
) -> str:
    """Keep an upload that can be read.

    Raises:
        FileRefused, UploadTooLarge: It cannot.
    """
    name, content = filename_of(file), whole(file)
    facts = facts_of(name, order, read_lines(name, content))
    return working.imports.keep(kind, caller.officer_id, facts, content, now_s)


def _columns(
    screen: Screen,
    working: Background,
    upload: Import,
    line: int | None,
    asked: Layout | None = None,
    refusal: FileRefused | None = None,
) -> Response:
    """Show the columns of an upload as they were asked for, remembered, or guessed."""
    choices = column_choices(
        working.imports,
        upload,
        FIELDS[upload.kind],
        upload.facts.order["organisation_code"],
        line=line,
        asked=asked,
    )
    shown: dict[str, Any] = {"upload": upload, "choices": choices}
    if refusal is not None:
        return show_refusal(screen, refusal, "imports/columns.html", **shown)
    return screen.show("imports/columns.html", code=None, **shown)


def _tried(screen: Screen, upload: Import, layout: Layout, job: Job) -> Response:
    marks = marks_of(job, layout, screen.language)
    return screen.show(
        "imports/tried.html",
        upload=upload,
        job=job,
        under_way=job.state in (State.WAITING, State.RUNNING),
        result=(job.result or {}).get("result", {}),
        marks=marks[:MARKS_SHOWN],
        marks_count=len(marks),
        fields=FIELDS[upload.kind],
        layout=layout,
    )


def _work(
    working: Background, upload: Import, layout: Layout, staff_number: str, *, dry_run: bool
) -> bytes:
    content, name = working.imports.content(upload), upload.facts.filename
    if upload.kind == ARCHIVE:
        return packed(ArchiveWork(filename=name, content=content, dry_run=dry_run, layout=layout))
    return packed(
        RosterWork(
            **_ordered(upload.facts.order),
            drafted_by=staff_number,
            filename=name,
            content=content,
            dry_run=dry_run,
            layout=layout,
        )
    )


def _ordered(order: dict[str, str]) -> dict[str, Any]:
    """Return a roster's order as commands are told it."""
    return order | {
        "channel": Channel(order["channel"]),
        "bank_format": order["bank_format"] or None,
    }


def _choices(
    model: Connection, caller: Caller, reach: Reach, order: dict[str, str]
) -> dict[str, Any]:
    ids = sorted(reach.ids)
    return {
        "order": order,
        "places": _places(model, caller),
        "campaigns": campaign_list(model),
        "earmarks": sorted({each.earmark for each in fund_accounts(model, organisation_ids=ids)}),
        "channels": list(Channel),
        "bank_formats": list(FORMATS),
    }


def _places(model: Connection, caller: Caller) -> Sequence[Organisation]:
    """Return the unions for which the caller may hand in lists."""
    tree = tree_on(model, caller.day)
    ids = {below for place in caller.places(HANDLERS) for below in tree.subtree(place)}
    return sorted(tree.among(ids), key=lambda each: each.code)


def _words(screen: Screen) -> Words:
    say = screen.language.say
    titles = (say(N_("单元格")), say(N_("栏目")), say(N_("问题")), say(N_("代码")))
    return Words(say(N_("名单")), say(N_("问题清单")), titles, say(N_("暖账")))
