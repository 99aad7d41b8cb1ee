"""Waiting after failed tries, so that nobody guesses and nobody locks others out.

A device that signed in before has a counter of its own. Whoever tries an account from elsewhere
makes that address wait, and unknown devices of that account, never the devices that are known.

Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
"""

import secrets
from uuid import UUID

from api.access.refusals import TooManyTries
from api.access.store import AccessStore, hidden

FREE_TRIES = 5
FREE_TRIES_ELSEWHERE = 50
WAIT_MAX_S = 15 * 60
FORGOTTEN_AFTER_S = 24 * 3600
DEVICE_BYTES = 32
DEVICE_TTL_S = 180 * 24 * 3600


class Lockout:
    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def require_free(self, staff_number: str, device: str | None, address: str, now_s: int) -> None:
        """Check that this device, or this address, may try now.

        Raises:
            TooManyTries: It has to wait, and how long.
        """
        for counter, free in self._counters(staff_number, device, address, now_s):
            found = self._store.row("SELECT * FROM failures WHERE counter = ?", counter)
            if found is None:
                continue
            until_s = found["last_s"] + wait_s(found["count"] - free)
            if now_s < until_s:
                raise TooManyTries(until_s - now_s)

    def waiting_s(self, staff_number: str, now_s: int) -> int:
        """Return for how long devices that are not known have to wait, wherever they are."""
        found = self._store.row(
            "SELECT * FROM failures WHERE counter = ?", _elsewhere(staff_number)
        )
        if found is None:
            return 0
        until_s = found["last_s"] + wait_s(found["count"] - FREE_TRIES_ELSEWHERE)
        return max(0, int(until_s) - now_s)

    def failed(self, staff_number: str, device: str | None, address: str, now_s: int) -> None:
        with self._store.writing() as sql:
            sql.execute("DELETE FROM failures WHERE last_s < ?", (now_s - FORGOTTEN_AFTER_S,))
            for counter, _ in self._counters(staff_number, device, address, now_s):
                sql.execute(
                    "INSERT INTO failures VALUES (?, 1, ?) ON CONFLICT (counter) DO UPDATE"
                    " SET count = count + 1, last_s = excluded.last_s",
                    (counter, now_s),
                )

    def succeeded(
        self, officer_id: UUID, staff_number: str, device: str | None, address: str, now_s: int
    ) -> str:
        """Forget the failures of this place; return the secret by which the device is known."""
        with self._store.writing() as sql:
            for counter, _ in self._counters(staff_number, device, address, now_s)[:1]:
                sql.execute("DELETE FROM failures WHERE counter = ?", (counter,))
            if device is not None and self._knows(device, staff_number, now_s):
                return device
            made = secrets.token_urlsafe(DEVICE_BYTES)
            sql.execute(
                "INSERT INTO devices VALUES (?, ?, ?)", (hidden(made), str(officer_id), now_s)
            )
        return made

    def _counters(
        self, staff_number: str, device: str | None, address: str, now_s: int
    ) -> list[tuple[str, int]]:
        """Return which counters a try goes to, the narrowest first, and their free tries."""
        if device is not None and self._knows(device, staff_number, now_s):
            return [(f"device {hidden(device).hex()}", FREE_TRIES)]
        return [
            (f"address {hidden(address + ' ' + staff_number).hex()}", FREE_TRIES),
            (_elsewhere(staff_number), FREE_TRIES_ELSEWHERE),
        ]

    def _knows(self, device: str, staff_number: str, now_s: int) -> bool:
        found = self._store.row(
            "SELECT known_since_s FROM devices JOIN accounts USING (officer_id)"
            " WHERE secret_hash = ? AND staff_number = ?",
            hidden(device),
            staff_number,
        )
        return found is not None and now_s < found["known_since_s"] + DEVICE_TTL_S


def _elsewhere(staff_number: str) -> str:
    return f"elsewhere {hidden(staff_number).hex()}"


def wait_s(failures_beyond: int) -> int:
    """Return how many seconds to wait after so many failures beyond the free ones."""
    if failures_beyond < 0:
        return 0
    return int(min(2 ** min(failures_beyond, 30), WAIT_MAX_S))
