"""What several processes count together, while one of them only begins to."""

import struct
import threading
import time
from pathlib import Path

import pytest

from api.edge import metrics
from api.edge.metrics import Metrics
from ledger.postgresql import DatabaseUnreachable

NAN = float("nan")


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
            back.wait(30)
        return sizes[0]

    def refused() -> float:
        raise DatabaseUnreachable

    counting = Metrics(size, refused, lambda: 1.0)
    first = counting.exposition()
    assert b"nuanzhang_log_events 5.0" in first
    assert b"nuanzhang_verified_age_seconds" not in first
    away.set()
    before = threading.active_count()
    for _ in range(3):
        assert b"nuanzhang_log_events 5.0" in counting.exposition()
    assert threading.active_count() <= before + 1, "one asks for all who look"
    sizes[0] = 6
    away.clear()
    back.set()
    until = time.monotonic() + 10
    while b"nuanzhang_log_events 6.0" not in counting.exposition():
        assert time.monotonic() < until
