"""Every real file of the 2017 campaign reads, and says what the independent reckoning says."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.policy import LimitName
from ledger.files.archive import read_archive
from ledger.files.bank import BankReturn, Lists, Outcome
from ledger.files.banks import read_return
from ledger.files.campaign import read_campaign
from ledger.files.faults import FileRefused
from ledger.files.identity import id_fault
from ledger.files.registers import (
    BatchRow,
    read_allocations,
    read_batches,
    read_funds,
    read_officers,
    read_organisations,
)
from ledger.files.roster import read_roster
from ledger.files.signatures import read_signatures
from tests.files.samples import SCENARIO

BATCHES = read_batches("batches.csv", (SCENARIO / "batches.csv").read_bytes())
RETURNED = [batch for batch in BATCHES if batch.bank_format and batch.return_file]
EXPECTED: dict[str, Any] = json.loads((SCENARIO / "expected.json").read_text("utf-8"))


def _read(name: str) -> bytes:
    return (SCENARIO / name).read_bytes()


def _return(batch: BatchRow) -> BankReturn:
    assert batch.bank_format is not None
    assert batch.return_file is not None
    return read_return(batch.bank_format, batch.return_file, _read(batch.return_file))


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch.code)
def test_each_roster_adds_up_and_keeps_every_row(batch: BatchRow) -> None:
    roster = read_roster(batch.roster, _read(batch.roster))

    assert [row.number for row in roster.rows] == list(range(1, len(roster.rows) + 1))
    assert sum(row.amount_fen or 0 for row in roster.rows) == roster.total_fen
    for row in roster.rows:
        assert row.line > row.number  # a header stands above, and often a title
        assert row.name.strip()


def test_the_rosters_hold_just_the_id_numbers_that_are_expected_to_be_wrong() -> None:
    found = set()
    for batch in BATCHES:
        for row in read_roster(batch.roster, _read(batch.roster)).rows:
            if not row.id_is_text:
                found.add((batch.code, row.number, "id.not_text"))
            elif row.id_number and id_fault(row.id_number, batch.approved_on):
                found.add((batch.code, row.number, "id.invalid"))

    expected = {
        (each["batch"], each["number"], each["code"])
        for each in EXPECTED["refused_rows"]
        if each["code"].startswith("id.")
    }
    assert found == expected


@pytest.mark.parametrize("batch", RETURNED, ids=lambda batch: batch.code)
def test_each_bank_return_agrees_with_its_roster(batch: BatchRow) -> None:
    rows = {row.number: row for row in read_roster(batch.roster, _read(batch.roster)).rows}
    by_card = {row.card_number: row for row in rows.values()}

    content = _return(batch)

    assert content.batch_code in {None, batch.code}
    assert (content.lists is Lists.FAILURES) == (batch.bank_format == "failures-xml")
    for line in content.lines:
        row = rows[line.number] if line.number else by_card[line.account or ""]
        assert (row.card_number, row.name) == (line.account, line.name)
        assert row.amount_fen == line.amount_fen
        assert (line.reason is None) == (line.outcome is Outcome.SETTLED)


def test_the_reasons_of_all_failures_are_those_expected() -> None:
    counted: dict[str, int] = {}
    returned_fen = 0
    for batch in RETURNED:
        for line in _return(batch).lines:
            if line.outcome is Outcome.FAILED and line.reason:
                counted[line.reason] = counted.get(line.reason, 0) + 1
                returned_fen += line.amount_fen or 0

    assert counted == EXPECTED["returned_by_reason"]
    assert returned_fen == EXPECTED["returned_fen"]


@pytest.mark.parametrize(
    "path", sorted((SCENARIO / "signatures").iterdir()), ids=lambda path: path.stem
)
def test_each_signature_names_a_row_of_its_sheet(path: Path) -> None:
    (batch,) = [batch for batch in BATCHES if batch.return_file == f"signatures/{path.name}"]
    rows = {row.number: row for row in read_roster(batch.roster, _read(batch.roster)).rows}

    for signature in read_signatures(path.name, path.read_bytes()).rows:
        assert rows[signature.number].name == signature.signer_name


def test_the_registers_the_archive_and_the_policy_read_without_a_fault() -> None:
    organisations = {row.code for row in read_organisations("o", _read("organisations.csv"))}
    officers = read_officers("o", _read("officers.csv"))
    funds = read_funds("f", _read("funds.csv"))
    allocations = read_allocations("a", _read("allocations.csv"))
    archive = read_archive("a", _read("archive.xlsx"))
    campaign = read_campaign("c", _read("campaign.toml"))

    assert sum(row.amount_fen for row in funds) == EXPECTED["received_fen"]
    assert {row.organisation_code for row in officers} <= organisations
    assert {code for row in allocations for code in (row.from_code, row.to_code)} <= organisations
    assert archive.faults == ()
    assert len(archive.rows) == 400
    assert {row.category for row in archive.rows} <= {each.name for each in campaign.categories}
    assert campaign.fiscal_year == 2017
    assert campaign.categories[1].monthly_income_below_fen == 500_000
    assert {each.confidence for each in campaign.categories} == {"uncertain"}
    assert campaign.surplus_confidence == "stated"


def test_a_policy_may_say_how_much_is_borne_before_it_is_a_doubt() -> None:
    said = _read("campaign.toml") + b"\n[policy.limits]\nagain_days = 30\nidle_share_bp = 10000\n"

    limits = read_campaign("campaign.toml", said).limits
    assert limits == ((LimitName.AGAIN_DAYS, 30), (LimitName.IDLE_SHARE_BP, 10_000))
    for wrong in (b"agian_days = 30", b"again_days = -1", b"idle_share_bp = 10001"):
        with pytest.raises(FileRefused) as refused:
            read_campaign("campaign.toml", _read("campaign.toml") + b"\n[policy.limits]\n" + wrong)
        key = wrong.split()[0].decode()
        assert f"policy.limits.{key}" in str(refused.value)
