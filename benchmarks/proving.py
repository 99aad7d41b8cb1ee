"""What proofs cost from ten thousand to a million events: map, proofs, publication, packs."""

import argparse
import random
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.common import line, median, open_account, seconds
from benchmarks.projecting import pay
from ledger.anchoring.publications import announce, prove_head, receipt_under
from ledger.anchoring.static_log import write_static_log
from ledger.evidence.merkle import consistency_path
from ledger.packs.contents import subject_of
from ledger.packs.handing_over import PackOrder, hand_over
from ledger.store.map_store import MapStore
from tests.world import Person, World, roster_row, settled

Case = TypeVar("Case")

PROOFS = 300
PROOF_MS = 5.0
PACK_S = 10.0
PEOPLE = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    most = parser.parse_args().events
    folder = Path(tempfile.mkdtemp(prefix="nuanzhang-benchmark-"))
    try:
        world = World.at(folder).settle_in()
        world.receive("X01", 10**12)
        fund_id = open_account(world.ledger)
        size, first_serial = 10_000, 1
        while size <= most:
            while world.ledger.size() < size:
                pay(world.ledger, fund_id)
            measure(world, size, first_serial)
            first_serial += PEOPLE
            size *= 10
    finally:
        shutil.rmtree(folder)


def measure(world: World, size: int, first_serial: int) -> None:
    code = f"B{size}"
    pay_for_real(world, code, first_serial)
    ledger, name = world.ledger, f"{size:>9,} events:"
    for leftover in world.home.path.glob("map.sqlite*"):
        leftover.unlink()
    maps = MapStore(world.home.map)
    spent = seconds(lambda: announce(ledger, maps, world.act()))
    line(f"{name} map from nothing, events/s", ledger.size() / spent)
    world.receive("X01", 100)
    spent = seconds(lambda: announce(ledger, maps, world.act()))
    line(f"{name} publication after one event, ms", spent * 1000)
    published = announce(ledger, maps, world.act())
    folder = world.home.path.parent / "published"
    shutil.rmtree(folder, ignore_errors=True)
    spent = seconds(lambda: write_static_log(ledger, published, published.note, folder))
    line(f"{name} tiles and bundles from nothing, s", spent)
    places = [random.Random(size).randrange(published.position) for _ in range(PROOFS)]
    report(f"{name} inclusion proof, ms", places, lambda at: receipt_under(ledger, at, published))
    report(
        f"{name} consistency proof, ms",
        [at + 1 for at in places],
        lambda at: consistency_path(at, published.size, ledger.log.subtree_hash),
    )
    streams = [str(ledger.log.select_notifications(at, 1)[0].originator_id) for at in places]
    report(
        f"{name} map proof, ms",
        streams,
        lambda stream: prove_head(ledger, maps, published, stream),
    )
    order = PackOrder("batch", subject_of(ledger, "batch", code))
    spent = seconds(lambda: hand_over(ledger, maps, published, world.act(), order))
    line(f"{name} pack of {PEOPLE} payments, checked, s", spent, None)
    maps.close()


def report(name: str, cases: list[Case], prove: Callable[[Case], object]) -> None:
    spent = [seconds(partial(prove, case)) * 1000 for case in cases]
    line(f"{name}, median", median(spent))
    line(f"{name}, 99th of 100", sorted(spent)[len(spent) * 99 // 100])


def pay_for_real(world: World, code: str, first_serial: int) -> None:
    people = [Person(first_serial + number) for number in range(PEOPLE)]
    world.file(*people)
    rows = [roster_row(number, who, 80_000) for number, who in enumerate(people, 1)]
    world.pay(code, *rows)
    world.answer(code, *(settled(number, who, 80_000) for number, who in enumerate(people, 1)))


if __name__ == "__main__":
    main()
