"""A soak: half of what the service can do at most, for half an hour; memory and latency stay flat.

First sixteen clients ask as fast as they are answered, for a minute. Then the same clients ask half
as much a second as was answered then, each request at its moment whether the one before was slow
or not; an answer's time counts from that moment. Of ten requests six take money in, the others are
balances, a page of payments, a list, and an entry with its proof; now and then a batch is drafted,
reviewed and approved, and verification goes on in the background. Each union's money is in
accounts of a few lots, so that what a process keeps of them fills up early and stays full.

Memory is what each process has alone, and its share of what several have (PSS): of the service's
processes together, and of the database's. `make compare` installs what draws.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from http import HTTPStatus
from pathlib import Path
from statistics import linear_regression
from typing import Any, NamedTuple
from uuid import uuid4

from api import bootstrap
from api.callers import COOKIE
from benchmarks.compare import OTHERS, PYTHON
from benchmarks.pages import percentile
from benchmarks.posting import served
from ledger.domain.officer import Role
from ledger.domain.organisation import organisation_id
from ledger.store.home import Home
from tests.postgresql import Server, running
from tests.slow.clients import OFFICE, Client, Ended, Office, Told, people, settled, signed_in
from tests.world import World

CLIENTS, SESSIONS, WORKERS = 16, 16, 2
PEAK_S = 60.0
SHARE = 0.5
"""Of the peak."""
LOTS_AN_ACCOUNT = 4
BATCH_EVERY_S = 30.0
SAMPLE_EVERY_S = 5.0
VERIFY_EVERY_S = 60
GROWTH_MAX, SLOWER_MAX, KEPT_UP_MIN = 0.10, 1.5, 0.99
"""Memory over the last two thirds, by a straight line; p99 of the last third, of the first's; what
was answered of what was due."""
ENDS_S = 120.0

POST, BALANCES, PAGE, LIST, PROOF = "money in", "balances", "page", "list", "proof"
MIX = (POST, BALANCES, POST, POST, PAGE, POST, PROOF, POST, LIST, POST)

Sample = tuple[float, float, float]
"""Second of the soak, MiB of the service, MiB of the database."""


class Answer(NamedTuple):
    """When it was due, in seconds from the begin; what was asked; the status; what it took."""

    at: float
    what: str
    status: int
    ms: float


@dataclass(frozen=True, slots=True)
class Minute:
    answers: int
    p50_ms: float
    p99_ms: float
    service_mib: float
    database_mib: float


@dataclass(frozen=True, slots=True)
class Kind:
    """What answers of a kind took, in the first third and in the last."""

    what: str
    answers: int
    p50_ms: tuple[float, float]
    p99_ms: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Soak:
    """What was seen.

    `asked` is what was to be asked a second, `kept_up` what share of it was answered by the end,
    `events` how long the log was before and after, `growth` of memory and `slower` as in the head.
    """

    database: str
    peak: float
    asked: float
    minutes: Sequence[Minute]
    kinds: Sequence[Kind]
    refused: Mapping[str, int]
    batches: int
    events: tuple[int, int]
    kept_up: float
    growth: Mapping[str, float]
    slower: float
    held: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--peak-seconds", type=float, default=PEAK_S)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.client is not None:
        ask_all(asked.client)
        return
    for_s = asked.minutes * 60
    if asked.database == "sqlite":
        seen = soaked(None, asked.peak_seconds, for_s)
    else:
        with running(settings=()) as server:  # as it is for keeps: it waits for the disk
            seen = soaked(server, asked.peak_seconds, for_s)
    asked.results.mkdir(parents=True, exist_ok=True)
    page = "".join(page_of(seen))
    named = asked.results / f"soak-{asked.database}"
    named.with_suffix(".md").write_text(page, encoding="utf-8")
    named.with_suffix(".json").write_text(json.dumps(asdict(seen)), encoding="utf-8")
    print(page, flush=True)
    drawing = [str(PYTHON), str(OTHERS / "minutes.py"), str(named.with_suffix(".json"))]
    subprocess.run([*drawing, str(asked.results)], check=True)
    if not seen.held:
        raise SystemExit(1)


def soaked(server: Server | None, peak_s: float, for_s: float) -> Soak:
    """Find the peak, hold half of it, and say what was seen."""
    os.environ["NUANZHANG_VERIFY_EVERY_S"] = str(VERIFY_EVERY_S)
    with tempfile.TemporaryDirectory() as folder:
        world, plan = prepared(Path(folder), server)
        workers = 1 if server is None else WORKERS
        # Batches from the first on, so that pages show as much at the peak as they do later.
        with served(world.home.path, workers) as port, paying(world, port) as paid:
            plan |= {"port": port}
            at_peak = [each for each in asking(Path(folder), plan, peak_s) if each.at >= peak_s / 5]
            peak = len(at_peak) / (peak_s * 4 / 5)
            print(f"peak: {peak:,.1f} answers/s", flush=True)
            rate = peak * SHARE
            memory = Memory(server)
            before = world_size(world.home)
            with memory.sampled():
                answers = asking(Path(folder), {**plan, "rate": rate}, for_s)
            events = before, world_size(world.home)
        holds(world.home)
    return judged(
        "SQLite, one process" if server is None else f"PostgreSQL, {WORKERS} processes",
        (peak, rate, for_s),
        answers,
        memory.samples,
        paid.count,
        events,
    )


def prepared(folder: Path, server: Server | None) -> tuple[World, dict[str, Any]]:
    """Make a ledger with a union and a cashier for each client; return it, and their sessions."""
    world = settled(folder, None if server is None else server.fresh())
    early, staff = date(2016, 12, 1), [f"K{number}" for number in range(CLIENTS)]
    for number, each in enumerate(staff):
        world.register(f"Y{number}", "C01")
        world.appoint(each, f"Y{number}", Role.CASHIER, early)
    world.appoint("J-C01", "C01", Role.INSPECTOR, early)
    world.ledger.close()
    sessions = signed_in(world, staff, SESSIONS)
    readers = [
        signed_in(world, ["J-C01"], SESSIONS)["J-C01"] for _ in range(CLIENTS)
    ]  # each from an address of its own
    return world, {"cashiers": [sessions[each] for each in staff], "readers": readers}


def asking(folder: Path, plan: Mapping[str, Any], for_s: float) -> list[Answer]:
    """Have the clients ask, in a process of their own; return what they were answered."""
    written, told = folder / "plan.json", folder / "answers.json"
    written.write_text(json.dumps({**plan, "for_s": for_s, "told": str(told)}))
    asking_ = [sys.executable, "-m", "benchmarks.soak", "--client", str(written)]
    subprocess.run(asking_, check=True)
    with told.open() as lines:
        return [Answer(*json.loads(line)) for line in lines]


def world_size(home: Home) -> int:
    with bootstrap.opened(home) as ledger:
        return ledger.size()


def holds(home: Home) -> None:
    """Verify the log that was left."""
    subprocess.run(
        [sys.executable, "-m", "api.cli", "verify"],
        check=True,
        env={**os.environ, "NUANZHANG_HOME": str(home.path)},
        stdout=subprocess.DEVNULL,
    )


# Batches.


@dataclass
class Paid:
    count: int = 0


@dataclass(frozen=True, slots=True)
class At:
    port: int


@contextmanager
def paying(world: World, port: int) -> Iterator[Paid]:
    """Have a batch drafted, reviewed and approved now and then, each for people of its own."""
    paid, told, ending = Paid(), Told([world.home.note_key()]), threading.Event()
    clients = [
        Client(At(port), CLIENTS + number, secrets, told)
        for number, secrets in enumerate(signed_in(world, OFFICE, 1).values())
    ]
    office = Office(clients[0], clients[1], clients[2], world.officers[OFFICE[2]], told)

    def pay() -> None:
        with suppress(Ended):
            while True:
                office.pay(f"B-{paid.count}", people(paid.count))
                paid.count += 1
                if ending.wait(BATCH_EVERY_S):
                    return

    thread = threading.Thread(target=pay)
    thread.start()
    try:
        yield paid
    finally:
        ending.set()
        thread.join()
        for each in clients:
            each.close()
    if told.wrong:
        raise SystemExit(told.wrong[0])


# Memory.


@dataclass
class Memory:
    """Samples what the processes have, every few seconds."""

    server: Server | None
    samples: list[Sample] = field(default_factory=list)

    @contextmanager
    def sampled(self) -> Iterator[None]:
        ending, began = threading.Event(), time.monotonic()

        def sample() -> None:
            while not ending.wait(SAMPLE_EVERY_S):
                self.samples.append((time.monotonic() - began, *self._now()))

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()

    def _now(self) -> tuple[float, float]:
        serving = [each for each in children(os.getpid()) if b"serve" in words(each)]
        service = sum(mib(each) for root in serving for each in family(root))
        if self.server is None:
            return service, 0.0
        (first, *_) = (self.server.folder / "data" / "postmaster.pid").read_text().splitlines()
        return service, sum(mib(each) for each in family(int(first)))


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that it started, and those what they did."""
    yield pid
    for child in children(pid):
        yield from family(child)


