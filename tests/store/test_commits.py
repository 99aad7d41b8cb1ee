"""What stands when a command has ended: keys before events, one effect per key, or nothing."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from ledger.commands import funds
from ledger.domain.fund import FundAccount
from ledger.domain.recipient import Recipient
from ledger.domain.values import Money
from ledger.errors import LedgerError
from ledger.evidence.proofs import verify_receipt
from ledger.store.application import Answer, IdempotencyKeyReused, Ledger, TooBusy, Work
from ledger.store.home import Home
from ledger.store.postgresql_recorder import PostgresRecorder
from ledger.store.recorder import LogMoved, LogRecorder
from ledger.store.sqlite_recorder import SqliteRecorder
from ledger.store.stored_log import connect
from ledger.vault.vault import Vault
from tests.postgresql import Server
from tests.world import EARMARK, Person, World, roster_row

pytestmark = pytest.mark.both_stores

ONE = Person(1)


class Interrupted(Exception):
    """The power fails."""


class Watched(LogRecorder):
    """A recorder that looks around before it writes, and may be cut off there."""

    look: Callable[[Sequence[StoredEvent]], None]

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        self.look(stored_events)
        return super().insert_events(stored_events, **kwargs)  # type: ignore[safe-super]


class WatchedFile(Watched, SqliteRecorder):
    pass


class WatchedServer(Watched, PostgresRecorder):
    pass


def watched(world: World, look: Callable[[Sequence[StoredEvent]], None]) -> Watched:
    """Open the world's ledger over such a recorder."""
    world.ledger.close()
    keys = [bytes.fromhex((world.home.keys / f"{n}.key").read_text()) for n in ("master", "index")]
    home, database = world.home, world.home.database
    told = home.origin(), home.service_signer()
    recorder: Watched = (
        WatchedFile(home.events, *told) if database is None else WatchedServer(database, *told)
    )
    recorder.look = look
    world.ledger = Ledger(
        origin=world.home.origin(),
        recorder=recorder,
        signer=world.home.service_signer(),
        vault=Vault(world.home.vault, *keys),
    )
    return recorder


def unmoved(_: Sequence[StoredEvent]) -> None:
    """See nothing of note."""


def cut_off(_: Sequence[StoredEvent]) -> None:
    raise Interrupted


def test_the_keys_of_people_are_on_disk_before_the_events_that_need_them(world: World) -> None:
    seen: list[int] = []
    before = world.person_keys()
    watched(world, lambda _: seen.append(world.person_keys()))

    world.file(ONE, Person(2), Person(3))

    assert seen == [before + 3]


def test_a_command_that_is_cut_off_leaves_keys_at_most_and_can_be_repeated(world: World) -> None:
    recorder = watched(world, cut_off)
    size = world.ledger.size()
    with pytest.raises(Interrupted):
        world.file(ONE)
    assert world.ledger.size() == size
    world.check_log()

    recorder.look = unmoved
    world.file(ONE)

    person = world.ledger.vault.subject_id("id_number", ONE.id_number)
    recipient = world.ledger.load(Recipient, person)
    assert recipient is not None
    assert recipient.version == 2
    assert world.draft("B1", roster_row(1, ONE, 60_000)).result["accepted"] == 1
    world.check_log()


def test_what_was_decided_and_not_stored_never_happened(world: World) -> None:
    world.receive("X01", 1000)
    recorder = watched(world, cut_off)

    with pytest.raises(Interrupted):
        world.receive("X01", 500)

    assert world.fund("X01").balance == 1000
    recorder.look = unmoved
    world.receive("X01", 5)
    assert world.fund("X01").balance == 1005
    world.check_log()


def test_an_aggregate_that_was_changed_but_not_saved_is_forgotten(world: World) -> None:
    world.receive("X01", 1000)
    fund_id, act = world.fund("X01").id, world.act()

    def decide(work: Work) -> None:
        fund = work.get(FundAccount, fund_id)
        fund.draw(act, disbursement_id=fund_id, batch_id=fund_id, amount=Money(999))
        work.save(FundAccount.open(act, UUID(int=5), UUID(int=6), "别的"))

    world.ledger.perform(act, "test.half", None, decide)

    assert world.fund("X01").balance == 1000
    world.receive("X01", 1)
    assert world.fund("X01").balance == 1001
    world.check_log()


def test_a_command_that_always_comes_late_gives_up_and_says_so(world: World) -> None:
    def moved(_: Sequence[StoredEvent]) -> None:
        raise LogMoved

    watched(world, moved)
    size = world.ledger.size()

    with pytest.raises(TooBusy):
        world.receive("X01", 1)

    assert world.ledger.size() == size


# Idempotency keys.


def receive_once(world: World, key: str, amount: int = 100) -> Answer:
    order = funds.FundReceipt("X01", EARMARK, "地方财政", "文", 2017, amount)
    return funds.receive_funds(world.ledger, world.act(key=key), order)


def receive_elsewhere(folder: str, keys: list[str]) -> None:
    world = World(Home(Path(folder)))
    world.reopen()
    for key in keys:
        receive_once(world, key)
    world.ledger.close()


