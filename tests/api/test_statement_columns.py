"""A list whose titles no template knows is taken in with its columns named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from ledger.domain.officer import Role
from ledger.files.faults import FileRefused
from tests.api.service import EARLY, Service, service_at

NUMBER = "6222000000000000009"
ODD = f"账号：,{NUMBER}\n何日,多少,剩下,备忘\n2017-01-02,100.00,100.00,利息\n".encode()
NAMED = {"header_row": "2", "columns": ["day", "credit", "balance", "-"]}
ACCOUNT = {
    "organisation_code": "X01",
    "name": "专户",
    "number": NUMBER,
    "bank_format": "statement-list",
    "begins_on": "2017-01-01",
    "opening_fen": 0,
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        found.world.appoint_without_key("K-X01", "X01", Role.CASHIER, EARLY)
        yield found


def test_columns_are_named_over_http(service: Service) -> None:
    opened = service.done("A-X01", "/v1/bank-accounts", ACCOUNT)
    path = f"/v1/bank-accounts/{opened['result']['account_id']}/statements"

    def bring(**form: Any) -> Any:
        files = {"file": ("s.csv", ODD)}
        return service.browser("K-X01").post(path, data=form, files=files)

    assert bring().json()["code"] == "file.column_missing"
    twice = NAMED | {"columns": ["day", "balance", "balance", "-"]}
    assert bring(**twice).json()["code"] == "file.column_twice"
    nonsense = NAMED | {"columns": ["day", "nonsense", "balance"]}
    assert bring(**nonsense).json()["code"] == "value.unknown"
    assert bring(**NAMED | {"header_row": "9"}).json()["code"] == "file.header_missing"
    ahead = NAMED | {"first_day": "2017-01-01", "last_day": "2999-01-31"}
    assert bring(**ahead).json()["code"] == "bank_statement.day_not_come"
    late = NAMED | {"first_day": "2017-01-03"}
    assert bring(**late).json()["code"] == "bank_file.other_days"
    assert bring(**NAMED).json()["result"]["taken"] == 1
    account = f"/v1/bank-accounts/{opened['result']['account_id']}"
    assert service.get("A-X01", account)["standing"]["missing"]["next_on"] == "2017-01-02"
    stated = NAMED | {"first_day": "2017-01-01", "last_day": "2017-01-03"}
    again = bring(**stated).json()["result"]
    assert (again["taken"], again["known"]) == (0, 1)
    standing = service.get("A-X01", account)["standing"]
    assert (standing["covered_to"], standing["missing"]) == ("2017-01-03", None)


def test_columns_are_named_by_hand(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = service.done("A-X01", "/v1/bank-accounts", ACCOUNT)
    home = service.world.home.path
    monkeypatch.setenv("NUANZHANG_HOME", str(home))
    file = home.parent / "s.csv"
    file.write_bytes(ODD)
    words = ["bank", "take", opened["result"]["account_id"], str(file)]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, FileRefused)
    taken = CliRunner().invoke(
        app, [*words, "--header-row", "2", "--columns", "day,credit,balance,-"]
    )
    assert taken.output.startswith("1 lines taken in")
    days = ("--first-day", "2017-01-01", "--last-day", "2017-01-03")
    again = CliRunner().invoke(
        app, [*words, "--header-row", "2", "--columns", "day,credit,balance,-", *days]
    )
    assert again.output.startswith("0 lines taken in, 1 known before")
