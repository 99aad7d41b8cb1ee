"""Registers a city keeps as CSV: organisations, officers, money in, money down, batches."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from ledger.domain.values import is_fiscal_year
from ledger.files.amounts import day, fen, whole_number
from ledger.files.faults import Fault, FileRefused
from ledger.files.text import CsvRow, code_text, heading, person_name, read_csv

T = TypeVar("T")
TRow = TypeVar("TRow", "OrganisationRow", "OfficerRow", "FundRow", "AllocationRow")
TMoney = TypeVar("TMoney", "FundRow", "AllocationRow")


REFERENCES = ("流水号", "交易流水号", "凭证号", "凭证编号")
"""Columns that a register of money may have: what a bank or the books call a row by."""


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """`written` is the code as the file has it: ledgers of before may know the union by that."""

    line: int
    code: str
    name: str
    kind: str
    parent_code: str | None
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class OfficerRow:
    """`written`: as of unions."""

    line: int
    staff_number: str
    name: str = field(repr=False)
    organisation_code: str
    role: str
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class FundRow:
    """Money from outside into an organisation's account, of a vintage (fiscal year of origin).

    `references` are what the columns `REFERENCES` hold of it; empty, where there is none.
    """

    line: int
    on: date
    organisation_code: str
    source: str
    document: str
    earmark: str
    vintage: int
    amount_fen: int
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """Money passed down; `references` as of money from outside."""

    line: int
    on: date
    from_code: str
    to_code: str
    earmark: str
    document: str
    amount_fen: int
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch, the files it came with, and who had which part in it (staff numbers).

    `written`: as of unions.
    """

    line: int
    code: str
    organisation_code: str
    channel: str
    roster: str
    earmark: str
    drafted_by: str
    reviewed_by: str
    approved_by: str
    approved_on: date
    bank_format: str | None
    return_file: str | None
    returned_on: date | None
    written: str = field(default="", compare=False)


def read_organisations(name: str, data: bytes) -> list[OrganisationRow]:
    """Read 编码, 名称, 层级, 上级编码. Every reader here refuses the file with all its faults.

    A union that is listed again is so with the same words, or nobody knows which of them count.
    """
    rows = _collect(
        name,
        read_csv(name, data, ("编码", "名称", "层级", "上级编码")),
        lambda cells: OrganisationRow(
            cells.line,
            cells.code("编码"),
            cells.text("名称"),
            cells.text("层级"),
            code_text(cells.optional("上级编码") or "") or None,
            cells.text("编码"),
        ),
    )
    first = {row.code: row for row in reversed(rows)}
    again = [(first[row.code], row) for row in rows if row is not first[row.code]]
    _require_once(name, [(one, row) for one, row in again if replace(row, line=one.line) != one])
    return [row for row in rows if row is first[row.code]]


def read_officers(name: str, data: bytes) -> list[OfficerRow]:
    """Read 工号, 姓名, 单位编码, 岗位: one row for each post, and one name for each number."""
    rows = _collect(
        name,
        read_csv(name, data, ("工号", "姓名", "单位编码", "岗位")),
        lambda cells: OfficerRow(
            cells.line,
            cells.code("工号"),
            person_name(cells.text("姓名")),
            cells.code("单位编码"),
            cells.text("岗位"),
            cells.text("工号"),
        ),
    )
    first = {row.staff_number: row for row in reversed(rows)}
    pairs = [(first[row.staff_number], row) for row in rows]
    _require_once(name, [(one, row) for one, row in pairs if one.name != row.name])
    return rows


def read_funds(name: str, data: bytes) -> list[FundRow]:
    """Read 日期, 单位编码, 资金来源, 文号, 用途, 年度, 金额(元).

    A row that is like another in every cell is refused: it would count twice. Two that have numbers
    of their own are two, in whichever of the columns `REFERENCES`.
    """
    columns = ("日期", "单位编码", "资金来源", "文号", "用途", "年度", "金额(元)")
    rows = _collect(
        name,
        read_csv(name, data, columns, REFERENCES),
        lambda cells: FundRow(
            cells.line,
            cells.day("日期"),
            cells.code("单位编码"),
            cells.text("资金来源"),
            cells.text("文号"),
            cells.text("用途"),
            cells.parsed("年度", whole_number, "number.invalid"),
            cells.parsed("金额(元)", _positive_fen, "amount.invalid"),
            cells.references(),
        ),
    )
    _require_once(name, _repeated(rows))
    return rows


