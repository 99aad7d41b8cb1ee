"""Puts the pieces together; the one place that reads the environment and the clock."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from api.deployment import Deployment
from api.settings import Settings
from ledger.domain.values import CHINA
from ledger.errors import Kind, LedgerError
from ledger.postgresql import Database
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.pkcs11 import Token
from ledger.store.service_signers import service_signer


def now() -> str:
    """Return the moment of recording in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now_s() -> int:
    """Return the moment in seconds since 1970, as cosignatures tell it."""
    return int(datetime.now(UTC).timestamp())


def today() -> date:
    """Return the day it is in China, where the ledger's effective dates are counted."""
    return datetime.now(CHINA).date()


COUNTED_IN = "PROMETHEUS_MULTIPROC_DIR"
"""The Prometheus library's own setting: it reads it when it is imported."""
DEPLOYED_BY = "NUANZHANG_DEPLOYED_BY"
"""Where workers find the deployment file; the process that starts them says it."""


class ServiceKeyTwice(LedgerError):
    """The ledger's key is given in two places, and they may differ."""

    code = "settings.service_key_twice"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("set NUANZHANG_SERVICE_KEY or NUANZHANG_PKCS11_KEY, not both")


class OneForAll(LedgerError):
    """The environment names one key or one database, where each ledger has its own."""

    code = "settings.one_for_all"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__(
            "with a deployment file NUANZHANG_SERVICE_KEY, _PKCS11_KEY and _DATABASE stay unset:"
            " each ledger has a key and a database of its own"
        )


class TokenNotSet(LedgerError):
    """A key in a token is asked for, and nothing says which token."""

    code = "settings.token_not_set"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("set NUANZHANG_PKCS11_MODULE, NUANZHANG_PKCS11_TOKEN and _PKCS11_PIN")


def counted_in() -> str | None:
    """Return the folder in which all processes of a service count, where there are several."""
    return os.environ.get(COUNTED_IN)


def driver_environment() -> dict[str, str]:
    """Return what PostgreSQL's driver reads: its own settings, and whose home its files are in."""
    return {
        name: value for name, value in os.environ.items() if name.startswith("PG") or name == "HOME"
    }


def tell_workers(counted: str, origin: str) -> None:
    """Have what this process starts count in a folder, and know where pages come from."""
    os.environ[COUNTED_IN] = counted
    os.environ.setdefault("NUANZHANG_ORIGIN", origin)


def tell_workers_of_all(counted: str, path: Path) -> None:
    """Have what this process starts count in a folder, and know all ledgers of a deployment."""
    os.environ[COUNTED_IN] = counted
    os.environ[DEPLOYED_BY] = str(path.resolve())


def told_deployment() -> Deployment:
    """Return the deployment that this process was told of by the one that started it."""
    return deployment(Path(os.environ[DEPLOYED_BY]))


def home() -> Home:
    """Return the ledger's folder, and with it where its key is: token, environment or file.

    Raises:
        ServiceKeyTwice, TokenNotSet: The settings contradict one another.
        DatabaseAddressWrong: What they name is no database's address.
    """
    settings = Settings()
    secret, key_label = settings.service_key, settings.pkcs11_key
    database = settings.database
    named = None if database is None else Database.at(database.get_secret_value())
    if secret is not None and key_label:
        raise ServiceKeyTwice
    if key_label:
        holder = token()
        return Home(settings.home, lambda: holder.signer(key_label), named)
    if secret is not None:
        return Home(
            settings.home,
            lambda: service_signer(secret.get_secret_value(), "NUANZHANG_SERVICE_KEY"),
            named,
        )
    return Home(settings.home, named=named)


def deployment(path: Path) -> Deployment:
    """Read a deployment file, whose ledgers have their keys in their own folders.

    Raises:
        OneForAll: The environment names one key or database.
        DeploymentUnreadable, DeploymentShared, DatabaseAddressWrong: As they say.
    """
    settings = Settings()
    if settings.service_key is not None or settings.pkcs11_key or settings.database is not None:
        raise OneForAll
    return Deployment.read(path)


def token() -> Token:
    """Return the token that the settings name.

    Raises:
        TokenNotSet: They name none.
    """
    settings = Settings()
    if settings.pkcs11_module is None or not settings.pkcs11_token:
        raise TokenNotSet
    return Token(
        settings.pkcs11_module, settings.pkcs11_token, settings.pkcs11_pin.get_secret_value()
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
