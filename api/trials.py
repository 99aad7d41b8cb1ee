"""Lists that are only tried: whom they told of is on record, as it would be of lists taken in.

A list that is tried leaves nothing in the log, and answers of each row what one that is taken in
does: whether whoever has this number is on file, was paid, was erased. So nobody learns that of
people of other unions unseen, nor tries numbers until one is somebody's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.access.door import Door, Look
from api.clock import Clock
from ledger.commands.batches import HANDLERS
from ledger.commands.sealing import person_id
from ledger.domain.officer import Officer
from ledger.domain.recipient import AlreadyErased, FileElsewhere
from ledger.files.archive import ArchiveRow
from ledger.files.identity import id_fault
from ledger.files.roster import RosterRow
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.vault.keys import PersonErased, PersonRestricted
from projections.organisations import tree_on
from projections.people import people_known_at
from projections.runner import catch_up

TOLD_A_DAY_MAX = 10_000
"""So many rows about people of whom the clerk's unions have nothing: some long lists with none of
their people on file yet, and by far too few to come upon somebody's number."""

OF_PEOPLE = frozenset(
    {
        "archive.not_on_file",
        "archive.closed",
        "model_worker.income_above_line",
        "person.duplicate_in_campaign",
        AlreadyErased.code,
        PersonErased.code,
        PersonRestricted.code,
        FileElsewhere.code,
    }
)
"""What rows are refused with for what is known of whom they name."""

TRIAL = "trial"


@dataclass(frozen=True, slots=True)
class Trials:
    """Puts on record what trials told of people, before anybody is told."""

    home: Home
    ledger: Ledger
    door: Door
    clock: Clock

    def roster(
        self, officer_id: UUID, rows: Iterable[RosterRow], refused: Iterable[Mapping[str, Any]]
    ) -> None:
        """Put on record whom a roster told of: a row that stands tells that they are on file, too.

        Raises:
            TooManyLooks: The officer tried enough of others' people today.
        """
        codes = {each["line"]: each["code"] for each in refused}
        told = [
            (row.id_number, codes.get(row.line))
            for row in rows
            if codes.get(row.line) in {None, *OF_PEOPLE}
        ]
        self._record(officer_id, "roster", told)

    def archive(
        self, officer_id: UUID, rows: Iterable[ArchiveRow], refused: Iterable[Mapping[str, Any]]
    ) -> None:
        """Put on record whom an archive told of: those whose rows were refused for what is known.

        Raises:
            TooManyLooks: The officer tried enough of others' people today.
        """
        codes = {each["line"]: each["code"] for each in refused}
        told = [
            (row.id_number, codes[row.line]) for row in rows if codes.get(row.line) in OF_PEOPLE
        ]
        self._record(officer_id, "archive", told)

    def _record(self, officer_id: UUID, sort: str, told: Sequence[tuple[str, str | None]]) -> None:
        """Record it, where it told of anybody of whom the officer's own unions have nothing."""
        today = self.clock.today()
        codes = {
            person_id(self.ledger, number): code
            for number, code in told
            if not id_fault(number, today)
        }
        with catch_up(self.ledger, self.home.read_models).asking() as model:
            tree = tree_on(model, today)
            officer = self.ledger.load(Officer, officer_id)
            tenures = [] if officer is None else officer.tenures
            own = {
                below
                for each in tenures
                if each.role in HANDLERS and each.covers(today)
                for below in tree.subtree(each.organisation_id)
            }
            near = people_known_at(model, list(codes), own, len(codes))
            others = [each for each in codes if each not in near]
            on_record = people_known_at(model, others, tree.by_id.keys(), len(others))
        count = sum(codes[each] is not None or each in on_record for each in others)
        if count:
            look = Look(TRIAL, (sort,), on_record, count, TOLD_A_DAY_MAX)
            self.door.look(officer_id, look, day=today, now_s=self.clock.now_s())
