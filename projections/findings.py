"""Findings: what looks wrong in what the ledger holds, by the rules' codes.

They are doubts (疑点) until a person has confirmed them. Each rule is one function over one state
of the read model; what evaluates rules as events arrive may take its place and keep `Finding`.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection, Table, func, select

from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel, Deadline
from projections.asked import NOW, Moment, uuid_of
from projections.attempts import attempts
from projections.batches import batches, campaign_list, campaigns, rows_listed, statements, steps
from projections.deadlines import filings, filings_by_campaign, missing
from projections.followed_lots import (
    FollowedLot,
    consumption,
    opened_on,
    surplus_targets,
)
from projections.journal import openings, targets
from projections.open_payments import Open, together
from projections.view import reading
from projections.witness_refusals import witness_refusals


class Severity(StrEnum):
    """`E` must be put right, `W` is to be looked into, `I` is to be known."""

    ERROR = "E"
    WARNING = "W"
    INFORMATION = "I"


@dataclass(frozen=True, slots=True)
class Finding:
    """So many things of one kind at one organisation, that broke one rule or may have.

    `organisation_id` is None for what concerns the ledger as a whole. `detail` says more in a
    code: of a refusal, or of a document that is due. What is behind it is named by the ids.
    """

    rule: str
    severity: Severity
    organisation_id: UUID | None
    since: str
    count: int
    amount_fen: int | None = None
    detail: str | None = None
    campaign_id: UUID | None = None
    batch_id: UUID | None = None
    year: int | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How many days something may take before it is a doubt; the policy will say so one day."""

    reissue_days: int = 10
    answer_days: int = 7


@dataclass(frozen=True)
class Asked:
    """What findings are asked about: one state of the read model, and what else rules look at.

    `open` are the payments that have not reached anybody, `followed` the opening surplus of
    `year`, `deadlines` what each campaign's policy asks for, `organisation_ids` who there is.
    """

    connection: Connection
    day: date
    open: Sequence[Open]
    followed: Sequence[FollowedLot] = ()
    year: int | None = None
    deadlines: Mapping[UUID, Sequence[Deadline]] = field(default_factory=dict)
    organisation_ids: Sequence[UUID] = ()
    moment: Moment = NOW
    patience: Patience = Patience()

    @cached_property
    def answered(self) -> set[UUID]:
        """The batches of which a bank return was taken in."""
        of = statements.c.batch_id
        found = select(of).where(self.moment.covers(statements)).distinct()
        return {uuid_of(raw) for raw in self.connection.execute(found).scalars()}

    def past(self, days: int) -> str:
        """Return the last day that is so many days ago."""
        return (self.day - timedelta(days=days)).isoformat()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and all that it looks at: what is asked, by name, and tables of the read model."""

    find: Callable[[Asked], Iterable[Finding]]
    looks_at: tuple[str, ...] = ()
    reads: tuple[Table, ...] = ()


def findings(asked: Asked) -> list[Finding]:
    """Return all findings: the gravest first, and of these the oldest."""
    return Evaluated().findings(asked)


class Evaluated:
    """Keeps what each rule found last: it is asked again when something it looks at has changed.

    Not to be shared by threads.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Moment, dict[Rule, tuple[tuple[object, ...], list[Finding]]]]
        self._kept = OrderedDict()

    def findings(self, asked: Asked) -> list[Finding]:
        """Return all findings, as the function of this name does."""
        kept = self._kept.setdefault(asked.moment, {})
        self._kept.move_to_end(asked.moment)
        while len(self._kept) > MOMENTS_KEPT:
            self._kept.popitem(last=False)
        model, *last = asked.connection.execute(_LAST_ROWS).one()
        last_of = dict(zip(_READ, last, strict=True))
        found: list[Finding] = []
        for rule in RULES:
            looked_at = (
                model,
                asked.day,
                asked.patience,
                *(getattr(asked, name) for name in rule.looks_at),
                *(last_of[table] for table in rule.reads),
            )
            if rule not in kept or kept[rule][0] != looked_at:
                kept[rule] = looked_at, list(rule.find(asked))
            found += kept[rule][1]
        return sorted(found, key=lambda each: (_RANK[each.severity], each.since, each.rule))


def returned_and_not_paid_again(asked: Asked) -> Iterator[Finding]:
    """G5: the bank sent it back, and within the days allowed nobody paid it again.

    Source: 一卡通发放 rules: 支付退票 is verified by the unit and paid again.
    """
    late = asked.past(asked.patience.reissue_days)
    for each in _by_campaign(
        one for one in asked.open if one.status == Status.RETURNED and one.since <= late
    ):
        yield _of("G5", Severity.ERROR, each)


