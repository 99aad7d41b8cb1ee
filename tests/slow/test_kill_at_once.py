"""Writers that share transactions, and their database, killed at any moment: nothing is lost.

`NUANZHANG_TEST_KILLS=500` says how often in each database; SQLite's is the process itself.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from signal import SIGKILL

import msgspec
import pytest

from ledger.commands.continuing import Verified
from ledger.commands.sealing import PAYEE, unseal
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from ledger.store.application import Answer, Ledger
from ledger.store.home import Home
from tests.postgresql import Server, running
from tests.slow.failures import saying
from tests.slow.forks import FORKS
from tests.slow.verifying import verified
from tests.slow.writers import (
    AMOUNT,
    FUND,
    RECORDED_AT,
    SOURCE,
    TODAY,
    Said,
    draws,
    found,
    named,
    pays,
    write,
)

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("NUANZHANG_TEST_KILLS", "40"))
KILLS_A_HOME = 25
ALONE_S = 0.4
"""For how long at most they are left alone, from when they start or first say something."""
SILENCE_MAX_S = 120.0
FROM_START, OF_THE_DATABASE = 0.2, 0.5
"""Of the kills, those that may come while the writers start; those that the database has first."""


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    """A server that waits for its disk, as one that is used does, and that is killed here."""
    with running(settings=()) as server:
        yield server


@pytest.mark.parametrize("part", range(2))
def test_writers_killed_at_any_moment_lose_nothing_and_do_nothing_twice(
    tmp_path: Path, part: int
) -> None:
    killed_again_and_again(tmp_path, Random(f"sqlite {part}"), None, KILLS // 2)


def test_nor_do_they_when_their_database_is_killed_too(tmp_path: Path, durable: Server) -> None:
    killed_again_and_again(tmp_path, Random("postgresql"), durable, KILLS)


def killed_again_and_again(folder: Path, random: Random, server: Server | None, kills: int) -> None:
    done = 0
    while done < kills:
        home = Home(folder / f"home-{done}", named=None if server is None else server.fresh())
        found(home)
        seen = Seen(home)
        for number in range(done, min(done + KILLS_A_HOME, kills)):
            with saying(f"kill {number}"):
                kill(seen, random, server, f"{number}")
                seen.check()
        done += KILLS_A_HOME
        seen.check(whole=True)


@dataclass
class Seen:
    """What the writers of one ledger said, held against what it holds."""

    home: Home
    acknowledged: dict[str, tuple[int, int]] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    drawn: Counter[str] = field(default_factory=Counter)
    paid: set[str] = field(default_factory=set)
    verified: Verified | None = None
    size: int = 0

    def hear(self, said: Said) -> None:
        key, stood = said
        if stood is None:
            self.unanswered.add(key)
            return
        # Who asks again under a key is told where it stood, once and for all.
        assert self.acknowledged.setdefault(key, stood) == stood
        self.unanswered.discard(key)

    def check(self, *, whole: bool = False) -> None:
        """Verification is clean; what is on record is what was answered, each once."""
        verdict = verified(self.home, self.verified, whole=whole)
        self.verified = verdict.verified
        ledger = self.home.open(RECORDED_AT, TODAY)
        try:
            stood = self._read_on(ledger)
            fund = ledger.glance(FundAccount, FUND)
        finally:
            ledger.close()
        assert self.drawn == {key: draws(key) for key in stood}
        assert self.paid == {key for key in stood if pays(key)}
        assert fund is not None
        assert fund.balance == SOURCE - self.drawn.total() * AMOUNT
        assert self.acknowledged.items() <= stood.items()
        # What nobody was told of is there whole, or not at all.
        assert stood.keys() - self.acknowledged.keys() <= self.unanswered

    def _read_on(self, ledger: Ledger) -> dict[str, tuple[int | None, int | None]]:
        """Count what is new in the log; return where the events of each answered key stand."""
        rows = ledger.log.reader().execute("SELECT idempotency_key, answer FROM answers")
        answers = {key: msgspec.json.decode(answer, type=Answer) for key, answer in rows}
        stood = {key: (each.first_position, each.last_position) for key, each in answers.items()}
        keys = {named("batch", key): key for key in answers}
        for position, event in ledger.read(self.size, 10**6):
            if isinstance(event, FundAccount.Drawn | Disbursement.Instructed):
                key = keys[event.batch_id]
                first, last = stood[key]
                assert first is not None
                assert last is not None
                assert first <= position <= last
            if isinstance(event, FundAccount.Drawn):
                self.drawn[key] += 1
            elif isinstance(event, Disbursement.Instructed):
                assert key not in self.paid
                self.paid.add(key)
                # Their key was on the disk before the event that needs it.
                payee = unseal(ledger, event.person_id, PAYEE, event.payee)
                assert payee == {"name": key}
            self.size = position + 1
        return stood


def kill(seen: Seen, random: Random, server: Server | None, run: str) -> None:
    """Start writers, and kill them or their database; those whose database died go on first."""
    hearing, saying_ = FORKS.Pipe(duplex=False)
    home = seen.home
    writers = FORKS.Process(
        target=write, args=(home.path, home.named, run, sorted(seen.unanswered), saying_)
    )
    writers.start()
    saying_.close()
    try:
        if random.random() < FROM_START:
            hear(seen, hearing, random.uniform(0, ALONE_S))
        else:
            hear_more(seen, hearing)
            hear(seen, hearing, random.uniform(0, ALONE_S))
        if server is not None and random.random() < OF_THE_DATABASE:
            server.kill()
            if random.random() < 0.5:
                hear(seen, hearing, random.uniform(0, ALONE_S))
            server.start()
            hear_more(seen, hearing)
    finally:
        writers.kill()
        with suppress(EOFError, OSError):
            while True:
                seen.hear(hearing.recv())
        writers.join()
        hearing.close()
    assert writers.exitcode == -SIGKILL


def hear(seen: Seen, hearing: Connection, for_s: float) -> None:
    """Take down what is said, for so long."""
    until = time.monotonic() + for_s
    while (left_s := until - time.monotonic()) > 0:
        if hearing.poll(left_s):
            seen.hear(hearing.recv())


def hear_more(seen: Seen, hearing: Connection) -> None:
    """Wait until something more is acknowledged."""
    before = len(seen.acknowledged)
    while len(seen.acknowledged) == before:
        assert hearing.poll(SILENCE_MAX_S), "nothing was acknowledged"
        seen.hear(hearing.recv())
