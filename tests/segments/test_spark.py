"""Spark says of sealed segments what DuckDB and the service say, also when workers die."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.segments.checking import check_segments
from ledger.segments.manifest import SegmentBroken
from ledger.store.home import Home
from projections.asked import Moment
from projections.runner import catch_up
from projections.segments.asking import QUESTIONS, Asking, ask, out_of_turn
from projections.segments.duck import duck
from projections.segments.flat import FLAT
from projections.segments.spark import Spark, spark
from tests.campaign import copied as home_copied
from tests.segments.cluster import Cluster, running
from tests.segments.sealed import (
    ASKED_ON,
    LENGTH,
    RULES,
    copied,
    in_order,
    manifests_in,
    named,
    odd_world,
    padded,
    sealed,
    service_balances,
    service_findings,
    service_surplus,
    told,
    writable,
)
from tests.segments.test_same_answers import LOW, asking_of
from tests.world import DAY, RECORDED_AT, World

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster"), workers=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def session(cluster: Cluster) -> Iterator[Spark]:
    with spark(cluster.master) as session:
        yield session


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("odd")
    world = padded(odd_world(folder), 2 * LENGTH)
    sealed(world.ledger, world.home, folder / "segments")
    yield world
    world.ledger.close()


@pytest.fixture(scope="module")
def campaign(campaign_2017: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = home_copied(campaign_2017, tmp_path_factory.mktemp("campaign"))
    with closing(home.open(RECORDED_AT, DAY)) as ledger:
        sealed(ledger, home, home.path.parent / "segments")
    return home


def test_every_question_is_answered_as_by_duckdb_and_the_service(
    session: Spark, odd: World
) -> None:
    asking = asking_of(odd, Moment(at=2 * LENGTH - 1))
    with duck() as engine:
        answers = {each: ask(session, asking, each) for each in QUESTIONS}
        assert answers == {each: ask(engine, asking, each) for each in QUESTIONS}
    with catch_up(odd.ledger, odd.home.read_models).asking() as model:
        theirs = service_balances(model, asking.moment)
        assert in_order(named(answers["balances"])) == in_order(theirs)
        surplus = service_surplus(model, asking.moment, ASKED_ON)
        theirs = [each for each in surplus if each["opening_fen"]]
        assert in_order(named(answers["surplus"])) == in_order(theirs)
    found = service_findings(odd, asking.moment, LOW)
    for rule in RULES:
        ours = answers[rule.lower()]
        of_rule = [told(each, ours.columns) for each in found if each.rule == rule]
        assert in_order(named(ours)) == in_order(of_rule) != [], rule


def test_the_cluster_verifies_what_one_machine_verifies(
    session: Spark, campaign: Home, tmp_path: Path
) -> None:
    folder = campaign.path.parent / "segments"
    found = _checked(session, folder, campaign.founding_key_id())
    assert found.edge == manifests_in(folder)[-1].tree

    altered = copied(folder, tmp_path / "altered")
    path = altered / "000000001024-000000001280" / "events.parquet"
    content = path.read_bytes()
    with writable(path):
        path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    with pytest.raises(SegmentBroken, match=r"events\.parquet: SHA-256"):
        _checked(session, altered, campaign.founding_key_id())


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(
    cluster: Cluster, session: Spark, campaign: Home
) -> None:
    folder = campaign.path.parent / "segments"
    manifests = manifests_in(folder)
    asking = Asking(folder, manifests, ASKED_ON)
    with duck() as engine:
        wanted = {each: ask(engine, asking, each) for each in ("balances", "surplus")}
    _wait_for_executors(session, 2)
    killed: list[int] = []
    at_work = threading.Thread(target=_kill_when_busy, args=(session, cluster, 0, killed))
    at_work.start()
    found = _checked(session, folder, campaign.founding_key_id())
    while at_work.is_alive():  # its stages are short: one may end before it was seen
        found = _checked(session, folder, campaign.founding_key_id())
    assert len(killed) > 1, "a worker with its executor was at work"
    assert found.edge == manifests[-1].tree
    assert cluster.workers[0].poll() is not None

    cluster.add_worker()
    again: list[int] = []
    asked = threading.Thread(target=_kill_when_busy, args=(session, cluster, 2, again))
    asked.start()
    assert {each: ask(session, asking, each) for each in wanted} == wanted
    while asked.is_alive():
        assert {each: ask(session, asking, each) for each in wanted} == wanted
    assert len(again) > 1, "a worker with its executor was at work"


def _checked(session: Spark, folder: Path, key: str):  # type: ignore[no-untyped-def] # noqa: ANN202
    return check_segments(
        folder,
        FLAT,
        session.share,
        lambda manifests: out_of_turn(session, folder, manifests),
        key,
    )


def _wait_for_executors(session: Spark, count: int) -> None:
    """Wait until so many executors can be given work: on a busy machine one comes long after."""
    known = session.session.sparkContext._jsc.sc()
    end = time.monotonic() + 120
    while known.getExecutorMemoryStatus().size() != count + 1:  # and the driver
        assert time.monotonic() < end, "the executors did not come"
        time.sleep(0.1)


def _kill_when_busy(session: Spark, cluster: Cluster, worker: int, killed: list[int]) -> None:
    """Kill a worker while a stage of a question is under way."""
    tracker = session.session.sparkContext.statusTracker()
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info and info.numActiveTasks and cluster.executors(worker):
                killed += cluster.kill_worker(worker)
                return
        time.sleep(0.02)
