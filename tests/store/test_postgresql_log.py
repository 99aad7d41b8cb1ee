"""What PostgreSQL adds: several starts at once, lines that break off, a server that is killed."""

import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger import postgresql_waiting
from ledger.domain.fund import FundAccount
from ledger.domain.values import Money
from ledger.errors import LedgerError
from ledger.evidence.keys import Ed25519Signer
from ledger.postgresql import (
    Database,
    DatabaseAddressWrong,
    DatabaseUnreachable,
    NotMigrated,
    PageDamaged,
    RowTaken,
)
from ledger.postgresql_session import Rows, Session, connect
from ledger.store import postgresql_recorder
from ledger.store.act import CommandAct
from ledger.store.application import Work
from ledger.store.home import DatabaseNotNamed, DatabaseTaken, Home
from ledger.store.postgresql_recorder import STEPS, PostgresRecorder, lay_out_log
from tests.cutting_proxy import CuttingProxy
from tests.postgresql import Server, running
from tests.world import DAY, RECORDED_AT, World

STARTS, ROUNDS = 4, 5


def start_together(databases: list[Database], barrier: Barrier) -> None:
    for database in databases:
        barrier.wait(60)
        lay_out_log(database)
        PostgresRecorder(database, "test.local/log", Ed25519Signer.generate()).close()


def test_four_processes_that_start_at_once_make_the_tables_once(postgresql: Server) -> None:
    databases = [postgresql.fresh() for _ in range(ROUNDS)]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(STARTS)
    starts = [
        context.Process(target=start_together, args=(databases, barrier)) for _ in range(STARTS)
    ]
    for each in starts:
        each.start()
    for each in starts:
        each.join(60)

    assert [each.exitcode for each in starts] == [0] * STARTS
    for database in databases:
        session = connect(database)
        assert session.execute("SELECT version FROM migrations") == [(len(STEPS),)]
        session.close()


def test_tables_are_never_made_on_the_way(postgresql: Server) -> None:
    database = postgresql.fresh()

    for _ in range(2):
        with pytest.raises(NotMigrated):
            PostgresRecorder(database, "test.local/log", Ed25519Signer.generate())


def test_a_later_program_s_tables_are_left_alone(postgresql: Server) -> None:
    database = postgresql.fresh()
    lay_out_log(database)
    session = connect(database)
    session.execute("INSERT INTO migrations VALUES (99)")
    session.close()

    with pytest.raises(NotMigrated, match="99"):
        lay_out_log(database)


def test_another_ledger_s_log_is_left_alone(tmp_path: Path, postgresql: Server) -> None:
    database = postgresql.fresh()
    World.at(tmp_path, database).ledger.close()

    with pytest.raises(DatabaseTaken):
        Home(tmp_path / "other", named=database).create()


def test_a_ledger_in_postgresql_is_never_looked_for_in_a_file(
    tmp_path: Path, postgresql: Server
) -> None:
    World.at(tmp_path, postgresql.fresh()).ledger.close()
    home = Home(tmp_path / "data")
    home.address.unlink()

    with pytest.raises(DatabaseNotNamed):
        home.open(RECORDED_AT, DAY)

    assert not home.events.exists()


# Addresses.


def test_a_password_is_not_shown() -> None:
    database = Database.at("postgresql://clerk:secret@db.example.org:5433/relief?schema=hefei")

    assert "secret" not in repr(database) + str(database)
    assert database.schema == "hefei"
    assert Database.at(database.address) == database


def test_several_servers_may_be_named(postgresql: Server) -> None:
    address = f"postgresql:///postgres?host=/nowhere,{postgresql.folder}&user=nuanzhang"

    connect(Database.at(address)).close()


