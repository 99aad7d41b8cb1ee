"""What a command is told wrongly is refused by its name, and nothing is written for it."""

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from api.cli.main import main
from api.settings import Settings, SettingsInvalid
from ledger.anchoring.publications import announce
from ledger.store.map_store import MapStore
from projections.exports import workbook
from tests.world import World

Told = Callable[..., tuple[object, str, str]]
"""Runs a command as a shell does; returns exit status, what it says and what it says aside."""


@pytest.fixture
def told(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    with closing(MapStore(world.home.map)) as maps:
        announce(world.ledger, maps, world.act(key="once"))
    monkeypatch.setenv("NUANZHANG_HOME", str(world.home.path))

    def run(*words: str | Path) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["nuanzhang", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capsys.readouterr())

    return run


def test_a_path_that_is_another_thing_is_named(world: World, told: Told, tmp_path: Path) -> None:
    size = world.ledger.size()
    there = tmp_path / "file"
    there.write_text("")

    for words in (
        ("backup", "create", there),
        ("segments", "seal", there),
        ("publish", there / "x"),
        ("witnesses", "import", tmp_path),
        ("witnesses", "import", tmp_path / "missing"),
    ):
        status, said, aside = told(*words)

        assert (status, said) == (1, ""), words
        assert aside.startswith(f"file.unusable: {words[-1]} cannot be used: "), aside
        assert aside.count("\n") == 1

    assert there.read_text() == ""
    assert world.ledger.size() == size


@pytest.mark.parametrize(
    "words",
    [
        ("export", "cases", "--out"),
        ("export", "deadlines", "--out"),
        ("export", "yearly", "--year", "2017", "--out"),
        ("export", "journal", "--format", "beancount", "--out"),
        ("export", "inspection", "--organisation", "C01", "--year", "2017", "--out"),
        ("pack", "organisation", "C01", "--out"),
        ("verify", "--report"),
        ("timestamp", "request"),
    ],
    ids=" ".join,
)
def test_a_file_in_a_folder_that_is_not_there_is_not_written(
    world: World, told: Told, tmp_path: Path, words: tuple[str, ...]
) -> None:
    size = world.ledger.size()
    out = tmp_path / "missing" / "x.xlsx"

    status, said, aside = told(*words, out)

    assert (status, said) == (1, ""), aside
    assert aside.startswith(f"file.unwritable: {out} cannot be written: ")
    assert aside.count("\n") == 1
    assert not out.parent.exists()
    assert world.ledger.size() == size


def test_a_workbook_that_cannot_be_written_says_what_the_system_says(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as found:
        workbook.write([], tmp_path / "missing" / "x.xlsx")

    assert found.value.filename.endswith("x.xlsx")


def test_a_port_that_is_none_is_refused(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("serve",), ("witness", "serve")):
        status, _, aside = told(*words, "--port", "99999")
        assert (status, "99999 is not in the range" in aside) == (2, True), aside

    monkeypatch.setenv("NUANZHANG_PORT", "99999")
    monkeypatch.setenv("NUANZHANG_WORKERS", "secret")
    with pytest.raises(SettingsInvalid) as refused:
        Settings()
    assert "NUANZHANG_PORT: " in str(refused.value)
    assert "NUANZHANG_WORKERS: " in str(refused.value)
    assert "secret" not in str(refused.value)
    status, said, aside = told("serve")
    assert (status, said, aside.split(": ")[0]) == (1, "", "settings.invalid")
