"""Webhooks: who is told of which events, from where in the log on, under which secret.

Source: Standard Webhooks 1.0 (headers, symmetric signatures, retries).
"""

import hmac
import json
import secrets
import sqlite3
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from api.background.addresses import require_url
from api.background.events import require_topics
from api.background.sealing import Seal
from api.background.store import BackgroundStore
from ledger.errors import Kind, LedgerError

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
SUBSCRIPTIONS_MAX = 50
FIRST_WAIT_S = 5
LONGEST_WAIT_S = 3600
GIVE_UP_S = 24 * 3600


class SubscriptionUnknown(LedgerError):
    """There is no such webhook."""

    code = "webhook.unknown"
    kind = Kind.ABSENT

    def __init__(self, subscription_id: str) -> None:
        super().__init__(f"no webhook {subscription_id}")


class SubscriptionsTooMany(LedgerError):
    """Each of them is told of every event that it asks for, one by one."""

    code = "webhook.too_many"
    kind = Kind.CONFLICT

    def __init__(self, there_are: int) -> None:
        super().__init__(f"there are {there_are} webhooks, {SUBSCRIPTIONS_MAX} at most")


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who is told what. `next_position` is the first that was not delivered yet.

    `paused_because` says why nothing is delivered any more; None: it is. Times are seconds since
    1970.
    """

    subscription_id: str
    url: str
    topics: frozenset[str]
    made_by: UUID
    made_at_s: int
    next_position: int
    paused_because: str | None
    failures: int
    failing_since_s: int | None
    next_try_s: int
    last_outcome: str | None
    last_tried_s: int | None


class Subscriptions:
    """Kept in a file, secrets sealed."""

    def __init__(self, store: BackgroundStore, seal: Seal, *, inside: bool = False) -> None:
        self._store = store
        self._seal = seal
        self.inside = inside

    def make(
        self, url: str, topics: Collection[str], made_by: UUID, next_position: int, now_s: int
    ) -> tuple[Subscription, str]:
        """Return a new subscription, and its secret, which is shown this once.

        Args:
            url: Where events are posted to.
            topics: Names or nouns of events; none for all.
            made_by: The officer who asks for it.
            next_position: The first event to be delivered.
            now_s: The moment.

        Raises:
            UrlRefused, TopicUnknown, SubscriptionsTooMany: As they say.
        """
        require_url(url, inside=self.inside)
        chosen = require_topics(topics)
        id_, secret = secrets.token_hex(8), secrets.token_bytes(SECRET_BYTES)
        with self._store.writing() as sql:
            (there_are,) = sql.execute("SELECT count(*) FROM subscriptions").fetchone()
            if there_are >= SUBSCRIPTIONS_MAX:
                raise SubscriptionsTooMany(there_are)
            sql.execute(
                "INSERT INTO subscriptions (subscription_id, url, topics, secret, made_by,"
                " made_at_s, next_position) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    id_,
                    url,
                    json.dumps(sorted(chosen)),
                    self._seal.seal(secret, f"webhook {id_}"),
                    str(made_by),
                    now_s,
                    next_position,
                ),
            )
        return self.find(id_), SECRET_PREFIX + b64encode(secret).decode()

    def find(self, subscription_id: str) -> Subscription:
        """Return a subscription.

        Raises:
            SubscriptionUnknown: There is none.
        """
        return _subscription(self._row(subscription_id))

    def list_all(self) -> list[Subscription]:
        rows = self._store.rows("SELECT * FROM subscriptions ORDER BY made_at_s, subscription_id")
        return [_subscription(row) for row in rows]

    def due(self, now_s: int) -> list[Subscription]:
        """Return those that are not paused and do not wait after a failure."""
        return [
            each
            for each in self.list_all()
            if each.paused_because is None and each.next_try_s <= now_s
        ]

    def end(self, subscription_id: str) -> None:
        """Delete a subscription, and its secret with it.

        Raises:
            SubscriptionUnknown: There is none.
        """
        with self._store.writing() as sql:
            if not sql.execute(
                "DELETE FROM subscriptions WHERE subscription_id = ?", (subscription_id,)
            ).rowcount:
                raise SubscriptionUnknown(subscription_id)

    def resume(self, subscription_id: str) -> Subscription:
        """Try again from where it was paused, or at once while it waits.

        Raises:
            SubscriptionUnknown: There is none.
        """
        with self._store.writing() as sql:
            sql.execute(
                "UPDATE subscriptions SET paused_because = NULL, failures = 0,"
                " failing_since_s = NULL, next_try_s = 0 WHERE subscription_id = ?",
                (subscription_id,),
            )
        return self.find(subscription_id)

    def secret_of(self, subscription_id: str) -> bytes:
        """Return what deliveries are signed with.

        Raises:
            SubscriptionUnknown, SealBroken: As they say.
        """
        sealed: bytes = self._row(subscription_id)["secret"]
        return self._seal.open(sealed, f"webhook {subscription_id}")

    def passed(self, each: Subscription, next_position: int) -> None:
        """Remember that nothing before a position is to be delivered any more."""
        with self._store.writing() as sql:
            sql.execute(
                "UPDATE subscriptions SET next_position = ? WHERE subscription_id = ?",
                (next_position, each.subscription_id),
            )

    def delivered(self, each: Subscription, position: int, outcome: str, now_s: int) -> None:
        """Remember that an event was taken. Crash before: it is delivered again, under its id."""
        with self._store.writing() as sql:
            sql.execute(
                "UPDATE subscriptions SET next_position = ?, failures = 0, failing_since_s = NULL,"
                " next_try_s = 0, last_outcome = ?, last_tried_s = ? WHERE subscription_id = ?",
                (position + 1, outcome, now_s, each.subscription_id),
            )

    def failed(
        self, each: Subscription, outcome: str, now_s: int, jitter: float, *, gone: bool = False
    ) -> None:
        """Remember that an event was not taken: wait longer each time, for a day, then pause.

        Args:
            each: The subscription, as it was before.
            outcome: What came of trying.
            now_s: The moment.
            jitter: From 0 to 1, at random, so that many do not come back at one moment.
            gone: Whether the receiver said that it wants no more.
        """
        since_s = now_s if each.failing_since_s is None else each.failing_since_s
        wait_s = min(FIRST_WAIT_S * 2 ** min(each.failures, 20), LONGEST_WAIT_S)
        paused = outcome if gone or now_s - since_s >= GIVE_UP_S else None
        with self._store.writing() as sql:
            sql.execute(
                "UPDATE subscriptions SET failures = failures + 1, failing_since_s = ?,"
                " next_try_s = ?, paused_because = ?, last_outcome = ?, last_tried_s = ?"
                " WHERE subscription_id = ?",
                (
                    since_s,
                    now_s + round(wait_s * (1 + jitter) / 2),
                    paused,
                    outcome,
                    now_s,
                    each.subscription_id,
                ),
            )

    def _row(self, subscription_id: str) -> sqlite3.Row:
        found = self._store.row(
            "SELECT * FROM subscriptions WHERE subscription_id = ?", subscription_id
        )
        if found is None:
            raise SubscriptionUnknown(subscription_id)
        return found


def signed_headers(secret: bytes, message_id: str, now_s: int, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver knows that a message is ours, and not an old one.

    Args:
        secret: The subscription's, as bytes.
        message_id: The same each time this event is delivered to this subscription.
        now_s: The moment of this try.
        body: What is posted, to the byte.

    Source: Standard Webhooks 1.0, "Signature scheme": HMAC-SHA256 over `id.timestamp.body`.
    """
    signed = f"{message_id}.{now_s}.".encode() + body
    signature = b64encode(hmac.digest(secret, signed, sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{signature}",
    }


def _subscription(row: sqlite3.Row) -> Subscription:
    return Subscription(
        row["subscription_id"],
        row["url"],
        frozenset(json.loads(row["topics"])),
        UUID(row["made_by"]),
        row["made_at_s"],
        row["next_position"],
        row["paused_because"],
        row["failures"],
        row["failing_since_s"],
        row["next_try_s"],
        row["last_outcome"],
        row["last_tried_s"],
    )


def step_back(jobs: Path, position: int) -> None:
    """Deliver from a position on what was to be delivered later, since the log was put back.

    Args:
        jobs: The file of what is under way; there may be none.
        position: The first of which nobody has heard.
    """
    if not jobs.exists():
        return
    store = BackgroundStore(jobs)
    with store.writing() as sql:
        sql.execute("UPDATE subscriptions SET next_position = min(next_position, ?)", (position,))
    store.close()
