"""Who owes what a campaign asks for by a day: whoever took part in it by then."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, exists, select

from ledger.domain.policy import Channel, Deadline
from projections.asked import NOW, Moment, uuid_of
from projections.batches import batches, steps
from projections.organisations import tree_on

SIGNATURE_SHEETS = ("signature_sheets", "签字表")
"""What campaigns call the deadline of signature sheets."""


def owing(
    connection: Connection,
    campaign_id: UUID,
    deadline: Deadline,
    part: Collection[UUID] | None,
    moment: Moment = NOW,
) -> set[UUID]:
    """Return who owes what a campaign asks for by a day.

    Sheets are due from whoever had a sheet approved by the day, and all else from whoever listed
    people by then, and from those above them on that day, as far as they have a `part` in the
    campaign; None: all have. Of a day ahead, from those who did so up to now.
    """
    of = batches.c
    listed = select(of.organisation_id).where(
        of.campaign_id == campaign_id.bytes,
        of.happened_on <= deadline.due_on.isoformat(),
        moment.covers(batches),
    )
    if deadline.name in SIGNATURE_SHEETS:
        approved = exists().where(
            steps.c.batch_id == of.batch_id,
            steps.c.step == "approved",
            steps.c.happened_on <= deadline.due_on.isoformat(),
            moment.covers(steps),
        )
        sheets = listed.where(of.channel == Channel.SIGNATURE_SHEET.value, approved)
        found = {uuid_of(raw) for raw in connection.execute(sheets.distinct()).scalars()}
    else:
        tree = tree_on(connection, deadline.due_on, moment.at)
        listing = connection.execute(listed.distinct()).scalars()
        found = {above for raw in listing for above in tree.line(uuid_of(raw))}
    return found if part is None else found & set(part)
