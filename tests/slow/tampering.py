"""Alters what a log's database holds: one value, two values, or a row, at random; or one byte.

The tables can be given without their types and constraints first: whoever can write to the file is
not bound by them either, and then positions may stand twice or be no numbers at all.
"""

import math
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

Value = int | float | str | bytes | None
Place = tuple[str, ...]
"""What a finding may be expected to say; one of these must stand in it."""

COLUMNS = {
    "log_events": ("position", "originator_id", "originator_version", "topic", "state"),
    "log_tiles": ("level", "number", "hashes", "root"),
    "log_edge": ("id", "edge"),
    "log_checkpoints": ("number", "size", "note"),
}
WEIGHTS = {"log_events": 55, "log_tiles": 10, "log_edge": 8, "log_checkpoints": 27}


@dataclass(frozen=True, slots=True)
class Log:
    """What the tables held before they were altered: their rows, in order."""

    rows: dict[str, list[tuple[Value, ...]]]

    @classmethod
    def read(cls, path: Path) -> "Log":
        with closing(sqlite3.connect(path)) as connection:
            return cls({table: _rows(connection, table) for table in COLUMNS})

    @property
    def sizes(self) -> list[int]:
        return [_int(row[1]) for row in self.rows["log_checkpoints"]]

    def good_before(self, position: int) -> int:
        """Return the size of the last checkpoint that does not cover the event at `position`."""
        return max((size for size in self.sizes if size <= position), default=0)

    def covering(self, position: int) -> int:
        return min(size for size in self.sizes if size > position)


@dataclass(frozen=True, slots=True)
class Tampering:
    """What was done, where a finding must point, and up to which size the log still holds.

    Of several places and sizes, one; of none, any: what is not signed says nothing of the events.
    """

    told: str
    places: Place
    last_good_sizes: set[int]


@dataclass(frozen=True, slots=True)
class StoredByte:
    """A byte of a value in a row of a table, or with `at` None a number."""

    table: str
    row: int
    column: str
    at: int | None


class Unaltered(Exception):
    """The draw came to nothing: the database would not have it, or holds what it held before."""


