"""Whole folders through the commands, held against reckonings that share nothing with us."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from api import bootstrap
from api.folder import open_folder
from api.keyring import Keyring
from api.known_codes import Spelling, spelt
from api.loading import Loaded, Loading, default_as_of
from api.report import campaign_report
from ledger.commands.verification import verify_log
from ledger.domain.officer import Officer, officer_id
from ledger.domain.policy import Channel
from ledger.files.faults import FileRefused
from ledger.store.home import Home
from projections.runner import catch_up, compare, rebuild
from tests.loading.folders import make_folder
from tests.loading.reckoner import reckon

SCENARIO = Path(__file__).parents[1] / "data" / "scenario-2017"


def load(home: Home, folder: Path, as_of: date | None = None) -> tuple[dict[str, Any], Loaded]:
    content = open_folder(folder)
    with bootstrap.opened(home, create=True) as ledger:
        loaded = Loading(ledger, Keyring(home.keyring), content, bootstrap.now).run()
        campaign = content.campaign
        day = as_of or default_as_of(content, loaded)
        with catch_up(ledger, home.read_models).asking() as connection:
            return campaign_report(connection, campaign.code, campaign.fiscal_year, day), loaded


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the 2017 campaign to do harm to."""
    return Path(shutil.copytree(SCENARIO, tmp_path / "scenario"))


def test_the_2017_campaign_gives_exactly_what_is_expected(home: Home) -> None:
    report, loaded = load(home, SCENARIO)

    assert report == json.loads((SCENARIO / "expected.json").read_text())
    assert [problem for problem in loaded.problems if not problem.recorded] == []


def test_a_ledger_that_took_codes_in_as_they_were_typed_knows_its_folder_again(
    home: Home, tmp_path: Path
) -> None:
    """Full width in all registers, as ledgers of before kept it: everything was done before."""
    folder = tmp_path / "typed"
    make_folder(folder, seed=3, unions=3, people=4)
    plain = open_folder(folder)

    def typed(codes: Iterable[str]) -> dict[str, str]:
        return {code: wide(code) for code in codes}

    spelling = Spelling(
        typed(row.code for row in plain.organisations),
        typed(row.staff_number for row in plain.officers),
        typed(row.code for row in plain.batches),
    )
    with bootstrap.opened(home, create=True) as ledger:
        old = spelt(plain, spelling)
        keyring = Keyring(home.keyring)
        Loading(ledger, keyring, replace(old, batches=[]), bootstrap.now).run()
        size = ledger.size()
        for name in ("organisations", "officers", "funds", "allocations"):
            path = folder / f"{name}.csv"
            path.write_text(in_full_width(path.read_text("utf-8-sig"), spelling), "utf-8")
        again = open_folder(folder)
        assert [row.code for row in again.organisations] == [
            row.code for row in plain.organisations
        ]

        Loading(ledger, keyring, replace(again, batches=[]), bootstrap.now).run()
        assert ledger.size() == size, "nothing was taken in twice"
        loaded = Loading(ledger, keyring, again, bootstrap.now).run()

        assert all(ledger.load(Officer, officer_id(each)) is None for each in spelling.officers)
    assert any(row.channel == Channel.SIGNATURE_SHEET for row in plain.batches)
    assert [each for each in loaded.problems if not each.recorded] == []


def wide(text: str) -> str:
    return text.translate({at: at + 0xFEE0 for at in range(0x21, 0x7F)})


def in_full_width(text: str, spelling: Spelling) -> str:
    """Write every code in a register as it was typed."""
    codes = {**spelling.unions, **spelling.officers, **spelling.batches}
    rows = [
        [codes.get(cell, cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""))
    ]
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue()


def test_what_has_still_to_come_is_refused_before_anything_is_written(
    home: Home, folder: Path
) -> None:
    path = folder / "funds.csv"
    text = path.read_text("utf-8-sig")
    first = re.compile(r"^(\d{4})", re.MULTILINE)
    path.write_text(first.sub("2071", text, count=1), "utf-8")

    with bootstrap.opened(home, create=True) as ledger:
        size = ledger.size()
        with pytest.raises(FileRefused) as refusal:
            Loading(ledger, Keyring(home.keyring), open_folder(folder), bootstrap.now).run()
        assert ledger.size() == size

    [fault] = refusal.value.faults
    assert (fault.file, fault.row, fault.code) == ("funds.csv", 2, "date.implausible")


