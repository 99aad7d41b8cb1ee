"""A package for an inspector: read by programs that are not ours, and true to the ledger."""

import csv
import hashlib
import io
import shutil
import sqlite3
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from api.cli.main import app
from api.folder import open_folder
from api.inspection.package import InspectionOrder, Made, Maker, PlaceTaken, YearNotBegun
from ledger.anchoring.publications import announce
from ledger.commands.duties import OfficerRequired
from ledger.commands.exports import ReasonMissing
from ledger.commands.funds import open_fiscal_year
from ledger.domain.aggregate import OPERATOR
from ledger.domain.export import Export
from ledger.domain.officer import RoleMissing
from ledger.domain.organisation import organisation_id
from ledger.packs.file import read_pack
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.map_store import MapStore
from projections.asked import Moment
from projections.balances import balances, trial_balance
from projections.disbursements import Question
from projections.journal import Account
from projections.organisations import tree_on
from projections.runner import catch_up
from projections.turnover import Asked, sums
from tests.campaign import SCENARIO
from tests.world import (
    EARMARK,
    POLICY,
    RECORDED_AT,
    Person,
    World,
    roster_row,
    settled,
)

YEAR_END = date(2017, 12, 31)
TABLES = 21


def make(home: Home, ledger: Ledger, act: CommandAct, order: InspectionOrder, out: Path) -> Made:
    with closing(MapStore(home.map)) as maps:
        published = announce(ledger, maps, CommandAct(OPERATOR, act.happened_on, RECORDED_AT))
        with catch_up(ledger, home.read_models).asking() as model:
            return Maker(ledger, model, maps, published).make(act, order, out)


