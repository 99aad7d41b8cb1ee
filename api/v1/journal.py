"""The journal as a file, for programs that read plain-text accounts."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from api.callers import READ, TheReach
from api.dependencies import TheMoment, TheServed
from api.file_answer import TEXT, file_answer
from api.journal_file import journal_lines
from api.problems import RESPONSES
from projections.exports.plain_text import Dialect
from projections.runner import catch_up

router = APIRouter(prefix="/journal", tags=["journal"], responses=RESPONSES)

SUFFIXES = {Dialect.HLEDGER: "journal", Dialect.BEANCOUNT: "beancount"}


@router.get(
    "",
    dependencies=[READ],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def export_journal(
    found: TheServed,
    moment: TheMoment,
    reach: TheReach,
    form: Annotated[Dialect, Query(alias="format", description="Whose form it is to have.")],
    organisation_id: UUID | None = None,
) -> Response:
    """Write every movement of money as an entry that comes to zero, with its event's position.

    At its end the file says what each account holds; hledger and beancount refuse it where the
    entries come to anything else. It names no person.
    """
    ids = reach.within(organisation_id)

    def written() -> Iterator[bytes]:
        # The answer outlives this call, so it reads from a connection of its own.
        with catch_up(found.ledger, found.home.read_models).asking() as connection:
            yield from journal_lines(found.ledger, connection, form, moment, ids)

    return file_answer(written(), TEXT, f"nuanzhang.{SUFFIXES[form]}")
