"""Upheld objections: of which rows of a list, and against whom whose row fell."""

from uuid import UUID

from sqlalchemy import Connection, select

from projections.asked import uuid_of
from projections.notices import notices, steps, withdrawn_rows


def rows_objected_to(connection: Connection, batch_id: UUID) -> set[int]:
    """Return the rows of a batch that objections were upheld about."""
    statement = (
        select(steps.c.row_number)
        .join(notices, notices.c.notice_id == steps.c.notice_id)
        .where(notices.c.batch_id == batch_id.bytes)
        .where(steps.c.step == "upheld", steps.c.row_number.is_not(None))
    )
    return set(connection.execute(statement).scalars())


def people_objected_to(connection: Connection, campaign_id: UUID) -> set[UUID]:
    """Return whose rows fell that objections were upheld about, in any list of a campaign."""
    statement = (
        select(withdrawn_rows.c.person_id)
        .join(notices, notices.c.batch_id == withdrawn_rows.c.batch_id)
        .join(steps, steps.c.notice_id == notices.c.notice_id)
        .where(notices.c.campaign_id == campaign_id.bytes)
        .where(steps.c.step == "upheld", steps.c.row_number == withdrawn_rows.c.number)
    )
    return {uuid_of(raw) for raw in connection.execute(statement).scalars()}
