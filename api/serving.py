"""Listens on the loopback address, and says so: by one process or more, for one ledger or many."""

import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from api import bootstrap
from api.app import LOOPBACK_NAMES, Serving, create_app
from api.background.integrity import Rhythm
from api.clock import Clock
from api.demo import inspector_of
from api.deployment import Deployment, by_host
from api.dispatch import ByHost
from api.edge.requests_log import JsonLines
from api.edge.requests_log import log as requests_log
from api.settings import Settings
from api.waiting import as_soon_as_there, begun, end
from api.warming import Warming, find_known
from ledger.errors import Kind, LedgerError
from ledger.postgresql import Database
from ledger.store.application import Ledger
from ledger.store.home import Home
from projections.runner import catch_up

PORTS_TRIED = 20
KEEP_ALIVE_S = 15
SHUTDOWN_S = 30
HEADER_BYTES_MAX = 32 * 1024
SILENT_S = 60
"""A worker that does not even say that it lives for so long is replaced."""

TOUR = """\

Open {url} and press the button: you are then signed in as an inspector of the demo.
What to look at:
  {url}/overview?as_of=2017-01-31       the money in figures, and how fast the old surplus is used
  {url}/organisations                   the unions, their tree and their figures
  {url}/batches                         card lists and signature sheets, with refused rows; open
                                        a payment: where its money came from, and each proof
  {url}/verify/1490                     an entry that your browser verifies by itself
For programs (JSON; every amount is in fen):
  {url}/v1/appropriations               money in; follow one with /v1/appropriations/ID/trace
  {url}/v1/disbursements?status=returned   what the bank sent back, and why
  {url}/v1/balances?as_of=2017-01-15    any figure as of any day
  {url}/openapi.json                    all there is
In another terminal: .venv/bin/nuanzhang verify      proves the whole log, on all cores
"""

log = logging.getLogger("nuanzhang.serving")

Say = Callable[[str], None]
TBegun = TypeVar("TBegun")


class PortTaken(LedgerError):
    """Something else listens there."""

    code = "serve.port_taken"
    kind = Kind.CONFLICT

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use; choose another with --port")


class OneProcess(LedgerError):
    """A log in SQLite is written by one process: several would wait for one another's files."""

    code = "serve.one_process"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("several workers need the log in PostgreSQL; see init --database")


class WorkerFailed(LedgerError):
    """A worker could not begin, nor would another one; what it said stands above."""

    code = "serve.worker_failed"
    kind = Kind.BROKEN

    def __init__(self) -> None:
        super().__init__("a worker could not begin to serve")


def listen(home: Home, ledger: Ledger, port: int | None, *, tour: bool, say: Say) -> None:
    """Serve until stopped; what is being committed then is finished first.

    Without a port asked for, the next free one is taken.

    Raises:
        PortTaken: The port that was asked for is in use, or none is free.
    """
    settings = Settings()
    sock = _bind(settings.host, port)
    url = _url(settings, sock)
    _tell_where(partial(_announce, home, url, tour=tour, say=say))
    app = served(home, ledger, settings, settings.origin or _origin(url), hosts_of(settings))
    _run(app, [app], sock)


def listen_for(
    deployment: Deployment, opened: Mapping[str, Ledger], port: int | None, say: Say
) -> None:
    """Serve all ledgers that a deployment has here, each under its own name, by one process.

    Args:
        deployment: Which there are.
        opened: Those that are here, by name.
        port: Of all of them; without one the next free port is taken.
        say: Prints a line.

    Raises:
        PortTaken: The port that was asked for is in use, or none is free.
    """
    settings = Settings()
    sock = _bind(settings.host, port)
    _tell_where(partial(_announce_all, deployment, _url(settings, sock), say))
    apps = _served_all(deployment, opened, settings)
    _run(ByHost(apps, by_host(deployment)), list(apps.values()), sock)


