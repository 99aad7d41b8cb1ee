"""Which events concern an id is the same however the log was read, and from whatever place on."""

from collections import defaultdict
from contextlib import closing
from pathlib import Path
from uuid import UUID

from ledger.store.home import Home
from ledger.store.stored_log import StoredLog
from projections.histories import positions_of, subjects_of
from projections.runner import catch_up, compare, rebuild
from projections.view import RUN_POSITIONS
from tests.projections.streams import ListFeed

STEPS = (1, 2, RUN_POSITIONS - 3, 700, 3 * RUN_POSITIONS)
"""How many events come at a time: within a run of the log, to its end, and over several."""
PAGE = 5


def test_a_history_is_the_same_in_a_model_that_followed_and_in_one_built_anew(
    campaign_2017: Home, tmp_path: Path
) -> None:
    with closing(StoredLog(campaign_2017.events)) as log:
        events = list(log.read(0, log.size()))
    followed, anew = tmp_path / "followed.sqlite", tmp_path / "anew.sqlite"
    feed = ListFeed(events, 0)
    for number in range(len(events)):
        feed.shown = min(feed.shown + STEPS[number % len(STEPS)], len(events))
        catch_up(feed, followed)
        if feed.shown == len(events):
            break

    rebuild(feed, anew)

    assert compare(followed, anew) == []


def test_a_history_names_every_event_of_an_id_page_by_page(
    campaign_2017: Home, tmp_path: Path
) -> None:
    with closing(StoredLog(campaign_2017.events)) as log:
        model = rebuild(log, tmp_path / "read.sqlite")
        expected = defaultdict(list)
        for position, event in log.read(0, log.size()):
            for subject in subjects_of(event):
                expected[subject].append(position)

    with model.asking() as connection:
        for subject, positions in expected.items():
            assert positions_of(connection, UUID(bytes=subject), limit=len(positions)) == positions
        most = max(expected, key=lambda subject: len(expected[subject]))
        for at, position in enumerate(expected[most]):
            page = positions_of(connection, UUID(bytes=most), after=position, limit=PAGE)
            assert page == expected[most][at + 1 : at + 1 + PAGE]
        assert expected[most][-1] - expected[most][0] > RUN_POSITIONS, "several rows"
