"""People: found by what is known of them, shown masked, restricted or erased by two officers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field
from sqlalchemy import Connection

from api.acting import TheActing
from api.callers import APPROVE, ASK, READ, OutsideReach, Reach, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.edge.one_thread import InOneThread
from api.looking import TheLooking
from api.payees import payments_of
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.models import Answer, Day, Id, Position
from api.v1.written import Nothing, Written, written
from ledger.commands.recipients import decide_change, request_change
from ledger.domain.recipient import Change, Recipient
from ledger.store.act import CommandAct
from ledger.store.application import Answer as Decided
from ledger.store.application import Ledger, NotOnRecord
from projections.disbursements import Question, disbursement_list, is_on_its_way, last_paid_on
from projections.people import organisations_knowing, person_changes

router = APIRouter(route_class=InOneThread, tags=["people"], responses=RESPONSES)

PEOPLE_MAX = 200

PersonId = Annotated[UUID, Path(description="Id of the person.")]
Known = Annotated[str, Field(min_length=1, max_length=100)]


class SearchForm(forms.Form):
    """What is known of a person, whole or masked as answers show it; all of it has to hold.

    It is sent in a body, so that it stands in no address and no log.
    """

    id_number: Known | None = Field(default=None, examples=["340101199001011234"])
    card_number: Known | None = None
    phone: Known | None = None
    name: Known | None = None
    id_number_masked: Known | None = Field(default=None, examples=["3401**********001X"])
    card_number_masked: Known | None = Field(default=None, examples=["**** 1234"])
    phone_masked: Known | None = Field(default=None, examples=["138****1234"])
    name_masked: Known | None = Field(default=None, examples=["张*三"])


class ChangeForm(forms.Reasoned):
    """`overriding` names the order that goes before the retention of thirty years."""

    change: Change
    overriding: forms.Maybe = ""


class DecisionForm(forms.DatedForm):
    change: Change
    request: int | None = Field(
        default=None,
        ge=0,
        lt=2**53,
        description="Position of the request that was read; a later one is then not decided.",
    )


class ArchiveFile(Answer):
    file_number: str
    organisation_id: Id
    category: str
    opened_on: Day
    closed_on: str | None


class Person(Answer):
    """A person without their data: files, payments, and where a change was asked for."""

    person_id: Id
    files: list[ArchiveFile]
    payments: list[models.Disbursement]
    restricted: bool
    erased: bool
    requested: list[Change]


class ChangeLine(Answer):
    """A change to somebody's data that was asked for (`requested`), or `decided`."""

    person_id: Id
    change: Change
    step: str = Field(examples=["requested"])
    officer_id: UUID | None = Field(description="Null where the operator did it.")
    reason: str | None
    overriding: str | None
    happened_on: Day
    position: Position
    pending: bool


class ChangeList(Answer):
    """The last first; `before` of the next page is the last position here, null at the end."""

    items: list[ChangeLine]
    before: int | None


class Found(Answer):
    people: list[Person]
    cut: bool = Field(description="More were found than are listed: ask for less.")


@router.post("/searches", dependencies=[READ])
def search(
    form: SearchForm,
    model: TheReadModel,
    the_ledger: TheLedger,
    reach: TheReach,
    looking: TheLooking,
) -> Found:
    """Find people by what is known of them; those with nothing within reach are not found.

    By whole values it is a look at them: it stands in the access journal, and can be done so often
    a day (access.too_many_looks). By masked ones it is neither.
    """
    known = {
        name.replace("_masked", " masked"): value
        for name, value in form.model_dump(exclude_none=True).items()
    }
    near = list(looking.people(known, PEOPLE_MAX + 1))
    shown = [_person(the_ledger, model, reach, person) for person in near[:PEOPLE_MAX]]
    return Found(people=shown, cut=len(near) > PEOPLE_MAX)


@router.get("/people/{person_id}", dependencies=[READ])
def show_person(
    person_id: PersonId, model: TheReadModel, the_ledger: TheLedger, reach: TheReach
) -> Person:
    """Show what within reach concerns a person, masked. Erased people stay countable."""
    shown = _person(the_ledger, model, reach, person_id)
    if not shown.files and not shown.payments:
        if the_ledger.load(Recipient, person_id) is None:
            raise NotOnRecord("recipient", person_id)
        raise OutsideReach(person_id)
    return shown


@router.get("/change-requests", dependencies=[READ])
def list_change_requests(
    model: TheReadModel,
    reach: TheReach,
    *,
    pending: bool = True,
    before: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ChangeList:
    """List requests that nobody has decided, or with `pending=false` all, and all decisions."""
    found = person_changes(
        model, sorted(reach.ids), pending=pending, before=before, limit=limit + 1
    )
    shown = found[:limit]
    return ChangeList(
        items=[ChangeLine.model_validate(each) for each in shown],
        before=shown[-1].position if len(found) > limit else None,
    )


@router.post("/people/{person_id}/change-requests", status_code=201, dependencies=[ASK])
def ask_for_change(
    person_id: PersonId,
    form: ChangeForm,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    response: Response,
) -> Written[Nothing]:
    """Ask that a person's data be restricted, released or erased; another officer decides."""
    answer = request_change(
        the_ledger,
        acting.act(form.happened_on, stream=person_id),
        person_id,
        form.change,
        form.reason,
        form.overriding,
        known_at=organisations_knowing(model, person_id),
    )
    return written(the_ledger, response, answer, Nothing)


@router.post("/people/{person_id}/changes", status_code=201, dependencies=[APPROVE])
def decide(
    person_id: PersonId,
    form: DecisionForm,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    response: Response,
) -> Written[Nothing]:
    """Carry out what another officer asked for; nobody decides on their own request."""
    act = acting.act(form.happened_on, stream=person_id)
    answer = carry_out(the_ledger, model, act, person_id, form)
    return written(the_ledger, response, answer, Nothing)


def carry_out(
    ledger: Ledger, model: Connection, act: CommandAct, person_id: UUID, form: DecisionForm
) -> Decided:
    """Decide a change by what the read models know of a person; refusals: `decide_change`."""
    return decide_change(
        ledger,
        act,
        person_id,
        form.change,
        last_paid_on(model, person_id),
        on_its_way=is_on_its_way(model, person_id),
        known_at=organisations_knowing(model, person_id),
        request=form.request,
    )


def _person(ledger: Ledger, model: Connection, reach: Reach, person_id: UUID) -> Person:
    recipient = ledger.load(Recipient, person_id)
    files = [] if recipient is None else list(recipient.files.values())
    within = Question(organisation_ids=reach.within(None))
    payments = disbursement_list(model, asked=within, person_ids=[person_id])
    return Person(
        person_id=person_id,
        files=[
            ArchiveFile(
                file_number=each.file_number,
                organisation_id=each.organisation_id,
                category=each.category,
                opened_on=each.opened_on.isoformat(),
                closed_on=None if each.closed_on is None else each.closed_on.isoformat(),
            )
            for each in files
            if each.organisation_id in reach.ids
        ],
        payments=payments_of(ledger, payments),
        restricted=recipient is not None and recipient.restricted,
        erased=recipient is not None and recipient.erased,
        requested=[] if recipient is None else [Change(each) for each in recipient.requests],
    )