def test_a_key_has_one_effect_however_many_threads_use_it(world: World) -> None:
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: answers.append(receive_once(world, "k"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert world.fund("X01").balance == 100
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 7
    assert len({(a.first_position, a.result["lot_id"]) for a in answers}) == 1
    world.check_log()


def test_a_key_has_one_effect_however_many_processes_use_it(world: World) -> None:
    keys = [f"k{number}" for number in range(25)]
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=receive_elsewhere, args=(str(world.home.path), keys))
    process.start()
    for key in keys:
        receive_once(world, key)
    process.join(60)

    assert process.exitcode == 0
    assert world.fund("X01").balance == 2500
    assert world.types().count("fund.received") == 25
    world.check_log()


def test_a_key_belongs_to_one_request_of_one_command(world: World) -> None:
    receive_once(world, "k")
    size = world.ledger.size()

    with pytest.raises(IdempotencyKeyReused):
        receive_once(world, "k", 101)
    with pytest.raises(IdempotencyKeyReused):
        funds.open_fiscal_year(world.ledger, world.act(key="k"), "X01", EARMARK, 2018, "hefei-2017")

    assert world.ledger.size() == size


def test_a_refusal_uses_up_no_key(world: World) -> None:
    with pytest.raises(LedgerError):
        receive_once(world, "k", 0)

    assert not receive_once(world, "k").replayed
    assert world.fund("X01").balance == 100


def test_an_answer_is_replayed_after_a_restart(world: World) -> None:
    first = receive_once(world, "k")
    world.ledger.close()
    world.reopen()

    assert receive_once(world, "k") == msgspec.structs.replace(first, replayed=True)


def test_what_was_asked_cannot_be_guessed_from_what_is_kept(world: World) -> None:
    """A request may hold little else than an ID number: its fingerprint is keyed."""
    receive_once(world, "k")
    other = World.at(world.home.path.parent / "other").settle_in()
    receive_once(other, "k")

    kept = [each.ledger.log.select_answer("k") for each in (world, other)]
    other.ledger.close()

    assert kept[0] is not None
    assert kept[1] is not None
    assert kept[0].request_fingerprint != kept[1].request_fingerprint


# Answers and receipts.


def test_an_answer_says_where_its_events_stand_and_each_is_proved_there(world: World) -> None:
    size = world.ledger.size()

    answer = world.receive("X01", 100, vintage=2016)

    assert answer.first_position == size
    assert answer.last_position == world.ledger.size() - 1
    assert world.types(size) == [
        "fund.opened",
        "fund.received",
        "fiscal_year.opened",
        "fiscal_year.surplus_brought_forward",
    ]
    for position in range(size, world.ledger.size()):
        ((_, _, envelope),) = world.ledger.log.select_states(position, 1)
        receipt = world.ledger.receipt(position)
        assert verify_receipt(receipt, envelope, [world.home.note_key()]).size == size + 4


def test_an_act_that_changes_nothing_leaves_no_event_but_its_answer(world: World) -> None:
    size = world.ledger.size()

    def decide(work: Work) -> None:
        work.result["seen"] = True

    act = world.act(key="k")
    for replayed in (False, True):
        answer = world.ledger.perform(act, "test.look", None, decide)
        assert (answer.result, answer.replayed) == ({"seen": True}, replayed)
        assert (answer.first_position, answer.last_position) == (None, None)

    assert world.ledger.size() == size
    world.check_log()


# What the library asks of a recorder.


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def recorder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgresql: Server
) -> Iterator[LogRecorder]:
    named = postgresql.fresh() if request.param == "postgresql" else None
    home = Home(tmp_path_factory.mktemp("recorder") / "data", named=named)
    home.create("test.local/log")
    recorder = home.recorder()
    for version in range(1, 13):
        events = [StoredEvent(UUID(int=n), version, f"t.{version % 2}", b"%d" % n) for n in (1, 2)]
        recorder.insert_events(events)
    yield recorder
    recorder.close()


bounds = st.none() | st.integers(0, 14)


@given(gt=bounds, lte=bounds, desc=st.booleans(), limit=st.none() | st.integers(1, 14))
def test_a_stream_is_read_between_versions_in_either_order(
    recorder: LogRecorder, gt: int | None, lte: int | None, limit: int | None, *, desc: bool
) -> None:
    found = recorder.select_events(UUID(int=1), gt=gt, lte=lte, desc=desc, limit=limit)

    versions = [v for v in range(1, 13) if v > (gt or 0) and (lte is None or v <= lte)]
    versions = (versions[::-1] if desc else versions)[:limit]
    assert [each.originator_version for each in found] == versions
    assert {each.originator_id for each in found} <= {UUID(int=1)}


@given(start=bounds, stop=bounds, limit=st.integers(1, 30), odd=st.booleans())
def test_the_log_is_read_in_its_order(
    recorder: LogRecorder, start: int | None, stop: int | None, limit: int, *, odd: bool
) -> None:
    topics = ["t.1"] if odd else []

    found = recorder.select_notifications(start, limit, stop, topics)

    first, last = start or 0, 23 if stop is None else stop
    expected = [p for p in range(24) if first <= p <= last and (not odd or (p // 2 + 1) % 2)]
    assert [each.id for each in found] == expected[:limit]


def test_nothing_but_an_append_is_ever_done_to_the_log(world: World) -> None:
    def rows() -> list[tuple[object, ...]]:
        with closing(connect(world.home.log)) as connection:
            return connection.execute("SELECT * FROM log_events ORDER BY position").fetchall()

    before = rows()
    world.receive("X01", 100)
    world.file(ONE)

    after = rows()

    assert after[: len(before)] == before
    assert len(after) == world.ledger.size()
