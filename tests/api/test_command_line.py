"""The command line as a person meets it: whole processes, real files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.evidence.vouching import KEYRING
from ledger.store.home import Home
from tests.anchoring.test_timestamps import authority
from tests.campaign import SCENARIO, copied


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def loaded(campaign_2017: Home, tmp_path: Path) -> Path:
    """Where the campaign has been loaded, as the first test does it."""
    return copied(campaign_2017, tmp_path).path


def nuanzhang(home: Path, *words: str | Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NUANZHANG_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *map(str, words)],
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_campaign_loads_verifies_and_reports(home: Path) -> None:
    loaded = nuanzhang(home, "load", SCENARIO, "--json")
    again = nuanzhang(home, "load", SCENARIO, "--json")
    verified = nuanzhang(home, "verify", "--approvals", "--json")
    said = nuanzhang(home, "verify", "--approvals")
    rebuilt = nuanzhang(home, "rebuild")
    reported = nuanzhang(home, "report", "2017-lianjie", "--year", "2017", "--as-of", "2017-02-01")
    table, account = home.parent / "table.csv", home.parent / "account.pdf"
    day = ("--as-of", "2017-02-01")
    counted = nuanzhang(
        home, "export", "statistics", "--campaign", "2017-lianjie", *day, "--out", table
    )
    yearly = nuanzhang(home, "export", "yearly", "--year", "2017", "--out", account)

    expected = json.loads((SCENARIO / "expected.json").read_text())
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout) == expected
    assert list(json.loads(loaded.stdout)) == list(expected)
    assert loaded.stderr == ""
    assert json.loads(again.stdout) == expected
    assert json.loads(verified.stdout)["holds"] is True
    assert json.loads(verified.stdout)["events"] > 4000
    approvals = json.loads(verified.stdout)["approvals"]
    told = (SCENARIO / "batches.csv").read_text("utf-8-sig").splitlines()[1:]
    assert approvals["batches"] == len(told) - len(expected["refused_batches"])
    assert approvals["payments"] > expected["people_paid"]
    assert (approvals["batches_not_as_approved"], approvals["not_as_approved"]) == (0, [])
    assert approvals["attested"] == {KEYRING: approvals["batches"]}
    assert "与审批名单一致" in said.stdout
    assert f"{approvals['batches']} one from the operator's keyring" in said.stdout
    assert "no difference" in rebuilt.stdout
    assert json.loads(reported.stdout) == expected
    assert (counted.returncode, yearly.returncode) == (0, 0), counted.stderr + yearly.stderr
    paid = expected["settled_fen"]
    assert f"{paid // 100}.{paid % 100:02d}" in table.read_text(encoding="utf-8-sig")
    assert account.read_bytes().startswith(b"%PDF")
    assert yearly.stdout.count("✓") == 2


def test_a_figure_is_for_the_day_asked_for(home: Path) -> None:
    loaded = nuanzhang(home, "load", SCENARIO, "--json", "--as-of", "2017-01-05")

    figures = json.loads(loaded.stdout)
    assert (figures["as_of"], figures["settled_fen"]) == ("2017-01-05", 0)
    assert figures["received_fen"] == 1_568_530_000


def test_state_is_readable_by_its_owner_alone(home: Path) -> None:
    assert nuanzhang(home, "init").returncode == 0

    for path in (home, *home.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_init_leaves_an_existing_ledger_as_it_is(home: Path) -> None:
    first = nuanzhang(home, "init")
    second = nuanzhang(home, "init")

    assert "verifier key" in first.stdout
    assert second.stdout == first.stdout


def test_a_folder_with_other_things_in_it_is_not_touched(home: Path) -> None:
    home.mkdir()
    (home / "thesis.txt").write_text("mine")

    refused = nuanzhang(home, "init")

    assert refused.returncode == 1
    assert refused.stderr.startswith("home.taken: ")
    assert [path.name for path in home.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("words", [("verify",), ("serve",), ("rebuild",), ("bank-file", "B1")])
def test_a_command_that_needs_a_ledger_says_how_to_make_one(
    home: Path, words: tuple[str, ...]
) -> None:
    refused = nuanzhang(home, *words)

    assert refused.returncode == 1
    assert refused.stderr.startswith("home.missing: ")
    assert not home.exists()


def test_a_folder_that_is_no_scenario_is_refused_and_nothing_is_made(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    refused = nuanzhang(home, "load", tmp_path / "empty")

    assert refused.returncode == 1
    assert refused.stderr.startswith("file.missing: ")
    assert "Traceback" not in refused.stderr
    assert not home.exists()


def test_a_campaign_that_is_not_on_record_has_no_figures(home: Path) -> None:
    nuanzhang(home, "init")

    refused = nuanzhang(home, "report", "1999-lianjie", "--year", "1999")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("ledger.not_on_record: ")


def test_a_wrong_call_is_a_usage_error(home: Path) -> None:
    assert nuanzhang(home, "lode").returncode == 2
    assert nuanzhang(home, "load").returncode == 2


def test_a_changed_byte_is_found_and_named(loaded: Path) -> None:
    import sqlite3

    with sqlite3.connect(loaded / "events.sqlite") as connection:
        connection.execute(
            "UPDATE log_events SET state = replace(state, 'A', 'B') WHERE position = 1234"
        )

    found = nuanzhang(loaded, "verify")

    assert found.returncode == 1
    assert "position 1234" in found.stdout
    assert "last good" in found.stdout or "holds up to" in found.stdout


def test_a_roster_can_be_checked_before_it_is_handed_in(home: Path) -> None:
    path = SCENARIO / "rosters" / "SWN20170052.xlsx"

    checked = nuanzhang(home, "check-file", "roster", path, "--json")

    assert checked.returncode == 1
    [fault] = json.loads(checked.stdout)["faults"]
    assert (fault["row"], fault["column"], fault["code"]) == (9, "身份证号码", "id.not_text")
    assert fault["zh"]
    assert fault["en"]
    assert not home.exists()


def test_the_banks_file_is_written_for_what_is_in_transit_only(
    loaded: Path, tmp_path: Path
) -> None:
    refused = nuanzhang(loaded, "bank-file", "SWN20170001", "--to", tmp_path)

    assert refused.returncode == 1
    assert refused.stderr.startswith("batch.nothing_in_transit: ")


def test_a_pack_is_carried_away_and_checked_elsewhere(loaded: Path, tmp_path: Path) -> None:
    file = tmp_path / "batch.zip"

    made = nuanzhang(loaded, "pack", "batch", "SWN20170008", "--out", file)
    assert made.returncode == 0, made.stderr
    key = made.stdout.split("--key ")[1].strip()

    # Another place, where there is no ledger at all.
    elsewhere = tmp_path / "elsewhere"
    checked = nuanzhang(elsewhere, "verify-pack", file, "--key", key)
    unpinned = nuanzhang(elsewhere, "verify-pack", file)
    wrong = nuanzhang(elsewhere, "verify-pack", file, "--key", "0" * 32, "--json")
    missing = nuanzhang(elsewhere, "verify-pack", tmp_path / "none.zip")

    assert checked.returncode == 0, checked.stdout
    assert "HOLDS" in checked.stdout
    assert checked.stdout.startswith("1. read")
    assert unpinned.returncode == 1
    assert "NOT PINNED" in unpinned.stdout
    assert wrong.returncode == 1
    assert json.loads(wrong.stdout)["holds"] is False
    assert missing.returncode == 1
    assert missing.stderr.startswith("pack.unreadable:")
    assert not elsewhere.exists()
    assert (file.stat().st_mode & 0o777) == 0o600


def witness(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NUANZHANG_WITNESS_HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "witness", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_log_is_witnessed_with_a_usb_stick(home: Path, tmp_path: Path) -> None:
    vkey = nuanzhang(home, "init").stdout.split("verifier key: ")[1].strip()
    office, stick = tmp_path / "office", tmp_path / "stick"
    made = witness(office, "init", "--name", "audit.example/w1")
    key = made.stdout.splitlines()[1]
    assert nuanzhang(home, "witnesses", "appoint", key).returncode == 0
    assert nuanzhang(home, "witnesses", "quorum", "1").returncode == 0
    assert nuanzhang(home, "anchor").returncode == 1

    published = nuanzhang(home, "publish", stick)
    unwitnessed = shutil.copytree(stick, tmp_path / "unwitnessed")
    kept = unwitnessed / "checkpoint"
    unknown = witness(office, "cosign", stick, "--out", tmp_path / "lines")
    witness(office, "add-log", vkey)
    cosigned = witness(office, "cosign", stick, "--out", tmp_path / "lines")
    taken = nuanzhang(home, "witnesses", "import", tmp_path / "lines")
    standing = nuanzhang(home, "witnesses", "standing", "--json")
    again = nuanzhang(home, "publish", stick)
    listed = witness(office, "list", "--json")

    assert published.returncode == again.returncode == 0, published.stderr
    assert unknown.returncode == 1
    assert "404" in unknown.stdout
    assert cosigned.returncode == taken.returncode == 0, cosigned.stdout + taken.stderr
    assert json.loads(standing.stdout)["enough"] is True
    assert "audit.example/w1" in (stick / "checkpoint").read_text()
    assert json.loads(listed.stdout)[0]["contradictions"] == 0
    founding = published.stdout.split("--key ")[1].strip()
    assert nuanzhang(home, "verify-publication", stick, "--key", founding).returncode == 0
    assert nuanzhang(home, "verify-publication", stick).returncode == 1
    outside = ("--key", founding, "--witness", key)
    seen = nuanzhang(home, "verify-publication", stick, *outside, "--checkpoint", kept)
    assert seen.returncode == 0, seen.stdout
    assert "that was kept elsewhere is of this log" in seen.stdout
    assert "cosigned by audit.example/w1 at 20" in seen.stdout
    told = json.loads(nuanzhang(home, "verify-publication", stick, *outside, "--json").stdout)
    assert list(told["cosigned"]) == ["audit.example/w1"]
    alone = nuanzhang(home, "verify-publication", unwitnessed, "--key", founding)
    assert "NOT WITNESSED" in alone.stdout
    missing = nuanzhang(home, "verify-publication", unwitnessed, *outside)
    assert (missing.returncode, "quorum_missing" in missing.stdout) == (1, True)

    nuanzhang(home, "load", SCENARIO)
    nuanzhang(home, "publish", stick)
    later = witness(office, "cosign", stick, "--out", tmp_path / "more")
    assert later.returncode == 0, later.stdout
    nuanzhang(home, "witnesses", "import", tmp_path / "more")
    pack = nuanzhang(home, "pack", "organisation", "C01", "--out", tmp_path / "p.zip")
    checked = nuanzhang(
        tmp_path, "verify-pack", tmp_path / "p.zip", "--key", founding, "--witness", key
    )
    assert pack.returncode == 0, pack.stderr
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "cosigned by audit.example/w1" in checked.stdout


def test_a_checkpoint_is_stamped_by_hand_and_the_pack_shows_it(
    loaded: Path, tmp_path: Path
) -> None:
    nuanzhang(loaded, "anchor")
    tsa, other = authority(tmp_path / "tsa"), authority(tmp_path / "other")
    asked = nuanzhang(loaded, "timestamp", "request", tmp_path / "request")
    (tmp_path / "answer").write_bytes(tsa.answer((tmp_path / "request").read_bytes()))
    (tmp_path / "wrong").write_bytes(other.answer((tmp_path / "request").read_bytes()))
    root = tsa.folder / "ca.pem"

    refused = nuanzhang(loaded, "timestamp", "import", tmp_path / "wrong", "--root", root)
    taken = nuanzhang(loaded, "timestamp", "import", tmp_path / "answer", "--root", root)
    made = nuanzhang(loaded, "pack", "organisation", "C01", "--out", tmp_path / "p.zip")
    key = made.stdout.split("--key ")[1].strip()
    checked = nuanzhang(loaded, "verify-pack", tmp_path / "p.zip", "--key", key, "--tsa", root)
    doubted = nuanzhang(
        loaded, "verify-pack", tmp_path / "p.zip", "--key", key, "--tsa", other.folder / "ca.pem"
    )

    assert asked.returncode == taken.returncode == 0, asked.stderr + taken.stderr
    assert refused.stderr.startswith("timestamp.broken:")
    assert checked.returncode == 0, checked.stdout
    assert "the checkpoint stood by" in checked.stdout
    assert doubted.returncode == 1
