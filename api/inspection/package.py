"""Makes a package: every table in each form, sums and hashes, proofs, and a page that explains."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import Connection

from api.inspection.acts import act_tables
from api.inspection.controls import Control, control_table, controls
from api.inspection.doubts import Doubts
from api.inspection.interchange import ledger_lines, shared_lines
from api.inspection.money import money_tables
from api.inspection.payees import Payees
from api.inspection.readme import readme
from api.inspection.sources import Sources
from api.journal_file import journal_lines
from ledger.anchoring.publications import Published
from ledger.commands.exports import HandOut, hand_out
from ledger.errors import Kind as Refusal
from ledger.errors import LedgerError
from ledger.packs.handing_over import PackOrder, hand_over
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, NotOnRecord
from ledger.store.map_store import MapStore
from projections.exports import delimited, workbook
from projections.exports.database import Database
from projections.exports.delimited import Encoding
from projections.exports.flat import Field, Flat
from projections.exports.plain_text import Dialect
from projections.exports.table import Kind, Table
from projections.organisations import tree_on

CHUNK_BYTES = 1 << 20
SUMS = {"sha256": "SHA256SUMS", "sm3": "SM3SUMS"}
FORMS = 12
"""How many files come after the tables, about: workbooks, XML, journal, proofs, sums."""

WHOLE_PACK_LINES_MAX = 20_000
PACKS_MAX = 5
"""How much evidence goes with it: each pack is made in memory, where a province would not fit."""

Progress = Callable[[int, int], None]
"""Told how many files are written, and of how many."""


class YearNotBegun(LedgerError):
    """There is nothing to be handed over of a year that is still to come."""

    code = "inspection.year_not_begun"
    kind = Refusal.INVALID

    def __init__(self, year: int, today: date) -> None:
        super().__init__(f"the year {year} has not begun on {today}")


class PlaceTaken(LedgerError):
    """A package is written into a folder of its own: what is in another one is left alone."""

    code = "inspection.place_taken"
    kind = Refusal.CONFLICT

    def __init__(self, out: Path) -> None:
        super().__init__(f"{out} is there already; name a folder that is not, or a ZIP file")


@dataclass(frozen=True, slots=True)
class InspectionOrder:
    """Of which organisation with all below it, of which year; with `opened`, people in clear.

    `encoding` is that of CSV and XML.
    """

    organisation_id: UUID
    year: int
    encoding: Encoding = Encoding.UTF_8
    opened: bool = False
    reason: str = ""
    made_for: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the file's or the folder's hash, and what it comes to."""

    sha256: str
    files: int
    payments: int
    people: int
    controls: Sequence[Control]

    @property
    def agrees(self) -> bool:
        return all(each.agrees is not False for each in self.controls)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes packages of a ledger, under a published checkpoint."""

    ledger: Ledger
    model: Connection
    maps: MapStore
    published: Published

    def make(
        self, act: CommandAct, order: InspectionOrder, out: Path, progress: Progress | None = None
    ) -> Made:
        """Write a package: a ZIP file where the name says so, else a folder.

        With people in clear, it is on record before it stands under its name.

        Args:
            act: Who asks, and when.
            order: What is asked for.
            out: What to write; a file that is there is replaced, a folder is not.
            progress: Told after each file.

        Raises:
            PlaceTaken: The folder is there already.
            OSError: The folder that it is to stand in is not there, or the disk does not take it.
            YearNotBegun, NotOnRecord: There is nothing to be handed over.
            ReasonMissing, RoleMissing, OfficerRequired: People may not be shown in clear.
        """
        if out.is_dir():
            raise PlaceTaken(out)
        of = self._sources(act, order)
        if order.opened:
            # Asked before all the work; the event itself needs the hash.
            trial = replace(_in_person(act), dry_run=True)
            hand_out(self.ledger, trial, _handing_out(order, 0, "0" * 64))
        with _draft(out) as folder:
            made = _Package(self, of, order, folder, progress).write(act)
            draft = out.with_name(f".{out.name}.new")
            if out.suffix == ".zip":
                _zip(folder, draft)
                made = replace(made, sha256=_hash(draft, "sha256"))
            else:
                folder.rename(draft)
                made = replace(made, sha256=_hash(draft / SUMS["sha256"], "sha256"))
            if order.opened:
                given = _handing_out(order, made.people, made.sha256)
                hand_out(self.ledger, _in_person(act), given)
            draft.rename(out)
        return made

    def _sources(self, act: CommandAct, order: InspectionOrder) -> Sources:
        today = act.happened_on
        if date(order.year, 1, 1) > today:
            raise YearNotBegun(order.year, today)
        closing = min(date(order.year, 12, 31), today)
        union = tree_on(self.model, closing).by_id.get(order.organisation_id)
        if union is None:
            raise NotOnRecord("organisation", order.organisation_id)
        at = self.ledger.size() - 1
        return Sources(self.ledger, self.model, union, order.year, closing, at)


class _Package:
    """One package being written into a folder."""

    def __init__(
        self,
        maker: Maker,
        of: Sources,
        order: InspectionOrder,
        folder: Path,
        progress: Progress | None,
    ) -> None:
        self._maker, self._of, self._order, self._folder = maker, of, order, folder
        self._progress = progress
        self._done = 0
        self._payees = Payees(maker.ledger, maker.model, of.moment, opened=order.opened)
        self._doubts = Doubts(of)
        self._tables = [*act_tables(of, self._payees), *money_tables(of)]
        self._findings = self._doubts.tables()
        self._voucher_lines = 0
        self._total = 2 * (len(self._tables) + len(self._findings)) + FORMS

    def write(self, act: CommandAct) -> Made:
        path = self._folder / "data" / "package.sqlite"
        path.parent.mkdir()
        with Database(path) as data:
            for table in (*self._tables, *self._findings):
                data.add(table)
                self._step()
            data.index(self._named("vouchers"), "payment")
            data.index(self._named("payments"), "payment")
            found = controls(self._of, [*self._tables, *self._findings], data)
            everything = [*self._tables, *self._findings, control_table(found)]
            dictionary = _dictionary(everything)
            for table in (everything[-1], dictionary):
                data.add(table)
            self._write_tables([dictionary, *everything], data)
            self._write_interchange(data)
            payments = data.count(self._named("payments"))
            self._voucher_lines = data.count(self._named("vouchers"))
        self._write_journal()
        self._write_proofs(act)
        self._write_readme()
        files = self._write_sums()
        return Made("", files, payments, self._payees.people, found)

    def _write_tables(self, tables: Sequence[Flat], data: Database) -> None:
        for table in tables:
            lines = delimited.lines(_plain(table, data), self._order.encoding, bare=True)
            self._write(f"csv/{table.name}.csv", lines)
        doubts = {each.name for each in self._findings}
        books = {
            "xlsx/tables.xlsx": [each for each in tables if each.name not in doubts],
            "xlsx/findings.xlsx": [each for each in tables if each.name in doubts],
        }
        for name, sheets in books.items():
            path = self._folder / name
            path.parent.mkdir(exist_ok=True)
            workbook.write([_plain(each, data, self._facts()) for each in sheets], path)
            self._step()

    def _write_interchange(self, data: Database) -> None:
        tables = {each.name: each for each in self._tables}
        of, encoding = self._of, self._order.encoding
        self._write("gbt24589/shared.xml", shared_lines(of, encoding, tables, data))
        self._write("gbt24589/ledger.xml", ledger_lines(of, encoding, tables, data))

    def _write_journal(self) -> None:
        of = self._of
        for dialect, name in ((Dialect.HLEDGER, "journal"), (Dialect.BEANCOUNT, "beancount")):
            lines = journal_lines(of.ledger, of.model, dialect, of.moment, of.ids)
            self._write(f"journal/ledger.{name}", lines)

    def _write_proofs(self, act: CommandAct) -> None:
        """Add evidence packs, each with its own verifier, masked in any case.

        Of the organisation, where that stays small: all that its figures are computed from stands
        in it. Of the batches that the gravest doubts name, one by one.
        """
        maker, of = self._maker, self._of
        batches = {each.batch_id: each.code for each in of.batches()}
        packs = [
            ("batch", id_, f"batch-{batches[id_]}") for id_ in self._doubts.batches[:PACKS_MAX]
        ]
        if self._voucher_lines <= WHOLE_PACK_LINES_MAX:
            packs.append(("organisation", of.organisation.organisation_id, "organisation"))
        for kind, subject, name in packs:
            order = PackOrder(kind, subject)
            pack = hand_over(maker.ledger, maker.maps, maker.published, act, order)
            self._write(f"evidence/{name}.pack.zip", [pack])

    def _write_readme(self) -> None:
        text = readme(self._of, self._maker.published, self._order.encoding, self._opened())
        self._write("README.txt", [b"\xef\xbb\xbf", text.encode()])

    def _write_sums(self) -> int:
        paths = sorted(each for each in self._folder.rglob("*") if each.is_file())
        names = {path: path.relative_to(self._folder).as_posix() for path in paths}
        for algorithm, name in SUMS.items():
            lines = (f"{_hash(path, algorithm)}  {names[path]}\n".encode() for path in paths)
            self._write(name, lines)
        return len(paths) + len(SUMS)

    def _write(self, name: str, content: Iterable[bytes]) -> None:
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.writelines(content)
        self._step()

    def _step(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, max(self._total, self._done))

    def _named(self, name: str) -> Flat:
        return next(each for each in self._tables if each.name == name)

    def _facts(self) -> list[tuple[str, str]]:
        of = self._of
        return [
            ("单位", f"{of.organisation.code} {of.organisation.name}及其全部下级"),
            ("期间", f"{of.opening.isoformat()} 至 {of.closing.isoformat()}"),
            ("截至日志位置", str(of.at)),
            ("个人信息", self._opened()),
        ]

    def _opened(self) -> str:
        if not self._order.opened:
            return "已遮盖"
        return f"明文；交给 {self._order.made_for}，理由：{self._order.reason}"


def _plain(flat: Flat, data: Database, facts: Sequence[tuple[str, str]] = ()) -> Table:
    return Table(flat.title, flat.columns, data.rows(flat), facts)


def _dictionary(tables: Sequence[Flat]) -> Flat:
    """Return what every table and every field of it means."""
    words = {Kind.TEXT: "文本", Kind.MONEY: "金额", Kind.COUNT: "整数", Kind.DAY: "日期"}
    return Flat(
        "dictionary",
        "数据字典",
        "本包每张表、每个字段的名称和含义；SQLite 中金额为整数分，CSV、XLSX、XML 中为元",
        [
            Field("table", "表", width=16),
            Field("table_title", "表名", width=18),
            Field("field", "字段", width=18),
            Field("field_title", "字段名", width=18),
            Field("kind", "类型", width=8),
            Field("meaning", "说明", width=60),
        ],
        [
            row
            for table in tables
            for row in [
                (table.name, table.title, None, None, None, table.meaning),
                *(
                    (table.name, table.title, each.name, each.title, words[each.kind], each.meaning)
                    for each in table.fields
                ),
            ]
        ],
    )


def _in_person(act: CommandAct) -> CommandAct:
    """Have an officer's post asked for, also where the operator types the command for them."""
    return replace(act, signed_in=True)


def _handing_out(order: InspectionOrder, people: int, digest: str) -> HandOut:
    return HandOut(
        kind="inspection",
        subject_id=order.organisation_id,
        organisation_id=order.organisation_id,
        people=people,
        file_sha256=digest,
        reason=order.reason,
        made_for=order.made_for,
    )


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """Yield a folder beside what is to be made, which nobody else can read."""
    with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as outer:
        folder = Path(outer) / "package"
        folder.mkdir(mode=0o700)
        yield folder


def _zip(folder: Path, draft: Path) -> None:
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())


def _hash(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm)).hexdigest()
