"""How often an officer looked at people today: a value that is guessed often enough is known."""

from datetime import date
from uuid import UUID

from api.access.store import AccessStore


class Looks:
    """Counts of one day, by officer and sort of look; those of a day before are forgotten."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def count(self, officer_id: UUID, sort: str, day: date) -> int:
        found = self._store.row(
            "SELECT count FROM looks WHERE officer_id = ? AND sort = ? AND day = ?",
            str(officer_id),
            sort,
            day.isoformat(),
        )
        return 0 if found is None else int(found["count"])

    def set(self, officer_id: UUID, sort: str, day: date, count: int) -> None:
        with self._store.writing() as sql:
            sql.execute(
                "INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?)",
                (str(officer_id), sort, day.isoformat(), count),
            )
