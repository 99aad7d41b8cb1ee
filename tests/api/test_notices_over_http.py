"""Public notices over HTTP: four people's parts in one, and nobody shown more than may hang."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.domain.batch import batch_id
from tests.api.service import Service, service_at
from tests.api.staging import refusal
from tests.world import Person, roster_row

ONE, TWO = Person(1), Person(2)
FORM = {
    "batch_id": str(batch_id("B1")),
    "period_days": 5,
    "shown_days": 3,
    "place": "公告栏",
    "contact": "工会办公室",
    "source": "公示办法",
    "confidence": "stated",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


def test_a_notice_goes_its_way_over_http(service: Service) -> None:
    world = service.world
    world.file(ONE, TWO)
    world.draft("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 70_000))

    put_up = service.done("H-X01", "/v1/notices", FORM, Idempotency_Key="n1")
    again = service.post("H-X01", "/v1/notices", FORM, Idempotency_Key="n1")
    assert again.headers["idempotency-replayed"] == "true"
    path = f"/v1/notices/{put_up['result']['notice_id']}"
    assert refusal(service.post("H-X01", "/v1/notices", FORM)) == (409, "notice.running")
    told = {"text": "有异议", "name": "李四", "row_number": 2}
    assert service.done("H-X01", f"{path}/objections", told)["result"] == {"number": 1}
    objection = f"{path}/objections/1"
    read = service.done("R-X01", f"{objection}/readings", {"reason": "答复"})
    assert (read["name"], read["text"]) == ("李四", "有异议")
    answered = {"upheld": True, "reason": "属实"}
    refused = service.post("H-X01", f"{objection}/answer", answered)
    assert refusal(refused) == (403, "access.post_missing")
    done = service.done("R-X01", f"{objection}/answer", answered)["result"]
    assert done == {"row_number": 2, "row_withdrawn": True}
    assert refusal(service.post("H-X01", f"{path}/closing")) == (409, "notice.period_runs")

    shown = service.get("U-C01", path)
    assert [row["number"] for row in shown["rows"]] == [1]
    assert shown["objections"][0]["upheld"] is True
    [listed] = service.get("U-C01", "/v1/notices", batch_id=FORM["batch_id"])["items"]
    assert listed["notice_id"] == shown["notice_id"]
    assert len(service.get("U-C01", f"{path}/history")["items"]) == 4

    service.done("H-X01", f"{path}/withdrawal", {"reason": "名单有误"})
    assert service.get("U-C01", path)["rows"] == []


def test_no_answer_about_a_notice_holds_what_must_not_hang(service: Service) -> None:
    world = service.world
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    put_up = service.done("H-X01", "/v1/notices", FORM)
    path = f"/v1/notices/{put_up['result']['notice_id']}"

    for address in (path, "/v1/notices", f"{path}/history?envelopes=true"):
        body = service.browser("H-X01").get(address).text
        for word in (ONE.name, ONE.id_number[6:], ONE.phone[-8:], ONE.card[-10:], "大病"):
            assert word not in body, address