def test_our_second_reckoning_agrees_with_the_one_that_was_handed_over() -> None:
    expected = json.loads((SCENARIO / "expected.json").read_text())

    assert {"as_of": "2017-02-01", **reckon(SCENARIO)} == expected


@pytest.mark.parametrize("seed", range(8))
def test_other_folders_give_what_an_independent_reckoning_gives(
    home: Home, tmp_path: Path, seed: int
) -> None:
    folder = tmp_path / "other"
    make_folder(folder, seed, unions=4 + seed, people=6 + 3 * seed)

    report, _ = load(home, folder)

    report.pop("as_of")
    assert report == reckon(folder)
    assert report["refused_rows"]
    verdict = verify_log(home.events, home.origin(), home.founding_key_id())
    assert verdict.holds, verdict


def test_a_second_load_changes_nothing(home: Home) -> None:
    first, _ = load(home, SCENARIO)
    events = home.events.read_bytes()

    again, loaded = load(home, SCENARIO)

    assert again == first
    assert loaded.replayed > 400
    with bootstrap.opened(home) as ledger:
        size = ledger.size()
    assert len(events) == home.events.stat().st_size
    assert size == verify_log(home.events, home.origin(), home.founding_key_id()).events


def test_a_rebuilt_read_model_is_the_live_one(home: Home, tmp_path: Path) -> None:
    load(home, SCENARIO)
    with bootstrap.opened(home) as ledger:
        rebuild(ledger, tmp_path / "anew.sqlite")

    assert compare(tmp_path / "anew.sqlite", home.read_models) == []


def test_a_read_model_that_was_tampered_with_is_found_out(home: Home, tmp_path: Path) -> None:
    import sqlite3

    load(home, SCENARIO)
    with sqlite3.connect(home.read_models) as connection:
        connection.execute("UPDATE journal_lines SET amount_fen = amount_fen + 1 WHERE rowid = 7")
    with bootstrap.opened(home) as ledger:
        rebuild(ledger, tmp_path / "anew.sqlite")

    [difference] = compare(tmp_path / "anew.sqlite", home.read_models)
    assert difference.table == "journal_lines"


def replace_in(path: Path, old: str, new: str, charset: str = "utf-8-sig") -> None:
    text = path.read_bytes().decode(charset)
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode(charset))


# What is done to the folder, and the code by which one step is not taken.
HARM: list[tuple[str, Callable[[Path], object]]] = [
    (
        "bank_file.control_total",
        lambda f: replace_in(f / "bank/SWN20170022-return.txt", "|1460000|", "|1460001|", "utf-8"),
    ),
    (
        "bank_file.truncated",
        lambda f: (f / "bank/SWN20170022-return.txt").write_bytes(
            (f / "bank/SWN20170022-return.txt").read_bytes()[:-1]
        ),
    ),
    (
        "bank_file.other_format",
        lambda f: shutil.copy(
            f / "bank/SWN20170006-return-gbk.txt", f / "bank/SWN20170022-return.txt"
        ),
    ),
    (
        "bank_file.other_batch",
        lambda f: shutil.copy(f / "bank/SWN20170024-return.txt", f / "bank/SWN20170022-return.txt"),
    ),
    (
        "bank_file.incomplete",
        lambda f: replace_in(
            f / "bank/SWN20170006-return-gbk.txt",
            "成功|17|6299995733952913080|蒋来|600.00|\r\n",
            "",
            "gb18030",
        ),
    ),
    ("file.missing", lambda f: (f / "rosters/SWN20170006.xlsx").unlink()),
    (
        "file.missing",
        lambda f: replace_in(f / "batches.csv", "rosters/SWN20170003.csv", "../../etc/passwd"),
    ),
    (
        "roster.total_mismatch",
        lambda f: replace_in(f / "rosters/SWN20170003.csv", "8600.00", "8600.01", "gb18030"),
    ),
    (
        "ledger.not_on_record",
        lambda f: replace_in(f / "batches.csv", "S0005,S0006", "S9999,S0006"),
    ),
    (
        "value.unknown",
        lambda f: replace_in(f / "batches.csv", "签字表", "现金"),
    ),
]


