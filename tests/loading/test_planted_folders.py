"""Folders with planted faults and their banks' statements: all is found, and nothing else.

What stands at severity E is held against what was planted: rule, organisation, how many, how much.
Folders and statements can hold A9, B3, C2, C3, D3, F4, F6, F7, G1 and G5; lists of others bring
A3 and C4 by command. A list is approved twice in them, too, for other people each time. The log
itself is sound here: L1 to L5 are of logs that were harmed or keys that were in other hands, and
`tests/projections/test_findings.py` and the tests of verification see to them.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from api import bootstrap
from api.banking import returnables_for
from api.cli.main import app
from api.known import Kept
from ledger.commands import bank_accounts
from ledger.commands.bank_matching import (
    ComingBack,
    LineChosen,
    SettingAside,
    come_back,
    set_aside,
)
from ledger.domain.aggregate import OPERATOR
from ledger.domain.bank_statement import LineState
from ledger.domain.matching_rules import Fact
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.home import Home
from projections.asked import NOW
from projections.bank_accounts import account_list, standings
from projections.bank_balance import balance_at
from projections.bank_lines import LineView, open_items, open_lines
from projections.findings.finding import Severity
from projections.organisations import tree_on
from projections.runner import catch_up
from tests.loading.planting import BankSide, Fault, Planted, plant_folder
from tests.loading.test_loading import load

TEN_TIMES = 30
"""Unions of a folder with ten times the rows of the 2017 campaign; that one has 783."""


@dataclass
class Audited:
    """A ledger into which a folder and its statements were taken as users do."""

    home: Home
    planted: Planted
    accounts: dict[str, UUID]

    def run(self, *words: str) -> str:
        ran = CliRunner().invoke(app, list(words), env={"NUANZHANG_HOME": str(self.home.path)})
        assert ran.exit_code == 0, (words, ran.output, ran.exception)
        return ran.output

    def errors(self, day: date) -> Counter[Fault]:
        with (
            bootstrap.opened(self.home) as ledger,
            catch_up(ledger, self.home.read_models).asking() as model,
        ):
            codes = {key: each.code for key, each in tree_on(model).by_id.items()}
            known = Kept().known(model, ledger, NOW, day)
            return Counter(
                (
                    each.rule,
                    codes[each.organisation_id] if each.organisation_id else None,
                    each.count,
                    each.amount_fen,
                )
                for each in known.findings
                if each.severity is Severity.ERROR
            )


def audit(folder: Path, home: Home, seed: int, unions: int, people: int) -> Audited:
    """Load a folder, take its statements in, match by rules, decide the rest as people do."""
    planted = plant_folder(folder, seed, unions, people)
    load(home, folder)
    audited = Audited(home, planted, {})
    with bootstrap.opened(home) as ledger:
        for each in planted.accounts.values():
            audited.accounts[each.union] = _register(ledger, each)
    for union, account_id in audited.accounts.items():
        for path in planted.accounts[union].files:
            audited.run("bank", "take", str(account_id), str(path))
        audited.run("bank", "match", str(account_id))
    with bootstrap.opened(home) as ledger:
        for union, account_id in audited.accounts.items():
            _decide(home, ledger, account_id, planted.accounts[union])
    _bring_lists(audited)
    return audited


def _register(ledger: Ledger, side: BankSide) -> UUID:
    order = bank_accounts.AccountRegistration(
        side.union,
        "送温暖专户",
        side.number,
        "徽商银行",
        side.bank_format,
        side.begins_on,
        side.opening,
    )
    act = CommandAct(OPERATOR, side.begins_on, bootstrap.now())
    answer = bank_accounts.register_bank_account(ledger, act, order)
    account_id = UUID(answer.result["account_id"])
    bank_accounts.keep_fund(ledger, act, bank_accounts.Keeping(account_id, side.union, "送温暖"))
    return account_id


def _decide(home: Home, ledger: Ledger, account_id: UUID, side: BankSide) -> None:
    """Set fees and interest aside, and take back by its line what came back late."""
    act = CommandAct(OPERATOR, side.closes_on, bootstrap.now())
    with catch_up(ledger, home.read_models).asking() as model:
        [account] = account_list(model, account_id=account_id)
        found = open_lines(model, account_id)
        back = {}
        for line in found:
            named = [
                each
                for each in returnables_for(ledger, model, account, line)
                if Fact.REFERENCE in each.facts
            ]
            if named:
                [back[line.position]] = named
    charges = Counter((each.day.isoformat(), each.amount) for each in side.charges)
    for line in found:
        chosen = LineChosen(line.statement_id, line.line)
        if line.position in back:
            payment = back[line.position].disbursement_id
            come_back(ledger, act, ComingBack(chosen, payment, "RETURNED"))
        elif charges[_said(line)]:
            charges[_said(line)] -= 1
            for state in (LineState.IGNORED, LineState.WRITTEN_OFF):
                set_aside(ledger, act, SettingAside(chosen, state, "手续费、利息"))
    assert not +charges


def _said(line: LineView) -> tuple[str, int]:
    return line.booked_on, line.amount_fen


def _bring_lists(audited: Audited) -> None:
    folder = audited.planted.folder
    dead = "".join(f"{number},{day}\n" for number, day in audited.planted.deceased)
    cards = "".join(f"HC9,{card}\n" for card in audited.planted.staff_cards)
    for kind, text in (
        ("deceased", f"身份证号码,死亡日期\n{dead}"),
        ("staff_accounts", f"工号,银行卡号\n{cards}"),
    ):
        path = folder / f"{kind}.csv"
        path.write_text(text, encoding="utf-8")
        audited.run(
            *("lists", "take", str(path), "--kind", kind, "--organisation", "C9"),
            *("--source", "市民政局", "--listed-on", f"{audited.planted.year}-01-01"),
        )


def check(audited: Audited) -> None:
    """Assert that every account is proved as far as it can be, and what was planted is found."""
    planted = audited.planted
    with (
        bootstrap.opened(audited.home) as ledger,
        catch_up(ledger, audited.home.read_models).asking() as model,
    ):
        for union, account_id in audited.accounts.items():
            side = planted.accounts[union]
            [account] = account_list(model, account_id=account_id)
            open_now = sorted(map(_said, open_lines(model, account_id)))
            assert open_now == sorted((e.day.isoformat(), e.amount) for e in side.unknown), union
            items = open_items(model, account_id, account.begins_on)
            assert sorted((each.booked_on, each.amount_fen) for each in items) == sorted(
                (day.isoformat(), amount) for day, amount in side.open_items
            ), union
            [standing] = standings(model, [account])
            assert standing.proved_to == side.proved_to, union
            balance = balance_at(model, account, side.closes_on)
            assert balance is not None
            held = side.opening + sum(each.amount for each in side.lines)
            assert (balance.difference_fen, balance.figures.bank_fen) == (0, held), union
    assert audited.errors(date(planted.year, 8, 1)) == planted.faults
    left = Counter(("G1", union, 1, fen) for union, fen in planted.surplus_left.items())
    half = Counter(("G1", union, 1, fen) for union, fen in planted.surplus_over_half.items())
    assert audited.errors(date(planted.year + 1, 1, 2)) == planted.faults + half
    assert audited.errors(date(planted.year + 2, 1, 2)) == planted.faults + half + left


@pytest.mark.parametrize("seed", [1, 2])
def test_small_folders_are_proved_to_the_fen_and_show_what_was_planted(
    tmp_path: Path, seed: int
) -> None:
    audited = audit(tmp_path / "folder", Home(tmp_path / "data"), seed, 3, 9)

    check(audited)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "unions", "people"), [*((seed, 6, 15) for seed in range(10, 18)), (101, 34, 120)]
)
def test_more_and_ten_times_larger_folders_are_proved_and_show_what_was_planted(
    tmp_path: Path, seed: int, unions: int, people: int
) -> None:
    """The last has ten times the rows of the 2017 campaign."""
    audited = audit(tmp_path / "folder", Home(tmp_path / "data"), seed, unions, people)

    check(audited)
    if unions > TEN_TIMES:
        assert audited.planted.rows > 10 * 783
        every = {"A3", "A9", "B3", "C2", "C3", "C4", "D3", "F4", "F6", "F7", "G5"}
        assert audited.planted.kinds() == every
