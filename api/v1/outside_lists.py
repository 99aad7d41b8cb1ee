"""Lists of other authorities: brought as a file, kept as blind indexes, replaced and withdrawn."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Response, UploadFile
from fastapi import Form as FormField
from pydantic import Field

from api.acting import TheActing
from api.callers import BRING_LISTS, READ, TheReach
from api.dependencies import TheLedger, TheMoment, TheReadModel
from api.edge.one_thread import InOneThread
from api.outside_lists import uploaded
from api.problems import RESPONSES
from api.v1 import forms
from api.v1.models import Answer, Day, Id, Position
from api.v1.written import Nothing, TakenList, Written, written
from ledger.commands.outside_lists import ListBrought, take_list, withdraw_list
from ledger.domain.outside_list import ListKind
from projections.outside_lists import list_editions

router = APIRouter(
    route_class=InOneThread, prefix="/outside-lists", tags=["findings"], responses=RESPONSES
)

Column = Annotated[str, FormField(max_length=2, description="Letters of a column, e.g. `B`.")]


class OutsideListEdition(Answer):
    """An edition of a list. `ended`: it was `replaced` or `withdrawn`; null while it counts.

    It counts for the organisation and all below. `refused_count` rows of the file were at fault.
    """

    list_id: Id
    organisation_id: Id
    kind: ListKind
    edition: int
    source: str = Field(examples=["市民政局"])
    listed_on: Day
    file_sha256: str
    count: int
    refused_count: int
    happened_on: Day
    position: Position
    ended: str | None
    reason: str | None


class OutsideLists(Answer):
    items: list[OutsideListEdition]


@router.get("", dependencies=[READ])
def list_outside_lists(
    model: TheReadModel,
    moment: TheMoment,
    reach: TheReach,
    kind: ListKind | None = None,
    organisation_id: UUID | None = None,
) -> OutsideLists:
    """List the editions of lists within reach, the newest first. Nobody on them is told."""
    ids = reach.within(organisation_id)
    return OutsideLists(
        items=[
            OutsideListEdition.model_validate(each)
            for each in list_editions(model, moment)
            if each.organisation_id in ids and kind in (None, each.kind)
        ]
    )


@router.post("", status_code=201, dependencies=[BRING_LISTS])
def take_outside_list(
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
    organisation_code: Annotated[forms.Code, FormField()],
    kind: Annotated[ListKind, FormField()],
    source: Annotated[forms.Text, FormField()],
    listed_on: Annotated[date, FormField(description="The day as of which the list is.")],
    file: Annotated[UploadFile, File(description="The list as XLSX or CSV.")],
    *,
    header_row: Annotated[int | None, FormField(ge=1, lt=2**31)] = None,
    number_column: Column = "",
    beside_column: Column = "",
    dry_run: Annotated[bool, FormField(description="Read it whole, and write nothing.")] = False,
) -> Written[TakenList]:
    """Take in a list; it replaces an older one of its kind there. Only blind indexes are kept."""
    read = uploaded(file, kind, header_row, number_column, beside_column)
    order = ListBrought(organisation_code, source, listed_on, read)
    answer = take_list(the_ledger, acting.act(dry_run=dry_run), order)
    return written(the_ledger, response, answer, TakenList)


@router.post("/{list_id}/withdrawal", status_code=201, dependencies=[BRING_LISTS])
def withdraw_outside_list(
    list_id: UUID,
    form: forms.Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Withdraw a list that was wrong, or that may not be kept: its findings go with it."""
    act = acting.act(form.happened_on, stream=list_id)
    answer = withdraw_list(the_ledger, act, list_id, form.reason)
    return written(the_ledger, response, answer, Nothing)
