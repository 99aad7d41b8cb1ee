"""Closed ranges are sealed once, in a chain, the same bytes wherever it is done."""

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.commands.rotation import rotate_service_key
from ledger.evidence.keys import Algorithm
from ledger.evidence.tlog_tiles import Tile, tiles_of
from ledger.segments.manifest import SegmentBroken, SegmentsNone, require_chain
from ledger.segments.sealing import (
    SealingKeyTooNew,
    SealingUnderWay,
    SegmentLengthWrong,
    SegmentsDiffer,
    SegmentsFolderTaken,
    SegmentsForeign,
)
from ledger.store.application import Ledger
from ledger.store.home import Home
from tests.campaign import copied as home_copied
from tests.segments.sealed import LENGTH, checked, contents, manifests_in, padded, sealed
from tests.world import DAY, RECORDED_AT, Person, World


@pytest.fixture
def campaign(campaign_2017: Home, tmp_path: Path) -> Home:
    return home_copied(campaign_2017, tmp_path / "campaign")


def opened(home: Home) -> Ledger:
    return home.open(RECORDED_AT, DAY)


def test_the_campaign_is_sealed_and_holds(campaign: Home, tmp_path: Path) -> None:
    folder = tmp_path / "segments"
    with closing(opened(campaign)) as ledger:
        made = sealed(ledger, campaign, folder)
        size = ledger.size()
        held = ledger.log.root_at(made[-1].stop)
        note = ledger.log.select_checkpoint(1000)
    assert note is not None

    found = checked(folder, campaign.founding_key_id(), note[1])

    assert [(each.start, each.stop) for each in made] == [
        (at, at + LENGTH) for at in range(0, size // LENGTH * LENGTH, LENGTH)
    ]
    assert (found.edge.size, found.edge.root()) == (made[-1].stop, held)
    assert (found.doubts, found.held) == ((), note[0])
    assert sum(each.tables[0].rows for each in made) == made[-1].stop
    assert manifests_in(folder) == made


def test_the_same_range_gives_the_same_bytes_and_a_chain_goes_on(
    campaign: Home, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    with closing(opened(campaign)) as ledger:
        sealed(ledger, campaign, one)
        again = sealed(ledger, campaign, one)
        sealed(ledger, campaign, other)
    assert again == []
    bytes_of = contents(one)
    assert bytes_of == contents(other)

    world = World(campaign)
    world.reopen()
    with closing(world.ledger):
        before = world.ledger.size()
        while world.ledger.size() < (before // LENGTH + 1) * LENGTH:
            world.register(f"Z{world.ledger.size()}", "C01")
        [more] = sealed(world.ledger, campaign, one, None)

    assert more.previous == require_chain(other)[-1].manifest.sha256
    assert more.number == len(manifests_in(other)) + 1
    assert {name: contents(one)[name] for name in bytes_of} == bytes_of, "written again"
    assert checked(one).edge.size == more.stop


def test_tiles_are_those_of_the_published_log(campaign: Home, tmp_path: Path) -> None:
    with closing(opened(campaign)) as ledger:
        made = sealed(ledger, campaign, tmp_path / "segments", 1024)
        stop = made[-1].stop
        files = {
            name.split("/", 1)[1]: content
            for name, content in contents(tmp_path / "segments").items()
            if "/tile/" in name
        }
        full = [tile for tile in tiles_of(stop) if tile.level is not None and tile.is_within(stop)]
        wanted = {
            each.path(): b"".join(ledger.log.select_hashes(each.level or 0, each.start, each.stop))
            for each in full
            if each == Tile(each.level, each.index)
        }
    assert files == wanted


def test_what_is_not_closed_is_not_sealed(tmp_path: Path) -> None:
    world = padded(World.at(tmp_path).settle_in(), LENGTH - 1)
    folder = tmp_path / "segments"
    with closing(world.ledger):
        assert sealed(world.ledger, world.home, folder) == []
        with pytest.raises(SegmentsNone):
            require_chain(folder)
        world.receive("X01", 1)
        assert [each.stop for each in sealed(world.ledger, world.home, folder)] == [LENGTH]


def test_a_checkpoint_past_the_range_leads_back_to_it(tmp_path: Path) -> None:
    world = padded(World.at(tmp_path).settle_in(), LENGTH - 1)
    world.file(Person(1), Person(2))
    with closing(world.ledger):
        [made] = sealed(world.ledger, world.home, tmp_path / "segments")
        assert made.consistency != ()
        assert checked(tmp_path / "segments").edge.size == LENGTH


def test_another_length_folder_ledger_or_process_is_refused(tmp_path: Path) -> None:
    world = padded(World.at(tmp_path).settle_in(), LENGTH)
    other = padded(World.at(tmp_path / "other").settle_in(), LENGTH)
    folder, taken = tmp_path / "segments", tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("of somebody else")
    with closing(world.ledger), closing(other.ledger):
        for wrong in (0, 255, 300, 2**25):
            with pytest.raises(SegmentLengthWrong):
                sealed(world.ledger, world.home, folder, wrong)
        with pytest.raises(SegmentsFolderTaken):
            sealed(world.ledger, world.home, taken)
        sealed(world.ledger, world.home, folder)
        with pytest.raises(SegmentLengthWrong):
            sealed(world.ledger, world.home, folder, 512)
        with pytest.raises(SegmentsForeign):
            sealed(other.ledger, other.home, folder)
        with (folder / "segments.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(SealingUnderWay):
                sealed(world.ledger, world.home, folder)


def test_what_a_run_that_was_cut_off_left_is_taken_away(tmp_path: Path) -> None:
    world = padded(World.at(tmp_path).settle_in(), LENGTH)
    folder = tmp_path / "segments"
    half = folder / ".sealing-000000000000-000000000256"
    half.mkdir(parents=True)
    (half / "events.parquet").write_bytes(b"PAR1")
    with closing(world.ledger):
        sealed(world.ledger, world.home, folder)
    assert not half.exists()
    assert checked(folder).edge.size == LENGTH


def test_a_log_that_was_altered_is_not_sealed(tmp_path: Path) -> None:
    world = padded(World.at(tmp_path).settle_in(), 2 * LENGTH)
    home, folder = world.home, tmp_path / "segments"
    with closing(sqlite3.connect(home.events)) as database:
        database.execute(
            "UPDATE log_events SET state = (SELECT state FROM log_events WHERE position = 300)"
            " WHERE position = 301"
        )
        database.commit()
    with closing(world.ledger), pytest.raises(SegmentsDiffer):
        sealed(world.ledger, home, folder)
    assert [each.stop for each in manifests_in(folder)] == [LENGTH], "what held before stays"


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.SM2_SM3])
@pytest.mark.parametrize("size", [LENGTH - 1, LENGTH])
def test_a_new_key_seals_once_its_registration_is_sealed_with_it(
    tmp_path: Path, algorithm: Algorithm, size: int
) -> None:
    """Also where it was registered in the very commit that closed the range."""
    world, folder = padded(World.at(tmp_path).settle_in(), size), tmp_path / "segments"
    founding = world.home.founding_key_id()
    world.ledger.close()
    rotate_service_key(world.home, algorithm, "每年更换", RECORDED_AT, DAY)
    world.reopen()
    with closing(world.ledger):
        if size == LENGTH:
            with pytest.raises(SealingKeyTooNew):
                sealed(world.ledger, world.home, folder)
        else:
            assert len(sealed(world.ledger, world.home, folder)) <= 1
        padded(world, 2 * LENGTH)
        sealed(world.ledger, world.home, folder)
        assert [each.stop for each in manifests_in(folder)] == [LENGTH, 2 * LENGTH]
    assert checked(folder, founding).edge.size == 2 * LENGTH


def test_a_segment_whose_neighbour_is_missing_or_another_is_no_chain(
    campaign: Home, tmp_path: Path
) -> None:
    folder = tmp_path / "segments"
    with closing(opened(campaign)) as ledger:
        made = sealed(ledger, campaign, folder, 1024)
    (folder / made[1].folder).rename(tmp_path / "away")
    with pytest.raises(SegmentBroken, match="expected to begin at 1024"):
        checked(folder)
    (folder / made[0].folder).rename(tmp_path / "first")
    with pytest.raises(SegmentBroken, match="before it are missing"):
        checked(folder)
