"""Days as people write them: of a moment, the day on which it was in China."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from api.web.formats import day
from api.web.language import languages
from api.web.ledger_filter import Filter
from api.web.ledger_table import Reading, ledger_table
from ledger.commands import funds
from projections.disbursements import Question
from projections.movements import Kind
from projections.organisations import tree_on
from projections.runner import catch_up
from projections.turnover import Asked
from tests.world import EARMARK, World


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("2017-03-01T15:59:59.999Z", "2017年3月1日"),
        ("2017-03-01T16:00:00.000Z", "2017年3月2日"),
        ("2017-03-02T00:30:00+08:00", "2017年3月2日"),
        ("2017-03-01", "2017年3月1日"),
    ],
)
def test_a_day_is_that_of_the_moment_in_china(text: str, on: str) -> None:
    assert day(text, "zh") == on


def test_what_is_recorded_at_night_is_of_the_day_that_officers_call_today(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    order = funds.FundReceipt("X01", EARMARK, "地方财政", "拨〔2017〕1号", 2017, 100)
    act = replace(world.act(day=date(2017, 3, 2)), recorded_at="2017-03-01T16:30:00.000Z")
    funds.receive_funds(world.ledger, act, order)

    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = Asked(Question(), frozenset({Kind.RECEIPT}))
        reading = Reading(
            world.ledger, model, tree_on(model), Filter(), asked, world.ledger.size() - 1
        )
        table = ledger_table(reading, languages()["zh"], "http://x/", datetime.now(UTC))
        titles = [each.title for each in table.columns]
        [row] = table.rows

    assert row[titles.index("登记日期")] == "2017-03-02"
    world.check_log()
