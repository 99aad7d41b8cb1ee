"""F1: money that was given for something else (专款专用), whatever let it through."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, exists, select

from projections.findings.archive import Categories
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.growing import Growing, among
from projections.findings.people import standing, told_together
from projections.journal import Account, funds, lines, lots
from projections.payment_states import disbursements
from projections.policies import EARMARK, SOURCE, category_purposes

OTHER_SOURCE, OTHER_EARMARK = "other_source", "other_earmark"


def paid_of_other_money(asked: Asked) -> Iterator[Finding]:
    """F1: paid from a source, or out of an account, that the policy does not let pay the category.

    What came back and was paid again is held against the policy of that day. The amounts are those
    of the payments, of which such money may be a part.
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
    statement = _drawn().where(asked.moment.covers(lines)).order_by(lines.c.position)
    for draw in among(asked.connection, list(payments), lines.c.disbursement_id, statement):
        payment = payments[draw.disbursement_id]
        said = categories.known(payment.campaign_id, draw.position, draw.happened_on)
        rule = next((each for each in said if each.name == payment.category), None)
        if rule is None:
            continue
        for what, allowed, was in (
            (OTHER_SOURCE, rule.sources, draw.source),
            (OTHER_EARMARK, rule.earmarks, draw.earmark),
        ):
            if allowed and was not in allowed:
                where = what, payment.organisation_id, payment.campaign_id
                found[where][payment.disbursement_id] = payment
    for (what, union, campaign), of in found.items():
        yield told_together("F1", Severity.ERROR, (union, campaign), of.values(), detail=what)


def drawn_of(connection: Connection, disbursement_id: UUID) -> list[tuple[str, str]]:
    """Return source and earmark of the money that a payment was drawn from, each pair once."""
    pieces = _drawn().where(lines.c.disbursement_id == disbursement_id.bytes)
    found = connection.execute(pieces.order_by(lines.c.position, lines.c.part))
    return list(dict.fromkeys((row.source, row.earmark) for row in found))


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


def _otherwise(start: int) -> Sequence[Select[Any]]:
    """Select payments drawn since from money that some adoption does not let pay their category."""
    drawn = (
        _drawn()
        .join(disbursements, disbursements.c.disbursement_id == lines.c.disbursement_id)
        .where(lines.c.position >= start)
        .with_only_columns(lines.c.disbursement_id)
    )
    rule, other = category_purposes, category_purposes.alias()

    def outside(purpose: str, column: Any) -> Select[Any]:
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
        named = (
            exists()
            .where(rule.c.name == disbursements.c.category, rule.c.purpose == purpose, ~allowed)
            .correlate_except(rule)
        )
        return drawn.where(named)

    return outside(SOURCE, lots.c.source), outside(EARMARK, funds.c.earmark)


_OTHERWISE = Growing(_otherwise)
