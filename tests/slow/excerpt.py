"""Cuts a small campaign out of a scenario folder, in the same files and the same shapes."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

from openpyxl import Workbook, load_workbook

SCENARIO = Path(__file__).parents[1] / "data" / "scenario-2017"

Row = dict[str, str]


def cut(source: Path, target: Path, organisations: set[str], batches: set[str]) -> Path:
    """Write the part of a scenario folder that concerns some organisations and batches."""
    target.mkdir()
    shutil.copy(source / "campaign.toml", target)
    _register(source, target, "organisations.csv", lambda row: row["编码"] in organisations)
    _register(source, target, "officers.csv", lambda row: row["单位编码"] in organisations)
    _register(source, target, "funds.csv", lambda row: row["单位编码"] in organisations)
    _register(
        source,
        target,
        "allocations.csv",
        lambda row: {row["拨出单位"], row["接收单位"]} <= organisations,
    )
    for row in _register(source, target, "batches.csv", lambda row: row["批次号"] in batches):
        for name in filter(None, (row["花名册"], row["回盘或签字文件"])):
            (target / name).parent.mkdir(exist_ok=True)
            shutil.copy(source / name, target / name)
    _archive(source, target, organisations)
    return target


def _register(source: Path, target: Path, name: str, keep: Callable[[Row], bool]) -> list[Row]:
    text = (source / name).read_text("utf-8-sig")
    reader = csv.DictReader(io.StringIO(text))
    rows = [row for row in reader if keep(row)]
    with (target / name).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows(rows)
    return rows


def _archive(source: Path, target: Path, organisations: set[str]) -> None:
    whole = load_workbook(source / "archive.xlsx", read_only=True)
    part = Workbook()
    sheet = part.worksheets[0]
    header: tuple[object, ...] = ()
    for row in whole.worksheets[0].iter_rows(values_only=True):
        if not header:
            header = row
            sheet.append(row)
        elif row[header.index("单位编码")] in organisations:
            sheet.append(row)
    whole.close()
    part.save(target / "archive.xlsx")