def unanswered(asked: Asked) -> Iterator[Finding]:
    """J4: the bank does not know what became of it, or left it out of its answer, for days."""
    late = asked.past(asked.patience.answer_days)
    for each in _by_campaign(
        one
        for one in _on_their_way(asked, Channel.BANK_CARD, late)
        if one.unknown or one.batch_id in asked.answered
    ):
        yield _of("J4", Severity.WARNING, each)


def not_proved(asked: Asked) -> Iterator[Finding]:
    """F5: payments by card of which no bank return has said anything: not proved to the bank.

    With the bank's statements this will become the comparison of balances.
    """
    late = asked.past(asked.patience.answer_days)
    for each in _on_their_way(asked, Channel.BANK_CARD, late):
        if not each.unknown and each.batch_id not in asked.answered:
            yield _of("F5", Severity.WARNING, each, batch=True)


def unsigned_after_deadline(asked: Asked) -> Iterator[Finding]:
    """D3: approved for a sheet, and not signed for when the sheets were due.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, 四(五): the sheets agree with the list.
    """
    due = {
        campaign_id: deadline.due_on.isoformat()
        for campaign_id, deadlines in asked.deadlines.items()
        for deadline in deadlines
        if deadline.name in SIGNATURE_SHEETS
    }
    today = asked.day.isoformat()
    for each in _on_their_way(asked, Channel.SIGNATURE_SHEET, today):
        if due.get(each.campaign_id, today) < today:
            yield _of("D3", Severity.ERROR, each, batch=True)


def filings_late(asked: Asked) -> Iterator[Finding]:
    """D5: a sheet, a report or a table that is due and was not handed in, or was sent back."""
    handed_in_of = filings_by_campaign(asked.connection, asked.moment)
    for campaign_id, deadlines in asked.deadlines.items():
        overdue = [each for each in deadlines if each.due_on < asked.day]
        if not overdue:
            continue
        handed_in = handed_in_of.get(campaign_id, ())
        for owed in missing(handed_in, overdue, asked.organisation_ids, asked.day):
            yield Finding(
                "D5",
                Severity.WARNING,
                owed.organisation_id,
                owed.due_on,
                1,
                detail=owed.name,
                campaign_id=campaign_id,
            )


def not_paid_by_the_end(asked: Asked) -> Iterator[Finding]:
    """G2: the campaign is over, and what was approved in it has not reached people."""
    today = asked.day.isoformat()
    over = {
        each.campaign_id: each.ends_on
        for each in campaign_list(asked.connection)
        if each.ends_on < today
    }
    for each in _by_campaign(one for one in asked.open if one.campaign_id in over):
        yield _of("G2", Severity.WARNING, each, since=over[each.campaign_id])


def rows_refused(asked: Asked) -> Iterator[Finding]:
    """A to F: rows of lists that a rule stopped; nothing was paid, and they are on record."""
    statement = (
        select(
            batches.c.organisation_id,
            batches.c.campaign_id,
            batches.c.batch_id,
            rows_listed.c.code,
            func.min(rows_listed.c.happened_on),
            func.count(),
            func.sum(rows_listed.c.amount_fen),
        )
        .join(batches, batches.c.batch_id == rows_listed.c.batch_id)
        .where(rows_listed.c.code.is_not(None), asked.moment.covers(rows_listed))
        .group_by(batches.c.batch_id, rows_listed.c.code)
    )
    for row in asked.connection.execute(statement):
        yield Finding(
            ROW_RULES.get(row[3], "D4"),
            Severity.INFORMATION,
            uuid_of(row[0]),
            row[4],
            row[5],
            row[6],
            detail=row[3],
            campaign_id=uuid_of(row[1]),
            batch_id=uuid_of(row[2]),
        )


def attempts_refused(asked: Asked) -> Iterator[Finding]:
    """H1, H2: somebody tried to review or approve what they may not; it was stopped, and kept."""
    statement = (
        select(steps, batches.c.organisation_id, batches.c.campaign_id)
        .join(batches, batches.c.batch_id == steps.c.batch_id)
        .where(steps.c.step == "refused", asked.moment.covers(steps))
        .where(steps.c.code.in_(ATTEMPT_RULES))
    )
    apart = select(
        attempts.c.code,
        attempts.c.happened_on,
        attempts.c.position,
        attempts.c.subject_id.label("batch_id"),
        batches.c.organisation_id,
        batches.c.campaign_id,
    ).outerjoin(batches, batches.c.batch_id == attempts.c.subject_id)
    apart = apart.where(asked.moment.covers(attempts), attempts.c.code.in_(ATTEMPT_RULES))
    for row in (*asked.connection.execute(statement), *asked.connection.execute(apart)):
        known = row.organisation_id is not None
        yield Finding(
            ATTEMPT_RULES[row.code],
            Severity.WARNING,
            uuid_of(row.organisation_id) if known else None,
            row.happened_on,
            1,
            detail=row.code,
            campaign_id=uuid_of(row.campaign_id) if known else None,
            batch_id=uuid_of(row.batch_id) if known else None,
            position=row.position,
        )


