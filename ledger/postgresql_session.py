"""Connections to PostgreSQL, for whoever has its driver.

What differs from SQLite in SQL stands here, and the driver's errors become ours here: its own would
name hosts and users.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from math import inf
from typing import Any

from ledger.database import DiskFull
from ledger.postgresql import (
    Database,
    DatabaseAddressWrong,
    DatabaseTooOld,
    DatabaseUnreachable,
    NotMigrated,
    PageDamaged,
    RowTaken,
)
from ledger.postgresql_line import driver, line

VERSION_MIN = 150_000
CONNECT_TIMEOUT_S = 3
LINE = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "application_name": "nuanzhang",
    # Of several hosts one is written to; the others would refuse, or tell what is out of date.
    "target_session_attrs": "read-write",
    # A network that is gone is noticed in ten seconds, not in two hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""What an address need not say; what it says goes before."""
LOCK_TIMEOUT_S = 60
TYPES = """SELECT format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
IDLE_IN_TRANSACTION_S = 300
"""A process that was frozen in the middle of a write is not to keep all others from writing."""


class Rows(list[Any]):
    """What was found, in the manner of a cursor."""

    def fetchone(self) -> Any:
        return self[0] if self else None

    def fetchall(self) -> list[Any]:
        return self


class Session:
    """A connection that takes the same SQL as SQLite's: question marks stand for values.

    Each statement is a transaction of its own unless one is begun.
    """

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def prove(self) -> None:
        """Have the server commit something, so that whatever is seen from now on is there to stay.

        After a crash a primary shows what its replicas may not have, and one that was replaced
        without knowing it shows what no longer holds; neither commits before its replicas follow.

        Raises:
            DatabaseUnreachable: It does not commit, for the time being.
        """
        with told_in_our_words():
            self.raw.execute("SELECT pg_logical_emit_message(true, 'nuanzhang', '')")

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Rows:
        """Do a statement; return what it found.

        Raises:
            DatabaseUnreachable: The line broke off; whether the statement was done is not known.
            RowTaken: It would add a row that is there.
            PageDamaged: The database cannot read what it holds.
        """
        with told_in_our_words():
            # As text, envelopes would come in twice their length, and take thrice the time.
            cursor = self.raw.execute(marked(statement), values, binary=True)
            return Rows(cursor.fetchall() if cursor.description else ())

    def copy(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Add many rows to a table of ours, in the order of its columns.

        In the binary format: as text each byte of an event would be two characters.
        """
        types = [str(name) for (name,) in self.execute(TYPES, (table,))]
        with (
            told_in_our_words(),
            self.raw.cursor() as cursor,
            cursor.copy(
                f"COPY {table} FROM STDIN (FORMAT BINARY)".encode(),
                # Made here while another thread waits for the server to take them.
                writer=driver().copy.QueuedLibpqWriter(cursor),
            ) as copy,
        ):
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def is_idle(self) -> bool:
        """Say whether no transaction is begun, as far as this side knows."""
        return bool(self.raw.info.transaction_status == driver().pq.TransactionStatus.IDLE)

    def close(self) -> None:
        self.raw.close()


@contextmanager
def told_in_our_words() -> Iterator[None]:
    try:
        yield
    except driver().errors.DiskFull:
        raise DiskFull from None  # the line holds, and the server goes on
    except (driver().OperationalError, driver().errors.ReadOnlySqlTransaction):
        raise DatabaseUnreachable from None
    except driver().IntegrityError:
        raise RowTaken from None
    except driver().DatabaseError as cause:
        raise PageDamaged(type(cause).__name__) from None


def connect(database: Database, silence_max_s: float = inf) -> Session:
    """Connect; all names are looked up in the schema.

    Args:
        database: Where to.
        silence_max_s: For how long a server that is there may take for an answer.

    Raises:
        DatabaseUnreachable: Nobody answers there, or not us.
        DatabaseAddressWrong: The address says what PostgreSQL does not know.
    """
    try:
        given: dict[str, Any] = driver().conninfo.conninfo_to_dict(database.url)
    except driver().ProgrammingError:
        cause = "PostgreSQL cannot read it"
        raise DatabaseAddressWrong(cause) from None
    options = (
        f"{given.pop('options', None) or ''} -c search_path={database.schema}"
        f" -c lock_timeout={LOCK_TIMEOUT_S}s"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_S}s"
    )
    with told_in_our_words():
        raw = line().connect(**{**LINE, **given}, options=options, autocommit=True)
    session = Session(raw)
    try:
        session.prove()
        raw.silence_max_s = silence_max_s
    except BaseException:
        session.close()
        raise
    return session


def connect_to_read(database: Database, silence_max_s: float = inf) -> Session:
    """Connect to read alone; a transaction that is begun holds one state of the database."""
    session = connect(database, silence_max_s)
    session.execute(
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    )
    return session


@lru_cache(maxsize=1024)
def marked(statement: str) -> bytes:
    """Return a statement with the driver's marks for values."""
    return statement.replace("%", "%%").replace("?", "%s").encode()


def tables_of(schema: str) -> str:
    """Return definitions of tables that are written for SQLite as PostgreSQL reads them.

    Texts are compared byte by byte, as SQLite compares them, whatever the database's language is.
    """
    for theirs, ours in (
        ("INTEGER", "BIGINT"),
        ("BLOB", "BYTEA"),
        ("TEXT", 'TEXT COLLATE "C"'),
        (" WITHOUT ROWID", ""),
    ):
        schema = schema.replace(theirs, ours)
    return schema


def migrate(database: Database, steps: Sequence[str]) -> None:
    """Bring a schema's tables up to date, once, however many processes want to at the same time.

    Args:
        database: Whose tables.
        steps: What each version adds, first to last; a step that was released never changes.

    Raises:
        DatabaseUnreachable, DatabaseTooOld: There is no server, or none that we know.
        NotMigrated: The tables are those of a later version of the program.
    """
    session = connect(database)
    try:
        if session.raw.info.server_version < VERSION_MIN:
            raise DatabaseTooOld(session.raw.info.server_version)
        session.execute("BEGIN")
        # Held until the transaction ends: `IF NOT EXISTS` alone fails where two begin at once.
        session.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))",
            (f"nuanzhang migration {database.schema}",),
        )
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {database.schema}")
        session.execute("CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY)")
        done = _version(session) or 0
        if done > len(steps):
            raise NotMigrated(done, len(steps))
        for version, step in enumerate(steps[done:], done + 1):
            with told_in_our_words():
                session.raw.execute(step.encode())
            session.execute("INSERT INTO migrations VALUES (?)", (version,))
        session.execute("COMMIT")
    finally:
        session.close()


def require_migrated(session: Session, version: int) -> None:
    """Check that the tables are there and are those we know; never make them.

    Raises:
        NotMigrated: They are not.
    """
    (there,) = session.execute("SELECT to_regclass('migrations') IS NOT NULL").fetchone()
    found = _version(session) if there else None
    if found != version:
        raise NotMigrated(found, version)


def _version(session: Session) -> int | None:
    (version,) = session.execute("SELECT max(version) FROM migrations").fetchone()
    return version if isinstance(version, int) else None
