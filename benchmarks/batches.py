"""A batch of 100,000 rows from its roster to payments instructed, on SQLite and on PostgreSQL.

Everybody is on file beforehand. Then, in a process of its own for each database, the roster is read
and checked, drafted, reviewed, prepared for the approver's signature, approved and instructed; the
bank's file is written; and at the end the whole log is verified. One row in a hundred is at fault.
With `--peers`, what `make compare` installs moves money beside it in the same run.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import xlsxwriter

from benchmarks.common import RECORDED_AT, line
from benchmarks.compare import other
from benchmarks.peers import double_entry
from ledger.commands import bank_files, batches, recipients
from ledger.commands.verification import verify_log
from ledger.domain.aggregate import OPERATOR
from ledger.domain.officer import Role
from ledger.domain.policy import Channel
from ledger.files.roster import read_roster
from ledger.postgresql import Database
from ledger.postgresql_session import connect
from ledger.store.act import CommandAct
from ledger.store.home import Home
from ledger.store.signing import KeyHolder, PresentedSignature
from tests.postgresql import Server, running
from tests.world import CAMPAIGN, CARD_CLASS, DAY, EARMARK, Person, World, filed

INSTRUCTED = "approved, instructed"
UNION, BATCH, CASHIER = "X01", "SWN20170001", "K-X01"
AMOUNT = 60_000
FAULTY = 100
"""Of so many rows one is refused."""
FILED_AT_ONCE = 5_000
ALONE, TOGETHER = 400, 20_000
TITLES = ("序号", "姓名", "身份证号码", "联系电话", "困难类别", "困难原因", "开户行", "银行卡号")
EVENTS_MIN, MEGABYTES_MAX, PEERS_MIN = 15_000.0, 500.0, 3.0
MEGABYTE = 1024

TDone = TypeVar("TDone")


@dataclass
class Timed:
    """What each act took, and the most memory that the process held meanwhile."""

    world: World
    who: str
    spent: dict[str, float] = field(default_factory=dict)
    worked_s: float = 0.0
    events: int = 0
    peak: float = 0.0

    @property
    def whole_s(self) -> float:
        return sum(self.spent.values())

    def act(self, name: str, do: Callable[[], TDone]) -> TDone:
        before, worked, start = self.world.ledger.size(), time.process_time(), time.perf_counter()
        Path("/proc/self/clear_refs").write_text("5")  # memory at its highest is counted anew
        done = do()
        took, worked = time.perf_counter() - start, time.process_time() - worked
        made, held = self.world.ledger.size() - before, memory()
        self.spent[name] = took
        self.worked_s, self.events = self.worked_s + worked, self.events + made
        self.peak = max(self.peak, held)
        print(
            f"{self.who}: {name:<26}{made:>9,} events{took:>8.2f} s{worked:>8.2f} s of processors"
            f"{made / took:>10,.0f} events/s{held:>7.0f} MB",
            flush=True,
        )
        return done

    def whole(self) -> None:
        line(f"{self.who}: events a second, the whole", self.events / self.whole_s, EVENTS_MIN)
        line(f"{self.who}: events a second of processor", self.events / self.worked_s)
        line(f"{self.who}: MB below {MEGABYTES_MAX:g} at the most", MEGABYTES_MAX - self.peak, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--peers", action="store_true", help="have others move money beside it")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="nuanzhang-benchmark-") as folder:
        scratch = Path(folder)
        roster = scratch / "roster.xlsx"
        write_roster(roster, asked.rows)
        if asked.database != "postgresql":
            apart(run, scratch / "sqlite", "", roster, asked.rows)
        if asked.database == "sqlite" and not asked.peers:
            return
        with running(settings=()) as server:  # as it is for keeps: it waits for the disk
            approved = 0.0
            if asked.database != "sqlite":
                fresh = server.fresh()
                address = f"{fresh.url}&schema={fresh.schema}"
                approved = apart(run, scratch / "postgresql", address, roster, asked.rows)
            if asked.peers:
                beside(server, approved)


def write_roster(path: Path, rows: int) -> None:
    """Write the list as a clerk has it, with one row in a hundred that is not to stand."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("花名册")
        sheet.write(0, 0, "2017年两节送温暖花名册")
        for at, title in enumerate((*TITLES, "慰问金额(元)")):
            sheet.write(1, at, title)
        for number in range(1, rows + 1):
            for at, cell in enumerate(_cells(number)):
                sheet.write(number + 1, at, cell)
        sheet.write(rows + 2, 0, "合计")
        sheet.write(rows + 2, len(TITLES), rows * AMOUNT // 100)


def _cells(number: int) -> Iterator[str | int]:
    person = Person(number)
    id_number, phone = person.id_number, person.phone
    match number % (4 * FAULTY):
        case 100:
            id_number = id_number[:17] + ("1" if id_number[17] != "1" else "2")
        case 200:
            id_number = Person(number - 1).id_number  # stands in the row above
        case 300:
            phone = ""
        case 0:
            id_number = Person(number + 10**6).id_number  # is not on file
    yield from (number, person.name, id_number, phone, CARD_CLASS, "大病", "徽商银行", person.card)
    yield AMOUNT // 100


def run(folder: Path, address: str, roster: Path, rows: int) -> float:
    """Take a roster all the way; return how many payments a second were instructed."""
    who = "PostgreSQL" if address else "SQLite"
    world = World.at(folder, Database.at(address) if address else None).settle_in()
    world.appoint(CASHIER, UNION, Role.CASHIER, date(2016, 12, 1))
    world.receive(UNION, rows * AMOUNT)
    world.ledger.close()
    apart(file_people, folder, address, rows)
    world.reopen()
    timed = Timed(world, who)
    accepted = drafted(timed, roster)
    payments = approved(timed)
    timed.whole()
    line(f"{who}: payments a second, from the roster on", payments / timed.whole_s)
    written = timed.act(
        "bank's file written",
        lambda: bank_files.export_batch(
            world.ledger, _by(world, CASHIER), bank_files.BankFileOrder(BATCH)
        ),
    )
    if not accepted == payments == written.count == rows - rows // FAULTY:
        raise SystemExit("other rows stand than were meant to")
    start = time.perf_counter()
    verdict = verify_log(world.home.log, world.ledger.origin, world.home.founding_key_id())
    if not verdict.holds:
        raise SystemExit(f"the log does not hold: {verdict}")
    line(
        f"{who}: events of the log verified a second",
        verdict.events / (time.perf_counter() - start),
    )
    world.ledger.close()
    return payments / timed.spent[INSTRUCTED]


def drafted(timed: Timed, roster: Path) -> int:
    """Read the file and draft the batch; return how many rows stand."""
    world = timed.world
    listed = timed.act("roster read", lambda: read_roster(roster.name, roster.read_bytes()))
    order = batches.Draft(
        BATCH, CAMPAIGN, UNION, EARMARK, Channel.BANK_CARD, "unionpay-df", f"H-{UNION}", listed
    )
    act = _by(world, f"H-{UNION}", "draft")
    answer = timed.act("drafted", lambda: batches.draft_batch(world.ledger, act, order))
    return int(answer.result["accepted"])


def approved(timed: Timed) -> int:
    """Have it reviewed, and approved by a signature that is made elsewhere; return the payments."""
    world = timed.world
    review = batches.Step(BATCH, f"R-{UNION}")
    act = _by(world, f"R-{UNION}", "review")
    timed.act("reviewed", lambda: batches.review_batch(world.ledger, act, review))
    step = batches.Step(BATCH, f"A-{UNION}")
    asking = _by(world, f"A-{UNION}", "approve")
    payload = timed.act(
        "approval prepared", lambda: batches.prepare_approval(world.ledger, asking, step)
    )
    signature = KeyHolder(world.officers[f"A-{UNION}"]).sign(payload)
    signed = replace(asking, signer=PresentedSignature(payload, signature, asking.actor))
    answer = timed.act(INSTRUCTED, lambda: batches.approve_batch(world.ledger, signed, step))
    return int(answer.result["paid"])


def _by(world: World, staff: str, key: str | None = None) -> CommandAct:
    return replace(world.act(staff, key=key), signed_in=True)


def file_people(folder: Path, address: str, rows: int) -> float:
    """Enter everybody in the archive of recipients."""
    home = Home(folder / "data", named=Database.at(address) if address else None)
    ledger = home.open(RECORDED_AT, DAY)
    act = CommandAct(OPERATOR, DAY, RECORDED_AT)
    start = time.perf_counter()
    for first in range(1, rows + 1, FILED_AT_ONCE):
        people = map(Person, range(first, min(first + FILED_AT_ONCE, rows + 1)))
        recipients.enter_archive(ledger, act, [filed(each, UNION) for each in people])
    line(
        "people on file beforehand, events a second", ledger.size() / (time.perf_counter() - start)
    )
    ledger.close()
    return 0.0


def beside(server: Server, own: float) -> None:
    """Have what people would use instead move money from one account to another, in batches."""
    entries = double_entry.rates(connect(server.fresh()).raw, ALONE, TOGETHER)
    hordak = other("hordak_transfers", server.folder, ALONE, TOGETHER // 10)
    for who, rates in (("pgledger's approach", entries), ("django-hordak", hordak)):
        line(f"{who}: transfers a second, in batches", rates["together"])
        line(f"{who}: transfers a second, one a transaction", rates["alone"])
        if own:
            line(
                f"ours on PostgreSQL, approved and instructed, of {who}",
                own / rates["together"],
                PEERS_MIN,
            )


def apart(act: Callable[..., float], *words: Any) -> float:
    """Do something in a process of its own, so that its memory is its own; return what it does."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_send, args=(theirs, act, words))
    process.start()
    theirs.close()
    try:
        done: float = ours.recv()
    except EOFError:
        raise SystemExit(f"{act.__name__} failed") from None
    process.join()
    return done


def _send(pipe: Any, act: Callable[..., float], words: tuple[Any, ...]) -> None:
    pipe.send(act(*words))


def memory() -> float:
    """Return the most memory that this process held, in MB."""
    said = Path("/proc/self/status").read_text()
    return int(said.partition("VmHWM:")[2].split()[0]) / MEGABYTE


if __name__ == "__main__":
    main()
