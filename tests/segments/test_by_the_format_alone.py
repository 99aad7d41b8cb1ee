"""Who has FORMAT.md and public tools checks segments, and adds the payloads up to the same fen."""

from contextlib import closing
from pathlib import Path

import pytest

from ledger.store.home import Home
from projections.asked import Moment
from projections.balances import balances as service_balances
from projections.runner import catch_up
from tests.campaign import copied as home_copied
from tests.segments.sealed import copied, sealed, writable
from tests.segments.tiny_reader import Wrong, balances, read_segments
from tests.world import DAY, RECORDED_AT


@pytest.fixture(scope="module")
def home(campaign_2017: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = home_copied(campaign_2017, tmp_path_factory.mktemp("tiny"))
    with closing(home.open(RECORDED_AT, DAY)) as ledger:
        sealed(ledger, home, home.path.parent / "segments", 1024)
    return home


def test_they_hold_and_come_to_the_services_balances(home: Home) -> None:
    folder = home.path.parent / "segments"
    size, root = read_segments(folder, home.founding_key_id())
    with closing(home.open(RECORDED_AT, DAY)) as ledger:
        assert root == ledger.log.root_at(size)
        with catch_up(ledger, home.read_models).asking() as model:
            theirs = service_balances(model, Moment(at=size - 1))
    in_hand = {(str(each.fund_id), each.vintage): each.in_hand_fen for each in theirs}
    assert balances(folder) == in_hand
    assert sum(in_hand.values()) > 0


def test_what_was_altered_does_not_hold(home: Home, tmp_path: Path) -> None:
    for name in ("events.parquet", "journal_lines.parquet", "tile/0/005", "manifest.json"):
        folder = copied(home.path.parent / "segments", tmp_path / name.replace("/", "-"))
        path = folder / "000000001024-000000002048" / name
        content = path.read_bytes()
        with writable(path):
            path.write_bytes(content.replace(b"a", b"b", 1))
        with pytest.raises((Wrong, ValueError, KeyError)):
            read_segments(folder, home.founding_key_id())
    with pytest.raises(Wrong):
        read_segments(home.path.parent / "segments", "0" * 32)
