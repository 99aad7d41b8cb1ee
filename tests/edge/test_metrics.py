"""What several processes count together, while one of them only begins to."""

import errno
import fcntl
import os
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from api.edge import metrics
from api.edge.metrics import Metrics
from api.edge.reserved import FIRST_BYTES, ReservedDict
from ledger.postgresql import DatabaseUnreachable

NAN = float("nan")
AWAY_S = 30


def counted_in(folder: Path) -> Metrics:
    return Metrics(lambda: 7, lambda: NAN, lambda: NAN, str(folder))


def test_a_process_that_begins_to_count_is_waited_for(tmp_path: Path) -> None:
    beginning = tmp_path / "counter_1.db"
    beginning.touch()

    def go_on() -> None:
        time.sleep(0.05)
        beginning.write_bytes(struct.pack("i", 8) + bytes(4092))

    other = threading.Thread(target=go_on)
    other.start()

    assert b"nuanzhang_log_events 7.0" in counted_in(tmp_path).exposition()
    other.join()


def test_a_file_that_stays_empty_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "TRIED_EVERY_S", 0)
    (tmp_path / "counter_1.db").touch()

    with pytest.raises(struct.error):
        counted_in(tmp_path).exposition()


def test_a_figure_that_does_not_come_is_told_as_it_was_or_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "TOLD_WITHIN_S", 0.2)
    away, back, sizes = threading.Event(), threading.Event(), [5]

    def size() -> int:
        if away.is_set():
            back.wait(AWAY_S)
        return sizes[0]

    def refused() -> float:
        raise DatabaseUnreachable

    counting = Metrics(size, refused, lambda: 1.0)
    first = counting.exposition()
    assert b"nuanzhang_log_events 5.0" in first
    assert b"nuanzhang_verified_age_seconds +Inf" in first, "as old as can be, not left out"
    away.set()
    before, began = threading.active_count(), time.monotonic()
    for _ in range(3):
        assert b"nuanzhang_log_events 5.0" in counting.exposition()
    assert time.monotonic() - began < AWAY_S
    assert threading.active_count() <= before + 1, "one asks for all who look"
    sizes[0] = 6
    away.clear()
    back.set()
    until = time.monotonic() + 10
    while b"nuanzhang_log_events 6.0" not in counting.exposition():
        assert time.monotonic() < until


def test_a_log_is_not_said_to_hold_for_long_when_nobody_can_find_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = list[Exception]()

    def found() -> int:
        for each in failures:
            raise each
        return 1

    counting = Metrics(found, found, found)
    counting.exposition()

    for failure in (DatabaseUnreachable(), sqlite3.OperationalError(), OSError()):
        failures[:] = [failure]
        assert b"nuanzhang_log_holds 1.0" in counting.exposition(), "known a moment ago"
    monkeypatch.setattr(metrics, "KNOWN_FOR_S", -1)

    told = counting.exposition()
    assert b"nuanzhang_log_holds NaN" in told
    assert b"nuanzhang_verified_age_seconds +Inf" in told
    assert b"nuanzhang_log_events 1.0" in told, "a log grows, and is at least so long"
    failures.clear()
    monkeypatch.undo()
    assert b"nuanzhang_log_holds 1.0" in counting.exposition()


COUNTING = """
import resource, sys
from pathlib import Path
from prometheus_client.mmap_dict import MmapedDict
from api.edge.reserved import FIRST_BYTES, ReservedDict

COUNTED = 6_000
file = Path(sys.argv[1], "counter_1.db")
most = int(sys.argv[2])
if most:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
counted = ReservedDict(str(file))
for number in range(COUNTED):
    counted.write_value(f"[{number}]", float(number), 0.0)
assert [value for _, value, _ in counted.read_all_values()] == list(range(COUNTED))
if file.exists():
    told = list(MmapedDict.read_all_values_from_file(str(file)))
    stat = file.stat()
    print("all" if len(told) == COUNTED else "some", stat.st_blocks * 512 >= stat.st_size > 0)
else:
    print("in memory")
counted.close()
"""


@pytest.mark.parametrize(
    ("most", "said"),
    [(0, "all True"), (1_000, "in memory"), (FIRST_BYTES + 1_000, "some True")],
    ids=["there is room", "there is none", "there is no more"],
)
def test_what_is_counted_has_its_room_on_the_disk_or_goes_on_without(
    tmp_path: Path, most: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, str(tmp_path), str(most)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.strip() == said, done.stderr


def test_blocks_are_reserved_where_the_filesystem_cannot_do_it_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def emulated(descriptor: int, offset: int, size: int) -> None:
        """As the GNU C library does then: it writes into each block, by position."""
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        os.pwrite(descriptor, b"\0", offset + size - 1)

    monkeypatch.setattr(os, "posix_fallocate", emulated)
    file = tmp_path / "counter_1.db"

    counted = ReservedDict(str(file))
    counted.write_value("counted", 7.0, 0.0)  # type: ignore[no-untyped-call]

    told = MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]
    assert [(key, value) for key, value, *_ in told] == [("counted", 7.0)]
    counted.close()


def test_all_processes_count_in_such_files() -> None:
    counted_in(Path())

    assert values.MmapedDict is ReservedDict  # type: ignore[attr-defined]
