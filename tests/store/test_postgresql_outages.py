"""A server that is frozen, that cannot reach its replicas, or that is away for long."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from ledger import postgresql_line, postgresql_waiting
from ledger.domain.fund import FundAccount
from ledger.postgresql import Database, DatabaseUnreachable
from ledger.postgresql_session import Session, connect
from ledger.postgresql_waiting import Outage
from ledger.store.application import Work
from tests.cutting_proxy import CuttingProxy
from tests.postgresql import Server, running
from tests.world import World


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that may be frozen and cut from its replicas: nobody else uses it."""
    with running(("fsync=off", "full_page_writes=off")) as server:
        yield server


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    assert server._process is not None
    stopped = [server._process.pid, *server._children()]
    for each in stopped:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in stopped:
            os.kill(each, signal.SIGCONT)


def _waits(session: Session) -> bool:
    """Say whether a commit waits for replicas; it is broken off then."""
    with psycopg.connect(session.raw.info.dsn, autocommit=True) as other:
        pid = other.info.backend_pid
        commit = "SELECT pg_logical_emit_message(true, 'test', '')"
        committing = threading.Thread(target=other.execute, args=(commit,))
        committing.start()
        waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
        waiting += " WHERE wait_event = 'SyncRep' AND pid = ?"
        waits = False
        while committing.is_alive():
            waits = bool(session.execute(waiting, (pid,))) or waits
            committing.join(0.02)
        return waits


@contextmanager
def without_replicas(server: Server) -> Iterator[None]:
    """Have every commit wait for a replica that is not there."""
    session = connect(Database.at(server.url))

    def wait_for(name: str) -> None:
        session.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        session.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 10
        while session.execute("SHOW synchronous_standby_names").fetchone() != (name,):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    wait_for("nobody")
    while not _waits(session):  # the checkpointer tells all others, and takes its time
        time.sleep(0.02)
    try:
        yield
    finally:
        wait_for("")
        session.close()


def test_a_frozen_server_is_not_waited_for(own: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_waiting, "SILENCE_ASKED_AFTER_S", 0.2)
    monkeypatch.setattr(postgresql_line, "ASKED_FOR_S", 2)
    session = connect(Database.at(own.url))
    began = time.monotonic()

    with frozen(own), pytest.raises(DatabaseUnreachable):
        session.execute("SELECT 1")

    assert time.monotonic() - began < 5
    session.close()


def test_a_slow_server_is_waited_for(own: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_waiting, "SILENCE_ASKED_AFTER_S", 0.1)
    session = connect(Database.at(own.url))

    assert session.execute("SELECT 7 FROM pg_sleep(0.8)") == [(7,)]
    session.close()


def test_but_not_longer_than_was_said(own: Server) -> None:
    session = connect(Database.at(own.url), silence_max_s=0.3)

    with pytest.raises(DatabaseUnreachable):
        session.execute("SELECT pg_sleep(5)")
    session.close()


