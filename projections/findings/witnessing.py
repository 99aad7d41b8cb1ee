"""Rules about the log itself: who saw that it does not go on as it did."""

from collections.abc import Iterator

from sqlalchemy import select

from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.witness_refusals import witness_refusals


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
