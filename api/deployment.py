"""A deployment file: which ledgers there are, which of them are here, and under which names."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ledger.errors import Kind, LedgerError
from ledger.postgresql import Database
from ledger.store.home import Home

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


class DeploymentUnreadable(LedgerError):
    """The file is none, or says something of a ledger that cannot be."""

    code = "deployment.unreadable"
    kind = Kind.INVALID

    def __init__(self, cause: str) -> None:
        super().__init__(f"the deployment file: {cause}")


class DeploymentShared(LedgerError):
    """Two ledgers would have the same place or name: one could read, or answer for, the other."""

    code = "deployment.shared"
    kind = Kind.INVALID

    def __init__(self, what: str, names: Sequence[str]) -> None:
        super().__init__(f"ledgers {' and '.join(names)} share a {what}; each has one of its own")


@dataclass(frozen=True, slots=True)
class LocalLedger:
    """A ledger that is served here: its folder, the names it answers to, where browsers find it."""

    name: str
    host: str
    home: Path
    origin: str
    database: Database | None = field(default=None, repr=False)

    def place(self) -> Home:
        return Home(self.home, named=self.database)


@dataclass(frozen=True, slots=True)
class RemoteLedger:
    """A ledger that another server has, and the address of that."""

    name: str
    host: str
    url: str


@dataclass(frozen=True, slots=True)
class Deployment:
    here: tuple[LocalLedger, ...]
    elsewhere: tuple[RemoteLedger, ...]

    @classmethod
    def read(cls, path: Path) -> "Deployment":
        """Read a deployment file; homes in it are relative to where it stands.

        Raises:
            DeploymentUnreadable: It is none, or something in it cannot be.
            DeploymentShared: Two ledgers have the same host, folder or schema.
            DatabaseAddressWrong: As it says.
        """
        try:
            told = msgspec.toml.decode(path.read_bytes(), type=_File)
        except OSError as cause:
            raise DeploymentUnreadable(cause.strerror or "it cannot be read") from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
            # What a TOML reader says may quote a line, and an address may hold a password.
            said = "it is no TOML" if not isinstance(cause, msgspec.ValidationError) else str(cause)
            raise DeploymentUnreadable(said) from None
        folder = path.resolve().parent
        here: list[LocalLedger] = []
        elsewhere: list[RemoteLedger] = []
        for name, of in told.ledgers.items():
            _require_named(name, of)
            if of.url is not None:
                elsewhere.append(RemoteLedger(name, of.host, of.url.rstrip("/")))
            elif of.home is not None:
                database = None if of.database is None else Database.at(of.database)
                origin = of.origin or f"https://{of.host}"
                home = (folder / of.home).resolve()
                here.append(LocalLedger(name, of.host, home, origin, database))
        if not here:
            raise DeploymentUnreadable("it names no ledger that is to be here")
        _require_apart(here, elsewhere)
        return cls(tuple(here), tuple(elsewhere))


class _Ledger(msgspec.Struct, forbid_unknown_fields=True):
    host: str
    home: str | None = None
    database: str | None = None
    origin: str | None = None
    url: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    ledgers: dict[str, _Ledger]


def _require_named(name: str, of: _Ledger) -> None:
    if NAME.fullmatch(name) is None:
        raise DeploymentUnreadable("a ledger's name is of small letters, digits and hyphens")
    if HOST.fullmatch(of.host) is None:
        raise DeploymentUnreadable(f"ledger {name}: host is a name in small letters, no address")
    if (of.home is None) == (of.url is None):
        raise DeploymentUnreadable(f"ledger {name} has a home, or the url of another server")
    if of.url is not None and (of.database is not None or of.origin is not None):
        raise DeploymentUnreadable(f"ledger {name} is elsewhere: database and origin are not ours")
    for address in (of.url, of.origin):
        if address is not None and not _is_address(address):
            raise DeploymentUnreadable(f"ledger {name}: an address begins with https://")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.query


def _require_apart(here: Sequence[LocalLedger], elsewhere: Sequence[RemoteLedger]) -> None:
    """Check that no two have a host, a folder or a schema in common.

    A database is compared as it is written: where it is written in two ways, the log knows the key
    of one of the two alone, and the other is not opened.
    """
    every: list[LocalLedger | RemoteLedger] = [*here, *elsewhere]
    _require_different("host name", ((each.name, each.host) for each in every))
    _require_different("home folder", ((each.name, each.home) for each in here))
    for one in here:
        for other in here:
            if one is not other and one.home in other.home.parents:
                raise DeploymentShared("home folder", sorted((one.name, other.name)))
    databases = ((each.name, each.place().database) for each in here)
    _require_different("database schema", ((n, d) for n, d in databases if d is not None))


def _require_different(what: str, pairs: Iterable[tuple[str, object]]) -> None:
    told = list(pairs)
    for value, times in Counter(value for _, value in told).items():
        if times > 1:
            raise DeploymentShared(what, [name for name, own in told if own == value])


def by_host(deployment: Deployment) -> Mapping[str, str]:
    """Return the address of each ledger that is elsewhere, by the host that it is asked for as."""
    return {each.host: each.url for each in deployment.elsewhere}