def _run(app: ASGIApp, apps: Sequence[FastAPI], sock: socket.socket) -> None:
    log_requests()
    # What stopped the server is told again when all is answered; then the ledgers are closed.
    signal.signal(signal.SIGTERM, end)
    stopping = [each.state.background.stopping for each in apps]
    listener = Listener(config_of(app), stopping)
    listener.run(sockets=[sock])
    if listener.interrupted:
        raise KeyboardInterrupt


def listen_with(workers: int, home: Home, port: int | None, *, tour: bool, say: Say) -> None:
    """Serve by so many processes until stopped; one that dies is replaced.

    One of them works in the background for all, another takes that over when it ends.

    Raises:
        OneProcess: The log stands in an SQLite file.
        PortTaken: As `listen` does.
        WorkerFailed: A worker could not begin.
    """
    if not isinstance(home.log, Database):
        raise OneProcess
    with as_soon_as_there(lambda opening: opened_whole(home, opening)):
        pass  # what workers find is all there
    settings = Settings()
    sock = _bind(settings.host, port)
    url = _url(settings, sock)
    tell = partial(bootstrap.tell_workers, origin=_origin(url))
    announce = partial(_announce, home, url, tour=tour, say=say)
    _supervise("api.serving:worker", workers, sock, tell, announce)


def listen_for_with(
    workers: int, path: Path, deployment: Deployment, port: int | None, say: Say
) -> None:
    """Serve all ledgers that a deployment has here by so many processes, each of them all.

    Args:
        workers: How many.
        path: Where the deployment is read from.
        deployment: What stands there.
        port: Of all of them; without one the next free port is taken.
        say: Prints a line.

    Raises:
        OneProcess: One of the logs stands in an SQLite file.
        PortTaken, WorkerFailed: As `listen_with` does.
    """
    for each in deployment.here:
        if not isinstance(each.place().log, Database):
            raise OneProcess
    with as_soon_as_there(lambda opening: opened_all(deployment, opening)):
        pass
    settings = Settings()
    sock = _bind(settings.host, port)
    tell = partial(bootstrap.tell_workers_of_all, path=path)
    announce = partial(_announce_all, deployment, _url(settings, sock), say)
    _supervise("api.serving:worker_of_all", workers, sock, tell, announce)


def _supervise(
    worker: str,
    workers: int,
    sock: socket.socket,
    tell: Callable[[str], None],
    announce: Callable[[], None],
) -> None:
    """Keep so many workers serving until stopped.

    Args:
        worker: Names what makes a worker's application.
        workers: How many.
        sock: Where they all wait.
        tell: Tells them the folder they count in.
        announce: Called once one of them answers.
    """
    with tempfile.TemporaryDirectory(prefix="nuanzhang-metrics-") as counted:
        tell(counted)
        config = config_of(worker, "api.edge.loop:FairLoop", factory=True, workers=workers)
        supervisor = Supervisor(config, [sock], announce)
        try:
            supervisor.run()
        except BaseException:
            # Else they would serve on with nobody over them, and this process would wait for them.
            supervisor.terminate_all()
            supervisor.join_all()
            raise
    if any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes):
        raise WorkerFailed
    if supervisor.interrupted:
        raise KeyboardInterrupt


class Supervisor(Multiprocess):
    """Keeps workers alive, and says when the first of them answers.

    Remembers that it was stopped from the keyboard: whoever called it is told the same way.
    """

    interrupted = False

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], announce: Callable[[], None]
    ) -> None:
        super().__init__(config, sockets)
        self._announce: Callable[[], None] | None = announce

    def init_processes(self) -> None:
        super().init_processes()
        self._leave_their_ends()

    def keep_subprocess_alive(self) -> None:
        before = list(self.processes)
        super().keep_subprocess_alive()
        self._leave_their_ends()
        for each in before:
            if each not in self.processes:
                log.warning("worker %s is replaced: it ended with %s", each.pid, each.exitcode)
        if self._announce is not None and not self.should_exit.is_set() and self._answers():
            _tell_where(self._announce)
            self._announce = None

    def _answers(self) -> bool:
        """Say whether a worker has begun: until then whoever comes waits, and nobody knows why."""
        return any(each.is_ready(self.config.timeout_worker_healthcheck) for each in self.processes)

    def _leave_their_ends(self) -> None:
        """Leave the worker's end of each line to the worker alone.

        Then the line ends with it. Else one that dies while it is asked whether it lives would be
        waited for as long as a silent one, and nobody could stop the service meanwhile.
        """
        for each in self.processes:
            each.child_conn.close()

    def handle_int(self) -> None:
        self.interrupted = True
        super().handle_int()


