"""Deadlines: who has handed in what, how late, and who has not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection, Index, Table, select

from ledger.domain.aggregate import Event
from ledger.domain.filing import Filing
from ledger.domain.policy import Deadline
from projections.asked import NOW, Moment, optional_uuid, uuid_of
from projections.kept import Kept
from projections.view import (
    Handler,
    Projection,
    Rows,
    id_column,
    metadata,
    number_column,
    text_column,
)

filings = Table(
    "filings",
    metadata,
    number_column("position", primary_key=True),
    id_column("filing_id"),
    id_column("campaign_id", nullable=True),
    id_column("organisation_id"),
    text_column("name", nullable=True),
    text_column("due_on", nullable=True),
    text_column("document_sha256", nullable=True),
    text_column("reason", nullable=True),
    text_column("words", nullable=True),
    text_column("paper", nullable=True),
    id_column("officer_id"),
    text_column("happened_on"),
    text_column("recorded_at"),
    Index("filings_by_filing", "filing_id", "position"),
)


class Deadlines(Projection):
    tables: ClassVar = (filings,)

    def handlers(self) -> Mapping[type[Event], Handler]:
        return {
            Filing.HandedIn: _handed_in,
            Filing.Narrated: _narrated,
            Filing.SentBack: _sent_back,
        }


@dataclass(frozen=True, slots=True)
class FilingView:
    """A filing as it stands; `days_late` is 0 in time, `sent_back` says why, where it was.

    `words` are the office's own in the report, where it wrote any; `paper` is where its figures
    stand, and `words_at` where in the log the words do.
    """

    filing_id: UUID
    campaign_id: UUID | None
    organisation_id: UUID
    name: str
    due_on: str
    handed_in_on: str
    days_late: int
    document_sha256: str
    officer_id: UUID
    sent_back: str | None
    position: int
    words: str | None = None
    paper: str = ""
    words_at: int | None = None


def filing_list(
    connection: Connection,
    moment: Moment = NOW,
    *,
    organisation_ids: Sequence[UUID] | None = None,
    campaign_id: UUID | None = None,
) -> list[FilingView]:
    """Return filings as they stood at the moment, in the order of their first handing in."""
    statement = select(filings).where(moment.covers(filings)).order_by(filings.c.position)
    if organisation_ids is not None:
        ids = [each.bytes for each in organisation_ids]
        statement = statement.where(filings.c.organisation_id.in_(ids))
    if campaign_id is not None:
        # What sends a filing back does not name the campaign.
        of_campaign = select(filings.c.filing_id).where(filings.c.campaign_id == campaign_id.bytes)
        statement = statement.where(filings.c.filing_id.in_(of_campaign))
    found: dict[bytes, FilingView] = {}
    for row in connection.execute(statement):
        before = found.get(row.filing_id)
        if row.reason is not None and before is not None:
            found[row.filing_id] = replace(before, sent_back=row.reason)
            continue
        if row.words is not None and before is not None:
            found[row.filing_id] = replace(
                before, words=row.words, paper=row.paper, words_at=row.position
            )
            continue
        due, came = date.fromisoformat(row.due_on), date.fromisoformat(row.happened_on)
        found[row.filing_id] = FilingView(
            uuid_of(row.filing_id),
            optional_uuid(row.campaign_id),
            uuid_of(row.organisation_id),
            row.name,
            row.due_on,
            row.happened_on,
            max(0, (came - due).days),
            row.document_sha256,
            uuid_of(row.officer_id),
            None,
            row.position if before is None else before.position,
        )
    return list(found.values())


def words_at(connection: Connection, position: int) -> tuple[UUID, str] | None:
    """Return what an office said in its report at a position in the log, and which office."""
    statement = select(filings.c.organisation_id, filings.c.words).where(
        filings.c.position == position, filings.c.words.is_not(None)
    )
    found = connection.execute(statement).one_or_none()
    return None if found is None else (uuid_of(found.organisation_id), found.words)


_BY_CAMPAIGN: Kept[Mapping[UUID | None, Sequence[FilingView]]] = Kept(filings)


def filings_by_campaign(
    connection: Connection, moment: Moment = NOW
) -> Mapping[UUID | None, Sequence[FilingView]]:
    """Return all filings as they stood at the moment, of each campaign in order."""

    def find() -> Mapping[UUID | None, Sequence[FilingView]]:
        found: dict[UUID | None, list[FilingView]] = defaultdict(list)
        for each in filing_list(connection, moment):
            found[each.campaign_id].append(each)
        return dict(found)

    return _BY_CAMPAIGN.answer(connection, moment, find)


@dataclass(frozen=True, slots=True)
class Missing:
    """What an organisation has not handed in, or has not again; late from `due_on` on."""

    organisation_id: UUID
    name: str
    due_on: str
    days_late: int


def missing(
    handed_in: Sequence[FilingView],
    deadlines: Sequence[Deadline],
    organisation_ids: Sequence[UUID],
    day: date,
) -> list[Missing]:
    """Return what is not handed in on a day, by deadline and then by organisation."""
    standing = filed(handed_in)
    return [
        Missing(
            id_, deadline.name, deadline.due_on.isoformat(), max(0, (day - deadline.due_on).days)
        )
        for deadline in deadlines
        for id_ in organisation_ids
        if id_ not in standing.get(deadline.name, ())
    ]


def filed(handed_in: Iterable[FilingView]) -> dict[str, set[UUID]]:
    """Return who has handed in what, by its name, so that it stands."""
    found: dict[str, set[UUID]] = defaultdict(set)
    for each in handed_in:
        if each.sent_back is None:
            found[each.name].add(each.organisation_id)
    return found


def _handed_in(event: Filing.HandedIn, position: int, rows: Rows) -> None:
    rows["filings"].append(
        (
            position,
            event.originator_id.bytes,
            event.campaign_id.bytes,
            event.organisation_id.bytes,
            event.name,
            event.due_on.isoformat(),
            event.document_sha256,
            None,
            None,
            None,
            event.handed_in_by.bytes,
            event.happened_on.isoformat(),
            event.recorded_at,
        )
    )


def _narrated(event: Filing.Narrated, position: int, rows: Rows) -> None:
    rows["filings"].append(
        (
            position,
            event.originator_id.bytes,
            None,
            event.organisation_id.bytes,
            None,
            None,
            None,
            None,
            event.words,
            event.paper,
            event.written_by.bytes,
            event.happened_on.isoformat(),
            event.recorded_at,
        )
    )


def _sent_back(event: Filing.SentBack, position: int, rows: Rows) -> None:
    rows["filings"].append(
        (
            position,
            event.originator_id.bytes,
            None,
            event.organisation_id.bytes,
            None,
            None,
            None,
            event.reason,
            None,
            None,
            event.sent_back_by.bytes,
            event.happened_on.isoformat(),
            event.recorded_at,
        )
    )
