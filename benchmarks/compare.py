"""Ours beside what people would use instead, and beside what the machine itself does, in one run.

Writes a page of results and a picture of each group into a folder: `make compare` installs what
it needs. Each row of a group did the same work, as far as the other can do it at all: none of the
others signs, and none can prove what it holds.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pymerkle import InmemoryTree

from benchmarks.common import seconds, signatures_per_second, temporary_home
from benchmarks.peers import books, double_entry, floors, ours
from ledger.evidence.merkle import Edge, leaf_hash
from ledger.postgresql_session import connect
from ledger.store.home import Home
from tests.postgresql import running

OTHERS = Path(__file__).parent / "peers" / "others"
PYTHON = Path(".venv/peers/bin/python")
EVENT_BYTES = 600
ALONE, TOGETHER, AT_ONCE = 400, 20_000, 5_000
"""Payments one a transaction; in batches; and so many of these in one."""
OURS, PEER, FLOOR = "ours", "peer", "floor"


@dataclass(frozen=True, slots=True)
class Row:
    who: str
    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class Group:
    """What was measured: `value` of each row is so many of `unit`."""

    name: str
    title: str
    unit: str
    rows: Sequence[Row]

    def page(self) -> Iterator[str]:
        """Yield the group as Markdown; each row beside the first of ours."""
        own = next((row.value for row in self.rows if row.kind == OURS), None)
        yield f"## {self.title}\n\n![{self.title}]({self.name}.svg)\n\n"
        yield f"| who | {self.unit} | of ours |\n|---|---:|---:|\n"
        for row in sorted(self.rows, key=lambda row: -row.value):
            share = "" if own is None else f"{row.value / own:.2f}"
            who = f"**{row.who}**" if row.kind == OURS else row.who
            yield f"| {who} | {row.value:,.0f} | {share} |\n"
        yield "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--scale", type=int, default=1, help="so many times as much of everything")
    asked = parser.parse_args()
    if not PYTHON.exists():
        raise SystemExit("run `make compare`: it installs what is compared")
    with temporary_home() as home:
        in_sqlite = ours.rates(home, ALONE * asked.scale, TOGETHER * asked.scale, AT_ONCE)
    groups = [
        *transfers(asked.scale, in_sqlite),
        appends(asked.scale, in_sqlite),
        tree(asked.scale),
    ]
    groups += [books_read(asked.scale), signatures()]
    asked.folder.mkdir(parents=True, exist_ok=True)
    results = asked.folder / "results.json"
    results.write_text(json.dumps([asdict(group) for group in groups], indent=1) + "\n")
    drawn = [str(PYTHON), str(OTHERS / "drawing.py"), str(results), str(asked.folder)]
    subprocess.run(drawn, check=True)
    page = "".join(line for group in groups for line in group.page())
    (asked.folder / "README.md").write_text(head() + page)
    print(page)


def head() -> str:
    return (
        "# Beside what people would use instead\n\n"
        "Made by `make compare`: every row of a group in one run on one machine, so that their\n"
        f"ratios say something elsewhere too. Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, databases that wait for the disk at each commit.\n"
        "Ours signs every event, keeps the tree and can prove each; none of the others does.\n\n"
    )


def transfers(scale: int, in_sqlite: Mapping[str, float]) -> Iterator[Group]:
    """Pay people out of one account: one a transaction, and in batches."""
    alone, together = ALONE * scale, TOGETHER * scale
    with tempfile.TemporaryDirectory() as folder:
        committed = floors.sqlite_commits(Path(folder) / "raw.sqlite", alone * 5)
    with running(settings=()) as server:  # as it is for keeps: it waits for the disk
        with tempfile.TemporaryDirectory() as folder:
            home = Home(Path(folder) / "data", named=server.fresh())
            home.create()
            in_postgresql = ours.rates(home, alone, together, AT_ONCE)
        session = connect(server.fresh()).raw
        entries = double_entry.rates(session, alone, together)
        hordak = other("hordak_transfers", server.folder, alone, together // 20)
        raw = floors.postgresql_commits(session, alone * 5)
        copied = floors.postgresql_copy(session, together)
    for name, title, floor in (
        ("alone", "Payments, one a transaction", [Row("plain INSERT, SQLite", FLOOR, committed)]),
        ("together", "Payments in batches", [Row("COPY, PostgreSQL", FLOOR, copied)]),
    ):
        rows = [
            Row("Nuanzhang, SQLite", OURS, in_sqlite[name]),
            Row("Nuanzhang, PostgreSQL", OURS, in_postgresql[name]),
            Row("pgledger's approach, PostgreSQL", PEER, entries[name]),
            Row("django-hordak, PostgreSQL", PEER, hordak[name]),
            *floor,
        ]
        if name == "alone":
            rows.append(Row("plain INSERT, PostgreSQL", FLOOR, raw))
        yield Group(f"payments-{name}", title, "payments a second", rows)


def appends(scale: int, own: Mapping[str, float]) -> Group:
    """Append events to a store made for nothing else; ours are two a payment."""
    uma = other("umadb_appends", EVENT_BYTES, ALONE * scale, 50_000 * scale, AT_ONCE)
    each = ours.EVENTS_A_PAYMENT
    rows = [
        Row("Nuanzhang, SQLite, in batches", OURS, own["together"] * each),
        Row("UmaDB, in batches", PEER, uma["together"]),
        Row("Nuanzhang, SQLite, a payment at a time", OURS, own["alone"] * each),
        Row("UmaDB, an event at a time", PEER, uma["alone"]),
    ]
    return Group("appends", f"Events of {EVENT_BYTES} bytes appended", "events a second", rows)


def tree(scale: int) -> Group:
    """Grow a Merkle tree from entries, and take the root of all."""
    count = 50_000 * scale
    entries = [number.to_bytes(EVENT_BYTES) for number in range(count)]
    roots: list[bytes] = []

    def own() -> None:
        roots.append(Edge.empty().extend(leaf_hash(entry) for entry in entries).root())

    def theirs() -> None:
        peer = InmemoryTree(algorithm="sha256")
        for entry in entries:
            peer.append_entry(entry)
        roots.append(peer.get_root())

    rates = [count / seconds(act) for act in (own, theirs)]
    if roots[0] != roots[1]:
        raise SystemExit("the two trees have different roots: nothing is compared")
    rows = [
        Row("Nuanzhang", OURS, rates[0]),
        Row("pymerkle", PEER, rates[1]),
        Row("SHA-256 of a node, hashlib", FLOOR, floors.hashes()),
    ]
    return Group("tree", "Leaves added to the Merkle tree, with the root", "leaves a second", rows)


def books_read(scale: int) -> Group:
    """Balance the same journal by other people's programs, and by a projection of ours."""
    return Group(
        "balances",
        f"Balances of all accounts over {books.PAYMENTS * scale:,} payments",
        "a second",
        [
            Row(who, OURS if who.startswith("Nuanzhang") else PEER, 1 / spent)
            for who, spent in books.spent(books.PAYMENTS * scale).items()
        ],
    )


def signatures() -> Group:
    """Say what signing and checking cost by themselves."""
    signed, checked = floors.openssl_ed25519()
    own_signed, own_checked = signatures_per_second()
    rows = [
        Row("Nuanzhang signs", OURS, own_signed),
        Row("OpenSSL signs", FLOOR, signed),
        Row("Nuanzhang verifies", OURS, own_checked),
        Row("OpenSSL verifies", FLOOR, checked),
    ]
    return Group("signatures", "Ed25519 on one core", "a second", rows)


def other(name: str, *arguments: object) -> dict[str, Any]:
    """Run one of the others by the Python that has it; return what it says."""
    asked = [str(PYTHON), str(OTHERS / f"{name}.py"), *(str(each) for each in arguments)]
    found: dict[str, Any] = json.loads(
        subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    )
    return found


if __name__ == "__main__":
    main()
