"""F1: money that was given for something else (专款专用), whatever let it through."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, select

from projections.batches import campaigns
from projections.findings.archive import Categories, Category
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.growing import Growing, among
from projections.findings.people import standing, told_together
from projections.journal import Account, funds, lines, lots
from projections.payment_states import disbursements
from projections.policies import EARMARK, SOURCE, adoptions, category_purposes

OTHER_SOURCE, OTHER_EARMARK = "other_source", "other_earmark"


def paid_of_other_money(asked: Asked) -> Iterator[Finding]:
    """F1: paid from a source, or out of an account, that the policy does not let pay the category.

    What came back and was paid again is held against the policy of that day, and the money that
    went back is not looked at any more. The amounts are those of the payments, of which such money
    may be a part.
    """
    if asked.connection.execute(select(category_purposes.c.position).limit(1)).first() is None:
        return  # No policy says of what money anybody is paid, and nothing need be looked through.
    ids = _OTHERWISE.keys(asked.connection)
    if not ids:
        return
    categories = Categories(asked)
    payments = {
        row.disbursement_id: row
        for row in among(asked.connection, ids, disbursements.c.disbursement_id, standing(asked))
    }
    found: dict[tuple[str, bytes, bytes], dict[bytes, Row[Any]]] = defaultdict(dict)
    statement = _drawn().where(asked.moment.covers(lines))
    for draw in _last(among(asked.connection, list(payments), lines.c.disbursement_id, statement)):
        payment = payments[draw.disbursement_id]
        said = categories.known(payment.campaign_id, draw.position, draw.happened_on)
        rule = _named(payment.category, said)
        if rule is None:
            # A category that was renamed since is still paid of its own money.
            rule = _named(payment.category, categories.when(payment))
        if rule is None:
            continue
        for what, _ in other_money(rule.sources, rule.earmarks, draw.source, draw.earmark):
            where = what, payment.organisation_id, payment.campaign_id
            found[where][payment.disbursement_id] = payment
    for (what, union, campaign), of in found.items():
        yield told_together("F1", Severity.ERROR, (union, campaign), of.values(), detail=what)


def other_money(
    sources: Collection[str], earmarks: Collection[str], source: str, earmark: str
) -> Iterator[tuple[str, str]]:
    """Yield what of some money may not pay a category, and its name; none named: any may."""
    for what, allowed, was in ((OTHER_SOURCE, sources, source), (OTHER_EARMARK, earmarks, earmark)):
        if allowed and was not in allowed:
            yield what, was


class Draw(NamedTuple):
    """When a payment's money was drawn, and of what source and earmark it is, each pair once."""

    happened_on: str
    position: int
    money: tuple[tuple[str, str], ...]


def drawn_last(connection: Connection, disbursement_id: UUID) -> Draw | None:
    """Return of what money a payment was made last: what it was before went back."""
    pieces = _drawn().where(lines.c.disbursement_id == disbursement_id.bytes)
    rows = _last(connection.execute(pieces.order_by(lines.c.position, lines.c.part)))
    if not rows:
        return None
    money = dict.fromkeys((row.source, row.earmark) for row in rows)
    return Draw(rows[0].happened_on, rows[0].position, tuple(money))


def _last(drawn: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Return the pieces of the last draw of each payment."""
    last: dict[bytes, list[Row[Any]]] = {}
    for row in drawn:
        known = last.get(row.disbursement_id)
        if known is None or row.position > known[0].position:
            last[row.disbursement_id] = [row]
        elif row.position == known[0].position:
            known.append(row)
    return [row for rows in last.values() for row in rows]


def _named(name: str, categories: Iterable[Category]) -> Category | None:
    return next((each for each in categories if each.name == name), None)


def _drawn() -> Select[Any]:
    """Select the pieces that payments were drawn from."""
    return (
        select(
            lines.c.disbursement_id,
            lines.c.position,
            lines.c.happened_on,
            lots.c.source,
            funds.c.earmark,
        )
        .join(lots, lots.c.lot_id == lines.c.lot_id)
        .join(funds, funds.c.fund_id == lines.c.fund_id)
        .where(lines.c.from_account == Account.FUND.value)
        .where(lines.c.to_account == Account.TRANSIT.value)
    )


def drawn_otherwise(start: int) -> Sequence[Select[Any]]:
    """Select payments drawn since from money that a reading of before did not let pay them."""
    drawn = (
        _drawn()
        .join(disbursements, disbursements.c.disbursement_id == lines.c.disbursement_id)
        .join(campaigns, campaigns.c.campaign_id == disbursements.c.campaign_id)
        .with_only_columns(lines.c.disbursement_id)
    )
    # A draw stands before the payment that it is for: one may have been read without the other.
    since = [drawn.where(lines.c.position >= start)]
    if start:
        since.append(drawn.where(disbursements.c.position >= start))
    rule, other = category_purposes, category_purposes.alias()

    def outside(purpose: str, column: Any) -> ColumnElement[bool]:
        allowed = (
            exists()
            .where(
                other.c.position == rule.c.position,
                other.c.name == rule.c.name,
                other.c.purpose == purpose,
                other.c.allowed == column,
            )
            .correlate_except(other)
        )
        return (
            exists()
            .where(
                rule.c.name == disbursements.c.category,
                rule.c.purpose == purpose,
                rule.c.position < lines.c.position,
                adoptions.c.position == rule.c.position,
                adoptions.c.policy_id == campaigns.c.policy_id,
                ~allowed,
            )
            .correlate_except(rule, adoptions)
        )

    other_money = outside(SOURCE, lots.c.source), outside(EARMARK, funds.c.earmark)
    return [each.where(of) for each in since for of in other_money]


_OTHERWISE = Growing(drawn_otherwise)
