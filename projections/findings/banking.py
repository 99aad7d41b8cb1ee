"""Rules about what the bank booked: money out that is nobody's, and payments that it never made."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Subquery,
    Table,
    and_,
    exists,
    false,
    func,
    or_,
    select,
)

from ledger.domain.bank_statement import LineState
from ledger.domain.book_item import ItemKind
from ledger.domain.policy import LimitName
from projections.asked import uuid_of
from projections.bank_books import (
    MATCHED,
    OPEN,
    TAKEN_UP,
    accounts,
    decisions,
    files,
    items,
    kept_funds,
    lines,
    matches,
    numbered_next,
    spans,
)
from projections.batches import batches, statements
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity

CANCELLED_DAYS = 3
"""Within so many days a bank reverses what it booked wrongly (冲正); later it was away."""


def nobodys_money_out(asked: Asked) -> Iterator[Finding]:
    """F4: the bank booked money out, and for days nobody found what of the books it is.

    Also where it was matched with nothing but money that came in much later, and the bank marks
    none of that as a return; and, as a doubt, where it was not one officer who called it no
    business of this ledger and another who wrote it off.

    Source: 送温暖资金使用管理: 不得挪用.
    """
    aside = _aside_by_then(asked)
    by_two = and_(
        aside.c.before == LineState.IGNORED.value,
        aside.c.officer_id.is_distinct_from(aside.c.before_by),
    )
    alone = and_(aside.c.what == LineState.WRITTEN_OFF.value, ~func.coalesce(by_two, false()))
    yield from _money_out_aside(asked, aside, or_(aside.c.what == LineState.IGNORED.value, alone))


def written_off_by_anybody(asked: Asked) -> Iterator[Finding]:
    """F4, version 2: what an approver wrote off was explained, though nobody else had spoken."""
    aside = _aside_by_then(asked)
    yield from _money_out_aside(asked, aside, aside.c.what == LineState.IGNORED.value)


def _money_out_aside(
    asked: Asked, aside: Subquery, doubted: ColumnElement[bool]
) -> Iterator[Finding]:
    said = func.coalesce(aside.c.what, TAKEN_UP)
    untouched = or_(lines.c.state != MATCHED, _matched_later(asked, lines))
    yield from _money_out(asked, and_(said == TAKEN_UP, untouched), aside=aside)
    yield from _money_out(asked, _cancelled_late(asked), detail="cancelled_late")
    yield from _money_out(asked, doubted, Severity.WARNING, "set_aside", aside)


def open_money_out(asked: Asked) -> Iterator[Finding]:
    """F4, version 1: what was set aside or matched at all was not looked at."""
    yield from _money_out(asked, _was_open(asked, lines))


def _money_out(
    asked: Asked,
    which: ColumnElement[bool],
    severity: Severity = Severity.ERROR,
    detail: str | None = None,
    aside: Subquery | None = None,
) -> Iterator[Finding]:
    """Sum up money out of each account, of lines that were there for the days allowed."""
    statement = (
        select(
            lines.c.account_id,
            accounts.c.organisation_id,
            lines.c.booked_on.label("since"),
            func.count().label("number"),
            func.sum(-lines.c.amount_fen).label("amount_fen"),
            func.min(lines.c.position).label("stood_at"),
            func.min(accounts.c.position).label("position"),
        )
        .join(accounts, accounts.c.account_id == lines.c.account_id)
        .where(lines.c.amount_fen < 0, lines.c.booked_on >= accounts.c.begins_on)
        .where(lines.c.booked_on <= asked.past(min(asked.values(LimitName.BANK_DAYS))))
        .where(*_was_known(asked, lines), which)
        .group_by(lines.c.account_id, accounts.c.organisation_id, lines.c.booked_on)
    )
    if aside is not None:
        line = (lines.c.statement_id == aside.c.statement_id, lines.c.line == aside.c.line)
        statement = statement.outerjoin(aside, and_(*line))
    rows = asked.connection.execute(statement)
    late = (each for each in rows if each.since <= asked.past(_allowed(asked, each)))
    yield from _by_account("F4", late, severity, detail)


def _aside_by_then(asked: Asked) -> Subquery:
    """Select what was said last by the moment of lines that were set aside, or taken up again.

    With who said it, and what was said right before it, by whom.
    """
    of = decisions.c
    said = (LineState.IGNORED.value, LineState.WRITTEN_OFF.value, TAKEN_UP)
    line = (of.statement_id, of.line)
    words = (
        select(
            *(*line, of.what, of.officer_id),
            func.lag(of.what).over(partition_by=line, order_by=of.position).label("before"),
            func.lag(of.officer_id)
            .over(partition_by=line, order_by=of.position)
            .label("before_by"),
            func.row_number().over(partition_by=line, order_by=of.position.desc()).label("back"),
        )
        .where(of.what.in_(said), asked.moment.covers(decisions))
        .subquery()
    )
    return select(words).where(words.c.back == 1).subquery("aside")


def _cancelled_late(asked: Asked) -> ColumnElement[bool]:
    """Say that a line was matched by then with lines alone, far apart and none of them a return."""
    other = lines.alias("other")
    soon = func.date(matches.c.first_day, f"+{CANCELLED_DAYS} days")
    return exists().where(
        matches.c.match_id == lines.c.match_id,
        matches.c.item_count == 0,
        matches.c.last_day > soon,
        matches.c.position < asked.moment.known_end,
        matches.c.made_on <= asked.moment.last_day,
        ~exists().where(other.c.match_id == matches.c.match_id, other.c.returned != 0),
    )


def never_paid_by_the_bank(asked: Asked) -> Iterator[Finding]:
    """F6: a bank return said that it was paid, and the account's statements show nothing of it.

    Statements that go on without a gap, from the day of the payment over the days that are allowed:
    of days of which none is here, nobody knows what the bank booked.
    """
    unbroken: dict[bytes, list[tuple[str, str]]] = {}

    def is_missing(row: Row[Any]) -> bool:
        if row.account_id not in unbroken:
            unbroken[row.account_id] = _unbroken(asked, row.account_id)
        until = _on(row.since, _allowed(asked, row))
        return any(first <= row.since and until <= last for first, last in unbroken[row.account_id])

    rows = asked.connection.execute(_not_booked(asked))
    yield from _by_account("F6", (each for each in rows if is_missing(each)))


def never_paid_by_the_last_day_covered(asked: Asked) -> Iterator[Finding]:
    """F6, version 1: the last day that any statement covers counted, whatever was missing."""
    rows = asked.connection.execute(_not_booked(asked))
    yield from _by_account(
        "F6",
        (each for each in rows if _on(each.since, _allowed(asked, each)) <= each.closed_on),
    )


def _not_booked(asked: Asked) -> Select[Any]:
    """Sum up payouts that the bank said to be paid, and that nothing of its statements met."""
    least = min(asked.values(LimitName.BANK_DAYS))
    closed_on = (
        select(func.max(spans.c.closed_on))
        .where(
            spans.c.account_id == accounts.c.account_id,
            spans.c.closed_on <= asked.day.isoformat(),
        )
        .correlate(accounts)
        .scalar_subquery()
    )
    return (
        select(
            accounts.c.account_id,
            items.c.organisation_id,
            items.c.booked_on.label("since"),
            func.count().label("number"),
            func.sum(-items.c.amount_fen).label("amount_fen"),
            func.min(items.c.position).label("stood_at"),
            func.min(accounts.c.position).label("position"),
            closed_on.label("closed_on"),
        )
        .join(kept_funds, kept_funds.c.fund_id == items.c.fund_id)
        .join(accounts, accounts.c.account_id == kept_funds.c.account_id)
        .join(batches, batches.c.batch_id == items.c.source_id)
        .where(items.c.kind == ItemKind.PAYOUT.value, items.c.booked_on >= accounts.c.begins_on)
        .where(_was_open(asked, items))
        .where(closed_on >= func.date(items.c.booked_on, f"+{least} days"))
        .where(
            exists().where(
                statements.c.batch_id == batches.c.batch_id,
                statements.c.settled_count > 0,
                asked.moment.covers(statements),
            )
        )
        .group_by(accounts.c.account_id, items.c.organisation_id, items.c.booked_on)
    )


def _unbroken(asked: Asked, account: bytes) -> list[tuple[str, str]]:
    """Return the stretches of days, both counted, over which statements follow one another.

    As the chain of an account does: day on day, or numbered one after the other. Days after the
    one that is asked of count no more than before.
    """
    statement = (
        select(spans, files.c.number, files.c.bank_format)
        .join(files, files.c.statement_id == spans.c.statement_id)
        .where(spans.c.account_id == account, spans.c.closed_on <= asked.day.isoformat())
        .order_by(spans.c.opened_on)
    )
    found: list[tuple[str, str]] = []
    before: Row[Any] | None = None
    for row in asked.connection.execute(statement):
        goes_on = before is not None and (
            row.opened_on == _on(before.closed_on, 1) or numbered_next(before, row)
        )
        first = found.pop()[0] if goes_on else row.opened_on
        found.append((first, row.closed_on))
        before = row
    return found


def _was_open(asked: Asked, of: Table) -> ColumnElement[bool]:
    """Say that a line or an item was there at the moment, and nothing decided about it.

    What was matched later was open then; what was set aside meanwhile is not told.
    """
    return and_(*_was_known(asked, of), or_(of.c.state == OPEN, _matched_later(asked, of)))


def _matched_later(asked: Asked, of: Table) -> ColumnElement[bool]:
    later = or_(
        matches.c.position >= asked.moment.known_end, matches.c.made_on > asked.moment.last_day
    )
    return exists().where(matches.c.match_id == of.c.match_id, later)


def _was_known(asked: Asked, of: Table) -> tuple[ColumnElement[bool], ...]:
    return of.c.position < asked.moment.known_end, of.c.booked_on <= asked.moment.last_day


def _allowed(asked: Asked, row: Row[Any]) -> int:
    return asked.borne_at(uuid_of(row.organisation_id), row.since).bank_days


def _on(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _by_account(
    rule: str,
    rows: Iterable[Row[Any]],
    severity: Severity = Severity.ERROR,
    detail: str | None = None,
) -> Iterator[Finding]:
    """Put together what is found of one account and organisation, day by day."""
    found: dict[tuple[bytes, bytes], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.account_id, row.organisation_id].append(row)
    for (account, organisation), of in found.items():
        yield Finding(
            rule,
            severity,
            uuid_of(organisation),
            min(row.since for row in of),
            sum(row.number for row in of),
            sum(row.amount_fen for row in of),
            detail=detail,
            position=of[0].position,
            account_id=uuid_of(account),
            stood_at=(min(row.stood_at for row in of),),
        )
