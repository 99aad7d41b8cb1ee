"""Sealed segments of a city's log: sealing, checking, and the same SQL here and on a cluster.

The ledger is made once, in a folder that is kept. Every figure that segments answer is held against
the service's own; with `--spark`, a cluster's against both: one that there is, or by `here` one of
two workers on this machine, for which this runs under the Python that `make test-spark` installs.
"""

import argparse
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection

from api import bootstrap
from benchmarks.common import line, seconds
from benchmarks.pages import city
from ledger.commands.verification import verify_log
from ledger.segments.checking import check_segments, in_processes, signed_chain
from ledger.segments.going_on import sealed_feed, verify_past
from ledger.segments.manifest import Manifest, require_chain
from ledger.segments.sealing import seal
from ledger.store.home import Home
from projections.asked import Moment
from projections.findings import cards, payments, people
from projections.findings.asked import Asked, Patience
from projections.open_payments import open_payments
from projections.runner import catch_up, rebuild
from projections.segments.asking import QUESTIONS, Answer, Asking, Engine, ask, out_of_turn
from projections.segments.duck import duck
from projections.segments.flat import FLAT
from projections.segments.spark import spark
from tests.segments.cluster import running
from tests.segments.sealed import (
    in_order,
    named,
    service_balances,
    service_surplus,
    service_trial_balance,
    told,
)

MEGABYTE = 1024
DAY = date(2018, 2, 5)
STRICT = Patience(yearly_maximum_fen=299_999)
"""A cap so low that B3 finds tens of thousands; the city itself keeps to what is usual."""
RULES = {
    "a9": people.in_several_files,
    "b3": people.over_the_yearly_maximum,
    "c2": payments.in_anothers_name,
    "c3": cards.one_for_several,
    "e2": people.paid_again_soon,
    "g5": payments.returned_and_not_paid_again,
    "j3": payments.sent_back_after_success,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=210_000)
    parser.add_argument("--folder", type=Path, default=Path("benchmark-segments"))
    parser.add_argument("--spark", default="", help="master of a cluster to ask, too; or `here`")
    parser.add_argument("--only-ask", action="store_true", help="ask what was sealed before")
    asked = parser.parse_args()
    home = city(asked.folder, asked.payments)
    folder = asked.folder / "segments"
    if asked.only_ask:
        compared(home, folder, [each.manifest for each in require_chain(folder)], asked.spark)
        return
    shutil.rmtree(folder, ignore_errors=True)
    spent, peak = apart(_seal, home.path, folder)
    manifests = [each.manifest for each in require_chain(folder)]
    events = manifests[-1].stop
    size = sum(file.size_bytes for each in manifests for file in each.files)
    line("events sealed", events)
    line("segments", len(manifests))
    line("sealing, events/s", events / spent)
    line("sealing, peak memory, MB", peak)
    line("bytes an event in segments", size / events)
    line("bytes an event in the database", home.events.stat().st_size / events)
    spent, peak = apart(_verify, folder, home.founding_key_id(), 1)
    line("verification of segments on one core, events/s", events / spent)
    line("verification of segments, peak memory, MB", peak)
    spent, _ = apart(_verify, folder, home.founding_key_id(), 2)
    line("verification of segments by two processes, events/s", events / spent)
    spent = seconds(lambda: signed_chain(folder, home.founding_key_id()))
    line("files hashed and manifests checked, s", spent)
    compared(home, folder, manifests, asked.spark)
    going_on(home, folder, manifests)


