"""Samples: planned before their seed exists, drawn by a checkpoint, drawn again by anybody."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.acting import TheActing
from api.callers import OBSERVE, READ, TheReach
from api.conditions import Conditions
from api.dependencies import TheLedger, TheMoment, TheReadModel
from api.edge.one_thread import InOneThread
from api.file_answer import TEXT, file_answer
from api.problems import RESPONSES
from api.sampling import sample_within, universe_now, universe_of, verified, written_conditions
from api.v1 import forms
from api.v1.models import Answer, Day, Fen, Id, Position
from api.v1.written import DrawnSample, NamedSample, Written, written
from api.within import organisation_within
from ledger.commands.samples import Plan, draw_sample, plan_sample
from ledger.domain.disbursement import Status
from ledger.domain.sample import SIZE_MAX, Method, Stratum
from ledger.evidence.sampling import line_of
from projections.organisations import tree_on
from projections.samples import sample_list
from projections.turnover import Ever

router = APIRouter(
    route_class=InOneThread, prefix="/samples", tags=["samples"], responses=RESPONSES
)

CONDITIONS = (
    *("alone", "campaign", "batch", "channel", "category", "status", "since", "until"),
    *("least_fen", "most_fen", "source", "document", "vintage", "earmark", "officer"),
    *("reason", "ever"),
)


class SampleForm(forms.Form):
    """A plan: from which payments, how many, and how. The seed is nobody's to choose."""

    title: forms.Text = Field(examples=["2017年两节慰问金抽查"])
    organisation_code: forms.Code = Field(examples=["X01"])
    method: Method = Field(examples=["monetary_unit"])
    size: int = Field(ge=1, le=SIZE_MAX, examples=[60])
    stratum: Stratum | None = Field(
        default=None, description="What payments are told apart by; for `stratified` alone."
    )
    alone: bool = Field(default=False, description="Without what is below the organisation.")
    campaign: forms.Code | None = None
    batch: forms.Code | None = None
    channel: forms.Text | None = None
    category: forms.Text | None = None
    status: Status | None = None
    since: date | None = None
    until: date | None = None
    least_fen: forms.Fen | None = None
    most_fen: forms.Fen | None = None
    source: forms.Text | None = None
    document: forms.Text | None = None
    vintage: forms.Year | None = None
    earmark: forms.Text | None = None
    officer: forms.Code | None = None
    reason: forms.Text | None = None
    ever: Ever | None = None

    def conditions(self) -> Conditions:
        told = {name: getattr(self, name) for name in CONDITIONS}
        return Conditions(organisation=self.organisation_code, **told)


class ConditionView(Answer):
    name: str = Field(examples=["campaign"])
    value: str = Field(examples=["2017-lianjie"])


class DrawView(Answer):
    """`drawn` are positions of the log at which the payments drawn were instructed.

    The seed comes from `root`, of the checkpoint over the first `checkpoint_size` entries.
    """

    checkpoint_size: int
    root: str = Field(description="Base64.")
    drawn: list[int]
    drawn_fen: Fen
    officer_id: Id
    happened_on: Day
    position: Position


class SampleView(Answer):
    """`conditions` are those of `/v1/disbursements`, as known at `known_to`.

    `universe_sha256` is the hash of `/universe`; `draw` is null until it was drawn.
    """

    sample_id: Id
    organisation_id: Id
    title: str
    method: Method
    size: int
    stratum: Stratum | None
    conditions: list[ConditionView]
    known_to: Position
    universe_count: int
    universe_fen: Fen
    universe_sha256: str
    officer_id: Id
    happened_on: Day
    position: Position
    draw: DrawView | None


class SampleList(Answer):
    items: list[SampleView]


class Verification(Answer):
    """What drawing the sample again from the log as it is came to; null: not drawn yet."""

    holds: bool
    universe: bool = Field(description="The same payments meet the conditions.")
    checkpoint: bool | None = Field(description="It is the first that was published after.")
    drawn: bool | None = Field(description="The same payments are drawn.")


@router.get("", dependencies=[READ])
def list_samples(
    model: TheReadModel,
    moment: TheMoment,
    reach: TheReach,
    organisation_id: Annotated[UUID | None, Query(description="Of this organisation.")] = None,
) -> SampleList:
    """List samples, the last planned first; those that nobody has drawn are among them."""
    found = sample_list(model, moment, organisation_ids=reach.within(organisation_id))
    return SampleList(items=[SampleView.model_validate(each) for each in found])


@router.post("", status_code=201, dependencies=[OBSERVE])
def create_sample(
    form: SampleForm,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> Written[NamedSample]:
    """Plan a sample: everything is fixed but the seed, which does not exist yet."""
    organisation_within(tree_on(model), reach, form.organisation_code)
    conditions = written_conditions(form.conditions())
    stratum = None if form.stratum is None else form.stratum.value
    universe = universe_now(model, conditions, stratum)
    order = Plan(
        form.title, form.organisation_code, conditions, form.method, form.size, form.stratum
    )
    answer = plan_sample(the_ledger, acting.act(), order, universe)
    return written(the_ledger, response, answer, NamedSample)


@router.get("/{sample_id}", dependencies=[READ])
def show_sample(sample_id: UUID, model: TheReadModel, reach: TheReach) -> SampleView:
    """Show a plan, and what was drawn by it."""
    return SampleView.model_validate(sample_within(model, reach, sample_id))


@router.get(
    "/{sample_id}/universe",
    dependencies=[READ],
    response_class=Response,
    responses={
        200: {
            "description": "A line each: position, fen and stratum; its SHA-256 is in the plan.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
def show_universe(sample_id: UUID, model: TheReadModel, reach: TheReach) -> Response:
    """Write the payments that a sample is drawn from, for whoever draws it again."""
    view = sample_within(model, reach, sample_id)
    found = universe_of(model, view.conditions, view.known_to, view.stratum)
    return file_answer(map(line_of, found.units), TEXT, "universe.txt")


@router.get("/{sample_id}/verification", dependencies=[READ])
def verify_sample(
    sample_id: UUID, model: TheReadModel, the_ledger: TheLedger, reach: TheReach
) -> Verification:
    """Draw a sample again from the log as it is, and compare."""
    found = verified(model, the_ledger, sample_within(model, reach, sample_id))
    return Verification.model_validate(found)


@router.post("/{sample_id}/draws", status_code=201, dependencies=[OBSERVE])
def draw(
    sample_id: UUID,
    acting: TheActing,
    the_ledger: TheLedger,
    model: TheReadModel,
    reach: TheReach,
    response: Response,
) -> Written[DrawnSample]:
    """Draw a sample by the first checkpoint that was published after its plan."""
    view = sample_within(model, reach, sample_id)
    universe = universe_of(model, view.conditions, view.known_to, view.stratum)
    act = acting.act(stream=sample_id)
    answer = draw_sample(the_ledger, act, sample_id, universe.units)
    return written(the_ledger, response, answer, DrawnSample)
