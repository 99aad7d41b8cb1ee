"""Sessions: short, known by a secret that is made anew at each sign-in."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from api.access.refusals import PresenceNotProved
from api.access.store import AccessStore, count_ending, hidden

IDLE_S = 30 * 60
LONGEST_S = 12 * 3600
PRESENT_S = 10 * 60
"""So long after signing in, or showing it anew, an officer is taken to sit there themselves."""
SECRET_BYTES = 32
TOUCHED_AFTER_S = 30
"""A session that was seen this recently is not written again: reading stays reading."""


@dataclass(frozen=True, slots=True)
class Session:
    officer_id: UUID
    opened_by: str
    opened_at_s: int


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its officer is shown it; `this` is the one that they ask with."""

    opened_by: str
    opened_at_s: int
    seen_at_s: int
    this: bool


class Sessions:
    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def open(self, officer_id: UUID, opened_by: str, now_s: int) -> str:
        """Return the secret of a new session; an older one of the same browser is not taken on."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        with self._store.writing() as sql:
            sql.execute(
                "DELETE FROM sessions WHERE seen_at_s <= ? OR opened_at_s <= ?",
                (now_s - IDLE_S, now_s - LONGEST_S),
            )
            sql.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
                (hidden(secret), str(officer_id), opened_by, now_s, now_s),
            )
        return secret

    def find(self, secret: str, now_s: int) -> Session | None:
        """Return the session of a secret, if it has not ended."""
        found = self._store.row("SELECT * FROM sessions WHERE secret_hash = ?", hidden(secret))
        if found is None:
            return None
        if now_s >= min(found["seen_at_s"] + IDLE_S, found["opened_at_s"] + LONGEST_S):
            self.end(secret)
            return None
        if now_s - found["seen_at_s"] >= TOUCHED_AFTER_S:
            with self._store.writing() as sql:
                sql.execute(
                    "UPDATE sessions SET seen_at_s = ? WHERE secret_hash = ?",
                    (now_s, hidden(secret)),
                )
        return Session(UUID(found["officer_id"]), found["opened_by"], found["opened_at_s"])

    def prove(self, secret: str, now_s: int) -> None:
        """Note that the officer has shown who they are, in the session that is open already."""
        with self._store.writing() as sql:
            sql.execute("DELETE FROM presences WHERE proved_at_s <= ?", (now_s - PRESENT_S,))
            sql.execute("INSERT OR REPLACE INTO presences VALUES (?, ?)", (hidden(secret), now_s))

    def require_present(self, secret: str, now_s: int) -> None:
        """Check that the officer has just signed in, or shown anew who they are.

        Raises:
            PresenceNotProved: They have not: the session may be in other hands by now.
        """
        since_s = self._store.row(
            "SELECT max(opened_at_s, coalesce((SELECT proved_at_s FROM presences"
            " WHERE secret_hash = ?1), 0)) AS at_s FROM sessions WHERE secret_hash = ?1",
            hidden(secret),
        )
        if since_s is None or now_s - since_s["at_s"] >= PRESENT_S:
            raise PresenceNotProved

    def list_of(self, officer_id: UUID, secret: str | None, now_s: int) -> list[OpenSession]:
        """Return the sessions that have not ended: the one of `secret`, then the last opened."""
        rows = self._store.rows(
            "SELECT * FROM sessions WHERE officer_id = ? AND seen_at_s > ? AND opened_at_s > ?"
            " ORDER BY opened_at_s DESC, secret_hash",
            str(officer_id),
            now_s - IDLE_S,
            now_s - LONGEST_S,
        )
        mine = None if secret is None else hidden(secret)
        found = [
            OpenSession(
                row["opened_by"], row["opened_at_s"], row["seen_at_s"], row["secret_hash"] == mine
            )
            for row in rows
        ]
        return sorted(found, key=lambda each: not each.this)

    def end(self, secret: str) -> None:
        with self._store.writing() as sql:
            sql.execute("DELETE FROM sessions WHERE secret_hash = ?", (hidden(secret),))
            count_ending(sql)

    def end_all(self, officer_id: UUID) -> int:
        """End every session of an officer; return how many there were."""
        with self._store.writing() as sql:
            count_ending(sql)
            return sql.execute(
                "DELETE FROM sessions WHERE officer_id = ?", (str(officer_id),)
            ).rowcount
