"""All that works in the background of one process: opened, started, stopped together."""

import random
import threading
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Depends, Request

from api.background.deliveries import Deliveries
from api.background.imports import Import, ImportNotTried, Imports
from api.background.integrity import Integrity, Rhythm
from api.background.jobs import Job, Jobs, State
from api.background.lead import Lead
from api.background.packages import Packages
from api.background.payers import Payers
from api.background.sealing import Seal
from api.background.store import BackgroundStore
from api.background.verifying import Task
from api.background.webhooks import Subscriptions
from api.background.work import handlers
from api.background.worker import Handler, Worker
from api.clock import Clock
from api.trials import Trials
from ledger.postgresql import Database
from ledger.store.application import Ledger
from ledger.store.home import Home

STOP_S = 20.0


class Background:
    """`stopping` is set when the process is to end, for those who wait for something to come.

    `making` returns who does further kinds of jobs, and keeps what they make in `packages`.
    `environment` is what a process of ours finds the log's database by.
    """

    def __init__(
        self,
        home: Home,
        ledger: Ledger,
        clock: Clock,
        trials: Trials,
        rhythm: Rhythm,
        making: Callable[[Packages], Mapping[str, Handler]],
        *,
        inside: bool,
        environment: Mapping[str, str],
    ) -> None:
        self._store = BackgroundStore(home.jobs)
        seal = Seal(home.derived_key("background"))
        self.stopping = threading.Event()
        self.jobs = Jobs(self._store, seal)
        self.imports = Imports(self._store, seal)
        self.payers = Payers(self._store, seal)
        self.packages = Packages(home.packages, seal)
        self.subscriptions = Subscriptions(self._store, seal, inside=inside)
        does = {**handlers(ledger, clock, trials), **making(self.packages)}
        self._worker = Worker(self.jobs, does, clock.now_s, also_purge=self._purge)
        self._deliveries = Deliveries(
            ledger,
            self.subscriptions,
            clock.now_s,
            random.random,
        )
        log = home.log
        task = Task(
            log.address if isinstance(log, Database) else str(log.absolute()),
            ledger.origin,
            home.founding_key_id(),
            whole=True,
            before=None,
        )
        self.integrity = Integrity(
            home.verdicts, task, ledger.size, clock.now_s, rhythm, environment=environment
        )
        self._lead = Lead(home.lead)

    def start(self) -> None:
        """Work, as soon as no other process that serves this ledger does."""
        self._lead.start(self._begin)

    def _begin(self) -> None:
        # Whoever led before has ended: the kernel says so by the lock.
        self.jobs.let_go()
        self.integrity.start()
        self._worker.start()
        self._deliveries.start()

    def take_in(self, upload: Import, work: Callable[[], bytes], now_s: int) -> Job:
        """Have an upload taken in as it was tried; its key is its own, so that it is done once.

        Raises:
            ImportNotTried: It was not, or its trial has not ended well.
        """
        if upload.trial is None or self.jobs.find(upload.trial).state is not State.DONE:
            raise ImportNotTried(upload.import_id)
        own_key = f"import {upload.import_id}"
        job = self.jobs.submit(upload.kind, upload.officer_id, own_key, work(), now_s)
        self.imports.committed(upload.import_id, job.job_id)
        return job

    def _purge(self, now_s: int) -> None:
        self.imports.purge(now_s)
        self.packages.purge(now_s)

    def stop(self) -> None:
        """Let the step under way end. What is not done by then is taken up at the next start.

        Who does not come to an end in time leads until the process is gone: whoever leads next
        takes up what was under way at once.
        """
        self.stopping.set()
        self._lead.stop()
        self.integrity.stop(STOP_S)
        delivered = self._deliveries.stop(STOP_S)
        if self._worker.stop(STOP_S) and delivered:
            self._store.close()
            self._lead.give_up()


async def background(request: Request) -> Background:
    found: Background = request.app.state.background
    return found


TheBackground = Annotated[Background, Depends(background)]
