"""What pages take at a million payments: p50, p95 and p99, right after a write and warm.

The ledger is made once, in a folder that is kept; it is served by a process of its own over real
HTTP, so that client and server share the machine's cores.
"""

import argparse
import http.client
import multiprocessing
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote, urlencode

import uvicorn
from sqlalchemy import Connection

from api import bootstrap
from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.app import Serving, create_app
from api.callers import COOKIE
from api.clock import Clock
from api.edge.rate import Rates
from api.serving import config_of
from api.warming import find_known
from benchmarks.city import CITY, COUNTY_INSPECTOR, INSPECTOR, TODAY, YEARS, build
from ledger.commands.funds import FundReceipt, receive_funds
from ledger.domain.aggregate import OPERATOR
from ledger.domain.officer import officer_id
from ledger.domain.organisation import organisation_id
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.home import Home
from projections.disbursements import Question, disbursement_list
from projections.runner import catch_up
from tests.world import CARD_CLASS, EARMARK, MODEL_CLASS, World

UNLIMITED = Rates(1e6, 10**6, 1e6, 10**6, 1e6, 10**6)
TARGET_MS = 300.0
STARTS_S = 60.0
DAY = date(2017, 1, 20)


@dataclass(frozen=True, slots=True)
class Case:
    """A page as it is asked for, and by whom."""

    name: str
    path: str
    staff: str = INSPECTOR


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("benchmark-city"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    asked = parser.parse_args()
    home = city(asked.folder, asked.payments)
    with bootstrap.opened(home) as ledger:
        spent = time.perf_counter()
        model = catch_up(ledger, home.read_models)
        print(f"read model: {time.perf_counter() - spent:,.1f} s", flush=True)
        with model.asking() as connection:
            pages = list(cases(ledger, connection))
        with served(home) as port:
            report(home, ledger, port, pages, asked.rounds, asked.only)


def city(folder: Path, payments: int) -> Home:
    """Return the ledger's home; it is made where there is none."""
    if not (folder / "data").exists():
        folder.mkdir(parents=True, exist_ok=True)
        spent = time.perf_counter()
        made = build(World.at(folder), payments)
        size = made.world.ledger.size()
        made.world.ledger.close()
        print(
            f"made {made.payments:,} payments in {made.batches:,} batches, {size:,} events,"
            f" in {time.perf_counter() - spent:,.0f} s",
            flush=True,
        )
    return Home(folder / "data")


def cases(ledger: Ledger, connection: Connection) -> Iterator[Case]:
    """Return the pages that are asked for; positions lie half-way through the log."""
    half = ledger.size() // 2
    with_as_of, with_at = {"as_of": DAY.isoformat()}, {"at": half}
    yield Case("overview, city", "/overview")
    yield Case("overview, as of a day", f"/overview?{urlencode({**with_as_of, 'year': 2017})}")
    yield Case("overview, a county", "/overview?organisation=X03")
    yield Case("overview, county's inspector", "/overview", COUNTY_INSPECTOR)
    yield Case("tree, city", "/organisations")
    yield Case("tree, two levels unfolded", "/organisations?unfolded=X01,X02,X01-1,X02-1")
    yield Case("tree, as of a day", f"/organisations?{urlencode(with_as_of)}")
    questions: dict[str, dict[str, object]] = {
        "no filter": {},
        "a county": {"organisation": "X02"},
        "the city alone": {"organisation": CITY, "alone": "yes"},
        "a basic union": {"organisation": "X02-3-1"},
        "returned": {"status": "returned"},
        "in transit": {"status": "in_transit"},
        "signed, a county": {"status": "signed", "organisation": "X07"},
        "campaign": {"campaign": f"{YEARS[1]}-两节"},
        "category": {"category": MODEL_CLASS},
        "channel": {"channel": "签字表"},
        "days": {"since": "2017-01-12", "until": "2017-01-14"},
        "amount": {"least": 1500},
        "amount that is rare": {"least": 1234, "most": 1235},
        "amount, status, category": {"least": 3500, "status": "returned", "category": CARD_CLASS},
        "as of a day": {**with_as_of},
        "as of a day, returned": {**with_as_of, "status": "returned"},
        "as known at a position": {**with_at},
        "as known, a county, settled": {**with_at, "organisation": "X05", "status": "settled"},
    }
    for name, question in questions.items():
        yield Case(f"ledger, {name}", f"/ledger?{urlencode(question)}")
    yield Case("ledger, county's inspector", "/ledger?status=returned", COUNTY_INSPECTOR)
    of_the_city = Question(organisation_ids=[organisation_id(CITY)])
    (large,) = disbursement_list(connection, asked=of_the_city, limit=1)
    (small,) = disbursement_list(connection, after=half, limit=1)
    yield Case("ledger, a batch", f"/ledger?batch={quote(large.batch_code)}")
    yield Case("trace, in a large batch", f"/trace/payments/{large.disbursement_id}")
    yield Case("trace, half-way", f"/trace/payments/{small.disbursement_id}")
    explained = f"/trace/payments/{large.disbursement_id}/explanation"
    yield Case("explanation, in a large batch", explained)
    yield Case("batches", "/batches")
    yield Case("a large batch", f"/batches/{large.batch_id}")
    yield Case("flow of funds", "/flow")
    yield Case("v1: balances", "/v1/balances")
    yield Case("v1: payments returned", "/v1/disbursements?status=returned")


@contextmanager
def served(home: Home) -> Iterator[int]:
    """Serve a home by another process; yield the port that it listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        server = multiprocessing.get_context("fork").Process(target=_serve, args=(home, listening))
        server.start()
        try:
            until = time.monotonic() + STARTS_S
            while not _answers(port) and time.monotonic() < until:
                time.sleep(0.1)
            yield port
        finally:
            server.terminate()
            server.join()


def _serve(home: Home, listening: socket.socket) -> None:
    clock = Clock(bootstrap.now, bootstrap.now_s, lambda: TODAY)
    with bootstrap.opened(home) as ledger:
        app = create_app(home, ledger, Serving(clock, rates=UNLIMITED))
        find_known(app.state.kept, home, ledger, TODAY)
        uvicorn.Server(config_of(app)).run(sockets=[listening])


def _answers(port: int) -> bool:
    try:
        return get(port, "/livez", "")[0] == http.client.OK
    except OSError:
        return False


def get(port: int, path: str, cookie: str) -> tuple[int, int]:
    """Return the status of an answer, and its length as it came."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    length = len(answer.read())
    connection.close()
    return answer.status, length


def report(
    home: Home, ledger: Ledger, port: int, pages: list[Case], rounds: int, only: str
) -> None:
    """Ask for each page, right after a write and then again, and print what it took."""
    door = Door(home.access, RelyingParty("localhost", "http://localhost"))
    cookies = {
        staff: f"{COOKIE}={door.sessions.open(officer_id(staff), 'benchmark', bootstrap.now_s())}"
        for staff in (INSPECTOR, COUNTY_INSPECTOR)
    }
    head = f"{'page':<34} {'KB':>5} | {'after a write':^23} | {'warm':^23}"
    print(f"{head}\n{'':<40} | {'p50':>7} {'p95':>7} {'p99':>7} | {'p50':>7} {'p95':>7} {'p99':>7}")
    for case in (page for page in pages if only in page.name):
        cold: list[float] = []
        warm: list[float] = []
        # What the process does once (compile templates and statements) is not what a page takes.
        get(port, case.path, cookies[case.staff])
        length = 0
        for _ in range(rounds):
            _write(ledger)
            for spent in (cold, warm):
                start = time.perf_counter()
                status, length = get(port, case.path, cookies[case.staff])
                spent.append((time.perf_counter() - start) * 1000)
                if status != http.client.OK:
                    raise SystemExit(f"{case.path}: {status}")
        worst = max(percentile(spent, 95) for spent in (cold, warm))
        figures = " | ".join(
            " ".join(f"{percentile(spent, share):>7.0f}" for share in (50, 95, 99))
            for spent in (cold, warm)
        )
        missed = "" if worst <= TARGET_MS else "   MISSED"
        print(f"{case.name:<34} {length / 1000:>5.0f} | {figures}{missed}", flush=True)


def percentile(spent: list[float], share: int) -> float:
    return statistics.quantiles(spent, n=100, method="inclusive")[share - 1]


def _write(ledger: Ledger) -> None:
    act = CommandAct(OPERATOR, TODAY, bootstrap.now())
    order = FundReceipt(CITY, EARMARK, "社会捐赠", "捐1号", TODAY.year, 100)
    receive_funds(ledger, act, order)


if __name__ == "__main__":
    main()
