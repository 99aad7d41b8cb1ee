"""What an approver wrote off is an approver's to open again, and not who matches'."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.domain.officer import Role
from tests.api.service import EARLY, Service, service_at
from tests.api.staging import refusal
from tests.commands.banking import BEGINS, NUMBER

BOOKED = "2017-01-02"
FILE = f"账号：,{NUMBER}\n何日,多少,剩下,备忘\n{BOOKED},5.00,-5.00,手续费\n".encode()
COLUMNS = {"header_row": "2", "columns": ["day", "debit", "balance", "text"]}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        found.world.appoint_without_key("K-X01", "X01", Role.CASHIER, EARLY)
        yield found


def line_of(service: Service) -> str:
    """Bring a statement of one line; return where acts on that line are asked for."""
    account = {
        "organisation_code": "X01",
        "name": "专户",
        "number": NUMBER,
        "bank_format": "statement-list",
        "begins_on": BEGINS.isoformat(),
        "opening_fen": 0,
    }
    opened = service.done("A-X01", "/v1/bank-accounts", account)["result"]["account_id"]
    path = f"/v1/bank-accounts/{opened}"
    files = {"file": ("s.csv", FILE)}
    taken = service.browser("K-X01").post(f"{path}/statements", data=COLUMNS, files=files)
    assert taken.status_code == 201, taken.text
    [line] = service.get("B-X01", f"{path}/open-lines")["items"]
    assert line["booked_on"] == BOOKED
    return f"{path}/lines/{line['statement_id']}/{line['line']}"


def test_who_matches_does_not_open_what_an_approver_wrote_off(service: Service) -> None:
    line = line_of(service)
    service.done("B-X01", f"{line}/ignoring", {"reason": "银行手续费"})
    service.done("A-X01", f"{line}/writing-off", {"reason": "手续费由本级经费负担"})
    desk = f"/bank/{line.split('/')[3]}"
    size = service.world.ledger.size()

    for staff in ("B-X01", "H-X01"):
        answer = service.post(staff, f"{line}/taking-up", {"reason": "再看"})
        assert refusal(answer) == (403, "duty.role_missing")
        assert "lines/taking-up" not in service.browser(staff).get(desk).text
    assert service.world.ledger.size() == size

    assert "lines/taking-up" in service.browser("A-X01").get(desk).text
    service.done("A-X01", f"{line}/taking-up", {"reason": "改列支出"})
    [opened] = service.get("B-X01", f"{line.split('/lines/')[0]}/open-lines")["items"]
    assert opened["booked_on"] == BOOKED


def test_who_approves_does_not_open_what_a_matcher_set_aside(service: Service) -> None:
    line = line_of(service)
    assert refusal(service.post("A-X01", f"{line}/taking-up", {"reason": "再看"})) == (
        409,
        "bank_line.not_aside",
    )

    service.done("B-X01", f"{line}/ignoring", {"reason": "与本账无关"})

    answer = service.post("A-X01", f"{line}/taking-up", {"reason": "再看"})
    assert refusal(answer) == (403, "duty.role_missing")
    service.done("B-X01", f"{line}/taking-up", {"reason": "再看"})
