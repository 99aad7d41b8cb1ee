"""Segments on the command line: sealed by the clock, checked and asked by whoever has the files."""

import json
import sys
from contextlib import closing
from pathlib import Path

from tests.api.test_command_line import nuanzhang
from tests.backups.backing_up import note_at
from tests.segments.sealed import LENGTH, odd_world, padded
from tests.world import World


def test_segments_are_sealed_listed_checked_and_asked(tmp_path: Path) -> None:
    world = padded(odd_world(tmp_path), 2 * LENGTH)
    note = tmp_path / "note"
    note.write_text(note_at(world, 300))
    key, home, folder = world.home.founding_key_id(), world.home.path, tmp_path / "segments"
    world.ledger.close()
    elsewhere = tmp_path / "nowhere"

    made = nuanzhang(home, "segments", "seal", folder, "--length", str(LENGTH))
    again = nuanzhang(home, "segments", "seal", folder, "--json")
    listed = nuanzhang(elsewhere, "segments", "list", folder, "--json")
    held = nuanzhang(
        elsewhere, "segments", "verify", folder, "--key", key, "--checkpoint", note, "--json"
    )
    plain = nuanzhang(elsewhere, "segments", "verify", folder, "--processes", "2")
    asked = nuanzhang(elsewhere, "segments", "ask", "c3", folder, "--key", key, "--json")
    table = nuanzhang(
        elsewhere, "segments", "ask", "balances", folder, "--at", "100", "--as-of", "2017-01-31"
    )

    assert made.returncode == 0, made.stderr
    assert made.stdout.count("sealed 0") == 2
    assert json.loads(again.stdout)["made"] == []
    assert [each["stop"] for each in json.loads(listed.stdout)] == [LENGTH, 2 * LENGTH]
    said = json.loads(held.stdout)
    assert (said["size"], said["pinned"], said["segments"]) == (2 * LENGTH, True, 2)
    assert said["checkpoint_held"] == int(note.read_text().split("\n")[1])
    assert "全部成立" in plain.stdout
    assert f"if {key} founded it" in plain.stdout
    answer = json.loads(asked.stdout)
    assert answer["known_to"] == 2 * LENGTH - 1
    assert {row[0] for row in answer["rows"]} == {"C3"}
    assert table.stdout.startswith("organisation_id\tfund_id\tearmark")
    assert table.returncode == 0, table.stderr


def test_what_is_altered_asked_wrongly_or_not_there_is_a_coded_refusal(tmp_path: Path) -> None:
    world = padded(World.at(tmp_path).settle_in(), LENGTH)
    home, folder = world.home.path, tmp_path / "segments"
    with closing(world.ledger):
        pass
    nuanzhang(home, "segments", "seal", folder, "--length", str(LENGTH))
    segment = folder / "000000000000-000000000256"
    lines = segment / "journal_lines.parquet"
    lines.chmod(0o644)
    lines.write_bytes(lines.read_bytes() + b"\x00")

    for words, code in (
        (("verify", folder), "segment.broken"),
        (("ask", "balances", folder), "segment.broken"),
        (("ask", "balances", tmp_path / "no"), "segment.none"),
        (("list", tmp_path / "no"), "segment.none"),
        (("seal", folder, "--length", "512"), "segment.length_wrong"),
        (("seal", home), "segment.folder_taken"),
    ):
        refused = nuanzhang(home, "segments", *words)
        assert (refused.returncode, refused.stderr.split(":")[0]) == (1, code), words


def test_without_the_libraries_it_says_which_to_install(tmp_path: Path) -> None:
    """The libraries are hidden from a process that has everything else."""
    import subprocess

    program = (
        "import sys; sys.modules.update({name: None for name in ('pyarrow', 'duckdb')});"
        "from api.cli.main import main; sys.argv = ['nuanzhang', *sys.argv[1:]]; main()"
    )
    world = padded(World.at(tmp_path).settle_in(), LENGTH)
    world.ledger.close()
    for words in (("seal", tmp_path / "segments"), ("verify", tmp_path / "segments")):
        found = subprocess.run(
            [sys.executable, "-c", program, "segments", *words],
            env={"NUANZHANG_HOME": str(world.home.path), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 1
        assert found.stderr.startswith("segment.libraries_missing: ")
        assert "pip install 'nuanzhang[segments]'" in found.stderr
    helped = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=False
    )
    assert helped.returncode == 0
    assert "segments" in helped.stdout
