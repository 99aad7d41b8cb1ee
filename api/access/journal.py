"""The access journal: who signed in, failed to, was invited, got a token, or looked at people."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.access.store import AccessStore


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to an officer's access. `by` is who did it, where it was another.

    `people` are those whom a look at people told of; what was sought stands nowhere.
    """

    number: int
    at_s: int
    what: str
    officer_id: UUID | None
    address: str
    by: UUID | None
    people: tuple[UUID, ...] = ()


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
        people: Collection[UUID] = (),
    ) -> None:
        with self._store.writing() as sql:
            number = sql.execute(
                "INSERT INTO journal (at_s, what, officer_id, address, by_officer_id)"
                " VALUES (?, ?, ?, ?, ?)",
                (now_s, what, _text(officer_id), address, _text(by)),
            ).lastrowid
            sql.executemany(
                "INSERT OR IGNORE INTO journal_people VALUES (?, ?)",
                [(str(person), number) for person in people],
            )

    def inviters(self, officer_id: UUID, before_s: int) -> set[UUID | None]:
        """Return who could have used an officer's way in since before a moment.

        Whoever made the one that was used last before it, and all who made one since, used or not.
        Where none was used before it, all who ever made one. None: the operator.
        """
        rows = self._store.rows(
            "SELECT by_officer_id FROM journal WHERE what = 'invited' AND officer_id = ?1"
            " AND number >= coalesce((SELECT max(number) FROM journal"
            " WHERE what = 'invited' AND officer_id = ?1 AND number < (SELECT max(number)"
            " FROM journal WHERE what = 'password.set' AND officer_id = ?1 AND at_s < ?2)),"
            " 0)",
            str(officer_id),
            before_s,
        )
        return {_uuid(row["by_officer_id"]) for row in rows}

    def last_accepted_s(self, officer_id: UUID) -> int:
        """Return when the officer's last way in was used, which ended all others; 0: never."""
        row = self._store.row(
            "SELECT max(at_s) AS at_s FROM journal WHERE what = 'password.set' AND officer_id = ?",
            str(officer_id),
        )
        return 0 if row is None else int(row["at_s"] or 0)

    def last_signed_in_s(self, officer_id: UUID) -> int | None:
        """Return when the officer was let in last."""
        row = self._store.row(
            "SELECT at_s FROM journal WHERE officer_id = ? AND what LIKE 'sign_in.%'"
            " AND what <> 'sign_in.failed' ORDER BY number DESC LIMIT 1",
            str(officer_id),
        )
        return None if row is None else int(row["at_s"])

    def entries(
        self, *, after: int = 0, limit: int = 100, of: Collection[UUID] | None = None
    ) -> list[Entry]:
        """Return entries in their order, after the one of number `after`, `of` some officers."""
        condition, values = ("1", ()) if of is None else _concerns(of)
        return self._entries(
            self._store.rows(
                f"SELECT * FROM journal WHERE number > ? AND {condition} ORDER BY number LIMIT ?",  # noqa: S608 - a condition of ours
                after,
                *values,
                limit,
            )
        )

    def latest(
        self,
        *,
        before: int | None = None,
        officer_id: UUID | None = None,
        what: str | Collection[str] | None = None,
        since_s: int | None = None,
        until_s: int | None = None,
        of: Collection[UUID] | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """Return entries, the last first.

        Args:
            before: Number of the last one seen.
            officer_id: Whom it concerns, or who did it.
            what: Name of what happened, or what it begins with (`sign_in`); or several of these.
            since_s: From this moment on.
            until_s: Before this moment.
            of: Those that concern one of these officers; None: of all, and of nobody.
            limit: How many at most.
        """
        asked: list[tuple[str, tuple[object, ...]]] = []
        if before is not None:
            asked.append(("number < ?", (before,)))
        if officer_id is not None:
            asked.append(("(officer_id = ? OR by_officer_id = ?)", (str(officer_id),) * 2))
        if what is not None:
            names = [what] if isinstance(what, str) else [*what]
            named = [each for name in names for each in (name, len(name) + 1, f"{name}.")]
            either = " OR ".join(["what = ? OR substr(what, 1, ?) = ?"] * len(names))
            asked.append((f"({either})", tuple(named)))
        if since_s is not None:
            asked.append(("at_s >= ?", (since_s,)))
        if until_s is not None:
            asked.append(("at_s < ?", (until_s,)))
        if of is not None:
            asked.append(_concerns(of))
        conditions = " AND ".join(condition for condition, _ in asked) or "1"
        values = [value for _, given in asked for value in given]
        return self._entries(
            self._store.rows(
                f"SELECT * FROM journal WHERE {conditions} ORDER BY number DESC LIMIT ?",  # noqa: S608 - conditions of ours
                *values,
                limit,
            )
        )

    def _entries(self, rows: Sequence[sqlite3.Row]) -> list[Entry]:
        people: dict[int, list[UUID]] = {}
        numbers = json.dumps([row["number"] for row in rows])
        for told in self._store.rows(
            "SELECT number, person_id FROM journal_people"
            " WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number, person_id",
            numbers,
        ):
            people.setdefault(told["number"], []).append(UUID(told["person_id"]))
        return [_entry(row, tuple(people.get(row["number"], ()))) for row in rows]


def _concerns(officers: Collection[UUID]) -> tuple[str, tuple[object, ...]]:
    # In one value: a city's officers are more than a statement takes values.
    return "officer_id IN (SELECT value FROM json_each(?))", (json.dumps([*map(str, officers)]),)


def _entry(row: sqlite3.Row, people: tuple[UUID, ...]) -> Entry:
    return Entry(
        row["number"],
        row["at_s"],
        row["what"],
        _uuid(row["officer_id"]),
        row["address"],
        _uuid(row["by_officer_id"]),
        people,
    )


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
