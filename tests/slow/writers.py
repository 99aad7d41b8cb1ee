"""Threads that write at once and say what was asked and what was acknowledged, as it happens.

Run as a process of its own, to be killed. What it said was acknowledged and must not be lost; what
it asked and heard no more of is asked again by the next, under the same key.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from ledger.commands.sealing import PAYEE, seal
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from ledger.domain.values import Money
from ledger.postgresql import Database, DatabaseUnreachable
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, Work
from ledger.store.home import Home

RECORDED_AT = "2026-01-01T00:00:00.000Z"
TODAY = date(2026, 1, 1)
THREADS = 8
MANY = 600
"""So many events are copied into PostgreSQL in a transaction of their own."""
FUND, ORGANISATION, CAMPAIGN = UUID(int=1), UUID(int=2), UUID(int=3)
SOURCE, AMOUNT = Money(10**12), Money(100)

Said = tuple[str, tuple[int, int] | None]
"""A key, and where its events stand; None: it is asked now."""


def named(kind: str, key: str) -> UUID:
    """Return an id that follows from a key, so that what was done twice would be seen twice."""
    return uuid5(NAMESPACE_URL, f"{kind} {key}")


def draws(key: str) -> int:
    """Return how many events a key's command leaves on the fund account."""
    return MANY if key.endswith("00") else 1


def pays(key: str) -> bool:
    """Say whether a key's command is a payment too, to somebody with a data key of their own."""
    return key.endswith(("3", "7"))


def found(home: Home) -> None:
    """Make the ledger, with an account that outlasts everything."""
    home.create()
    ledger = home.open(RECORDED_AT, TODAY)
    act = CommandAct("operator", TODAY, RECORDED_AT)

    def decide(work: Work) -> None:
        fund = FundAccount.open(act, FUND, ORGANISATION, "送温暖")
        fund.receive(
            act,
            source="中央财政",
            document="财〔2026〕1号",
            vintage=2026,
            carried_into=None,
            amount=SOURCE,
        )
        work.save(fund)

    ledger.perform(act, "test.open", None, decide)
    ledger.close()


def write(
    path: Path, database: Database | None, run: str, again: Sequence[str], said: Connection
) -> None:
    """Write until killed, from several threads; first what was asked before and never answered."""
    ledger = _opened(Home(path, named=database))
    unanswered, saying = deque(again), threading.Lock()

    def say(what: Said) -> None:
        with saying:
            said.send(what)

    def work(thread: int) -> None:
        number = 0
        while True:
            try:
                key = unanswered.popleft()
            except IndexError:
                number += 1
                key = f"{run}-{thread}-{number}"
                say((key, None))
            say((key, _asked(ledger, key)))

    threads = [threading.Thread(target=work, args=(each,)) for each in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _opened(home: Home) -> Ledger:
    """Open the ledger, as whoever starts a service anew until its database is there does."""
    while True:
        try:
            return home.open(RECORDED_AT, TODAY)
        except DatabaseUnreachable:
            time.sleep(0.05)


def _asked(ledger: Ledger, key: str) -> tuple[int, int]:
    """Ask until the database is there, as whoever has a key may."""
    act = CommandAct("operator", TODAY, RECORDED_AT, idempotency_key=key)

    def decide(work: Work) -> None:
        fund = work.get(FundAccount, FUND)
        batch = named("batch", key)
        for number in range(draws(key)):
            payment = named(f"payment {number}", key)
            parts = fund.draw(act, disbursement_id=payment, batch_id=batch, amount=AMOUNT)
        work.save(fund)
        if pays(key):
            person = named("person", key)
            work.save(
                Disbursement.instruct(
                    act,
                    campaign_id=CAMPAIGN,
                    batch_id=batch,
                    number=1,
                    organisation_id=ORGANISATION,
                    fund_id=FUND,
                    person_id=person,
                    category="建档困难职工",
                    channel="银行卡",
                    amount=AMOUNT,
                    parts=parts,
                    payee=seal(work, person, PAYEE, {"name": key}),
                    card_index="0" * 64,
                )
            )

    while True:
        try:
            answer = ledger.perform(act, "test.pay", key, decide)
        except DatabaseUnreachable:
            continue
        assert answer.first_position is not None
        assert answer.last_position is not None
        return answer.first_position, answer.last_position
