"""Files that were handed in and wait for their officer: sealed, for a day, until committed."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid4

import msgspec

from api.background.sealing import Seal
from api.background.store import BackgroundStore
from ledger.errors import Kind, LedgerError
from ledger.files.columns import HEADER_ROWS_MAX, Layout, Lines, titles_of

KEPT_S = 24 * 3600
OPEN_MAX = 20
"""How many files of one officer wait: the oldest makes room."""
SAMPLES = 3
CELL_LENGTH_MAX = 60


class ImportUnknown(LedgerError):
    """There is no such upload any more, or it is somebody else's."""

    code = "import.unknown"
    kind = Kind.ABSENT

    def __init__(self, import_id: str) -> None:
        super().__init__(f"no upload {import_id}: it is kept for a day; upload the file again")


class ImportNotTried(LedgerError):
    """What is committed was tried first, with the columns as they are now."""

    code = "import.not_tried"
    kind = Kind.CONFLICT

    def __init__(self, import_id: str) -> None:
        super().__init__(f"upload {import_id} has not been tried with these columns")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What pages need of an upload without opening it: its order, and how it begins."""

    filename: str
    order: dict[str, str]
    rows: int
    head: list[tuple[int, list[str]]]

    def titles(self, line: int) -> list[str]:
        return next((titles_of(cells) for at, cells in self.head if at == line), [])

    def samples(self, line: int, column: int) -> list[str]:
        """Return what stands below a title, in clear."""
        below = [cells for at, cells in self.head if at > line]
        found = [cells[column] for cells in below if column < len(cells) and cells[column]]
        return found[:SAMPLES]


def facts_of(filename: str, order: dict[str, str], lines: Lines) -> Facts:
    head = [
        (line, ["" if cell is None else str(cell)[:CELL_LENGTH_MAX] for cell in cells])
        for line, cells in lines[: HEADER_ROWS_MAX + SAMPLES]
    ]
    return Facts(filename=filename, order=order, rows=len(lines), head=head)


@dataclass(frozen=True, slots=True)
class Import:
    """An upload. `trial` and `commit` are the jobs that tried it and took it in."""

    import_id: str
    kind: str
    officer_id: UUID
    facts: Facts
    layout: Layout | None
    trial: str | None
    commit: str | None
    created_at_s: int


class Imports:
    """Uploads and remembered columns, in the file of what is under way."""

    def __init__(self, store: BackgroundStore, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    def keep(self, kind: str, officer_id: UUID, facts: Facts, content: bytes, now_s: int) -> str:
        """Keep an upload and return its id."""
        import_id = str(uuid4())
        sealed = (msgspec.msgpack.encode(facts), content)
        with self._store.writing() as sql:
            sql.execute(
                "INSERT INTO imports (import_id, kind, officer_id, facts, content, created_at_s)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    import_id,
                    kind,
                    str(officer_id),
                    *(self._seal.seal(each, import_id) for each in sealed),
                    now_s,
                ),
            )
            sql.execute(
                "DELETE FROM imports WHERE officer_id = ?1 AND number NOT IN (SELECT number FROM"
                " imports WHERE officer_id = ?1 ORDER BY number DESC LIMIT ?2)",
                (str(officer_id), OPEN_MAX),
            )
        return import_id

    def find(self, import_id: str, officer_id: UUID, now_s: int, kinds: Collection[str]) -> Import:
        """Return an officer's upload that is of one of these kinds.

        Raises:
            ImportUnknown: There is none of theirs.
        """
        found = self._store.row(
            "SELECT * FROM imports WHERE import_id = ? AND officer_id = ? AND created_at_s > ?",
            import_id,
            str(officer_id),
            now_s - KEPT_S,
        )
        if found is None or found["kind"] not in kinds:
            raise ImportUnknown(import_id)
        return self._import(found)

    def of_job(self, job_id: str, officer_id: UUID, now_s: int) -> Import | None:
        """Return the upload that a job of the officer's tried or took in, if it is still there."""
        found = self._store.row(
            "SELECT * FROM imports WHERE (trial = ?1 OR commit_job = ?1) AND officer_id = ?2"
            " AND created_at_s > ?3",
            job_id,
            str(officer_id),
            now_s - KEPT_S,
        )
        return None if found is None else self._import(found)

    def of_officer(self, officer_id: UUID, now_s: int) -> list[Import]:
        """Return the uploads of an officer that are still there."""
        found = self._store.rows(
            "SELECT * FROM imports WHERE officer_id = ? AND created_at_s > ?",
            str(officer_id),
            now_s - KEPT_S,
        )
        return [self._import(row) for row in found]

    def content(self, found: Import) -> bytes:
        """Open an upload.

        Raises:
            ImportUnknown: It is deleted meanwhile.
            SealBroken: It was sealed for another ledger.
        """
        row = self._store.row("SELECT content FROM imports WHERE import_id = ?", found.import_id)
        if row is None:
            raise ImportUnknown(found.import_id)
        return self._seal.open(row["content"], found.import_id)

    def lay_out(self, import_id: str, layout: Layout, trial: str) -> None:
        """Say how an upload is read, and which job tries it so."""
        with self._store.writing() as sql:
            sql.execute(
                "UPDATE imports SET layout = ?, trial = ? WHERE import_id = ?",
                (json.dumps([layout.line, layout.fields]), trial, import_id),
            )

    def committed(self, import_id: str, job_id: str) -> None:
        with self._store.writing() as sql:
            sql.execute(
                "UPDATE imports SET commit_job = ? WHERE import_id = ?", (job_id, import_id)
            )

    def remember(self, kind: str, organisation: str, facts: Facts, layout: Layout) -> None:
        """Keep what the columns of these titles were taken for, for the next such file."""
        titles = facts.titles(layout.line)
        with self._store.writing() as sql:
            sql.execute(
                "INSERT INTO layouts (header, fields) VALUES (?, ?)"
                " ON CONFLICT (header) DO UPDATE SET fields = excluded.fields",
                (self._header(kind, organisation, titles), json.dumps(layout.fields)),
            )

    def remembered(self, kind: str, organisation: str, facts: Facts, line: int) -> Layout | None:
        """Return what the columns under this header were taken for the last time."""
        titles = facts.titles(line)
        found = self._store.row(
            "SELECT fields FROM layouts WHERE header = ?",
            self._header(kind, organisation, titles),
        )
        return None if found is None else Layout(line, tuple(json.loads(found["fields"])))

    def purge(self, now_s: int) -> None:
        """Delete what nobody came back for."""
        with self._store.writing() as sql:
            sql.execute("DELETE FROM imports WHERE created_at_s <= ?", (now_s - KEPT_S,))

    def _header(self, kind: str, organisation: str, titles: list[str]) -> bytes:
        """Keyed: what was taken for a header may have been a row of people."""
        return self._seal.fingerprint(json.dumps([kind, organisation, titles]).encode())

    def _import(self, row: sqlite3.Row) -> Import:
        facts = self._seal.open(row["facts"], row["import_id"])
        layout = None if row["layout"] is None else json.loads(row["layout"])
        return Import(
            row["import_id"],
            row["kind"],
            UUID(row["officer_id"]),
            msgspec.msgpack.decode(facts, type=Facts),
            None if layout is None else Layout(layout[0], tuple(layout[1])),
            row["trial"],
            row["commit_job"],
            row["created_at_s"],
        )
