"""What a package is read from: one organisation with all below it, one year, one state."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from uuid import UUID

from sqlalchemy import Connection

from api.known import Kept, Known
from ledger.domain.aggregate import OPERATOR
from ledger.store.application import Ledger
from projections.asked import Moment
from projections.batches import Batch, batch_list, campaign_list
from projections.disbursements import Question
from projections.movements import Kind
from projections.organisations import Organisation, Tree, staff_numbers, tree_on
from projections.turnover import Asked
from projections.vouchers import Chart, Told, chart_of

EVENTS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Sources:
    """`closing` is the last day that counts: the year's, or today where the year is not over."""

    ledger: Ledger
    model: Connection
    organisation: Organisation
    year: int
    closing: date
    at: int

    @property
    def opening(self) -> date:
        return date(self.year, 1, 1)

    @property
    def moment(self) -> Moment:
        return Moment(self.closing, self.at)

    @cached_property
    def tree(self) -> Tree:
        return tree_on(self.model, self.closing, self.at)

    @cached_property
    def ids(self) -> list[UUID]:
        return self.tree.subtree(self.organisation.organisation_id)

    def code(self, id_: UUID | None) -> str | None:
        return None if id_ is None else self.tree.by_id[id_].code

    @cached_property
    def staff(self) -> dict[UUID, str]:
        return staff_numbers(self.model)

    def officer(self, id_: UUID | None) -> str | None:
        return None if id_ is None else self.staff.get(id_)

    @cached_property
    def chart(self) -> Chart:
        return chart_of(self.model)

    @cached_property
    def campaigns(self) -> dict[UUID, str]:
        return {each.campaign_id: each.code for each in campaign_list(self.model)}

    @cached_property
    def known(self) -> Known:
        """What pages know of doubts and of old money at the moment."""
        return Kept().known(self.model, self.ledger, self.moment, self.closing, self.year)

    @property
    def asked(self) -> Asked:
        """The question of the ledger's page for the same organisation and the same year."""
        plain = Question(organisation_ids=self.ids, since=self.opening, until=self.closing)
        return Asked(plain, frozenset({Kind.PAYMENT}))

    @property
    def others(self) -> Asked:
        """The same question, of all that moves money and is no payment."""
        return replace(self.asked, kinds=frozenset(Kind) - {Kind.PAYMENT})

    def batches(self) -> Iterator[Batch]:
        """Return every batch that there was, as it stood then, page by page."""
        after = -1
        while page := batch_list(
            self.model, organisation_ids=self.ids, moment=self.moment, after=after
        ):
            yield from page
            after = page[-1].position

    def telling(self, start: int, stop: int) -> Iterator[Told]:
        """Say of events what the log says: some thousand at a time, however far apart they lie."""
        for first in range(start, stop, EVENTS_AT_ONCE):
            for at, event in self.ledger.read(first, min(EVENTS_AT_ONCE, stop - first)):
                yield Told(at, event.originator_id, event.TOPIC, event.actor)

    def actor(self, actor: str) -> str | None:
        return actor if actor == OPERATOR else self.staff.get(UUID(actor), actor)