def worker() -> FastAPI:
    """Return the application of a worker, over a ledger of its own; uvicorn calls it there.

    It closes the ledger when it stops, and it does not outlive the process that watches over it.
    """

    def begin(opening: ExitStack) -> FastAPI:
        home, settings = bootstrap.home(), Settings()
        ledger = opened_whole(home, opening)
        return served(home, ledger, settings, settings.origin, hosts_of(settings))

    opening, app = _begun(begin)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(of: FastAPI) -> AsyncIterator[Any]:
        try:
            async with inner(of) as state:
                yield state
        finally:
            opening.close()

    app.router.lifespan_context = lifespan
    _tell_of_the_end([app])
    return app


def worker_of_all() -> ByHost:
    """Return the applications of a worker for all ledgers of a deployment; as `worker` does."""

    def begin(opening: ExitStack) -> tuple[Deployment, dict[str, FastAPI]]:
        deployment = bootstrap.told_deployment()
        opened = opened_all(deployment, opening)
        return deployment, _served_all(deployment, opened, Settings())

    opening, (deployment, apps) = _begun(begin)
    _tell_of_the_end(list(apps.values()))
    return ByHost(apps, by_host(deployment), opening.close)


def opened_all(deployment: Deployment, opening: ExitStack) -> dict[str, Ledger]:
    """Open all ledgers that are here, by name, for as long as the stack lasts."""
    return {each.name: opened_whole(each.place(), opening) for each in deployment.here}


def opened_whole(home: Home, opening: ExitStack) -> Ledger:
    """Open a ledger for as long as the stack lasts, and bring its read model up to date."""
    ledger = opening.enter_context(bootstrap.opened(home))
    catch_up(ledger, home.read_models)
    return ledger


def _begun(begin: Callable[[ExitStack], TBegun]) -> tuple[ExitStack, TBegun]:
    """Open what a worker serves and make its applications, as soon as what they need is there.

    It was when the service began; who takes a dead worker's place may come while a database is away
    or a disk is full. Were that a failure, uvicorn would end all the others too.
    """
    threading.Thread(target=_end_when_orphaned, daemon=True).start()
    log_requests()
    # uvicorn notes signals and looks at them when its application is there. One that came while all
    # this was imported would never be seen by whoever waits for a database.
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)

    def unless_told_to_end(opening: ExitStack) -> TBegun:
        if isinstance(server, uvicorn.Server) and server.should_exit:
            sys.exit(0)
        return begin(opening)

    try:
        return begun(unless_told_to_end, (signal.SIGTERM, signal.SIGINT))
    except LedgerError as refusal:
        sys.stderr.write(f"{refusal.code}: {refusal}\n")
        sys.exit(STARTUP_FAILURE)


