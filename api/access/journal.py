"""The access journal: who signed in, failed to, was invited or got a token."""

from dataclasses import dataclass
from uuid import UUID

from api.access.store import AccessStore


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to an officer's access. `by` is who did it, where it was another."""

    number: int
    at_s: int
    what: str
    officer_id: UUID | None
    address: str
    by: UUID | None


class AccessJournal:
    """Only ever gains entries. A failed try for nobody's account names nobody."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def add(
        self,
        what: str,
        now_s: int,
        *,
        officer_id: UUID | None = None,
        address: str = "",
        by: UUID | None = None,
    ) -> None:
        with self._store.writing() as sql:
            sql.execute(
                "INSERT INTO journal (at_s, what, officer_id, address, by_officer_id)"
                " VALUES (?, ?, ?, ?, ?)",
                (now_s, what, _text(officer_id), address, _text(by)),
            )

    def last_inviter(self, officer_id: UUID) -> UUID | None:
        """Return who made the officer's last way in; None for the operator, or nobody."""
        row = self._store.row(
            "SELECT by_officer_id FROM journal WHERE what = 'invited' AND officer_id = ?"
            " ORDER BY number DESC LIMIT 1",
            str(officer_id),
        )
        return None if row is None else _uuid(row["by_officer_id"])

    def entries(self, *, after: int = 0, limit: int = 100) -> list[Entry]:
        """Return entries in their order, after the one of number `after`."""
        return [
            Entry(
                row["number"],
                row["at_s"],
                row["what"],
                _uuid(row["officer_id"]),
                row["address"],
                _uuid(row["by_officer_id"]),
            )
            for row in self._store.rows(
                "SELECT * FROM journal WHERE number > ? ORDER BY number LIMIT ?", after, limit
            )
        ]


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
