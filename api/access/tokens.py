"""Tokens for programs: shown once, kept as a hash, good for a time."""

import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from api.access.refusals import TokenUnknown
from api.access.store import AccessStore, count_ending, hidden

PREFIX = "nz"
TTL_MAX_S = 366 * 24 * 3600
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; its secret is not. Times are seconds since 1970."""

    token_id: str
    officer_id: UUID
    label: str
    read_only: bool
    issued_at_s: int
    expires_at_s: int
    used_at_s: int | None


class Tokens:
    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def issue(
        self, officer_id: UUID, *, label: str, read_only: bool, ttl_s: int, now_s: int
    ) -> tuple[str, Token]:
        """Return the token's text, shown this once, and what is kept of it."""
        token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(SECRET_BYTES)
        expires_at_s = now_s + min(ttl_s, TTL_MAX_S)
        with self._store.writing() as sql:
            sql.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    token_id,
                    hidden(secret),
                    str(officer_id),
                    label,
                    int(read_only),
                    now_s,
                    expires_at_s,
                ),
            )
        token = Token(token_id, officer_id, label, read_only, now_s, expires_at_s, None)
        return f"{PREFIX}_{token_id}_{secret}", token

    def find(self, text: str, now_s: int) -> Token | None:
        """Return the token of a text, if it is in force."""
        prefix, _, rest = text.partition("_")
        token_id, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret:
            return None
        found = self._store.row("SELECT * FROM tokens WHERE token_id = ?", token_id)
        if found is None or not hmac.compare_digest(found["secret_hash"], hidden(secret)):
            return None
        if now_s >= found["expires_at_s"]:
            return None
        if found["used_at_s"] is None or now_s - found["used_at_s"] >= 60:  # noqa: PLR2004 - a minute
            with self._store.writing() as sql:
                sql.execute("UPDATE tokens SET used_at_s = ? WHERE token_id = ?", (now_s, token_id))
        return _token(found)

    def revoke(self, officer_id: UUID, token_id: str) -> None:
        """End a token.

        Raises:
            TokenUnknown: It is not this officer's, or ended before.
        """
        with self._store.writing() as sql:
            count_ending(sql)
            ended = sql.execute(
                "DELETE FROM tokens WHERE token_id = ? AND officer_id = ?",
                (token_id, str(officer_id)),
            ).rowcount
        if not ended:
            raise TokenUnknown(token_id)

    def revoke_all(self, officer_id: UUID) -> int:
        with self._store.writing() as sql:
            count_ending(sql)
            return sql.execute(
                "DELETE FROM tokens WHERE officer_id = ?", (str(officer_id),)
            ).rowcount

    def list_of(self, officer_id: UUID) -> list[Token]:
        rows = self._store.rows(
            "SELECT * FROM tokens WHERE officer_id = ? ORDER BY issued_at_s, token_id",
            str(officer_id),
        )
        return [_token(row) for row in rows]


def _token(row: object) -> Token:
    found = dict(row)  # type: ignore[call-overload]  # sqlite3.Row has keys, its stub does not say so
    return Token(
        found["token_id"],
        UUID(found["officer_id"]),
        found["label"],
        bool(found["read_only"]),
        found["issued_at_s"],
        found["expires_at_s"],
        found["used_at_s"],
    )
