"""A backup that was torn, altered or forged is refused, and nothing is left where it was to go."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from api.drilling import Drill, drill
from ledger.backups.checking import check
from ledger.backups.manifest import Manifest, edge_text, read_manifest, write_manifest
from ledger.backups.restoring import Restoring, restore
from ledger.errors import LedgerError
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.merkle import Edge, leaf_hash
from ledger.store.home import Home
from ledger.store.service_signers import service_signer
from ledger.store.signed_lists import File
from tests.backups.backing_up import back_up, bytes_of, keys, note_at
from tests.world import Person, World

SEGMENT, VAULT = "log-000001.sqlite", "vault-000001.sqlite"


@dataclass
class Stolen:
    """A copy of a backup in the hands of somebody who may write to it."""

    folder: Path

    @property
    def manifest(self) -> Manifest:
        return read_manifest(self.folder)[0]

    def flip(self, name: str, at: int) -> None:
        path = self.folder / name
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)

    def cut(self, name: str) -> None:
        path = self.folder / name
        path.write_bytes(path.read_bytes()[:-1])

    def sql(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / SEGMENT)) as piece:
            piece.execute(statement)
            piece.commit()

    def sign_anew(self, seed: str = "11" * 32) -> None:
        """Have manifest and checkpoint agree with the files, signed by a key of the thief's."""
        signer = service_signer(seed, "thief")
        before = self.manifest
        edge = Edge.empty()
        with closing(sqlite3.connect(self.folder / SEGMENT)) as piece:
            states = piece.execute("SELECT state FROM log_events ORDER BY position").fetchall()
        edge = edge.extend([leaf_hash(state) for (state,) in states])
        checkpoint = Checkpoint(before.origin, edge.size, edge.root())
        segment = before.segments[0]
        forged = msgspec.structs.replace(
            before,
            size=edge.size,
            edge=edge_text(edge),
            checkpoint=sign_note(checkpoint, before.origin, signer),
            segments=(
                msgspec.structs.replace(
                    segment, file=File.of(self.folder / SEGMENT), stop=edge.size
                ),
            ),
            parts={name: File.of(self.folder / each.name) for name, each in before.parts.items()},
        )
        (self.folder / "backup.json").write_bytes(write_manifest(forged, signer))


def cut_entries(stolen: Stolen) -> None:
    stolen.sql("DELETE FROM log_events WHERE position > 10")
    stolen.sign_anew()


def alter_entry(stolen: Stolen) -> None:
    stolen.sql("UPDATE log_events SET state = x'00' WHERE position = 20")
    stolen.sign_anew()


def swap_key(stolen: Stolen) -> None:
    own = Ed25519Signer.from_seed(bytes.fromhex("11" * 32)).public_key.key_id
    stolen.sign_anew()
    forged = msgspec.structs.replace(stolen.manifest, founding_key_id=own)
    signer = service_signer("11" * 32, "thief")
    (stolen.folder / "backup.json").write_bytes(write_manifest(forged, signer))


