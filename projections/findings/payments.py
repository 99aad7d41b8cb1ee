"""Rules about payments: on their way too long, sent back, in another's name, not signed for."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, exists, func, or_, select, true

from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from ledger.files.bank import Outcome
from projections.arrived_before import arrived_before
from projections.asked import uuid_of
from projections.batches import campaign_list
from projections.findings.asked import Asked, Patience
from projections.findings.finding import Finding, Severity
from projections.findings.late_arrivals import Arrived, arrived
from projections.movements import Kind, movements, stands
from projections.open_payments import Open, together
from projections.papers_owed import SIGNATURE_SHEETS
from projections.payment_states import disbursements, states


def returned_and_not_paid_again(asked: Asked) -> Iterator[Finding]:
    """G5: the bank sent it back, and within the days allowed nobody paid it again.

    Source: 一卡通发放 rules: 支付退票 is verified by the unit and paid again.
    """
    for each in _by_campaign(
        one
        for one in asked.open
        if one.status == Status.RETURNED
        and one.since <= asked.past(_there(asked, one).reissue_days)
    ):
        yield _of("G5", Severity.ERROR, each)


def made_good_late(asked: Asked) -> Iterator[Finding]:
    """G5: it came back and was paid again, though not within the days allowed; to be known.

    As a doubt: it was paid again and then withdrawn, so that nobody got what had come back.
    """
    yield from _made_good_late(asked, _after_returns(asked))


def returned_as_ever_recorded(asked: Asked) -> Iterator[Finding]:
    """G5 as it was: what followed returns that had been taken back was told, too."""
    yield from returned_and_not_paid_again(asked)
    yield from _made_good_late(asked, _after_any_returns(asked))


def _made_good_late(asked: Asked, after: Select[Any]) -> Iterator[Finding]:
    late: dict[tuple[bytes, bytes, bool], list[tuple[int, int, Row[Any]]]] = defaultdict(list)
    for row in asked.connection.execute(after):
        ended = row.kind == Kind.WITHDRAWAL.value
        days = (date.fromisoformat(row.happened_on) - date.fromisoformat(row.came_back)).days
        allowed = asked.borne_at(uuid_of(row.organisation_id), row.came_back).reissue_days
        since_then = (asked.day - date.fromisoformat(row.came_back)).days
        if since_then >= allowed if ended else days > allowed:
            place = row.organisation_id, row.campaign_id, ended
            late[place].append((days, allowed, row))
    for (organisation, campaign, ended), found in late.items():
        yield Finding(
            "G5",
            Severity.WARNING if ended else Severity.INFORMATION,
            uuid_of(organisation),
            min(row.came_back for _, _, row in found),
            len(found),
            sum(row.amount_fen for _, _, row in found),
            detail="withdrawn_again" if ended else "paid_again_late",
            campaign_id=uuid_of(campaign),
            payment_ids=tuple(uuid_of(row.disbursement_id) for _, _, row in found),
            days_late=None if ended else max(days - allowed for days, allowed, _ in found),
        )


def _after_returns(asked: Asked) -> Select[Any]:
    """Select what followed returns: where it was paid again, and where that was withdrawn last."""
    between = movements.alias("between")
    counts = and_(stands(asked.moment, between), between.c.kind != Kind.CORRECTION.value)
    return _followed(asked, between, counts).where(stands(asked.moment, _BACK))


def _after_any_returns(asked: Asked) -> Select[Any]:
    """Select the same, of returns that had been taken back as well."""
    return _followed(asked, movements.alias("between"), true())


_BACK = movements.alias("back")


def _followed(asked: Asked, between: FromClause, counts: ColumnElement[bool]) -> Select[Any]:
    """Select what followed returns; `counts` is the condition on what lies between them."""
    back = _BACK
    known = asked.moment.covers
    same = movements.c.disbursement_id
    next_kind = (
        select(between.c.kind)
        .where(between.c.disbursement_id == same, known(between), counts)
        .where(between.c.position > movements.c.position)
        .order_by(between.c.position)
        .limit(1)
        .correlate(movements)
        .scalar_subquery()
    )
    last_back = ~exists().where(
        between.c.disbursement_id == same,
        between.c.kind == Kind.RETURN.value,
        counts,
        between.c.position > back.c.position,
        between.c.position < movements.c.position,
    )
    return (
        select(
            movements.c.kind,
            movements.c.disbursement_id,
            movements.c.happened_on,
            movements.c.amount_fen,
            back.c.happened_on.label("came_back"),
            disbursements.c.organisation_id,
            disbursements.c.campaign_id,
        )
        .join(back, back.c.disbursement_id == same)
        .join(disbursements, disbursements.c.disbursement_id == same)
        .where(back.c.kind == Kind.RETURN.value, back.c.position < movements.c.position)
        .where(known(movements), last_back)
        .where(
            or_(
                and_(
                    movements.c.kind == Kind.REISSUE.value,
                    func.coalesce(next_kind, "") != Kind.WITHDRAWAL.value,
                ),
                and_(movements.c.kind == Kind.WITHDRAWAL.value, next_kind.is_(None)),
            )
        )
    )


def unanswered(asked: Asked) -> Iterator[Finding]:
    """J4: the bank does not know what became of it, or left it out of its answer, for days."""
    for each in _by_campaign(
        one for one in _not_answered(asked) if one.unknown or one.batch_id in asked.answered
    ):
        yield _of("J4", Severity.WARNING, each)


def not_proved(asked: Asked) -> Iterator[Finding]:
    """F5: payments by card of which no bank return has said anything: not proved to the bank.

    With the bank's statements this will become the comparison of balances.
    """
    for each in _not_answered(asked):
        if not each.unknown and each.batch_id not in asked.answered:
            yield _of("F5", Severity.WARNING, each, batch=True)


def unsigned_after_deadline(asked: Asked) -> Iterator[Finding]:
    """D3: approved for a sheet, and not signed for when the sheets were due.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, 四(五): the sheets agree with the list.
    """
    due, today = _sheets_due(asked), asked.day.isoformat()
    for each in _on_their_way(asked, Channel.SIGNATURE_SHEET):
        if due.get(each.campaign_id, today) < today:
            yield _of("D3", Severity.ERROR, each, batch=True)


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


def reached_late(asked: Asked) -> Iterator[Finding]:
    """G2: it reached people, though not before the campaign was over; to be known."""
    ends = {each.campaign_id: each.ends_on for each in campaign_list(asked.connection)}
    yield from _reached_after(asked, "G2", ends, "reached_late")


def signed_late(asked: Asked) -> Iterator[Finding]:
    """D3: it was signed for, though not before the sheets were due; to be known."""
    due = _sheets_due(asked)
    yield from _reached_after(asked, "D3", due, "signed_late", Channel.SIGNATURE_SHEET)


def _sheets_due(asked: Asked) -> dict[UUID, str]:
    """Return by which day each campaign that asks for signature sheets asks for them."""
    return {
        campaign_id: deadline.due_on.isoformat()
        for campaign_id, deadlines in asked.deadlines.items()
        for deadline in deadlines
        if deadline.name in SIGNATURE_SHEETS
    }


def _reached_after(
    asked: Asked,
    rule: str,
    until: Mapping[UUID, str],
    detail: str,
    channel: Channel | None = None,
) -> Iterator[Finding]:
    """Tell what reached people after the day that each campaign had for it."""
    passed = {id_: day for id_, day in until.items() if day < asked.day.isoformat()}
    if not passed:
        return
    last = {id_.bytes: day for id_, day in passed.items()}
    late: dict[tuple[bytes, bytes], list[tuple[str, Arrived]]] = defaultdict(list)
    came = arrived(asked.connection, asked.moment, passed, channel)
    for (organisation, campaign, day), of in came.items():
        late[organisation, campaign].append((day, of))
    for (organisation, campaign), found in late.items():
        count = sum(of.count for _, of in found)
        if count > 0:
            due = date.fromisoformat(last[campaign])
            latest = max(date.fromisoformat(day) for day, of in found if of.count > 0)
            yield Finding(
                rule,
                Severity.INFORMATION,
                uuid_of(organisation),
                last[campaign],
                count,
                sum(of.amount_fen for _, of in found),
                detail=detail,
                campaign_id=uuid_of(campaign),
                days_late=(latest - due).days,
            )


def in_anothers_name(asked: Asked) -> Iterator[Finding]:
    """C2: the bank says that the card is not in the recipient's name; verify who it is for.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, 四(五).
    """
    yield from _named_otherwise(asked, stands(asked.moment))


def in_anothers_name_as_ever_recorded(asked: Asked) -> Iterator[Finding]:
    """C2 as it was: returns that had been taken back were told, too."""
    yield from _named_otherwise(asked)


def _named_otherwise(asked: Asked, *conditions: ColumnElement[bool]) -> Iterator[Finding]:
    in_anothers = movements.c.reason == "NAME_MISMATCH"
    for row in asked.connection.execute(_sent_back(asked, in_anothers, *conditions)):
        yield _of_row("C2", Severity.ERROR, row)


def sent_back_after_success(asked: Asked) -> Iterator[Finding]:
    """J3: the bank had said that it was paid, and sent it back later (退票)."""
    yield from _back_after_success(asked, stands(asked.moment))


def sent_back_as_ever_recorded(asked: Asked) -> Iterator[Finding]:
    """J3 as it was: returns that had been taken back were told, too."""
    yield from _back_after_success(asked)


def _back_after_success(asked: Asked, *conditions: ColumnElement[bool]) -> Iterator[Finding]:
    before = states.alias()
    had_settled = exists(
        select(before.c.position)
        .where(before.c.disbursement_id == movements.c.disbursement_id)
        .where(before.c.position < movements.c.position)
        .where(before.c.status == Status.SETTLED.value)
    )
    for row in asked.connection.execute(_sent_back(asked, had_settled, *conditions)):
        yield _of_row("J3", Severity.WARNING, row)


def arrived_at_the_account_before(asked: Asked) -> Iterator[Finding]:
    """J5: made again to another account, and the bank says that it reached the one before, or may.

    Payment by payment, by the last that the bank said of each attempt: somebody has to look into
    each, whatever becomes of the last attempt.
    """
    said, later = arrived_before, arrived_before.alias("later")
    outdone = exists().where(
        later.c.disbursement_id == said.c.disbursement_id,
        later.c.attempt == said.c.attempt,
        later.c.outcome == Outcome.SETTLED.value,
        said.c.outcome != Outcome.SETTLED.value,
        asked.moment.covers(later),
    )
    statement = (
        select(said, disbursements.c.organisation_id, disbursements.c.campaign_id)
        .add_columns(disbursements.c.amount_fen)
        .join(disbursements, disbursements.c.disbursement_id == said.c.disbursement_id)
        .where(asked.moment.covers(said), ~outdone)
        .order_by(said.c.position)
    )
    for row in asked.connection.execute(statement):
        arrived = row.outcome == Outcome.SETTLED.value
        yield Finding(
            "J5",
            Severity.ERROR if arrived else Severity.WARNING,
            uuid_of(row.organisation_id),
            row.happened_on,
            1,
            row.amount_fen,
            detail="arrived_before" if arrived else "may_have_arrived_before",
            campaign_id=uuid_of(row.campaign_id),
            batch_id=uuid_of(row.batch_id),
            position=row.position,
            payment_ids=(uuid_of(row.disbursement_id),),
        )


def _sent_back(asked: Asked, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Sum up what the bank sent back, by organisation and campaign."""
    place = (disbursements.c.organisation_id, disbursements.c.campaign_id)
    return (
        select(
            *place,
            func.min(movements.c.happened_on).label("since"),
            func.count().label("number"),
            func.sum(movements.c.amount_fen).label("amount_fen"),
        )
        .join(disbursements, disbursements.c.disbursement_id == movements.c.disbursement_id)
        .where(movements.c.kind == Kind.RETURN.value, asked.moment.covers(movements), *conditions)
        .group_by(*place)
    )


def _of_row(rule: str, severity: Severity, row: Row[Any]) -> Finding:
    return Finding(
        rule,
        severity,
        uuid_of(row.organisation_id),
        row.since,
        row.number,
        row.amount_fen,
        campaign_id=uuid_of(row.campaign_id),
    )


def _on_their_way(asked: Asked, channel: Channel) -> Iterator[Open]:
    today = asked.day.isoformat()
    for each in asked.open:
        if each.status == Status.IN_TRANSIT and each.channel == channel and each.since <= today:
            yield each


def _not_answered(asked: Asked) -> Iterator[Open]:
    """Yield what went by card and is on its way for longer than the days allowed for an answer."""
    for each in _on_their_way(asked, Channel.BANK_CARD):
        if each.since <= asked.past(_there(asked, each).answer_days):
            yield each


def _there(asked: Asked, open_: Open) -> Patience:
    return asked.borne_at(open_.organisation_id, open_.since)


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