def apart(act: Callable[..., None], *words: Any) -> tuple[float, float]:
    """Do something in a process of its own; return the seconds, and its most memory in MB."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_timed, args=(theirs, act, words))
    process.start()
    told_: tuple[float, float] = ours.recv()
    process.join()
    return told_


def _timed(pipe: Any, act: Callable[..., None], words: tuple[Any, ...]) -> None:
    spent = seconds(lambda: act(*words))
    pipe.send((spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE))


def _seal(path: Path, folder: Path) -> None:
    home = Home(path)
    with bootstrap.opened(home) as ledger:
        seal(home, ledger.log, folder, FLAT)


def _verify(folder: Path, key: str, processes: int) -> None:
    with duck() as engine:
        check_segments(
            folder, FLAT, in_processes(processes), lambda m: out_of_turn(engine, folder, m), key
        )


def compared(home: Home, folder: Path, manifests: list[Manifest], master: str) -> None:
    """Ask segments and the service for the same figures, and say what each took."""
    moment = Moment(at=manifests[-1].stop - 1)
    asking = Asking(folder, manifests, DAY, patience=STRICT)
    with duck() as engine:
        answers = {name: timed(engine, asking, name, "DuckDB") for name in QUESTIONS}
    with bootstrap.opened(home) as ledger:
        model = catch_up(ledger, home.read_models)
    with model.asking() as connection:
        for name, answer in answers.items():
            start = time.perf_counter()
            theirs = service(connection, moment, name, answer)
            spent = time.perf_counter() - start
            if theirs is None:
                continue
            line(f"{name}, {len(answer.rows)} rows, by the service, s", spent)
            if in_order(named(answer)) != in_order(theirs):
                raise SystemExit(f"{name}: segments and the service differ")
    print("segments and the service agree on every figure", flush=True)
    if master:
        with _cluster(master) as address, spark(address) as cluster:
            start = time.perf_counter()
            check_segments(
                folder,
                FLAT,
                cluster.share,
                lambda m: out_of_turn(cluster, folder, m),
                home.founding_key_id(),
            )
            spent = time.perf_counter() - start
            line("verification of segments by Spark, events/s", manifests[-1].stop / spent)
            for name, answer in answers.items():
                if timed(cluster, asking, name, "Spark") != answer:
                    raise SystemExit(f"{name}: Spark and DuckDB differ")
        print("Spark and DuckDB agree on every figure", flush=True)


@contextmanager
def _cluster(master: str) -> Iterator[str]:
    if master != "here":
        yield master
        return
    with TemporaryDirectory() as scratch, running(Path(scratch), workers=2) as cluster:
        yield cluster.master


def timed(engine: Engine, asking: Asking, name: str, who: str) -> Answer:
    start = time.perf_counter()
    answer = ask(engine, asking, name)
    line(f"{name}, {len(answer.rows)} rows, by {who}, s", time.perf_counter() - start)
    return answer


def service(
    connection: Connection, moment: Moment, name: str, answer: Answer
) -> list[dict[str, Any]] | None:
    """Return what the service says to a question; None where it has no such figure."""
    if name == "balances":
        return service_balances(connection, moment)
    if name == "trial_balance":
        held = service_trial_balance(connection, moment)
        named_ = {each["account"] for each in named(answer)}
        return [
            {"account": account, "amount_fen": amount}
            for account, amount in held.items()
            if amount or account in named_
        ]
    if name == "surplus":
        found = service_surplus(connection, moment, DAY)
        return [each for each in found if each["opening_fen"]]
    if name in RULES:
        open_ = open_payments(connection, moment)
        asked = Asked(connection, DAY, open_, moment=moment, patience=STRICT)
        return [told(each, answer.columns) for each in RULES[name](asked)]
    return None


def going_on(home: Home, folder: Path, manifests: list[Manifest]) -> None:
    """Say what reading segments instead of the log is worth."""
    chain = signed_chain(folder, home.founding_key_id())
    with bootstrap.opened(home) as ledger:
        anew = home.path / "anew.sqlite"
        spent = seconds(lambda: rebuild(ledger, anew))
        line("read models from the log, events/s", ledger.size() / spent)
        feed = sealed_feed(ledger, folder, chain)
        spent = seconds(lambda: rebuild(feed, anew))
        line("read models from segments, events/s", ledger.size() / spent)
        anew.unlink()
    log, key = home.log, home.founding_key_id()
    spent = seconds(lambda: verify_log(log, home.origin(), key))
    line("verification of the whole log, s", spent)
    with duck() as engine:

        def again() -> None:
            found = check_segments(
                folder,
                FLAT,
                in_processes(),
                lambda m: out_of_turn(engine, folder, m),
                key,
                known=manifests[-1].sha256,
            )
            if not verify_past(log, found).holds:
                raise SystemExit("the log does not go on from its segments")

        line("the same going on from known segments, s", seconds(again))


if __name__ == "__main__":
    main()