def children(pid: int) -> list[int]:
    found = list[int]()
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def mib(pid: int) -> float:
    """Return what a process has in memory: its own, and its share of what several have."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0  # it has ended


# The clients.


def ask_all(plan_path: Path) -> None:
    """Ask for so long, at a rate if one is given; write down each answer."""
    plan = json.loads(plan_path.read_text())
    with Path(plan["told"]).open("w") as told:

        async def ask() -> None:
            begin = time.perf_counter() + 0.5
            clients = [Asking(number, plan, begin, tell) for number in range(CLIENTS)]
            await asyncio.gather(*(each.ask_on() for each in clients))

        def tell(answer: Answer) -> None:
            told.write(json.dumps(answer) + "\n")

        asyncio.run(ask())


class Asking:
    """One client: asks for one thing after the other over one line."""

    def __init__(
        self, number: int, plan: Mapping[str, Any], begin: float, tell: Callable[[Answer], None]
    ) -> None:
        self._number = number
        self._port: int = plan["port"]
        self._cashier: list[str] = plan["cashiers"][number]
        self._reader: list[str] = plan["readers"][number]
        self._begin, self._for_s = begin, float(plan["for_s"])
        self._every_s = CLIENTS / plan["rate"] if "rate" in plan else 0.0
        self._tell = tell
        self._chance = random.Random(number)
        self._run = uuid4().hex[:8]
        self._receipts = 0
        self._position = 1
        """The last that was written: entries up to it can be asked for."""

    async def ask_on(self) -> None:
        self._streams = await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(f"127.0.1.{self._number + 1}", 0)
        )
        # Not all at once: each has its part of the time between two requests.
        due = self._begin + self._every_s * self._number / CLIENTS
        number = self._number
        end = self._begin + self._for_s
        # Whoever fell behind does not go on after the end: what was due and not asked is counted.
        while max(due, time.perf_counter()) < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            what = MIX[number % len(MIX)]
            status = await self._asked(what)
            now = time.perf_counter()
            self._tell(Answer(due - self._begin, what, status, (now - due) * 1000))
            number += 1
            due = due + self._every_s if self._every_s else now
        self._streams[1].close()

    async def _asked(self, what: str) -> int:
        union = f"Y{self._number}"
        if what == POST:
            account = self._receipts // LOTS_AN_ACCOUNT
            self._receipts += 1
            form = {
                "organisation_code": union,
                "earmark": f"{self._run} {account}",
                "source": "地方财政",
                "document": f"拨〔2017〕{self._receipts}号",
                "vintage": 2017,
                "amount_fen": 100,
            }
            body = json.dumps(form).encode()
            status, answer = await self._request("POST", "/v1/appropriations", body)
            if status == HTTPStatus.CREATED:
                self._position = json.loads(answer)["last_position"]
            return status
        entry = self._chance.randrange(self._position)
        path = {
            BALANCES: f"/v1/balances?organisation_id={organisation_id('X01')}",
            PAGE: "/ledger?organisation=X01",
            LIST: "/v1/appropriations?limit=20",
            PROOF: f"/v1/log/entries/{entry}",
        }[what]
        status, _ = await self._request("GET", path, b"")
        return status

    async def _request(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        reader, writer = self._streams
        secret = self._chance.choice(self._cashier if method == "POST" else self._reader)
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            f"Origin: http://127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"Cookie: {COOKIE}={secret}\r\nIdempotency-Key: {uuid4().hex}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        told = await reader.readuntil(b"\r\n\r\n")
        length = int(told.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(told[9:12]), await reader.readexactly(length)


# What was seen.


def judged(
    database: str,
    load: tuple[float, float, float],
    answers: Sequence[Answer],
    samples: Sequence[Sample],
    batches: int,
    events: tuple[int, int],
) -> Soak:
    """Fit a line through the memory after the first third; compare the last third's p99."""
    peak, rate, for_s = load
    growth = {"service": grown(samples, 1, for_s)}
    if any(each[2] for each in samples):
        growth["database"] = grown(samples, 2, for_s)
    first = [each.ms for each in answers if each.at < for_s / 3]
    last = [each.ms for each in answers if each.at >= for_s * 2 / 3]
    slower = percentile(last, 99) / percentile(first, 99)
    refused: dict[str, int] = {}
    for each in answers:
        if each.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
            named = f"{each.what}: {each.status}"
            refused[named] = refused.get(named, 0) + 1
    kept_up = len(answers) / (rate * for_s)
    flat = slower <= SLOWER_MAX and max(growth.values()) <= GROWTH_MAX
    held = flat and kept_up >= KEPT_UP_MIN and not refused
    minutes = list(by_minute(answers, samples, for_s))
    kinds = list(by_kind(answers, for_s))
    return Soak(
        database,
        peak,
        rate,
        minutes,
        kinds,
        refused,
        batches,
        events,
        kept_up,
        growth,
        slower,
        held,
    )


