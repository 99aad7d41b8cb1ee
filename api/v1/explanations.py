"""Explanations: what every rule says of one payment, from which facts, and who answered for it."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.explaining import asked_about, cases_about
from api.known import TheKept
from api.problems import RESPONSES
from api.v1.models import Answer, Day, Id, Position
from ledger.domain.case import Stage
from projections.cases import CaseView
from projections.explanation.asked import Reading
from projections.explanation.checked import Outcome, Scope
from projections.explanation.explain import Explanation as Explained
from projections.explanation.explain import explain
from projections.findings.catalogue import RULES_KNOWN

router = APIRouter(prefix="/disbursements", tags=["disbursements"], responses=RESPONSES)


class PolicyReading(Answer):
    """An adoption of the campaign's policy: the `number`th of it."""

    code: str
    title: str
    effective_from: Day
    number: int
    position: Position


class Fact(Answer):
    """Something that was looked at; `_fen`, `_on`, `_days`, `_count` say in what it is given."""

    name: str = Field(examples=["maximum_fen"])
    value: str | int | None


class Ground(Answer):
    """On what ground somebody let it pass, or that they were stopped; `code` says by what."""

    what: str
    officer_id: UUID | None
    happened_on: Day
    position: Position
    reason: str | None
    code: str | None


class Checked(Answer):
    """What a rule says, at its version; `scope` tells what it looked at."""

    rule: str = Field(examples=["B2"])
    version: int
    clause: str
    outcome: Outcome
    scope: Scope
    facts: list[Fact]
    grounds: list[Ground]
    position: int | None


class PostHeld(Answer):
    role: str = Field(examples=["审批"])
    organisation_id: Id


class Act(Answer):
    """What somebody did, in which posts; `officer_id` null: entered by the operator."""

    what: str = Field(examples=["approved"])
    officer_id: UUID | None
    posts: list[PostHeld]
    happened_on: Day
    position: Position
    reason: str | None


class CaseOf(Answer):
    """A case of what bears on the payment: of its union, campaign or list."""

    case_id: Id
    rule: str = Field(examples=["J3"])
    stage: Stage
    owner_id: UUID | None
    due_on: str | None
    open_fen: int = Field(description="Still to come back; whole fen (1/100 yuan).", examples=[0])


class Explanation(Answer):
    """`policy` was in force when it was approved; `later_policy` counts for that day by now."""

    disbursement_id: Id
    policy: PolicyReading | None
    later_policy: PolicyReading | None
    later_policy_changes: list[str]
    acts: list[Act]
    rules: list[Checked]
    cases: list[CaseOf]


@router.get("/{disbursement_id}/explanation", dependencies=[READ])
def explain_disbursement(
    disbursement_id: UUID,
    model: TheReadModel,
    reach: TheReach,
    the_ledger: TheLedger,
    kept: TheKept,
) -> Explanation:
    """Explain a payment: every rule, the facts it looked at, its result, and who let pass what."""
    asked = asked_about(model, the_ledger, reach, kept, disbursement_id)
    return explanation_of(explain(asked), disbursement_id, cases_about(asked, reach))


def explanation_of(
    found: Explained, disbursement_id: UUID, cases: Sequence[CaseView]
) -> Explanation:
    """Write an explanation out, as programs read it."""
    return Explanation(
        disbursement_id=disbursement_id,
        policy=_reading(found.reading),
        later_policy=_reading(found.later),
        later_policy_changes=list(found.changed),
        acts=[
            Act(
                what=each.what,
                officer_id=each.officer_id,
                posts=[PostHeld(role=role, organisation_id=place) for role, place in each.posts],
                happened_on=each.happened_on,
                position=each.position,
                reason=each.reason,
            )
            for each in found.acts
        ],
        rules=[
            Checked(
                rule=each.rule,
                version=RULES_KNOWN[each.rule].version,
                clause=RULES_KNOWN[each.rule].clause,
                outcome=each.outcome,
                scope=each.scope,
                facts=[Fact(name=fact.name, value=fact.value) for fact in each.facts],
                grounds=[Ground.model_validate(ground) for ground in each.grounds],
                position=each.position,
            )
            for each in found.checked
        ],
        cases=[
            CaseOf(
                case_id=each.case_id,
                rule=each.subject.rule,
                stage=Stage(each.stage),
                owner_id=each.owner_id,
                due_on=each.due_on,
                open_fen=each.open_fen,
            )
            for each in cases
        ],
    )


def _reading(reading: Reading | None) -> PolicyReading | None:
    if reading is None:
        return None
    return PolicyReading(
        code=reading.adopted.code,
        title=reading.adopted.title,
        effective_from=reading.adopted.effective_from.isoformat(),
        number=reading.number,
        position=reading.position,
    )
