"""H6: policies that were adopted again and bear more than before, or count for what was paid."""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum

from sqlalchemy import func, select

from ledger.domain.policy import CategoryRule, Channel, LimitName, Policy, is_stricter
from projections.batches import batches, campaigns, steps
from projections.findings.asked import Asked, Patience, Reread
from projections.findings.finding import Finding, Severity
from projections.findings.limits import Version, limits_on
from projections.organisations import Tree

BACKWARDS = "backwards"


class MoneyFor(StrEnum):
    """What a category may be paid of, as it is told that more may pay it."""

    SOURCES = "sources"
    EARMARKS = "earmarks"


def policies_loosened(asked: Asked) -> Iterator[Finding]:
    """H6: an adoption asks less than what counted before it; each of it is told.

    Limits are held against all that counted there, the rest against the reading before.

    `detail` names the policy, which adoption of it, and the kind and the name of what it is.
    """
    for each in asked.rereadings:
        for what in each.loosened:
            yield _found(each, Severity.INFORMATION, 1, None, what)


def policies_backwards(asked: Asked) -> Iterator[Finding]:
    """H6: it was to be in force before the day of its adoption, and lists were approved since.

    They were judged by the reading before, and stay so; who reads the new one alone is misled.
    """
    for each in asked.rereadings:
        if each.effective_from >= each.happened_on:
            continue
        statement = (
            select(func.count(), func.sum(steps.c.total_fen))
            .join(batches, batches.c.batch_id == steps.c.batch_id)
            .join(campaigns, campaigns.c.campaign_id == batches.c.campaign_id)
            .where(campaigns.c.policy_id == each.policy_id.bytes, steps.c.step == "approved")
            .where(steps.c.happened_on >= each.effective_from.isoformat())
            .where(steps.c.position < each.position)
        )
        count, total = asked.connection.execute(statement).one()
        if count:
            yield _found(each, Severity.WARNING, count, total, BACKWARDS)


def rereadings(versions: Sequence[Version], tree: Tree) -> tuple[Reread, ...]:
    """Return what each adoption loosened, and each that follows another of the same policy."""
    tops = {None, *(each.organisation_id for each in tree.roots())}
    known: list[Version] = []
    found = []
    for each in sorted(versions, key=lambda version: version.position):
        adopted, place = each.adopted, each.adopted.organisation_id
        below = () if place is None or place in tops else (place,)
        of = [one for one in known if one.adopted.organisation_id in tops | {*below}]
        was = limits_on(of, each.counts_from, below=below).patience
        now = limits_on([*of, each], each.counts_from, below=below).patience
        limits = tuple(f"limit {name.value}" for name in LimitName if _bears_more(name, was, now))
        before = [one.adopted for one in known if one.adopted.code == adopted.code]
        known.append(each)
        if limits or before:
            rules = _loosened(before[-1], adopted) if before else ()
            found.append(
                Reread(
                    adopted.originator_id,
                    adopted.code,
                    each.number,
                    each.position,
                    place,
                    adopted.happened_on,
                    adopted.effective_from,
                    (*limits, *rules),
                )
            )
    return tuple(found)


def _bears_more(name: LimitName, was: Patience, now: Patience) -> bool:
    return is_stricter(name, getattr(was, name.value), getattr(now, name.value))


def _loosened(before: Policy.Adopted, after: Policy.Adopted) -> Iterator[str]:
    """Yield what a reading bears that the one before did not, each by its kind and its name.

    A category that need not be paid by card, be in the archive or name as much, or that may get
    more or less, or earn more; a deadline that is later, or is gone.
    """
    rules = {each.name: each for each in before.categories}
    for rule in after.categories:
        if rule.name in rules:
            yield from asks_less(rules[rule.name], rule)
    due = {each.name: each.due_on for each in after.deadlines}
    for each in before.deadlines:
        if due.get(each.name, date.max) > each.due_on:
            yield f"deadline {each.name}"


def asks_less(before: CategoryRule, after: CategoryRule) -> Iterator[str]:
    """Yield what a rule for a category bears that another did not, each by kind and name."""
    if before.channel is Channel.BANK_CARD and after.channel is not Channel.BANK_CARD:
        yield f"channel {after.name}"
    if before.archive_required and not after.archive_required:
        yield f"archive {after.name}"
    if set(before.required_fields) - set(after.required_fields):
        yield f"fields {after.name}"
    least, most = before.minimum, before.maximum
    if least and (after.minimum is None or after.minimum.amount_fen < least.amount_fen):
        yield f"minimum {after.name}"
    if most and (after.maximum is None or after.maximum.amount_fen > most.amount_fen):
        yield f"maximum {after.name}"
    line, now = before.monthly_income_below, after.monthly_income_below
    if line and (now is None or now.amount_fen > line.amount_fen):
        yield f"income {after.name}"
    for what, asked, now_asked in (
        (MoneyFor.SOURCES, before.paid_from, after.paid_from),
        (MoneyFor.EARMARKS, before.earmarks, after.earmarks),
    ):
        if asked and not (now_asked and set(now_asked) <= set(asked)):
            yield f"{what} {after.name}"


def _found(of: Reread, severity: Severity, count: int, total: int | None, what: str) -> Finding:
    return Finding(
        "H6",
        severity,
        of.organisation_id,
        of.happened_on.isoformat(),
        count,
        total,
        detail=f"{of.code} {of.number} {what}",
        position=of.position,
    )
