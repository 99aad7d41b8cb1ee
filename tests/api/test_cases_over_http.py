"""Cases over HTTP: a finding that stands is taken up, put right, paid back and closed."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from api.inspection.case_tables import case_tables
from api.inspection.sources import Sources
from projections.organisations import tree_on
from projections.runner import catch_up
from tests.api.service import Service, service_at
from tests.api.staging import refusal
from tests.world import EARMARK, Person, failed, roster_row, settled

ONE = Person(1)
DUE = {"staff_number": "A-X01", "due_on": "2017-06-30"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        world = found.world
        world.receive("X01", 500_000)
        world.file(ONE)
        world.pay("B1", roster_row(1, ONE, 80_000))
        world.answer("B1", settled(1, ONE, 80_000))
        world.answer("B1", failed(1, ONE, 80_000), sha="ee" * 32)
        yield found


def finding(service: Service) -> dict[str, Any]:
    [found] = service.get("J-C01", "/v1/findings", rule="J3")["items"]
    names = ("rule", "organisation_id", "campaign_id", "batch_id", "detail", "year", "position")
    return {name: found[name] for name in names}


def test_a_finding_becomes_a_case_that_is_closed_when_its_money_is_answered_for(
    service: Service,
) -> None:
    form = finding(service)
    taken = service.done("J-C01", "/v1/cases", form, Idempotency_Key="c1")
    again = service.post("J-C01", "/v1/cases", form, Idempotency_Key="c1")
    assert again.headers["idempotency-replayed"] == "true"
    path = f"/v1/cases/{taken['result']['case_id']}"
    payment = service.world.payment_id(ONE)
    [told] = service.get("J-C01", f"/v1/disbursements/{payment}/explanation")["cases"]
    assert (told["rule"], told["stage"]) == ("J3", "opened")
    assert service.get("J-C01", path)["subject"] == form
    assert len(service.get("H-X01", "/v1/cases", unowned=True)["items"]) == 1

    service.done("J-C01", f"{path}/assignments", DUE)
    service.done("J-C01", f"{path}/confirmation", {"ground": "属实"})
    service.done("J-C01", f"{path}/demands", DUE | {"measures": "追回", "recover_fen": 9_000})
    money = {"organisation_code": "X01", "earmark": EARMARK, "document": "收1号", "vintage": 2017}
    service.done("K-X01", f"{path}/recoveries", money | {"amount_fen": 4_000})
    service.done("A-X01", f"{path}/reports", {"report": "已改", "documents": ["ab" * 32]})
    early = service.post("J-C01", f"{path}/closing", {"ground": "核对无误"})
    assert refusal(early) == (409, "case.recovery_open")
    write_off = {"amount_fen": 5_000, "ground": "无法追回"}
    ready = service.done("A-C01", f"{path}/write-offs/preparation", write_off)
    signed = {"write_off": write_off, "signed": service.signed("A-C01", ready)}
    service.done("A-C01", f"{path}/write-offs", signed)
    service.done("J-C01", f"{path}/closing", {"ground": "核对无误"})

    shown = service.get("H-X01", path)
    assert (shown["stage"], shown["open_fen"], shown["recovered_fen"]) == ("closed", 0, 4_000)
    assert [each["code"] for each in shown["attempts"]] == ["case.recovery_open"]
    assert service.get("H-X01", "/v1/cases", live=True)["items"] == []
    assert refusal(service.browser("H-X02").get(path)) == (403, "access.outside_reach")
    service.done("J-C01", f"{path}/reopening", {"ground": "又出现"})
    assert service.get("J-C01", path)["stage"] == "opened"
    service.world.check_log()


def test_who_put_it_right_and_tries_to_close_it_is_found(service: Service) -> None:
    taken = service.done("J-C01", "/v1/cases", finding(service))
    path = f"/v1/cases/{taken['result']['case_id']}"
    service.done("J-C01", f"{path}/assignments", DUE)
    service.done("J-C01", f"{path}/confirmation", {"ground": "属实"})
    service.done("J-C01", f"{path}/demands", DUE | {"measures": "核对"})
    service.done("A-X01", f"{path}/reports", {"report": "已改"})
    own = service.post("A-X01", f"{path}/closing", {"ground": "核对无误"})
    assert refusal(own) == (403, "case.same_person")
    [found] = service.get("J-C01", "/v1/findings", rule="H1")["items"]
    assert (found["detail"], found["organisation_id"]) == (
        "case.same_person",
        finding(service)["organisation_id"],
    )
    before = service.get("J-C01", "/v1/findings", rule="H1", version="1")
    assert before["items"] == [], "version 1 looked at lists alone"
    assert [each["detail"] for each in before["only_now"]] == ["case.same_person"]


def test_what_no_rule_finds_is_no_case(service: Service) -> None:
    before = service.world.ledger.size()
    none = service.post("J-C01", "/v1/cases", finding(service) | {"year": 1999})
    assert refusal(none) == (404, "case.no_such_finding")
    assert service.world.ledger.size() == before


def test_an_inspector_carries_cases_away_with_every_step(service: Service) -> None:
    taken = service.done("J-C01", "/v1/cases", finding(service) | {"note": "见批次 B1"})
    id_ = taken["result"]["case_id"]
    service.done("J-C01", f"/v1/cases/{id_}/assignments", DUE)
    world = service.world
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        tree = tree_on(model)
        end = date(2017, 12, 31)
        of = [
            Sources(world.ledger, model, tree.by_code[code], 2017, end, world.ledger.size() - 1)
            for code in ("C01", "X02")
        ]
        (cases, steps), elsewhere = (
            [list(table.rows) for table in case_tables(each)] for each in of
        )
    assert elsewhere == [[], []]
    [case] = cases
    assert case[:4] == (id_, "J3", "成功后退票", "X01")
    assert case[4:8] == ("核实中", "A-X01", "2017-06-30", 184)
    assert [(step[2], step[4], step[5]) for step in steps] == [
        ("立案", "J-C01", "见批次 B1"),
        ("交办核实", "J-C01", None),
    ]