def without_constraints(path: Path) -> None:
    """Make the tables anew with names alone, no types, keys or constraints."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table, columns in COLUMNS.items():
            names = ", ".join(columns)
            connection.execute(f"ALTER TABLE {table} RENAME TO former")
            connection.execute(f"CREATE TABLE {table} ({names})")
            connection.execute(f"INSERT INTO {table} SELECT {names} FROM former ORDER BY 1, 2")
            connection.execute("DROP TABLE former")
        connection.execute("VACUUM")


def stored_bytes(log: Log) -> list[StoredByte]:
    """Return every byte of every value, and every number."""
    return [
        StoredByte(table, row, column, at)
        for table, columns in COLUMNS.items()
        for row, values in enumerate(log.rows[table])
        for column, value in zip(columns, values, strict=True)
        for at in ([None] if isinstance(value, int) else range(len(_raw(value))))
    ]


def alter_byte(path: Path, log: Log, byte: StoredByte) -> Tampering:
    """Flip the lowest bit of a byte, which leaves most text text; make a number one more."""
    old = log.rows[byte.table][byte.row][COLUMNS[byte.table].index(byte.column)]
    new: Value
    if byte.at is None:
        new, how = _int(old) + 1, "one more"
    else:
        raw = bytearray(_raw(old))
        raw[byte.at] ^= 1
        new, how = _like(old, raw), f"bit flipped in byte {byte.at}"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        return _altered(connection, log, byte.table, byte.row, {byte.column: new}, how)


def tamper(path: Path, log: Log, random: Random) -> Tampering:
    """Alter something in the database; return what.

    Raises:
        Unaltered: This time nothing came of it.
    """
    [table] = random.choices(list(WEIGHTS), list(WEIGHTS.values()))
    act = random.choice((_alter, _alter, _alter, _alter, _drop, _swap_values, _swap_rows, _copy))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        before = _rows(connection, table)
        try:
            done = act(connection, log, table, random)
        except sqlite3.IntegrityError as cause:
            raise Unaltered from cause
        if list(map(_typed, _rows(connection, table))) == list(map(_typed, before)):
            raise Unaltered
    return done


def _alter(connection: sqlite3.Connection, log: Log, table: str, random: Random) -> Tampering:
    at = random.randrange(len(log.rows[table]))
    column = random.choice(COLUMNS[table])
    old = log.rows[table][at][COLUMNS[table].index(column)]
    how = random.choice(_WAYS[type(old)])
    change = {column: how(old, random)}
    return _altered(connection, log, table, at, change, how.__name__.strip("_"))


def _altered(
    connection: sqlite3.Connection,
    log: Log,
    table: str,
    at: int,
    change: dict[str, Value],
    how: str,
) -> Tampering:
    [(column, new)] = change.items()
    old = log.rows[table][at][COLUMNS[table].index(column)]
    _set(connection, log, table, at, change)
    told = f"{table} row {at}, {column}: {how}: {_short(old)} to {_short(new)}"
    places, good = _places(log, table, at), _good(log, table, at)
    if column == "position":
        # Missing where it stood, and perhaps in the way where it stands now.
        places += tuple(f"position {each}," for each in (_number(new), *_beside(new)))
        good |= {log.good_before(each) for each in _beside(new)}
    if column in ("level", "number") and table == "log_tiles":
        places += (f" {column} {_number(new)}:", f" {column} {_number(new)} ")
    if column == "size":
        places += (f"checkpoint of {_number(new)} entries",)
        good |= {max((size for size in log.sizes if size < _number(new)), default=0)}
    return Tampering(told, places, good)


def _drop(connection: sqlite3.Connection, log: Log, table: str, random: Random) -> Tampering:
    at = random.randrange(len(log.rows[table]))
    _delete(connection, log, table, at)
    places = _places(log, table, at)
    if table == "log_events" and at == len(log.rows[table]) - 1:
        # Nothing says that it was there, but the checkpoint that covers it.
        places = (f"checkpoint of {at + 1} entries",)
    return Tampering(f"{table} row {at} dropped", places, _good(log, table, at))


def _swap_values(connection: sqlite3.Connection, log: Log, table: str, random: Random) -> Tampering:
    one, other = _two(log, table, random)
    column = random.choice(COLUMNS[table][1:])
    index = COLUMNS[table].index(column)
    rows = log.rows[table]
    # By way of a value that nothing else has, for the sake of constraints.
    _set(connection, log, table, one, {column: -1})
    _set(connection, log, table, other, {column: rows[one][index]})
    _set(connection, log, table, one, {column: rows[other][index]})
    told = f"{table} rows {one} and {other}: {column} swapped"
    return Tampering(told, _places(log, table, one), _good(log, table, one))


def _swap_rows(connection: sqlite3.Connection, log: Log, table: str, random: Random) -> Tampering:
    one, other = _two(log, table, random)
    rows, names = log.rows[table], COLUMNS[table]
    _delete(connection, log, table, one)
    _delete(connection, log, table, other)
    _insert(connection, table, (rows[one][0], *rows[other][1:]))
    _insert(connection, table, (rows[other][0], *rows[one][1:]))
    told = f"{table} rows {one} and {other}: all but {names[0]} swapped"
    places = _places(log, table, one)
    if table == "log_events":
        # Each may well be sound where it stands now; the order of a stream or the tree tells.
        covering = log.covering(one)
        places += (f"checkpoint of {covering} entries",)
        places += tuple(f"position {at}," for at in range(one, covering))
    return Tampering(told, places, _good(log, table, one))


def _copy(connection: sqlite3.Connection, log: Log, table: str, random: Random) -> Tampering:
    rows = log.rows[table]
    at = random.randrange(len(rows))
    key = random.choice((len(rows), len(rows) + 1, random.randrange(len(rows))))
    index = 1 if table == "log_tiles" else 0
    row = (*rows[at][:index], key, *rows[at][index + 1 :])
    _insert(connection, table, row)
    told = f"{table} row {at} copied under {COLUMNS[table][index]} {key}"
    places, good = _places(log, table, at), _good(log, table, at)
    if table == "log_events":
        places = (f"position {min(key, len(rows))},", f"position {key + 1},")
        good = {log.good_before(key), log.good_before(key + 1)}
    if table == "log_checkpoints":
        places += _places(log, table, at + 1)
        good = {log.sizes[at - 1] if at else 0, log.sizes[at]}
    if table == "log_tiles":
        places += (f"log_tiles level 0 number {key}",)
    return Tampering(told, places, good)


# Where a finding must point.


def _places(log: Log, table: str, at: int) -> Place:
    match table:
        case "log_events":
            return (f"position {at},",)
        case "log_checkpoints":
            size = f"checkpoint of {log.sizes[at]} entries" if at < len(log.sizes) else ""
            return tuple(filter(None, (size, f"log_checkpoints number {at + 1}:")))
        case "log_tiles":
            level, number = map(_int, log.rows[table][at][:2])
            return (f"log_tiles level {level} number {number}:",)
        case _:
            return (f"{table}:",)


def _good(log: Log, table: str, at: int) -> set[int]:
    if table == "log_events":
        return {log.good_before(at)}
    if table == "log_checkpoints":
        return {log.sizes[at - 1] if at else 0}
    return set()


def _beside(new: Value) -> set[int]:
    """Return where a row that has this for its position is in the way."""
    number = _number(new)
    return {0} if number < 0 else {math.floor(number), math.floor(number) + 1}


def _number(value: Value) -> int | float:
    """Return it, or for what is no number one that no position and no size has."""
    return value if isinstance(value, int | float) else -1


# How single values are altered.


def _one_more(old: Value, _: Random) -> Value:
    return _int(old) + 1


def _one_less(old: Value, _: Random) -> Value:
    return _int(old) - 1


def _other_number(old: Value, random: Random) -> Value:
    return _int(old) ^ (1 << random.randrange(62))


def _negative(old: Value, _: Random) -> Value:
    return -_int(old) - 1


def _real(old: Value, _: Random) -> Value:
    return float(_int(old))


def _fraction(old: Value, _: Random) -> Value:
    return _int(old) + 0.5


def _as_text(old: Value, _: Random) -> Value:
    return _Text(old) if isinstance(old, bytes) else str(old)


def _as_bytes(old: Value, _: Random) -> Value:
    return str(old).encode()


def _nothing(_: Value, __: Random) -> Value:
    return None


def _flipped_bit(old: Value, random: Random) -> Value:
    raw = bytearray(_raw(old))
    raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
    return _like(old, raw)


def _other_byte(old: Value, random: Random) -> Value:
    raw = bytearray(_raw(old))
    raw[random.randrange(len(raw))] = random.randrange(256)
    return _like(old, raw)


def _truncated(old: Value, random: Random) -> Value:
    raw = _raw(old)
    return _like(old, raw[: random.randrange(len(raw))])


def _beheaded(old: Value, random: Random) -> Value:
    raw = _raw(old)
    return _like(old, raw[random.randrange(1, len(raw)) :])


def _without_a_byte(old: Value, random: Random) -> Value:
    raw = bytearray(_raw(old))
    del raw[random.randrange(len(raw))]
    return _like(old, raw)


def _with_a_byte(old: Value, random: Random) -> Value:
    raw = bytearray(_raw(old))
    raw.insert(random.randrange(len(raw) + 1), random.choice(b"\0\n =A\xff"))
    return _like(old, raw)


def _bytes_swapped(old: Value, random: Random) -> Value:
    raw = bytearray(_raw(old))
    one, other = random.randrange(len(raw)), random.randrange(len(raw))
    raw[one], raw[other] = raw[other], raw[one]
    return _like(old, raw)


def _a_number(_: Value, random: Random) -> Value:
    return random.randrange(1000)


_NUMBER = (
    _one_more,
    _one_less,
    _other_number,
    _negative,
    _real,
    _fraction,
    _as_text,
    _as_bytes,
    _nothing,
)
_STRING = (
    _flipped_bit,
    _flipped_bit,
    _other_byte,
    _truncated,
    _beheaded,
    _without_a_byte,
    _with_a_byte,
    _bytes_swapped,
    _a_number,
    _nothing,
)
_WAYS: dict[type, Sequence[Callable[[Value, Random], Value]]] = {
    int: _NUMBER,
    str: (*_STRING, _as_bytes),
    bytes: (*_STRING, _as_text),
}


class _Text(bytes):
    """Bytes that the database shall take for text, whether they are or not."""


def _like(old: Value, raw: bytes | bytearray) -> Value:
    return _Text(raw) if isinstance(old, str) else bytes(raw)


def _raw(value: Value) -> bytes:
    assert isinstance(value, str | bytes)
    return value.encode() if isinstance(value, str) else value


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value


# The database.


def _rows(connection: sqlite3.Connection, table: str) -> list[tuple[Value, ...]]:
    connection.text_factory = _decoded
    return connection.execute(
        f"SELECT {', '.join(COLUMNS[table])} FROM {table} ORDER BY 1, 2"
    ).fetchall()


def _decoded(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _typed(row: tuple[Value, ...]) -> list[tuple[str, Value]]:
    """Tell 1 from 1.0, which are equal but not the same."""
    return [(type(value).__name__, value) for value in row]


def _set(
    connection: sqlite3.Connection, log: Log, table: str, at: int, values: dict[str, Value]
) -> None:
    assignments = ", ".join(f"{column} = {_mark(value)}" for column, value in values.items())
    condition, key = _where(log, table, at)
    connection.execute(
        f"UPDATE {table} SET {assignments} WHERE {condition}", (*values.values(), *key)
    )


def _delete(connection: sqlite3.Connection, log: Log, table: str, at: int) -> None:
    condition, key = _where(log, table, at)
    connection.execute(f"DELETE FROM {table} WHERE {condition}", key)


def _insert(connection: sqlite3.Connection, table: str, row: tuple[Value, ...]) -> None:
    marks = ", ".join(map(_mark, row))
    connection.execute(f"INSERT INTO {table} ({', '.join(COLUMNS[table])}) VALUES ({marks})", row)


def _where(log: Log, table: str, at: int) -> tuple[str, tuple[Value, ...]]:
    first, second, *_ = COLUMNS[table]
    row = log.rows[table][at]
    if table == "log_tiles":
        return f"{first} = ? AND {second} = ?", row[:2]
    return f"{first} = ?", row[:1]


def _mark(value: Value) -> str:
    return "CAST(? AS TEXT)" if isinstance(value, _Text) else "?"


def _two(log: Log, table: str, random: Random) -> tuple[int, int]:
    if len(log.rows[table]) == 1:
        raise Unaltered
    one, other = sorted(random.sample(range(len(log.rows[table])), 2))
    return one, other


def _short(value: Value) -> str:
    return f"{str(value)[:20]!r} ({type(value).__name__.strip('_')})"
