"""Public notices (公示): what hangs where, what was said against it, and what was answered."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi import Path as PathParameter
from pydantic import Field

from api.acting import TheActing
from api.callers import (
    HANDLE,
    KEEP_NOTICE,
    READ,
    READ_OBJECTIONS,
    REVIEW_OR_APPROVE,
    TheReach,
)
from api.dependencies import TheLedger, ThePage, TheReadModel
from api.edge.one_thread import InOneThread
from api.histories import history_of
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.models import Answer, Day, Fen, Id, Listed, Position
from api.v1.written import (
    AnsweredObjection,
    NamedNotice,
    Nothing,
    NumberedObjection,
    Written,
    tag,
    written,
)
from api.within import batch_within, notice_within
from ledger.commands.notices import (
    Answering,
    Opening,
    Raising,
    answer_objection,
    close_notice,
    open_notice,
    public_rows,
    raise_objection,
    read_objection,
    withdraw_notice,
)
from ledger.domain.notice import DayUnit, Period
from ledger.domain.notice import Notice as Root
from projections.asked import PAGE_ROWS_MAX
from projections.notices import notice_list

router = APIRouter(
    route_class=InOneThread, prefix="/notices", tags=["notices"], responses=RESPONSES
)

NoticeId = Annotated[UUID, PathParameter(description="Id of the notice.")]
ObjectionNumber = Annotated[int, PathParameter(ge=1, le=10**6, description="Of the objection.")]
WRITTEN_MAX = 10_000
RowNumber = Annotated[int, Field(ge=0, lt=2**53, description="Row of the list.")]


class NoticeForm(forms.DatedForm):
    """Where working days are counted `last_day` is named: which are worked stands in no table."""

    batch_id: UUID
    period_days: int = Field(ge=1, le=1_000, examples=[5])
    period_unit: DayUnit = DayUnit.NATURAL
    last_day: date | None = None
    shown_days: int = Field(
        default=0, ge=0, le=1_000, description="Days after the period on which people are shown."
    )
    source: forms.Text = Field(description="The rule that the period follows.")
    confidence: forms.Text = Field(examples=["certain"])
    place: forms.Text = Field(description="Where it hangs.", examples=["单位公告栏"])
    contact: forms.Text = Field(description="Where else objections are taken.")


class ObjectionForm(forms.DatedForm):
    """Told to an officer; without a name it is anonymous. Sealed as it comes."""

    row_number: RowNumber | None = None
    text: str = Field(max_length=WRITTEN_MAX)
    name: forms.Maybe = ""
    contact: forms.Maybe = ""


class ReadingForm(forms.Form):
    reason: forms.Text = Field(examples=["答复异议"])


class AnswerForm(forms.DatedForm):
    """Of what is upheld it is said which row falls, where the objection named none, or `no_row`."""

    upheld: bool
    reason: str = Field(max_length=WRITTEN_MAX)
    row_number: RowNumber | None = None
    no_row: bool = Field(default=False, description="It is about no row of the list.")


class ObjectionView(Answer):
    """`upheld` is null while nobody has answered. What it says is read apart, on record."""

    number: int
    row_number: int | None
    raised_on: Day
    position: Position
    entered_by: UUID | None
    upheld: bool | None
    row_withdrawn: bool
    answered_on: str | None
    answered_by: UUID | None
    answered_at: int | None


class NoticeView(Answer):
    """`ended` is closed or withdrawn; null while it hangs, or waits to be closed."""

    notice_id: Id
    batch_id: Id
    organisation_id: Id
    campaign_id: Id
    number: int
    list_sha256: str
    listed_count: int
    listed_total_fen: Fen
    period_days: int
    period_unit: str
    happened_on: Day
    last_day: Day
    shown_until: Day
    source: str
    confidence: str
    place: str
    contact: str
    opened_by: Id
    objections: list[ObjectionView]
    ended: str | None
    ended_on: str | None
    ended_by: UUID | None
    reason: str | None
    position: Position


class PublicRowView(Answer):
    """A row as everybody may see it; nothing of whom is erased or restricted."""

    number: int
    name: str | None = Field(examples=["张*三"])
    id_number: str | None = Field(examples=["35*************123"])
    category: str
    amount: Fen


class NoticeWithRows(NoticeView):
    """`rows` are none once people are shown no more; at most a thousand of them."""

    rows: list[PublicRowView]


class ReadObjection(Answer):
    """What the objector wrote, in clear, and what was answered."""

    name: str = ""
    contact: str = ""
    text: str = ""
    answer: str = ""


@router.get("", dependencies=[READ])
def list_notices(
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    organisation_id: UUID | None = None,
    batch_id: UUID | None = None,
) -> Listed[NoticeView]:
    """List public notices in the order in which they were put up."""
    found = notice_list(
        model,
        organisation_ids=reach.within(organisation_id),
        batch_id=batch_id,
        after=page.after,
        limit=page.limit + 1,
    )
    shown, further = page.cut(found)
    return Listed(
        items=[NoticeView.model_validate(each) for each in shown], next=further, at=page.at
    )


@router.post("", status_code=201, dependencies=[HANDLE])
def create_notice(
    form: NoticeForm,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> Written[NamedNotice]:
    """Put the list of a batch up, as it stands. One that still hangs is refused a second."""
    batch_within(model, reach, form.batch_id)
    period = Period(
        form.period_days,
        form.period_unit,
        form.last_day,
        form.shown_days,
        form.source,
        form.confidence,
    )
    order = Opening(form.batch_id, period, form.place, form.contact)
    answer = open_notice(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, NamedNotice)


@router.get("/{notice_id}", dependencies=[READ])
def show_notice(
    notice_id: NoticeId,
    model: TheReadModel,
    the_ledger: TheLedger,
    reach: TheReach,
    response: Response,
) -> NoticeWithRows:
    """Show a notice with its list, masked as everybody may see it, while people are shown."""
    found = notice_within(model, reach, notice_id)
    tag(the_ledger, response, Root, notice_id)
    people = found.shows_people(reach.day)
    rows = public_rows(the_ledger, found.batch_id, limit=PAGE_ROWS_MAX) if people else []
    return NoticeWithRows(
        **NoticeView.model_validate(found).model_dump(),
        rows=[PublicRowView.model_validate(row) for row in rows],
    )


@router.post("/{notice_id}/objections", status_code=201, dependencies=[KEEP_NOTICE])
def enter_objection(
    notice_id: NoticeId,
    form: ObjectionForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[NumberedObjection]:
    """Enter an objection that was told to an officer; everybody else objects on the page."""
    order = Raising(notice_id, form.row_number, form.text, form.name, form.contact)
    answer = raise_objection(the_ledger, acting.act(form.happened_on, stream=notice_id), order)
    return written(the_ledger, response, answer, NumberedObjection)


@router.post(
    "/{notice_id}/objections/{number}/readings", status_code=201, dependencies=[READ_OBJECTIONS]
)
def read(
    notice_id: NoticeId,
    number: ObjectionNumber,
    form: ReadingForm,
    acting: TheActing,
    the_ledger: TheLedger,
) -> ReadObjection:
    """Read an objection in clear; that it was read, by whom and why, is an event."""
    clear = read_objection(the_ledger, acting.act(), notice_id, number, form.reason)
    return ReadObjection(**clear)


@router.post(
    "/{notice_id}/objections/{number}/answer", status_code=201, dependencies=[REVIEW_OR_APPROVE]
)
def answer(
    notice_id: NoticeId,
    number: ObjectionNumber,
    form: AnswerForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[AnsweredObjection]:
    """Uphold an objection, and its row falls; or dismiss it. Who put up the list is refused."""
    order = Answering(notice_id, number, form.upheld, form.reason, form.row_number, form.no_row)
    act = acting.act(form.happened_on, stream=notice_id)
    return written(
        the_ledger, response, answer_objection(the_ledger, act, order), AnsweredObjection
    )


@router.post("/{notice_id}/closing", status_code=201, dependencies=[KEEP_NOTICE])
def close(
    notice_id: NoticeId,
    form: forms.DatedForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Close a notice whose period is over and whose objections are all answered."""
    act = acting.act(form.happened_on, stream=notice_id)
    return written(the_ledger, response, close_notice(the_ledger, act, notice_id), Nothing)


@router.post("/{notice_id}/withdrawal", status_code=201, dependencies=[KEEP_NOTICE])
def withdraw(
    notice_id: NoticeId,
    form: forms.Reasoned,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Take a notice down before its time."""
    act = acting.act(form.happened_on, stream=notice_id)
    done = withdraw_notice(the_ledger, act, notice_id, form.reason)
    return written(the_ledger, response, done, Nothing)


@router.get("/{notice_id}/history", dependencies=[READ])
def show_history(
    notice_id: NoticeId,
    the_ledger: TheLedger,
    model: TheReadModel,
    page: ThePage,
    reach: TheReach,
    *,
    envelopes: bool = False,
) -> models.History:
    """Show every event that concerns the notice, with signatures and proofs."""
    notice_within(model, reach, notice_id)
    return history_of(the_ledger, model, notice_id, page, envelopes=envelopes)
