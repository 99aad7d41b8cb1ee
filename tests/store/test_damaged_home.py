"""Each small file of a home, damaged or gone: a refusal that names it, or it is made anew."""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from api.background.store import BackgroundStore
from api.demo import inspector_of
from api.records import Records
from ledger.anchoring.anchors import Anchors
from ledger.database import DatabaseUnreadable
from ledger.errors import LedgerError
from ledger.store.home import Home, HomeKeyMissing, HomeUnreadable
from ledger.store.map_store import MapStore
from ledger.store.service_signers import ServiceKeyUnreadable
from ledger.witness.state import WitnessState
from tests.api.test_command_line import nuanzhang
from tests.world import DAY, RECORDED_AT, World

GARBAGE = b"\xff garbage \x00" * 512


def refused(home: Home) -> LedgerError:
    with pytest.raises(LedgerError) as found:
        home.open(RECORDED_AT, DAY)
    return found.value


def test_a_damaged_name_is_said(world: World) -> None:
    world.home.identity.write_bytes(GARBAGE)

    with pytest.raises(HomeUnreadable, match=r"ledger\.json is damaged"):
        world.home.open(RECORDED_AT, DAY)


@pytest.mark.parametrize("name", ["service", "master", "index"])
def test_a_key_that_is_gone_or_damaged_is_named_and_not_repeated(world: World, name: str) -> None:
    path = world.home.keys / f"{name}.key"
    other = ServiceKeyUnreadable if name == "service" else HomeUnreadable

    for damage in (GARBAGE, b"ab" * 31, b"no hex digits"):
        path.write_bytes(damage)
        said = refused(world.home)
        assert isinstance(said, other), said
        assert path.name in str(said)
        assert "no hex" not in str(said)

    path.unlink()
    said = refused(world.home)
    assert isinstance(said, HomeKeyMissing), said
    assert path.name in str(said)


def test_a_damaged_demo_file_is_said(world: World) -> None:
    world.home.demo.write_bytes(GARBAGE)

    with pytest.raises(HomeUnreadable):
        inspector_of(world.home)


@pytest.mark.parametrize(
    "opens",
    [lambda path: Records(path, ""), BackgroundStore, Anchors, WitnessState],
    ids=["access", "jobs", "anchors", "witness"],
)
def test_a_damaged_database_is_named(tmp_path: Path, opens: Callable[[Path], object]) -> None:
    path = tmp_path / "some.sqlite"
    path.write_bytes(GARBAGE)

    with pytest.raises(DatabaseUnreadable, match=r"^some\.sqlite: "):
        opens(path)
    assert path.read_bytes() == GARBAGE


def test_a_damaged_map_is_made_anew(world: World) -> None:
    log, size = world.ledger.log, world.ledger.size()
    with closing(MapStore(world.home.map)) as maps:
        root = maps.advance(log, size)
    world.home.map.write_bytes(GARBAGE)

    with closing(MapStore(world.home.map)) as maps:
        assert maps.advance(log, size) == root


def test_whoever_knows_the_founding_key_verifies_without_any_other(world: World) -> None:
    home, founding = world.home, world.home.founding_key_id()
    world.ledger.close()
    shutil.rmtree(home.keys)

    pinned = nuanzhang(home.path, "verify", "--key", founding)
    alone = nuanzhang(home.path, "verify")

    assert (pinned.returncode, pinned.stderr) == (0, ""), pinned.stderr
    assert "everything holds" in pinned.stdout
    assert (alone.returncode, alone.stderr.split(": ")[0]) == (1, "home.key_missing")
    assert "verify --key ID" in alone.stderr
