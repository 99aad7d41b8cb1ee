"""What is known of the founding key, however it was typed, before anything is called broken."""

from pathlib import Path

import pytest
import typer

from api.cli.founding_key import key_id
from tests.api.test_command_line import nuanzhang

ID = "0123456789abcdef" * 2
WIDE = "".join(chr(ord(each) + 0xFEE0) for each in ID)


@pytest.mark.parametrize("typed", [ID, ID.upper(), f" {ID[:16]} {ID[16:]}\n", WIDE])
def test_an_id_is_taken_however_it_was_typed(typed: str) -> None:
    assert key_id(typed) == ID


@pytest.mark.parametrize("typed", ["zz", ID[1:], ID + "0", ID[:-1] + "g", "0x" + ID[2:]])
def test_what_is_no_id_is_refused(typed: str) -> None:
    with pytest.raises(typer.BadParameter):
        key_id(typed)


def test_a_slip_raises_no_alarm(tmp_path: Path) -> None:
    home, backup = tmp_path / "data", tmp_path / "backup"
    assert nuanzhang(home, "init").returncode == 0
    founder = (home / "keys" / "founding.id").read_text().strip()
    assert nuanzhang(home, "backup", "create", backup).returncode == 0
    nuanzhang(home, "publish", tmp_path / "log")
    commands = (
        (home, "verify"),
        (tmp_path / "elsewhere", "backup", "verify", backup),
        (tmp_path / "elsewhere", "verify-publication", tmp_path / "log"),
    )
    for place, *words in commands:
        assert nuanzhang(place, *words, "--key", founder.upper()).returncode == 0, words
        slip = nuanzhang(place, *words, "--key", "zz")
        assert slip.returncode == 2, words
        assert "32 digits" in slip.stderr
        assert slip.stdout == ""

    other = nuanzhang(home, "verify", "--key", ID)
    assert other.returncode == 1
    assert other.stderr.startswith("verify.founded_by_another: ")
    assert founder in other.stderr
    assert "DOES NOT HOLD" not in other.stdout


def test_a_log_that_begins_otherwise_than_its_folder_says_is_no_slip(tmp_path: Path) -> None:
    home = tmp_path / "data"
    assert nuanzhang(home, "init").returncode == 0
    said = home / "keys" / "founding.id"
    founder = said.read_text().strip()
    said.chmod(0o600)
    said.write_text(ID + "\n")

    assert nuanzhang(home, "verify", "--key", founder).returncode == 0, "the log is asked, not it"
    broken = nuanzhang(home, "verify", "--key", "f" * 32)
    assert broken.returncode == 1
    assert "DOES NOT HOLD" in broken.stdout
