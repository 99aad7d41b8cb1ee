"""Sealed ledgers, how the tests check and ask segments, and what the service says itself."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ledger.commands.disbursements import (
    Reissue,
    correct_outcome,
    reissue_payment,
    withdraw_payment,
)
from ledger.commands.funds import ReceiptCorrection, correct_receipt, open_fiscal_year
from ledger.segments.checking import Checked, check_segments, in_processes
from ledger.segments.manifest import Manifest, require_chain
from ledger.segments.sealing import seal
from ledger.store.application import Ledger
from ledger.store.home import Home
from projections.asked import Moment
from projections.balances import balances, trial_balance
from projections.findings.asked import Patience
from projections.findings.finding import Finding, Severity
from projections.findings.rules import findings
from projections.organisations import tree_on
from projections.runner import catch_up
from projections.segments.asking import Answer, Asking, Engine, ask, out_of_turn
from projections.segments.duck import duck
from projections.segments.flat import FLAT
from projections.surplus import surplus, years
from tests.commands.banking import BEGINS, LATER, Bank, entry, statement
from tests.projections.test_findings import asked_of
from tests.projections.test_findings_of_people import enter, next_campaign, pay_in_summer
from tests.world import EARMARK, POLICY, Person, World, failed, roster_row, settled

LENGTH = 256
RULES = ("A9", "B3", "C2", "C3", "E2", "G5", "J3")
ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT, NINE, TEN = map(Person, range(1, 11))
ASKED_ON = date(2017, 3, 1)
Row = dict[str, Any]


def sealed(ledger: Ledger, home: Home, folder: Path, length: int | None = LENGTH) -> list[Manifest]:
    return seal(home, ledger.log, folder, FLAT, length)


def checked(folder: Path, key: str = "", note: str | None = None) -> Checked:
    with duck() as engine:
        return check_segments(
            folder,
            FLAT,
            in_processes(1),
            lambda manifests: out_of_turn(engine, folder, manifests),
            key,
            note,
        )


def manifests_in(folder: Path) -> list[Manifest]:
    return [each.manifest for each in require_chain(folder)]


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Let a test alter what nobody is to write."""
    mode = path.stat().st_mode
    path.chmod(0o755 if path.is_dir() else 0o644)
    yield
    if path.exists():
        path.chmod(mode)


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files but the signed lists, by their paths."""
    return {
        each.relative_to(folder).as_posix(): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file() and os.access(each, os.R_OK)
    }


def odd_world(folder: Path) -> World:
    """Return a ledger in which each rule that segments are asked for finds something."""
    world = World.at(folder).settle_in()
    world.receive("C01", 5_000_000, 2016)
    world.receive("C01", 1_000_000, 2015)
    world.receive("X01", 700_000, 2016)
    world.receive("X02", 600_000, 2015)
    world.allocate("C01", "X01", 3_000_000)
    open_fiscal_year(world.ledger, world.act(), "X01", EARMARK, 2017, POLICY)  # some of it again
    world.allocate("X01", "X01-01", 400_000)
    world.receive("X02", 1_000_000)
    world.file(ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT, NINE, TEN)
    enter(world, ONE, "ELSEWHERE", "X02", date(2016, 6, 1), ONE.card)
    world.pay(
        "B1",
        roster_row(1, ONE, 400_000),
        roster_row(2, TWO, 70_000, card_number=ONE.card),
        roster_row(3, THREE, 60_000),
        roster_row(4, FOUR, 65_000),
    )
    world.answer(
        "B1",
        settled(1, ONE, 400_000),
        settled(2, _with_card(TWO, ONE.card), 70_000),
        failed(3, THREE, 60_000, "NAME_MISMATCH"),
        settled(4, FOUR, 65_000),
    )
    world.answer(
        "B1",
        settled(1, ONE, 400_000),
        settled(2, _with_card(TWO, ONE.card), 70_000),
        failed(3, THREE, 60_000, "NAME_MISMATCH"),
        failed(4, FOUR, 65_000, "RETURNED"),
        sha="ee" * 32,
    )
    world.pay("B2", roster_row(1, FIVE, 75_000))
    world.pay("B3", roster_row(1, SIX, 66_000))
    world.answer("B3", settled(1, SIX, 66_000), sha="fe" * 32)
    world.pay("B4", roster_row(1, SEVEN, 64_000))
    withdraw_payment(world.ledger, world.act(), world.payment_id(SEVEN), "本人已调离")
    world.pay("B5", roster_row(1, EIGHT, 660_000))
    world.answer("B5", failed(1, EIGHT, 660_000), sha="fd" * 32)
    world.pay("B6", roster_row(1, NINE, 61_000))
    # Another's credit, taken for one that had arrived: taken back, it never came back.
    world.pay("B7", roster_row(1, TEN, 63_000))
    world.answer("B7", settled(1, TEN, 63_000), sha="fc" * 32)
    bank = Bank(world)
    bank.keep()
    bank.take(statement(BEGINS, date(2017, 2, 5), 0, entry(date(2017, 2, 3), 63_000)))
    bank.come_back(bank.lines[0], TEN, reason="NAME_MISMATCH")
    mistaken = world.payment(TEN)
    act = world.act("A-X01", LATER)
    correct_outcome(world.ledger, act, mistaken.id, mistaken.version, "款是别人的")
    next_campaign(world, date(2017, 2, 1))
    pay_in_summer(world, ONE, 300_000, date(2017, 2, 2), "X02")
    pay_in_summer(world, NINE, 62_000, date(2017, 2, 2), code="SUMMER-2")  # of the same money
    # Opened while some of it is on its way to people.
    for union in ("X01", "X02"):
        open_fiscal_year(
            world.ledger, world.act(day=date(2018, 1, 2)), union, EARMARK, 2018, POLICY
        )
    # What had been paid comes back, and a receipt is put right, after that.
    world.answer("B3", failed(1, SIX, 66_000, "RETURNED"), sha="ef" * 32)
    lot = next(each for each in world.fund("X02").lots.values() if each.vintage == 2015)
    more = ReceiptCorrection("X02", EARMARK, lot.lot_id, lot.receipts[0], 30_000, "少录")
    correct_receipt(world.ledger, world.act(day=date(2018, 1, 3)), more)
    # What came back in one year is paid again in the next.
    order = Reissue(world.payment_id(EIGHT), "原卡再付")
    reissue_payment(world.ledger, world.act("A-X01", date(2018, 1, 4)), order)
    return world


def padded(world: World, size: int) -> World:
    """Let a ledger grow by small receipts until it holds so many events."""
    while world.ledger.size() < size:
        world.receive("X01", 1)
    return world


def _with_card(person: Person, card: str) -> Person:
    class Carded(Person):
        @property
        def card(self) -> str:
            return card

    return Carded(person.serial)


# What segments answer, and what the service does.


def answers(engine: Engine, asking: Asking, name: str) -> list[Row]:
    return named(ask(engine, asking, name))


def named(answer: Answer) -> list[Row]:
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def service_balances(model: Connection, moment: Moment) -> list[Row]:
    return [
        {
            "organisation_id": str(each.organisation_id),
            "fund_id": str(each.fund_id),
            "earmark": each.earmark,
            "vintage": each.vintage,
            "in_hand_fen": each.in_hand_fen,
            "in_transit_fen": each.in_transit_fen,
            "paid_fen": each.paid_fen,
            "remitted_fen": each.remitted_fen,
        }
        for each in balances(model, moment)
    ]


def service_trial_balance(model: Connection, moment: Moment) -> dict[str, int]:
    return {account.value: amount for account, amount in trial_balance(model, moment).items()}


def service_surplus(model: Connection, moment: Moment, day: date) -> list[Row]:
    """Return the surplus of each union alone and with all below it, of each year opened."""
    tree, found = tree_on(model, day), []
    for union in tree.by_id:
        for consolidated, scope in ((0, [union]), (1, tree.subtree(union))):
            for year in years(model, scope):
                of = surplus(model, scope, year, moment)
                found.append(
                    {
                        "organisation_id": str(union),
                        "year": year,
                        "consolidated": consolidated,
                        "opening_fen": of.opening_fen,
                        "consumed_fen": of.consumed_fen,
                        "consumed_in_transit_fen": of.consumed_in_transit_fen,
                        "paid_fen": of.paid_fen,
                        "in_hand_fen": of.in_hand_fen,
                        "in_transit_fen": of.in_transit_fen,
                        "ratio_basis_points": of.ratio_basis_points,
                    }
                )
    return found


def service_findings(
    world: World, moment: Moment, patience: Patience, day: date = ASKED_ON
) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = replace(asked_of(world, model, day, moment), patience=patience)
        # What was cured late is not asked of segments.
        return [
            each
            for each in findings(asked)
            if each.rule in RULES and (each.rule != "G5" or each.severity is Severity.ERROR)
        ]


def told(finding: Finding, columns: tuple[str, ...]) -> Row:
    """Return a finding as the question of its rule would answer it."""
    all_ = {
        "rule": finding.rule,
        "organisation_id": _text(finding.organisation_id),
        "campaign_id": _text(finding.campaign_id),
        "person_id": _text(finding.person_id),
        "year": finding.year,
        "position": finding.position,
        "since": finding.since,
        "number": finding.count,
        "amount_fen": finding.amount_fen,
    }
    left_out = [name for name, value in all_.items() if value is not None and name not in columns]
    assert left_out == [], "the question tells less than the service"
    return {name: all_[name] for name in columns}


def in_order(rows: list[Row]) -> list[tuple[tuple[str, str], ...]]:
    return sorted(tuple((name, repr(value)) for name, value in row.items()) for row in rows)


def _text(id_: object) -> str | None:
    return None if id_ is None else str(id_)
