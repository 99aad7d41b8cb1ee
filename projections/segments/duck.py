"""DuckDB, which answers on one machine, in bounded memory: what has no room there goes to disk."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ledger.segments.parquet import LibrariesMissing
from projections.segments.asking import Answer

MEMORY = "1GB"


class Duck:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def table(self, name: str, paths: Sequence[Path], where: str) -> None:
        listed = ", ".join(f"'{_quoted(path)}'" for path in paths)
        self.view(name, f"SELECT * FROM read_parquet([{listed}]) WHERE {where}")  # noqa: S608 - ours

    def view(self, name: str, text: str) -> None:
        self._connection.execute(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS {text}")

    def answer(self, text: str) -> Answer:
        found = self._connection.execute(text)
        columns = tuple(each[0] for each in found.description)
        return Answer(columns, [tuple(row) for row in found.fetchall()])


@contextmanager
def duck() -> Iterator[Duck]:
    """Hold an engine in this process.

    Raises:
        LibrariesMissing: It is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - most installations never ask segments anything
    except ModuleNotFoundError:
        raise LibrariesMissing("duckdb") from None
    with TemporaryDirectory(prefix="nuanzhang-duck-") as spill:
        settings: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": spill}
        # Nothing is fetched from anywhere: all that is asked for is built in.
        settings |= {"autoinstall_known_extensions": False, "enable_external_access": True}
        with duckdb.connect(config=settings) as connection:
            yield Duck(connection)


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("'", "''")
