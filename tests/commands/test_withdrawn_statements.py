"""An account statement that was taken in by mistake is withdrawn, and its days are open again."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from ledger.commands import bank_matching, bank_statements
from ledger.commands.funds import CorrectedByOneself
from ledger.domain.bank_statement import LineState
from ledger.domain.officer import Role
from ledger.errors import LedgerError
from projections.bank_accounts import StatementView, account_list, reopenings, statement_list
from projections.runner import catch_up, rebuild
from tests.commands.banking import BEGINS, LATER, Bank, entry, statement
from tests.projections.test_findings import found, of
from tests.world import World

HALF, DAY_AFTER = date(2017, 1, 15), date(2017, 1, 16)
OVER = date(2017, 3, 1)


@pytest.fixture
def bank(world: World) -> Bank:
    """Two statements follow each other; the first brought in 5,000 yuan, and 100 went out."""
    world.receive("X01", 500_000)
    bank = Bank(world)
    bank.keep()
    came, went = entry(date(2017, 1, 2), 500_000), entry(date(2017, 1, 4), -10_000)
    bank.take(statement(BEGINS, HALF, 0, came, went))
    bank.take(statement(DAY_AFTER, date(2017, 1, 31), 490_000))
    return bank


def withdraw(bank: Bank, statement_id: UUID, staff: str = "A-X01", reason: str = "错账户") -> None:
    act = replace(bank.world.act(staff, LATER), signed_in=True)
    bank_statements.withdraw_bank_statement(
        bank.world.ledger, act, bank.account_id, statement_id, reason
    )


def statements(bank: Bank) -> list[StatementView]:
    with catch_up(bank.world.ledger, bank.world.home.read_models).asking() as model:
        return statement_list(model, bank.account_id)


def test_its_lines_and_days_are_gone_and_the_same_file_may_come_again(bank: Bank) -> None:
    first, second = statements(bank)
    assert of("F4", found(bank.world, OVER)) != []
    assert bank.standing.chain.up_to == date(2017, 1, 31)

    withdraw(bank, first.statement_id)

    assert bank.lines == []
    assert of("F4", found(bank.world, OVER)) == []
    chain = bank.standing.chain
    assert chain.up_to < BEGINS
    assert chain.broken is not None
    assert chain.broken.next_on == DAY_AFTER
    gone, left = statements(bank)
    assert (gone.statement_id, gone.withdrawn_on) == (first.statement_id, LATER.isoformat())
    assert (left.statement_id, left.withdrawn_on) == (second.statement_id, None)
    with catch_up(bank.world.ledger, bank.world.home.read_models).asking() as model:
        [account] = account_list(model, account_id=bank.account_id)
        assert [(each.what, each.day) for each in reopenings(model, account, 9)] == [
            ("withdrawn", BEGINS.isoformat())
        ]

    came, went = entry(date(2017, 1, 2), 500_000), entry(date(2017, 1, 4), -10_000)
    for _ in range(2):
        answer = bank.take(statement(BEGINS, HALF, 0, came, went))
        assert UUID(answer.result["statement_id"]) != first.statement_id
        assert bank.standing.chain.up_to == date(2017, 1, 31)
        assert len(bank.lines) == 2
        withdraw(bank, UUID(answer.result["statement_id"]))
    anew = rebuild(bank.world.ledger, bank.world.home.read_models)
    with anew.asking() as model:
        assert len(statement_list(model, bank.account_id)) == 4
    assert bank.lines == []
    bank.world.check_log()


def test_what_was_matched_from_it_is_undone_before(bank: Bank) -> None:
    first, _ = statements(bank)
    [line] = [each for each in bank.lines if each.amount_fen > 0]
    match_id = UUID(bank.match([line], bank.items).result["match_id"])
    size = bank.world.ledger.size()

    with pytest.raises(LedgerError) as refused:
        withdraw(bank, first.statement_id)

    assert refused.value.code == "bank_statement.matched"
    assert bank.world.ledger.size() == size
    bank_matching.unmatch(bank.world.ledger, bank.world.act("H-X01", LATER), match_id, "错账户")
    withdraw(bank, first.statement_id)
    assert bank.lines == []
    with pytest.raises(LedgerError) as again:
        withdraw(bank, first.statement_id)
    assert again.value.code == "bank_statement.withdrawn"


def test_what_was_set_aside_of_it_goes_with_it(bank: Bank) -> None:
    first, _ = statements(bank)
    [line] = [each for each in bank.lines if each.amount_fen < 0]
    chosen = bank_matching.LineChosen(line.statement_id, line.line)
    order = bank_matching.SettingAside(chosen, LineState.IGNORED, "手续费")
    bank_matching.set_aside(bank.world.ledger, bank.world.act("H-X01", LATER), order)
    assert [each.detail for each in found(bank.world, OVER) if each.rule == "F4"] == ["set_aside"]

    withdraw(bank, first.statement_id)

    assert of("F4", found(bank.world, OVER)) == []
    with pytest.raises(LedgerError) as refused:
        bank_matching.take_up(bank.world.ledger, bank.world.act("A-X01", LATER), chosen, "再看")
    assert refused.value.code == "bank_line.unknown"


@pytest.mark.parametrize(
    ("staff", "reason", "code"),
    [
        ("H-X01", "错账户", "duty.role_missing"),
        ("A-X01", f"卡号{'6' * 19}", "case.personal_data"),
    ],
)
def test_an_approver_withdraws_it_and_names_nobody(
    bank: Bank, staff: str, reason: str, code: str
) -> None:
    first, _ = statements(bank)

    with pytest.raises(LedgerError) as refused:
        withdraw(bank, first.statement_id, staff, reason)

    assert refused.value.code == code


def test_whoever_took_it_in_does_not_withdraw_it(bank: Bank) -> None:
    first, _ = statements(bank)
    bank.world.appoint_without_key("H-X01", "X01", Role.APPROVER, BEGINS)

    with pytest.raises(CorrectedByOneself):
        withdraw(bank, first.statement_id, "H-X01")


def test_another_accounts_statement_is_not_withdrawn_here(bank: Bank) -> None:
    other = Bank(bank.world, "X02", "1340 0017 0501 00002")
    first, _ = statements(bank)

    act = bank.world.act("A-X02", LATER)

    with pytest.raises(LedgerError) as refused:
        bank_statements.withdraw_bank_statement(
            bank.world.ledger, act, other.account_id, first.statement_id, "错账户"
        )

    assert refused.value.code == "ledger.not_on_record"


def test_what_was_taken_up_of_it_before_opened_no_day(bank: Bank) -> None:
    first, _ = statements(bank)
    [line] = [each for each in bank.lines if each.amount_fen < 0]
    chosen = bank_matching.LineChosen(line.statement_id, line.line)
    act = bank.world.act("H-X01", LATER)
    order = bank_matching.SettingAside(chosen, LineState.IGNORED, "手续费")
    bank_matching.set_aside(bank.world.ledger, act, order)
    bank_matching.take_up(bank.world.ledger, act, chosen, "再看")

    withdraw(bank, first.statement_id)

    with catch_up(bank.world.ledger, bank.world.home.read_models).asking() as model:
        [account] = account_list(model, account_id=bank.account_id)
        assert [each.what for each in reopenings(model, account, 9)] == ["withdrawn"]
