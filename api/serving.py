"""Listens on the loopback address, and says so."""

import socket
from collections.abc import Callable

import uvicorn

from api.app import create_app
from api.settings import Settings
from ledger.errors import Kind, LedgerError
from ledger.store.application import Ledger
from ledger.store.home import Home
from projections.runner import catch_up

HOST = "127.0.0.1"
PORTS_TRIED = 20

TOUR = """\

What to look at (all of it is JSON; every amount is in fen):
  {url}/v1/organisations                the unions and their tree
  {url}/v1/appropriations               money in; follow one with /v1/appropriations/ID/trace
  {url}/v1/batches                      card lists and signature sheets, with refused rows
  {url}/v1/disbursements?status=returned   what the bank sent back, and why
      then /v1/disbursements/ID/trace   where that money came from
      and  /v1/disbursements/ID/history every event, its signatures and its proof
  {url}/v1/balances?as_of=2017-01-15    any figure as of any day
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
    """Serve until stopped. Without a port asked for, the next free one is taken.

    Raises:
        PortTaken: The port that was asked for is in use, or none is free.
    """
    catch_up(ledger, home.read_models)
    sock = _bind(port)
    url = f"http://{HOST}:{sock.getsockname()[1]}"
    say(f"暖账 serves {home.path} at {url}")
    say("本机专用：尚无访问控制，只在回环地址应答。 No access rules yet: loopback only.")
    if tour:
        say(TOUR.format(url=url))
    # No access log: addresses hold ids that people search by. No tracebacks either: the message of
    # an unexpected error may quote data, so `problems` logs its type alone.
    config = uvicorn.Config(create_app(home, ledger), log_level="critical", access_log=False)
    uvicorn.Server(config).run(sockets=[sock])


def _bind(port: int | None) -> socket.socket:
    first = Settings().port if port is None else port
    last = first + (PORTS_TRIED if port is None else 1)
    for candidate in range(first, last):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, candidate))
            # Listens from here on: whoever reads the address below is not turned away.
            sock.listen()
        except OSError:
            sock.close()
        else:
            return sock
    raise PortTaken(first)