def grown(samples: Sequence[Sample], which: int, for_s: float) -> float:
    """Return by what share memory grew after the first third, by the line that fits it best."""
    later = [each for each in samples if each[0] >= for_s / 3]
    slope, at_begin = linear_regression(
        [each[0] for each in later], [each[which] for each in later]
    )
    return slope * (for_s * 2 / 3) / (at_begin + slope * for_s / 3)


def by_minute(
    answers: Sequence[Answer], samples: Sequence[Sample], for_s: float
) -> Iterator[Minute]:
    for minute in range(int(for_s // 60)):
        spent = [each.ms for each in answers if each.at // 60 == minute]
        held = [each for each in samples if each[0] // 60 == minute]
        if len(spent) < 2 or not held:
            continue  # who was not answered is counted in the whole
        yield Minute(
            len(spent),
            percentile(spent, 50),
            percentile(spent, 99),
            max(each[1] for each in held),
            max(each[2] for each in held),
        )


def by_kind(answers: Sequence[Answer], for_s: float) -> Iterator[Kind]:
    for what in dict.fromkeys(MIX):
        asked = [each for each in answers if each.what == what]
        first = [each.ms for each in asked if each.at < for_s / 3]
        last = [each.ms for each in asked if each.at >= for_s * 2 / 3]
        p50, p99 = ((percentile(first, of), percentile(last, of)) for of in (50, 99))
        yield Kind(what, len(asked), p50, p99)


def page_of(seen: Soak) -> Iterator[str]:
    """Yield the results as Markdown."""
    yield f"# A soak at half of the peak: {seen.database}\n\n"
    name = "sqlite" if seen.database.startswith("SQLite") else "postgresql"
    yield f"![memory and latency by the minute](soak-{name}.svg)\n\n"
    yield f"Made by `python -m benchmarks.soak --database {name} --minutes {len(seen.minutes)}`;"
    yield f" Python {platform.python_version()}, {os.cpu_count()} cores, which clients, service"
    yield " and database share.\n\n"
    yield f"Peak {seen.peak:,.0f} answers a second, held {seen.asked:,.0f}. {seen.batches} batches."
    yield f" The log grew from {seen.events[0]:,} to {seen.events[1]:,} events, and verifies.\n\n"
    for which, growth in seen.growth.items():
        yield f"- memory of the {which}: {growth:+.1%} over the last two thirds,"
        yield f" by the line that fits ({met(growth <= GROWTH_MAX)}, at most {GROWTH_MAX:.0%})\n"
    yield f"- 99 of 100 answers: last third {seen.slower:.2f} of the first"
    yield f" ({met(seen.slower <= SLOWER_MAX)}, at most {SLOWER_MAX})\n"
    refused = ", ".join(f"{what} {count} times" for what, count in seen.refused.items())
    yield f"- answered of what was due: {seen.kept_up:.1%}"
    yield f" ({met(seen.kept_up >= KEPT_UP_MIN)}, at least {KEPT_UP_MIN:.0%})\n"
    yield f"- refused: {refused or 'nothing'} ({met(not seen.refused)})\n\n"
    yield "| minute | answers | p50, ms | p99, ms | service, MiB | database, MiB |\n"
    yield "|---:|---:|---:|---:|---:|---:|\n"
    for number, each in enumerate(seen.minutes, 1):
        yield f"| {number} | {each.answers:,} | {each.p50_ms:.1f} | {each.p99_ms:.1f} |"
        yield f" {each.service_mib:.0f} | {each.database_mib:.0f} |\n"
    yield "\n| asked | answers | p50 of the first third, ms | of the last | p99 of the first, ms |"
    yield " of the last |\n|---|---:|---:|---:|---:|---:|\n"
    for kind in seen.kinds:
        (p50, p50_last), (p99, p99_last) = kind.p50_ms, kind.p99_ms
        yield f"| {kind.what} | {kind.answers:,} | {p50:.1f} | {p50_last:.1f} | {p99:.1f} |"
        yield f" {p99_last:.1f} |\n"


def met(holds_: bool) -> str:  # noqa: FBT001 - a word for it
    return "met" if holds_ else "MISSED"


if __name__ == "__main__":
    main()
