"""A timeline: events with who did them where, under which post, and what they changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from api.callers import Reach
from api.dependencies import Page
from api.histories import events_at
from api.v1 import models
from api.within import is_wholly_within
from ledger.domain.officer import Officer
from ledger.store.application import Ledger
from projections.batches import batch_places
from projections.disbursements import disbursement_list
from projections.histories import positions_of
from projections.organisations import Organisation, Tree

REASONS = ("reason", "overriding", "made_for")
UNSHOWN = frozenset(
    {"parts", "lots", "card_index", "id_index", "campaign_id", "tree_head", *REASONS}
)
"""What says nothing to a reader, or stands apart; the proof's page shows all of an entry."""

STATUS: Mapping[str, str] = {
    "disbursement.instructed": "in_transit",
    "disbursement.reissued": "in_transit",
    "disbursement.settled": "settled",
    "disbursement.signed": "signed",
    "disbursement.returned": "returned",
    "disbursement.withdrawn": "withdrawn",
}
"""What a payment's event leaves it as; a correction says so itself."""

DATA: Mapping[str, str] = {
    "recipient.registered": "kept",
    "recipient.restricted": "restricted",
    "recipient.restriction_lifted": "kept",
    "recipient.erased": "erased",
}
"""What an event leaves a person's data as."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field before and after an event; `before` is None where it was not known."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Node:
    """An event on a timeline.

    `place` is the organisation that it is about, None where it is about none in particular;
    `posts` are those that its actor held that day, where it happened or above, else anywhere.
    """

    event: models.HistoryEvent
    place: Organisation | None
    posts: list[tuple[str, Organisation]]
    batch: tuple[UUID, str] | None
    changes: list[Change]
    reasons: list[Change]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads events for a timeline, for somebody who sees so far."""

    ledger: Ledger
    model: Connection
    tree: Tree
    reach: Reach

    def positions(
        self, subjects: Iterable[UUID], page: Page, beside: Iterable[int] = ()
    ) -> tuple[list[int], str | None]:
        """Return where the next events of all these subjects stand, and the page after them.

        `beside` are positions of events that name none of them, and belong there all the same.
        """
        found = {
            position
            for subject in subjects
            for position in positions_of(
                self.model, subject, after=page.after, limit=page.limit + 1
            )
        }
        found |= {position for position in beside if position > page.after}
        return page.cut(sorted(found), position=int)

    def nodes(
        self, positions: Collection[int], page: Page, *, whole: bool, only: Collection[str] = ()
    ) -> list[Node]:
        """Return what may be shown of the events at positions.

        Args:
            positions: In the order of the log.
            page: Of which log.
            whole: All that it is about is within reach, so what names no place may be shown too.
            only: Topics, or none for all.
        """
        size, _ = self.ledger.log.select_checkpoint(page.at + 1) or (0, "")
        events = events_at(self.ledger, self.model, positions, size)
        if only:
            events = [event for event in events if event.type in only]
        places = self._places(events)
        known: dict[str, dict[str, Any]] = {}
        nodes = []
        for event in events:
            changes, reasons = _changes(event, known.setdefault(str(event.stream), {}))
            place, batch = places[event.position]
            if place is None and not whole and not self._is_near(event):
                continue
            if place is not None and place.organisation_id not in self.reach.ids:
                continue
            posts = self._posts(event, place)
            nodes.append(Node(event, place, posts, batch, changes, reasons))
        return nodes

    def sees_all_of(self, person_id: UUID) -> bool:
        """Say whether every union that filed, paid or listed a person is within reach."""
        return is_wholly_within(self.ledger, self.model, self.reach, person_id)

    def _places(
        self, events: list[models.HistoryEvent]
    ) -> dict[int, tuple[Organisation | None, tuple[UUID, str] | None]]:
        """Say which organisation and batch each event is about."""
        batches = batch_places(self.model, set(_ids(events, "batch_id", "batch", "subject_id")))
        payments = {
            each.disbursement_id: each
            for each in disbursement_list(
                self.model,
                disbursement_ids=sorted(
                    set(_ids(events, "disbursement_id", "disbursement", "subject_id"))
                ),
            )
        }
        files = {
            (str(event.stream), event.data["file_number"]): event.data["organisation_id"]
            for event in events
            if event.type == "recipient.filed"
        }
        found = {}
        for event in events:
            of_batch = of_payment = None
            for id_ in _ids([event], "batch_id", "batch", "subject_id"):
                of_batch = (id_, *batches[id_]) if id_ in batches else of_batch
            for id_ in _ids([event], "disbursement_id", "disbursement", "subject_id"):
                of_payment = payments.get(id_, of_payment)
            place = event.data.get("organisation_id")
            if place is None and of_batch is not None:
                place = of_batch[2]
            if place is None and of_payment is not None:
                place = of_payment.organisation_id
            if place is None and event.type == "recipient.file_closed":
                place = files.get((str(event.stream), event.data["file_number"]))
            batch = None if of_batch is None else (of_batch[0], of_batch[1])
            named = None if place is None else self.tree.by_id.get(UUID(str(place)))
            found[event.position] = named, batch
        return found

    def _posts(
        self, event: models.HistoryEvent, place: Organisation | None
    ) -> list[tuple[str, Organisation]]:
        held = [
            (tenure.role, self.tree.by_id[tenure.organisation_id])
            for tenure in self._tenures(event)
            if tenure.organisation_id in self.tree.by_id
        ]
        above = set(self._upwards(place))
        there = [each for each in held if each[1].organisation_id in above]
        return there or held

    def _is_near(self, event: models.HistoryEvent) -> bool:
        """Say whether somebody within reach did it."""
        return any(tenure.organisation_id in self.reach.ids for tenure in self._tenures(event))

    def _tenures(self, event: models.HistoryEvent) -> list[Any]:
        if event.staff_number is None:
            return []
        officer = self.ledger.load(Officer, UUID(event.actor))
        day = date.fromisoformat(event.happened_on)
        return [] if officer is None else [each for each in officer.tenures if each.covers(day)]

    def _upwards(self, place: Organisation | None) -> Iterator[UUID]:
        at = place
        while at is not None:
            yield at.organisation_id
            at = None if at.parent_id is None else self.tree.by_id.get(at.parent_id)


def _ids(
    events: list[models.HistoryEvent], named: str, stream: str, subject: str
) -> Iterator[UUID]:
    """Return the ids of a kind that events name, or whose stream they stand in."""
    for event in events:
        for name in (named, subject):
            if isinstance(event.data.get(name), str):
                yield UUID(event.data[name])
        if event.type.startswith(f"{stream}."):
            yield UUID(str(event.stream))


def _changes(
    event: models.HistoryEvent, known: dict[str, Any]
) -> tuple[list[Change], list[Change]]:
    """Return what an event changed of what its stream had said before, and the reasons it gives."""
    after = {name: value for name, value in event.data.items() if name not in UNSHOWN}
    status = event.data.get("now") if event.type == "disbursement.corrected" else None
    after |= {"status": status or STATUS.get(event.type), "personal_data": DATA.get(event.type)}
    after = {name: value for name, value in after.items() if value is not None}
    changes = [
        Change(name, known.get(name), value)
        for name, value in after.items()
        if known.get(name) != value
    ]
    known.update(after)
    given = [Change(name, None, event.data[name]) for name in REASONS if event.data.get(name)]
    return changes, given
