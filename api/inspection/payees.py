"""Whom payments are for, as a package shows them: masked, or in clear where that is on record."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, func, select

from ledger.commands.sealing import PAYEE, masked, unseal
from ledger.commands.searching import ERASED, KEPT, RESTRICTED
from ledger.domain.disbursement import Disbursement as Root
from ledger.store.application import Ledger
from ledger.vault.keys import PersonErased, PersonRestricted
from projections.asked import Moment
from projections.disbursements import Disbursement
from projections.movements import Kind, movements

FIELDS = ("name", "id_number", "phone", "bank_name", "card_number")


@dataclass(frozen=True, slots=True)
class Payee:
    """What is shown of a person, and whether their data is kept, restricted or erased."""

    state: str
    shown: dict[str, str]

    def cells(self) -> list[str | None]:
        return [self.shown.get(name) for name in FIELDS]


class Payees:
    """Reads payees event by event: an officer's page loads whole payments, of which there are few.

    `people` counts whose data was shown in clear.
    """

    def __init__(
        self, ledger: Ledger, connection: Connection, moment: Moment, *, opened: bool
    ) -> None:
        self._ledger = ledger
        self.opened = opened
        self._last = _reissues(connection, moment)
        self._people: set[UUID] = set()

    @property
    def people(self) -> int:
        return len(self._people)

    def of(self, payments: Iterable[Disbursement]) -> Iterator[tuple[Disbursement, Payee]]:
        for payment in payments:
            yield payment, self._payee(payment)

    def _payee(self, payment: Disbursement) -> Payee:
        at = self._last.get(payment.disbursement_id, payment.position)
        [(_, event)] = self._ledger.read(at, 1)
        assert isinstance(event, Root.Instructed | Root.Reissued)  # noqa: S101 - what stands there
        try:
            fields = unseal(self._ledger, payment.person_id, PAYEE, event.payee)
        except PersonRestricted:
            return Payee(RESTRICTED, {})
        except PersonErased:
            return Payee(ERASED, {})
        if not self.opened:
            return Payee(KEPT, masked(fields))
        self._people.add(payment.person_id)
        return Payee(KEPT, {name: fields[name] for name in FIELDS if fields.get(name)})


def _reissues(connection: Connection, moment: Moment) -> dict[UUID, int]:
    """Return the event by which a payment was last made again: its payee may be another card."""
    statement = (
        select(movements.c.disbursement_id, func.max(movements.c.position))
        .where(movements.c.kind == Kind.REISSUE.value, moment.covers(movements))
        .group_by(movements.c.disbursement_id)
    )
    return {UUID(bytes=row[0]): row[1] for row in connection.execute(statement)}
