"""Findings: what looks wrong within reach, and the rules by which it is sifted out."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheMoment, TheReadModel
from api.known import Known, TheKept, within
from api.problems import RESPONSES
from api.v1.models import Answer, Day
from ledger.domain.outside_list import ListKind
from ledger.domain.policy import LimitName
from projections.findings.aside import ASIDE, LISTS_WANTED, Standing, in_order, standing_of
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.finding import Finding as Found
from projections.findings.finding import Severity
from projections.findings.limits import Stood
from projections.findings.supposing import Supposition
from projections.findings.versions import EARLIER, Compared, compared
from projections.outside_lists import held_lists

router = APIRouter(tags=["findings"], responses=RESPONSES)

ROWS_MAX = 1_000
NUMBER_END = 2**31


class Finding(Answer):
    """A doubt until a person has confirmed it. `organisation_id` null: of the ledger as a whole.

    `detail` says more in a code: of a refusal, of a document that is due, or where payments stand.
    """

    rule: str = Field(examples=["G5"])
    severity: Severity
    organisation_id: UUID | None
    since: Day
    count: int
    amount_fen: int | None = Field(description="Whole fen (1/100 yuan).", examples=[80000])
    detail: str | None
    campaign_id: UUID | None
    batch_id: UUID | None
    year: int | None
    position: int | None
    person_id: UUID | None
    account_id: UUID | None
    payment_ids: list[UUID]
    days_late: int | None = Field(
        None, description="Of what was made good since: by how many days the last was late."
    )
    compared: Compared | None = Field(
        None, description="Null where nothing was supposed: what counts was asked for."
    )


class LimitStood(Answer):
    """A limit that a rule stood on. `policy_code` null: no policy says it, it is the usual value.

    `adoption` is the policy's how-manieth; `value` null: nothing is asked.
    """

    rule: str = Field(examples=["E2"])
    name: LimitName
    value: int | None
    policy_code: str | None
    adoption: int | None
    position: int | None


class Findings(Answer):
    """`found` counts all that were asked for; at most a thousand are listed, by `offset`.

    `limits` are those that the rules of these findings stood on. Where a version or an adoption was
    supposed, `only_now` lists what counts now and was not found so, at most a thousand.
    """

    items: list[Finding]
    limits: list[LimitStood]
    only_now: list[Finding]
    found: int
    day: Day


class Rule(Answer):
    """A rule of the table: what it stands on and reads; where it is not evaluated, why.

    `excluded`: the ledger refuses what it would find, by the refusals in `checks`. `no_data`: the
    ledger does not hold what it would look at.
    """

    code: str = Field(examples=["G5"])
    name: str
    standing: Standing
    clause: str | None
    version: int | None = Field(description="Rises when what the rule finds changes.")
    reads: list[str]
    reason: str | None
    checks: list[str]
    changes: list[str] = Field(description="By version from the second: what it does new.")


class Rules(Answer):
    items: list[Rule]


@router.get("/findings", dependencies=[READ])
def list_findings(
    model: TheReadModel,
    moment: TheMoment,
    reach: TheReach,
    the_ledger: TheLedger,
    kept: TheKept,
    organisation_id: UUID | None = None,
    rule: str | None = None,
    severity: Severity | None = None,
    version: Annotated[
        int | None, Query(ge=1, lt=NUMBER_END, description="What that version of `rule` says.")
    ] = None,
    policy: Annotated[
        str | None, Query(description="Code of the policy whose adoption is meant.")
    ] = None,
    policy_version: Annotated[
        int | None, Query(ge=1, lt=NUMBER_END, description="With the limits of that adoption.")
    ] = None,
    offset: Annotated[int, Query(ge=0, description="How many of them to leave out.")] = 0,
) -> Findings:
    """List findings: the gravest first, and of these the oldest.

    `as_of` and `at` ask what the rules would have said of an earlier state; `version` what an
    earlier version of a rule would say, and `policy_version` what all would say with the limits of
    a policy's how-manieth adoption. Each finding is then held against what counts.
    """

    def wanted(known: Known) -> list[Found]:
        return [
            each
            for each in within(known, reach, places)
            if rule in (None, each.rule) and severity in (None, each.severity)
        ]

    places = None if organisation_id is None else reach.within(organisation_id)
    known = kept.known(model, the_ledger, moment, reach.day)
    found, now = wanted(known), []
    stands: dict[int, Compared] = {}
    supposing = Supposition(rule, version, policy, policy_version)
    if supposing.made:
        counts = found
        known = kept.supposing(model, the_ledger, moment, reach.day, supposing)
        held = compared(wanted(known), counts)
        found, now = [each for each, _ in held.supposed], held.only_now
        stands = {number: stand for number, (_, stand) in enumerate(held.supposed)}
    shown = found[offset : offset + ROWS_MAX]
    return Findings(
        items=[_finding(each, stands.get(at)) for at, each in enumerate(shown, offset)],
        only_now=[_finding(each, Compared.ONLY_NOW) for each in now[:ROWS_MAX]],
        limits=[
            _limit(rule, each)
            for rule in sorted({each.rule for each in shown})
            for each in known.stood(rule, [one for one in shown if one.rule == rule])
        ],
        found=len(found),
        day=known.day.isoformat(),
    )


@router.get("/rules", dependencies=[READ])
def list_rules(model: TheReadModel) -> Rules:
    """List the rules of the table: which are evaluated, and why others are not."""
    held = {each.kind for each in held_lists(model)}
    evaluated = [
        Rule(
            code=code,
            name=about.name,
            standing=standing_of(code, held),
            clause=about.clause,
            version=about.version,
            reads=list(about.reads),
            reason=_wanting(code, held),
            checks=[],
            changes=[each.changed for each in EARLIER.get(code, ())],
        )
        for code, about in RULES_KNOWN.items()
    ]
    aside = [
        Rule(
            code=code,
            name=each.name,
            standing=each.standing,
            clause=None,
            version=None,
            reads=[],
            reason=each.reason,
            checks=list(each.checks),
            changes=[],
        )
        for code, each in ASIDE.items()
    ]
    return Rules(items=sorted([*evaluated, *aside], key=lambda rule: in_order(rule.code)))


def _finding(found: Found, stands: Compared | None) -> Finding:
    return Finding.model_validate(found).model_copy(update={"compared": stands})


def _wanting(code: str, held: set[ListKind]) -> str | None:
    return None if standing_of(code, held) is Standing.EVALUATED else LISTS_WANTED[code]


def _limit(rule: str, stood: Stood) -> LimitStood:
    by = stood.version
    return LimitStood(
        rule=rule,
        name=stood.name,
        value=stood.value,
        policy_code=None if by is None else by.adopted.code,
        adoption=None if by is None else by.number,
        position=None if by is None else by.position,
    )
