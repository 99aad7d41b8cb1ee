"""The write: gapless, all or nothing, and the same log whoever writes to it."""

import multiprocessing
import os
import threading
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import RecordConflictError, StoredEvent

from ledger.database import DatabaseUnreadable
from ledger.domain.fund import FundAccount, FundInsufficient
from ledger.domain.values import Money
from ledger.evidence.merkle import root_at
from ledger.evidence.proofs import verify_receipt
from ledger.store.application import NoSuchPosition, Work
from ledger.store.home import Home, HomeMissing, HomeTaken
from ledger.store.recorder import LogMoved
from ledger.store.stored_log import connect
from ledger.store.tiles import node_reader
from ledger.vault.keys import MasterKeyWrong
from tests.world import DAY, RECORDED_AT, World

both_stores = pytest.mark.both_stores


def draw_many(folder: str, fund: str, times: int) -> None:
    world = World(Home(Path(folder)))
    world.reopen()
    for _ in range(times):
        draw(world, UUID(fund))
    world.ledger.close()


def draw(world: World, fund: UUID, amount: int = 1) -> None:
    act = world.act()

    def decide(work: Work) -> None:
        account = work.get(FundAccount, fund)
        account.draw(act, disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(amount))
        work.save(account)

    world.ledger.perform(act, "test.draw", None, decide)


@both_stores
def test_positions_have_no_gaps_and_every_one_is_proved(world: World) -> None:
    world.receive("X01", 100)
    world.receive("X01", 100)
    size = world.ledger.size()
    keys = [world.home.note_key()]

    positions = [each.position for each in world.ledger.read(0, 10_000)]

    assert positions == list(range(size))
    for position in positions:
        receipt = world.ledger.receipt(position)
        ((_, _, envelope),) = world.ledger.log.select_states(position, 1)
        assert verify_receipt(receipt, envelope, keys).size == size
    with pytest.raises(NoSuchPosition):
        world.ledger.receipt(size)


@both_stores
def test_a_decision_on_a_log_that_has_grown_is_not_stored(world: World) -> None:
    event = StoredEvent(uuid4(), 1, "x.y", b"{}")
    size = world.ledger.size()

    with pytest.raises(LogMoved):
        world.ledger.log.insert_events([event], expected_size=size - 1)

    assert world.ledger.size() == size
    world.check_log()


@both_stores
def test_a_version_that_is_taken_leaves_nothing_at_all(world: World) -> None:
    world.receive("X01", 100)
    fund = world.fund("X01")
    size = world.ledger.size()
    free = StoredEvent(uuid4(), 1, "x.y", b"{}")
    taken = StoredEvent(fund.id, 1, "x.y", b"{}")

    with pytest.raises(RecordConflictError):
        world.ledger.log.insert_events([free, taken])

    assert world.ledger.size() == size
    world.receive("X01", 100)
    world.check_log()


@both_stores
def test_two_processes_write_one_log(world: World) -> None:
    world.receive("X01", 1000)
    fund = world.fund("X01").id
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=draw_many, args=(str(world.home.path), str(fund), 40))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    for _ in range(40):
        draw(world, fund)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0

    assert world.fund("X01").balance == 1000 - 3 * 40
    world.check_log()


@both_stores
def test_eight_threads_on_one_account_never_overdraw_it(world: World) -> None:
    world.receive("X01", 100)
    fund = world.fund("X01").id
    refused: list[str] = []

    def work() -> None:
        for _ in range(20):
            try:
                draw(world, fund)
            except FundInsufficient as refusal:
                refused.append(refusal.code)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert world.fund("X01").balance == 0
    assert len(refused) == 60
    world.check_log()


@both_stores
def test_a_refusal_is_taken_on_the_log_as_it_is_now(world: World) -> None:
    world.receive("X01", 10)
    fund = world.fund("X01").id
    other = World(world.home, world.officers)
    other.reopen()
    other.receive("X01", 90)
    other.ledger.close()

    draw(world, fund, 100)

    assert world.fund("X01").balance == 0