@pytest.fixture(scope="module")
def package(
    campaign: tuple[Home, Ledger], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The whole city's package of 2017, in GB18030, as it is made on the command line."""
    out = tmp_path_factory.mktemp("inspection") / "package"
    asked = ["export", "inspection", "--organisation", "C01", "--year", "2017", "--out", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUANZHANG_HOME", str(campaign[0].path))
        done = CliRunner().invoke(app, [*asked, "--encoding", "gb18030"])
    assert done.exit_code == 0, done.output
    yield out
    shutil.rmtree(out)


def rows_of(package: Path, name: str) -> list[dict[str, str]]:
    text = (package / "csv" / f"{name}.csv").read_bytes().decode("gb18030")
    return list(csv.DictReader(io.StringIO(text)))


def fen(yuan: str) -> int:
    return int(Decimal(yuan) * 100)


def test_every_file_is_listed_with_both_of_its_hashes(package: Path) -> None:
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=package,
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, b""), checked.stderr
    listed = (package / "SM3SUMS").read_text().splitlines()
    for line in listed:
        digest, name = line.split("  ")
        assert hashlib.new("sm3", (package / name).read_bytes()).hexdigest() == digest
    files = {each.relative_to(package).as_posix() for each in package.rglob("*") if each.is_file()}
    assert {line.split("  ")[1] for line in listed} == files - {"SHA256SUMS", "SM3SUMS"}


def test_control_totals_are_those_of_the_pages(
    package: Path, campaign: tuple[Home, Ledger]
) -> None:
    home, ledger = campaign
    found = {(row["表"], row["项目"]): row for row in rows_of(package, "controls")}
    with catch_up(ledger, home.read_models).asking() as model:
        ids = list(tree_on(model).by_id)
        moment = Moment(YEAR_END)
        asked = Asked(Question(ids, since=date(2017, 1, 1), until=YEAR_END))
        trial = trial_balance(model, moment)
        held = balances(model, moment)
        counted = sums(model, asked, moment)

    assert {row["核对"] for row in found.values()} == {"相符", ""}
    payments = found["发放明细", "金额"]
    of_payments = [each for each in counted if each.kind == "payment"]
    assert int(payments["行数"]) == sum(each.count for each in of_payments) > 600
    assert fen(payments["合计(元)"]) == sum(each.total_fen for each in of_payments)
    assert fen(found["资金余额", "在手"]["合计(元)"]) == trial[Account.FUND]
    assert fen(found["资金余额", "已发放"]["合计(元)"]) == sum(each.paid_fen for each in held)
    assert (
        found["记账凭证", "借方金额"]["合计(元)"]
        == found["记账凭证", "贷方金额"]["合计(元)"]
        == found["科目余额及发生额", "借方发生额"]["合计(元)"]
    )


def test_all_forms_hold_the_same_rows(package: Path) -> None:
    books = [
        CalamineWorkbook.from_path(str(package / "xlsx" / name))
        for name in ("tables.xlsx", "findings.xlsx")
    ]
    sheets = {name: book for book in books for name in book.sheet_names}
    with closing(sqlite3.connect(package / "data" / "package.sqlite")) as data:
        titles = dict(data.execute('SELECT DISTINCT "table", table_title FROM dictionary'))
        assert len(titles) == len(list((package / "csv").iterdir())) - 1 == TABLES - 1
        for name, title in titles.items():
            [(count,)] = data.execute(f'SELECT count(*) FROM "{name}"')
            assert len(rows_of(package, name)) == count
            rows = sheets[title].get_sheet_by_name(title).to_python()
            head = next(at for at, row in enumerate(rows) if not any(row)) + 1
            assert len(rows) - head - 1 == count, name
            assert data.execute(f'SELECT count(*) FROM "{title}"').fetchone() == (count,)
        by_view = data.execute(
            'SELECT "状态", count(*), sum("金额(分)") FROM "发放明细" GROUP BY 1'
        ).fetchall()
    counted = Counter(row["状态"] for row in rows_of(package, "payments"))
    assert {word: count for word, count, _ in by_view} == counted
    payments = sheets["发放明细"].get_sheet_by_name("发放明细").to_python()
    head = next(at for at, row in enumerate(payments) if "身份证号码" in row)
    kinds = {
        title: type(cell) for title, cell in zip(payments[head], payments[head + 1], strict=True)
    }
    assert (kinds["身份证号码"], kinds["银行卡号"], kinds["金额(元)"]) == (str, str, float)


def test_vouchers_balance_and_lead_from_opening_to_closing(package: Path) -> None:
    shared, ledger = (xml_of(package / "gbt24589" / f"{name}.xml") for name in ("shared", "ledger"))
    assert len(shared.findall("会计期间")) == 12
    assert shared.findtext("电子账簿/会计年度") == "2017"
    accounts = {each.findtext("科目编号") for each in ledger.findall("会计科目")}
    debits, credits_ = defaultdict[Any, int](int), defaultdict[Any, int](int)
    by_voucher = defaultdict[str | None, int](int)
    for line in ledger.findall("记账凭证"):
        debit, credit = (fen(line.findtext(f"{side}方本币金额", "0")) for side in "借贷")
        place = place_of(line)
        debits[place] += debit
        credits_[place] += credit
        by_voucher[line.findtext("记账凭证编号")] += debit - credit
        assert line.findtext("科目编号") in accounts
    assert len(by_voucher) > 1000
    assert set(by_voucher.values()) == {0}
    closing_of: dict[Any, int] = {}
    for each in ledger.findall("科目余额及发生额"):
        place = place_of(each)
        sign = 1 if each.findtext("期末余额方向") == "借" else -1
        opening, debit, credit, closed = (
            fen(each.findtext(name, "0"))
            for name in ("期初本币余额", "借方本币发生额", "贷方本币发生额", "期末本币余额")
        )
        assert closed == opening + sign * (debit - credit)
        assert (debit, credit) == (debits.pop(place, 0), credits_.pop(place, 0))
        account = place[1:]
        # Nothing came before this year, so the first month opens with nothing.
        assert opening == closing_of.get(account, 0)
        closing_of[account] = closed
    assert not any(debits.values())
    assert not any(credits_.values())


def xml_of(path: Path) -> ET.Element:
    """Read GB18030, which the parser at hand does not know by itself."""
    head, _, rest = path.read_bytes().decode("gb18030").partition("\n")
    assert head == '<?xml version="1.0" encoding="GB18030"?>'
    return ET.fromstring(rest)


def place_of(line: ET.Element) -> tuple[str | None, ...]:
    names = ("会计期间号", "科目编号", "辅助项1编号", "辅助项2编号", "辅助项3编号")
    return tuple(line.findtext(name) for name in names)


def test_each_doubt_comes_with_the_rows_that_it_counts(package: Path) -> None:
    rows = Counter(row["疑点号"] for row in rows_of(package, "finding_rows"))
    found = rows_of(package, "findings")
    assert {row["规则"] for row in found} >= {"G5", "D3"}
    for row in found:
        if row["规则"] in ("G5", "J4", "F5", "D3", "G2", "C2", "J3", "A1", "A2", "B2", "E1"):
            assert rows[row["疑点号"]] == int(row["件数"]), row
        assert row["依据"]
        assert row["账本页面"].startswith("/")


def test_nobody_is_in_it_in_clear_and_the_evidence_holds(
    package: Path, tmp_path: Path, campaign: tuple[Home, Ledger]
) -> None:
    content = open_folder(SCENARIO)
    numbers = {row.id_number.encode() for row in content.archive.rows if row.id_number}
    for book in package.glob("xlsx/*.xlsx"):
        with ZipFile(book) as opened:
            opened.extractall(tmp_path / book.stem)
    for path in (*package.rglob("*"), *tmp_path.rglob("*")):
        if path.is_file():
            told = path.read_bytes()
            assert not any(number in told for number in numbers), path

    packs = sorted(each.name for each in (package / "evidence").iterdir())
    assert packs[-1] == "organisation.pack.zip"
    assert any(name.startswith("batch-") for name in packs)
    key = campaign[0].founding_key_id()
    for name in packs[-2:]:
        path = package / "evidence" / name
        read_pack(path.read_bytes())
        verified = CliRunner().invoke(app, ["verify-pack", str(path), "--key", key])
        assert verified.exit_code == 0, verified.output


def test_in_clear_it_is_on_record_before_anybody_has_it(world: World, tmp_path: Path) -> None:
    world.receive("X01", 1_000_000)
    world.file(Person(1), Person(2))
    world.pay("B1", roster_row(1, Person(1), 80_000), roster_row(2, Person(2), 90_000))
    act = CommandAct(str(world.act("H-X01").actor), YEAR_END, RECORDED_AT)
    order = InspectionOrder(organisation_id("X01"), 2017, opened=True)
    out = tmp_path / "out" / "package.zip"
    out.parent.mkdir()

    def asked(made_for: str, reason: str) -> InspectionOrder:
        return replace(order, reason=reason, made_for=made_for)

    operator = CommandAct(OPERATOR, YEAR_END, RECORDED_AT)
    size = world.ledger.size()
    with pytest.raises(OfficerRequired):
        make(world.home, world.ledger, operator, asked("巡察组", "巡察"), out)
    with pytest.raises(ReasonMissing):
        make(world.home, world.ledger, act, asked(" ", "巡察"), out)
    reviewer = CommandAct(str(world.act("R-X01").actor), YEAR_END, RECORDED_AT)
    with pytest.raises(RoleMissing):
        make(world.home, world.ledger, reviewer, asked("巡察组", "巡察"), out)
    assert not out.exists()
    assert "export.handed_over" not in world.types(size)

    made = make(world.home, world.ledger, act, asked("巡察组", "巡察"), out)

    events = [each.event for each in world.ledger.read(size, 100)]
    [handed] = [each for each in events if isinstance(each, Export.HandedOver)]
    assert (handed.kind, handed.people, handed.made_for) == ("inspection", 2, "巡察组")
    assert handed.file_sha256 == made.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
    with ZipFile(out) as opened:
        text = opened.read("csv/payments.csv").decode("utf-8-sig")
        assert "巡察组" in opened.read("README.txt").decode("utf-8-sig")
        ledger = ET.fromstring(opened.read("gbt24589/ledger.xml"))
    assert len(ledger.findall("记账凭证")) == 6
    assert [row["身份证号码"] for row in csv.DictReader(io.StringIO(text))] == [
        Person(1).id_number,
        Person(2).id_number,
    ]
    assert [each.name for each in out.parent.iterdir()] == [out.name]
    assert out.stat().st_mode & 0o077 == 0
    world.check_log()


def test_what_cannot_be_handed_over_is_refused(world: World, tmp_path: Path) -> None:
    act = CommandAct(OPERATOR, date(2017, 3, 1), RECORDED_AT)
    order = InspectionOrder(organisation_id("C01"), 2018)

    with pytest.raises(YearNotBegun):
        make(world.home, world.ledger, act, order, tmp_path / "a.zip")
    with pytest.raises(PlaceTaken):
        make(world.home, world.ledger, act, order, tmp_path)
    empty = make(
        world.home, world.ledger, act, InspectionOrder(order.organisation_id, 2016), tmp_path / "b"
    )
    assert empty.payments == 0
    assert empty.agrees


def zipped(path: Path, name: str) -> list[dict[str, str]]:
    with ZipFile(path) as opened:
        text = opened.read(f"csv/{name}.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_package_of_a_day_tells_of_lists_as_they_stood_on_it(
    world: World, tmp_path: Path
) -> None:
    """The list was drafted in December, and reviewed and approved in January."""
    world.receive("X01", 1_000_000, 2016, date(2016, 12, 1))
    world.file(Person(1), Person(2))
    rows = roster_row(1, Person(1), 80_000), roster_row(2, Person(2), 90_000)
    world.draft("B1", *rows, day=date(2016, 12, 30))
    world.review("B1")
    world.approve("B1")
    act = CommandAct(OPERATOR, YEAR_END, RECORDED_AT)

    stood = {}
    for year in (2016, 2017):
        out = tmp_path / f"{year}.zip"
        order = InspectionOrder(organisation_id("X01"), year)
        assert make(world.home, world.ledger, act, order, out).agrees
        [row] = zipped(out, "batches")
        steps = [each["环节"] for each in zipped(out, "batch_steps")]
        stood[year] = (row["状态"], row["通过行数"], row["通过金额(元)"], steps)

    assert stood == {
        2016: ("已编制", "2", "1700.00", []),
        2017: ("已审批", "2", "1700.00", ["复核", "审批"]),
    }


def test_old_money_adds_up_though_two_unions_opened_the_year_with_it(
    world: World, tmp_path: Path
) -> None:
    world.receive("C01", 500_000, 2016)
    world.allocate("C01", "X01", 300_000)
    open_fiscal_year(world.ledger, world.act(), "X01", EARMARK, 2017, POLICY)
    world.file(Person(1))
    world.pay("B1", roster_row(1, Person(1), 80_000))
    world.answer("B1", settled(1, Person(1), 80_000))
    out = tmp_path / "package.zip"
    act = CommandAct(OPERATOR, YEAR_END, RECORDED_AT)

    made = make(world.home, world.ledger, act, InspectionOrder(organisation_id("C01"), 2017), out)

    assert made.agrees
    columns = ("年初结余(元)", "已消化(元)", "年初结余(不重复)(元)", "已消化(不重复)(元)")
    found = {row["单位编码"]: [row[each] for each in columns] for row in zipped(out, "surplus")}
    assert found == {
        "C01": ["5000.00", "800.00", "5000.00", "800.00"],
        "X01": ["3000.00", "800.00", "0.00", "0.00"],
    }
    controls = {row["项目"]: row for row in zipped(out, "controls") if row["表"] == "结余消化"}
    for item, amount in (("年初结余，各级不重复", "5000.00"), ("已消化，各级不重复", "800.00")):
        row = controls[item]
        assert (row["合计(元)"], row["账本合计(元)"], row["核对"]) == (amount, amount, "相符")
    # Of X01 alone all that it opened with is its own.
    alone = tmp_path / "alone.zip"
    made = make(world.home, world.ledger, act, InspectionOrder(organisation_id("X01"), 2017), alone)
    [row] = zipped(alone, "surplus")
    assert [row[each] for each in columns] == ["3000.00", "800.00", "3000.00", "800.00"]
    assert made.agrees
