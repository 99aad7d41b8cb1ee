"""Puts the pieces together; the one place that reads the environment and the clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone

from api.settings import Settings
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.service_signers import service_signer

CHINA = timezone(timedelta(hours=8))


def now() -> str:
    """Return the moment of recording in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now_s() -> int:
    """Return the moment in seconds since 1970, as cosignatures tell it."""
    return int(datetime.now(UTC).timestamp())


def today() -> date:
    """Return the day it is in China, where the ledger's effective dates are counted."""
    return datetime.now(CHINA).date()


def home() -> Home:
    settings = Settings()
    secret = settings.service_key
    if secret is None:
        return Home(settings.home)
    return Home(
        settings.home,
        lambda: service_signer(secret.get_secret_value(), "NUANZHANG_SERVICE_KEY"),
    )


@contextmanager
def opened(place: Home, *, create: bool = False) -> Iterator[Ledger]:
    """Open the ledger of a home, and close it again.

    Raises:
        HomeMissing: There is none, and it is not to be made.
    """
    if create:
        place.create()
    ledger = place.open(now(), today())
    try:
        yield ledger
    finally:
        ledger.close()
