"""Go's own packages read our log: checkpoints, tiles, entries, inclusion, growth; and refuse."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from api import bootstrap
from ledger.anchoring.publications import published_at, receipt_under
from ledger.evidence.canonical import base64_text
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.note import split_note
from ledger.evidence.proofs import Receipt
from ledger.store.home import Home
from tests.interop.conftest import Carried
from tests.interop.peers import run

pytestmark = pytest.mark.interop


def test_go_verifies_checkpoints_tiles_entries_and_growth(carried: Carried, reader: Path) -> None:
    ran = run(reader, carried.folder, carried.vkey, carried.older)

    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.startswith("HOLDS")


@pytest.mark.parametrize("position", [0, 1, 255, 256, 4000])
def test_our_inclusion_proofs_are_those_that_go_makes(
    carried: Carried, reader: Path, position: int
) -> None:
    ran = run(reader, carried.folder, carried.vkey, carried.older, str(position))

    assert ran.stdout.splitlines()[:-1] == [base64_text(each) for each in ours(carried, position)]


def ours(carried: Carried, position: int) -> tuple[bytes, ...]:
    with bootstrap.opened(Home(carried.home)) as ledger:
        body, _ = split_note((carried.folder / "checkpoint").read_text())
        published = published_at(ledger, Checkpoint.from_body(body).size)
        receipt: Receipt = receipt_under(ledger, position, published)
    return receipt.path


def flipped(name: str, at: int) -> Callable[[Path], None]:
    def flip(folder: Path) -> None:
        path = folder / name
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    return flip


def cut(folder: Path) -> None:
    path = folder / "tile/entries/003"
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(flipped("tile/0/003", 40), id="a hash altered"),
        pytest.param(flipped("tile/entries/003", 900), id="an entry altered"),
        pytest.param(flipped("checkpoint", 30), id="the checkpoint altered"),
        pytest.param(cut, id="a bundle cut off"),
        pytest.param(lambda folder: (folder / "tile/0/004").unlink(), id="a tile missing"),
    ],
)
def test_go_refuses_what_was_altered(
    carried: Carried, reader: Path, tmp_path: Path, attack: Callable[[Path], None]
) -> None:
    shutil.copytree(carried.folder, tmp_path / "log")
    attack(tmp_path / "log")

    ran = run(reader, tmp_path / "log", carried.vkey, carried.older)

    assert ran.returncode == 1
    assert "REFUSED" in ran.stdout