@pytest.mark.parametrize(("code", "harm"), HARM, ids=[code for code, _ in HARM])
def test_a_step_that_cannot_be_taken_is_told_and_the_rest_goes_on(
    home: Home, folder: Path, code: str, harm: Callable[[Path], object]
) -> None:
    harm(folder)

    report, loaded = load(home, folder, date(2017, 2, 1))

    untaken = [problem for problem in loaded.problems if not problem.recorded]
    assert code in {problem.code for problem in untaken}
    assert report["received_fen"] == 1_568_530_000
    assert report["people_paid"] > 600
    balances = report["balances_fen_by_organisation_and_vintage"]
    in_hand = sum(sum(vintages.values()) for vintages in balances.values())
    assert in_hand <= report["received_fen"] - report["settled_fen"] - report["unsigned_fen"]
    assert verify_log(home.events, home.origin(), home.founding_key_id()).holds


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("funds.csv", ",X01,", ",X77,", "funds.csv row 3 column 单位编码"),
        ("allocations.csv", "C01,X02,", "C01,X77,", "allocations.csv row 3 column 接收单位"),
        (
            "batches.csv",
            "SWN20170008,X04,",
            "SWN20170008,X77,",
            "batches.csv row 2 column 单位编码",
        ),
    ],
)
def test_a_union_that_nobody_registered_is_told_by_file_row_and_column(
    home: Home, folder: Path, file: str, old: str, new: str, told: str
) -> None:
    replace_in(folder / file, old, new)

    _, loaded = load(home, folder)

    assert f"{told}: ledger.not_on_record" in "; ".join(each.detail for each in loaded.problems)


def test_what_the_folder_has_a_code_for_is_called_by_it(home: Home, folder: Path) -> None:
    (folder / "rosters/SWN20170001.xlsx").unlink()
    replace_in(folder / "batches.csv", "S0017,S0018,S0019", "S0017,S9999,S0019")

    _, loaded = load(home, folder)

    [answer] = [each for each in loaded.problems if each.step == "bank/SWN20170001-return.xml"]
    assert answer.detail == "ledger.not_on_record: no batch with id SWN20170001"
    assert any("S9999" in each.detail for each in loaded.problems)


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("campaign.toml", "fiscal_year = 2017", "fiscal_year = 'soon'", "number.invalid"),
        ("campaign.toml", "[policy]", "[policy", "campaign.malformed"),
        ("funds.csv", "274500.00", "2.745.00", "amount.invalid"),
        ("funds.csv", "2017-01-01", "2017-13-01", "date.invalid"),
        ("allocations.csv", "227000.00", "-227000.00", "amount.invalid"),
        ("organisations.csv", "层级", "级别", "file.column_missing"),
        ("officers.csv", "S0001,胡雨", "S0001,", "field.missing"),
    ],
)
def test_registers_that_cannot_be_read_are_refused_before_anything_is_written(
    home: Home, folder: Path, file: str, old: str, new: str, code: str
) -> None:
    replace_in(folder / file, old, new)

    with pytest.raises(FileRefused) as refused:
        load(home, folder)

    assert refused.value.code == code
    assert file in str(refused.value)
    assert not home.path.exists()


def test_organisations_in_a_circle_are_told_and_do_not_hang(home: Home, folder: Path) -> None:
    replace_in(folder / "organisations.csv", "C01,示范市总工会,市,", "C01,示范市总工会,市,X01")

    _, loaded = load(home, folder, date(2017, 2, 1))

    assert "ledger.not_on_record" in {problem.code for problem in loaded.problems}


def test_a_changed_file_is_not_taken_for_the_one_that_was_loaded(home: Home, folder: Path) -> None:
    load(home, folder)
    replace_in(folder / "funds.csv", "274500.00", "274600.00")

    _, loaded = load(home, folder)

    [problem] = [each for each in loaded.problems if not each.recorded]
    assert (problem.step, problem.code) == ("funds.csv row 2", "idempotency.key_reused")