def test_a_primary_without_its_replicas_is_not_read_from(
    own: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with without_replicas(own):
        monkeypatch.setattr(postgresql_line, "PROOF_MAX_S", 0.3)

        with pytest.raises(DatabaseUnreachable):
            connect(Database.at(own.url))


def test_a_commit_that_stopped_waiting_for_its_replicas_is_not_acknowledged(own: Server) -> None:
    session = connect(Database.at(own.url))
    (server_s_pid,) = session.execute("SELECT pg_backend_pid()").fetchone()
    session.execute("CREATE TABLE IF NOT EXISTS public.kept (n BIGINT)")
    administrator = connect(Database.at(own.url))

    def cancel() -> None:
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid = ?"
        while not administrator.execute(waiting, (server_s_pid,)):
            time.sleep(0.02)
        administrator.execute("SELECT pg_cancel_backend(?)", (server_s_pid,))

    with without_replicas(own):
        cancelling = threading.Thread(target=cancel)
        cancelling.start()
        # The server says that it is done.
        with pytest.raises(DatabaseUnreachable):
            session.execute("INSERT INTO public.kept VALUES (1)")
        cancelling.join()
    administrator.close()


def test_a_server_that_takes_no_writes_is_one_that_is_away(own: Server) -> None:
    session = connect(Database.at(own.url))
    session.execute("SET default_transaction_read_only = on")

    with pytest.raises(DatabaseUnreachable):
        session.execute("CREATE TABLE public.never (n BIGINT)")
    session.close()


# What became of a write.


def open_fund(world: World, key: str | None = None) -> Callable[[], int | None]:
    def ask() -> int | None:
        act = world.act(key=key)

        def decide(work: Work) -> None:
            work.save(FundAccount.open(act, UUID(int=5), UUID(int=6), "别的"))

        return world.ledger.perform(act, "test.open", None, decide).first_position

    return ask


def test_what_the_server_did_late_is_found_where_it_stands(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line broke off, we looked and found nothing, and only then it did what it was asked."""
    with tempfile.TemporaryDirectory(prefix="px-") as folder:
        proxy = CuttingProxy(postgresql.folder, Path(folder))
        world = World.at(tmp_path, proxy.to(postgresql.fresh())).settle_in()
        log, size = world.ledger.log, world.ledger.size()
        look, looked = type(log)._found, list[int | None]()  # type: ignore[attr-defined]

        def too_early(self: object, stored: list[StoredEvent]) -> int | None:
            looked.append(None if not looked else look(self, stored))
            return looked[-1]

        monkeypatch.setattr(type(log), "_found", too_early)
        proxy.swallowing = b"fund.opened"

        assert open_fund(world)() == size
        assert looked == [None, size]
        assert world.ledger.size() == size + 1
        world.check_log()
        world.ledger.close()
        proxy.close()


def test_without_a_key_nothing_is_decided_again_that_may_have_been_written(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="px-") as folder:
        proxy = CuttingProxy(postgresql.folder, Path(folder))
        world = World.at(tmp_path, proxy.to(postgresql.fresh())).settle_in()
        size = world.ledger.size()
        monkeypatch.setattr(postgresql_waiting, "RIDE_S", 0.0)
        monkeypatch.setattr(postgresql_waiting, "ASKED_AGAIN_S", 0.0)
        proxy.swallowing = b"fund.opened"

        with pytest.raises(DatabaseUnreachable):
            open_fund(world)()

        assert world.ledger.size() == size + 1
        world.check_log()
        world.ledger.close()
        proxy.close()


@pytest.mark.parametrize("broken_off", [b"FOR UPDATE", b"FROM log_checkpoints"])
def test_a_turn_and_a_receipt_wait_for_a_database_that_is_away(
    tmp_path: Path, postgresql: Server, broken_off: bytes
) -> None:
    with tempfile.TemporaryDirectory(prefix="px-") as folder:
        proxy = CuttingProxy(postgresql.folder, Path(folder))
        world = World.at(tmp_path, proxy.to(postgresql.fresh())).settle_in()
        size = world.ledger.size()
        world.ledger.close()
        world.reopen()  # what proves its own last events a process keeps in memory
        proxy.swallowing = broken_off

        with world.ledger.log.turn():
            pass

        assert world.ledger.receipt(size - 1).position == size - 1
        assert proxy.cut == 1
        world.check_log()
        world.ledger.close()
        proxy.close()


# For how long.


def test_all_who_wait_are_let_go_together_and_the_next_are_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgresql_waiting, "RIDE_S", 0.5)
    monkeypatch.setattr(postgresql_waiting, "PAUSES_S", (0.0, 0.05))
    outage = Outage()
    began, ended = time.monotonic(), list[float]()

    def wait(later_s: float) -> None:
        time.sleep(later_s)
        assert len(list(outage.tries())) > 1
        ended.append(time.monotonic() - began)

    waiting = [threading.Thread(target=wait, args=(later_s,)) for later_s in (0.0, 0.1, 0.3)]
    for each in waiting:
        each.start()
    for each in waiting:
        each.join()

    assert max(ended) - min(ended) < 0.3
    assert list(outage.tries()) == []


def test_an_outage_that_is_over_is_no_part_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_waiting, "RIDE_S", 0.2)
    monkeypatch.setattr(postgresql_waiting, "PAUSES_S", (0.05,))
    outage = Outage()
    before = len(list(outage.tries()))
    outage.over()

    assert len(list(outage.tries())) in range(before - 2, before + 3)
    assert before > 2
