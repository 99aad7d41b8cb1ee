"""Whatever is altered in a log's database, verification fails and says where."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ledger.commands import log_ranges, verification
from ledger.commands.verification import Verdict, verify_log
from ledger.store.home import Home
from tests.slow.failures import saying
from tests.slow.tampering import COLUMNS, Log, Unaltered, tamper, without_constraints

pytestmark = pytest.mark.slow

SEEDS = range(24)
MUTATIONS_PER_SEED = 100
FILE_MUTATIONS_PER_SEED = 25


@pytest.fixture(scope="session")
def bare(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bare") / "events.sqlite"
    shutil.copy(home.events, path)
    without_constraints(path)
    return path


def test_the_unaltered_log_holds(home: Home, bare: Path) -> None:
    for path in (home.events, bare):
        verdict = verify(home, path)

        assert verdict.holds, verdict.broken
        assert verdict.last_good_size == verdict.events == Log.read(path).sizes[-1]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_altered_row_is_found_and_its_place_is_named(
    home: Home, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    base = bare if seed % 2 else home.events
    if seed % 4 < 2:
        # Ranges so short that there are several, and that their ends meet many a mutation.
        for module in (log_ranges, verification):
            monkeypatch.setattr(module, "CHUNK_EVENTS", 64)
    log = Log.read(base)
    copy = tmp_path / "events.sqlite"
    done = draw = 0
    while done < MUTATIONS_PER_SEED:
        draw += 1
        put(base.read_bytes(), copy)
        try:
            tampering = tamper(copy, log, Random(f"rows {seed} {draw}"))
        except Unaltered:
            continue
        done += 1
        with saying(f"seed {seed}, draw {draw}: {tampering.told}"):
            verdict = verify(home, copy)
            assert verdict.broken is not None, "not found"
            assert verdict.broken.code.startswith("verify.")
            message = str(verdict.broken)
            assert any(place in message for place in tampering.places), (message, tampering.places)
            sizes = tampering.last_good_sizes
            assert not sizes or verdict.last_good_size in sizes, (message, sizes)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_altered_file_is_refused_unless_the_log_in_it_is_whole(
    home: Home, tmp_path: Path, seed: int
) -> None:
    whole = content(home.events)
    original = home.events.read_bytes()
    copy = tmp_path / "events.sqlite"
    for draw in range(FILE_MUTATIONS_PER_SEED):
        told, raw = damaged(original, Random(f"file {seed} {draw}"))
        put(raw, copy)
        with saying(f"seed {seed}, draw {draw}: {told}"):
            verdict = verify(home, copy)
            if verdict.broken is None:
                assert content(copy) == whole
            else:
                assert verdict.broken.code.startswith("verify.")
                assert str(verdict.broken)


def test_several_processes_find_what_one_finds(home: Home, tmp_path: Path) -> None:
    log = Log.read(home.events)
    original = home.events.read_bytes()
    copy = tmp_path / "events.sqlite"
    for draw in range(30):
        random = Random(f"processes {draw}")
        told, raw = damaged(original, random)
        put(raw if draw % 2 else original, copy)
        if draw % 2 == 0:
            try:
                told = tamper(copy, log, random).told
            except Unaltered:
                continue
        with saying(f"draw {draw}: {told}"):
            alone, together = verify(home, copy), verify(home, copy, processes=2)

            assert (type(together.broken), str(together.broken)) == (
                type(alone.broken),
                str(alone.broken),
            )
            assert together.last_good_size == alone.last_good_size


def damaged(original: bytes, random: Random) -> tuple[str, bytes]:
    """Return what a disk, or somebody with an editor for bytes, may leave of a file."""
    raw = bytearray(original)
    page_bytes = int.from_bytes(raw[16:18], "big")
    at = random.choice((random.randrange(len(raw)), random.randrange(8 * page_bytes)))
    page = at // page_bytes * page_bytes
    match random.randrange(6):
        case 0:
            raw[at] ^= 1 << random.randrange(8)
            return f"bit flipped in byte {at}", bytes(raw)
        case 1:
            raw[at] = random.randrange(256)
            return f"byte {at} overwritten", bytes(raw)
        case 2:
            raw[at : at + 64] = random.randbytes(len(raw[at : at + 64]))
            return f"64 bytes from {at} overwritten", bytes(raw)
        case 3:
            return f"truncated to {at} bytes", bytes(raw[:at])
        case 4:
            raw[page : page + page_bytes] = bytes(page_bytes)
            return f"page at {page} emptied", bytes(raw)
        case _:
            other = random.randrange(len(raw) // page_bytes) * page_bytes
            one = raw[page : page + page_bytes]
            raw[page : page + page_bytes] = raw[other : other + page_bytes]
            raw[other : other + page_bytes] = one
            return f"pages at {page} and {other} swapped", bytes(raw)


def put(raw: bytes, path: Path) -> None:
    """Write a database file, without what belonged to the one that was there before."""
    for leftover in path.parent.glob(f"{path.name}-*"):
        leftover.unlink()
    path.unlink(missing_ok=True)
    path.write_bytes(raw)


def verify(home: Home, path: Path, processes: int = 1) -> Verdict:
    key = home.founding_key_id()
    return verify_log(path, home.origin(), key, processes=processes)


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {
            table: connection.execute(
                f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2"
            ).fetchall()
            for table, columns in COLUMNS.items()
        }
