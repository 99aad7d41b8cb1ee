"""A return file of 100,000 rows taken in, and the matching desk over 200,000 open lines.

One union pays one batch of so many; the ledger is made once, in a folder that is kept. The file is
taken in by a process of its own, so that its memory can be told; the desk is asked for over HTTP.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from datetime import date
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

from api import bootstrap
from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.callers import COOKIE
from benchmarks.city import instruct
from benchmarks.pages import get, percentile, served
from ledger.commands import bank_accounts, bank_statements
from ledger.commands.sealing import PAYEE, card_index, seal
from ledger.domain.bank_account import bank_account_id
from ledger.domain.batch import Batch, Row
from ledger.domain.campaign import campaign_id
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel
from ledger.domain.values import Money
from ledger.files.account_statement import StatementEntry
from ledger.files.bank import InstructionLine
from ledger.files.banks import write_instruction
from ledger.store.application import Work
from ledger.store.home import Home
from projections.bank_lines import open_items, open_lines
from projections.runner import catch_up
from tests.commands.banking import NUMBER, entry, statement
from tests.world import CAMPAIGN, CARD_CLASS, EARMARK, Person, World

UNION, BATCH, MATCHER = "X01", "SWN20170001", "K-X01"
AMOUNT = 60_000
EVERY_FAILED = 50
"""Of so many payments, one comes back."""
SECONDS_MAX, MEGABYTES_MAX, DESK_MS_MAX = 60.0, 500.0, 300.0
ROUNDS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--folder", type=Path, default=Path("benchmark-reconciling"))
    asked = parser.parse_args()
    home = Home(asked.folder / "data")
    answer = asked.folder / "return.txt"
    if not answer.exists():
        asked.folder.mkdir(parents=True, exist_ok=True)
        build(asked.folder, asked.rows, asked.lines)
        answer.write_bytes(_answer(asked.rows))
        take_in(home, answer)
    desk(home)


def build(folder: Path, rows: int, lines: int) -> None:
    """Make a ledger with one approved batch and a bank account with open lines."""
    spent = time.perf_counter()
    world = World.at(folder).settle_in()
    world.appoint(MATCHER, UNION, Role.ACCOUNTANT, date(2016, 12, 1))
    world.receive(UNION, rows * AMOUNT)
    _pay(world, rows)
    order = bank_accounts.AccountRegistration(
        UNION, "送温暖专户", NUMBER, "徽商银行", "camt-053", date(2017, 1, 1), 0
    )
    act = world.act(f"A-{UNION}")
    answer = bank_accounts.register_bank_account(world.ledger, act, order)
    account = UUID(answer.result["account_id"])
    bank_accounts.keep_fund(world.ledger, act, bank_accounts.Keeping(account, UNION, EARMARK))
    entries = [_booked(number) for number in range(lines)]
    content = statement(date(2017, 1, 1), date(2017, 2, 28), 0, *entries)
    bank_statements.take_bank_statement(
        world.ledger,
        world.act(f"H-{UNION}", date(2017, 3, 1)),
        bank_statements.StatementFile(account, "statement.xml", content),
    )
    size = world.ledger.size()
    world.ledger.close()
    print(f"made {size:,} events in {time.perf_counter() - spent:,.0f} s", flush=True)


def take_in(home: Home, answer: Path) -> None:
    """Take the return file in by the command, in a process of its own."""
    spent = time.perf_counter()
    command = [sys.executable, "-m", "api.cli", "bank", "return", BATCH, str(answer)]
    environment = {**os.environ, "NUANZHANG_HOME": str(home.path)}
    subprocess.run(command, env=environment, check=True)
    took = time.perf_counter() - spent
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    _say("return file: read, matched, stored, s", took, SECONDS_MAX)
    _say("  of which the processor worked, s", used.ru_utime + used.ru_stime, SECONDS_MAX)
    _say("return file: most memory of the process, MB", used.ru_maxrss / 1024, MEGABYTES_MAX)


def desk(home: Home) -> None:
    """Ask for the desk as the first reader, then again; and for what it asks of the read model."""
    with bootstrap.opened(home) as ledger:
        spent = time.perf_counter()
        model = catch_up(ledger, home.read_models)
        print(f"read model: {time.perf_counter() - spent:,.1f} s", flush=True)
        account = bank_account_id(bank_accounts.number_index(ledger, NUMBER))
        with model.asking() as connection:
            spent = time.perf_counter()
            found = open_lines(connection, account, limit=51)
            items = open_items(connection, account, "2017-01-01", limit=50)
            took = (time.perf_counter() - spent) * 1000
        print(f"first of the open: {len(found)} lines, {len(items)} items", flush=True)
        _say("first query: open lines and items, ms", took, DESK_MS_MAX)
        door = Door(home.access, RelyingParty("localhost", "http://localhost"))
        session = door.sessions.open(officer_id(MATCHER), "benchmark", bootstrap.now_s())
        with served(home) as port:
            times = []
            for _ in range(ROUNDS):
                spent = time.perf_counter()
                status, _ = get(port, f"/bank/{account}", f"{COOKIE}={session}")
                times.append((time.perf_counter() - spent) * 1000)
                if status != HTTPStatus.OK:
                    raise SystemExit(f"desk: {status}")
    _say("desk, the page that is asked for first, ms", times[0], DESK_MS_MAX)
    _say("desk, 95th of 100, ms", percentile(times[1:], 95), DESK_MS_MAX)


def _pay(world: World, rows: int) -> None:
    """Have a batch drafted, reviewed and approved, without a roster's rules asked row by row."""
    operator, approver = world.act(), world.act(f"A-{UNION}")

    def decide(work: Work) -> None:
        batch = Batch.draft(
            operator,
            code=BATCH,
            campaign_id=campaign_id(CAMPAIGN),
            organisation_id=organisation_id(UNION),
            earmark=EARMARK,
            channel=Channel.BANK_CARD,
            bank_format="unionpay-df",
            roster_sha256="ab" * 32,
            listed_count=rows,
            listed_total=Money(rows * AMOUNT),
            drafted_by=officer_id(f"H-{UNION}"),
        )
        for number in range(1, rows + 1):
            batch.accept_row(operator, _row(work, number), line=number + 2)
        batch.review(operator, reviewed_by=officer_id(f"R-{UNION}"))
        batch.approve(approver, approved_by=officer_id(f"A-{UNION}"))
        fund = work.get(FundAccount, fund_id(batch.organisation_id, EARMARK))
        work.save(batch, fund)
        work.save(*[instruct(operator, batch, fund, row) for row in batch.rows.values()])

    world.ledger.perform(approver, "benchmark.pay", None, decide)


