"""Half of what it can take, for half an hour: does memory grow, do answers slow down?

First sixteen clients post as fast as they are answered; half of that rate is then kept up, by the
clients of `posting` with identities, keys and a durable commit, while an inspector reads pages,
figures and proofs. Every minute says what was answered, how late, and what all processes of the
service hold. In the end the whole log is verified, and every event that was acknowledged counted.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from http import HTTPStatus
from pathlib import Path
from statistics import median
from uuid import uuid4

from api import bootstrap
from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.callers import COOKIE
from benchmarks.common import line
from benchmarks.compare import OTHERS, PYTHON
from benchmarks.pages import percentile
from benchmarks.posting import WORKERS, appropriation, asked_of, request, served, settled
from ledger.domain.officer import Role, officer_id
from ledger.store.home import Home
from tests.postgresql import running
from tests.world import World

INSPECTOR = "J-SOAK"
PEAK_S = 20.0
READ_EVERY_S = 2.0
KIB = 1024
GROWTH_MAX, SLOWER_MAX = 1.1, 1.5
"""Of the last third of the minutes: memory beside the middle third, latency beside the first."""


@dataclass
class Minute:
    """What was seen in one minute: answers, how late in milliseconds, and megabytes held."""

    posted: int = 0
    posts_p50_ms: float = 0.0
    posts_p99_ms: float = 0.0
    reads: int = 0
    reads_p50_ms: float = 0.0
    reads_max_ms: float = 0.0
    held_mb: float = 0.0
    events: int = 0


@dataclass
class Seen:
    """What is seen in the minute that is under way."""

    posts_ms: list[float] = field(default_factory=list)
    reads_ms: list[float] = field(default_factory=list)
    acknowledged: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    asked = parser.parse_args()
    if asked.database == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            settings = settled(Path(folder), None)
            minutes = soaked(Home(Path(folder) / "data"), settings, 1, asked.minutes)
    else:
        with running(settings=()) as server, tempfile.TemporaryDirectory() as folder:
            database = server.fresh()
            settings = settled(Path(folder), database)
            home = Home(Path(folder) / "data", named=database)
            minutes = soaked(home, settings, WORKERS, asked.minutes)
    write(asked.results, asked.database, minutes)


def soaked(home: Home, clients: list[list[str]], workers: int, minutes: int) -> list[Minute]:
    secret = inspecting(home)
    with served(home.path, workers) as port:
        peak = len(asked_of(port, PEAK_S, clients)) / PEAK_S
        line("posted at the peak, events a second", peak)
        before = size_of(home)
        seen = Seen()
        found = asyncio.run(keep_up(home, port, clients, secret, peak / 2, minutes, seen))
        after = size_of(home)
    line("events acknowledged", seen.acknowledged)
    if after - before != seen.acknowledged:
        raise SystemExit(f"{after - before} events were written, {seen.acknowledged} acknowledged")
    verified = subprocess.run(
        [sys.executable, "-m", "api.cli", "verify", "--json"],
        env={**os.environ, **named(home)},
        check=True,
        capture_output=True,
        text=True,
    )
    if json.loads(verified.stdout)["holds"] is not True:
        raise SystemExit("the log does not hold")
    third = max(1, len(found) // 3)
    first, middle, last = found[:third], found[third : 2 * third] or found, found[-third:]
    grown = median(m.held_mb for m in last) / median(m.held_mb for m in middle)
    slower = median(m.posts_p99_ms for m in last) / median(m.posts_p99_ms for m in first)
    for what, got, most in (
        ("memory, last third of middle third", grown, GROWTH_MAX),
        ("99 of 100 posts, last third of first third", slower, SLOWER_MAX),
    ):
        print(f"{what:<58} {got:>12,.2f}   at most {most}: {'met' if got <= most else 'MISSED'}")
    return found


def inspecting(home: Home) -> str:
    """Appoint an inspector, and open a session for them."""
    world = World(home)
    world.reopen()
    world.appoint_without_key(INSPECTOR, "C01", Role.INSPECTOR, date(2016, 12, 1))
    world.ledger.close()
    door = Door(home.access, RelyingParty("localhost", "http://localhost"))
    secret = door.sessions.open(officer_id(INSPECTOR), "benchmark", bootstrap.now_s())
    door.close()
    return secret


def size_of(home: Home) -> int:
    with bootstrap.opened(home) as ledger:
        return ledger.size()


def named(home: Home) -> dict[str, str]:
    address = home.path / "database.url"
    found = {"NUANZHANG_DATABASE": address.read_text().strip()} if address.exists() else {}
    return {"NUANZHANG_HOME": str(home.path), **found}


# The clients.


async def keep_up(
    home: Home,
    port: int,
    clients: list[list[str]],
    secret: str,
    rate: float,
    minutes: int,
    seen: Seen,
) -> list[Minute]:
    end = time.perf_counter() + minutes * 60
    posting = [
        asyncio.create_task(post(number, port, sessions, len(clients) / rate, end, seen))
        for number, sessions in enumerate(clients)
    ]
    reading = asyncio.create_task(read(port, secret, end, seen))
    found = []
    for number in range(minutes):
        await asyncio.sleep(max(0.0, end - (minutes - number - 1) * 60 - time.perf_counter()))
        found.append(a_minute(home, seen))
        told = found[-1]
        print(
            f"minute {number + 1:>3}: {told.posted:>7,} posted, p50 {told.posts_p50_ms:>6.1f} ms,"
            f" p99 {told.posts_p99_ms:>6.1f} ms; {told.reads} read, p50 {told.reads_p50_ms:>6.1f},"
            f" at most {told.reads_max_ms:>6.1f} ms; {told.held_mb:>6.0f} MB held",
            flush=True,
        )
    await asyncio.gather(*posting, reading)
    return found


def a_minute(home: Home, seen: Seen) -> Minute:
    posts, reads = seen.posts_ms, seen.reads_ms
    seen.posts_ms, seen.reads_ms = [], []
    return Minute(
        posted=len(posts),
        posts_p50_ms=percentile(posts, 50),
        posts_p99_ms=percentile(posts, 99),
        reads=len(reads),
        reads_p50_ms=percentile(reads, 50),
        reads_max_ms=max(reads),
        held_mb=sum(held_kib(pid) for pid in serving(home)) / KIB,
        events=seen.acknowledged,
    )


async def post(
    number: int, port: int, sessions: Sequence[str], every_s: float, end: float, seen: Seen
) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(f"127.0.2.{number + 1}", 0)
    )
    body, asked, due = appropriation(number), 0, time.perf_counter() + number / 16 * every_s
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asked += 1
        key = f"soak-{number}-{asked}-{uuid4().hex[:8]}"
        at = time.perf_counter()
        writer.write(request(port, sessions[asked % len(sessions)], key, body))
        await answered(reader, HTTPStatus.CREATED)
        seen.posts_ms.append((time.perf_counter() - at) * 1000)
        seen.acknowledged += 1
        # Who is late does not catch up: that would be more than the half.
        due = max(due + every_s, time.perf_counter())
    writer.close()


async def read(port: int, secret: str, end: float, seen: Seen) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while time.perf_counter() < end - READ_EVERY_S:
        paths = (
            "/v1/balances",
            "/overview",
            f"/v1/log/entries/{seen.acknowledged // 2}",
            "/v1/appropriations?limit=50",
            "/flow",
        )
        path = paths[number % len(paths)]
        number += 1
        at = time.perf_counter()
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        writer.write(f"{head}Cookie: {COOKIE}={secret}\r\n\r\n".encode())
        await answered(reader, HTTPStatus.OK)
        seen.reads_ms.append((time.perf_counter() - at) * 1000)
        await asyncio.sleep(READ_EVERY_S)
    writer.close()


async def answered(reader: asyncio.StreamReader, status: HTTPStatus) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    answer = await reader.readexactly(length)
    if int(head[9:12]) != status:
        raise SystemExit(f"{head!r} {answer[:500]!r}")


# What the service holds.


def serving(home: Home) -> Iterator[int]:
    """Yield the processes of the service: they were all given its home."""
    told = f"NUANZHANG_HOME={home.path}".encode()
    for each in Path("/proc").iterdir():
        try:
            if each.name.isdigit() and told in (each / "environ").read_bytes().split(b"\0"):
                yield int(each.name)
        except OSError:
            continue


def held_kib(pid: int) -> int:
    """Return what a process holds, of shared pages its share, in KiB."""
    try:
        for each in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if each.startswith("Pss:"):
                return int(each.split()[1])
    except OSError:
        pass
    return 0


def write(folder: Path, database: str, minutes: Sequence[Minute]) -> None:
    """Write a table, the figures, and a picture of them."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = ("posted", "posts_p50_ms", "posts_p99_ms", "reads_p50_ms", "reads_max_ms", "held_mb")
    rows = [f"| minute | {' | '.join(shown)} |", f"|---|{'---:|' * len(shown)}"]
    for number, each in enumerate(minutes, 1):
        told = asdict(each)
        rows.append(f"| {number} | {' | '.join(f'{told[name]:,.1f}' for name in shown)} |")
    title = f"# Half of the peak for {len(minutes)} minutes, on {database}\n\n"
    title += f"![soak](soak-{database}.svg)\n"
    (folder / f"soak-{database}.md").write_text(title + "\n" + "\n".join(rows) + "\n", "utf-8")
    figures = {
        "99 of 100 posts within, ms": {n: m.posts_p99_ms for n, m in enumerate(minutes, 1)},
        "half of the posts within, ms": {n: m.posts_p50_ms for n, m in enumerate(minutes, 1)},
        "held, 10 MB": {n: m.held_mb / 10 for n, m in enumerate(minutes, 1)},
    }
    path = folder / f"soak-{database}.json"
    path.write_text(json.dumps(figures), encoding="utf-8")
    if PYTHON.exists():
        drawing = [str(PYTHON), str(OTHERS / "curves.py"), str(path), str(folder)]
        subprocess.run([*drawing, "minute", "ms; 10 MB", "linear"], check=True)


if __name__ == "__main__":
    main()