def test_blanks_in_an_address_are_read_as_the_driver_reads_them() -> None:
    address = "postgresql://db/relief?options=-c%20work_mem%3D64MB&sslrootcert=/a%20b+c.pem"
    database = Database.at(f"{address}&schema=hefei")

    said = conninfo_to_dict(database.url)

    assert (said["options"], said["sslrootcert"]) == ("-c work_mem=64MB", "/a b+c.pem")
    assert Database.at(database.address) == database


@pytest.mark.parametrize(
    "address",
    [
        "mysql://clerk:secret@db/relief",
        "secret",
        "postgresql://clerk:secret@db/relief?schema=a;drop",
        "postgresql://clerk:secret@db/relief?schema=pg_x",
        "postgresql://clerk:secret@db/relief?port=secret&nonsense=secret",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(DatabaseAddressWrong) as refused:
        connect(Database.at(address))

    assert "secret" not in str(refused.value)


def test_a_database_that_does_not_answer_is_a_refusal_that_says_when() -> None:
    with pytest.raises(DatabaseUnreachable) as refused:
        connect(Database.at("postgresql:///relief?host=/nowhere&password=secret"))

    assert refused.value.retry_after_s > 0
    assert "secret" not in str(refused.value)


# Lines that break off.


@pytest.fixture
def proxied(tmp_path: Path, postgresql: Server) -> Iterator[tuple[CuttingProxy, World]]:
    with tempfile.TemporaryDirectory(prefix="px-") as folder:
        proxy = CuttingProxy(postgresql.folder, Path(folder))
        world = World.at(tmp_path, proxy.to(postgresql.fresh())).settle_in()
        yield proxy, world
        world.ledger.close()


def test_a_commit_whose_answer_was_lost_is_neither_lost_nor_done_twice(
    proxied: tuple[CuttingProxy, World],
) -> None:
    proxy, world = proxied
    for number in range(1, 9):  # with and without the statement prepared
        size = world.ledger.size()
        proxy.swallowing = b"fund.received"

        answer = world.receive("X01", 100)

        assert proxy.cut == number
        assert answer.last_position == world.ledger.size() - 1
        assert answer.first_position == size
        assert world.fund("X01").balance == 100 * number
    world.check_log()


def test_a_server_that_is_gone_is_a_refusal_and_the_same_key_succeeds_later(
    proxied: tuple[CuttingProxy, World], postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, world = proxied
    monkeypatch.setattr(postgresql_waiting, "RIDE_S", 0.3)
    monkeypatch.setattr(postgresql_waiting, "ASKED_AGAIN_S", 0.0)
    size = world.ledger.size()
    proxy.close()

    with pytest.raises(DatabaseUnreachable):
        draw(world, world.act(key="k"))
    again = CuttingProxy(postgresql.folder, proxy.folder)
    draw(world, world.act(key="k"))
    draw(world, world.act(key="k"))

    assert world.ledger.size() == size + 1
    world.check_log()
    again.close()


def draw(world: World, act: object) -> None:
    def decide(work: Work) -> None:
        work.save(FundAccount.open(act, UUID(int=5), UUID(int=6), "别的"))  # type: ignore[arg-type]

    world.ledger.perform(act, "test.open", None, decide)  # type: ignore[arg-type]


# Many writers.


def test_one_that_decides_slowly_is_not_late_for_ever(tmp_path: Path, postgresql: Server) -> None:
    world = World.at(tmp_path, postgresql.fresh()).settle_in()
    world.receive("X01", 100_000)
    world.receive("X02", 100_000)
    stopping = threading.Event()
    quick = World(world.home, world.officers)
    quick.reopen()

    def write() -> None:
        while not stopping.is_set():
            take(quick, quick.fund("X02").id)

    writing = threading.Thread(target=write)
    writing.start()
    tries = 0

    def slowly() -> None:
        nonlocal tries
        tries += 1
        time.sleep(0.1)

    take(world, world.fund("X01").id, slowly)
    stopping.set()
    writing.join()

    assert tries == 2  # once too late; then the others waited
    quick.ledger.close()
    world.check_log()
    world.ledger.close()


def test_what_others_wrote_is_followed_and_not_read_anew(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World.at(tmp_path, postgresql.fresh()).settle_in()
    world.receive("X01", 100)
    fund = world.fund("X01").id
    other = World(world.home, world.officers)
    other.reopen()
    for _ in range(3):
        take(other, fund)
    read: list[int] = []
    select = type(world.ledger.log).select_events

    def watched(self: PostgresRecorder, **asked: object) -> object:
        found = select(self, **asked)  # type: ignore[arg-type]
        read.append(len(found))
        return found

    monkeypatch.setattr(PostgresRecorder, "select_events", watched)

    assert world.fund("X01").balance == 97
    assert read == [3]
    other.ledger.close()
    world.ledger.close()


def take(world: World, fund: UUID, first: object = None, act: CommandAct | None = None) -> None:
    act = act or world.act()

    def decide(work: Work) -> None:
        if callable(first):
            first()
        account = work.get(FundAccount, fund)
        account.draw(act, disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(1))
        work.save(account)

    world.ledger.perform(act, "test.draw", None, decide)


def test_a_server_killed_under_load_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with running(("fsync=off",)) as server:
        world = World.at(tmp_path, server.fresh()).settle_in()
        world.receive("X01", 100_000)
        fund = world.fund("X01").id
        other = World(world.home, world.officers)
        other.reopen()
        stopping, acknowledged, wrong = threading.Event(), [0, 0], list[BaseException]()

        def write(number: int, by: World) -> None:
            try:
                while not stopping.is_set():
                    once(by, by.act(key=uuid4().hex))
                    acknowledged[number] += 1
            except (LedgerError, RowTaken) as cause:
                wrong.append(cause)

        def once(by: World, act: CommandAct) -> None:
            """Ask again with the same key, as whoever is told that the database is away does."""
            while True:
                try:
                    return take(by, fund, act=act)
                except DatabaseUnreachable:
                    time.sleep(0.1)

        threads = [threading.Thread(target=write, args=each) for each in enumerate((world, other))]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.3)
            server.kill()
            server.start()
        time.sleep(0.3)
        stopping.set()
        for thread in threads:
            thread.join()

        assert wrong == []
        assert min(acknowledged) > 0
        assert world.fund("X01").balance == 100_000 - sum(acknowledged)
        world.check_log()
        for each in (world, other):
            each.ledger.close()


def test_a_turn_that_was_refused_does_not_hold_up_the_next(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World.at(tmp_path, postgresql.fresh()).settle_in()
    log, execute, refused = world.ledger.log, Session.execute, list[int]()

    def refuse_once(of: Session, statement: str, values: Sequence[object] = ()) -> Rows:
        if statement.endswith("FOR UPDATE") and not refused:
            refused.append(1)
            return execute(of, "SELECT nothing FROM nowhere")
        return execute(of, statement, values)

    monkeypatch.setattr(Session, "execute", refuse_once)
    with pytest.raises(PageDamaged), log.turn():
        pass

    with log.turn():
        pass
    world.receive("X01", 100)
    world.ledger.close()


def test_whoever_finds_no_free_line_is_told_that_the_database_is_away(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_recorder, "READERS_KEPT", 1)
    monkeypatch.setattr(postgresql_recorder, "READERS_MORE", 0)
    monkeypatch.setattr(postgresql_waiting, "RIDE_S", 0.0)
    world = World.at(tmp_path, postgresql.fresh()).settle_in()
    log = world.ledger.log
    assert isinstance(log, PostgresRecorder)
    monkeypatch.setattr(log._readers._pool, "_timeout", 0.01)

    with log.reading(), ThreadPoolExecutor(1) as another:
        asked = another.submit(log.size)
        with pytest.raises(DatabaseUnreachable):
            asked.result(30)

    monkeypatch.undo()
    assert log.size() > 0
    world.ledger.close()
