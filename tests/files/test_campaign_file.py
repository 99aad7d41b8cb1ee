"""The campaign and its policy as a TOML file: every value typed, every wrong key named."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.campaign import read_campaign
from ledger.files.faults import FileRefused
from tests.files.samples import refused

TEXT = """
[campaign]
code = "c"
name = "活动"
starts = 2016-12-15
ends = "2017-02-11"
fiscal_year = 2017
motto = "keys that nobody knows are left alone"

[policy]
code = "p"
title = "方案"
effective_from = 2016-12-15

[policy.categories."意外致困职工（未建档）"]
minimum_yuan = 600
maximum_yuan = 1000.5
monthly_income_below_yuan = "5,000"
channel = "签字表"
required_fields = ["身份证号码"]
confidence = "uncertain"

[policy.categories."一线职工"]
channel = "银行卡"
archive_required = true

[policy.surplus]
first_year_minimum_percent = 50
all_within_years = 2

[policy.deadlines]
summary_report = 2017-01-20
confidence = "uncertain"
"""


def test_amounts_may_be_whole_broken_or_text_and_become_fen() -> None:
    campaign = read_campaign("c", TEXT.encode())

    first, second = campaign.categories
    assert first.name == "意外致困职工(未建档)"
    assert (first.minimum_fen, first.maximum_fen) == (60_000, 100_050)
    assert first.monthly_income_below_fen == 500_000
    assert (first.required_fields, first.archive_required) == (("身份证号码",), False)
    assert (first.confidence, second.confidence) == ("uncertain", "stated")
    assert (second.minimum_fen, second.archive_required) == (None, True)
    assert (campaign.starts_on, campaign.ends_on) == (date(2016, 12, 15), date(2017, 2, 11))
    assert (campaign.first_year_minimum_percent, campaign.all_within_years) == (50, 2)
    assert campaign.deadlines == (("summary_report", date(2017, 1, 20)),)
    assert campaign.deadlines_confidence == "uncertain"


@pytest.mark.parametrize(
    ("old", "new", "code", "column"),
    [
        ('code = "c"\n', "", "field.missing", "campaign.code"),
        ('code = "c"\n', "code = 5\n", "campaign.malformed", "campaign.code"),
        ("fiscal_year = 2017", 'fiscal_year = "MMXVII"', "number.invalid", "campaign.fiscal_year"),
        ("starts = 2016-12-15", 'starts = "soon"', "date.invalid", "campaign.starts"),
        ("[policy]", "[policies]", "field.missing", "policy.code"),
        ("minimum_yuan = 600", "minimum_yuan = 600.005", "amount.invalid", None),
        ("minimum_yuan = 600", "minimum_yuan = -1", "amount.invalid", None),
        ("minimum_yuan = 600", "minimum_yuan = nan", "amount.invalid", None),
        ('channel = "签字表"', 'channel = "现金"', "value.unknown", None),
        ("archive_required = true", 'archive_required = "yes"', "campaign.malformed", None),
        ('["身份证号码"]', "[5]", "campaign.malformed", None),
    ],
)
def test_a_wrong_key_is_named(old: str, new: str, code: str, column: str | None) -> None:
    assert old in TEXT

    with pytest.raises(FileRefused) as refusal:
        read_campaign("c", TEXT.replace(old, new, 1).encode())

    assert refusal.value.code == code
    assert column in {None, refusal.value.faults[0].column}


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"[", b"a = " + b"[" * 100_000, b"a = 1" + b"0" * 10_000, "码 = 1".encode("gb18030")],
)
def test_what_is_no_toml_is_refused(data: bytes) -> None:
    with refused("campaign.malformed"):
        read_campaign("c", data)


@given(st.integers(0, len(TEXT.encode())), st.binary(max_size=3))
def test_any_change_is_read_or_refused_with_a_code(at: int, inserted: bytes) -> None:
    data = TEXT.encode()
    changed = data[:at] + inserted + data[at + 1 :]

    try:
        campaign = read_campaign("c", changed)
    except FileRefused:
        return
    assert all(each.minimum_fen is None or each.minimum_fen >= 0 for each in campaign.categories)
