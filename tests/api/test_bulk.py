"""Bulk as NDJSON: a result for each line, all of them or those that stand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.service import SYSTEM, Service, service_at
from tests.world import EARMARK

ORGANISATIONS = "/v1/organisations/bulk"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


def union(code: str, parent: str | None) -> dict[str, Any]:
    return {"code": code, "name": f"{code}工会", "kind": "基层", "parent_code": parent}


def bulk(
    service: Service, staff: str, path: str, mode: str, *lines: Any, **headers: str
) -> list[dict[str, Any]]:
    body = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    answer = service.browser(staff).post(
        path,
        params={"mode": mode},
        content=body.encode(),
        headers={"content-type": "application/x-ndjson", **headers},
    )
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def statuses(results: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(each["status"], each["code"]) for each in results]


def test_lines_that_stand_are_taken_and_the_others_say_why(service: Service) -> None:
    results = bulk(
        service,
        SYSTEM,
        ORGANISATIONS,
        "continue_on_error",
        union("N1", "C01"),
        union("X01", "C01"),
        "not json",
        "",
        union("N2", "N1"),
        union("N3", "NOWHERE"),
    )

    assert statuses(results) == [
        ("done", None),
        ("refused", "organisation.known"),
        ("refused", "request.invalid"),
        ("done", None),
        ("refused", "ledger.not_on_record"),
    ]
    assert [each["line"] for each in results] == [1, 2, 3, 4, 5]
    assert service.world.types()[-2:] == ["organisation.registered"] * 2


def test_all_or_nothing_takes_a_parent_of_an_earlier_line(service: Service) -> None:
    size = service.world.ledger.size()
    commits = service.world.ledger.log.select_checkpoint()

    results = bulk(
        service, SYSTEM, ORGANISATIONS, "all_or_nothing", union("N1", "C01"), union("N2", "N1")
    )

    assert statuses(results) == [("done", None), ("done", None)]
    assert {each["last_position"] for each in results} == {size + 1}
    assert commits is not None
    checkpoints = service.world.checkpoint_sizes()
    assert checkpoints[-2:] == [size, size + 2], "one transaction, one checkpoint"


def test_one_refused_line_leaves_nothing_of_the_others(service: Service) -> None:
    size = service.world.ledger.size()

    results = bulk(
        service,
        SYSTEM,
        ORGANISATIONS,
        "all_or_nothing",
        union("N1", "C01"),
        union("X01", "C01"),
        union("N2", "N1"),
    )

    assert statuses(results) == [
        ("not_taken", None),
        ("refused", "organisation.known"),
        ("not_taken", None),
    ]
    assert service.world.ledger.size() == size
    unreadable = bulk(service, SYSTEM, ORGANISATIONS, "all_or_nothing", union("N1", "C01"), "{")
    assert statuses(unreadable) == [("not_taken", None), ("refused", "request.invalid")]
    assert statuses(bulk(service, SYSTEM, ORGANISATIONS, "all_or_nothing", union("N1", "C01"))) == [
        ("done", None)
    ]


def test_a_repetition_under_one_key_is_answered_as_the_first_time(service: Service) -> None:
    receipt = {
        "organisation_code": "C01",
        "earmark": EARMARK,
        "source": "地方财政",
        "document": "拨1号",
        "vintage": 2017,
        "amount_fen": 100,
    }
    for mode in ("all_or_nothing", "continue_on_error"):
        key = {"Idempotency-Key": f"key-{mode}"}
        path = "/v1/appropriations/bulk"
        first = bulk(service, "K-C01", path, mode, receipt, receipt, **key)
        size = service.world.ledger.size()

        assert bulk(service, "K-C01", path, mode, receipt, receipt, **key) == first
        assert service.world.ledger.size() == size
    assert sum(lot.remaining for lot in service.world.fund("C01").live) == 400
    service.world.check_log()


def test_a_line_that_never_ends_is_refused(service: Service) -> None:
    results = bulk(service, SYSTEM, ORGANISATIONS, "continue_on_error", "x" * 100_000)

    assert statuses(results) == [("refused", "bulk.line_too_long")]