def read_allocations(name: str, data: bytes) -> list[AllocationRow]:
    """Read 日期, 拨出单位, 接收单位, 用途, 文号, 金额(元); no row twice, as in `read_funds`."""
    columns = ("日期", "拨出单位", "接收单位", "用途", "文号", "金额(元)")
    rows = _collect(
        name,
        read_csv(name, data, columns, REFERENCES),
        lambda cells: AllocationRow(
            cells.line,
            cells.day("日期"),
            cells.code("拨出单位"),
            cells.code("接收单位"),
            cells.text("用途"),
            cells.text("文号"),
            cells.parsed("金额(元)", _positive_fen, "amount.invalid"),
            cells.references(),
        ),
    )
    _require_once(name, _repeated(rows))
    return rows


def read_batches(name: str, data: bytes) -> list[BatchRow]:
    """Read the list of batches; bank format, return file and its date may be empty."""
    columns = (
        "批次号",
        "单位编码",
        "方式",
        "花名册",
        "用途",
        "编制人",
        "复核人",
        "审批人",
        "审批日期",
        "银行格式",
        "回盘或签字文件",
        "回盘或签字日期",
    )
    return _collect(name, read_csv(name, data, columns), _batch)


def _batch(cells: "_Cells") -> BatchRow:
    return_file = cells.optional("回盘或签字文件")
    return BatchRow(
        cells.line,
        cells.code("批次号"),
        cells.code("单位编码"),
        cells.text("方式"),
        cells.text("花名册"),
        cells.text("用途"),
        cells.code("编制人"),
        cells.code("复核人"),
        cells.code("审批人"),
        cells.day("审批日期"),
        cells.optional("银行格式"),
        return_file,
        cells.day("回盘或签字日期") if return_file else None,
        cells.text("批次号"),
    )


def _repeated(rows: Sequence[TMoney]) -> list[tuple[TMoney, TMoney]]:
    """Return each row that is like one above it, with that one; no reference tells them apart."""
    seen: dict[TMoney, list[TMoney]] = defaultdict(list)
    found = []
    for row in rows:
        alike = seen[replace(row, line=0, references=())]
        first = next((each for each in alike if not _apart(each.references, row.references)), None)
        if first is not None:
            found.append((first, row))
        alike.append(row)
    return found


def _apart(one: Sequence[str], other: Sequence[str]) -> bool:
    """Say whether two rows have numbers of their own in the same column."""
    return any(a and b and a != b for a, b in zip(one, other, strict=True))


def _require_once(name: str, twice: Sequence[tuple[TRow, TRow]]) -> None:
    """Refuse rows that say once more, or otherwise, what a row above them says.

    Raises:
        FileRefused: `register.row_twice`, with each of them.
    """
    faults = [
        Fault(name, row.line, None, "register.row_twice", f"row {first.line}")
        for first, row in twice
    ]
    if faults:
        raise FileRefused(*faults)


def _positive_fen(cell: object) -> int | None:
    amount = fen(cell)
    return amount if amount is not None and amount > 0 else None


class _CellWrong(Exception):
    def __init__(self, column: str, code: str) -> None:
        self.column = column
        self.code = code


class _Cells:
    """A row whose cells are asked for one by one; the first that is wrong is the row's fault."""

    def __init__(self, row: CsvRow) -> None:
        self._row = row
        self.line = row.line

    def text(self, column: str) -> str:
        value = self._row[column]
        if not value:
            raise _CellWrong(column, "field.missing")
        return value

    def code(self, column: str) -> str:
        return code_text(self.text(column))

    def optional(self, column: str) -> str | None:
        return self._row[column] or None

    def references(self) -> tuple[str, ...]:
        return tuple(heading(self._row[column]) for column in REFERENCES)

    def day(self, column: str) -> date:
        """Return the day of a business, which nobody kept books of before there were any."""
        found = self.parsed(column, day, "date.invalid")
        if not is_fiscal_year(found.year):
            raise _CellWrong(column, "date.implausible")
        return found

    def parsed(self, column: str, parse: Callable[[object], T | None], code: str) -> T:
        value = parse(self.text(column))
        if value is None:
            raise _CellWrong(column, code)
        return value


def _collect(name: str, rows: Iterator[CsvRow], build: Callable[[_Cells], T]) -> list[T]:
    built: list[T] = []
    faults: list[Fault] = []
    for row in rows:
        try:
            built.append(build(_Cells(row)))
        except _CellWrong as wrong:
            faults.append(Fault(name, row.line, wrong.column, wrong.code))
    if faults:
        raise FileRefused(*faults)
    return built
