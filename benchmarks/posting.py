"""Single signed and proved events posted over HTTP, beside what the library saves in process.

Sixteen clients keep asking, one request each at a time, from another process: plain sockets and
asyncio, since a whole HTTP client would cost more than the service. Each has an address and
sessions of its own, so that the limits that callers are held to stay as they are. The other side
are the library's own aggregates and recorder, unsigned, on the same database in the same run:
sixteen threads that save on PostgreSQL, one on SQLite. Clients, service and database share the
machine's cores.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus
from multiprocessing import get_context
from pathlib import Path
from uuid import uuid4

import uvicorn
from fastapi import FastAPI

from api import bootstrap
from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.callers import COOKIE
from api.serving import config_of
from api.v1.forms import ReceiptForm
from api.v1.written import NamedLot, Receipt, Written
from benchmarks.common import line, seconds
from benchmarks.pages import percentile
from benchmarks.saving import StockAccount, StockApplication, stock_draw
from ledger.domain.officer import Role, officer_id
from ledger.postgresql import Database
from tests.postgresql import OWNER, Server, running
from tests.world import EARMARK, World

CLIENTS = 16
SESSIONS = 32
"""Of each client: a caller may ask fifty times a second."""
WORKERS = 2
STOCK_SAVES = 4_000
P99_MS_MAX = 50.0
POSTGRESQL_RATIO_MIN, SQLITE_RATIO_MIN = 3.0, 1.0
STARTED_WITHIN_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.client is not None:
        print(json.dumps(asyncio.run(posted(json.loads(asked.client.read_text())))))
        return
    floor(asked.seconds)
    with running(settings=()) as server:  # as it is for keeps: it waits for the disk
        stock = stock_on_postgresql(server)
        measured("PostgreSQL", server.fresh(), WORKERS, asked.seconds, stock, POSTGRESQL_RATIO_MIN)
    measured("SQLite", None, 1, asked.seconds, stock_on_sqlite(), SQLITE_RATIO_MIN)


def floor(for_s: float) -> None:
    """Say what the framework takes by itself: one process reads the form, and answers at once."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = get_context("fork").Process(target=_answer_at_once, args=(listening,), daemon=True)
        server.start()
        times = asked_of(listening.getsockname()[1], for_s, [["none"]] * CLIENTS)
        server.terminate()
        server.join()
    line("the framework alone, one process, answers a second", len(times) / for_s)


def _answer_at_once(listening: socket.socket) -> None:
    app = FastAPI()
    receipt = Receipt(
        position=1, leaf_hash="a" * 44, inclusion_path=["a" * 44] * 14, checkpoint="a" * 200
    )
    answer = Written(
        result=NamedLot(fund_id=uuid4(), lot_id=uuid4()),
        first_position=1,
        last_position=1,
        replayed=False,
        dry_run=False,
        receipt=receipt,
    )

    @app.post("/v1/appropriations", status_code=201)
    async def answer_at_once(form: ReceiptForm) -> Written[NamedLot]:  # noqa: ARG001 - it is read
        return answer

    uvicorn.Server(config_of(app)).run(sockets=[listening])


def measured(
    name: str,
    database: Database | None,
    workers: int,
    for_s: float,
    stock: float,
    ratio_min: float,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clients = settled(Path(folder), database)
        with served(Path(folder) / "data", workers) as port:
            times = asked_of(port, for_s, clients)
    rate = len(times) / for_s
    line(f"{name}: the library's own saves a second, in process", stock)
    line(f"{name}: posted to {workers} processes, events a second", rate)
    line(f"{name}: ratio", rate / stock, ratio_min)
    line(f"{name}: half of the answers within, ms", percentile(times, 50))
    p99 = percentile(times, 99)
    met = "met" if p99 <= P99_MS_MAX else "MISSED"
    print(f"{name + ': 99 of 100 within, ms':<58} {p99:>12,.2f}   at most {P99_MS_MAX:g}: {met}")


def asked_of(port: int, for_s: float, clients: list[list[str]]) -> list[float]:
    """Have another process post for so long; return what each answer took, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "plan.json"
        plan.write_text(json.dumps({"port": port, "for_s": for_s, "clients": clients}))
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.posting", "--client", str(plan)],
            check=True,
            capture_output=True,
            text=True,
        )
    times: list[float] = json.loads(told.stdout)
    return times


def settled(folder: Path, database: Database | None) -> list[list[str]]:
    """Make a ledger with a cashier for each client; return their sessions."""
    world = World.at(folder, database).settle_in()
    door = Door(world.home.access, RelyingParty("localhost", "http://localhost"))
    found = []
    for number in range(CLIENTS):
        staff = f"K{number}"
        world.appoint(staff, "C01", Role.CASHIER, date(2016, 12, 1))
        found.append(
            [
                door.sessions.open(officer_id(staff), "benchmark", bootstrap.now_s())
                for _ in range(SESSIONS)
            ]
        )
    world.ledger.close()
    return found


@contextmanager
def served(home: Path, workers: int) -> Iterator[int]:
    """Have the command serve a ledger; yield the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    address = home / "database.url"
    named = {"NUANZHANG_DATABASE": address.read_text().strip()} if address.exists() else {}
    with subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
        + ([] if workers == 1 else ["--workers", str(workers)]),
        env={**os.environ, "NUANZHANG_HOME": str(home), **named},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as serving:
        try:
            until = time.monotonic() + STARTED_WITHIN_S
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.1)
            time.sleep(5)  # all processes are up, and what they keep is found
            yield port
        finally:
            serving.terminate()


