"""Who did what in which post, and what the rules over lists and duties say of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from ledger.domain.disbursement import NOT_PAID
from ledger.domain.disbursement import Disbursement as Payment
from ledger.domain.officer import Role
from projections.attempts import attempts_on
from projections.batches import batches, steps
from projections.explanation.asked import Asked, officer_of
from projections.explanation.checked import Checked, Fact, Ground, Outcome, Scope
from projections.findings.lists import ATTEMPT_RULES
from projections.findings.people import standing
from projections.notices import Notice, notices

NEEDED = {"drafted": Role.HANDLER, "reviewed": Role.REVIEWER, "approved": Role.APPROVER}
"""The post that each step asks for."""


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did, and the posts that they held that day there or above.

    `officer_id` is None where the operator entered what others answer for.
    """

    what: str
    officer_id: UUID | None
    posts: tuple[tuple[str, UUID], ...]
    happened_on: str
    position: int
    reason: str | None = None


def acts(asked: Asked) -> list[Act]:
    """Return all that officers did about the payment, in the order of the log."""
    batch = asked.batch
    done: list[tuple[str, UUID | None, str, int, str | None]]
    done = [("drafted", batch.drafted_by, batch.happened_on, batch.position, None)]
    done += [
        (each.step, each.officer_id, each.happened_on, each.position, each.reason)
        for each in batch.steps
        if each.step != "refused"
    ]
    for notice in asked.notices:
        done.append(("notice_opened", notice.opened_by, notice.happened_on, notice.position, None))
        if notice.ended_at is not None and notice.ended_on is not None:
            what = f"notice_{notice.ended}"
            done.append((what, notice.ended_by, notice.ended_on, notice.ended_at, notice.reason))
    changed: list[tuple[str, int, Payment.Reissued | Payment.Withdrawn | Payment.Corrected]]
    changed = [
        *(("reissued", position, each) for position, each in asked.of(Payment.Reissued)),
        *(("withdrawn", position, each) for position, each in asked.of(Payment.Withdrawn)),
        *(("corrected", position, each) for position, each in asked.of(Payment.Corrected)),
    ]
    done += [
        (what, officer_of(each), each.happened_on.isoformat(), position, each.reason)
        for what, position, each in changed
    ]
    done.sort(key=lambda each: each[3])
    return [
        Act(what, who, posts_of(asked, who, day), day, position, reason)
        for what, who, day, position, reason in done
    ]


def posts_of(asked: Asked, officer: UUID | None, day: str) -> tuple[tuple[str, UUID], ...]:
    """Return the posts that an officer held on a day at the payment's union or above it."""
    if officer is None:
        return ()
    line = set(asked.tree.line(asked.payment.organisation_id))
    held = [each for each in asked.tenures.get(officer, ()) if each.covers(date.fromisoformat(day))]
    return tuple((each.role, each.organisation_id) for each in held if each.organisation_id in line)


def duties(asked: Asked) -> Iterator[Checked]:
    """H1, H2, F2: three people, each in their post, and money enough; what was stopped is told."""
    every = acts(asked)
    done = {each.what: each for each in every if each.what in NEEDED}
    stopped = _stopped(asked)
    people = [each.officer_id for each in done.values()]
    # Whoever drafted the list may not be the one who saw it signed.
    drafter = asked.batch.drafted_by
    people += [drafter for each in every if each.what == "certified" and each.officer_id == drafter]
    yield Checked(
        "H1",
        Outcome.HELD if len(set(people)) == len(people) else Outcome.BROKEN,
        (Fact("people_count", len(set(people))), Fact("steps_count", len(people))),
        stopped.get("H1", ()),
        scope=Scope.BATCH,
    )
    missing = [
        what for what, act in done.items() if NEEDED[what] not in {role for role, _ in act.posts}
    ]
    yield Checked(
        "H2",
        Outcome.BROKEN if missing else Outcome.HELD,
        tuple(Fact("post_missing", what) for what in missing),
        stopped.get("H2", ()),
        scope=Scope.BATCH,
    )
    yield Checked(
        "F2",
        Outcome.HELD,
        (Fact("earmark", asked.batch.earmark), Fact("amount_fen", asked.payment.amount_fen)),
        stopped.get("F2", ()),
        scope=Scope.BATCH,
    )


