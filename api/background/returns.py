"""Long return files taken in as jobs: tried as a whole, and then stored in pieces to the end."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from api.background.acts import act_of, plain
from api.background.jobs import Job, JobCancelled
from api.background.worker import Handler, Report
from api.bank_files import return_read
from api.clock import Clock
from ledger.commands.statements import Progress, ReturnFile, receive_statement
from ledger.domain.statement import Statement, statement_id
from ledger.store.application import Ledger

RETURN, RETURN_TRIAL = "return", "return_trial"


class ReturnWork(msgspec.Struct, frozen=True, kw_only=True):
    """A bank's return file that answers a batch, and the upload that it came by."""

    batch_id: UUID
    batch_code: str
    bank_format: str | None
    import_id: str
    filename: str
    content: bytes
    dry_run: bool


def return_handlers(ledger: Ledger, clock: Clock) -> dict[str, Handler]:
    """Return who tries a return file, and who takes it in."""
    taking = _taking(ledger, clock)
    return {RETURN: taking, RETURN_TRIAL: taking}


def _taking(ledger: Ledger, clock: Clock) -> Callable[[Job, bytes, Report], dict[str, Any]]:
    def take(job: Job, request: bytes, report: Report) -> dict[str, Any]:
        asked = msgspec.msgpack.decode(request, type=ReturnWork)
        order = return_read(asked.batch_code, asked.bank_format, asked.filename, asked.content)
        act = act_of(job, clock, dry_run=asked.dry_run)
        told = report.progress if asked.dry_run else _to_the_end(ledger, asked, order, report)
        answer = plain(receive_statement(ledger, act, order, told))
        answer["result"] |= {"batch_id": str(asked.batch_id), "import_id": asked.import_id}
        return answer

    return take


def _to_the_end(ledger: Ledger, asked: ReturnWork, order: ReturnFile, report: Report) -> Progress:
    """Let a file be cancelled while it is matched, and no more once a piece of it may be stored.

    One that was cut off after its first piece, by whomever, is not cancelled either.
    """
    statement = statement_id(asked.batch_id, order.content.sha256)
    begun = ledger.glance(Statement, statement) is not None

    def progress(done: int, total: int) -> None:
        try:
            report.progress(done, total)
        except JobCancelled:
            if done < total // 2 and not begun:
                raise

    return progress
