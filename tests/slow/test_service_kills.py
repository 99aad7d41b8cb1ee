"""A service, its workers, its supervisor and its database, killed while clients ask over HTTP.

What was acknowledged is in the log, once, where the answer says; what was not is there whole or not
at all, and is done once when it is asked for again. `NUANZHANG_TEST_KILLS=500`: so often on each
database.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from signal import SIGKILL

import httpx2
import pytest

from api import bootstrap
from api.callers import COOKIE
from ledger.commands.continuing import Verified
from ledger.domain.batch import Batch
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from ledger.domain.officer import Role
from ledger.evidence.merkle import inclusion_path, leaf_hash, verify_inclusion
from ledger.postgresql import DatabaseUnreachable
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.mapper import event_of
from projections.runner import catch_up, compare, rebuild
from tests.postgresql import Server, running
from tests.slow.clients import OFFICE, ROWS, Client, Ended, Office, Told, settled, signed_in
from tests.slow.failures import saying
from tests.slow.serving import ROOT, Service
from tests.slow.verifying import verified
from tests.world import World

KILLS = int(os.environ.get("NUANZHANG_TEST_KILLS", "40"))
KILLS_A_HOME = 100
PASSING_KILLS = 2
CLIENTS, SESSIONS = 4, 6
ALONE_S = 1.2
"""For how long at most all is left alone, from the start or the first answer after it."""
FROM_START = 0.2
"""Of the kills, those that may come while the service starts."""
QUIET_S = 120.0
UNSAID = ("unexpected", "Traceback", "serve.worker_failed")
"""What a service never says, whatever is killed."""
JOBS_END_S = 300.0
EVENTS_AT_ONCE = 10_000

WHOLE, WATCHING, A_WORKER, A_BACKEND, DATABASE = (
    "the whole service",
    "the process that watches over the workers",
    "a worker",
    "a process of the database",
    "the database",
)
OFTEN = {WHOLE: 2, WATCHING: 1, A_WORKER: 4, A_BACKEND: 6, DATABASE: 6}
"""Where the database is a server: a start of two workers takes longest, so it is rarest."""


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    """A server that waits for its disk, as one that is used does, and that is killed here."""
    with running(settings=()) as server:
        yield server


def test_a_service_that_is_killed_keeps_what_it_answered(tmp_path: Path) -> None:
    Story(tmp_path, Random("in passing"), None, with_jobs=False).run(PASSING_KILLS)


@pytest.mark.slow
def test_nothing_answered_over_http_is_lost_or_done_twice_on_sqlite(tmp_path: Path) -> None:
    again_and_again(tmp_path, "sqlite", None)


@pytest.mark.slow
def test_nothing_answered_over_http_is_lost_or_done_twice_on_postgresql(
    tmp_path: Path, durable: Server
) -> None:
    again_and_again(tmp_path, "postgresql", durable)


def again_and_again(folder: Path, name: str, server: Server | None) -> None:
    random = Random(f"http {name}")
    for done in range(0, KILLS, KILLS_A_HOME):
        story = Story(folder / f"{done}", random, server, with_jobs=True)
        story.run(min(KILLS_A_HOME, KILLS - done))


@dataclass
class Story:
    """One ledger, its service and its clients, from the first kill to the last."""

    folder: Path
    random: Random
    server: Server | None
    with_jobs: bool
    world: World = field(init=False)
    service: Service = field(init=False)
    told: Told = field(init=False)
    log: "Log" = field(init=False)
    befell: Counter[str] = field(default_factory=Counter)

    def run(self, kills: int) -> None:
        self.world = settled(self.folder, None if self.server is None else self.server.fresh())
        for number in range(CLIENTS):
            self.world.appoint(f"K{number}", "C01", Role.CASHIER, date(2016, 12, 1))
        self.world.ledger.close()
        home = self.world.home
        self.service = Service(home, 1 if self.server is None else 2)
        self.told = Told([home.note_key()])
        self.log = Log(home)
        began = time.monotonic()
        try:
            self.service.start()
            with self.asking():
                for number in range(kills):
                    with saying(f"kill {number} of {self.folder.name}"):
                        self.kill()
                        self.check()
                self.service.wait()
                self.hear_more()
                if self.with_jobs:
                    self.wait_for_jobs()
            self.service.stop()
            until = time.monotonic() + QUIET_S
            while self.service.outlived():
                assert time.monotonic() < until, "workers outlived who watched over them"
                time.sleep(0.1)
        finally:
            self.service.end()
        self.finish()
        print(  # noqa: T201 - the run is for these figures
            f"\n{kills} kills in {time.monotonic() - began:.0f} s: {dict(self.befell)};"
            f" {len(self.told.answered)} answers, {self.told.replayed} of them again,"
            f" {self.told.later} times told to ask later; {self.log.size} events"
        )

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Have the clients ask; at the end each waits for its last answer."""
        own = [*OFFICE, *(f"K{number}" for number in range(CLIENTS))]
        sessions = signed_in(self.world, own, SESSIONS)
        clients = {
            staff: Client(self.service, number, secrets, self.told)
            for number, (staff, secrets) in enumerate(sessions.items())
        }
        drafter, reviewer, approver = (clients[staff] for staff in OFFICE)
        signer = self.world.officers[OFFICE[2]]
        office = Office(drafter, reviewer, approver, signer, self.told)

        def ask(staff: str) -> None:
            with suppress(Ended):
                if staff == OFFICE[0]:
                    office.work(with_jobs=self.with_jobs)
                else:
                    clients[staff].take_money_in(staff)

        asking = [each for each in own if each not in OFFICE[1:]]
        threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in asking]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            for client in clients.values():
                client.ending.set()
            for each in threads:
                each.join(QUIET_S)
            for client in clients.values():
                client.close()
        assert not any(each.is_alive() for each in threads)
        assert self.told.wrong == []

    def kill(self) -> None:
        """Leave all alone for a moment, and kill something; what has to be is started again."""
        if self.random.random() < FROM_START:
            time.sleep(self.random.uniform(0, ALONE_S))
        else:
            self.hear_more()
            time.sleep(self.random.uniform(0, ALONE_S))
        what = self.random.choices(list(OFTEN), list(OFTEN.values()))[0]
        if self.server is None:
            what = WHOLE
        self.befell[what] += 1
        if what in (WHOLE, WATCHING):
            self.service.kill(watching_alone=what == WATCHING)
            self.service.start()
        elif what == A_WORKER:
            workers = self.service.processes()
            if workers:
                with suppress(ProcessLookupError):
                    os.kill(self.random.choice(workers), SIGKILL)
        else:
            assert self.server is not None
            if what == A_BACKEND:
                with suppress(ProcessLookupError):
                    os.kill(self.random.choice(self.server._children()), SIGKILL)
            else:
                self.server.kill()
                time.sleep(self.random.uniform(0, ALONE_S) if self.random.random() < 0.5 else 0)
                self.server.start()

    def check(self) -> None:
        """Hold the log against what was answered, as soon as the database is back."""
        until = time.monotonic() + QUIET_S
        while True:
            try:
                self.log.check(self.told)
            except DatabaseUnreachable:
                assert time.monotonic() < until
                time.sleep(0.05)
            else:
                return

    def hear_more(self) -> None:
        """Wait until something more is answered."""
        before, until = len(self.told.answered), time.monotonic() + QUIET_S
        while len(self.told.answered) == before:
            assert self.told.wrong == []
            assert time.monotonic() < until, self.service.log.read_text()[-3000:]
            if self.service.ended():
                # It began while its database was away, said so and ended: that is begun again.
                self.service.start()
            time.sleep(0.005)

    def wait_for_jobs(self) -> None:
        """Wait until each job is done; one that was killed too often is asked for again."""
        until = time.monotonic() + JOBS_END_S
        origin = f"http://127.0.0.1:{self.service.port}"
        ((handler,),) = signed_in(self.world, OFFICE[:1], 1).values()
        with httpx2.Client(
            base_url=origin, cookies={COOKIE: handler}, headers={"origin": origin}, timeout=60
        ) as http:
            for job in list(self.told.jobs.values()):
                while (shown := http.get(f"/v1/jobs/{job}").json())["state"] != "done":
                    assert time.monotonic() < until, shown
                    if shown["state"] == "failed":
                        assert shown["refusal_code"] == "job.gave_up", shown
                        assert http.post(f"/v1/jobs/{job}/retry").status_code == 200
                    time.sleep(0.3)

    def finish(self) -> None:
        """Hold everything that was ever answered against the log, by the command and by hand."""
        home = self.world.home
        self.log.check(self.told, whole=True)
        assert self.told.asked.keys() <= self.told.answered.keys()
        assert self.log.drafted.keys() >= set(self.told.jobs)
        verified = subprocess.run(
            [sys.executable, "-m", "api.cli", "verify", "--json"],
            cwd=ROOT,
            env={**os.environ, "NUANZHANG_HOME": str(home.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert json.loads(verified.stdout)["holds"]
        said = self.service.log.read_text()
        assert not [word for word in UNSAID if word in said]
        with bootstrap.opened(home) as ledger:
            size = self.log.size
            assert ledger.size() == size
            checkpoint = ledger.log.select_checkpoint()
            assert checkpoint is not None
            notes = {note for _, note in ledger.log.select_checkpoints(0)}
            for key, answered in self.told.answered.items():
                if answered.leaf is None:
                    continue
                # A checkpoint commits to all before it, and verification has just said so.
                assert answered.note in notes, key
                path = inclusion_path(answered.position, size, ledger.log.subtree_hash)
                verify_inclusion(answered.leaf, answered.position, size, path, self.log.root)
            catch_up(ledger, home.read_models)
            rebuilt = home.path / "rebuilt.sqlite"
            rebuild(ledger, rebuilt)
            assert compare(home.read_models, rebuilt) == []


@dataclass
class Log:
    """What the log holds, read on after each kill and held against what was answered."""

    home: Home
    received: Counter[str] = field(default_factory=Counter)
    drafted: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)
    people: set[object] = field(default_factory=set)
    leaves: dict[int, bytes] = field(default_factory=dict)
    codes: dict[object, str] = field(default_factory=dict)
    verified: Verified | None = None
    size: int = 0
    root: bytes = b""

    def check(self, told: Told, *, whole: bool = False) -> None:
        """Verification is clean; what was answered is there, and all else whole or not at all."""
        answered = dict(told.answered)
        verdict = verified(self.home, self.verified, whole=whole)
        assert verdict.verified is not None
        self.verified, self.root = verdict.verified, verdict.verified.edge.root()
        with bootstrap.opened(self.home) as ledger:
            # No further than was verified: with several workers it goes on being written.
            self._read_on(ledger, verdict.events)
        asked = dict(told.asked)
        for key, done in answered.items():
            assert done.position < self.size, key
            if done.leaf is not None:
                assert self.leaves[done.position] == done.leaf, key
        for found in (self.received, self.paid):
            for key, count in found.items():
                assert count == asked.get(key, count), (key, count)
        for key in answered.keys() & asked.keys():
            assert self.received[key] + self.paid[key] == asked[key], key
        assert set(self.drafted.values()) <= {1}
        assert set(self.rows.values()) <= {ROWS}

    def _read_on(self, ledger: Ledger, until: int) -> None:
        for start in range(self.size, until, EVENTS_AT_ONCE):
            states = ledger.log.select_states(start, min(EVENTS_AT_ONCE, until - start))
            for position, topic, state in states:
                assert position == self.size
                self.size += 1
                self.leaves[position] = leaf_hash(state)
                event = event_of(topic, state)
                if isinstance(event, FundAccount.Received):
                    self.received[event.document] += 1
                elif isinstance(event, Batch.Drafted):
                    self.drafted[event.code] += 1
                    self.codes[event.originator_id] = event.code
                elif isinstance(event, Batch.RowAccepted):
                    self.rows[self.codes[event.originator_id]] += 1
                elif isinstance(event, Disbursement.Instructed):
                    self.paid[f"approve-{self.codes[event.batch_id]}"] += 1
                    assert event.person_id not in self.people
                    self.people.add(event.person_id)