def surplus_not_used(asked: Asked) -> Iterator[Finding]:
    """G1: old money that was not used up in time, or will not be if it goes on as it does.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, last paragraph of 四(五).
    """
    if asked.year is None:
        return
    year = asked.year
    targets = surplus_targets(asked.connection, year)
    began = opened_on(asked.connection, year, asked.moment)
    by_owner: dict[UUID, list[FollowedLot]] = defaultdict(list)
    for each in asked.followed:
        by_owner[each.owner_id].append(each)
    for owner, followed in by_owner.items():
        target = targets.get(owner)
        if target is None:
            continue
        of = consumption(followed)
        pace = target.pace(year, of, date.fromisoformat(began[owner]), asked.day)
        if pace.shortfall_fen:
            missed = asked.day > pace.due_on
            yield Finding(
                "G1",
                Severity.ERROR if missed else Severity.WARNING,
                owner,
                (pace.due_on if missed else asked.day).isoformat(),
                1,
                pace.shortfall_fen,
                detail="missed" if missed else "forecast",
                year=year,
            )


def witnesses_refused(asked: Asked) -> Iterator[Finding]:
    """L2: a witness would not cosign, or holds what this log does not know."""
    statement = select(witness_refusals).where(asked.moment.covers(witness_refusals))
    for row in asked.connection.execute(statement):
        yield Finding(
            "L2",
            Severity.ERROR,
            None,
            row.happened_on,
            1,
            detail=row.name,
            position=row.position,
        )


RULES: Sequence[Rule] = (
    Rule(returned_and_not_paid_again, ("open",)),
    Rule(unsigned_after_deadline, ("open", "deadlines")),
    Rule(surplus_not_used, ("year", "followed"), (targets, openings)),
    Rule(unanswered, ("open",), (statements,)),
    Rule(not_proved, ("open",), (statements,)),
    Rule(not_paid_by_the_end, ("open",), (campaigns,)),
    Rule(filings_late, ("deadlines", "organisation_ids"), (filings,)),
    Rule(attempts_refused, (), (batches, steps, attempts)),
    Rule(witnesses_refused, (), (witness_refusals,)),
    Rule(rows_refused, (), (batches, rows_listed)),
)

MOMENTS_KEPT = 16
_READ = tuple(dict.fromkeys(table for rule in RULES for table in rule.reads))
_LAST_ROWS = select(
    reading.c.model, *(select(func.max(each.c.position)).scalar_subquery() for each in _READ)
)
_RANK = {each: number for number, each in enumerate(Severity)}

SIGNATURE_SHEETS = ("signature_sheets", "签字表")
"""What campaigns call the deadline of signature sheets."""

ROW_RULES: Mapping[str, str] = {
    "archive.not_on_file": "A1",
    "archive.closed": "A2",
    "model_worker.income_above_line": "A7",
    "amount.below_minimum": "B1",
    "amount.above_maximum": "B2",
    "channel.card_required": "C1",
    "field.missing": "D4",
    "id.invalid": "D4",
    "id.not_text": "D4",
    "card.not_text": "D4",
    "person.duplicate_in_campaign": "E1",
    "category.not_in_policy": "F1",
    "amount.invalid": "J1",
}
"""The rule that a refused row broke, by the code of its refusal."""

ATTEMPT_RULES: Mapping[str, str] = {
    "duty.same_person": "H1",
    "duty.role_missing": "H2",
    "fund.insufficient": "F2",
}


def _on_their_way(asked: Asked, channel: Channel, until: str) -> Iterator[Open]:
    for each in asked.open:
        if each.status == Status.IN_TRANSIT and each.channel == channel and each.since <= until:
            yield each


def _by_campaign(found: Iterable[Open]) -> list[Open]:
    """Put together what stands alike at one organisation in one campaign, since the first of it."""
    alike: dict[tuple[UUID, UUID, str], list[Open]] = defaultdict(list)
    for each in found:
        alike[each.organisation_id, each.campaign_id, each.status].append(each)
    return [together(of) for of in alike.values()]


def _of(
    rule: str, severity: Severity, open_: Open, *, batch: bool = False, since: str | None = None
) -> Finding:
    return Finding(
        rule,
        severity,
        open_.organisation_id,
        since or open_.since,
        open_.count,
        open_.amount_fen,
        detail=open_.status,
        campaign_id=open_.campaign_id,
        batch_id=open_.batch_id if batch else None,
    )
