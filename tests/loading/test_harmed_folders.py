"""Folders that somebody harmed: coded problems, nothing half-written, and the rest loads."""

import csv
import io
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api import bootstrap
from api.folder import open_folder
from api.keyring import Keyring
from api.loading import Loaded, Loading
from ledger.commands.verification import verify_log
from ledger.files.faults import TEXTS, FileRefused
from ledger.store.home import Home
from tests.loading.folders import make_folder
from tests.loading.test_loading import load

TOP = {
    "allocations.csv",
    "archive.xlsx",
    "batches.csv",
    "campaign.toml",
    "funds.csv",
    "officers.csv",
    "organisations.csv",
}
Harm = Callable[[Path], object]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small folder that nobody harmed."""
    folder = tmp_path_factory.mktemp("sound") / "folder"
    make_folder(folder, seed=3, unions=3, people=4)
    return folder


@pytest.fixture(scope="module")
def outcome(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Loaded]:
    """What it comes to, undisturbed."""
    return load(Home(tmp_path_factory.mktemp("undisturbed") / "data"), sound)


def junk(path: Path) -> None:
    chance = random.Random(path.name)
    path.write_bytes(chance.randbytes(len(path.read_bytes())))


def make_folder_of(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARMS: dict[str, Harm] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "overwritten": junk,
    "a folder": make_folder_of,
}


@pytest.mark.parametrize("harm", HARMS)
def test_whichever_file_is_harmed_the_rest_loads(
    tmp_path: Path, sound: Path, outcome: tuple[dict[str, Any], Loaded], harm: str
) -> None:
    report, undisturbed = outcome
    known = {(each.step, each.code) for each in undisturbed.problems}
    nested = sorted(p.relative_to(sound) for p in sound.rglob("*.*") if p.parent != sound)
    assert len(nested) > 6

    for number, file in enumerate(nested):
        folder = Path(shutil.copytree(sound, tmp_path / f"folder {number}"))
        HARMS[harm](folder / file)
        home = Home(tmp_path / f"data {number}")

        harmed, loaded = load(home, folder)

        assert harmed["received_fen"] == report["received_fen"]
        new = [each for each in loaded.problems if (each.step, each.code) not in known]
        told = [each for each in new if not each.recorded]
        assert told, f"{file} was {harm} and nobody was told"
        # What is told is told of this batch: its roster, or what came back for it.
        batch = file.stem
        assert all(batch in each.step for each in told), told
        assert all(each.code in TEXTS for each in told), told
        verdict = verify_log(home.events, home.origin(), home.founding_key_id(), processes=1)
        assert verdict.holds, verdict


@pytest.mark.parametrize("harm", sorted(set(HARMS) - {"cut in half"}))
@pytest.mark.parametrize("file", sorted(TOP))
def test_without_a_register_nothing_is_begun(
    tmp_path: Path, sound: Path, harm: str, file: str
) -> None:
    folder = Path(shutil.copytree(sound, tmp_path / "folder"))
    HARMS[harm](folder / file)
    home = Home(tmp_path / "data")

    with pytest.raises(FileRefused) as refused:
        load(home, folder)

    assert refused.value.code in TEXTS
    assert file in str(refused.value)
    assert not home.path.exists()


def replace_cell(folder: Path, channel: str, column: str, value: str) -> str:
    """Write another name into the first batch of a channel; return the batch's code."""
    path = folder / "batches.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))
    row = next(row for row in rows if row["方式"] == channel and row["回盘或签字文件"])
    row[column] = value
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode("utf-8-sig"))
    return row["批次号"]


NAMES = [
    "../outside.csv",
    "rosters/../../outside.csv",
    "/etc/passwd",
    "link.csv",
    ".",
    "rosters",
    "..\\outside.csv",
    "x" * 5000,
    "~/outside.csv",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("column", ["花名册", "回盘或签字文件"])
@pytest.mark.parametrize("name", NAMES, ids=[name[:24] for name in NAMES])
def test_no_name_leads_out_of_the_folder(
    tmp_path: Path, sound: Path, column: str, name: str
) -> None:
    folder = Path(shutil.copytree(sound, tmp_path / "folder"))
    outside = tmp_path / "outside.csv"
    shutil.copy(next(sound.glob("signatures/*.csv")), outside)
    (folder / "link.csv").symlink_to(outside)
    batch = replace_cell(folder, "签字表", column, name)

    _, loaded = load(Home(tmp_path / "data"), folder)

    refused = [each for each in loaded.problems if each.code == "file.missing"]
    assert len(refused) == 1
    assert refused[0].step in (f"batch {batch}", name)
    assert not refused[0].recorded


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


@pytest.mark.parametrize("at", [1, 6, 13, 20, 27])
def test_a_load_that_was_cut_off_is_taken_up_again(
    tmp_path: Path, sound: Path, outcome: tuple[dict[str, Any], Loaded], at: int
) -> None:
    home = Home(tmp_path / "data")

    def stop(done: int, _: int) -> None:
        if done == at:
            raise Stopped

    with bootstrap.opened(home, create=True) as ledger:
        loading = Loading(ledger, Keyring(home.keyring), open_folder(sound), bootstrap.now)
        with pytest.raises(Stopped):
            loading.run(stop)
        assert ledger.size() > 0

    report, loaded = load(home, sound)

    assert report == outcome[0]
    assert loaded.steps == outcome[1].steps
    assert {(p.step, p.code) for p in loaded.problems} == {
        (p.step, p.code) for p in outcome[1].problems
    }


@pytest.mark.parametrize("kind", ["bank", "signatures"])
def test_a_file_that_was_put_right_is_taken_in_the_next_time(
    tmp_path: Path, sound: Path, outcome: tuple[dict[str, Any], Loaded], kind: str
) -> None:
    folder = Path(shutil.copytree(sound, tmp_path / "folder"))
    file = next(path for path in sorted((folder / kind).iterdir()) if path.is_file())
    whole = file.read_bytes()
    file.write_bytes(whole[:-3])
    home = Home(tmp_path / "data")
    first, loaded = load(home, folder)
    assert file.name in {Path(p.step).name for p in loaded.problems if not p.recorded}
    assert first != outcome[0]

    file.write_bytes(whole)
    second, again = load(home, folder)

    assert second == outcome[0]
    assert [p for p in again.problems if not p.recorded] == [
        p for p in outcome[1].problems if not p.recorded
    ]