def _tell_of_the_end(apps: Sequence[FastAPI]) -> None:
    """Tell those who wait for events, too, when the server is told to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        told = signal.getsignal(number)

        def tell(signum: int, frame: Any, told: Any = told) -> None:
            for each in apps:
                each.state.background.stopping.set()
            told(signum, frame)

        signal.signal(number, tell)


def _end_when_orphaned() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def log_requests() -> None:
    """Write a line for each request, and nothing else.

    No access log: addresses hold ids that people search by. No tracebacks either: the message of
    an unexpected error may quote data, so `problems` logs its type alone.
    """
    lines = logging.StreamHandler()
    lines.setFormatter(JsonLines())
    requests_log.addHandler(lines)
    requests_log.setLevel(logging.INFO)
    requests_log.propagate = False


def _served_all(
    deployment: Deployment, opened: Mapping[str, Ledger], settings: Settings
) -> dict[str, FastAPI]:
    """Return the application of each ledger that is here, by the host that it is asked for as."""
    return {
        each.host: served(
            each.place(), opened[each.name], settings, each.origin, (each.host,), each.name
        )
        for each in deployment.here
    }


def served(
    home: Home,
    ledger: Ledger,
    settings: Settings,
    origin: str,
    hosts: tuple[str, ...],
    name: str = "",
) -> FastAPI:
    """Return the application of one ledger, with all that goes on beside its requests.

    `name` tells it from others that the same process serves.
    """
    serving = Serving(
        clock=Clock(bootstrap.now, bootstrap.now_s, bootstrap.today),
        hosts=hosts,
        origin=origin,
        demo=inspector_of(home),
        webhooks_inside=settings.webhooks_inside,
        rhythm=Rhythm(settings.verify_every_s, settings.verify_whole_every_s),
        counted_in=bootstrap.counted_in(),
        counted_as=name,
        environment=bootstrap.driver_environment(),
    )
    app = create_app(home, ledger, serving)
    warming = Warming(
        lambda today: find_known(app.state.kept, home, ledger, today), serving.clock.today
    )
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(of: FastAPI) -> AsyncIterator[Any]:
        try:
            async with inner(of) as state:
                warming.start()
                try:
                    yield state
                finally:
                    # First, since it reads what is closed after this.
                    warming.stop(SHUTDOWN_S)
        finally:
            # Else what was left alone would still be there when libraries count theirs at the end.
            gc.unfreeze()

    app.router.lifespan_context = lifespan
    return app


def config_of(app: ASGIApp | str, loop: str = "asyncio", **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        # Others read faster, but reset a request under way now and then when the service stops.
        loop=loop,
        http="h11",
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        timeout_worker_healthcheck=SILENT_S,
        server_header=False,
        **more,
    )


class Listener(uvicorn.Server):
    """Tells those who wait for events that it stops: it would wait for them, and they for it.

    Remembers that it was stopped from the keyboard: whether the loop says so hangs on the moment.
    """

    interrupted = False

    def __init__(self, config: uvicorn.Config, stopping: Sequence[threading.Event]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.interrupted = self.interrupted or sig == signal.SIGINT
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for each in self._stopping:
            each.set()
        await super().shutdown(sockets)


def hosts_of(settings: Settings) -> tuple[str, ...]:
    """Return the names that the service answers to."""
    named = urlsplit(settings.origin).hostname
    return (*LOOPBACK_NAMES, *((named,) if named else ()))


def _origin(url: str) -> str:
    return url.replace("127.0.0.1", "localhost")


def _url(settings: Settings, sock: socket.socket) -> str:
    return f"http://{settings.host}:{sock.getsockname()[1]}"


def _tell_where(announce: Callable[[], None]) -> None:
    """Say where the service listens. Where nobody can be told, it serves all the same."""
    try:
        announce()
    except (OSError, UnicodeError) as failure:
        log.warning("where it listens could not be told: %s", type(failure).__name__)


def _announce_all(deployment: Deployment, url: str, say: Say) -> None:
    say(f"暖账 listens at {url}")
    for each in deployment.here:
        say(f"{each.name}: {each.home} as {each.host}")
    for other in deployment.elsewhere:
        say(f"{other.name}: elsewhere, at {other.url}")


def _announce(home: Home, url: str, *, tour: bool, say: Say) -> None:
    say(f"暖账 serves {home.path} at {url}")
    if inspector_of(home) is not None:
        say("演示账本，资料均为虚构。 A demo ledger: everybody in it is made up.")
    if tour:
        say(TOUR.format(url=url))


def _bind(host: str, port: int | None) -> socket.socket:
    first = Settings().port if port is None else port
    last = first + (PORTS_TRIED if port is None else 1)
    for candidate in range(first, last):
        # Named as TCP, asyncio sends at once what it is given; else an answer's body waited 40 ms
        # for the other end to have acknowledged its head.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, candidate))
            # Listens from here on: whoever reads the address below is not turned away.
            sock.listen()
        except OSError:
            sock.close()
        else:
            return sock
    raise PortTaken(first)
