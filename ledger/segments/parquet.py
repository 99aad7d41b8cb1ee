"""Tables as Parquet files, written so that the same rows give the same bytes, and read back."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ledger.errors import Kind as ErrorKind
from ledger.errors import LedgerError
from ledger.segments.tables import FlatTable, Kind

ROWS_AT_ONCE = 16_384
"""Of a row group. Files hang on it: other groups are other bytes."""
WRITING = {"version": "2.6", "compression": "zstd", "compression_level": 3, "store_schema": False}


class LibrariesMissing(LedgerError):
    """Segments are read and written by libraries that not every installation has."""

    code = "segment.libraries_missing"
    kind = ErrorKind.UNREACHABLE

    def __init__(self, name: str) -> None:
        extra = "spark" if name == "pyspark" else "segments"
        super().__init__(f"{name} is not installed: pip install 'nuanzhang[{extra}]'")
        self.name = name

    def __reduce__(self) -> tuple[type["LibrariesMissing"], tuple[str]]:
        """Travel whole from a worker process, or another machine."""
        return type(self), (self.name,)


def arrow() -> Any:
    """Return the library of tables, for whoever has it: most installations never seal anything.

    Raises:
        LibrariesMissing: It is not installed.
    """
    try:
        import pyarrow.compute  # noqa: PLC0415 - as said
        import pyarrow.parquet  # noqa: PLC0415 - as said
    except ModuleNotFoundError:
        raise LibrariesMissing("pyarrow") from None
    return pyarrow


def written_by() -> str:
    """Return what wrote the files, as they say themselves."""
    return f"parquet-cpp-arrow version {arrow().__version__}"


class TableWriter:
    """Writes a table's rows into a file, some thousands at once."""

    def __init__(self, path: Path, table: FlatTable) -> None:
        self._arrow = arrow()
        self._schema = schema_of(table)
        self._waiting: list[tuple[Any, ...]] = []
        self._table = table
        # What never stands twice is not looked up in a dictionary of what stood before.
        worded = [each.name for each in table.columns if each.name not in ("envelope", "leaf_hash")]
        self._writer = self._arrow.parquet.ParquetWriter(
            path, self._schema, use_dictionary=worded, **WRITING
        )
        self.rows = 0

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._waiting += rows
        while len(self._waiting) >= ROWS_AT_ONCE:
            self._write(self._waiting[:ROWS_AT_ONCE])
            del self._waiting[:ROWS_AT_ONCE]

    def close(self) -> None:
        if self._waiting:
            self._write(self._waiting)
        self._waiting = []
        self._writer.close()

    def _write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._writer.write_table(table_of(self._table, rows), row_group_size=ROWS_AT_ONCE)
        self.rows += len(rows)


def schema_of(table: FlatTable) -> Any:
    """Return a table's columns as Arrow has them."""
    library = arrow()
    types = {
        Kind.ID: library.string(),
        Kind.TEXT: library.string(),
        Kind.BYTES: library.binary(),
        Kind.NUMBER: library.int64(),
    }
    return library.schema(
        [library.field(each.name, types[each.kind], each.nullable) for each in table.columns]
    )


def table_of(table: FlatTable, rows: Sequence[tuple[Any, ...]]) -> Any:
    """Return rows as Arrow has them."""
    library, schema = arrow(), schema_of(table)
    if not rows:
        return schema.empty_table()
    columns = []
    for column, field, values in zip(table.columns, schema, zip(*rows, strict=True), strict=True):
        told = [_id_text(each) for each in values] if column.kind is Kind.ID else values
        columns.append(library.array(told, field.type))
    return library.Table.from_arrays(columns, schema=schema)


def read_rows(path: Path, table: FlatTable) -> Iterator[Any]:
    """Yield a file's rows, a row group at once, as Arrow tables of exactly these columns.

    Raises:
        ValueError, OSError: It is no Parquet file, or has other columns.
    """
    with arrow().parquet.ParquetFile(path, memory_map=True) as file:
        if not file.schema_arrow.equals(schema_of(table)):
            raise ValueError("other columns than the manifest says")
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, use_threads=False)


def _id_text(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
