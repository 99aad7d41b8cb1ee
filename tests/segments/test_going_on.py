"""What is sealed and was verified is not read again: verification and read models go on from it."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ledger.commands.continuing import LogCutBack, LogRewritten
from ledger.evidence.verify import EntryBroken
from ledger.postgresql import Database
from ledger.segments.checking import check_segments, in_processes, signed_chain
from ledger.segments.going_on import known_to, remember, sealed_feed, verify_past
from ledger.segments.manifest import SegmentBroken
from ledger.segments.sealing import SegmentsDiffer
from ledger.store.application import Ledger
from projections.runner import catch_up, compare, rebuild
from projections.segments.flat import FLAT
from tests.api.test_command_line import nuanzhang
from tests.segments.sealed import (
    LENGTH,
    checked,
    copied,
    manifests_in,
    odd_world,
    padded,
    sealed,
    writable,
)
from tests.world import Person, World

PAST = 2 * LENGTH + 40


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[World]:
    """A ledger of two sealed segments that went on since."""
    world = padded(odd_world(tmp_path), PAST)
    sealed(world.ledger, world.home, tmp_path / "segments")
    yield world
    world.ledger.close()


def segments(world: World) -> Path:
    return world.home.path.parent / "segments"


def altered(world: World, statement: str, *values: object) -> None:
    world.ledger.close()
    with closing(sqlite3.connect(world.home.events)) as database:
        database.execute(statement, values)
        database.commit()


@dataclass
class Counted:
    """The log, which keeps from where it was read."""

    ledger: Ledger
    read_from: list[int] = field(default_factory=list)

    def stored(self, start: int, limit: int) -> Sequence[tuple[int, str, bytes]]:
        self.read_from.append(start)
        return self.ledger.stored(start, limit)

    def __getattr__(self, name: str) -> object:
        return getattr(self.ledger, name)


def test_read_models_are_built_from_segments_and_come_out_the_same(
    grown: World, tmp_path: Path
) -> None:
    chain = signed_chain(segments(grown), grown.home.founding_key_id())
    catch_up(grown.ledger, grown.home.read_models)
    counted = Counted(grown.ledger)
    feed = sealed_feed(counted, segments(grown), chain)  # type: ignore[arg-type]
    rebuild(feed, tmp_path / "anew.sqlite")

    assert compare(tmp_path / "anew.sqlite", grown.home.read_models) == []
    assert min(counted.read_from) == 2 * LENGTH
    [(position, _)] = feed.read(100, 1)
    assert position == 100


def test_verification_goes_on_from_what_is_sealed_and_says_so(grown: World) -> None:
    found = checked(segments(grown))
    verdict = verify_past(grown.home.log, found, processes=1)
    assert (verdict.holds, verdict.events) == (True, grown.ledger.size())

    altered(grown, "UPDATE log_events SET state = ? WHERE position = 200", b"{}")
    verdict = verify_past(grown.home.log, found, processes=1)
    assert verdict.holds, "the log's own copy of a sealed entry is not looked at"


@pytest.mark.parametrize(
    ("statement", "values", "broken"),
    [
        (
            "UPDATE log_events SET state = ? WHERE position = ?",
            (b"{}", 2 * LENGTH + 5),
            EntryBroken,
        ),
        ("UPDATE log_events SET state = ? WHERE position = ?", (b"{}", 0), EntryBroken),
        ("DELETE FROM log_events WHERE position >= ?", (LENGTH,), LogCutBack),
    ],
)
def test_what_does_not_go_on_from_the_segments_is_found(
    grown: World, statement: str, values: tuple[object, ...], broken: type[Exception]
) -> None:
    found = checked(segments(grown))
    altered(grown, statement, *values)
    verdict = verify_past(grown.home.log, found, processes=1)
    assert isinstance(verdict.broken, broken)


def test_a_range_that_ends_within_a_commit_is_gone_on_from(tmp_path: Path) -> None:
    world = padded(World.at(tmp_path).settle_in(), LENGTH - 1)
    world.file(Person(1), Person(2))
    sealed(world.ledger, world.home, segments(world))
    found = checked(segments(world))
    assert LENGTH not in world.checkpoint_sizes()
    assert verify_past(world.home.log, found, processes=1).holds

    altered(world, "UPDATE log_tiles SET hashes = zeroblob(8192), root = zeroblob(32)")
    verdict = verify_past(world.home.log, found, processes=1)
    assert isinstance(verdict.broken, LogRewritten)


def test_a_log_of_another_history_is_none_of_the_segments(grown: World, tmp_path: Path) -> None:
    other = padded(World.at(tmp_path / "other").settle_in(), PAST)
    with closing(other.ledger):
        verdict = verify_past(other.home.log, checked(segments(grown)), processes=1)
        assert isinstance(verdict.broken, EntryBroken)
        assert verdict.position == 0
        with pytest.raises(SegmentsDiffer):
            sealed_feed(other.ledger, segments(grown), manifests_in(segments(grown)))


def test_segments_that_were_verified_before_are_only_hashed(grown: World) -> None:
    folder, home = segments(grown), grown.home
    assert known_to(home) is None
    remember(home, checked(folder), "2017-03-01T08:00:00.000Z")
    known = known_to(home)
    assert known is not None
    assert (known.since, known.among(manifests_in(folder))) == ("2017-03-01T08:00:00.000Z", 2)
    padded(grown, 3 * LENGTH)
    sealed(grown.ledger, home, folder)
    tasks = []

    def share(act, asked):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        tasks.extend(asked)
        return in_processes(1)(act, asked)

    def again() -> int:
        return check_segments(folder, FLAT, share, lambda _: None, known=known.sha256).edge.size

    assert again() == 3 * LENGTH
    assert [each.known for each in tasks] == [True, True, False]
    path = folder / "000000000000-000000000256" / "lots.parquet"
    with writable(path):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(SegmentBroken, match="SHA-256"):
        again()


@pytest.mark.both_stores
def test_either_database_goes_on_from_segments(
    world: World, store: Database | None, tmp_path: Path
) -> None:
    padded(world, LENGTH + 7)
    sealed(world.ledger, world.home, tmp_path / "segments")
    verdict = verify_past(world.home.log, checked(tmp_path / "segments"), processes=1)
    assert (verdict.holds, verdict.events) == (True, LENGTH + 7), store


def test_on_the_command_line(grown: World, tmp_path: Path) -> None:
    grown.ledger.close()
    home, folder = grown.home.path, segments(grown)

    first = nuanzhang(home, "verify", "--segments", folder, "--json")
    plain = nuanzhang(home, "verify", "--segments", folder)
    again = json.loads(nuanzhang(home, "verify", "--segments", folder, "--json").stdout)
    key = grown.home.founding_key_id()
    pinned = nuanzhang(home, "verify", "--segments", folder, "--key", key, "--json")
    built = nuanzhang(home, "rebuild", "--segments", folder)

    said = json.loads(first.stdout)
    assert (said["holds"], said["sealed"], said["events"]) == (True, 2 * LENGTH, PAST)
    assert (said["pinned"], said["segments_only_hashed"]) == (False, 0)
    # The folder's own note of what held is no proof to whoever comes with the key's id.
    assert (again["segments_only_hashed"], again["read_whole_at"]) == (2, said["read_whole_at"])
    # Nor is one of a version that checked less.
    note = home / "segments-verified.json"
    older = {name: kept for name, kept in json.loads(note.read_bytes()).items() if name != "checks"}
    note.chmod(0o600)
    note.write_text(json.dumps(older))
    anew = json.loads(nuanzhang(home, "verify", "--segments", folder, "--json").stdout)
    assert anew["segments_only_hashed"] == 0
    said = json.loads(pinned.stdout)
    assert (said["holds"], said["pinned"], said["segments_only_hashed"]) == (True, True, 0)
    assert "NOT PINNED" in plain.stdout
    assert "NOT read anew: 2 segments" in plain.stdout
    assert "NOT read: the log's own copy" in plain.stdout
    assert built.returncode == 0, built.stderr
    assert f"events up to position {2 * LENGTH} are read from segments" in built.stdout
    assert "no difference" in built.stdout
    other = copied(folder, tmp_path / "other")
    path = other / "000000000000-000000000256" / "manifest.json"
    with writable(path):
        path.write_bytes(path.read_bytes()[:-1])
    refused = nuanzhang(home, "verify", "--segments", other)
    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "segment.broken")