def one_file_once(asked: Asked) -> Checked:
    """E4: whether its person was paid of an earlier list of the same file, too."""
    theirs = standing(asked.every).subquery("theirs")
    statement = (
        select(batches.c.code, steps.c.happened_on)
        .join(steps, (steps.c.batch_id == batches.c.batch_id) & (steps.c.step == "approved"))
        .join(theirs, theirs.c.batch_id == batches.c.batch_id)
        .where(theirs.c.person_id == asked.payment.person_id.bytes)
        .where(batches.c.roster_sha256 == asked.batch.roster_sha256)
        .where(batches.c.batch_id != asked.batch.batch_id.bytes)
        .where(steps.c.position < asked.payment.position)
        .order_by(steps.c.position)
    )
    stands = asked.payment.status not in NOT_PAID
    earlier = asked.connection.execute(statement).first() if stands else None
    facts = [Fact("roster_sha256", asked.batch.roster_sha256)]
    if earlier is not None:
        facts += [Fact("earlier_batch", earlier[0]), Fact("approved_on", earlier[1])]
    return Checked("E4", Outcome.HELD if earlier is None else Outcome.BROKEN, tuple(facts))


def shown_in_public(asked: Asked) -> Checked:
    """K1: whether a notice had run its time, and what was said against it and answered.

    Where a campaign puts up no notices the rule finds nothing; that there is no record of one is
    said all the same.
    """
    ended = [
        each
        for each in asked.notices
        if each.ended == "closed" and (each.ended_at or 0) < asked.payment.position
    ]
    if ended:
        return _notice(asked, max(ended, key=_days))
    puts_up = select(notices.c.notice_id).where(
        notices.c.campaign_id == asked.payment.campaign_id.bytes
    )
    found = asked.connection.execute(puts_up.limit(1)).first() is not None
    return Checked(
        "K1",
        Outcome.BROKEN if found else Outcome.UNRECORDED,
        (Fact("approved_on", asked.payment.happened_on),),
        scope=Scope.BATCH,
    )


def _notice(asked: Asked, notice: Notice) -> Checked:
    number = asked.payment.number
    grounds = tuple(
        Ground(
            "objection_upheld" if each.upheld else "objection_dismissed",
            each.answered_by,
            each.answered_on or each.raised_on,
            each.answered_at or each.position,
        )
        for each in notice.objections
        if each.upheld is not None and each.row_number in (None, number)
    )
    facts = (
        Fact("shown_on", notice.happened_on),
        Fact("last_on", notice.last_day),
        Fact("objections_count", len(notice.objections)),
        Fact("source", notice.source),
    )
    borne = asked.patience if asked.borne_on is None else asked.borne_on(asked.paid_on)
    wanted = borne.notice_days
    least = Fact("notice_days", wanted)
    outcome = Outcome.BROKEN if _days(notice) < wanted else Outcome.HELD
    return Checked("K1", outcome, (*facts, least), grounds, notice.ended_at, scope=Scope.BATCH)


def _days(notice: Notice) -> int:
    """Return for how many days after the first a notice hung."""
    return (date.fromisoformat(notice.last_day) - date.fromisoformat(notice.happened_on)).days


def _stopped(asked: Asked) -> dict[str, tuple[Ground, ...]]:
    """Return the attempts that were stopped on the batch, by the rule that stopped them."""
    found: dict[str, list[Ground]] = {}
    for step in asked.batch.steps:
        if step.step == "refused" and step.code is not None and step.code in ATTEMPT_RULES:
            ground = Ground(
                "stopped", step.officer_id, step.happened_on, step.position, code=step.code
            )
            found.setdefault(ATTEMPT_RULES[step.code], []).append(ground)
    for subject in (asked.batch.batch_id, asked.payment.disbursement_id):
        for rule, ground in stopped_on(asked, subject):
            found.setdefault(rule, []).append(ground)
    return {rule: tuple(each) for rule, each in found.items()}


def stopped_on(asked: Asked, subject: UUID) -> Iterator[tuple[str, Ground]]:
    """Return the rule and the attempt that it stopped, for each on a batch or a payment."""
    for each in attempts_on(asked.connection, subject):
        if each.code in ATTEMPT_RULES:
            ground = Ground(
                "stopped", each.officer_id, each.happened_on, each.position, code=each.code
            )
            yield ATTEMPT_RULES[each.code], ground
