"""PostgreSQL, as far as the ledger knows it: where a database is, and what is refused there.

Nothing here needs the driver, which is installed only where it is wanted (`nuanzhang[postgresql]`).
"""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ledger.errors import Kind, LedgerError

ADDRESS = "postgresql://"
SCHEMA = "nuanzhang"
SCHEMA_CHARACTERS_MAX = 40
RETRY_AFTER_S = 5


class DatabaseAddressWrong(LedgerError):
    """It is no address of a PostgreSQL database. It is not repeated: a password may stand in it."""

    code = "database.address_wrong"
    kind = Kind.INVALID

    def __init__(self, cause: str) -> None:
        super().__init__(f"the database's address: {cause}")


class DatabaseUnreachable(LedgerError):
    """PostgreSQL does not answer, or broke off; what was asked may be asked again."""

    code = "database.unreachable"
    kind = Kind.UNREACHABLE
    retry_after_s = RETRY_AFTER_S

    def __init__(self) -> None:
        super().__init__("the database does not answer; ask again, with the same key if it wrote")


class DriverMissing(LedgerError):
    """What talks to PostgreSQL is not installed."""

    code = "database.driver_missing"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__(
            "PostgreSQL's driver is not installed: pip install 'nuanzhang[postgresql]'"
        )


class DatabaseTooOld(LedgerError):
    """The server is of a version that the ledger is not tested with."""

    code = "database.too_old"
    kind = Kind.INVALID

    def __init__(self, version: int) -> None:
        super().__init__(f"PostgreSQL 15 or later is needed, this is {version // 10_000}")


class NotMigrated(LedgerError):
    """The tables are not there, or are those of another version of the program."""

    code = "database.not_migrated"
    kind = Kind.CONFLICT

    def __init__(self, found: int | None, expected: int) -> None:
        super().__init__(
            f"the database's tables are of version {found or 'none'}, not {expected};"
            " `nuanzhang migrate` makes them"
        )


@dataclass(frozen=True, slots=True)
class Database:
    """A schema in a PostgreSQL database. It prints without its address, which may hold a password.

    `schema` is where a ledger's log stands; its read models stand in another one beside it.
    """

    url: str = field(repr=False)
    schema: str = SCHEMA

    @classmethod
    def at(cls, address: str) -> "Database":
        """Read an address as libpq writes it, with `schema=…` among its parameters for another.

        Raises:
            DatabaseAddressWrong: It is none.
        """
        parts = urlsplit(address)
        if not address.startswith(ADDRESS):
            cause = f"it begins with {ADDRESS}"
            raise DatabaseAddressWrong(cause)
        # In these addresses a plus is a plus, and a blank is written as its number.
        named = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
        schemas = [value for name, value in named if name == "schema"]
        others = urlencode([each for each in named if each[0] != "schema"], quote_via=quote)
        # With an empty host the two slashes would get lost.
        url = urlunsplit(parts._replace(query="", fragment=""))
        if not parts.netloc:
            url = f"{parts.scheme}://{parts.path}"
        url += f"?{others}" if others else ""
        schema = schemas[-1] if schemas else SCHEMA
        named_well = schema.isascii() and schema.isidentifier() and schema == schema.lower()
        if not named_well or len(schema) > SCHEMA_CHARACTERS_MAX or schema.startswith("pg_"):
            cause = f"a schema's name is of small letters, {SCHEMA_CHARACTERS_MAX} at most"
            raise DatabaseAddressWrong(cause)
        return cls(url, schema)

    @property
    def address(self) -> str:
        """The whole address, as `at` reads it; a secret if it holds a password."""
        mark = "&" if "?" in self.url else "?"
        return self.url if self.schema == SCHEMA else f"{self.url}{mark}schema={self.schema}"

    def beside(self, ending: str) -> "Database":
        """Return another schema of the same database."""
        return Database(self.url, f"{self.schema}_{ending}")


class RowTaken(Exception):
    """A row of this key is there already."""


class PageDamaged(Exception):
    """The database says that what it holds is damaged, or is none of its own."""
