"""What reached people of campaigns day by day, net of what left them: after an end, say."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from ledger.domain.policy import Channel
from projections.asked import Moment
from projections.blocks import FOLDED, blocks_at
from projections.disbursements import REACHED
from projections.payment_states import disbursements
from projections.payment_sums import changes, runs, sums

_Place = tuple[bytes, bytes, str]
"""Organisation, campaign and day."""


@dataclass(slots=True)
class Arrived:
    """How many payments reached people on a day, and fen; below zero: came back, on balance."""

    count: int = 0
    amount_fen: int = 0

    def add(self, count: int, amount_fen: int) -> None:
        self.count += count
        self.amount_fen += amount_fen


def arrived(
    connection: Connection,
    moment: Moment,
    after: Mapping[UUID, str],
    channel: Channel | None = None,
) -> dict[_Place, Arrived]:
    """Return what reached people, by organisation, campaign and day.

    Sums of whole blocks are kept; payments of the open one are looked at.

    Args:
        connection: Of the read model.
        moment: As of when.
        after: The campaigns that count, and after which day of each.
        channel: By which the payments went; None: by any.
    """
    since = {each.bytes: day for each, day in sorted(after.items())}
    if not since:
        return {}
    blocks = blocks_at(connection, moment)
    place = (runs.c.organisation_id, runs.c.campaign_id)
    folded = (
        select(*place, sums.c.happened_on, func.sum(sums.c.count), func.sum(sums.c.total_fen))
        .join(sums, sums.c.run == runs.c.run)
        .where(sums.c.status.in_(REACHED), sums.c.block < blocks.whole, moment.by_day(sums))
        .where(
            or_(
                *(
                    and_(runs.c.campaign_id == id_, sums.c.happened_on > day)
                    for id_, day in since.items()
                )
            )
        )
        .group_by(*place, sums.c.happened_on)
    )
    where: list[ColumnElement[bool]] = [disbursements.c.campaign_id.in_(since)]
    if channel is not None:
        folded = folded.where(runs.c.channel == channel.value)
        where.append(disbursements.c.channel == channel.value)
    key = (blocks, moment.as_of, "arrived", tuple(since.items()), channel)
    found: dict[_Place, Arrived] = defaultdict(Arrived)
    for row in FOLDED.rows(connection, key, folded):
        organisation, campaign, day, count, amount = tuple(row)
        found[organisation, campaign, day].add(count, amount)
    by = (disbursements.c.organisation_id, disbursements.c.campaign_id)
    for alike, change in changes(connection, blocks.end, moment.known_end, by, where):
        status, day, amount, more = change
        if status in REACHED and since[alike[1]] < day <= moment.last_day:
            found[alike[0], alike[1], day].add(more, more * amount)
    return found
