"""What a bank sent back, looked at before it is taken in: what each line would settle or return."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Response, UploadFile

from api.background.imports import Facts, Import, ImportUnknown
from api.background.jobs import State
from api.background.returns import RETURN, RETURN_TRIAL, ReturnWork
from api.background.running import Background, TheBackground
from api.background.work import packed
from api.bank_files import return_read, return_uploaded
from api.callers import CASH, Caller, TheCaller, TheReach
from api.dependencies import Served, TheLedger, TheReadModel, TheServed
from api.uploads import whole
from api.web.language import N_
from api.web.posted import TheActingOnPage
from api.web.screen import TheScreen
from api.within import batch_within
from ledger.commands.statements import ReturnFile, receive_statement
from ledger.files.bank import Outcome
from ledger.files.columns import Layout
from projections.batches import Batch, statements_of

router = APIRouter(include_in_schema=False)

LINES_SHOWN = 200
ROWS_AT_ONCE = 3_000
"""Of a longer batch or file the clerk follows a job; what is shorter is answered at once."""
WORDS = ("settled", "returned", "unresolved")
ASIDE = ("earlier", "paid_twice", "outdated")
"""What a file says of attempts before the last, where it takes a failure back too late, and of what
it did not know yet though the bank has decided it since."""


@router.post("/batches/{batch_id}/returns", dependencies=[CASH])
def take_return(
    batch_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    working: TheBackground,
    file: Annotated[UploadFile, File()],
) -> Response:
    """Try a return file, a long one as a job: what is wrong is said, and nothing is written."""
    batch = batch_within(model, reach, batch_id)
    order = return_uploaded(batch.code, batch.bank_format, file)
    officer, now_s = acting.caller.officer_id, found.clock.now_s()
    if max(len(order.content.lines), batch.accepted_count) > ROWS_AT_ONCE:
        file.file.seek(0)
        kept = working.imports.keep(
            RETURN, officer, _facts(batch_id, order, {}), whole(file), now_s
        )
        upload = working.imports.find(kept, officer, now_s, (RETURN,))
        work = _work(working, upload, batch, dry_run=True)
        job = working.jobs.submit(RETURN_TRIAL, officer, f"trial {kept}", work, now_s)
        working.imports.lay_out(kept, Layout(1, ()), job.job_id)
        return screen.go(f"/jobs/{job.job_id}?follow=yes")
    answer = receive_statement(the_ledger, acting.act(dry_run=True), order)
    file.file.seek(0)
    facts = _facts(batch_id, order, {word: int(answer.result[word]) for word in (*WORDS, *ASIDE)})
    kept = working.imports.keep(RETURN, officer, facts, whole(file), now_s)
    return screen.go(f"/batches/{batch_id}/returns/{kept}")


@router.get("/batches/{batch_id}/returns/{import_id}", dependencies=[CASH])
def show_return(
    batch_id: UUID,
    import_id: UUID,
    screen: TheScreen,
    caller: TheCaller,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    working: TheBackground,
) -> Response:
    """Show what would come of a return file, or that it was taken in."""
    batch = batch_within(model, reach, batch_id)
    upload = _upload(working, batch_id, import_id, caller, found)
    told = upload.facts.order
    if upload.trial is not None:
        job = working.jobs.find(upload.trial)
        last = working.jobs.find(upload.commit) if upload.commit is not None else job
        if job.result is None or last.state is not State.DONE:
            return screen.go(f"/jobs/{last.job_id}?follow=yes")
        result = job.result["result"]
        told = told | {word: str(result.get(word, 0)) for word in (*WORDS, *ASIDE)}
    answers = statements_of(model, batch_id)
    digest = told["sha256"]
    taken = next((each for each in answers if each.file_sha256 == digest), None)
    if upload.trial is not None and upload.commit is None:
        taken = None  # its trial found that it was not, or not to the end
    return screen.show(
        "batches/return.html", batch=batch, upload=upload, told=told, taken=taken, words=WORDS
    )


@router.post("/batches/{batch_id}/returns/{import_id}", dependencies=[CASH])
def record_return(
    batch_id: UUID,
    import_id: UUID,
    screen: TheScreen,
    acting: TheActingOnPage,
    the_ledger: TheLedger,
    found: TheServed,
    model: TheReadModel,
    reach: TheReach,
    working: TheBackground,
) -> Response:
    """Take in the very file that was looked at; one that was tried as a job, as a job."""
    batch = batch_within(model, reach, batch_id)
    upload = _upload(working, batch_id, import_id, acting.caller, found)
    if upload.trial is not None:
        work = partial(_work, working, upload, batch, dry_run=False)
        job = working.take_in(upload, work, found.clock.now_s())
        return screen.go(f"/jobs/{job.job_id}?follow=yes")
    content = working.imports.content(upload)
    order = return_read(batch.code, batch.bank_format, upload.facts.filename, content)
    receive_statement(the_ledger, acting.act(), order)
    return screen.go(f"/batches/{batch_id}", N_("银行回盘已登记。"))


def _work(working: Background, upload: Import, batch: Batch, *, dry_run: bool) -> bytes:
    return packed(
        ReturnWork(
            batch_id=batch.batch_id,
            batch_code=batch.code,
            bank_format=batch.bank_format,
            import_id=upload.import_id,
            filename=upload.facts.filename,
            content=working.imports.content(upload),
            dry_run=dry_run,
        )
    )


def _upload(
    working: Background, batch_id: UUID, import_id: UUID, caller: Caller, found: Served
) -> Import:
    upload = working.imports.find(str(import_id), caller.officer_id, found.clock.now_s(), (RETURN,))
    if upload.facts.order["batch_id"] != str(batch_id):
        raise ImportUnknown(str(import_id))
    return upload


def _facts(batch_id: UUID, order: ReturnFile, new: dict[str, int]) -> Facts:
    """Keep what the page shows: sums by outcome, and the lines that did not go well.

    Of a bank that lists failures alone, the successes are what its control totals vouch for.
    """
    content = order.content
    told: dict[str, str] = {"batch_id": str(batch_id), "sha256": content.sha256}
    for word, outcome in zip(WORDS, Outcome, strict=True):
        lines = [line for line in content.lines if line.outcome is outcome]
        count, total = len(lines), sum(line.amount_fen or 0 for line in lines)
        if outcome is Outcome.SETTLED and content.settled_count is not None:
            count, total = content.settled_count, content.settled_fen or 0
        told |= {f"{word}_count": str(count), f"{word}_fen": str(total)}
        if word in new:
            told[word] = str(new[word])
    told |= {word: str(new.get(word, 0)) for word in ASIDE}
    bad = [line for line in content.lines if line.outcome is not Outcome.SETTLED][:LINES_SHOWN]
    head = [
        (
            line.line,
            [
                "" if line.number is None else str(line.number),
                "" if line.amount_fen is None else str(line.amount_fen),
                line.outcome.value,
                line.reason or "",
                line.raw_code or "",
            ],
        )
        for line in bad
    ]
    return Facts(filename=order.name, order=told, rows=len(content.lines), head=head)