ATTACKS: dict[str, tuple[Callable[[Stolen], None], str]] = {
    "a byte of an entry": (lambda stolen: stolen.flip(SEGMENT, 9000), "backup.torn"),
    "a byte of the vault": (lambda stolen: stolen.flip(VAULT, 4200), "backup.torn"),
    "a torn piece": (lambda stolen: stolen.cut(SEGMENT), "backup.torn"),
    "a missing vault": (lambda stolen: (stolen.folder / VAULT).unlink(), "backup.torn"),
    "no manifest": (lambda stolen: (stolen.folder / "backup.json").unlink(), "backup.missing"),
    "a torn manifest": (lambda stolen: stolen.cut("backup.json"), "backup.manifest_broken"),
    "a byte of it": (lambda stolen: stolen.flip("backup.json", 300), "backup.manifest_broken"),
    "signed anew": (Stolen.sign_anew, "backup.manifest_broken"),
    "cut, signed anew": (cut_entries, "backup.manifest_broken"),
    "altered, signed anew": (alter_entry, "backup.manifest_broken"),
    "another founder": (swap_key, "verify.entry_broken"),
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    folder = tmp_path_factory.mktemp("attacked")
    world = World.at(folder).settle_in()
    world.file(Person(1))
    back_up(world, folder / "backup")
    return world, folder / "backup"


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_altered_backup_is_refused(
    attack: str, taken: tuple[World, Path], tmp_path: Path
) -> None:
    world, folder = taken
    strike, code = ATTACKS[attack]
    stolen = Stolen(shutil.copytree(folder, tmp_path / "stolen"))
    strike(stolen)

    with pytest.raises(LedgerError) as checked:
        check(stolen.folder)
    with pytest.raises(LedgerError) as refused:
        restore(stolen.folder, tmp_path / "back", Restoring(keys(world)))

    assert (checked.value.code, refused.value.code) == (code, code)
    assert not (tmp_path / "back").exists()


def test_it_goes_into_an_empty_folder_alone(taken: tuple[World, Path], tmp_path: Path) -> None:
    world, folder = taken
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    without = {name: content for name, content in keys(world).items() if "index" not in name}

    with pytest.raises(LedgerError) as refused:
        restore(folder, tmp_path / "full", Restoring(keys(world)))
    with pytest.raises(LedgerError) as keyless:
        restore(folder, tmp_path / "empty", Restoring(without))

    assert refused.value.code == "backup.target_taken"
    assert keyless.value.code == "backup.keys_missing"
    assert bytes_of(tmp_path / "full") == {"letter.txt": b"mine"}
    assert bytes_of(tmp_path / "empty") == {}


def test_a_drill_passes_and_leaves_nothing(taken: tuple[World, Path], tmp_path: Path) -> None:
    world, folder = taken
    note = tmp_path / "note"
    note.write_text(note_at(world, 12))
    world.receive("X01", 100)
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    found = drill(folder, Drill(Restoring(keys(world)), note, world.home, scratch))
    note.write_text(note_at(world))
    later = drill(folder, Drill(Restoring(), note, world.home, scratch))
    alone = drill(folder, Drill(Restoring(), note, None, scratch))

    assert found.faults == later.faults == []
    assert found.checkpoint_size is not None
    assert found.checkpoint_size >= 12
    assert found.lost is not None
    assert found.lost.events == world.ledger.size() - found.manifest.size > 0
    assert found.totals == found.manifest.totals
    assert set(found.took_s) == {"restore", "verify", "checkpoint", "rebuild"}
    assert (later.by_way_of_live, later.checkpoint_size) == (True, world.ledger.size())
    assert [each.code for each in alone.faults] == ["checkpoint.beyond"]
    assert list(scratch.iterdir()) == []


def test_history_written_anew_fails_the_drill(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    back_up(world, tmp_path / "early")
    restore(tmp_path / "early", tmp_path / "other" / "data", Restoring(keys(world)))
    other = World(Home(tmp_path / "other" / "data"))
    other.reopen()
    world.receive("X01", 100)
    note = tmp_path / "note"
    note.write_text(note_at(world))
    other.receive("X01", 999)
    other.receive("X01", 1)
    back_up(other, tmp_path / "forged")

    found = drill(tmp_path / "forged", Drill(Restoring(), note))
    beside = drill(tmp_path / "forged", Drill(Restoring(), None, world.home))

    assert [each.code for each in found.faults] == ["checkpoint.contradicted"]
    assert [each.code for each in beside.faults] == ["backup.live_differs"]
    assert found.verdict.holds
    other.ledger.close()
    world.ledger.close()


def test_figures_that_are_not_those_of_the_log_fail_the_drill(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    world.receive("X01", 100)
    back_up(world, tmp_path / "backup")
    with closing(sqlite3.connect(world.home.read_models)) as model:
        model.execute("UPDATE journal_lines SET amount_fen = amount_fen * 2")
        model.commit()
    back_up(world, tmp_path / "after")

    found = drill(tmp_path / "after", Drill(Restoring()))

    assert [each.code for each in found.faults] == ["backup.totals_differ"]
    world.ledger.close()