# The clients.


async def posted(plan: dict[str, object]) -> list[float]:
    """Post for so long, and before that a fifth as long unmeasured; return milliseconds each."""
    port, for_s = int(str(plan["port"])), float(str(plan["for_s"]))
    clients: list[list[str]] = plan["clients"]  # type: ignore[assignment]
    begin = time.perf_counter() + for_s / 5
    times = await asyncio.gather(
        *(
            client(number, port, sessions, begin, begin + for_s)
            for number, sessions in enumerate(clients)
        )
    )
    return [each for found in times for each in found]


async def client(
    number: int, port: int, sessions: Sequence[str], begin: float, end: float
) -> list[float]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(f"127.0.1.{number + 1}", 0)
    )
    body = appropriation(number)
    found, asked = [], 0
    while (at := time.perf_counter()) < end:
        asked += 1
        key = f"{number}-{asked}-{uuid4().hex[:8]}"
        writer.write(request(port, sessions[asked % len(sessions)], key, body))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if int(head[9:12]) != HTTPStatus.CREATED:
            raise SystemExit(f"{head!r} {answer!r}")
        if at >= begin:
            found.append((time.perf_counter() - at) * 1000)
    writer.close()
    return found


def appropriation(number: int) -> bytes:
    """Return what a client posts: money that comes in."""
    return json.dumps(
        {
            "organisation_code": "C01",
            "earmark": EARMARK,
            "source": "地方财政",
            "document": f"拨〔2017〕{number}号",
            "vintage": 2017,
            "amount_fen": 100,
        }
    ).encode()


def request(port: int, secret: str, key: str, body: bytes) -> bytes:
    return (
        b"POST /v1/appropriations HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        b"Origin: http://127.0.0.1:%d\r\nContent-Type: application/json\r\n"
        b"Cookie: %s=%s\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (port, port, COOKIE.encode(), secret.encode(), key.encode(), len(body), body)
    )


# The other side.


def stock_on_postgresql(server: Server) -> float:
    """Return the library's saves a second under as many writers as there are clients."""
    return saved(
        StockApplication(
            {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": "postgres",
                "POSTGRES_HOST": str(server.folder),
                "POSTGRES_PORT": "5432",
                "POSTGRES_USER": OWNER,
                "POSTGRES_PASSWORD": "none",
                "POSTGRES_POOL_SIZE": str(CLIENTS),
                **CACHED,
            }
        ),
        CLIENTS,
    )


def stock_on_sqlite() -> float:
    """Return the library's saves a second by a single writer, which is its best there."""
    with tempfile.TemporaryDirectory() as folder:
        return saved(
            StockApplication(
                {
                    "PERSISTENCE_MODULE": "eventsourcing.sqlite",
                    "SQLITE_DBNAME": str(Path(folder) / "stock.sqlite"),
                    **CACHED,
                }
            ),
            1,
        )


CACHED = {
    "AGGREGATE_CACHE_MAXSIZE": "100",
    "AGGREGATE_CACHE_FASTFORWARD": "n",
    "DEEPCOPY_FROM_AGGREGATE_CACHE": "n",
}


def saved(application: StockApplication, writers: int) -> float:
    accounts = [StockAccount(uuid4(), EARMARK) for _ in range(writers)]
    application.save(*accounts)

    def write(account: StockAccount) -> None:
        for _ in range(STOCK_SAVES // writers):
            stock_draw(application, account.id, 1)

    def together() -> None:
        threads = [threading.Thread(target=write, args=(each,)) for each in accounts]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    rate = STOCK_SAVES / seconds(together)
    application.close()
    return rate


if __name__ == "__main__":
    main()