def _row(work: Work, number: int) -> Row:
    who = Person(number)
    person = work.ledger.vault.subject_id("id_number", who.id_number)
    payee = {
        "name": who.name,
        "id_number": who.id_number,
        "phone": who.phone,
        "card_number": who.card,
    }
    sealed = seal(work, person, PAYEE, payee)
    index = card_index(work.ledger, who.card)
    return Row(number, person, CARD_CLASS, Money(AMOUNT), sealed, index)


def _booked(number: int) -> StatementEntry:
    """Return a booking: one of a payment in two, the others of anybody else."""
    day = date(2017, 1, 10 + number % 20)
    if number % 2:
        name, card = Person(number).name, Person(number).card
        return entry(
            day,
            -AMOUNT,
            counterparty_name=name,
            counterparty_account=card,
            reference=f"B-{number}",
            text="代发",
        )
    return entry(day, 100 + number, reference=f"B-{number}", text="来账")


def _answer(rows: int) -> bytes:
    """Write what the bank sends back: its own copy of what went out, with a result for each."""
    said = [
        InstructionLine(
            number,
            (who := Person(number)).card,
            who.name,
            who.id_number,
            who.phone,
            AMOUNT,
            "送温暖慰问金",
        )
        for number in range(1, rows + 1)
    ]
    head, titles, *lines = (
        write_instruction("unionpay-df", BATCH, said).content.decode().splitlines()
    )
    answered = [
        f"{line}|3018|已销户" if at % EVERY_FAILED == 0 else f"{line}|00|成功"
        for at, line in enumerate(lines)
    ]
    return ("\n".join([head, f"{titles}|respCode|respMsg", *answered]) + "\n").encode()


def _say(name: str, value: float, most: float) -> None:
    print(f"{name:<58} {value:>10,.1f}   at most {most:g}: {'met' if value <= most else 'MISSED'}")


if __name__ == "__main__":
    main()