@both_stores
def test_a_tile_row_is_written_for_each_256_entries(world: World) -> None:
    world.receive("X01", 1000)
    fund = world.fund("X01").id
    while world.ledger.size() < 600:
        draw(world, fund)

    with closing(connect(world.home.log)) as connection:
        tiles = connection.execute(
            "SELECT level, number, length(hashes) FROM log_tiles ORDER BY level, number"
        ).fetchall()

    assert tiles == [(0, 0, 8192), (0, 1, 8192)]
    world.check_log()


def test_a_home_is_for_its_owner_alone(world: World) -> None:
    world.receive("X01", 1)

    for path in (world.home.path, *world.home.path.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_home_that_is_missing_or_taken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HomeMissing):
        Home(tmp_path / "nowhere").open(RECORDED_AT, DAY)
    (tmp_path / "letter.txt").write_text("")
    with pytest.raises(HomeTaken):
        Home(tmp_path).create()


def test_making_a_home_again_keeps_its_keys(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    home.create()
    before = home.note_key()

    home.create()

    assert home.note_key() == before


def test_a_home_whose_making_was_cut_off_is_made_good(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    home.create()
    key = home.service_signer().public_key
    home.identity.unlink()

    home.create()

    assert home.service_signer().public_key == key


def test_another_master_key_opens_nothing(world: World) -> None:
    world.ledger.close()
    (world.home.keys / "master.key").write_text("00" * 32)

    with pytest.raises(MasterKeyWrong):
        world.reopen()


def test_a_file_that_is_no_database_is_refused_with_a_code(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    home.create()
    home.events.write_bytes(b"not a database at all" * 100)

    with pytest.raises(DatabaseUnreadable):
        home.open(RECORDED_AT, DAY)


def test_modes_are_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        world = World.at(tmp_path).settle_in()
        world.receive("X01", 1)
        modes = {
            path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777
            for path in (world.home.path, *world.home.path.rglob("*"))
        }
        world.ledger.close()
    finally:
        os.umask(before)

    assert {"data/events.sqlite", "data/vault.sqlite", "data/keys/master.key"} <= set(modes)
    folders = {"data", "data/keys", "data/keyring"}
    for path, mode in modes.items():
        assert mode == (0o700 if path in folders else 0o600), path


@both_stores
def test_what_is_kept_of_the_tree_is_what_is_stored(world: World) -> None:
    log, fund = world.ledger.log, UUID(world.receive("X01", 10_000).result["fund_id"])
    while world.ledger.size() < 600:
        draw_at_once(world, fund, 7)
    size = world.ledger.size()
    stored = node_reader(log.reader())
    nodes = [
        (level, index)
        for level in range(size.bit_length())
        for index in range(size >> level)
        if level > 2 or not index % 5
    ]

    kept = [log.subtree_hash(*node) for node in nodes]
    log._forget_proofs()
    read = [log.subtree_hash(*node) for node in nodes]

    assert kept == read == [stored(*node) for node in nodes]
    assert log.root_at(size) == root_at(size, stored)


def draw_at_once(world: World, fund: UUID, count: int) -> None:
    act = world.act()

    def decide(work: Work) -> None:
        account = work.get(FundAccount, fund)
        for _ in range(count):
            account.draw(act, disbursement_id=uuid4(), batch_id=uuid4(), amount=Money(1))
        work.save(account)

    world.ledger.perform(act, "test.draw", None, decide)


def test_a_thread_that_ends_leaves_no_line_to_the_log(world: World) -> None:
    def ask() -> int:
        threads = [threading.Thread(target=world.ledger.size) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return len(list(Path("/proc/self/fd").iterdir()))

    first = ask()
    for _ in range(10):
        last = ask()

    assert last <= first + 4  # SQLite keeps some of the file for the next line
