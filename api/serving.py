"""Listens on the loopback address, and says so."""

import gc
import logging
import signal
import socket
import threading
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import urlsplit

import uvicorn

from api import bootstrap
from api.app import LOOPBACK_NAMES, Serving, create_app
from api.background.integrity import Rhythm
from api.clock import Clock
from api.demo import inspector_of
from api.edge.requests_log import JsonLines
from api.edge.requests_log import log as requests_log
from api.settings import Settings
from api.warming import Warming, find_known
from ledger.errors import Kind, LedgerError
from ledger.store.application import Ledger
from ledger.store.home import Home
from projections.runner import catch_up

PORTS_TRIED = 20
KEEP_ALIVE_S = 15
SHUTDOWN_S = 30
HEADER_BYTES_MAX = 32 * 1024

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


class PortTaken(LedgerError):
    """Something else listens there."""

    code = "serve.port_taken"
    kind = Kind.CONFLICT

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use; choose another with --port")


def listen(
    home: Home, ledger: Ledger, port: int | None, *, tour: bool, say: Callable[[str], None]
) -> None:
    """Serve until stopped; what is being committed then is finished first.

    Without a port asked for, the next free one is taken.

    Raises:
        PortTaken: The port that was asked for is in use, or none is free.
    """
    catch_up(ledger, home.read_models)
    settings = Settings()
    sock = _bind(settings.host, port)
    url = f"http://{settings.host}:{sock.getsockname()[1]}"
    say(f"暖账 serves {home.path} at {url}")
    demo = inspector_of(home)
    if demo is not None:
        say("演示账本，资料均为虚构。 A demo ledger: everybody in it is made up.")
    if tour:
        say(TOUR.format(url=url))
    # No access log: addresses hold ids that people search by. No tracebacks either: the message of
    # an unexpected error may quote data, so `problems` logs its type alone.
    serving = Serving(
        clock=Clock(bootstrap.now, bootstrap.now_s, bootstrap.today),
        hosts=hosts_of(settings),
        origin=settings.origin or url.replace("127.0.0.1", "localhost"),
        demo=demo,
        webhooks_inside=settings.webhooks_inside,
        rhythm=Rhythm(settings.verify_every_s, settings.verify_whole_every_s),
    )
    lines = logging.StreamHandler()
    lines.setFormatter(JsonLines())
    requests_log.addHandler(lines)
    requests_log.setLevel(logging.INFO)
    requests_log.propagate = False
    app = create_app(home, ledger, serving)
    warming = Warming(
        lambda today: find_known(app.state.kept, home, ledger, today), serving.clock.today
    )
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        server_header=False,
    )
    # What stopped the server is told again when all is answered; then the ledger is closed.
    signal.signal(signal.SIGTERM, _end)
    warming.start()
    try:
        Listener(config, app.state.background.stopping).run(sockets=[sock])
    finally:
        warming.stop(SHUTDOWN_S)
        # Else what was left alone would still be there when libraries count theirs at the end.
        gc.unfreeze()


class Listener(uvicorn.Server):
    """Tells those who wait for events that it stops: it would wait for them, and they for it."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)


def _end(*_: object) -> NoReturn:
    raise SystemExit(0)


def hosts_of(settings: Settings) -> tuple[str, ...]:
    """Return the names that the service answers to."""
    named = urlsplit(settings.origin).hostname
    return (*LOOPBACK_NAMES, *((named,) if named else ()))


def _bind(host: str, port: int | None) -> socket.socket:
    first = Settings().port if port is None else port
    last = first + (PORTS_TRIED if port is None else 1)
    for candidate in range(first, last):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
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
